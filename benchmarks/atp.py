"""Availability by date: ten thousand item-locations in one call, and one beside reservations.

Bulk: 10,000 item-locations over 90 daily buckets, each with a count, three inbound supplies and
two dated order lines, in one call of the Python API; its CPU is the hub's and PostgreSQL's.
Single: one item-location at a time by this process, every other one any of a million positions
and every other one of the ten thousand that have most to be counted, for more than lies there; a
hub in another process makes 500 reservations a second, each durable and told to the log. In turns
with it a bare transaction that asks for nothing is timed: what that takes is the machine's. The
99th percentile is that of the questions of all rounds.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from benchmarks.children import started
from benchmarks.report import (
    Figures,
    Goal,
    Report,
    Stopwatch,
    interleaved,
    machine,
    median_of,
    percentile,
    postmaster_of,
)
from crossdock.capabilities.catalog import Catalog
from crossdock.capabilities.inventory import Inventory, ReservationLine, ReservationRequest
from crossdock.capabilities.supply import AtpRule, PlacedRule, Question, Supply
from crossdock.foundation import migrate
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.database import Database
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope

MAIN = Scope("main")
CHUNK = 250_000
BULK = 10_000
BUCKETS = 90
RESERVATIONS_PER_SECOND, QUESTIONS_PER_SECOND = 500, 50
LIVE_SECONDS = 20

# Positions as if counted long ago, each with a supply that is on its way.
ITEMS = """
with numbers as (select g from generate_series($1::bigint, $2::bigint) g), stock as (
    insert into inventory_stock (tenant, item, location, nettable, is_known, sources)
    select 'main', 'SKU-' || g, 'DC1', 10^12, true, '{wms}' from numbers
), held as (
    insert into inventory_position (tenant, item, location, status, micros)
    select 'main', 'SKU-' || g, 'DC1', 'AVAILABLE', 10^12 from numbers)
insert into supply_commitment (tenant, supply_id, source, kind, item, location, micros, evidence,
    eta, rank, us, position)
select 'main', 'asn:' || g, 'erp', 'ASN_LINE', 'SKU-' || g, 'DC1', 40000000, 'SHIPPED',
    current_date + (g % 60)::integer, 1, 1, g
from numbers
"""

# Of the first of them, two more supplies each, one of which is announced in part by the first,
# and two order lines that ship on a day to come.
MORE = """
with numbers as (select g from generate_series(1, $1::bigint) g), supplies as (
    insert into supply_commitment (tenant, supply_id, source, kind, item, location, micros,
        evidence, eta, rank, us, position)
    select 'main', 'po:' || g || '/' || n, 'erp', 'PO_SCHEDULE', 'SKU-' || g, 'DC1', 60000000,
        'ACKNOWLEDGED', current_date + (g * n % 80)::integer, 1, 1, g
    from numbers, generate_series(1, 2) n
), dated as (
    insert into supply_demand (tenant, source, order_id, demand_ref, item, location, ship_date,
        us)
    select 'main', 'erp', 'o' || g, 'o' || g || '/' || n, 'SKU-' || g, 'DC1',
        current_date + 1 + (g * n % 70)::integer, 1
    from numbers, generate_series(1, 2) n
), claims as (
    insert into inventory_demand (tenant, demand_ref, source, order_id, stock_id, ordered)
    select 'main', 'o' || g || '/' || n, 'erp', 'o' || g, stock_id, 20000000
    from numbers join inventory_stock on item = 'SKU-' || g, generate_series(1, 2) n)
