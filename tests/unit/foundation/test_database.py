"""Transactions carry their scope, undo themselves, and wake others only when they commit."""

import asyncio

import asyncpg
import pytest

from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.scope import Scope

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
