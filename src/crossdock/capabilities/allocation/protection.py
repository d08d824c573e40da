"""What is kept for a channel, and the periods in which it begins anew (§3.6).

Periods go by a place's calendar: weeks from Monday on, months of 28 to 31 days. A day begins at
midnight there: where clocks change, a period is an hour longer or shorter, and no moment is in
two of them or in none.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from crossdock.canonical.allocation import Every
from crossdock.canonical.errors import Invalid
from crossdock.foundation.zones import zone_of

PERIOD_MAX = timedelta(days=92)
"""A quarter: order lines that are done with are kept a little longer than this."""
RECURS_MAX = timedelta(days=3_660)
"""So long at most one begins anew: ten years."""
AMOUNT_MAX = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationProtection:
    """What a channel or a group may have of an item at a location (§3.6), in micros.

    A maximum (PAL) and a minimum (SUP), of a `channel` or of an allocation `group`: one of both.

    It holds from `starts_at` until `ends_at`, and counts what orders of that time have taken.
    With `every` it begins anew each week or month between them, by the calendar of `timezone`,
    its location's: what was not taken by then is kept no longer, and what was counts no more.
    """

    item: str
    location: str
    channel: str = ""
    group: str = ""
    maximum: int | None = None
    minimum: int = 0
    starts_at: datetime
    ends_at: datetime
    every: Every | None = None
    timezone: str = ""
    version: int = 0
    set_by: str = ""
    set_at: datetime | None = None

    @property
    def counts_for(self) -> str:
        """Name the channel or group; no demand counts for two that are called alike."""
        return self.group or self.channel

    def at(self, now: datetime) -> "AllocationProtection":
        """Give the period of it that a moment lies in, as one by itself."""
        if self.every is None:
            return self
        starts_at, ends_at = period_at(now, self.every, zone_of(self.timezone))
        return replace(
            self, starts_at=max(starts_at, self.starts_at), ends_at=min(ends_at, self.ends_at)
        )


def one_of(channel: str, group: str) -> str:
    """Name the one that a maximum or minimum is of."""
    if bool(channel) == bool(group):
        raise Invalid(
            "a maximum or minimum is of a channel or of an allocation group, and of one of both",
            where="/channel",
            hint="name a channel, or a group",
        )
    return channel or group


def check(said: AllocationProtection, now: datetime) -> None:
    """Refuse what could not be kept, or no longer."""
    one_of(said.channel, said.group)
    if said.maximum is None and not said.minimum:
        raise Invalid(
            "neither a maximum nor a minimum is said", where="/maximum", hint="say one of them"
        )
    if not 0 <= said.minimum < AMOUNT_MAX or not 0 <= (said.maximum or 0) < AMOUNT_MAX:
        raise Invalid("a maximum or minimum is zero or more", where="/minimum")
    if said.maximum is not None and said.minimum > said.maximum:
        raise Invalid(
            f"more is kept for {said.counts_for} than it may have",
            where="/minimum",
            hint="a minimum is at most the maximum",
        )
    most = RECURS_MAX if said.every else PERIOD_MAX
    if not timedelta() < said.ends_at - said.starts_at <= most:
        raise Invalid(
            f"a period ends after it starts, and lasts {most.days} days at most",
            where="/ends_at",
            hint="say the next period when it comes, or `every` WEEK or MONTH",
        )
    if said.ends_at <= now:
        raise Invalid(
            f"this period has ended: it is {now:%Y-%m-%d %H:%M:%S} UTC by now",
            where="/ends_at",
            hint="say one that ends later; what held in the past is not changed any more",
        )


def period_at(now: datetime, every: Every, zone: tzinfo) -> tuple[datetime, datetime]:
    """Tell when the period began that a moment lies in, and when the next one begins; in UTC."""
    day = now.astimezone(zone).date()
    if every is Every.WEEK:
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
    return _midnight(first, zone), _midnight(following, zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
