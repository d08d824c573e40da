"""A real ERP, a warehouse system and a shop, each behind its own protocol, around one hub."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from crossdock.applications.generic_wms.simulator import Habits as WmsHabits
from crossdock.applications.generic_wms.simulator import Pace, Warehouse, WorkLine, webhook_sender
from crossdock.applications.shopify.simulated_webhooks import Habits as ShopHabits
from crossdock.applications.tryton.client import connected as tryton_connected
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import LocationChanged
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.connectivity.directory import installed_applications
from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation.clock import SystemClock
from crossdock.interfaces.api import create_app
from crossdock.interfaces.cli.http_server import serving
from tests.peers.tryton import server
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.trading import Trading
from tests.processes.end_to_end.world import (
    SECRET,
    TOPICS,
    Shop,
    connected,
    ports_of,
    settings_of,
    shop_at,
)

SITE = "EAST"
"""A warehouse of the ERP's, worked by the warehouse system."""

CONFLICT = 409
Value = TypeVar("Value")

# A test is shorter than a poll in life; nothing else about the applications is changed.
APPLICATIONS = installed_applications()
for _name, _seconds in (("tryton", 1), ("shopify", 2)):
    APPLICATIONS[_name] = replace(APPLICATIONS[_name], poll_every=timedelta(seconds=_seconds))

BRISK = Pace(
    wave_every=timedelta(milliseconds=200),
    pick_seconds=(0, 0),
    ship_minutes=(0, 0),
    receipts_per_day=0,
    counts_per_day=0,
    damages_per_day=0,
    missing_in_bin=0,
    unpicked=0,
    heartbeat_every=timedelta(seconds=1),
    snapshot_every=None,
)


@dataclass(frozen=True, kw_only=True)
class Habits:
    shop: ShopHabits = field(
        default_factory=lambda: ShopHabits(usual_delay=timedelta(milliseconds=50))
    )
    warehouse: WmsHabits = field(default_factory=WmsHabits)


@dataclass
class Town:
    hub: Hub
    clerk: Trading
    shop: Shop
    warehouse: Warehouse
    api: HttpClient
    key: str
    products: dict[str, int]
    sold: dict[str, int] = field(default_factory=dict[str, int])
    refused: int = 0

    @property
    def skus(self) -> list[str]:
        return list(self.products)

    async def confirm_sale(self, sku: str, quantity: int) -> int:
        """Sell in the ERP, to be shipped from the warehouse that the shop sells from too."""
        sale = await self.clerk.enter_sale(self.products[sku], str(quantity), reference=sku)
        east = await self.clerk.one("stock.location", "code", "=", SITE)
        await self.clerk.session.change("model.sale.sale.write", [sale], {"warehouse": east})
        for button in ("quote", "confirm"):
            await self.clerk.do("sale.sale", button, [sale])
        return sale

    def buy(self, sku: str, quantity: int) -> bool:
        """Buy in the shop, which looks only at its own number; the warehouse picks it."""
        bought = self.shop.buy(sku, quantity)
        if bought:
            self._accepted(sku, quantity, bought[1], bought[0])
        else:
            self.refused += 1
        return bought is not None

    async def reserve(self, sku: str, quantity: int, number: str) -> bool:
        """Promise at the counter, by the hub's API; the warehouse picks it."""
        if not await reserved(self, sku, quantity, number):
            self.refused += 1
            return False
        self._accepted(sku, quantity, number, number)
        return True

    def _accepted(self, sku: str, quantity: int, demand_ref: str, document: str) -> None:
        self.sold[sku] = self.sold.get(sku, 0) + quantity
        line = WorkLine(demand_ref=demand_ref, item=sku, quantity=quantity, document=document)
        self.warehouse.release([line])


async def reserved(town: Town, sku: str, quantity: int, number: str) -> bool:
    line = {
        "item": sku,
        "location": SITE,
        "quantity": {"value": str(quantity), "unit": "EA"},
        "demand_ref": number,
    }
    response = await town.api.request(
        "POST",
        "/v1/reservations",
        headers={"authorization": f"Bearer {town.key}", "content-type": "application/json"},
        body=json.dumps({"request_id": number, "kind": "HARD", "lines": [line]}).encode(),
    )
    if response.status == CONFLICT:
        assert json.loads(response.body)["code"] == "insufficient_stock", response.body
        return False
    assert response.status < 300, response.body
    return True


