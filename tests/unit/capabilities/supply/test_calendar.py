"""The buckets of a location's future, and its own clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.supply.calendar import Grid, grid, local_time

MONDAY = date(2026, 5, 4)
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))


def after(number: int) -> date:
    return MONDAY + timedelta(days=number)


@given(days, st.integers(1, 40), st.integers(0, 20), st.integers(-50, 250))
def test_each_day_lies_in_the_first_bucket_that_ends_no_earlier(
    first: date, daily: int, weekly: int, offset: int
) -> None:
    cut = grid(first, daily, weekly)
    day = first + timedelta(days=offset)
    assert len(cut.ends) == daily + weekly
    assert list(cut.ends) == sorted(set(cut.ends))
    expected = next((n for n, end in enumerate(cut.ends) if end >= day), None)
    assert cut.bucket(day) == expected
    assert cut.before(day) == (len(cut.ends) if expected is None else expected)


@given(days, st.integers(1, 40), st.integers(0, 20), st.integers(-50, 250), st.integers(-50, 250))
def test_a_horizon_ends_before_its_fence_and_loses_no_day_before_it(
    first: date, daily: int, weekly: int, fence: int, offset: int
) -> None:
    whole, at = grid(first, daily, weekly), first + timedelta(days=fence)
    cut = whole.until(at)
    assert cut.ends[-1] == max(first, min(whole.ends[-1], at - timedelta(days=1)))
    assert list(cut.ends) == sorted(set(cut.ends))
    assert set(cut.ends[:-1]) <= set(whole.ends)
    day = first + timedelta(days=offset)
    assert cut.bucket(day) == next((n for n, end in enumerate(cut.ends) if end >= day), None)


def test_days_come_first_and_weeks_behind() -> None:
    assert grid(MONDAY, 2, 2) == Grid((after(0), after(1), after(8), after(15)), 2)


@pytest.mark.parametrize(
    ("zone", "hour"), [("Europe/Berlin", 14), ("America/New_York", 8), ("Nowhere/At_All", 12)]
)
def test_a_place_has_its_own_clock_and_utc_where_nobody_knows_it(zone: str, hour: int) -> None:
    assert local_time(datetime(2026, 5, 4, 12, tzinfo=UTC), zone).hour == hour


def test_the_day_that_clocks_change_is_one_day() -> None:
    before = local_time(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), "Europe/Berlin")
    later = local_time(datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "Europe/Berlin")
    assert (before.date(), later.date()) == (date(2026, 3, 29), date(2026, 3, 30))
