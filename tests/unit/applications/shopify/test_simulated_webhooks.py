"""Webhooks come late, twice, out of order or not at all; and what the hub makes of them."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock.applications.shopify.client import TOPICS
from crossdock.applications.shopify.receiving import ShopifyReceiver
from crossdock.applications.shopify.simulated_webhooks import (
    RETRY_SECONDS,
    Habits,
    Send,
    Webhooks,
)
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact
from crossdock.connectivity.sdk import Delivery, Ports, Verdict
from crossdock.foundation.clock import SystemClock, VirtualClock
from tests.unit.applications.shopify.shops import (
    NOON,
    change,
    open_shop,
    ports_at,
    served,
    settings_for,
    while_time_passes,
)

RECEIVER = ShopifyReceiver(settings_for())
URI = "http://127.0.0.1:1/hooks"


class Hub:
    """Takes deliveries as the inbox would: verified, translated, each identity once."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.got: list[Delivery] = []
        self.times: list[datetime] = []
        self.facts: dict[str, Fact] = {}
        self.answers = True

    async def take(self, delivery: Delivery) -> bool:
        self.times.append(self.clock.now())
        if not self.answers:
            return False
        RECEIVER.verify(delivery, self.clock.now())
        self.got.append(delivery)
        for fact in RECEIVER.translate(delivery).facts:
            self.facts.setdefault(fact.identity, fact)
        return True


def a_day(seed: int, habits: Habits) -> tuple[ShopifySimulator, Hub, VirtualClock]:
    clock = VirtualClock(NOON)
    hub = Hub(clock)
    simulator = ShopifySimulator(
        settings_for(), ports_at(clock, seed), habits=habits, send=hub.take
    )
    simulator.shop.list_item("BOLT", stock={simulator.shop.open_location("Main"): 1000})
    for topic in TOPICS:
        simulator.webhooks.subscribe(topic, URI)
    return simulator, hub, clock


async def trade(simulator: ShopifySimulator, clock: VirtualClock, orders: int) -> None:
    for _ in range(orders):
        simulator.shop.buy("BOLT", 1)
        await clock.advance(timedelta(seconds=20))
        await simulator.webhooks.deliver_due()
    await clock.advance(timedelta(hours=1))
    await simulator.webhooks.deliver_due()


async def test_deliveries_come_late_twice_unordered_or_not_at_all() -> None:
    habits = Habits(lost=0.1, twice=0.2, late=0.3)
    simulator, hub, clock = a_day(5, habits)

    await trade(simulator, clock, 200)

    created = [x for x in hub.got if x.headers["x-shopify-topic"] == "orders/create"]
    times_each = Counter(x.headers["x-shopify-event-id"] for x in created)
    order = [x.body.split(b'"name":')[1][:8] for x in created]
    assert 160 <= len(times_each) < 200
    assert 20 <= sum(1 for times in times_each.values() if times == 2) <= 60
    assert order != sorted(order)


async def test_every_order_is_known_once_when_nothing_is_lost() -> None:
    simulator, hub, clock = a_day(5, Habits(twice=0.5, late=0.5))

    await trade(simulator, clock, 100)

    assert len([x for x in hub.facts if x.startswith("order:")]) == 100


async def test_a_seed_gives_the_same_day_again() -> None:
    days = []
    for _ in range(2):
        simulator, hub, clock = a_day(9, Habits(lost=0.1, twice=0.2, late=0.3))
        await trade(simulator, clock, 50)
        days.append(hub.got)

    assert days[0] == days[1]


async def test_a_refused_delivery_is_repeated_for_four_hours_then_the_subscription_is_gone() -> (
    None
):
    simulator, hub, clock = a_day(5, Habits(usual_delay=timedelta(0)))
    hub.answers = False
    simulator.shop.buy("BOLT", 1)
    before = len(simulator.webhooks.subscriptions)

    for _ in range(5 * 60):
        await simulator.webhooks.deliver_due()
        await clock.advance(timedelta(minutes=1))

    # One order made two messages: nine tries each, and two subscriptions fewer.
    assert len(hub.times) == 18
    assert hub.times[-1] - hub.times[0] >= timedelta(hours=4)
    assert sum(RETRY_SECONDS) == 4 * 3600
    assert len(simulator.webhooks.subscriptions) == before - 2
    assert simulator.webhooks.next_due is None


