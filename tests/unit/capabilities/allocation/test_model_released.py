"""What is released to the warehouse is touched by no run (§3.6), as if it was picked."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation.model import Line, Protection, RunException, Why, run
from tests.unit.capabilities.allocation.test_model import (
    A17,
    NOON,
    after,
    amounts,
    line,
    of,
    protections_of,
)

WIN, GAIN, IMPROVE, REDISTRIBUTE, FILL, LOSE, SKIP = Strategy


# A17 with some of what A and D have released: A gives up all but that, D gains so much less.
@pytest.mark.parametrize(
    ("released", "expected"),
    [
        ({}, {"A": 0, "B": 50, "C": 30, "D": 20, "E": 0}),
        ({"A": 5}, {"A": 5, "B": 50, "C": 30, "D": 15, "E": 0}),
        ({"A": 12, "D": 8}, {"A": 12, "B": 50, "C": 30, "D": 8, "E": 0}),
        ({"B": 20, "C": 30}, {"A": 0, "B": 50, "C": 30, "D": 20, "E": 0}),
    ],
)
def test_a17_with_some_of_it_released_leaves_that_alone(
    released: dict[str, int], expected: dict[str, int]
) -> None:
    lines = [
        line(ref, how, asked, had)._replace(released=released.get(ref, 0))
        for ref, how, asked, had in A17
    ]

    assert after(run(100, lines)) == expected


def test_what_is_released_limits_who_must_be_served() -> None:
    lines = [line("W", WIN, 50, 0), line("L", LOSE, 60, 60)._replace(released=51)]

    assert run(100, lines).is_refused
    kept = run(101, lines)
    assert after(kept) == {"W": 50, "L": 51}
    assert of(kept, "L").why is Why.RELEASED


@pytest.mark.parametrize("how", [GAIN, IMPROVE, REDISTRIBUTE, FILL, LOSE, SKIP])
def test_a_shortage_takes_nothing_of_what_is_released(how: Strategy) -> None:
    [grant] = run(2, [line("O", how, 10, 7)._replace(released=7)]).grants

    assert (grant.after, grant.exception) == (7, RunException.NONE)


def test_what_is_released_counts_against_its_groups_maximum_and_minimum() -> None:
    lines = [
        line("R", IMPROVE, 6, 6, 2, "key")._replace(released=6),
        line("K", IMPROVE, 9, 0, 1, "key"),
        line("I", IMPROVE, 40, 0, 3),
    ]
    outcome = run(30, lines, [Protection("key", maximum=10, minimum=10)])

    assert after(outcome) == {"R": 6, "K": 4, "I": 20}


lines_of = st.lists(
    st.builds(
        lambda number, group, asked, had, how, priority, minute, multiple, picked, released: Line(
            f"L{number}", group, asked, min(asked, had), how, priority,
            NOON + timedelta(minutes=minute), multiple, picked, min(asked, had, released),
        ),
        st.integers(0, 10**6), st.sampled_from(["web", "key", "branch"]), amounts, amounts,
        st.sampled_from(Strategy), st.integers(1, 3), st.integers(0, 2),
        st.sampled_from([1, 1, 2, 5]), st.integers(0, 6), amounts,
    ),
    max_size=9, unique_by=lambda one: one.demand_ref,
)  # fmt: skip


@given(st.integers(0, 60), lines_of, protections_of)
def test_no_run_lowers_a_confirmation_below_what_is_released_and_unpicked(
    there: int, lines: list[Line], protections: list[Protection]
) -> None:
    outcome = run(there, lines, protections)

    assert all(grant.after >= grant.line.released for grant in outcome.grants)
    kept = sum(one.confirmed if one.strategy is SKIP else one.released for one in lines)
    if not outcome.is_refused:
        assert sum(grant.after for grant in outcome.grants) <= max(there, kept)


@given(st.integers(0, 60), lines_of, protections_of)
def test_a_run_decides_on_the_rest_as_if_what_is_released_had_been_picked(
    there: int, lines: list[Line], protections: list[Protection]
) -> None:
    released = {one.demand_ref: one.released for one in lines}
    by_group = {
        said.group: sum(one.released for one in lines if one.group == said.group)
        for said in protections
    }
    there += sum(released.values())
    as_picked = run(
        there - sum(released.values()),
        [
            one._replace(
                requested=one.requested - one.released,
                confirmed=one.confirmed - one.released,
                picked=one.picked + one.released,
                released=0,
            )
            for one in lines
        ],
        [
            said._replace(
                used=said.used + by_group[said.group],
                consumed=said.consumed + by_group[said.group],
            )
            for said in protections
        ],
    )
    outcome = run(there, lines, protections)

    assert outcome.is_refused is as_picked.is_refused
    assert after(outcome) == {ref: got + released[ref] for ref, got in after(as_picked).items()}
