"""How many keys the ledger has at each location, and of which classes, to plan samples by."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.capabilities.reconciliation import asked_store
from crossdock.capabilities.reconciliation.stock_ports import KnowsKeys
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

REMEMBERED_FROM = 20_000
"""To count fewer keys takes a moment, and they are counted each time."""
LASTS = timedelta(hours=1)


class Counts(NamedTuple):
    """Keys by location, and by location and class."""

    keys: Mapping[str, int]
    classes: Mapping[str, Mapping[str, int]]


class KeyCounts:
    """Counts keys, which takes a look at all of them: of many it remembers how many for an hour.

    The plan of a day does not change by what came in within an hour.
    """

    def __init__(self, clock: Clock, ledger: KnowsKeys, remembered_from: int) -> None:
        self._clock = clock
        self._ledger = ledger
        self._remembered_from = remembered_from
        self._known: dict[str, tuple[datetime, Counts]] = {}

    async def of(self, tx: Transaction) -> Counts:
        now = self._clock.now()
        if (before := self._known.get(tx.tenant)) is not None and now - before[0] < LASTS:
            return before[1]
        found = Counts(await self._ledger.places(tx), await asked_store.class_counts(tx))
        if sum(found.keys.values()) >= self._remembered_from:
            self._known[tx.tenant] = (now, found)
        else:
            self._known.pop(tx.tenant, None)
        return found
