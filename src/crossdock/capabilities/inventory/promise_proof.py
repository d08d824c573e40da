"""Why a promise was made: what the decision saw, and the rule of that moment run once more (D8).

Pure functions on frozen values; amounts are micros. A decision is told as it left its stock rows;
what it granted is taken back from them, so that everybody in it is seen at his own turn (§3.4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from crossdock.capabilities.inventory import model
from crossdock.capabilities.inventory.model import Ask, Counter, Figures
from crossdock.capabilities.inventory.proof import SourceAge

RULE = "free = max(0, nettable - claimed - earlier - safety)"
OWN_RULE = "free = max(0, nettable - (claimed - own) - earlier - safety), and at most own"
MEMBER_RULE = f"{RULE}; at most what the group's promises leave"
GROUP_RULE = (
    "free = max(0, sum of the members' free - claimed - earlier - safety);"
    " a member's shortage takes nothing from the others"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedStock:
    """A stock row as the decision left it. `group` is the row of its group of locations, or 0."""

    item: str
    location: str
    version: int
    figures: Figures
    sources: tuple[SourceAge, ...] = ()
    group: int = 0


class DecidedLine(NamedTuple):
    """A line that was decided. `own` was open of its own order, which `hard` counts already."""

    reservation_id: str
    line_no: int
    stock_id: int
    requested: int
    granted: int
    own: int | None = None
    demand_ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One moment: the rows that were locked, and the lines in the order they were decided in."""

    at: datetime
    stock: Mapping[int, DecidedStock]
    lines: tuple[DecidedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberProof:
    """A node of a group at the line's turn."""

    location: str
    nettable: int
    claimed: int
    safety: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProof:
    """What there was when it was this line's turn, and what it got.

    `claimed` is what was promised before the decision, hard and soft; `earlier` what the same
    decision had granted of the same row before this line. `free` follows by `rule`.
    """

    line_no: int
    item: str
    location: str
    demand_ref: str
    requested: int
    granted: int
    nettable: int
    claimed: int
    earlier: int
    own: int | None
    safety: int
    free: int
    rule: str
    members: tuple[MemberProof, ...]
    version: int
    sources: tuple[SourceAge, ...]
    as_of: datetime

    @property
    def is_denied_for_another(self) -> bool:
        """Say whether there was enough, and another line of the same request had too little."""
        return not self.granted and self.free >= self.requested


def proofs(decision: Decision, reservation_id: str) -> tuple[LineProof, ...]:
    """Prove each line of one of the reservations that were decided together."""
    before = _before(decision)
    return tuple(
        _proof(decision, number, line, before)
        for number, line in enumerate(decision.lines)
        if line.reservation_id == reservation_id
    )


def is_reproduced(decision: Decision) -> bool:
    """Decide all of it once more, and say whether everybody gets what he got then."""
    requests = [list(lines) for _, lines in groupby(decision.lines, lambda line: line[0])]
    given = model.grants([_ask(lines) for lines in requests], _counters(decision, {}))
    return given == [tuple(line.granted for line in lines) for lines in requests]


def _ask(lines: Sequence[DecidedLine]) -> Ask:
    """Ask again. Whether part was welcome shows in what was granted; with nothing it is alike."""
    got = [line.granted for line in lines]
    return Ask(
        tuple((line.stock_id, line.requested) for line in lines),
        allow_partial=any(got) and got != [line.requested for line in lines],
        own=tuple(line.own for line in lines),
    )


def _taken(lines: Sequence[DecidedLine]) -> dict[int, int]:
    """Sum what lines took of each row; one whose order is counted already took nothing more."""
    taken: dict[int, int] = {}
    for line in lines:
        if line.own is None:
            taken[line.stock_id] = taken.get(line.stock_id, 0) + line.granted
    return taken


def _before(decision: Decision) -> dict[int, Figures]:
    """Take back what the decision granted. Hard and soft are one claim: `hard`."""
    taken = _taken(decision.lines)
    return {
        stock_id: replace(
            row.figures,
            hard=row.figures.hard + row.figures.soft - taken.get(stock_id, 0),
            soft=0,
        )
        for stock_id, row in decision.stock.items()
    }


def _counters(decision: Decision, earlier: Mapping[int, int]) -> dict[int, Counter]:
    members: dict[int, list[int]] = {}
    for stock_id, row in decision.stock.items():
        if row.group:
            members.setdefault(row.group, []).append(stock_id)
    return {
        stock_id: Counter(
            replace(figures, hard=figures.hard + earlier.get(stock_id, 0)),
            decision.stock[stock_id].group or None,
            tuple(members.get(stock_id, ())),
        )
        for stock_id, figures in _before(decision).items()
    }


def _proof(
    decision: Decision, number: int, line: DecidedLine, before: Mapping[int, Figures]
) -> LineProof:
    row, figures = decision.stock[line.stock_id], before[line.stock_id]
    earlier = _taken(decision.lines[:number])
    counters = _counters(decision, earlier)
    counter = counters[line.stock_id]
    members = tuple(
        MemberProof(
            location=decision.stock[member].location,
            nettable=counters[member].figures.nettable,
            claimed=counters[member].figures.hard,
            safety=counters[member].figures.safety,
            free=counters[member].figures.available,
        )
        for member in counter.members
    )
    return LineProof(
        line_no=line.line_no,
        item=row.item,
        location=row.location,
        demand_ref=line.demand_ref,
        requested=line.requested,
        granted=line.granted,
        nettable=sum(member.free for member in members) if members else figures.nettable,
        claimed=figures.hard,
        earlier=earlier.get(line.stock_id, 0),
        own=line.own,
        safety=figures.safety,
        free=model.free_now(line.stock_id, counters, line.own),
        rule=_rule(counter, line),
        members=members,
        version=row.version,
        sources=row.sources,
        as_of=decision.at,
    )


def _rule(counter: Counter, line: DecidedLine) -> str:
    if counter.members:
        return GROUP_RULE
    if line.own is not None:
        return OWN_RULE
    return MEMBER_RULE if counter.group is not None else RULE
