"""What is done about a difference, how urgent it is, what is to be counted (§4.2-§4.5). Pure."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.model import DAY, HOUR, ItemClass


class Remedy(StrEnum):
    """What the policy recommends; none of them posts an adjustment by itself."""

    LOG = "LOG"
    """Within tolerance: counted, no more."""
    WAIT = "WAIT"
    """Suspected only: the next run decides."""
    REDRIVE = "REDRIVE"
    """Send the missing document again; whoever gets it twice takes it once."""
    REFETCH = "REFETCH"
    """Read the keeper's facts again: the hub lacks a document."""
    FINANCE_TASK = "FINANCE_TASK"
    """A person reverses the duplicate in the other system; never automatic."""
    MASTER_DATA = "MASTER_DATA"
    """The units or the names are wrong: correct them, adjust nothing."""
    MAP_STATUS = "MAP_STATUS"
    """Correct the status, or its mapping, in the follower."""
    REPUBLISH = "REPUBLISH"
    """Write the channel's level again, by compare-and-set."""
    ASK_CARRIER = "ASK_CARRIER"
    """Ask the carrier where the goods are, or for the proof that they were delivered."""
    COUNT = "COUNT"
    """Count the shelf; the count posts the adjustment."""


_BY_CAUSE: Mapping[Cause, Remedy] = MappingProxyType(
    {
        Cause.TIMING: Remedy.WAIT,
        Cause.MSG_LOST: Remedy.REDRIVE,
        Cause.MSG_REJECTED: Remedy.REDRIVE,
        Cause.CUTOFF: Remedy.REDRIVE,
        Cause.MSG_ORDER: Remedy.REFETCH,
        Cause.MSG_DUP: Remedy.FINANCE_TASK,
        Cause.MANUAL_ADJ: Remedy.FINANCE_TASK,
        Cause.COUNT: Remedy.FINANCE_TASK,
        Cause.SHRINK: Remedy.FINANCE_TASK,
        Cause.RETURN_UNPOSTED: Remedy.REDRIVE,
        Cause.TRANSFER_STUCK: Remedy.REDRIVE,
        Cause.UOM: Remedy.MASTER_DATA,
        Cause.KIT_EXPLOSION: Remedy.MASTER_DATA,
        Cause.XREF: Remedy.MASTER_DATA,
        Cause.ROUNDING: Remedy.MASTER_DATA,
        Cause.STATUS_MAP: Remedy.MAP_STATUS,
        Cause.CONSIGNMENT_OWNER: Remedy.MAP_STATUS,
    }
)


def remedy_for(cause: Cause, *, is_proven: bool, is_ours_lacking: bool = False) -> Remedy:
    """Recommend by policy (§4.3). `is_proven`: exact documents account for all of it.

    A message is sent again only if the very document is known: a hint by quantity is counted. One
    that the ledger lacks is not sent, but read again where it came from.
    """
    remedy = _BY_CAUSE.get(cause, Remedy.COUNT)
    if remedy is Remedy.REDRIVE and is_ours_lacking:
        remedy = Remedy.REFETCH
    is_message = remedy in {Remedy.REDRIVE, Remedy.REFETCH, Remedy.FINANCE_TASK}
    return Remedy.COUNT if is_message and not is_proven else remedy


AGES = (("0-4 h", 4 * HOUR), ("4-24 h", DAY), ("1-3 d", 3 * DAY), ("3-7 d", 7 * DAY))
"""Buckets, each with where it ends; "> 7 d" has no end."""


def age_bucket(age: int) -> str:
    return AGE_NAMES[age_factor(age) - 1]


AGE_NAMES = (*(name for name, _ in AGES), "> 7 d")


def age_factor(age: int) -> int:
    """Weigh a bucket: 1 for the youngest, 5 for the oldest."""
    return 1 + sum(1 for _, end in AGES if age >= end)


