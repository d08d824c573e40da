"""Runs and reservations count alike what a channel has had (domain.md §3.6)."""

from random import Random

import pytest

from crossdock.canonical.errors import Rejected
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation.sight import look
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_kept_promises import got, keep, promise
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place


async def test_a_run_counts_what_reservations_without_an_order_hold(floor: Floor) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    assert got(await promise(floor, "web", 6)) == 6
    await floor.hear(of("web", "W", 1, demand("W/1", 9)))

    assert await floor.work() == {"W/1": 4}


async def test_a_run_keeps_no_minimum_that_reservations_have_had(floor: Floor) -> None:
    await floor.hear(counted(1, count(20)))
    await keep(floor, "key", least=8)
    assert got(await promise(floor, "key", 8)) == 8
    await floor.hear(of("web", "W", 1, demand("W/1", 15)))

    assert await floor.work() == {"W/1": 12}


async def test_what_was_picked_of_a_dropped_line_counts_for_its_channel(floor: Floor) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    await floor.hear(of("web", "W", 1, demand("W/1", 6)))
    await floor.hear(moved(2, 4, place(), None, demand_ref="W/1"))
    await floor.hear(of("web", "W", 2))
    assert got(await promise(floor, "web", 9, partly=True, name="open")) == 6
    await floor.work()

    assert got(await promise(floor, "web", 9, partly=True, name="closed")) == 0


async def test_a_dropped_lines_pick_counts_once_beside_its_promise(floor: Floor) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    assert got(await promise(floor, "web", 6, ref="W/1")) == 6
    await floor.hear(of("web", "W", 1, demand("W/1", 6)))
    await floor.hear(moved(2, 4, place(), None, demand_ref="W/1"))
    await floor.hear(of("web", "W", 2))

    assert got(await promise(floor, "web", 9, partly=True)) == 4


async def test_orders_that_only_claim_deny_nothing_to_the_first_who_asks(floor: Floor) -> None:
    await keep(floor, "web", most=10)
    await floor.hear(
        counted(1, count(50)),
        of("web", "W", 1, demand("W/1", 8)),
        of("web", "V", 1, demand("V/1", 8)),
    )
    assert got(await promise(floor, "web", 8, ref="W/1")) == 8
    cut = await promise(floor, "web", 8, ref="V/1", partly=True)
    assert (got(cut), cut.cut_by) == (2, "MAXIMUM")
    await floor.inventory.upkeep.tell()
    found = await floor.allocation.lines(MAIN, "X", "DC1")
    assert sum(line.confirmed for line in found) == 10 * MICROS


@pytest.mark.parametrize("seed", range(4))
async def test_a_run_and_a_reservation_count_the_same(floor: Floor, seed: int) -> None:
    chance = Random(seed)
    await floor.hear(counted(1, count(500)))
    await keep(floor, "web", most=300)
    for step in range(2, 10):
        ref = f"W{step}/1"
        kind = chance.choice(("hold", "quote", "order", "dropped"))
        micros = chance.randint(1, 9)
        if kind in {"hold", "quote"}:
            await promise(floor, "web", micros, ref=ref if kind == "quote" else "")
        if kind != "hold":
            await floor.hear(of("web", f"W{step}", 1, demand(ref, 9)))
            await floor.hear(moved(step, chance.randint(1, 9), place(), None, demand_ref=ref))
        if kind == "dropped":
            await floor.hear(of("web", f"W{step}", 2))
        if chance.random() < 0.3:
            await floor.work()

    async with floor.database.transaction(MAIN) as tx:
        [sight] = await look(
            tx, floor.allocating.around, [("X", "DC1")], floor.clock.now(), lock=False
        )
    [share] = sight.protections
    by_run = share.used + sum(line.confirmed for line in sight.lines)
    left = got(await promise(floor, "web", 499, partly=True))
    assert left == 300 - by_run // MICROS


async def test_what_went_out_of_a_promise_counts_where_it_went_out(floor: Floor) -> None:
    await floor.hear(counted(1, count(30)), counted(2, count(30), location="DC2"))
    await keep(floor, "web", most=10)
    await keep(floor, "web", most=10, location="DC2")
    made = await promise(floor, "web", 8)
    await floor.inventory.consume(MAIN, made.reservation_id, {1: 3 * MICROS})
    await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")

    assert await left_to(floor, "DC1") == 7
    assert await left_to(floor, "DC2") == 5
    await floor.inventory.consume(MAIN, made.reservation_id, {1: 5 * MICROS})
    await floor.inventory.release(MAIN, made.reservation_id)
    assert await left_to(floor, "DC1") == 7
    assert await left_to(floor, "DC2") == 8


async def test_picks_for_a_line_that_no_order_named_count_where_they_were_picked(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(30)), counted(2, count(30), location="DC2"))
    await keep(floor, "web", most=10)
    await keep(floor, "web", most=10, location="DC2")
    made = await promise(floor, "web", 8, ref="W/1")
    await floor.hear(moved(3, 3, place(), None, demand_ref="W/1"))
    await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")

    assert await left_to(floor, "DC1") == 7
    assert await left_to(floor, "DC2") == 5


