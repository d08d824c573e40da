"""Propagation: from a warehouse's word to the shop's, and from the log to its subscribers.

A real hub process (`crossdock serve`) stands between a warehouse that reports 200 picks a second
by signed webhooks and a shop that takes compare-and-set calls; both ends share another process
and its clock. Every pick lowers what the shop may sell, so each is published at once. A pick's
time runs from its appointed moment, kept whether the hub keeps up or not, to the arrival of the
first call that includes it.

    crossdock bench propagation --json
    crossdock bench propagation --workers 2 --rate 8 --json
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.children import Child, served, started
from benchmarks.log_to_subscriber import Log
from benchmarks.propagation_ends import SHOP_SETTINGS, SITE, WMS_SECRET, sku_of
from benchmarks.report import (
    Figures,
    Goal,
    Report,
    machine,
    median_of,
    percentile,
    postmaster_of,
    tree_cpu_seconds,
)
from crossdock.assembly import Hub
from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import Reference
from crossdock.connectivity.directory import Entry
from crossdock.foundation import event_log, readers
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import SettingsAlone
from crossdock.orchestration.processes.channel_terms import Channel

RATE = 200
CALLS_PER_SECOND = 20.0
"""A fifth of what the points of Shopify's largest plan pay for; the default is a plain plan's."""

SKUS = 10_000
OPENING = 100_000
P99_MS_MAX = 250
EVENTS_PER_SECOND_MIN = 40_000
ROUND_SECONDS = 20.0
STILL_SECONDS = 2.0
SHOP, WMS = "shop", "wms"
# Commands on their way, and a first poll that has not come to its end.
PENDING = """
select (select count(*) from outbox_command where state in ('PENDING', 'IN_FLIGHT'))
    + (select count(*) from poll_cursor where connection = 'shop' and due_at is null)
"""


async def connect(hub: Hub, ends: Mapping[str, Any], rate: float) -> None:
    """Introduce both ends; the shop's first poll makes its articles known."""
    address = f"http://127.0.0.1:{ends['port']}"
    settings = {**SHOP_SETTINGS, "admin_url": address}
    tenant = hub.settings.tenant
    shop = Entry(
        tenant=tenant,
        name=SHOP,
        application="shopify",
        settings=settings,
        rate_per_second=rate,
    )
    await hub.connect(shop)
    secrets = {"secrets": [WMS_SECRET]}
    await hub.connect(Entry(tenant=tenant, name=WMS, application="generic_wms", settings=secrets))


async def open_for_sale(hub: Hub, ends: Mapping[str, Any]) -> None:
    """Say which place the shop sells from, agree to show all that lies there, and count it."""
    now = hub.clock.now()
    place = LocationChanged(code=SITE, name="Main warehouse")
    await _record(hub, "erp", [Fact(identity="place", payload=place, occurred_at=now)])
    await still(hub)
    native = Reference.location(ends["place"])
    await hub.catalog.link(hub.scope, SHOP, native, SITE, by="benchmark")
    await hub.channels.put(
        hub.scope, Channel(connection=SHOP, location=SITE, source_locations=(SITE,)), by="test"
    )
    counted = [
        CountedStock(item=sku_of(number), quantity=Quantity.of(OPENING))
        for number in range(len(ends["items"]))
    ]
    for start in range(0, len(counted), 1000):
        taken = StockSnapshotTaken(
            snapshot_id=f"S{start}", location=SITE, lines=tuple(counted[start : start + 1000])
        )
        fact = Fact(
            identity=taken.snapshot_id, payload=taken, occurred_at=now, stream=SITE, sequence=0
        )
        await _record(hub, WMS, [fact])
    await still(hub)
    await _look_over(hub.dsn)


async def _look_over(dsn: str) -> None:
    """Do now what autovacuum does within a minute: tell the planner what has been filled in."""
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute("vacuum analyze")
    await connection.close()


async def _record(hub: Hub, source: str, facts: list[Fact]) -> None:
    verdicts = await hub.inbox.record(hub.scope, source, facts, b"")
    if any(verdict.reason for verdict in verdicts):
        raise AssertionError(f"not recorded: {verdicts}")


async def still(hub: Hub) -> None:
    """Wait until nothing has been said or sent for a while."""
    seen: object = None
    while True:
        for reader in hub.readers:
            await readers.catch_up(hub.database, reader, hub.clock)
        async with hub.database.transaction(Scope.of_workers()) as tx:
            behind = [await tx.fetchval(readers.BEHIND, reader.name) for reader in hub.readers]
            now = (await event_log.end(tx), await tx.fetchval(PENDING) + sum(behind))
        if now == seen and now[1] == 0:
            return
        seen = now
        await asyncio.sleep(STILL_SECONDS)


