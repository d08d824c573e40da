"""What each channel may be shown of a pool that others have a claim to: pure rules (§3.6, §3.7).

PROTECTED: a minimum is kept for a channel (supply protection), a maximum limits it (product
allocation), both per period. PARTITION: each has its own part. All amounts are in millionths of
one unit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple


class Period(StrEnum):
    """How long minima and maxima hold, by the calendar of the place that is sold from."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class More(NamedTuple):
    """What a channel has more than before; its orders claimed `claimed` of that already."""

    micros: int = 0
    claimed: int = 0

    def plus(self, micros: int, claimed: int = 0) -> "More":
        return More(self.micros + micros, self.claimed + claimed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one channel has a right to in a period, and what its orders have taken in it.

    `least` is kept for it, beyond `most` (None: no limit) it is shown nothing. `claimed` is what
    its orders claim of the pool beside `used`: it is out of the pool already, and not had yet.
    Of an allocation group, `channels` share it.
    """

    least: int = 0
    most: int | None = None
    used: int = 0
    claimed: int = 0
    channels: frozenset[str] = frozenset()

    @property
    def protected(self) -> int:
        """What is still kept for it; what it has taken, or its orders hold, is kept no longer."""
        return max(0, self.least - self.used - self.claimed)

    def having(self, more: More) -> "Claim":
        """Count so much more as taken; what its orders claimed of that they claim no longer."""
        claimed = max(0, self.claimed - more.claimed)
        return replace(self, used=self.used + more.micros, claimed=claimed)

    @property
    def allowance(self) -> int | None:
        return None if self.most is None else self.most - self.used


def available_to(pool: int, own: Claim, others: Iterable[Claim]) -> int:
    """avail(g) = max(0, min(PAL_g - used_g, pool - Σ_{h≠g} max(0, SUP_h - consumed_h))), A14."""
    kept = sum(other.protected for other in others)
    return within(pool, kept, own.allowance)


def shown_of(pool: int, channel: str, claims: Mapping[str, Claim]) -> int:
    """Say how much of a pool may be shown to a channel, of which others have claims by name.

    What its own orders claim counts against its maximum, had or not: what is shown is sold beside.
    """
    name = name_of(channel, claims)
    own = claims.get(name, Claim())
    own = own.having(More(own.claimed, own.claimed))
    others = (claim for other, claim in claims.items() if other != name)
    return available_to(max(0, pool), own, others)


def name_of(channel: str, claims: Mapping[str, Claim]) -> str:
    """Name the claim that is a channel's: its group's, if it is in one; its own if it has any."""
    shared = (name for name, claim in claims.items() if channel in claim.channels)
    return next(shared, channel)


def within(pool: int, kept_for_others: int, allowance: int | None) -> int:
    there_is = pool - kept_for_others
    return max(0, there_is if allowance is None else min(there_is, allowance))


def part(pool: int, share: int, shares: int) -> int:
    """Give a channel its part of a pool; where the parts are more than there is, all shrink alike.

    `shares` is the sum of all parts, this one included.
    """
    there_is = max(0, pool)
    return share if shares <= there_is else there_is * share // shares


def first_day(day: date, period: Period) -> date:
    """Tell when the period began that a day lies in; weeks begin on Monday."""
    if period is Period.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period is Period.MONTH else day


def next_first_day(day: date, period: Period) -> date:
    """Tell the day on which what was kept and not taken is kept no longer."""
    first = first_day(day, period)
    if period is Period.MONTH:
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if period is Period.WEEK else 1)


def midnight(day: date, zone: tzinfo) -> datetime:
    """Tell when a day begins in a zone; it may be 23 or 25 hours after the day before began."""
    return datetime.combine(day, time(0), tzinfo=zone)
