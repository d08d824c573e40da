"""Transactions carry their scope, undo themselves, and wake others only when they commit."""

import asyncio

import asyncpg
import pytest

from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.scope import Scope
from tests.conftest import execute

INSERT = "insert into log_refusal values ($1, $2, $3, now(), '')"


@pytest.mark.parametrize("name", ["", "Main", "a'b", "a b", "x" * 41, "a;drop table x", "ä"])
def test_a_scope_refuses_names_that_are_not_plain(name: str) -> None:
    with pytest.raises(Invalid):
        Scope(name)


def test_a_scope_refuses_what_belongs_to_another() -> None:
    Scope("main").must_cover([])
    Scope("main").must_cover(["main", "main"])
    Scope.of_workers().must_cover(["main", "other"])

    with pytest.raises(Forbidden) as refusal:
        Scope("main").must_cover(["main", "other"])
    assert (refusal.value.code, "'other'" in refusal.value.message) == ("other_tenant", True)


async def test_a_failed_block_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(Scope("main")) as tx:
            await tx.execute(INSERT, "main", "reader", 1)
            raise ZeroDivisionError

    async with database.transaction(Scope("main")) as tx:
        assert await tx.fetchval("select count(*) from log_refusal") == 0


async def test_a_failed_savepoint_keeps_the_rest(database: Database) -> None:
    async with database.transaction(Scope("main")) as tx:
        await tx.execute(INSERT, "main", "kept", 1)
        with pytest.raises(ZeroDivisionError):
            async with tx.savepoint():
                await tx.execute(INSERT, "main", "undone", 2)
                raise ZeroDivisionError

    async with database.transaction(Scope("main")) as tx:
        assert await tx.fetchval("select array_agg(reader) from log_refusal") == ["kept"]


async def test_a_savepoint_around_one_that_failed_is_undone_whole(database: Database) -> None:
    async with database.transaction(Scope("main")) as tx:
        await tx.execute(INSERT, "main", "kept", 1)
        with pytest.raises(KeyError):
            async with tx.savepoint():
                await tx.execute(INSERT, "main", "outer", 2)
                with pytest.raises(ZeroDivisionError):
                    async with tx.savepoint():
                        raise ZeroDivisionError
                raise KeyError

    async with database.transaction(Scope("main")) as tx:
        assert await tx.fetchval("select array_agg(reader) from log_refusal") == ["kept"]


async def test_a_row_cannot_be_written_for_another_tenant(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(Scope("main")) as tx:
            await tx.execute(INSERT, "other", "reader", 1)


async def test_a_statement_of_workers_runs_in_their_scope_alone(database: Database) -> None:
    count = WorkersSql("select count(*) from log_refusal")
    async with database.transaction(Scope.of_workers()) as tx:
        await tx.execute(INSERT, "main", "mine", 1)
        await tx.execute(INSERT, "other", "theirs", 2)
        assert await tx.fetchval(count) == 2

    async with database.transaction(Scope("main")) as tx:
        for ask in (tx.fetch, tx.fetchrow, tx.fetchval, tx.execute):
            with pytest.raises(Forbidden) as refusal:
                await ask(count)
            assert refusal.value.code == "workers_only"
            assert "log_refusal" in refusal.value.message
        assert await tx.fetchval("select 1") == 1  # nothing was sent, so nothing is broken


async def test_a_bell_rings_at_commit_and_not_at_rollback(database: Database) -> None:
    bell = database.bell("topic")
    await asyncio.sleep(0.2)
    await bell.wait(0.1)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(Scope("main")) as tx:
            tx.wake("topic")
            raise ZeroDivisionError
    started = asyncio.get_running_loop().time()
    await bell.wait(0.3)
    assert asyncio.get_running_loop().time() - started >= 0.29

    async with database.transaction(Scope("main")) as tx:
        tx.wake("topic")
    async with asyncio.timeout(2):
        await bell.wait(60)


async def test_who_waits_for_a_connection_gets_the_next_that_is_free(dsn: str) -> None:
    small = await Database.open(dsn, pool_size=2)
    async with small.transaction(Scope("main")):
        asked = [asyncio.create_task(small.call("select pg_sleep(0.05)")) for _ in range(3)]
        _, waiting = await asyncio.wait(asked, timeout=5)

    for one in waiting:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    await small.close()
    assert not waiting


async def test_a_call_does_not_meet_a_connection_that_was_lost(
    dsn: str, database: Database
) -> None:
    lost = (await database.call("select pg_backend_pid()"))[0][0]
    await execute(dsn, f"select pg_terminate_backend({lost}, 5000)")
    await asyncio.sleep(0.05)

    assert (await database.call("select pg_backend_pid()"))[0][0] != lost


async def test_calls_leave_the_smallest_pool_to_transactions(dsn: str) -> None:
    small = await Database.open(dsn, pool_size=2)
    await asyncio.gather(*(small.call("select pg_sleep(0.01)") for _ in range(4)))

    async with (
        asyncio.timeout(5),
        small.transaction(Scope("main")) as one,
        small.transaction(Scope("main")) as other,
    ):
        assert await one.fetchval("select 1") == await other.fetchval("select 1")
    await small.close()


async def test_closing_does_not_wait_for_what_a_last_call_would_keep(dsn: str) -> None:
    database = await Database.open(dsn)
    last = asyncio.create_task(database.call("select pg_sleep(0.1)"))
    await asyncio.sleep(0.05)

    await asyncio.wait_for(database.close(), 5)
    await last


async def test_a_call_that_failed_leaves_its_connection_fit_for_the_next(
    database: Database,
) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.call("select 1 / 0")

    assert (await database.call("select 1"))[0][0] == 1


async def test_a_text_that_cannot_be_kept_is_refused(database: Database) -> None:
    with pytest.raises(Invalid, match="NUL"):
        async with database.transaction(Scope("main")) as tx:
            await tx.fetchval("select $1::text", "A\x00B")
    async with database.transaction(Scope("main")) as tx:
        assert await tx.fetchval("select 1") == 1
