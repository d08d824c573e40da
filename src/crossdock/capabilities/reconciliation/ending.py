"""What becomes of a difference that a comparison does not find any more (§4.3, §4.4).

One that exact documents accounted for, which were sent or read again before, is closed with the
cause that they prove. Another waits for a person to name its cause, and no deadline runs for it.
"""

from collections.abc import Sequence
from datetime import datetime

from crossdock.capabilities.reconciliation import findings, happened, store
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.earlier import us_of
from crossdock.capabilities.reconciliation.kinds import FOLLOWING, kind_of
from crossdock.capabilities.reconciliation.model import State
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.store import HUB, FindingRow
from crossdock.foundation.database import Transaction
from crossdock.foundation.watching import Desk

CLOSE_HEALED = """
update reconciliation_finding set state = 'CLOSED', root_cause = cause, closed_at = $3,
    closed_by = $4, note = $5, is_gone = true
where tenant = $1 and finding_id = any($2) and state = 'CONFIRMED'
returning *
"""
CAME = "what was lacking came late: a later comparison agrees"
HEALED = "its documents were sent or read again, and the next comparison agrees"
GONE = "the sides agree again; what it came from is still to be named: crossdock reconcile close"


async def end(
    tx: Transaction,
    cases: Desk,
    ended: Sequence[tuple[FindingRow, int | None]],
    now: datetime,
) -> list[happened.Named]:
    """Close or mark what is gone, with its cases, and give what is to be told.

    Each of `ended` comes with as of when the two sides agree on it; None where they only differ by
    less than is tolerated.
    """
    if not ended:
        return []
    ids = [row.finding_id for row, _ in ended]
    await tx.execute(store.CLOSE_GONE, tx.tenant, ids, now)
    closed: list[FindingRow] = []
    for is_over, note in ((is_healed, HEALED), (has_followed, CAME)):
        if over := [row.finding_id for row, cut in ended if is_over(row, cut)]:
            rows = await tx.fetch(CLOSE_HEALED, tx.tenant, over, now, HUB, note)
            closed += [store.finding_of(row) for row in rows]
    await tx.execute(store.MARK_GONE, tx.tenant, ids)
    for row in closed:
        await cases.closed(tx, [findings.fingerprint(row)], row.note, now)
    known = {row.finding_id for row in closed}
    waiting = [
        findings.fingerprint(row)
        for row, _ in ended
        if row.state == State.CONFIRMED and row.finding_id not in known
    ]
    await cases.closed(tx, waiting, GONE, now)
    return [(f"difference_closed:{row.finding_id}", findings.closed(row)) for row in closed]


def has_followed(row: FindingRow, cut: int | None) -> bool:
    """Say whether what was lacking of an invoice, or a delivery, has come by then."""
    is_of_these = kind_of(row.system) in FOLLOWING and row.state == State.CONFIRMED
    return is_of_these and row.cause == Cause.MSG_LOST and cut is not None


def is_healed(row: FindingRow, cut: int | None) -> bool:
    """Say whether the very documents that were sent, or read, again have mended it by then."""
    is_proven = row.cause != Cause.UNKNOWN and (row.document != "" or row.unexplained == 0)
    return (
        is_proven
        and row.remedy in {Remedy.REDRIVE, Remedy.REFETCH}
        and row.state == State.CONFIRMED
        and row.tried_at is not None
        and cut is not None
        and us_of(row.tried_at) <= cut
    )
