"""From a real difference to the task of a count, and by the count back to the ledger."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.canonical.inventory import MovementType, Place
from crossdock.canonical.reconciliation import CountTaskChanged
from crossdock.capabilities.inventory import LedgerAtCut
from crossdock.capabilities.reconciliation import CountReason
from crossdock.capabilities.reconciliation.counting import proposals
from crossdock.capabilities.reconciliation.triggers import RESTS
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from tests.processes.books import movement
from tests.processes.shelf import (
    TICK,
    Warehouse,
    asked_warehouse,
    connect_items,
    erp_confirms,
    erp_says,
)

SHELF = Place(location="DC1")


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def counts(wms: Warehouse, number: int, quantity: int) -> None:
    """Let the warehouse post what a counter found: so much less than was booked."""
    now = wms.at.clock.now()
    told = movement(
        number, MovementType.COUNT_ADJUST, f"{quantity} EA", ends=(SHELF, None), at=now,
        recorded_at=now,
    )  # fmt: skip
    for verdict in await wms.at.hub.record([told], source="wms"):
        assert not verdict.reason


async def told(wms: Warehouse) -> list[tuple[str, str, str]]:
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=5_000)
    changed = [one.payload for one in events if isinstance(one.payload, CountTaskChanged)]
    return [(one.item, one.status, one.reason) for one in changed]


async def test_a_difference_is_counted_and_the_count_mends_it_and_is_not_asked_for_again(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    assert (await erp_confirms(wms, 900, BOLT=90)).confirmed == 1
    await hub.count_tasks.follow()
    [task] = await hub.count_tasks.listed(hub.scope)

    await wms.at.clock.advance(TICK)
    await counts(wms, 910, 10)
    await hub.settle()
    await hub.count_tasks.follow()
    await wms.at.clock.advance(TICK)
    await wms.moves(911)
    again = await erp_says(wms, BOLT=90)
    await wms.at.clock.advance(RESTS)
    await hub.count_tasks.follow()

    assert (task.item, task.reason) == ("BOLT", "DIFFERENCE")
    assert (again.alike, again.gone) == (1, 1)
    assert await told(wms) == [
        ("BOLT", "PROPOSED", "DIFFERENCE"),
        ("BOLT", "DONE", "DIFFERENCE"),
        ("BOLT", "PROPOSED", "RECOUNT"),
    ]
    assert [one.reason for one in await hub.count_tasks.listed(hub.scope)] == ["RECOUNT"]


async def test_a_count_that_finds_the_shelf_right_ends_its_task_for_a_day(
    wms: Warehouse,
) -> None:
    """The ERP is wrong, and stays so: the shelf is counted again tomorrow, not today."""
    hub = wms.at.hub
    await erp_confirms(wms, 900, BOLT=90)
    await hub.count_tasks.follow()

    await wms.at.clock.advance(TICK)
    await counts(wms, 910, 0)
    await hub.settle()
    await hub.count_tasks.follow()
    await hub.count_tasks.follow()
    assert await wms.on_hand() == 100
    await wms.at.clock.advance(RESTS)
    await hub.count_tasks.follow()

    assert [status for _, status, _ in await told(wms)] == ["PROPOSED", "DONE", "PROPOSED"]


async def test_what_agrees_again_need_not_be_counted(wms: Warehouse) -> None:
    hub = wms.at.hub
    await erp_confirms(wms, 900, BOLT=90)
    await hub.count_tasks.follow()

    await wms.at.clock.advance(TICK)
    await wms.moves(910)
    await erp_says(wms, BOLT=100)
    await hub.count_tasks.follow()

    assert [status for _, status, _ in await told(wms)] == ["PROPOSED", "WITHDRAWN"]


async def test_what_was_told_is_found_however_many_others_are_more_urgent(
    wms: Warehouse,
) -> None:
    names = [f"ITEM-{number:03}" for number in range(3)]
    await connect_items(wms, names)
    await erp_confirms(wms, 900, **dict.fromkeys(names, 50))
    scope, now = wms.at.hub.scope, wms.at.clock.now()

    async with wms.at.hub.database.transaction(scope) as tx:
        [first] = await proposals(tx, now, LedgerAtCut(), location="", limit=1)
        rest = {("DC1", name) for name in names} - {(first.location, first.item)}
        both = await proposals(tx, now, LedgerAtCut(), location="", limit=1, told=rest)

    assert {one.item for one in both} == set(names)


async def test_a_shelf_that_was_found_empty_is_counted_on_demand(wms: Warehouse) -> None:
    """It agrees with every book, so no comparison would ever propose it (§4.2)."""
    hub = wms.at.hub
    asked = await hub.count_tasks.ask(hub.scope, "BOLT", "DC1", CountReason.EMPTY_SHELF)
    await wms.at.clock.advance(TICK)
    await hub.count_tasks.follow()
    [task] = await hub.count_tasks.listed(hub.scope)
    assert task == asked

    await counts(wms, 910, 100)
    await hub.settle()
    await hub.count_tasks.follow()

    assert await told(wms) == [
        ("BOLT", "PROPOSED", "EMPTY_SHELF"),
        ("BOLT", "DONE", "EMPTY_SHELF"),
        ("BOLT", "PROPOSED", "RECOUNT"),
    ]
    assert await wms.on_hand() == 0
