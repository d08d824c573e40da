"""Working days and cut-offs of a location, one form for all who name a day (§1.3)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)
STARVED_DAYS = 366


@dataclass(frozen=True, slots=True)
class Calendar:
    """`weekdays` are ISO numbers, Monday is 1; from `cutoff` on, local time, today is over.

    At the very cut-off it is too late for that day: the interval is half open.
    """

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
        over = datetime.combine(today, self.cutoff, tzinfo=now.tzinfo)
        return today + DAY if now.astimezone(UTC) >= over.astimezone(UTC) else today
