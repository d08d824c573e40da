"""Work that comes round: each job runs in one process at a time, and its failures are seen."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from crossdock.canonical.errors import NotFound
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import DATABASE_ERRORS, Database
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`work` is run every so often, and cut off after `limit`.

    `next_after` tells the first moment behind one at which there is more to do: it is not waited
    for longer than that. The limit is also the lease: a process that dies in the middle holds the
    job no longer than that, and one that outlives its lease cannot say that it is done.
    """

    name: str
    every: timedelta
    work: Callable[[], Awaitable[object]]
    limit: timedelta = timedelta(minutes=5)
    next_after: Callable[[datetime], Awaitable[datetime | None]] | None = None

    async def due_after(self, started_at: datetime) -> datetime:
        """Tell when it is due again."""
        due_at = started_at + self.every
        wanted_at = None if self.next_after is None else await self.next_after(started_at)
        return due_at if wanted_at is None else min(due_at, wanted_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """When a job is due, when it last ended well or badly, and why badly ("": well)."""

    name: str
    due_at: datetime
    ran_at: datetime | None
    failure: str


REGISTER = """
insert into job (name, due_at) select unnest($1::text[]), $2 on conflict do nothing
"""

# The lease is the new due time: whoever moves it has the job, everybody else finds it not due.
CLAIM = """
update job set due_at = $3 where name = $1 and due_at <= $2 returning due_at
"""

FINISH = """
update job set due_at = $3, ran_at = $4, failure = $5 where name = $1 and due_at = $2
"""

HURRY = "update job set due_at = $2 where name = $1 returning name"

NEXT = "select min(due_at) from job where name = any($1::text[])"


class Jobs:
    """Runs jobs when they are due; any number of processes may hold the same list."""

    def __init__(self, database: Database, clock: Clock, jobs: Iterable[Job]) -> None:
        self._database = database
        self._clock = clock
        self._jobs = {job.name: job for job in jobs}

    async def register(self) -> None:
        """Make new jobs known; each is due at once."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            await tx.execute(REGISTER, sorted(self._jobs), self._clock.now())

    async def run_due(self) -> list[str]:
        """Run what is due and free, one after the other; answer the names."""
        return [job.name for job in self._jobs.values() if await self._run(job)]

    async def hurry(self, name: str) -> None:
        """Have a job run at the next look instead of at its time."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            if not await tx.fetchval(HURRY, name, self._clock.now()):
                raise NotFound(f"no job is called {name!r}")

    async def listed(self) -> list[JobState]:
        async with self._database.transaction(Scope.of_workers()) as tx:
            rows = await tx.fetch("select * from job order by name")
        return [
            JobState(
                name=row["name"],
                due_at=row["due_at"],
                ran_at=row["ran_at"],
                failure=row["failure"],
            )
            for row in rows
        ]

    async def follow(self) -> None:
        """Run jobs as they become due, until cancelled."""
        while True:
            seconds = IDLE_SECONDS
            try:
                await self.run_due()
                seconds = await self._seconds_to_next()
            except DATABASE_ERRORS as error:
                log.warning("jobs wait", error=repr(error))
            await self._clock.sleep(seconds)

    async def _run(self, job: Job) -> bool:
        started_at = self._clock.now()
        async with self._database.transaction(Scope.of_workers()) as tx:
            lease = await tx.fetchval(CLAIM, job.name, started_at, started_at + job.limit)
        if lease is None:
            return False
        failure = await self._failure_of(job)
        due_at = await job.due_after(started_at)
        async with self._database.transaction(Scope.of_workers()) as tx:
            await tx.execute(FINISH, job.name, lease, due_at, self._clock.now(), failure)
        return True

    async def _failure_of(self, job: Job) -> str:
        try:
            async with asyncio.timeout(job.limit.total_seconds()):
                await job.work()
        except Exception as error:
            log.exception("job failed", job=job.name)
            return repr(error)
        return ""

    async def _seconds_to_next(self) -> float:
        async with self._database.transaction(Scope.of_workers()) as tx:
            due_at = await tx.fetchval(NEXT, list(self._jobs))
        if due_at is None:
            return IDLE_SECONDS
        ahead: timedelta = due_at - self._clock.now()
        return min(max(ahead.total_seconds(), 0.1), IDLE_SECONDS)
