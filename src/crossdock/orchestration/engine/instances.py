"""What people may do with process instances: list, show, and resume those that were parked."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.canonical.errors import NotFound
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import journal
from crossdock.orchestration.engine.journal import Entry, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceWhole:
    """Where an instance stands, and its newest steps, newest first."""

    standing: Standing
    journal: Sequence[Entry]


class Instances:
    def __init__(self, database: Database, clock: Clock, processes: Sequence[str]) -> None:
        self._database = database
        self._clock = clock
        self._processes = processes

    async def find(
        self,
        scope: Scope,
        *,
        process: str = "",
        is_parked: bool = True,
        limit: int = 100,
    ) -> list[Standing]:
        """List parked instances, or all, by process and name."""
        if process:
            self._check(process)
        async with self._database.transaction(scope) as tx:
            return await journal.listed(tx, process=process, is_parked=is_parked, limit=limit)

    async def count_parked(self, scope: Scope) -> int:
        async with self._database.transaction(scope) as tx:
            return await journal.count_parked(tx)

    async def show(self, scope: Scope, process: str, instance: str) -> InstanceWhole:
        self._check(process)
        async with self._database.transaction(scope) as tx:
            return InstanceWhole(
                standing=await journal.standing(tx, process, instance),
                journal=await journal.of_instance(tx, process, instance),
            )

    async def resume(self, scope: Scope, process: str, instance: str = "") -> list[str]:
        """Have a parked instance decided again, or all of a process; name those that will be."""
        self._check(process)
        async with self._database.transaction(scope) as tx:
            if not instance:
                return await journal.resume_all(tx, process, self._clock.now())
            await journal.resume(tx, process, instance, self._clock.now())
            return [instance]

    def _check(self, process: str) -> None:
        if process not in self._processes:
            raise NotFound(
                f"no process is called {process!r}", hint=f"one of {', '.join(self._processes)}"
            )
