"""Findings as they are listed: the most urgent first, however few are asked for (§4.5)."""

from datetime import datetime

from crossdock.capabilities.reconciliation.store import FindingRow, Wanted, finding_of
from crossdock.foundation.database import Transaction

# By the score of `findings.priority_of`, which `ranking.priority` weighs; what is gone, and puts
# nothing at risk, comes last. Each currency is ranked by itself, the functional one first.
FIND = """
select * from reconciliation_finding
where tenant = $1 and ($2::text[] is null or state = any($2))
    and ($8::timestamptz is null or last_cut >= $8)
    and ($3 = '' or $3 in (against, system, split_part(system, ':', 2)))
    and ($4 = '' or location = $4) and ($5 = '' or cause = $5) and ($6 = '' or finding_id = $6)
    and ($9 = '' or $9 = case when split_part(system, ':', 1) in ('orders', 'purchases',
            'invoices', 'supplier_invoices', 'deliveries', 'invoice_prices', 'supplier_prices',
            'published')
        then split_part(system, ':', 1) else 'stock' end)
    and ($10 = '' or document = $10)
order by is_gone, value_at_risk is null, coalesce(nullif(currency, $11), ''),
    div(coalesce(value_at_risk, 0)::numeric
        * case when coalesce((evidence ->> 'is_sellable')::boolean, true) then 1000 else 100 end
        * (1 + width_bucket(
            extract(epoch from coalesce(closed_at, $12::timestamptz) - found_at)::float8,
            array[14400, 86400, 259200, 604800]::float8[])),
        1000000000) desc,
    absolute desc, found_at, finding_id
limit $7
"""


async def find(tx: Transaction, wanted: Wanted, limit: int, now: datetime) -> list[FindingRow]:
    """Give so many of those that are wanted, the most urgent first."""
    rows = await tx.fetch(
        FIND,
        tx.tenant,
        wanted.states,
        wanted.against,
        wanted.location,
        wanted.cause,
        wanted.finding_id,
        limit,
        wanted.since,
        wanted.kind,
        *(wanted.document, wanted.house, now),
    )
    return [finding_of(row) for row in rows]
