"""What is agreed with each sales channel: which stock it sells, how much of it, how soon told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from crossdock.canonical.errors import Invalid
from crossdock.canonical.money import minor_unit
from crossdock.canonical.quantities import AMOUNT_MAX, MICROS, plain
from crossdock.capabilities.inventory.protection import Period
from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.processes.availability_facts import KnowsPools
from crossdock.orchestration.processes.availability_neighbours import (
    claim_of,
    listed,
    listed_beside,
)
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_shares import Said, check_shares
from crossdock.orchestration.processes.availability_writes import Listing
from crossdock.orchestration.processes.channel_sales import MEASURE


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTerms:
    """What is different for one item; None means as the channel says.

    `numerator / denominator` base units make one unit that the channel sells (a case: 12/1).
    `pack` is the least that it sells of that unit. `unit_margin` is in the channel's currency.
    """

    item: str
    is_excluded: bool = False
    buffer: Decimal | None = None
    cap: Decimal | None = None
    share_fixed: Decimal | None = None
    share_min: Decimal | None = None
    share_max: Decimal | None = None
    oversell_percent: Decimal | None = None
    unit_margin: Decimal | None = None
    pack: Decimal | None = None
    numerator: int = 1
    denominator: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One location of a channel connection. Amounts are in the unit that the channel sells.

    `source_locations` are what availability is asked of (nodes or groups); `wakes_on` are the
    locations whose changes concern it: the same, and the members of groups. With an
    `oversell_percent` the buffer is computed so that orders which come in while a change is on its
    way exceed it so seldom, and `buffer` is its least (§3.7). `share_min` is kept for a PROTECTED
    channel, `share_max` limits it, each per `period` of the first source location's calendar
    (§3.6). `unit_margin` is what one unit sold earns, in `currency`.
    """

    connection: str
    location: str
    source_locations: tuple[str, ...]
    wakes_on: tuple[str, ...] = ()
    share_mode: ShareMode = ShareMode.POOL
    share_percent: Decimal = Decimal(100)
    share_fixed: Decimal = Decimal(0)
    share_min: Decimal = Decimal(0)
    share_max: Decimal | None = None
    period: Period = Period.DAY
    buffer: Decimal = Decimal(0)
    oversell_percent: Decimal | None = None
    unit_margin: Decimal | None = None
    currency: str = ""
    cap: Decimal | None = None
    low_threshold: Decimal = Decimal(0)
    levels: tuple[Decimal, ...] = ()
    coalesce_seconds: int = 60
    jump_percent: int = 10
    unexplained_seconds: int = 30
    corrections_max: int = 8
    retry_seconds: int = 60
    when_stale: WhenStale = WhenStale.KEEP
    stale_buffer: Decimal = Decimal(0)
    is_active: bool = True
    items: tuple[ItemTerms, ...] = field(default=())


BOUNDS: Mapping[str, tuple[Decimal | int, Decimal | int]] = MappingProxyType(
    {
        "share_percent": (0, 100),
        "oversell_percent": (Decimal("0.0001"), 50),
        "coalesce_seconds": (0, 3600),
        "jump_percent": (1, 100),
        "unexplained_seconds": (0, 86_400),
        "corrections_max": (1, 100),
        "retry_seconds": (1, 86_400),
        "pack": (Decimal(1) / MICROS, AMOUNT_MAX),
        "numerator": (1, AMOUNT_MAX),
        "denominator": (1, AMOUNT_MAX),
    }
)
"""The least and the most of each number in the terms; of any other, zero and `AMOUNT_MAX`."""

PUT = """
insert into publishing_channel (tenant, connection, location, source_locations, wakes_on,
    share_mode, share_percent, share_fixed, buffer, cap, low_threshold, levels, coalesce_seconds,
    jump_percent, unexplained_seconds, corrections_max, retry_seconds, when_stale, stale_buffer,
    is_active, oversell_percent, unit_margin, currency, share_min, share_max, period)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26)
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
    share_min = excluded.share_min, share_max = excluded.share_max, period = excluded.period
"""

DROP_ITEMS = """
delete from publishing_item where tenant = $1 and connection = $2 and location = $3
"""

