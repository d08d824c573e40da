"""A reader that is behind is found, and so is who hides the log from it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.health import State
from crossdock.foundation.keeping_up import (
    LAG_MAX,
    Holder,
    Lag,
    check_readers,
    check_readers_twice,
    judged,
)
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope
from tests.conftest import NOON, execute

LATER = LAG_MAX + timedelta(seconds=1)
ETL = Holder(
    pid=7,
    gid=None,
    database="erp",
    application="etl",
    login="loader",
    age=timedelta(minutes=5),
    asked_by="crossdock",
)
LAGS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.builds(Lag, st.timedeltas(timedelta(), 9 * LAG_MAX), st.booleans()),
)
HOLDERS = st.none() | st.builds(
    Holder,
    pid=st.none() | st.integers(1, 2**22),
    gid=st.text(max_size=3),
    database=st.just("erp"),
    application=st.sampled_from(["", "etl"]),
    login=st.just("loader"),
    age=st.none() | st.timedeltas(timedelta(), 9 * LAG_MAX),
    asked_by=st.just("crossdock"),
)


async def _nothing(_tx: Transaction, _events: Sequence[Event]) -> None: ...


READER = Reader(name="listens", apply=_nothing)


async def record(database: Database, code: str) -> datetime:
    now = NOON
    fact = Fact(identity=code, payload=LocationChanged(code=code), occurred_at=now)
    async with database.transaction(Scope("main")) as tx:
        entry = Entry(tenant="main", source="erp", received_at=now, fact=fact)
        await event_log.append_once(tx, [entry])
    return now


@asynccontextmanager
async def writing(dsn: str, name: str) -> AsyncIterator[Any]:
    """Keep a transaction open that has written, as another application."""
    connection: Any = await asyncpg.connect(dsn, server_settings={"application_name": name})
    try:
        await connection.execute("begin; select pg_current_xact_id()")
        yield connection
    finally:
        await connection.close()


async def test_who_keeps_up_is_well_and_who_does_not_is_named(database: Database) -> None:
    await readers.register(database, READER)
    now = await record(database, "DC1")

    behind = await check_readers(database, ["listens"], now + LATER)
    assert (behind.state, behind.detail) == (State.FAIL, "listens is 61 s behind")
    assert "crossdock worker" in behind.fix
    assert (await check_readers(database, ["listens"], now + LAG_MAX)).state is State.OK
    assert (await check_readers(database, ["another"], now + LATER)).state is State.OK

    await readers.catch_up(database, READER, VirtualClock(now))
    well = await check_readers(database, ["listens"], now + LATER)
    assert (well.state, well.detail) == (State.OK, "1 keep up with the log")


@pytest.mark.parametrize(("passes", "state"), [(True, State.OK), (False, State.FAIL)])
async def test_a_reader_that_passes_old_news_at_its_next_look_is_not_behind(
    database: Database, *, passes: bool, state: State
) -> None:
    await readers.register(database, READER)
    now = await record(database, "WAITED") + LATER

    class Meanwhile(VirtualClock):
        async def sleep(self, seconds: float) -> None:
            assert seconds > readers.IDLE_SECONDS
            if passes:
                await readers.catch_up(database, READER, self)

    found = await check_readers_twice(database, ["listens"], Meanwhile(now))

    assert found.state is state


@pytest.fixture
async def of_login(postgres: EmbeddedPostgres, dsn: str) -> AsyncIterator[Database]:
    """Open the database as a login that is no superuser, as one's own PostgreSQL has it."""
    await execute(postgres.dsn, "create role keeper login; grant crossdock_hub to keeper")
    opened = await Database.open(dsn.replace("//postgres", "//keeper", 1), pool_size=2)
    yield opened
    await opened.close()
    await execute(postgres.dsn, "drop role keeper")


