"""Runs on a real database: simulated first, applied with their events, never on what is stale."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict, Forbidden, Invalid, NotFound
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import (
    AllocationRule,
    Applies,
    Run,
    is_run_reproduced,
)
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.inventory.house import (
    MAIN,
    count,
    counted,
    demand,
    moved,
    place,
)

WIN, GAIN, IMPROVE, REDISTRIBUTE, FILL, LOSE, SKIP = Strategy
HARD = ReservationKind.HARD


def of(channel: str, order: str, version: int, *lines: Any, minute: int = 0) -> Fact:
    payload = OrderChanged(order_id=order, lines=lines, channel=channel)
    at = NOON + timedelta(minutes=minute)
    return Fact(
        identity=f"order:{order}:{version}", payload=payload, occurred_at=at, version=version
    )


async def two_orders(floor: Floor, there: int = 10) -> None:
    """Let a web shop ask for 8 and, later, a key account for 8."""
    await floor.hear(
        counted(1, count(there)),
        of("web", "W", 1, demand("W/1", 8)),
        of("key", "K", 1, demand("K/1", 8), minute=1),
    )


def changes(run: Run) -> dict[str, tuple[int, int]]:
    return {one.demand_ref: (one.before // MICROS, one.after // MICROS) for one in run.lines}


async def test_a17_through_the_log_and_the_database(floor: Floor) -> None:
    asked = {"A": (40, 40), "B": (50, 20), "C": (30, 30), "D": (30, 10), "E": (20, 0)}
    for ref, (_, had) in asked.items():
        await floor.rule(ref, WIN if had else SKIP)
    await floor.hear(
        counted(1, count(100)),
        *(of(ref, ref, 1, demand(f"{ref}/1", had)) for ref, (_, had) in asked.items() if had),
    )
    await floor.applied()
    await floor.hear(
        *(of(ref, ref, 2, demand(f"{ref}/1", asks)) for ref, (asks, _) in asked.items())
    )
    for ref, strategy in zip(asked, (LOSE, WIN, GAIN, REDISTRIBUTE, FILL), strict=True):
        await floor.rule(ref, strategy)

    run = await floor.applied()

    assert changes(run) == {
        "B/1": (20, 50), "C/1": (30, 30), "D/1": (10, 20), "E/1": (0, 0), "A/1": (40, 0)
    }  # fmt: skip
    assert run.supply == 100 * MICROS
    assert await floor.confirmed() == {"A/1": 0, "B/1": 50, "C/1": 30, "D/1": 20, "E/1": 0}


async def test_a_simulation_changes_nothing_and_is_kept_as_it_was(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    assert changes(run) == {"W/1": (0, 8), "K/1": (0, 2)}
    assert (run.state, run.made_by, run.reason) == ("SIMULATED", "planner", "BY_HAND")
    assert await floor.confirmed() == {"W/1": 0, "K/1": 0}
    assert await floor.changes() == []
    assert await floor.allocation.run(MAIN, run.run_id) == run


async def test_who_comes_first_by_priority_is_confirmed_first(floor: Floor) -> None:
    await floor.rule("key", IMPROVE, 1)
    await two_orders(floor)

    assert changes(await floor.applied()) == {"K/1": (0, 8), "W/1": (0, 2)}
    assert await floor.changes() == [("K/1", 0, 8), ("W/1", 0, 2)]


async def test_the_rule_of_an_order_comes_before_its_channels(floor: Floor) -> None:
    await floor.rule("key", IMPROVE, 1)
    rule = AllocationRule(order_id="W", strategy=WIN)
    await floor.allocation.rulebook.set_rule(MAIN, rule, by="planner")
    await two_orders(floor)

    run = await floor.applied()

    assert changes(run) == {"W/1": (0, 8), "K/1": (0, 2)}
    assert run.rules_version == 2


async def test_approved_twice_it_is_applied_once(floor: Floor) -> None:
    await two_orders(floor)
    first = await floor.applied()
    again = await floor.allocation.approve(MAIN, first.run_id, by="somebody else")

    assert again == first
    assert len(await floor.changes()) == 2


async def test_approved_by_two_at_once_it_is_applied_once(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    approvals = [
        floor.allocation.approve(MAIN, run.run_id, by=f"boss {number}") for number in range(5)
    ]
    answers = await asyncio.gather(*approvals)

    assert len({answer.decided_by for answer in answers}) == 1
    assert len(await floor.changes()) == 2


async def test_simulated_twice_with_nothing_changed_it_is_the_same_run(floor: Floor) -> None:
    await two_orders(floor)
    runs = [await floor.allocation.simulate(MAIN, "X", "DC1", by="planner") for _ in range(2)]

    assert runs[0] == runs[1]


async def test_a_run_on_what_has_changed_is_stale(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    await floor.hear(moved(2, 1, place(), None))

    with pytest.raises(Conflict, match="has changed") as refused:
        await floor.allocation.approve(MAIN, run.run_id, by="boss")
    assert refused.value.code == "stale"
    assert await floor.changes() == []

    newer = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    assert changes(newer) == {"W/1": (0, 8), "K/1": (0, 1)}
    with pytest.raises(Conflict, match="SUPERSEDED"):
        await floor.allocation.approve(MAIN, run.run_id, by="boss")


async def test_a_rule_that_changed_makes_a_run_stale(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    await floor.rule("key", IMPROVE, 1)

    with pytest.raises(Conflict, match="has changed"):
        await floor.allocation.approve(MAIN, run.run_id, by="boss")


async def test_what_is_picked_is_never_touched(floor: Floor) -> None:
    await two_orders(floor)
    await floor.applied()
    await floor.hear(moved(2, 5, place(), None, demand_ref="W/1"))
    assert await floor.confirmed() == {"W/1": 3, "K/1": 2}

    await floor.rule("web", LOSE)
    run = await floor.applied()

    assert changes(run) == {"K/1": (2, 5), "W/1": (3, 0)}
    assert [one.picked // MICROS for one in run.lines] == [0, 5]
    await floor.rule("web", WIN)
    assert changes(await floor.applied()) == {"W/1": (0, 3), "K/1": (5, 2)}


async def test_promises_that_are_no_orders_are_left_alone(floor: Floor) -> None:
    await floor.hear(counted(1, count(20)))
    await floor.reserve(6, kind=HARD)
    await floor.reserve(3)
    await floor.hear(of("web", "W", 1, demand("W/1", 20)))

    assert changes(await floor.applied()) == {"W/1": (0, 11)}


async def test_what_was_promised_to_an_order_line_counts_as_its_confirmation(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(10)))
    await floor.reserve(6, kind=HARD, demand_ref="K/1")
    await floor.hear(
        of("web", "W", 1, demand("W/1", 8)), of("key", "K", 1, demand("K/1", 6), minute=1)
    )
    assert await floor.confirmed() == {"W/1": 0, "K/1": 6}

    assert changes(await floor.applied()) == {"W/1": (0, 4), "K/1": (6, 6)}


async def test_safety_stock_is_kept_from_who_would_gain_only(floor: Floor) -> None:
    await two_orders(floor)
    await floor.applied()
    await floor.inventory.upkeep.set_safety(MAIN, "X", "DC1", 4 * MICROS, by="test")
    await floor.hear(moved(2, 2, None, place()))

    assert changes(await floor.allocation.simulate(MAIN, "X", "DC1", by="p")) == {
        "W/1": (8, 8), "K/1": (2, 2)
    }  # fmt: skip


async def test_a_group_of_locations_gives_what_its_members_have_free(floor: Floor) -> None:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await floor.hear(
        Fact(identity="location:EAST:1", payload=group, occurred_at=NOON, version=1),
        counted(1, count(10)),
        counted(2, count(5), location="DC2"),
        of("web", "W", 1, demand("W/1", 8)),
        of("key", "K", 1, demand("K/1", 20, location="EAST")),
    )

    run = await floor.applied(location="EAST")

    assert changes(run) == {"K/1": (0, 7)}


async def test_a_refused_run_is_kept_escalated_and_cannot_be_applied(floor: Floor) -> None:
    await floor.rule("web", WIN)
    await floor.rule("key", WIN)
    await two_orders(floor)

    runs = [await floor.allocation.simulate(MAIN, "X", "DC1", by="planner") for _ in range(2)]

    assert [run.state for run in runs] == ["REFUSED"] * 2
    assert runs[0].run_id == runs[1].run_id
    [case] = await floor.open_cases()
    assert (case.code, case.severity, case.count) == ("ORD-OVERSOLD", "S1", 1)
    assert case.title == "16 EA are owed, and 10 EA are there"
    with pytest.raises(Conflict, match="it is REFUSED"):
        await floor.allocation.approve(MAIN, runs[0].run_id, by="boss")


async def test_four_eyes_want_another_than_the_maker(floor: Floor) -> None:
    await floor.policy(Applies.NOTHING, four_eyes=True)
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    with pytest.raises(Forbidden, match="another") as refused:
        await floor.allocation.approve(MAIN, run.run_id, by="planner")
    assert refused.value.code == "four_eyes"
    assert (await floor.allocation.approve(MAIN, run.run_id, by="boss")).state == "APPLIED"


async def test_a_rejected_run_stays_rejected(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    for _ in range(2):
        said = await floor.allocation.reject(MAIN, run.run_id, by="boss", remark="ask sales")
        assert (said.state, said.decided_by, said.remark) == ("REJECTED", "boss", "ask sales")

    with pytest.raises(Conflict, match="it is REJECTED"):
        await floor.allocation.approve(MAIN, run.run_id, by="boss")
    applied = await floor.applied()
    with pytest.raises(Conflict, match="it is APPLIED"):
        await floor.allocation.reject(MAIN, applied.run_id, by="boss", remark="too late")


async def test_there_is_nothing_to_run_where_nobody_ordered(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)))

    with pytest.raises(NotFound, match="no open order line"):
        await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    with pytest.raises(NotFound, match="no allocation run"):
        await floor.allocation.approve(MAIN, "run_0", by="boss")
    assert await floor.allocation.lines(MAIN, "X", "DC1") == []


async def test_runs_are_listed_page_by_page(floor: Floor) -> None:
    await two_orders(floor)
    for number in range(3):
        await floor.hear(moved(10 + number, 1, place(), None))
        await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    every = await floor.allocation.runs(MAIN)

    first = await floor.allocation.runs(MAIN, limit=2)
    rest = await floor.allocation.runs(MAIN, after=first[-1].run_id, limit=2)
    assert [*first, *rest] == every
    assert len(await floor.allocation.runs(MAIN, state="SIMULATED")) == 1


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        (AllocationRule(channel="web", order_id="W"), "/order_id"),
        (AllocationRule(channel="web", customer="METRO"), "/customer"),
        (AllocationRule(customer="METRO", order_id="W"), "/order_id"),
        (AllocationRule(customer="  ", strategy=Strategy.LOSE), "/customer"),
        (AllocationRule(channel="web", priority=0), "/priority"),
        (AllocationRule(channel="web", priority=1001), "/priority"),
    ],
)
async def test_a_rule_that_cannot_hold_is_refused_with_its_place(
    floor: Floor, rule: AllocationRule, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await floor.allocation.rulebook.set_rule(MAIN, rule, by="planner")

    assert refused.value.where == where


async def test_a_rule_said_again_is_no_new_version_and_one_taken_back_stays_on_record(
    floor: Floor,
) -> None:
    book = floor.allocation.rulebook
    for _ in range(2):
        await floor.rule("web", WIN, 3)
    [default, web] = await book.rules(MAIN)
    assert (default.version, default.strategy) == (0, IMPROVE)
    assert (web.version, web.channel, web.priority, web.set_by) == (1, "web", 3, "planner")

    for _ in range(2):
        await book.clear_rule(MAIN, AllocationRule(channel="web"), by="planner")
    assert await book.rules(MAIN) == [default]
    assert await floor.left("allocation_rule") == 2


async def test_rules_said_at_once_are_numbered_one_after_the_other(floor: Floor) -> None:
    await asyncio.gather(*(floor.rule(f"channel-{number}", WIN) for number in range(8)))

    rules = await floor.allocation.rulebook.rules(MAIN)
    assert sorted(rule.version for rule in rules) == list(range(9))


async def test_the_run_that_last_changed_an_order_line_is_found_by_the_line(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.applied()
    await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    found = await floor.allocation.confirmed_by(MAIN, ["W/1", "K/1", "nobody/1"])
    assert {(one.demand_ref, one.run_id) for one in found} == {
        (one.demand_ref, run.run_id) for one in run.lines if one.before != one.after
    }
    assert {one.demand_ref: one.after for one in found} == {
        one.demand_ref: one.after for one in run.lines
    }


async def test_what_a_run_gave_is_derived_again_after_rules_and_stock_have_changed(
    floor: Floor,
) -> None:
    await two_orders(floor)
    run = await floor.applied()

    await floor.rule("web", WIN, 1)
    await floor.rule("key", LOSE, 900)
    await floor.hear(counted(2, count(999)))
    await floor.work()

    again = await floor.allocation.run(MAIN, run.run_id)
    assert is_run_reproduced(again)
    assert again == run
