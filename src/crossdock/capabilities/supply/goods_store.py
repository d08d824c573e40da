"""What is known of goods beside their supply, as stored: how long lots keep, what they weigh."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from crossdock.foundation.database import Transaction

KEEP_LOTS = """
insert into supply_lot as l (tenant, item, lot, source, expires_on, rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::bigint[],
    $7::bigint[], $8::bigint[])
on conflict (tenant, item, lot, source) do update set expires_on = excluded.expires_on,
    rank = excluded.rank, us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (l.rank, l.us, l.position)
"""

KEEP_WEIGHTS = """
insert into supply_weight as w (tenant, item, source, micros, unit, low_percent, high_percent,
    rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::integer[],
    $7::integer[], $8::bigint[], $9::bigint[], $10::bigint[])
on conflict (tenant, item, source) do update set micros = excluded.micros, unit = excluded.unit,
    low_percent = excluded.low_percent, high_percent = excluded.high_percent,
    rank = excluded.rank, us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (w.rank, w.us, w.position)
"""

# How long the lots that lie there keep: of two sources the last to speak is believed.
EXPIRIES = """
select l.item, l.lot, l.expires_on from unnest($2::text[], $3::text[]) k(item, lot)
join supply_lot l on l.tenant = $1 and l.item = k.item and l.lot = k.lot
where l.expires_on is not null and not exists (select from supply_lot n where n.tenant = $1
    and n.item = l.item and n.lot = l.lot and (n.us, n.source) > (l.us, l.source))
"""


# Of which items lots expire.
EXPIRING = """
select k.item from unnest($2::text[]) k(item)
where exists (select from supply_lot l
    where l.tenant = $1 and l.item = k.item and l.expires_on is not null)
"""


class LotSaid(NamedTuple):
    """The newest version of a lot in a page, as it is stored."""

    tenant: str
    item: str
    lot: str
    source: str
    expires_on: date | None
    rank: int
    us: int
    position: int


class WeightSaid(NamedTuple):
    """The newest version of what an item weighs in a page, as it is stored."""

    tenant: str
    item: str
    source: str
    micros: int | None
    unit: str
    low_percent: int
    high_percent: int
    rank: int
    us: int
    position: int


async def keep_lots(tx: Transaction, lots: Sequence[LotSaid]) -> None:
    if lots:
        await tx.execute(KEEP_LOTS, *map(list, zip(*lots, strict=True)))


async def expiring(tx: Transaction, items: Iterable[str]) -> frozenset[str]:
    """Name those of these items of which lots expire."""
    rows = await tx.fetch(EXPIRING, tx.tenant, sorted(items))
    return frozenset(row["item"] for row in rows)


async def keep_weights(tx: Transaction, weights: Sequence[WeightSaid]) -> None:
    if weights:
        await tx.execute(KEEP_WEIGHTS, *map(list, zip(*weights, strict=True)))


async def expiries(
    tx: Transaction, tenant: str, lots: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], date]:
    """Give the last day of use of each (item, lot) that anybody told one of."""
    asked = sorted(set(lots))
    items, names = [item for item, _ in asked], [lot for _, lot in asked]
    rows = await tx.fetch(EXPIRIES, tenant, items, names)
    return {(row["item"], row["lot"]): row["expires_on"] for row in rows}
