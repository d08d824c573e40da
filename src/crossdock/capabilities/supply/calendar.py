"""Working days of a location, and the buckets that its future is cut into. Pure.

Bucket 0 is the first day that goods can still leave and everything before it; then come days, then
weeks. A bucket is named by its last day: what is promised in it can leave on that day.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAY = timedelta(days=1)
WEEK_DAYS = 7
STARVED_DAYS = 366


@dataclass(frozen=True, slots=True)
class Calendar:
    """`weekdays` are ISO numbers, Monday is 1; from `cutoff` on, local time, today is over."""

    weekdays: frozenset[int] = frozenset(range(1, 8))
    holidays: Collection[date] = frozenset()
    cutoff: time | None = None

    def is_working(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """Give the day itself if it is one."""
        while not self.is_working(day):
            day += DAY
        return day

    def last_working_day(self, day: date) -> date:
        """Give the day itself if it is one, or the nearest before."""
        while not self.is_working(day):
            day -= DAY
        return day

    def plus_working_days(self, day: date, count: int) -> date:
        """Go on so many working days, and to the next working day in any case (§3.3)."""
        for _ in range(count):
            day = self.next_working_day(day + DAY)
        return self.next_working_day(day)

    def is_starved(self, day: date) -> bool:
        """Say whether a year from a day on has no working day."""
        last = min(day.toordinal() + STARVED_DAYS, date.max.toordinal())
        days = map(date.fromordinal, range(day.toordinal(), last))
        return not any(self.is_working(each) for each in days)

    def first_ship_day(self, now: datetime) -> date:
        """Find the first day that an order of this local moment can leave on."""
        is_late = self.cutoff is not None and now.time() >= self.cutoff
        return self.next_working_day(now.date() + DAY if is_late else now.date())


class Grid(NamedTuple):
    """The last day of each bucket: `daily` days from the first on, weeks behind them."""

    ends: tuple[date, ...]
    daily: int

    def bucket(self, day: date) -> int | None:
        """Find the bucket a day falls into; None behind the horizon."""
        offset = (day - self.ends[0]).days
        if offset < self.daily:
            return max(0, offset)
        weeks = -(-(offset - self.daily + 1) // WEEK_DAYS)
        found = self.daily - 1 + weeks
        return found if found < len(self.ends) else None

    def before(self, day: date) -> int:
        """Count the buckets that end before a day."""
        return next((n for n, end in enumerate(self.ends) if end >= day), len(self.ends))


def grid(first: date, daily: int, weekly: int) -> Grid:
    """Cut the time from `first` on into at least one day, and weeks behind."""
    days = [first + n * DAY for n in range(daily)]
    weeks = [days[-1] + n * WEEK_DAYS * DAY for n in range(1, weekly + 1)]
    return Grid((*days, *weeks), daily)


def local_time(now: datetime, zone: str) -> datetime:
    """Give a moment by a location's own clock; by UTC where nobody knows its zone."""
    try:
        return now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return now.astimezone(UTC)
