"""Growth: what one event costs with many items, a long history, and many open promises.

Each pair of databases lies in one server and is measured in turn, so that the machine's mood
meets both. An event is recorded, read and folded; its cost is CPU of the hub and of PostgreSQL.
The whole way of a movement, from the webhook to the write that a channel is owed, is in
`growth_way`.
The events of one page are of different items on either side: what is compared is how many items
there are, not how often one item comes twice in a page, which makes it cheaper.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Self

import asyncpg

from benchmarks.growth_way import MOVEMENTS, OUT, Way
from benchmarks.report import (
    Figures,
    Goal,
    Report,
    Stopwatch,
    interleaved,
    machine,
    median_ratio,
    postmaster_of,
)
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import (
    Inventory,
    ReservationLine,
    ReservationRequest,
    inventory_reader,
)
from crossdock.foundation import event_log, migrate, readers
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope

MAIN = Scope("main")
START = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 250
CHUNK = 500_000
# A shared machine changes within seconds: more and shorter rounds than were asked for. Promises
# take a tenth of an event's time, so more of them still, for what a tick is worth.
EVENT_ROUNDS, PROMISE_ROUNDS = 3, 5
TEN = Quantity.of(10)
STAGED = Place(location="DC1", status=StockStatus.STAGED_OUT)
SHELF = Place(location="DC1")

# Items as if counted long ago: their stock rows and both buckets that a pick touches.
ITEMS = """
with numbers as (select g from generate_series($1::bigint, $2::bigint) g), stock as (
    insert into inventory_stock (tenant, item, location, nettable, is_known, sources)
    select 'main', 'SKU-' || g, 'DC1', 10^15, true, '{wms}' from numbers)
insert into inventory_position (tenant, item, location, status, micros)
select 'main', 'SKU-' || g, 'DC1', status, 10^15
from numbers, unnest(array['AVAILABLE', 'STAGED_OUT']) status
"""

# History as if it had been heard: in the log, among the identities, and in the ledger. Its keys
# are spread over the items as the live ones are.
HISTORY = """
with numbers as (
    select g, md5('old' || g)::uuid event_id, 1 + g * 7919 % $3 sku
    from generate_series($1::bigint, $2::bigint) g
), log as (
    insert into event_log (tenant, source, type, key, shard, event_id, identity, occurred_at,
        recorded_at, received_at, sequence, payload)
    select 'main', 'wms', 'inventory.stock_moved.v1', 'SKU-' || sku, g % 64, event_id,
        'old:' || g, $4, $4, $4, g, json_build_object('movement_id', g, 'item', 'SKU-' || sku,
            'quantity', json_build_object('value', '10', 'unit', 'EA'), 'type', 'PICK')
    from numbers
), identity as (
    insert into event_identity (tenant, event_id, content_hash)
    select 'main', event_id, decode(md5(g::text), 'hex') from numbers
)
insert into inventory_movement (event_position, tenant, source, movement_id, type,
    from_position, to_position, micros, stream, seq, us, occurred_at)
select -g, 'main', 'wms', 'old' || g, 'PICK', sku, sku + $3, 10000000, 1, g, g, $4 from numbers
"""

# All on the first item, or by turns on all the others.
OPEN_RESERVATIONS = """
with open as (
    select g, case when $4 then 'SKU-' || 2 + g % ($5::bigint - 1) else 'SKU-1' end item
    from generate_series(1, $1::bigint) g
), stock as (
    update inventory_stock s set soft = s.soft + o.count * 1000000
    from (select item, count(*) from open group by item) o where s.item = o.item
    returning s.stock_id, s.item)
insert into inventory_reservation (reservation_id, line_no, tenant, client, request_id,
    request_hash, stock_id, is_hard, status, requested, granted, created_at, expires_at)
select md5('open' || g)::uuid, 1, 'main', 'bench', 'open' || g, '', stock_id, false, 'ACTIVE',
    1000000, 1000000, $2, $3
from open join stock using (item)
"""

# A round of promises is undone after it was measured: they would be open beside the next.
UNDO_PROMISES = """
with gone as (
    delete from inventory_reservation where request_id like 'R%' returning granted)
update inventory_stock set soft = soft - (select sum(granted) from gone) where item = 'SKU-1'
"""

# A hub that runs has the index in memory that every event asks for its identity.
WARM = """
set enable_seqscan = off; set enable_bitmapscan = off;
select count(*) from (select event_id from event_identity order by event_id) every_id;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    items: int = 1_000
    history: int = 0
    reservations: int = 0
    is_elsewhere: bool = False


