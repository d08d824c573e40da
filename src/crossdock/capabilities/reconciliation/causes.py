"""Why two systems differ: root causes, as far as the evidence decides them (§4.4). Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import kits
from crossdock.capabilities.reconciliation.kits import Bill, Differing
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
    PRICE = "PRICE"
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

COUNTED = "COUNT_ADJUST"
OURS, THEIRS = "OURS", "THEIRS"

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
    """`because` says in one sentence what decided it.

    `held_by` is the side that alone has the document which accounts for all of it, if one does.
    """

    cause: Cause
    because: str = ""
    held_by: str = ""


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
    documents = facts.difference.documents
    worst = max(documents, key=lambda document: abs(document.explains))
    worst = _what_left_before(worst, documents) or worst
    is_recounted = any(one is not worst and one.type == COUNTED for one in documents)
    if worst.fate is Fate.NOT_POSTED:
        return _not_posted(facts, worst, is_recounted=is_recounted)
    if worst.fate is Fate.ONLY_THEIRS and worst.type in OF_KIND:
        return _of_kind(
            *(worst.type, worst.theirs, f"document {worst.reference}", THEIRS),
            is_recounted=is_recounted,
        )
    cause, because = _OF_FATE[worst.fate]
    held_by = THEIRS if worst.fate is Fate.ONLY_THEIRS else ""
    return Verdict(cause, f"document {worst.reference} {because}", held_by)


def _what_left_before(counted: Document, documents: Sequence[Document]) -> Document | None:
    """Give the other side's document of what a count found missing: its loss is the message's."""
    others = [one for one in documents if one.fate is not counted.fate and one.type != COUNTED]
    amount = counted.ours if counted.fate is Fate.NOT_POSTED else counted.theirs
    is_met = bool(others) and sum(one.explains for one in others) == -counted.explains
    if counted.type != COUNTED or amount >= 0 or not is_met:
        return None
    return max(others, key=lambda one: abs(one.explains))


def _not_posted(facts: Facts, document: Document, *, is_recounted: bool) -> Verdict:
    name = f"document {document.reference}"
    if document.reference in facts.rejected:
        return Verdict(Cause.MSG_REJECTED, f"{name} was refused there", OURS)
    if facts.cut - document.recorded < GRACE:
        return Verdict(Cause.TIMING, f"{name} is on its way")
    if document.type in OF_KIND:
        is_recounted = is_recounted or _was_found_again(facts.recent, document.recorded)
        return _of_kind(document.type, document.ours, name, OURS, is_recounted=is_recounted)
    if any(p.reference == document.reference and p.is_backdated for p in facts.recent):
        return Verdict(Cause.CUTOFF, f"{name} was recorded on a later day than it happened", OURS)
    return Verdict(Cause.MSG_LOST, f"{name} is not posted there", OURS)


def _of_kind(kind: str, micros: int, name: str, held_by: str, *, is_recounted: bool) -> Verdict:
    """Judge a movement whose kind is a cause of its own where only one side has it.

    A counted loss that stands, and that no other document accounts for, is shrinkage. A gain is
    none: it puts an earlier mistake right. Nor is what another count says otherwise.
    """
    cause, verb = OF_KIND[kind]
    where = "here" if held_by == OURS else "there"
    if kind == COUNTED and micros < 0 and not is_recounted:
        because = f"{name} counts a loss {where} only, and no document accounts for it"
        return Verdict(Cause.SHRINK, because, held_by)
    return Verdict(cause, f"{name} was {verb} {where} only", held_by)


def _was_found_again(recent: Sequence[Posting], since: int) -> bool:
    """Say whether a later count of ours found more than was booked."""
    return any(p.type == COUNTED and p.micros > 0 and p.recorded > since for p in recent)


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
            return _of_equal(posting, unexplained, facts.recent)
    for posting in newest_first:
        if posting.micros and unexplained == -2 * posting.micros:
            return Verdict(
                Cause.UNKNOWN, f"it is twice {_named(posting)}: its sign is reversed there"
            )
    return None


def _of_equal(posting: Posting, unexplained: int, recent: Sequence[Posting]) -> Verdict:
    name = f"it is {_named(posting)}"
    if posting.micros == unexplained:
        return Verdict(Cause.MSG_DUP, f"{name} once more")
    if posting.type in OF_KIND:
        is_recounted = _was_found_again(recent, posting.recorded)
        return _of_kind(posting.type, posting.micros, name, OURS, is_recounted=is_recounted)
    if posting.is_backdated:
        return Verdict(Cause.CUTOFF, f"{name}, recorded on a later day", OURS)
    return Verdict(Cause.MSG_LOST, f"{name}, missing there", OURS)


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
        if len(group) != 2 or group[0].unexplained + group[1].unexplained:  # noqa: PLR2004 - a pair
            continue
        first, second = group[0].number, group[1].number
        if found.keys().isdisjoint({first, second}):
            found |= {first: second, second: first}
    return found


@dataclass(frozen=True, slots=True)
class Met:
    """A difference as it was judged alone, to be judged again beside the others of its run.

    `micros` is how much is at stake, with its sign.
    """

    location: str
    item: str
    micros: int
    level: Level
    verdict: Verdict


def together(met: Sequence[Met], bills: Mapping[str, Bill]) -> dict[int, Verdict]:
    """Judge again, beside each other, what one key alone does not tell: kits, and lost and found.

    Answers the verdicts that change, by number.
    """
    differing = [
        Differing(number, one.location, one.item, one.micros, one.verdict.held_by)
        for number, one in enumerate(met)
        if one.level is Level.TOTAL and (one.verdict.held_by or one.verdict.cause is Cause.UNKNOWN)
    ]
    found = {
        number: Verdict(
            Cause.KIT_EXPLOSION,
            f"one side moved {kit} whole, the other its components, in the ratio of its bill",
        )
        for number, kit in kits.explosions(differing, bills).items()
    }
    counted = [
        Loose(number, one.location, one.item, one.micros)
        for number, one in enumerate(met)
        if number not in found and one.verdict.cause in {Cause.SHRINK, Cause.COUNT}
    ]
    for number, partner in pairs(counted).items():
        lost, gained = met[number], met[partner]
        if (lost.verdict.cause, gained.verdict.cause) == (Cause.SHRINK, Cause.COUNT):
            because = f"as much of {gained.item} was found by a count at {gained.location}"
            found[number] = Verdict(Cause.COUNT, because, lost.verdict.held_by)
    return found
