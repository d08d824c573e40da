"""What makes allocation look again, what it then does by itself, and what it leaves to people."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection, Applies
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_runs import of, two_orders
from tests.unit.capabilities.inventory.house import (
    MAIN,
    count,
    counted,
    demand,
    moved,
    place,
)


async def test_an_order_that_can_be_confirmed_is_confirmed_by_itself(floor: Floor) -> None:
    await two_orders(floor)

    assert await floor.work() == {"W/1": 8, "K/1": 2}
    assert await floor.runs() == [("APPLIED", "ORDER", 10, 0)]
    assert await floor.left("allocation_due") == 0


async def test_several_at_work_at_once_apply_each_run_once(floor: Floor) -> None:
    await two_orders(floor)
    await floor.hear(
        *(counted(n, count(4, item=f"I{n}")) for n in range(2, 8)),
        *(of("web", f"V{n}", 1, demand(f"V{n}/1", 5, item=f"I{n}")) for n in range(2, 8)),
    )
    at_work = [floor.allocating.work.due() for _ in range(3)]
    by_hand = [floor.allocation.simulate(MAIN, "X", "DC1", by=f"planner {n}") for n in range(2)]
    await asyncio.gather(*at_work, *by_hand)
    await floor.work()

    assert sorted(await floor.changes()) == sorted(
        [("W/1", 0, 8), ("K/1", 0, 2), *((f"V{n}/1", 0, 4) for n in range(2, 8))]
    )
    assert await floor.left("allocation_run where state = 'APPLIED'") == 7


async def test_a_run_that_somebody_simulated_applies_by_itself_if_the_policy_lets_it(
    floor: Floor,
) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    assert await floor.work() == {"W/1": 8, "K/1": 2}
    done = await floor.allocation.run(MAIN, run.run_id)
    assert (done.state, done.decided_by, done.remark) == (
        "APPLIED", "crossdock", "policy NOBODY_LOSES"
    )  # fmt: skip
    assert await floor.changes() == [("W/1", 0, 8), ("K/1", 0, 2)]


async def test_work_done_twice_changes_nothing(floor: Floor) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.allocating.work.mark_all()

    assert await floor.work() == {"W/1": 8, "K/1": 2}
    assert len(await floor.runs()) == 1


async def test_a_receipt_confirms_who_waits(floor: Floor) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.hear(moved(2, 3, None, place()))

    assert await floor.work() == {"W/1": 8, "K/1": 5}
    assert (await floor.runs())[-1] == ("APPLIED", "RECEIPT", 3, 0)


async def test_a_run_that_waits_is_over_when_there_is_nothing_to_change_any_more(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(25)), of("web", "O", 1, demand("O/1", 25)))
    await floor.work()
    await floor.hear(moved(2, 7, place(), None))
    await floor.work()
    await floor.hear(moved(3, 7, None, place()))
    await floor.work()

    assert [state for state, *_ in await floor.runs()] == ["APPLIED", "SUPERSEDED"]
    assert await floor.open_cases() == []


@pytest.mark.parametrize(
    ("applies", "state"),
    [
        (Applies.NOTHING, "SIMULATED"),
        (Applies.NOBODY_LOSES, "SIMULATED"),
        (Applies.EVERYTHING, "APPLIED"),
    ],
)
async def test_a_run_in_which_somebody_loses_applies_as_the_policy_says(
    floor: Floor, applies: Applies, state: str
) -> None:
    await two_orders(floor)
    await floor.applied()
    await floor.policy(applies)
    await floor.hear(moved(2, 4, place(), None))
    await floor.work()

    assert (await floor.runs())[-1] == (state, "ADJUSTMENT", 0, 4)


async def test_a_rejected_run_is_not_proposed_again_until_something_changes(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.policy(Applies.NOTHING)
    await two_orders(floor)
    await floor.work()
    [waiting] = await floor.allocation.runs(MAIN)
    await floor.allocation.reject(MAIN, waiting.run_id, by="boss", remark="ask sales")
    await floor.allocating.work.mark_all()
    await floor.work()
    assert [state for state, *_ in await floor.runs()] == ["REJECTED"]
    assert await floor.open_cases() == []

    await clock.advance(timedelta(seconds=1))
    await floor.hear(moved(2, 1, None, place()))
    await floor.work()
    assert [state for state, *_ in await floor.runs()] == ["REJECTED", "SIMULATED"]


async def test_a_cancellation_frees_goods_for_others(floor: Floor) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.hear(of("web", "W", 2, demand("W/1", 8, 5)))

    assert await floor.work() == {"W/1": 3, "K/1": 7}


async def test_a_line_that_its_order_drops_frees_goods_for_others(floor: Floor) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.hear(of("web", "W", 2))

    assert await floor.work() == {"K/1": 8}
    assert await floor.left("allocation_line where closed_at is null") == 1


async def test_a_line_that_moves_elsewhere_frees_what_it_had(floor: Floor) -> None:
    await two_orders(floor)
    await floor.hear(counted(2, count(3), location="DC2"))
    await floor.work()
    await floor.hear(of("web", "W", 2, demand("W/1", 8, location="DC2")))

    assert await floor.work() == {"K/1": 8}
    assert await floor.confirmed(location="DC2") == {"W/1": 3}


async def test_a_policy_that_changes_is_followed(floor: Floor) -> None:
    await floor.policy(Applies.NOTHING)
    await two_orders(floor)
    assert await floor.work() == {"W/1": 0, "K/1": 0}
    await floor.policy(Applies.NOBODY_LOSES)

    assert await floor.work() == {"W/1": 8, "K/1": 2}
    assert await floor.open_cases() == []


async def test_a_rule_that_changes_is_followed(floor: Floor) -> None:
    await floor.policy(Applies.EVERYTHING)
    await two_orders(floor)
    await floor.work()
    await floor.rule("web", Strategy.LOSE)

    assert await floor.work() == {"W/1": 0, "K/1": 8}
    assert (await floor.runs())[-1] == ("APPLIED", "RULES", 6, 8)


async def test_the_nightly_schedule_looks_at_all_that_wait(floor: Floor) -> None:
    await floor.inventory.upkeep.set_safety(MAIN, "X", "DC1", 4 * MICROS, by="test")
    await two_orders(floor)
    await floor.work()
    async with floor.database.transaction(MAIN) as tx:  # as if nobody had been told
        await tx.execute("update inventory_stock set safety = 0 where tenant = 'main'")
    assert await floor.work() == {"W/1": 6, "K/1": 0}
    await floor.allocating.work.mark_all()

    assert await floor.work() == {"W/1": 8, "K/1": 2}
    assert (await floor.runs())[-1] == ("APPLIED", "SCHEDULE", 4, 0)


async def test_a_safety_stock_that_changes_makes_it_looked_at(floor: Floor) -> None:
    await floor.inventory.upkeep.set_safety(MAIN, "X", "DC1", 4 * MICROS, by="test")
    assert await floor.left("allocation_due") == 0
    await two_orders(floor)
    await floor.work()
    await floor.inventory.upkeep.set_safety(MAIN, "X", "DC1", 4 * MICROS, by="test")
    assert await floor.left("allocation_due") == 0
    await floor.inventory.upkeep.set_safety(MAIN, "X", "DC1", 0, by="test")

    assert await floor.work() == {"W/1": 8, "K/1": 2}
    assert (await floor.runs())[-1] == ("APPLIED", "SAFETY", 4, 0)


async def test_a_promise_that_moves_away_serves_who_waits_where_it_lay(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)), counted(2, count(10), location="DC2"))
    made = await floor.reserve(7)
    await floor.hear(of("web", "W", 1, demand("W/1", 8)))
    assert await floor.work() == {"W/1": 3}
    await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")

    assert await floor.work() == {"W/1": 8}
    assert (await floor.runs())[-1] == ("APPLIED", "TRANSFER", 5, 0)


async def test_a_promise_that_moves_away_serves_who_waits_at_its_group(floor: Floor) -> None:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1",))
    await floor.hear(
        Fact(identity="location:EAST:1", payload=group, occurred_at=NOON, version=1),
        counted(1, count(10)), counted(2, count(10), location="DC2"),
    )  # fmt: skip
    made = await floor.reserve(7)
    await floor.hear(of("key", "K", 1, demand("K/1", 8, location="EAST")))
    await floor.work()
    assert await floor.confirmed(location="EAST") == {"K/1": 3}
    await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")
    await floor.work()

    assert await floor.confirmed(location="EAST") == {"K/1": 8}


async def test_a_period_that_begins_or_ends_makes_it_looked_at_once(
    floor: Floor, clock: VirtualClock
) -> None:
    now, book = clock.now(), floor.allocation.rulebook
    said = AllocationProtection(
        item="X", location="DC1", channel="key", minimum=5 * MICROS,
        starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2),
    )  # fmt: skip
    await book.protect(MAIN, said, by="planner")
    await floor.hear(counted(1, count(10)), of("web", "W", 1, demand("W/1", 12)))
    assert await floor.work() == {"W/1": 10}
    await floor.policy(Applies.EVERYTHING)
    await floor.work()
    for _ in range(2):  # begins, then ends
        await book.unguard_ended()
        assert await floor.left("allocation_due") == 0
        await clock.advance(timedelta(days=1))
        await book.unguard_ended()
        assert await floor.left("allocation_due where reason = 'PERIOD'") == 1
        await floor.work()

    assert await floor.confirmed() == {"W/1": 10}
    assert await floor.runs() == [
        ("APPLIED", "ORDER", 10, 0), ("APPLIED", "PERIOD", 0, 5), ("APPLIED", "PERIOD", 5, 0)
    ]  # fmt: skip


async def test_nobody_looks_before_inventory_has_heard_the_event(floor: Floor) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.record(moved(2, 3, None, place()))
    await readers.catch_up(floor.database, floor.allocating.reader, floor.clock)
    assert await floor.allocating.work.due() == 0
    assert await floor.left("allocation_due") == 1

    await floor.fold()
    assert await floor.work() == {"W/1": 8, "K/1": 5}


async def test_stock_that_nobody_ordered_marks_nothing(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)), moved(2, 1, None, place()))
    await two_orders(floor)
    await floor.work()
    await floor.hear(moved(3, 1, None, place(), item="Y"))

    assert await floor.left("allocation_due") == 0


async def test_history_that_is_filled_in_triggers_nothing(floor: Floor) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.hear(
        replace(moved(2, 3, None, place()), replay=True),
        replace(counted(3, count(30), is_full=True), replay=True),
        replace(of("web", "V", 1, demand("V/1", 1)), replay=True),
    )

    assert await floor.left("allocation_due") == 0
    assert set(await floor.confirmed()) == {"W/1", "K/1", "V/1"}


async def test_a_full_snapshot_that_does_not_name_an_item_makes_it_looked_at(
    floor: Floor,
) -> None:
    await floor.policy(Applies.EVERYTHING)
    await two_orders(floor)
    await floor.work()
    await floor.hear(counted(5, count(3, item="Y"), is_full=True))

    assert await floor.work() == {"W/1": 0, "K/1": 0}


async def test_what_comes_to_a_member_serves_who_waits_at_its_group(floor: Floor) -> None:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await floor.hear(
        Fact(identity="location:EAST:1", payload=group, occurred_at=NOON, version=1),
        of("key", "K", 1, demand("K/1", 20, location="EAST")),
    )
    await floor.work()
    await floor.hear(moved(1, 4, None, place()))
    await floor.work()
    assert await floor.confirmed(location="EAST") == {"K/1": 4}

    await floor.hear(counted(2, count(9), is_full=True))
    await floor.work()
    assert await floor.confirmed(location="EAST") == {"K/1": 9}


async def test_a_line_is_closed_when_it_is_picked_and_open_again_when_that_is_taken_back(
    floor: Floor,
) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.hear(moved(2, 8, place(), None, demand_ref="W/1"))
    assert await floor.work() == {"K/1": 2}
    assert await floor.left("allocation_line where closed_at is null") == 1

    await floor.hear(moved(3, 8, None, place(), demand_ref="W/1"))
    assert await floor.work() == {"W/1": 8, "K/1": 2}


async def test_closed_lines_are_forgotten_after_a_while(floor: Floor, clock: VirtualClock) -> None:
    await two_orders(floor)
    await floor.work()
    await floor.hear(moved(2, 8, place(), None, demand_ref="W/1"))
    await floor.work()
    await floor.allocating.work.forget()
    assert await floor.left("allocation_line") == 2

    await clock.advance(timedelta(days=101))
    await floor.allocating.work.forget()
    assert await floor.left("allocation_line") == 1


async def test_orders_told_late_and_twice_end_the_same(floor: Floor) -> None:
    newer = of("web", "W", 2, demand("W/1", 4), minute=9)
    older = of("web", "W", 1, demand("W/1", 8, location="DC2"))
    await floor.hear(counted(1, count(10)), newer)
    await floor.hear(older)
    await floor.work()

    [line] = await floor.allocation.lines(MAIN, "X", "DC1")
    assert (line.requested, line.since) == (4 * MICROS, NOON)
    assert await floor.allocation.lines(MAIN, "X", "DC2") == []
    await floor.hear(
        of("web", "V", 1, demand("V/1", 1), minute=5), of("web", "V", 2, demand("V/1", 2))
    )
    assert (await floor.allocation.lines(MAIN, "X", "DC1"))[-1].since == NOON


async def test_an_order_without_a_channel_stands_as_its_source(floor: Floor) -> None:
    payload = OrderChanged(order_id="W", lines=(demand("W/1", 8),))
    fact = Fact(identity="order:W", payload=payload, occurred_at=NOON)
    await floor.hear(counted(1, count(5)), fact, source="erp")

    [line] = await floor.allocation.lines(MAIN, "X", "DC1")
    assert line.channel == "erp"


async def test_one_that_fails_holds_up_no_other(floor: Floor, clock: VirtualClock) -> None:
    await two_orders(floor)
    await floor.hear(counted(2, count(5, item="Y")), of("web", "Z", 1, demand("Z/1", 4, item="Y")))
    async with floor.database.transaction(MAIN) as tx:
        await tx.execute(  # a rule that no version of the code can read
            "insert into allocation_rule (tenant, version, kind, subject, content, set_by, set_at)"
            " values ('main', 1, 'CHANNEL', 'key', '{\"strategy\": \"NEVER\"}', 'x', now())"
        )
    await floor.allocating.work.due()

    assert await floor.confirmed("Y") == {"Z/1": 4}
    assert await floor.left("allocation_due") == 1
    await floor.rule("key", Strategy.IMPROVE)
    await clock.advance(timedelta(minutes=15))
    assert await floor.work() == {"W/1": 8, "K/1": 2}


async def test_a_refused_run_opens_a_case_that_closes_when_what_is_owed_fits(
    floor: Floor,
) -> None:
    await floor.rule("web", Strategy.WIN)
    await floor.rule("key", Strategy.WIN)
    await two_orders(floor)
    await floor.work()
    assert [state for state, *_ in await floor.runs()] == ["REFUSED"]
    assert [case.severity for case in await floor.open_cases()] == ["S1"]
    await floor.allocating.work.mark_all()
    await floor.work()
    assert len(await floor.runs()) == 1

    await floor.hear(moved(2, 6, None, place()))
    assert await floor.work() == {"W/1": 8, "K/1": 8}
    assert await floor.open_cases() == []


def web(floor: Floor, *, maximum: int | None = None, minimum: int = 0) -> AllocationProtection:
    now = floor.clock.now()
    return AllocationProtection(
        item="X", location="DC1", channel="web", starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1), maximum=maximum, minimum=minimum,
    )  # fmt: skip


async def test_a_maximum_counts_what_the_channel_has_had_in_the_period(floor: Floor) -> None:
    await two_orders(floor, 100)
    await floor.work()
    await floor.hear(moved(2, 8, place(), None, demand_ref="W/1"))
    await floor.work()
    await floor.allocation.rulebook.protect(MAIN, web(floor, maximum=12 * MICROS), by="planner")
    await floor.hear(of("web", "V", 1, demand("V/1", 9), demand("V/2", 1)))
    await floor.hear(moved(3, 1, place(), None, demand_ref="V/1"))

    assert await floor.work() == {"K/1": 8, "V/1": 3, "V/2": 0}
    [run] = await floor.allocation.runs(MAIN, limit=1)
    assert run.protections[0].used == 9 * MICROS


async def test_a_minimum_is_kept_for_its_channel_until_its_period_ends(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.allocation.rulebook.protect(MAIN, web(floor, minimum=6 * MICROS), by="planner")
    await floor.hear(counted(1, count(10)), of("key", "K", 1, demand("K/1", 8)))
    assert await floor.work() == {"K/1": 4}

    await clock.advance(timedelta(days=1))
    await floor.allocating.work.mark_all()
    assert await floor.work() == {"K/1": 8}


async def test_a_protection_is_listed_and_taken_back(floor: Floor) -> None:
    book = floor.allocation.rulebook
    said = await book.protect(MAIN, web(floor, minimum=6 * MICROS), by="planner")
    assert await book.protections(MAIN) == [said]

    await book.unprotect(MAIN, "X", "DC1", "web", by="planner")
    assert await book.protections(MAIN) == []


async def test_a_run_that_leaves_short_who_must_win_opens_a_case_that_closes_when_he_has_it(
    floor: Floor,
) -> None:
    """Nobody loses, so the run applies itself; a minimum of the web shop keeps 6 of the 10."""
    said = web(floor, minimum=6 * MICROS)
    await floor.allocation.rulebook.protect(MAIN, said, by="planner")
    await floor.rule("key", Strategy.WIN)
    await floor.hear(counted(1, count(10)), of("key", "K", 1, demand("K/1", 8)))
    assert await floor.work() == {"K/1": 4}
    assert [state for state, *_ in await floor.runs()] == ["APPLIED"]
    [case] = await floor.open_cases()
    assert (case.code, case.severity) == ("ORD-WIN-SHORT", "S2")
    assert case.title == "K/1 gets 4 EA of 8 EA: MINIMUM"

    await floor.allocating.work.mark_all()
    await floor.work()
    assert len(await floor.open_cases()) == 1
    await floor.hear(moved(2, 6, None, place()))
    assert await floor.work() == {"K/1": 8}
    assert await floor.open_cases() == []