PUT_ITEMS = """
insert into publishing_item (tenant, connection, location, item, is_excluded, buffer, cap,
    share_fixed, pack, unit_numerator, unit_denominator, oversell_percent, unit_margin, share_min,
    share_max)
select $1, $2, $3, * from unnest($4::text[], $5::boolean[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::numeric[], $13::bigint[],
    $14::bigint[], $15::bigint[])
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

    async def put(self, scope: Scope, channel: Channel) -> Channel:
        """Agree on these terms, and give them; every item listed there is looked at again.

        So is what other channels of the pool list, if what is kept from them changed. A channel
        always wakes on what it sells from.
        """
        check_terms(channel)
        woken = sorted({*channel.source_locations, *channel.wakes_on})
        channel = replace(channel, wakes_on=tuple(woken))
        key = (scope.tenant, channel.connection, channel.location)
        own = _listing(channel, "")
        async with self._database.transaction(scope) as tx:
            before = await claim_of(tx, own)
            if channel.is_active:
                await check_shares(tx, _shares_of(channel), self._stock)
            await tx.execute(PUT, *key, *_columns(channel))
            await tx.execute(DROP_ITEMS, *key)
            if channel.items:
                await tx.execute(PUT_ITEMS, *key, *_item_columns(channel.items))
            await tx.execute(MEASURE, *key, self._clock.now())
            keys = await listed(tx, own)
            keys += [Key(tx.tenant, _listing(channel, i.item).instance) for i in channel.items]
            if (after := await claim_of(tx, own)) != before:
                keys += await listed_beside(tx, own, before, after)
            await mark_keys(tx, NAME, sorted(set(keys)), self._clock.now())
        return channel

    async def publish(self, scope: Scope, channel: Channel, items: Iterable[str]) -> None:
        """Have these items looked at now: a new channel learns its assortment this way."""
        keys = [Key(scope.tenant, _listing(channel, item).instance) for item in items]
        async with self._database.transaction(scope) as tx:
            await mark_keys(tx, NAME, keys, self._clock.now())

    async def part_in(self, tx: Transaction, connection: str) -> None:
        """Stop selling through a connection that goes away; what it was told is looked at once.

        So is what others were told of a pool that it had a claim to.
        """
        rows = await tx.fetch(OPEN, tx.tenant, connection)
        gone = [Listing(connection, row["location"], "") for row in rows]
        claims = [await claim_of(tx, channel) for channel in gone]
        await tx.execute(CLOSE, tx.tenant, connection)
        keys: set[Key] = set()
        for channel, claim in zip(gone, claims, strict=True):
            keys.update(await listed(tx, channel), await listed_beside(tx, channel, claim))
        await mark_keys(tx, NAME, sorted(keys), self._clock.now())

    async def listed(self, scope: Scope) -> list[Channel]:
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(CHANNELS, tx.tenant)
            return [_channel_of(row, await _items_of(tx, row)) for row in rows]


def check_terms(channel: Channel) -> None:
    """Refuse terms that nobody could keep, naming the place."""
    if not channel.source_locations:
        raise Invalid("no location to sell from", where="/source_locations")
    _check_numbers(channel, "")
    _check_margins(channel)
    for number, level in enumerate(channel.levels):
        _check_number("levels", level, f"/levels/{number}")
    named: set[str] = set()
    for number, terms in enumerate(channel.items):
        _check_numbers(terms, f"/items/{number}")
        if terms.item in named:
            raise Invalid(f"{terms.item} is there twice", where=f"/items/{number}/item")
        named.add(terms.item)


def _check_margins(channel: Channel) -> None:
    """Refuse money without a currency, and a currency that there is not."""
    margins = [channel.unit_margin, *(terms.unit_margin for terms in channel.items)]
    if channel.currency:
        try:
            minor_unit(channel.currency)
        except Invalid as error:
            raise Invalid(error.message, where="/currency") from None
    elif any(margin is not None for margin in margins):
        raise Invalid("a margin without a currency", where="/currency", hint="EUR, for example")


def _check_numbers(terms: Channel | ItemTerms, at: str) -> None:
    for term in fields(terms):
        value = getattr(terms, term.name)
        if isinstance(value, int | Decimal):
            _check_number(term.name, value, f"{at}/{term.name}")


def _check_number(name: str, value: int | Decimal, where: str) -> None:
    least, most = BOUNDS.get(name, (0, AMOUNT_MAX))
    if not Decimal(value).is_finite() or not least <= value <= most:
        raise Invalid(f"{value} is not between {least} and {most}", where=where)
    if name.endswith("_percent") and value * 10_000 % 1:
        raise Invalid(f"{value} has more than four decimals", where=where)
    if value * MICROS % 1:
        raise Invalid(f"{value} has more than six decimals", where=where)


async def _items_of(tx: Transaction, channel: Any) -> tuple[ItemTerms, ...]:
    rows = await tx.fetch(ITEMS, tx.tenant, channel["connection"], channel["location"])
    return tuple(
        ItemTerms(
            item=row["item"],
            is_excluded=row["is_excluded"],
            buffer=_optional(row["buffer"]),
            cap=_optional(row["cap"]),
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
        levels=tuple(_decimal(level) for level in row["levels"]),
        coalesce_seconds=row["coalesce_seconds"],
        jump_percent=row["jump_percent"],
        unexplained_seconds=row["unexplained_seconds"],
        corrections_max=row["corrections_max"],
        retry_seconds=row["retry_seconds"],
        when_stale=WhenStale(row["when_stale"]),
        stale_buffer=_decimal(row["stale_buffer"]),
        is_active=row["is_active"],
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
    ]


def _shares_of(channel: Channel) -> Said:
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


def _optional(micros: int | None) -> Decimal | None:
    return None if micros is None else _decimal(micros)


def _percent(percent: Decimal | None) -> Decimal | None:
    return None if percent is None else Decimal(plain(percent))
