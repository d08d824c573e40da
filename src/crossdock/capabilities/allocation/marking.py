"""Marks on what is to be looked at, for reasons that no event of the log tells."""

from collections.abc import Sequence
from datetime import datetime

from crossdock.capabilities.allocation import store
from crossdock.foundation.database import Transaction


async def look_again(
    tx: Transaction,
    keys: Sequence[tuple[str, str]],
    reason: str,
    now: datetime,
    *,
    tenant: str = "",
) -> None:
    """Mark these (item, location) to be looked at soon, where order lines wait.

    `tenant` is named by workers, who serve all.
    """
    named = sorted(keys)
    items, locations = [item for item, _ in named], [location for _, location in named]
    count = len(named)
    tenants, reasons = [tenant or tx.tenant] * count, [reason] * count
    await tx.execute(store.MARK, tenants, items, locations, [0] * count, reasons, now)
