"""What a supply is worth to a promise: its class, how much of it counts, and from when (§3.3).

Nothing is multiplied by a chance: a class is promised from or it is not, less a haircut, after a
buffer. So every exclusion has a reason that a buyer can do something about.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from crossdock.canonical.calendars import Calendar
from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.fill import LINES_LEAST, Fill
from crossdock.capabilities.supply.rules import AtpTerms, ClassTerms

PROMISED = frozenset({ConfidenceClass.A, ConfidenceClass.B, ConfidenceClass.C})
"""No promise is ever pegged to any other class, whatever a rule says (I6)."""


DOCK = "RECEIVING"
"""What lies at the dock is told under this name, of no source."""


class Supply(NamedTuple):
    """One open commitment. `announced` is what its children's notices hold of it (A29).

    `room` is what its parent has open for it, None where it has no parent that is known: notices
    never come to more than the purchase they belong to (I9). `told_at` is when its source said so.
    `fill` is how much of what `supplier` acknowledges comes, where a rule asks for it. `sent_at`
    is when it was first told as sent; its answer is due by the rule, if its source says no day.
    """

    supply_id: str
    source: str
    kind: SupplyKind
    location: str
    micros: int
    evidence: SupplyEvidence = SupplyEvidence.SENT
    eta: date | None = None
    acknowledgment_due: date | None = None
    confidence: ConfidenceClass | None = None
    announced: int = 0
    pegs: tuple[tuple[str, int], ...] = ()
    document_ref: str = ""
    room: int | None = None
    told_at: datetime | None = None
    supplier: str = ""
    fill: Fill | None = None
    sent_at: datetime | None = None

    @property
    def remaining(self) -> int:
        left = max(0, self.micros - self.announced)
        return left if self.room is None else min(left, max(0, self.room))

    @property
    def pegged(self) -> int:
        """Count what goes across the dock to its order lines, of what is still to come."""
        return min(self.remaining, sum(micros for _, micros in self.pegs))


class Inbound(NamedTuple):
    """A supply as a promise sees it; `on` is None and `micros` 0 where it is not promised from."""

    supply: Supply
    confidence: ConfidenceClass
    micros: int
    on: date | None
    reason: str


BY_EVIDENCE: Mapping[SupplyEvidence, tuple[ConfidenceClass, str]] = MappingProxyType(
    {
        SupplyEvidence.ARRIVED: (ConfidenceClass.A, "it is at the dock"),
        SupplyEvidence.SHIPPED: (ConfidenceClass.B, "it is under way, with a ship notice"),
        SupplyEvidence.ACKNOWLEDGED: (ConfidenceClass.C, "it is acknowledged with a date"),
        SupplyEvidence.SENT: (ConfidenceClass.D, "it is sent and not acknowledged"),
        SupplyEvidence.BACKORDERED: (ConfidenceClass.E, "it is back-ordered"),
        SupplyEvidence.ON_HOLD: (ConfidenceClass.E, "it is on hold"),
        SupplyEvidence.OTHER: (ConfidenceClass.E, "nobody knows what its evidence means"),
    }
)


_UNDER_WAY = frozenset({SupplyEvidence.SHIPPED, SupplyEvidence.ARRIVED})
_NEVER: Mapping[SupplyKind, tuple[ConfidenceClass, str]] = MappingProxyType(
    {
        SupplyKind.VENDOR_STOCK: (
            ConfidenceClass.V,
            "a supplier's own stock, for drop shipment alone",
        ),
        SupplyKind.DROP_SHIP: (
            ConfidenceClass.V,
            "its supplier sends it to the customer, so it is never ours",
        ),
        SupplyKind.OTHER: (ConfidenceClass.E, "nobody knows what kind of supply it is"),
    }
)
_NOT_SHIPPED = (ConfidenceClass.D, "our own transfer has not left yet")


def classified(supply: Supply, today: date, past_due_days: int) -> tuple[ConfidenceClass, str]:
    """Give the class of a supply today, and why.

    Its source may call it worse than its evidence says, never better (I6).
    """
    if (fixed := _by_kind(supply)) is not None:
        return fixed
    found, reason = _by_evidence(supply, today)
    if supply.confidence is not None and supply.confidence > found:
        found, reason = supply.confidence, "its source says so"
    if found in PROMISED and supply.evidence is not SupplyEvidence.ARRIVED:
        if supply.eta is None:
            return ConfidenceClass.E, "it has no date"
        if (late := (today - supply.eta).days) > past_due_days:
            return ConfidenceClass.E, f"it is {late} days overdue, the limit is {past_due_days}"
    return found, reason


def _by_kind(supply: Supply) -> tuple[ConfidenceClass, str] | None:
    """Class what is not promised from whatever its source says; None is all the rest."""
    if supply.kind is SupplyKind.DOCK and supply.source:
        return ConfidenceClass.E, "what lies at the dock is told as stock, in RECEIVING"
    if supply.kind is SupplyKind.TRANSFER and supply.evidence not in _UNDER_WAY:
        # Until it leaves, its goods are promised where they lie (A23).
        found = BY_EVIDENCE[supply.evidence]
        return found if found[0] is ConfidenceClass.E else _NOT_SHIPPED
    return _NEVER.get(supply.kind)


def _by_evidence(supply: Supply, today: date) -> tuple[ConfidenceClass, str]:
    if supply.kind is SupplyKind.RMA_EXPECTED:
        return ConfidenceClass.D, "returned goods wait for their disposition"
    if supply.kind is SupplyKind.TRANSFER and supply.evidence is SupplyEvidence.SHIPPED:
        return ConfidenceClass.A, "our own transfer is under way"
    due = supply.acknowledgment_due
    if supply.evidence is SupplyEvidence.SENT and due is not None and today > due:
        return ConfidenceClass.E, f"it is unacknowledged, and was due on {due}"
    return BY_EVIDENCE[supply.evidence]


def effective(
    supply: Supply, today: date, terms: AtpTerms, calendar: Calendar, *, step: int, last: date
) -> Inbound:
    """Give how much of a supply counts, and from which day on.

    Its haircut rounds down to what changes hands (`step`); what is pegged to order lines is off.
    The day is the next working day after its buffer, and the days from dock to stock behind it.
    Behind `last`, the end of the horizon, nothing is computed.
    """
    supply = supply._replace(acknowledgment_due=answer_due(supply, today, terms, calendar))
    confidence, reason = classified(supply, today, terms.past_due_supply_days)
    worth = terms.classes.get(confidence) if confidence in PROMISED else None
    if worth is None:
        return Inbound(supply, confidence, 0, None, reason)
    percent, why = _haircut(supply, worth)
    whole = supply.remaining * percent // 100 // step * step
    micros = max(0, whole - supply.pegged)
    expected = max(arrival(supply, today), today)
    if expected > last:
        return Inbound(supply, confidence, 0, None, "it comes after the horizon")
    on = calendar.plus_working_days(expected, worth.buffer_days)
    if terms.dock_to_stock_days:
        on = calendar.plus_working_days(on, terms.dock_to_stock_days)
    if supply.room is not None and supply.room < supply.micros - supply.announced:
        reason += ", cut to what its purchase has open"
    reason += _late(supply, today, terms.past_due_supply_days) + why
    return Inbound(supply, confidence, micros, on, reason)


def _late(supply: Supply, today: date, limit_days: int) -> str:
    """Say of what is past due and still expected from when on it counts, and until when."""
    late = (today - supply.eta).days if supply.eta else 0
    if late <= 0 or supply.evidence is SupplyEvidence.ARRIVED:
        return ""
    return f", {_days(late)} late: counted from today, until it is {_days(limit_days)} late"


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


def answer_due(supply: Supply, today: date, terms: AtpTerms, calendar: Calendar) -> date | None:
    """Give the last day for a supplier's answer to a purchase that was sent (§5.1).

    Its source's own word, else so many working days as the rule says, from the day it was sent on
    by UTC; None is that nobody waits.
    """
    awaited = (supply.kind, supply.evidence) == (SupplyKind.PO_SCHEDULE, SupplyEvidence.SENT)
    if supply.acknowledgment_due or not awaited or supply.sent_at is None:
        return supply.acknowledgment_due
    if not terms.acknowledge_days:
        return None
    sent = min(supply.sent_at.date(), today)
    return calendar.plus_working_days(sent, terms.acknowledge_days)


def _haircut(supply: Supply, worth: ClassTerms) -> tuple[int, str]:
    """Give how many percent of a supply count, and what is to be said of it."""
    if not worth.by_supplier:
        return worth.percent, ""
    fill = supply.fill
    if fill is None or not fill.is_enough:
        had = fill.lines if fill else 0
        why = f"its supplier's fill has {had} lines, and needs {LINES_LEAST}"
        return worth.percent, f"; {worth.percent} % count by the rule: {why}"
    of = f"the fill of {fill.supplier} (P10 of his last {fill.lines} lines)"
    return fill.percent, f"; {fill.percent} % count, {of}"


def with_dock(
    supplies: Sequence[Supply], docked: int, location: str, today: date
) -> Sequence[Supply]:
    """Add what was booked in and is not put away: it has arrived.

    What a source still tells as arrived is the same goods, and counts once (I9); what is never
    promised from is other goods: returns that wait, what a supplier has or sends himself.
    """
    told = sum(
        one.remaining
        for one in supplies
        if one.evidence is SupplyEvidence.ARRIVED and classified(one, today, 0)[0] in PROMISED
    )
    if docked <= told:
        return supplies
    lies = Supply(
        DOCK, "", SupplyKind.DOCK, location, docked - told, evidence=SupplyEvidence.ARRIVED
    )
    return (*supplies, lies)


def arrival(supply: Supply, today: date) -> date:
    """Give the day that a supply comes on, or came on: its goods age from then on.

    What is overdue and still expected cannot come before today; what is at the dock has come.
    """
    told = supply.eta or today
    return min(told, today) if supply.evidence is SupplyEvidence.ARRIVED else max(told, today)


def is_past_due(day: date, today: date, limit_days: int) -> bool:
    """Say whether a demand is so late that it no longer holds anything back."""
    return today - day > timedelta(days=limit_days)
