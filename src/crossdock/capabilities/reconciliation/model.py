"""How two systems' stock is compared: one cut, documents by reference, tolerance (§4.1, §4.2).

Amounts are micros of the base unit, money is micros of the functional currency per base unit, and
instants are microseconds since 1970. `raw` is always theirs - ours, ours being the hub's ledger.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HUB = "crossdock"
"""The source name of the hub's own facts: its ledger, as one side of a comparison."""


class Posting(NamedTuple):
    """One line of a log: what a document changed at the key, signed, and when it was recorded.

    `name` is the movement's, where several of them may bear one reference. It `is_backdated` if it
    was recorded on a later day of its location than it happened on.
    """

    reference: str
    micros: int
    recorded: int
    type: str = ""
    name: str = ""
    is_backdated: bool = False

    @property
    def key(self) -> str:
        return self.name or self.reference


@dataclass(frozen=True, slots=True)
class Log:
    """The postings that a side still shows; it has all of them from `reach` on.

    `is_told`: another system's, which may hold a document more often than once.
    """

    postings: tuple[Posting, ...] = ()
    reach: int = 0
    is_told: bool = False


NO_LOG = 2**62
"""The reach of a side that shows no log: nothing is known of what it has posted."""


class Fate(StrEnum):
    """What became of a document in the two logs."""

    NOT_POSTED = "NOT_POSTED"
    """Ours has it, theirs does not yet: in a queue, or lost."""
    ONLY_THEIRS = "ONLY_THEIRS"
    DOUBLED = "DOUBLED"
    """Theirs has it more often than ours."""
    DOUBLED_HERE = "DOUBLED_HERE"
    """Ours, which is another system's, has it more often than theirs."""
    ALTERED = "ALTERED"
    """Both have it, with other amounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A business document that the two sides do not hold alike; `recorded` is its first line.

    `lines` are the keys of our postings that theirs lacks.
    """

    reference: str
    ours: int
    theirs: int
    fate: Fate
    recorded: int
    type: str = ""
    lines: tuple[str, ...] = ()

    @property
    def explains(self) -> int:
        """Its part of theirs - ours."""
        return self.theirs - self.ours


def common_cut(ours_at: int, theirs_at: int) -> int:
    """Choose the instant that both snapshots are brought to (§4.1.2)."""
    return min(ours_at, theirs_at)


def rolled(micros: int, watermark: int, log: Iterable[Posting], cut: int) -> int:
    """Roll a balance of `watermark` back or forward to the cut; recorded order decides (R8)."""
    if cut <= watermark:
        return micros - sum(p.micros for p in log if cut < p.recorded <= watermark)
    return micros + sum(p.micros for p in log if watermark < p.recorded <= cut)


def documents(
    ours: Log, theirs: Log | None, not_posted: frozenset[str], cut: int
) -> list[Document]:
    """Name each document that only one side has, or that one has twice; each of them once.

    Matched by business reference, never by quantity (§4.1.3). `not_posted` are keys of our
    postings; without `theirs`, the other side has posted everything else. A document from before
    a log's reach is taken to be in that log once. Of a document of which theirs has some lines
    alike, the others are not posted.
    """
    mine = _by_reference(ours.postings, cut)
    other = _by_reference(theirs.postings, cut) if theirs else {}
    reach = theirs.reach if theirs else 0
    found: list[Document] = []
    for reference in sorted(mine.keys() | other.keys()):
        own, their = mine.get(reference, []), other.get(reference, [])
        if own and not their:
            if theirs is None or min(p.recorded for p in own) < reach:
                # What is known not to be posted is so, however far their log goes back.
                own = [p for p in own if p.key in not_posted]
            if own:
                found.append(_document(reference, _net(own), 0, Fate.NOT_POSTED, own))
        else:
            found.append(_compared(reference, own, their, ours))
    return [document for document in found if document.explains]


def _compared(
    reference: str, own: Sequence[Posting], their: Sequence[Posting], ours: Log
) -> Document:
    """Compare what theirs has of a document with what ours has, or had before its reach."""
    net, their_net, once = _net(own), _net(their), _once(their)
    if not own and min(p.recorded for p in their) >= ours.reach:
        return _document(reference, 0, their_net, Fate.ONLY_THEIRS, their)
    if ours.is_told and len(own) > len(their) and len({p.micros for p in [*own, *their]}) == 1:
        return _document(reference, net, their_net, Fate.DOUBLED_HERE, own)
    if rest := _rest(own, their):
        return _document(reference, _net(rest), 0, Fate.NOT_POSTED, rest)
    expected = net if own else once
    is_double = bool(expected) and their_net != expected and their_net % expected == 0
    fate = Fate.DOUBLED if is_double else Fate.ALTERED
    return _document(reference, expected, their_net, fate, their)


def _rest(own: Sequence[Posting], their: Sequence[Posting]) -> list[Posting]:
    """Give our lines of a document beside those that theirs has alike; none if it has others."""
    rest = sorted(own, key=lambda p: p.recorded)
    for line in their:
        same = next((p for p in rest if p.micros == line.micros), None)
        if same is None:
            return []
        rest.remove(same)
    return rest


