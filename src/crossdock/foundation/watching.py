"""Looks for what a person is to look at, tenant by tenant, and has its cases opened and closed."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from crossdock.canonical.cases import OpenCase
from crossdock.foundation.database import OUTAGES, Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope

PartT = TypeVar("PartT")

FAILURES_MOST = 10
"""After so many that cannot be looked at a look ends, for it may be all of them."""


class Desk(Protocol):
    """Opens and closes cases in the caller's transaction."""

    async def opened(self, tx: Transaction, wanted: Sequence[OpenCase], now: datetime) -> None: ...

    async def still_open(self, tx: Transaction, fingerprints: Sequence[str]) -> Collection[str]:
        """Say which of these cases nobody has closed."""
        ...

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None: ...


class TellingDesk(Desk, Protocol):
    async def told(self, tx: Transaction, fingerprint: str) -> Mapping[str, Any]:
        """Give what an open case was last met with; nothing if none is open."""
        ...


async def tenants(database: Database, whose: WorkersSql, *arguments: object) -> set[str]:
    """Name the tenants that have something to look at."""
    async with database.transaction(Scope.of_workers()) as tx:
        return {row["tenant"] for row in await tx.fetch(whose, *arguments)}


async def each(tenants: Iterable[str], look: Callable[[Scope], Awaitable[object]]) -> None:
    """Look at each tenant; one that fails keeps no other: what was wrong is raised at the end.

    An outage of the database is everybody's, and raised at once.
    """
    failures: list[Exception] = []
    for tenant in sorted(tenants):
        try:
            await look(Scope(tenant))
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001  # raised when the others were looked at
            failures.append(error)
    if failures:
        raise failures[0]


async def halving(
    these: Sequence[PartT], look: Callable[[Sequence[PartT]], Awaitable[object]]
) -> list[Exception]:
    """Look at all of these together; where that fails at each half, down to those that fail.

    Those keep no other of them: what was wrong is given. An outage is raised at once.
    """
    waiting, failures = [these] if these else [], list[Exception]()
    while waiting and len(failures) < FAILURES_MOST:
        some = waiting.pop()
        try:
            await look(some)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001  # given when the others were looked at
            if len(some) == 1:
                failures.append(error)
            else:
                middle = len(some) // 2
                waiting += [some[middle:], some[:middle]]
    return failures
