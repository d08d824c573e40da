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
