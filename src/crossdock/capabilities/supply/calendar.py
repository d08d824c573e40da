"""The buckets that a location's future is cut into, and its own clock. Pure.

Bucket 0 is the first day that goods can still leave and everything before it; then come days, then
weeks. A bucket is named by its last day: what is promised in it can leave on that day.
"""

from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crossdock.canonical.calendars import DAY

WEEK_DAYS = 7


class Grid(NamedTuple):
    """The last day of each bucket: `daily` days from the first on, weeks behind them.

    The last week may be a short one.
    """

    ends: tuple[date, ...]
    daily: int

    def bucket(self, day: date) -> int | None:
        """Find the bucket a day falls into; None behind the horizon."""
        if day > self.ends[-1]:
            return None
        offset = (day - self.ends[0]).days
        if offset < self.daily:
            return max(0, offset)
        weeks = -(-(offset - self.daily + 1) // WEEK_DAYS)
        return self.daily - 1 + weeks

    def before(self, day: date) -> int:
        """Count the buckets that end before a day."""
        return next((n for n, end in enumerate(self.ends) if end >= day), len(self.ends))

    def until(self, day: date) -> "Grid":
        """Leave out a day and all behind it, save the first bucket."""
        ends = self.ends[: max(1, self.before(day))]
        if len(ends) < len(self.ends) and ends[-1] < day - DAY:
            ends = (*ends, day - DAY)
        return Grid(ends, min(self.daily, len(ends)))


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
