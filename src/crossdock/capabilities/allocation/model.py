"""Who of the order lines is confirmed when there is not enough for all (domain.md §3.6, A14, A17).

Pure functions on frozen values; amounts are whole micros of the item's base unit. All lines of a
run claim one item at one location; what is picked is no part of any amount here, and what is
released to the warehouse is a part that no run takes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from crossdock.canonical.allocation import Strategy

PRIORITY_DEFAULT = 500
PRIORITY_MAX = 1000
"""1 comes first."""

ORDER: Mapping[Strategy, int] = {strategy: place for place, strategy in enumerate(Strategy)}


class Line(NamedTuple):
    """An order line: `requested` is open and unpicked, `confirmed` what it has of that.

    `group` is what maxima and minima are kept for: the order's channel. `since` is when the line
    was first heard of. `multiple` is what one of the unit it was ordered in holds: two thirds of a
    case are confirmed of no line (A31), with what was `picked` of it before. `released`, of what
    is confirmed, is in the warehouse's hands: no run lowers the line below it. `ships_on` is the
    day it is to leave on, which supply that is still to come can be in time for; None is at once.
    Beside what it requests here, `elsewhere` is held for it at other places, or as a kit's parts.
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


class Expected(NamedTuple):
    """What there would be on a day if these lines took nothing, in all, with what lies there now.

    It is what can be promised by that day beside everybody else's claims (§3.3).
    """

    day: date
    micros: int


class Why(StrEnum):
    """What decided a line's amount. ON_TIME: the rest comes before it is to leave.

    ELSEWHERE: the run gives it the rest at other places.
    """

    FULL = "FULL"
    ON_TIME = "ON_TIME"
    ELSEWHERE = "ELSEWHERE"
    RELEASED = "RELEASED"
    KEPT = "KEPT"
    SUPPLY = "SUPPLY"
    MAXIMUM = "MAXIMUM"
    MINIMUM = "MINIMUM"
    GIVEN_UP = "GIVEN_UP"
    NOT_TOUCHED = "NOT_TOUCHED"


class RunException(StrEnum):
    """What a strategy was owed and did not get ("": nothing).

    OVERSOLD is said of no run: a channel that is shown stock sold more than there is.
    """

    NONE = ""
    WIN_SHORT = "WIN_SHORT"
    GAIN_LOST = "GAIN_LOST"
    OVERSOLD = "OVERSOLD"


class Grant(NamedTuple):
    """A line, what is confirmed of it after the run, and why.

    `coming` is what supply still to come covers of the rest, in time: of WIN lines alone. What
    lies there and makes no whole unit until then is in it, and no other line has it.
    """

    line: Line
    after: int
    why: Why
    exception: RunException = RunException.NONE
    coming: int = 0

    @property
    def change(self) -> int:
        return self.after - self.line.confirmed


@dataclass(frozen=True, slots=True)
class Outcome:
    """The grants in the order in which they were made; refused, everybody keeps what he has."""

    grants: tuple[Grant, ...]
    is_refused: bool = False
    owed: int = 0
    """Sum of what WIN requests and GAIN has: above the supply, the run is refused."""

    @property
    def is_change(self) -> bool:
        return any(grant.change for grant in self.grants)

    @property
    def lost(self) -> int:
        return -sum(min(0, grant.change) for grant in self.grants)

    @property
    def gained(self) -> int:
        return sum(max(0, grant.change) for grant in self.grants)


class Rule(NamedTuple):
    """How a line stands: its strategy, its priority (1 first), and whether its shortage is told.

    None leaves that to the next more general rule.
    """

    strategy: Strategy = Strategy.IMPROVE
    priority: int = PRIORITY_DEFAULT
    tells_shortage: bool | None = None


DEFAULT_RULE = Rule()


def run(
    supply: int,
    lines: Iterable[Line],
    protections: Iterable[Protection] = (),
    expected: Iterable[Expected] = (),
    *,
    refuses: bool = True,
) -> Outcome:
    """Release every confirmation but SKIP's and what is released, then grant again in order.

    Both are taken off first. What WIN requests and GAIN has must fit into the rest, or the run is
    refused; a WIN line may wait for what is `expected` by the day it leaves on. The result depends
    on no order of what is passed in. The sum of all grants is at most `supply`, unless SKIP and
    the warehouse alone have more. One that never `refuses` says what each line would get.
    """
    turns = sorted(lines, key=lambda line: line.turn)
    pool = _Pool(supply, protections)
    for line in turns:
        is_skipped = line.strategy is Strategy.SKIP
        pool.take(line.group, line.confirmed if is_skipped else line.released)
    owed = sum(_owed(line) for line in turns)
    reach = reaches(turns, supply, expected)
    if refuses and _is_too_much(turns, pool.left - pool.short, reach):
        return Outcome(tuple(_kept(line) for line in turns), is_refused=True, owed=owed)
    grants: list[Grant] = []
    for strategy in Strategy:
        mine = [one for one in turns if one.strategy is strategy]
        if strategy is Strategy.WIN:
            grants += _won(mine, pool, reach, _gains(turns))
        else:
            grants += _granted(strategy, mine, pool)
    return Outcome(tuple(grants), owed=owed)


