"""A shop that forgot to send its webhooks is told again, and what it did not tell is found."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from crossdock.applications.shopify import APPLICATION
from crossdock.applications.shopify.client import TOPICS
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.directory import Directory, Entry
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.poller import Poller, Pollers, Polling
from crossdock.connectivity.sdk import Delivery
from crossdock.connectivity.subscriptions import PublicAddress
from crossdock.connectivity.vault import Vault
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from tests.unit.applications.shopify.shops import ports_at, served, settings_for
from tests.unit.connectivity.standins import Catalogue

MAIN = Scope("main")
HUB = PublicAddress("https://hub.example/")
WEBHOOK = "https://hub.example/v1/webhooks/shop"


@dataclass
class Street:
    """A shop, and a hub that may be deaf to what the shop sends."""

    simulator: ShopifySimulator
    database: Database
    clock: VirtualClock
    polling: Polling
    poller: Poller
    is_deaf: list[bool] = field(default_factory=lambda: [False])

    @property
    def subscribed(self) -> Counter[tuple[str, str]]:
        return Counter((one.topic, one.uri) for one in self.simulator.webhooks.subscriptions)

    async def orders(self) -> Counter[str]:
        async with self.database.transaction(MAIN) as tx:
            events, _ = await event_log.read(tx, Position(), limit=1000)
        return Counter(
            event.fact.native_ref for event in events if isinstance(event.payload, OrderChanged)
        )

    async def buy(self) -> str:
        order = self.simulator.shop.buy("SKU-1")
        assert order
        return order.id

    async def pass_by(self, **time: float) -> None:
        """Let time pass, with the shop sending what is due."""
        end = self.clock.now() + timedelta(**time)
        while (due := self.simulator.webhooks.next_due) and due <= end:
            await self.clock.advance(max(timedelta(), due - self.clock.now()))
            await self.simulator.webhooks.deliver_due()
        await self.clock.advance(end - self.clock.now())

    async def state(self) -> dict[str, Any]:
        return await Pollers(self.polling).state(MAIN, "shop")


@asynccontextmanager
async def open_street(
    database: Database, clock: VirtualClock, public: PublicAddress = HUB
) -> AsyncIterator[Street]:
    directory = Directory(database, clock, Vault(b"k" * 32), {"shopify": APPLICATION})
    inbox = Inbox(database, clock, directory, Catalogue(), worker="w1")
    is_deaf = [False]

    async def send(delivery: Delivery) -> bool:
        if not is_deaf[0]:
            await inbox.receive(MAIN, "shop", delivery)
        return not is_deaf[0]

    simulator = ShopifySimulator(settings_for(), ports_at(clock), send=send)
    simulator.shop.list_item("SKU-1", stock={simulator.shop.open_location("Main"): 50})
    polling = Polling(
        database=database, directory=directory, inbox=inbox, ports=ports_at(clock), worker="w1",
        public=public,
    )  # fmt: skip
    async with served(simulator.app) as address:
        settings = {
            "shop_domain": "demo.myshopify.com",
            "access_token": "shpat_token",
            "webhook_secret": "app-secret",
            "admin_url": address,
            "demand_location": "DC1",
        }
        entry = Entry(tenant="main", name="shop", application="shopify", settings=settings)
        poller = Poller(polling, await directory.add(MAIN, entry))
        yield Street(simulator, database, clock, polling, poller, is_deaf)
        await poller.close()


@pytest.fixture
async def street(database: Database, clock: VirtualClock) -> AsyncIterator[Street]:
    async with open_street(database, clock) as opened:
        yield opened


ALL_ONCE = Counter({(topic, WEBHOOK): 1 for topic in TOPICS})


async def test_a_shop_is_told_where_to_send_at_first_contact_and_tells(street: Street) -> None:
    await street.poller.round()
    bought = await street.buy()
    await street.pass_by(seconds=1)

    assert street.subscribed == ALL_ONCE
    assert (await street.orders())[bought] == 1


async def test_a_deleted_subscription_comes_back_and_what_was_missed_is_found_once(
    street: Street,
) -> None:
    await street.poller.round()
    heard = await street.buy()
    await street.pass_by(seconds=1)

    street.is_deaf[0] = True
    missed = await street.buy()
    await street.pass_by(hours=5)
    assert street.subscribed != ALL_ONCE, "the simulator must have forgotten"
    silent = await street.buy()
    await street.pass_by(minutes=1)
    assert await street.orders() == Counter({heard: 1})

    street.is_deaf[0] = False
    await street.poller.round()
    assert street.subscribed == ALL_ONCE
    again = await street.buy()
    await street.pass_by(seconds=1)
    for _ in range(4):
        await street.pass_by(minutes=5)
        await street.poller.round()

    assert street.subscribed == ALL_ONCE
    assert await street.orders() == Counter({heard: 1, missed: 1, silent: 1, again: 1})


async def test_what_is_subscribed_is_looked_at_every_quarter_of_an_hour(street: Street) -> None:
    await street.poller.round()
    street.simulator.webhooks.subscriptions.pop()
    await street.pass_by(minutes=5)
    await street.poller.round()
    assert street.subscribed != ALL_ONCE

    await street.pass_by(minutes=10)
    await street.poller.round()

    assert street.subscribed == ALL_ONCE


async def test_a_hub_that_nobody_can_reach_asks_for_no_webhooks_and_polls(
    database: Database, clock: VirtualClock
) -> None:
    async with open_street(database, clock, PublicAddress()) as street:
        bought = await street.buy()
        await street.poller.round()

        assert street.subscribed == Counter()
        assert await street.orders() == Counter({bought: 1})


async def test_a_refused_subscription_is_noted_and_the_shop_is_polled(
    database: Database, clock: VirtualClock
) -> None:
    async with open_street(database, clock, PublicAddress("hub.example")) as street:
        bought = await street.buy()
        await street.poller.round()

        state = await street.state()
        assert "ORDERS_CREATE: Address is not a valid URI" in state["subscription_error"]
        assert state["failures"] == 0
        assert await street.orders() == Counter({bought: 1})


async def test_changed_settings_are_told_to_the_shop_they_now_name(street: Street) -> None:
    await street.poller.round()
    street.simulator.webhooks.subscriptions.clear()

    directory = street.polling.directory
    await directory.change(MAIN, "shop", {"overlap_seconds": 60})
    await street.poller.round()

    assert street.subscribed == ALL_ONCE


@pytest.mark.parametrize(
    ("url", "tenant", "address"),
    [
        ("https://hub.example", "main", "https://hub.example/v1/webhooks/shop"),
        ("https://a.example/hub/", "main", "https://a.example/hub/v1/webhooks/shop"),
        ("https://hub.example", "other", "https://hub.example/v1/webhooks/shop?tenant=other"),
        ("", "main", ""),
    ],
)
def test_the_address_of_a_webhook_names_the_connection_and_whose_it_is(
    url: str, tenant: str, address: str
) -> None:
    assert PublicAddress(url, "main").webhook_of(tenant, "shop") == address
