"""The backlog of differences as stored: how old it is, what closed it, what came and went."""

from datetime import datetime

from crossdock.capabilities.reconciliation.ageing import Aged
from crossdock.foundation.database import Transaction

# By how long it is open, in the law's buckets: `width_bucket` answers 0 for the youngest.
AGES = """
select width_bucket(extract(epoch from $2::timestamptz - found_at)::float8,
        array[14400, 86400, 259200, 604800]::float8[]) as bucket,
    coalesce(nullif(currency, $4), '') as currency,
    count(*) as findings, count(*) filter (where value_at_risk is null) as unpriced,
    least(sum(value_at_risk), 9000000000000000000)::bigint as value_at_risk
from reconciliation_finding where tenant = $1 and state = any($3) and not is_gone
group by 1, 2 order by 1, 2
"""
UNNAMED = """
select count(*) from reconciliation_finding
where tenant = $1 and state in ('SUSPECTED', 'CONFIRMED') and is_gone
"""
CAUSES = """
select root_cause, count(*) as findings from reconciliation_finding
where tenant = $1 and state = 'CLOSED' and confirmed_at is not null and closed_at >= $2
group by root_cause order by count(*) desc, root_cause
"""
FLOW = """
select count(*) filter (where confirmed_at >= $2) as opened,
    count(*) filter (where closed_at >= $2) as closed
from reconciliation_finding
where tenant = $1 and state in ('CONFIRMED', 'CLOSED') and confirmed_at is not null
"""


async def unnamed(tx: Transaction) -> int:
    """Count what is gone and waits for a person to name what it came from."""
    count: int = await tx.fetchval(UNNAMED, tx.tenant)
    return count


async def ages(tx: Transaction, now: datetime, house: str) -> list[Aged]:
    """Count what is open by the number of its bucket of age and by currency, with the money.

    `house` names the functional currency.
    """
    rows = await tx.fetch(AGES, tx.tenant, now, ["SUSPECTED", "CONFIRMED"], house)
    return [
        Aged(
            row["bucket"],
            row["currency"],
            row["findings"],
            row["unpriced"],
            row["value_at_risk"],
        )
        for row in rows
    ]


async def causes(tx: Transaction, since: datetime) -> dict[str, int]:
    """Count what was closed by root cause, the commonest first."""
    rows = await tx.fetch(CAUSES, tx.tenant, since)
    return {row["root_cause"]: row["findings"] for row in rows}


async def flow(tx: Transaction, since: datetime) -> tuple[int, int]:
    """Count what was confirmed, and what of the confirmed was closed."""
    row = await tx.fetchrow(FLOW, tx.tenant, since)
    return row["opened"], row["closed"]
