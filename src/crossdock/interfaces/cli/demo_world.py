"""The simulated distributor of the demo: one warehouse, one shop, two ends of real protocols."""

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random

from crossdock.applications.generic_wms.simulator import Habits as WmsHabits
from crossdock.applications.generic_wms.simulator import Pace, Warehouse, webhook_sender
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.applications.shopify.simulated_webhooks import Habits as ShopHabits
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.inventory.publishing import latency_buffer
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation.clock import VirtualClock
from crossdock.interfaces.api import create_app
from crossdock.interfaces.cli.http_server import serving
from crossdock.interfaces.cli.trading_day import DAY_SECONDS, Channel, Day, Sale
from crossdock.orchestration.processes.availability_channels import Channel as ChannelTerms
from crossdock.orchestration.processes.availability_channels import ItemTerms

SITE = "DC1"
SHOP, WMS = "shop", "wms"
TICK_SECONDS = 60
"""The demo lets everything travel once per tick: on its clock a change takes up to this long."""

BLIND_SECONDS = 2 * TICK_SECONDS
"""Longest that the shop may sell without knowing: a change waits a tick, its order another."""

BUFFER_Z = Decimal("2.33")
"""One-sided 99 %: how sure a buffer is that sales during the blind time stay below it (A16)."""


# Nothing gets lost or found on this floor, so that whatever is short was oversold.
STEADY = Pace(
    receipts_per_day=0,
    counts_per_day=0,
    damages_per_day=0,
    missing_in_bin=0,
    unpicked=0,
    heartbeat_every=timedelta(minutes=5),
)


@dataclass(frozen=True, slots=True)
class World:
    hub: Hub
    clock: VirtualClock
    warehouse: Warehouse
    simulator: ShopifySimulator
    api: HttpClient
    address: str
    owner_key: str


@asynccontextmanager
async def open_world(hub: Hub, clock: VirtualClock, day: Day, port: int) -> AsyncIterator[World]:
    """Start both ends, connect them to the hub by their own protocols, tell it the catalogue."""
    async with AsyncExitStack() as stack:
        owner_key = await hub.access.ensure_owner_key(hub.settings.data_dir, hub.settings.tenant)
        address = await stack.enter_async_context(serving(create_app(hub), port=port))
        api = await stack.enter_async_context(
            HttpClient(address, clock=clock, allow_private_addresses=True)
        )
        ports = Ports(clock=clock, random=Random(day.seed), allow_private_addresses=True)  # noqa: S311  # a game, not a secret
        simulator, place = await _open_shop(stack, hub, ports, day, address)
        warehouse = await _open_warehouse(hub, ports, day, api)
        await _agree_on_terms(hub, day, place)
        yield World(hub, clock, warehouse, simulator, api, address, owner_key or "")


async def _open_shop(
    stack: AsyncExitStack, hub: Hub, ports: Ports, day: Day, address: str
) -> tuple[ShopifySimulator, str]:
    """Answer the shop, and the place in it that shows what the warehouse has."""
    keys = {"access_token": "shpat_demo", "webhook_secret": "demo-webhook-secret"}
    settings = {"shop_domain": "demo.myshopify.com", "demand_location": SITE, **keys}
    habits = ShopHabits(lost=0.0, twice=0.05, late=0.0)
    simulator = ShopifySimulator(ShopifySettings.model_validate(settings), ports, habits=habits)
    url = await stack.enter_async_context(serving(simulator.app))
    entry = Entry(
        tenant=hub.settings.tenant,
        name=SHOP,
        application="shopify",
        settings={**settings, "admin_url": url},
    )
    await hub.connect(entry)
    place = simulator.shop.open_location("Main warehouse")
    items = {
        item.sku: simulator.shop.list_item(item.sku, title=item.description, stock={place: 0})
        for item in day.items
    }
    facts = [_item(item.sku, item.description, items[item.sku], hub) for item in day.items]
    facts.append(_location(place, hub))
    await hub.record(facts, source=SHOP)
    for topic in ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED"):
        simulator.webhooks.subscribe(topic, f"{address}/v1/webhooks/{SHOP}")
    return simulator, place


async def _open_warehouse(hub: Hub, ports: Ports, day: Day, api: HttpClient) -> Warehouse:
    secret = "whsec_" + base64.b64encode(b"a demo's secret is no secret").decode()
    entry = Entry(
        tenant=hub.settings.tenant,
        name=WMS,
        application="generic_wms",
        settings={"secrets": [secret]},
    )
    await hub.connect(entry)
    await hub.record([_location(SITE, hub)], source=WMS)
    return Warehouse(
        SITE,
        stock={item.sku: item.opening for item in day.items},
        ports=ports,
        send=webhook_sender(api, f"/v1/webhooks/{WMS}"),
        secrets=[secret],
        pace=STEADY,
        habits=WmsHabits(repeated=0.05, reordered=0.1, reordered_by=timedelta(seconds=30)),
    )


async def _agree_on_terms(hub: Hub, day: Day, place: str) -> None:
    """Give each item the buffer that its own rate of sale needs for the time the shop is blind."""
    sold = {item.sku: 0 for item in day.items}
    for happening in day.happenings:
        if isinstance(happening, Sale) and happening.channel is Channel.BRANCH:
            sold[happening.sku] += happening.quantity
    hours = Decimal(DAY_SECONDS) / 3600
    terms = tuple(
        ItemTerms(
            item=sku,
            buffer=Decimal(
                latency_buffer(Decimal(units) / hours, Decimal(BLIND_SECONDS), BUFFER_Z)
            ),
        )
        for sku, units in sold.items()
    )
    await hub.channels.put(
        hub.scope,
        ChannelTerms(
            connection=SHOP,
            location=normalised(place),
            source_locations=(SITE,),
            low_threshold=Decimal(5),
            coalesce_seconds=60,
            items=terms,
        ),
    )


def _location(code: str, hub: Hub) -> Fact:
    return Fact(
        identity=f"location:{code}",
        payload=LocationChanged(code=code, name="Main warehouse"),
        occurred_at=hub.clock.now(),
        native_ref=code,
    )


def _item(sku: str, description: str, native: str, hub: Hub) -> Fact:
    return Fact(
        identity=f"item:{sku}",
        payload=ItemChanged(sku=sku, description=description),
        occurred_at=hub.clock.now(),
        native_ref=native,
    )
