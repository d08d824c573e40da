"""What a channel shows beside what there is, and what all channels of its pool show together (I3).

Channels that see one pool each may show all of it, as long as every order reserves: together they
expose more than there is, and it is told how much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from crossdock.canonical.errors import NotFound
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.publishing import (
    ShareMode,
    WhenStale,
    available_to_sell,
    exposed_when_stale,
    in_channel_units,
    share,
)
from crossdock.capabilities.supply.kitting import Count
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine.process import Key, Process
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_state import Facts, Life, Shown
from crossdock.orchestration.processes.availability_writes import Listing, pattern_of
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from crossdock.orchestration.processes.safe_mode import Feeds, SafeMode

# The channel itself, on or off, and whoever else sells from any of its places.
SELLERS = """
select p.connection, p.location, p.share_mode, p.when_stale, p.stale_buffer, p.low_threshold,
    p.levels
from publishing_channel c
join publishing_channel p on p.tenant = $1 and p.covers && c.covers
    and (p.is_active or (p.connection = c.connection and p.location = c.location))
where c.tenant = $1 and c.connection = $2 and c.location = $3
order by (p.connection, p.location) = (c.connection, c.location) desc, p.connection, p.location
"""

# The next listings of a channel: their names begin with its own.
LISTINGS = """
select instance from process_instance
where process = $1 and tenant = $2 and instance > $3 and instance like $4
order by instance limit $5
"""

HELD = """
select instance, (ledger ->> 'held')::bigint as held from process_instance
where process = $1 and tenant = $2 and instance = any($3::text[])
"""

UNITS = """
select i.connection, i.location, i.item, i.unit_numerator, i.unit_denominator
from unnest($2::text[], $3::text[], $4::text[]) k(connection, location, item)
join publishing_item i on i.tenant = $1 and i.connection = k.connection
    and i.location = k.location and i.item = k.item
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentExposure:
    """What goes into a kit: so much of it into one, and what `there_is` of it for this channel.

    `level` 1 goes straight into the kit, 2 into a component that is a kit itself. Amounts are in
    `unit`, the item's base unit. Not `is_known`: nobody ever said what lies there.
    """

    item: str
    unit: str
    into_one: Decimal
    there_is: Decimal
    level: int
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KitExposure:
    """How many of a kit a building has for this channel, in its base unit.

    `assembled` lie there, `put_together` can be beside those; of the components in `limited_by`
    there is not enough for one more.
    """

    location: str
    assembled: Decimal
    put_together: Decimal
    limited_by: tuple[str, ...]
    components: tuple[ComponentExposure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemExposure:
    """One item in one channel, in the unit that it sells; None is what nobody knows.

    `pool` is there to be sold; `short_dated` of it keeps less long than the channel's rules ask
    (`lives`); `kept_for_others` of the rest is not this channel's, `allowance` is what
    its maximum leaves; of that `share` is its own, of which `buffer` is held back, and no more
    than `cap` shown, in whole `pack`s; `exposed` is what is then left to show, `shown` what the
    channel confirmed to show. `together` is what all channels of the pool show, `beyond` by how
    much that is more than there is. While sources are `silent` for too long it is in safe mode,
    and `exposed` is what that leaves; of the places `untold` nobody ever said what lies there.
    A kit says in `kits` how many there are in each building, and what limits them. When it has no
    more than `low_threshold`, or crosses one of the `levels`, the channel is told at once.
    """

    item: str
    pool: Decimal | None
    kept_for_others: Decimal
    allowance: Decimal | None
    share: Decimal | None
    buffer: Decimal
    cap: Decimal | None
    pack: Decimal
    exposed: Decimal | None
    shown: Decimal | None
    together: Decimal
    beyond: Decimal
    is_excluded: bool = False
    silent: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    kits: tuple[KitExposure, ...] = ()
    short_dated: Decimal = Decimal(0)
    lives: tuple[Life, ...] = ()
    low_threshold: Decimal = Decimal(0)
    levels: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelExposure:
    """A channel, who else sells from its pool (`connection/location: mode`), and its items.

    `feeds` are the sources that tell of its stock, and those of them that have been silent for
    too long: while there are any it is in safe mode, as `when_stale` and `stale_buffer` say
    (null: the buffer once more). Nobody told of its stock yet where there is no source at all.
    """

    connection: str
    location: str
    share_mode: ShareMode
    when_stale: WhenStale
    stale_buffer: Decimal | None
    low_threshold: Decimal
    levels: tuple[Decimal, ...]
    others: Mapping[str, ShareMode]
    items: tuple[ItemExposure, ...]
    feeds: Feeds = field(default_factory=Feeds)
    as_of: datetime | None = None


class Exposures:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        process: Process[Shown, Facts],
        safe_mode: SafeMode,
    ) -> None:
        self._database = database
        self._clock = clock
        self._process = process
        self._safe_mode = safe_mode

    async def show(
        self, scope: Scope, connection: str, location: str, which: ItemsWanted
    ) -> ChannelExposure:
        """Show these items of a channel, or the next of those it was told about."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(SELLERS, tx.tenant, connection, location)
            if not rows:
                raise NotFound(
                    f"no terms are agreed with {connection}/{location}",
                    hint="`crossdock channel list` shows those that are",
                )
            sellers = [(row["connection"], row["location"]) for row in rows]
            items = which.items or await _listed(tx, Listing(connection, location, ""), which)
            shown = await self._shown(tx, sellers, items)
            feeds = await self._safe_mode.feeds(tx, connection, location)
        agreed = rows[0]
        return ChannelExposure(
            connection=connection,
            location=location,
            share_mode=ShareMode(agreed["share_mode"]),
            when_stale=WhenStale(agreed["when_stale"]),
            stale_buffer=_decimal(agreed["stale_buffer"]),
            low_threshold=Decimal(agreed["low_threshold"]) / MICROS,
            levels=tuple(Decimal(level) / MICROS for level in agreed["levels"]),
            others={
                f"{row['connection']}/{row['location']}": ShareMode(row["share_mode"])
                for row in rows[1:]
            },
            items=shown,
            feeds=feeds,
            as_of=self._clock.now(),
        )

    async def _shown(
        self, tx: Transaction, sellers: Sequence[tuple[str, str]], items: Sequence[str]
    ) -> tuple[ItemExposure, ...]:
        listings = [Listing(*seller, item) for item in items for seller in sellers]
        names = [listing.instance for listing in listings]
        units = await _units(tx, listings)
        held = {
            row["instance"]: row["held"]
            for row in await tx.fetch(HELD, NAME, tx.tenant, names)
            if row["held"] is not None
        }
        own = [Listing(*sellers[0], item) for item in items]
        facts = await self._process.load(tx, [Key(tx.tenant, one.instance) for one in own])
        together = {
            item: sum(
                _base(held.get(one.instance, 0), units[one])
                for one in listings
                if one.item == item
            )
            for item in items
        }
        now = self._clock.now()
        return tuple(
            _exposure(facts[key], held.get(one.instance), (together[one.item], units[one]), now)
            for one in own
            if (key := Key(tx.tenant, one.instance)) in facts
        )


async def _listed(tx: Transaction, listing: Listing, which: ItemsWanted) -> list[str]:
    after = Listing(listing.connection, listing.location, which.after).instance
    like = pattern_of(listing)
    rows = await tx.fetch(LISTINGS, NAME, tx.tenant, after, like, which.limit)
    return [Listing.of(row["instance"]).item for row in rows]


async def _units(tx: Transaction, listings: Sequence[Listing]) -> dict[Listing, tuple[int, int]]:
    rows = await tx.fetch(
        UNITS,
        tx.tenant,
        [listing.connection for listing in listings],
        [listing.location for listing in listings],
        [listing.item for listing in listings],
    )
    found = {
        Listing(row["connection"], row["location"], row["item"]): (
            row["unit_numerator"],
            row["unit_denominator"],
        )
        for row in rows
    }
    return {listing: found.get(listing, (1, 1)) for listing in listings}


def _base(amount: int, units: tuple[int, int]) -> int:
    numerator, denominator = units
    return amount * numerator // denominator


def _exposure(
    facts: Facts, held: int | None, together: tuple[int, tuple[int, int]], now: datetime
) -> ItemExposure:
    terms, pool = facts.agreement.terms, facts.pool
    there_is = None if pool is None else pool + facts.short_dated
    whole = in_channel_units(together[0], *together[1])
    return ItemExposure(
        item=facts.listing.item,
        pool=_decimal(there_is),
        kept_for_others=Decimal(terms.kept_for_others) / MICROS,
        allowance=_decimal(terms.allowance),
        share=None if pool is None else _decimal(share(pool, terms)),
        buffer=Decimal(terms.buffer) / MICROS,
        cap=_decimal(terms.cap),
        pack=Decimal(terms.pack) / MICROS,
        exposed=_decimal(_exposed(facts, held, now)),
        shown=_decimal(held),
        together=Decimal(whole) / MICROS,
        beyond=Decimal(max(0, whole - (there_is or 0))) / MICROS,
        is_excluded=terms.is_excluded,
        silent=facts.silent(now),
        untold=facts.untold,
        short_dated=Decimal(facts.short_dated) / MICROS,
        lives=facts.lives,
        low_threshold=Decimal(terms.low_threshold) / MICROS,
        levels=tuple(Decimal(level) / MICROS for level in terms.levels),
        kits=tuple(
            kit_exposure(count) for kit in facts.kits for count in kit.counts(facts.channel)
        ),
    )


def kit_exposure(count: Count) -> KitExposure:
    """Word what a building has of a kit, with what it is put together from."""
    return KitExposure(
        location=count.location,
        assembled=Decimal(count.assembled) / MICROS,
        put_together=Decimal(count.made) / MICROS,
        limited_by=count.limits,
        components=tuple(
            ComponentExposure(
                item=one.item,
                unit=one.unit,
                into_one=Decimal(one.micros) / MICROS,
                there_is=Decimal(one.there_is) / MICROS,
                level=one.level,
                is_known=one.is_known,
            )
            for one in count.components
        ),
    )


def _exposed(facts: Facts, held: int | None, now: datetime) -> int | None:
    if facts.pool is None:
        return None
    if facts.is_stale(now):
        return exposed_when_stale(facts.pool, held, facts.terms_when_stale(now))
    return available_to_sell(facts.pool, facts.agreement.terms)


def _decimal(micros: int | None) -> Decimal | None:
    return None if micros is None else Decimal(micros) / MICROS
