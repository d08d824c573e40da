"""Why a promise was made: what the decision saw, and the rule of that moment run once more (D8).

Pure functions on frozen values; amounts are micros. A decision is told as it left its stock rows;
what it granted is taken back from them, so that everybody in it is seen at his own turn (§3.4).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from crossdock.canonical.packs import whole
from crossdock.capabilities.inventory import granting
from crossdock.capabilities.inventory.granting import UNGUARDED, Ask, Counter, Guards
from crossdock.capabilities.inventory.model import Figures
from crossdock.capabilities.inventory.proof import UNLIMITED_RULE, SourceAge
from crossdock.capabilities.inventory.protection import More

RULE = "free = max(0, nettable - claimed - earlier - safety)"
OWN_RULE = "free = max(0, nettable - (claimed - own) - earlier - safety), and at most own"
MEMBER_RULE = f"{RULE} - kept_for_group"
GROUP_RULE = (
    "free = max(0, nettable - claimed - earlier - safety); nettable = the sum of what the members"
    " have free: a member's shortage takes nothing from the others"
)
GROUP_OWN_RULE = f"{OWN_RULE}; nettable = the sum of what the members have free"
CHANNEL_RULE = "; less kept_for_channels, and at most allowance"
PACK_RULE = "; granted in whole packs"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedStock:
    """A stock row as the decision left it. `group` is the row of its group of locations, or 0.

    `guards` are the maxima and minima of channels there, with what each had before it; `expired`
    lay there beside what was nettable.
    """

    item: str
    location: str
    version: int
    figures: Figures
    sources: tuple[SourceAge, ...] = ()
    group: int = 0
    guards: Guards = field(default_factory=lambda: UNGUARDED)
    expired: int = 0


class DecidedLine(NamedTuple):
    """A line that was decided. `own` was open of its own order, which `hard` counts already.

    `had` is what its channel had had of that. `is_beside`: its order counts elsewhere what it got,
    so that it took nothing of the row. `made` kits beside are put together of the lines behind it.
    What is `is_unlimited` takes nothing of it either. What is sold in packs was requested in whole
    ones of so much (`pack`); `moved` is what that was before, 0 if it was whole.
    """

    reservation_id: str
    line_no: int
    stock_id: int
    requested: int
    granted: int
    own: int | None = None
    demand_ref: str = ""
    channel: str = ""
    had: int = 0
    is_beside: bool = False
    made: int = 0
    is_unlimited: bool = False
    moved: int = 0
    pack: int = 0

    @property
    def is_too_few(self) -> bool:
        """Say whether it was less than a pack, of which nothing is granted."""
        return 0 < self.moved == self.requested

    @property
    def asked(self) -> int:
        """Say what it took its turn for: of a kit that is put together, what lay assembled."""
        return self.granted if self.made else self.requested


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
    expired: int
    claimed: int
    safety: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProof:
    """What there was when it was this line's turn, and what it got.

    `expired` lay there in lots whose last day was over, and is not in `nettable`;
    `claimed` is what was promised before the decision, hard and soft; `earlier` what the same
    decision had taken of the same row before this line: granted to others, or set aside for
    earlier lines of the same request. `kept_for_group` is what a member holds back so that its
    group's promises stay covered. Where channels have maxima or minima (§3.6), `channel` is whose
    the line was, `kept_for_channels` what others' minima kept of what there was, and `allowance`
    what its own maximum left it (None: no maximum). `free` follows by `rule`. Of a kit `granted`
    lay assembled, and `made` more take the parts that the lines behind it name. What is sold in
    packs asked for `moved` (0: for what is `requested`), and got whole ones of so much (`pack`).
    """

    line_no: int
    item: str
    location: str
    demand_ref: str
    requested: int
    granted: int
    nettable: int
    expired: int
    claimed: int
    earlier: int
    own: int | None
    safety: int
    kept_for_group: int
    free: int
    rule: str
    members: tuple[MemberProof, ...]
    version: int
    sources: tuple[SourceAge, ...]
    as_of: datetime
    channel: str = ""
    kept_for_channels: int = 0
    allowance: int | None = None
    made: int = 0
    moved: int = 0
    pack: int = 0

    @property
    def is_too_few(self) -> bool:
        """Say whether it was less than a pack, of which nothing is granted."""
        return 0 < self.moved == self.requested

    @property
    def is_denied_for_another(self) -> bool:
        """Say whether there was enough, and another line of the same request had too little."""
        is_nothing = not (self.granted or self.made or self.is_too_few)
        return is_nothing and self.free >= self.requested


def proofs(decision: Decision, reservation_id: str) -> tuple[LineProof, ...]:
    """Prove each line of one of the reservations that were decided together."""
    scene = _Scene(decision)
    earlier = Taken({}, {})
    for lines in _requests(decision):
        if lines[0].reservation_id == reservation_id:
            return _proven(scene, lines, earlier)
        for line in lines:
            _take(earlier, line, line.granted)
    return ()


def is_reproduced(decision: Decision) -> bool:
    """Decide all of it once more, and say whether everybody gets what he got then."""
    requests = _requests(decision)
    scene = _Scene(decision)
    counters = scene.counters(scene.before, Taken({}, {}))
    given = granting.grants([_ask(lines) for lines in requests], counters)
    return given == [tuple(line.granted for line in lines) for lines in requests]


def _requests(decision: Decision) -> list[list[DecidedLine]]:
    return [list(lines) for _, lines in groupby(decision.lines, lambda line: line.reservation_id)]


def _ask(lines: Sequence[DecidedLine]) -> Ask:
    """Ask again. Whether part was welcome shows in what was granted; with nothing it is alike."""
    got = [line.granted for line in lines]
    return Ask(
        tuple((line.stock_id, line.asked) for line in lines),
        allow_partial=any(got) and got != [line.asked for line in lines],
        own=tuple(line.own for line in lines),
        channels=tuple(line.channel for line in lines),
        had=tuple(line.had for line in lines),
        unlimited=frozenset(at for at, line in enumerate(lines) if line.is_unlimited),
        packs=tuple(line.pack for line in lines),
        too_few=frozenset(at for at, line in enumerate(lines) if line.is_too_few),
    )


class Taken(NamedTuple):
    """What was taken earlier: of each row, and of each row for each channel."""

    rows: dict[int, int]
    channels: dict[tuple[int, str], More]


def _take(earlier: Taken, line: DecidedLine, micros: int) -> None:
    """Take so much; one whose order is counted already takes nothing more of the row."""
    key = (line.stock_id, line.channel)
    before = earlier.channels.get(key, More())
    if line.is_unlimited:
        more = max(0, micros - line.had)
        claimed = 0 if line.own is None else more
        earlier.channels[key] = before.plus(more, claimed)
    elif line.own is None:
        earlier.rows[line.stock_id] = earlier.rows.get(line.stock_id, 0) + micros
        earlier.channels[key] = before.plus(micros)
    else:
        more = max(0, micros - line.had)
        earlier.channels[key] = before.plus(more, more)


def _taken(lines: Sequence[DecidedLine]) -> dict[int, int]:
    """Sum what lines took of each row; one whose order is counted already took nothing more."""
    taken: dict[int, int] = {}
    for line in lines:
        if line.own is None and not (line.is_beside or line.is_unlimited):
            taken[line.stock_id] = taken.get(line.stock_id, 0) + line.granted
    return taken


class _Scene:
    """The rows of a decision as it met them: what it granted is taken back once, for all lines."""

    def __init__(self, decision: Decision) -> None:
        taken = _taken(decision.lines)
        self.stock = decision.stock
        self.at = decision.at
        # Hard and soft are one claim: `hard`.
        self.before = {
            stock_id: replace(
                row.figures,
                hard=row.figures.hard + row.figures.soft - taken.get(stock_id, 0),
                soft=0,
            )
            for stock_id, row in decision.stock.items()
        }
        self._members: dict[int, tuple[int, ...]] = {}
        for stock_id, row in sorted(decision.stock.items()):
            if row.group:
                self._members[row.group] = (*self._members.get(row.group, ()), stock_id)

    def counters(self, of: Iterable[int], earlier: Taken) -> dict[int, Counter]:
        """Give these rows, with what was taken earlier as claimed."""
        return {
            stock_id: Counter(
                replace(
                    self.before[stock_id],
                    hard=self.before[stock_id].hard + earlier.rows.get(stock_id, 0),
                ),
                self.stock[stock_id].group or None,
                self._members.get(stock_id, ()),
                {
                    channel: claim.having(earlier.channels.get((stock_id, channel), More()))
                    for channel, claim in self.stock[stock_id].guards.items()
                },
            )
            for stock_id in of
        }

    def kin(self, stock_id: int) -> set[int]:
        """Name the rows that decide about one: itself, its group, and the group's members."""
        group = self.stock[stock_id].group or stock_id
        return {stock_id, group, *self._members.get(group, ())} & self.stock.keys()


