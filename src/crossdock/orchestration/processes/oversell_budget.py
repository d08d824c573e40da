"""How much each channel holds back so that it seldom oversells, from what is measured (§3.7).

A job looks through what sells, a page of items at a time, and writes only the buffers that came
out different; their listings are then due. Nothing of it stands in the way of a sale.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from crossdock.canonical.channels import OversellBudgetChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import NotFound
from crossdock.canonical.identifiers import joined
from crossdock.canonical.quantities import AMOUNT_MAX, MICROS, plain
from crossdock.capabilities.allocation import sold_by_day
from crossdock.capabilities.inventory.budget import Seller
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction, WorkersSql
from crossdock.foundation.event_log import Entry
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.processes.availability_publishing import NAME as PUBLISHING
from crossdock.orchestration.processes.availability_writes import Listing
from crossdock.orchestration.processes.channel_sales import KEPT_DAYS
from crossdock.orchestration.processes.oversell_shown import (
    BudgetCurve,
    ChannelBudget,
    Delays,
    Selling,
    Target,
    budget_curve,
    channel_budget,
)

log = structlog.get_logger(__name__)

HUB = "crossdock"
"""The source name of the hub's own facts, and who computes buffers."""

PAGE = 500
MOST = int(AMOUNT_MAX) * MICROS
"""No buffer is more than an amount may be, whatever sells."""

WINDOW_DAYS = 7
SWEEP = 10_000

TENANTS = WorkersSql("select distinct tenant from publishing_channel")

# Channels with a target, for all items or for some, and where others take from what they sell.
TARGETED = """
select c.connection, c.location, c.oversell_percent, c.unit_margin, c.currency,
    c.channel, c.hears as places
from publishing_channel c
where c.tenant = $1 and c.is_active and ($2 = '' or (c.connection = $2 and c.location = $3))
    and ($2 <> '' or c.oversell_percent is not null
        or exists (select from publishing_item i
            where i.tenant = $1 and i.connection = c.connection and i.location = c.location
                and i.oversell_percent is not null))
order by c.connection, c.location
"""

DELAYS = """
select connection, path, bucket, sum(samples)::bigint as samples from publishing_delay
where tenant = $1 and day > $2 group by connection, path, bucket
"""

# The next items that anybody took from these places, or that have a buffer. Each place and each
# channel is read in the order of an index, no further than the page.
ITEMS = """
select distinct item from (
    select s.item from unnest($2::text[]) p(place)
    cross join lateral (select distinct s.item from publishing_sold s
        where s.tenant = $1 and s.place = p.place and s.item > $5 order by s.item limit $6) s
    union all
    (select b.item from publishing_budget b
    where b.tenant = $1 and b.connection = $3 and b.location = $4 and b.item > $5
    order by b.item limit $6)
) known order by item limit $6
"""

# What each seller sold of these items at these places: in the busiest hour of a week, and in all.
# What was cancelled later was gone unseen all the same.
SOLD = """
select w.item, s.seller, s.peak, s.taken, s.squares
from unnest($3::text[]) w(item)
cross join lateral (
    select seller, max(sold) as peak, sum(sold) as taken, sum(squares) as squares
    from (select h.seller, sum(h.sold) as sold, sum(h.squares) as squares
        from publishing_sold h
        where h.tenant = $1 and h.place = any($2::text[]) and h.item = w.item and h.day > $4
        group by h.seller, h.day, h.hour) hours
    group by seller having sum(sold) > 0) s
"""

AGREED = """
select w.item, i.oversell_percent, i.unit_margin, coalesce(i.unit_numerator, 1) as numerator,
    coalesce(i.unit_denominator, 1) as denominator, i.pack, b.micros
from unnest($4::text[]) w(item)
left join publishing_item i
    on i.tenant = $1 and i.connection = $2 and i.location = $3 and i.item = w.item
left join publishing_budget b
    on b.tenant = $1 and b.connection = $2 and b.location = $3 and b.item = w.item
order by w.item
"""

