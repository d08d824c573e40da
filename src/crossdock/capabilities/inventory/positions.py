"""Positions and the movement ledger as stored: every statement takes a whole page."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from crossdock.capabilities.inventory.ledger import Bucket, Mark, Opening
from crossdock.foundation.database import Transaction

FIND = """
select p.* from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[]) k(tenant, item, location, status, owner, lot, serial)
cross join lateral (select * from inventory_position p
    where p.tenant = k.tenant and p.item = k.item and p.location = k.location
        and p.status = k.status and p.owner = k.owner and p.lot = k.lot
        and p.serial = k.serial limit 1) p
"""

MAKE = """
insert into inventory_position (tenant, item, location, status, owner, lot, serial, unit)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::text[])
on conflict do nothing
"""

BUCKETS_AT = """
select p.tenant, p.item, p.location, p.status, p.owner, p.lot, p.serial, p.unit
from unnest($1::text[], $2::text[]) k(tenant, location)
join inventory_position p on p.tenant = k.tenant and p.location = k.location
"""

# The ledger takes each movement once, however often the log is read.
RECORD = """
insert into inventory_movement (event_position, tenant, source, movement_id, type, from_position,
    to_position, micros, stream, seq, us, occurred_at, demand_ref, reverses_id, document_ref,
    reason)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::timestamptz[],
    $13::text[], $14::text[], $15::text[], $16::text[])
on conflict (event_position) do nothing
returning event_position
"""

WRITE = """
update inventory_position p set micros = w.micros, opening_micros = w.opening_micros,
    opening_stream = w.stream, opening_seq = w.seq, opening_us = w.us,
    last_movement_at = greatest(p.last_movement_at, w.moved_at),
    last_snapshot_at = greatest(p.last_snapshot_at, w.counted_at)
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[], $8::timestamptz[])
    w(position_id, micros, opening_micros, stream, seq, us, moved_at, counted_at)
where p.position_id = w.position_id and p.tenant = any($9::text[])
"""

# What came to the dock of stock rows that are locked, less what was put away.
MOVE_DOCKED = """
update inventory_stock s set docked = s.docked + w.micros
from unnest($1::bigint[], $2::bigint[]) w(stock_id, micros)
where s.stock_id = w.stock_id and ($3 = '*' or s.tenant = $3)
"""

# Keep the newest opening of each stream; a snapshot that comes late changes nothing.
KEEP_OPENINGS = """
insert into inventory_opening as o (tenant, position_id, stream, seq, us, counted_by, micros)
select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
    $6::uuid[], $7::bigint[])
on conflict (position_id, stream) do update
set seq = excluded.seq, us = excluded.us, counted_by = excluded.counted_by,
    micros = excluded.micros
where o.tenant = excluded.tenant
    and (excluded.seq, excluded.us, excluded.counted_by) > (o.seq, o.us, o.counted_by)
"""

KEEP_FULL = """
insert into inventory_full_snapshot as f (tenant, location, stream, seq, us, counted_by, taken_at)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
    $6::uuid[], $7::timestamptz[])
on conflict (tenant, location, stream) do update
set seq = excluded.seq, us = excluded.us, counted_by = excluded.counted_by,
    taken_at = excluded.taken_at
where (excluded.seq, excluded.us, excluded.counted_by) > (f.seq, f.us, f.counted_by)
"""

OPENINGS_OF = """
select position_id, stream, seq, us, counted_by, micros from inventory_opening
where position_id = any($1::bigint[]) and tenant = any($2::text[])
"""

FULL_AT = """
select f.tenant, f.location, f.stream, f.seq, f.us, f.counted_by
from unnest($1::text[], $2::text[]) k(tenant, location)
join inventory_full_snapshot f on f.tenant = k.tenant and f.location = k.location
"""

HEAR_STREAMS = """
insert into inventory_stream (tenant, stream, source, name)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
on conflict do nothing
"""

# What the ledger has beyond an opening: its own stream by sequence, which is a short range of an
# index, and the few other streams of the tenant by the clock.
MOVED_SINCE = """
select coalesce(sum(m.micros), 0)::bigint micros
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) with ordinality
    k(position_id, tenant, stream, seq, us, n)
left join lateral (
    select micros from inventory_movement v where v.tenant = k.tenant
        and to_position = k.position_id and v.stream = k.stream and v.seq > k.seq
    union all
    select -micros from inventory_movement v where v.tenant = k.tenant
        and from_position = k.position_id and v.stream = k.stream and v.seq > k.seq
    union all
    select m.micros from inventory_stream s cross join lateral (
        select micros from inventory_movement v where v.tenant = k.tenant
            and to_position = k.position_id and v.stream = s.stream and v.us > k.us
        union all
        select -micros from inventory_movement v where v.tenant = k.tenant
            and from_position = k.position_id and v.stream = s.stream and v.us > k.us) m
    where s.tenant = k.tenant and s.stream <> k.stream
) m on true
group by k.n order by k.n
"""


class PositionRow(NamedTuple):
    """A position as it is stored. `is_expired`: it counts among what has expired."""

    position_id: int
    bucket: Bucket
    unit: str
    micros: int
    opening_micros: int
    opening: Mark | None
    is_expired: bool = False
    is_new: bool = False


class Written(NamedTuple):
    """A position's next state, and when it last moved or was counted in this page."""

    position_id: int
    micros: int
    opening_micros: int
    opening: Mark | None
    moved_at: datetime | None
    counted_at: datetime | None


