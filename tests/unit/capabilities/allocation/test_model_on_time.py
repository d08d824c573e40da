"""A line that must be served may wait for what comes in time: WIN of §3.6, and no unit twice."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation.model import (
    Expected,
    Line,
    Outcome,
    Protection,
    RunException,
    Why,
    run,
)
from tests.unit.capabilities.allocation.test_model import NOON, after, line, of

WIN, GAIN, IMPROVE, REDISTRIBUTE, FILL, LOSE, SKIP = Strategy
MAY = [date(2026, 5, 4) + timedelta(days=number) for number in range(10)]


def due(one: Line, day: int) -> Line:
    return one._replace(ships_on=MAY[day])


def ahead(*amounts: int) -> list[Expected]:
    """Say what there is by each day, in all."""
    return [Expected(day, micros) for day, micros in zip(MAY, amounts, strict=False)]


def coming(outcome: Outcome) -> dict[str, int]:
    return {grant.line.demand_ref: grant.coming for grant in outcome.grants}


# 60 lie there, 50 more by day 2. WIN asks for 100.
@pytest.mark.parametrize(
    ("day", "is_refused", "gets", "waits_for", "why"),
    [
        (None, True, 0, 0, "it is to leave at once, and 60 are there"),
        (1, True, 0, 0, "nothing has come by then"),
        (2, False, 60, 40, "40 of the 50 are in time"),
        (9, False, 60, 40, "it can wait longer than it has to"),
    ],
)
def test_a_line_that_must_be_served_may_wait_for_what_comes_in_time(
    *, day: int | None, is_refused: bool, gets: int, waits_for: int, why: str
) -> None:
    asked = line("W", WIN, 100, 0)
    outcome = run(60, [asked if day is None else due(asked, day)], [], ahead(60, 60, 110))
    [grant] = outcome.grants

    assert (outcome.is_refused, grant.after, grant.coming) == (is_refused, gets, waits_for), why
    assert grant.exception is RunException.NONE
    assert (grant.why is Why.ON_TIME) is not is_refused


def test_who_cannot_wait_takes_what_lies_there_before_who_can() -> None:
    lines = [due(line("later", WIN, 60, 0, 1), 2), line("now", WIN, 60, 0, 2)]
    outcome = run(60, lines, [], ahead(60, 60, 120))

    assert after(outcome) == {"later": 0, "now": 60}
    assert coming(outcome) == {"later": 60, "now": 0}
    assert [grant.line.demand_ref for grant in outcome.grants] == ["later", "now"]


def test_what_comes_serves_one_line_and_not_two() -> None:
    lines = [due(line("A", WIN, 30, 0, 1), 1), due(line("B", WIN, 30, 0, 2), 3)]

    assert run(0, lines, [], ahead(0, 30, 30, 59)).is_refused
    assert coming(run(0, lines, [], ahead(0, 30, 30, 60))) == {"A": 30, "B": 30}


def test_what_has_gone_again_by_a_later_day_is_counted_for_no_day_before_it() -> None:
    lines = [due(line("A", WIN, 20, 0), 1), due(line("B", WIN, 10, 0), 2)]

    assert run(0, lines, [], ahead(0, 30, 20)).is_refused
    assert not run(0, lines[:1], [], ahead(0, 30, 20)).is_refused


def test_what_is_to_come_confirms_nobody_but_who_must_be_served() -> None:
    others = [due(line(how, how, 10, 0), 2) for how in (GAIN, IMPROVE, REDISTRIBUTE)]
    outcome = run(0, others, [], ahead(0, 0, 100))

    assert set(after(outcome).values()) == set(coming(outcome).values()) == {0}


def test_what_gain_has_lies_there_and_does_not_wait() -> None:
    assert run(20, [due(line("G", GAIN, 30, 30), 2)], [], ahead(20, 20, 90)).is_refused


def test_who_can_wait_leaves_to_gain_what_it_has() -> None:
    lines = [due(line("W", WIN, 10, 0), 2), line("G", GAIN, 5, 5)]
    outcome = run(10, lines, [], ahead(10, 10, 15))

    assert not outcome.is_refused
    assert (after(outcome), coming(outcome)) == ({"W": 5, "G": 5}, {"W": 5, "G": 0})
    assert of(outcome, "G").exception is RunException.NONE


def test_who_cannot_wait_goes_before_gain_where_a_minimum_leaves_too_little() -> None:
    lines = [line("W", WIN, 10, 0), line("G", GAIN, 5, 5)]
    outcome = run(15, lines, [Protection("key", minimum=5)], ahead(15))

    assert after(outcome) == {"W": 10, "G": 0}
    assert of(outcome, "G").exception is RunException.GAIN_LOST


def test_gain_has_its_own_minimum_first() -> None:
    lines = [due(line("W", WIN, 10, 0), 2), line("G", GAIN, 8, 8)._replace(group="key")]
    outcome = run(12, lines, [Protection("key", minimum=6)], ahead(12, 12, 18))

    assert (after(outcome), coming(outcome)) == ({"W": 4, "G": 8}, {"W": 6, "G": 0})


# Cases of 12: what lies there and makes no whole case yet waits for what completes it.
@pytest.mark.parametrize(
    ("there", "by_then", "picked", "gets", "waits_for", "others_get"),
    [
        (6, 12, 0, 0, 12, 0),
        (18, 24, 0, 12, 12, 0),
        (20, 40, 4, 20, 4, 0),
        (30, 40, 0, 24, 0, 6),
    ],
)
def test_a_case_is_made_of_what_lies_there_and_what_comes(
    *, there: int, by_then: int, picked: int, gets: int, waits_for: int, others_get: int
) -> None:
    asked = line("W", WIN, {6: 12}.get(there, 24), 0)._replace(multiple=12, picked=picked)
    outcome = run(
        there, [due(asked, 2), line("I", IMPROVE, 6, 0)], [], ahead(there, there, by_then)
    )

    assert not outcome.is_refused
    assert (after(outcome), coming(outcome)["W"]) == ({"W": gets, "I": others_get}, waits_for)
    assert of(outcome, "W").exception is RunException.NONE


def test_what_makes_no_whole_case_by_the_day_either_is_there_for_others() -> None:
    asked = due(line("W", WIN, 24, 0)._replace(multiple=12), 2)
    lines = [asked, line("I", IMPROVE, 9, 0)._replace(group="key")]
    outcome = run(20, lines, [Protection("web", maximum=20)], ahead(20, 20, 30))

    assert (after(outcome), coming(outcome)["W"]) == ({"W": 12, "I": 8}, 0)
    assert of(outcome, "W").exception is RunException.WIN_SHORT


def test_a_maximum_counts_what_is_to_come_too() -> None:
    lines = [due(line("A", WIN, 20, 0, 1), 2), due(line("B", WIN, 20, 0, 2), 2)]
    outcome = run(10, lines, [Protection("web", maximum=25)], ahead(10, 10, 50))

    assert (after(outcome), coming(outcome)) == ({"A": 10, "B": 0}, {"A": 10, "B": 5})
    assert of(outcome, "B").exception is RunException.WIN_SHORT


def test_what_is_kept_for_others_and_does_not_lie_there_comes_before() -> None:
    lines = [due(line("A", WIN, 20, 0), 2)]
    outcome = run(10, lines, [Protection("key", minimum=15)], ahead(10, 10, 30))

    assert (after(outcome), coming(outcome)) == ({"A": 0}, {"A": 15})
    assert of(outcome, "A").exception is RunException.WIN_SHORT


def test_what_is_skipped_and_does_not_lie_there_comes_before() -> None:
    lines = [line("S", SKIP, 15, 15), due(line("A", WIN, 20, 0), 2)]

    assert run(10, lines, [], ahead(10, 10, 34)).is_refused
    assert coming(run(10, lines, [], ahead(10, 10, 35))) == {"S": 0, "A": 20}


# Properties, and the naive way.

lines_of = st.lists(
    st.builds(
        lambda number, asked, had, how, priority, minute, day, multiple, picked: Line(
            f"L{number}", "web", asked, min(asked, had), how, priority,
            NOON + timedelta(minutes=minute), multiple, picked,
            ships_on=None if day is None else MAY[day],
        ),
        st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 12),
        st.sampled_from([WIN, WIN, WIN, GAIN, IMPROVE, SKIP, LOSE]), st.integers(1, 3),
        st.integers(0, 2), st.none() | st.integers(0, 9), st.sampled_from([1, 1, 2, 5]),
        st.integers(0, 4),
    ),
    max_size=7, unique_by=lambda one: one.demand_ref,
)  # fmt: skip
supplies = st.integers(0, 40)
gains_of = st.lists(st.integers(0, 12), max_size=10)


def grown(there: int, gains: Sequence[int]) -> list[Expected]:
    return ahead(*(there + sum(gains[: number + 1]) for number in range(len(gains))))


def in_time(there: int, expected: Sequence[Expected], day: date | None) -> int:
    """Say how much more than lies there has come by a day."""
    if day is None:
        return 0
    return max([one.micros - there for one in expected if one.day <= day], default=0)


@given(supplies, lines_of, gains_of)
def test_what_comes_by_a_day_is_counted_once(
    there: int, lines: list[Line], gains: list[int]
) -> None:
    expected = grown(there, gains)
    outcome = run(there, lines, [], expected)

    had = sum(grant.after for grant in outcome.grants)
    for day in MAY:
        waiting = sum(g.coming for g in outcome.grants if (g.line.ships_on or MAY[0]) <= day)
        assert not waiting or had + waiting <= there + in_time(there, expected, day)


@given(supplies, lines_of, gains_of)
def test_it_is_refused_if_and_only_if_what_is_owed_cannot_be_served_day_by_day(
    there: int, lines: list[Line], gains: list[int]
) -> None:
    expected = grown(there, gains)
    outcome = run(there, lines, [], expected)

    assert outcome.is_refused is not can_serve(there, lines, expected)
    for one, got, _, exception, waits_for in outcome.grants:
        if not outcome.is_refused and one.strategy is WIN:
            assert (got + waits_for, exception) == (one.requested, RunException.NONE)
        if not outcome.is_refused and one.strategy is GAIN:
            assert (got >= one.confirmed, exception) == (True, RunException.NONE)


def can_serve(there: int, lines: Sequence[Line], expected: Sequence[Expected]) -> bool:
    """Hand out unit by unit, the day that is due first first, each from what has come by then."""
    owed: list[date | None] = []
    for one in lines:
        if one.strategy is WIN:
            owed += [one.ships_on] * one.requested
        elif one.strategy is GAIN:
            owed += [None] * one.confirmed
    kept = sum(one.confirmed for one in lines if one.strategy is SKIP)
    taken = kept
    for day in sorted(owed, key=lambda each: each or date.min):
        if taken >= there + in_time(there, expected, day):
            return False
        taken += 1
    return True
