"""Recipes of kits as stored: what goes into them, and which kits an item goes into."""

import json
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from crossdock.foundation.database import Transaction

KEEP_KITS = """
insert into supply_kit as k (tenant, item, source, components, rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::bigint[], $6::bigint[],
    $7::bigint[])
on conflict (tenant, item, source) do update set components = excluded.components,
    rank = excluded.rank, us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (k.rank, k.us, k.position)
returning tenant, item, source
"""

DROP_PARTS = """
delete from supply_kit_part p using unnest($1::text[], $2::text[], $3::text[])
    k(tenant, item, source)
where p.tenant = k.tenant and p.item = k.item and p.source = k.source
"""

PUT_PARTS = """
insert into supply_kit_part (tenant, part, item, source)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
"""

# What kits are put together from: of two sources the last to speak is believed.
RECIPES = """
select distinct on (t.item) t.item, t.components from unnest($2::text[]) k(item)
join supply_kit t on t.tenant = $1 and t.item = k.item order by t.item, t.us desc, t.source desc
"""

# Items, and all that goes into those that are kits, on every level, each with its recipe: of two
# sources the last to speak is believed. What is no kit has no components.
NEEDED = """
with recursive needed(item) as (
    select unnest($2::text[])
    union
    select part ->> 0 from needed n
    cross join lateral (select components from supply_kit where tenant = $1 and item = n.item
        order by us desc, source desc limit 1) t
    cross join lateral jsonb_array_elements(t.components) part)
select n.item, t.components::text as components from needed n
left join lateral (select components from supply_kit where tenant = $1 and item = n.item
    order by us desc, source desc limit 1) t on true
"""

# The kits that items go into, and those that these go into, on every level.
ABOVE = """
with recursive above(item, kit) as (
    select p.part, p.item from unnest($2::text[]) k(item)
    join supply_kit_part p on p.tenant = $1 and p.part = k.item
    union
    select a.item, p.item from above a join supply_kit_part p on p.tenant = $1 and p.part = a.kit)
select item, kit from above
"""

# Where rules say whether orders for kits take their components.
TAKES_PARTS = """
select k.item, k.location, (select (r.rule ->> 'takes_parts')::boolean from supply_rule r
    where r.tenant = $1 and r.item in (k.item, '*') and r.location in (k.location, '*')
        and r.rule ->> 'takes_parts' is not null
    order by r.item = '*', r.location = '*' limit 1) as said
from unnest($2::text[], $3::text[]) k(item, location)
"""

AMONG = """
select distinct t.item from unnest($2::text[]) k(item)
join supply_kit t on t.tenant = $1 and t.item = k.item and t.components <> '[]'
"""

EVERY = "select distinct item from supply_kit where tenant = $1 and components <> '[]'"

HAS_KITS = "select exists (select from supply_kit where tenant = $1 and components <> '[]')"


class HearsRecipes(Protocol):
    """Whoever shows how many kits there are."""

    async def recipes_changed(self, tx: Transaction, kits: Sequence[tuple[str, str]]) -> None:
        """Hear that these (tenant, item) are put together from something else now."""
        ...


class Kit(NamedTuple):
    """The newest version of a kit in a page, as it is stored."""

    tenant: str
    item: str
    source: str
    components: str
    rank: int
    us: int
    position: int


async def keep_kits(tx: Transaction, kits: Sequence[Kit]) -> list[tuple[str, str]]:
    """Put newer recipes in place of what is known, and find them by their components.

    Gives (tenant, item) of those that were put.
    """
    if not kits:
        return []
    rows = await tx.fetch(KEEP_KITS, *map(list, zip(*kits, strict=True)))
    fresh = {(row["tenant"], row["item"], row["source"]) for row in rows}
    if not fresh:
        return []
    await tx.execute(DROP_PARTS, *map(list, zip(*sorted(fresh), strict=True)))
    parts = [
        (kit.tenant, part[0], kit.item, kit.source)
        for kit in kits
        if kit[:3] in fresh
        for part in json.loads(kit.components)
    ]
    if parts:
        await tx.execute(PUT_PARTS, *map(list, zip(*parts, strict=True)))
    return sorted({(tenant, item) for tenant, item, _ in fresh})


async def needed(
    tx: Transaction, tenant: str, items: Sequence[str]
) -> dict[str, list[tuple[str, int, str]] | None]:
    """Name these items and all that goes into them: of each what goes straight into one.

    None where nobody ever told a recipe; empty where it is a kit no longer.
    """
    rows = await tx.fetch(NEEDED, tenant, items)
    return {
        row["item"]: None
        if row["components"] is None
        else [(item, micros, unit) for item, micros, unit in json.loads(row["components"])]
        for row in rows
    }


async def above(tx: Transaction, tenant: str, items: Sequence[str]) -> dict[str, set[str]]:
    """Name the kits that each of these items goes into, on any level."""
    found: dict[str, set[str]] = {}
    for row in await tx.fetch(ABOVE, tenant, items):
        found.setdefault(row["item"], set()).add(row["kit"])
    return found


async def takes_parts(
    tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Name those of these (kit, location) whose orders claim components: if no rule denies it."""
    return frozenset(
        key for key, said in (await _said(tx, tenant, keys)).items() if said is not False
    )


async def alone(
    tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Name those of these (kit, location) of which a rule says that orders name the kit alone."""
    return frozenset(key for key, said in (await _said(tx, tenant, keys)).items() if said)


async def _said(
    tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], bool | None]:
    columns = [item for item, _ in keys], [location for _, location in keys]
    rows = await tx.fetch(TAKES_PARTS, tenant, *columns)
    return {(row["item"], row["location"]): row["said"] for row in rows}


async def among(tx: Transaction, tenant: str, items: Sequence[str]) -> frozenset[str]:
    """Name those of these items that some source says are kits."""
    rows = await tx.fetch(AMONG, tenant, items)
    return frozenset(row["item"] for row in rows)


async def every(tx: Transaction, tenant: str) -> frozenset[str]:
    """Name all items that some source says are kits."""
    return frozenset(row["item"] for row in await tx.fetch(EVERY, tenant))


async def has_kits(tx: Transaction, tenant: str) -> bool:
    """Say whether anybody told of a kit."""
    found: bool = await tx.fetchval(HAS_KITS, tenant)
    return found


async def recipes(tx: Transaction, tenant: str, items: Sequence[str]) -> dict[str, Sequence[str]]:
    """Name the components of those of these items that are kits."""
    rows = await tx.fetch(RECIPES, tenant, items)
    return {row["item"]: [part[0] for part in json.loads(row["components"])] for row in rows}
