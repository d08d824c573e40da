"""A real hub process killed over and over while a warehouse reports and a counter sells.

`CROSSDOCK_KILLS` says how often (10 by default). Every third kill takes the database with it, and
every third run has a second process at work beside the first.
"""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from crossdock.applications.generic_wms.simulator import (
    Habits,
    Warehouse,
    WorkLine,
    webhook_sender,
)
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Unavailable
from crossdock.canonical.inventory import StockMoved
from crossdock.connectivity.transports.http import HttpClient, HttpResponse
from crossdock.foundation import event_log
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.event_log import Position
from tests.hub_processes import Hubs, hubs_in
from tests.processes.end_to_end.town import BRISK, eventually
from tests.processes.end_to_end.world import (
    SECRET,
    Shop,
    booked,
    connected,
    on_hand,
    ports_of,
    promised,
    shop_at,
)

KILLS = int(os.environ.get("CROSSDOCK_KILLS", "10"))  # noqa: TID251  # how much to test
SITE = "DC1"
STOCK = 10_000

# What only falls and what only rises: so no number may ever come twice.
SOLD = tuple(f"SOLD-{number}" for number in range(4))
BOUGHT = tuple(f"BOUGHT-{number}" for number in range(4))
SKUS = SOLD + BOUGHT


@pytest.fixture
def hubs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hubs]:
    with hubs_in(tmp_path_factory.mktemp("killed")) as made:
        yield made


@dataclass
class Counterman:
    """Sells at the counter; an unanswered question is asked again under the same number."""

    api: HttpClient
    key: str
    warehouse: Warehouse
    sold: Counter[str] = field(default_factory=Counter[str])
    received: int = 0

    async def sell(self, number: int, sku: str) -> None:
        line = {
            "item": sku,
            "location": SITE,
            "quantity": {"value": "1", "unit": "EA"},
            "demand_ref": f"counter-{number}",
        }
        asked = {"request_id": f"counter-{number}", "kind": "HARD", "lines": [line]}
        response = await self.answer(json.dumps(asked).encode())
        assert response.status in {200, 201}, (response.status, response.body)
        self.sold[sku] += 1
        work = WorkLine(demand_ref=f"counter-{number}", item=sku, quantity=1)
        self.warehouse.release([work])

    async def answer(self, body: bytes) -> HttpResponse:
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        while True:
            with suppress(Unavailable):
                response = await self.api.request(
                    "POST", "/v1/reservations", headers=headers, body=body
                )
                if response.status < 500:
                    return response
            await asyncio.sleep(0.1)


@asynccontextmanager
async def founded(hubs: Hubs) -> AsyncIterator[tuple[Shop, str]]:
    """Connect a shop and a warehouse to a hub that then closes: the processes find them."""
    async with shop_at("shop", SITE, ports_of(SystemClock(), 1)) as (shop, settings):
        shop.list_items(SKUS)
        async with Hub.open(hubs.settings) as hub:
            key = await hub.access.ensure_owner_key(hubs.folder, hub.settings.tenant)
            await connected(hub, "shop", "shopify", settings)
            await connected(hub, "wms", "generic_wms", {"secrets": [SECRET]})
            at = hub.clock.now()
            facts = [
                Fact(identity=sku, payload=ItemChanged(sku=sku), occurred_at=at, native_ref=item)
                for item, sku in shop.sku_by_item.items()
            ]
            for code in (SITE, shop.place):
                place = LocationChanged(code=code)
                facts.append(Fact(identity=code, payload=place, occurred_at=at, native_ref=code))
            await hub.record(facts, source="shop")
            await hub.channels.put(hub.scope, shop.terms((SITE,), coalesce_seconds=1), by="test")
        yield shop, key or ""


async def trade_until(closing: asyncio.Event, counter: Counterman, random: Random) -> None:
    """Trade, and never go home without having heard whether the last sale was promised."""
    number = 0
    while not closing.is_set():
        number += 1
        await counter.sell(number, random.choice(SOLD))
        counter.warehouse.receive(random.choice(BOUGHT), random.randint(1, 9))
        counter.received += 1
        await asyncio.sleep(0.02)


async def kill_again_and_again(hubs: Hubs, api: HttpClient, random: Random) -> None:
    for number in range(KILLS):
        await asyncio.sleep(random.uniform(0.2, 2.5))
        await hubs.kill(with_database=number % 3 == 2)
        await hubs.start("serve")
        if number % 3 == 1:
            await hubs.start("worker")
        await answering(api)


async def answering(api: HttpClient) -> None:
    async def status() -> int:
        try:
            return (await api.request("GET", "/livez")).status
        except Unavailable:
            return 0

    await eventually(status, lambda found: found == 200, seconds=60)


