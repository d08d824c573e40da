"""Differences that are open longer than they may be: one case for all of a house (§4.5, §7.2).

Each has its own case, whose owner has let it get overdue; this one is inventory control's. All
are looked at, a page at a time, the oldest first: who is due soonest is known of each alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crossdock.canonical.cases import OpenCase
from crossdock.capabilities.reconciliation import rulebook, showing
from crossdock.capabilities.reconciliation.findings import Finding
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.ports import TimedDesk
from crossdock.capabilities.reconciliation.responsible import INVENTORY
from crossdock.capabilities.reconciliation.store import finding_of
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import each, tenants

SOONEST = timedelta(hours=4)
"""Nothing is overdue sooner."""
PAGE, PAGES_A_LOOK = 5_000, 20
KEPT = timedelta(days=30)
FINGERPRINT = "reconciliation/backlog"
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

TENANTS = WorkersSql("""
select distinct tenant from reconciliation_finding
where state = 'CONFIRMED' or (state = 'CLOSED' and closed_at >= $1)
""")
OLD = """
select * from reconciliation_finding
where tenant = $1 and state = 'CONFIRMED' and not is_gone and found_at < $2
    and (found_at, finding_id) > ($3, $4)
order by found_at, finding_id limit $5
"""


@dataclass(slots=True)
class Turn:
    """How far a look through all of a house has come, and what it has passed."""

    found_at: datetime = LONG_AGO
    finding_id: str = ""
    late: int = 0
    first: Finding | None = None
    """The one that is due soonest, late or not yet."""

    def passes(self, found: Sequence[Finding], now: datetime) -> None:
        self.late += sum(one.due_at < now for one in found)
        self.first = min(
            (one for one in (self.first, *found) if one is not None),
            key=lambda one: (one.due_at, one.finding_id),
            default=None,
        )

    def is_late(self, now: datetime) -> bool:
        """Say whether any is overdue by now, also such as was not yet when it was passed."""
        return self.first is not None and self.first.due_at < now


class Overdue:
    """Looks for what is overdue; what one look leaves, the next one of this process goes on with.

    The case opens once any is late, and ends only when all were passed and none is.
    """

    def __init__(self, database: Database, cases: TimedDesk, policy: Policy) -> None:
        self._database = database
        self._cases = cases
        self._policy = policy
        self._turns: dict[str, Turn] = {}

    async def watch(
        self, now: datetime, *, page: int = PAGE, pages_most: int = PAGES_A_LOOK
    ) -> None:
        """Open the case of each house with overdue differences; end it where none is any more."""

        async def look(scope: Scope) -> None:
            turn = self._turns.pop(scope.tenant, None) or Turn()
            for _ in range(pages_most):
                if await self._page(scope, turn, now, page):
                    return
            self._turns[scope.tenant] = turn

        await each(await tenants(self._database, TENANTS, now - KEPT), look)

    async def _page(self, scope: Scope, turn: Turn, now: datetime, limit: int) -> bool:
        """Look at the next ones of a house; say whether there is nothing more to find."""
        async with self._database.transaction(scope) as tx:
            house, _ = await rulebook.house(tx, self._policy)
            place = (turn.found_at, turn.finding_id)
            rows = await tx.fetch(OLD, tx.tenant, now - SOONEST, *place, limit)
            told = [finding_of(row) for row in rows]
            turn.passes(await showing.shown(tx, self._cases, told, now, house.brake.currency), now)
            if told:
                turn.found_at, turn.finding_id = told[-1].found_at, told[-1].finding_id
            return await self._said(tx, turn, now, is_last=len(told) < limit)

    async def _said(self, tx: Transaction, turn: Turn, now: datetime, *, is_last: bool) -> bool:
        is_open = bool(await self._cases.still_open(tx, [FINGERPRINT]))
        if turn.first is not None and turn.is_late(now):
            if is_last and not is_open:
                await self._cases.opened(tx, [case_of(turn.first, max(turn.late, 1))], now)
            return is_last or is_open
        if is_last and is_open:
            await self._cases.closed(tx, [FINGERPRINT], "no difference is overdue any more", now)
        return is_last


def case_of(first: Finding, late: int) -> OpenCase:
    """Word the case; it counts the differences of the moment at which it opens."""
    return OpenCase(
        code="RCN-BACKLOG",
        fingerprint=FINGERPRINT,
        severity="S3",
        owner_role=INVENTORY,
        within=timedelta(days=1),
        entity=first.item or first.document,
        title=f"{late} confirmed differences are open longer than they may be,"
        " see `crossdock reconcile backlog`",
        evidence={
            "findings": late,
            "first": first.finding_id,
            "due_at": first.due_at.isoformat(),
        },
    )
