"""Maxima and minima that begin anew: each moment lies in one period, by its place's calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Every
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.allocation.protection import (
    AMOUNT_MAX,
    PERIOD_MAX,
    RECURS_MAX,
    AllocationProtection,
    check,
    period_at,
)

# Among them some whose clocks change at midnight, so that a day has none.
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Beirut",
    "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati",
)  # fmt: skip
moments = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is added
zones = st.sampled_from(ZONES).map(ZoneInfo)
START = datetime(2026, 1, 1, tzinfo=UTC)


@given(moments, st.sampled_from(Every), zones, st.integers(0, 999))
def test_every_moment_lies_in_one_period_and_the_next_begins_where_it_ends(
    now: datetime, every: Every, zone: ZoneInfo, part: int
) -> None:
    starts_at, ends_at = period_at(now, every, zone)

    assert starts_at <= now < ends_at
    assert period_at(starts_at + part * (ends_at - starts_at) / 1000, every, zone) == (
        starts_at,
        ends_at,
    )
    assert period_at(ends_at, every, zone)[0] == ends_at
    assert period_at(starts_at - timedelta(microseconds=1), every, zone)[1] == starts_at
    local = starts_at.astimezone(zone).date(), ends_at.astimezone(zone).date()
    days = (local[1] - local[0]).days
    if every is Every.WEEK:
        assert (days, local[0].weekday()) == (7, 0)
    else:
        assert 28 <= days <= 31
        assert local[0].day == local[1].day == 1
    assert abs(ends_at - starts_at - timedelta(days=days)) <= timedelta(hours=2)


@pytest.mark.parametrize(
    ("day", "every", "hours"),
    [
        (date(2026, 3, 25), Every.WEEK, 7 * 24 - 1),
        (date(2026, 10, 25), Every.WEEK, 7 * 24 + 1),
        (date(2026, 2, 28), Every.MONTH, 28 * 24),
        (date(2028, 2, 29), Every.MONTH, 29 * 24),
        (date(2026, 3, 31), Every.MONTH, 31 * 24 - 1),
        (date(2026, 12, 31), Every.MONTH, 31 * 24),
    ],
)
def test_where_clocks_change_a_period_is_an_hour_shorter_or_longer(
    day: date, every: Every, hours: int
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=berlin)
    starts_at, ends_at = period_at(noon, every, berlin)
    assert ends_at - starts_at == timedelta(hours=hours)


def kept(**said: object) -> AllocationProtection:
    one = AllocationProtection(
        item="X", location="DC1", channel="web", minimum=5, maximum=9,
        starts_at=START, ends_at=START + timedelta(days=60),
    )  # fmt: skip
    return replace(one, **said)  # type: ignore[arg-type]  # each test names its own fields


def test_one_that_is_said_once_has_one_period() -> None:
    assert kept().at(START + timedelta(days=3)) == kept()


def test_one_that_begins_anew_is_cut_to_where_it_begins_and_ends_in_all() -> None:
    one = kept(every=Every.MONTH, timezone="Europe/Berlin", starts_at=START + timedelta(days=9))
    berlin = ZoneInfo("Europe/Berlin")
    february, march = (datetime(2026, month, 1, tzinfo=berlin) for month in (2, 3))

    first, second, third = (one.at(START + timedelta(days=n)) for n in (20, 40, 59))

    assert (first.starts_at, first.ends_at) == (one.starts_at, february)
    assert (second.starts_at, second.ends_at) == (february, march)
    assert (third.starts_at, third.ends_at) == (march, one.ends_at)


def test_what_can_be_kept_is_taken() -> None:
    check(kept(), START)
    check(kept(every=Every.WEEK, ends_at=START + RECURS_MAX), START)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (kept(channel=""), "/channel"),
        (kept(maximum=None, minimum=0), "/maximum"),
        (kept(maximum=None, minimum=AMOUNT_MAX), "/minimum"),
        (kept(maximum=4), "/minimum"),
        (kept(ends_at=START), "/ends_at"),
        (kept(ends_at=START + PERIOD_MAX + timedelta(1)), "/ends_at"),
        (kept(every=Every.MONTH, ends_at=START + RECURS_MAX + timedelta(1)), "/ends_at"),
        (kept(starts_at=START - timedelta(9), ends_at=START), "/ends_at"),
    ],
)
def test_what_could_not_be_kept_is_refused_with_its_place(
    said: AllocationProtection, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check(said, START)
    assert refused.value.where == where
