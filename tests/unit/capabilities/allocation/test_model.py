"""Who is confirmed when there is not enough: its rules, a naive second way."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation.figures import Figures, supply, unpicked
from crossdock.capabilities.allocation.model import (
    DEFAULT_RULE,
    Grant,
    Line,
    Outcome,
    Protection,
    RunException,
    Why,
    run,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
WIN, GAIN, IMPROVE, REDISTRIBUTE, FILL, LOSE, SKIP = Strategy


def line(  # noqa: PLR0913, PLR0917  # a row of the law's tables
    ref: str,
    strategy: Strategy,
    requested: int,
    confirmed: int,
    priority: int = 500,
    group: str = "web",
    *,
    minute: int = 0,
) -> Line:
    since = NOON + timedelta(minutes=minute)
    return Line(ref, group, requested, confirmed, strategy, priority, since)


def after(outcome: Outcome) -> dict[str, int]:
    return {grant.line.demand_ref: grant.after for grant in outcome.grants}


def of(outcome: Outcome, ref: str) -> Grant:
    [found] = [grant for grant in outcome.grants if grant.line.demand_ref == ref]
    return found


# What is asked, and what of it is confirmed, of the lines of A17.
A17 = [
    ("A", LOSE, 40, 40),
    ("B", WIN, 50, 20),
    ("C", GAIN, 30, 30),
    ("D", REDISTRIBUTE, 30, 10),
    ("E", FILL, 20, 0),
]


def test_a17_comes_out_the_same_in_whatever_order_the_lines_are_told() -> None:
    lines = [line(ref, how, asked, had) for ref, how, asked, had in A17]

    assert len({run(100, told).grants for told in permutations(lines)}) == 1


# A3: nettable 18, H 25, SS 5: shortage 7. Safety stock is no reason to take more from orders.
def test_a3_confirmed_lines_lose_the_shortage_and_not_the_safety_stock_too() -> None:
    lines = [line("O/1", IMPROVE, 25, 25)]
    there = supply(Figures(nettable=18, hard=25, soft=0, safety=5), lines)

    assert there == 18
    assert run(there, lines).lost == 7


@pytest.mark.parametrize(
    ("figures", "had", "expected", "why"),
    [
        (Figures(100, 30, 0, 0), 0, 100, "all of it, for nobody else has a promise"),
        (Figures(100, 35, 0, 0), 0, 95, "less a promise of 5 that is no order's"),
        (Figures(100, 30, 8, 0), 0, 92, "less what carts hold"),
        (Figures(100, 30, 0, 80), 0, 20, "safety stock is kept from who would gain"),
        (Figures(100, 30, 0, 80), 25, 25, "and is not taken from who has"),
        (Figures(10, 35, 8, 0), 25, 0, "others have it all"),
        (Figures(20, 30, 0, 5), 25, 20, "not more than there is"),
        (Figures(100, 10, 0, 0), 0, 100, "orders that stock has not counted yet take nothing"),
    ],
)
def test_the_supply_of_order_lines_leaves_other_promises_alone(
    figures: Figures, had: int, expected: int, why: str
) -> None:
    assert supply(figures, [line("O/1", IMPROVE, 30, had)]) == expected, why


@pytest.mark.parametrize(
    ("total", "picked", "requested", "expected"),
    [(10, 0, 10, 10), (10, 4, 6, 6), (6, 4, 6, 2), (4, 6, 2, 0), (10, 0, 7, 7)],
)
def test_picks_take_of_what_is_confirmed_first(
    total: int, picked: int, requested: int, expected: int
) -> None:
    assert unpicked(total, picked, requested) == expected


@pytest.mark.parametrize(
    ("strategy", "had", "supply_", "expected", "why", "exception"),
    [
        (WIN, 2, 10, 10, Why.FULL, ""),
        (GAIN, 4, 6, 6, Why.SUPPLY, ""),
        (IMPROVE, 4, 3, 3, Why.SUPPLY, ""),
        (IMPROVE, 4, 30, 10, Why.FULL, ""),
        (REDISTRIBUTE, 4, 7, 7, Why.SUPPLY, ""),
        (FILL, 4, 30, 4, Why.KEPT, ""),
        (FILL, 4, 3, 3, Why.SUPPLY, ""),
        (FILL, 10, 30, 10, Why.FULL, ""),
        (LOSE, 4, 30, 0, Why.GIVEN_UP, ""),
        (SKIP, 4, 30, 4, Why.NOT_TOUCHED, ""),
        (SKIP, 4, 3, 4, Why.NOT_TOUCHED, ""),
    ],
)
def test_a_line_of_ten_alone_gets_what_its_strategy_allows(  # noqa: PLR0917  # one row
    strategy: Strategy, had: int, supply_: int, expected: int, why: Why, exception: str
) -> None:
    [grant] = run(supply_, [line("O/1", strategy, 10, had)]).grants

    assert (grant.after, grant.why, grant.exception) == (expected, why, exception)


def test_a_run_that_owes_more_than_there_is_is_refused_and_changes_nothing() -> None:
    lines = [line("W", WIN, 50, 20), line("G", GAIN, 40, 30), line("I", IMPROVE, 5, 5)]

    refused = run(79, lines)
    assert refused.is_refused
    assert (refused.owed, refused.is_change) == (80, False)
    assert not run(80, lines).is_refused


def test_what_skip_has_is_taken_off_before_what_is_owed_is_compared() -> None:
    lines = [line("S", SKIP, 9, 9), line("W", WIN, 5, 0)]

    assert run(13, lines).is_refused
    assert after(run(14, lines)) == {"S": 9, "W": 5}


def test_within_a_strategy_priority_comes_first_then_who_came_first_then_the_reference() -> None:
    lines = [
        line("late", IMPROVE, 4, 0, minute=2),
        line("early", IMPROVE, 4, 0, minute=1),
        line("first", IMPROVE, 4, 0, 1, minute=3),
        line("early-too", IMPROVE, 4, 0, minute=1),
    ]
    outcome = run(10, lines)

    assert list(after(outcome).items()) == [
        ("first", 4), ("early", 4), ("early-too", 2), ("late", 0)
    ]  # fmt: skip


def test_what_improve_has_is_kept_before_any_of_them_improves() -> None:
    lines = [line("first", IMPROVE, 10, 0, 1), line("second", IMPROVE, 10, 6, 2)]

    assert after(run(8, lines)) == {"first": 2, "second": 6}


def test_a_minimum_of_others_limits_even_who_must_win_and_is_named() -> None:
    lines = [line("W", WIN, 10, 10), line("G", GAIN, 5, 5)]
    outcome = run(20, lines, [Protection("key", minimum=12)])

    assert after(outcome) == {"W": 8, "G": 0}
    assert [(g.why, g.exception) for g in outcome.grants] == [
        (Why.MINIMUM, RunException.WIN_SHORT),
        (Why.MINIMUM, RunException.GAIN_LOST),
    ]


def test_a_minimum_is_used_up_by_its_own_group() -> None:
    lines = [line("K", IMPROVE, 10, 0, 1, "key"), line("I", IMPROVE, 20, 0, 2)]
    outcome = run(20, lines, [Protection("key", minimum=12, consumed=4)])

    assert after(outcome) == {"K": 10, "I": 10}


def test_a_groups_own_maximum_limits_it_and_is_named() -> None:
    lines = [line("W1", IMPROVE, 10, 0, 1), line("W2", IMPROVE, 10, 0, 2)]
    outcome = run(50, lines, [Protection("web", maximum=20, used=8)])

    assert after(outcome) == {"W1": 10, "W2": 2}
    assert of(outcome, "W2").why is Why.MAXIMUM


# A31: sell multiple 12: 24 or 36, never 30.
@pytest.mark.parametrize(
    ("how", "asked", "had", "there", "expected", "why"),
    [
        (IMPROVE, 36, 0, 30, 24, Why.SUPPLY),
        (IMPROVE, 36, 0, 36, 36, Why.FULL),
        (IMPROVE, 36, 20, 30, 24, Why.SUPPLY),
        (IMPROVE, 36, 20, 22, 20, Why.SUPPLY),
        (IMPROVE, 36, 24, 20, 12, Why.SUPPLY),
        (IMPROVE, 30, 0, 30, 30, Why.FULL),
        (REDISTRIBUTE, 36, 30, 11, 0, Why.SUPPLY),
        (FILL, 36, 30, 29, 24, Why.SUPPLY),
    ],
)
def test_a31_what_is_not_confirmed_in_full_is_confirmed_in_whole_cases(  # noqa: PLR0917 - a row of the table
    how: Strategy, asked: int, had: int, there: int, expected: int, why: Why
) -> None:
    [grant] = run(there, [line("O/1", how, asked, had)._replace(multiple=12)]).grants

    assert (grant.after, grant.why) == (expected, why)


# Three cases of 12, of which some is picked: what is confirmed makes whole cases with that.
@pytest.mark.parametrize(
    ("picked", "there", "expected"), [(4, 10, 8), (4, 7, 0), (4, 20, 20), (13, 10, 0), (12, 11, 0)]
)
def test_a31_what_is_picked_of_a_case_is_completed(picked: int, there: int, expected: int) -> None:
    rest = line("O/1", IMPROVE, 36 - picked, 0)._replace(multiple=12, picked=picked)

    assert after(run(there, [rest])) == {"O/1": expected}


def test_what_makes_no_whole_case_is_there_for_the_next() -> None:
    cases = line("C", IMPROVE, 36, 0, 1)._replace(multiple=12)

    assert after(run(30, [cases, line("P", IMPROVE, 9, 0, 2)])) == {"C": 24, "P": 6}


def test_nobody_is_said_to_stand_as_the_house_does() -> None:
    assert (DEFAULT_RULE.strategy, DEFAULT_RULE.priority) == (IMPROVE, 500)


# Properties, and the naive way.

amounts = st.integers(0, 12)
lines_of = st.lists(
    st.builds(
        lambda number, group, asked, had, how, priority, minute, multiple, picked: Line(
            f"L{number}", group, asked, min(asked, had), how, priority,
            NOON + timedelta(minutes=minute), multiple, picked,
        ),
        st.integers(0, 10**6), st.sampled_from(["web", "key", "branch"]), amounts, amounts,
        st.sampled_from(Strategy), st.integers(1, 3), st.integers(0, 2),
        st.sampled_from([1, 1, 2, 5]), st.integers(0, 6),
    ),
    max_size=9, unique_by=lambda one: one.demand_ref,
)  # fmt: skip
protections_of = st.lists(
    st.builds(
        Protection, st.sampled_from(["web", "key", "branch"]), st.none() | amounts, amounts,
        amounts, amounts,
    ),
    max_size=3, unique_by=lambda one: one.group,
)  # fmt: skip
supplies = st.integers(0, 60)


@given(supplies, lines_of, protections_of)
def test_no_more_is_granted_than_there_is_and_to_nobody_more_than_he_asked(
    there: int, lines: list[Line], protections: list[Protection]
) -> None:
    outcome = run(there, lines, protections)
    skipped = sum(one.confirmed for one in lines if one.strategy is SKIP)

    assert sorted(after(outcome)) == sorted(one.demand_ref for one in lines)
    assert all(0 <= grant.after <= grant.line.requested for grant in outcome.grants)
    if not outcome.is_refused:
        assert sum(grant.after for grant in outcome.grants) <= max(there, skipped)


@given(supplies, lines_of, protections_of)
def test_each_strategy_keeps_its_word(
    there: int, lines: list[Line], protections: list[Protection]
) -> None:
    outcome = run(there, lines, protections)
    if outcome.is_refused:
        assert not outcome.is_change
        return
    for one, got, _, exception, _ in outcome.grants:
        match one.strategy:
            case Strategy.WIN:
                assert (got == one.requested) == (exception is RunException.NONE)
                assert got == one.requested or protections
            case Strategy.GAIN:
                assert (got >= one.confirmed) == (exception is RunException.NONE)
                assert got >= one.confirmed or protections
            case Strategy.FILL:
                assert got <= one.confirmed
            case Strategy.LOSE:
                assert got == 0
            case Strategy.SKIP:
                assert got == one.confirmed
            case _:
                assert exception is RunException.NONE


@given(supplies, lines_of, protections_of, st.randoms(use_true_random=False))
def test_a_run_does_not_depend_on_the_order_in_which_it_is_told(
    there: int, lines: list[Line], protections: list[Protection], chance: object
) -> None:
    told, kept = list(lines), list(protections)
    chance.shuffle(told)  # type: ignore[attr-defined]  # events of one kind were asked for
    chance.shuffle(kept)  # type: ignore[attr-defined]  # events of one kind were asked for

    assert run(there, told, kept) == run(there, lines, protections)


@given(supplies, lines_of, protections_of)
def test_a_run_on_what_a_run_left_takes_from_nobody_but_who_gives_up(
    there: int, lines: list[Line], protections: list[Protection]
) -> None:
    first = run(there, lines, protections)
    again = run(there, [one._replace(confirmed=got) for one, got, *_ in first.grants], protections)

    if not first.is_refused and not again.is_refused and not protections:
        assert again.lost == 0


@given(supplies, lines_of, protections_of)
def test_unit_by_unit_gives_the_same(
    there: int, lines: list[Line], protections: list[Protection]
) -> None:
    outcome = run(there, lines, protections)

    assert after(outcome) == naive(there, lines, protections)


class Naive:
    """Hands out one unit after the other, each time asking the formula of §3.6 anew."""

    def __init__(
        self, there: int, lines: Sequence[Line], protections: Sequence[Protection]
    ) -> None:
        self.there, self.protections = there, protections
        self.rows = sorted(lines, key=lambda one: (one.priority, one.since, one.demand_ref))
        self.got = {one.demand_ref: 0 for one in lines}

    def had(self, group: str) -> int:
        return sum(self.got[one.demand_ref] for one in self.rows if one.group == group)

    def left(self) -> int:
        return max(0, self.there - sum(self.got.values()))

    def free(self, group: str) -> int:
        kept = [p.minimum - p.consumed - self.had(p.group) for p in self.protections
                if p.group != group]  # fmt: skip
        caps = [p.maximum - p.used - self.had(group) for p in self.protections
                if p.group == group and p.maximum is not None]  # fmt: skip
        return max(0, min([self.left() - sum(max(0, one) for one in kept), *caps]))

    def give(self, one: Line, most: int) -> None:
        least = self.got[one.demand_ref]
        while self.got[one.demand_ref] < most and self.free(one.group) >= 1:
            self.got[one.demand_ref] += 1
        while (
            least < self.got[one.demand_ref] < most
            and (one.picked + self.got[one.demand_ref]) % one.multiple
        ):
            self.got[one.demand_ref] -= 1

    def owed(self) -> int:
        wanted = {WIN: "requested", GAIN: "confirmed"}
        return sum(getattr(one, wanted[one.strategy]) for one in self.rows
                   if one.strategy in wanted)  # fmt: skip


def naive(there: int, lines: Sequence[Line], protections: Sequence[Protection]) -> dict[str, int]:
    hand = Naive(there, lines, protections)
    for one in hand.rows:
        if one.strategy is SKIP:
            hand.got[one.demand_ref] = one.confirmed
    if hand.owed() > hand.left():
        return {one.demand_ref: one.confirmed for one in lines}
    for strategy in (WIN, GAIN, IMPROVE, REDISTRIBUTE, FILL):
        mine = [one for one in hand.rows if one.strategy is strategy]
        for one in mine:
            hand.give(one, one.confirmed if strategy in {GAIN, IMPROVE} else 0)
        for one in mine:
            hand.give(one, one.confirmed if strategy is FILL else one.requested)
    return hand.got
