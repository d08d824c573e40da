"""Who orders what lies at an item-location: the customers and channels of open order lines."""

from collections.abc import Collection, Sequence
from datetime import datetime

from crossdock.capabilities.allocation import store
from crossdock.capabilities.allocation.asks import Key
from crossdock.foundation.database import Transaction

Ordering = tuple[str, str, str, str, str]
"""Order line, item, location, customer ("": nobody said), channel."""


class OrderedBy:
    """Answers in the caller's transaction."""

    async def ordered_by(
        self,
        tx: Transaction,
        tenant: str,
        keys: Sequence[Key],
        *,
        customers: Collection[str] = (),
        channels: Collection[str] = (),
    ) -> list[Ordering]:
        """Name the open order lines of these customers or channels at these (item, location).

        Both are asked for as they compare. What nobody of these has ordered is not read.
        """
        columns = [item for item, _ in keys], [location for _, location in keys]
        found: dict[str, Ordering] = {}
        for statement, names in ((store.ORDERED_BY, customers), (store.ORDERED_ON, channels)):
            rows = await tx.fetch(statement, tenant, *columns, sorted(names)) if names else ()
            found |= {row["demand_ref"]: tuple(row) for row in rows}
        return list(found.values())

    async def renamed(self, tx: Transaction, names: Collection[str], now: datetime) -> None:
        """Look again where these customers wait: other rules hold for them by another name."""
        if names:
            await tx.execute(store.MARK_CUSTOMERS, tx.tenant, now, sorted(names))
