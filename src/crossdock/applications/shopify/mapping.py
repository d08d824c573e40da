"""Shopify's words in canonical ones: webhook bodies and polled pages alike. Pure.

A webhook and a poll that tell of the same state give the same fact with the same identity, so
either may come first, twice, or not at all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.applications.shopify.reading import COUNT_MAX, Record, instant_of, micros_of
from crossdock.canonical.catalog import ItemChanged, ItemStatus, LocationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.sdk.facts import Delivery, Translation, Untranslatable, stamped

UNIT = "EA"
"""Shopify counts whole pieces and knows no other unit."""

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Naming:
    """What the hub calls things that Shopify leaves open."""

    demand_location: str = "online"
    channel: str = "shopify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the headers of a webhook say of it; a polled page has none."""

    event_id: str = ""
    triggered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLine:
    """An order line as both the webhook and the query tell it."""

    number: str
    sku: str
    ordered: int
    kept: int
    is_stocked: bool
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldOrder:
    number: str
    lines: tuple[SoldLine, ...]
    placed_at: datetime | None
    updated_at: datetime
    is_cancelled: bool
    customer_po: str
    customer: str


def gid(kind: str, number: str) -> str:
    """Write Shopify's global id: `gid://shopify/Location/1`."""
    return f"gid://shopify/{kind}/{number}"


# ---- webhooks -----------------------------------------------------------------------------------


def translated(delivery: Delivery, naming: Naming) -> Translation:
    """Say what a webhook says. Never raises: what it cannot read is refused, with the reason."""
    topic = delivery.headers.get("x-shopify-topic", "")
    if topic in SILENT_TOPICS:
        return Translation()
    try:
        return _reader(topic)(Record.of(delivery.body), heard(delivery.headers), naming)
    except Invalid as problem:
        return Translation(refused=(_refusal(problem, delivery.body),))


def _reader(topic: str) -> "Reader":
    if topic not in READERS:
        raise Invalid(
            f"{topic[:60]!r} is not a topic that we subscribe to", where="x-shopify-topic"
        )
    return READERS[topic]


def heard(headers: Mapping[str, str]) -> Heard:
    stated = headers.get("x-shopify-triggered-at", "")
    return Heard(
        event_id=headers.get("x-shopify-event-id", "")[:100],
        triggered_at=instant_of(stated, where="x-shopify-triggered-at") if stated else None,
    )


def order_changed(order: Record, heard: Heard, naming: Naming) -> Translation:
    """`orders/create`, `orders/updated`, `orders/cancelled`: the whole order each time."""
    return order_translation(
        SoldOrder(
            number=order.identifier("id"),
            lines=tuple(_webhook_line(line) for line in order.records("line_items")),
            placed_at=order.instant("created_at") if order.is_set("created_at") else None,
            updated_at=order.instant("updated_at"),
            is_cancelled=order.is_set("cancelled_at"),
            customer_po=order.text("po_number"),
            customer=customer_of(*map(order.record_if_any, ("company", "customer"))),
        ),
        heard,
        naming,
    )


def customer_of(company: Record, person: Record) -> str:
    """Name the company that bought, else the person; "" is a guest or hidden."""
    for kind, one in (("Company", company), ("Customer", person)):
        if one.is_set("id"):
            return gid(kind, one.identifier("id"))
    return ""


def order_edited(edit: Record, _heard: Heard, _naming: Naming) -> Translation:
    """`orders/edited` names the edited lines but not the order's state: known, and silent.

    The `orders/updated` that comes with every edit, and the poll, carry the state.
    """
    edit.record("order_edit").identifier("order_id")
    return Translation()


def level_changed(level: Record, heard: Heard, _naming: Naming) -> Translation:
    """`inventory_levels/update`: what the shop now offers. Null means that it does not track."""
    if not level.is_set("available"):
        return Translation()
    return Translation(
        facts=(
            level_fact(
                item=gid("InventoryItem", level.identifier("inventory_item_id")),
                location=gid("Location", level.identifier("location_id")),
                available=level.count("available", least=-COUNT_MAX),
                updated_at=level.instant("updated_at"),
                heard=heard,
            ),
        )
    )


