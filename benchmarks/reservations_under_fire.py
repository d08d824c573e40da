"""Kill the hub and the database again and again while they promise stock; then count.

The parent keeps a notebook of every promise the child reported as granted *after* its commit.
Nothing in the notebook may be missing from the database (lost), and no item may be promised
beyond what lies there (oversold), whichever instant the kill met.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from benchmarks.report import Figures, postmaster_of
from crossdock.capabilities.inventory import Inventory, ReservationLine, ReservationRequest
from crossdock.foundation import migrate
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.database import Database
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope

SKUS = 20
ON_HAND = 10_000
DATABASE_KILL_EVERY = 5

COUNT = """
select s.item, s.nettable, s.hard + s.soft as held, coalesce(sum(r.granted), 0)::bigint promised,
    count(r.reservation_id) filter (where r.granted > 0) as promises
from inventory_stock s left join inventory_reservation r using (stock_id)
group by s.stock_id, s.item, s.nettable
"""


async def kill_loop(kills: int, *, seed: int = 7) -> Figures:
    """Kill the hub's process `kills` times, every fifth time the database with it."""
    random = Random(seed)
    reported: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        server = await EmbeddedPostgres.start(Path(folder))
        await migrate.upgrade(server.dsn)
        await _fill(server.dsn)
        database_kills = 0
        try:
            for number in range(kills):
                child = await _hub(folder, number)
                await _listen(child, reported, random.uniform(0.05, 0.4))
                if number % DATABASE_KILL_EVERY == DATABASE_KILL_EVERY - 1:
                    os.kill(postmaster_of(Path(folder)), signal.SIGKILL)
                    database_kills += 1
                child.kill()
                await _drain(child, reported)
                server = await EmbeddedPostgres.start(Path(folder))
            return {
                "side": "under fire",
                "kills": kills,
                "database_kills": database_kills,
                **await _count(server.dsn, reported),
            }
        finally:
            server.stop()


async def _fill(dsn: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute(
        "insert into inventory_stock (tenant, item, location, nettable, is_known)"
        f" select 'main', 'SKU-' || g, 'DC1', {ON_HAND * 10**6}, true"
        f" from generate_series(1, {SKUS}) g"
    )
    await connection.close()


async def _hub(folder: str, number: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, folder, str(number), stdout=PIPE, stderr=DEVNULL
    )


async def _listen(child: Process, reported: dict[str, int], seconds: float) -> None:
    """Write down what the child says for a while, counted from its first word."""
    assert child.stdout  # noqa: S101
    _note(await child.stdout.readline(), reported)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while line := await child.stdout.readline():
                _note(line, reported)


async def _drain(child: Process, reported: dict[str, int]) -> None:
    """Read what it had said before it died; a last line cut in half was never said."""
    assert child.stdout  # noqa: S101
    while line := await child.stdout.readline():
        _note(line, reported)
    await child.wait()


def _note(line: bytes, reported: dict[str, int]) -> None:
    if line.endswith(b"\n"):
        reservation_id, _, micros = line.decode().strip().partition(" ")
        if micros:
            reported[reservation_id.removeprefix("rsv_")] = int(micros)


async def _count(dsn: str, reported: dict[str, int]) -> dict[str, int]:
    connection: Any = await asyncpg.connect(dsn)
    rows = await connection.fetch(COUNT)
    granted = {
        row["reservation_id"].hex: row["granted"]
        for row in await connection.fetch(
            "select reservation_id, granted from inventory_reservation where granted > 0"
        )
    }
    await connection.close()
    return {
        "promises": sum(row["promises"] for row in rows),
        "reported": len(reported),
        "oversold": sum(max(0, row["promised"] - row["nettable"]) for row in rows) // 10**6,
        "miscounted": sum(1 for row in rows if row["held"] != row["promised"]),
        "lost": sum(1 for key, micros in reported.items() if granted.get(key) != micros),
    }


async def promise(folder: str, number: int) -> None:
    """Be the hub: promise until killed, and report each answer once it is durable."""
    server = await EmbeddedPostgres.start(Path(folder))
    database = await Database.open(server.dsn, pool_size=4)
    inventory = Inventory(database, SystemClock())
    random = Random(number)

    async def client(name: int) -> None:
        count = 0
        while True:
            count += 1
            item = f"SKU-{random.randint(1, SKUS)}"
            line = ReservationLine(item, "DC1", random.randint(1, 3) * 10**6)
            request = ReservationRequest(f"{number}-{name}-{count}", (line,))
            made = await inventory.reserve(Scope("main"), "bench", request)
            granted = made.lines[0].granted
            said = f"{made.reservation_id} {granted}\n" if granted else "denied\n"
            os.write(1, said.encode())

    await asyncio.gather(*(client(name) for name in range(16)))


if __name__ == "__main__":
    asyncio.run(promise(sys.argv[1], int(sys.argv[2])))
