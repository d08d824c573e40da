"""What is kept for channels just now, and by which order lines it has been had: for promises.

Read only, in the caller's transaction; what order lines claim is inventory's own to say.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from crossdock.capabilities.allocation import rulebook, store
from crossdock.capabilities.allocation.asks import Key
from crossdock.capabilities.allocation.rulebook import AllocationProtection
from crossdock.foundation.database import Transaction


class Kept(NamedTuple):
    """A protection that holds; `taken`, in micros, by lines of its period that are done with.

    `demand_refs` are the lines of its period that are open.
    """

    protection: AllocationProtection
    taken: int
    demand_refs: Sequence[str]


async def kept_now(tx: Transaction, keys: Sequence[Key], now: datetime) -> dict[Key, list[Kept]]:
    """Say what is kept for whom at each (item, location); where nothing is, it is left out."""
    protections = await rulebook.protections_for(tx, keys, now)
    if not protections:
        return {}
    taken = await rulebook.taken_in(tx, protections)
    rows = await tx.fetch(store.OPEN_REFS, tx.tenant, *rulebook.columns_of(protections))
    refs: dict[int, list[str]] = {}
    for row in rows:
        refs.setdefault(row["ord"] - 1, []).append(row["demand_ref"])
    found: dict[Key, list[Kept]] = {}
    for number, one in enumerate(protections):
        done = taken.get((one.item, one.location, one.channel), 0)
        kept = Kept(one, done, refs.get(number, ()))
        found.setdefault((one.item, one.location), []).append(kept)
    return found