async def ensure(tx: Transaction, units: Mapping[Bucket, str]) -> dict[Bucket, PositionRow]:
    """Find the positions of these buckets, making those that are new."""
    found = await _find(tx, sorted(units))
    if missing := sorted(set(units) - found.keys()):
        columns = [list(column) for column in zip(*missing, strict=True)]
        await tx.execute(MAKE, *columns, [units[bucket] for bucket in missing])
        made = await _find(tx, missing)
        found |= {bucket: row._replace(is_new=True) for bucket, row in made.items()}
    return found


async def _find(tx: Transaction, buckets: Sequence[Bucket]) -> dict[Bucket, PositionRow]:
    if not buckets:
        return {}
    columns = [list(column) for column in zip(*buckets, strict=True)]
    rows = [_position_of(row) for row in await tx.fetch(FIND, *columns)]
    return {row.bucket: row for row in rows}


async def buckets_at(tx: Transaction, places: Iterable[tuple[str, str]]) -> dict[Bucket, str]:
    """List every bucket that is known at these (tenant, location) places, with its unit."""
    known = sorted(set(places))
    if not known:
        return {}
    rows = await tx.fetch(BUCKETS_AT, [place[0] for place in known], [place[1] for place in known])
    return {_bucket_of(row): row["unit"] for row in rows}


async def openings_of(
    tx: Transaction, tenants: Iterable[str], position_ids: Sequence[int]
) -> dict[int, list[Opening]]:
    found: dict[int, list[Opening]] = {}
    for row in await tx.fetch(OPENINGS_OF, list(position_ids), sorted(tenants)):
        mark = Mark(row["stream"], row["seq"], row["us"])
        opening = Opening(mark, row["micros"], is_named=True, counted_by=row["counted_by"].hex)
        found.setdefault(row["position_id"], []).append(opening)
    return found


async def full_at(
    tx: Transaction, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[Opening]]:
    """Give what full snapshots of these places say of a bucket that they do not name: nothing."""
    known = sorted(set(places))
    found: dict[tuple[str, str], list[Opening]] = {}
    if known:
        rows = await tx.fetch(
            FULL_AT, [place[0] for place in known], [place[1] for place in known]
        )
        for row in rows:
            mark = Mark(row["stream"], row["seq"], row["us"])
            opening = Opening(mark, 0, is_named=False, counted_by=row["counted_by"].hex)
            found.setdefault((row["tenant"], row["location"]), []).append(opening)
    return found


async def moved_since(tx: Transaction, openings: Sequence[tuple[PositionRow, Mark]]) -> list[int]:
    """Sum the movements of each position that an opening of it does not contain."""
    if not openings:
        return []
    rows = await tx.fetch(
        MOVED_SINCE,
        [row.position_id for row, _ in openings],
        [row.bucket.tenant for row, _ in openings],
        [mark.stream for _, mark in openings],
        [mark.seq for _, mark in openings],
        [mark.us for _, mark in openings],
    )
    return [row["micros"] for row in rows]


async def move_docked(tx: Transaction, micros: Mapping[int, int]) -> None:
    """Add to what lies at the dock of these stock rows, which are locked; it moves no version."""
    if micros:
        await tx.execute(MOVE_DOCKED, list(micros), list(micros.values()), tx.tenant)


async def write(tx: Transaction, tenants: Iterable[str], rows: Sequence[Written]) -> None:
    if rows:
        await tx.execute(
            WRITE,
            [row.position_id for row in rows],
            [row.micros for row in rows],
            [row.opening_micros for row in rows],
            [row.opening.stream if row.opening else None for row in rows],
            [row.opening.seq if row.opening else None for row in rows],
            [row.opening.us if row.opening else None for row in rows],
            [row.moved_at for row in rows],
            [row.counted_at for row in rows],
            sorted(tenants),
        )


def _position_of(row: Any) -> PositionRow:
    stream = row["opening_stream"]
    opening = None if stream is None else Mark(stream, row["opening_seq"], row["opening_us"])
    return PositionRow(
        row["position_id"],
        _bucket_of(row),
        row["unit"],
        row["micros"],
        row["opening_micros"],
        opening,
        row["is_expired"],
    )


def _bucket_of(row: Any) -> Bucket:
    return Bucket(
        row["tenant"],
        row["item"],
        row["location"],
        row["status"],
        row["owner"],
        row["lot"],
        row["serial"],
    )
