"""The event log records once and is heard without gaps."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Rejected
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.event_log import Entry, Position, Recorded
from crossdock.foundation.readers import Reader, Seen
from crossdock.foundation.scope import Scope
from tests.conftest import NOON, execute
from tests.figures import figure, written

MAIN = Scope("main")
WORKERS = Scope.of_workers()
ROWS_READ = """
select sum(seq_tup_read + idx_tup_fetch) from pg_stat_xact_user_tables
where relname like 'event_log%' and $1 <> ''
"""


def entry(code: str, *, name: str = "", tenant: str = "main") -> Entry:
    payload = LocationChanged(code=code, name=name)
    fact = Fact(identity=f"location:{code}", payload=payload, occurred_at=NOON, version=1)
    return Entry(tenant=tenant, source="erp", received_at=NOON, fact=fact)


async def codes_after(database: Database, after: Position) -> tuple[list[str], Position]:
    async with database.transaction(WORKERS) as tx:
        events, reached = await event_log.read(tx, after, limit=100)
    return [event.payload.key for event in events], reached


async def test_what_an_older_transaction_hid_is_heard_when_that_ends(database: Database) -> None:
    """Nobody rings when a transaction that wrote nothing to the log is rolled back."""
    heard = asyncio.Event()

    async def apply(_tx: Transaction, _events: Sequence[Event]) -> None:
        heard.set()

    reader = Reader(name="waits", apply=apply)
    await readers.register(database, reader)
    following = asyncio.create_task(readers.follow(database, reader, VirtualClock(NOON)))
    try:
        with pytest.raises(ZeroDivisionError):
            async with database.transaction(MAIN) as older:
                await event_log.append_once(older, [entry("NEVER")])
                async with database.transaction(MAIN) as tx:
                    await event_log.append_once(tx, [entry("DC1")])
                await asyncio.sleep(0.5)
                assert not heard.is_set()
                raise ZeroDivisionError
        async with asyncio.timeout(readers.IDLE_SECONDS - 1):
            await heard.wait()
    finally:
        following.cancel()


async def test_a_look_that_finds_nothing_waits_for_no_disk(database: Database) -> None:
    reader = Reader(name="looks", apply=_nothing)
    await readers.register(database, reader)
    left_to_write = 0
    for _ in range(30):
        assert await readers.read_page(database, reader, VirtualClock(NOON)) is Seen.NOTHING
        left_to_write += not await _is_on_disk(database, "pg_current_wal_insert_lsn()")

    assert left_to_write > 15  # and not the one that somebody else has begun


async def test_what_was_applied_is_on_disk_when_the_next_page_is_read(database: Database) -> None:
    applied = list[str]()

    async def apply(tx: Transaction, _events: Sequence[Event]) -> None:
        applied.append(await tx.fetchval("select pg_current_wal_insert_lsn()::text"))

    reader = Reader(name="applies", apply=apply)
    await readers.register(database, reader)
    for number in range(30):
        async with database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry(f"DC{number}")])
        assert await readers.read_page(database, reader, VirtualClock(NOON)) is Seen.PAGE
        assert await _is_on_disk(database, f"'{applied[-1]}'::pg_lsn + 1")

    assert len(applied) == 30


async def _is_on_disk(database: Database, place: str) -> bool:
    [[is_written]] = await database.call(f"select pg_current_wal_flush_lsn() >= {place}")
    return bool(is_written)


class Meanwhile:
    """A database, or a transaction, in which something happens just after a page is read."""

    def __init__(self, real: Any, happens: Callable[[], Awaitable[None]]) -> None:
        self._real = real
        self._happens = happens

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator["Meanwhile"]:
        async with self._real.transaction(scope) as tx:
            yield Meanwhile(tx, self._happens)

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        rows: list[Any] = await self._real.fetch(sql, *args)
        if sql == event_log.READ:
            await self._happens()
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


async def test_what_was_hidden_only_while_it_was_read_is_looked_for_again(
    database: Database,
) -> None:
    reader = Reader(name="looks", apply=_nothing)
    await readers.register(database, reader)
    async with AsyncExitStack() as older:
        tx = await older.enter_async_context(database.transaction(MAIN))
        await event_log.append_once(tx, [entry("OLDER")])
        async with database.transaction(MAIN) as newer:
            await event_log.append_once(newer, [entry("NEWER")])
        meanwhile: Any = Meanwhile(database, older.aclose)

        assert await readers.read_page(meanwhile, reader, VirtualClock(NOON)) is Seen.HIDDEN
    assert await readers.read_page(database, reader, VirtualClock(NOON)) is Seen.PAGE


async def test_who_finds_others_events_alone_passes_them_and_rests(database: Database) -> None:
    """It looks again at once only if something is hidden."""
    reader = Reader(name="items", apply=_nothing, types=frozenset({ItemChanged.TYPE}))
    await readers.register(database, reader)
    clock = VirtualClock(NOON)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])
    assert await readers.read_page(database, reader, clock) is Seen.OTHERS
    assert await behind(database, reader.name) == 0

    async with AsyncExitStack() as older:
        tx = await older.enter_async_context(database.transaction(MAIN))
        await event_log.append_once(tx, [entry("OLDER")])
        async with database.transaction(MAIN) as newer:
            await event_log.append_once(newer, [other("NEWER")])
        assert await readers.read_page(database, reader, clock) is Seen.HIDDEN
    assert await readers.read_page(database, reader, clock) is Seen.PAGE


@pytest.mark.parametrize(
    ("unheard", "seen"), [((), Seen.OTHERS), ((ItemChanged.TYPE,), Seen.UNHEARD)]
)
async def test_who_hears_all_its_types_just_now_is_rung_for_them(
    database: Database, unheard: Sequence[str], seen: Seen
) -> None:
    """Whom some of its types do not concern is rung in vain, and so is deaf for a moment."""

    async def asked(_tx: Transaction) -> frozenset[str]:
        return frozenset(unheard)

    kinds = frozenset({ItemChanged.TYPE})
    reader = Reader(name="items", apply=_nothing, types=kinds, unheard=asked)
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])

    assert await readers.read_page(database, reader, VirtualClock(NOON)) is seen


async def behind(database: Database, reader: str) -> int:
    async with database.transaction(WORKERS) as tx:
        place = await tx.fetchval("select position from log_reader where name = $1", reader)
        count: int = await tx.fetchval(
            "select count(*) from event_log where position > $1 and tenant <> ''", place
        )
    return count


async def _nothing(_tx: Transaction, _events: Sequence[Event]) -> None:
    pass


async def test_a_fact_said_twice_is_recorded_once(database: Database) -> None:
    async with database.transaction(MAIN) as tx:
        first = await event_log.append_once(tx, [entry("DC1"), entry("DC2"), entry("DC1")])
    async with database.transaction(MAIN) as tx:
        second = await event_log.append_once(tx, [entry("DC1"), entry("DC3")])

    assert first == [Recorded.NEW, Recorded.NEW, Recorded.REPEAT]
    assert second == [Recorded.REPEAT, Recorded.NEW]
    assert (await codes_after(database, Position()))[0] == ["DC1", "DC2", "DC3"]


async def test_the_same_identity_with_other_content_is_a_conflict(database: Database) -> None:
    async with database.transaction(MAIN) as tx:
        verdicts = await event_log.append_once(tx, [entry("DC1"), entry("DC1", name="other")])

    assert verdicts == [Recorded.NEW, Recorded.CONFLICT]


async def test_an_event_comes_back_as_it_went_in(database: Database) -> None:
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1", name="Reno")])
    async with database.transaction(WORKERS) as tx:
        events, _ = await event_log.read(tx, Position(), limit=10)

    assert events[0].fact == entry("DC1", name="Reno").fact
    assert events[0].tenant == "main"


async def test_a_page_reads_no_more_of_the_log_than_a_page(database: Database) -> None:
    """A plan made while the log was small sorted everything behind the place for each page."""
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry(f"DC{number}") for number in range(2000)])
    async with database.transaction(WORKERS) as tx:
        before = await tx.fetchval(ROWS_READ, "main")
        events, _ = await event_log.read(tx, Position(), limit=10)
        assert not await event_log.is_hidden(tx)
        rows_read = await tx.fetchval(ROWS_READ, "main") - before

    assert len(events) == 10
    assert rows_read < 50


def other(code: str) -> Entry:
    payload = ItemChanged(sku=code)
    fact = Fact(identity=f"item:{code}", payload=payload, occurred_at=NOON, version=1)
    return Entry(tenant="main", source="erp", received_at=NOON, fact=fact)


async def test_what_nobody_wants_is_passed_over_ten_pages_at_a_time(database: Database) -> None:
    for start in range(0, 300, 30):
        async with database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [other(f"I{start + n}") for n in range(30)])
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])
    wanted, passed = [LocationChanged.TYPE], [Position()]
    heard: list[str] = []
    async with database.transaction(WORKERS) as tx:
        while not heard:
            before = await tx.fetchval(ROWS_READ, "main")
            events, reached = await event_log.read(tx, passed[-1], limit=10, types=wanted)
            assert await tx.fetchval(ROWS_READ, "main") - before < 10 * 10 + 30 + 10
            heard += [event.payload.key for event in events]
            passed.append(reached)

    assert heard == ["DC1"]
    assert [place.position for place in passed] == [0, 120, 240, 301]  # whole transactions


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_pages_of_any_size_give_what_is_wanted_once_and_in_order(
    database: Database, limit: int
) -> None:
    said: list[str] = []
    for size in (1, 4, 0, 2, 5, 1, 30):  # how many of nobody's lie before each that is wanted
        async with database.transaction(MAIN) as tx:
            codes = [f"I{len(said)}-{n}" for n in range(size)]
            said.append(f"DC{len(said)}")
            await event_log.append_once(tx, [*map(other, codes), entry(said[-1])])
    heard: list[str] = []
    place = None
    reached = Position()
    async with database.transaction(WORKERS) as tx:
        while place != reached:
            place = reached
            events, reached = await event_log.read(
                tx, place, limit=limit, types=[LocationChanged.TYPE]
            )
            assert len(events) <= limit
            heard += [event.payload.key for event in events]

    assert heard == said


async def test_a_late_commit_is_never_skipped(database: Database) -> None:
    slow_is_open, quick_is_done = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry("SLOW")])
            slow_is_open.set()
            await quick_is_done.wait()

    writer = asyncio.create_task(slow())
    await slow_is_open.wait()
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("QUICK")])
    seen, cursor = await codes_after(database, Position())
    assert seen == []  # QUICK committed, but SLOW is open below it

    quick_is_done.set()
    await writer
    seen, cursor = await codes_after(database, cursor)
    assert sorted(seen) == ["QUICK", "SLOW"]


async def test_another_tenants_events_are_invisible(database: Database) -> None:
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])
    async with database.transaction(Scope("other")) as tx:
        assert (await event_log.read(tx, Position(), limit=10))[0] == []


class Ledger:
    """Applies events to a table of its own, and refuses one."""

    def __init__(self, *, refuses: str = "") -> None:
        self.heard: list[str] = []
        self._refuses = refuses

    async def apply(self, _tx: Transaction, events: Sequence[Event]) -> None:
        codes = [event.payload.key for event in events]
        if self._refuses in codes:
            raise ValueError(self._refuses)
        self.heard += codes


async def test_a_reader_hears_each_event_once(database: Database, clock: VirtualClock) -> None:
    ledger = Ledger()
    reader = Reader(name="ledger", apply=ledger.apply, page=2)
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry(f"DC{number}") for number in range(5)])

    await readers.catch_up(database, reader, clock)
    await readers.catch_up(database, reader, clock)

    assert ledger.heard == [f"DC{number}" for number in range(5)]


async def test_a_reader_passes_over_types_that_concern_nobody_just_now(
    database: Database, clock: VirtualClock
) -> None:
    ledger = Ledger()
    kinds = frozenset({LocationChanged.TYPE})
    unheard = [kinds, frozenset[str]()]

    async def asked(_tx: Transaction) -> frozenset[str]:
        return unheard[0]

    reader = Reader(name="ledger", apply=ledger.apply, types=kinds, unheard=asked)
    await readers.register(database, reader)
    for code in ("DC1", "DC2"):
        async with database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry(code)])
        await readers.catch_up(database, reader, clock)
        unheard.pop(0)

    assert ledger.heard == ["DC2"]


async def test_whom_nothing_concerns_looks_less_often_than_who_listens(
    database: Database, clock: VirtualClock
) -> None:
    kinds = frozenset({LocationChanged.TYPE})
    deaf_to, ledger = kinds, Ledger()
    looks = {"listens": 0, "deaf": 0}

    async def nothing(_tx: Transaction) -> frozenset[str]:
        looks["listens"] += 1
        return frozenset()

    async def everything(_tx: Transaction) -> frozenset[str]:
        looks["deaf"] += 1
        return deaf_to

    listens = Reader(name="listens", apply=Ledger().apply, types=kinds, unheard=nothing)
    deaf = Reader(name="deaf", apply=ledger.apply, types=kinds, unheard=everything)
    following: list[asyncio.Task[None]] = []
    for reader in (listens, deaf):
        await readers.register(database, reader)
        following.append(asyncio.create_task(readers.follow(database, reader, clock)))
    try:
        while looks["listens"] < 50:
            async with database.transaction(MAIN) as tx:
                await event_log.append_once(tx, [entry(f"DC{looks['listens']}")])
        assert looks["deaf"] < 35  # it would ask twice for each time that the other asks once
        deaf_to = frozenset()
        async with database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry("LAST")])
        async with asyncio.timeout(readers.IDLE_SECONDS - 1):
            while "LAST" not in ledger.heard:
                await asyncio.sleep(0.01)
    finally:
        for task in following:
            task.cancel()


async def test_what_came_to_concern_somebody_while_it_was_passed_over_is_heard(
    database: Database, clock: VirtualClock
) -> None:
    ledger = Ledger()
    kinds = frozenset({LocationChanged.TYPE})
    answers = iter([kinds, frozenset[str](), frozenset[str]()])

    async def asked(_tx: Transaction) -> frozenset[str]:
        return next(answers)

    reader = Reader(name="ledger", apply=ledger.apply, types=kinds, unheard=asked)
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])

    await readers.read_page(database, reader, clock)

    assert ledger.heard == ["DC1"]


async def test_a_refused_event_is_set_aside_and_the_rest_goes_on(
    database: Database, clock: VirtualClock
) -> None:
    ledger = Ledger(refuses="DC2")
    reader = Reader(name="ledger", apply=ledger.apply)
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry(f"DC{number}") for number in range(5)])

    await readers.catch_up(database, reader, clock)

    assert ledger.heard == ["DC0", "DC1", "DC3", "DC4"]
    async with database.transaction(MAIN) as tx:
        refusal = await tx.fetchrow("select reader, reason from log_refusal")
    assert (refusal["reader"], refusal["reason"]) == ("ledger", "ValueError('DC2')")


async def test_a_reader_shows_how_far_behind_it_is_and_what_it_set_aside(
    database: Database, clock: VirtualClock
) -> None:
    async def measured() -> tuple[float, float, float]:
        async with database.transaction(WORKERS) as tx:
            await readers.measure(tx, clock.now())
        return (
            figure("crossdock_reader_lag_seconds", reader="measured"),
            figure("crossdock_reader_refusals", reader="measured"),
            figure("crossdock_reader_page_seconds_count", reader="measured"),
        )

    reader = Reader(name="measured", apply=Ledger(refuses="DC2").apply)
    await readers.register(database, reader)
    assert await measured() == (0, 0, 0)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry(f"DC{number}") for number in range(3)])
    await clock.advance(timedelta(seconds=90))
    assert await measured() == (90, 0, 0)

    await readers.catch_up(database, reader, clock)

    lag, refusals, pages = await measured()
    assert (lag, refusals) == (0, 1)
    assert pages == 3  # of one event each: the page was halved until the bad one stood alone


async def test_a_page_is_a_span_and_a_refused_event_is_logged_under_its_thread(
    database: Database, clock: VirtualClock, spans: InMemorySpanExporter, lines: io.StringIO
) -> None:
    reader = Reader(name="traced", apply=Ledger(refuses="DC1").apply)
    await readers.register(database, reader)
    said = entry("DC1")
    said = replace(said, fact=replace(said.fact, correlation_id="so_77"))
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [said])

    await readers.catch_up(database, reader, clock)

    found = spans.get_finished_spans()
    assert {span.name for span in found} == {"reader page"}
    threads = {str(dict(span.attributes or {})["crossdock.correlation_id"]) for span in found}
    assert threads == {"so_77"}
    [line] = [line for line in written(lines) if line["event"] == "event refused"]
    assert line["correlation_id"] == "so_77"


async def test_two_processes_share_a_reader_without_hearing_twice(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    ledger = Ledger()
    reader = Reader(name="ledger", apply=ledger.apply, page=3, shards=4)
    await readers.register(database, reader)
    other = await Database.open(dsn)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry(f"DC{number}") for number in range(50)])

    async with asyncio.timeout(10):
        while len(ledger.heard) < 50:
            await asyncio.gather(
                readers.catch_up(database, reader, clock), readers.catch_up(other, reader, clock)
            )
    await other.close()

    assert sorted(ledger.heard) == sorted(f"DC{number}" for number in range(50))


@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1), (4, 2)])
async def test_a_reader_keeps_the_number_of_shards_it_began_with(
    database: Database, clock: VirtualClock, before: int, after: int
) -> None:
    ledger = Ledger()
    reader = Reader(name="ledger", apply=ledger.apply, shards=before)
    await readers.register(database, reader)

    with pytest.raises(Rejected, match=f"in {before} shards, not in {after}") as refused:
        await readers.register(database, replace(reader, shards=after))

    assert "a new name" in refused.value.hint
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1"), entry("DC2"), entry("DC3")])
    await readers.catch_up(database, reader, clock)
    assert sorted(ledger.heard) == ["DC1", "DC2", "DC3"]


@pytest.mark.parametrize(
    "outage",
    [asyncpg.DeadlockDetectedError, asyncpg.AdminShutdownError, asyncpg.InternalClientError],
)
async def test_an_outage_is_not_the_fault_of_the_event_that_met_it(
    database: Database, clock: VirtualClock, outage: type[Exception]
) -> None:
    class Unlucky(Ledger):
        async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
            if is_out:
                raise outage("the database's own trouble")
            await super().apply(tx, events)

    is_out, ledger = True, Unlucky()
    reader = Reader(name="ledger", apply=ledger.apply, page=1)
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])

    with pytest.raises(outage):
        await readers.read_page(database, reader, clock)
    is_out = False
    await readers.catch_up(database, reader, clock)

    assert ledger.heard == ["DC1"]
    async with database.transaction(WORKERS) as tx:
        assert await tx.fetchval("select count(*) from log_refusal") == 0


async def test_a_reader_wakes_with_the_commit(database: Database, clock: VirtualClock) -> None:
    ledger = Ledger()
    reader = Reader(name="ledger", apply=ledger.apply)
    await readers.register(database, reader)
    following = asyncio.create_task(readers.follow(database, reader, clock))
    await asyncio.sleep(0.2)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])

    async with asyncio.timeout(2):  # far below the idle look of five seconds
        while not ledger.heard:
            await asyncio.sleep(0.01)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


async def test_partitions_are_made_ahead_of_need(database: Database) -> None:
    async with database.transaction(WORKERS) as tx:
        assert await tx.fetchval("select extend_event_log()") == 0
        made = await tx.fetchval(
            "select count(*) from pg_inherits where inhparent = 'event_log'::regclass"
        )
    assert made == 3  # the current one, the next, and the rest


async def test_the_next_partition_is_made_when_events_reach_the_last_and_takes_them(
    database: Database, dsn: str
) -> None:
    owner: Any = await asyncpg.connect(dsn)
    try:
        await owner.execute("select setval('event_log_position_seq', 10000000)")
        async with database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry("DC1")])
        async with database.transaction(WORKERS) as tx:
            assert await tx.fetchval("select extend_event_log()") == 1
            assert await tx.fetchval("select extend_event_log()") == 0
        await owner.execute("select setval('event_log_position_seq', 20000000)")
        async with database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry("DC2")])
        lies_in = await owner.fetch(
            "select tableoid::regclass::text as part from event_log order by position"
        )
        first, reached = await codes_after(database, Position())  # a gap may end a page
        second, _ = await codes_after(database, reached)
    finally:
        await owner.close()

    assert [row["part"] for row in lies_in] == [
        "event_log_from_10000000",
        "event_log_from_20000000",
    ]
    assert first + second == ["DC1", "DC2"]


def test_events_of_one_key_share_a_shard() -> None:
    assert event_log.shard_of("main", "SKU-1") == event_log.shard_of("main", "SKU-1")
    assert len({event_log.shard_of("main", f"SKU-{n}") for n in range(1000)}) == event_log.SHARDS


async def test_a_virtual_clock_wakes_sleepers_in_order(clock: VirtualClock) -> None:
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.create_task(sleeper("late", 5)), asyncio.create_task(sleeper("soon", 1))]
    await asyncio.sleep(0)
    await clock.advance(timedelta(seconds=10))
    await asyncio.gather(*tasks)

    assert woken == ["soon", "late"]
    assert clock.now() == NOON + timedelta(seconds=10)


async def test_catching_up_waits_for_the_process_that_has_the_shard(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    slow_has_it, may_go_on = asyncio.Event(), asyncio.Event()

    class Slow(Ledger):
        async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
            slow_has_it.set()
            await may_go_on.wait()
            await super().apply(tx, events)

    slow, quick = Slow(), Ledger()
    theirs, ours = (Reader(name="ledger", apply=each.apply) for each in (slow, quick))
    await readers.register(database, ours)
    other = await Database.open(dsn)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1")])
    their_turn = asyncio.create_task(readers.catch_up(other, theirs, clock))
    await slow_has_it.wait()

    our_turn = asyncio.create_task(readers.catch_up(database, ours, clock))
    await asyncio.sleep(0.1)
    assert not our_turn.done()
    may_go_on.set()
    await asyncio.gather(their_turn, our_turn)
    await other.close()

    assert (slow.heard, quick.heard) == (["DC1"], [])


async def test_a_reader_that_was_cut_off_cannot_commit_late(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    """Its page is another's by then: what it wrote is gone with its connection."""
    has_it, may_go_on = asyncio.Event(), asyncio.Event()

    async def write_down(tx: Transaction, events: Sequence[Event]) -> None:
        codes = [event.payload.key for event in events]
        await tx.execute("insert into heard select unnest($1::text[]), pg_backend_pid()", codes)

    async def slowly(tx: Transaction, events: Sequence[Event]) -> None:
        await write_down(tx, events)
        has_it.set()
        await may_go_on.wait()

    await execute(dsn, "create table heard (code text, backend integer)")
    await execute(dsn, "grant select, insert on heard to crossdock_hub")
    slow, quick = (Reader(name="ledger", apply=apply) for apply in (slowly, write_down))
    await readers.register(database, slow)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("DC1"), entry("DC2")])
    theirs = await Database.open(dsn)
    late = asyncio.create_task(readers.read_page(theirs, slow, clock))
    await has_it.wait()
    assert await readers.read_page(database, quick, clock) is Seen.NOTHING  # it is in hand

    await execute(
        dsn,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where state = 'idle in transaction' and datname = current_database()",
    )
    assert await readers.read_page(database, quick, clock) is Seen.PAGE
    may_go_on.set()
    with pytest.raises(OUTAGES):
        await late
    await theirs.close()

    async with database.transaction(MAIN) as tx:
        rows = await tx.fetch("select code, backend from heard order by code")
        assert await tx.fetchval("select count(*) from log_refusal where tenant = 'main'") == 0
    assert [row["code"] for row in rows] == ["DC1", "DC2"]
    assert len({row["backend"] for row in rows}) == 1
