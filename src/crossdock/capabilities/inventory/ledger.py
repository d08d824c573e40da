"""The rules of the movement ledger: what a snapshot contains, and which snapshot governs (§2.6).

A bucket holds the opening of its governing snapshot plus every movement that the snapshot does
not contain. Both are functions of *sets*, so late, repeated and reordered facts make no
difference.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import StockStatus


class Bucket(NamedTuple):
    """The key of a position. "" is no owner of its own, no lot, no serial."""

    tenant: str
    item: str
    location: str
    status: str
    owner: str
    lot: str
    serial: str

    @property
    def counts(self) -> bool:
        """Say whether it can be promised: ours, and AVAILABLE."""
        return self.status == StockStatus.AVAILABLE and not self.owner

    @property
    def is_dock(self) -> bool:
        """Say whether it will be put away to be promised: ours, and RECEIVING."""
        return self.status == StockStatus.RECEIVING and not self.owner


class Mark(NamedTuple):
    """A place in a source's own order: its stream, the sequence in it, the source's clock."""

    stream: int
    seq: int
    us: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What a snapshot says of one bucket. `is_named`: it did so by a line, not by omission."""

    mark: Mark
    micros: int
    is_named: bool
    counted_by: str

    @property
    def rank(self) -> tuple[int, bool, int, str]:
        """Order openings of one stream: by the source's sequence; a line beats an omission."""
        return (self.mark.seq, self.is_named, self.mark.us, self.counted_by)


def contains(opening: Mark, movement: Mark) -> bool:
    """Say whether a snapshot already has a movement in it.

    Recorded order decides, never business time (R8). Another stream's sequence says nothing here,
    so its movements are placed by the clock.
    """
    if movement.stream == opening.stream:
        return movement.seq <= opening.seq
    return movement.us <= opening.us


def governing(openings: Iterable[Opening]) -> Opening | None:
    """Choose the opening that counts: the newest of each stream, of these the latest taken."""
    newest: dict[int, Opening] = {}
    for opening in openings:
        known = newest.get(opening.mark.stream)
        if known is None or opening.rank > known.rank:
            newest[opening.mark.stream] = opening
    return max(
        newest.values(), key=lambda opening: (opening.mark.us, opening.mark.stream), default=None
    )


class Came(NamedTuple):
    """What is said of a bucket, by its place in the log: a snapshot if it brings an opening.

    `is_count`: somebody has looked at the shelf for it.
    """

    position: int
    opening: Opening | None
    is_count: bool


def governed(
    known: Opening | None, said: Iterable[Came], *, is_known: bool
) -> dict[int, Opening | None]:
    """Say what governed a bucket before each count of it, by the count's place in the log.

    So each of several counts in a page is held against the ledger as the one before has left it.
    A snapshot that does not govern is no count, nor is the first word of a bucket.
    """
    before: dict[int, Opening | None] = {}
    for one in sorted(said, key=lambda came: came.position):
        opening = one.opening
        governs = opening and (known is None or governing([known, opening]) is opening)
        if one.is_count and (opening is None or (governs and is_known)):
            before[one.position] = known
        if governs:
            known = opening
        is_known = True
    return before


def mark_of(event: Event) -> Mark:
    """Place an event in its source's order; the source's clock serves where it has no sequence."""
    us = microseconds(event.ordered_at)
    seq = us if event.fact.sequence is None else event.fact.sequence
    return Mark(stream_id(event.tenant, event.source, event.fact.stream), seq, us)


def rank_of(event: Event) -> int:
    """Order the versions of a state-carrying event."""
    fact = event.fact
    if fact.version is not None:
        return fact.version
    if fact.sequence is not None:
        return fact.sequence
    return microseconds(event.ordered_at)


def stream_id(tenant: str, source: str, stream: str) -> int:
    """Derive a stream's number from its name: the same everywhere, without a table to ask."""
    name = f"{tenant}\0{source}\0{stream}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big", signed=True)


def microseconds(instant: datetime) -> int:
    """Count whole microseconds since 1970, exactly (a float would not)."""
    seconds = int(instant.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + instant.microsecond
