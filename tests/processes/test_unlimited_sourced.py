"""What no stock limits, in the choice of warehouses: at once, or by a lead time (§3.3, §3.5)."""

from datetime import date, timedelta

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.sourcing import Policy, Preference, Rules
from crossdock.capabilities.supply import AtpMode, AtpRule, PlacedRule
from tests.processes.test_kits_shown import Bench
from tests.processes.test_kits_sourced import asked, bench, decided, planned, sent, why

__all__ = ["bench"]


async def ruled(bench: Bench, item: str, location: str = "*", **rule: object) -> None:
    said = PlacedRule(item=item, location=location, rule=AtpRule(**rule))  # type: ignore[arg-type]  # fields by name
    await bench.hub.supply.put_rule(bench.hub.scope, said, by="test")


def days(bench: Bench, more: int) -> date:
    return bench.hub.clock.now().date() + timedelta(days=more)


@pytest.mark.parametrize("dated", [False, True])
@pytest.mark.parametrize("policy", list(Policy))
async def test_an_unlimited_item_limits_no_node_with_a_date_and_without(
    bench: Bench, policy: Policy, *, dated: bool
) -> None:
    await ruled(bench, "S", mode=AtpMode.INFINITE)
    await bench.count("DC1", X=2)
    await bench.count("DC3", X=5)
    needed_by = days(bench, 3) if dated else None

    made = await decided(bench, ("X", 5), ("S", 700), policy=policy, needed_by=needed_by)

    assert sent(made) == {"DC3": {"X": 5, "S": 700}}
    assert made.is_complete
    assert all(part.supply_on is None for one in made.shipments for part in one.parts)
    assert why(made, "DC3") == (
        "it fills everything alone: 5 of X (line 1), 700 of S (line 2, which no stock limits)"
    )
    assert [one.unlimited for one in made.candidates] == [("S",)] * 3


@pytest.mark.parametrize("dated", [False, True])
async def test_no_stock_is_emptied_by_what_no_stock_limits(bench: Bench, *, dated: bool) -> None:
    await ruled(bench, "S", mode=AtpMode.INFINITE)
    await bench.count("DC1", X=1)
    rules = Rules(preferences=(Preference.DEPTH, Preference.SINGLE_NODE))
    await bench.hub.sourcing.put_rules(bench.hub.scope, rules, by="test")

    made = await decided(bench, ("S", 3), needed_by=days(bench, 3) if dated else None)

    assert sent(made) == {"DC1": {"S": 3}}
    assert made.decided_by == "TIE"


@pytest.mark.parametrize("dated", [False, True])
async def test_an_unlimited_item_is_had_within_its_channels_maximum(
    bench: Bench, *, dated: bool
) -> None:
    await ruled(bench, "X", mode=AtpMode.INFINITE)
    await bench.count("DC1", X=1)
    now = bench.hub.clock.now()
    kept = AllocationProtection(
        item="X", location="DC1", channel="web", minimum=0, maximum=4 * MICROS,
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1),
    )  # fmt: skip
    await bench.hub.allocation.rulebook.protect(bench.hub.scope, kept, by="planner")

    more = {"channel": "web", "original": "DC1", "needed_by": days(bench, 3) if dated else None}
    made = await decided(bench, ("X", 9), policy=Policy.COMPLETE_LINE, **more)

    assert sent(made) == {"DC2": {"X": 9}}
    assert "the channel's maximum allows no more X" in why(made, "DC1")


async def test_a_kit_is_limited_by_those_of_its_parts_that_stock_limits(bench: Bench) -> None:
    await ruled(bench, "S", mode=AtpMode.INFINITE)
    await bench.kit("P", X=1, S=1)
    await bench.kit("Q", S=2)
    await bench.count("DC1", X=3)

    made = await planned(bench, asked(("P", 5), ("Q", 7), request_id="o1"), reserve=True)

    decision = made.answer.decided
    assert sent(decision) == {"DC1": {"P": 3, "Q": 7}}
    assert why(decision, "DC1") == (
        "it gives: 3 of P (line 1, put together), 7 of Q (line 2, which no stock limits);"
        " too little X for more P"
    )
    assert made.reservation is not None
    lines = (*made.reservation.lines, *made.reservation.parts)
    assert [(one.item, one.remaining // MICROS) for one in lines if one.remaining] == [
        ("P", 3),
        ("X", 3),
    ]


@pytest.mark.parametrize(
    ("needed", "policy", "found"),
    [
        (None, Policy.PARTIAL, 10),
        (None, Policy.COMPLETE_ORDER, 10),
        (9, Policy.PARTIAL, 10),
        (3, Policy.PARTIAL, 2),
    ],
)
async def test_what_is_had_by_its_lead_time_is_planned_of_it_with_a_date_and_without(
    bench: Bench, needed: int | None, policy: Policy, found: int
) -> None:
    await ruled(bench, "X", "DC1", mode=AtpMode.LEAD_TIME, lead_time_days=5)
    await bench.count("DC1", X=2)
    needed_by = None if needed is None else days(bench, needed)

    made = await decided(bench, ("X", 10), needed_by=needed_by, policy=policy)

    assert sent(made) == {"DC1": {"X": found}}
    [part] = made.shipments[0].parts
    assert part.supply_on == (days(bench, 5) if found == 10 else None)
    assert ("by its lead time on" in why(made, "DC1")) is (found == 10)
    assert [one.by_lead_time for one in made.candidates] == [("X",), (), ()]


async def test_what_lies_there_goes_before_what_is_had_by_a_lead_time(bench: Bench) -> None:
    await ruled(bench, "X", "DC1", mode=AtpMode.LEAD_TIME, lead_time_days=5)
    await bench.count("DC1", X=2)
    await bench.count("DC3", X=10)

    made = await decided(bench, ("X", 10))

    assert sent(made) == {"DC3": {"X": 10}}


async def test_a_plan_to_be_reserved_is_made_of_what_lies_there_of_a_lead_time_item(
    bench: Bench,
) -> None:
    await ruled(bench, "X", "DC1", mode=AtpMode.LEAD_TIME, lead_time_days=5)
    await bench.count("DC1", X=2)

    made = await planned(bench, asked(("X", 10), request_id="o1"), reserve=True)

    assert sent(made.answer.decided) == {"DC1": {"X": 2}}
    assert made.reservation is not None
    assert made.reservation.is_granted


async def test_a_kit_is_not_limited_by_a_kit_in_it_that_nothing_limits(bench: Bench) -> None:
    await ruled(bench, "S", mode=AtpMode.INFINITE)
    await bench.kit("P", Q=1, X=1)
    await bench.kit("Q", S=2)
    await bench.count("DC1", X=10, Q=1)
    await bench.sells()
    assert await bench.shown("P") == [10]

    made = await planned(bench, asked(("P", 12), request_id="o1"), reserve=True)

    assert sent(made.answer.decided) == {"DC1": {"P": 10}}
    assert made.reservation is not None
    lines = (*made.reservation.lines, *made.reservation.parts)
    held = {one.item: one.remaining // MICROS for one in lines}
    assert held == {"P": 10, "X": 10}
    assert await bench.shown("P") == [0]
