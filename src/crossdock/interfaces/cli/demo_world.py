"""The simulated distributor of the demo: warehouses, shops, an ERP, each by its own protocol."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from crossdock.applications.generic_wms.simulator import Habits as WmsHabits
from crossdock.applications.generic_wms.simulator import Pace, Warehouse, webhook_sender
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.applications.shopify.simulated_shop import Numbers
from crossdock.applications.shopify.simulated_webhooks import Habits as ShopHabits
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.applications.tryton.simulator import TrytonSimulator
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.inventory import budget
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation.clock import VirtualClock
from crossdock.interfaces.api import create_app
from crossdock.interfaces.cli.http_server import serving
from crossdock.interfaces.cli.trading_day import DAY_SECONDS, Channel, Day, Item, Sale
from crossdock.orchestration.processes.channel_terms import Channel as ChannelTerms
from crossdock.orchestration.processes.channel_terms import ItemTerms

SITE, WEST = "DC1", "DC2"
SHOP, MARKET, WMS, ERP = "shop", "market", "wms", "erp"

DRILL, DRILLS, KEPT_FOR_SHOP = "DRILL-18V", 60, 40
"""An item on promotion, how many there are, and how many are kept for the shop's customers."""

PARTS = {f"PART-{number:02}": 10 + number for number in range(1, 61)}
"""What lies in the second warehouse, whose books the ERP keeps, when the day begins."""

SECRET = "whsec_" + base64.b64encode(b"a demo's secret is no secret").decode()
TICK_SECONDS = 60
"""What the warehouse tells travels once per tick: on the demo's clock it takes up to this long."""

OVERSELL_PERCENT = Decimal(1)
"""How often sales that the shop has not heard of may be more than its buffer (A16)."""

# Nothing gets lost or found on this floor, so that whatever is short was oversold.
STEADY = Pace(
    receipts_per_day=0,
    counts_per_day=0,
    damages_per_day=0,
    missing_in_bin=0,
    unpicked=0,
    heartbeat_every=timedelta(minutes=5),
)

