"""Kits by plain reservation, through a whole hub: held with their parts, once (§1.2, §3.4)."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import (
    MovementType,
    Place,
    ReservationKind,
    StockMoved,
    StockStatus,
)
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import (
    Reservation,
    ReservationLine,
    ReservationRequest,
)
from crossdock.capabilities.supply import AtpRule, PlacedRule, PromiseAsked, Question
from crossdock.foundation.clock import VirtualClock
from tests.processes.test_kits_shown import Bench, opened

Asked = tuple[str, int] | tuple[str, int, str]


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def reserve(
    bench: Bench,
    *asked: Asked,
    at: str = "DC1",
    name: str = "",
    partial: bool = False,
    hard: bool = False,
) -> Reservation:
    """Ask for pieces of items, each for an order line or none."""
    lines = tuple(ReservationLine(item, at, pieces * MICROS, *ref) for item, pieces, *ref in asked)
    bench.told += 1
    request = ReservationRequest(
        name or f"r{bench.told}",
        lines,
        ReservationKind.HARD if hard else ReservationKind.SOFT,
        allow_partial=partial,
    )
    made = await bench.hub.inventory.reserve(bench.hub.scope, "shop", request)
    await bench.hub.inventory.upkeep.tell()
    return made


def held(made: Reservation) -> list[tuple[str, int, int]]:
    """Give the item, the pieces granted and those still held of each line, parts behind."""
    return [
        (one.item, one.granted // MICROS, one.remaining // MICROS)
        for one in (*made.lines, *made.parts)
    ]


async def free(bench: Bench, *items: str, at: str = "DC1") -> list[int]:
    """Say how many of each can be reserved there."""
    found = await bench.hub.inventory.availability(bench.hub.scope, [(one, at) for one in items])
    return [int(one.available.value) for one in found]


async def claimed(bench: Bench, *items: str, at: str = "DC1") -> list[int]:
    """Say how many of each are promised there, hard and soft."""
    found = await bench.hub.inventory.availability(bench.hub.scope, [(one, at) for one in items])
    return [(one.figures.hard + one.figures.soft) // MICROS for one in found]


def line(ref: str, item: str, pieces: int, cancelled: int = 0) -> DemandLine:
    return DemandLine(
        demand_ref=ref, item=item, location="DC1",
        ordered=Quantity.of(pieces), cancelled=Quantity.of(cancelled),
    )  # fmt: skip


async def ordered(bench: Bench, *lines: DemandLine, order: str = "o1") -> None:
    await bench.hear(OrderChanged(order_id=order, lines=lines), "shop")


async def moved(
    bench: Bench, kind: MovementType, item: str, pieces: int, ref: str, *, comes: bool = False
) -> None:
    await bench.clock.advance(timedelta(seconds=1))
    bench.told += 1
    here = Place(location="DC1", status=StockStatus.AVAILABLE)
    await bench.hear(
        StockMoved(
            movement_id=f"m{bench.told}",
            type=kind,
            item=item,
            quantity=Quantity.of(pieces),
            source_place=None if comes else here,
            target_place=here if comes else None,
            demand_ref=ref,
        ),
        "wms",
    )


async def test_a30_two_reserved_p_hold_two_x_and_leave_three_x_and_one_q(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5)

    made = await reserve(bench, ("P", 2))

    assert held(made) == [("P", 2, 2), ("X", 2, 2)]
    assert made.is_granted
    assert await free(bench, "X") == [3]
    assert held(await reserve(bench, ("Q", 2), partial=True)) == [("Q", 1, 1), ("X", 2, 2)]


async def test_a11_28_kits_are_reserved_of_50_a_33_b_100_c_and_three_assembled(
    bench: Bench,
) -> None:
    await bench.kit("K", A=2, B=1, C=4)
    await bench.count(A=50, B=33, C=100, K=3)

    assert str((await reserve(bench, ("K", 29))).status) == "DENIED"
    made = await reserve(bench, ("K", 28))

    assert held(made) == [("K", 28, 28), ("A", 50, 50), ("B", 25, 25), ("C", 100, 100)]
    assert await free(bench, "K", "A", "B", "C") == [0, 0, 8, 0]


async def test_lines_that_share_a_part_count_it_once_and_all_are_granted_or_none(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5, Z=1)

    refused = await reserve(bench, ("P", 2), ("Q", 1), ("X", 2), ("Z", 1))
    assert not any(pieces for _, pieces, _ in held(refused))
    assert await free(bench, "X", "Z") == [5, 1]

    made = await reserve(bench, ("P", 2), ("Q", 1), ("X", 1), ("Z", 1))
    assert held(made)[:4] == [("P", 2, 2), ("Q", 1, 1), ("X", 1, 1), ("Z", 1, 1)]
    assert await free(bench, "X", "Z") == [0, 0]


async def test_in_part_the_lines_get_whole_kits_in_their_order(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=4)

    made = await reserve(bench, ("P", 1), ("Q", 9), ("X", 5), partial=True)

    assert held(made)[:3] == [("P", 1, 1), ("Q", 1, 1), ("X", 1, 1)]
    explained = await bench.hub.inventory.explain(bench.hub.scope, made.reservation_id)
    assert explained.is_reproduced


async def test_a_kit_of_kits_takes_what_lies_there_of_each_level_first(bench: Bench) -> None:
    await bench.kit("K", S=2, A=1)
    await bench.kit("S", X=3, A=1)
    await bench.count(K=1, S=1, A=9, X=9)

    made = await reserve(bench, ("K", 3))

    # One lies there; two take 4 S, of which one lies there; three S take 9 X and 3 A beside.
    assert held(made)[0] == ("K", 3, 3)
    assert sorted(held(made)[1:]) == [("A", 5, 5), ("S", 1, 1), ("X", 9, 9)]
    assert await free(bench, "K", "S", "A", "X") == [0, 0, 4, 0]
    explained = await bench.hub.inventory.explain(bench.hub.scope, made.reservation_id)
    assert explained.is_reproduced
    assert next(one.made // MICROS for one in explained.lines) == 2


async def test_the_same_request_gets_the_same_answer_and_the_recipe_of_then(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5, Z=5)
    made = await reserve(bench, ("P", 2), name="once")

    await bench.clock.advance(timedelta(seconds=2))
    await bench.kit("P", Z=1)

    again = await reserve(bench, ("P", 2), name="once")
    assert again.is_repeat
    assert (again.lines, again.parts) == (made.lines, made.parts)
    assert held(await reserve(bench, ("P", 2))) == [("P", 2, 2), ("Z", 2, 2)]


async def test_release_gives_kit_and_parts_back(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5, P=1)
    made = await reserve(bench, ("P", 3))
    assert await free(bench, "P", "X") == [0, 3]

    over = await bench.hub.inventory.release(bench.hub.scope, made.reservation_id)

    assert str(over.status) == "RELEASED"
    assert await free(bench, "P", "X") == [1, 5]


async def test_a22_a_kit_and_its_parts_lapse_together_and_come_back_together_or_not_at_all(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=2)
    made = await reserve(bench, ("P", 2))
    await bench.clock.advance(timedelta(seconds=900))
    assert await free(bench, "X") == [2]
    other = await reserve(bench, ("X", 1))

    with pytest.raises(Rejected, match="promised to others"):
        await bench.hub.inventory.confirm(bench.hub.scope, made.reservation_id)
    await bench.hub.inventory.release(bench.hub.scope, other.reservation_id)
    hard = await bench.hub.inventory.confirm(bench.hub.scope, made.reservation_id)

    assert (hard.kind, hard.expires_at) == (ReservationKind.HARD, None)
    assert all(one.is_hard for one in (*hard.lines, *hard.parts))
    assert await claimed(bench, "P", "X") == [0, 2]


async def test_extending_a_kit_extends_its_parts(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=2)
    made = await reserve(bench, ("P", 2))
    longer = await bench.hub.inventory.extend(bench.hub.scope, made.reservation_id, 3_600)
    await bench.clock.advance(timedelta(seconds=1_800))
    assert longer.lines[0].expires_at == longer.parts[0].expires_at
    assert await free(bench, "X") == [0]


async def test_kits_are_consumed_those_assembled_first_and_then_with_their_parts(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=9, P=1)
    made = await reserve(bench, ("P", 3), hard=True)
    name = made.reservation_id

    one = await bench.hub.inventory.consume(bench.hub.scope, name, {1: MICROS})
    assert held(one) == [("P", 3, 2), ("X", 4, 4)]
    two = await bench.hub.inventory.consume(bench.hub.scope, name, {1: 2 * MICROS})
    assert held(two) == [("P", 3, 1), ("X", 4, 2)]
    assert held(await bench.hub.inventory.consume(bench.hub.scope, name, {1: MICROS})) == held(two)
    with pytest.raises(Rejected, match="cannot have gone out"):
        await bench.hub.inventory.consume(bench.hub.scope, name, {1: 4 * MICROS})
    over = await bench.hub.inventory.consume(bench.hub.scope, name)
    assert str(over.status) == "CONSUMED"
    assert await claimed(bench, "P", "X") == [0, 0]


async def test_parts_that_are_told_as_gone_consume_the_kit(bench: Bench) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=4)
    made = await reserve(bench, ("P", 2), hard=True)

    half = await bench.hub.inventory.consume(bench.hub.scope, made.reservation_id, {2: 2 * MICROS})
    assert held(half) == [("P", 2, 1), ("X", 4, 2)]
    over = await bench.hub.inventory.consume(bench.hub.scope, made.reservation_id, {2: 4 * MICROS})
    assert (str(over.status), await claimed(bench, "X")) == ("CONSUMED", [0])


async def test_a_kit_reserved_at_a_group_moves_to_a_node_with_its_parts_or_stays(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1, Z=1)
    await bench.count("DC1", X=2, Z=1)
    await bench.count("DC2", X=1, Z=2)

    # One can be put together in each building, never three across both.
    assert str((await reserve(bench, ("P", 3), at="EAST")).status) == "DENIED"
    first = await reserve(bench, ("P", 1), at="EAST")
    assert first.is_granted
    assert (await reserve(bench, ("P", 1), at="EAST")).is_granted
    assert str((await reserve(bench, ("P", 1), at="EAST")).status) == "DENIED"

    moved_to = await bench.hub.inventory.transfer(bench.hub.scope, first.reservation_id, "DC1")
    assert {one.location for one in (*moved_to.lines, *moved_to.parts)} == {"DC1"}
    assert await free(bench, "X", "Z") == [1, 0]
    with pytest.raises(Rejected, match="has not enough"):
        await bench.hub.inventory.transfer(bench.hub.scope, first.reservation_id, "DC3")


@pytest.mark.parametrize("takes_parts", [False, True])
@pytest.mark.parametrize("first", [True, False])
async def test_a19_a_kit_that_is_reserved_and_ordered_as_a_kit_is_off_once(
    bench: Bench, *, takes_parts: bool, first: bool
) -> None:
    await bench.sells()
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    if takes_parts:
        await bench.takes_parts("P")
    await bench.count(X=5)
    if not first:
        await ordered(bench, line("o1/1", "P", 2))
    made = await reserve(bench, ("P", 2, "o1/1"))
    assert made.is_granted
    if first:
        assert await bench.shown("X", "P", "Q") == [3, 3, 1]
        await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()

    assert await free(bench, "X") == [3]
    assert await bench.shown("X", "P", "Q") == [3, 3, 1]
    # The cart's time is over, and the order's parts stay held until it needs none.
    await bench.clock.advance(timedelta(hours=1))
    assert await free(bench, "X") == [3]
    await ordered(bench, line("o1/1", "P", 2, cancelled=2))
    assert await free(bench, "X") == [5]
    assert await claimed(bench, "P", "X") == [0, 0]


@pytest.mark.parametrize("first", [True, False])
async def test_a19_an_order_that_names_the_parts_by_its_own_lines_counts_and_the_hold_does_not(
    bench: Bench, *, first: bool
) -> None:
    await bench.kit("P", X=1, Z=1)
    await bench.count(X=5, Z=5)
    lines = line("o1/1", "P", 2), line("o1/2", "X", 2), line("o1/3", "Z", 2)
    if not first:
        await ordered(bench, *lines)
    made = await reserve(bench, ("P", 2, "o1/1"))
    assert made.is_granted
    if first:
        assert await free(bench, "X", "Z") == [3, 3]
        await ordered(bench, *lines)

    assert await free(bench, "X", "Z") == [3, 3]
    await ordered(bench, line("o1/1", "P", 2))
    assert await free(bench, "X", "Z") == [3, 3]
    await bench.hub.inventory.release(bench.hub.scope, made.reservation_id)
    assert await free(bench, "X", "Z") == [5, 5]


async def test_a19_a_part_that_the_order_names_as_the_kits_line_says_is_counted_once(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.takes_parts("P")
    await bench.count(X=5)
    await reserve(bench, ("P", 2, "o1/1"))

    await ordered(bench, line("o1/1", "P", 2), line("o1/1/X", "X", 2))

    assert await free(bench, "X") == [3]


async def test_kits_put_together_for_the_order_line_are_the_holds_and_leave_with_it(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=9, P=0)
    made = await reserve(bench, ("P", 2, "o1/1"), hard=True)

    await moved(bench, MovementType.ASSEMBLE, "X", 4, "o1/1/X")
    await moved(bench, MovementType.ASSEMBLE, "P", 2, "", comes=True)

    now = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert held(now) == [("P", 2, 2), ("X", 4, 0)]
    assert await free(bench, "P", "X") == [0, 5]
    await moved(bench, MovementType.PICK, "P", 2, "o1/1")
    over = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert str(over.status) == "CONSUMED"
    assert await claimed(bench, "P", "X") == [0, 0]
    explained = await bench.hub.inventory.explain(bench.hub.scope, made.reservation_id)
    assert explained.is_reproduced


async def test_parts_that_are_picked_as_parts_consume_the_kit(bench: Bench) -> None:
    await bench.kit("P", X=2, Z=1)
    await bench.count(X=9, Z=9)
    made = await reserve(bench, ("P", 2, "o1/1"), hard=True)

    await moved(bench, MovementType.PICK, "X", 4, "o1/1/X")
    await moved(bench, MovementType.PICK, "Z", 1, "o1/1/Z")
    now = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert held(now) == [("P", 2, 1), ("X", 4, 0), ("Z", 2, 1)]
    await moved(bench, MovementType.PICK, "Z", 1, "o1/1/Z")
    over = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert str(over.status) == "CONSUMED"
    assert await claimed(bench, "P", "X", "Z") == [0, 0, 0]


async def test_kits_put_together_without_a_word_let_their_parts_go_when_they_are_picked(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=9, P=0)
    made = await reserve(bench, ("P", 2, "o1/1"), hard=True)

    await moved(bench, MovementType.PICK, "P", 1, "o1/1")

    now = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert held(now) == [("P", 2, 1), ("X", 4, 2)]
    assert await claimed(bench, "P", "X") == [0, 2]


def held_of(made: Iterable[Reservation], items: Iterable[str]) -> dict[str, int]:
    """Sum what reservations hold of each item itself: of a kit those that lie assembled."""
    sums = dict.fromkeys(items, 0)
    for one in (line for each in made for line in (*each.lines, *each.parts)):
        if one.item in sums:
            sums[one.item] += one.remaining - (0 if one.into_line else one.made)
    return sums


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_i1_i2_no_part_is_oversold_whatever_is_asked_at_once_and_given_back(
    bench: Bench, seed: int
) -> None:
    random = Random(seed)
    await bench.kit("K", S=1, A=1)
    await bench.kit("S", X=2)
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2, A=1)
    there = {"K": 1, "S": 2, "A": 9, "X": 14}
    await bench.count(**there)
    inventory, scope = bench.hub.inventory, bench.hub.scope
    open_: list[str] = []
    for _ in range(6):
        asked = [
            [
                (item, random.randint(1, 3))
                for item in random.sample("KSPQXA", random.randint(1, 3))
            ]
            for _ in range(8)
        ]
        made = await asyncio.gather(
            *(reserve(bench, *lines, partial=random.random() < 0.3) for lines in asked)
        )
        for one in made:
            explained = await inventory.explain(scope, one.reservation_id)
            assert explained.is_reproduced
            assert str(one.status) != "DENIED" or not one.parts
        open_ += [one.reservation_id for one in made if str(one.status) != "DENIED"]
        sums = held_of([await inventory.get(scope, name) for name in open_], there)
        assert await claimed(bench, *there) == [sums[item] // MICROS for item in there]
        assert all(sums[item] <= pieces * MICROS for item, pieces in there.items())
        for name in random.sample(open_, len(open_) // 2):
            open_.remove(name)
            await inventory.release(scope, name)
    for name in open_:
        await inventory.release(scope, name)
    assert await free(bench, *there) == list(there.values())


async def test_behind_a_restart_a_kit_is_held_as_before_and_the_same_request_says_so(
    dsn: str, tmp_path: Path, clock: VirtualClock
) -> None:
    async with opened(dsn, tmp_path, clock) as before:
        await before.kit("P", X=1)
        await before.count(X=5)
        made = await reserve(before, ("P", 2, "o1/1"), name="once")
    await clock.advance(timedelta(seconds=5))
    async with opened(dsn, tmp_path, clock) as after:
        again = await reserve(after, ("P", 2, "o1/1"), name="once")
        assert (again.is_repeat, again.lines, again.parts) == (True, made.lines, made.parts)
        assert await free(after, "X") == [3]
        hard = await after.hub.inventory.confirm(after.hub.scope, made.reservation_id)
        assert [str(one.status) for one in (*hard.lines, *hard.parts)] == ["ACTIVE", "ACTIVE"]


async def test_what_a_promise_by_date_of_the_same_line_finds_held_it_does_not_hold_again(
    bench: Bench,
) -> None:
    for item, rule in (("P", AtpRule(takes_parts=True)), ("*", AtpRule(weekdays="1234567"))):
        placed = PlacedRule(item=item, location="*", rule=rule)
        await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.kit("P", X=1)
    await bench.count("DC3", X=5)
    await reserve(bench, ("P", 2, "o1/1"), at="DC3", hard=True)

    asked = PromiseAsked("r", (Question("P", "DC3", "EA", 2 * MICROS),), ("o1/1",))
    made = await bench.hub.kept_promises.promise(bench.hub.scope, "shop", asked)
    await bench.hub.settle()

    assert made.is_granted, made.proof.reasons
    assert await claimed(bench, "X", at="DC3") == [2]


async def test_an_answer_by_date_counts_a_reserved_kit_once_when_it_is_ordered(
    bench: Bench,
) -> None:
    for item, rule in (("P", AtpRule(takes_parts=True)), ("*", AtpRule(weekdays="1234567"))):
        placed = PlacedRule(item=item, location="*", rule=rule)
        await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await reserve(bench, ("P", 2, "o1/1"))
    questions = [Question("X", "DC1", "EA"), Question("P", "DC1", "EA")]

    for _ in range(2):
        found = await bench.hub.promise_dates(questions)
        assert [one.now // MICROS for one in found] == [3, 3]
        await ordered(bench, line("o1/1", "P", 2))


async def test_what_is_held_of_parts_is_no_leak_as_long_as_the_kits_order_is_open(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await reserve(bench, ("P", 2, "o1/1"), hard=True)
    await ordered(bench, line("o1/1", "P", 2))

    async def leaks() -> list[str]:
        await bench.clock.advance(timedelta(days=3))
        assert "watch leaked holds" in await bench.hub.jobs.run_due()
        found = await bench.hub.cases.find(bench.hub.scope)
        return [one.code for one in found if one.code == "RSV-LEAK"]

    assert await leaks() == []
    await ordered(bench, order="o1")
    assert await leaks() == ["RSV-LEAK"]