async def eventually(
    read: Callable[[], Awaitable[Value]], wanted: Callable[[Value], bool], *, seconds: float = 30
) -> Value:
    """Look until it is so; fail with what was seen last."""
    value = await read()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not wanted(value):
                await asyncio.sleep(0.02)
                value = await read()
    assert wanted(value), value
    return value


@asynccontextmanager
async def open_town(  # noqa: PLR0913 - each is what some test varies
    dsn: str,
    folder: Path,
    tryton: TrytonServer,
    stock: dict[str, int],
    *,
    habits: Habits | None = None,
    erp: Mapping[str, Any] | None = None,
    keeps: Sequence[str] = (),
    **terms: Any,
) -> AsyncIterator[Town]:
    """Found the products in the ERP, then let the hub hear of everything by itself.

    `keeps` are the locations whose movements the ERP is told of.
    """
    habits = habits or Habits()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        clerk = await hired(stack, tryton)
        numbers = await clerk.products(*stock)
        hub = await stack.enter_async_context(
            Hub.open(settings_of(dsn, folder), Outside(applications=APPLICATIONS))
        )
        key = await hub.access.ensure_owner_key(folder, hub.settings.tenant)
        address = await stack.enter_async_context(serving(create_app(hub)))
        api = await stack.enter_async_context(
            HttpClient(address, clock=clock, allow_private_addresses=True)
        )
        shop, settings = await stack.enter_async_context(
            shop_at("shop", SITE, ports_of(clock, 1), habits=habits.shop)
        )
        shop.list_items(stock)
        for topic in TOPICS:
            shop.simulator.webhooks.subscribe(topic, f"{address}/v1/webhooks/shop")
        warehouse = Warehouse(
            SITE,
            stock=stock,
            ports=ports_of(clock, 2),
            send=webhook_sender(api, "/v1/webhooks/wms"),
            secrets=[SECRET],
            pace=BRISK,
            habits=habits.warehouse,
        )
        await connected(hub, "wms", "generic_wms", {"secrets": [SECRET]}, gap_seconds=2)
        site = own_fact(LocationChanged(code=SITE), clock.now())
        await hub.record([site], source=OWN_SOURCE)
        await hub.authority.set_keeper(hub.scope, SITE, "wms", by="the town")
        await working(stack, hub.work(), warehouse.run(), shop.simulator.webhooks.run())
        await connected(hub, "shop", "shopify", settings)
        books = {"PostsMovements": list(keeps)} if keeps else {}
        company = {**tryton_settings(tryton), **(erp or {})}
        await connected(hub, "tryton", "tryton", company, roles=books)
        channel = shop.terms((SITE,), **{"coalesce_seconds": 1, **terms})
        await hub.channels.put(hub.scope, channel, by="test")
        yield Town(
            hub, clerk, shop, warehouse, api, key or "",
            dict(zip(stock, numbers, strict=True)),
        )  # fmt: skip


async def hired(stack: AsyncExitStack, tryton: TrytonServer) -> Trading:
    """Somebody who works in the ERP beside the hub."""
    settings = TrytonSettings.model_validate(tryton_settings(tryton))
    opened = tryton_connected(settings, ports_of(SystemClock(), 4))
    return Trading((await stack.enter_async_context(opened)).session)


def tryton_settings(tryton: TrytonServer) -> dict[str, Any]:
    """Connect the ERP; it does not count unless a test lets it: that is a lot of reading."""
    return {
        "base_url": tryton.base_url,
        "database": tryton.database,
        "user": server.USER,
        "password": server.PASSWORD,
        "count_every": None,
    }


async def working(stack: AsyncExitStack, *jobs: Any) -> Sequence[asyncio.Task[None]]:
    """Run these beside the test; a job that ends by itself shows why when the test ends."""
    tasks: list[asyncio.Task[None]] = [asyncio.ensure_future(job) for job in jobs]

    async def end() -> None:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    stack.push_async_callback(end)
    return tasks


async def at_rest(town: Town) -> bool:
    """Tell whether the warehouse has done everything and every message has arrived."""
    buckets = [+counts for counts in town.warehouse.levels().values()]
    return not any(counts["STAGED_OUT"] for counts in buckets) and not any(
        message["type"] == "movement" for *_, message in town.warehouse._outgoing
    )


def exposed(available: int, buffer: int) -> int:
    return max(0, available - buffer)
