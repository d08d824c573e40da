"""Orders, as far as stock needs them: lines of demand with their open quantities."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, Self

from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import Reference, Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandLine:
    """One order line's claim on stock at a location or location group.

    `demand_ref` names the line for ever ("shop:1001/1"); picks and reservations quote it.
    `ordered` and `cancelled` are totals, not changes; `base_*` are set by the hub.
    `requested_ship_date` is the day of the location's calendar it is to leave on, and so the day
    it takes its goods; none is at once. `released` is a total, too: what was handed to the
    warehouse to be picked, picked since or not; none is that the source does not tell.

    A line that `is_dropship` is sent by its supplier: it claims no stock of ours, at `location` or
    elsewhere. `drop_ship_po_line` is the purchase that it is sent on, by its supply id.
    """

    demand_ref: str
    item: str
    location: str
    ordered: Quantity
    cancelled: Quantity
    base_ordered: Quantity | None = None
    base_cancelled: Quantity | None = None
    requested_ship_date: date | None = None
    released: Quantity | None = None
    base_released: Quantity | None = None
    is_dropship: bool = False
    drop_ship_po_line: str = ""

    @property
    def claims_stock(self) -> bool:
        """Say whether it is ours to send (§3.5): a drop-shipped line never is."""
        return not (self.is_dropship or self.drop_ship_po_line)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """The whole state of an accepted order at the fact's version: the newest version wins.

    `placed_at` is when the customer ordered, where the source tells that apart from the time of
    its last change; it is the same in every version. `customer` is who ordered, by the source's
    own code; the hub puts its id of the party there where it knows it. No order waits for that:
    its goods are claimed whoever it is.
    """

    TYPE: ClassVar[str] = "orders.order_changed.v1"

    order_id: str
    lines: tuple[DemandLine, ...]
    customer_po: str = ""
    channel: str = ""
    placed_at: datetime | None = None
    customer: str = ""

    @property
    def key(self) -> str:
        return self.order_id

    @property
    def claiming(self) -> tuple[DemandLine, ...]:
        """Give the lines that claim stock of ours: all but those that a supplier sends (§3.5)."""
        return tuple(line for line in self.lines if line.claims_stock)

    def references(self) -> tuple[Reference, ...]:
        items = [Reference.item(line.item, line.ordered) for line in self.lines]
        items += (
            Reference.item(line.item, told)  # a warehouse may speak in other units
            for line in self.lines
            for told in (line.cancelled, line.released)
            if told is not None and told.unit != line.ordered.unit
        )
        places = [Reference.location(line.location) for line in self.lines]
        if self.customer.strip():
            places.append(Reference.party(self.customer, may_be_unknown=True))
        return (*items, *places)

    def resolved(self, resolution: Resolution) -> Self:
        return replace(
            self,
            customer=resolution.party(self.customer) if self.customer.strip() else "",
            lines=tuple(
                replace(
                    line,
                    item=resolution.item(line.item),
                    location=resolution.location(line.location),
                    base_ordered=resolution.base(line.item, line.ordered),
                    base_cancelled=resolution.base(line.item, line.cancelled),
                    base_released=None
                    if line.released is None
                    else resolution.base(line.item, line.released),
                )
                for line in self.lines
            ),
        )
