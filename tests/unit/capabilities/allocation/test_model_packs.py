"""What is sold in packs is confirmed in whole ones by every run (A31, §3.6)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation import alternatives
from crossdock.capabilities.allocation.model import (
    Expected,
    Line,
    Protection,
    RunException,
    Why,
    run,
)
from tests.unit.capabilities.allocation.test_model import (
    FILL,
    GAIN,
    IMPROVE,
    LOSE,
    NOON,
    REDISTRIBUTE,
    SKIP,
    WIN,
    after,
    line,
    of,
    protections_of,
)

SHORT, LOST, NONE = RunException.WIN_SHORT, RunException.GAIN_LOST, RunException.NONE


# A31: of 30 that are ordered of what is sold in twelves 24 are confirmed, and never 30.
@pytest.mark.parametrize(
    ("how", "had", "there", "expected", "why", "exception"),
    [
        (IMPROVE, 0, 100, 24, Why.PACK, NONE),
        (IMPROVE, 30, 100, 24, Why.PACK, NONE),
        (IMPROVE, 30, 23, 12, Why.SUPPLY, NONE),
        (REDISTRIBUTE, 30, 100, 24, Why.PACK, NONE),
        (FILL, 30, 100, 24, Why.PACK, NONE),
        (FILL, 20, 100, 12, Why.PACK, NONE),
        (GAIN, 30, 100, 24, Why.PACK, LOST),
        (GAIN, 24, 100, 24, Why.PACK, NONE),
        (WIN, 0, 100, 24, Why.PACK, SHORT),
        (WIN, 0, 24, 24, Why.PACK, SHORT),
        (LOSE, 30, 100, 0, Why.GIVEN_UP, NONE),
        (SKIP, 30, 100, 30, Why.NOT_TOUCHED, NONE),
    ],
)
def test_a31_30_of_what_is_sold_in_twelves_are_confirmed_as_24(  # noqa: PLR0917 - a row of the table
    how: Strategy, had: int, there: int, expected: int, why: Why, exception: RunException
) -> None:
    outcome = run(there, [line("O/1", how, 30, had)._replace(pack=12)])

    [grant] = outcome.grants
    assert (grant.after, grant.why, grant.exception) == (expected, why, exception)
    assert not outcome.is_refused


def test_a_run_is_not_refused_for_what_makes_no_pack() -> None:
    """24 of 30 are all that a WIN line can be confirmed of: 24 are enough."""
    keeps = line("G", GAIN, 20, 20)._replace(pack=12)

    assert not run(24, [line("W", WIN, 30, 0)._replace(pack=12)]).is_refused
    assert run(23, [line("W", WIN, 30, 0)._replace(pack=12)]).is_refused
    assert after(run(36, [line("W", WIN, 30, 0)._replace(pack=12), keeps])) == {"W": 24, "G": 12}


def test_what_is_picked_of_a_pack_counts_for_it_and_what_is_released_stays() -> None:
    picked = line("O/1", IMPROVE, 26, 0)._replace(pack=12, picked=4)
    released = line("O/1", IMPROVE, 30, 30)._replace(pack=12, released=30)

    assert after(run(100, [picked])) == {"O/1": 20}
    assert after(run(100, [released])) == {"O/1": 30}
    assert after(run(100, [released._replace(requested=40)])) == {"O/1": 36}


def test_a_pack_and_the_unit_it_was_ordered_in_both_stay_whole() -> None:
    """Five cases of six of what is sold in dozens are two dozens."""
    cases = line("O/1", IMPROVE, 30, 0)._replace(pack=12, multiple=6)

    assert after(run(100, [cases])) == {"O/1": 24}
    assert (cases.step, cases._replace(multiple=8).step) == (12, 24)


def test_what_makes_no_pack_is_there_for_the_next_and_is_looked_for_nowhere_else() -> None:
    packs = line("P", IMPROVE, 30, 0, 1)._replace(pack=12)
    outcome = run(30, [packs, line("E", IMPROVE, 9, 0, 2)])

    assert after(outcome) == {"P": 24, "E": 6}
    assert alternatives.lacks(outcome.grants) == {"E": 3}
    assert alternatives.lacks(run(13, [packs]).grants) == {"P": 12}


def test_a_win_line_waits_for_whole_packs() -> None:
    soon = NOON.date() + timedelta(days=2)
    waits = line("W", WIN, 30, 0)._replace(pack=12, ships_on=soon)

    [grant] = run(15, [waits], (), [Expected(soon, 29)]).grants

    assert (grant.after, grant.coming, grant.why, grant.exception) == (12, 12, Why.PACK, SHORT)


lines_of = st.lists(
    st.builds(
        lambda number, group, asked, had, how, minute, multiple, pack, picked, released, day: Line(
            f"L{number}", group, asked, min(asked, had), how, 1,
            NOON + timedelta(minutes=minute), multiple, picked, min(asked, had, released),
            None if day is None else date(2026, 5, 4 + day), 0, pack,
        ),
        st.integers(0, 10**6), st.sampled_from(["web", "key"]), st.integers(0, 40),
        st.integers(0, 40), st.sampled_from(Strategy), st.integers(0, 2),
        st.sampled_from([1, 1, 2, 5]), st.sampled_from([0, 2, 3, 12]), st.integers(0, 6),
        st.sampled_from([0, 0, 3]), st.none() | st.integers(0, 3),
    ),
    max_size=8, unique_by=lambda one: one.demand_ref,
)  # fmt: skip
expected_of = st.lists(
    st.builds(
        lambda day, micros: Expected(date(2026, 5, 4 + day), micros),
        st.integers(0, 3), st.integers(0, 90),
    ),
    max_size=3, unique_by=lambda one: one.day,
)  # fmt: skip


@given(st.integers(0, 120), lines_of, protections_of, expected_of)
def test_every_grant_is_whole_packs_with_what_is_picked(
    there: int, lines: list[Line], protections: list[Protection], expected: list[Expected]
) -> None:
    outcome = run(there, lines, protections, expected, refuses=False)

    for grant in outcome.grants:
        one = grant.line
        if one.strategy is SKIP or grant.after == one.released:
            continue
        assert one.released < grant.after <= one.requested
        if one.pack:
            assert (one.picked + grant.after) % one.step == 0
            assert not grant.coming or (one.picked + grant.after + grant.coming) % one.pack == 0
    free = [one for one in outcome.grants if one.line.strategy is not SKIP]
    aside = sum(one.line.confirmed for one in outcome.grants if one.line.strategy is SKIP)
    least = sum(one.line.released for one in free)
    assert sum(one.after for one in free) <= max(least, there - aside)


@given(st.integers(0, 120), lines_of, protections_of, expected_of)
def test_a_run_on_what_a_run_confirmed_takes_from_nobody(
    there: int, lines: list[Line], protections: list[Protection], expected: list[Expected]
) -> None:
    first = run(there, lines, protections, expected)
    again = run(there, [one._replace(confirmed=got) for one, got, *_ in first.grants])

    if not first.is_refused and not again.is_refused and not protections and not expected:
        assert again.lost == 0


@given(st.integers(0, 120), lines_of, protections_of, expected_of)
def test_what_lines_lack_is_asked_for_elsewhere_in_whole_packs(
    there: int, lines: list[Line], protections: list[Protection], expected: list[Expected]
) -> None:
    outcome = run(there, lines, protections, expected, refuses=False)

    for ref, micros in alternatives.lacks(outcome.grants).items():
        one = of(outcome, ref).line
        if one.pack and of(outcome, ref).after > one.released:
            assert micros % one.step == 0
