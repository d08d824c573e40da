"""Why two systems differ: root causes, as far as the evidence decides them (§4.4). Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.model import HOUR, Difference, Document, Fate, Posting


class Cause(StrEnum):
    """The root-cause classes of the house; a person may close a finding with any of them."""

    TIMING = "TIMING"
    MSG_LOST = "MSG_LOST"
    MSG_DUP = "MSG_DUP"
    MSG_REJECTED = "MSG_REJECTED"
    MSG_ORDER = "MSG_ORDER"
    UOM = "UOM"
    XREF = "XREF"
    STATUS_MAP = "STATUS_MAP"
    LOT_SERIAL = "LOT_SERIAL"
    KIT_EXPLOSION = "KIT_EXPLOSION"
    MANUAL_ADJ = "MANUAL_ADJ"
    COUNT = "COUNT"
    SHRINK = "SHRINK"
    RETURN_UNPOSTED = "RETURN_UNPOSTED"
    TRANSFER_STUCK = "TRANSFER_STUCK"
    CUTOFF = "CUTOFF"
    ROUNDING = "ROUNDING"
    CONSIGNMENT_OWNER = "CONSIGNMENT_OWNER"
    NEG_STOCK = "NEG_STOCK"
    UNKNOWN = "UNKNOWN"


OF_KIND: Mapping[str, tuple[Cause, str]] = MappingProxyType(
    {
        "ADJUST": (Cause.MANUAL_ADJ, "adjusted"),
        "COUNT_ADJUST": (Cause.COUNT, "counted"),
        "RETURN_RECEIPT": (Cause.RETURN_UNPOSTED, "taken back"),
        "TRANSFER_SHIP": (Cause.TRANSFER_STUCK, "sent by a transfer"),
        "TRANSFER_RECEIVE": (Cause.TRANSFER_STUCK, "received by a transfer"),
    }
)
"""Kinds of movement that are a cause of their own where only one side has them, and their verb."""

GRACE = 4 * HOUR
"""A document that is not posted for longer is lost, not on its way (a dead letter's age, §4.3)."""


class Level(StrEnum):
    """Where the sides differ: in the total, or only in how it is parted (§4.1.6)."""

    TOTAL = "TOTAL"
    STATUS = "STATUS"
    LOT = "LOT"
    OWNER = "OWNER"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`because` says in one sentence what decided it."""

    cause: Cause
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one difference. `factors` are the item's other units, in base units.

    `recent` are our postings at the key up to the cut; `rejected` the references that the other
    side refused; `least` is our lowest bucket.
    """

    difference: Difference
    level: Level
    cut: int
    recent: Sequence[Posting] = ()
    rejected: frozenset[str] = frozenset()
    factors: Sequence[tuple[int, int]] = ()
    least: int = 0


def cause_of(facts: Facts) -> Verdict:
    """Classify by the strongest evidence: a document, then the kind of number, then a hint."""
    for judge in (_by_level, _by_document, _by_sign, _by_factor, _by_fraction, _by_hint):
        if (verdict := judge(facts)) is not None:
            return verdict
    return Verdict(Cause.UNKNOWN)


_BY_LEVEL = {
    Level.STATUS: Verdict(Cause.STATUS_MAP, "the totals agree, the statuses do not"),
    Level.LOT: Verdict(Cause.LOT_SERIAL, "the statuses agree, the lots or serials do not"),
    Level.OWNER: Verdict(Cause.CONSIGNMENT_OWNER, "the totals agree, the owners do not"),
}


def _by_level(facts: Facts) -> Verdict | None:
    return _BY_LEVEL.get(facts.level)


_OF_FATE: Mapping[Fate, tuple[Cause, str]] = MappingProxyType(
    {
        Fate.DOUBLED: (Cause.MSG_DUP, "is posted there more than once"),
        Fate.DOUBLED_HERE: (Cause.MSG_DUP, "is posted more than once by the first of the two"),
        Fate.ONLY_THEIRS: (Cause.MSG_LOST, "is posted there and never came here"),
        Fate.ALTERED: (Cause.MSG_ORDER, "is posted there with another amount"),
    }
)


def _by_document(facts: Facts) -> Verdict | None:
    """Judge by the documents that one side lacks or doubles, while they explain the difference."""
    if not facts.difference.documents or facts.difference.unexplained:
        return None
    worst = max(facts.difference.documents, key=lambda document: abs(document.explains))
    if worst.fate is Fate.NOT_POSTED:
        return _not_posted(facts, worst)
    if worst.fate is Fate.ONLY_THEIRS and worst.type in OF_KIND:
        cause, verb = OF_KIND[worst.type]
        return Verdict(cause, f"document {worst.reference} was {verb} there only")
    cause, because = _OF_FATE[worst.fate]
    return Verdict(cause, f"document {worst.reference} {because}")


def _not_posted(facts: Facts, document: Document) -> Verdict:
    name = f"document {document.reference}"
    if document.reference in facts.rejected:
        return Verdict(Cause.MSG_REJECTED, f"{name} was refused there")
    if facts.cut - document.recorded < GRACE:
        return Verdict(Cause.TIMING, f"{name} is on its way")
    if document.type in OF_KIND:
        cause, verb = OF_KIND[document.type]
        return Verdict(cause, f"{name} was {verb} here only")
    if any(p.reference == document.reference and p.is_backdated for p in facts.recent):
        return Verdict(Cause.CUTOFF, f"{name} was recorded on a later day than it happened")
    return Verdict(Cause.MSG_LOST, f"{name} is not posted there")


def _by_sign(facts: Facts) -> Verdict | None:
    if facts.least < 0 and facts.difference.theirs >= 0:
        return Verdict(Cause.NEG_STOCK, "the hub's ledger is below zero, which the other refuses")
    if facts.difference.theirs < 0 <= facts.difference.ours:
        return Verdict(Cause.NEG_STOCK, "the other side is below zero")
    return None


def _by_factor(facts: Facts) -> Verdict | None:
    """R5: the ratio of the two numbers is a factor of the item, to the last unit."""
    ours, theirs = facts.difference.ours, facts.difference.theirs
    if not ours or not theirs:
        return None
    for numerator, denominator in facts.factors:
        if numerator == denominator:
            continue
        if ours * denominator == theirs * numerator or theirs * denominator == ours * numerator:
            factor = f"{numerator}" if denominator == 1 else f"{numerator}/{denominator}"
            return Verdict(Cause.UOM, f"the ratio is {factor}, a factor of the item's units")
    return None


def _by_fraction(facts: Facts) -> Verdict | None:
    unexplained = abs(facts.difference.unexplained)
    if 0 < unexplained < MICROS:
        return Verdict(Cause.ROUNDING, "less than one unit: rounding, or catch weight")
    return None


def _by_hint(facts: Facts) -> Verdict | None:
    """Compare with single recent movements of ours: a hint for a person, not an explanation."""
    unexplained = facts.difference.unexplained
    newest_first = sorted(facts.recent, key=lambda p: -p.recorded)
    for posting in newest_first:
        if posting.micros and abs(posting.micros) == abs(unexplained):
            return _of_equal(posting, unexplained)
    for posting in newest_first:
        if posting.micros and unexplained == -2 * posting.micros:
            return Verdict(
                Cause.UNKNOWN, f"it is twice {_named(posting)}: its sign is reversed there"
            )
    return None


def _of_equal(posting: Posting, unexplained: int) -> Verdict:
    name = _named(posting)
    if posting.micros == unexplained:
        return Verdict(Cause.MSG_DUP, f"it is {name} once more")
    if posting.type in OF_KIND:
        cause, verb = OF_KIND[posting.type]
        return Verdict(cause, f"it is {name}, {verb} here only")
    if posting.is_backdated:
        return Verdict(Cause.CUTOFF, f"it is {name}, recorded on a later day")
    return Verdict(Cause.MSG_LOST, f"it is {name}, missing there")


def _named(posting: Posting) -> str:
    return f"movement {posting.reference}"


@dataclass(frozen=True, slots=True)
class Loose:
    """A difference that nothing else accounts for, to be paired."""

    number: int
    location: str
    item: str
    unexplained: int


def pairs(loose: Iterable[Loose]) -> dict[int, int]:
    """Pair what is zero-sum at one location, or of one item, and has no other candidate (XREF).

    Answers each one's partner. Two small differences cancel out by chance, so an amount that is
    there more than once proves nothing.
    """
    groups: dict[tuple[str, str, int], list[Loose]] = defaultdict(list)
    for one in loose:
        groups["location", one.location, abs(one.unexplained)].append(one)
        groups["item", one.item, abs(one.unexplained)].append(one)
    found: dict[int, int] = {}
    for group in groups.values():
        if len(group) != 2 or group[0].unexplained + group[1].unexplained:  # noqa: PLR2004
            continue
        first, second = group[0].number, group[1].number
        if found.keys().isdisjoint({first, second}):
            found |= {first: second, second: first}
    return found
