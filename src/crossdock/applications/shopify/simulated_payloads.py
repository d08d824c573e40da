"""The webhook bodies that the simulated shop sends: Shopify's field names and its local time."""

from datetime import datetime, timedelta, timezone
from typing import Any

from crossdock.applications.shopify.mapping import gid
from crossdock.applications.shopify.simulated_things import (
    Level,
    OrderLine,
    Place,
    ShopOrder,
    Variant,
)

SHOP_ZONE = timezone(timedelta(hours=-5))


def local(instant: datetime) -> str:
    return instant.astimezone(SHOP_ZONE).isoformat(timespec="seconds")


def order(order: ShopOrder) -> dict[str, Any]:
    return {
        "id": order.number,
        "admin_graphql_api_id": order.id,
        "name": order.name,
        "order_number": int(order.name.lstrip("#")),
        "created_at": local(order.created_at),
        "updated_at": local(order.updated_at),
        "cancelled_at": local(order.cancelled_at) if order.cancelled_at else None,
        "cancel_reason": "customer" if order.cancelled_at else None,
        "financial_status": "paid",
        "fulfillment_status": _fulfilment(order),
        "po_number": order.customer_po or None,
        "customer": {"id": order.customer} if order.customer else None,
        "company": {"id": order.company} if order.company else None,
        "test": False,
        "line_items": [_line(line) for line in order.lines],
    }


def order_edit(order: ShopOrder, line: OrderLine, removed: int) -> dict[str, Any]:
    return {
        "order_edit": {
            "id": order.number + 1,
            "app_id": None,
            "created_at": local(order.updated_at),
            "committed_at": local(order.updated_at),
            "notify_customer": False,
            "order_id": order.number,
            "line_items": {"additions": [], "removals": [{"id": line.number, "delta": removed}]},
        }
    }


def level(level: Level) -> dict[str, Any]:
    number = level.variant.number
    return {
        "inventory_item_id": number,
        "location_id": level.place.number,
        "available": level.available,
        "updated_at": local(level.updated_at),
        "admin_graphql_api_id": f"{level_id(level)}",
    }


def level_id(level: Level) -> str:
    number = level.variant.number
    return gid("InventoryLevel", f"{level.place.number}?inventory_item_id={number}")


def product(variant: Variant) -> dict[str, Any]:
    number = variant.number + 10_000_000
    return {
        "id": number,
        "admin_graphql_api_id": gid("Product", str(number)),
        "title": variant.product_title,
        "status": "active",
        "updated_at": local(variant.updated_at),
        "variants": [
            {
                "id": variant.number + 20_000_000,
                "admin_graphql_api_id": gid("ProductVariant", str(variant.number + 20_000_000)),
                "product_id": number,
                "title": variant.title,
                "sku": variant.sku,
                "barcode": variant.barcode or None,
                "inventory_item_id": variant.number,
                "inventory_policy": "continue" if variant.sells_without_stock else "deny",
                "updated_at": local(variant.updated_at),
            }
        ],
    }


def location(place: Place) -> dict[str, Any]:
    return {
        "id": place.number,
        "admin_graphql_api_id": place.id,
        "name": place.name,
        "active": place.is_active,
        "updated_at": local(place.updated_at),
    }


def _line(line: OrderLine) -> dict[str, Any]:
    variant = line.level.variant
    return {
        "id": line.number,
        "admin_graphql_api_id": gid("LineItem", str(line.number)),
        "variant_id": variant.number + 20_000_000,
        "sku": variant.sku,
        "title": variant.product_title,
        "quantity": line.ordered,
        "current_quantity": line.kept,
        "fulfillable_quantity": line.kept - line.fulfilled,
        "gift_card": False,
        "requires_shipping": True,
        "fulfillment_status": "fulfilled" if line.fulfilled >= line.kept else None,
    }


def _fulfilment(order: ShopOrder) -> str | None:
    fulfilled = sum(line.fulfilled for line in order.lines)
    if not fulfilled:
        return None
    return "fulfilled" if fulfilled >= sum(line.kept for line in order.lines) else "partial"
