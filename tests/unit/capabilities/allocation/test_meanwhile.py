"""What happens beside a run: somebody decides otherwise, orders come and go, holds lapse."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict, NotFound, Unavailable
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.allocation import Applies, RunState, runs
from crossdock.capabilities.allocation.shapes import Word
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_runs import changes, of, two_orders
from tests.unit.capabilities.inventory.house import (
    MAIN,
    count,
    counted,
    demand,
    moved,
    place,
)

HARD = ReservationKind.HARD
WAITS = """
select count(*) from pg_locks l join pg_stat_activity a using (pid)
where not l.granted and a.datname = current_database()
"""


async def until_somebody_waits_for_a_lock(floor: Floor) -> None:
    async with asyncio.timeout(30):
        while True:
            async with floor.database.transaction(Scope.of_workers()) as tx:
                if await tx.fetchval(WAITS):
                    return
            await asyncio.sleep(0.01)


def east(version: int, *members: str) -> Fact:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=members)
    return Fact(
        identity=f"location:EAST:{version}", payload=group, occurred_at=NOON, version=version
    )


async def test_a_run_that_is_rejected_while_it_is_approved_is_not_applied(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    async with floor.database.transaction(MAIN) as tx:
        assert await runs.decide(tx, [run], RunState.REJECTED, Word("boss", NOON))
        approval = asyncio.create_task(floor.allocation.approve(MAIN, run.run_id, by="chief"))
        await until_somebody_waits_for_a_lock(floor)

    with pytest.raises(Conflict) as refused:
        await approval
    assert refused.value.code == "run_closed"
    assert await floor.confirmed() == {"W/1": 0, "K/1": 0}
    assert await floor.changes() == []


async def test_a_run_that_is_rejected_while_the_policy_applies_it_is_not_applied(
    floor: Floor,
) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    async with floor.database.transaction(MAIN) as tx:
        assert await runs.decide(tx, [run], RunState.REJECTED, Word("boss", NOON))
        work = asyncio.create_task(floor.allocating.work.due())
        await until_somebody_waits_for_a_lock(floor)
    await work

    assert await floor.work() == {"W/1": 0, "K/1": 0}
    assert (await floor.allocation.run(MAIN, run.run_id)).state == "REJECTED"
    assert await floor.left("allocation_due") == 0


async def test_an_order_that_only_inventory_has_heard_takes_from_nobody(floor: Floor) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(counted(1, count(10)), of("web", "W", 1, demand("W/1", 8)))
    assert await floor.work() == {"W/1": 8}
    await floor.record(of("key", "K", 1, demand("K/1", 8)))
    await readers.catch_up(floor.database, floor.reader, floor.clock)
    await floor.allocating.work.mark_all()

    assert await floor.work() == {"W/1": 8}
    assert await floor.left("allocation_due") == 1
    now = floor.clock.now().isoformat()
    assert await floor.left(f"allocation_due where due_at <= '{now}'") == 0  # others have a turn
    with pytest.raises(Unavailable, match="being heard") as busy:
        await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    assert busy.value.code == "catching_up"
    await floor.fold()
    assert await floor.work() == {"W/1": 8, "K/1": 2}
    assert await floor.left("allocation_due") == 0


async def test_an_item_of_which_an_event_is_always_on_its_way_is_worked_on(floor: Floor) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(counted(1, count(4)), of("web", "W", 1, demand("W/1", 8)))
    for number in (2, 3):
        await floor.record(moved(number, 1, None, place()))
        await readers.catch_up(floor.database, floor.allocating.reader, floor.clock)
        assert await floor.work() == {"W/1": number + 2}  # of what was heard before
        assert await floor.left("allocation_due") == 1
        assert await floor.work() == {"W/1": number + 2}
        await readers.catch_up(floor.database, floor.reader, floor.clock)
        await readers.catch_up(floor.database, floor.supply_reader, floor.clock)

    await floor.fold()
    assert await floor.work() == {"W/1": 6}
    assert await floor.left("allocation_due") == 0


async def test_an_unheard_order_of_another_item_holds_up_nothing(floor: Floor) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(counted(1, count(10)))
    await floor.reserve(1, kind=HARD)
    await floor.hear(of("web", "W", 1, demand("W/1", 8)))
    assert await floor.work() == {"W/1": 8}
    await floor.hear(counted(2, count(4)))
    await floor.record(of("key", "K", 1, demand("K/1", 8, item="Y")))
    await readers.catch_up(floor.database, floor.reader, floor.clock)

    assert await floor.work() == {"W/1": 3}


async def test_a_hold_that_has_lapsed_takes_from_nobody(floor: Floor, clock: VirtualClock) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(counted(1, count(10)))
    await floor.reserve(3, ttl_seconds=60)
    await floor.hear(of("web", "W", 1, demand("W/1", 7)))
    assert await floor.work() == {"W/1": 7}
    await clock.advance(timedelta(seconds=60))
    await floor.hear(moved(2, 3, place(), None))

    assert await floor.work() == {"W/1": 7}


@pytest.mark.parametrize("kind", ReservationKind)
async def test_what_a_promise_held_that_has_ended_is_there_for_who_waits(
    floor: Floor, clock: VirtualClock, kind: ReservationKind
) -> None:
    await floor.hear(counted(1, count(10)))
    held = await floor.reserve(3, kind=kind)
    await floor.hear(of("web", "W", 1, demand("W/1", 10)))
    assert await floor.work() == {"W/1": 7}
    if kind is HARD:
        await floor.inventory.release(MAIN, held.reservation_id)
    else:
        await clock.advance(timedelta(hours=1))
        await floor.inventory.upkeep.sweep()
    await floor.inventory.upkeep.tell()
    await floor.fold()

    assert await floor.work() == {"W/1": 10}
    assert (await floor.runs())[-1] == ("APPLIED", "RELEASE", 3, 0)


@pytest.mark.parametrize("by_hand", [False, True])
async def test_an_order_that_is_cancelled_and_comes_back_waits_behind_who_got_its_goods(
    floor: Floor, *, by_hand: bool
) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.hear(of("web", "W", 2, demand("W/1", 8, 8)))
    await (floor.applied() if by_hand else floor.work())
    await floor.hear(of("web", "W", 3, demand("W/1", 8)))

    assert await floor.confirmed() == {"W/1": 0, "K/1": 8}
    assert await floor.work() == {"W/1": 2, "K/1": 8}


async def test_a_promise_of_an_order_that_was_cancelled_is_no_confirmation_of_its_return(
    floor: Floor,
) -> None:
    await floor.policy(Applies.NOTHING)
    await floor.hear(counted(1, count(10)))
    await floor.reserve(6, kind=HARD, demand_ref="W/1")
    await floor.hear(of("web", "W", 1, demand("W/1", 6)))
    await floor.hear(of("web", "W", 2, demand("W/1", 6, 6)))
    await floor.work()
    await floor.hear(of("web", "W", 3, demand("W/1", 6)))

    assert await floor.confirmed() == {"W/1": 0}


async def test_safety_stock_of_a_member_takes_nothing_from_lines_of_its_group(
    floor: Floor,
) -> None:
    await floor.hear(
        east(1, "DC1", "DC2"),
        counted(1, count(10)),
        of("key", "K", 1, demand("K/1", 12, location="EAST")),
    )
    assert changes(await floor.applied(location="EAST")) == {"K/1": (0, 10)}
    await floor.inventory.upkeep.set_safety(MAIN, "X", "DC1", 4 * MICROS, by="test")

    run = await floor.allocation.simulate(MAIN, "X", "EAST", by="planner")
    assert changes(run) == {"K/1": (10, 10)}
    await floor.hear(moved(2, 1, None, place(location="DC2")))
    run = await floor.allocation.simulate(MAIN, "X", "EAST", by="planner")
    assert changes(run) == {"K/1": (10, 10)}


async def test_who_joins_a_group_brings_goods_for_who_waits_there(floor: Floor) -> None:
    await floor.hear(counted(1, count(4)), of("key", "K", 1, demand("K/1", 20, location="EAST")))
    await floor.work()
    await floor.hear(east(1, "DC1"))
    await floor.work()

    assert await floor.confirmed(location="EAST") == {"K/1": 4}
    assert (await floor.runs())[-1] == ("APPLIED", "LOCATION", 4, 0)


# A31: sell multiple 12; 24 or 36, never 30.
async def test_a31_a_line_that_is_ordered_in_cases_is_confirmed_in_whole_ones(
    floor: Floor,
) -> None:
    cases = replace(
        demand("W/1", 3), ordered=Quantity.of(3, "CS"), base_ordered=Quantity.of(36),
        base_cancelled=Quantity.of(0),
    )  # fmt: skip
    await floor.hear(
        counted(1, count(30)),
        of("web", "W", 1, cases),
        of("key", "K", 1, demand("K/1", 8), minute=1),
    )
    run = await floor.applied()

    assert changes(run) == {"W/1": (0, 24), "K/1": (0, 6)}
    assert [line.multiple // MICROS for line in run.lines] == [12, 0]


async def test_a31_what_was_picked_of_a_case_counts_for_it(floor: Floor) -> None:
    cases = replace(
        demand("W/1", 2), ordered=Quantity.of(2, "CS"), base_ordered=Quantity.of(24),
        base_cancelled=Quantity.of(0),
    )  # fmt: skip
    await floor.hear(counted(1, count(14)), of("web", "W", 1, cases))
    await floor.hear(moved(2, 4, place(), None, demand_ref="W/1"))

    assert changes(await floor.applied()) == {"W/1": (0, 8)}


async def test_several_promises_to_one_line_count_together(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)))
    for quantity in (3, 2):
        await floor.reserve(quantity, kind=HARD, demand_ref="W/1")
    await floor.hear(of("web", "W", 1, demand("W/1", 8)))

    assert changes(await floor.applied()) == {"W/1": (5, 8)}


async def test_two_tenants_with_the_same_order_know_nothing_of_each_other(floor: Floor) -> None:
    other = Scope("other")
    for scope, there in ((MAIN, 10), (other, 3)):
        await floor.hear(
            counted(1, count(there)), of("web", "W", 1, demand("W/1", 8)), scope=scope
        )
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    with pytest.raises(NotFound):
        await floor.allocation.approve(other, run.run_id, by="boss")
    await floor.work()

    assert await floor.confirmed() == {"W/1": 8}
    [line] = await floor.allocation.lines(other, "X", "DC1")
    assert line.confirmed == 3 * MICROS