def priority(value: int | None, *, sellable_mille: int, age: int) -> int:
    """Score value at risk x sellability x age (§4.5); what has no price scores zero."""
    return (value or 0) * sellable_mille * age_factor(age) // (1000 * MICROS)


def due_within(of: ItemClass) -> int:
    """Answer how long a confirmed difference may stay open: A 8 working hours, others 3 days."""
    return 8 * HOUR if of is ItemClass.A else 3 * DAY


COUNTS_A_YEAR: Mapping[ItemClass, int] = MappingProxyType(
    {ItemClass.A: 4, ItemClass.B: 2, ItemClass.C: 1}
)
TREND_TIMES = 3


class CountReason(StrEnum):
    """Why a shelf is to be counted, the most urgent first."""

    RECOUNT = "RECOUNT"
    DIFFERENCE = "DIFFERENCE"
    NEGATIVE = "NEGATIVE"
    RECALL = "RECALL"
    SHORT_PICK = "SHORT_PICK"
    EMPTY_SHELF = "EMPTY_SHELF"
    ZERO_BALANCE = "ZERO_BALANCE"
    TREND = "TREND"
    CLASS_DUE = "CLASS_DUE"


ASKED = frozenset(
    {
        CountReason.RECALL,
        CountReason.SHORT_PICK,
        CountReason.EMPTY_SHELF,
        CountReason.ZERO_BALANCE,
    }
)
"""What only those tell who stand before the shelf, or recall goods: it is asked for (§4.2)."""

STAYS = ASKED | {CountReason.RECOUNT}
"""What is to be counted until it is, or is refused: no comparison would propose it again."""

URGENCY: Mapping[str, int] = {reason: rank for rank, reason in enumerate(CountReason)}


DUE_DAYS = 14
"""So long a key's turn stands, whoever compares in between, or until it is counted."""


def turn_of(location: str, item: str, of: ItemClass, day: int) -> int:
    """Say on which day the last turn of a key was: A has 4, B 2, C 1 in a year (§4.2).

    The days are spread over the keys of a class as if by chance, and are the same whoever asks.
    """
    every = 365 // COUNTS_A_YEAR[of]
    return day - (day - zlib.crc32(f"{location}\0{item}".encode())) % every


def is_due(location: str, item: str, of: ItemClass, day: int) -> bool:
    """Say whether a key's turn has come and stands still."""
    return day - turn_of(location, item, of, day) < DUE_DAYS


def is_due_as_any(location: str, item: str, day: int) -> bool:
    """Say whether it would be a key's turn if it were of some class."""
    return any(is_due(location, item, of, day) for of in ItemClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """What is known of a key that a count might settle; `is_due`: by its class it is its turn."""

    item: str
    location: str
    of: ItemClass = ItemClass.A
    unexplained: int = 0
    is_negative: bool = False
    times_tolerated: int = 0
    is_due: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CountProposal:
    """A blind count: the counter is not told the quantity."""

    item: str
    location: str
    of: ItemClass
    reason: CountReason
    priority: int


def count_reason(known: Suspicion) -> CountReason | None:
    """Say why the key is to be counted now, if at all (§4.2, §4.3)."""
    reasons = {
        CountReason.DIFFERENCE: known.unexplained != 0,
        CountReason.NEGATIVE: known.is_negative,
        CountReason.TREND: known.times_tolerated > TREND_TIMES,
        CountReason.CLASS_DUE: known.is_due,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def count_proposals(known: Iterable[Suspicion]) -> list[CountProposal]:
    """Propose each key once, the most urgent first: by reason, then money, then class."""
    found = [
        CountProposal(
            item=one.item,
            location=one.location,
            of=one.of,
            reason=reason,
            priority=one.priority,
        )
        for one in known
        if (reason := count_reason(one)) is not None
    ]
    found.sort(key=lambda p: (URGENCY[p.reason], -p.priority, p.of, p.location, p.item))
    once: dict[tuple[str, str], CountProposal] = {}
    for proposal in found:
        once.setdefault((proposal.location, proposal.item), proposal)
    return list(once.values())
