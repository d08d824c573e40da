"""Peers: stock promised by the hub beside stock assigned by Tryton, and beside a bare echo.

What a user of Tryton has today is `assign_try`, which sets aside stock for a shipment: one call
for each request, or many shipments in one call, which its clients can do too. The hub is
asked in batches through its Python API. Both keep their promises in databases of one PostgreSQL
with fsync on. Over HTTP the hub is asked one at a time by 64 clients, beside an echo that decodes
and encodes the same request and knows nothing (`benchmarks/http.py`).

    crossdock bench peers --json
"""

import asyncio
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from benchmarks import http
from benchmarks.report import (
    TICKS_PER_SECOND,
    Figures,
    Goal,
    Report,
    Stopwatch,
    interleaved,
    machine,
    median_of,
    median_ratio,
    postmaster_of,
    tree_cpu_seconds,
)
from crossdock.applications.tryton.client import connected
from crossdock.applications.tryton.session import Session
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.canonical.inventory import ReservationKind
from crossdock.capabilities.inventory import Inventory, ReservationLine, ReservationRequest
from crossdock.connectivity.sdk import Ports
from crossdock.foundation import migrate
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.database import Database
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from tests.peers.tryton import server
from tests.peers.tryton.assign import (
    Assignments,
    assign_in_bulk,
    assign_one_by_one,
    waiting_shipments,
)

HOME = server.ROOT / ".peers" / "tryton"
MAIN = Scope("main")
BATCH = 256
IN_FLIGHT = 2
CLERKS = 2
"""One for each core here; more of them only wait for each other's locks."""

PRODUCTS = 100
PLENTY = 10**15
RATIO_GOAL = 1_000

STOCK = """
insert into inventory_stock (tenant, item, location, nettable, is_known)
select 'main', 'SKU-' || g, 'DC1', $1, true from generate_series(1, $2) g
"""


class HubSide:
    """The hub's Python API, asked for hard promises of one piece each, in batches of 256."""

    def __init__(self, database: Database, postmaster: int, seconds: float) -> None:
        self._inventory = Inventory(database, SystemClock())
        self._postmaster = postmaster
        self._seconds = seconds
        self._random = Random(7)
        self._numbers = 0

    async def measured(self) -> Figures:
        watch = Stopwatch(self._postmaster)
        until = time.perf_counter() + self._seconds
        promised = await asyncio.gather(*(self._ask(until) for _ in range(IN_FLIGHT)))
        return watch.figures(sum(promised))

    async def _ask(self, until: float) -> int:
        promised = 0
        while time.perf_counter() < until:
            requests = [self._request() for _ in range(BATCH)]
            answers = await self._inventory.reserve_many(MAIN, "bench", requests)
            promised += sum(
                not isinstance(each, Exception) and each.is_granted for each in answers
            )
        return promised

    def _request(self) -> ReservationRequest:
        self._numbers += 1
        line = ReservationLine(f"SKU-{self._random.randint(1, PRODUCTS)}", "DC1", 10**6)
        return ReservationRequest(f"r{self._numbers}", (line,), ReservationKind.HARD)


class TrytonSide:
    """A real Tryton with its own company; every round assigns shipments made for it."""

    def __init__(
        self, tryton: server.TrytonServer, sessions: list[Session], postmaster: int, size: int
    ) -> None:
        self._tryton = tryton
        self._sessions = sessions
        self._postmaster = postmaster
        self._size = size
        self._rounds = 0

    async def one_by_one(self) -> Figures:
        shipments = await self._shipments()
        before = self._cpu_seconds()
        done = await assign_one_by_one(self._sessions, shipments)
        return self._figures(done, before)

    async def in_bulk(self) -> Figures:
        shipments = await self._shipments()
        before = self._cpu_seconds()
        done = await assign_in_bulk(self._sessions[0], shipments, batch=self._size)
        return self._figures(done, before)

    async def _shipments(self) -> list[int]:
        self._rounds += 1
        return await waiting_shipments(
            self._sessions[0],
            products=min(PRODUCTS, self._size),
            shipments=self._size,
            stock=self._size,
            label=f"BENCH-{self._rounds}",
        )

    def _cpu_seconds(self) -> float:
        process = self._tryton.process
        if process is None:
            raise AssertionError("Tryton does not run")
        words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        own = (int(words[11]) + int(words[12])) / TICKS_PER_SECOND
        return own + tree_cpu_seconds(self._postmaster)

    def _figures(self, done: Assignments, before: float) -> Figures:
        if done.assigned != done.orders:
            raise AssertionError(f"Tryton assigned {done.assigned} of {done.orders}")
        cpu = self._cpu_seconds() - before
        return {
            "operations": done.assigned,
            "seconds": round(done.elapsed_seconds, 4),
            "per_second": round(done.orders_per_second, 2),
            "cpu_us": round(cpu / done.assigned * 1e6, 1),
            "busy_answers": done.busy_answers,
        }


