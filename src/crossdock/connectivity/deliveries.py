"""Carries the outbox out: one courier per connection, so that no connection waits for another."""

import asyncio
from contextlib import suppress

import structlog

from crossdock.canonical.errors import NotFound
from crossdock.connectivity.courier import Courier, Surroundings
from crossdock.connectivity.directory import TOPIC, Entry
from crossdock.foundation.database import DATABASE_ERRORS
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

LOOK_SECONDS = 30.0
"""New connections are noticed at once; this is for a wake-up that was lost."""


class Deliveries:
    """Keeps a courier at work for every connection of every tenant."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._at_work: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver until cancelled; then let the calls that are under way finish."""
        bell = self._around.database.bell(TOPIC)
        try:
            while True:
                with suppress(*DATABASE_ERRORS):
                    await self._look()
                await bell.wait(LOOK_SECONDS)
        finally:
            for task in self._at_work.values():
                task.cancel()
            await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    async def _look(self) -> None:
        entries = await self._around.directory.entries(Scope.of_workers())
        for gone in self._at_work.keys() - {(entry.tenant, entry.name) for entry in entries}:
            self._at_work.pop(gone).cancel()
        for entry in entries:
            key = (entry.tenant, entry.name)
            if (task := self._at_work.get(key)) and task.done():
                self._mourn(entry, task)
            if key not in self._at_work and self._is_callable(entry):
                work = Courier(self._around, entry).run()
                self._at_work[key] = asyncio.create_task(work, name=f"courier {entry.name}")

    def _mourn(self, entry: Entry, task: asyncio.Task[None]) -> None:
        """Show why a courier ended, which none does by itself, and make room for another."""
        error = None if task.cancelled() else task.exception()
        log.error("courier ended", connection=entry.name, tenant=entry.tenant, error=repr(error))
        del self._at_work[entry.tenant, entry.name]

    def _is_callable(self, entry: Entry) -> bool:
        try:
            return self._around.directory.application_of(entry).connect is not None
        except NotFound:
            log.warning("application is not installed", connection=entry.name)
            return False