class Hub:
    """A database of one size, with what is needed to work in it."""

    def __init__(self, dsn: str, database: Database, size: Size, postmaster: int) -> None:
        self._dsn = dsn
        self._database = database
        self._size = size
        self._postmaster = postmaster
        self._clock = SystemClock()
        self._inventory = Inventory(database, self._clock)
        self._reader = inventory_reader(self._clock)
        self._random = Random(5)
        self._number = size.history

    @classmethod
    async def opened(
        cls, server: EmbeddedPostgres, name: str, size: Size, postmaster: int
    ) -> Self:
        """Fill a database of its own as the size says, and let it settle."""
        setup: Any = await asyncpg.connect(server.dsn, command_timeout=3600)
        await setup.execute(f"create database {name}")
        await setup.close()
        dsn = server.dsn_of(name)
        await migrate.upgrade(dsn)
        setup = await asyncpg.connect(dsn, command_timeout=3600)
        for first in range(1, size.items + 1, CHUNK):
            await setup.execute(ITEMS, first, min(first + CHUNK - 1, size.items))
        for first in range(1, size.history + 1, CHUNK):
            last = min(first + CHUNK - 1, size.history)
            await setup.execute(HISTORY, first, last, size.items, START)
        if size.reservations:
            now = datetime.now(UTC)  # the holds must outlive the benchmark
            until = now + timedelta(days=9)
            held = (size.reservations, now, until, size.is_elsewhere, size.items)
            await setup.execute(OPEN_RESERVATIONS, *held)
        await setup.execute("vacuum analyze")
        await setup.execute("checkpoint")
        await setup.execute(WARM)
        await setup.close()
        hub = cls(dsn, await Database.open(dsn, pool_size=4), size, postmaster)
        await readers.register(hub._database, hub._reader)
        await hub._skip_history()
        await hub.events(10_000)  # plans are made, caches are warm
        await hub.promises(1_000)
        return hub

    async def close(self) -> None:
        await self._database.close()

    async def events(self, count: int, *, only_first_item: bool = False) -> Figures:
        """Record and fold this many picks, a page at a time."""
        every = range(1, self._size.items + 1)
        pages = [
            [
                self._pick(item)
                for item in ([1] * PAGE if only_first_item else self._random.sample(every, PAGE))
            ]
            for _ in range(count // PAGE)
        ]
        watch = Stopwatch(self._postmaster)
        for page in pages:
            async with self._database.transaction(MAIN) as tx:
                await event_log.append_once(tx, page)
            await readers.catch_up(self._database, self._reader, self._clock)
        return watch.figures(count)

    async def promises(self, count: int) -> Figures:
        """Reserve one unit of the first item this many times, in batches."""
        watch = Stopwatch(self._postmaster)
        for _ in range(count // 250):
            await self._inventory.reserve_many(MAIN, "bench", [self._ask() for _ in range(250)])
        figures = watch.figures(count)
        await self._undo_promises()
        return figures

    async def _undo_promises(self) -> None:
        owner: Any = await asyncpg.connect(self._dsn, command_timeout=600)
        await owner.execute(UNDO_PROMISES)
        await owner.execute("truncate inventory_announcement")
        await owner.execute("vacuum inventory_reservation")
        await owner.close()

    def _pick(self, item: int) -> Entry:
        self._number += 1
        payload = StockMoved(
            movement_id=f"M{self._number}",
            item=f"SKU-{item}",
            quantity=TEN,
            type=MovementType.PICK,
            source_place=SHELF,
            target_place=STAGED,
        )
        at = START + timedelta(seconds=self._number)
        fact = Fact(
            identity=f"movement:{self._number}",
            payload=payload,
            occurred_at=at,
            recorded_at=at,
            sequence=self._number,
        )
        return Entry(tenant="main", source="wms", received_at=at, fact=fact)

    def _ask(self) -> ReservationRequest:
        self._number += 1
        return ReservationRequest(f"R{self._number}", (ReservationLine("SKU-1", "DC1", 10**6),))

    async def _skip_history(self) -> None:
        async with self._database.transaction(Scope.of_workers()) as tx:
            await tx.execute(
                "update log_reader set tx = l.tx, position = l.position"
                " from (select tx, position from event_log order by tx desc, position desc"
                " limit 1) l"
            )


async def run(rounds: int = 5, quick: bool = False) -> Report:  # noqa: FBT001, FBT002 - as the command calls it
    """Measure the four kinds of growth. Quick: smaller large sizes, which the report names."""
    many_items = 100_000 if quick else 1_000_000
    long_history = 1_000_000 if quick else 10_000_000
    many_listings = 20_000 if quick else 1_000_000
    rounds = max(rounds, 5)
    goals: list[Goal] = []
    measured: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder:
        server = await EmbeddedPostgres.start(Path(folder))
        try:
            bench = Growth(server, postmaster_of(Path(folder)), rounds)
            for found, goal in (
                await bench.items(1_000, many_items),
                await bench.history(10_000, long_history),
                await bench.open_reservations(100_000),
                await bench.whole_way(many_listings),
            ):
                measured += found
                goals += goal
        finally:
            server.stop()
    return Report("growth", goals, measured, machine())


class Growth:
    def __init__(self, server: EmbeddedPostgres, postmaster: int, rounds: int) -> None:
        self._server = server
        self._postmaster = postmaster
        self._rounds = rounds

    async def items(self, few: int, many: int) -> tuple[list[Figures], list[Goal]]:
        sides = (f"{few:,} items", f"{many:,} items")
        found = await self._events("items", sides, [Size(items=few), Size(items=many)])
        ratio = median_ratio(found, sides[1], sides[0], "cpu_us")
        name = f"CPU per event, append and fold, {many:,} items beside {few:,}"
        return found, [Goal(name, ratio, "ratio", "<= 1.5")]

    async def history(self, short: int, long: int) -> tuple[list[Figures], list[Goal]]:
        sides = (f"{short:,} events of history", f"{long:,} events of history")
        sizes = [Size(items=10_000, history=short), Size(items=10_000, history=long)]
        found = await self._events("history", sides, sizes)
        ratio = median_ratio(found, sides[1], sides[0], "cpu_us")
        name = f"CPU per event, append and fold, {long:,} events of history beside {short:,}"
        return found, [Goal(name, ratio, "ratio", "<= 1.1")]

    async def open_reservations(self, count: int) -> tuple[list[Figures], list[Goal]]:
        """Put all open promises on the item that is measured, on all other items, on none.

        An event of the item is compared with one where nothing is open. A promise is compared with
        one in a table of the same size, whose index is as deep: what is asked is whether an item
        becomes dear by what is open of it. Beside an empty table it pays for the deeper index.
        """
        sizes = [Size(), Size(reservations=count), Size(reservations=count, is_elsewhere=True)]
        none, here, elsewhere = await self._hubs("reservations", sizes)
        try:
            found = await interleaved(
                {
                    "promises, none open": lambda: none.promises(20_000),
                    "promises, many open": lambda: here.promises(20_000),
                    "promises, many open elsewhere": lambda: elsewhere.promises(20_000),
                },
                self._rounds * PROMISE_ROUNDS,
            )
            found += await interleaved(
                {
                    "events, none open": lambda: none.events(5_000, only_first_item=True),
                    "events, many open": lambda: here.events(5_000, only_first_item=True),
                },
                self._rounds * EVENT_ROUNDS,
            )
        finally:
            for hub in (none, here, elsewhere):
                await hub.close()
        compared = (
            ("promise", "as many on others", "promises, many open elsewhere", "<= 1.1"),
            ("promise", "none", "promises, none open", "<= 1.3"),
            ("event", "none", "events, none open", "<= 1.1"),
        )
        goals = [
            Goal(
                f"CPU per {what}, {count:,} open reservations on the item beside {beside}",
                median_ratio(found, f"{what}s, many open", side, "cpu_us"),
                "ratio",
                bound,
            )
            for what, beside, side, bound in compared
        ]
        return found, goals

    async def whole_way(self, many: int) -> tuple[list[Figures], list[Goal]]:
        """Sell few and many listings, each with a past, and bring movements to their channel."""
        async with (
            Way.opened(self._server, self._postmaster, MOVEMENTS) as small,
            Way.opened(self._server, self._postmaster, many) as large,
        ):
            sides = {way.name: way.movements for way in (small, large)}
            found = await interleaved(sides, self._rounds * EVENT_ROUNDS)
            outcomes = [*small.outcomes, *large.outcomes]
        beside = f"{many:,} listings beside {MOVEMENTS:,}"
        compared = (
            (f"CPU per movement, inbox to decided write, {beside}", found, ""),
            (
                f"CPU per write taken from the outbox and its outcome heard, {beside}",
                outcomes,
                OUT,
            ),
        )
        goals = [
            Goal(
                name,
                median_ratio(rounds, large.name + of, small.name + of, "cpu_us"),
                "ratio",
                "<= 1.5",
            )
            for name, rounds, of in compared
        ]
        return [*found, *outcomes], goals

    async def _events(
        self, name: str, sides: tuple[str, str], sizes: Sequence[Size]
    ) -> list[Figures]:
        small, large = await self._hubs(name, sizes)
        try:
            return await interleaved(
                {sides[0]: lambda: small.events(5_000), sides[1]: lambda: large.events(5_000)},
                self._rounds * EVENT_ROUNDS,
            )
        finally:
            await small.close()
            await large.close()

    async def _hubs(self, name: str, sizes: Sequence[Size]) -> list[Hub]:
        return [
            await Hub.opened(self._server, f"{name}_{number}", size, self._postmaster)
            for number, size in enumerate(sizes)
        ]


if __name__ == "__main__":
    import sys

    outcome = asyncio.run(run(5, "--quick" in sys.argv))
    print(outcome.as_json() if "--json" in sys.argv else outcome.as_text())