async def test_a_transaction_of_another_database_that_hides_the_log_is_named(
    postgres: EmbeddedPostgres, database: Database
) -> None:
    await readers.register(database, READER)
    async with writing(postgres.dsn, "etl") as etl:
        now = await record(database, "DC1")
        await readers.read_page(database, READER, VirtualClock(now))

        found = await check_readers(database, ["listens"], now + LATER)

        pid = etl.get_server_pid()
        assert found.state is State.FAIL
        assert found.detail == (
            f"listens is 61 s behind; pid {pid} (etl, login postgres, database postgres) has had a"
            " transaction open for 0 s: it hides what came after it"
        )
        assert found.fix == f"let it commit, or end it: select pg_terminate_backend({pid})"


async def test_a_late_reader_is_not_blamed_on_who_writes_after_what_it_waits_for(
    postgres: EmbeddedPostgres, database: Database
) -> None:
    await readers.register(database, READER)
    now = await record(database, "READABLE")
    async with writing(postgres.dsn, "promises"):
        await record(database, "HIDDEN")

        found = await check_readers(database, ["listens"], now + LATER)

    assert (found.state, found.detail) == (State.FAIL, "listens is 61 s behind")
    assert "crossdock worker" in found.fix


async def test_how_long_others_write_is_shown_to_a_login_that_may_read_all_stats(
    postgres: EmbeddedPostgres, of_login: Database
) -> None:
    await readers.register(of_login, READER)
    async with writing(postgres.dsn, "etl"):
        now = await record(of_login, "DC1")

        found = await check_readers(of_login, ["listens"], now + LATER)

        assert "(etl, login postgres, database postgres)" in found.detail
        assert "open for a time that is not shown" in found.detail
        assert found.fix.endswith("grant pg_read_all_stats to keeper")
        await execute(postgres.dsn, "grant pg_read_all_stats to keeper")
        found = await check_readers(of_login, ["listens"], now + LATER)
        assert "open for 0 s" in found.detail
        assert "pg_read_all_stats" not in found.fix


async def test_how_long_the_hub_itself_writes_is_shown_to_any_login(of_login: Database) -> None:
    await readers.register(of_login, READER)
    async with of_login.transaction(Scope("main")) as tx:
        await tx.execute("select pg_current_xact_id()")
        now = await record(of_login, "DC1")

        found = await check_readers(of_login, ["listens"], now + LATER)

    assert "(crossdock, login keeper, " in found.detail
    assert "open for 0 s" in found.detail


@pytest.mark.parametrize(("is_hidden", "state"), [(True, State.FAIL), (False, State.WARN)])
def test_a_transaction_that_is_open_for_long_is_told_before_a_reader_is_late(
    *, is_hidden: bool, state: State
) -> None:
    found = judged({"a": Lag(timedelta())}, ETL, is_hidden=is_hidden)

    assert found.state is state
    assert found.detail == (
        "pid 7 (etl, login loader, database erp) has had a transaction open for 5 min:"
        " it hides what came after it"
    )
    assert found.fix == "let it commit, or end it: select pg_terminate_backend(7)"


def test_a_transaction_that_was_prepared_and_left_is_rolled_back_by_its_name() -> None:
    left = replace(ETL, pid=None, gid="x1", application="", age=timedelta(days=1))

    found = judged({}, left, is_hidden=True)

    assert found.detail.startswith(
        "the prepared transaction 'x1' (login loader, database erp) has had"
    )
    assert found.fix.endswith("rollback prepared 'x1' in database erp")


@given(lags=LAGS, holder=HOLDERS, is_hidden=st.booleans())
def test_a_reader_over_a_minute_behind_always_fails_and_every_finding_has_a_fix(
    lags: dict[str, Lag], holder: Holder | None, *, is_hidden: bool
) -> None:
    found = judged(lags, holder, is_hidden=is_hidden)

    late = [name for name, lag in lags.items() if lag.by > LAG_MAX]
    is_blamed = any(lags[name].is_hidden for name in late)
    assert all(name in found.detail for name in late)
    assert found.state is State.FAIL or not late
    assert bool(found.fix) == (found.state is not State.OK)
    if holder and late:
        assert (holder.told() in found.detail) == is_blamed
