"""Which listings a change of stock concerns: of the item itself, and of kits that use it."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Protocol

from crossdock.canonical.allocation import AllocationRuleChanged, ConfirmationChanged
from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.reconciliation import WithholdingChanged
from crossdock.foundation.database import Transaction
from crossdock.orchestration.engine.marking import mark_all, mark_keys
from crossdock.orchestration.engine.process import Key, Touch
from crossdock.orchestration.processes.availability_places import KnowsGroups
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_writes import Listing

# Which channels the locations that changed concern; the index on hears finds them. Whether a
# tenant has kits comes along, so that who has none pays no question for them.
SELLERS = """
select w.tenant, w.location as changed, c.connection, c.location,
    exists (select from publishing_kits k where k.tenant = w.tenant) as has_kits
from (select distinct * from unnest($1::text[], $2::text[])) w(tenant, location)
join publishing_channel c
    on c.hears @> array[w.location] and c.tenant = w.tenant and c.is_active
"""

# Whether other members of its group are sold from, told beside who sells from a place: what lies
# here concerns these only while the group owes something, so they are not read for each change.
SELLERS_AND_FELLOWS = """
select w.tenant, w.location as changed, c.connection, c.location,
    exists (select from publishing_kits k where k.tenant = w.tenant) as has_kits,
    false as is_fellow
from (select distinct * from unnest($1::text[], $2::text[])) w(tenant, location)
join publishing_channel c
    on c.hears @> array[w.location] and c.tenant = w.tenant and c.is_active
union all
select w.tenant, w.location, '', '',
    exists (select from publishing_kits k where k.tenant = w.tenant), true
from (select distinct * from unnest($1::text[], $2::text[])) w(tenant, location)
where exists (select from publishing_channel c
    where c.fellows @> array[w.location] and c.tenant = w.tenant and c.is_active)
"""

FELLOWS = """
select w.tenant, w.location as changed, c.connection, c.location
from (select distinct * from unnest($1::text[], $2::text[])) w(tenant, location)
join publishing_channel c
    on c.fellows @> array[w.location] and c.tenant = w.tenant and c.is_active
"""

# Whoever sells from a place where something is kept for somebody: what one takes of it is kept
# from the others no longer.
NEIGHBOURS = """
select distinct w.tenant, w.place as changed, c.connection, c.location,
    exists (select from publishing_kits k where k.tenant = w.tenant) as has_kits
from (select distinct * from unnest($1::text[], $2::text[])) w(tenant, place)
join publishing_channel p
    on p.hears @> array[w.place] and p.tenant = w.tenant and p.is_active
        and p.share_mode = 'PROTECTED'
join publishing_channel c
    on c.covers && p.covers and c.tenant = w.tenant and c.is_active
