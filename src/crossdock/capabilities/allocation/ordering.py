"""Who orders what lies at an item-location: the customers and channels of open order lines."""

from collections.abc import Sequence

from crossdock.capabilities.allocation import store
from crossdock.capabilities.allocation.asks import Key
from crossdock.foundation.database import Transaction

Ordering = tuple[str, str, str, str, str]
"""Order line, item, location, customer ("": nobody said), channel."""


class OrderedBy:
    """Answers in the caller's transaction."""

    async def ordered_by(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> list[Ordering]:
        """Name the open order lines of these (item, location), and whose they are."""
        columns = [item for item, _ in keys], [location for _, location in keys]
        return [tuple(row) for row in await tx.fetch(store.ORDERED_BY, tenant, *columns)]