def _by_reference(postings: Iterable[Posting], cut: int) -> dict[str, list[Posting]]:
    found: dict[str, list[Posting]] = defaultdict(list)
    for posting in postings:
        if posting.reference and posting.recorded <= cut:
            found[posting.reference].append(posting)
    return found


def _net(postings: Iterable[Posting]) -> int:
    return sum(p.micros for p in postings)


def _once(postings: Iterable[Posting]) -> int:
    """Add up the different lines of a document, each once."""
    return sum({p.micros for p in postings})


def _document(
    reference: str, ours: int, theirs: int, fate: Fate, postings: Sequence[Posting]
) -> Document:
    first = min(postings, key=lambda p: p.recorded)
    return Document(
        reference=reference,
        ours=ours,
        theirs=theirs,
        fate=fate,
        recorded=first.recorded,
        type=first.type,
        lines=tuple(p.key for p in postings) if fate is Fate.NOT_POSTED else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`raw` = theirs - ours at the cut = `explained` + `unexplained` (§4.1.3)."""

    ours: int
    theirs: int
    documents: tuple[Document, ...] = ()

    @property
    def raw(self) -> int:
        return self.theirs - self.ours

    @property
    def explained(self) -> int:
        return sum(document.explains for document in self.documents)

    @property
    def unexplained(self) -> int:
        return self.raw - self.explained


class ItemClass(StrEnum):
    """ABC class; an item that nobody has classed is held to the strictest."""

    A = "A"
    B = "B"
    C = "C"

    @staticmethod
    def first_of(said: Iterable[str], otherwise: "ItemClass | None" = None) -> "ItemClass":
        """Give the first of what was said that is a class; a catalogue has other codes, too.

        If there is none: the strictest, unless told otherwise.
        """
        found = (ItemClass(of) for of in said if of in ItemClass.__members__)
        return next(found, otherwise or ItemClass.A)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How much may stay unexplained (§4.2). `share_ppm`: millionths of the book quantity.

    `value` is money in micros: beyond it a difference counts however small its share.
    """

    absolute: int = 0
    share_ppm: Mapping[ItemClass, int] = field(
        default_factory=lambda: MappingProxyType(
            {ItemClass.A: 5_000, ItemClass.B: 10_000, ItemClass.C: 50_000}
        )
    )
    value: int = 250 * MICROS

    def is_broken(
        self, unexplained: int, *, book: int, of: ItemClass, cost: int | None, is_exact: bool
    ) -> bool:
        """Say whether it is too much. `is_exact`: serial or regulated goods, zero tolerance."""
        amount = abs(unexplained)
        if is_exact:
            return amount > 0
        by_share = self.share_ppm[of] * abs(book)
        is_beyond = amount > self.absolute and amount * MICROS > by_share
        return is_beyond or (cost is not None and amount * cost > self.value * MICROS)


def value_at_risk(unexplained: int, cost: int | None) -> int | None:
    """Answer the money, in micros, rounded up; None while nobody has said what one costs."""
    return None if cost is None else min(MONEY_MAX, -(-abs(unexplained) * cost // MICROS))


MONEY_MAX = 10**17
"""Micros; more is said to be as much: nobody decides otherwise for it, and sums stay in range."""

AMOUNT_MAX = 10**18
"""Micros of one item at one place that a system may name: what is beyond cannot be."""


class State(StrEnum):
    """TOLERATED is only counted; CLOSED needs a root cause."""

    TOLERATED = "TOLERATED"
    SUSPECTED = "SUSPECTED"
    CONFIRMED = "CONFIRMED"
    CLOSED = "CLOSED"


class Before(NamedTuple):
    """What an earlier run found at the key: how far its cut was, and which way it differed.

    `value` is what it was worth, in micros of `currency`; None: nobody knew.
    """

    state: State
    first_cut: int
    unexplained: int
    value: int | None = None
    currency: str = ""

    @property
    def cost(self) -> int | None:
        """Give what one cost, in micros: a look that names no cost makes nothing unpriced."""
        if self.value is None or not self.unexplained:
            return None
        return self.value * MICROS // abs(self.unexplained)


def next_state(
    before: Before | None, cut: int, unexplained: int, *, is_in_flight: bool, apart: int
) -> State:
    """Confirm what is seen again at a cut at least `apart` later, with nothing in flight.

    Two passes (§4.1.4). What a document has proven needs no direction to persist; a difference
    that changed its sign is another one.
    """
    if before is None or before.state is State.TOLERATED:
        return State.SUSPECTED
    if before.state is State.CONFIRMED:
        return State.CONFIRMED
    is_same = (before.unexplained > 0) == (unexplained > 0)
    is_later = cut - before.first_cut >= apart
    return State.CONFIRMED if is_same and is_later and not is_in_flight else State.SUSPECTED
