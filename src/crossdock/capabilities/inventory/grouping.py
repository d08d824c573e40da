"""Groups of locations that promises are made from before a node is chosen."""

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.capabilities.inventory.page import Page, Version
from crossdock.foundation.database import Transaction

NEWER = """
insert into inventory_group_version as v (tenant, location, rank, us, position)
values ($1, $2, $3, $4, $5)
on conflict (tenant, location) do update
set rank = excluded.rank, us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (v.rank, v.us, v.position)
returning 1
"""

LEAVE = """
delete from inventory_group where tenant = $1 and location = $2 and member <> all($3::text[])
returning member
"""

# A node belongs to one group at most: with overlapping ones nobody could say whose promise a
# unit covers.
JOIN = """
insert into inventory_group (tenant, member, location)
select $1, member, $2 from unnest($3::text[]) member
on conflict (tenant, member) do update set location = excluded.location
"""

# The hot path reads the flag under the row's lock, so it must sit on the row.
FLAG = """
update inventory_stock s set is_grouped = w.is_grouped
from (select stock_id, exists (select from inventory_group g where g.tenant = $1
            and (g.member = location or g.location = location)) is_grouped
    from inventory_stock where tenant = $1 and location = any($2::text[])
    order by stock_id for update) w
where s.tenant = $1 and s.stock_id = w.stock_id and s.is_grouped <> w.is_grouped
"""


async def regroup(tx: Transaction, page: Page) -> set[tuple[str, str]]:
    """Take over the newest membership of every group that the page tells of.

    Give each (tenant, location) of which the page has a newer version than was known.
    """
    newer: set[tuple[str, str]] = set()
    for (tenant, location), version in sorted(page.locations.items()):
        if await _regroup(tx, tenant, location, version):
            newer.add((tenant, location))
    return newer


async def _regroup(tx: Transaction, tenant: str, location: str, version: Version) -> bool:
    payload = version.event.payload
    assert isinstance(payload, LocationChanged)  # noqa: S101  # the page sorted them
    is_group = payload.kind is LocationKind.GROUP and payload.is_active
    members = sorted(set(payload.members) - {location}) if is_group else []
    newer = await tx.fetch(NEWER, tenant, location, *version.order)
    if newer:
        left = [row["member"] for row in await tx.fetch(LEAVE, tenant, location, members)]
        if members:
            await tx.execute(JOIN, tenant, location, members)
        if left or members:
            await tx.execute(FLAG, tenant, sorted({location, *left, *members}))
    return bool(newer)
