"""The day turns at each location at its own midnight, and takes off what has expired there (I8).

Locations of one clock turn together, in steps, each a transaction. With the first it is another
day there, so that whoever counts goods from then on counts by it; then the lots whose last day is
over are looked at, a page at a time, and those that are not counted yet are counted; then the turn
is done. All that turn are given a step each, and then another, so that none waits for one that has
millions of lots. A turn that was cut off goes on at the last days that it had reached.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from crossdock.capabilities.inventory import expiring, facts, lots, store
from crossdock.capabilities.inventory.had import KnowsProtections
from crossdock.capabilities.inventory.lots import LotAt
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope

DUE = WorkersSql("""
select tenant, zone, location from inventory_day where turns_at <= $1
order by turns_at, tenant, location limit $2
""")

# Where a turn was begun it is due, and nobody waits for its time.
NEXT = WorkersSql("""
select turns_at from inventory_day where turns_at > $1 and from_day is null
order by turns_at limit 1
""")

# From here on it is another day. A turn that was not finished goes on, with what it had to do.
# Whoever takes it in hand last has it: `turns_at` says so, and that others are longer due.
TURN = """
with held as (
    select location from inventory_day
    where tenant = $1 and location = any($2::text[]) and zone = $3 and turns_at <= $5
    order by location for update
)
update inventory_day d set day = $4, from_day = least(d.from_day, d.day, $4),
    to_day = greatest(d.to_day, d.day, $4), turns_at = $5
from held where d.tenant = $1 and d.location = held.location
returning d.location, d.from_day, d.to_day
"""

LOTS_FROM = """
select expires_on, item, lot, source from inventory_lot
where tenant = $1 and (expires_on, item, lot, source) > ($2, $3, $4, $5) and expires_on < $6
order by expires_on, item, lot, source limit $7
"""

# Where these lots lie, or lay, and are not counted by the day as `lots.RECKON` counts them.
NOT_COUNTED = """
select s.stock_id, s.item, s.location, k.lot
from unnest($3::text[], $4::text[]) k(item, lot)
join inventory_stock s on s.tenant = $1 and s.item = k.item and s.location = any($2::text[])
join inventory_day d on d.tenant = $1 and d.location = s.location
cross join lateral (select expires_on from inventory_lot
    where tenant = $1 and item = k.item and lot = k.lot
    order by us desc, source desc limit 1) l
where exists (select from inventory_position p where p.tenant = $1 and p.location = s.location
    and p.item = k.item and p.status = 'AVAILABLE' and p.owner = '' and p.lot = k.lot
    and p.is_expired <> coalesce(l.expires_on < d.day, false))
