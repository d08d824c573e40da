"""Lots and the days of locations as stored: who has expired where, and what that takes off.

A lot's last day of use is told for an item, wherever it lies; whether it is over goes by the day
at the location (`inventory_day`). The day only turns in `expiring.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from crossdock.canonical.catalog import LocationChanged, LotChanged
from crossdock.canonical.errors import Unavailable
from crossdock.capabilities.inventory import protection
from crossdock.capabilities.inventory.demand import StockKey
from crossdock.capabilities.inventory.page import Page, Version
from crossdock.capabilities.inventory.store import StockRow
from crossdock.foundation.database import Transaction
from crossdock.foundation.zones import zone_of

KEEP_LOTS = """
insert into inventory_lot as l (tenant, item, lot, source, expires_on, rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::bigint[],
    $7::bigint[], $8::bigint[])
on conflict (tenant, item, lot, source) do update set expires_on = excluded.expires_on,
    rank = excluded.rank, us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (l.rank, l.us, l.position)
"""

# The last day of each lot by whoever told of it last.
BELIEVED = """
select k.tenant, k.item, k.lot, l.expires_on
from unnest($1::text[], $2::text[], $3::text[]) k(tenant, item, lot)
cross join lateral (select expires_on from inventory_lot
    where tenant = k.tenant and item = k.item and lot = k.lot
    order by us desc, source desc limit 1) l
"""

# Where a lot has a bucket that counts, filled or empty: the stock rows there.
BUCKETS = """
select s.tenant, s.item, s.location, k.lot, s.stock_id
from unnest($1::text[], $2::text[], $3::text[]) k(tenant, item, lot)
join inventory_stock s on s.tenant = k.tenant and s.item = k.item
where exists (select from inventory_position p where p.tenant = k.tenant
    and p.location = s.location and p.item = k.item and p.status = 'AVAILABLE' and p.owner = ''
    and p.lot = k.lot)
"""

MAKE_DAYS = """
insert into inventory_day (tenant, location, zone, day, turns_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::timestamptz[])
on conflict (tenant, location) do nothing
"""

# Another zone may be another day: the turn of it is due at once.
SET_ZONES = """
update inventory_day d set zone = w.zone, turns_at = least(d.turns_at, $4)
from unnest($1::text[], $2::text[], $3::text[]) w(tenant, location, zone)
where d.tenant = w.tenant and d.location = w.location and d.zone <> w.zone
"""

# Whoever counts by a day holds it until he has committed, so that it does not turn unseen.
HOLD_DAYS = """
select d.day from unnest($1::text[], $2::text[]) k(tenant, location)
join inventory_day d on d.tenant = k.tenant and d.location = k.location
order by d.tenant, d.location for share of d
"""

DAYS = "select location, day, from_day from inventory_day where tenant = $1"

# Count what lies in these lots among what has expired, or no longer: of two sources that tell of a
# lot the last to speak is believed, and the last day itself is good. Buckets that are counted so
# already are left alone, so it can be run any number of times; empty ones are turned, too, for
# goods that come back to them.
RECKON = """
with asked as (
    select k.*, coalesce(l.expires_on < d.day, false) as is_over
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) k(tenant, item, location, lot)
    join inventory_day d on d.tenant = k.tenant and d.location = k.location
    left join lateral (select expires_on from inventory_lot
        where tenant = k.tenant and item = k.item and lot = k.lot
        order by us desc, source desc limit 1) l on true
), turned as (
    update inventory_position p set is_expired = k.is_over from asked k
    where p.tenant = k.tenant and p.location = k.location and p.item = k.item
        and p.status = 'AVAILABLE' and p.owner = '' and p.lot = k.lot
        and p.is_expired <> k.is_over
    returning p.tenant, p.item, p.location,
        case when p.is_expired then greatest(0, p.micros) else -greatest(0, p.micros) end as micros
)
select tenant, item, location, sum(micros)::bigint as micros from turned
group by tenant, item, location
"""

WRITE_EXPIRED = """
with written as (
    update inventory_stock s set expired = w.expired
    from unnest($1::bigint[], $2::bigint[], $3::bigint[]) w(stock_id, version, expired)
    where s.stock_id = w.stock_id and ($4 = '*' or s.tenant = $4)
    returning s.tenant, s.stock_id, w.version, w.expired
)
insert into inventory_expired (tenant, stock_id, version, micros)
select tenant, stock_id, version, expired from written
"""

# What was taken off stock rows at a version of each.
EXPIRED_AT = """
select k.stock_id, e.micros from unnest($2::bigint[], $3::bigint[]) k(stock_id, version)
cross join lateral (select micros from inventory_expired
    where tenant = $1 and stock_id = k.stock_id and version <= k.version
    order by version desc limit 1) e