async def measured(
    ends: Child, server: Child, postmaster: int, order: Mapping[str, Any], waits: list[float]
) -> Figures:
    """Measure one round; how long each of its movements took is added to `waits`."""
    hub_before, database_before = server.cpu_seconds(), tree_cpu_seconds(postmaster)
    ends.tell(order)
    figures = await ends.hear()
    waits.extend(figures.pop("waits_ms"))
    hub = server.cpu_seconds() - hub_before
    database = tree_cpu_seconds(postmaster) - database_before
    count = figures["operations"]
    return {
        **figures,
        "hub_cpu_us": round(hub / count * 1e6, 1),
        "database_cpu_us": round(database / count * 1e6, 1),
        "cpu_us": round((hub + database) / count * 1e6, 1),
        "load": round(os.getloadavg()[0], 2),
    }


async def shop_rounds(
    rounds: int, *, quick: bool, workers: int, rate: float
) -> tuple[list[Figures], list[float]]:
    """Run the three processes, and measure after one round that does not count.

    Gives the rounds, and how many milliseconds each movement of them took.
    """
    skus, seconds = (500, 3.0) if quick else (SKUS, ROUND_SECONDS)
    with tempfile.TemporaryDirectory(prefix="crossdock-propagation-") as folder:
        settings = SettingsAlone(data_dir=Path(folder), allow_private_addresses=True)
        async with (
            started("benchmarks.propagation_ends", str(skus), str(OPENING)) as ends,
            Hub.open(settings) as hub,
        ):
            shop = await ends.hear()
            await connect(hub, shop, rate)
            private = {"CROSSDOCK_ALLOW_PRIVATE_ADDRESSES": "true"}
            async with served(Path(folder), workers=workers, **private) as (server, port, _):
                await still(hub)
                await open_for_sale(hub, shop)
                order = {"port": port, "rate": RATE, "seconds": seconds}
                postmaster = postmaster_of(Path(folder))
                await measured(ends, server, postmaster, {**order, "seconds": 2.0}, [])
                figures, waits = list[Figures](), list[float]()
                for number in range(rounds):
                    one = await measured(ends, server, postmaster, order, waits)
                    figures.append({"round": number + 1, "side": "warehouse to shop", **one})
                return figures, waits


async def run(
    rounds: int = 5, *, quick: bool = False, workers: int = 1, rate: float = CALLS_PER_SECOND
) -> Report:
    """Measure both ways; quick rounds are short and prove nothing but that it runs.

    So many workers deliver, and the shop takes `rate` calls a second from them together.
    """
    shop, waits = await shop_rounds(rounds, quick=quick, workers=workers, rate=rate)
    async with Log.filled(10_000 if quick else 200_000) as log:
        read = [
            {"round": number + 1, "side": "log to subscriber", **await log.read(str(number))}
            for number in range(rounds)
        ]
    figures = [*shop, *read]
    return Report(
        bench="propagation",
        goals=[
            Goal(
                f"movement in to compare-and-set call out, {RATE} events/s, {rate:g} calls/s,"
                f" {workers} {'worker' if workers == 1 else 'workers'}, p99 of all rounds",
                percentile(waits, 99),
                "ms",
                f"<= {P99_MS_MAX}",
            ),
            Goal(
                "movements that the shop never heard of",
                float(sum(int(one["lost"]) for one in shop)),
                "movements",
                "== 0",
            ),
            Goal(
                "log to subscriber, every event decoded to its type",
                median_of(figures, "log to subscriber", "per_second"),
                "events/s",
                f">= {EVENTS_PER_SECOND_MIN:,}",
            ),
        ],
        rounds=figures,
        machine=machine(
            skus=500 if quick else SKUS,
            calls_per_second=rate,
            workers=workers,
            p50_ms=percentile(waits, 50),
            p99_ms_median_of_rounds=median_of(figures, "warehouse to shop", "p99_ms"),
            hub_cpu_us=median_of(figures, "warehouse to shop", "hub_cpu_us"),
            database_cpu_us=median_of(figures, "warehouse to shop", "database_cpu_us"),
        ),
    )


if __name__ == "__main__":
    outcome = asyncio.run(run(quick="--quick" in sys.argv))
    print(outcome.as_json() if "--json" in sys.argv else outcome.as_text())
