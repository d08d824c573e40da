"""The worked examples (`law.md`) that are rules: pure functions, no database, no clock."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import model as allocating
from crossdock.capabilities.inventory import budget, protection
from crossdock.capabilities.inventory.model import Figures
from crossdock.capabilities.inventory.publishing import (
    ShareMode,
    Terms,
    available_to_sell,
    in_channel_units,
)
from crossdock.capabilities.reconciliation import explaining, guards
from crossdock.capabilities.reconciliation import model as comparing
from crossdock.capabilities.reconciliation.buckets import Bucket
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.judging import Known, Policy, judge
from crossdock.capabilities.reconciliation.model import Before, Difference, Log, Posting, State
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.sourcing import model as sourcing
from crossdock.capabilities.sourcing.deciding import plan
from crossdock.capabilities.supply import model as dating
from crossdock.capabilities.supply.model import AtpMode
from tests.unit.capabilities.sourcing.orders import decide, line, node, order, shipped, waiting
from tests.vectors.law import expected, given, listed

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_a1_a_zero_that_is_policy_is_told_from_a_lack() -> None:
    nettable, hard, safety = given("A1")
    found = Figures(nettable, hard, 0, safety)

    assert expected("A1") == (
        f"net {found.net}, ATF {found.available}, withheld {found.withheld},"
        f" shortage {found.shortage}"
    )


def balances_of_a4() -> list[int]:
    start, each, first, second, *demand = given("A4")
    supply = [each if bucket in {first, second} else 0 for bucket in range(1, len(demand) + 1)]
    return dating.projected(start, supply, demand)


def test_a4_what_can_be_promised_by_when_and_out_of_which_supply() -> None:
    pab = balances_of_a4()

    assert expected("A4") == (
        f"CATP {listed(dating.cumulative(pab))}; discrete {listed(dating.discrete(pab))}"
    )


def test_a9_a_promise_in_parts() -> None:
    wanted, *_ = given("A9")
    lines, rest = dating.split(AtpMode.CUMULATIVE, dating.cumulative(balances_of_a4()), wanted)
    said = ", ".join(f"{one.micros}@b{one.bucket + 1}" for one in lines)

    assert expected("A9") == f"schedule lines {said}"
    assert rest == 0


def test_a12_what_makes_no_case_is_not_sold_as_one() -> None:
    available, case = given("A12")
    cases, rest = dating.whole_packs(available, case)

    assert expected("A12") == f"{cases} CS, {rest} EA remainder not sold as case"
    assert available_to_sell(in_channel_units(available * MICROS, case, 1), Terms()) == (
        cases * MICROS
    )


def said_of_a14(key: int, web: int, branch: int) -> str:
    is_additive = key + web + branch <= given("A14")[0]
    return f"KEY {key}, WEB {web}, BRANCH {branch}{'' if is_additive else ' (not additive)'}"


def test_a14_what_a_channel_is_shown_leaves_what_others_are_kept() -> None:
    pool, key, no, web, taken, most, used, top, gone = given("A14")
    claims = [
        protection.Claim(least=key, used=no),
        protection.Claim(least=web, most=most, used=used),
        protection.Claim(most=top, used=gone),
    ]
    assert taken == used
    shown = [
        protection.available_to(pool, own, [one for one in claims if one is not own])
        for own in claims
    ]

    assert expected("A14") == said_of_a14(*shown)


def test_a14_what_orders_are_confirmed_leaves_what_others_are_kept() -> None:
    pool, key, no, web, taken, most, used, top, gone = given("A14")
    kept = (
        allocating.Protection("KEY", minimum=key, consumed=no),
        allocating.Protection("WEB", maximum=most, used=used, minimum=web, consumed=taken),
        allocating.Protection("BRANCH", maximum=top, used=gone),
    )

    def granted(group: str) -> int:
        asks = allocating.Line("A", group, pool, 0, Strategy.REDISTRIBUTE, 500, NOON)
        [grant] = allocating.run(pool, [asks], kept).grants
        return grant.after

    had = [granted(group) for group in ("KEY", "WEB", "BRANCH")]

    assert expected("A14") == said_of_a14(*had)


def test_a15_percentages_split_a_pool_and_the_buffer_comes_off() -> None:
    pool, trade, web, buffer = given("A15")

    def sold(percent: int, held: int = 0) -> int:
        terms = Terms(
            share_mode=ShareMode.PERCENT, share_percent=Decimal(percent), buffer=held * MICROS
        )
        return available_to_sell(pool * MICROS, terms) // MICROS

    assert expected("A15") == f"B2B {sold(trade)}, web {sold(web, buffer)}"


@pytest.mark.parametrize("percent", [Decimal(1), Decimal("0.99")])  # z = 2.3264 and z = 2.33
def test_a16_the_buffer_is_the_business_case_for_events(percent: Decimal) -> None:
    rate, slow, fast, *_ = given("A16")
    taken = rate * MICROS
    seller = budget.Seller(name="web", peak=taken, taken=taken, squares=taken * MICROS, order_ms=0)
    buffers = [budget.held_back([seller], 1000 * s, percent) // MICROS for s in (slow, fast)]

    assert expected("A16") == f"buffers {buffers[0]} and {buffers[1]}"


def test_a17_supply_is_granted_in_the_order_of_the_strategies() -> None:
    there, *numbers = given("A17")
    asked_and_had = zip(numbers[::2], numbers[1::2], strict=True)
    strategies = (
        *(Strategy.LOSE, Strategy.WIN, Strategy.GAIN),
        *(Strategy.REDISTRIBUTE, Strategy.FILL),
    )
    lines = [
        allocating.Line(name, "web", asked, had, strategy, 500, NOON)
        for name, strategy, (asked, had) in zip("ABCDE", strategies, asked_and_had, strict=True)
    ]
    outcome = allocating.run(there, lines)
    after = {grant.line.demand_ref: grant.after for grant in outcome.grants}

    assert expected("A17") == ", ".join(f"{name} {after[name]}" for name in "BCDEA")
    assert (outcome.gained, outcome.lost, outcome.owed) == (40, 40, 80)


def test_a20_an_order_that_is_not_filled_whole_leaves_nothing_unless_part_is_allowed() -> None:
    x, y, asked_x, asked_y = given("A20")
    lines = line(1, "X", asked_x), line(2, "Y", asked_y)
    there = node("DC1", {"X": x, "Y": y})

    whole = decide(order(*lines, policy=sourcing.Policy.COMPLETE_ORDER), there)
    part = decide(order(*lines, policy=sourcing.Policy.PARTIAL), there)

    denied = "some" if shipped(whole) else "deny all"
    [sent], short = shipped(part).values(), waiting(part)
    assert expected("A20") == (
        f"{denied}; with partial: X {sent[1]}, Y {sent[2]}, Y {short[2][0]} short"
    )


@pytest.mark.parametrize("nearer", ["DC1", "DC2", "DC3"])
def test_a21_one_node_that_fills_everything_goes_before_a_nearer_one(nearer: str) -> None:
    x, y, *stock = given("A21")
    asked = order(line(1, "X", x), line(2, "Y", y))
    nodes = [
        node(name, {"X": has_x, "Y": has_y}, distance_km=1 if name == nearer else 500)
        for name, has_x, has_y in zip(("DC1", "DC2", "DC3"), stock[::2], stock[1::2], strict=True)
    ]
    made = plan(asked, nodes, sourcing.Rules())
    [(alone, parts)] = shipped(made).items()

    assert expected("A21") == f"{alone} alone, one shipment, even if DC1 is nearer"
    assert parts == {1: x, 2: y}


def test_a27_to_look_only_to_the_next_supply_is_optimistic() -> None:
    start, coming, at, early, soon, late, then = given("A27")
    supply = dating.dated(4, [(at, coming)])
    demand = dating.dated(4, [(soon, early), (then, late)])
    pab = dating.projected(start, supply, demand)
    full, near = dating.cumulative(pab), dating.until_next_supply(pab)
    broken = dating.projected(start - near[0], supply, demand)[then]

    assert expected("A27") == (
        f"full look-ahead {listed(full)}; until-next-supply {listed(near)}"
        f" (promising {near[0]} now breaks b{then} by {-broken})"
    )


def test_a31_a_case_is_never_opened() -> None:
    wanted, multiple = given("A31")
    found = [dating.in_packs(wanted, multiple, up=is_up) for is_up in (False, True)]

    assert expected("A31") == f"{found[0]} or {found[1]} by policy; never {wanted}"


# Comparing: amounts in millionths, times in microseconds.


def at(hours: int, minutes: int = 0, seconds: int = 0, *, day: int = 0) -> int:
    moment = datetime(2026, 5, 4 + day, hours, minutes, seconds, tzinfo=UTC)
    return int(moment.timestamp()) * MICROS


def each(amount: int) -> int:
    return amount * MICROS


def total(amount: int) -> dict[Bucket, int]:
    return {Bucket(): each(amount)} if amount else {}


def suspected(unexplained: int) -> Before:
    return Before(State.SUSPECTED, 0, each(unexplained))


def test_r1_what_sits_in_the_error_queue_hides_a_second_problem() -> None:
    ours, theirs, received = given("R1")
    receipts = Log((Posting("GR-1", each(received), at(9)),))
    found = Difference(
        ours=each(ours),
        theirs=each(theirs),
        documents=tuple(comparing.documents(receipts, None, frozenset({"GR-1"}), at(12))),
    )
    raw, explained, left = (
        micros // MICROS for micros in (found.raw, found.explained, found.unexplained)
    )

    assert expected("R1") == (
        f"raw ERP-WMS {raw}; explained {explained}; unexplained {left:+}"
        f" (ERP too high by {left}: a second, hidden problem)"
    )


def test_r2_two_snapshots_around_midnight_agree_at_the_earlier_one() -> None:
    numbers = given("R2")
    erp_at, wms_at, gone_at = at(*numbers[:3]), at(*numbers[4:7], day=1), at(*numbers[9:])
    erp, wms, gone = numbers[3], numbers[7], numbers[8]
    cut = comparing.common_cut(wms_at, erp_at)
    ours = comparing.rolled(each(wms), wms_at, [Posting("S-1", each(-gone), gone_at)], cut)
    found = judge({Bucket(): ours}, total(erp), cut, Known(), Policy())

    assert expected("R2") == ("explained, no exception" if found is None else "an exception")


def test_r5_a_ratio_that_is_the_case_factor_is_a_mistaken_unit() -> None:
    theirs, ours = given("R5")
    factor = ours // theirs
    known = Known(factors=[(1, 1), (factor, 1)], before=suspected(theirs - ours))
    found = judge(total(ours), total(theirs), at(12), known, Policy())

    assert found is not None
    adjusted = "no auto-adjust" if found.remedy is Remedy.MASTER_DATA else "adjusted"
    assert expected("R5") == (f"ratio {factor} = case factor -> {found.verdict.cause}, {adjusted}")


def test_r6_a_shipment_posted_twice_is_a_duplicate_and_nothing_else_is_left() -> None:
    theirs, ours, gone = given("R6")
    known = Known(
        ours=Log((Posting("S1", each(-gone), at(9)),)),
        theirs=Log((Posting("S1", each(-gone), at(9, 1)), Posting("S1", each(-gone), at(9, 2)))),
        before=suspected(theirs - ours),
    )
    found = judge(total(ours), total(theirs), at(12), known, Policy())

    assert found is not None
    left = found.difference.unexplained // MICROS
    assert expected("R6") == (
        f"{found.verdict.cause}, unexplained {left} after removing the duplicate"
    )
    assert (found.state, found.remedy) == (State.CONFIRMED, Remedy.FINANCE_TASK)
    assert found.verdict.cause is Cause.MSG_DUP


def test_a_snapshot_of_mostly_zeros_is_refused_with_both_shares() -> None:
    zeros, usual = given("R7")
    taken, before = (
        guards.Shape(rows=1000, zeros=10 * share, taken_at=at(12)) for share in (zeros, usual)
    )

    assert guards.refusal(taken, before, at(12), guards.Plausible()) == (
        f"{zeros}% of its rows are zero, usually {usual}%"
    )


def test_what_is_recorded_after_the_snapshot_is_not_inside_it() -> None:
    occurred, _, recorded, _, taken, _ = given("R8")
    moved = Posting("B-1", each(-3), at(recorded, day=1))
    midnight, morning = at(taken, day=1), at(recorded + 1, day=1)

    assert explaining.is_backdated(at(occurred), at(recorded, day=1), "UTC")
    assert comparing.rolled(each(100), midnight, [moved], morning) == each(97)
    assert comparing.rolled(each(97), morning, [moved], midnight) == each(100)