"""


Lot = tuple[str, str, str]
"""Tenant, item, lot."""
Place = tuple[str, str]
"""Tenant, location."""


class LotAt(NamedTuple):
    """A lot of an item at a location: ours, and AVAILABLE."""

    tenant: str
    item: str
    location: str
    lot: str

    @property
    def key(self) -> StockKey:
        return self.tenant, self.item, self.location

    @property
    def place(self) -> Place:
        return self.tenant, self.location


async def keep(tx: Transaction, page: Page) -> set[Lot]:
    """Keep of each lot and source the newest word; give the lots whose last day is another now.

    One that is told again, as by a nightly report of all of them, locks nothing anywhere.
    """
    said = sorted(page.lots.items())
    if not said:
        return set()
    keys = [list(column) for column in zip(*(key for key, _ in said), strict=True)]
    versions = [version for _, version in said]
    last_days = [last_day(version) for version in versions]
    orders = [list(column) for column in zip(*(one.order for one in versions), strict=True)]
    named = sorted({key[:3] for key in page.lots})
    before = await _believed(tx, named)
    await tx.execute(KEEP_LOTS, *keys, last_days, *orders)
    after = await _believed(tx, named)
    return {lot for lot in named if before.get(lot) != after.get(lot)}


async def _believed(tx: Transaction, named: Sequence[Lot]) -> dict[Lot, date | None]:
    rows = await tx.fetch(BELIEVED, *[list(column) for column in zip(*named, strict=True)])
    return {(row["tenant"], row["item"], row["lot"]): row["expires_on"] for row in rows}


def last_day(version: Version) -> date | None:
    """Give the last day of use that a version of a lot tells."""
    payload = version.event.payload
    assert isinstance(payload, LotChanged)  # noqa: S101  # the page sorted them
    return payload.expires_on


async def buckets(tx: Transaction, named: Collection[Lot]) -> dict[LotAt, int]:
    """Give where these lots have buckets that count, with the stock rows."""
    if not named:
        return {}
    columns = [list(column) for column in zip(*sorted(named), strict=True)]
    rows = await tx.fetch(BUCKETS, *columns)
    return {LotAt(*row[:4]): row["stock_id"] for row in rows}


async def make_days(tx: Transaction, zones: Mapping[tuple[str, str], str], now: datetime) -> None:
    """Begin to keep the day of each (tenant, location) that none is kept of yet."""
    if not zones:
        return
    places = sorted(zones)
    days = [local_day(now, zones[place]) for place in places]
    await tx.execute(
        MAKE_DAYS,
        [tenant for tenant, _ in places],
        [location for _, location in places],
        [zones[place] for place in places],
        days,
        [day_after(day, zones[place]) for place, day in zip(places, days, strict=True)],
    )


async def hold_days(tx: Transaction, places: Collection[Place]) -> None:
    """Hold the days of these until the transaction ends: behind stock rows, and in one order."""
    if places:
        named = sorted(places)
        await tx.fetch(HOLD_DAYS, [tenant for tenant, _ in named], [at for _, at in named])


async def set_zones(tx: Transaction, zones: Mapping[tuple[str, str], str], now: datetime) -> None:
    """Have the day of these (tenant, location) go by these zones from the next turn on."""
    if zones:
        places = sorted(zones)
        columns = [tenant for tenant, _ in places], [location for _, location in places]
        await tx.execute(SET_ZONES, *columns, [zones[place] for place in places], now)


def zones_told(page: Page, newer: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Give the zone of each of these (tenant, location), as the page tells it."""
    found: dict[tuple[str, str], str] = {}
    for place in newer:
        payload = page.locations[place].event.payload
        assert isinstance(payload, LocationChanged)  # noqa: S101  # the page sorted them
        found[place] = payload.timezone
    return found


def local_day(now: datetime, zone: str) -> date:
    """Tell which day it is in a zone; by UTC where nobody knows it."""
    return now.astimezone(zone_of(zone)).date()


def day_after(day: date, zone: str) -> datetime:
    """Tell when a day is over in a zone: midnight there, in UTC."""
    return protection.midnight(day + timedelta(days=1), zone_of(zone)).astimezone(UTC)


async def days_of(tx: Transaction, tenant: str) -> dict[str, date]:
    """Tell which day it is at each location, as its lots are counted.

    Raises `Unavailable` while a day is turning: some lots are counted by it, and some not yet.
    """
    rows = await tx.fetch(DAYS, tenant)
    if turning := sorted(row["location"] for row in rows if row["from_day"] is not None):
        raise Unavailable(
            f"the day is turning at {turning[0]}, and what has expired is being counted",
            code="day_turns",
            hint="ask again when the job `turn days` has run",
        )
    return {row["location"]: row["day"] for row in rows}


async def turned(tx: Transaction, named: Iterable[LotAt]) -> dict[StockKey, int]:
    """Count these lots by the day of their locations; say what more has expired by that.

    In micros, below zero where less has. The stock rows must be locked.
    """
    asked = sorted(set(named))
    if not asked:
        return {}
    await hold_days(tx, {one.place for one in asked})
    rows = await tx.fetch(RECKON, *[list(column) for column in zip(*asked, strict=True)])
    return {(row["tenant"], row["item"], row["location"]): row["micros"] for row in rows}


async def write_expired(tx: Transaction, rows: Sequence[StockRow]) -> None:
    """Write what has expired of rows that are locked, and keep it beside their versions."""
    if rows:
        await tx.execute(
            WRITE_EXPIRED,
            [row.stock_id for row in rows],
            [row.version for row in rows],
            [row.expired for row in rows],
            tx.tenant,
        )


async def expired_at(tx: Transaction, versions: Mapping[int, int]) -> dict[int, int]:
    """Say what had expired of each stock row at a version of it, in micros."""
    rows = await tx.fetch(EXPIRED_AT, tx.tenant, list(versions), list(versions.values()))
    return {row["stock_id"]: row["micros"] for row in rows}
