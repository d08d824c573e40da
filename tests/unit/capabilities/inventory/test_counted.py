"""What a count found is told beside what the ledger said of the count's very instant (R9)."""

from collections import Counter
from dataclasses import replace
from random import Random

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


@pytest.mark.parametrize("is_together", [True, False])
async def test_each_of_several_counts_into_the_hub_is_held_against_the_one_before(
    house: House, *, is_together: bool
) -> None:
    facts = [
        counted(1, count(50)),
        moved(6, 6, place(), None),
        counted(20, count(40)),
        moved(25, 3, place(), None),
        counted(30, count(37)),
        counted(10, count(99)),
        counted(40, count(30)),
    ]
    for page in [facts] if is_together else [[one] for one in facts]:
        await house.hear(*page, source=HUB)

    assert await told(house) == [(44, 40, ""), (37, 37, ""), (37, 30, "")]


@pytest.mark.parametrize("is_together", [True, False])
async def test_a_posted_count_knows_nothing_of_one_that_was_said_after_it(
    house: House, *, is_together: bool
) -> None:
    await house.hear(counted(1, count(50)), source=HUB)
    await house.record(adjusted(20, -3))
    if not is_together:
        await house.fold()
    await house.record(counted(30, count(40)), source=HUB)
    if not is_together:
        await house.fold()
    await house.hear(adjusted(35, 2))

    assert sorted(await told(house)) == [(40, 42, ""), (47, 40, ""), (50, 47, "")]
    assert (await house.stock()).available.value == 42


@pytest.mark.parametrize("seed", range(6))
async def test_a_book_is_what_the_ledger_said_of_the_instant_however_the_pages_fall(
    house: House, seed: int
) -> None:
    """R9, of a made-up day: what lay there before the count came, less what is later than it."""
    chance = Random(seed)
    facts, sources, expected = [counted(1, count(900))], [HUB], list[tuple[int, int, str]]()
    lies, moves = 900, list[tuple[int, int]]()
    for number in range(2, 60):
        kind, amount = chance.choice("ppprac"), chance.randint(1, 9)
        seen = chance.randint(max(1, number - 9), number)
        later = sum(net for at, net in moves if at > seen)
        match kind:
            case "c":
                facts.append(counted(number, count(amount + 800)))
                expected.append((lies, amount + 800, ""))
                lies = amount + 800
            case "a":
                facts.append(adjusted(number, amount, seen=seen))
                expected.append((lies - later, lies - later + amount, ""))
            case _:
                ends = (place(), None) if kind == "p" else (None, place())
                facts.append(moved(number, amount, *ends))
        sources.append(HUB if kind == "c" else "wms")
        net = {"p": -amount, "c": 0}.get(kind, amount)
        moves.append((number, net))
        lies += net
    for one, source in zip(facts, sources, strict=True):
        await house.record(one, source=source)
        if chance.random() < 0.2:
            await house.fold()
    await house.fold()

    assert Counter(await told(house)) == Counter(expected)
    assert (await house.stock()).available.value == lies


async def test_a_full_count_into_the_hub_is_none_of_what_it_leaves_out(house: House) -> None:
    await house.hear(counted(1, count(50)), source=HUB)
    await house.hear(
        adjusted(5, -1),
        counted(10, count(7, item="Y"), is_full=True),
        counted(20, count(3)),
        source=HUB,
    )

    assert await told(house) == [(50, 49, ""), (0, 3, "")]


async def test_of_counts_at_one_instant_the_one_before_is_in_the_book_of_the_next(
    house: House,
) -> None:
    await house.hear(counted(1, count(50)))
    first, second = adjusted(20, -3), adjusted(21, 1)
    at = first.occurred_at
    await house.hear(first, replace(second, occurred_at=at, recorded_at=at))

    assert await told(house) == [(50, 47, ""), (47, 48, "")]


@pytest.mark.parametrize("stream", ["", "other"])
async def test_however_much_has_moved_since_all_of_it_is_taken_off(
    house: House, stream: str
) -> None:
    """R9: 700 movements after the counter looked, of the count's own stream or of another."""
    await house.hear(counted(1, count(900)))
    picks = [moved(10 + number, 1, place(), None) for number in range(700)]
    late = [moved(2, 4, place(), None), moved(3, 2, None, place())]
    await house.hear(*[replace(one, stream=stream) for one in (*late, *picks)])
    await house.hear(adjusted(800, -3, seen=5))

    assert await told(house) == [(898, 895, "")]


async def test_a_sequence_places_an_instant_where_the_sources_clock_ran_back(
    house: House,
) -> None:
    """Recorded order decides (R8): what is sequenced before the last of the time was there."""
    await house.hear(counted(1, count(50)))
    await house.hear(moved(6, 6, place(), None))
    ran_back = moved(7, 1, place(), None)
    at = NOON + 4 * SECOND
    await house.hear(replace(ran_back, occurred_at=at, recorded_at=at))
    await house.hear(adjusted(20, -3, seen=5))

    assert await told(house) == [(43, 40, "")]


async def test_what_a_warehouse_says_its_balance_is_is_no_count(house: House) -> None:
    await house.hear(counted(1, count(50)))
    await house.hear(counted(2, count(40)))

    assert await told(house) == []
