"""What is released to the warehouse and not picked yet, on a real database: no run touches it."""

from dataclasses import replace
from typing import Any

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.orders import DemandLine
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.allocation import Applies
from crossdock.foundation import readers
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_runs import changes, of, two_orders
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place

WIN, GAIN, IMPROVE, REDISTRIBUTE, FILL, LOSE, SKIP = Strategy


def handed(ref: str, quantity: int, released: int | None, **rest: Any) -> DemandLine:
    """Make an order line of which so much was handed to the warehouse so far."""
    told = None if released is None else Quantity.of(released)
    return replace(demand(ref, quantity, **rest), released=told)


async def released(floor: Floor, location: str = "DC1") -> dict[str, int]:
    found = await floor.allocation.lines(MAIN, "X", location)
    return {one.demand_ref: one.released // MICROS for one in found}


@pytest.mark.parametrize("strategy", [LOSE, FILL, REDISTRIBUTE])
async def test_what_is_released_and_not_picked_is_never_touched(
    floor: Floor, strategy: Strategy
) -> None:
    await two_orders(floor)
    await floor.applied()
    await floor.hear(of("web", "W", 2, handed("W/1", 8, 5)))
    await floor.rule("web", strategy)
    await floor.rule("key", WIN)
    await floor.hear(of("key", "K", 2, demand("K/1", 5)))

    run = await floor.applied()

    assert changes(run) == {"K/1": (2, 5), "W/1": (8, 5)}
    assert [one.released // MICROS for one in run.lines] == [0, 5]
    assert await floor.confirmed() == {"K/1": 5, "W/1": 5}


async def test_who_must_be_served_does_not_get_what_is_released(floor: Floor) -> None:
    await two_orders(floor)
    await floor.applied()
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(of("web", "W", 2, handed("W/1", 8, 5)))
    await floor.rule("web", LOSE)
    await floor.rule("key", WIN)
    await floor.work()

    assert (await floor.runs())[-1] == ("REFUSED", "RULES", 0, 0)
    assert await floor.confirmed() == {"K/1": 2, "W/1": 8}


async def test_a_pick_is_of_what_is_released_first(floor: Floor) -> None:
    await two_orders(floor)
    await floor.applied()
    await floor.hear(of("web", "W", 2, handed("W/1", 8, 5)))
    assert await released(floor) == {"W/1": 5, "K/1": 0}

    await floor.hear(moved(2, 3, place(), None, demand_ref="W/1"))
    assert await released(floor) == {"W/1": 2, "K/1": 0}
    await floor.rule("web", LOSE)
    assert changes(await floor.applied()) == {"K/1": (2, 5), "W/1": (5, 2)}


async def test_what_is_released_counts_as_confirmed_before_any_run(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)), of("web", "W", 1, handed("W/1", 8, 6)))

    assert await floor.confirmed() == {"W/1": 6}


async def test_a_shortage_takes_from_what_is_not_released(floor: Floor) -> None:
    await two_orders(floor, 16)
    await floor.applied()
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(of("key", "K", 2, handed("K/1", 8, 6), minute=1))
    await floor.hear(moved(2, 9, place(), None))

    assert await floor.work() == {"W/1": 1, "K/1": 6}


async def test_what_a_version_does_not_say_is_as_it_was_and_zero_takes_it_back(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(10)), of("web", "W", 1, handed("W/1", 8, 6)))
    await floor.hear(of("web", "W", 2, handed("W/1", 7, None)))
    assert await released(floor) == {"W/1": 6}

    await floor.hear(of("web", "W", 3, handed("W/1", 7, 0)))
    assert await released(floor) == {"W/1": 0}
    await floor.hear(
        of("web", "W", 5, handed("W/1", 7, None)), of("web", "W", 4, handed("W/1", 7, 3))
    )
    assert await released(floor) == {"W/1": 3}


