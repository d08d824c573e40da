"""A whole hub with a shop that is dead for an hour: the other one is served as if nothing was."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Self

from crossdock.applications.generic_wms.simulator import Pace, Warehouse
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.connectivity.directory import Circuit, installed_applications
from crossdock.connectivity.sdk import Delivery
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import SeededIds
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import NOON, execute
from tests.processes.end_to_end.world import (
    SECRET,
    Shop,
    booked,
    connected,
    on_hand,
    ports_of,
    promised,
    settings_of,
    shop_at,
)

SITE = "DC1"
SKUS = tuple(f"SKU-{number:02}" for number in range(60))
TICK = timedelta(seconds=45)
TICKS = 80
LOOKS = 9
"""So often in each of them the world is looked at, so that lateness is told to five seconds: a
tenth more of it all is seen."""
RATE = 2.0
BATCH = 5
COALESCE = 30

# Small calls, so that what waited for the dead shop is many of them.
APPLICATIONS = installed_applications()
APPLICATIONS |= {
    "shopify": replace(
        APPLICATIONS["shopify"], batch_max=BATCH, rate_per_second=RATE, concurrency=2
    )
}


@dataclass
class Street:
    """One warehouse, two shops that sell from it, one hub; all on one virtual clock."""

    hub: Hub
    clock: VirtualClock
    warehouse: Warehouse
    live: Shop
    other: Shop
    changed_at: dict[str, datetime] = field(default_factory=dict[str, datetime])
    late: list[float] = field(default_factory=list[float])
    heard: int = 0

    async def opened(self) -> Self:
        """Introduce the shops, agree on terms, and let the first numbers reach them."""
        dock = Fact(
            identity="dock", payload=LocationChanged(code=SITE), occurred_at=self.clock.now()
        )
        await self.hub.record([dock])
        for shop in (self.live, self.other):
            await introduce(self.hub, shop)
            terms = shop.terms((SITE,), coalesce_seconds=COALESCE)
            await self.hub.channels.put(self.hub.scope, terms, by="test")
        for _ in range(15):
            await self.pass_by(timedelta(seconds=2))
        assert self.live.levels() == self.other.levels() == dict.fromkeys(SKUS, 10)
        return self

    async def pass_by(self, step: timedelta) -> None:
        """Let time go on, everything travel, and note how late the live shop's numbers come."""
        await self.clock.advance(step)
        await self.warehouse.work()
        await self.hub.settle()
        for at, sku, _ in self.live.writes[self.heard :]:
            if changed_at := self.changed_at.pop(sku, None):
                self.late.append((at - changed_at).total_seconds())
        self.heard = len(self.live.writes)

    async def hour(self, seed: int) -> None:
        """Trucks come and people at the counter take goods away, the same for a seed."""
        random = Random(seed)
        for number in range(TICKS):
            # In the last minutes nothing comes, so that what was held back is told.
            count = random.randint(1, 4) if number < TICKS - 4 else 0
            for sku in random.sample(SKUS, count):
                self.changed_at.setdefault(sku, self.clock.now())
                self.warehouse.receive(sku, random.choice((1, 2, 40)) + number % 2)
            for _ in range(LOOKS):
                await self.pass_by(TICK / LOOKS)


@asynccontextmanager
async def street(dsn: str, folder: Path) -> AsyncIterator[Street]:
    clock = VirtualClock(NOON)
    random = Random(11)
    outside = Outside(clock=clock, ids=SeededIds(random), random=random, applications=APPLICATIONS)
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(Hub.open(settings_of(dsn, folder), outside))
        shops: list[Shop] = []
        for number, name in enumerate(("live", "other")):
            shop, settings = await stack.enter_async_context(
                shop_at(name, SITE, ports_of(clock, number))
            )
            shop.list_items(SKUS)
            await connected(hub, name, "shopify", settings)
            shops.append(shop)
        await connected(hub, "wms", "generic_wms", {"secrets": [SECRET]})

        async def send(delivery: Delivery) -> None:
            await hub.inbox.receive(hub.scope, "wms", delivery)

        quiet = Pace(receipts_per_day=0, counts_per_day=0, damages_per_day=0, snapshot_every=None)
        warehouse = Warehouse(
            SITE,
            stock=dict.fromkeys(SKUS, 10),
            ports=ports_of(clock, 3),
            send=send,
            secrets=[SECRET],
            pace=quiet,
        )
        yield await Street(hub, clock, warehouse, shops[0], shops[1]).opened()


