"""Who folds a page locks stock rows, then days, then what is due: each in one order, no more."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Unavailable
from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.capabilities.inventory import inventory_reader
from crossdock.capabilities.inventory.turning import Bounds
from crossdock.foundation.database import Transaction
from tests.conftest import NOON, execute
from tests.unit.capabilities.inventory.house import (
    MAIN,
    House,
    count,
    counted,
    demand,
    moved,
    ordered,
    place,
)
from tests.unit.capabilities.inventory.test_expiring import DAY, day, located, lot, stands
from tests.unit.capabilities.inventory.test_turning import REFUSES_L4, turns

MOMENT = 0.4
"""Seconds: long enough for a fold that waits for nobody."""
X_AT = "select from inventory_stock where tenant = 'main' and location = '{}' for update"


class Allocation:
    """Hears where it is to look again."""

    def __init__(self) -> None:
        self.heard: list[Sequence[tuple[str, str]]] = []

    async def look_again(
        self,
        tx: Transaction,
        keys: Sequence[tuple[str, str]],
        reason: str,
        now: datetime,
        *,
        tenant: str = "",
    ) -> None:
        del tx, reason, now, tenant
        self.heard.append(keys)


async def waits(work: Awaitable[Any]) -> "asyncio.Task[Any]":
    """Begin something that has to wait, and see that it does."""
    begun = asyncio.ensure_future(work)
    await asyncio.sleep(MOMENT)
    assert not begun.done()
    return begun


async def test_a_lot_that_is_told_again_as_it_was_waits_for_no_stock(house: House) -> None:
    await house.hear(lot("L1", day(9)), counted(1, count(5, lot="L1")))
    await house.record(lot("L1", day(9), 2))

    async with house.database.transaction(MAIN) as tx:
        await tx.execute(X_AT.format("DC1"))
        async with asyncio.timeout(10):
            await house.fold()

    await house.hear(lot("L1", day(-1), 3))
    assert await stands(house) == (0, 5, 0)


async def test_stock_rows_are_locked_in_one_order_where_a_group_changes_too(
    house: House,
) -> None:
    await house.hear(counted(1, count(5)), counted(2, count(7), location="DC2"))
    east = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC2",))
    await house.record(Fact(identity="east", payload=east, occurred_at=NOON))
    await house.record(moved(3, 1, place(), None))

    async with house.database.transaction(MAIN) as holder:
        await holder.execute(X_AT.format("DC1"))
        folding = await waits(house.fold())
        async with house.database.transaction(MAIN) as other:
            await other.execute(X_AT.format("DC2") + " nowait")
    await folding

    assert await stands(house) == (4, 0, 4)
    assert (await house.stock(location="EAST")).figures.nettable > 0


async def test_days_are_locked_before_allocation_looks_again(house: House) -> None:
    await house.hear(
        located("DC1", "UTC"), located("DC2", "UTC"), lot("L1", day(9)),
        counted(1, count(5, lot="L1")),
    )  # fmt: skip
    allocation = Allocation()
    house.reader = inventory_reader(house.clock, allocation)  # type: ignore[arg-type]  # a stand-in that has what is asked of it
    await house.record(lot("L1", day(-1), 2), located("DC2", "Europe/Berlin", 3))

    async with house.database.transaction(MAIN) as holder:
        await holder.execute(
            "select from inventory_day where tenant = 'main' and location = 'DC2' for share"
        )
        folding = await waits(house.fold())
        assert allocation.heard == []
    await folding

    assert allocation.heard == [[("X", "DC1")]]
    assert await stands(house) == (0, 5, 0)


async def test_the_log_is_not_compared_while_a_day_is_turning(house: House, dsn: str) -> None:
    await house.hear(lot("L1", day(0)), lot("L4", day(0)))
    await house.hear(counted(1, count(5, lot="L1"), count(5, lot="L4")))
    await execute(dsn, REFUSES_L4)
    await house.clock.advance(DAY)
    with suppress(Exception):
        await turns(house, Bounds(step=1)).turn(limit=9)

    with pytest.raises(Unavailable, match="the day is turning at DC1"):
        await house.inventory.upkeep.replayed_hash(MAIN)


async def threads(house: House) -> list[str]:
    return [event.fact.correlation_id for event in await house.told(AvailabilityChanged)]


async def test_what_a_word_about_a_lot_changes_goes_on_in_its_thread(house: House) -> None:
    await house.hear(lot("L1", day(9)), counted(1, count(5, lot="L1"), count(3, item="Y")))
    recall = replace(lot("L1", day(-1), 2), correlation_id="QA-1")
    other = replace(moved(2, 1, None, place(), item="Y"), correlation_id="GR-1")
    await house.record(recall, other)
    await house.fold()

    assert sorted((await threads(house))[-2:]) == ["GR-1", "QA-1"]


async def test_an_order_that_is_told_again_as_it_was_is_no_cause(house: House) -> None:
    await house.hear(counted(1, count(50)), ordered("O", 1, demand("O/1", 6)))
    pick = replace(moved(2, 9, place(), None), correlation_id="A")
    again = replace(ordered("O", 2, demand("O/1", 6)), correlation_id="B")
    await house.record(pick)
    await house.record(again)
    await house.fold()

    assert (await threads(house))[-1] == "A"
