"""What runs do with what other places offer: never what is released, never more than lacks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation import alternatives, figures, model
from crossdock.capabilities.allocation.alternatives import (
    GAINING,
    PATIENCE,
    PATIENCE_MAX,
    Alternative,
    Lack,
    Offer,
    digest_with,
    patience,
)
from crossdock.capabilities.allocation.figures import Figures
from crossdock.capabilities.allocation.model import Expected, Line, Protection, Why

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LACK = Lack("A/1", "", "web", "X", "DC1", "EA", 24, 12)
AMOUNTS = st.integers(0, 40)


@st.composite
def order_lines(draw: st.DrawFn) -> list[Line]:
    found: list[Line] = []
    for number in range(draw(st.integers(1, 6))):
        requested = draw(AMOUNTS)
        confirmed = draw(st.integers(0, requested))
        found.append(
            Line(
                demand_ref=f"{number}/1",
                group=draw(st.sampled_from(("web", "key"))),
                requested=requested,
                confirmed=confirmed,
                strategy=draw(st.sampled_from(Strategy)),
                priority=draw(st.sampled_from((1, 500))),
                since=NOON + timedelta(minutes=number),
                multiple=draw(st.sampled_from((1, 12))),
                released=draw(st.integers(0, confirmed)),
                ships_on=draw(st.sampled_from((None, date(2026, 5, 8)))),
            )
        )
    return found


PROTECTIONS = st.lists(
    st.builds(Protection, group=st.just("key"), minimum=AMOUNTS, maximum=AMOUNTS), max_size=1
)
EXPECTED = st.lists(
    st.builds(Expected, day=st.just(date(2026, 5, 7)), micros=st.integers(0, 80)), max_size=1
)
OFFERS = st.lists(
    st.builds(
        Offer,
        item=st.sampled_from(("X", "Y")),
        location=st.sampled_from(("DC2", "DC3")),
        unit=st.just("EA"),
        micros=st.integers(1, 40),
        covers=st.integers(1, 40),
    ),
    max_size=5,
)


def lacking(
    supply: int,
    lines: Sequence[Line],
    protections: Sequence[Protection],
    expected: Sequence[Expected],
) -> dict[str, int]:
    outcome = model.run(supply, lines, protections, expected, refuses=False)
    return alternatives.lacks(outcome.grants)


@given(AMOUNTS, order_lines(), PROTECTIONS, EXPECTED, OFFERS)
def test_nothing_released_is_touched_and_no_line_gets_more_than_it_asks_for(
    supply: int,
    lines: list[Line],
    protections: list[Protection],
    expected: list[Expected],
    offers: list[Offer],
) -> None:
    lacks = lacking(supply, lines, protections, expected)
    by_ref = {line.demand_ref: line for line in lines}
    covered: dict[str, int] = {}
    for ref, micros in lacks.items():
        lack = Lack(ref, "", "", "X", "DC1", "EA", micros, by_ref[ref].multiple)
        found = alternatives.fitting(lack, offers)
        covered[ref] = sum(one.covers for one in found)
        assert 0 <= covered[ref] <= micros
        assert found == alternatives.fitting(lack, offers)
        assert all(one.covers % by_ref[ref].multiple == 0 < one.micros for one in found)

    outcome = alternatives.decided(supply, lines, protections, expected, covered)

    assert outcome == alternatives.decided(supply, lines[::-1], protections, expected, covered)
    assert [grant.line for grant in outcome.grants] == [
        by_ref[grant.line.demand_ref] for grant in outcome.grants
    ]
    for grant in outcome.grants:
        line = grant.line
        assert grant.after >= line.released
        elsewhere = 0 if outcome.is_refused else covered.get(line.demand_ref, 0)
        assert grant.after + grant.coming + elsewhere <= line.requested
        if elsewhere:
            assert line.strategy in GAINING


@given(AMOUNTS, order_lines(), PROTECTIONS, EXPECTED)
def test_without_an_offer_a_run_is_as_it_always_was(
    supply: int, lines: list[Line], protections: list[Protection], expected: list[Expected]
) -> None:
    outcome = alternatives.decided(supply, lines, protections, expected, {})

    assert outcome == model.run(supply, lines, protections, expected)


@given(AMOUNTS, order_lines(), PROTECTIONS, EXPECTED)
def test_what_is_elsewhere_in_full_makes_no_run_refused(
    supply: int, lines: list[Line], protections: list[Protection], expected: list[Expected]
) -> None:
    """Unless what GAIN lines keep, or what is released, does not lie there."""
    lines = [one._replace(released=0) for one in lines if one.strategy is Strategy.WIN]
    covered = lacking(supply, lines, protections, expected)

    assert not alternatives.decided(supply, lines, protections, expected, covered).is_refused


def line(strategy: Strategy, requested: int, confirmed: int = 0) -> Line:
    return Line("A/1", "web", requested, confirmed, strategy, 500, NOON)


@pytest.mark.parametrize(
    ("strategy", "lacks"),
    [
        (Strategy.WIN, 5),
        (Strategy.GAIN, 5),
        (Strategy.IMPROVE, 5),
        (Strategy.REDISTRIBUTE, 5),
        (Strategy.FILL, 0),
        (Strategy.LOSE, 0),
        (Strategy.SKIP, 0),
    ],
)
def test_who_may_not_gain_is_offered_nothing(strategy: Strategy, lacks: int) -> None:
    found = lacking(3, [line(strategy, 8)], (), ())

    assert found == ({"A/1": lacks} if lacks else {})


def test_a_line_that_has_the_rest_elsewhere_says_so_and_wins() -> None:
    [grant] = alternatives.decided(3, [line(Strategy.WIN, 8)], (), (), {"A/1": 5}).grants

    assert (grant.after, grant.why, grant.exception) == (3, Why.ELSEWHERE, "")
    assert grant.line == line(Strategy.WIN, 8)


def test_what_is_not_enough_leaves_a_run_refused() -> None:
    outcome = alternatives.decided(3, [line(Strategy.WIN, 8)], (), (), {"A/1": 4})

    assert outcome.is_refused
    assert outcome.owed == 8


def test_goods_of_the_same_item_are_cut_to_whole_units_and_others_taken_whole_or_not() -> None:
    same, other = Offer("X", "DC2", "EA", 17, 17), Offer("Y", "DC3", "EA", 4, 12)

    assert alternatives.fitting(LACK, [same, other, other]) == (
        Offer("X", "DC2", "EA", 12, 12),
        other,
    )
    assert alternatives.fitting(LACK, [Offer("Y", "DC3", "EA", 5, 13)]) == ()
    assert alternatives.fitting(LACK, [Offer("Y", "DC3", "EA", 12, 36)]) == ()


def alternative(covers: int = 6, micros: int = 4, net: int = 8) -> Alternative:
    offer = Offer("Y", "DC2", "EA", micros, covers)
    return Alternative(demand_ref="A/1", net=net, offer=offer, run_id="run_1", place=2)


@pytest.mark.parametrize(("left", "covers"), [(4, 6), (9, 6), (2, 3), (0, 0)])
def test_what_is_left_of_a_hold_covers_its_part_of_the_line(left: int, covers: int) -> None:
    held = alternative().held(left)

    assert held.offer.covers == covers
    assert held.name == "run_1/2"


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 20))
def test_no_more_is_elsewhere_than_is_open_and_not_released(
    first: int, second: int, free: int
) -> None:
    held = [alternative(first), alternative(second), alternative(net=9)]

    assert alternatives.away(held, 8, free) == min(free, first + second)


def test_what_is_held_elsewhere_is_nobody_elses_promise() -> None:
    asks = line(Strategy.IMPROVE, 3)._replace(elsewhere=5)

    assert figures.others(Figures(nettable=9, hard=10, soft=0, safety=0), [asks]) == 2


def test_a_run_is_another_with_another_offer_and_the_same_on_another_day() -> None:
    one = alternative()
    later = Alternative(
        demand_ref="A/1",
        net=8,
        offer=one.offer._replace(ships_on=date(2026, 5, 5), why="x"),
        run_id="run_2",
    )

    assert digest_with("d", ()) == "d"
    assert digest_with("d", [one]) == digest_with("d", [later]) != "d"
    assert digest_with("d", [one]) != digest_with("d", [alternative(micros=5)])


@given(denials=st.integers(1, 10_000))
def test_patience_after_a_denial_grows_and_comes_to_an_end(denials: int) -> None:
    assert PATIENCE <= patience(denials) <= patience(denials + 1) <= PATIENCE_MAX
    if patience(denials + 1) < PATIENCE_MAX:
        assert patience(denials + 1) == 2 * patience(denials)


def test_what_is_denied_for_ever_is_asked_for_daily() -> None:
    assert patience(1) == PATIENCE
    assert patience(10_000) == PATIENCE_MAX
