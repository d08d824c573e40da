"""Ends of real protocols for whole-hub tests: shops over HTTP, a warehouse, and what they saw."""

import base64
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.applications.shopify.simulated_shop import Happening
from crossdock.applications.shopify.simulated_webhooks import Habits as ShopHabits
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.assembly import Hub
from crossdock.capabilities.catalog import normalised
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import Ports
from crossdock.foundation.clock import Clock
from crossdock.foundation.settings import Settings
from crossdock.interfaces.cli.http_server import serving
from crossdock.orchestration.processes.channel_terms import Channel

TOPICS = ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED", "INVENTORY_LEVELS_UPDATE")
SECRET = "whsec_" + base64.b64encode(b"the warehouse of a test signs").decode()


def ports_of(clock: Clock, seed: int) -> Ports:
    return Ports(clock=clock, random=Random(seed), allow_private_addresses=True)


def settings_of(dsn: str, folder: Path) -> Settings:
    return Settings(
        dsn=SecretStr(dsn), data_dir=folder, allow_private_addresses=True, log_level="ERROR"
    )


@dataclass
class Shop:
    """A simulated shop on a port of its own; every request and every changed level is noted.

    `writes` are the numbers that were set through the API; what customers buy is not among them.
    """

    name: str
    simulator: ShopifySimulator
    place: str
    clock: Clock
    sku_by_item: dict[str, str] = field(default_factory=dict[str, str])
    requests: list[datetime] = field(default_factory=list[datetime])
    writes: list[tuple[datetime, str, int]] = field(
        default_factory=list[tuple[datetime, str, int]]
    )
    is_selling: bool = False

    @property
    def location(self) -> str:
        """What the hub calls the place: a shop's own location goes by the shop's own id."""
        return normalised(self.place)

    def list_items(self, skus: Iterable[str]) -> None:
        for sku in skus:
            made = self.simulator.shop.list_item(sku, title=sku, stock={self.place: 0})
            self.sku_by_item[made] = sku

    def levels(self) -> dict[str, int]:
        return {
            self.sku_by_item[item]: level.available
            for (item, _), level in self.simulator.shop.levels.items()
        }

    def buy(self, sku: str, quantity: int) -> tuple[str, str] | None:
        """Let a customer buy; answer order and line as the hub names them, None if refused."""
        self.is_selling = True
        order = self.simulator.shop.buy(sku, quantity)
        self.is_selling = False
        if order is None:
            return None
        return order.id, f"shopify:{order.number}/{order.lines[0].number}"

    def effects(self) -> Counter[str]:
        return Counter(sku for _, sku, _ in self.writes)

    def terms(self, sources: tuple[str, ...], **more: Any) -> Channel:
        return Channel(
            connection=self.name, location=self.location, source_locations=sources, **more
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.requests.append(self.clock.now())
        await self.simulator.app(scope, receive, send)

    def hear(self, happening: Happening) -> None:
        if happening.topic == "inventory_levels/update" and not self.is_selling:
            item = f"gid://shopify/InventoryItem/{happening.payload['inventory_item_id']}"
            sku = self.sku_by_item.get(item)
            if sku:  # not while it is being listed
                self.writes.append(
                    (happening.triggered_at, sku, int(happening.payload["available"]))
                )


@asynccontextmanager
async def shop_at(
    name: str, demand_location: str, ports: Ports, *, habits: ShopHabits | None = None
) -> AsyncIterator[tuple[Shop, Mapping[str, Any]]]:
    """Open a shop; give it, and the settings that connect it."""
    settings: dict[str, Any] = {
        "shop_domain": f"{name}.myshopify.com",
        "demand_location": demand_location,
        "access_token": f"shpat_{name}",
        "webhook_secret": f"secret of {name}",
        "channel": name,
    }
    simulator = ShopifySimulator(ShopifySettings.model_validate(settings), ports, habits=habits)
    shop = Shop(name, simulator, simulator.shop.open_location("Online"), ports.clock)
    simulator.shop.listeners.append(shop.hear)
    async with serving(shop) as address:
        yield shop, {**settings, "admin_url": address}


async def connected(
    hub: Hub, name: str, application: str, settings: Mapping[str, Any], **more: Any
) -> Entry:
    entry = Entry(
        tenant=hub.settings.tenant, name=name, application=application, settings=settings, **more
    )
    return await hub.connect(entry)


async def on_hand(hub: Hub, skus: Iterable[str], site: str) -> dict[str, dict[str, int]]:
    """Ask the hub what lies there, by item and status, in the form of the warehouse's books."""
    answers = await hub.inventory.availability(hub.scope, [(sku, site) for sku in skus])
    return {
        answer.item: {
            str(status): micros // 1_000_000
            for status, micros in answer.by_status.items()
            if micros
        }
        for answer in answers
    }


async def promised(hub: Hub, skus: Iterable[str], site: str) -> dict[str, int]:
    """Ask what the hub would let anybody have now."""
    answers = await hub.inventory.availability(hub.scope, [(sku, site) for sku in skus])
    return {answer.item: int(answer.available.value) for answer in answers}


async def shortages(hub: Hub, skus: Iterable[str], site: str) -> dict[str, Decimal]:
    answers = await hub.inventory.availability(hub.scope, [(sku, site) for sku in skus])
    return {answer.item: answer.shortage.value for answer in answers if answer.shortage.value}


def booked(levels: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """Leave out the empty lines of the warehouse's books."""
    return {
        item: {status: count for status, count in buckets.items() if count}
        for item, buckets in levels.items()
    }
