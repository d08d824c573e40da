"""Stock below zero that no late fact has healed: a case until it is zero or more (INV-NEG, §7.2).

What passes through (the dock, the staging lane, the road) is booked in with a lot here and without
one there, so its lots are added up before it is held to be below zero.

A case says what is so now, and one that a person closed comes back while it is so.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory.cases import EVERY, PATIENCE
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants

PASSING = (StockStatus.RECEIVING, StockStatus.STAGED_OUT, StockStatus.IN_TRANSIT)
APART_MAX = 50
"""Where more items of a location are below zero it is one case: it is not each that is wrong."""
TOGETHER_MIN = 25
"""And stays one until they are fewer, so that what comes and goes about fifty opens none anew."""
SHOWN = 20

TENANTS = WorkersSql("""
select tenant from inventory_position where is_negative
union select tenant from inventory_negative
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
SEEN = "select location, item, since, told_as, digest from inventory_negative where tenant = $1"
SEE = """
insert into inventory_negative (tenant, location, item, since)
select $1, k.location, k.item, $4 from unnest($2::text[], $3::text[]) k(location, item)
"""
TELL = """
update inventory_negative n set told_as = k.told_as, digest = k.digest, is_shelf = k.is_shelf
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
    k(location, item, told_as, digest, is_shelf)
where n.tenant = $1 and n.location = k.location and n.item = k.item
    and (n.told_as, n.digest, n.is_shelf) <> (k.told_as, k.digest, k.is_shelf)
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

    @property
    def is_shelf(self) -> bool:
        """Say whether a count of the shelf can mend it: our own goods, and none on their way."""
        return not self.owner and self.status not in PASSING


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
        await each(await tenants(self._database, TENANTS), self._look)

    async def _look(self, scope: Scope) -> None:
        async with self._database.transaction(scope) as tx:
            await self._watch(tx, self._clock.now())

    async def _watch(self, tx: Transaction, now: datetime) -> None:
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
        told = {row["told_as"]: row["digest"] for row in seen.values() if row["told_as"]}
        wanted = negative_cases(lasting, {at for at, _ in seen if _of_all(at) in told})
        open_now = {one.fingerprint for one in wanted.values()}
        if wanted:
            await self._tell(tx, wanted, told, now)
            await _keep(tx, wanted, lasting)
        if healed := sorted(seen.keys() - below.keys()):
            await tx.execute(FORGET, tx.tenant, *_columns(healed))
        if gone := sorted(told.keys() - open_now):
            await self._desk.closed(tx, gone, "it is not below zero any more", now)

    async def _tell(
        self,
        tx: Transaction,
        wanted: Mapping[Key, OpenCase],
        told: Mapping[str, str],
        now: datetime,
    ) -> None:
        """Open the cases that are new, closed by hand or say something else than they did."""
        by_name = {one.fingerprint: one for one in wanted.values()}
        is_open = await self._desk.still_open(tx, sorted(by_name))
        news = [
            by_name[name]
            for name in sorted(by_name)
            if name not in is_open or told.get(name) != digest(by_name[name])
        ]
        if news:
            await self._desk.opened(tx, news, now)


async def _keep(
    tx: Transaction, wanted: Mapping[Key, OpenCase], below: Mapping[Key, Sequence[Below]]
) -> None:
    keys = sorted(wanted)
    await tx.execute(
        TELL,
        tx.tenant,
        *_columns(keys),
        [wanted[key].fingerprint for key in keys],
        [digest(wanted[key]) for key in keys],
        [any(one.is_shelf for one in below[key]) for key in keys],
    )


def digest(case: OpenCase) -> str:
    """Give what changes with all that a case says."""
    return sha256(repr((case.title, case.evidence)).encode()).hexdigest()


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [location for location, _ in keys], [item for _, item in keys]


def negative_cases(
    below: Mapping[Key, Sequence[Below]], together: AbstractSet[str] = frozenset()
) -> dict[Key, OpenCase]:
    """Say which case tells of each item: its own, or its location's where many are below zero.

    `together` are the locations that had one case of all so far.
    """
    at: dict[str, list[Key]] = {}
    for key in sorted(below):
        at.setdefault(key[0], []).append(key)
    cases: dict[Key, OpenCase] = {}
    for location, keys in at.items():
        if len(keys) > APART_MAX or (location in together and len(keys) >= TOGETHER_MIN):
            title = f"{len(keys)} items are below zero at {location}"
            buckets = [one for key in keys for one in below[key]]
            cases |= dict.fromkeys(keys, _case(_of_all(location), location, title, buckets))
            continue
        for key in keys:
            total = sum(one.micros for one in below[key])
            amount = Quantity.from_micros(total, below[key][0].unit)
            title = f"{key[1]} is below zero at {location}: {amount.value} {amount.unit}"
            name = f"stock/{location}/{key[1]}/INV-NEG"
            cases[key] = _case(name, key[1], title, below[key])
    return cases


def _of_all(location: str) -> str:
    return f"stock-of/{location}/INV-NEG"


def _case(name: str, entity: str, title: str, buckets: Sequence[Below]) -> OpenCase:
    return OpenCase(
        code="INV-NEG",
        fingerprint=name,
        severity="S2",
        owner_role="Inventory control",
        within=timedelta(hours=4),
        entity=entity,
        location=buckets[0].location,
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
                for one in sorted(buckets, key=lambda one: one.micros)[:SHOWN]
            ],
        },
    )
