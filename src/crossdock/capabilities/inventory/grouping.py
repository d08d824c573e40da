"""Groups of locations that promises are made from before a node is chosen."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

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


ROWS_AT = "select stock_id from inventory_stock where tenant = $1 and location = any($2::text[])"


class HearsGroups(Protocol):
    """Whoever shows what locations and groups of them have."""

    async def regrouped(self, tx: Transaction, places: Mapping[str, AbstractSet[str]]) -> None:
        """Hear, by tenant, which locations came into a group or left one, and the groups."""
        ...


class Regrouped(NamedTuple):
    """Each (tenant, location) of which a page has a newer version than was known.

    `places` are, by tenant, those that came into a group or left one, and the groups.
    """

    newer: set[tuple[str, str]]
    places: dict[str, set[str]]


async def regroup(tx: Transaction, page: Page) -> Regrouped:
    """Take over the newest membership of every group that the page tells of.

    What stock rows say of it is another matter (`flag`): they are locked in one order with others.
    """
    found = Regrouped(set(), {})
    for (tenant, location), version in sorted(page.locations.items()):
        touched = await _regroup(tx, tenant, location, version)
        if touched is not None:
            found.newer.add((tenant, location))
            if touched:
                found.places.setdefault(tenant, set()).update(touched)
    return found


async def rows_at(tx: Transaction, regrouped: Regrouped) -> set[int]:
    """Name the stock rows of the places whose group is another one."""
    return {
        row["stock_id"]
        for tenant, places in sorted(regrouped.places.items())
        for row in await tx.fetch(ROWS_AT, tenant, sorted(places))
    }


async def flag(tx: Transaction, regrouped: Regrouped) -> None:
    """Write onto stock rows, which are locked, whether they are in a group."""
    for tenant, places in sorted(regrouped.places.items()):
        await tx.execute(FLAG, tenant, sorted(places))


async def _regroup(
    tx: Transaction, tenant: str, location: str, version: Version
) -> set[str] | None:
    """Give the places that are grouped otherwise now; None if the version is an old one."""
    payload = version.event.payload
    assert isinstance(payload, LocationChanged)  # noqa: S101  # the page sorted them
    is_group = payload.kind is LocationKind.GROUP and payload.is_active
    members = sorted(set(payload.members) - {location}) if is_group else []
    if not await tx.fetch(NEWER, tenant, location, *version.order):
        return None
    left = [row["member"] for row in await tx.fetch(LEAVE, tenant, location, members)]
    if members:
        await tx.execute(JOIN, tenant, location, members)
    return {location, *left, *members} if left or members else set()
