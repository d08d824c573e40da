"""Kits at a node: those that lie there assembled, and what can be put together there. Pure.

The parts of a kit lie in the one building that the node is (§1.2). Lines of one order that need
the same part, whether for a kit or by itself, take it off each other: of one unit nothing is
planned twice (A30). Amounts are micros of base units.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from crossdock.canonical.kits import most, needed, whole
from crossdock.canonical.quantities import MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """So much in all can leave on a day once supply has come, and is there on another (CATP).

    `arrives_on` None: nobody knows how long the way takes.
    """

    ships_on: date
    arrives_on: date | None
    micros: int

    @property
    def day(self) -> date:
        return self.arrives_on or self.ships_on


@dataclass(slots=True)
class Taken:
    """What lines of an order take at a node: of each item as it lies there, and of each kit."""

    items: dict[str, int] = field(default_factory=dict[str, int])
    kits: dict[str, int] = field(default_factory=dict[str, int])

    def take(self, item: str, micros: int) -> None:
        self.items[item] = self.items.get(item, 0) + micros


NOTHING = Taken()

Reached = Callable[[Arrival], bool]
"""Says whether what is to come is there soon enough."""


def lies_there(_: Arrival) -> bool:
    """Count what lies there, and nothing that is still to come."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class KitAt:
    """What a node has for a line of a kit: the kit, and what it can be put together from.

    `parts` are all items that go into it, on every level, each behind the kits that take it, with
    how much of it one base unit of those takes; what no stock limits is left out. `has` is by item
    what is free there for the line, its own name among them: below zero, so many are owed to
    others, and put together first. `coming` is by item what there will be of it by date, where
    that is more. `keeps` is by item how much of what lies there keeps long enough, where a life is
    asked for. `most` is what its channel or its order may have of the kit; None: no limit.
    """

    item: str
    parts: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    has: Mapping[str, int]
    coming: Mapping[str, tuple[Arrival, ...]] = field(
        default_factory=dict[str, tuple[Arrival, ...]]
    )
    keeps: Mapping[str, int] = field(default_factory=dict[str, int])
    most: int | None = None

    @property
    def is_flat(self) -> bool:
        """Say whether no part is a kit itself."""
        return all(len(into) == 1 and into[0][0] == self.item for _, into in self.parts)

    @property
    def items(self) -> frozenset[str]:
        return frozenset(self.has)

    def room(self, limit: int, taken: Taken = NOTHING, reached: Reached = lies_there) -> int:
        """Say how many there are at most, up to a limit: assembled, and in whole kits the rest."""
        if self.most is not None:
            limit = min(limit, self.most - taken.kits.get(self.item, 0))
        there = self.has[self.item] - taken.items.get(self.item, 0)
        made = self._made(whole(max(0, limit - there)), taken, reached)
        return max(0, min(limit, there + made))

    def drawn(self, micros: int, taken: Taken, reached: Reached = lies_there) -> dict[str, int]:
        """Say what so many take of each item: assembled ones first, and parts for the rest.

        What cannot be put together comes assembled, and takes nothing that lies there.
        """
        there = max(0, self.has[self.item] - taken.items.get(self.item, 0))
        assembled = min(micros, there)
        if assembled == micros:
            return {self.item: micros} if micros else {}
        made = self._made(whole(micros - assembled), taken, reached)
        has = self._left(taken, reached)
        found = {one.item: one.micros for one in needed(self.item, self.parts, made, has)}
        return {item: some for item, some in {self.item: assembled, **found}.items() if some}

    def lacking(self, limit: int, taken: Taken = NOTHING) -> tuple[str, ...]:
        """Name the parts of which too little lies there for one kit more, if there are fewer."""
        if self.room(limit, taken) >= limit:
            return ()
        has = self._left(taken, lies_there)
        there = self.has[self.item] - taken.items.get(self.item, 0)
        enough = self._made(whole(max(0, limit - there)), taken, lies_there)
        more = needed(self.item, self.parts, enough + MICROS, has)
        return tuple(sorted(one.item for one in more if not one.is_there))

    def keeping(self) -> "KitAt":
        """Give what there is of what keeps long enough."""
        if not self.keeps:
            return self
        has = {
            item: min(micros, self.keeps.get(item, micros)) for item, micros in self.has.items()
        }
        return replace(self, has=has, keeps={})

    def less(self, gone: Mapping[str, int]) -> "KitAt":
        """Give what there is once so much is gone; what is to come is left to whoever took it."""
        if not gone:
            return self
        has = {item: micros - gone.get(item, 0) for item, micros in self.has.items()}
        return replace(self, has=has, coming={})

    def _made(self, limit: int, taken: Taken, reached: Reached) -> int:
        """Say how many can be put together at most, in whole kits up to a limit."""
        if not limit:
            return 0
        has = self._left(taken, reached)
        if self.is_flat:  # most kits are: then their scarcest part says it
            return min(limit, min(has(item) // into[0][1] for item, into in self.parts) * MICROS)

        def fits(kits: int) -> bool:
            return all(one.is_there for one in needed(self.item, self.parts, kits, has))

        if fits(limit):
            return limit
        high = MICROS
        while high < limit and fits(high):
            high *= 2
        return most(min(high, limit), fits)

    def _left(self, taken: Taken, reached: Reached) -> Callable[[str], int]:
        gone, there, coming = taken.items, self.has, self.coming

        def has(item: str) -> int:
            largest = there[item]
            for one in coming.get(item, ()):
                if one.micros > largest and reached(one):
                    largest = one.micros
            return max(0, largest - gone.get(item, 0))

        return has
