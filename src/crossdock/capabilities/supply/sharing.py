"""Goods that expire shared out among those who need them: as much as any way of doing so. Pure.

Whoever needs some takes of what has come and keeps so long, the first to expire first (FEFO). Who
lacks any has goods that another holds, if others serve that one as well. So nobody who is served
has less for those served behind, and what is had in all is as much as can be. Amounts are micros.
"""

from collections import deque
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from crossdock.capabilities.supply.answer import Lot

FOREVER = date.max.toordinal() + 1
"""The last day of goods whose last day nobody told: behind every day that can be told."""


class Goods(NamedTuple):
    """So much that can leave from a day on; `last` is its last day of use. Both are ordinals."""

    begin: int
    last: int
    micros: int
    lot: Lot | None = None
    rank: int = 1

    @property
    def is_dated(self) -> bool:
        return self.last != FOREVER


class Need(NamedTuple):
    """So much that is due on a day and has to keep until `least`. Both are ordinals.

    `is_careful`: goods of which nobody knows how long they keep are no good.
    """

    day: int
    least: int
    is_careful: bool
    micros: int


def fits(goods: Goods, need: Need) -> bool:
    """Say whether goods have come by then, and keep long enough."""
    return (
        goods.begin <= need.day
        and goods.last >= need.least
        and (goods.is_dated or not need.is_careful)
    )


class Shares:
    """Who has how much of which goods. Needs are numbered as they come."""

    def __init__(self, goods: Sequence[Goods]) -> None:
        self._goods = goods
        self._left = [one.micros for one in goods]
        self._fitting: list[list[int]] = []
        # Of each goods, how much each need has of it; who has none is not named.
        self._held: list[dict[int, int]] = [{} for _ in goods]

    def copy(self) -> "Shares":
        """Give a copy that is served on by itself."""
        found = Shares(self._goods)
        found._left = list(self._left)
        found._fitting = list(self._fitting)
        found._held = [dict(one) for one in self._held]
        return found

    def add(self, need: Need, only: int | None = None) -> int:
        """Give a need its number; it has nothing yet. It takes of these goods `only`, if named."""
        among = range(len(self._goods)) if only is None else (only,)
        self._fitting.append([at for at in among if fits(self._goods[at], need)])
        return len(self._fitting) - 1

    def serve(self, number: int, micros: int) -> int:
        """Give a need so much more, or as much as can be had beside the others; say how much."""
        got = self.take(number, micros)
        return got + self.free(number, micros - got)

    def of(self, number: int) -> list[tuple[Goods, int]]:
        """Say what a need has, what expires first first."""
        each = zip(self._goods, self._held, strict=True)
        return [(goods, held[number]) for goods, held in each if number in held]

    def take(self, number: int, micros: int) -> int:
        """Give a need of what nobody has; say how much."""
        rest = micros
        for at in self._fitting[number]:
            if not rest:
                break
            if taken := min(rest, self._left[at]):
                self._left[at] -= taken
                self._held[at][number] = self._held[at].get(number, 0) + taken
                rest -= taken
        return micros - rest

    def free(self, number: int, micros: int) -> int:
        """Move others over to goods that serve them as well, and give a need theirs; say how much.

        Each way goes from the need to goods that it may have, from who holds them to others that
        serve as well, and ends at goods that nobody holds. The shortest is taken first.
        """
        rest = micros
        while rest and (way := self._way(number)):
            giving = [(who, at) for (_, at), (who, _) in pairwise(way)]
            end = way[-1][1]
            moved = min([rest, self._left[end], *(self._held[at][who] for who, at in giving)])
            self._left[end] -= moved
            for who, at in giving:
                self._held[at][who] -= moved
                if not self._held[at][who]:
                    del self._held[at][who]
            for who, at in way:
                self._held[at][who] = self._held[at].get(who, 0) + moved
            rest -= moved
        return micros - rest

    def _way(self, number: int) -> list[tuple[int, int]]:
        """Find who is to have which goods so that a need has more: (need, goods), it first."""
        came: dict[int, tuple[int, int]] = {}
        asked: set[int] = set()
        to_do = deque([-1])
        while to_do:
            before = to_do.popleft()
            others = self._held[before] if before >= 0 else (number,)
            # All that fits a need has come once it was asked.
            for who in [who for who in others if who not in asked]:
                asked.add(who)
                for at in self._fitting[who]:
                    if at not in came:
                        came[at] = (who, before)
                        if self._left[at]:
                            return _back(came, at)
                        to_do.append(at)
        return []


def _back(came: dict[int, tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """Lay out a way from its end back to where it began."""
    way: list[tuple[int, int]] = []
    at = end
    while at >= 0:
        who, before = came[at]
        way.append((who, at))
        at = before
    return way[::-1]


def shared(goods: Sequence[Goods], needs: Sequence[Need]) -> list[list[tuple[Goods, int]]]:
    """Give each need, the first first, of what has come and keeps: the first to expire first.

    Who lacks some then has goods of others, if there are more that serve those as well.
    """
    shares = Shares(goods)
    numbers = [shares.add(need) for need in needs]
    each = list(zip(numbers, needs, strict=True))
    lacking = [need.micros - shares.take(number, need.micros) for number, need in each]
    for number, micros in zip(numbers, lacking, strict=True):
        shares.free(number, micros)
    return [shares.of(number) for number in numbers]
