"""Kill the hub and the database again and again while they promise stock; then count.

The parent keeps a notebook of every promise the child reported as granted *after* its commit.
Nothing in the notebook may be missing from the database (lost), and no item may be promised
beyond what lies there (oversold), whichever instant the kill met. Half the items have so little,
each another amount for each kill, that they sell out one after the other while the kills go on;
the other half never does, so that each kill meets promises. A kill counts only if the hub that
it met had reported a promise.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
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
SCARCE = 10
"""So many of them sell out: the first has `SCARCE_STEP` units a kill, the next twice that."""
SCARCE_STEP = 2
PLENTY = 10_000
"""Units of each other item for each kill: ten times what a fast machine promises of them all."""
DATABASE_KILL_EVERY = 2
FIRST_WORD_SECONDS = 60.0

COUNT = """
select s.item, s.nettable, s.hard + s.soft as held, coalesce(sum(r.granted), 0)::bigint promised,
    count(r.reservation_id) filter (where r.granted > 0) as promises
from inventory_stock s left join inventory_reservation r using (stock_id)
group by s.stock_id, s.item, s.nettable
"""


@dataclass(slots=True)
class Notebook:
    """What the hubs said before they died: micros by promise, and how many got nothing."""

    promised: dict[str, int] = field(default_factory=dict[str, int])
    denied: int = 0

    def note(self, line: bytes) -> None:
        """Write one line down; a last line cut in half was never said."""
        if not line.endswith(b"\n"):
            return
        reservation_id, _, micros = line.decode().strip().partition(" ")
        if micros:
            self.promised[reservation_id.removeprefix("rsv_")] = int(micros)
        else:
            self.denied += 1


async def kill_loop(kills: int, *, seed: int = 7) -> Figures:
    """Kill the hub's process `kills` times, every second time the database with it.

    `kills` of the figures are those that met a hub which had reported a promise.
    """
    random = Random(seed)
    notebook = Notebook()
    met = database_kills = 0
    spent = _children_cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        server = await EmbeddedPostgres.start(Path(folder))
        await migrate.upgrade(server.dsn)
        await _fill(server.dsn, kills)
        try:
            for number in range(kills):
                before = len(notebook.promised)
                is_with_database = number % DATABASE_KILL_EVERY == DATABASE_KILL_EVERY - 1
                await _kill_one(folder, number, notebook, random, database=is_with_database)
                database_kills += is_with_database
                met += len(notebook.promised) > before
                server = await EmbeddedPostgres.start(Path(folder))
            counted = await _count(server.dsn, notebook)
            spent = _children_cpu_seconds() - spent
            return {
                "side": "under fire",
                "kills": met,
                "database_kills": database_kills,
                **counted,
                # Of the hubs alone, and with their starts, which are most of it.
                "hub_cpu_us": round(spent * 1e6 / max(1, counted["promises"]), 1),
            }
        finally:
            server.stop()


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _fill(dsn: str, kills: int) -> None:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute(
        "insert into inventory_stock (tenant, item, location, nettable, is_known)"
        " select 'main', 'SKU-' || g, 'DC1',"
        f" case when g <= {SCARCE} then g * {SCARCE_STEP} else {PLENTY} end"
        f" * {kills} * {10**6}::bigint, true from generate_series(1, {SKUS}) g"
    )
    await connection.close()


async def _kill_one(
    folder: str, number: int, notebook: Notebook, random: Random, *, database: bool
) -> None:
    """Start a hub, listen to it for a while, and kill it while it promises."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, folder, str(number), stdout=PIPE, stderr=PIPE
    )
    try:
        is_at_work = await _listen(child, notebook, random.uniform(0.05, 0.4))
        if is_at_work and database:
            os.kill(postmaster_of(Path(folder)), signal.SIGKILL)
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        said = await _drain(child, notebook)
    if not is_at_work:
        raise RuntimeError(f"hub {number} ended or promised nothing, unkilled:\n{said}")


async def _listen(child: Process, notebook: Notebook, seconds: float) -> bool:
    """Write down what the child says for a while from its first promise on; say if it lives."""
    assert child.stdout  # noqa: S101 - it was started with a pipe
    promised = len(notebook.promised)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_WORD_SECONDS):
            while len(notebook.promised) == promised:
                if not (line := await child.stdout.readline()):
                    return False
                notebook.note(line)
    if len(notebook.promised) == promised:
        return False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while line := await child.stdout.readline():
                notebook.note(line)
            return False
    return True


async def _drain(child: Process, notebook: Notebook) -> str:
    """Read what it had said before it died; give its complaints."""
    assert child.stdout  # noqa: S101 - it was started with a pipe
    assert child.stderr  # noqa: S101 - it was started with a pipe
    while line := await child.stdout.readline():
        notebook.note(line)
    complaints = await child.stderr.read()
    await child.wait()
    return complaints.decode(errors="replace")


async def _count(dsn: str, notebook: Notebook) -> dict[str, int]:
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
        "reported": len(notebook.promised),
        "denied": notebook.denied,
        "sold_out": sum(1 for row in rows if row["promised"] == row["nettable"]),
        "left_over": sum(1 for row in rows if row["promised"] < row["nettable"]),
        "oversold": sum(max(0, row["promised"] - row["nettable"]) for row in rows) // 10**6,
        "miscounted": sum(1 for row in rows if row["held"] != row["promised"]),
        "lost": sum(1 for key, micros in notebook.promised.items() if granted.get(key) != micros),
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
