"""What a person is to look at in stock, in the words of the exception taxonomy (§7.2)."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.scope import Scope

EVERY = timedelta(minutes=5)
PATIENCE = timedelta(minutes=30)
"""So long a late fact may be on its way that would heal what is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockCase:
    code: str
    fingerprint: str
    severity: str
    owner_role: str
    within: timedelta
    entity: str
    title: str
    evidence: Mapping[str, Any]


class Desk(Protocol):
    """Opens and closes cases in the caller's transaction."""

    async def opened(
        self, tx: Transaction, wanted: Sequence[StockCase], now: datetime
    ) -> None: ...

    async def still_open(self, tx: Transaction, fingerprints: Sequence[str]) -> Collection[str]:
        """Say which of these cases nobody has closed."""
        ...

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None: ...


async def each(
    database: Database, tenants: Sequence[str], look: Callable[[Transaction], Awaitable[None]]
) -> None:
    """Look at each tenant in a transaction of its own; what fails is raised when all were."""
    failures: list[Exception] = []
    for tenant in tenants:
        try:
            async with database.transaction(Scope(tenant)) as tx:
                await look(tx)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001  # raised when the others were looked at
            failures.append(error)
    if failures:
        raise failures[0]