async def movements_of(hub: Hub) -> list[str]:
    """List every movement in the log, as often as it is there."""
    found: list[str] = []
    after = Position()
    async with hub.database.transaction(hub.scope) as tx:
        while True:
            page, reached = await event_log.read(tx, after, limit=10_000)
            if reached == after:
                return found
            found += [
                event.payload.movement_id
                for event in page
                if isinstance(event.payload, StockMoved)
            ]
            after = reached


async def test_a_hub_that_is_killed_over_and_over_loses_nothing_and_does_nothing_twice(
    hubs: Hubs,
) -> None:
    client = HttpClient(
        f"http://127.0.0.1:{hubs.port}",
        clock=SystemClock(),
        allow_private_addresses=True,
        timeout_seconds=5,
    )
    async with founded(hubs) as (shop, key), client as api:
        warehouse = Warehouse(
            SITE,
            stock=dict.fromkeys(SOLD, STOCK) | dict.fromkeys(BOUGHT, 0),
            ports=ports_of(SystemClock(), 2),
            send=webhook_sender(api, "/v1/webhooks/wms"),
            secrets=[SECRET],
            pace=BRISK,
            habits=Habits(repeated=0.2, reordered=0.2),
        )
        counter = Counterman(api, key, warehouse)
        await hubs.start("serve")
        await answering(api)
        await a_bad_day(hubs, shop, counter)

        truth = {sku: STOCK - counter.sold[sku] for sku in SOLD}
        truth |= {sku: warehouse.levels()[sku]["AVAILABLE"] for sku in BOUGHT}
        await shows(shop, truth)
        assert await hubs.end(signal.SIGTERM) == [0] * (1 + (KILLS % 3 == 2))
        assert_each_number_came_once(shop)
        async with Hub.open(hubs.settings) as hub:
            await assert_all_is_accounted_for(hub, counter, truth)


async def a_bad_day(hubs: Hubs, shop: Shop, counter: Counterman) -> None:
    """Trade while the hub is killed again and again; then let everything arrive."""
    random = Random(21)
    closing = asyncio.Event()
    working = asyncio.create_task(work_until(closing, counter.warehouse))
    await shows(shop, dict.fromkeys(SOLD, STOCK) | dict.fromkeys(BOUGHT, 0))
    shutting = asyncio.Event()
    trading = asyncio.create_task(trade_until(shutting, counter, random))
    await kill_again_and_again(hubs, counter.api, random)
    await asyncio.sleep(1)
    shutting.set()
    await trading
    closing.set()
    await working
    await finished(counter.warehouse)


async def work_until(closing: asyncio.Event, warehouse: Warehouse) -> None:
    """Work, and never go home with a message in the hand."""
    while not closing.is_set():
        await warehouse.work()
        await asyncio.sleep(0.05)


async def shows(shop: Shop, truth: dict[str, int]) -> None:
    async def wrong() -> dict[str, tuple[int, int]]:
        levels = shop.levels()
        return {sku: (levels[sku], truth[sku]) for sku in SKUS if levels[sku] != truth[sku]}

    await eventually(wrong, lambda shown_and_true: not shown_and_true, seconds=60)


async def assert_all_is_accounted_for(
    hub: Hub, counter: Counterman, truth: dict[str, int]
) -> None:
    warehouse = counter.warehouse
    await hub.settle()
    assert await on_hand(hub, SKUS, SITE) == booked(warehouse.levels())
    assert await promised(hub, SKUS, SITE) == truth
    told = Counter(await movements_of(hub))
    assert max(told.values()) == 1
    # A receipt is put away and a pick is shipped: each is two movements.
    assert len(told) == 2 * (warehouse.floor.picks_count + counter.received)
    assert not await hub.quarantine.find(hub.scope)
    assert not await hub.outbox.find(hub.scope)
    state = await hub.inventory.upkeep.state_hash(hub.scope)
    assert state == await hub.inventory.upkeep.replayed_hash(hub.scope)


async def finished(warehouse: Warehouse) -> None:
    """Let the floor finish its picks, and send until everything has arrived."""
    for _ in range(5):
        await asyncio.sleep(0.3)
        await warehouse.work()
    while warehouse.outgoing_count:
        await warehouse.deliver_all()
    assert not warehouse.refused
    assert all(not levels["STAGED_OUT"] for levels in warehouse.levels().values())


def assert_each_number_came_once(shop: Shop) -> None:
    for sku in SKUS:
        levels = [level for _, written, level in shop.writes if written == sku]
        assert levels == sorted(set(levels), reverse=sku in SOLD), (sku, levels)
