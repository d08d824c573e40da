"""Rules of substitution as stored: put as versions, never changed, read by item."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.capabilities.supply.substitution import SubstitutionRule, SubstitutionVersion
from crossdock.foundation.database import Transaction

# One at a time in a house, so that two halves of a circle are not put at once.
ALONE = "select pg_advisory_xact_lock(hashtextextended('supply_substitution ' || $1, 0))"

PUT = """
insert into supply_substitution (tenant, item, version, put_at, put_by, content)
select $1, $2, coalesce((select max(version) from supply_substitution
    where tenant = $1 and item = $2), 0) + 1, $3, $4, $5
returning version
"""

DROP_BACK = "delete from supply_alternative where tenant = $1 and item = $2"

PUT_BACK = """
insert into supply_alternative (tenant, item, alternative)
select $1, $2, * from unnest($3::text[])
"""

# The newest rule of each item, and of those that name one of them as going both ways.
READ = """
select found.* from unnest($2::text[]) k(item)
cross join lateral (
    select s.item, s.version, s.put_at, s.put_by, s.content::text content
    from supply_substitution s
    where s.tenant = $1 and s.item = k.item order by s.version desc limit 1) found
union
select found.* from unnest($2::text[]) k(item)
join supply_alternative a on a.tenant = $1 and a.alternative = k.item
cross join lateral (
    select s.item, s.version, s.put_at, s.put_by, s.content::text content
    from supply_substitution s
    where s.tenant = $1 and s.item = a.item order by s.version desc limit 1) found
"""

NEWEST = """
select item, version, put_at, put_by, content::text content from supply_substitution
where tenant = $1 and item = $2 order by version desc limit 1
"""

LIST = """
select item, version, put_at, put_by, content from supply_substitution
where tenant = $1 and ($2 = '' or item = $2) and (item, version) > ($3, $4)
order by item, version limit $5
"""


async def put(tx: Transaction, rule: SubstitutionRule, at: datetime, by: str) -> int:
    """Put the next version of an item's rule, and find it by those that go both ways."""
    content = msgspec.json.encode(rule).decode()
    version: int = await tx.fetchval(PUT, tx.tenant, rule.item, at, by, content)
    await tx.execute(DROP_BACK, tx.tenant, rule.item)
    back = [one.item for one in rule.alternatives if one.is_two_way]
    if back:
        await tx.execute(PUT_BACK, tx.tenant, rule.item, back)
    return version


async def alone(tx: Transaction) -> None:
    await tx.execute(ALONE, tx.tenant)


async def newest(tx: Transaction, item: str) -> SubstitutionVersion | None:
    """Give the rule of an item that holds now, if any was put."""
    row = await tx.fetchrow(NEWEST, tx.tenant, item)
    return _version(row) if row else None


async def read(tx: Transaction, tenant: str, items: Iterable[str]) -> list[SubstitutionVersion]:
    """Give the newest rules of these items, and those by which they stand in for others."""
    return [_version(row) for row in await tx.fetch(READ, tenant, sorted(set(items)))]


async def listed(
    tx: Transaction, item: str, after: tuple[str, int], limit: int
) -> Sequence[SubstitutionVersion]:
    rows = await tx.fetch(LIST, tx.tenant, item, *after, limit)
    return [_version(row) for row in rows]


def _version(row: Any) -> SubstitutionVersion:
    return SubstitutionVersion(
        version=row["version"],
        put_at=row["put_at"],
        put_by=row["put_by"],
        rule=msgspec.json.decode(row["content"], type=SubstitutionRule),
    )
