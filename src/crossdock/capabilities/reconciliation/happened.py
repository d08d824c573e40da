"""What the log is told of differences and rules beside that one is confirmed or closed."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from crossdock.canonical.envelope import Payload
from crossdock.canonical.reconciliation import (
    DifferenceGone,
    MendingTried,
    ReconciliationPolicyChanged,
    ReconciliationRulesChanged,
)
from crossdock.capabilities.reconciliation import findings, store
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.model import ItemClass, State
from crossdock.capabilities.reconciliation.rules import Version, rules_shown
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.capabilities.reconciliation.withholding import HousePolicy
from crossdock.foundation.database import Transaction

Named = tuple[str, Payload]
BECAUSE_MAX = 300


class How(StrEnum):
    """What was done about a difference."""

    SENT_AGAIN = "SENT_AGAIN"
    READ_AGAIN = "READ_AGAIN"
    RECORDED = "RECORDED"
    REPUBLISHED = "REPUBLISHED"


class CameOf(StrEnum):
    """What came of it: it was done, it was refused, or nothing was done for another reason."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class Try(NamedTuple):
    """How differences were tried to be mended, what came of it, and for whom."""

    how: How
    by: str
    outcome: CameOf = CameOf.DONE
    because: str = ""


def confirmed(rows: Sequence[FindingRow], run_id: str) -> list[Named]:
    """Name the differences that a comparison has just confirmed."""
    return [
        (f"difference_confirmed:{row.finding_id}:{run_id}", findings.confirmed(row))
        for row in rows
    ]


def gone(rows: Sequence[FindingRow], run_id: str) -> list[Named]:
    """Name the confirmed differences that a comparison did not find any more, each once."""
    return [
        (
            f"difference_gone:{row.finding_id}:{run_id}",
            DifferenceGone(
                finding_id=row.finding_id,
                against=row.against,
                item=row.item,
                location=row.location,
                last_seen=row.last_cut,
                system=row.system,
                document=row.document,
                line=row.line,
            ),
        )
        for row in rows
        if row.state == State.CONFIRMED and not row.is_gone
    ]


async def tried(tx: Transaction, rows: Sequence[FindingRow], said: Try, now: datetime) -> None:
    """Count one more try for each difference, and tell of it."""
    await counted(tx, rows, now)
    await tell_tried(tx, rows, said, now)


async def counted(tx: Transaction, rows: Sequence[FindingRow], now: datetime) -> None:
    """Count one more try, before it is made: what is interrupted is a try all the same."""
    await tx.execute(store.TRIED, tx.tenant, [row.finding_id for row in rows], now)


async def tell_tried(
    tx: Transaction, rows: Sequence[FindingRow], said: Try, now: datetime
) -> None:
    """Tell of a try of each difference, which stood as in `rows` before it was counted."""
    await tell(
        tx,
        [
            (
                f"mending_tried:{row.finding_id}:{row.attempts + 1}:{now.isoformat()}",
                MendingTried(
                    finding_id=row.finding_id,
                    against=row.against,
                    item=row.item,
                    location=row.location,
                    how=said.how,
                    attempt=row.attempts + 1,
                    tried_by=said.by,
                    outcome=said.outcome,
                    because=said.because[:BECAUSE_MAX],
                    system=row.system,
                    document=row.document,
                    line=row.line,
                ),
            )
            for row in rows
        ],
        now,
    )


async def rules_put(tx: Transaction, made: Version, now: datetime) -> None:
    shown = rules_shown(made)
    of_a, of_b, of_c = (shown.tolerance_percent[of] for of in ItemClass)
    price_a, price_b, price_c = (shown.tolerance_price_percent[of] for of in ItemClass)
    changed = ReconciliationRulesChanged(
        version=made.version,
        changed_by=made.put_by,
        tolerance_absolute=shown.tolerance_absolute,
        tolerance_percent_a=of_a,
        tolerance_percent_b=of_b,
        tolerance_percent_c=of_c,
        tolerance_value=shown.tolerance_value,
        tolerance_documents_percent=shown.tolerance_documents_percent,
        heals=shown.heals,
        attempts=shown.attempts,
        most_percent=shown.most_percent,
        most_value=shown.most_value,
        currency=shown.currency,
        most_unpriced=shown.most_unpriced,
        counts_a_day=shown.counts_a_day,
        count_when=shown.count_when,
        tolerance_price_percent_a=price_a,
        tolerance_price_percent_b=price_b,
        tolerance_price_percent_c=price_c,
        tolerance_price_value=shown.tolerance_price_value,
    )
    await tell(tx, [(f"reconciliation_rules:{made.version}", changed)], now)


async def policy_put(
    tx: Transaction, policy: HousePolicy, version: int, by: str, now: datetime
) -> None:
    changed = ReconciliationPolicyChanged(
        version=version, changed_by=by, four_eyes=policy.four_eyes, as_booked=policy.as_booked
    )
    await tell(tx, [(f"reconciliation_policy:{version}", changed)], now)
