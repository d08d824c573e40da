"""The cases of confirmed differences: opened, and worded anew above the policy's cap (§4.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import findings, responsible, store
from crossdock.capabilities.reconciliation.earlier import was_confirmed
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.kinds import ours_of
from crossdock.capabilities.reconciliation.model import State
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.foundation.database import Transaction
from crossdock.foundation.watching import Desk

ESCALATED = """
update reconciliation_finding set escalated_at = $3
where tenant = $1 and finding_id = any($2) and escalated_at is null
"""
# What is worth more than a cap that was lowered, and was not before, or has no case saying so.
ABOVE = """
select * from reconciliation_finding
where tenant = $1 and state = 'CONFIRMED' and not is_gone and system <> 'published'
    and (value_at_risk > $2 or value_at_risk > 0 and $3 <> '' and currency not in ('', $3))
    and (escalated_at is null or not
        (value_at_risk > $4 or value_at_risk > 0 and $5 <> '' and currency not in ('', $5)))
order by system, against, location, item
"""

Met = tuple[FindingRow, FindingRow | None]
"""A finding as it is now, and as it was before, if it was."""


def is_fresh(row: FindingRow, before: FindingRow | None) -> bool:
    """Say whether it is confirmed just now."""
    return row.state == State.CONFIRMED and not was_confirmed(before)


def is_to_word(row: FindingRow, before: FindingRow | None, brake: Brake) -> bool:
    """Say whether its case is to be opened, or worded anew: what is above the cap only now is."""
    if row.state != State.CONFIRMED or before is None or not was_confirmed(before):
        return row.state == State.CONFIRMED
    is_known = before.escalated_at is not None and responsible.is_above(before, brake)
    return responsible.is_above(row, brake) and not is_known


async def word(
    tx: Transaction, cases: Desk, met: Sequence[Met], brake: Brake, now: datetime
) -> None:
    """Open the cases of what is confirmed just now, and word those anew that crossed the cap.

    A case that is open gets more urgent and never less; one that a person has closed is opened
    again by what crosses the cap.
    """
    await _open(
        tx,
        cases,
        [
            replace(row, escalated_at=before.escalated_at if before else None)
            for row, before in met
            if is_to_word(row, before, brake)
        ],
        brake,
        now,
    )


async def lowered(tx: Transaction, cases: Desk, last: Brake, brake: Brake, now: datetime) -> None:
    """Word the cases anew of what is worth more than a cap that was lowered from `last`.

    Comparisons of the same systems wait, or are waited for.
    """
    asked = (ABOVE, tx.tenant, brake.value, brake.currency, last.value, last.currency)
    pairs = {(row["against"], row["system"]) for row in await tx.fetch(*asked)}
    for pair in sorted(pairs):
        await tx.execute(store.IN_TURNS, tx.tenant, *pair)
    rows = [store.finding_of(row) for row in await tx.fetch(*asked)]
    await _open(tx, cases, rows, brake, now)


async def _open(
    tx: Transaction, cases: Desk, rows: Sequence[FindingRow], brake: Brake, now: datetime
) -> None:
    await cases.opened(tx, [case_of(row, brake) for row in rows], now)
    if above := [row.finding_id for row in rows if responsible.is_above(row, brake)]:
        await tx.execute(ESCALATED, tx.tenant, above, now)


def case_of(row: FindingRow, brake: Brake) -> OpenCase:
    """Word a confirmed difference as a case: whose it is, and by when (§7.2).

    One of more money at risk than the cap, or in another currency, is urgent whatever its class
    (§4.3).
    """
    amount = plain(abs(findings.decimal_of(row.theirs - row.ours)))
    than = "more" if row.theirs > row.ours else "less"
    ours = ours_of(row.system)
    of = f" of {row.document} line {row.line}" if row.document else ""
    value = row.value_at_risk
    return OpenCase(
        code=responsible.code_of(row),
        fingerprint=findings.fingerprint(row),
        severity=responsible.severity_of(row, brake),
        owner_role=responsible.owner_of(row, brake),
        within=responsible.within(row, brake),
        entity=f"{row.item} at {row.location}",
        location=row.location,
        title=f"{row.against} says {amount} {row.unit} {than} than {ours}{of}: {row.cause}"
        f"{', ' + row.because if row.because else ''}",
        evidence={
            "finding": row.finding_id,
            "ours": plain(findings.decimal_of(row.ours)),
            "theirs": plain(findings.decimal_of(row.theirs)),
            "cause": row.cause,
            "remedy": row.remedy,
            "value_at_risk": None if value is None else plain(findings.decimal_of(value)),
            "currency": row.currency,
            "is_above_cap": responsible.is_above(row, brake),
        },
    )
