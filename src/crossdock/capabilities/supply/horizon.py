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

    `leaves` gives the first day on or behind another on which goods can leave.
    """

    today: date
    grid: Grid
    days: Sequence[date]
    leaves: Callable[[date], date]


def horizon(terms: AtpTerms, local: datetime) -> Horizon:
    """Lay out the buckets; `local` is the moment by the location's own clock.

    Behind the fence there are none: what is due there holds nothing back (A7).
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
        fence = max(1, grid.before(today + timedelta(days=terms.fence_days)))
        grid = Grid(grid.ends[:fence], min(grid.daily, fence))
    leaves = terms.calendar.next_working_day
    return Horizon(today, grid, [leaves(end) for end in grid.ends], leaves)
