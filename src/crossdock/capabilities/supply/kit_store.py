"""Recipes of kits as stored: what goes into them, and which kits an item goes into."""

import json
from collections.abc import Sequence
from typing import NamedTuple

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


class Kit(NamedTuple):
    """The newest version of a kit in a page, as it is stored."""

    tenant: str
    item: str
    source: str
    components: str
    rank: int
    us: int
    position: int


async def keep_kits(tx: Transaction, kits: Sequence[Kit]) -> None:
    """Put newer recipes in place of what is known, and find them by their components."""
    if not kits:
        return
    rows = await tx.fetch(KEEP_KITS, *map(list, zip(*kits, strict=True)))
    fresh = {(row["tenant"], row["item"], row["source"]) for row in rows}
    if not fresh:
        return
    await tx.execute(DROP_PARTS, *map(list, zip(*sorted(fresh), strict=True)))
    parts = [
        (kit.tenant, part[0], kit.item, kit.source)
        for kit in kits
        if kit[:3] in fresh
        for part in json.loads(kit.components)
    ]
    if parts:
        await tx.execute(PUT_PARTS, *map(list, zip(*parts, strict=True)))


async def recipes(tx: Transaction, tenant: str, items: Sequence[str]) -> dict[str, Sequence[str]]:
    """Name the components of those of these items that are kits."""
    rows = await tx.fetch(RECIPES, tenant, items)
    return {row["item"]: [part[0] for part in json.loads(row["components"])] for row in rows}