# Versions with where the line claims and what each says is released (None: nothing), in the order
# in which they are heard.
HEARD = {
    "a late word is older than what was said": (
        [(5, "DC1", 5), (3, "DC1", 2), (6, "DC1", None)], 5,
    ),
    "a late word is newer than what was said": (
        [(3, "DC1", 0), (5, "DC1", None), (4, "DC1", 3)], 3,
    ),
    "the line was elsewhere in between": (
        [(1, "DC1", 6), (2, "DC2", None), (3, "DC1", None)], 0,
    ),
    "it is heard late that the line was elsewhere": (
        [(1, "DC1", 6), (3, "DC1", None), (2, "DC2", 4)], 0,
    ),
    "a late word is of before the line came back": (
        [(3, "DC2", None), (4, "DC1", None), (2, "DC1", 6)], 0,
    ),
    "a late word is of after the line came back": (
        [(3, "DC2", None), (5, "DC1", None), (4, "DC1", 2)], 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("is_in_one_page", [True, False], ids=["one page", "page by page"])
@pytest.mark.parametrize("heard", HEARD)
async def test_the_newest_word_of_the_same_place_holds_however_late(
    floor: Floor, heard: str, *, is_in_one_page: bool
) -> None:
    told, left = HEARD[heard]
    facts = [of("web", "W", n, handed("W/1", 8, had, location=at)) for n, at, had in told]
    for page in [facts] if is_in_one_page else [[fact] for fact in facts]:
        await floor.hear(*page)

    assert await released(floor) == {"W/1": left}


async def test_what_was_released_elsewhere_is_not_released_here(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)), of("web", "W", 1, handed("W/1", 8, 6)))
    await floor.hear(of("web", "W", 2, handed("W/1", 8, None, location="DC2")))
    assert await released(floor, "DC2") == {"W/1": 0}

    await floor.hear(
        of("web", "V", 1, handed("V/1", 8, 6)),
        of("web", "V", 2, handed("V/1", 8, None, location="DC2")),
    )
    assert await released(floor, "DC2") == {"W/1": 0, "V/1": 0}


async def test_what_is_released_is_counted_in_the_base_unit(floor: Floor) -> None:
    line = replace(
        demand("W/1", 3), ordered=Quantity.of(3, "CS"), cancelled=Quantity.of(0, "CS"),
        base_ordered=Quantity.of(36), base_cancelled=Quantity.of(0),
        released=Quantity.of(1, "CS"), base_released=Quantity.of(12),
    )  # fmt: skip
    await floor.hear(counted(1, count(30)), of("web", "W", 1, line))

    assert await released(floor) == {"W/1": 12}
    assert await floor.confirmed() == {"W/1": 12}


async def test_what_was_released_of_an_order_that_is_cancelled_waits_like_anybody_after_it(
    floor: Floor,
) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(counted(1, count(10)), of("web", "W", 1, handed("W/1", 8, 6)))
    assert await floor.work() == {"W/1": 8}
    await floor.hear(of("web", "W", 2, handed("W/1", 8, None, cancelled=8)))
    await floor.work()
    await floor.hear(of("key", "K", 1, demand("K/1", 8), minute=1))
    assert await floor.work() == {"K/1": 8}

    await floor.hear(of("web", "W", 3, handed("W/1", 8, None)))

    assert await released(floor) == {"K/1": 0, "W/1": 0}
    assert await floor.work() == {"K/1": 8, "W/1": 2}


async def test_what_is_released_by_a_version_that_stock_has_not_heard_of_stays(
    floor: Floor,
) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(counted(1, count(8)), of("web", "W", 1, demand("W/1", 8)))
    assert await floor.work() == {"W/1": 8}
    await floor.hear(moved(2, 8, place(), None, demand_ref="W/1"))
    await floor.hear(of("key", "K", 1, demand("K/1", 5), minute=1), moved(3, 3, None, place()))
    await floor.record(of("web", "W", 2, handed("W/1", 14, 14)))
    await readers.catch_up(floor.database, floor.allocating.reader, floor.clock)

    assert (await floor.work())["K/1"] == 3
    await floor.fold()

    assert await released(floor) == {"W/1": 6, "K/1": 0}
