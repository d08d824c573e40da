"""The words of stock: statuses, movements, snapshots, promises, and what the hub says of them."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from crossdock.canonical.errors import Invalid
from crossdock.canonical.open_enums import OpenEnum
from crossdock.canonical.quantities import Quantity, plain
from crossdock.canonical.references import Reference, Resolution


class StockStatus(StrEnum):
    """Physical buckets, mutually exclusive; on-hand is all but IN_TRANSIT (domain.md §1.3)."""

    AVAILABLE = "AVAILABLE"
    QC_HOLD = "QC_HOLD"
    DAMAGED = "DAMAGED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    RETURN_PENDING = "RETURN_PENDING"
    RECEIVING = "RECEIVING"
    STAGED_OUT = "STAGED_OUT"
    IN_TRANSIT = "IN_TRANSIT"


OFF_THE_SHELF = frozenset({StockStatus.STAGED_OUT, StockStatus.IN_TRANSIT})
"""What was picked, and waits to go, is on no shelf any more."""


class MovementType(OpenEnum):
    """Why stock moved (domain.md §1.3); OTHER keeps an unknown native reason visible."""

    RECEIPT = "RECEIPT"
    PUTAWAY = "PUTAWAY"
    RTV = "RTV"
    QC_RELEASE = "QC_RELEASE"
    QC_HOLD = "QC_HOLD"
    BLOCK = "BLOCK"
    UNBLOCK = "UNBLOCK"
    DAMAGE = "DAMAGE"
    EXPIRE = "EXPIRE"
    RECALL = "RECALL"
    PICK = "PICK"
    UNPICK = "UNPICK"
    SHIP = "SHIP"
    SHIP_VOID = "SHIP_VOID"
    TRANSFER_SHIP = "TRANSFER_SHIP"
    TRANSFER_RECEIVE = "TRANSFER_RECEIVE"
    RETURN_RECEIPT = "RETURN_RECEIPT"
    DISPOSITION = "DISPOSITION"
    COUNT_ADJUST = "COUNT_ADJUST"
    ADJUST = "ADJUST"
    ASSEMBLE = "ASSEMBLE"
    DISASSEMBLE = "DISASSEMBLE"
    OWNER_CHANGE = "OWNER_CHANGE"
    UOM_REPACK = "UOM_REPACK"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One end of a movement: where, in which bucket, whose, which lot or serial ("" is none)."""

    location: str
    status: StockStatus = StockStatus.AVAILABLE
    owner: str = ""
    lot: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMoved:
    """Goods changed place, bucket, lot or owner. A missing end is outside the house.

    `quantity` is positive, as transacted; `base` is the same in the item's base unit, set by the
    hub. `demand_ref` is the order line this movement serves; it leaves the demand overlay when the
    goods leave AVAILABLE (A28). A correction is a new movement with `reverses_id`. `moved_by` is
    who did it, as the source names its people; of a count, who counted.
    """

    TYPE: ClassVar[str] = "inventory.stock_moved.v1"

    movement_id: str
    item: str
    quantity: Quantity
    type: MovementType
    source_place: Place | None = None
    target_place: Place | None = None
    base: Quantity | None = None
    reason: str = ""
    document_ref: str = ""
    demand_ref: str = ""
    reverses_id: str = ""
    moved_by: str = ""

    @property
    def key(self) -> str:
        return self.item

    def references(self) -> tuple[Reference, ...]:
        places = [place for place in (self.source_place, self.target_place) if place]
        return (
            Reference.item(self.item, self.quantity),
            *(Reference.location(place.location) for place in places),
        )

    def resolved(self, resolution: Resolution) -> Self:
        if self.quantity.value < 0:
            raise Invalid(
                f"A {self.type} of {plain(self.quantity.value)}: send its reversal instead",
                where="/payload/quantity",
                code="EVT-SCHEMA",
            )
        return replace(
            self,
            item=resolution.item(self.item),
            base=resolution.base(self.item, self.quantity),
            source_place=_resolved(self.source_place, resolution),
            target_place=_resolved(self.target_place, resolution),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedStock:
    """One line of a snapshot: how much of an item lies in one bucket."""

    item: str
    quantity: Quantity
    status: StockStatus = StockStatus.AVAILABLE
    owner: str = ""
    lot: str = ""
    serial: str = ""
    base: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockSnapshotTaken:
    """The levels of one location as of the fact's sequence (its watermark).

    Movements recorded at or below the watermark are already inside (A18, R8). An item that a
    snapshot omits is *not* zero, unless `is_full`: then every bucket of the location that it does
    not name was empty at the watermark.
    """

    TYPE: ClassVar[str] = "inventory.snapshot_taken.v1"

    snapshot_id: str
    location: str
    lines: tuple[CountedStock, ...]
    is_full: bool = False

    @property
    def key(self) -> str:
        return self.location

    def references(self) -> tuple[Reference, ...]:
        return (
            Reference.location(self.location),
            *(Reference.item(line.item, line.quantity) for line in self.lines),
        )

    def resolved(self, resolution: Resolution) -> Self:
        return replace(
            self,
            location=resolution.location(self.location),
            lines=tuple(
                replace(
                    line,
                    item=resolution.item(line.item),
                    base=resolution.base(line.item, line.quantity),
                )
                for line in self.lines
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHeard:
    """A sign of life: the source was reachable and has nothing newer than this to tell.

    A quiet item is not a stale one; a silent source makes all of its positions stale.
    """

    TYPE: ClassVar[str] = "inventory.source_heard.v1"

    source: str

    @property
    def key(self) -> str:
        return self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityChanged:
    """The hub's figures for an item at a location after a batch; amounts in the base unit.

    Sums of the position at `version`; a listener that sees versions out of order keeps the higher.
    """

    TYPE: ClassVar[str] = "inventory.availability_changed.v1"

    item: str
    location: str
    version: int
    nettable: Quantity
    hard: Quantity
    soft: Quantity
    safety: Quantity

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyStockChanged:
    """Somebody keeps more or less of an item at a location from being promised (§3.1).

    Figures of `version` or a later one have it in them; amounts are in the base unit.
    """

    TYPE: ClassVar[str] = "inventory.safety_stock_changed.v1"

    item: str
    location: str
    version: int
    changed_by: str
    before: Quantity
    safety: Quantity

    @property
    def key(self) -> str:
        return self.item


class ReservationKind(StrEnum):
    SOFT = "SOFT"
    HARD = "HARD"


class ReservationStatus(StrEnum):
    """PENDING is never stored: a reservation is decided in the transaction that records it."""

    ACTIVE = "ACTIVE"
    PARTIALLY_CONSUMED = "PARTIALLY_CONSUMED"
    CONSUMED = "CONSUMED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    DENIED = "DENIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationChanged:
    """A promise was made, confirmed, extended, consumed, released or refused, line by line."""

    TYPE: ClassVar[str] = "inventory.reservation_changed.v1"

    reservation_id: str
    line_no: int
    status: ReservationStatus
    kind: ReservationKind
    item: str
    location: str
    requested: Quantity
    granted: Quantity
    consumed: Quantity
    demand_ref: str = ""
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class StockWentNegative:
    """A bucket is below zero (INV-NEG): shown and owned, and counted as zero in availability."""

    TYPE: ClassVar[str] = "inventory.stock_went_negative.v1"

    item: str
    place: Place
    quantity: Quantity

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfEmptied:
    """A movement has left nothing of an item at a location but what is staged or in transit.

    It occurred when that movement did.
    """

    TYPE: ClassVar[str] = "inventory.shelf_emptied.v1"

    item: str
    location: str

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCounted:
    """What a count found in a bucket, beside what the ledger said of its very instant (R9).

    `book` is the ledger as of `counted_at`, without the count; `counted` less `book` is what the
    count adjusts. `count_ref` is the movement or snapshot that told it, `told_by` its source,
    `counted_by` who counted, where the source names that. Amounts are in the base unit.
    """

    TYPE: ClassVar[str] = "inventory.stock_counted.v1"

    item: str
    place: Place
    counted_at: datetime
    book: Quantity
    counted: Quantity
    count_ref: str
    told_by: str
    counted_by: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineOverPicked:
    """More has left its shelf for an order line than the line orders (ORD-LEDGER)."""

    TYPE: ClassVar[str] = "inventory.order_line_over_picked.v1"

    order_id: str
    demand_ref: str
    item: str
    location: str
    ordered: Quantity
    picked: Quantity

    @property
    def key(self) -> str:
        return self.order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialOvercounted:
    """A bucket holds more than one of a serial, of which there is one: told twice, or mistaken."""

    TYPE: ClassVar[str] = "inventory.serial_overcounted.v1"

    item: str
    place: Place
    quantity: Quantity

    @property
    def key(self) -> str:
        return self.item


def _resolved(place: Place | None, resolution: Resolution) -> Place | None:
    return place and replace(place, location=resolution.location(place.location))