order by s.stock_id, k.lot
"""

REACHED = """
with held as (
    select location from inventory_day
    where tenant = $1 and location = any($2::text[]) and zone = $3 and turns_at = $5
        and from_day < $6
    order by location for update
)
update inventory_day d set from_day = $6
from held where d.tenant = $1 and d.location = held.location and d.day = $4
"""

# One whose zone was changed meanwhile, or that somebody else has in hand by now, is due still.
DONE = """
with held as (
    select location from inventory_day
    where tenant = $1 and location = any($2::text[]) and zone = $3 and turns_at = $5
    order by location for update
)
update inventory_day d set from_day = null, to_day = null, turns_at = $6
from held where d.tenant = $1 and d.location = held.location and d.day = $4
"""


One = TypeVar("One")


class Bounds(NamedTuple):
    """How much is done at once: `places` turn together, so many `lots` are looked at in a page.

    In one transaction `step` of them are counted, each at one location: a promise waits for few.
    A step that takes more than so many `seconds` is given up.
    """

    places: int = 100
    lots: int = 200
    step: int = 500
    seconds: float = 10.0


BOUNDS = Bounds()


class Part(NamedTuple):
    """Locations of one tenant whose day is over by the clock of one zone."""

    tenant: str
    zone: str
    locations: tuple[str, ...]

    @property
    def places(self) -> set[tuple[str, str]]:
        return {(self.tenant, location) for location in self.locations}

    def alone(self) -> Iterator["Part"]:
        return (self._replace(locations=(location,)) for location in self.locations)


class Turn(NamedTuple):
    """A part that was taken in hand `at` a moment; it is `day` there from then on."""

    part: Part
    day: date
    at: datetime

    @property
    def key(self) -> tuple[str, list[str], str, date, datetime]:
        return self.part.tenant, list(self.part.locations), self.part.zone, self.day, self.at


class DayTurns:
    """Turns the day of each location at its own midnight."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        protections: KnowsProtections | None,
        bounds: Bounds = BOUNDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._protections = protections
        self._bounds = bounds
        self._failed: set[tuple[str, str]] = set()

    async def next_after(self, moment: datetime) -> datetime | None:
        """Tell when the next day ends behind a moment, of whatever tenant and location."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            found: datetime | None = await tx.fetchval(NEXT, moment)
        return found

    async def turn(self, *, limit: int) -> int:
        """Turn the day where it is over; say at how many locations.

        One that cannot be turned keeps none of the others: it is tried alone, goes last the next
        time, and what was wrong is raised at the end.
        """
        turned: list[str] = []
        failures: list[Exception] = []
        queue = deque((part, self._steps(part, turned)) for part in await self._due(limit))
        while queue:
            part, steps = queue.popleft()
            try:
                async with asyncio.timeout(self._bounds.seconds):
                    await anext(steps)
            except StopAsyncIteration:
                self._failed -= part.places
            except Exception as error:  # noqa: BLE001  # raised when the others have turned
                if len(part.locations) > 1:
                    queue += [(one, self._steps(one, turned)) for one in part.alone()]
                    continue
                named = "".join(part.locations)
                error.add_note(f"the day of {named} of {part.tenant} is not turned")
                failures.append(error)
                self._failed |= part.places
            else:
                queue.append((part, steps))
        if failures:
            raise failures[0]
        return len(set(turned))

    async def _due(self, limit: int) -> list[Part]:
        """Give what is due in parts, the longest due first; what failed before is last, alone."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            rows = await tx.fetch(DUE, self._clock.now(), limit)
        by_clock: dict[tuple[str, str], list[str]] = {}
        last: list[Part] = []
        for tenant, zone, location in rows:
            if (tenant, location) in self._failed:
                last.append(Part(tenant, zone, (location,)))
            else:
                by_clock.setdefault((tenant, zone), []).append(location)
        parts = [
            Part(*clock, tuple(places))
            for clock, locations in by_clock.items()
            for places in _batched(locations, self._bounds.places)
        ]
        return parts + last

    async def _steps(self, part: Part, turned: list[str]) -> AsyncIterator[None]:
        """Turn the day of a part, in steps; nothing is open between two of them."""
        now, scope = self._clock.now(), Scope(part.tenant)
        turn = Turn(part, lots.local_day(now, part.zone), now)
        async with self._database.transaction(scope) as tx:
            spans = await tx.fetch(TURN, *turn.key)
        if not spans:
            return
        turned += [f"{part.tenant}/{row['location']}" for row in spans]
        after: Sequence[Any] = (min(row["from_day"] for row in spans), "", "", "")
        until = max(row["to_day"] for row in spans)
        is_more = True
        while is_more:
            yield
            async with self._database.transaction(scope) as tx:
                page = await tx.fetch(LOTS_FROM, part.tenant, *after, until, self._bounds.lots)
                found = await self._not_counted(tx, part, page)
            for some in _batched(found, self._bounds.step):
                async with self._database.transaction(scope) as tx:
                    await self._count(tx, some)
                yield
            is_more = len(page) == self._bounds.lots
            if is_more:
                after = page[-1]
                async with self._database.transaction(scope) as tx:
                    await tx.execute(REACHED, *turn.key, after[0])
        await self._done(turn)

    async def _not_counted(
        self, tx: Transaction, part: Part, page: Iterable[Sequence[str]]
    ) -> list[tuple[int, LotAt]]:
        """Give where lots are to be counted, each with its stock row."""
        await tx.execute(expiring.ONLY_INDEXES)
        named = sorted({(item, lot) for _, item, lot, _ in page})
        columns = [item for item, _ in named], [lot for _, lot in named]
        rows = await tx.fetch(NOT_COUNTED, part.tenant, list(part.locations), *columns)
        return [(stock_id, LotAt(part.tenant, *rest)) for stock_id, *rest in rows]

    async def _count(self, tx: Transaction, found: Sequence[tuple[int, LotAt]]) -> None:
        """Count lots where they lie, and tell the log, in one transaction."""
        now = self._clock.now()
        await tx.execute(expiring.ONLY_INDEXES)
        rows = await store.lock_stock(tx, [stock_id for stock_id, _ in found])
        sheet = Sheet(rows, {}, tx.tenant)
        by_key = {lot.key: stock_id for stock_id, lot in found}
        changed = await expiring.reckon(tx, sheet, by_key, [lot for _, lot in found])
        written, lines = await sheet.write(tx)
        await facts.tell(tx, written, lines, now, {})
        await expiring.look_again(tx, self._protections, changed, now)

    async def _done(self, turn: Turn) -> None:
        turns_at = lots.day_after(turn.day, turn.part.zone)
        async with self._database.transaction(Scope(turn.part.tenant)) as tx:
            await tx.execute(DONE, *turn.key, turns_at)


def _batched(all_of_them: Sequence[One], size: int) -> Iterator[Sequence[One]]:
    return (all_of_them[begin : begin + size] for begin in range(0, len(all_of_them), size))
