"""Polled pages in canonical words. Pure; the facts are those that the webhooks tell, too."""

from crossdock.applications.shopify.mapping import (
    Heard,
    Naming,
    SoldLine,
    SoldOrder,
    customer_of,
    gathered,
    gid,
    item_fact,
    level_fact,
    location_fact,
    order_translation,
)
from crossdock.applications.shopify.reading import COUNT_MAX, Record
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.facts import Translation, Untranslatable

POLLED = Heard()


def locations(page: Record) -> Translation:
    return gathered((node, _location) for node in page.records("nodes"))


def variants(page: Record) -> Translation:
    return gathered((node, _variant) for node in page.records("nodes"))


def levels(page: Record, location: str) -> Translation:
    return gathered((node, lambda node: _level(node, location)) for node in page.records("nodes"))


def orders(page: Record, naming: Naming) -> Translation:
    facts: list[Fact] = []
    refused: list[Untranslatable] = []
    for node in page.records("nodes"):
        try:
            translation = order_translation(_order(node), POLLED, naming)
        except Invalid as problem:
            refused.append(
                Untranslatable(code="EVT-SCHEMA", where=problem.where, reason=problem.message)
            )
        else:
            facts += translation.facts
            refused += translation.refused
    return Translation(facts=tuple(facts), refused=tuple(refused))


def available_of(level: Record) -> int | None:
    """Read the `available` number of a level that was asked for it."""
    for quantity in level.records("quantities"):
        if quantity.text("name") == "available":
            return quantity.count("quantity", least=-COUNT_MAX)
    return None


def _location(node: Record) -> Fact:
    return location_fact(
        number=node.identifier("id"),
        name=node.text("name"),
        is_active=node.is_true("isActive"),
        updated_at=node.instant("updatedAt"),
        heard=POLLED,
    )


def _variant(node: Record) -> Fact:
    return item_fact(
        number=node.record("inventoryItem").identifier("id"),
        sku=node.text("sku"),
        description=node.text("displayName"),
        barcode=node.text("barcode"),
        updated_at=node.instant("updatedAt"),
        heard=POLLED,
    )


def _level(node: Record, location: str) -> Fact | None:
    available = available_of(node)
    if available is None:  # not tracked
        return None
    return level_fact(
        item=gid("InventoryItem", node.record("item").identifier("id")),
        location=location,
        available=available,
        updated_at=node.instant("updatedAt"),
        heard=POLLED,
    )


def _order(node: Record) -> SoldOrder:
    company = node.record_if_any("purchasingEntity").record_if_any("company")
    return SoldOrder(
        number=node.identifier("id"),
        lines=tuple(_line(line) for line in node.record("lineItems").records("nodes")),
        placed_at=node.instant("createdAt") if node.is_set("createdAt") else None,
        updated_at=node.instant("updatedAt"),
        is_cancelled=node.is_set("cancelledAt"),
        customer_po=node.text("poNumber"),
        customer=customer_of(company, node.record_if_any("customer")),
    )


def _line(node: Record) -> SoldLine:
    return SoldLine(
        number=node.identifier("id"),
        sku=node.text("sku"),
        ordered=node.count("quantity"),
        kept=node.count("currentQuantity"),
        is_stocked=not node.is_true("isGiftCard"),
        where=node.where,
    )
