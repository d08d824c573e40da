"""Full counts that come in parts: which parts of a count the hub has, and could not record.

The last part of a full count names nothing, and says that what no part names is zero. Recorded
before one of the others it would empty what that one counts.
"""

from collections.abc import Mapping

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.foundation.database import Transaction

# Of each count: the facts of it that wait, or that a person has to look at.
MISSING = """
select c.ord, count(*) as parts
from unnest($4::text[], $5::text[], $6::text[]) with ordinality
    as c(snapshot_id, location, identity, ord)
join (
    select w.identity, w.fact from waiting_fact w
    where w.tenant = $1 and w.source = $2 and w.fact ->> 'type' = $3
    union all
    select q.identity, q.fact from quarantine q
    where q.tenant = $1 and q.source = $2 and q.state <> 'REPLAYED' and q.fact ->> 'type' = $3
) part on part.fact #>> '{payload,snapshot_id}' = c.snapshot_id
    and part.fact #>> '{payload,location}' = c.location and part.identity <> c.identity
group by c.ord
"""


async def missing(tx: Transaction, source: str, facts: Mapping[int, Fact]) -> dict[int, str]:
    """Name, for each fact that ends a full count, what is lacking before it may count."""
    ends = {
        index: (fact.payload.snapshot_id, fact.payload.location, fact.identity)
        for index, fact in facts.items()
        if isinstance(fact.payload, StockSnapshotTaken)
        if fact.payload.is_full and not fact.payload.lines
    }
    if not ends:
        return {}
    columns = [list(column) for column in zip(*ends.values(), strict=True)]
    rows = await tx.fetch(MISSING, tx.tenant, source, StockSnapshotTaken.TYPE, *columns)
    order = list(ends)
    found: dict[int, str] = {}
    for row in rows:
        index = order[int(row["ord"]) - 1]
        snapshot_id, location, _ = ends[index]
        found[index] = (
            f"{row['parts']} other part(s) of the full count {snapshot_id!r} of {location!r}"
        )
    return found
