"""Stand-ins for these tests: a simulated shop, served over real loopback HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crossdock.applications.shopify.client import ShopifyConnection, connect
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.applications.shopify.simulated_cost import PointsBucket
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.connectivity.sdk import Ports, SetAvailability
from crossdock.foundation.clock import VirtualClock

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:1"


def settings_for(address: str = NOWHERE, **changes: Any) -> ShopifySettings:
    return ShopifySettings.model_validate(
        {
            "shop_domain": "demo.myshopify.com",
            "access_token": "shpat_token",
            "webhook_secret": "app-secret",
            "admin_url": address,
            **changes,
        }
    )


def ports_at(clock: VirtualClock, seed: int = 7) -> Ports:
    return Ports(clock=clock, random=Random(seed), allow_private_addresses=True)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an app on a free loopback port; the address is the answer."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@dataclass
class OpenShop:
    """A shop with one location, and our connection to it."""

    simulator: ShopifySimulator
    connection: ShopifyConnection
    clock: VirtualClock
    location: str
    address: str

    def item(self, sku: str, available: int) -> str:
        return self.simulator.shop.list_item(sku, stock={self.location: available})

    def available(self, sku: str) -> int:
        return self.simulator.shop.available(sku)


@asynccontextmanager
async def open_shop(*, points: float = 2000.0, **changes: Any) -> AsyncIterator[OpenShop]:
    clock = VirtualClock(NOON)
    ports = ports_at(clock)
    bucket = PointsBucket(ports, maximum=points)
    simulator = ShopifySimulator(settings_for(), ports, bucket=bucket)
    location = simulator.shop.open_location("Main warehouse")
    async with (
        served(simulator.app) as address,
        connect(settings_for(address, **changes), ports_at(clock)) as connection,
    ):
        yield OpenShop(simulator, connection, clock, location, address)


def change(
    item: str,
    location: str,
    quantity: int,
    expected: int | None,
    *,
    key: str = "",
    version: int = 1,
) -> SetAvailability:
    return SetAvailability(
        command_id=f"cmd:{key or item}:{quantity}",
        idempotency_key=key or f"{item}@{location}#{version}",
        item=item,
        location=location,
        quantity=Decimal(quantity),
        expected=None if expected is None else Decimal(expected),
        version=version,
    )


@dataclass
class Scripted:
    """Another server at the shop's address: it gives the answers it was told to, then the last."""

    answers: list[tuple[int, bytes]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await Response(body, status)(scope, receive, send)


@asynccontextmanager
async def connected_to(
    app: ASGIApp, clock: VirtualClock | None = None
) -> AsyncIterator[ShopifyConnection]:
    async with (
        served(app) as address,
        connect(settings_for(address), ports_at(clock or VirtualClock(NOON))) as connection,
    ):
        yield connection


async def while_time_passes(clock: VirtualClock, waiting: "asyncio.Task[Any]") -> Any:
    """Turn the clock second by second until the task is done."""
    for _ in range(3000):
        if waiting.done():
            return waiting.result()
        await asyncio.sleep(0.002)
        await clock.advance(timedelta(seconds=0.25))
    raise AssertionError("the task waits for more time than a test has")