async def test_a_promise_that_comes_back_has_had_there_what_it_had(floor: Floor) -> None:
    await floor.hear(counted(1, count(30)), counted(2, count(30), location="DC2"))
    await keep(floor, "web", most=10)
    await keep(floor, "web", most=10, location="DC2")
    made = await promise(floor, "web", 9)
    for used, location in ((2, "DC2"), (5, "DC1"), (6, "DC2")):
        await floor.inventory.consume(MAIN, made.reservation_id, {1: used * MICROS})
        await floor.inventory.transfer(MAIN, made.reservation_id, location)

    assert await left_to(floor, "DC1") == 10 - 3
    assert await left_to(floor, "DC2") == 10 - 6


async def test_a_promise_moved_before_the_maximum_was_set_is_its_channels(floor: Floor) -> None:
    await floor.hear(counted(1, count(30)), counted(2, count(30), location="DC2"))
    made = await promise(floor, "web", 8)
    await floor.inventory.consume(MAIN, made.reservation_id, {1: 3 * MICROS})
    await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")
    await keep(floor, "web", most=10)
    await keep(floor, "web", most=10, location="DC2")

    assert await left_to(floor, "DC1") == 7
    assert await left_to(floor, "DC2") == 5


async def left_to(floor: Floor, location: str) -> int:
    """Say how much more `web` may have there, and give it back."""
    made = await promise(floor, "web", 99, partly=True, location=location)
    if got(made):
        await floor.inventory.release(MAIN, made.reservation_id)
    return got(made)


@pytest.mark.parametrize("seed", range(4))
async def test_wherever_a_promise_goes_all_of_it_counts_once(floor: Floor, seed: int) -> None:
    chance = Random(seed)
    places = ["DC1", "DC2", "DC3"]
    for number, location in enumerate(places, 1):
        await floor.hear(counted(number, count(90), location=location))
        await keep(floor, "web", most=40, location=location)
    made = await promise(floor, "web", 30)
    at, out = "DC1", dict.fromkeys(places, 0)
    for _ in range(8):
        if chance.random() < 0.5:
            out[at] += chance.randint(0, 3)
            used = {1: sum(out.values()) * MICROS}
            await floor.inventory.consume(MAIN, made.reservation_id, used)
        else:
            at = chance.choice(places)
            await floor.inventory.transfer(MAIN, made.reservation_id, at)
    for location in places:
        had = out[location] + (30 - sum(out.values()) if location == at else 0)
        assert await left_to(floor, location) == 40 - had


async def two_places(floor: Floor, *, least: int = 1, most: int) -> None:
    await floor.hear(counted(1, count(30)), counted(2, count(30), location="DC2"))
    await keep(floor, "web", most=most, location="DC2")
    await keep(floor, "key", least=least, location="DC2")


@pytest.mark.parametrize("is_there_already", [False, True])
async def test_a_promise_that_its_order_counts_asks_where_it_moves_to(
    floor: Floor, *, is_there_already: bool
) -> None:
    await two_places(floor, least=3, most=5)
    made = await promise(floor, "web", 6, ref="W/1")
    await floor.hear(of("web", "W", 1, demand("W/1", 6)))
    if is_there_already:
        await floor.hear(of("web", "W", 2, demand("W/1", 6, location="DC2")))
    with pytest.raises(Rejected, match="not enough"):
        await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")

    await keep(floor, "web", most=9, location="DC2")
    moved_on = await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")
    assert [line.location for line in moved_on.lines] == ["DC2"]
    assert await left_to(floor, "DC2") == 3
    await floor.inventory.upkeep.tell()
    explained = await floor.inventory.explain(MAIN, made.reservation_id)
    assert [one.is_reproduced for one in explained.regrants] == [True]
    [[line]] = [one.lines for one in explained.regrants]
    figures = (line.nettable, line.claimed, line.own, line.free, line.allowance)
    claimed, own, free = (6, 6, 6) if is_there_already else (0, None, 9)
    assert figures == (
        30 * MICROS, claimed * MICROS, own if own is None else own * MICROS, free * MICROS,
        9 * MICROS,
    )  # fmt: skip


async def test_no_more_is_asked_where_it_moves_to_than_its_order_is_open_there(
    floor: Floor,
) -> None:
    await two_places(floor, most=4)
    made = await promise(floor, "web", 6, ref="W/1")
    await floor.hear(of("web", "W", 1, demand("W/1", 4, location="DC2")))
    await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")

    assert await left_to(floor, "DC2") == 0


async def test_where_nobody_keeps_goods_an_orders_promise_moves_unasked(floor: Floor) -> None:
    await floor.hear(counted(1, count(30)), counted(2, count(2), location="DC2"))
    made = await promise(floor, "web", 6, ref="W/1")
    await floor.hear(of("web", "W", 1, demand("W/1", 6)))

    moved_on = await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")
    assert [line.location for line in moved_on.lines] == ["DC2"]


async def test_a_promise_moves_to_where_its_order_claims_and_takes_nothing_more(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(6)), counted(2, count(6), location="DC2"))
    made = await promise(floor, "web", 6, ref="W/1")
    await floor.hear(of("web", "W", 1, demand("W/1", 6, location="DC2")))
    assert await floor.figures() == (0, 0, 0, 0)
    await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")

    assert await floor.figures() == (6, 6, 0, 0)
    assert await floor.figures(location="DC2") == (0, 0, 0, 0)
