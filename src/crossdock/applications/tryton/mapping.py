"""Tryton's rows in canonical words; pure. A page holds all that decides about its rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from crossdock.applications.tryton.counts import counted
from crossdock.applications.tryton.movements import INTERNAL_SHIPMENT, movement_type
from crossdock.applications.tryton.places import Places
from crossdock.applications.tryton.purchases import STOCKED, day, is_stocked, reader, total
from crossdock.applications.tryton.units import Units
from crossdock.applications.tryton.wire import decoded, encoded, flag, moment, text
from crossdock.canonical.catalog import ItemChanged, ItemStatus, LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import CrossdockError, Missing
from crossdock.canonical.inventory import MovementType, StockMoved, StockStatus
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyEvidence
from crossdock.connectivity.sdk import BOOKED_BY_HUB, Translation, Untranslatable
from crossdock.connectivity.sdk.facts import stamped

Row = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ITEM_FIELDS = (
    *("code", "rec_name", "type", "active", "default_uom", "last_modified_at"),
    *("template.last_modified_at", "template.name", "identifiers.type", "identifiers.code"),
)
SALE_FIELDS = (
    *("number", "reference", "state", "warehouse", "shipping_date", "last_modified_at"),
    "party.code",
    *("lines.type", "lines.product", "lines.product.type", "lines.quantity", "lines.unit"),
    *("lines.last_modified_at", "lines.moves.state", "lines.moves.quantity", "lines.moves.unit"),
    *("lines.moves.shipment",),
    *("lines.moves_ignored.quantity", "lines.moves_ignored.unit"),
)
CUSTOMER_SHIPMENT = "stock.shipment.out"
SHIPMENT_FIELDS = ("state", "last_modified_at")
# What these hold was handed to the warehouse to be picked.
RELEASED = frozenset({"assigned", "picked", "packed", "done"})
MOVE_FIELDS = (
    *("product", "unit", "quantity", "from_location", "to_location", "state", "effective_date"),
    *("shipment", "origin", "last_modified_at", "create_date"),
)
GTIN_TYPES = frozenset({"ean", "isbn", "upc", "gtin"})
ACCEPTED = frozenset({"confirmed", "processing", "done"})

# What undoing a movement is called; everything else keeps its name.
UNDOING = {
    MovementType.SHIP: MovementType.SHIP_VOID,
    MovementType.PICK: MovementType.UNPICK,
    MovementType.QC_HOLD: MovementType.QC_RELEASE,
    MovementType.QC_RELEASE: MovementType.QC_HOLD,
    MovementType.BLOCK: MovementType.UNBLOCK,
    MovementType.UNBLOCK: MovementType.BLOCK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an installation says about its own words: unit symbols and special locations.

    `confirmed_purchase` is what it is worth to a promise that a purchase is confirmed;
    `installation` tells the purchases of one Tryton from those of another.
    """

    unit_codes: Mapping[str, str] = field(default_factory=dict[str, str])
    location_statuses: Mapping[str, StockStatus] = field(default_factory=dict[str, StockStatus])
    confirmed_purchase: SupplyEvidence = SupplyEvidence.ACKNOWLEDGED
    installation: str = "tryton"


BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)


def read_page(raw: bytes, options: Options) -> Translation:
    """Translate a page as it was read. What cannot be made sense of is refused, never thrown."""
    try:
        return translated(decoded(raw), options)
    except CrossdockError as problem:
        return Translation(refused=(_refused("", raw, problem.code, problem.message),))
    except BROKEN as problem:
        return Translation(refused=(_refused("", raw, "EVT-SCHEMA", f"{problem!r}"),))


def translated(page: Mapping[str, Any], options: Options) -> Translation:
    """Translate every row by itself: one that cannot be read does not hold up the others."""
    if page["topic"] == "stock":
        return counted(page, options.unit_codes, options.location_statuses)
    if "unreadable" in page:
        record = encoded({"topic": page["topic"]})
        return Translation(refused=(_refused("", record, "EVT-SCHEMA", page["unreadable"]),))
    facts: list[Fact] = []
    refused: list[Untranslatable] = []
    for topic, place, rows in _parts(page):
        read = READERS[topic](page["related"], options)
        for number, row in enumerate(rows):
            where = f"{place}/{number}"
            try:
                facts.extend(list(read(row)))
            except CrossdockError as problem:
                refused.append(_refused(where, encoded(row), problem.code, problem.message))
            except BROKEN as problem:
                refused.append(_refused(where, encoded(row), "EVT-SCHEMA", f"{problem!r}"))
    return Translation(tuple(facts), tuple(refused))


def _parts(page: Row) -> Iterator[tuple[str, str, Iterable[Row]]]:
    """Put what is bought before the moves that bring it in: it is off before they are on."""
    if page["topic"] == "moves":
        yield "purchases", "/related/purchases", page["related"].get("purchases", ())
    yield page["topic"], "/answer/result", page["answer"]["result"]


