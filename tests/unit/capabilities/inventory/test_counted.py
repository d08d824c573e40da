"""What a count found is told beside what the ledger said of the count's very instant (R9)."""

from dataclasses import replace

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import MovementType, StockCounted, StockMoved
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory.facts import HUB
from tests.conftest import NOON
from tests.unit.capabilities.inventory.house import (
    SECOND,
    House,
    count,
    counted,
    fact,
    moved,
    place,
)


def adjusted(number: int, net: int, *, seen: int | None = None, by: str = "") -> Fact:
    """Tell a count that was recorded as `number`, of what was seen so many seconds past noon."""
    payload = StockMoved(
        movement_id=f"M{number}",
        item="X",
        quantity=Quantity.of(abs(net)),
        type=MovementType.COUNT_ADJUST,
        source_place=place() if net <= 0 else None,
        target_place=place() if net > 0 else None,
        moved_by=by,
    )
    told = fact(f"movement:{number}", payload, number)
    return told if seen is None else replace(told, occurred_at=NOON + seen * SECOND)


async def told(house: House) -> list[tuple[int, int, str]]:
    found = [event.payload for event in await house.told(StockCounted)]
    return [
        (int(one.book.value), int(one.counted.value), one.counted_by)
        for one in found
        if isinstance(one, StockCounted)
    ]


async def test_a_count_is_held_against_the_ledger_of_its_instant(house: House) -> None:
    """R9: 47 seen when the ledger said 50, and 6 picked until the count is posted."""
    await house.hear(counted(1, count(50)))
    await house.hear(moved(6, 6, place(), None))
    await house.hear(adjusted(20, -3, seen=5, by="ann"))

    assert await told(house) == [(50, 47, "ann")]
    assert (await house.stock()).available.value == 41


@pytest.mark.parametrize("is_together", [True, False])
async def test_it_does_not_matter_which_page_a_count_comes_in(
    house: House, *, is_together: bool
) -> None:
    facts = [
        counted(1, count(50)),
        moved(6, 6, place(), None),
        adjusted(20, -3, seen=5),
        moved(25, 10, None, place()),
        adjusted(30, 1),
        adjusted(31, 0),
    ]
    if is_together:
        await house.hear(*facts)
    else:
        for one in facts:
            await house.hear(one)

    assert await told(house) == [(50, 47, ""), (51, 52, ""), (52, 52, "")]


async def test_a_count_that_was_in_a_snapshot_already_is_told_as_it_was(house: House) -> None:
    await house.hear(counted(1, count(50)), counted(30, count(40)))
    await house.hear(adjusted(20, -10))

    assert await told(house) == [(50, 40, "")]
    assert (await house.stock()).available.value == 40


async def test_a_count_is_told_once_however_often_its_movement_comes(house: House) -> None:
    await house.hear(counted(1, count(50)))
    await house.hear(adjusted(20, -3))
    await house.hear(adjusted(20, -3))

    assert await told(house) == [(50, 47, "")]


async def test_what_is_counted_into_the_hub_is_a_count_once_the_shelf_is_known(
    house: House,
) -> None:
    await house.hear(counted(1, count(50)), source=HUB)
    await house.hear(moved(6, 6, place(), None))
    await house.hear(counted(20, count(40)), source=HUB)
    await house.hear(counted(10, count(99)), source=HUB)

    assert await told(house) == [(44, 40, "")]


async def test_what_a_warehouse_says_its_balance_is_is_no_count(house: House) -> None:
    await house.hear(counted(1, count(50)))
    await house.hear(counted(2, count(40)))

    assert await told(house) == []
