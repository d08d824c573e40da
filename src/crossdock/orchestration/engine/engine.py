"""Runs processes: hears the log for them, decides what is due, keeps at it."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog

from crossdock.canonical.errors import NotFound
from crossdock.foundation import readers, telemetry
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import DATABASE_ERRORS, OUTAGES, Database, WorkersSql
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import marking
from crossdock.orchestration.engine.process import Key, Process, SendsCommands
from crossdock.orchestration.engine.work import Worker, park, tell_parked

log = structlog.get_logger(__name__)

BATCH = 256
IDLE_SECONDS = 5.0
"""A worker that nobody wakes looks by itself this often: a lost wake-up costs this much."""

BUSY_SECONDS = 0.05
"""What is due but locked is another worker's; look again after this."""

NEXT_DUE = WorkersSql("""
select min(due_at) from process_instance
where process = $1 and due_at is not null and parked_at is null
""")


class Engine:
    """Knows no business. Any number of engines may run the same processes on one database."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        outbox: SendsCommands,
        processes: Iterable[Process[Any, Any]],
        *,
        worker: str = "worker",
    ) -> None:
        self._database = database
        self._clock = clock
        self._workers = {
            process.name: Worker(process=process, outbox=outbox, name=worker)
            for process in processes
        }

    @property
    def processes(self) -> tuple[str, ...]:
        return tuple(self._workers)

    def readers(self) -> tuple[Reader, ...]:
        """One listener per process, to be registered and followed like any other."""
        return tuple(
            marking.reader(worker.process, self._clock) for worker in self._workers.values()
        )

    async def catch_up(self) -> int:
        """Hear everything there is and decide everything due, until both are still."""
        decided = 0
        while True:
            for reader in self.readers():
                await readers.catch_up(self._database, reader, self._clock)
            count = await self.run_due()
            decided += count
            if not count:
                return decided

    async def run_due(self, process: str | None = None) -> int:
        """Decide until nothing is due at this moment; answer how many decisions that took."""
        decided = 0
        for name in self._workers if process is None else (process,):
            while count := await self.run_batch(name):
                decided += count
        return decided

    async def run_batch(self, process: str, *, limit: int = BATCH) -> int:
        """Decide one batch of due instances; answer how many were due and free."""
        if process not in self._workers:
            raise NotFound(f"no process is called {process!r}")
        worker = self._workers[process]
        claimed: list[Key] = []
        try:
            return await self._decide(worker, claimed, limit=limit)
        except OUTAGES:
            raise
        except Exception as error:
            log.warning("batch refused", process=process, size=len(claimed), error=repr(error))
            if not claimed:
                raise
            await self._isolate(worker, claimed, error)
        return len(claimed)

    async def follow(self, process: str) -> None:
        """Decide whatever becomes due, by event or by timer, until cancelled."""
        bell = self._database.bell(marking.topic(process))
        pause = 0.0
        while True:
            try:
                count = await self.run_batch(process)
                if count < BATCH and (seconds := await self._seconds_to_next(process, count)):
                    await bell.wait(seconds)
                pause = 0.0
            except DATABASE_ERRORS as error:
                pause = min(max(0.1, pause * 2), 10.0)
                log.warning("process waits", process=process, seconds=pause, error=repr(error))
                await asyncio.sleep(pause)

    async def next_due(self, process: str) -> datetime | None:
        """Tell when the next instance must be looked at, if none is touched before."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            due_at: datetime | None = await tx.fetchval(NEXT_DUE, process)
        return due_at

    async def _decide(
        self, worker: Worker, claimed: list[Key], *, limit: int, keys: Sequence[Key] = ()
    ) -> int:
        async with self._database.transaction(Scope.of_workers()) as tx:
            now = self._clock.now()
            rows = await worker.claim(tx, now, limit=limit, keys=keys)
            claimed[:] = [Key(row["tenant"], row["instance"]) for row in rows]
            if rows:
                of: dict[str, str | int] = {
                    "crossdock.process": worker.process.name,
                    "crossdock.instances": len(rows),
                }
                with telemetry.span("process batch", of):
                    await worker.work(tx, rows, now)
        return len(claimed)

    async def _isolate(self, worker: Worker, keys: Sequence[Key], error: Exception) -> None:
        """Halve a batch that failed as a whole, until the one that fails alone is parked."""
        if len(keys) == 1:
            async with self._database.transaction(Scope.of_workers()) as tx:
                name, [key], now = worker.process.name, keys, self._clock.now()
                await park(tx, name, key, now, error)
                await tell_parked(tx, name, {key.tenant: (key, error)}, now)
            return
        middle = len(keys) // 2
        for half in (keys[:middle], keys[middle:]):
            try:
                await self._decide(worker, [], limit=len(half), keys=half)
            except OUTAGES:
                raise
            except Exception as half_error:  # noqa: BLE001  # looked at more closely below
                await self._isolate(worker, half, half_error)

    async def _seconds_to_next(self, process: str, count: int) -> float:
        """Tell how long to wait after a batch of `count`: not at all, if its own are due again."""
        due_at = await self.next_due(process)
        if due_at is None:
            return IDLE_SECONDS
        ahead = due_at - self._clock.now()
        return min(max(ahead.total_seconds(), 0.0 if count else BUSY_SECONDS), IDLE_SECONDS)


async def follow_all(engine: Engine) -> None:
    """Run every process of an engine in this task group, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for process in engine.processes:
            group.create_task(engine.follow(process), name=f"process {process}")