async def test_a_retry_carries_the_first_body_and_is_accepted_when_the_hub_is_back() -> None:
    simulator, hub, clock = a_day(5, Habits(usual_delay=timedelta(0)))
    hub.answers = False
    simulator.shop.buy("BOLT", 1)
    await simulator.webhooks.deliver_due()
    hub.answers = True
    simulator.shop.buy("BOLT", 1)

    await clock.advance(timedelta(hours=1))
    await simulator.webhooks.deliver_due()

    levels = [x.payload for x in hub.facts.values() if isinstance(x.payload, ChannelLevelHeard)]
    assert sorted(int(level.quantity.value) for level in levels) == [998, 999]


async def test_an_answer_after_five_seconds_is_no_answer() -> None:
    clock = VirtualClock(NOON)
    calls = []

    async def slow(delivery: Delivery) -> bool:
        calls.append(delivery)
        await clock.sleep(6)
        return True

    webhooks = _webhooks(clock, slow)

    await while_time_passes(clock, asyncio.create_task(webhooks.deliver_due()))

    assert webhooks.delivered == 0
    assert len(calls) == 1
    assert webhooks.next_due is not None


def _webhooks(clock: VirtualClock, send: Send) -> Webhooks:
    simulator, _, _ = a_day(5, Habits())
    webhooks = Webhooks(
        simulator.shop, ports_at(clock), "s", habits=Habits(usual_delay=timedelta(0)), send=send
    )
    webhooks.subscribe("ORDERS_CREATE", URI)
    simulator.shop.buy("BOLT", 1)
    return webhooks


async def test_deliveries_are_posted_to_the_subscribed_address() -> None:
    got: list[tuple[str, bytes, dict[str, str]]] = []

    async def take(request: Request) -> Response:
        got.append((request.url.query, await request.body(), dict(request.headers)))
        return Response(status_code=200)

    hub = Starlette(routes=[Route("/v1/webhooks/demo", take, methods=["POST"])])
    ports = Ports(clock=SystemClock(), random=Random(3), allow_private_addresses=True)
    simulator = ShopifySimulator(settings_for(), ports, habits=Habits(usual_delay=timedelta(0)))
    simulator.shop.list_item("BOLT", stock={simulator.shop.open_location("Main"): 5})
    async with served(hub) as address:
        simulator.webhooks.subscribe("ORDERS_CREATE", f"{address}/v1/webhooks/demo?shop=1")
        simulator.webhooks.subscribe("INVENTORY_LEVELS_UPDATE", f"{address}/nowhere")
        simulator.shop.buy("BOLT", 2)
        running = asyncio.create_task(simulator.webhooks.run())
        while not got:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    ((query, body, headers),) = got
    RECEIVER.verify(Delivery(body=body, headers=headers), ports.clock.now())
    assert query == "shop=1"


async def test_the_echo_of_our_own_write_is_heard_as_a_level() -> None:
    """A24 whole: set 40, a sale of 2, a stale 35, the shop's word of 38, and 33."""
    async with open_shop() as shop:
        hub = Hub(shop.clock)
        webhooks = Webhooks(
            shop.simulator.shop, ports_at(shop.clock), "app-secret",
            habits=Habits(usual_delay=timedelta(0)), send=hub.take,
        )  # fmt: skip
        webhooks.subscribe("INVENTORY_LEVELS_UPDATE", URI)
        item = shop.item("BOLT", 0)
        await shop.connection.set_availability([change(item, shop.location, 40, 0, version=1)])
        assert shop.simulator.shop.buy("BOLT", 2)
        (stale,) = await shop.connection.set_availability(
            [change(item, shop.location, 35, 40, version=2)]
        )

        await webhooks.deliver_due()

        heard = [x.payload for x in hub.facts.values() if isinstance(x.payload, ChannelLevelHeard)]
        levels = [int(level.quantity.value) for level in heard]
        assert (stale.verdict, stale.observed) == (Verdict.STALE, Decimal(38))
        assert levels == [0, 40, 38]
        (done,) = await shop.connection.set_availability(
            [change(item, shop.location, levels[-1] - 5, levels[-1], version=3)]
        )
        assert done.verdict is Verdict.DONE
        assert shop.available("BOLT") == 33
