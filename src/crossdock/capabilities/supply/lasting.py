"""How much of what lies there keeps as long as is needed, beside what others need of it. Pure.

Goods and needs stand by days: so long goods keep from today on, so long a need asks for. Whoever
asks for more days is served first, and each with what expires first of what keeps long enough; so
as much as can be is left of what keeps longest (I8). Amounts are micros.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from crossdock.capabilities.supply.rules import LifeTerms

UNTOLD = -1
"""Nobody told how long goods keep; and how long whoever takes just any goods asks for."""


class Lying(NamedTuple):
    """What lies somewhere by the days it keeps, and what is needed of it by the days it has to.

    `held` is promised to who knows whom: it is taken to ask for as much as whoever asks.
    """

    keeping: Counter[int]
    needed: Counter[int]
    held: int = 0
    safety: int = 0

    def over(self, members: Iterable["Lying"], days: int) -> "Lying":
        """Give a group what its members have left; what one lacks is no other's to give."""
        keeping = Counter(self.keeping)
        for one in members:
            keeping += +one.rest(days)
        return self._replace(keeping=keeping)

    def left(self, days: int) -> int:
        """Say how much can be had that keeps so many days, beside all others and safety stock."""
        return max(0, _so_long(self.rest(days), days))

    def rest(self, days: int) -> Counter[int]:
        """Give what lies there beside all others and safety stock, for who asks for so long."""
        needed = Counter(self.needed)
        needed[days] += self.held
        return _served(_served(self.keeping, needed), {days: self.safety})


def left(keeping: Mapping[int, int], needed: Mapping[int, int], days: int) -> int:
    """Say how much that keeps so many days is left once all that is needed is served."""
    return _so_long(_served(keeping, needed), days)


def _so_long(keeping: Mapping[int, int], days: int) -> int:
    return sum(micros for have, micros in keeping.items() if have >= days)


def _served(keeping: Mapping[int, int], needed: Mapping[int, int]) -> Counter[int]:
    goods = Counter(dict(sorted(keeping.items())))
    for need, micros in sorted(needed.items(), reverse=True):
        rest = micros
        for have in goods:
            if have >= need and rest > 0:
                taken = min(rest, goods[have])
                goods[have] -= taken
                rest -= taken
    return goods


def changes_in(keeping: Iterable[int], asked: Iterable[int]) -> int | None:
    """Say in how many days some of the goods stop keeping as long as somebody asks."""
    needs = set(asked)
    each = (have - need + 1 for have in keeping for need in needs if have >= need >= 0)
    return min(each, default=None)


def strictest(lives: Iterable[LifeTerms | None]) -> LifeTerms | None:
    """Give what satisfies all of these; None where none asks for anything."""
    said = [one for one in lives if one is not None]
    if not said:
        return None
    days, transit = max(one.days for one in said), max(one.transit_days for one in said)
    return LifeTerms(days=days, transit_days=transit)
