"""A hub process that runs one job and kills itself before a statement of it, as often as asked.

It reads lines of a job's name, a moment and a number from its standard input, does each in a
process of its own, and says of each whether that was killed before so many statements or is done.
"""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crossdock.assembly import Hub, Outside, adapters
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.jobs import Job, Jobs
from crossdock.foundation.settings import Settings

ASKS = {"execute", "fetch", "fetchrow", "fetchval"}


@dataclass
class Death:
    """Comes before the statement of this number, the beginnings and ends of transactions counted.

    None is not yet.
    """

    after: int | None = None

    def comes_near(self) -> None:
        if self.after is None:
            return
        if self.after == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.after -= 1


class Watched:
    """A connection of which each statement brings death nearer."""

    def __init__(self, connection: Any, death: Death) -> None:
        self.connection, self._death = connection, death

    def __getattr__(self, name: str) -> Any:
        if name in ASKS:
            self._death.comes_near()
        return getattr(self.connection, name)


class Pool:
    def __init__(self, pool: Any, death: Death) -> None:
        self._pool, self._death = pool, death

    async def acquire(self) -> Watched:
        return Watched(await self._pool.acquire(), self._death)

    async def release(self, one: Watched) -> None:
        await self._pool.release(one.connection)

    async def close(self) -> None:
        await self._pool.close()


class Mortal(Database):
    """Kills its process before a statement."""

    def __init__(self, pool: Any, dsn: str) -> None:
        self.death = Death()
        super().__init__(Pool(pool, self.death), dsn)


def job_of(hub: Hub, name: str) -> Job:
    every = [
        hub.counts.job,
        hub.count_tasks.job,
        *adapters.watches(hub.database, hub.clock, hub.settings, hub.catalog),
    ]
    return next(one for one in every if one.name == name)


async def run(dsn: str, name: str, at: datetime, after: int) -> None:
    database = await Mortal.open(dsn, pool_size=3)
    clock = VirtualClock(at)
    settings = Settings(data_dir=Path("/nonexistent"))
    hub = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
    job = job_of(hub, name)
    jobs = Jobs(database, clock, [job])
    database.death.after = after
    done = await jobs.run_due()
    # Its last statement is behind it: whoever dies now has done it all.
    database.death.after = None
    [state] = [one for one in await jobs.listed() if one.name == name]
    assert done == [name], f"{name} is due at {state.due_at}"
    assert not state.failure, state.failure
    assert state.due_at > at
    await database.close()


def main(dsn: str) -> None:
    for line in sys.stdin:
        name, at, after = line.strip().split("|")
        if child := os.fork():
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said = {0: "done", -signal.SIGKILL: "killed"}.get(code, f"failed {code}")
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
            continue
        asyncio.run(run(dsn, name, datetime.fromisoformat(at), int(after)))
        return


if __name__ == "__main__":
    main(sys.argv[1])
