"""What reading channels back takes of their quota: bounded, and said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.reconciliation.planning import planned

A_DAY = 86_400


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((1_000_000, 100, 10 * A_DAY), (142_858, 1_429, 7, 1_654)),
        ((1_000_000, 1, A_DAY), (864, 864, 1_158, 10_000)),
        ((70, 100, 10 * A_DAY), (10, 1, 7, 2)),
        ((0, 100, 10 * A_DAY), (0, 0, 0, 0)),
        ((1, 100, 0), (0, 0, 0, 0)),
    ],
    ids=["a million, by the hundred", "a slow one", "a small shop", "nothing yet", "no quota"],
)
def test_all_is_read_in_a_week_or_as_the_share_allows(
    asked: tuple[int, int, int], expected: tuple[int, int, int, int]
) -> None:
    """Listings, keys a call, calls a day: keys and calls a day, days a round, the share."""
    listings, keys_a_call, quota = asked
    plan = planned("shop", "web", listings=listings, keys_a_call=keys_a_call,
                   quota_calls_a_day=quota)  # fmt: skip

    assert (plan.keys_a_day, plan.calls_a_day, plan.days_a_round, plan.share_ppm) == expected


@given(
    listings=st.integers(0, 10_000_000),
    keys_a_call=st.integers(1, 1000),
    quota=st.integers(0, 100 * A_DAY),
    elapsed=st.lists(st.integers(0, 3 * A_DAY), max_size=20),
)
def test_no_plan_takes_more_than_its_share(
    listings: int, keys_a_call: int, quota: int, elapsed: list[int]
) -> None:
    plan = planned("shop", "web", listings=listings, keys_a_call=keys_a_call,
                   quota_calls_a_day=quota)  # fmt: skip

    assert plan.calls_a_day * 100 <= quota
    assert plan.share_ppm <= 10_000
    assert plan.keys_at_once <= keys_a_call
    assert plan.keys_a_day <= plan.keys_at_once * plan.calls_a_day
    assert plan.days_a_round * plan.keys_a_day >= listings * bool(plan.keys_a_day)
    called = sum(plan.calls_due(seconds) for seconds in elapsed)
    assert called * A_DAY <= sum(elapsed) * plan.calls_a_day
    assert plan.calls_due(None) == bool(plan.calls_a_day)
    assert plan.calls_due(365 * A_DAY) <= 100
