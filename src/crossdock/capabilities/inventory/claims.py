"""Stock rows beside the order lines that claim them: what allocation decides on (domain.md §3.6).

Read only, by key, for many at once; one statement is one moment, so the figures agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from crossdock.capabilities.inventory import model
from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.database import Transaction

# What is promised to a line is looked up by the order line's own index. Soft holds that have
# lapsed and are not swept yet hold nothing. A group of locations has no stock of its own: what its
# members have beside their own claims is there for it, and what they withhold of that is withheld.
CLAIMS = """
with lapsed as materialized (select stock_id, sum(micros)::bigint micros
    from inventory_lapsed($5, 10000) where tenant = $1 group by stock_id
), line as materialized (
    select d.stock_id, d.demand_ref, d.ordered, d.cancelled, d.picked,
        (select coalesce(sum(v.granted), 0)::bigint from inventory_reservation v
            where v.tenant = $1 and v.demand_ref = d.demand_ref and v.demand_ref <> ''
            and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')
            and v.is_hard and v.stock_id = d.stock_id) as promised,
        (select coalesce(sum(least(v.made, greatest(0, v.granted + v.made
                - greatest(v.consumed, v.picked)))), 0)::bigint
            from inventory_reservation v where v.tenant = $1 and v.stock_id = d.stock_id
            and v.demand_ref = d.demand_ref and v.made > 0 and v.into_line = 0 and v.is_linked
            and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')) as in_parts
    from unnest($4::text[]) k(demand_ref)
    cross join lateral (select * from inventory_demand
        where tenant = $1 and demand_ref = k.demand_ref and stock_id is not null) d
), claim as materialized (
    select stock_id, array_agg(demand_ref order by demand_ref) refs,
        array_agg(ordered order by demand_ref) ordered,
        array_agg(cancelled order by demand_ref) cancelled,
        array_agg(picked order by demand_ref) picked,
        array_agg(promised order by demand_ref) promised,
        array_agg(in_parts order by demand_ref) in_parts
    from line group by stock_id
)
select k.item, k.location, s.unit, s.version, s.hard,
    s.soft - coalesce((select micros from lapsed where stock_id = s.stock_id), 0) as soft,
    s.safety + coalesce(m.withheld, 0) as safety,
    coalesce(m.net, s.nettable) as nettable, c.refs, c.ordered, c.cancelled, c.picked, c.promised,
    c.in_parts
from unnest($2::text[], $3::text[]) k(item, location)
cross join lateral (select * from inventory_stock
    where tenant = $1 and item = k.item and location = k.location) s
left join claim c on c.stock_id = s.stock_id
left join lateral (
    select sum(n.net)::bigint as net, sum(least(o.safety, n.net))::bigint as withheld
    from (select member from inventory_group where tenant = $1 and location = k.location) g
    cross join lateral (select * from inventory_stock
        where tenant = $1 and item = k.item and location = g.member) o
    cross join lateral (select greatest(0, o.nettable - o.hard - o.soft
        + coalesce((select micros from lapsed where stock_id = o.stock_id), 0)) as net) n
) m on true
"""

# Somebody has told of it, there or at a member of that group, or a full snapshot has by silence.
COUNTED = """
select k.item, k.location from unnest($2::text[], $3::text[]) k(item, location)
where exists (select from (select k.location as location union all
        select member from inventory_group where tenant = $1 and location = k.location) n
    where exists (select from inventory_stock s where s.tenant = $1 and s.item = k.item
            and s.location = n.location and s.is_known)
        or exists (select from inventory_full_snapshot f
            where f.tenant = $1 and f.location = n.location))
"""

GROUPS = """
select g.tenant, g.member, g.location from unnest($1::text[], $2::text[]) k(tenant, member)
join inventory_group g using (tenant, member)
"""


KIN = """
select distinct g.tenant, g.member, g.location
from unnest($1::text[], $2::text[]) k(tenant, place)
cross join lateral (
    select location from inventory_group where tenant = k.tenant and member = k.place
    union select k.place) o
join inventory_group g on g.tenant = k.tenant and g.location = o.location
"""

OWED = """
select k.tenant, k.item, k.location
from unnest($1::text[], $2::text[], $3::text[]) k(tenant, item, location)
join inventory_group g on g.tenant = k.tenant and g.member = k.location
cross join lateral (select from inventory_stock s
    where s.tenant = k.tenant and s.item = k.item and s.location = g.location
        and s.hard + s.soft + s.safety > 0 limit 1) owes
"""


class OrderLineClaim(NamedTuple):
    """An order line as stock knows it; totals in micros. `promised`: granted by hard promises.

    Of a kit promises hold `in_parts` more, which are still to be put together of their parts.
    """

    demand_ref: str
    ordered: int
    cancelled: int
    picked: int
    promised: int
    in_parts: int = 0

    @property
    def open(self) -> int:
        return model.overlay(self.ordered, self.cancelled, self.picked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedStock:
    """An item at a location, and who claims it.

    Of a group of locations: what its members have beside their own claims.
    """

    item: str
    location: str
    unit: str
    version: int
    nettable: int
    hard: int
    soft: int
    safety: int
    lines: tuple[OrderLineClaim, ...]


async def claims(
    tx: Transaction,
    tenant: str,
    keys: Sequence[Key],
    demand_refs: Sequence[str],
    now: datetime,
) -> list[ClaimedStock]:
    """Answer for each (item, location) that is known, with those of the lines that claim it."""
    rows = await tx.fetch(
        CLAIMS,
        tenant,
        [key[0] for key in keys],
        [key[1] for key in keys],
        list(demand_refs),
        now,
    )
    return [
        ClaimedStock(
            item=row["item"],
            location=row["location"],
            unit=row["unit"],
            version=row["version"],
            nettable=row["nettable"],
            hard=row["hard"],
            soft=row["soft"],
            safety=row["safety"],
            lines=tuple(_lines(row)),
        )
        for row in rows
    ]


async def counted(tx: Transaction, tenant: str, keys: Sequence[Key]) -> frozenset[Key]:
    """Name those (item, location) of which anybody ever said what lies there."""
    rows = await tx.fetch(COUNTED, tenant, [key[0] for key in keys], [key[1] for key in keys])
    return frozenset((row["item"], row["location"]) for row in rows)


async def groups(tx: Transaction, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name the group of each (tenant, location) that is a member of one."""
    rows = await tx.fetch(GROUPS, [tenant for tenant, _ in places], [at for _, at in places])
    return {(row["tenant"], row["member"]): row["location"] for row in rows}


async def kin(tx: Transaction, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name the group of each (tenant, member) of these groups, and of groups that these are in."""
    rows = await tx.fetch(KIN, [tenant for tenant, _ in places], [at for _, at in places])
    return {(row["tenant"], row["member"]): row["location"] for row in rows}


async def owed(
    tx: Transaction, keys: Sequence[tuple[str, str, str]]
) -> frozenset[tuple[str, str, str]]:
    """Name those (tenant, item, location) whose group has promised, or keeps, any of the item."""
    rows = await tx.fetch(OWED, *([key[column] for key in keys] for column in range(3)))
    return frozenset((row["tenant"], row["item"], row["location"]) for row in rows)


def _lines(row: Any) -> list[OrderLineClaim]:
    names = "refs", "ordered", "cancelled", "picked", "promised", "in_parts"
    columns = [row[name] or [] for name in names]
    return [OrderLineClaim(*values) for values in zip(*columns, strict=True)]
