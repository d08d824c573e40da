"""Where availability publishing gets its facts: stock from inventory, levels from channels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Protocol

from crossdock.canonical.allocation import AllocationRuleChanged, ConfirmationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.commands import CommandSettled, Settlement
from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.reconciliation import WithholdingChanged
from crossdock.capabilities.inventory.publishing import in_channel_units
from crossdock.foundation.database import Transaction, WorkersSql
from crossdock.orchestration.engine.process import Key, Process, Touch
from crossdock.orchestration.processes.availability_agreements import agreement_of
from crossdock.orchestration.processes.availability_claims import Calendar, Rights, rights_of
from crossdock.orchestration.processes.availability_feeds import Feed, feeds, learn
from crossdock.orchestration.processes.availability_kits import left_beside
from crossdock.orchestration.processes.availability_lives import KnowsLives, long_dated
from crossdock.orchestration.processes.availability_places import KnowsGroups, each_unit_once
from crossdock.orchestration.processes.availability_pools import KnowsKits, KnowsPools, Pool
from crossdock.orchestration.processes.availability_publishing import NAME, decide
from crossdock.orchestration.processes.availability_sellers import KnowsRecipes, sold
from crossdock.orchestration.processes.availability_state import Facts, Level, Shown
from crossdock.orchestration.processes.availability_together import places_of, shared_by, together
from crossdock.orchestration.processes.availability_writes import Listing


class KnowsGoods(KnowsPools, KnowsLives, Protocol):
    """Whoever knows what there is, and how long it keeps."""


OF_STOCK = frozenset(
    one.TYPE
    for one in (
        AvailabilityChanged,
        WithholdingChanged,
        AllocationRuleChanged,
        ConfirmationChanged,
    )
)
"""What changes how much of an item at a location may be shown, to some channel or to all."""

IS_SOLD = WorkersSql("select exists (select from publishing_channel where is_active)")

# What channels say by themselves, by their own clock: an older word never undoes a newer one.
# Words less than a second apart cannot be put in order: if they differ, they dispute, as of $6; if
# they are the same, the later may tell of another change that only came out at the same number.
HEAR_LEVELS = """
insert into publishing_level as known (tenant, instance, heard_base, heard_at, disputed_at)
select distinct on (tenant, instance) tenant, instance, base, at,
    max($6::timestamptz) filter (where base <> newest and at > newest_at - interval '1 second')
        over (partition by tenant, instance)
from (select *, first_value(base) over latest as newest, first_value(at) over latest as newest_at
    from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::bigint[])
        h(tenant, instance, base, at, turn)
    window latest as (partition by tenant, instance order by at desc, turn desc)) said
order by tenant, instance, at desc, turn desc
on conflict (tenant, instance) do update set
    heard_base = case when known.heard_at > excluded.heard_at
        then known.heard_base else excluded.heard_base end,
    heard_at = greatest(known.heard_at, excluded.heard_at),
    disputed_at = case when known.heard_base <> excluded.heard_base
        and excluded.heard_at < known.heard_at + interval '1 second'
        then $6 else coalesce(excluded.disputed_at, known.disputed_at) end,
    repeated_at = case when known.heard_base = excluded.heard_base
        and known.heard_at = excluded.heard_at then $6 else known.repeated_at end
where known.heard_at is null or excluded.heard_at > known.heard_at - interval '1 second'
"""

# What became of our writes: the newest version counts, and its last word.
HEAR_OUTCOMES = """
insert into publishing_level (tenant, instance, settled_version, settlement, observed, detail)
select distinct on (tenant, instance) tenant, instance, version, settlement, observed, detail
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
    with ordinality s(tenant, instance, version, settlement, observed, detail, ord)
order by tenant, instance, version desc, ord desc
on conflict (tenant, instance) do update set
    settled_version = excluded.settled_version, settlement = excluded.settlement,
    observed = excluded.observed, detail = excluded.detail
where publishing_level.settled_version is null
    or publishing_level.settled_version <= excluded.settled_version
"""

# The channel's terms, the item's exceptions from them, and what was heard, for many instances.
# Each is looked up by its key, however many listings there are.
LOAD = """
select k.instance, k.item, c.*, i.is_excluded, i.pack, i.unit_numerator,
    i.unit_denominator, coalesce(i.buffer, c.buffer) as item_buffer,
    coalesce(i.cap, c.cap) as item_cap,
    coalesce(i.low_threshold, c.low_threshold) as item_low_threshold,
    coalesce(i.levels, c.levels) as item_levels,
    coalesce(i.share_fixed, c.share_fixed) as item_share_fixed,
    coalesce(i.oversell_percent, c.oversell_percent) is not null as has_budget,
    b.micros as budget,
    exists (select from publishing_channel p where p.tenant = k.tenant and p.is_active
        and p.share_mode in ('PARTITION', 'PROTECTED', 'PERCENT')) as has_claims,
    exists (select from publishing_kits p where p.tenant = k.tenant) as has_kits,
    l.heard_base, l.heard_at, l.disputed_at, l.repeated_at, l.settled_version, l.settlement,
    l.observed, l.detail, l.asked_at
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    k(tenant, instance, connection, location, item)
join publishing_channel c
    on c.tenant = k.tenant and c.connection = k.connection and c.location = k.location
