"""What stands at item-locations, for many at once and without its proof: for answers by date.

Read-only, by key, in the caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from crossdock.capabilities.inventory import claimed_sums
from crossdock.capabilities.inventory.answering import DEFAULT_FRESHNESS_SECONDS, groups_of
from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

# Soft holds that have lapsed but are not swept yet hold nothing back. Behind the figures, in the
# same round trip, those few rows that say when each source last spoke.
STANDING = """
with lapsed as materialized (select stock_id, sum(micros)::bigint micros
    from inventory_lapsed($4, 10000) where tenant = $1 group by stock_id)
select s.item, s.location, s.nettable, s.hard, s.soft - coalesce(l.micros, 0) as soft, s.safety,
    s.version, s.is_grouped, s.sources, s.is_known or exists (select from inventory_full_snapshot f
        where f.tenant = $1 and f.location = s.location) as is_known, s.expired, s.docked,
    null::timestamptz as heard_at
from unnest($2::text[], $3::text[]) k(item, location)
join inventory_stock s on s.tenant = $1 and s.item = k.item and s.location = k.location
left join lapsed l on l.stock_id = s.stock_id
union all
select source, null, freshness_seconds, 0, 0, 0, 0, false, null, false, 0, 0, heard_at
from inventory_source where tenant = $1
"""

# A place of which a full snapshot named no such item: there is none, and that is known.
COUNTED_FULL = """
select distinct f.location from inventory_full_snapshot f
where f.tenant = $1 and f.location = any($2::text[])
"""

# What order lines hold: an order's open claim, and promises that no order counts yet; with what
# has left of each. A line that its order has dropped is ordered, and claims nothing.
CLAIMS = """
select d.demand_ref, coalesce(s.item, '') as item, coalesce(s.location, '') as location,
    case when d.order_id <> '' then greatest(0, d.ordered - d.cancelled - d.picked) else 0 end
        as hard, 0::bigint as soft, d.order_id <> '' or d.stock_id is not null as is_order,
    d.picked as used, d.ordered - d.cancelled as said, d.customer, d.channel
from unnest($2::text[]) k(demand_ref)
join inventory_demand d on d.tenant = $1 and d.demand_ref = k.demand_ref
left join lateral (select item, location from inventory_stock
    where tenant = $1 and stock_id = d.stock_id limit 1) s on true
union all
select r.demand_ref, s.item, s.location,
    case when r.is_hard then r.granted - u.used else 0 end as hard,
    case when r.is_hard then 0 else r.granted - u.used end as soft, false, u.used, 0, '', ''
from unnest($2::text[]) k(demand_ref)
join inventory_reservation r on r.tenant = $1 and r.demand_ref = k.demand_ref
    and r.demand_ref <> '' and r.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')
    and not r.is_linked and not r.is_unlimited and (r.expires_at is null or r.expires_at > $3)
cross join lateral (select least(r.granted, greatest(r.consumed, r.picked)) as used) u
cross join lateral (select item, location from inventory_stock
    where tenant = $1 and stock_id = r.stock_id limit 1) s
"""

# Those of some order lines that an order counts at one of these places, a key read for each.
COUNTED_AT = """
select d.demand_ref from unnest($2::text[]) k(demand_ref)
join inventory_demand d on d.tenant = $1 and d.demand_ref = k.demand_ref and d.order_id <> ''
where d.stock_id in (select s.stock_id from unnest($3::text[], $4::text[]) a(item, location)
    join inventory_stock s on s.tenant = $1 and s.item = a.item and s.location = a.location)
"""

# What went into kits for an order line, which an index of its own finds: the few movements of
# assembling that quote one. What was taken apart again comes off.
ASSEMBLED = """
select v.demand_ref, sum(case when v.to_position is null then v.micros else -v.micros end)::bigint
    as micros
