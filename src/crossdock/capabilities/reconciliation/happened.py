"""What the log is told of differences and rules beside that one is confirmed or closed."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from crossdock.canonical.envelope import Payload
from crossdock.canonical.reconciliation import (
    DifferenceGone,
    MendingTried,
    ReconciliationPolicyChanged,
    ReconciliationRulesChanged,
)
from crossdock.capabilities.reconciliation import store
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.rules import Version, rules_shown
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.capabilities.reconciliation.withholding import HousePolicy
from crossdock.foundation.database import Transaction

Named = tuple[str, Payload]


class How(StrEnum):
    """What was done about a difference."""

    SENT_AGAIN = "SENT_AGAIN"
    READ_AGAIN = "READ_AGAIN"
    RECORDED = "RECORDED"
    REPUBLISHED = "REPUBLISHED"


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
        if row.confirmed_at is not None and not row.is_gone
    ]


async def tried(
    tx: Transaction, rows: Sequence[FindingRow], how: How, by: str, now: datetime
) -> None:
    """Count one more try for each difference, and tell of it."""
    await tx.execute(store.TRIED, tx.tenant, [row.finding_id for row in rows], now)
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
                    how=how,
                    attempt=row.attempts + 1,
                    tried_by=by,
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
    )
    await tell(tx, [(f"reconciliation_rules:{made.version}", changed)], now)


async def policy_put(
    tx: Transaction, policy: HousePolicy, version: int, by: str, now: datetime
) -> None:
    changed = ReconciliationPolicyChanged(
        version=version, changed_by=by, four_eyes=policy.four_eyes, as_booked=policy.as_booked
    )
    await tell(tx, [(f"reconciliation_policy:{version}", changed)], now)