left join lateral (select * from publishing_item i
    where i.tenant = k.tenant and i.connection = k.connection and i.location = k.location
        and i.item = k.item limit 1) i on true
left join lateral (select * from publishing_level l
    where l.tenant = k.tenant and l.instance = k.instance limit 1) l on true
left join lateral (select * from publishing_budget b
    where b.tenant = k.tenant and b.connection = k.connection and b.location = k.location
        and b.item = k.item limit 1) b on true
"""


def availability_publishing(
    stock: KnowsGoods, calendar: Calendar, kits: KnowsKits | None = None
) -> Process[Shown, Facts]:
    """Declare the process, over whoever knows the stock and the calendar of each place.

    Where a tenant has kits, `kits` is asked in place of `stock`.
    """
    learnt: dict[Feed, date] = {}

    async def load(tx: Transaction, keys: Sequence[Key]) -> Mapping[Key, Facts]:
        listings = [Listing.of(key.instance) for key in keys]
        agreed = await tx.fetch(
            LOAD,
            [key.tenant for key in keys],
            [key.instance for key in keys],
            [listing.connection for listing in listings],
            [listing.location for listing in listings],
            [listing.item for listing in listings],
        )
        rows = await each_unit_once(tx, agreed, stock)
        found = {Key(row["tenant"], row["instance"]): row for row in rows}
        pools = await _pools(tx, rows, stock, kits)
        sources = {place: pool.sources for place, pool in pools.items()}
        await learn(tx, feeds(rows, sources), learnt, calendar.clock.now().date())
        claimed = [
            of
            for key, row in found.items()
            if row["has_claims"]
            for of in (key, *_parts(row, pools).values())
        ]
        rights = await rights_of(tx, calendar, sorted(set(claimed))) if claimed else {}
        shared = [(row, shared_by(row, pools)) for row in found.values()]
        lasting = await long_dated(tx, shared, stock)
        each = zip(found.items(), lasting, strict=True)
        return {key: _facts_of(row, own, rights) for (key, row), own in each}

    async def hear(tx: Transaction, touches: Sequence[Touch]) -> Sequence[Touch]:
        return await _hear(tx, touches, stock, kits)

    return Process(
        name=NAME,
        ledger=Shown,
        subscriptions={
            AvailabilityChanged.TYPE: _as_heard,
            WithholdingChanged.TYPE: _as_heard,
            AllocationRuleChanged.TYPE: _as_heard,
            ConfirmationChanged.TYPE: _as_heard,
            ChannelLevelHeard.TYPE: _as_heard,
            CommandSettled.TYPE: _as_heard,
        },
        load=load,
        decide=decide,
        hear=hear,
        unheard=unheard,
    )


async def unheard(tx: Transaction) -> frozenset[str]:
    """Pass over changes of stock while no channel of anybody sells."""
    return frozenset() if await tx.fetchval(IS_SOLD) else OF_STOCK


async def _hear(
    tx: Transaction, touches: Sequence[Touch], stock: KnowsGroups, recipes: KnowsRecipes | None
) -> Sequence[Touch]:
    """Write down what channels say, and find the listings that a page of events concerns."""
    events = [touch.event for touch in touches]
    outcomes = [
        (Touch(Key(event.tenant, event.payload.instance), event), event.payload)
        for event in events
        if isinstance(event.payload, CommandSettled) and event.payload.process == NAME
    ]
    levels = [
        (Touch(Key(event.tenant, _listing_of(event).instance), event), event.payload)
        for event in events
        if isinstance(event.payload, ChannelLevelHeard)
    ]
    await _hear_outcomes(tx, outcomes)
    await _hear_levels(tx, levels)
    concerned = await sold(tx, events, stock, recipes)
    return [*concerned, *(touch for touch, _ in outcomes), *(touch for touch, _ in levels)]


async def _hear_levels(tx: Transaction, levels: Sequence[tuple[Touch, ChannelLevelHeard]]) -> None:
    if levels:
        await tx.execute(
            HEAR_LEVELS,
            [touch.key.tenant for touch, _ in levels],
            [touch.key.instance for touch, _ in levels],
            [level.quantity.micros for _, level in levels],
            [touch.event.believed(touch.event.fact.occurred_at) for touch, _ in levels],
            list(range(len(levels))),
            max(touch.event.received_at for touch, _ in levels),
        )


async def _hear_outcomes(
    tx: Transaction, outcomes: Sequence[tuple[Touch, CommandSettled]]
) -> None:
    if outcomes:
        await tx.execute(
            HEAR_OUTCOMES,
            [touch.key.tenant for touch, _ in outcomes],
            [touch.key.instance for touch, _ in outcomes],
            [settled.version for _, settled in outcomes],
            [settled.settlement for _, settled in outcomes],
            [
                None if settled.observed is None else int(settled.observed * MICROS)
                for _, settled in outcomes
            ],
            [settled.detail for _, settled in outcomes],
        )


def _as_heard(event: Event) -> tuple[str, ...]:
    """Leave it to `hear`: which listings an event concerns is in the channels' table."""
    return (event.payload.key,)


