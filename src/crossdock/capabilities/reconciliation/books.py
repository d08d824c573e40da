"""A system's own books in place of the hub's ledger: two other systems compared with each other.

Each is brought to the cut of a location by its own log (§4.1.2); whoever shows none stays where it
was taken, and gives the cut to the other.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import StockStatus
from crossdock.capabilities.reconciliation.dumps import Line, LogLine, Parts
from crossdock.capabilities.reconciliation.model import Posting, common_cut, rolled
from crossdock.capabilities.reconciliation.ports import Key, KnowsNames
from crossdock.capabilities.reconciliation.sides import Side
from crossdock.capabilities.reconciliation.units import in_base_unit
from crossdock.foundation.database import Transaction

PAGE = 500
UNIT = "EA"
"""What an item is counted in that nobody has described and no row says."""


class Shelf(NamedTuple):
    status: str
    owner: str
    lot: str
    serial: str
    micros: int


class Kept(NamedTuple):
    """An item at a location in these books, at the cut."""

    location: str
    item: str
    unit: str
    buckets: Sequence[Shelf]
    counted_us: int = 0


class Booked(NamedTuple):
    """A line of these books' log."""

    item: str
    location: str
    status: str
    owner: str
    lot: str
    serial: str
    net: int
    us: int
    occurred_us: int
    type: str
    source: str
    movement_id: str
    document_ref: str
    position: int = 0
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Where two systems meet, by location: the cut, and until when what moved is ambiguous.

    `behind` are locations that cannot be brought to one instant for certain.
    """

    cuts: Mapping[str, int]
    until: Mapping[str, int]
    behind: frozenset[str]


def meeting_of(first: Side, second: Side, patience: int) -> Meeting:
    """Choose the cut of each location that both name (§4.1.2).

    Both show a log: the earlier watermark. Only one does: the other's watermark, for that can be
    rolled. None does: the earlier one, and what moved until the later is ambiguous; taken more
    than `patience` microseconds apart they prove nothing.
    """
    cuts: dict[str, int] = {}
    until: dict[str, int] = {}
    behind: set[str] = set()
    for place in first.spans.keys() & second.spans.keys():
        spans = {True: first.spans[place], False: second.spans[place]}
        fixed = [
            spans[is_first]
            for is_first, side in ((True, first), (False, second))
            if side.log is None
        ]
        starts = [span[0] for span in (fixed if len(fixed) == 1 else spans.values())]
        cuts[place] = cut = common_cut(min(starts), max(starts))
        until[place] = max([cut, *(span[1] for span in fixed)])
        is_apart = len(fixed) == len(spans) and until[place] - cut > patience
        if is_apart or any(_is_torn(side, place, cut) for side in (first, second)):
            behind.add(place)
    if not cuts:
        raise Invalid(
            "the two name no location in common",
            where="lines",
            hint="map the names that one of them uses: `crossdock catalog link`",
        )
    return Meeting(cuts=cuts, until=until, behind=frozenset(behind))


def _is_torn(side: Side, place: str, cut: int) -> bool:
    """Say whether a side's log may lack something of what its snapshot is rolled over.

    It has everything from its first line to its last; an empty one says that nothing moved.
    """
    if side.log is None:
        return False
    since, until = side.spans[place]
    begins_late = max(since, until, cut) > min(since, cut) < side.log_reach
    return begins_late or (until < cut and side.log_until < cut)


def shared(first: Parts, second: Parts) -> Parts:
    """Answer what both tell apart: only so much can be compared."""
    return Parts(*(one and other for one, other in zip(first, second, strict=True)))


def brought(side: Side, cuts: Mapping[str, int]) -> Iterator[tuple[Key, list[Line]]]:
    """Give the lines of each key, brought to the cut of its location by the side's log.

    What the log moved back is a line of its own. A key that a full dump leaves out is there if its
    log says that something lay there.
    """
    for key, lines, entries in _joined(side):
        cut = cuts.get(key[0])
        if cut is None or not (lines or side.said.is_full):
            continue
        moved = _moved(side, lines, entries, cut)
        if lines or moved:
            yield key, [*lines, *moved]


def narrowed(
    keys: Iterator[tuple[Key, list[Line]]], said: Parts, wanted: Parts
) -> Iterator[tuple[Key, list[Line]]]:
    """Put together what the other side does not tell apart; leave out what it does not keep."""
    if said == wanted:
        yield from keys
        return
    for key, lines in keys:
        left = [
            line._replace(
                status=line.status if wanted.status else "",
                owner=line.owner if wanted.owner else "",
                lot=line.lot if wanted.lot else "",
                serial=line.serial if wanted.serial else "",
            )
            for line in lines
            if (wanted.owner or not line.owner)
            and (wanted.status or line.status != StockStatus.IN_TRANSIT)
        ]
        if left:
            yield key, left


def _joined(side: Side) -> Iterator[tuple[Key, list[Line], list[LogLine]]]:
    """Walk along lines and log together, in order of their keys."""
    log = side.log.by_key() if side.log is not None else iter(())
    entry = next(log, None)
    for key, lines in side.lines.by_key():
        while entry is not None and entry[0] < key:
            yield entry[0], [], entry[1]
            entry = next(log, None)
        if entry is not None and entry[0] == key:
            yield key, lines, entry[1]
            entry = next(log, None)
        else:
            yield key, lines, []
    while entry is not None:
        yield entry[0], [], entry[1]
        entry = next(log, None)


def _moved(side: Side, lines: Sequence[Line], entries: Sequence[LogLine], cut: int) -> list[Line]:
    """Answer by how much each bucket is rolled from its own as-of, as lines; base units.

    Of a bucket that a part dump leaves out nothing is known, so there is nothing to roll.
    """
    if not entries:
        return []
    place = (entries[0].location, entries[0].item)
    latest = max((line.as_of for line in lines), default=side.spans[place[0]][1])
    watermarks: dict[Shelved, int] = {}
    for line in lines:
        shelf = _shelved(line, side)
        watermarks[shelf] = max(line.as_of, watermarks.get(shelf, line.as_of))
    by_bucket: dict[Shelved, list[Posting]] = {}
    for one in entries:
        shelf = _shelved(one, side)
        if shelf not in watermarks:
            shelf = _likely(shelf, [line for line in lines if _may_be(shelf, line, side)], side)
        if shelf in watermarks or side.said.is_full:
            posting = Posting(one.reference, one.micros, one.recorded)
            by_bucket.setdefault(shelf, []).append(posting)
    return [
        Line(*place, *shelf, micros, "", cut)
        for shelf, postings in by_bucket.items()
        if (micros := rolled(0, watermarks.get(shelf, latest), postings, cut))
    ]


Shelved = tuple[str, str, str, str]
"""Status (by the system's own word), owner, lot, serial."""


def _shelved(one: Line | LogLine, side: Side) -> Shelved:
    status = side.said.groups.get(one.status, one.status)
    return (status, one.owner, one.lot, one.serial)


def _may_be(shelf: Shelved, line: Line, side: Side) -> bool:
    """Say whether a document moved goods here, whose log does not say all parts of the bucket."""
    told = zip(shelf, _shelved(line, side), strict=True)
    return all(says == is_ or not says for says, is_ in told)


def _likely(shelf: Shelved, lines: Sequence[Line], side: Side) -> Shelved:
    """Choose where a document moved goods whose log does not say it: what can be sold, or most.

    Of a key that is sold out a dump may have no line: what left it could be sold, too.
    """
    best = max(
        lines,
        key=lambda x: (x.status == StockStatus.AVAILABLE, not x.owner, x.micros),
        default=None,
    )
    if best:
        return (best.status, best.owner, best.lot, best.serial)
    status, owner, lot, serial = shelf
    if not status and side.said.parts.status:
        status = side.said.groups.get(StockStatus.AVAILABLE, StockStatus.AVAILABLE)
    return (status, owner, lot, serial)


@dataclass(slots=True)
class Books:
    """Reads one side as if it were the ledger; `system` is its name."""

    system: str
    side: Side
    names: KnowsNames
    _entries: Iterator[tuple[Key, list[LogLine]]] = field(init=False)
    _at: tuple[Key, list[LogLine]] | None = field(init=False)

    def __post_init__(self) -> None:
        self._entries = self.side.log.by_key() if self.side.log is not None else iter(())
        self._at = next(self._entries, None)

    async def begin(self, tx: Transaction) -> None:
        """Nothing is read from the database but names."""

    async def keys(
        self, tx: Transaction, cuts: Mapping[str, int], since: int
    ) -> AsyncIterator[Kept]:
        """Give all keys at the locations' cuts, by location and item; `since` is not needed."""
        del since
        remaining = brought(self.side, cuts)
        while page := list(islice(remaining, PAGE)):
            goods = await self.names.goods(tx, {key[1] for key, _ in page})
            for key, lines in page:
                known = goods.get(key[1])
                said = next((line.unit for line in lines if line.unit), "")
                unit = known.base_unit if known else self.names.base(said) or UNIT
                yield Kept(
                    *key,
                    unit,
                    [
                        Shelf(x.status, x.owner, x.lot, x.serial, x.micros)
                        for x in in_base_unit(lines, unit, known, self.names.base)
                    ],
                )

    def some_keys(
        self, tx: Transaction, cuts: Mapping[str, int], since: int, wanted: Sequence[Key]
    ) -> AsyncIterator[Kept]:
        """Give all of them: whoever walks along passes over what is not wanted."""
        del wanted
        return self.keys(tx, cuts, since)

    async def recent(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int]]
    ) -> Sequence[Booked]:
        """Give the log's lines of these (item, location) up to an instant; in order of keys."""
        del tx
        found: list[Booked] = []
        for item, location, until in keys:
            found += self._of((location, item), until)
        return found

    def _of(self, place: Key, until: int) -> list[Booked]:
        while self._at is not None and self._at[0] < place:
            self._at = next(self._entries, None)
        if self._at is None or self._at[0] != place:
            return []
        seen: dict[str, int] = {}
        found: list[Booked] = []
        for one in self._at[1]:
            if one.recorded > until:
                continue
            seen[one.reference] = number = seen.get(one.reference, 0) + 1
            found.append(
                Booked(
                    one.item,
                    one.location,
                    one.status,
                    one.owner,
                    one.lot,
                    one.serial,
                    one.micros,
                    one.recorded,
                    0,
                    one.type,
                    self.system,
                    one.reference if number == 1 else f"{one.reference}#{number}",
                    one.reference,
                )
            )
        return found

    async def heard(self, tx: Transaction) -> Mapping[str, datetime | None]:
        """Nobody else tells these books anything."""
        del tx
        return {}


class Cuts(NamedTuple):
    """The instant that each location is compared at; `behind`: one side may lack something."""

    at: Mapping[str, int]
    behind: frozenset[str]


class Met(NamedTuple):
    """Where two systems meet, and the second one as it is walked along: what both tell apart."""

    cuts: Cuts
    side: Side
    theirs: Iterator[tuple[Key, list[Line]]]


def _traced(*sides: Side) -> Parts:
    """Answer what can be followed back: of lots and serials that a log leaves out, nothing can."""
    logs = [side.log_parts for side in sides if side.log is not None]
    return Parts(lot=all(one.lot for one in logs), serial=all(one.serial for one in logs))


def met(first: Side, second: Side, patience: int) -> Met:
    """Bring two systems together; `patience` is microseconds, see `meeting_of`."""
    meeting = meeting_of(first, second, patience)
    parts = shared(shared(first.said.parts, second.said.parts), _traced(first, second))
    spans = {place: (cut, meeting.until[place]) for place, cut in meeting.cuts.items()}
    return Met(
        Cuts(meeting.cuts, meeting.behind),
        replace(second, said=replace(second.said, parts=parts), spans=spans),
        narrowed(brought(second, meeting.cuts), second.said.parts, parts),
    )