def product_changed(product: Record, heard: Heard, _naming: Naming) -> Translation:
    """`products/create`, `products/update`: every variant is an item of its own."""
    title = product.text("title")
    return gathered(
        (variant, lambda variant: _webhook_variant(variant, title, heard))
        for variant in product.records("variants")
    )


def location_changed(location: Record, heard: Heard, _naming: Naming) -> Translation:
    """`locations/create`, `locations/update`, `locations/activate`, `locations/deactivate`."""
    return Translation(
        facts=(
            location_fact(
                number=location.identifier("id"),
                name=location.text("name"),
                is_active=location.is_true("active"),
                updated_at=location.instant("updated_at"),
                heard=heard,
            ),
        )
    )


Reader = Callable[[Record, Heard, Naming], Translation]

READERS: Mapping[str, Reader] = {
    "orders/create": order_changed,
    "orders/updated": order_changed,
    "orders/cancelled": order_changed,
    "orders/edited": order_edited,
    "inventory_levels/update": level_changed,
    "products/create": product_changed,
    "products/update": product_changed,
    "locations/create": location_changed,
    "locations/update": location_changed,
    "locations/activate": location_changed,
    "locations/deactivate": location_changed,
}

# Known, and told better elsewhere: products/update has the item's number and its words too.
SILENT_TOPICS = frozenset({"inventory_items/create", "inventory_items/update"})


def _webhook_line(line: Record) -> SoldLine:
    ordered = line.count("quantity")
    return SoldLine(
        number=line.identifier("id"),
        sku=line.text("sku"),
        ordered=ordered,
        kept=line.count("current_quantity") if line.is_set("current_quantity") else ordered,
        is_stocked=not line.is_true("gift_card"),
        where=line.where,
    )


def _webhook_variant(variant: Record, product_title: str, heard: Heard) -> Fact:
    own = variant.text("title")
    return item_fact(
        number=variant.identifier("inventory_item_id"),
        sku=variant.text("sku"),
        # The query's displayName is made the same way; a single variant has no name of its own.
        description=product_title if own in {"", "Default Title"} else f"{product_title} - {own}",
        barcode=variant.text("barcode"),
        updated_at=variant.instant("updated_at"),
        heard=heard,
    )


# ---- facts --------------------------------------------------------------------------------------


def order_translation(order: SoldOrder, heard: Heard, naming: Naming) -> Translation:
    """One fact with every line that has a SKU; the lines without one are refused one by one."""
    sold = [line for line in order.lines if line.is_stocked]
    version = _order_version(order)
    state = OrderChanged(
        order_id=f"shopify:{order.number}",
        lines=tuple(_demand(order, line, naming) for line in sold if line.sku),
        customer_po=order.customer_po,
        customer=order.customer,
        channel=naming.channel,
        placed_at=order.placed_at,
    )
    fact = Fact(
        identity=stamped(f"order:{order.number}", version, state),
        payload=state,
        occurred_at=order.updated_at,
        recorded_at=heard.triggered_at or order.updated_at,
        version=version,
        correlation_id=f"shopify:{order.number}",
        native_ref=gid("Order", order.number),
    )
    nameless = (_nameless(line) for line in sold if not line.sku)
    return Translation(facts=(fact,), refused=tuple(nameless))


def level_fact(
    *, item: str, location: str, available: int, updated_at: datetime, heard: Heard
) -> Fact:
    """Make a read-back. A level has no business identity: the event that told it names it.

    One action of a merchant may change many levels and tell each with the same event id, so the
    level is part of the name. The number itself keeps two polls of one second apart.
    """
    version = _fine(updated_at, heard.triggered_at)
    told = heard.event_id or f"{version}:{available}"
    return Fact(
        identity=f"level:{item}:{location}:{told}",
        payload=ChannelLevelHeard(
            item=item, location=location, quantity=Quantity.of(available, UNIT)
        ),
        occurred_at=updated_at,
        recorded_at=heard.triggered_at or updated_at,
        version=version,
        native_ref=item,
    )


