"""The schema goes up, down and up again, empty or full, and always ends the same."""

import asyncio
import itertools
import json
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
from tests.unit.foundation.filling import fill

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
TABLES = """
select relname from pg_class where relnamespace = 'public'::regnamespace
    and relkind in ('r', 'p') and not relispartition and relname <> 'alembic_version'
"""
Row = dict[str, Any]
Content = dict[str, list[Row]]
"""Every row of each table, by column."""
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


WAITING = """
select count(*) from pg_locks join pg_database d on d.oid = database
where d.datname = current_database() and locktype = 'advisory' and not granted
"""


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


@pytest.mark.parametrize(
    ("dsn", "reason", "told", "hint"),
    [
        (
            "postgresql://ann@db/x",
            "permission denied for schema public",
            "the login ann may not make the tables",
            "in the database x: grant create on schema public to ann",
        ),
        (
            "postgresql:///x?user=ann",
            "<class 'InsufficientPrivilegeError'>: permission denied to create role",
            "the login ann may not make the tables: permission denied to create role",
            "create role crossdock_hub nologin; grant crossdock_hub to ann",
        ),
        (
            "postgresql://db",
            "permission denied for schema public",
            "the hub's login may not make the tables",
            "in the database: grant create on schema public to LOGIN",
        ),
        (
            "postgresql://ann@db/x",
            "must be owner of table item",
            "the login ann may not make the tables: must be owner of table item",
            "in the database x: grant it, or, where another login made what is there: reassign",
        ),
    ],
)
def test_a_login_without_rights_is_told_what_it_lacks(
    dsn: str, reason: str, told: str, hint: str
) -> None:
    refused = migrate.without_rights(dsn, reason)

    assert refused.message.startswith(told)
    assert refused.hint.startswith(f"as an administrator, {hint}")
    assert "None" not in refused.message + refused.hint


async def test_migrating_twice_is_migrating_once(empty: str) -> None:
    await migrate.upgrade(empty)
    first = await shape(empty)
    await migrate.upgrade(empty)
    assert await shape(empty) == first


async def test_starts_at_once_wait_for_each_other_and_migrate_once(empty: str) -> None:
    """While one migrates, whoever holds its lock, the others wait; then nothing is left to do."""
    starts: list[asyncio.Task[None]] = []
    holder: Any = await asyncpg.connect(empty)
    try:
        await holder.execute(f"select pg_advisory_lock({migrate.MIGRATION_LOCK})")
        starts = [asyncio.create_task(migrate.upgrade(empty)) for _ in range(3)]
        async with asyncio.timeout(30):
            while await holder.fetchval(WAITING) < len(starts):
                await asyncio.sleep(0.01)
        assert await migrate.current(empty) is None, "one did not wait"
    finally:
        await holder.close()
        ended = await asyncio.gather(*starts, return_exceptions=True)

    assert ended == [None, None, None]
    assert await migrate.current(empty) == migrate.head()


async def test_a_full_database_keeps_what_it_holds_at_every_step(empty: str) -> None:
    for revision in revisions():
        before = await content(empty)
        await migrate.upgrade(empty, revision)
        after = await content(empty)
        for table, rows in before.items():
            assert cut(after.get(table, []), to=rows) == rows, f"{revision} changes {table}"
        await fill_what_is_empty(empty)

    for revision in ["base", *revisions()][-2::-1]:
        before = await content(empty)
        await migrate.downgrade(empty, revision)
        for table, rows in (await content(empty)).items():
            assert len(rows) == 2, f"going back to {revision} empties {table}"
            assert cut(before[table], to=rows) == rows, f"going back to {revision} changes {table}"


async def content(dsn: str) -> Content:
    """Read every row of every table but the one that says which revision this is."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        found = {
            row["relname"]: [
                json.loads(one["row"])
                for one in await connection.fetch(
                    f"select to_json(t)::text as row from {row['relname']} t order by 1"
                )
            ]
            for row in await connection.fetch(TABLES)
        }
    finally:
        await connection.close()
    return found


def cut(rows: list[Row], *, to: list[Row]) -> list[Row]:
    """Keep of each row the columns that the other rows have: a step may add some or take some."""
    columns = to[0] if to else {}
    return [{name: row[name] for name in columns if name in row} for row in rows]


async def fill_what_is_empty(dsn: str) -> None:
    owner: Any = await asyncpg.connect(dsn)
    try:
        for table, rows in (await content(dsn)).items():
            if not rows:
                await fill(owner, table, 1, tenant="main", partner="")
                await fill(owner, table, 2, tenant="other", partner="boltco")
    finally:
        await owner.close()


async def test_older_parts_understand_what_they_hold_when_newer_ones_have_come_and_gone(
    empty: str, tmp_path: Path, clock: VirtualClock
) -> None:
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


async def test_maxima_and_minima_that_are_said_are_asked_for_once_promises_ask(
    empty: str,
) -> None:
    await migrate.upgrade(empty, "0013")
    await execute(
        empty,
        """
        insert into inventory_stock (tenant, item, location) values
            ('main', 'X', 'DC1'), ('main', 'X', 'DC2'), ('main', 'X', 'DC3');
        insert into inventory_group (tenant, member, location) values ('main', 'DC4', 'EAST');
        insert into allocation_rule (tenant, version, kind, subject, item, location, content,
            set_by, set_at)
        select 'main', n, kind, subject, 'X', location, content::jsonb, 'planner', now()
        from (values (1, 'PROTECTION', 'web', 'DC1', '{"ends_at":"2999-01-01T00:00:00Z"}'),
            (2, 'PROTECTION', 'key', 'DC1', '{"ends_at":"2999-01-01T00:00:00Z"}'),
            (3, 'PROTECTION', 'key', 'DC1', null),
            (4, 'PROTECTION', 'web', 'DC2', '{"ends_at":"2999-01-01T00:00:00Z"}'),
            (5, 'PROTECTION', 'web', 'DC2', null),
            (6, 'PROTECTION', 'web', 'DC3', '{"ends_at":"2026-01-01T00:00:00Z"}'),
            (7, 'PROTECTION', 'web', 'DC4', '{"ends_at":"2999-01-01T00:00:00Z"}'))
            said(n, kind, subject, location, content);
        """,
    )
    for below in ("0013", "0013"):
        await migrate.upgrade(empty)
        connection: Any = await asyncpg.connect(empty)
        rows = await connection.fetch(
            "select location, is_grouped from inventory_stock where is_guarded order by 1"
        )
        await connection.close()
        assert [tuple(row) for row in rows] == [("DC1", False), ("DC4", True)]
        await migrate.downgrade(empty, below)


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