def _owed(line: Line) -> int:
    """Say what it is owed beside what is released of it."""
    if line.strategy is Strategy.WIN:
        return line.requested - line.released
    return line.confirmed - line.released if line.strategy is Strategy.GAIN else 0


def _gains(lines: Iterable[Line]) -> Mapping[str, int]:
    """Sum what GAIN lines of each group have beside what is released of them."""
    found: dict[str, int] = {}
    for line in lines:
        if line.strategy is Strategy.GAIN:
            found[line.group] = found.get(line.group, 0) + _owed(line)
    return found


def reaches(lines: Iterable[Line], supply: int, expected: Iterable[Expected]) -> Mapping[str, int]:
    """Say how much more than lies there will have come in time for each WIN line.

    What will have gone again, or keeps no longer, by the day of one that leaves later is counted
    for neither: so what serves a line serves every later one.
    """
    ahead = sorted(expected)
    days = [one.day for one in ahead]
    dated = [
        (line.ships_on, line.demand_ref)
        for line in lines
        if line.strategy is Strategy.WIN and line.ships_on is not None
    ]
    found: dict[str, int] = {}
    least: int | None = None
    for day, ref in sorted(dated, reverse=True):
        number = bisect_right(days, day)
        there = ahead[number - 1].micros if number else supply
        least = there if least is None else min(least, there)
        found[ref] = max(0, least - supply)
    return found


def _is_too_much(lines: Iterable[Line], left: int, reach: Mapping[str, int]) -> bool:
    """Say whether more is owed than lies there, by the day of any of them, with what will come."""
    need = 0
    for line in sorted(lines, key=lambda one: reach.get(one.demand_ref, 0)):
        owed = _owed(line)
        need += owed
        if owed and need > left + reach.get(line.demand_ref, 0):
            return True
    return False


def _won(
    lines: Sequence[Line], pool: "_Pool", reach: Mapping[str, int], gains: Mapping[str, int]
) -> list[Grant]:
    """Grant WIN lines: who cannot wait first, and to each what comes in time for what it lacks.

    What can come leaves to GAIN lines (`gains`, by group) what they have: that must lie there.
    """
    found: dict[str, Grant] = {}
    taken = 0
    for line in sorted(lines, key=lambda one: reach.get(one.demand_ref, 0)):
        lacks = line.requested - line.released
        wanted = pool.headroom(line.group, lacks)
        in_time = reach.get(line.demand_ref, 0) - taken - pool.lacking(line.group)
        future = max(0, min(wanted, in_time))
        spare = max(pool.spare(line.group, gains), wanted - future)
        there = min(wanted, pool.room(line.group), spare)
        served = min(wanted, there + future)
        why = Why.FULL if served == lacks else pool.limit(line.group, lacks, served)
        if served < lacks:
            served = _whole(line, line.released, served)
        lying = min(there, served)
        granted = lying if lying == lacks else _whole(line, line.released, lying)
        # An odd rest that lies there makes a whole unit with what comes: it waits for that.
        pool.take(line.group, lying)
        pool.expect(line.group, served - lying)
        taken += served - lying
        if served == lacks and granted < served:
            why = Why.ON_TIME
        exception = RunException.NONE if served == lacks else RunException.WIN_SHORT
        after = line.released + granted
        found[line.demand_ref] = Grant(line, after, why, exception, served - granted)
    return [found[line.demand_ref] for line in lines]


def _whole(line: Line, kept: int, amount: int) -> int:
    """Say how much of an amount makes whole units with what is kept and picked."""
    return max(0, amount - (line.picked + kept + amount) % line.multiple)


def _kept(line: Line) -> Grant:
    return Grant(line, line.confirmed, Why.NOT_TOUCHED)


def _granted(strategy: Strategy, lines: Sequence[Line], pool: "_Pool") -> list[Grant]:
    if strategy is Strategy.SKIP:
        return [_kept(line) for line in lines]
    if strategy is Strategy.LOSE:
        return [_given_up(line) for line in lines]
    kept = {line: line.released for line in lines}
    if strategy in {Strategy.GAIN, Strategy.IMPROVE}:
        for line in lines:
            kept[line] += pool.grant(line, line.confirmed - line.released, line.released)[0]
    return [_grant(line, kept[line], pool) for line in lines]


def _given_up(line: Line) -> Grant:
    return Grant(line, line.released, Why.RELEASED if line.released else Why.GIVEN_UP)


def _grant(line: Line, kept: int, pool: "_Pool") -> Grant:
    is_fill = line.strategy is Strategy.FILL
    most = min(line.confirmed, line.requested) if is_fill else line.requested
    more, why = pool.grant(line, most - kept, kept)
    after = kept + more
    if is_fill and why is Why.FULL and after < line.requested:
        why = Why.KEPT
    return Grant(line, after, why, _exception(line, after))


def _exception(line: Line, after: int) -> RunException:
    if line.strategy is Strategy.GAIN and after < line.confirmed:
        return RunException.GAIN_LOST
    return RunException.NONE


class _Pool:
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
        amount = min(wanted, self.room(line.group))
        if amount == wanted:
            self.take(line.group, amount)
            return amount, Why.FULL
        why = self.limit(line.group, wanted, amount)
        whole = _whole(line, kept, amount)
        self.take(line.group, whole)
        return whole, why

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