"""

SELLING = """
select connection, location from publishing_channel where tenant = $1 and is_active
"""

# Said in the transaction that takes in a recipe: whoever decides behind it looks for kits.
HAS_KITS = "insert into publishing_kits (tenant) values ($1) on conflict do nothing"


ALL = "*"
"""What stands for whatever item."""

Change = tuple[Event, str, Sequence[str]]
"""An event, the location where something changed, and the item with all that is beside it."""


class KnowsRecipes(Protocol):
    """Whoever knows what kits are put together from."""

    async def concerned(
        self, tx: Transaction, tenant: str, items: Iterable[str], /
    ) -> Mapping[str, AbstractSet[str]]:
        """Name what else there is more or less of when there is of these items."""
        ...


async def sold(
    tx: Transaction,
    events: Iterable[Event],
    stock: KnowsGroups,
    recipes: KnowsRecipes | None,
) -> list[Touch]:
    """Name the listings that these changes of stock concern."""
    changes = [
        (event, event.payload)
        for event in events
        if isinstance(event.payload, AvailabilityChanged | WithholdingChanged)
        or (isinstance(event.payload, AllocationRuleChanged) and event.payload.item)
        or isinstance(event.payload, ConfirmationChanged)
    ]
    if not changes:
        return []
    rows = await tx.fetch(
        SELLERS_AND_FELLOWS,
        [event.tenant for event, _ in changes],
        [changed.location for _, changed in changes],
    )
    changed_items = ((event.tenant, changed.item) for event, changed in changes)
    beside = await _beside(tx, rows, changed_items, recipes)
    changed_there = [
        (event, changed.location, (changed.item, *beside.get((event.tenant, changed.item), ())))
        for event, changed in changes
    ]
    direct = [row for row in rows if not row["is_fellow"]]
    around = {(row["tenant"], row["changed"]) for row in rows if row["is_fellow"]}
    nearby = [one for one in changed_there if (one[0].tenant, one[1]) in around]
    return [*_touches(changed_there, direct), *await _of_fellows(tx, nearby, stock)]


async def _of_fellows(
    tx: Transaction, changes: Sequence[Change], stock: KnowsGroups
) -> list[Touch]:
    """Name the listings of other members whose group owes any of what changed or is beside it.

    A promise of a component is kept from what kits take of it there, and one of a kit from what
    goes into it, so all of these are looked at together.
    """
    keys = {(event.tenant, item, at) for event, at, items in changes for item in items}
    owed = await stock.owed(tx, sorted(keys)) if keys else frozenset[tuple[str, str, str]]()
    if not owed:
        return []
    fellows = await tx.fetch(FELLOWS, [key[0] for key in owed], [key[2] for key in owed])
    needed = [
        (event, at, items)
        for event, at, items in changes
        if any((event.tenant, item, at) in owed for item in items)
    ]
    return _touches(needed, fellows)


def _touches(changes: Iterable[Change], rows: Sequence[Any]) -> list[Touch]:
    """Name the listings of these channels of what changed and of all beside it."""
    sellers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in rows:
        where = (row["tenant"], row["changed"])
        sellers.setdefault(where, []).append((row["connection"], row["location"]))
    return [
        Touch(Key(event.tenant, Listing(connection, location, item).instance), event)
        for event, at, items in changes
        for item in items
        for connection, location in sellers.get((event.tenant, at), ())
    ]


async def look_at_listings(
    tx: Transaction,
    keys: Sequence[tuple[str, str, str]],
    now: datetime,
    recipes: KnowsRecipes | None = None,
) -> None:
    """Have every channel look that sells from one of these (tenant, item, location)."""
    await _look(tx, SELLERS, keys, now, recipes)


async def look_at_neighbours(
    tx: Transaction,
    keys: Iterable[tuple[str, str, str]],
    now: datetime,
    recipes: KnowsRecipes | None = None,
) -> None:
    """Have every channel look that sells where something is kept: orders took of these there."""
    await _look(tx, NEIGHBOURS, sorted(keys), now, recipes)


async def _look(
    tx: Transaction,
    sellers: str,
    keys: Sequence[tuple[str, str, str]],
    now: datetime,
    recipes: KnowsRecipes | None,
) -> None:
    items: dict[tuple[str, str], list[str]] = {}
    for tenant, item, location in keys:
        items.setdefault((tenant, location), []).append(item)
    rows = await tx.fetch(sellers, [at[0] for at in items], [at[1] for at in items])
    beside = await _beside(tx, rows, ((tenant, item) for tenant, item, _ in keys), recipes)
    wanted = {
        Key(row["tenant"], Listing(row["connection"], row["location"], one).instance)
        for row in rows
        for item in items[row["tenant"], row["changed"]]
        for one in (item, *beside.get((row["tenant"], item), ()))
    }
    await mark_keys(tx, NAME, sorted(wanted), now)


async def look_at_kits(
    tx: Transaction,
    kits: Sequence[tuple[str, str]],
    now: datetime,
    recipes: KnowsRecipes,
) -> None:
    """Have every channel of a tenant look at these (tenant, kit), whose recipe is another one."""
    wanted: set[Key] = set()
    for tenant in sorted({tenant for tenant, _ in kits}):
        await tx.execute(HAS_KITS, tenant)
        named = {item for of, item in kits if of == tenant}
        beside = await recipes.concerned(tx, tenant, named)
        every = named.union(*beside.values())
        wanted |= {
            Key(tenant, Listing(row["connection"], row["location"], item).instance)
            for row in await tx.fetch(SELLING, tenant)
            for item in every
        }
    await mark_keys(tx, NAME, sorted(wanted), now)


async def look_at_lives(
    tx: Transaction,
    items: Sequence[tuple[str, str]],
    now: datetime,
    recipes: KnowsRecipes | None,
) -> None:
    """Have every channel of a tenant look at (tenant, item) of which goods keep otherwise.

    "*" is whatever they list.
    """
    wanted: set[Key] = set()
    for tenant in sorted({tenant for tenant, _ in items}):
        named = {item for of, item in items if of == tenant}
        if ALL in named:
            await mark_all(tx, NAME, tenant, now)
            continue
        beside = {} if recipes is None else await recipes.concerned(tx, tenant, named)
        every = named.union(*beside.values())
        wanted |= {
            Key(tenant, Listing(row["connection"], row["location"], item).instance)
            for row in await tx.fetch(SELLING, tenant)
            for item in every
        }
    await mark_keys(tx, NAME, sorted(wanted), now)


async def _beside(
    tx: Transaction,
    rows: Sequence[Any],
    changed: Iterable[tuple[str, str]],
    recipes: KnowsRecipes | None,
) -> dict[tuple[str, str], AbstractSet[str]]:
    """Name what else to look at for each (tenant, item) that changed, where there are kits."""
    tenants = {row["tenant"] for row in rows if row["has_kits"]}
    if not tenants or recipes is None:
        return {}
    items: dict[str, set[str]] = {}
    for tenant, item in changed:
        if tenant in tenants:
            items.setdefault(tenant, set()).add(item)
    return {
        (tenant, item): others
        for tenant, named in sorted(items.items())
        for item, others in (await recipes.concerned(tx, tenant, named)).items()
    }