def _proven(scene: _Scene, lines: Sequence[DecidedLine], earlier: Taken) -> tuple[LineProof, ...]:
    """Prove the lines of one request in turn.

    In a request that got nothing each line had its goods set aside until one was short.
    """
    is_refused = not any(line.granted for line in lines)
    found: list[LineProof] = []
    for line in lines:
        proof = _proof(scene, line, earlier)
        found.append(proof)
        taken = _set_aside(line, proof.free) if is_refused else line.granted
        _take(earlier, line, taken)
    return tuple(found)


def _set_aside(line: DecidedLine, free: int) -> int:
    """Say what a line that got nothing had until another was short."""
    return 0 if line.is_too_few else whole(min(line.requested, free), line.pack, line.requested)


def _proof(scene: _Scene, line: DecidedLine, earlier: Taken) -> LineProof:
    row, figures = scene.stock[line.stock_id], scene.before[line.stock_id]
    counters = scene.counters(scene.kin(line.stock_id), earlier)
    counter = counters[line.stock_id]
    members = tuple(
        MemberProof(
            location=scene.stock[member].location,
            nettable=counters[member].figures.nettable,
            expired=scene.stock[member].expired,
            claimed=counters[member].figures.hard,
            safety=counters[member].figures.safety,
            free=counters[member].figures.available,
        )
        for member in counter.members
    )
    free = granting.free_for(
        line.stock_id,
        counters,
        line.own,
        line.channel,
        line.had,
        is_unlimited=line.is_unlimited,
    )
    is_member = counter.group is not None and line.own is None and not line.is_unlimited
    return LineProof(
        line_no=line.line_no,
        item=row.item,
        location=row.location,
        demand_ref=line.demand_ref,
        requested=line.requested,
        granted=line.granted,
        made=line.made,
        moved=line.moved,
        pack=line.pack,
        nettable=sum(member.free for member in members) if members else figures.nettable,
        expired=sum(member.expired for member in members) if members else row.expired,
        claimed=figures.hard,
        earlier=earlier.rows.get(line.stock_id, 0),
        own=line.own,
        safety=figures.safety,
        kept_for_group=counter.figures.available - free.pool if is_member else 0,
        free=free.micros,
        rule=_rule(counter, line),
        members=members,
        version=row.version,
        sources=row.sources,
        as_of=scene.at,
        channel=line.channel if counter.guards else "",
        kept_for_channels=free.kept,
        allowance=free.allowance,
    )


def _rule(counter: Counter, line: DecidedLine) -> str:
    packs = PACK_RULE if line.pack else ""
    return _stock_rule(counter, line) + (CHANNEL_RULE if counter.guards else "") + packs


def _stock_rule(counter: Counter, line: DecidedLine) -> str:
    if line.is_unlimited:
        return UNLIMITED_RULE
    if line.own is not None:
        return GROUP_OWN_RULE if counter.members else OWN_RULE
    if counter.members:
        return GROUP_RULE
    return RULE if counter.group is None else MEMBER_RULE
