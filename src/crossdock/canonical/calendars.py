"""Working days, hours and cut-offs of a location: one form for all who name a day (§1.3)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

DAY = timedelta(days=1)
STARVED_DAYS = 366
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_HOURS = re.compile(f"{_TIME}-(?:{_TIME}|24:00)")


class Hours(NamedTuple):
    """From when until when a working day is worked, local time.

    One that closes at or before the time it opens at closes on the day after: a night shift, or
    all day. It belongs to the day that it opens on.
    """

    opens: time
    closes: time

    @classmethod
    def read(cls, text: str) -> "Hours":
        """Read 08:00-17:00; 24:00 is midnight. Raises `ValueError` for what is none."""
        if not _HOURS.fullmatch(text):
            raise ValueError(text)
        opens, closes = text.replace("-24:00", "-00:00").split("-")
        return cls(time.fromisoformat(opens), time.fromisoformat(closes))

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"

    @property
    def length(self) -> timedelta:
        """Tell how long it is where no clock is changed."""
        opens, closes = (timedelta(hours=at.hour, minutes=at.minute) for at in self)
        return closes - opens if closes > opens else closes + DAY - opens


@dataclass(frozen=True, slots=True)
class Calendar:
    """`weekdays` are ISO numbers, Monday is 1; from `cutoff` on, local time, today is over.

    At the very cut-off it is too late for that day: the interval is half open. `hours` are those
    of each working day; None is that nobody said any.
    """

    weekdays: frozenset[int] = frozenset(range(1, 8))
    holidays: Collection[date] = frozenset()
    cutoff: time | None = None
    hours: Hours | None = None

    def is_working(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """Give the day itself if it is one; the last day of all where none follows."""
        while not self.is_working(day) and day < date.max:
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
        """Find the first day that an order of this moment can leave on; by the place's clock."""
        return self.next_working_day(self.first_open_day(now))

    def first_open_day(self, now: datetime) -> date:
        """Give the day of this moment, or the next if its cut-off has passed, worked or not.

        The cut-off is an instant of each day, so it stays at its time when the clocks change, and
        passes once even on the day that has an hour twice. In the hour that clocks skip no clock
        shows it: then it is as long after the hour as it says.
        """
        today = now.date()
        if self.cutoff is None:
            return today
        over = _instant(today, self.cutoff, now.tzinfo)
        return today + DAY if now.astimezone(UTC) >= over else today

    def working_time_later(self, start: datetime, within: timedelta) -> datetime:
        """Give when so much working time is over since a moment, by the place's clock; in UTC.

        A whole day is a working day, so as much time as one has; the rest is hours. Opening and
        closing are instants as a cut-off is: a shift over a change of the clock is as long as it
        takes. Without hours, or a working day within a year, time runs around the clock.
        """
        hours, began, day = self.hours, start.astimezone(UTC), start.date() - DAY
        if hours is None or within <= timedelta() or self.is_starved(day):
            return began + within
        left = within.days * hours.length + (within - within.days * DAY)
        while True:
            day = self.next_working_day(day)
            last = day if hours.closes > hours.opens else day + DAY
            opens = max(began, _instant(day, hours.opens, start.tzinfo))
            closes = _instant(last, hours.closes, start.tzinfo)
            open_for = max(timedelta(), closes - opens)
            if left <= open_for:
                return opens + left
            left -= open_for
            day += DAY


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """The calendar of a place, and the zone whose clock it goes by."""

    calendar: Calendar
    zone: tzinfo

    def later(self, since: datetime, within: timedelta) -> datetime:
        """Give when so much working time is over since a moment; whole days are working days."""
        return self.calendar.working_time_later(since.astimezone(self.zone), within)


def _instant(day: date, at: time, zone: tzinfo | None) -> datetime:
    """Give the moment when a place's clock shows a time, the first if twice; in UTC."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