@asynccontextmanager
async def hub_database(cluster: EmbeddedPostgres) -> AsyncIterator[Database]:
    """Make a database of the hub's beside Tryton's, with stock in it; drop it at the end."""
    name = f"bench_{secrets.token_hex(4)}"
    await server.execute(cluster.dsn, f"create database {name}")
    try:
        dsn = cluster.dsn_of(name)
        await migrate.upgrade(dsn)
        setup: Any = await asyncpg.connect(dsn)
        await setup.execute(STOCK, PLENTY, PRODUCTS)
        await setup.execute("vacuum analyze")
        await setup.close()
        database = await Database.open(dsn, pool_size=4)
        try:
            yield database
        finally:
            await database.close()
    finally:
        await server.execute(cluster.dsn, f"drop database if exists {name} with (force)")


async def sessions_of(stack: AsyncExitStack, tryton: server.TrytonServer) -> list[Session]:
    settings = TrytonSettings.model_validate(
        {
            "base_url": tryton.base_url,
            "database": tryton.database,
            "user": server.USER,
            "password": server.PASSWORD,
            "count_every": None,
        }
    )
    ports = Ports(clock=SystemClock(), random=Random(4), allow_private_addresses=True)
    return [
        (await stack.enter_async_context(connected(settings, ports))).session
        for _ in range(CLERKS)
    ]


async def assignments(rounds: int, *, quick: bool) -> list[Figures]:
    """Measure Tryton, one by one and in bulk, and the hub, in turn."""
    cluster = await EmbeddedPostgres.start(HOME / "cluster")
    async with AsyncExitStack() as stack:
        stack.callback(cluster.stop)
        database = await stack.enter_async_context(hub_database(cluster))
        tryton = await stack.enter_async_context(server.running(cluster.dsn))
        postmaster = postmaster_of(HOME / "cluster")
        theirs = TrytonSide(
            tryton, await sessions_of(stack, tryton), postmaster, size=10 if quick else 100
        )
        ours = HubSide(database, postmaster, 1.0 if quick else 3.0)
        sides = {
            "hub in batches": ours.measured,
            "tryton, one by one": theirs.one_by_one,
            "tryton, in bulk": theirs.in_bulk,
        }
        return await interleaved(sides, rounds)


async def run(rounds: int = 5, *, quick: bool = False) -> Report:
    """Measure both comparisons; quick rounds are few and short."""
    rounds = 1 if quick else max(rounds, 5)
    figures = await assignments(rounds, quick=quick)
    over_http = await http.run(rounds, quick=quick)
    return Report(
        bench="peers",
        goals=[
            Goal(
                "stock promised in batches, beside Tryton's assignment per request",
                median_ratio(figures, "hub in batches", "tryton, one by one", "per_second"),
                "ratio",
                f">= {RATIO_GOAL:,}",
            ),
            *over_http.goals,
        ],
        rounds=[*figures, *over_http.rounds],
        machine=machine(
            hub_per_second=median_of(figures, "hub in batches", "per_second"),
            tryton_per_second=median_of(figures, "tryton, one by one", "per_second"),
            tryton_bulk_per_second=median_of(figures, "tryton, in bulk", "per_second"),
            ratio_to_tryton_in_bulk=round(
                median_ratio(figures, "hub in batches", "tryton, in bulk", "per_second"), 1
            ),
            cpu_us_hub=median_of(figures, "hub in batches", "cpu_us"),
            cpu_us_tryton=median_of(figures, "tryton, one by one", "cpu_us"),
        ),
    )


if __name__ == "__main__":
    outcome = asyncio.run(run(quick="--quick" in sys.argv))
    print(outcome.as_json() if "--json" in sys.argv else outcome.as_text())
