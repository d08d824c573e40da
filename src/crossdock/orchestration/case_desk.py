"""Cases that are opened outside of processes, in the transaction of whoever found the cause."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from crossdock.canonical.calendars import WorkingTime
from crossdock.canonical.cases import OpenCase
from crossdock.capabilities.allocation import still_early
from crossdock.foundation.database import Transaction
from crossdock.orchestration import cases
from crossdock.orchestration.case_hours import working_times
from crossdock.orchestration.cases import Said
from crossdock.orchestration.decision import CloseCase
from crossdock.orchestration.order_desk import Key, allocation_name

# The order lines that the cases of allocation name: who is short, shown or named beside it, and
# who loses by a run that waits.
TOLD = """
select said.demand_ref from business_case cross join lateral (
    select short ->> 'line' from jsonb_array_elements(evidence -> 'short') short
    union all select jsonb_array_elements_text(evidence -> 'more')
    union all select jsonb_array_elements_text(evidence -> 'losers')) said(demand_ref)
where tenant = $1 and fingerprint = any($2::text[]) and code = $3 and goes_on
"""


class CaseDesk:
    """One cause is one open case: met again under its fingerprint, it counts up."""

    async def opened(self, tx: Transaction, wanted: Sequence[OpenCase], now: datetime) -> None:
        await cases.record(tx, [Said(tx.tenant, "", one) for one in wanted], now)

    async def still_open(self, tx: Transaction, fingerprints: Sequence[str]) -> Collection[str]:
        """Say which of these cases nobody has closed."""
        return await cases.open_of(tx, tx.tenant, fingerprints)

    async def working(
        self, tx: Transaction, locations: Collection[str]
    ) -> Mapping[str, WorkingTime]:
        """Give when each of these places works: in that time deadlines there run."""
        found = await working_times(tx, {(tx.tenant, at) for at in locations})
        return {at: one for (_, at), one in found.items()}

    async def told(self, tx: Transaction, fingerprint: str) -> Mapping[str, Any]:
        """Give what an open case was last met with; nothing if none is open."""
        found = await cases.going_on(tx, tx.tenant, [fingerprint])
        evidence, state = found.get(fingerprint, ({}, ""))
        return evidence if state == "OPEN" else {}

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None:
        closing = [CloseCase(fingerprint=name, resolution=resolution) for name in fingerprints]
        await cases.record(tx, [Said(tx.tenant, "", one) for one in closing], now)

    async def told_with_orders(
        self, tx: Transaction, keys: Sequence[Key], code: str
    ) -> frozenset[str]:
        """Name the order lines of these item-locations of which allocation tells this."""
        names = [allocation_name(key) for key in keys]
        rows = await tx.fetch(TOLD, tx.tenant, names, code)
        return frozenset(row["demand_ref"] for row in rows)

    async def told_soon(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> frozenset[str]:
        """Name those of which allocation will, if they lack for a while longer.

        It waits for a count or a receipt that comes late.
        """
        return await still_early(tx, keys, now)
