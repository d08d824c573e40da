"""Runs and reservations count alike what a channel has had (domain.md §3.6)."""

from random import Random

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation.sight import look
from crossdock.orchestration.allocating import ClaimedStocks
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

    stock = ClaimedStocks(floor.inventory, floor.reader.name)
    async with floor.database.transaction(MAIN) as tx:
        [sight] = await look(tx, stock, [("X", "DC1")], floor.clock.now(), lock=False)
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
