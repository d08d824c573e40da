"""Which places a channel sells from, and whose changes concern it, as groups are now (§3.2, §3.7).

A location is in one group at most. All of it is derived from what a channel's terms name, and kept
with them, so that a change of stock finds its channels by an index: it is derived anew when terms
are agreed, and in the transaction in which inventory takes over other members of a group.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from crossdock.foundation.database import Transaction
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.processes import channel_terms_told
from crossdock.orchestration.processes.availability_neighbours import listed
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_writes import Listing

Places = Sequence[tuple[str, str]]
"""Each a tenant and a location."""

CONCERNED = """
select connection, location, source_locations, wakes_on from publishing_channel
where tenant = $1 and (hears && $2::text[] or fellows && $2::text[])
order by connection, location for update
"""

# The same again is no change: nobody has to look.
REACH = """
update publishing_channel set covers = $4, hears = $5, fellows = $6
where tenant = $1 and connection = $2 and location = $3
    and (covers, hears, fellows) is distinct from ($4::text[], $5::text[], $6::text[])
returning is_active
"""


class KnowsGroups(Protocol):
    """Inventory, as whoever sells from locations and groups of them needs it."""

    async def groups(self, tx: Transaction, places: Places, /) -> Mapping[tuple[str, str], str]:
        """Name the group of each (tenant, location) that is a member of one."""
        ...

    async def kin(self, tx: Transaction, places: Places, /) -> Mapping[tuple[str, str], str]:
        """Name the group of each member of these groups, and of groups that these are in."""
        ...

    async def owed(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]], /
    ) -> AbstractSet[tuple[str, str, str]]:
        """Name those (tenant, item, location) of which the location's group owes something."""
        ...


class Reach(NamedTuple):
    """Which places concern a channel.

    It `covers` what it sells from, with the members of groups: no unit of these may be given to
    two (I3). It `hears` of changes there, of the groups that these are in, and of what its terms
    name besides. Its `fellows` are other members of these groups: what lies there concerns it
    only as long as the group owes something.
    """

    covers: tuple[str, ...]
    hears: tuple[str, ...]
    fellows: tuple[str, ...]


def reach_of(
    sources: Iterable[str], wakes_on: Iterable[str], group_of: Mapping[str, str]
) -> Reach:
    """Derive it from what the terms name, and the group of each member that is kin to these."""
    sold = set(sources)
    covers = sold | {member for member, group in group_of.items() if group in sold}
    groups = {group_of[place] for place in covers if place in group_of}
    fellows = {member for member, group in group_of.items() if group in groups} - covers
    hears = covers | groups | set(wakes_on)
    return Reach(tuple(sorted(covers)), tuple(sorted(hears)), tuple(sorted(fellows)))


async def reach_now(
    tx: Transaction,
    tenant: str,
    terms: tuple[Iterable[str], Iterable[str]],
    stock: KnowsGroups | None,
) -> Reach:
    """Derive it for (source locations, wakes on) of a channel, from groups as they are."""
    sources = sorted(set(terms[0]))
    kin = {} if stock is None else await stock.kin(tx, [(tenant, place) for place in sources])
    return reach_of(sources, terms[1], {member: group for (_, member), group in kin.items()})


async def keep(tx: Transaction, tenant: str, channel: Listing, reach: Reach) -> bool | None:
    """Keep it with the channel's terms; say whether the channel is on, None if it is no other."""
    is_on: bool | None = await tx.fetchval(
        REACH, tenant, channel.connection, channel.location, *map(list, reach)
    )
    return is_on


async def regrouped(
    tx: Transaction,
    stock: KnowsGroups,
    places: Mapping[str, AbstractSet[str]],
    now: datetime,
) -> None:
    """Have channels look at all they list that sell where a group has other members now.

    `places` are, by tenant, the groups and all that came into them or left them.
    """
    wanted: list[Key] = []
    for tenant in sorted(places):
        await tx.execute(channel_terms_told.ALONE, tenant)
        for row in await tx.fetch(CONCERNED, tenant, sorted(places[tenant])):
            channel = Listing(row["connection"], row["location"], "")
            terms = (row["source_locations"], row["wakes_on"])
            if await keep(tx, tenant, channel, await reach_now(tx, tenant, terms, stock)):
                wanted += await listed(tx.of(tenant), channel)
    await mark_keys(tx, NAME, sorted(wanted), now, because="another group of locations")


async def each_unit_once(
    tx: Transaction, rows: Sequence[Any], stock: KnowsGroups
) -> Sequence[Any]:
    """Leave out members of a group that sells in the same channel: they are in what it has (I9).

    Terms that name both are refused, but a location may become a member later. Of a group of which
    several members are named, `group_of` names the group of each.
    """
    several = [row for row in rows if len(row["source_locations"]) > 1]
    if not several:
        return rows
    places = {(row["tenant"], place) for row in several for place in row["source_locations"]}
    groups = await stock.groups(tx, sorted(places))
    return [
        {**row, "source_locations": sold, "group_of": fellows(row["tenant"], sold, groups)}
        for row in rows
        for sold in [apart(row["tenant"], row["source_locations"], groups)]
    ]


def apart(tenant: str, places: Sequence[str], groups: Mapping[tuple[str, str], str]) -> list[str]:
    """Give these places without members of groups among them."""
    return [place for place in places if groups.get((tenant, place)) not in places]


def fellows(
    tenant: str, places: Sequence[str], groups: Mapping[tuple[str, str], str]
) -> dict[str, str]:
    """Name the group of each of these places of which another member is among them."""
    group_of = {place: groups[tenant, place] for place in places if (tenant, place) in groups}
    members = Counter(group_of.values())
    return {place: group for place, group in group_of.items() if members[group] > 1}