# The second warehouse has nothing to tell but what trucks bring.
QUIET = replace(STEADY, heartbeat_every=timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class World:
    hub: Hub
    clock: VirtualClock
    warehouse: Warehouse
    west: Warehouse
    simulator: ShopifySimulator
    market: ShopifySimulator
    erp: TrytonSimulator
    api: HttpClient
    address: str
    owner_key: str


@asynccontextmanager
async def open_world(hub: Hub, clock: VirtualClock, day: Day, port: int) -> AsyncIterator[World]:
    """Start all ends, connect them to the hub by their own protocols, tell it the catalogue."""
    async with AsyncExitStack() as stack:
        owner_key = await hub.access.ensure_owner_key(hub.settings.data_dir, hub.settings.tenant)
        address = await stack.enter_async_context(serving(create_app(hub), port=port))
        api = await stack.enter_async_context(
            HttpClient(address, clock=clock, allow_private_addresses=True)
        )
        ports = Ports(clock=clock, random=Random(day.seed), allow_private_addresses=True)  # noqa: S311  # a game, not a secret
        drill = Item(DRILL, "Cordless drill 18 V", DRILLS)
        items = (*day.items, drill)
        simulator, place = await _open_shop(stack, hub, ports, SHOP, items, address)
        warehouse = await _open_warehouse(hub, ports, day, api)
        # With a chance of their own: what they do changes nothing in the day that is compared.
        beside = Ports(clock=clock, random=Random(day.seed + 1), allow_private_addresses=True)  # noqa: S311  # a game, not a secret
        market, stall = await _open_shop(stack, hub, beside, MARKET, (drill,), address)
        erp = await _open_erp(stack, hub, beside)
        west = _warehouse_at(WEST, PARTS, beside, api, QUIET, WmsHabits())
        await _agree_on_terms(hub, day, place, stall)
        yield World(
            hub, clock, warehouse, west, simulator, market, erp, api, address, owner_key or ""
        )


async def _open_shop(
    stack: AsyncExitStack,
    hub: Hub,
    ports: Ports,
    name: str,
    items: Sequence[Item],
    address: str,
) -> tuple[ShopifySimulator, str]:
    """Answer the shop, and the place in it that shows what the warehouse has."""
    settings = {
        "shop_domain": f"{name}.myshopify.com",
        "access_token": "shpat_demo",
        "webhook_secret": "demo-webhook-secret",
        "demand_location": SITE,
        "channel": name,
    }
    habits = ShopHabits(lost=0.0, twice=0.05, late=0.0)
    numbers = Numbers() if name == SHOP else Numbers(41_000_000, 71_000_000, 6_000_000, 14_000_000)
    simulator = ShopifySimulator(
        ShopifySettings.model_validate(settings), ports, habits=habits, numbers=numbers
    )
    url = await stack.enter_async_context(serving(simulator.app))
    entry = Entry(
        tenant=hub.settings.tenant,
        name=name,
        application="shopify",
        settings={**settings, "admin_url": url},
    )
    await hub.connect(entry)
    place = simulator.shop.open_location("Main warehouse")
    listed = {
        item.sku: simulator.shop.list_item(item.sku, title=item.description, stock={place: 0})
        for item in items
    }
    facts = [_item(item.sku, item.description, listed[item.sku], hub) for item in items]
    facts.append(_location(place, hub))
    await hub.record(facts, source=name)
    for topic in ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED"):
        simulator.webhooks.subscribe(topic, f"{address}/v1/webhooks/{name}")
    return simulator, place


async def _open_warehouse(hub: Hub, ports: Ports, day: Day, api: HttpClient) -> Warehouse:
    entry = Entry(
        tenant=hub.settings.tenant,
        name=WMS,
        application="generic_wms",
        settings={"secrets": [SECRET], "available_is": "NOT_TOLD"},
    )
    await hub.connect(entry)
    await hub.record([_location(SITE, hub), _location(WEST, hub)], source=WMS)
    stock = {item.sku: item.opening for item in day.items} | {DRILL: DRILLS}
    habits = WmsHabits(repeated=0.05, reordered=0.1, reordered_by=timedelta(seconds=30))
    return _warehouse_at(SITE, stock, ports, api, STEADY, habits)


def _warehouse_at(  # each is a part of it
    site: str,
    stock: Mapping[str, int],
    ports: Ports,
    api: HttpClient,
    pace: Pace,
    habits: WmsHabits,
) -> Warehouse:
    send = webhook_sender(api, f"/v1/webhooks/{WMS}")
    return Warehouse(
        site, stock=stock, ports=ports, send=send, secrets=[SECRET], pace=pace, habits=habits
    )


async def _open_erp(stack: AsyncExitStack, hub: Hub, ports: Ports) -> TrytonSimulator:
    """Connect books of the second warehouse: each movement there is to be entered in them."""
    erp = TrytonSimulator(WEST, PARTS, ports)
    url = await stack.enter_async_context(serving(erp.app))
    settings = {"base_url": url, "database": "demo", "user": "hub", "password": "demo"}
    await hub.connect(
        Entry(
            tenant=hub.settings.tenant,
            name=ERP,
            application="tryton",
            settings=settings,
            roles={"PostsMovements": [WEST]},
        )
    )
    numbers = erp.books.products
    facts = [_item(code, "Spare part", str(numbers[code]), hub) for code in PARTS]
    [warehouse, *_] = erp.books.locations()
    facts.append(_location(WEST, hub, native=str(warehouse["id"])))
    await hub.record(facts, source=ERP)
    return erp


def buffer_of(lines: Sequence[int]) -> Decimal:
    """Hold back what the branches take while the shop sells blindly.

    What they reserve is in the shop before its next customer comes, as fast as the hub promises;
    what the shop sells is known to the hub when its webhooks have come.
    """
    taken = sum(lines)
    branches = budget.Seller(
        name=Channel.BRANCH,
        peak=taken * 3600 // DAY_SECONDS,
        taken=taken,
        squares=sum(line * line for line in lines),
        order_ms=ShopHabits().usual_delay // timedelta(milliseconds=1),
    )
    held = budget.held_back([branches], budget.HEARING_MS, OVERSELL_PERCENT)
    return Decimal(held) / MICROS


async def _agree_on_terms(hub: Hub, day: Day, place: str, stall: str) -> None:
    """Give each item the buffer that its own rate of sale needs for the time the shop is blind.

    Of the promotion allocation keeps some for the shop; the market and the branches get the rest.
    """
    lines: dict[str, list[int]] = {item.sku: [] for item in day.items}
    for happening in day.happenings:
        if isinstance(happening, Sale) and happening.channel is Channel.BRANCH:
            lines[happening.sku].append(happening.quantity * MICROS)
    terms = [ItemTerms(item=sku, buffer=buffer_of(sold)) for sku, sold in lines.items()]
    at_shop = ChannelTerms(
        connection=SHOP,
        location=normalised(place),
        source_locations=(SITE,),
        low_threshold=Decimal(5),
        coalesce_seconds=60,
        items=tuple(terms),
    )
    at_market = ChannelTerms(
        connection=MARKET,
        location=normalised(stall),
        source_locations=(SITE,),
        items=tuple(ItemTerms(item=sku, is_excluded=True) for sku in lines),
    )
    for channel in (at_shop, at_market):
        await hub.channels.put(hub.scope, channel, by="demo")
    opening = hub.clock.now()
    kept = AllocationProtection(
        item=DRILL,
        location=SITE,
        channel=SHOP,
        minimum=KEPT_FOR_SHOP * MICROS,
        starts_at=opening,
        ends_at=opening + timedelta(days=1),
    )
    await hub.allocation.rulebook.protect(hub.scope, kept, by="demo")


def _location(code: str, hub: Hub, *, native: str = "") -> Fact:
    return Fact(
        identity=f"location:{code}",
        payload=LocationChanged(code=code, name="Main warehouse"),
        occurred_at=hub.clock.now(),
        native_ref=native or code,
    )


def _item(sku: str, description: str, native: str, hub: Hub) -> Fact:
    return Fact(
        identity=f"item:{sku}",
        payload=ItemChanged(sku=sku, description=description),
        occurred_at=hub.clock.now(),
        native_ref=native,
    )
