"""Who of the order lines is confirmed when there is not enough for all (domain.md §3.6, A14, A17).

Pure functions on frozen values; amounts are whole micros of the item's base unit. All lines of a
run claim one item at one location; what is picked is no part of any amount here, and what is
released to the warehouse is a part that no run takes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation.pool import Line, Pool, Protection, Why, whole

__all__ = [
    "DEFAULT_RULE",
    "PRIORITY_DEFAULT",
    "PRIORITY_MAX",
    "Expected",
    "Grant",
    "Line",
    "Outcome",
    "Protection",
    "Rule",
    "RunException",
    "Why",
    "reaches",
    "run",
]

PRIORITY_DEFAULT = 500
PRIORITY_MAX = 1000
"""1 comes first."""


class Expected(NamedTuple):
    """What there would be on a day if these lines took nothing, in all, with what lies there now.

    It is what can be promised by that day beside everybody else's claims (§3.3).
    """

    day: date
    micros: int


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
    pool = Pool(supply, protections)
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
        return line.most - line.released
    kept = line.in_packs(line.confirmed) - line.released
    return kept if line.strategy is Strategy.GAIN else 0


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
    lines: Sequence[Line], pool: Pool, reach: Mapping[str, int], gains: Mapping[str, int]
) -> list[Grant]:
    """Grant WIN lines: who cannot wait first, and to each what comes in time for what it lacks.

    What can come leaves to GAIN lines (`gains`, by group) what they have: that must lie there.
    """
    found: dict[str, Grant] = {}
    taken = 0
    for line in sorted(lines, key=lambda one: reach.get(one.demand_ref, 0)):
        lacks = line.most - line.released
        wanted = pool.headroom(line.group, lacks)
        in_time = reach.get(line.demand_ref, 0) - taken - pool.lacking(line.group)
        future = max(0, min(wanted, in_time))
        spare = max(pool.spare(line.group, gains), wanted - future)
        there = min(wanted, pool.room(line.group), spare)
        served = min(wanted, there + future)
        why = Why.FULL if served == lacks else pool.limit(line.group, lacks, served)
        if served < lacks:
            served = whole(line, line.released, served)
        lying = min(there, served)
        granted = lying if lying == lacks else whole(line, line.released, lying)
        # An odd rest that lies there makes a whole unit with what comes: it waits for that.
        pool.take(line.group, lying)
        pool.expect(line.group, served - lying)
        taken += served - lying
        if served == lacks and granted < served:
            why = Why.ON_TIME
        is_all = served == line.requested - line.released
        if served == lacks and not is_all:
            why = Why.PACK
        exception = RunException.NONE if is_all else RunException.WIN_SHORT
        after = line.released + granted
        found[line.demand_ref] = Grant(line, after, why, exception, served - granted)
    return [found[line.demand_ref] for line in lines]


def _kept(line: Line) -> Grant:
    return Grant(line, line.confirmed, Why.NOT_TOUCHED)


def _granted(strategy: Strategy, lines: Sequence[Line], pool: Pool) -> list[Grant]:
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


def _grant(line: Line, kept: int, pool: Pool) -> Grant:
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