WRITE = """
insert into publishing_budget (tenant, connection, location, item, micros, computed_by,
    computed_at)
select $1, $2, $3, w.item, w.micros, $6, $7
from unnest($4::text[], $5::bigint[]) w(item, micros)
on conflict (tenant, connection, location, item) do update set
    micros = excluded.micros, version = publishing_budget.version + 1,
    computed_by = excluded.computed_by, computed_at = excluded.computed_at
where publishing_budget.micros <> excluded.micros
returning item, version
"""

# Two who compute at once take their turns, so that each tells what the other has left.
ALONE = "select pg_advisory_xact_lock(hashtextextended('oversell budgets ' || $1, 0))"
STANDS = """
select item, micros from publishing_budget
where tenant = $1 and connection = $2 and location = $3 and item = any($4::text[])
"""

FORGET_ORDERS = """
delete from publishing_order where tenant = $1 and (source, order_id, item, place) in (
    select source, order_id, item, place from publishing_order
    where tenant = $1 and day < $2 order by day limit $3)
"""
FORGET_SOLD = """
delete from publishing_sold where tenant = $1 and (place, item, seller, day, hour) in (
    select place, item, seller, day, hour from publishing_sold
    where tenant = $1 and day < $2 order by day limit $3)
"""
FORGET_DELAYS = "delete from publishing_delay where tenant = $1 and day < $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsWanted:
    """These items, or else the next `limit` of all that sell, in order, from behind `after`."""

    items: Sequence[str] = ()
    after: str = ""
    limit: int = 100


class Budgets:
    """Computes the buffers of channels that have a target, and shows what they cost and save."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def recompute(self) -> int:
        """Compute every buffer anew and forget what is too old; say how many came out different.

        A job calls this. A tenant whose numbers cannot be computed keeps the buffers it has, and
        stops nobody else. Listings of items whose buffer moved are due at once.
        """
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS)]
        moved = 0
        for tenant in sorted(tenants):
            scope = Scope(tenant)
            try:
                for target in await self._targets(scope):
                    moved += await self._recompute(scope, target)
            except OUTAGES:
                raise
            except Exception as error:
                log.exception("budgets not computed", tenant=tenant, error=repr(error))
            await self._forget(scope)
        return moved

    async def show(
        self, scope: Scope, connection: str, location: str, which: ItemsWanted
    ) -> ChannelBudget:
        """Show a channel's budget as it comes out now.

        An item that has no target, of its own or of the channel's, is left out.
        """
        for target in await self._targets(scope, connection, location):
            async with self._database.transaction(scope) as tx:
                named = which.items or await _items(tx, target, which.after, which.limit)
                found = await _selling(tx, target, named, self._window())
                since = self._clock.now() - timedelta(days=WINDOW_DAYS)
                days = await sold_by_day(tx, target.names, target.row["places"], since)
            return await asyncio.to_thread(channel_budget, target, found, days)
        raise _unknown(connection, location)

    async def curve(self, scope: Scope, connection: str, location: str, item: str) -> BudgetCurve:
        """Show what one item's buffer would be behind faster and slower paths."""
        for target in await self._targets(scope, connection, location):
            async with self._database.transaction(scope) as tx:
                [found] = await _selling(tx, target, [item], self._window())
            return await asyncio.to_thread(budget_curve, target, found)
        raise _unknown(connection, location)

    async def _targets(
        self, scope: Scope, connection: str = "", location: str = ""
    ) -> list[Target]:
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(TARGETED, tx.tenant, connection, location)
            if not rows:
                return []
            samples: dict[tuple[str, str], dict[int, int]] = {}
            for row in await tx.fetch(DELAYS, tx.tenant, self._window()):
                of = samples.setdefault((row["connection"], row["path"]), {})
                of[row["bucket"]] = row["samples"]
        return [Target(scope.tenant, row, Delays(samples)) for row in rows]

    async def _recompute(self, scope: Scope, target: Target) -> int:
        moved, after = 0, ""
        while True:
            async with self._database.transaction(scope) as tx:
                named = await _items(tx, target, after, PAGE)
                found = await _selling(tx, target, named, self._window())
            held = await asyncio.to_thread(_held, target, found)
            async with self._database.transaction(scope) as tx:
                moved += await _write(tx, target, found, held, self._clock.now())
            if len(named) < PAGE:
                return moved
            after = named[-1]

    async def _forget(self, scope: Scope) -> None:
        before = self._clock.now().toordinal() - KEPT_DAYS
        async with self._database.transaction(scope) as tx:
            await tx.execute(FORGET_ORDERS, tx.tenant, before, SWEEP)
            await tx.execute(FORGET_SOLD, tx.tenant, before, SWEEP)
            await tx.execute(FORGET_DELAYS, tx.tenant, before)

    def _window(self) -> int:
        return self._clock.now().toordinal() - WINDOW_DAYS


