"""Who is short of what his strategy owes him, by a run and by who was short before it. Pure."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation import (
    Figures,
    Run,
    RunException,
    RunLine,
    RunState,
    Short,
    Why,
)
from tests.conftest import NOON

LINE = RunLine(
    demand_ref="K/1", order_id="K", channel="key", requested=8, picked=0, before=8, after=8,
    strategy=Strategy.GAIN, priority=500, since=NOON, why=Why.FULL, exception=RunException.NONE,
)  # fmt: skip
RUN = Run(
    run_id="r1", item="X", location="DC1", unit="EA", state=RunState.APPLIED, reason="ORDER",
    supply=0, owed=0, gained=0, lost=0, stock_version=1, rules_version=1, protections=(),
    figures=Figures(0, 0, 0, 0), digest="", made_by="hub", made_at=NOON,
)  # fmt: skip
PIECES = st.integers(0, 9)


def looked(strategy: Strategy, requested: int, before: int, after: int) -> Run:
    """Make a run of one line as the rules of a run do: what is short carries its exception."""
    exception = RunException.NONE
    if strategy is Strategy.WIN and after < requested:
        exception = RunException.WIN_SHORT
    if strategy is Strategy.GAIN and after < before:
        exception = RunException.GAIN_LOST
    line = replace(LINE, strategy=strategy, requested=requested, before=before, after=after)
    return replace(RUN, lines=(replace(line, exception=exception, why=Why.SUPPLY),))


@given(st.sampled_from(Strategy), PIECES, PIECES, PIECES)
def test_who_is_short_stays_so_at_the_next_look_where_nothing_has_changed(
    strategy: Strategy, requested: int, before: int, after: int
) -> None:
    after = min(after, requested)
    short = looked(strategy, requested, before, after).short(is_applied=True)
    assert looked(strategy, requested, after, after).short(short, is_applied=True) == short
    owed = {Strategy.WIN: requested, Strategy.GAIN: min(before, requested)}.get(strategy, 0)
    assert [(one.gets, one.of) for one in short] == ([(after, owed)] if after < owed else [])


@given(PIECES, PIECES, st.lists(st.tuples(PIECES, PIECES), max_size=6))
def test_what_a_gain_line_lost_it_is_owed_until_it_has_it_or_wants_no_more(
    requested: int, before: int, days: list[tuple[int, int]]
) -> None:
    has = before = min(before, requested)
    short: tuple[Short, ...] = ()
    for wanted, more in days:
        owed = min(wanted, max([has, *(one.of for one in short)]))
        after = min(wanted, more)
        short = looked(Strategy.GAIN, wanted, has, after).short(short, is_applied=True)
        has = after
        assert [one.of for one in short] == ([owed] if has < owed else [])


@given(st.sampled_from(Strategy), PIECES, PIECES, PIECES)
def test_a_run_that_is_not_applied_takes_nothing_and_gives_nothing(
    strategy: Strategy, requested: int, before: int, after: int
) -> None:
    before = min(before, requested)
    short = looked(strategy, requested, before, min(after, requested)).short(is_applied=False)
    assert all(strategy is Strategy.WIN and one.gets == before < one.of for one in short)
    assert bool(short) == (strategy is Strategy.WIN and before < requested)


def test_what_comes_in_time_is_had() -> None:
    run = looked(Strategy.WIN, 8, 0, 3)
    [line] = run.lines
    [one] = replace(run, lines=(replace(line, coming=2),)).short(is_applied=True)
    assert (one.gets, one.of, one.why) == (5, 8, Why.SUPPLY)


@given(st.integers(1, 9), PIECES, st.lists(st.integers(-4, 4), max_size=6))
def test_what_a_gain_line_is_owed_and_what_was_picked_of_it_are_what_it_had(
    had: int, kept: int, picks: list[int]
) -> None:
    """Of twenty; it keeps less than it had, and is picked from, or given back to, after that."""
    has, picked, wanted = min(kept, had - 1), 0, 20
    short = looked(Strategy.GAIN, wanted, had, has).short(is_applied=True)
    for pick in picks:
        step = max(-picked, min(pick, has))
        picked, has, wanted = picked + step, has - step, wanted - step
        run = looked(Strategy.GAIN, wanted, has, has)
        lines = tuple(replace(line, picked=picked) for line in run.lines)
        short = replace(run, lines=lines).short(short, is_applied=True)
        assert [(one.gets, one.of, one.picked) for one in short] == [(has, had - picked, picked)]