def item_fact(
    *,
    number: str,
    sku: str,
    description: str,
    barcode: str,
    updated_at: datetime,
    heard: Heard,
) -> Fact:
    """Make an item; without a SKU it goes by its inventory item, the name that never changes."""
    native = gid("InventoryItem", number)
    version = micros_of(updated_at)
    item = ItemChanged(
        sku=sku or native,
        description=description,
        base_unit=UNIT,
        status=ItemStatus.ACTIVE,
        gtin=barcode if _looks_like_gtin(barcode) else "",
    )
    return Fact(
        identity=stamped(f"item:{number}", version, item),
        payload=item,
        occurred_at=updated_at,
        recorded_at=heard.triggered_at or updated_at,
        version=version,
        native_ref=native,
    )


def location_fact(
    *, number: str, name: str, is_active: bool, updated_at: datetime, heard: Heard
) -> Fact:
    native = gid("Location", number)
    version = micros_of(updated_at)
    location = LocationChanged(code=native, name=name, is_active=is_active)
    return Fact(
        identity=stamped(f"location:{number}", version, location),
        payload=location,
        occurred_at=updated_at,
        recorded_at=heard.triggered_at or updated_at,
        version=version,
        native_ref=native,
    )


def gathered(
    readings: Iterable[tuple[Record, Callable[[Record], Fact | None]]],
) -> Translation:
    """Read each record by itself: one that cannot be read does not hide the others."""
    facts: list[Fact] = []
    refused: list[Untranslatable] = []
    for record, read in readings:
        try:
            fact = read(record)
        except Invalid as problem:
            refused.append(_refusal(problem))
        else:
            facts += [fact] if fact else []
    return Translation(facts=tuple(facts), refused=tuple(refused))


def _demand(order: SoldOrder, line: SoldLine, naming: Naming) -> DemandLine:
    # A cancelled order claims nothing; else what refunds and removals took away is cancelled.
    cancelled = line.ordered if order.is_cancelled else max(0, line.ordered - line.kept)
    return DemandLine(
        demand_ref=f"shopify:{order.number}/{line.number}",
        item=line.sku,
        location=naming.demand_location,
        ordered=Quantity.of(line.ordered, UNIT),
        cancelled=Quantity.of(cancelled, UNIT),
    )


def _order_version(order: SoldOrder) -> int:
    """`updated_at`, made finer: it has whole seconds, and an order may change twice in one.

    What was ordered and what was cancelled are totals that only grow, so their sum orders the
    states within a second; it is the same in the webhook and in the poll.
    """
    gone = sum(
        line.ordered if order.is_cancelled else line.ordered - line.kept for line in order.lines
    )
    grown = sum(line.ordered for line in order.lines) + max(0, gone)
    return micros_of(order.updated_at.replace(microsecond=0)) + min(grown, 999_999)


def _fine(updated_at: datetime, triggered_at: datetime | None) -> int:
    """`updated_at` to the microsecond by the trigger's time, which comes just after it.

    The signature covers the body alone, so the header may refine the second but not leave it.
    """
    late = (triggered_at - updated_at) if triggered_at else timedelta()
    return micros_of(updated_at + min(max(late, timedelta()), SECOND - timedelta(microseconds=1)))


def _nameless(line: SoldLine) -> Untranslatable:
    return Untranslatable(
        code="MD-ITEM-XREF",
        where=f"{line.where}/sku",
        reason=f"order line {line.number} has no SKU: give the variant one in the shop",
    )


def _refusal(problem: Invalid, record: bytes = b"") -> Untranslatable:
    return Untranslatable(
        code="EVT-SCHEMA", where=problem.where, reason=problem.message, record=record
    )


def _looks_like_gtin(barcode: str) -> bool:
    return barcode.isascii() and barcode.isdigit() and len(barcode) in {8, 12, 13, 14}
