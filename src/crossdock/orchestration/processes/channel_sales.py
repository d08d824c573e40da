"""Counts what sells through each channel, and how late it is heard: what budgets are made of.

A listener of its own, beside the one that publishes, and deaf as long as no channel has a target
or something kept for it. An order is counted once, in the hour in which it was first said to be
placed; a later version of it changes what it takes there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from crossdock.canonical.commands import CommandSettled, Lane, Settlement
from crossdock.canonical.envelope import Event
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.inventory.budget import delay_bucket
from crossdock.capabilities.inventory.ledger import microseconds, rank_of
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction, WorkersSql
from crossdock.foundation.readers import Reader
from crossdock.orchestration.processes.availability_publishing import NAME as PUBLISHING
from crossdock.orchestration.processes.availability_sellers import (
    KnowsRecipes,
    look_at_neighbours,
)
from crossdock.orchestration.processes.place_clocks import KnowsZones, zones_of

NAME = "channel sales"
PUBLISH, ORDER = "PUBLISH", "ORDER"
KEPT_DAYS = 35
TYPES = frozenset({OrderChanged.TYPE, CommandSettled.TYPE})


IS_MEASURED = WorkersSql("""
select exists (select from publishing_channel where measured_since is not null)
""")

# A channel is measured as long as it has a target, or something kept for it.
MEASURE = """
update publishing_channel c set measured_since = case
    when c.is_active and (c.oversell_percent is not null or c.share_mode = 'PROTECTED'
        or exists (select from publishing_item i where i.tenant = $1 and i.connection = $2
            and i.location = $3 and i.oversell_percent is not null))
    then coalesce(c.measured_since, $4) end
where c.tenant = $1 and c.connection = $2 and c.location = $3
"""

MEASURED = """
select tenant, min(measured_since) as since from publishing_channel
where tenant = any($1::text[]) and measured_since is not null group by tenant
"""

# Whose orders name a channel: those of its connection, and those that say its name.
CONNECTIONS = """
select distinct tenant, connection from publishing_channel where tenant = any($1::text[])
"""

ORDERS = """
select o.* from unnest($1::text[], $2::text[], $3::text[]) k(tenant, source, order_id)
join publishing_order o
    on o.tenant = k.tenant and o.source = k.source and o.order_id = k.order_id
"""

WRITE_ORDERS = """
insert into publishing_order (tenant, source, order_id, item, place, seller, micros, sold, day,
    hour, rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::numeric[], $8::numeric[], $9::integer[], $10::smallint[], $11::bigint[], $12::bigint[],
    $13::bigint[])
on conflict (tenant, source, order_id, item, place) do update set
    seller = excluded.seller, micros = excluded.micros, sold = excluded.sold,
    rank = excluded.rank, us = excluded.us,
    position = excluded.position
"""

COUNT_SOLD = """
insert into publishing_sold as s (tenant, place, item, seller, day, hour, micros, sold, squares)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[],
    $6::smallint[], $7::numeric[], $8::numeric[], $9::numeric[])
on conflict (tenant, place, item, seller, day, hour) do update set
    micros = s.micros + excluded.micros, sold = s.sold + excluded.sold,
    squares = s.squares + excluded.squares
"""

COUNT_DELAYS = """
insert into publishing_delay as d (tenant, connection, path, day, bucket, samples)
select * from unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::smallint[],
    $6::bigint[])
on conflict (tenant, connection, path, day, bucket) do update set
    samples = d.samples + excluded.samples