def _listing_of(event: Event) -> Listing:
    level = event.payload
    assert isinstance(level, ChannelLevelHeard)  # noqa: S101  # the only caller has looked
    return Listing(event.source, level.location, level.item)


async def _pools(
    tx: Transaction, rows: Sequence[Any], stock: KnowsPools, kits: KnowsKits | None
) -> Mapping[tuple[str, str, str], Pool]:
    """Ask for what all these listings sell from, kits among it where there are any."""
    asked: dict[bool, set[tuple[str, str, str]]] = {False: set(), True: set()}
    for row in rows:
        places = {(row["tenant"], row["item"], place) for place in places_of(row)}
        asked[kits is not None and row["has_kits"]] |= places
    pools = await stock.pools(tx, sorted(asked[False]))
    if kits is None or not asked[True]:
        return pools
    return {**pools, **await kits.pools(tx, sorted(asked[True]))}


def _parts(row: Any, pools: Mapping[tuple[str, str, str], Pool]) -> dict[str, Key]:
    """Name the listings of what goes into a kit in the same channel, by item."""
    found: dict[str, Key] = {}
    for place in row["source_locations"]:
        pool = pools.get((row["tenant"], row["item"], place))
        if pool is not None and pool.kit is not None:
            for item in pool.kit.components:
                listing = Listing(row["connection"], row["location"], item)
                found[item] = Key(row["tenant"], listing.instance)
    return found


def _rights_to(
    row: Any, pools: Mapping[tuple[str, str, str], Pool], every: Mapping[Key, Rights]
) -> Rights:
    """Say what a listing may be shown of its pool: what is kept of a kit's components counts."""
    channel = row["channel"] or row["connection"]
    parts = {item: every.get(key, Rights()) for item, key in _parts(row, pools).items()}
    keys = [(row["tenant"], row["item"], place) for place in row["source_locations"]]
    known = [pools[key] for key in keys if key in pools]
    kits = [pool.kit for pool in known if pool.kit is not None]
    sides = together(row, pools)
    shown = sum(one.free_to(channel) for one in sides)
    if len(kits) == len(known):
        others = {item: one.of_others for item, one in parts.items()}
        minima = sum(pool.minima_beside(channel) for pool in known)
        shown = left_beside(channel, kits, others, shown, minima)
    turns = [*(pool.turns_at for pool in known), *(one.until for one in parts.values())]
    own = every.get(Key(row["tenant"], row["instance"]), Rights())
    return own.beside(sum(one.free for one in sides) - shown, turns)


def _facts_of(
    row: Any, pools: Mapping[tuple[str, str, str], Pool], every: Mapping[Key, Rights]
) -> Facts:
    places = {
        location: pools.get((row["tenant"], row["item"], location))
        for location in row["source_locations"]
    }
    known = [pool for pool in places.values() if pool is not None]
    numerator, denominator = row["unit_numerator"] or 1, row["unit_denominator"] or 1

    def units(base: int) -> int:
        return in_channel_units(base, numerator, denominator)

    sides = together(row, pools)
    free = units(sum(one.free for one in sides))
    rights = _rights_to(row, pools, every)
    agreement = agreement_of(row)
    terms = rights.within(agreement.terms, numerator, denominator)
    return Facts(
        listing=Listing(row["connection"], row["location"], row["item"]),
        agreement=replace(agreement, terms=terms),
        pool=free if known else None,
        demand=units(sum(pool.demand for pool in known)),
        fresh_until=min((pool.fresh_until for pool in known if pool.fresh_until), default=None),
        lowers_at=min((pool.lowers_at for pool in known if pool.lowers_at), default=None),
        sources={name: until for pool in known for name, until in pool.sources.items()},
        untold=tuple(location for location, pool in places.items() if pool is None),
        rights_until=rights.until,
        short_dated=units(sum(one.there_is for one in sides)) - free,
        lives=tuple(pool.life for pool in known if pool.life is not None),
        ages_at=min((pool.ages_at for pool in known if pool.ages_at), default=None),
        kits=tuple(pool.kit for pool in known if pool.kit is not None),
        channel=row["channel"] or row["connection"],
        level=Level(
            heard=None if row["heard_base"] is None else units(row["heard_base"]),
            heard_at=row["heard_at"],
            disputed_at=row["disputed_at"],
            repeated_at=row["repeated_at"],
            settled_version=row["settled_version"],
            settlement=row["settlement"] and Settlement(row["settlement"]),
            observed=row["observed"],
            detail=row["detail"] or "",
            asked_at=row["asked_at"],
        ),
    )
