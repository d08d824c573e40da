"""Whose order lines wait, by the names that customers go by."""

from collections.abc import Collection
from datetime import datetime

from crossdock.capabilities.allocation import store
from crossdock.foundation.database import Transaction


class OrderedBy:
    """Looks again in the caller's transaction."""

    async def renamed(self, tx: Transaction, names: Collection[str], now: datetime) -> None:
        """Look again where these customers wait: other rules hold for them by another name."""
        if names:
            await tx.execute(store.MARK_CUSTOMERS, tx.tenant, now, sorted(names))