update inventory_stock s set hard = 40000000 from numbers where s.item = 'SKU-' || g
"""
NOTICES = """
update supply_commitment set parent_supply_id = 'po:' || substr(supply_id, 5) || '/1'
where supply_id like 'asn:%' and position <= $1
"""


class Bench:
    def __init__(self, database: Database, postmaster: int, folder: str, positions: int) -> None:
        clock = SystemClock()
        inventory = Inventory(database, clock)
        self._database = database
        self.supply = Supply(database, clock, inventory.standings, Catalog(database, clock))
        self._postmaster = postmaster
        self._folder = folder
        self._positions = positions
        self.waits: list[float] = []

    async def bulk(self) -> Figures:
        """Ask for all of them in one call."""
        questions = [_beyond_stock(f"SKU-{number}") for number in range(1, BULK + 1)]
        watch = Stopwatch(self._postmaster)
        answers = await self.supply.promise_dates(MAIN, questions)
        evaluated = sum(answer.evaluated for answer in answers)
        figures = watch.figures(evaluated)
        per_cpu_second = round(1e6 / float(figures["cpu_us"]))
        promised = sum(answer.promised_on is not None for answer in answers)
        return {**figures, "per_cpu_second": per_cpu_second, "promised": promised}

    async def live(self, seconds: float) -> Figures:
        """Ask for one, again and again, while another process promises.

        CPU is of this process, and of PostgreSQL in all: with what it does for the promises.
        """
        random = Random(3)
        took: list[float] = []
        bare: list[float] = []
        async with started(
            __spec__.name, self._folder, str(self._positions), str(seconds + 2)
        ) as child:
            await child.hear()
            watch = Stopwatch(self._postmaster)
            began = time.perf_counter()
            for number in range(int(seconds * QUESTIONS_PER_SECOND) * 2):
                due = began + number / QUESTIONS_PER_SECOND / 2
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                asked = time.perf_counter()
                await (self._nothing() if number % 2 else self._one(random, number % 4 == 0))
                (bare if number % 2 else took).append(time.perf_counter() - asked)
            figures = watch.figures(len(took))
            heard = await child.hear()
        self.waits += took
        return {
            **figures,
            "questions": len(took),
            **_quantiles(took, ""),
            **_quantiles(bare, "bare_"),
            "reservations_per_second": round(heard["made"] / heard["seconds"], 1),
        }

    async def _one(self, random: Random, is_of_most: bool) -> None:  # noqa: FBT001 - as the command calls it
        item = f"SKU-{random.randint(1, BULK if is_of_most else self._positions)}"
        [answer] = await self.supply.promise_dates(MAIN, [_beyond_stock(item)])
        if answer.promised_on is None:
            raise AssertionError(f"{item} has supply to come and was not promised")

    async def _nothing(self) -> None:
        async with self._database.transaction(MAIN) as tx:
            await tx.fetchval("select 1")


def _beyond_stock(item: str) -> Question:
    return Question(item, "DC1", "EA", 1_000_020 * 10**6)


def _quantiles(seconds: list[float], prefix: str) -> dict[str, float]:
    of = {"p50": 50, "p99": 99, "max": 100}
    return {
        f"{prefix}{name}_ms": round(percentile(seconds, percent) * 1000, 3)
        for name, percent in of.items()
    }


async def run(rounds: int = 5, quick: bool = False) -> Report:  # noqa: FBT001, FBT002 - as the command calls it
    """Measure both. Quick: fewer positions and a shorter live part, which the report names."""
    positions = 50_000 if quick else 1_000_000
    seconds = 5 if quick else LIVE_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        server = await EmbeddedPostgres.start(Path(folder))
        database = None
        try:
            await migrate.upgrade(server.dsn)
            await _fill(server.dsn, positions)
            database = await Database.open(server.dsn, pool_size=4)
            bench = Bench(database, postmaster_of(Path(folder)), folder, positions)
            rule = AtpRule(daily_buckets=BUCKETS, weekly_buckets=0)
            await bench.supply.put_rule(MAIN, PlacedRule(rule=rule), by="bench")
            await bench.bulk()  # plans are made, caches are warm
            measured = await interleaved(
                {"bulk": bench.bulk, "live": lambda: bench.live(seconds)}, rounds
            )
        finally:
            if database is not None:
                await database.close()
            server.stop()
    goals = [
        Goal(
            f"bucket evaluations, {BULK:,} item-locations x {BUCKETS} daily buckets in one call",
            median_of(measured, "bulk", "per_cpu_second"),
            "per CPU-second of hub and PostgreSQL",
            ">= 200,000",
        ),
        Goal(
            f"one question of {positions:,} positions beside reservations, p99 of all rounds",
            round(percentile(bench.waits, 99) * 1000, 3),
            "ms",
            "<= 10",
        ),
        Goal(
            "reservations beside it",
            median_of(measured, "live", "reservations_per_second"),
            "per second",
            f">= {RESERVATIONS_PER_SECOND * 0.98:.0f}",
        ),
    ]
    return Report("atp", goals, measured, machine(positions=positions))


async def _fill(dsn: str, positions: int) -> None:
    setup: Any = await asyncpg.connect(dsn, command_timeout=3600)
    for first in range(1, positions + 1, CHUNK):
        await setup.execute(ITEMS, first, min(first + CHUNK - 1, positions))
    await setup.execute("analyze")
    await setup.execute(MORE, BULK)
    await setup.execute(NOTICES, BULK)
    await setup.execute("vacuum analyze")
    await setup.execute("checkpoint")
    await setup.close()


async def promise(folder: str, positions: int, seconds: float) -> None:
    """Be the other hub: promise at a steady rate, tell the log, and say how many were made."""
    server = await EmbeddedPostgres.start(Path(folder))
    database = await Database.open(server.dsn, pool_size=4)
    inventory = Inventory(database, SystemClock())
    telling = asyncio.create_task(inventory.upkeep.run())
    random = Random()
    run_id = random.getrandbits(64)
    made = 0

    async def one(number: int) -> None:
        nonlocal made
        line = ReservationLine(f"SKU-{random.randint(1, positions)}", "DC1", 10**6)
        await inventory.reserve(MAIN, "bench", ReservationRequest(f"{run_id}-{number}", (line,)))
        made += 1

    print(json.dumps({"ready": True}), flush=True)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * RESERVATIONS_PER_SECOND)):
            due = began + number / RESERVATIONS_PER_SECOND
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            group.create_task(one(number))
    print(json.dumps({"made": made, "seconds": time.perf_counter() - began}), flush=True)
    await asyncio.to_thread(sys.stdin.read)  # the parent says when to end
    telling.cancel()
    await database.close()


if __name__ == "__main__":
    asyncio.run(promise(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
