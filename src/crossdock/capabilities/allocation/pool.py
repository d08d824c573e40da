"""What is left of a supply while order lines are granted from it (domain.md §3.6, A14, A31). Pure.

Amounts are whole micros of the item's base unit.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from math import lcm
from typing import NamedTuple

from crossdock.canonical.allocation import Strategy

ORDER: Mapping[Strategy, int] = {strategy: place for place, strategy in enumerate(Strategy)}


class Line(NamedTuple):
    """An order line: `requested` is open and unpicked, `confirmed` what it has of that.

    `group` is what maxima and minima are kept for: the order's channel. `since` is when the line
    was first heard of. `multiple` is what one of the unit it was ordered in holds: two thirds of a
    case are confirmed of no line (A31), with what was `picked` of it before. `released`, of what
    is confirmed, is in the warehouse's hands: no run lowers the line below it. `ships_on` is the
    day it is to leave on, which supply that is still to come can be in time for; None is at once.
    Beside what it requests here, `elsewhere` is held for it at other places, or as a kit's parts.
    What is sold in packs of so much (`pack`; 0 is none) is confirmed in whole ones alone (A31).
    """

    demand_ref: str
    group: str
    requested: int
    confirmed: int
    strategy: Strategy
    priority: int
    since: datetime
    multiple: int = 1
    picked: int = 0
    released: int = 0
    ships_on: date | None = None
    elsewhere: int = 0
    pack: int = 0

    @property
    def most(self) -> int:
        """All that can be confirmed of it: what it requests, in whole packs."""
        return self.in_packs(self.requested)

    def in_packs(self, micros: int) -> int:
        """Give what of so much, beside what is picked, is whole packs; what is released stays."""
        if not self.pack:
            return micros
        return self.released + whole(self, self.released, micros - self.released)

    @property
    def step(self) -> int:
        """What it is confirmed in: whole units that it was ordered in, and whole packs."""
        return lcm(self.multiple, self.pack) if self.pack else self.multiple

    @property
    def turn(self) -> tuple[int, int, datetime, str]:
        """Its place: strategy, then priority, then first come; ties by its reference."""
        return (ORDER[self.strategy], self.priority, self.since, self.demand_ref)


class Protection(NamedTuple):
    """A group's maximum (PAL; None: none) and minimum (SUP), and what counts against each.

    In a run, `used` and `consumed` are what the group had in the period outside of this run's
    lines: the run adds what it grants.
    """

    group: str
    maximum: int | None = None
    used: int = 0
    minimum: int = 0
    consumed: int = 0


class Why(StrEnum):
    """What decided a line's amount. ON_TIME: the rest comes before it is to leave.

    ELSEWHERE: the run gives it the rest at other places. PACK: the rest is less than a pack.
    """

    FULL = "FULL"
    ON_TIME = "ON_TIME"
    ELSEWHERE = "ELSEWHERE"
    PACK = "PACK"
    RELEASED = "RELEASED"
    KEPT = "KEPT"
    SUPPLY = "SUPPLY"
    MAXIMUM = "MAXIMUM"
    MINIMUM = "MINIMUM"
    GIVEN_UP = "GIVEN_UP"
    NOT_TOUCHED = "NOT_TOUCHED"


def whole(line: Line, kept: int, amount: int) -> int:
    """Say how much of an amount makes whole units with what is kept and picked."""
    return max(0, amount - (line.picked + kept + amount) % line.step)


class Pool:
    """What is left of a supply while it is granted, and what each group has had."""

    def __init__(self, supply: int, protections: Iterable[Protection]) -> None:
        self.left = max(0, supply)
        self.short = 0
        """What was taken that does not lie there: by SKIP, or by the warehouse."""
        self._protections = {one.group: one for one in protections}
        self._kept = sum(_kept_for(one) for one in self._protections.values())

    def lacking(self, group: str) -> int:
        """Say how much that is others' does not lie there: what comes serves that first."""
        own = _kept_for(self._protections.get(group, Protection(group)))
        return self.short + max(0, self._kept - own - self.left)

    def headroom(self, group: str, wanted: int) -> int:
        """Say how much of what is wanted the group's maximum still allows."""
        protection = self._protections.get(group, Protection(group))
        return wanted if protection.maximum is None else min(wanted, _headroom(protection))

    def spare(self, group: str, gains: Mapping[str, int]) -> int:
        """Say how much of the room is left if each GAIN line is to keep what it has."""
        own = _kept_for(self._protections.get(group, Protection(group)))
        left = self.left - self._kept + own
        for other, micros in gains.items():
            protection = self._protections.get(other, Protection(other))
            aside = self.headroom(other, micros)
            left -= aside if other == group else max(0, aside - _kept_for(protection))
        return left

    def room(self, group: str) -> int:
        protection = self._protections.get(group, Protection(group))
        room = max(0, self.left - self._kept + _kept_for(protection))
        return room if protection.maximum is None else min(room, _headroom(protection))

    def grant(self, line: Line, wanted: int, kept: int = 0) -> tuple[int, Why]:
        """Grant so much beside what was kept, or what makes whole units with what is picked."""
        most = whole(line, kept, wanted) if line.pack and wanted > 0 else wanted
        amount = min(most, self.room(line.group))
        if amount == most:
            self.take(line.group, amount)
            return amount, Why.FULL if most == wanted else Why.PACK
        why = self.limit(line.group, most, amount)
        found = whole(line, kept, amount)
        self.take(line.group, found)
        return found, why

    def take(self, group: str, amount: int) -> None:
        self.short += max(0, amount - self.left)
        self.left = max(0, self.left - amount)
        if before := self._protections.get(group):
            after = before._replace(used=before.used + amount, consumed=before.consumed + amount)
            self._protections[group] = after
            self._kept += _kept_for(after) - _kept_for(before)

    def expect(self, group: str, amount: int) -> None:
        """Count what is to come for a group against its maximum; its minimum lies there still."""
        if before := self._protections.get(group):
            self._protections[group] = before._replace(used=before.used + amount)

    def limit(self, group: str, wanted: int, amount: int) -> Why:
        protection = self._protections.get(group)
        if protection and protection.maximum is not None and amount == _headroom(protection):
            return Why.MAXIMUM
        return Why.MINIMUM if wanted <= self.left else Why.SUPPLY


def _headroom(protection: Protection) -> int:
    return max(0, (protection.maximum or 0) - protection.used)


def _kept_for(protection: Protection) -> int:
    return max(0, protection.minimum - protection.consumed)
