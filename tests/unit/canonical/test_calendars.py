"""Working days and cut-offs of a place: weekends, holidays, changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossdock.canonical.calendars import DAY, Calendar, Hours, WorkingTime

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


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAYTIME = Calendar(FIVE_DAYS, {date(2026, 5, 14)}, hours=Hours(time(8), time(17)))
NIGHTS = Calendar(FIVE_DAYS, hours=Hours(time(22), time(6)))


# Work from Monday to Friday, 08:00 to 17:00; Thursday 14 May is a holiday.
@pytest.mark.parametrize(
    ("found", "within", "due"),
    [
        ("2026-05-08T16:00", 8 * HOUR, "2026-05-11T15:00"),  # over the weekend
        ("2026-05-08T16:00", HOUR, "2026-05-08T17:00"),
        ("2026-05-08T16:00", HOUR + MINUTE, "2026-05-11T08:01"),
        ("2026-05-08T21:00", 4 * HOUR, "2026-05-11T12:00"),  # at night
        ("2026-05-09T12:00", 4 * HOUR, "2026-05-11T12:00"),
        ("2026-05-13T16:00", 8 * HOUR, "2026-05-15T15:00"),  # over the holiday
        ("2026-05-06T10:00", DAY, "2026-05-07T10:00"),
        ("2026-05-08T10:00", 3 * DAY, "2026-05-13T10:00"),  # three working days
        ("2026-05-08T10:00", timedelta(0), "2026-05-08T10:00"),
        ("2026-05-09T12:00", timedelta(0), "2026-05-09T12:00"),
    ],
)
def test_working_time_runs_while_the_place_works(found: str, within: timedelta, due: str) -> None:
    assert DAYTIME.working_time_later(local(found), within) == local(due)


@pytest.mark.parametrize(
    ("found", "within", "due"),
    [
        ("2026-05-05T03:00", 3 * HOUR, "2026-05-05T06:00"),  # within Monday's shift
        ("2026-05-05T03:00", 4 * HOUR, "2026-05-05T23:00"),
        ("2026-05-09T03:00", 4 * HOUR, "2026-05-11T23:00"),  # Friday's ends on Saturday
        ("2026-05-11T03:00", HOUR, "2026-05-11T23:00"),  # Sunday's there is none
        # The night to 29 March is not worked, as Saturday is not, nor is that to 25 October.
        ("2026-03-27T23:00", 8 * HOUR, "2026-03-30T23:00"),
    ],
)
def test_a_night_shift_belongs_to_the_day_it_begins_on(
    found: str, within: timedelta, due: str
) -> None:
    assert NIGHTS.working_time_later(local(found), within) == local(due)


def test_a_shift_over_a_change_of_the_clock_is_as_long_as_it_takes() -> None:
    every_night = Calendar(hours=Hours(time(22), time(6)))
    spring, autumn = local("2026-03-28T22:00"), local("2026-10-24T22:00")

    assert every_night.working_time_later(spring, 7 * HOUR) == local("2026-03-29T06:00")
    assert every_night.working_time_later(autumn, 9 * HOUR) == local("2026-10-25T06:00")


def test_opening_in_an_hour_that_comes_twice_is_at_the_first_and_in_none_an_hour_on() -> None:
    early = Calendar(hours=Hours(time(2, 30), time(9)))
    twice, none = local("2026-10-25T00:00"), local("2026-03-29T00:00")

    first_opening = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30, summer time
    assert early.working_time_later(twice, MINUTE) == first_opening + MINUTE
    assert early.working_time_later(none, MINUTE) == datetime(2026, 3, 29, 1, 31, tzinfo=UTC)


def test_hours_that_a_change_of_the_clock_leaves_nothing_of_are_passed_over() -> None:
    early = Calendar(hours=Hours(time(2, 30), time(3)))
    found = early.working_time_later(local("2026-03-29T00:00"), 10 * MINUTE)
    assert found == local("2026-03-30T02:40")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.integers(0, 10**6))  # noqa: DTZ001  # hypothesis wants naive bounds
def test_where_nobody_said_hours_time_runs_around_the_clock(start: datetime, minutes: int) -> None:
    since, within = start.replace(tzinfo=BERLIN), minutes * MINUTE
    assert WEEK.working_time_later(since, within) == since.astimezone(UTC) + within
    never = Calendar(frozenset(), hours=Hours(time(8), time(17)))
    assert never.working_time_later(since, within) == since.astimezone(UTC) + within


def is_at_work(calendar: Calendar, shown: datetime) -> bool:
    """Say by the clock on the wall whether a place works."""
    assert calendar.hours is not None
    opens, closes = calendar.hours
    today, at = shown.date(), shown.time()
    if opens < closes:
        return calendar.is_working(today) and opens <= at < closes
    evening, morning = at >= opens, at < closes
    return (evening and calendar.is_working(today)) or (
        morning and calendar.is_working(today - DAY)
    )


def counted_out(calendar: Calendar, start: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    """Count the minutes at work one by one."""
    now = start
    while minutes:
        minutes -= is_at_work(calendar, now.astimezone(zone))
        now += MINUTE
    return now


def is_shown_once(day: date, at: time, zone: ZoneInfo) -> bool:
    """Say whether a clock shows a time of a day, and once."""
    first = datetime.combine(day, at, tzinfo=zone)
    again = first.astimezone(UTC).astimezone(zone)
    return again.time() == at and first.utcoffset() == first.replace(fold=1).utcoffset()


minutes_of_day = st.integers(0, 24 * 60 - 1).map(lambda n: time(n // 60, n % 60))


worked = st.builds(
    Calendar,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.frozensets(st.dates(date(2026, 3, 20), date(2026, 4, 10)), max_size=4),
    hours=st.builds(Hours, minutes_of_day, minutes_of_day),
)


@given(
    worked,
    st.integers(0, 14 * 24 * 60),
    st.integers(0, 900),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.sampled_from([datetime(2026, 3, 22, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]),
)
def test_working_time_is_what_counting_minutes_by_the_clock_on_the_wall_gives(
    calendar: Calendar, into: int, minutes: int, name: str, around: datetime
) -> None:
    zone, between = ZoneInfo(name), calendar.hours or ()
    start = around - 7 * DAY + into * MINUTE
    looked_at = [start.date() + n * DAY for n in range(-2, 40)]
    assume(all(is_shown_once(day, at, zone) for day in looked_at for at in between))

    found = calendar.working_time_later(start.astimezone(zone), minutes * MINUTE)

    assume(found < start + 35 * DAY)
    assert found == counted_out(calendar, start, minutes, zone)


@given(
    st.tuples(minutes_of_day, minutes_of_day),
    st.integers(0, 365 * 24 * 60),
    st.integers(0, 2000),
    st.integers(1, 2000),
)
def test_more_time_is_never_due_sooner_and_parts_add_up(
    between: tuple[time, time], into: int, first: int, more: int
) -> None:
    calendar = Calendar(FIVE_DAYS, hours=Hours(*between))
    since = datetime(2026, 1, 1, tzinfo=UTC) + into * MINUTE

    def later(start: datetime, minutes: int) -> datetime:
        """Give it in hours only: no count here is a day."""
        found = start.astimezone(BERLIN)
        for _ in range(minutes // 1000):
            found = calendar.working_time_later(found, 1000 * MINUTE).astimezone(BERLIN)
        return calendar.working_time_later(found, minutes % 1000 * MINUTE)

    due = later(since, first)
    assert since <= due < later(since, first + more)
    assert later(due, more) == later(since, first + more)


def test_hours_are_written_as_they_are_read_and_midnight_closes_the_day() -> None:
    assert str(Hours.read("22:00-06:00")) == "22:00-06:00"
    assert Hours.read("08:00-24:00") == Hours(time(8), time(0))


def test_working_time_is_told_by_the_clock_of_the_place() -> None:
    found = datetime(2026, 5, 8, 14, tzinfo=UTC)  # Friday at four in Berlin
    assert WorkingTime(DAYTIME, BERLIN).later(found, 2 * HOUR) == local("2026-05-11T09:00")


def test_the_last_day_of_all_is_its_own_next_working_day() -> None:
    assert Calendar(frozenset({1})).next_working_day(date.max) == date.max
