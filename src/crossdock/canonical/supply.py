"""The dated side of stock: what is still to come, when, and on what evidence (domain.md §1.3)."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Self

from crossdock.canonical.errors import Invalid
from crossdock.canonical.open_enums import OpenEnum
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import Reference, Resolution


class SupplyKind(OpenEnum):
    """Which document promises the goods.

    VENDOR_STOCK is a supplier's own, DROP_SHIP what he sends to the customer: never ours. DOCK is
    what the hub itself counts at the dock, booked in and not put away; a source tells it as stock.
    """

    PO_SCHEDULE = "PO_SCHEDULE"
    ASN_LINE = "ASN_LINE"
    TRANSFER = "TRANSFER"
    RMA_EXPECTED = "RMA_EXPECTED"
    ASSEMBLY = "ASSEMBLY"
    VENDOR_STOCK = "VENDOR_STOCK"
    DROP_SHIP = "DROP_SHIP"
    DOCK = "DOCK"
    OTHER = "OTHER"


class SupplyEvidence(OpenEnum):
    """How far it has come: the last thing that somebody said who knows.

    SENT: ordered, nobody answered. ACKNOWLEDGED: confirmed by who supplies it. SHIPPED: on its
    way, by a valid ship notice or our own goods issue. ARRIVED: at the dock, not booked in yet.
    """

    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    BACKORDERED = "BACKORDERED"
    ON_HOLD = "ON_HOLD"
    SHIPPED = "SHIPPED"
    ARRIVED = "ARRIVED"
    OTHER = "OTHER"


class SupplyListing(StrEnum):
    """Whose word a commitment is: its source TOLD it, or a reading of all that is open there.

    UNLISTED: the source lists it no more, and nothing is to come of it until the source tells a
    newer version, or lists it again (RELISTED): then as much is to come as it lists.
    """

    TOLD = "TOLD"
    UNLISTED = "UNLISTED"
    RELISTED = "RELISTED"


class ConfidenceClass(StrEnum):
    """What a supply is worth to a promise (domain.md §3.3); D and E are never promised from.

    A: at the dock, or our own transfer under way. B: shipped by a supplier, with a notice. C:
    acknowledged with a date. D: sent, and the answer is not due yet. E: late, without a date,
    back-ordered, on hold. V: a supplier's own stock, for drop shipment alone.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    V = "V"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyPeg:
    """So much of a supply is spoken for by one order line, which it goes to across the dock."""

    demand_ref: str
    quantity: Quantity
    base: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyCommitmentChanged:
    """The whole state of one inbound commitment at the fact's version: the newest version wins.

    `supply_id` names it for ever ("po:4711/1/1"). `open_quantity` is still to come: ordered less
    cancelled less received. Of a purchase order it still holds what ship notices announced;
    these name it as `parent_supply_id`, and the hub takes them off it, so that nothing counts
    twice (A29). `eta` is a day of the location's own calendar; none is no date. The hub
    judges its class by `kind`, `evidence`, `eta` and `acknowledgment_due`; a source that knows
    worse says so as `confidence`, which never makes it better. `base_open` is the same in the
    item's base unit, as `base_received` is of what was received, both set by the hub.
    `supplier` is whose it is, and of his line he `acknowledged` so much last, of which so much was
    `received` so far, both in the unit of `open_quantity`; none is that nobody says it. So
    much of what he acknowledged the buyer `cancelled` or closed himself: what the supplier
    rejected, or never sent, is none of it.
    `listing` is set by the hub where it read that the source lists it no more, or lists it again.
    """

    TYPE: ClassVar[str] = "supply.commitment_changed.v1"

    supply_id: str
    kind: SupplyKind
    item: str
    location: str
    open_quantity: Quantity
    evidence: SupplyEvidence = SupplyEvidence.SENT
    eta: date | None = None
    eta_source: str = ""
    acknowledgment_due: date | None = None
    confidence: ConfidenceClass | None = None
    parent_supply_id: str = ""
    document_ref: str = ""
    pegs: tuple[SupplyPeg, ...] = ()
    supplier: str = ""
    acknowledged: Quantity | None = None
    received: Quantity | None = None
    cancelled: Quantity | None = None
    listing: SupplyListing = SupplyListing.TOLD
    base_open: Quantity | None = None
    base_received: Quantity | None = None

    @property
    def key(self) -> str:
        return self.supply_id

    def references(self) -> tuple[Reference, ...]:
        of = [Reference.party(self.supplier, may_be_unknown=True)] if self.supplier.strip() else []
        return (
            Reference.item(self.item, self.open_quantity),
            *(Reference.item(self.item, peg.quantity) for peg in self.pegs),
            Reference.location(self.location),
            *of,
        )

    def resolved(self, resolution: Resolution) -> Self:
        if not self.supply_id.strip() or self.supply_id == self.parent_supply_id:
            raise Invalid(
                "a supply has an id of its own",
                where="/payload/supply_id",
                code="EVT-SCHEMA",
                hint="name it once for ever, by its document and line",
            )
        amounts = [self.open_quantity, *(peg.quantity for peg in self.pegs)]
        if any(amount.value < 0 for amount in amounts):
            raise Invalid(
                f"{self.supply_id} has less than nothing to come",
                where="/payload/open_quantity",
                code="EVT-SCHEMA",
                hint="send what is still open in all: zero or more",
            )
        self._check_fill()
        return replace(
            self,
            item=resolution.item(self.item),
            location=resolution.location(self.location),
            supplier=resolution.party(self.supplier) if self.supplier.strip() else "",
            base_open=resolution.base(self.item, self.open_quantity),
            base_received=None
            if self.received is None
            else resolution.base(self.item, self.received),
            pegs=tuple(
                replace(peg, base=resolution.base(self.item, peg.quantity)) for peg in self.pegs
            ),
        )

    def _check_fill(self) -> None:
        for name in ("acknowledged", "received", "cancelled"):
            amount: Quantity | None = getattr(self, name)
            if amount is None:
                continue
            if amount.value < 0 or amount.unit != self.open_quantity.unit:
                raise Invalid(
                    f"{self.supply_id} has {name} {amount.value} {amount.unit}",
                    where=f"/payload/{name}",
                    code="EVT-SCHEMA",
                    hint=f"zero or more, in the unit of what is open: {self.open_quantity.unit}",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubstitutionChanged:
    """The next version of what may stand in for an item was put, and holds from now on (§1.2).

    `alternatives` are items, the first to be offered first; none: nothing stands in any more.
    """

    TYPE: ClassVar[str] = "supply.substitution_changed.v1"

    item: str
    version: int
    changed_by: str
    alternatives: tuple[str, ...] = ()
    chooses: str = ""
    keeps_rest: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class AtpRuleChanged:
    """A rule of answers by date was said or taken back, and holds from now on (§3.3).

    It is for an item at a location; "*" is all of them, of one `item_class` if that is named.
    `says` names all that it says, what is null among the rest is said by the next wider rule; in
    full it is listed by what it is for.
    `pack` is in the base unit. `version` counts from 1, by what it is for.
    """

    TYPE: ClassVar[str] = "supply.atp_rule_changed.v1"

    item: str
    location: str
    version: int
    changed_by: str
    is_cleared: bool = False
    item_class: str = ""
    says: tuple[str, ...] = ()
    mode: str | None = None
    fence_days: int | None = None
    is_replenishable: bool | None = None
    lead_time_days: int | None = None
    weekdays: str | None = None
    cutoff: str | None = None
    hours: str | None = None
    pack: Decimal | None = None

    @property
    def key(self) -> str:
        return self.item


class PromiseState(StrEnum):
    """What has become of a promise by date, at the moment that is told.

    MADE. REPLACED by another. RELEASED: given back. LAPSED: no order took it up in its time.
    TAKEN_UP: an order did, so that it stays beyond its time, without an end (`expires_at` null).
    ENDED: all of it has left, or its order says otherwise. SECURED: all that is to leave is held
    out of what lies there. AT_RISK: what is to come does not cover it any more. COVERED: it does
    again.
    """

    MADE = "MADE"
    REPLACED = "REPLACED"
    RELEASED = "RELEASED"
    LAPSED = "LAPSED"
    TAKEN_UP = "TAKEN_UP"
    ENDED = "ENDED"
    SECURED = "SECURED"
    AT_RISK = "AT_RISK"
    COVERED = "COVERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedPart:
    """So much of a promise leaves on a day; `held` of it is reserved out of what lies there.

    `made` of a kit is put together, null is none: what that takes stands under the same number.
    """

    line_no: int
    item: str
    location: str
    demand_ref: str
    ship_date: date
    quantity: Quantity
    held: Quantity
    made: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortPart:
    """So much of a line of a promise is not covered, from a day on."""

    line_no: int
    item: str
    location: str
    day: date
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseByDateChanged:
    """A promise by date was made, ended, or came to stand otherwise; amounts in the base unit.

    `changed_by` is the client who made, replaced or released it; what the hub found out by itself
    is the hub's. `short` is what is not covered of one AT_RISK, `replaced_by` the promise in its
    place. It lapses at `expires_at` unless an order is known by then; null is never. `version`
    counts what is told of it, from 1 (§3.3).
    """

    TYPE: ClassVar[str] = "supply.promise_changed.v1"

    promise_id: str
    state: PromiseState
    version: int
    changed_by: str
    client: str
    request_id: str
    lines: tuple[PromisedPart, ...]
    short: tuple[ShortPart, ...] = ()
    replaced_by: str = ""
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.promise_id
