"""Stock below zero that no late fact has healed: a case until it is zero or more (INV-NEG, §7.2).

What passes through (the dock, the staging lane, the road) is booked in with a lot here and without
one there, so its lots are added up before it is held to be below zero.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory.cases import EVERY, PATIENCE, Desk, StockCase, each
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope

PASSING = (StockStatus.RECEIVING, StockStatus.STAGED_OUT, StockStatus.IN_TRANSIT)
APART_MAX = 50
"""Where more items of a location are below zero it is one case: it is not each that is wrong."""
SHOWN = 20

TENANTS = WorkersSql("""
select tenant from inventory_position where is_negative
union select tenant from inventory_negative order by tenant
""")

# By an index of what is below zero alone. Of what passes through the other lots are looked up.
BELOW = """
select p.location, p.item, p.status, p.owner, p.lot, p.serial, p.micros, p.unit
from inventory_position p
where p.tenant = $1 and p.is_negative and (p.status <> all($2::text[])
    or (select sum(q.micros) from inventory_position q
        where q.tenant = $1 and q.location = p.location and q.item = p.item
            and q.status = p.status and q.owner = p.owner) < 0)
order by p.location, p.item, p.status, p.owner, p.lot, p.serial
"""
SEEN = "select location, item, since, told_as from inventory_negative where tenant = $1"
SEE = """
insert into inventory_negative (tenant, location, item, since)
select $1, k.location, k.item, $4 from unnest($2::text[], $3::text[]) k(location, item)
"""
TELL = """
update inventory_negative n set told_as = k.told_as
from unnest($2::text[], $3::text[], $4::text[]) k(location, item, told_as)
where n.tenant = $1 and n.location = k.location and n.item = k.item
"""
FORGET = """
delete from inventory_negative n using unnest($2::text[], $3::text[]) k(location, item)
where n.tenant = $1 and n.location = k.location and n.item = k.item
"""

Key = tuple[str, str]
"""Location and item."""


class Below(NamedTuple):
    """A bucket that is below zero by `micros` of the base unit."""

    location: str
    item: str
    status: str
    owner: str
    lot: str
    serial: str
    micros: int
    unit: str

    @property
    def key(self) -> Key:
        return self.location, self.item


class NegativeStock:
    """Looks every few minutes at what is below zero."""

    def __init__(self, database: Database, clock: Clock, desk: Desk) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk

    @property
    def job(self) -> Job:
        return Job(name="watch negative stock", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open and close the cases of every tenant; a second look changes nothing."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS)]
        await each(self._database, tenants, self._watch)

    async def _watch(self, tx: Transaction) -> None:
        now = self._clock.now()
        below: dict[Key, list[Below]] = {}
        for row in await tx.fetch(BELOW, tx.tenant, PASSING):
            one = Below(*row)
            below.setdefault(one.key, []).append(one)
        seen = {(row["location"], row["item"]): row for row in await tx.fetch(SEEN, tx.tenant)}
        if fresh := sorted(below.keys() - seen.keys()):
            await tx.execute(SEE, tx.tenant, *_columns(fresh), now)
        lasting = {key: below[key] for key in seen if key in below}
        lasting = {
            key: ones for key, ones in lasting.items() if now - seen[key]["since"] >= PATIENCE
        }
        wanted = negative_cases(lasting)
        told = {row["told_as"] for row in seen.values()} - {""}
        open_now = {one.fingerprint for one in wanted.values()}
        await self._settle(tx, wanted, told, now)
        if healed := sorted(seen.keys() - below.keys()):
            await tx.execute(FORGET, tx.tenant, *_columns(healed))
        if gone := sorted(told - open_now):
            await self._desk.closed(tx, gone, "it is not below zero any more", now)

    async def _settle(
        self, tx: Transaction, wanted: Mapping[Key, StockCase], told: set[str], now: datetime
    ) -> None:
        news = {one.fingerprint: one for one in wanted.values() if one.fingerprint not in told}
        if news:
            await self._desk.opened(tx, [news[name] for name in sorted(news)], now)
        if wanted:
            keys = sorted(wanted)
            names = [wanted[key].fingerprint for key in keys]
            await tx.execute(TELL, tx.tenant, *_columns(keys), names)


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [location for location, _ in keys], [item for _, item in keys]


def negative_cases(below: Mapping[Key, Sequence[Below]]) -> dict[Key, StockCase]:
    """Say which case tells of each item: its own, or its location's where many are below zero."""
    at: dict[str, list[Key]] = {}
    for key in sorted(below):
        at.setdefault(key[0], []).append(key)
    cases: dict[Key, StockCase] = {}
    for location, keys in at.items():
        if len(keys) > APART_MAX:
            title = f"{len(keys)} items are below zero at {location}"
            buckets = [one for key in keys for one in below[key]]
            cases |= dict.fromkeys(keys, _case(f"{location}", location, title, buckets))
            continue
        for key in keys:
            total = sum(one.micros for one in below[key])
            amount = Quantity.from_micros(total, below[key][0].unit)
            title = f"{key[1]} is below zero at {location}: {amount.value} {amount.unit}"
            cases[key] = _case(f"{location}/{key[1]}", key[1], title, below[key])
    return cases


def _case(name: str, entity: str, title: str, buckets: Sequence[Below]) -> StockCase:
    return StockCase(
        code="INV-NEG",
        fingerprint=f"stock/{name}/INV-NEG",
        severity="S2",
        owner_role="Inventory control",
        within=timedelta(hours=4),
        entity=entity,
        title=title,
        evidence={
            "buckets": len(buckets),
            "below_zero": [
                {
                    "item": one.item,
                    "location": one.location,
                    "status": one.status,
                    "owner": one.owner,
                    "lot": one.lot,
                    "serial": one.serial,
                    "in_base_unit": str(Quantity.from_micros(one.micros).value),
                }
                for one in buckets[:SHOWN]
            ],
        },
    )
