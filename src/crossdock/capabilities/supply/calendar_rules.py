"""When a place works, as it is said, and what of it nobody could keep. Pure."""

from dataclasses import dataclass
from datetime import date, time

from crossdock.canonical.calendars import DAY, Calendar, Hours
from crossdock.canonical.errors import Invalid

LAST_DAY = date(9990, 1, 1)
"""Behind it nobody counts working days any more."""
HOLIDAYS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSaid:
    """What is said of a calendar; None is nothing, and leaves what was said of it before."""

    weekdays: str | None = None
    holidays: tuple[date, ...] | None = None
    cutoff: str | None = None
    hours: str | None = None


def check_calendar(rule: CalendarSaid) -> None:
    """Refuse what nobody could keep, naming the place."""
    days = rule.weekdays
    if days is not None and (not days or set(days) - set("1234567") or len(set(days)) < len(days)):
        raise Invalid(
            f"{days!r} names no working days",
            where="/weekdays",
            hint="ISO numbers, once each: 12345 is Monday to Friday",
        )
    if len(rule.holidays or ()) > HOLIDAYS_MAX:
        raise Invalid(f"at most {HOLIDAYS_MAX} holidays are kept", where="/holidays")
    _check_holidays(rule)
    _check_times(rule)


def _check_holidays(rule: CalendarSaid) -> None:
    """Refuse holidays that leave no working day in a year, whichever weekdays hold."""
    weekdays = frozenset(map(int, rule.weekdays or "1234567"))
    calendar = Calendar(weekdays, frozenset(rule.holidays or ()))
    for day in sorted(calendar.holidays):
        is_first = day == date.min or day - DAY not in calendar.holidays
        if is_first and day < LAST_DAY and calendar.is_starved(day):
            raise Invalid(
                f"there is no working day in the year from {day} on",
                where="/holidays",
                hint="a holiday is a day on which nothing leaves that else would",
            )


def _check_times(rule: CalendarSaid) -> None:
    try:
        at = time.fromisoformat(rule.cutoff) if rule.cutoff else None
    except ValueError:
        raise Invalid(f"{rule.cutoff!r} is no time", where="/cutoff", hint="15:30") from None
    if at is not None and at.tzinfo is not None:
        raise Invalid("a cut-off is in the location's own time", where="/cutoff", hint="15:30")
    try:
        Hours.read(rule.hours or "00:00-24:00")
    except ValueError:
        raise Invalid(
            f"{rule.hours!r} are no hours of a day",
            where="/hours",
            hint="local time, from-until: 08:00-17:00, or 22:00-06:00 over midnight",
        ) from None
