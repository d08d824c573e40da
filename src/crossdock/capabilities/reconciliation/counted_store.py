"""What counts found, as stored."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from crossdock.capabilities.reconciliation.accuracy import CountSums
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.settling import Bucket, CountRow, is_doubted
from crossdock.foundation.database import Transaction, WorkersSql

PUT = """
insert into reconciliation_counted (tenant, counted_id, location, item, status, owner, lot,
    serial, class, counted_at, heard_at, unit, book, counted, value, currency, is_within,
    is_recount, count_ref, told_by, counted_by, count_id, matter, approval, is_doubted)
select $1, s.* from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::bigint[],
    $14::bigint[], $15::bigint[], $16::text[], $17::boolean[], $18::boolean[], $19::text[],
    $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::boolean[]) s
"""
# Whose counts wait, by the partial indexes on what does, which is little.
TENANTS = WorkersSql("""
select tenant from reconciliation_counted where matter = 'RECOUNT'
union select tenant from reconciliation_counted where is_doubted
union select tenant from reconciliation_counted where approval = 'WAITING'
order by tenant
""")
# What waits to be settled, be it asked for or not, of these keys; and that or approval, of all.
WAITING_AT = """
select c.* from unnest($2::text[], $3::text[]) k(location, item)
join reconciliation_counted c on c.tenant = $1 and c.location = k.location and c.item = k.item
    and (c.matter in ('RECOUNT', 'NOT_ASKED') or c.is_doubted)
order by c.counted_at, c.counted_id
"""
# Of each location the oldest that wait and were not asked for.
LEFT = """
select c.* from (select distinct location from reconciliation_counted
    where tenant = $1 and matter = 'NOT_ASKED') l
cross join lateral (select * from reconciliation_counted
    where tenant = $1 and location = l.location and matter = 'NOT_ASKED'
    order by counted_at, counted_id limit $2) c
order by c.counted_at, c.counted_id
"""
WAITING = """
select * from reconciliation_counted
where tenant = $1 and (matter = 'RECOUNT' or is_doubted or approval = 'WAITING')
order by counted_at, counted_id
"""
# What was refused, and is found again by the second count, is to be decided about anew.
SETTLE = """
update reconciliation_counted c set matter = s.matter,
    approval = case when s.is_anew then 'WAITING' else c.approval end,
    decided_at = case when s.is_anew then null else c.decided_at end,
    decided_by = case when s.is_anew then '' else c.decided_by end,
    because = case when s.is_anew then '' else c.because end
from unnest($2::text[], $3::text[], $4::boolean[]) s(counted_id, matter, is_anew)
where c.tenant = $1 and c.counted_id = s.counted_id
"""
ASKED = (
    "select asked from reconciliation_count_day where tenant = $1 and location = $2 and day = $3"
)
ASK = """
insert into reconciliation_count_day as d (tenant, location, day, asked) values ($1, $2, $3, $4)
on conflict (tenant, location) do update set day = excluded.day,
    asked = case when d.day = excluded.day then d.asked else 0 end + excluded.asked,
    found = case when d.day = excluded.day then d.found else 0 end
"""
# The same day's number of what was asked for because of what had happened there.
FOUND = (
    "select found from reconciliation_count_day where tenant = $1 and location = $2 and day = $3"
)
NOTE_FOUND = """
insert into reconciliation_count_day as d (tenant, location, day, found) values ($1, $2, $3, $4)
on conflict (tenant, location) do update set day = excluded.day,
    asked = case when d.day = excluded.day then d.asked else 0 end,
    found = case when d.day = excluded.day then d.found else 0 end + excluded.found
"""
# A second count measures the first, and not the book: it is not among them.
SUMS = """
select location, class, unit, count(*) as counted, count(*) filter (where is_within) as within,
    sum(book) as booked, sum(counted) as found, sum(abs(counted - book)) as absolute
from reconciliation_counted
where tenant = $1 and counted_at >= $2 and counted_at < $3 and not is_recount
    and ($4 = '' or location = $4)
group by location, class, unit order by location, class, unit
"""
# When these keys were counted last, since a moment: by the index on when.
LAST = """
select c.location, c.item, max(c.counted_at) as counted_at
from unnest($3::text[], $4::text[]) k(location, item)
join reconciliation_counted c on c.tenant = $1 and c.counted_at >= $2
    and c.location = k.location and c.item = k.item
group by c.location, c.item
"""
LISTED = """
select * from reconciliation_counted
where tenant = $1 and ($2 = '' or location = $2) and ($3 = '' or item = $3)
    and ($4 = '' or matter = $4) and ($5 = '' or approval = $5)
    and ($6 = '' or counted_id < $6)
order by counted_id desc limit $7
"""
OF = "select * from reconciliation_counted where tenant = $1 and counted_id = $2 for update"
DECIDE = """
update reconciliation_counted set approval = $3, decided_at = $4, decided_by = $5, because = $6,
    matter = $7, is_doubted = is_doubted and $8
