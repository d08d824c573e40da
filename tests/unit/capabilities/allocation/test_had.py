"""Runs and reservations count alike what a channel has had (domain.md §3.6)."""

from crossdock.canonical.quantities import MICROS
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