def _refused(where: str, record: bytes, code: str, reason: str) -> Untranslatable:
    # The error tree has codes of its own; the taxonomy's are written in capitals.
    known = code if code.isupper() else "EVT-SCHEMA"
    return Untranslatable(code=known, where=where, reason=reason, record=record)


def micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def _state_fact(kind: str, row: Row, stamp: datetime, payload: Payload) -> Fact:
    """Wrap what carries a whole state: each version is a fact of its own, the newest wins."""
    return Fact(
        identity=stamped(f"{kind}:{row['id']}", micros(stamp), payload),
        payload=payload,
        occurred_at=stamp,
        recorded_at=stamp,
        version=micros(stamp),
        native_ref=str(row["id"]),
    )


def _locations(_related: Row, _options: Options) -> Callable[[Row], Iterable[Fact]]:
    def read(row: Row) -> Iterable[Fact]:
        kinds = {"warehouse": LocationKind.DC}
        if row["parent"] is None:
            kinds["storage"] = LocationKind.VIRTUAL_IN_TRANSIT
        if row["type"] in kinds:
            location = LocationChanged(
                code=text(row, "code") or text(row, "name"),
                name=text(row, "name"),
                kind=kinds[row["type"]],
                is_active=flag(row, "active"),
            )
            yield _state_fact("location", row, moment(row, "last_modified_at"), location)

    return read


SERVICE = "SERVICE"
"""The class of what is done and lies nowhere; Tryton has no other classes of its own."""


def _items(related: Row, options: Options) -> Callable[[Row], Iterable[Fact]]:
    units = Units.of(related["units"], options.unit_codes)

    def read(row: Row) -> Iterable[Fact]:
        is_service = row["type"] == "service" and bool(text(row, "code"))
        if row["type"] not in STOCKED and not is_service:
            return
        if not text(row, "code"):
            raise Missing(
                f"product {row['id']} ({row['rec_name']}) has no code", code="MD-ITEM-XREF"
            )
        item = ItemChanged(
            sku=text(row, "code"),
            description=text(row["template."], "name"),
            base_unit=units.code(row["default_uom"]),
            units=units.of_item(row["default_uom"]),
            status=ItemStatus.ACTIVE if flag(row, "active") else ItemStatus.DISCONTINUED,
            gtin=_gtin(row["identifiers."]),
            item_class=SERVICE if is_service else None,
        )
        parts = row, row["template."]
        changed_at = [moment(part, "last_modified_at") for part in parts]
        stamp = max(*changed_at, units.stamp(row["default_uom"]))
        yield _state_fact("item", row, stamp, item)

    return read


def _gtin(identifiers: Iterable[Row]) -> str:
    return next((text(row, "code") for row in identifiers if row["type"] in GTIN_TYPES), "")


def _orders(related: Row, options: Options) -> Callable[[Row], Iterable[Fact]]:
    units = Units.of(related["units"], options.unit_codes)
    shipments = _shipments(related)

    def read(row: Row) -> Iterable[Fact]:
        wanted = [line for line in row["lines."] if _is_demand(line)]
        lines = tuple(_demand(row, line, units, shipments) for line in wanted)
        if not lines:
            return
        moves = [move for line in wanted for move in line["moves."]]
        parts = (row, *row["lines."], *_serving(moves, shipments or {}))
        stamp = max(moment(part, "last_modified_at") for part in parts)
        order = OrderChanged(
            order_id=f"sale:{row['id']}",
            lines=lines,
            customer_po=text(row, "reference"),
            channel="tryton",
            customer=_customer(row),
        )
        yield _state_fact("order", row, stamp, order)

    return read


def _customer(sale: Row) -> str:
    """Give the code of the party that a sale is to; "": a page that was read without it."""
    party = sale.get("party.")
    return text(party, "code") if party else ""


def _is_demand(line: Row) -> bool:
    return is_stocked(line) and bool(line["quantity"] > 0)


def _shipments(related: Row) -> Mapping[str, Row] | None:
    """Give customer shipments by their references; None: a page that was read without them."""
    if "shipments" not in related:
        return None
    return {f"{CUSTOMER_SHIPMENT},{row['id']}": row for row in related["shipments"]}


def _serving(moves: Iterable[Row], shipments: Mapping[str, Row]) -> list[Row]:
    return [shipments[move["shipment"]] for move in moves if move.get("shipment") in shipments]


def _released(line: Row, units: Units, shipments: Mapping[str, Row] | None) -> Quantity | None:
    """Add up what was handed to the warehouse of a line, picked since or not."""
    if shipments is None:
        return None
    handed = [
        move
        for move in line["moves."]
        if move["state"] == "done"
        or (
            move["state"] != "cancelled"
            and any(one["state"] in RELEASED for one in _serving([move], shipments))
        )
    ]
    return total(handed, units, line["unit"])


