"""Working days and buckets: on weekends, holidays, at the cut-off, when clocks change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.supply.calendar import Calendar, Grid, grid, local_time

MONDAY = date(2026, 5, 4)
WEEK = Calendar(frozenset(range(1, 6)), frozenset({MONDAY + timedelta(days=7)}), time(15, 30))
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))
calendars = st.builds(
    Calendar,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.frozensets(days, max_size=5),
    st.none(),
)


def after(number: int) -> date:
    return MONDAY + timedelta(days=number)


@pytest.mark.parametrize(
    ("start", "count", "found"),
    [
        (0, 0, 0),
        (0, 4, 4),
        (4, 1, 8),  # Friday; Monday is a holiday
        (5, 0, 8),
        (5, 1, 8),
        (6, 2, 9),
    ],
)
def test_working_days_pass_over_weekends_and_holidays(start: int, count: int, found: int) -> None:
    assert WEEK.plus_working_days(after(start), count) == after(found)


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        (datetime(2026, 5, 4, 15, 29, 59, tzinfo=UTC), 0),
        (datetime(2026, 5, 4, 15, 30, tzinfo=UTC), 1),
        (datetime(2026, 5, 8, 15, 30, tzinfo=UTC), 8),
        (datetime(2026, 5, 9, 8, 0, tzinfo=UTC), 8),
    ],
)
def test_what_comes_at_the_cutoff_leaves_on_the_next_working_day(
    moment: datetime, found: int
) -> None:
    assert WEEK.first_ship_day(moment) == after(found)


@given(calendars, days, st.integers(0, 9))
def test_a_day_in_working_days_is_one_and_counts_them(
    calendar: Calendar, day: date, count: int
) -> None:
    found = calendar.plus_working_days(day, count)
    assert calendar.is_working(found)
    passed = [day + timedelta(days=n) for n in range(1, (found - day).days + 1)]
    working = sum(map(calendar.is_working, passed))
    assert working == count or (count == 0 and working == 1 and not calendar.is_working(day))


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


def test_the_last_working_day_is_the_day_itself_or_one_before() -> None:
    calendar = Calendar(frozenset((1, 3)), {date(2026, 5, 6)})
    assert calendar.last_working_day(date(2026, 5, 4)) == date(2026, 5, 4)
    assert calendar.last_working_day(date(2026, 5, 8)) == date(2026, 5, 4)


def test_a_calendar_is_starved_where_a_year_has_no_working_day() -> None:
    first = date(2026, 5, 4)
    year = {first + timedelta(days=number) for number in range(366)}
    assert Calendar(holidays=year).is_starved(first)
    assert not Calendar(holidays=year).is_starved(first + timedelta(days=1))
    assert not Calendar().is_starved(date(9999, 12, 30))
