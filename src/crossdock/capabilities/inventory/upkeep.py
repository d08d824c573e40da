"""What keeps promises honest without being asked: expiry, announcements, house rules."""

from datetime import datetime, timedelta

from crossdock.canonical.envelope import Event
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import announcing, facts, lots, model, state, store
from crossdock.capabilities.inventory.answering import DEFAULT_FRESHNESS_SECONDS, SOURCES
from crossdock.capabilities.inventory.had import KnowsProtections
from crossdock.capabilities.inventory.proof import SourceAge
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import StockIds
from crossdock.capabilities.inventory.turning import DayTurns
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.event_log import Position
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope

FRESHNESS_SECONDS_MAX = 31 * 24 * 3600

# How long a source's silence may last is a setting of its connection.
SET_FRESHNESS = """
insert into inventory_source (tenant, source, freshness_seconds) values ($1, $2, $3)
on conflict (tenant, source) do update set freshness_seconds = excluded.freshness_seconds
"""

FRESHNESS = """
select freshness_seconds, heard_at from inventory_source where tenant = $1 and source = $2
"""

# A source that never spoke has said nothing about stock that could be out of date.
SILENT = """
select source, heard_at, freshness_seconds from inventory_source
where ($1 = '*' or tenant = $1) and heard_at + make_interval(secs => freshness_seconds) < $2
order by heard_at
"""

# Stock rows whose soft holds have lapsed, the longest lapsed first.
LAPSED_STOCK = WorkersSql("select distinct tenant, stock_id from inventory_lapsed($1, $2)")


HALF_A_MINUTE = timedelta(seconds=30)
TURN_EVERY = timedelta(seconds=10)
"""So often a day that could not be turned is tried again; a midnight is not waited for so long."""


class Upkeep:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        stock_ids: StockIds,
        protections: KnowsProtections | None,
    ) -> None:
        self._protections = protections
        self._database = database
        self._clock = clock
        self._stock_ids = stock_ids
        self._days = DayTurns(database, clock, protections)

    def jobs(self) -> list[Job]:
        """Name what is to be done again and again, and how often."""
        return [
            Job(
                name="expire soft holds",
                every=HALF_A_MINUTE,
                work=self.sweep,
                limit=HALF_A_MINUTE,
            ),
        ]

    def day_turns(self) -> Job:
        """Name what is done at every midnight, so that nothing else makes it wait."""
        return Job(
            name="turn days",
            every=TURN_EVERY,
            work=self.turn_days,
            limit=HALF_A_MINUTE,
            next_after=self._days.next_after,
        )

    async def set_safety(
        self, scope: Scope, item: str, location: str, micros: int, *, unit: str = "EA", by: str
    ) -> None:
        """Keep so much from being promised, in micros of the item's base unit; the log hears it.

        `unit` is that base unit: where nothing was counted yet, the stock does not say.
        """
        if not 0 <= micros < model.MICROS_MAX:
            raise Invalid("safety stock is zero or more", where="/quantity")
        async with self._database.transaction(scope) as tx:
            found = await self._stock_ids.of(tx, scope.tenant, [(item, location)])
            sheet = await Sheet.locked(tx, scope.tenant, self._stock_ids, found.values())
            before, now = sheet.rows[found[item, location]], self._clock.now()
            if not sheet.set_safety(before.stock_id, micros):
                return
            await sheet.save(tx, now)
            await event_log.append(
                tx, [facts.of_safety(before, Quantity.from_micros(micros, unit), by, now)]
            )
            if self._protections is not None:
                keys = sheet.with_groups([(item, location)])
                await self._protections.look_again(tx, keys, "SAFETY", now)

    async def set_freshness(self, scope: Scope, source: str, seconds: int) -> None:
        """Say how long a source may be silent before its stock counts as stale."""
        async with self._database.transaction(scope) as tx:
            await self.set_freshness_in(tx, source, seconds)

    async def set_freshness_in(self, tx: Transaction, source: str, seconds: int) -> None:
        if not 0 < seconds <= FRESHNESS_SECONDS_MAX:
            raise Invalid(
                f"a source may be silent for 1 to {FRESHNESS_SECONDS_MAX} seconds",
                where="freshness_seconds",
            )
        await tx.execute(SET_FRESHNESS, tx.tenant, source, seconds)

    async def freshness_in(self, tx: Transaction, source: str) -> tuple[int, datetime | None]:
        """Tell how long a source may be silent, and when it was heard last."""
        row = await tx.fetchrow(FRESHNESS, tx.tenant, source)
        if row is None:
            return DEFAULT_FRESHNESS_SECONDS, None
        return row["freshness_seconds"], row["heard_at"]

    async def silent_sources(self, scope: Scope) -> list[SourceAge]:
        """Name the sources whose stock counts as stale, the longest silent first."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(SILENT, tx.tenant, self._clock.now())
        return [SourceAge(**dict(row.items())) for row in rows]

    async def ages_in(self, tx: Transaction) -> dict[str, SourceAge]:
        """Tell when each source was heard last, and how long it may be silent."""
        rows = await tx.fetch(SOURCES, tx.tenant)
        return {row["source"]: SourceAge(**dict(row.items())) for row in rows}

    async def sweep(self, *, limit: int = 10_000) -> int:
        """End the soft holds whose time is over where nobody asks; a job calls this."""
        now = self._clock.now()
        async with self._database.transaction(Scope.of_workers()) as tx:
            found = await tx.fetch(LAPSED_STOCK, now, limit)
        for tenant in sorted({row["tenant"] for row in found}):
            async with self._database.transaction(Scope(tenant)) as tx:
                stock_ids = [row["stock_id"] for row in found if row["tenant"] == tenant]
                sheet = Sheet(await store.lock_stock(tx, stock_ids), {}, tenant)
                await sheet.expire_lapsed(tx, now)
                await sheet.save(tx, now)
        return len(found)

    async def turn_days(self, *, limit: int = 10_000) -> int:
        """Take off what has expired where a day has ended, by each location's own clock (I8).

        A job calls this; say at how many locations it turned.
        """
        return await self._days.turn(limit=limit)

    async def tell(self) -> None:
        """Announce everything that promises have changed so far."""
        await announcing.announce_all(self._database)

    async def run(self) -> None:
        """Announce as it comes, until cancelled."""
        await announcing.announce_forever(self._database)

    async def state_hash(self, scope: Scope) -> str:
        """Hash positions, figures and demand as they stand."""
        async with self._database.transaction(scope) as tx:
            return (await state.live(tx, scope.tenant)).digest()

    async def replayed_hash(self, scope: Scope) -> str:
        """Hash what the log alone says, read from its beginning, on the days that it is."""
        events: list[Event] = []
        after = Position()
        async with self._database.transaction(scope) as tx:
            days = await lots.days_of(tx, scope.tenant)
            while True:
                page, reached = await event_log.read_past(tx, after, limit=10_000)
                if reached == after:
                    return state.replayed(events, scope.tenant, days).digest()
                events += page
                after = reached