def _demand(sale: Row, line: Row, units: Units, shipments: Mapping[str, Row] | None) -> DemandLine:
    if not sale["warehouse"]:
        raise Missing(f"sale {sale['id']} names no warehouse", code="MD-LOC")
    ordered = units.quantity(line["quantity"], line["unit"])
    return DemandLine(
        demand_ref=f"sale.line,{line['id']}",
        item=str(line["product"]),
        location=str(sale["warehouse"]),
        ordered=ordered,
        cancelled=_cancelled(sale, line, units, ordered),
        requested_ship_date=day(sale, "shipping_date"),
        released=_released(line, units, shipments),
    )


def _cancelled(sale: Row, line: Row, units: Units, ordered: Quantity) -> Quantity:
    """Say how much of a line nobody will ship: all, what was given up, or what is missing."""
    nothing = ordered - ordered
    if sale["state"] not in ACCEPTED:
        return ordered
    if sale["state"] == "done":
        done = [move for move in line["moves."] if move["state"] == "done"]
        return max(nothing, ordered - total(done, units, line["unit"]), key=_value)
    return min(ordered, total(line["moves_ignored."], units, line["unit"]), key=_value)


def _value(quantity: Quantity) -> Any:
    return quantity.value


def _purchases(related: Row, options: Options) -> Callable[[Row], Iterable[Fact]]:
    units = Units.of(related["units"], options.unit_codes)
    said = reader(units, options.confirmed_purchase, options.installation)

    def read(row: Row) -> Iterable[Fact]:
        for line, stamp, commitment in said(row):
            yield _state_fact("purchase.line", line, stamp, commitment)

    return read


def _moves(related: Row, options: Options) -> Callable[[Row], Iterable[Fact]]:
    units = Units.of(related["units"], options.unit_codes)
    places = Places.of(related["locations"], options.location_statuses)
    origins = {row["id"]: row["origin"] for row in related["origins"]}
    ours = {
        f"{INTERNAL_SHIPMENT},{row['id']}"
        for row in related["shipments"]
        if (row["reference"] or "").startswith(BOOKED_BY_HUB)
    }

    def read(row: Row) -> Iterable[Fact]:
        if row["shipment"] in ours:
            return  # told by somebody else, and booked here by the hub
        ends = places.place(row["from_location"]), places.place(row["to_location"])
        if not row["quantity"] or ends[0] == ends[1] or not row["effective_date"]:
            return  # from bin to bin the node holds the same; undated, it was never done
        kinds = places.kind(row["from_location"]), places.kind(row["to_location"])
        moved = StockMoved(
            movement_id=str(row["id"]),
            item=str(row["product"]),
            quantity=units.quantity(row["quantity"], row["unit"]),
            type=movement_type(kinds, ends, text(row, "shipment")),
            source_place=ends[0],
            target_place=ends[1],
            reason=f"{kinds[0]}>{kinds[1]}",
            document_ref=text(row, "shipment"),
            demand_ref=_demand_ref(row["origin"], origins),
        )
        yield _move_fact(row, f"move:{row['id']}", moved)
        if row["state"] == "cancelled":
            yield _move_fact(row, f"move:{row['id']}:cancelled", _undone(moved))

    return read


def _move_fact(row: Row, identity: str, moved: StockMoved) -> Fact:
    """Date by the business date, which never changes again, and record by the stamp.

    A move that was cancelled is told together with its reversal. Whether it had been done before
    is nowhere written; the two cancel each other out, and the first is a repeat if it had been.
    """
    return Fact(
        identity=identity,
        payload=moved,
        occurred_at=datetime.combine(row["effective_date"], time(), UTC),
        recorded_at=moment(row, "last_modified_at"),
        native_ref=f"stock.move,{row['id']}",
    )


def _undone(moved: StockMoved) -> StockMoved:
    return StockMoved(
        movement_id=f"{moved.movement_id}:cancelled",
        item=moved.item,
        quantity=moved.quantity,
        type=UNDOING.get(moved.type, moved.type),
        source_place=moved.target_place,
        target_place=moved.source_place,
        reason="cancelled",
        document_ref=moved.document_ref,
        demand_ref=moved.demand_ref,
        reverses_id=moved.movement_id,
    )


def _demand_ref(origin: str | None, origins: Mapping[int, str | None]) -> str:
    """Follow a pick to the delivery it feeds, and that to the order line it serves."""
    for _ in range(3):
        if not origin or not origin.startswith("stock.move,"):
            break
        origin = origins.get(int(origin.partition(",")[2]))
    return origin if origin and origin.startswith("sale.line,") else ""


READERS: Mapping[str, Callable[[Row, Options], Callable[[Row], Iterable[Fact]]]] = {
    "locations": _locations,
    "items": _items,
    "orders": _orders,
    "purchases": _purchases,
    "moves": _moves,
}
