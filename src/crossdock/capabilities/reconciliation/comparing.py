"""Walks along the ledger and the other side, both in order of their keys, and keeps what differs.

Memory does not grow with either side: a key that is alike is forgotten at once.
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field

from crossdock.canonical.inventory import StockStatus
from crossdock.capabilities.reconciliation.buckets import Bucket
from crossdock.capabilities.reconciliation.dumps import Line, LogLine, Worth
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ports import Key, LedgerBucket, LedgerKey
from crossdock.capabilities.reconciliation.ranking import is_due, is_due_as_any, turn_of
from crossdock.capabilities.reconciliation.sides import Said

CLASSED_MAX = 5_000
"""So many classes are told at a time."""
DUE_MAX = 1_000
"""So many counts of a class are planned for a day, at most."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A key that is not plainly alike: another number, another unit, or only there.

    `unit` is the base unit, "" where the ledger has never heard of the item at the location.
    `counted_us` is when ours was counted last. `named` are the buckets that both speak of; None:
    all.
    """

    location: str
    item: str
    unit: str
    ours: Mapping[Bucket, int]
    lines: Sequence[Line]
    counted_us: int = 0
    named: frozenset[Bucket] | None = None


@dataclass(slots=True)
class Walk:
    """`watched` are keys whose earlier finding is closed if they are alike now.

    `is_ours_full`: what ours does not name is zero there; the ledger always is. `due` are
    those of the other side whose turn to be counted has come by `day`, and when, by their class.
    `note` is told which keys have which class, a batch at a time; of those that the other side
    does not class, and of which there is anything, `classes` is asked.
    """

    said: Said
    watched: Collection[Key]
    day: int = 0
    is_ours_full: bool = True
    compared: int = 0
    alike: int = 0
    due: dict[ItemClass, list[tuple[Key, int]]] = field(
        default_factory=lambda: {of: [] for of in ItemClass}
    )
    watched_alike: list[Key] = field(default_factory=list[Key])
    note: Callable[[Mapping[Key, Worth]], Awaitable[None]] | None = None
    classes: Callable[[Collection[Key]], Awaitable[Mapping[Key, ItemClass]]] | None = None
    _classed: dict[Key, Worth] = field(default_factory=dict[Key, Worth])
    _unclassed: list[Key] = field(default_factory=list[Key])

    async def suspects(
        self, ours: AsyncIterator[LedgerKey], theirs: Iterator[tuple[Key, list[Line]]]
    ) -> AsyncIterator[Suspect]:
        """Give what differs, in order of location and item."""
        other = _Other(theirs)
        async for key in ours:
            await self._tell_classes(CLASSED_MAX)
            place = (key.location, key.item)
            for alone in other.before(place):
                if (suspect := self._theirs_alone(*alone)) is not None:
                    yield suspect
            told = other.at(place)
            if told is None and not self.said.is_full:
                continue
            if (suspect := self._met(key, told or ())) is not None:
                yield suspect
        for alone in other.rest():
            await self._tell_classes(CLASSED_MAX)
            if (suspect := self._theirs_alone(*alone)) is not None:
                yield suspect
        await self._tell_classes(1)

    async def _tell_classes(self, least: int) -> None:
        """Tell of classes, and ask for those that were not told, once there are so many."""
        if self.classes is not None and len(self._unclassed) >= least:
            for place, of in (await self.classes(self._unclassed)).items():
                self._take_turn(place, of)
            self._unclassed = []
        if self.note is not None and len(self._classed) >= least:
            await self.note(self._classed)
            self._classed = {}

    def _met(self, key: LedgerKey, told: Sequence[Line]) -> Suspect | None:
        """Compare what both say of a key; of buckets that either leaves out nothing is known."""
        place = (key.location, key.item)
        named = self._named(key.buckets, told)
        if named is not None and not named:
            return None
        lines = self._spoken_of(told, named)
        self._compare(place, lines, is_there=any(bucket.micros for bucket in key.buckets))
        if self._is_plainly_alike(key, lines, named):
            self.found_alike(place)
            return None
        mine = self._ours(key.buckets, named)
        return Suspect(*place, key.unit, mine, lines, key.counted_us, named)

    def _compare(self, place: Key, lines: Sequence[Line], *, is_there: bool = False) -> None:
        """Count a key, and note whether its turn to be counted has come."""
        self.compared += 1
        if lines and lines[0].of:
            of = ItemClass(lines[0].of)
            if self.note is not None:
                self._classed[place] = Worth(of, lines[0].cost, lines[0].currency)
            self._take_turn(place, of)
        elif self.classes is not None and (lines or is_there) and is_due_as_any(*place, self.day):
            self._unclassed.append(place)

    def _take_turn(self, place: Key, of: ItemClass) -> None:
        if is_due(*place, of, self.day) and len(self.due[of]) < DUE_MAX:
            self.due[of].append((place, turn_of(*place, of, self.day)))

    def found_alike(self, place: Key) -> None:
        self.alike += 1
        if place in self.watched:
            self.watched_alike.append(place)

    def found_explained(self, place: Key) -> None:
        """Close what was suspected here: documents account for it."""
        if place in self.watched:
            self.watched_alike.append(place)

    def _theirs_alone(self, place: Key, lines: list[Line]) -> Suspect | None:
        """Take what the ledger has not; nothing against nothing is alike."""
        if not self.is_ours_full:
            return None
        self._compare(place, lines)
        if any(line.micros for line in lines):
            return Suspect(*place, "", {}, lines, named=named_in(lines, self.said))
        self.found_alike(place)
        return None

    def _named(
        self, buckets: Sequence[LedgerBucket], lines: Sequence[Line]
    ) -> frozenset[Bucket] | None:
        """Name the buckets of a key that both say anything of; None: all of them."""
        named = named_in(lines, self.said)
        if self.is_ours_full:
            return named
        ours = {part for one in buckets if (part := part_of(one, self.said)) is not None}
        return frozenset(ours if named is None else ours & named)

    def _spoken_of(self, lines: Sequence[Line], named: frozenset[Bucket] | None) -> Sequence[Line]:
        """Leave out what they say of buckets that ours says nothing of."""
        if self.is_ours_full or named is None:
            return lines
        return [line for line in lines if line_part(line, self.said) in named]

    def _is_plainly_alike(
        self, key: LedgerKey, lines: Sequence[Line], named: frozenset[Bucket] | None
    ) -> bool:
        if any(line.unit and line.unit != key.unit for line in lines):
            return False
        if len(lines) == 1 == len(key.buckets) and not self.said.groups:
            [line], [bucket] = lines, key.buckets
            if line.micros == bucket.micros and _same_place(line, bucket):
                return True
        return self._ours(key.buckets, named) == theirs_of(lines, self.said)

    def _ours(
        self, buckets: Sequence[LedgerBucket], named: frozenset[Bucket] | None
    ) -> dict[Bucket, int]:
        sums: dict[Bucket, int] = {}
        for bucket in buckets:
            part = part_of(bucket, self.said)
            if part is not None and (named is None or part in named):
                sums[part] = sums.get(part, 0) + bucket.micros
        return {part: micros for part, micros in sums.items() if micros}


class _Other:
    """The other side, one key ahead."""

    def __init__(self, keys: Iterator[tuple[Key, list[Line]]]) -> None:
        self._keys = keys
        self._next = next(keys, None)

    def before(self, place: Key) -> Iterator[tuple[Key, list[Line]]]:
        while self._next is not None and self._next[0] < place:
            yield self._next
            self._next = next(self._keys, None)

    def at(self, place: Key) -> list[Line] | None:
        """Give the lines of the place, once."""
        if self._next is None or self._next[0] != place:
            return None
        lines = self._next[1]
        self._next = next(self._keys, None)
        return lines

    def rest(self) -> Iterator[tuple[Key, list[Line]]]:
        while self._next is not None:
            yield self._next
            self._next = next(self._keys, None)


def _same_place(line: Line, bucket: LedgerBucket) -> bool:
    """Say whether both name the same bucket in full, so that nothing has to be summed up."""
    return (
        line.status == bucket.status
        and line.owner == bucket.owner
        and line.lot == bucket.lot
        and line.serial == bucket.serial
    )


def part_of(bucket: LedgerBucket, said: Said) -> Bucket | None:
    """Name the part of the other side that a bucket of ours belongs to; None: it has none.

    Whoever does not tell owners apart keeps books of our own goods; who does not tell statuses
    apart says what is on hand, which is all but what is in transit (§1.3).
    """
    parts = said.parts
    if bucket.owner and not parts.owner:
        return None
    if not parts.status and bucket.status == StockStatus.IN_TRANSIT:
        return None
    return Bucket(
        said.groups.get(bucket.status, bucket.status) if parts.status else "",
        bucket.owner if parts.owner else "",
        bucket.lot if parts.lot else "",
        bucket.serial if parts.serial else "",
    )


def line_part(line: Line, said: Said) -> Bucket:
    """Name the bucket that a line of theirs is of; its status may be named by group or itself."""
    return Bucket(said.groups.get(line.status, line.status), line.owner, line.lot, line.serial)


def named_in(lines: Sequence[Line], said: Said) -> frozenset[Bucket] | None:
    """Name the buckets of a key that a dump says anything of; None: a full one, of all."""
    return None if said.is_full else frozenset(line_part(line, said) for line in lines)


def speaks_of(row: LogLine, named: frozenset[Bucket], said: Said) -> bool:
    """Say whether a row of a log may be of one of these buckets: it may leave parts unsaid."""
    status = said.groups.get(row.status, row.status)
    part = Bucket(status, row.owner, row.lot, row.serial)
    return any(
        all(
            says == is_ or not says or not tells
            for says, is_, tells in zip(part, one, said.parts, strict=True)
        )
        for one in named
    )


def theirs_of(lines: Sequence[Line], said: Said) -> dict[Bucket, int]:
    """Sum up the lines of a key by bucket."""
    sums: dict[Bucket, int] = {}
    for line in lines:
        part = line_part(line, said)
        sums[part] = sums.get(part, 0) + line.micros
    return {part: micros for part, micros in sums.items() if micros}