from unnest($2::text[]) k(demand_ref)
join inventory_movement v on v.tenant = $1 and v.demand_ref = k.demand_ref and v.demand_ref <> ''
    and v.type in ('ASSEMBLE', 'DISASSEMBLE')
    and (v.from_position is null) <> (v.to_position is null)
group by v.demand_ref
"""

# Of how many kits that an order claims promises hold the parts: the few lines of kits that are
# ordered and not put together have an index of their own.
IN_PARTS = """
select s.item, s.location, v.demand_ref, sum(v.made)::bigint as made
from unnest($2::text[], $3::text[]) k(item, location)
join inventory_stock s on s.tenant = $1 and s.item = k.item and s.location = k.location
join inventory_reservation v on v.tenant = $1 and v.stock_id = s.stock_id and v.made > 0
    and v.into_line = 0 and v.is_linked and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
group by 1, 2, 3
"""

# What is available of each lot and owner; a bucket below zero holds nothing. Buckets that are
# empty by now, of which there are more every day, are not in the index that is read.
LOTS = """
select p.item, p.location, p.owner, p.lot, sum(p.micros)::bigint as micros
from unnest($2::text[], $3::text[]) k(item, location)
join inventory_position p on p.tenant = $1 and p.location = k.location and p.item = k.item
    and p.status = 'AVAILABLE' and p.holds_goods
group by p.item, p.location, p.owner, p.lot
"""


# What lies at the dock of what came there, or was counted there, since a moment: the last to come,
# less what went away since. Each bucket that holds goods is read, with its movements since then.
DOCKED_SINCE = """
select k.item, k.location, sum(case when p.last_snapshot_at >= k.since then p.micros
    else least(p.micros, greatest(0, c.micros - a.micros)) end)::bigint as micros
from unnest($2::text[], $3::text[], $4::timestamptz[]) k(item, location, since)
join inventory_position p on p.tenant = $1 and p.location = k.location and p.item = k.item
    and p.status = 'RECEIVING' and p.owner = '' and p.holds_goods
cross join lateral (select coalesce(sum(v.micros), 0) as micros from inventory_movement v
    where v.tenant = $1 and v.to_position = p.position_id and v.occurred_at >= k.since
        and v.type not in ('PICK', 'UNPICK', 'PUTAWAY')) c
cross join lateral (select coalesce(sum(v.micros), 0) as micros from inventory_movement v
    where v.tenant = $1 and v.from_position = p.position_id and v.occurred_at >= k.since
        and v.type not in ('PICK', 'UNPICK', 'SHIP', 'SHIP_VOID')) a