"""


class Order(NamedTuple):
    tenant: str
    source: str
    order_id: str


class Line(NamedTuple):
    """All that an order takes of one item at one place."""

    item: str
    place: str


class Taken(NamedTuple):
    """How much a line takes, through whom, and in which hour of which day of the place.

    `sold` is all that was ordered: what is cancelled of it was gone unseen all the same.
    """

    seller: str
    micros: int
    day: int
    hour: int
    sold: int = 0


class Known(NamedTuple):
    """An order as it was counted: which version of it, and its lines."""

    version: tuple[int, int, int] = (0, 0, 0)
    lines: Mapping[Line, Taken] = MappingProxyType({})


class Hour(NamedTuple):
    """An hour in which a seller took of an item at a place."""

    tenant: str
    place: str
    item: str
    seller: str
    day: int
    hour: int


Sums = Mapping[Hour, tuple[int, int, int]]
"""What is added to an hour: what is taken, what was sold, and the squares of that."""
Delays = Counter[tuple[str, str, str, int, int]]
"""How many samples of (tenant, connection, path, day, bucket)."""


class Timing(NamedTuple):
    """What is timed, and since when each tenant measures."""

    delays: Delays
    since: Mapping[str, datetime]

    def is_first(self, event: Event) -> bool:
        """Say whether this may be the first that was ever heard of an order.

        One that was placed before anything was counted may have been heard then.
        """
        placed = _order_of(event).placed_at
        return placed is None or placed >= self.since[event.tenant]


class Around(NamedTuple):
    """Whoever knows the time zones of places, and what kits are put together from."""

    zones: KnowsZones
    recipes: KnowsRecipes | None


def sales_reader(zones: KnowsZones, clock: Clock, recipes: KnowsRecipes | None = None) -> Reader:
    """Make the log reader that counts. One shard: an order may name any item."""
    around = Around(zones, recipes)

    async def apply(tx: Transaction, said: Sequence[Event]) -> None:
        rows = await tx.fetch(MEASURED, sorted({event.tenant for event in said}))
        since = {row["tenant"]: row["since"] for row in rows}
        events = [event for event in said if event.tenant in since]
        delays = _writes_timed(events)
        orders = _newest(events)
        if orders:
            await _count(tx, around, orders, Timing(delays, since), clock.now())
        await _write_delays(tx, delays)

    return Reader(name=NAME, apply=apply, types=TYPES, unheard=unheard)


async def unheard(tx: Transaction) -> frozenset[str]:
    """Pass over everything while nobody's budget or protection is made of it."""
    return frozenset() if await tx.fetchval(IS_MEASURED) else TYPES


def _newest(events: Sequence[Event]) -> dict[Order, Event]:
    found: dict[Order, Event] = {}
    for event in events:
        if isinstance(event.payload, OrderChanged):
            order = Order(event.tenant, event.source, event.payload.order_id)
            if order not in found or _version(event) > _version(found[order]):
                found[order] = event
    return found


def _version(event: Event) -> tuple[int, int, int]:
    return (rank_of(event), microseconds(event.ordered_at), event.position)


async def _count(
    tx: Transaction,
    around: Around,
    orders: Mapping[Order, Event],
    timing: Timing,
    now: datetime,
) -> None:
    known = await _known(tx, orders)
    fresh = {
        order: event
        for order, event in orders.items()
        if (order not in known or _version(event) > known[order].version)
        and now - _placed(event) < timedelta(days=KEPT_DAYS)
    }
    sellers = await _sellers(tx, fresh)
    by_place = await _zones(tx, around.zones, fresh)
    after = {
        order: _taken(event, sellers[order], by_place, known.get(order, Known()))
        for order, event in fresh.items()
    }
    for order, event in fresh.items():
        if order not in known and not event.fact.replay and timing.is_first(event):
            late = event.received_at - _placed(event)
            _add(timing.delays, (order.tenant, sellers[order], ORDER), event, late)
    sums = _changes(known, after)
    await _write_orders(tx, fresh, after)
    await _write_sums(tx, sums)
    taken = {(hour.tenant, hour.item, hour.place) for hour in sums}
    await look_at_neighbours(tx, taken, now, around.recipes)


async def _known(tx: Transaction, orders: Mapping[Order, Event]) -> dict[Order, Known]:
    keys = sorted(orders)
    rows = await tx.fetch(
        ORDERS,
        [key.tenant for key in keys],
        [key.source for key in keys],
        [key.order_id for key in keys],
    )
    lines: dict[Order, dict[Line, Taken]] = {}
    versions: dict[Order, tuple[int, int, int]] = {}
    for row in rows:
        order = Order(row["tenant"], row["source"], row["order_id"])
        taken = Taken(row["seller"], int(row["micros"]), row["day"], row["hour"], int(row["sold"]))
        lines.setdefault(order, {})[Line(row["item"], row["place"])] = taken
        version = (row["rank"], row["us"], row["position"])
        versions[order] = max(version, versions.get(order, version))
    return {order: Known(versions[order], lines[order]) for order in lines}


async def _sellers(tx: Transaction, orders: Mapping[Order, Event]) -> dict[Order, str]:
    """Tell through which channel each order came: the one it names, else its source."""
    rows = await tx.fetch(CONNECTIONS, sorted({order.tenant for order in orders}))
    channels = {(row["tenant"], row["connection"]) for row in rows}
    found: dict[Order, str] = {}
    for order, event in orders.items():
        named = _order_of(event).channel
        found[order] = named if (order.tenant, named) in channels else order.source
    return found


async def _zones(
    tx: Transaction, zones: KnowsZones, orders: Mapping[Order, Event]
) -> dict[tuple[str, str], tzinfo]:
    places = sorted(
        {
            (order.tenant, line.location)
            for order, event in orders.items()
            for line in _order_of(event).claiming
        }
    )
    return await zones_of(tx, zones, places)


