"""Goods whose lot's last day is over lie there, and nobody is promised any (§3.3, I8).

What has expired is taken off what is nettable, under the lock of the stock row, where it changes:
with what is told of a lot, with the first movement of a lot, and at midnight by the location's own
clock. So a promise reads what it read before, and a movement that names no lot does nothing here.

The day of a location turns in steps, each a transaction: it is another day from the first one on,
so that whoever counts goods from then on counts by it; then the lots whose last day is over are
counted, some stock rows at a time; then the turn is done. A process that is killed leaves a turn
that is due still; what was counted is left alone the second time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

from crossdock.capabilities.inventory import claims, facts, lots, store
from crossdock.capabilities.inventory.demand import StockKey
from crossdock.capabilities.inventory.had import KnowsProtections
from crossdock.capabilities.inventory.lots import LotAt
from crossdock.capabilities.inventory.positions import PositionRow
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope

EXPIRY = "EXPIRY"
"""Why allocation looks again."""

STEP = 500
"""So many stock rows are counted in one transaction: a promise waits for few of them."""

DUE = WorkersSql("""
select tenant, location, zone from inventory_day where turns_at <= $1
order by turns_at, tenant, location limit $2
""")

# From here on it is another day. A turn that was not finished goes on, with what it had to do.
TURN = """
update inventory_day set day = $3, from_day = least(from_day, day, $3),
    to_day = greatest(to_day, day, $3)
where tenant = $1 and location = $2 returning from_day, to_day
"""

# Where the lots lie whose last day is one of these. The key of a position begins with these.
LAST_DAYS = """
select distinct s.stock_id, l.item, l.lot
from inventory_lot l
join inventory_position p on p.tenant = $1 and p.location = $2 and p.item = l.item
    and p.status = 'AVAILABLE' and p.owner = '' and p.lot = l.lot
join inventory_stock s on s.tenant = $1 and s.item = l.item and s.location = $2
where l.tenant = $1 and l.expires_on >= $3 and l.expires_on < $4
order by s.stock_id
"""

# One whose zone was changed meanwhile is due still.
DONE = """
update inventory_day set from_day = null, to_day = null, turns_at = $5
where tenant = $1 and location = $2 and day = $3 and zone = $4
"""

ONLY_INDEXES = "set local enable_seqscan = off"


class Turn(NamedTuple):
    """A location whose day is over, by the clock of its zone."""

    tenant: str
    location: str
    zone: str


async def reckon(
    tx: Transaction, sheet: Sheet, by_key: Mapping[StockKey, int], named: Iterable[LotAt]
) -> set[StockKey]:
    """Count these lots by the day of their locations, on rows that are locked.

    Give the item-locations where that changes what can be promised.
    """
    turned = await lots.turned(tx, named)
    for key, micros in turned.items():
        sheet.add(by_key[key], nettable=-micros, expired=micros)
    return {key for key, micros in turned.items() if micros}


async def reckon_new(
    tx: Transaction,
    sheet: Sheet,
    by_key: Mapping[StockKey, int],
    rows: Iterable[PositionRow],
    now: datetime,
) -> None:
    """Count the lots that lie somewhere for the first time; other rows change nothing.

    A location that nobody told of has the clock of UTC.
    """
    new = {
        LotAt(bucket.tenant, bucket.item, bucket.location, bucket.lot)
        for bucket in (row.bucket for row in rows if row.is_new)
        if bucket.counts and bucket.lot
    }
    await lots.make_days(tx, {(one.tenant, one.location): "UTC" for one in new}, now)
    await reckon(tx, sheet, by_key, new)


async def look_again(
    tx: Transaction,
    protections: KnowsProtections | None,
    changed: Collection[StockKey],
    now: datetime,
) -> None:
    """Have allocation look again at these item-locations, and at the groups they are in."""
    if not changed or protections is None:
        return
    groups = await claims.groups(tx, sorted({(tenant, at) for tenant, _, at in changed}))
    also = {
        (tenant, item, groups[tenant, at])
        for tenant, item, at in changed
        if (tenant, at) in groups
    }
    for tenant, keys in groupby(sorted({*changed, *also}), key=lambda key: key[0]):
        named = [(item, at) for _, item, at in keys]
        await protections.look_again(tx, named, EXPIRY, now, tenant=tenant)


class DayTurns:
    """Turns the day of each location at its own midnight."""

    def __init__(
        self, database: Database, clock: Clock, protections: KnowsProtections | None
    ) -> None:
        self._database = database
        self._clock = clock
        self._protections = protections

    async def turn(self, *, limit: int, step: int = STEP) -> int:
        """Turn the day where it is over, the longest over first; say at how many locations.

        One that cannot be turned keeps none of the others: what was wrong is raised at the end.
        """
        now = self._clock.now()
        async with self._database.transaction(Scope.of_workers()) as tx:
            due = [Turn(*row) for row in await tx.fetch(DUE, now, limit)]
        failures: list[Exception] = []
        for one in due:
            try:
                await self._turn(one, now, step)
            except Exception as error:  # noqa: BLE001  # raised when the others have turned
                error.add_note(f"the day of {one.location} of {one.tenant} is not turned")
                failures.append(error)
        if failures:
            raise failures[0]
        return len(due)

    async def _turn(self, one: Turn, now: datetime, step: int) -> None:
        scope, day = Scope(one.tenant), lots.local_day(now, one.zone)
        async with self._database.transaction(scope) as tx:
            [span] = await tx.fetch(TURN, one.tenant, one.location, day)
        async with self._database.transaction(scope) as tx:
            await tx.execute(ONLY_INDEXES)
            found = await tx.fetch(
                LAST_DAYS, one.tenant, one.location, span["from_day"], span["to_day"]
            )
        by_row = [
            (stock_id, [LotAt(one.tenant, row["item"], one.location, row["lot"]) for row in rows])
            for stock_id, rows in groupby(found, key=lambda row: row["stock_id"])
        ]
        for begin in range(0, len(by_row), step):
            async with self._database.transaction(scope) as tx:
                await self._count(tx, by_row[begin : begin + step], now)
        await self._done(scope, one, day)

    async def _count(
        self, tx: Transaction, by_row: Sequence[tuple[int, list[LotAt]]], now: datetime
    ) -> None:
        """Count the lots of some stock rows, and tell the log, in one transaction."""
        await tx.execute(ONLY_INDEXES)
        rows = await store.lock_stock(tx, [stock_id for stock_id, _ in by_row])
        sheet = Sheet(rows, {}, tx.tenant)
        by_key = {named[0].key: stock_id for stock_id, named in by_row}
        changed = await reckon(tx, sheet, by_key, (lot for _, named in by_row for lot in named))
        written, lines = await sheet.write(tx)
        await facts.tell(tx, written, lines, now, {})
        await look_again(tx, self._protections, changed, now)

    async def _done(self, scope: Scope, one: Turn, day: date) -> None:
        turns_at = lots.day_after(day, one.zone)
        async with self._database.transaction(scope) as tx:
            await tx.execute(DONE, one.tenant, one.location, day, one.zone, turns_at)
