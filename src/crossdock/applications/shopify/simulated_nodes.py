"""The simulated Admin API's answers: things of the shop as GraphQL nodes, and pages of them."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from graphql import GraphQLError, GraphQLResolveInfo

from crossdock.applications.shopify.mapping import gid
from crossdock.applications.shopify.reading import instant_of
from crossdock.applications.shopify.simulated_payloads import level_id
from crossdock.applications.shopify.simulated_shop import Shop
from crossdock.applications.shopify.simulated_things import (
    Level,
    OrderLine,
    Place,
    ShopOrder,
    Variant,
)
from crossdock.applications.shopify.simulated_webhooks import Subscription
from crossdock.canonical.errors import Invalid

PAGE_MAX = 250

Node = dict[str, Any]
Info = GraphQLResolveInfo[Any]
Key = tuple[int | str, ...]
_Thing = TypeVar("_Thing")


class _Dated(Protocol):
    updated_at: datetime


_Changing = TypeVar("_Changing", bound=_Dated)


def place_node(shop: Shop, place: Place) -> Node:
    def levels(_info: Info, **arguments: Any) -> Node:
        here = [x for x in shop.levels.values() if x.place is place]
        found = changed_since(here, arguments.get("query"))
        keyed = [((x.variant.number,), x) for x in found]
        return page(keyed, partial(level_node, shop), arguments)

    return {
        "__typename": "Location",
        "id": place.id,
        "name": place.name,
        "isActive": place.is_active,
        "updatedAt": graph(place.updated_at),
        "inventoryLevels": levels,
    }


def variant_node(shop: Shop, variant: Variant) -> Node:
    return {
        "id": gid("ProductVariant", str(variant.number + 20_000_000)),
        "sku": variant.sku or None,
        "barcode": variant.barcode or None,
        "displayName": variant.display_name,
        "title": variant.title,
        "inventoryPolicy": "CONTINUE" if variant.sells_without_stock else "DENY",
        "updatedAt": graph(variant.updated_at),
        "inventoryItem": inventory_node(shop, variant),
    }


def inventory_node(shop: Shop, variant: Variant) -> Node:
    def level(_info: Info, locationId: str) -> Node | None:  # noqa: N803 - the schema's own name
        found = shop.levels.get((variant.item, locationId))
        return level_node(shop, found) if found else None

    return {
        "__typename": "InventoryItem",
        "id": variant.item,
        "sku": variant.sku or None,
        "tracked": True,
        "updatedAt": graph(variant.updated_at),
        "inventoryLevel": level,
    }


def level_node(shop: Shop, level: Level) -> Node:
    def item(_info: Info) -> Node:
        return inventory_node(shop, level.variant)

    def location(_info: Info) -> Node:
        return place_node(shop, level.place)

    def quantities(_info: Info, names: Sequence[str]) -> list[Node]:
        amounts = {
            "available": level.available,
            "committed": level.committed,
            "on_hand": level.available + level.committed,
        }
        return [
            {"id": f"{level_id(level)}&name={name}", "name": name, "quantity": amounts[name]}
            for name in names
            if name in amounts
        ]

    return {
        "id": level_id(level),
        "item": item,
        "location": location,
        "updatedAt": graph(level.updated_at),
        "quantities": quantities,
    }


def whole_order(order: ShopOrder) -> Node:
    def lines(_info: Info, **arguments: Any) -> Node:
        return page([((x.number,), x) for x in order.lines], line_node, arguments)

    return {
        "id": order.id,
        "name": order.name,
        "poNumber": order.customer_po or None,
        "customer": _customer(order),
        "purchasingEntity": _purchaser(order),
        "createdAt": graph(order.created_at),
        "updatedAt": graph(order.updated_at),
        "cancelledAt": graph(order.cancelled_at) if order.cancelled_at else None,
        "lineItems": lines,
    }


def hiding_customers(order: Node) -> Node:
    """Refuse who ordered, as for an app without the scope; the rest of the order is answered."""

    def refused(info: Info) -> None:
        raise GraphQLError(
            f"Access denied for {info.field_name} field. "
            "Required access: `read_customers` access scope.",
            extensions={"code": "ACCESS_DENIED"},
        )

    return {**order, "customer": refused, "purchasingEntity": refused}


def _customer(order: ShopOrder) -> Node | None:
    return {"id": gid("Customer", str(order.customer))} if order.customer else None


def _purchaser(order: ShopOrder) -> Node | None:
    if order.company:
        company = {"id": gid("Company", str(order.company))}
        return {"__typename": "PurchasingCompany", "company": company}
    person = _customer(order)
    return None if person is None else {"__typename": "Customer", **person}


def page(
    keyed: Iterable[tuple[Key, _Thing]],
    node: Callable[[_Thing], Node],
    arguments: Mapping[str, Any],
) -> Node:
    """One page of a connection, in the order of the keys; a cursor is the last key seen."""
    first = arguments.get("first")
    if not isinstance(first, int) or not 0 < first <= PAGE_MAX:
        raise GraphQLError(
            "you must provide one of first or last, and it cannot exceed 250",
            extensions={"code": "BAD_REQUEST"},
        )
    after = _key_of(arguments["after"]) if arguments.get("after") else ()
    left = sorted((x for x in keyed if x[0] > after), key=lambda entry: entry[0])
    shown = left[:first]
    return {
        "nodes": [node(thing) for _, thing in shown],
        "pageInfo": {
            "hasNextPage": len(left) > first,
            "hasPreviousPage": bool(after),
            "startCursor": _cursor_of(shown[0][0]) if shown else None,
            "endCursor": _cursor_of(shown[-1][0]) if shown else None,
        },
    }


def _cursor_of(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _key_of(cursor: str) -> Key:
    try:
        return tuple(json.loads(base64.urlsafe_b64decode(cursor)))
    except (ValueError, TypeError):
        raise GraphQLError("Invalid cursor", extensions={"code": "BAD_REQUEST"}) from None


def changed_since(things: Iterable[_Changing], query: str | None) -> list[_Changing]:
    """Understand the one filter that we use; an unknown one finds all, as at Shopify."""
    found = re.fullmatch(r"updated_at:>='?([^' ]+)'?", query or "")
    if not found:
        return list(things)
    try:
        since = instant_of(found[1])
    except Invalid:
        return list(things)
    return [thing for thing in things if thing.updated_at >= since]


def skus(query: str | None) -> set[str]:
    quoted = re.findall(r"sku:'((?:[^'\\]|\\.)*)'", query or "")
    return {re.sub(r"\\(.)", r"\1", sku) for sku in quoted}


def line_node(line: OrderLine) -> Node:
    variant = line.level.variant
    return {
        "id": gid("LineItem", str(line.number)),
        "sku": variant.sku or None,
        "title": variant.product_title,
        "quantity": line.ordered,
        "currentQuantity": line.kept,
        "isGiftCard": False,
    }


def subscription_node(subscription: Subscription) -> Node:
    return {
        "id": subscription.id,
        "topic": subscription.topic,
        "uri": subscription.uri,
        "format": "JSON",
        "createdAt": graph(subscription.created_at),
    }


def graph(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