async def introduce(hub: Hub, shop: Shop) -> None:
    """Say what the shop calls things, as its poll would."""
    at = hub.clock.now()
    facts = [
        Fact(identity=f"item:{sku}", payload=ItemChanged(sku=sku), occurred_at=at, native_ref=item)
        for item, sku in shop.sku_by_item.items()
    ]
    place = LocationChanged(code=shop.place)
    facts.append(Fact(identity="place", payload=place, occurred_at=at, native_ref=shop.place))
    await hub.record(facts, source=shop.name)


def p99(figures: list[float]) -> float:
    return sorted(figures)[len(figures) * 99 // 100]


async def an_undisturbed_hour(dsn: str, folder: Path) -> tuple[list[float], int]:
    async with street(dsn, folder) as undisturbed:
        before = len(undisturbed.live.requests)
        await undisturbed.hour(seed=5)
        assert undisturbed.live.levels() == await promised(undisturbed.hub, SKUS, SITE)
        return undisturbed.late, len(undisturbed.live.requests) - before


async def drained(dead: Shop, town: Street) -> Counter[datetime]:
    """Let the shop come back; count its calls in each second until it has everything."""
    dead.simulator.is_down = False
    before = len(dead.requests)
    for _ in range(300):
        await town.pass_by(timedelta(seconds=1))
        if dead.levels() == town.live.levels():
            break
    for _ in range(10):
        await town.pass_by(timedelta(seconds=30))
    return Counter(moment.replace(microsecond=0) for moment in dead.requests[before:])


async def test_a_shop_that_is_dead_for_an_hour_costs_the_other_nothing_and_gets_everything_once(
    postgres: EmbeddedPostgres, dsn: str, tmp_path: Path
) -> None:
    await execute(postgres.dsn, "create database undisturbed template template_crossdock")
    late_before, calls_before = await an_undisturbed_hour(
        postgres.dsn_of("undisturbed"), tmp_path / "undisturbed"
    )
    await execute(postgres.dsn, "drop database undisturbed with (force)")

    async with street(dsn, tmp_path / "street") as town:
        dead, live = town.other, town.live
        dead.simulator.is_down = True
        dead.writes.clear()
        calls = len(live.requests)
        await town.hour(seed=5)
        calls = len(live.requests) - calls

        assert len(town.late) == len(late_before) > TICKS
        assert p99(late_before) > 0  # some changes may wait for others, so there is a delay
        assert abs(p99(town.late) - p99(late_before)) <= 0.1 * p99(late_before)
        assert sum(town.late) <= 1.1 * sum(late_before)
        assert abs(calls - calls_before) <= 0.1 * calls_before
        assert not dead.writes
        assert (await town.hub.directory.get(town.hub.scope, "other")).circuit is Circuit.OPEN

        per_second = await drained(dead, town)

        truth = await promised(town.hub, SKUS, SITE)
        assert await on_hand(town.hub, SKUS, SITE) == booked(town.warehouse.levels())
        assert dead.levels() == live.levels() == truth
        assert max(per_second.values()) <= 2 * RATE
        # What was on its way when the shop died, then the newest: not every change, none twice.
        assert {sku for sku, count in truth.items() if count != 10} == dead.effects().keys()
        assert max(dead.effects().values()) <= 2
        assert max(Counter((sku, level) for _, sku, level in dead.writes).values()) == 1
        assert not await town.hub.outbox.find(town.hub.scope)
