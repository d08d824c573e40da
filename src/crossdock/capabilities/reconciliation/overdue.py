"""Differences that are open longer than they may be: one case for all of a house (§4.5, §7.2).

Each has its own case, whose owner has let it get overdue; this one is inventory control's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from crossdock.canonical.cases import OpenCase
from crossdock.capabilities.reconciliation import rulebook, showing
from crossdock.capabilities.reconciliation.findings import Finding
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.ports import TimedDesk
from crossdock.capabilities.reconciliation.responsible import INVENTORY
from crossdock.capabilities.reconciliation.store import finding_of
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import each, tenants

SOONEST = timedelta(hours=4)
"""Nothing is overdue sooner."""
LOOKED_AT_MOST = 5_000
KEPT = timedelta(days=30)
FINGERPRINT = "reconciliation/backlog"

TENANTS = WorkersSql("""
select distinct tenant from reconciliation_finding
where state = 'CONFIRMED' or (state = 'CLOSED' and closed_at >= $1)
""")
OLD = """
select * from reconciliation_finding
where tenant = $1 and state = 'CONFIRMED' and not is_gone and found_at < $2
order by found_at, finding_id limit $3
"""


async def watch(database: Database, cases: TimedDesk, policy: Policy, now: datetime) -> None:
    """Open the case of each house with overdue differences; end it where none is any more."""

    async def look(scope: Scope) -> None:
        async with database.transaction(scope) as tx:
            house, _ = await rulebook.house(tx, policy)
            rows = await tx.fetch(OLD, tx.tenant, now - SOONEST, LOOKED_AT_MOST)
            told = [finding_of(row) for row in rows]
            found = await showing.shown(tx, cases, told, now, house.brake.currency)
            late = [one for one in found if one.due_at < now]
            is_open = bool(await cases.still_open(tx, [FINGERPRINT]))
            if late and not is_open:
                await cases.opened(tx, [case_of(late)], now)
            elif is_open and not late:
                await cases.closed(tx, [FINGERPRINT], "no difference is overdue any more", now)

    await each(await tenants(database, TENANTS, now - KEPT), look)


def case_of(late: Sequence[Finding]) -> OpenCase:
    """Word the case; it counts the differences of the moment at which it opens."""
    first = min(late, key=lambda one: (one.due_at, one.finding_id))
    return OpenCase(
        code="RCN-BACKLOG",
        fingerprint=FINGERPRINT,
        severity="S3",
        owner_role=INVENTORY,
        within=timedelta(days=1),
        entity=first.item or first.document,
        title=f"{len(late)} confirmed differences are open longer than they may be,"
        " see `crossdock reconcile backlog`",
        evidence={
            "findings": len(late),
            "first": first.finding_id,
            "due_at": first.due_at.isoformat(),
        },
    )
