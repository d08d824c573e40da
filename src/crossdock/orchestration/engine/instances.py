"""What people may do with process instances: list, show, and resume those that were parked."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import journal
from crossdock.orchestration.engine.journal import Entry, InstanceStanding

BATCH = 1000
"""How many are resumed in one transaction."""

FIRST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceWhole:
    """Where an instance stands, and its newest steps, newest first."""

    standing: InstanceStanding
    journal: Sequence[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """How many are decided again; `first` names the first hundred of them."""

    count: int = 0
    first: Sequence[str] = ()


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
        after: str = "",
        limit: int = 100,
    ) -> list[InstanceStanding]:
        """List parked instances, or all, by process and name, behind `PROCESS/INSTANCE`."""
        if process:
            self._check(process)
        place = _place_of(after)
        async with self._database.transaction(scope) as tx:
            return await journal.listed(
                tx, process=process, is_parked=is_parked, after=place, limit=limit
            )

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

    async def resume(self, scope: Scope, process: str, instance: str = "") -> Resumed:
        """Have a parked instance decided again, or all of a process, a batch at a time."""
        self._check(process)
        if not instance:
            return await self._resume_all(scope, process)
        async with self._database.transaction(scope) as tx:
            now = self._clock.now()
            await journal.resume(tx, process, instance, now)
            await journal.close_parked(tx, process, now)
        return Resumed(count=1, first=[instance])

    async def _resume_all(self, scope: Scope, process: str) -> Resumed:
        resumed, after = Resumed(), ""
        while True:
            async with self._database.transaction(scope) as tx:
                now = self._clock.now()
                batch = await journal.resume_some(tx, process, now, after=after, limit=BATCH)
                if len(batch) < BATCH:
                    await journal.close_parked(tx, process, now)
            first = [*resumed.first, *batch[: FIRST - len(resumed.first)]]
            resumed = Resumed(count=resumed.count + len(batch), first=first)
            if len(batch) < BATCH:
                return resumed
            after = batch[-1]

    def _check(self, process: str) -> None:
        if process not in self._processes:
            raise NotFound(
                f"no process is called {process!r}", hint=f"one of {', '.join(self._processes)}"
            )


def _place_of(after: str) -> tuple[str, str]:
    """Read `PROCESS/INSTANCE`; an instance may hold slashes, a process does not."""
    process, slash, instance = after.partition("/")
    if after and not slash:
        raise Invalid(
            f"{after!r} is not PROCESS/INSTANCE",
            where="after",
            hint="name the process and the instance of the last one shown",
        )
    return process, instance