def _unknown(connection: str, location: str) -> NotFound:
    return NotFound(
        f"no terms are agreed with {connection}/{location}",
        hint="`crossdock channel list` shows those that are",
    )


async def _items(tx: Transaction, target: Target, after: str, limit: int) -> list[str]:
    _, connection, location = target.key
    places = target.row["places"]
    rows = await tx.fetch(ITEMS, tx.tenant, places, connection, location, after, limit)
    return [row["item"] for row in rows]


async def _selling(
    tx: Transaction, target: Target, items: Sequence[str], window: int
) -> list[Selling]:
    agreed = await tx.fetch(AGREED, *target.key, items)
    percents: dict[str, Decimal | None] = {
        row["item"]: row["oversell_percent"] or target.row["oversell_percent"] for row in agreed
    }
    sellers: dict[str, list[Seller]] = {}
    for row in await tx.fetch(SOLD, tx.tenant, target.row["places"], items, window):
        percent = percents[row["item"]] or target.percent
        sellers.setdefault(row["item"], []).append(target.seller_of(row, percent))
    return [Selling(row, sellers.get(row["item"], ()), percents[row["item"]]) for row in agreed]


def _held(target: Target, found: Sequence[Selling]) -> dict[str, int]:
    """Work out all buffers, beside the loop: a new target takes a tenth of a second."""
    return {one.agreed["item"]: min(MOST, one.held_back(target)) for one in found}


async def _write(
    tx: Transaction,
    target: Target,
    found: Sequence[Selling],
    held: Mapping[str, int],
    now: datetime,
) -> int:
    """Write what came out different, tell of it, and have its listings looked at."""
    known = {one.agreed["item"]: one for one in found}
    moved = [item for item in held if held[item] != (known[item].agreed["micros"] or 0)]
    if moved:
        await tx.execute(ALONE, tx.tenant)
        stood = {row["item"]: row["micros"] for row in await tx.fetch(STANDS, *target.key, moved)}
        amounts = [held[item] for item in moved]
        rows = await tx.fetch(WRITE, *target.key, moved, amounts, HUB, now)
        told = [
            _changed(
                target,
                known[row["item"]],
                (stood.get(row["item"], 0), held[row["item"]]),
                row["version"],
            )
            for row in sorted(rows, key=lambda row: row["item"])
        ]
        await event_log.append(tx, [_entry(tx.tenant, one, now) for one in told])
        _, connection, location = target.key
        keys = [Key(tx.tenant, Listing(connection, location, item).instance) for item in moved]
        await mark_keys(tx, PUBLISHING, keys, now, because="oversell budget")
    return len(moved)


def _changed(
    target: Target, one: Selling, amounts: tuple[int, int], version: int
) -> OversellBudgetChanged:
    _, connection, location = target.key
    percent = one.percent
    return OversellBudgetChanged(
        connection=connection,
        location=location,
        item=one.agreed["item"],
        version=version,
        changed_by=HUB,
        before=_units(amounts[0]),
        held_back=_units(amounts[1]),
        oversell_percent=None if percent is None else Decimal(plain(percent)),
    )


def _units(micros: int) -> Decimal:
    return Decimal(plain(Decimal(micros) / MICROS))


def _entry(tenant: str, changed: OversellBudgetChanged, now: datetime) -> Entry:
    place = changed.connection, changed.location, changed.item
    fact = Fact(
        identity=joined("oversell_budget", *place, str(changed.version)),
        payload=changed,
        occurred_at=now,
        recorded_at=now,
    )
    return Entry(tenant=tenant, source=HUB, received_at=now, fact=fact)
