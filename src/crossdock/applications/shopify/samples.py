"""Messages as a shop sends them, one of each topic, and what they mean."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from crossdock.applications.shopify.receiving import signature
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.sdk import Delivery, Sample, Translation, Untranslatable
from crossdock.connectivity.sdk.facts import stamped

EVENT_ID = "59d6d79c-595f-4e7e-bc6f-72f5c3d0c66f"
TRIGGERED = datetime(2026, 5, 4, 14, 3, 12, 401_377, tzinfo=UTC)
UPDATED = datetime(2026, 5, 4, 14, 3, 12, tzinfo=UTC)
UPDATED_MICROS = 1_777_903_392_000_000


SAMPLE_NOW = datetime(2026, 5, 4, 14, 3, 13, tzinfo=UTC)
SAMPLE_SETTINGS = ShopifySettings(
    shop_domain="demo.myshopify.com",
    access_token=SecretStr("shpat_sample"),
    webhook_secret=SecretStr("sample-secret"),
)


def _delivery(topic: str, payload: Mapping[str, Any]) -> Delivery:
    body = json.dumps(payload).encode()
    return Delivery(
        body=body,
        headers={
            "content-type": "application/json",
            "x-shopify-topic": topic,
            "x-shopify-hmac-sha256": signature(
                body, SAMPLE_SETTINGS.webhook_secret.get_secret_value()
            ),
            "x-shopify-shop-domain": "demo.myshopify.com",
            "x-shopify-api-version": "2026-04",
            "x-shopify-webhook-id": "545ebdd4-b7be-4d3d-b14e-54aa78e0e0f9",
            "x-shopify-event-id": EVENT_ID,
            # Shopify writes nanoseconds; the hub keeps microseconds.
            "x-shopify-triggered-at": "2026-05-04T14:03:12.401377267Z",
        },
    )


def _fact(
    identity: str, payload: Payload, version: int, native_ref: str, correlation_id: str = ""
) -> Fact:
    return Fact(
        identity=identity,
        payload=payload,
        occurred_at=UPDATED,
        recorded_at=TRIGGERED,
        version=version,
        native_ref=native_ref,
        correlation_id=correlation_id,
    )


def _state(name: str, payload: Payload, native_ref: str) -> Fact:
    return _fact(stamped(name, UPDATED_MICROS, payload), payload, UPDATED_MICROS, native_ref)


def _line(number: int, sku: str | None, quantity: int, kept: int) -> dict[str, Any]:
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{number}",
        "variant_id": number + 1000 if sku else None,
        "sku": sku,
        "title": "Hex bolt M8",
        "quantity": quantity,
        "current_quantity": kept,
        "fulfillable_quantity": kept,
        "fulfillment_status": None,
        "gift_card": False,
        "requires_shipping": True,
        "price": "0.85",
    }


def _order(*lines: dict[str, Any], cancelled: bool = False) -> dict[str, Any]:
    return {
        "id": 5_000_001,
        "admin_graphql_api_id": "gid://shopify/Order/5000001",
        "name": "#1001",
        "currency": "USD",
        "created_at": "2026-05-04T09:00:00-05:00",
        "updated_at": "2026-05-04T09:03:12-05:00",
        "cancelled_at": "2026-05-04T09:03:12-05:00" if cancelled else None,
        "financial_status": "paid",
        "fulfillment_status": None,
        "po_number": "PO-77",
        "customer": {"id": 207_119_551},
        "line_items": list(lines),
    }


def _order_fact(version: int, *amounts: tuple[int, str, int, int]) -> Fact:
    order = OrderChanged(
        order_id="shopify:5000001",
        customer_po="PO-77",
        customer="gid://shopify/Customer/207119551",
        channel="shopify",
        placed_at=datetime(2026, 5, 4, 14, 0, tzinfo=UTC),
        lines=tuple(
            DemandLine(
                demand_ref=f"shopify:5000001/{number}",
                item=sku,
                location="online",
                ordered=Quantity.of(ordered),
                cancelled=Quantity.of(cancelled),
            )
            for number, sku, ordered, cancelled in amounts
        ),
    )
    return _fact(
        stamped("order:5000001", version, order),
        order,
        version,
        "gid://shopify/Order/5000001",
        "shopify:5000001",
    )


_CREATED_VERSION = UPDATED_MICROS + 14
_UPDATED_VERSION = UPDATED_MICROS + 16
_CANCELLED_VERSION = UPDATED_MICROS + 28
_CREATED = _order(_line(13_000_001, "BOLT-M8", 12, 12), _line(13_000_002, "NUT-M8", 2, 2))
_EDITED = _order(_line(13_000_001, "BOLT-M8", 12, 10), _line(13_000_002, "NUT-M8", 2, 2))
_CANCELLED = _order(
    _line(13_000_001, "BOLT-M8", 12, 0), _line(13_000_002, "NUT-M8", 2, 0), cancelled=True
)

SAMPLES = (
    Sample(
        title="An order is placed",
        delivery=_delivery("orders/create", _CREATED),
        translation=Translation(
            facts=(
                _order_fact(
                    _CREATED_VERSION, (13_000_001, "BOLT-M8", 12, 0), (13_000_002, "NUT-M8", 2, 0)
                ),
            )
        ),
    ),
    Sample(
        title="Two units are taken off an order",
        delivery=_delivery("orders/updated", _EDITED),
        translation=Translation(
            facts=(
                _order_fact(
                    _UPDATED_VERSION, (13_000_001, "BOLT-M8", 12, 2), (13_000_002, "NUT-M8", 2, 0)
                ),
            )
        ),
    ),
    Sample(
        title="An order is cancelled",
        delivery=_delivery("orders/cancelled", _CANCELLED),
        translation=Translation(
            facts=(
                _order_fact(
                    _CANCELLED_VERSION,
                    (13_000_001, "BOLT-M8", 12, 12),
                    (13_000_002, "NUT-M8", 2, 2),
                ),
            )
        ),
    ),
    Sample(
        title="An order was edited; the update that comes with it has the state",
        delivery=_delivery(
            "orders/edited",
            {
                "order_edit": {
                    "id": 9001,
                    "order_id": 5_000_001,
                    "committed_at": "2026-05-04T09:03:12-05:00",
                    "line_items": {
                        "additions": [],
                        "removals": [{"id": 13_000_001, "delta": 2}],
                    },
                }
            },
        ),
        translation=Translation(),
    ),
    Sample(
        title="One line of an order has no SKU; the rest goes on",
        delivery=_delivery(
            "orders/create",
            _order(_line(13_000_001, "BOLT-M8", 1, 1), _line(13_000_003, None, 1, 1)),
        ),
        translation=Translation(
            facts=(_order_fact(UPDATED_MICROS + 2, (13_000_001, "BOLT-M8", 1, 0)),),
            refused=(
                Untranslatable(
                    code="MD-ITEM-XREF",
                    where="/line_items/1/sku",
                    reason="order line 13000003 has no SKU: give the variant one in the shop",
                ),
            ),
        ),
    ),
    Sample(
        title="The shop offers another quantity",
        delivery=_delivery(
            "inventory_levels/update",
            {
                "inventory_item_id": 40_000_001,
                "location_id": 70_000_001,
                "available": 38,
                "updated_at": "2026-05-04T09:03:12-05:00",
                "admin_graphql_api_id": (
                    "gid://shopify/InventoryLevel/70000001?inventory_item_id=40000001"
                ),
            },
        ),
        translation=Translation(
            facts=(
                _fact(
                    "level:gid://shopify/InventoryItem/40000001"
                    f":gid://shopify/Location/70000001:{EVENT_ID}",
                    ChannelLevelHeard(
                        item="gid://shopify/InventoryItem/40000001",
                        location="gid://shopify/Location/70000001",
                        quantity=Quantity.of(38),
                    ),
                    UPDATED_MICROS + 401_377,
                    "gid://shopify/InventoryItem/40000001",
                ),
            )
        ),
    ),
    Sample(
        title="A product with two variants is renamed",
        delivery=_delivery(
            "products/update",
            {
                "id": 50_000_001,
                "admin_graphql_api_id": "gid://shopify/Product/50000001",
                "title": "Hex bolt M8",
                "status": "active",
                "updated_at": "2026-05-04T09:03:12-05:00",
                "variants": [
                    {
                        "id": 60_000_001,
                        "title": "Zinc",
                        "sku": "BOLT-M8",
                        "barcode": "4006381333931",
                        "inventory_item_id": 40_000_001,
                        "updated_at": "2026-05-04T09:03:12-05:00",
                    },
                    {
                        "id": 60_000_002,
                        "title": "Steel",
                        "sku": "",
                        "barcode": None,
                        "inventory_item_id": 40_000_002,
                        "updated_at": "2026-05-04T09:03:12-05:00",
                    },
                ],
            },
        ),
        translation=Translation(
            facts=(
                _state(
                    "item:40000001",
                    ItemChanged(
                        sku="BOLT-M8", description="Hex bolt M8 - Zinc", gtin="4006381333931"
                    ),
                    "gid://shopify/InventoryItem/40000001",
                ),
                _state(
                    "item:40000002",
                    ItemChanged(
                        sku="gid://shopify/InventoryItem/40000002",
                        description="Hex bolt M8 - Steel",
                    ),
                    "gid://shopify/InventoryItem/40000002",
                ),
            )
        ),
    ),
    Sample(
        title="A location is closed",
        delivery=_delivery(
            "locations/deactivate",
            {
                "id": 70_000_001,
                "admin_graphql_api_id": "gid://shopify/Location/70000001",
                "name": "Main warehouse",
                "active": False,
                "updated_at": "2026-05-04T09:03:12-05:00",
            },
        ),
        translation=Translation(
            facts=(
                _state(
                    "location:70000001",
                    LocationChanged(
                        code="gid://shopify/Location/70000001",
                        name="Main warehouse",
                        is_active=False,
                    ),
                    "gid://shopify/Location/70000001",
                ),
            )
        ),
    ),
)
