"""Counts that were taken back, stamped alike, by a clock that is ahead, or refused in turn."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crossdock.canonical.inventory import MovementType, StockMoved
from tests.processes.books import movement
from tests.processes.shelf import TICK, Warehouse, asked_warehouse
from tests.processes.shelf_counts import (
    SHELF,
    costs,
    counts,
    listed,
    matters,
    open_cases,
    withheld,
)


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def posts(
    wms: Warehouse, number: int, net: int, at: datetime, *, by: str, reverses: str = ""
) -> None:
    """Let the warehouse post a count with a stamp of its own, a tick after what was before."""
    await wms.at.clock.advance(TICK)
    ends = (SHELF, None) if net <= 0 else (None, SHELF)
    told = movement(
        number, MovementType.COUNT_ADJUST, f"{abs(net)} EA", ends=ends, at=at,
        recorded_at=wms.at.clock.now(),
    )  # fmt: skip
    assert isinstance(told.payload, StockMoved)
    told = replace(told, payload=replace(told.payload, moved_by=by, reverses_id=reverses))
    for verdict in await wms.at.hub.record([told], source="wms"):
        assert not verdict.reason


async def test_a_count_that_is_taken_back_is_no_second_count(wms: Warehouse) -> None:
    await counts(wms, 901, -20, by="ann")
    await posts(wms, 902, 20, wms.at.clock.now(), by="bob", reverses="901:1")

    assert (await matters(wms), await open_cases(wms)) == (["RECOUNT"], [])


@pytest.mark.parametrize(
    ("by", "told"), [("bob", ["AGREED", "AGREED"]), ("ANN", ["RECOUNT", "RIGHT"])]
)
async def test_of_two_counts_stamped_alike_another_persons_is_the_second(
    wms: Warehouse, by: str, told: list[str]
) -> None:
    at = wms.at.clock.now()
    await posts(wms, 901, -20, at, by="ann")
    await posts(wms, 902, 0, at, by=by)

    assert sorted(await matters(wms)) == told


async def test_a_count_by_a_clock_that_is_ahead_is_settled_all_the_same(wms: Warehouse) -> None:
    await posts(wms, 901, 20, wms.at.clock.now() + timedelta(days=300), by="ann")
    await wms.at.clock.advance(timedelta(hours=1))
    await counts(wms, 902, 0, by="bob")

    assert (await matters(wms), await withheld(wms)) == (["AGREED", "AGREED"], 0)


async def test_who_counted_first_settles_nothing_after_two_refusals(wms: Warehouse) -> None:
    hub = wms.at.hub
    await costs(wms, "A", 1_000)
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 18, by="bob")
    for one in await listed(wms, approval="WAITING"):
        await hub.counts.refuse(hub.scope, one.counted_id, "no", by="carl")

    await counts(wms, 903, 0, by="ann")

    assert (await matters(wms))[-1] == "SAME_PERSON"
