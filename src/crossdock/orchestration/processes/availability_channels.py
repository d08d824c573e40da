"""What is agreed with each sales channel: which stock it sells, how much of it, how soon told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.inventory.protection import Period
from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.processes import availability_places, channel_terms_told
from crossdock.orchestration.processes.availability_neighbours import (
    claim_of,
    listed,
    listed_beside,
)
from crossdock.orchestration.processes.availability_places import Reach, apart, reach_now
from crossdock.orchestration.processes.availability_pools import KnowsPools
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_shares import Said, check_shares
from crossdock.orchestration.processes.availability_writes import Listing
from crossdock.orchestration.processes.channel_sales import MEASURE
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms, check_terms
from crossdock.orchestration.processes.channel_terms_told import Word

PUT = """
insert into publishing_channel (tenant, connection, location, source_locations, wakes_on,
    share_mode, share_percent, share_fixed, buffer, cap, low_threshold, levels, coalesce_seconds,
    jump_percent, unexplained_seconds, corrections_max, retry_seconds, when_stale, stale_buffer,
    is_active, oversell_percent, unit_margin, currency, share_min, share_max, period, channel)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26, $27)
on conflict (tenant, connection, location) do update set
    source_locations = excluded.source_locations, wakes_on = excluded.wakes_on,
    share_mode = excluded.share_mode, share_percent = excluded.share_percent,
    share_fixed = excluded.share_fixed, buffer = excluded.buffer, cap = excluded.cap,
    low_threshold = excluded.low_threshold, levels = excluded.levels,
    coalesce_seconds = excluded.coalesce_seconds, jump_percent = excluded.jump_percent,
    unexplained_seconds = excluded.unexplained_seconds,
    corrections_max = excluded.corrections_max, retry_seconds = excluded.retry_seconds,
    when_stale = excluded.when_stale, stale_buffer = excluded.stale_buffer,
    is_active = excluded.is_active, oversell_percent = excluded.oversell_percent,
    unit_margin = excluded.unit_margin, currency = excluded.currency,
    share_min = excluded.share_min, share_max = excluded.share_max, period = excluded.period,
    channel = excluded.channel
"""

DROP_ITEMS = """
delete from publishing_item where tenant = $1 and connection = $2 and location = $3
"""

PUT_ITEMS = """
insert into publishing_item (tenant, connection, location, item, is_excluded, buffer, cap,
    share_fixed, pack, unit_numerator, unit_denominator, oversell_percent, unit_margin, share_min,
    share_max, low_threshold, levels)
select $1, $2, $3, item, is_excluded, buffer, cap, share_fixed, pack, unit_numerator,
    unit_denominator, oversell_percent, unit_margin, share_min, share_max, low_threshold,
    levels::bigint[]
