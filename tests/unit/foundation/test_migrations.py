"""The schema goes up, down and up again, empty or full, and always ends the same."""

import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from crossdock.canonical.catalog import ItemChanged, ItemUnit
from crossdock.canonical.errors import Invalid, Rejected
from crossdock.capabilities.catalog import Catalog, own_fact, reader
from crossdock.foundation import event_log, migrate, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from crossdock.governance.access import Access
from tests.conftest import NOON, execute

SHAPE = """
select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
    || coalesce(column_default, '') as line
from information_schema.columns where table_schema = 'public'
union all
select 'index ' || indexdef from pg_indexes where schemaname = 'public'
union all
select 'policy ' || tablename || ' ' || policyname || ' ' || coalesce(qual, '')
from pg_policies where schemaname = 'public'
union all
select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
order by line
"""
_numbers = itertools.count()


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Make a database that no migration has touched."""
    name = f"bare_{os.getpid()}_{next(_numbers)}"
    await execute(postgres.dsn, f"create database {name}")
    yield postgres.dsn_of(name)
    await execute(postgres.dsn, f"drop database {name} with (force)")


async def shape(dsn: str) -> list[str]:
    connection: Any = await asyncpg.connect(dsn)
    try:
        return [row["line"] for row in await connection.fetch(SHAPE)]
    finally:
        await connection.close()


def revisions() -> list[str]:
    folder = Path(migrate.__file__).parent / "migrations" / "versions"
    return sorted(file.name[:4] for file in folder.glob("0*.py"))


async def test_up_down_and_up_again_gives_the_same_schema(empty: str) -> None:
    await migrate.upgrade(empty)
    first = await shape(empty)
    assert await migrate.current(empty) == migrate.head() == revisions()[-1]

    await migrate.downgrade(empty, "base")
    left = [line for line in await shape(empty) if "alembic_version" not in line]
    assert left == []
    assert await migrate.current(empty) is None

    await migrate.upgrade(empty)
    assert await shape(empty) == first


async def test_each_step_can_be_taken_back_alone(empty: str) -> None:
    for revision in revisions():
        before = await shape(empty)
        below = await migrate.current(empty)
        await migrate.upgrade(empty, revision)
        after = await shape(empty)
        await migrate.downgrade(empty, below or "base")
        assert [line for line in await shape(empty) if "alembic_version" not in line] == [
            line for line in before if "alembic_version" not in line
        ], revision
        await migrate.upgrade(empty, revision)
        assert await shape(empty) == after, revision


async def test_a_revision_that_is_not_there_is_named(empty: str) -> None:
    with pytest.raises(Invalid, match="no revision '9999'") as refused:
        await migrate.upgrade(empty, "9999")

    assert "0001" in refused.value.hint


async def test_a_database_of_newer_code_is_left_alone(empty: str) -> None:
    await migrate.upgrade(empty)
    await execute(empty, "update alembic_version set version_num = '9999'")

    for move in (migrate.upgrade(empty), migrate.downgrade(empty, "0001")):
        with pytest.raises(Rejected, match="this code is older") as refused:
            await move
        assert refused.value.hint == "upgrade crossdock"


def test_going_back_is_told_from_going_on() -> None:
    assert migrate.is_below("0001", "0002")
    assert migrate.is_below("base", "0001")
    assert not migrate.is_below("0002", "0001")
    assert not migrate.is_below("head", "0001")
    assert not migrate.is_below("0001", None)


async def test_migrating_twice_and_at_once_is_migrating_once(empty: str) -> None:
    await migrate.upgrade(empty)
    first = await shape(empty)
    await migrate.upgrade(empty)
    assert await shape(empty) == first


async def test_a_full_database_keeps_what_it_holds(
    empty: str, tmp_path: Path, clock: VirtualClock
) -> None:
    """What older parts hold must survive newer parts coming, going, and coming again."""
    await migrate.upgrade(empty, "0003")
    database = await Database.open(empty, pool_size=4)
    catalog = Catalog(database, clock)
    access = Access(database, clock, Random(7))
    await readers.register(database, reader(catalog))
    token = await access.ensure_owner_key(tmp_path, "main")
    cases = (ItemUnit(unit="CS", numerator=12),)
    facts = [own_fact(ItemChanged(sku=f"SKU-{n}", units=cases), NOON) for n in range(500)]
    async with database.transaction(Scope("main")) as tx:
        await event_log.append_once(
            tx,
            [
                Entry(tenant="main", source="crossdock", received_at=NOON, fact=fact)
                for fact in facts
            ],
        )
    await readers.catch_up(database, reader(catalog), clock)
    held = await catalog.items(Scope("main"), limit=1000)

    await migrate.upgrade(empty)
    await migrate.downgrade(empty, "0003")
    await migrate.upgrade(empty)

    assert len(held) == 500
    assert await catalog.items(Scope("main"), limit=1000) == held
    assert (await access.authenticate(f"Bearer {token}")).tenant == "main"
    await database.close()


async def test_each_table_with_a_tenant_is_guarded_after_every_step(empty: str) -> None:
    for revision in revisions():
        await migrate.upgrade(empty, revision)
        connection: Any = await asyncpg.connect(empty)
        unguarded = await connection.fetch(
            "select c.relname from pg_class c"
            " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'"
            " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
            " and not c.relispartition and not (c.relrowsecurity and c.relforcerowsecurity)"
        )
        await connection.close()
        assert unguarded == [], revision
