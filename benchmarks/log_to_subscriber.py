"""How fast a subscriber hears the log: every event read, decoded to its type, and passed on."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import asyncpg

from benchmarks.report import Figures, Stopwatch, postmaster_of
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.foundation import event_log, migrate, readers
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope

CHUNK = 5_000
START = datetime(2026, 5, 4, 6, tzinfo=UTC)


def entry_of(number: int) -> Entry:
    """Make a pick as the warehouse application tells it, already in the hub's own keys."""
    site = Place(location="DC1", lot=f"L{number % 50}")
    picked = StockMoved(
        movement_id=f"DC1-{number}",
        item=f"SKU-{number * 7919 % 10_000:05d}",
        quantity=Quantity.of(3),
        base=Quantity.of(3),
        type=MovementType.PICK,
        source_place=site,
        target_place=Place(location="DC1", status=StockStatus.STAGED_OUT, lot=site.lot),
        reason="PICK",
        document_ref=f"SO-{number // 4}",
        demand_ref=f"shop:{number // 4}/{number % 4}",
    )
    at = START + timedelta(milliseconds=number)
    fact = Fact(
        identity=f"movement:DC1-{number}",
        payload=picked,
        occurred_at=at,
        recorded_at=at,
        stream="DC1",
        sequence=number,
        correlation_id=f"SO-{number // 4}",
        native_ref=f"DC1-{number}",
        actor="anna",
    )
    return Entry(tenant="main", source="wms", received_at=at, fact=fact, raw_ref=number)


class Log:
    """A log full of picks, and fresh subscribers that read it from its beginning."""

    def __init__(self, database: Database, postmaster: int, events: int) -> None:
        self._database = database
        self._postmaster = postmaster
        self._events = events
        self._clock = SystemClock()

    @classmethod
    @asynccontextmanager
    async def filled(cls, events: int) -> AsyncIterator[Self]:
        with tempfile.TemporaryDirectory(prefix="crossdock-log-") as folder:
            server = await EmbeddedPostgres.start(Path(folder))
            try:
                await migrate.upgrade(server.dsn)
                database = await Database.open(server.dsn, pool_size=2)
                try:
                    await _fill(database, events)
                    await _look_over(server.dsn)
                    yield cls(database, postmaster_of(Path(folder)), events)
                finally:
                    await database.close()
            finally:
                await asyncio.to_thread(server.stop)

    async def read(self, name: str) -> Figures:
        """Follow the log with a new subscriber until it has heard everything."""
        heard = 0
        units = 0

        async def apply(_tx: Transaction, events: Sequence[Event]) -> None:
            nonlocal heard, units
            heard += len(events)
            units += sum(
                event.payload.quantity.micros
                for event in events
                if isinstance(event.payload, StockMoved)
            )

        reader = Reader(name=f"bench-{name}", apply=apply)
        await readers.register(self._database, reader)
        watch = Stopwatch(self._postmaster)
        await readers.catch_up(self._database, reader, self._clock)
        figures = watch.figures(heard)
        if (heard, units) != (self._events, 3_000_000 * self._events):
            raise AssertionError(f"{heard} events with {units} micros were heard")
        return figures


async def _fill(database: Database, events: int) -> None:
    for start in range(0, events, CHUNK):
        chunk = range(start, min(start + CHUNK, events))
        async with database.transaction(Scope("main")) as tx:
            await event_log.append_once(tx, [entry_of(number) for number in chunk])


async def _look_over(dsn: str) -> None:
    """Do now what autovacuum does within a minute: tell the planner how long the log is."""
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute("vacuum analyze event_log")
    await connection.close()


async def main() -> None:
    async with Log.filled(200_000) as log:
        for name in "abc":
            print(json.dumps(dict(await log.read(name))))


if __name__ == "__main__":
    asyncio.run(main())