from unnest($4::text[], $5::boolean[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::numeric[], $13::bigint[],
    $14::bigint[], $15::bigint[], $16::bigint[], $17::text[])
    i(item, is_excluded, buffer, cap, share_fixed, pack, unit_numerator, unit_denominator,
        oversell_percent, unit_margin, share_min, share_max, low_threshold, levels)
"""

# A connection that is removed sells no more; its terms stay on record.
OPEN = """
select location from publishing_channel where tenant = $1 and connection = $2 and is_active
order by location for update
"""
CLOSE = """
update publishing_channel set is_active = false, measured_since = null
where tenant = $1 and connection = $2 and is_active
"""

CHANNELS = "select * from publishing_channel where tenant = $1 order by connection, location"
CHANNEL = """
select * from publishing_channel where tenant = $1 and connection = $2 and location = $3
"""

ITEMS = """
select * from publishing_item where tenant = $1 and connection = $2 and location = $3
order by item
"""


class Channels:
    """Sets and shows what is agreed with channels."""

    def __init__(self, database: Database, clock: Clock, stock: KnowsPools | None = None) -> None:
        """Without `stock`, parts of a pool are compared with each other but not with the pool."""
        self._database = database
        self._clock = clock
        self._stock = stock

    async def put(self, scope: Scope, channel: Channel, *, by: str) -> Channel:
        """Agree on these terms, and give them; every item listed there is looked at again.

        So is what other channels of the pool list, if what is kept from them changed. A channel
        always wakes on what it sells from. The log hears who did it, of the same terms once.
        """
        check_terms(channel)
        woken = sorted({*channel.source_locations, *channel.wakes_on})
        channel = replace(channel, wakes_on=tuple(woken))
        async with self._database.transaction(scope) as tx:
            await self._check_places(tx, channel)
            await channel_terms_told.alone(tx)
            agreed = await _agreed(tx, channel.connection, channel.location)
            await self._agree(tx, agreed, channel, by)
        return channel

    async def _check_places(self, tx: Transaction, channel: Channel) -> None:
        """Refuse a group together with one of its members: each unit there would count twice."""
        places = channel.source_locations
        if self._stock is None or len(places) == 1:
            return
        groups = await self._stock.groups(tx, [(tx.tenant, place) for place in places])
        alone = apart(tx.tenant, places, groups)
        for number, place in enumerate(places):
            if place not in alone:
                raise Invalid(
                    f"{place} is a member of {groups[tx.tenant, place]}, which has its stock",
                    where=f"/source_locations/{number}",
                    hint="sell from the group, or from those of its members that you name",
                )

    async def end(self, scope: Scope, connection: str, location: str, *, by: str) -> Channel:
        """Sell through a channel no more; it keeps what it shows, and its terms stay on record."""
        async with self._database.transaction(scope) as tx:
            await channel_terms_told.alone(tx)
            agreed = await _agreed(tx, connection, location)
            if agreed is None:
                raise NotFound(
                    f"no terms are agreed with {connection}/{location}",
                    hint="`crossdock channel list` shows those that are",
                )
            ended = replace(agreed, is_active=False)
            await self._agree(tx, agreed, ended, by)
        return ended

    async def publish(self, scope: Scope, channel: Channel, items: Iterable[str]) -> None:
        """Have these items looked at now: a new channel learns its assortment this way."""
        keys = [Key(scope.tenant, _listing(channel, item).instance) for item in items]
        async with self._database.transaction(scope) as tx:
            await mark_keys(tx, NAME, keys, self._clock.now())

    async def part_in(self, tx: Transaction, connection: str, by: str) -> None:
        """Stop selling through a connection that goes away; what it was told is looked at once.

        So is what others were told of a pool that it had a claim to.
        """
        await channel_terms_told.alone(tx)
        rows = await tx.fetch(OPEN, tx.tenant, connection)
        gone = [Listing(connection, row["location"], "") for row in rows]
        claims = [await claim_of(tx, channel) for channel in gone]
        agreed = [await _agreed(tx, connection, channel.location) for channel in gone]
        await tx.execute(CLOSE, tx.tenant, connection)
        word = Word(by, self._clock.now())
        for one in agreed:
            if one is not None:
                off = replace(one, is_active=False)
                await channel_terms_told.changed(tx, one, off, word)
        keys: set[Key] = set()
        for channel, claim in zip(gone, claims, strict=True):
            keys.update(await listed(tx, channel), await listed_beside(tx, channel, claim))
        await mark_keys(tx, NAME, sorted(keys), self._clock.now())

    async def listed(self, scope: Scope) -> list[Channel]:
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(CHANNELS, tx.tenant)
            return [_channel_of(row, await _items_of(tx, row)) for row in rows]

    async def _agree(
        self, tx: Transaction, agreed: Channel | None, channel: Channel, by: str
    ) -> None:
        key = (tx.tenant, channel.connection, channel.location)
        own, now = _listing(channel, ""), self._clock.now()
        before = await claim_of(tx, own)
        terms = (channel.source_locations, channel.wakes_on)
        reach = await reach_now(tx, tx.tenant, terms, self._stock)
        if channel.is_active:
            await check_shares(tx, _shares_of(channel, reach), self._stock)
        await tx.execute(PUT, *key, *_columns(channel))
        await availability_places.keep(tx, tx.tenant, own, reach)
        await tx.execute(DROP_ITEMS, *key)
        if channel.items:
            await tx.execute(PUT_ITEMS, *key, *_item_columns(channel.items))
        await channel_terms_told.changed(tx, agreed, channel, Word(by, now))
        await tx.execute(MEASURE, *key, now)
        keys = await listed(tx, own)
        keys += [Key(tx.tenant, _listing(channel, i.item).instance) for i in channel.items]
        if (after := await claim_of(tx, own)) != before:
            keys += await listed_beside(tx, own, before, after)
        await mark_keys(tx, NAME, sorted(set(keys)), now)


async def _agreed(tx: Transaction, connection: str, location: str) -> Channel | None:
    """Give what is agreed with a channel now, if anything ever was."""
    row = await tx.fetchrow(CHANNEL, tx.tenant, connection, location)
    return None if row is None else _channel_of(row, await _items_of(tx, row))


async def _items_of(tx: Transaction, channel: Any) -> tuple[ItemTerms, ...]:
    rows = await tx.fetch(ITEMS, tx.tenant, channel["connection"], channel["location"])
    return tuple(
        ItemTerms(
            item=row["item"],
            is_excluded=row["is_excluded"],
            buffer=_optional(row["buffer"]),
            cap=_optional(row["cap"]),
            low_threshold=_optional(row["low_threshold"]),
            levels=None if row["levels"] is None else _decimals(row["levels"]),
            share_fixed=_optional(row["share_fixed"]),
            share_min=_optional(row["share_min"]),
            share_max=_optional(row["share_max"]),
            oversell_percent=_percent(row["oversell_percent"]),
            unit_margin=_optional(row["unit_margin"]),
            pack=_optional(row["pack"]),
            numerator=row["unit_numerator"],
            denominator=row["unit_denominator"],
        )
        for row in rows
    )


def _channel_of(row: Mapping[str, Any], items: tuple[ItemTerms, ...]) -> Channel:
    return Channel(
        connection=row["connection"],
        location=row["location"],
        source_locations=tuple(row["source_locations"]),
        wakes_on=tuple(row["wakes_on"]),
        share_mode=ShareMode(row["share_mode"]),
        share_percent=Decimal(plain(row["share_percent"])),
        share_fixed=_decimal(row["share_fixed"]),
        share_min=_decimal(row["share_min"]),
        share_max=_optional(row["share_max"]),
        period=Period(row["period"]),
        buffer=_decimal(row["buffer"]),
        oversell_percent=_percent(row["oversell_percent"]),
        unit_margin=_optional(row["unit_margin"]),
        currency=row["currency"],
        cap=_optional(row["cap"]),
        low_threshold=_decimal(row["low_threshold"]),
        levels=_decimals(row["levels"]),
        coalesce_seconds=row["coalesce_seconds"],
        jump_percent=row["jump_percent"],
        unexplained_seconds=row["unexplained_seconds"],
        corrections_max=row["corrections_max"],
        retry_seconds=row["retry_seconds"],
        when_stale=WhenStale(row["when_stale"]),
        stale_buffer=_optional(row["stale_buffer"]),
        is_active=row["is_active"],
        channel=row["channel"],
        items=items,
    )


def _columns(channel: Channel) -> list[Any]:
    return [
        list(channel.source_locations),
        list(channel.wakes_on),
        channel.share_mode,
        channel.share_percent,
        _micros(channel.share_fixed),
        _micros(channel.buffer),
        _micros(channel.cap),
        _micros(channel.low_threshold),
        [_micros(level) for level in channel.levels],
        channel.coalesce_seconds,
        channel.jump_percent,
        channel.unexplained_seconds,
        channel.corrections_max,
        channel.retry_seconds,
        channel.when_stale,
        _micros(channel.stale_buffer),
        channel.is_active,
        channel.oversell_percent,
        _micros(channel.unit_margin),
        channel.currency,
        _micros(channel.share_min),
        _micros(channel.share_max),
        channel.period,
        channel.channel,
    ]


def _item_columns(items: Sequence[ItemTerms]) -> list[list[Any]]:
    return [
        [terms.item for terms in items],
        [terms.is_excluded for terms in items],
        [_micros(terms.buffer) for terms in items],
        [_micros(terms.cap) for terms in items],
        [_micros(terms.share_fixed) for terms in items],
        [_micros(terms.pack) for terms in items],
        [terms.numerator for terms in items],
        [terms.denominator for terms in items],
        [terms.oversell_percent for terms in items],
        [_micros(terms.unit_margin) for terms in items],
        [_micros(terms.share_min) for terms in items],
        [_micros(terms.share_max) for terms in items],
        [_micros(terms.low_threshold) for terms in items],
        [_listed(terms.levels) for terms in items],
    ]


def _listed(levels: Sequence[Decimal] | None) -> str | None:
    """Write levels as PostgreSQL writes a list: an array of lists of several lengths is none."""
    if levels is None:
        return None
    return "{" + ",".join(str(_micros(level)) for level in levels) + "}"


def _shares_of(channel: Channel, reach: Reach) -> Said:
    parts: dict[str, tuple[int, str]] = {}
    for number, terms in enumerate(channel.items):
        share = channel.share_fixed if terms.share_fixed is None else terms.share_fixed
        base = -(-int(share * MICROS) * terms.numerator // terms.denominator)
        if not terms.is_excluded:
            parts[terms.item] = (base, f"/items/{number}/share_fixed")
    return Said(
        connection=channel.connection,
        location=channel.location,
        source_locations=channel.source_locations,
        covers=reach.covers,
        share_mode=channel.share_mode,
        share_percent=channel.share_percent,
        parts=parts,
    )


def _listing(channel: Channel, item: str) -> Listing:
    return Listing(channel.connection, channel.location, item)


def _micros(value: Decimal | None) -> int | None:
    return None if value is None else int(value * MICROS)


def _decimal(micros: int) -> Decimal:
    return Decimal(micros) / MICROS


def _decimals(levels: Sequence[int]) -> tuple[Decimal, ...]:
    return tuple(_decimal(level) for level in levels)


def _optional(micros: int | None) -> Decimal | None:
    return None if micros is None else _decimal(micros)


def _percent(percent: Decimal | None) -> Decimal | None:
    return None if percent is None else Decimal(plain(percent))
