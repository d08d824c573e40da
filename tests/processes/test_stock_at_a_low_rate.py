"""A keeper that is asked at Tryton's rate: a question is twelve requests of five a second."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.reconciliation import (
    Asked,
    Brake,
    Line,
    Parts,
    Rules,
    Said,
    instant_of,
)
from tests.conftest import NOON
from tests.processes.shelf import TICK, Warehouse, asked_warehouse

PLACES = ("DC1", "DC2")


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path, rate=5.0, requests=12) as warehouse:
        yield warehouse


async def test_one_question_is_asked_to_compare_and_to_record_its_answer(wms: Warehouse) -> None:
    hub = wms.at.hub
    wms.shelf.levels["BOLT"] = 93
    await wms.at.clock.advance(TICK)

    done = await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["BOLT"], by="ann", take=True)
    await hub.settle()

    assert wms.shelf.asked == [["BOLT"]]
    assert (done.run.suspected, done.taken, await wms.on_hand()) == (1, 1, 93)


async def stocked_at_dc2(wms: Warehouse) -> None:
    hub, now = wms.at.hub, wms.at.clock.now()
    known = LocationChanged(code="DC2")
    line = CountedStock(item="BOLT", quantity=Quantity.of(100))
    taken = StockSnapshotTaken(snapshot_id="S2", location="DC2", lines=(line,), is_full=True)
    await hub.record(
        [
            Fact(identity="DC2", payload=known, occurred_at=NOON, native_ref="DC2", version=1),
            Fact(identity="s2", payload=taken, occurred_at=now, recorded_at=now),
        ],
        source="wms",
    )
    await hub.authority.set_keeper(hub.scope, "DC2", "wms", by="test")


async def dumped(wms: Warehouse, level: int) -> None:
    """Let the warehouse dump what lies at both places."""
    hub = wms.at.hub
    as_of = instant_of(hub.clock.now().isoformat())
    lines = [
        Line(place, "BOLT", "AVAILABLE", "", "", "", level * MICROS, "", as_of) for place in PLACES
    ]
    said = Said(lines=lines, parts=Parts())
    asked = Asked(against="wms", by="test", said=lambda _: said)
    await hub.reconciliation.compare(hub.scope, asked)


async def followed(wms: Warehouse) -> None:
    """Let the job do its work, however long it waits."""
    work = asyncio.create_task(wms.at.hub.stock_sampler.follow())
    for _ in range(2_000):
        await asyncio.wait([work], timeout=0.01)
        if work.done():
            break
        await wms.at.clock.advance(timedelta(seconds=0.2))
    await work


async def test_the_second_location_of_a_connection_is_taken_as_well(wms: Warehouse) -> None:
    await stocked_at_dc2(wms)
    bold = Rules(brake=Brake(keys_mille=1000))
    await wms.at.hub.reconciliation.put_rules(wms.at.hub.scope, bold, by="ann")
    wms.shelf.levels["BOLT"] = 93
    for number in (700, 701):
        await wms.at.clock.advance(TICK)
        await wms.moves(number)
        await dumped(wms, 93)

    await wms.at.clock.advance(TICK)
    await followed(wms)
    await wms.at.hub.settle()

    held = [await wms.at.hub.availability("BOLT", place) for place in PLACES]
    assert [int(one.available.value) for one in held] == [93, 93]