group by k.item, k.location
"""


class HeldLot(NamedTuple):
    """What is available of a lot of an owner, in micros; "" is no lot, and our own."""

    item: str
    location: str
    owner: str
    lot: str
    micros: int


class Standing(NamedTuple):
    """The figures of an item-location (§3.1); one that nobody ever spoke of is not known.

    `is_grouped`: it is a group of locations or in one; where there are no figures yet, it may be.
    `sources` are those that told of it, when they last spoke, and how many seconds they may not.
    `expired` lies there beside what is nettable, in lots whose last day is over; `docked` was
    booked in and is not put away: below zero that was told first.
    """

    nettable: int
    hard: int
    soft: int
    safety: int
    version: int
    is_grouped: bool
    sources: Sequence[tuple[str, datetime | None, int]]
    is_known: bool
    expired: int = 0
    docked: int = 0


class HeldClaim(NamedTuple):
    """What an order line holds of an item-location now, its picks taken off, in micros.

    `used` has left of it; `said` is what its order says in all, less what is cancelled. `customer`
    and `channel` are whose order it is, as names compare.
    """

    demand_ref: str
    item: str
    location: str
    hard: int
    soft: int
    is_order: bool = False
    used: int = 0
    said: int = 0
    customer: str = ""
    channel: str = ""


class Standings:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def groups(
        self, tx: Transaction, tenant: str, locations: Sequence[str]
    ) -> dict[str, str]:
        """Name the group of each location that has one, and of all its fellow members."""
        return await groups_of(tx, tenant, locations)

    async def standing(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> dict[Key, Standing]:
        """Give the figures of each key."""
        now = self._clock.now()
        places = [location for _, location in keys]
        rows = await tx.fetch(STANDING, tenant, [item for item, _ in keys], places, now)
        ages = {row[0]: (row[0], row["heard_at"], row[2]) for row in rows if row[1] is None}
        found = {(row[0], row[1]): _standing(row, ages) for row in rows if row[1] is not None}
        if missing := [key for key in keys if key not in found]:
            full = await tx.fetch(COUNTED_FULL, tenant, sorted({at for _, at in missing}))
            counted = {row["location"] for row in full}
            found |= {key: Standing(0, 0, 0, 0, 0, True, (), key[1] in counted) for key in missing}
        return found

    async def docked(
        self, tx: Transaction, tenant: str, since: Mapping[Key, datetime]
    ) -> dict[Key, int]:
        """Say what lies at the dock of what came there since a moment, or was counted there."""
        items, places = [item for item, _ in since], [location for _, location in since]
        rows = await tx.fetch(DOCKED_SINCE, tenant, items, places, list(since.values()))
        return {(row["item"], row["location"]): row["micros"] for row in rows}

    async def lots(self, tx: Transaction, tenant: str, keys: Sequence[Key]) -> list[HeldLot]:
        """Give what is available at these keys, lot by lot and owner by owner."""
        places = [location for _, location in keys]
        rows = await tx.fetch(LOTS, tenant, [item for item, _ in keys], places)
        return [HeldLot(*row) for row in rows]

    async def counted_at(
        self, tx: Transaction, tenant: str, keys: Sequence[Key], demand_refs: Sequence[str]
    ) -> frozenset[str]:
        """Name those of these order lines that an order counts at one of these keys."""
        columns = [item for item, _ in keys], [location for _, location in keys]
        rows = await tx.fetch(COUNTED_AT, tenant, list(demand_refs), *columns)
        return frozenset(row["demand_ref"] for row in rows)

    async def assembled(
        self, tx: Transaction, tenant: str, demand_refs: Sequence[str]
    ) -> dict[str, int]:
        """Say how much went into kits for these order lines; those without any are left out."""
        rows = await tx.fetch(ASSEMBLED, tenant, list(demand_refs))
        return {row["demand_ref"]: row["micros"] for row in rows}

    async def in_parts(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> dict[tuple[str, str, str], int]:
        """Say of how many kits the parts are held for an order that claims them.

        By item, location and order line.
        """
        columns = [item for item, _ in keys], [location for _, location in keys]
        rows = await tx.fetch(IN_PARTS, tenant, *columns)
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    async def held(
        self, tx: Transaction, tenant: str, demand_refs: Sequence[str]
    ) -> list[HeldClaim]:
        """Give what these order lines hold, wherever it is."""
        now = self._clock.now()
        rows = await tx.fetch(CLAIMS, tenant, list(demand_refs), now)
        return [HeldClaim(*row) for row in rows]

    async def claimed_by(
        self, tx: Transaction, tenant: str, keys: Sequence[Key], customers: Iterable[str]
    ) -> list[claimed_sums.ClaimedBy]:
        """Give what orders claim of each key: by channel, and of these customers by name, too."""
        return await claimed_sums.claimed_by(tx, tenant, keys, customers)


def _aged(
    sources: Sequence[str], ages: Mapping[str, tuple[str, datetime | None, int]]
) -> list[tuple[str, datetime | None, int]]:
    return [ages.get(one, (one, None, DEFAULT_FRESHNESS_SECONDS)) for one in sources]


def _standing(row: Any, ages: Mapping[str, tuple[str, datetime | None, int]]) -> Standing:
    return Standing._make((*row[2:8], _aged(row[8], ages), *row[9:12]))
