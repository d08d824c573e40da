"""What is recorded on a later day than it happened on: by the days of its own location (§4.4)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.reconciliation.explaining import is_backdated

CHICAGO = "America/Chicago"


def us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def at(day: int, clock: str, zone: str = CHICAGO) -> int:
    hour, minute, second = map(int, clock.split(":"))
    return us(datetime(2026, 5, day, hour, minute, second, tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("happened", "recorded", "is_late"),
    [
        pytest.param((4, "18:59:58"), (4, "19:00:05"), False, id="UTC begins a day in between"),
        pytest.param((4, "23:30:00"), (5, "00:30:00"), True, id="the place begins one"),
        pytest.param((4, "23:30:00"), (4, "23:59:59"), False, id="the same day"),
    ],
)
def test_the_days_are_those_of_the_place(
    happened: tuple[int, str], recorded: tuple[int, str], *, is_late: bool
) -> None:
    assert is_backdated(at(*happened), at(*recorded), CHICAGO) is is_late


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert is_backdated(at(4, "23:59:59", "UTC"), at(5, "00:00:01", "UTC"), "Mars/Olympus")


@given(
    st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 2)),  # noqa: DTZ001 - hypothesis adds zones
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3)),
)
def test_two_instants_of_one_local_day_are_never_backdated(
    happened: datetime, later: timedelta
) -> None:
    recorded = (happened.astimezone(UTC) + later).astimezone(happened.tzinfo)
    zone = str(happened.tzinfo)
    days: tuple[date, date] = happened.astimezone(ZoneInfo(zone)).date(), recorded.date()
    assert is_backdated(us(happened), us(recorded), zone) is (days[0] < days[1])
