"""Walks along the ledger and the other side, both in order of their keys, and keeps what differs.

Memory does not grow with either side: a key that is alike is forgotten at once.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from crossdock.canonical.inventory import StockStatus
from crossdock.capabilities.reconciliation.dumps import Line
from crossdock.capabilities.reconciliation.judging import Bucket
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ports import Key, LedgerBucket, LedgerKey
from crossdock.capabilities.reconciliation.ranking import is_class_due
from crossdock.capabilities.reconciliation.sides import Said

DUE_MAX = 1_000
"""So many counts of a class are planned for a day, at most."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A key that is not plainly alike: another number, another unit, or only there.

    `unit` is the base unit, "" where the ledger has never heard of the item at the location.
    `counted_us` is when ours was counted last.
    """

    location: str
    item: str
    unit: str
    ours: Mapping[Bucket, int]
    lines: Sequence[Line]
    counted_us: int = 0


@dataclass(slots=True)
class Walk:
    """`watched` are keys whose earlier finding is closed if they are alike now.

    `is_ours_full`: what ours does not name is zero there; the ledger always is. `due` are
    those of the other side that are to be counted on `day`, by their class.
    """

    said: Said
    watched: Collection[Key]
    day: int = 0
    is_ours_full: bool = True
    compared: int = 0
    alike: int = 0
    due: dict[ItemClass, list[Key]] = field(default_factory=lambda: {of: [] for of in ItemClass})
    watched_alike: list[Key] = field(default_factory=list[Key])

    async def suspects(
        self, ours: AsyncIterator[LedgerKey], theirs: Iterator[tuple[Key, list[Line]]]
    ) -> AsyncIterator[Suspect]:
        """Give what differs, in order of location and item."""
        other = _Other(theirs)
        async for key in ours:
            place = (key.location, key.item)
            for alone in other.before(place):
                if (suspect := self._theirs_alone(*alone)) is not None:
                    yield suspect
            lines = other.at(place)
            if lines is None and not self.said.is_full:
                continue
            self._compare(place, lines or ())
            if self._is_plainly_alike(key, lines or ()):
                self.found_alike(place)
            else:
                yield Suspect(
                    *place,
                    key.unit,
                    self._ours(key.buckets, lines or ()),
                    lines or (),
                    key.counted_us,
                )
        for alone in other.rest():
            if (suspect := self._theirs_alone(*alone)) is not None:
                yield suspect

    def _compare(self, place: Key, lines: Sequence[Line]) -> None:
        """Count a key, and note whether its turn to be counted has come."""
        self.compared += 1
        if lines and lines[0].of:
            of = ItemClass(lines[0].of)
            if len(self.due[of]) < DUE_MAX and is_class_due(*place, of, self.day):
                self.due[of].append(place)

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
            return Suspect(*place, "", {}, lines)
        self.found_alike(place)
        return None

    def _is_plainly_alike(self, key: LedgerKey, lines: Sequence[Line]) -> bool:
        if any(line.unit and line.unit != key.unit for line in lines):
            return False
        if len(lines) == 1 == len(key.buckets) and not self.said.groups:
            [line], [bucket] = lines, key.buckets
            if line.micros == bucket.micros and _same_place(line, bucket):
                return True
        return self._ours(key.buckets, lines) == theirs_of(lines, self.said)

    def _ours(self, buckets: Sequence[LedgerBucket], lines: Sequence[Line]) -> dict[Bucket, int]:
        named = named_in(lines, self.said)
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


def named_in(lines: Sequence[Line], said: Said) -> frozenset[Bucket] | None:
    """Name the buckets of a key that a dump says anything of; None: a full one, of all."""
    if said.is_full:
        return None
    return frozenset(
        Bucket(said.groups.get(x.status, x.status), x.owner, x.lot, x.serial) for x in lines
    )


def theirs_of(lines: Sequence[Line], said: Said) -> dict[Bucket, int]:
    """Sum up the lines of a key by bucket; their status may be named by its group or itself."""
    sums: dict[Bucket, int] = {}
    for line in lines:
        status = said.groups.get(line.status, line.status)
        part = Bucket(status, line.owner, line.lot, line.serial)
        sums[part] = sums.get(part, 0) + line.micros
    return {part: micros for part, micros in sums.items() if micros}