where tenant = $1 and counted_id = $2
"""


class CountsWanted(NamedTuple):
    """Which counts are listed; "" is any. `after` is the last one listed before."""

    location: str = ""
    item: str = ""
    matter: str = ""
    approval: str = ""
    after: str = ""


async def put(tx: Transaction, rows: Sequence[CountRow]) -> None:
    columns: list[Sequence[Any]] = [
        [row.counted_id for row in rows],
        *([row.bucket[n] for row in rows] for n in range(6)),
        [row.of for row in rows],
        [row.counted_at for row in rows],
        [row.heard_at for row in rows],
        [row.unit for row in rows],
        [row.book for row in rows],
        [row.counted for row in rows],
        [row.value for row in rows],
        [row.currency for row in rows],
        [row.is_within for row in rows],
        [row.is_recount for row in rows],
        [row.count_ref for row in rows],
        [row.told_by for row in rows],
        [row.counted_by for row in rows],
        [row.count_id for row in rows],
        [row.matter for row in rows],
        [row.approval for row in rows],
        [is_doubted(row) for row in rows],
    ]
    await tx.execute(PUT, tx.tenant, *columns)


async def waiting_at(tx: Transaction, places: Collection[Key]) -> list[CountRow]:
    """Give what waits to be settled or approved of these keys, the first counted first."""
    ordered = sorted(places)
    rows = await tx.fetch(
        WAITING_AT, tx.tenant, [place for place, _ in ordered], [item for _, item in ordered]
    )
    return [_row(row) for row in rows]


async def left_at(tx: Transaction, most: int) -> list[CountRow]:
    """Give so many at a location that wait for a second count which was not asked for."""
    return [_row(row) for row in await tx.fetch(LEFT, tx.tenant, most)] if most else []


async def waiting(tx: Transaction) -> list[CountRow]:
    """Give all that waits to be settled or approved, the first counted first."""
    return [_row(row) for row in await tx.fetch(WAITING, tx.tenant)]


async def settle(tx: Transaction, matters: Mapping[str, str], anew: Collection[str]) -> None:
    """Settle earlier counts; those of `anew` wait for approval again."""
    if matters:
        is_anew = [name in anew for name in matters]
        await tx.execute(SETTLE, tx.tenant, list(matters), list(matters.values()), is_anew)


async def asked_on(tx: Transaction, location: str, day: date) -> int:
    """Tell how many second counts were asked for there that day."""
    return await tx.fetchval(ASKED, tx.tenant, location, day) or 0


async def note_asked(tx: Transaction, location: str, day: date, more: int) -> None:
    await tx.execute(ASK, tx.tenant, location, day, more)


async def found_on(tx: Transaction, location: str, day: date) -> int:
    """Tell how many counts were asked for there that day because of what had happened."""
    return await tx.fetchval(FOUND, tx.tenant, location, day) or 0


async def note_found(tx: Transaction, location: str, day: date, more: int) -> None:
    await tx.execute(NOTE_FOUND, tx.tenant, location, day, more)


async def last_at(
    tx: Transaction, places: Collection[Key], since: datetime
) -> dict[Key, datetime]:
    """Tell of those of these keys that were counted since then when that was last."""
    ordered = sorted(places)
    at, items = [place for place, _ in ordered], [item for _, item in ordered]
    rows = await tx.fetch(LAST, tx.tenant, since, at, items)
    return {(row["location"], row["item"]): row["counted_at"] for row in rows}


async def sums(
    tx: Transaction, since: datetime, until: datetime, location: str
) -> list[CountSums]:
    rows = await tx.fetch(SUMS, tx.tenant, since, until, location)
    return [
        CountSums(
            row["location"],
            row["class"],
            row["unit"],
            row["counted"],
            row["within"],
            int(row["booked"]),
            int(row["found"]),
            int(row["absolute"]),
        )
        for row in rows
    ]


async def listed(tx: Transaction, wanted: CountsWanted, limit: int) -> list[CountRow]:
    """List counts, the newest heard first."""
    rows = await tx.fetch(LISTED, tx.tenant, *wanted, limit)
    return [_row(row) for row in rows]


async def of(tx: Transaction, counted_id: str) -> CountRow | None:
    row = await tx.fetchrow(OF, tx.tenant, counted_id)
    return None if row is None else _row(row)


async def decide(tx: Transaction, row: CountRow) -> None:
    await tx.execute(
        DECIDE,
        tx.tenant,
        row.counted_id,
        row.approval,
        row.decided_at,
        row.decided_by,
        row.because,
        row.matter,
        is_doubted(row),
    )


def _row(row: Any) -> CountRow:
    bucket: Bucket = (
        row["location"], row["item"], row["status"], row["owner"], row["lot"], row["serial"],
    )  # fmt: skip
    return CountRow(
        counted_id=row["counted_id"],
        bucket=bucket,
        of=row["class"],
        counted_at=row["counted_at"],
        heard_at=row["heard_at"],
        unit=row["unit"],
        book=row["book"],
        counted=row["counted"],
        value=row["value"],
        currency=row["currency"],
        is_within=row["is_within"],
        is_recount=row["is_recount"],
        count_ref=row["count_ref"],
        told_by=row["told_by"],
        counted_by=row["counted_by"],
        count_id=row["count_id"],
        matter=row["matter"],
        approval=row["approval"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        because=row["because"],
    )
