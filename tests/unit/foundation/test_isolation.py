"""Row-level security keeps tenants apart alone, in every table, whatever a statement says."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid, Rejected
from crossdock.foundation.database import HUB_ROLE, Database, Transaction, check_isolation
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from tests.unit.foundation.filling import fill

MAIN = Scope("main")
OTHER = Scope("other")
WITH_TENANT = """
select c.relname, exists (select from pg_attribute p
        where p.attrelid = c.oid and p.attname = 'partner') as has_partner
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname
"""


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[Any]:
    """Log in as the owner of the tables, past every guard."""
    connection: Any = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def tables(owner: Any) -> list[tuple[str, bool]]:
    return [(row["relname"], row["has_partner"]) for row in await owner.fetch(WITH_TENANT)]


async def count(tx: Transaction, table: str) -> int:
    found: int = await tx.fetchval(f"select count(*) from {table}")
    return found


async def test_every_table_with_a_tenant_shows_it_its_own_rows_alone(
    database: Database, owner: Any
) -> None:
    found = await tables(owner)
    assert len(found) > 20
    for table, _ in found:
        await fill(owner, table, 1, tenant="main", partner="")
        await fill(owner, table, 2, tenant="other", partner="")

        for scope, rows in [(MAIN, 1), (OTHER, 1), (Scope("third"), 0), (Scope.of_workers(), 2)]:
            async with database.transaction(scope) as tx:
                assert await count(tx, table) == rows, (table, scope)


async def test_a_statement_that_lost_its_where_changes_no_other_tenant(
    database: Database, owner: Any
) -> None:
    """The mutant that the first layer must not hold alone: a statement without its condition."""
    for table in ("item", "location", "api_key", "connection"):
        await fill(owner, table, 1, tenant="main", partner="")
        await fill(owner, table, 2, tenant="other", partner="")
        column = {"item": "sku", "location": "code"}.get(table, "name")

        async with database.transaction(OTHER) as tx:
            status = await tx.execute(f"update {table} set {column} = 'stolen'")
        assert status == "UPDATE 1"
        assert await owner.fetchval(f"select {column} from {table} where tenant = 'main'") != (
            "stolen"
        )


async def test_nobody_writes_a_row_into_another_tenant(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(OTHER) as tx:
            await tx.execute(
                "insert into event_identity (tenant, event_id, content_hash)"
                " values ('main', gen_random_uuid(), '')"
            )


async def test_without_a_scope_there_is_nothing(dsn: str, owner: Any) -> None:
    found = await tables(owner)
    for table, _ in found:
        await fill(owner, table, 1, tenant="main")
    await owner.execute("grant all on all tables in schema public to crossdock_hub")
    bare: Any = await asyncpg.connect(dsn, server_settings={"role": HUB_ROLE})
    try:
        for table, _ in found:
            assert await bare.fetchval(f"select count(*) from {table}") == 0, table
    finally:
        await bare.close()


async def test_a_partner_sees_its_own_rows_alone(database: Database, owner: Any) -> None:
    found = [table for table, has_partner in await tables(owner) if has_partner]
    assert "api_key" in found
    for table in found:
        await owner.execute(f"alter table {table} drop constraint {table}_pkey cascade")
        await fill(owner, table, 1, tenant="main", partner="boltco")
        await fill(owner, table, 2, tenant="main", partner="nutco")

        for scope, rows in [
            (MAIN, 2),
            (Scope("main", "boltco"), 1),
            (Scope("other", "boltco"), 0),
        ]:
            async with database.transaction(scope) as tx:
                assert await count(tx, table) == rows, (table, scope)


async def test_a_scope_ends_with_its_transaction(dsn: str, owner: Any) -> None:
    await fill(owner, "item", 1, tenant="main")
    one = await Database.open(dsn, pool_size=1)
    try:
        async with one.transaction(MAIN) as tx:
            assert await count(tx, "item") == 1
        async with one.transaction(OTHER) as tx:
            assert await count(tx, "item") == 0
    finally:
        await one.close()


def test_a_scope_is_a_name_and_never_a_statement() -> None:
    for name in ("", "MAIN", "a b", "x'; drop table item; --", "a" * 41, "é"):
        with pytest.raises(Invalid):
            Scope(name)
        if name:
            with pytest.raises(Invalid):
                Scope("main", name)


async def test_the_self_test_passes_on_a_sound_database(database: Database) -> None:
    await check_isolation(database)


async def test_the_self_test_refuses_a_superuser(dsn: str, owner: Any) -> None:
    await refused(dsn, owner, "superuser")


async def test_the_self_test_refuses_a_role_that_bypasses(dsn: str, owner: Any) -> None:
    await refused(dsn, owner, "bypassrls")


async def refused(dsn: str, owner: Any, power: str) -> None:
    """Give the role a power for a moment; it is the cluster's, so it is always taken back."""
    await owner.execute(f"alter role {HUB_ROLE} {power}")
    try:
        opened = await Database.open(dsn)
        with pytest.raises(Rejected) as refusal:
            await check_isolation(opened)
        await opened.close()
    finally:
        await owner.execute(f"alter role {HUB_ROLE} no{power}")
    assert refusal.value.code == "isolation_void"


@pytest.mark.parametrize(
    "damage",
    [
        "create table leak (tenant text)",
        "alter table item disable row level security",
        "alter table item no force row level security",
    ],
)
async def test_the_self_test_refuses_an_unguarded_table(
    database: Database, owner: Any, damage: str
) -> None:
    await owner.execute(damage)

    with pytest.raises(Rejected) as refusal:
        await check_isolation(database)

    assert refusal.value.code == "isolation_void"
    assert ("leak" if "leak" in damage else "item") in refusal.value.message


@pytest.mark.parametrize(
    ("damage", "mending", "says"),
    [
        (
            "alter table item disable row level security",
            "alter table item enable row level security",
            "these tables have no row-level security: item",
        ),
        (
            "alter table item no force row level security",
            "alter table item force row level security",
            "these tables have no row-level security: item",
        ),
        (
            f"alter role {HUB_ROLE} bypassrls",
            f"alter role {HUB_ROLE} nobypassrls",
            f"database role {HUB_ROLE} bypasses row-level security",
        ),
    ],
)
async def test_no_hub_starts_on_a_database_that_does_not_keep_tenants_apart(
    dsn: str, owner: Any, tmp_path: Path, *, damage: str, mending: str, says: str
) -> None:
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path)
    await owner.execute(damage)
    try:
        with pytest.raises(Rejected) as refusal:
            async with Hub.open(settings):
                pytest.fail("it has started")
    finally:
        await owner.execute(mending)

    assert (refusal.value.code, refusal.value.message) == ("isolation_void", says)
    assert refusal.value.hint
    async with Hub.open(settings) as hub:
        assert await hub.database.call("select 1")


async def test_the_log_cannot_be_rewritten(database: Database) -> None:
    for statement in ("delete from event_log", "update event_log set type = 'x'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(MAIN) as tx:
                await tx.execute(statement)