def _taken(
    event: Event, seller: str, by_place: Mapping[tuple[str, str], tzinfo], known: Known
) -> dict[Line, Taken]:
    """Give an order's lines as they are now; a line that it had and has no more takes nothing.

    Nor does one that a supplier sends.
    """
    found = {line: taken._replace(micros=0, sold=0) for line, taken in known.lines.items()}
    for said in _order_of(event).claiming:
        line = Line(said.item, said.location)
        ordered = said.base_ordered or said.ordered
        cancelled = said.base_cancelled or said.cancelled
        if line not in found:
            placed = event.believed(_placed(event))
            placed = placed.astimezone(by_place[event.tenant, said.location])
            found[line] = Taken(seller, 0, placed.toordinal(), placed.hour)
        before = found[line]
        micros = before.micros + max(0, ordered.micros - cancelled.micros)
        sold = before.sold + ordered.micros
        found[line] = before._replace(seller=seller, micros=micros, sold=sold)
    return found


def _changes(known: Mapping[Order, Known], after: Mapping[Order, Mapping[Line, Taken]]) -> Sums:
    sums: dict[Hour, tuple[int, int, int]] = {}

    def add(order: Order, line: Line, taken: Taken, sign: int) -> None:
        hour = Hour(order.tenant, line.place, line.item, taken.seller, taken.day, taken.hour)
        micros, sold, squares = sums.get(hour, (0, 0, 0))
        sums[hour] = (
            micros + sign * taken.micros,
            sold + sign * taken.sold,
            squares + sign * taken.sold**2,
        )

    for order, lines in after.items():
        for line, taken in known.get(order, Known()).lines.items():
            add(order, line, taken, -1)
        for line, taken in lines.items():
            add(order, line, taken, 1)
    return {hour: sums[hour] for hour in sorted(sums) if any(sums[hour])}


async def _write_orders(
    tx: Transaction,
    orders: Mapping[Order, Event],
    after: Mapping[Order, Mapping[Line, Taken]],
) -> None:
    rows: list[tuple[Any, ...]] = [
        (*order, *line, *_told(after[order][line]), *_version(event))
        for order, event in sorted(orders.items(), key=lambda each: each[0])
        for line in sorted(after[order])
    ]
    if rows:
        await tx.execute(WRITE_ORDERS, *map(list, zip(*rows, strict=True)))


def _told(taken: Taken) -> tuple[Any, ...]:
    return (
        taken.seller, Decimal(taken.micros), Decimal(taken.sold), taken.day, taken.hour
    )  # fmt: skip


async def _write_sums(tx: Transaction, sums: Sums) -> None:
    rows: list[tuple[Any, ...]] = [
        (*hour, Decimal(micros), Decimal(sold), Decimal(squares))
        for hour, (micros, sold, squares) in sums.items()
    ]
    if rows:
        await tx.execute(COUNT_SOLD, *map(list, zip(*rows, strict=True)))


def _writes_timed(events: Sequence[Event]) -> Delays:
    """Time the writes that could not wait: the others wait because nothing hangs on them."""
    delays: Delays = Counter()
    for event in events:
        settled = event.payload
        if isinstance(settled, CommandSettled) and settled.asked_at is not None:
            is_urgent = settled.process == PUBLISHING and settled.lane is Lane.IMMEDIATE
            if is_urgent and settled.settlement is Settlement.DONE:
                took = event.fact.occurred_at - settled.asked_at
                _add(delays, (event.tenant, settled.connection, PUBLISH), event, took)
    return delays


def _add(delays: Delays, path: tuple[str, str, str], event: Event, took: timedelta) -> None:
    bucket = delay_bucket(-(-took // timedelta(milliseconds=1)))  # rounded up
    if bucket is not None:
        delays[(*path, event.received_at.toordinal(), bucket)] += 1


async def _write_delays(tx: Transaction, delays: Delays) -> None:
    rows: list[tuple[Any, ...]] = [(*key, delays[key]) for key in sorted(delays)]
    if rows:
        await tx.execute(COUNT_DELAYS, *map(list, zip(*rows, strict=True)))


def _order_of(event: Event) -> OrderChanged:
    assert isinstance(event.payload, OrderChanged)  # noqa: S101  # the page sorted them
    return event.payload


def _placed(event: Event) -> datetime:
    """Tell when an order was placed; where nobody says, its first version is taken for it."""
    return _order_of(event).placed_at or event.fact.occurred_at
