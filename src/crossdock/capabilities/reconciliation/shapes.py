"""What the dumps of a system usually look like, location by location, as stored."""

from collections.abc import Mapping, Sequence

from crossdock.capabilities.reconciliation.guards import Shape
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.foundation.database import Transaction

# The newest that was believed: what its dump looked like at each location is what is usual.
USUAL = """
select location, row_count, zero_count from reconciliation_shape
where tenant = $1 and system = $2 and is_full = $3 and location = any($4) and kind = $5
"""
PUT_SHAPES = """
insert into reconciliation_shape (tenant, system, kind, location, is_full, row_count, zero_count,
    taken_at)
select $1, $2, $8, s.location, $3, s.row_count, s.zero_count,
    timestamptz 'epoch' + s.us * interval '1 microsecond'
from unnest($4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
    s(location, row_count, zero_count, us)
on conflict (tenant, system, kind, is_full, location) do update set
    row_count = excluded.row_count, zero_count = excluded.zero_count,
    taken_at = excluded.taken_at
"""


async def usual_shapes(
    tx: Transaction, system: str, places: Sequence[str], *, is_full: bool, kind: Kind = Kind.STOCK
) -> dict[str, Shape]:
    rows = await tx.fetch(USUAL, tx.tenant, system, is_full, places, kind)
    return {
        row["location"]: Shape(
            rows=row["row_count"], zeros=row["zero_count"], taken_at=0, is_full=is_full
        )
        for row in rows
    }


async def put_shapes(
    tx: Transaction, system: str, shapes: Mapping[str, Shape], kind: Kind = Kind.STOCK
) -> None:
    """Keep what a believed dump looks like; its locations are all full, or none is."""
    await tx.execute(
        PUT_SHAPES,
        tx.tenant,
        system,
        any(one.is_full for one in shapes.values()),
        list(shapes),
        [one.rows for one in shapes.values()],
        [one.zeros for one in shapes.values()],
        [one.taken_at for one in shapes.values()],
        kind,
    )
