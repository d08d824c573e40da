"""Working days and cut-offs of a place: weekends, holidays, changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.calendars import Calendar

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 5, 4)
FIVE_DAYS = frozenset(range(1, 6))
WEEK = Calendar(FIVE_DAYS, frozenset({MONDAY + timedelta(days=7)}), time(15, 30))
TWO = Calendar(FIVE_DAYS, cutoff=time(14))
NIGHT = Calendar(cutoff=time(2, 30))
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))
calendars = st.builds(
    Calendar,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.frozensets(days, max_size=5),
    st.none(),
)


def after(number: int) -> date:
    return MONDAY + timedelta(days=number)


def at(moment: datetime, zone: ZoneInfo = BERLIN) -> datetime:
    return moment.astimezone(zone)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


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


# Asked at this time in Berlin, with a cut-off at 14:00 and work from Monday to Friday.
@pytest.mark.parametrize(
    ("asked", "leaves"),
    [
        ("2026-05-04T13:59:59", "2026-05-04"),
        ("2026-05-04T14:00:00", "2026-05-05"),
        ("2026-05-04T23:59:59", "2026-05-05"),
        ("2026-05-08T14:00:00", "2026-05-11"),
        ("2026-05-09T08:00:00", "2026-05-11"),
        # Summer time begins on 29 March and ends on 25 October; two o'clock stays two o'clock.
        ("2026-03-27T13:59:59", "2026-03-27"),
        ("2026-03-27T14:00:00", "2026-03-30"),
        ("2026-03-30T13:59:59", "2026-03-30"),
        ("2026-03-30T14:00:00", "2026-03-31"),
        ("2026-10-23T13:59:59", "2026-10-23"),
        ("2026-10-26T13:59:59", "2026-10-26"),
        ("2026-10-26T14:00:00", "2026-10-27"),
    ],
)
def test_a_cutoff_is_a_time_of_day_where_the_place_stands(asked: str, leaves: str) -> None:
    assert TWO.first_ship_day(local(asked)) == date.fromisoformat(leaves)


@given(
    st.integers(0, 730),
    st.integers(-50_400, 50_400),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_a_clock_change_never_moves_a_cutoff(day: int, seconds: int, name: str) -> None:
    zone = ZoneInfo(name)
    midnight = datetime(2026, 1, 1) + timedelta(days=day)  # noqa: DTZ001  # read off a wall
    wall = midnight + timedelta(hours=14, seconds=seconds)
    asked = wall.replace(tzinfo=zone).astimezone(UTC)
    shown = at(asked, zone)

    leaves = Calendar(cutoff=time(14)).first_ship_day(shown)

    assert leaves == shown.date() + timedelta(days=shown.time() >= time(14))


def test_a_cutoff_passes_once_on_the_day_that_has_the_hour_twice() -> None:
    two_first = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00, summer time
    steps = [two_first + timedelta(minutes=10 * n) for n in range(13)]

    left = [NIGHT.first_ship_day(at(moment)) for moment in steps]

    assert left == [date(2026, 10, 25)] * 3 + [date(2026, 10, 26)] * 10


def test_a_cutoff_in_the_hour_that_clocks_skip_passes_that_day_too() -> None:

    before = NIGHT.first_ship_day(at(datetime(2026, 3, 29, 0, 59, tzinfo=UTC)))
    behind = NIGHT.first_ship_day(at(datetime(2026, 3, 29, 1, 30, tzinfo=UTC)))

    assert (before, behind) == (date(2026, 3, 29), date(2026, 3, 30))


def test_the_day_behind_a_passed_cutoff_is_looked_at_whether_worked_or_not() -> None:
    wednesdays = Calendar(frozenset({3}), cutoff=time(14))
    assert wednesdays.first_open_day(local("2026-05-06T13:59:59")) == date(2026, 5, 6)
    assert wednesdays.first_open_day(local("2026-05-06T14:00:00")) == date(2026, 5, 7)
    assert wednesdays.first_ship_day(local("2026-05-06T14:00:00")) == date(2026, 5, 13)


def test_without_a_cutoff_goods_leave_all_day_and_holidays_are_not_worked() -> None:
    closed = Calendar(FIVE_DAYS, {date(2026, 5, 4), date(2026, 5, 5)})

    assert closed.first_ship_day(local("2026-05-04T23:59:59")) == date(2026, 5, 6)
    assert closed.first_ship_day(local("2026-05-06T23:59:59")) == date(2026, 5, 6)
