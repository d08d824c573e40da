"""The buckets that some terms look ahead in, and the days that goods can leave in each. Pure."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.supply import calendar
from crossdock.capabilities.supply.calendar import Grid
from crossdock.capabilities.supply.rules import AtpTerms


class Horizon(NamedTuple):
    """The buckets of some terms on some day; `days` are the days that goods can leave in each.

    `leaves` gives the first day on or behind another on which goods can leave. `by_day` is the
    same horizon with a bucket for each day of its weeks; of its buckets `shown` are those in which
    something can be promised, the last day of each week. None of each: there are no weeks, and
    all can be.
    """

    today: date
    grid: Grid
    days: Sequence[date]
    leaves: Callable[[date], date]
    by_day: "Horizon | None" = None
    shown: Sequence[int] | None = None

    @property
    def ends(self) -> Sequence[date]:
        """Give the last days of the buckets in which something can be promised."""
        ends = self.grid.ends
        return ends if self.shown is None else [ends[bucket] for bucket in self.shown]

    def at_ends(self, values: Sequence[int]) -> Sequence[int]:
        """Leave what holds at the end of each bucket in which something can be promised."""
        return values if self.shown is None else [values[bucket] for bucket in self.shown]

    def over(
        self, values: Sequence[int], join: Callable[[Sequence[int]], int] = sum
    ) -> Sequence[int]:
        """Join what belongs to the days of each bucket in which something can be promised."""
        if self.shown is None:
            return values
        return [
            join(values[begin : last + 1])
            for begin, last in zip((0, *(n + 1 for n in self.shown)), self.shown, strict=False)
        ]


def horizon(terms: AtpTerms, local: datetime) -> Horizon:
    """Lay out the buckets; `local` is the moment by the location's own clock.

    From the fence on there are none: what is due there holds nothing back (A7). A week in which
    it falls ends on the day before.
    """
    today = local.date()
    open_on = terms.calendar.first_open_day(local)
    if terms.calendar.is_starved(open_on):
        raise Invalid(
            f"the calendar has no working day in the year from {open_on} on",
            where="rules/holidays",
            hint="take holidays out, or say other weekdays: crossdock stock calendar",
        )
    first = terms.calendar.next_working_day(open_on)
    grid = calendar.grid(first, terms.daily_buckets, terms.weekly_buckets)
    if terms.fence_days:
        grid = grid.until(today + timedelta(days=terms.fence_days))
    leaves = terms.calendar.next_working_day
    ahead = Horizon(today, grid, [leaves(end) for end in grid.ends], leaves)
    return ahead if grid.daily == len(grid.ends) else ahead._replace(by_day=_by_day(ahead))


def _by_day(ahead: Horizon) -> Horizon:
    first, last = ahead.grid.ends[0], ahead.grid.ends[-1]
    grid = calendar.grid(first, (last - first).days + 1, 0)
    days = [ahead.leaves(end) for end in grid.ends]
    shown = [(end - first).days for end in ahead.grid.ends]
    return Horizon(ahead.today, grid, days, ahead.leaves, shown=shown)
