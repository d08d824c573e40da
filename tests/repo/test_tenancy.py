"""Every statement names the tenant itself: the first of the two layers that keep them apart."""

import ast
import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import crossdock
from crossdock.foundation.database import WorkersSql
from tests.repo.tenancy import unbound

SOURCE = Path(crossdock.__file__).parent
VERB = re.compile(r"\s*(select|insert|update|delete|with|merge)\s")

# What only workers may ask, for it concerns every tenant or is asked before the tenant is known.
WORKERS = {
    "crossdock.capabilities.allocation.alternative_store.TO_DO": "what is to be held or let go",
    "crossdock.capabilities.allocation.store.DUE": "the next item-locations, whoever's",
    "crossdock.capabilities.allocation.rule_store.RECURRING": "what begins anew by a calendar",
    "crossdock.capabilities.allocation.store.TURNED_LATELY": "where a period began or ended",
    "crossdock.capabilities.allocation.store.FORGET": "what has been done with for long",
    "crossdock.capabilities.allocation.store.IS_ANY_KNOWN": "whether anybody has ordered",
    "crossdock.capabilities.allocation.store.MARK_ALL": "every item-location, each night",
    "crossdock.capabilities.inventory.at_cut.WITH_NEGATIVE": "whose stock below zero is counted",
    "crossdock.capabilities.inventory.leaks.TENANTS": "whose hard promises are looked at",
    "crossdock.capabilities.inventory.negative.TENANTS": "whose stock is below zero",
    "crossdock.capabilities.inventory.over_picks.TENANTS": "whose order lines are over-picked",
    "crossdock.capabilities.inventory.announcing.TELL": "the next announcements, whoever's",
    "crossdock.capabilities.inventory.turning.DUE": "where a day has ended",
    "crossdock.capabilities.inventory.turning.NEXT": "when the next day ends",
    "crossdock.capabilities.inventory.upkeep.LAPSED_STOCK": "which holds have lapsed",
    "crossdock.capabilities.inventory.kit_orders.IS_ANY": "whether anybody has ordered a kit",
    "crossdock.capabilities.inventory.waiting_kits.IS_ANY": "whether any kit waits for parts",
    "crossdock.capabilities.reconciliation.count_store.TENANTS": "whose counts are told",
    "crossdock.capabilities.reconciliation.counted_store.TENANTS": "whose counts wait",
    "crossdock.capabilities.reconciliation.open_rounds.REFUSED": "whose orders were not read",
    "crossdock.capabilities.reconciliation.overdue.TENANTS": "whose differences are overdue",
    "crossdock.capabilities.reconciliation.store.WITH_HEALABLE": "whose documents are sent again",
    "crossdock.capabilities.reconciliation.store.WITH_SUSPICIONS": "whose suspicions lapse",
    "crossdock.capabilities.supply.notices.TENANTS": "whose notices came otherwise",
    "crossdock.capabilities.supply.overdue.TENANTS": "whose supply is overdue",
    "crossdock.capabilities.supply.risk_cases.TENANTS": "whose promises are at risk",
    "crossdock.capabilities.supply.kept_store.IS_ANY_OPEN": "whether anything is promised",
    "crossdock.capabilities.supply.kept_store.WATCHED": "whose promises by date are watched",
    "crossdock.capabilities.supply.kept_store.WITH_LAPSED": "whose promises have lapsed",
    "crossdock.connectivity.as2.exchange.TENANTS": "whose certificates are looked at",
    "crossdock.connectivity.as2.posting.DUE": "the next messages and receipts to be sent",
    "crossdock.connectivity.figures.CIRCUITS": "figures of the whole hub, for who runs it",
    "crossdock.connectivity.figures.LETTERS": "figures of the whole hub, for who runs it",
    "crossdock.connectivity.figures.OUTBOX": "figures of the whole hub, for who runs it",
    "crossdock.connectivity.figures.QUARANTINED": "figures of the whole hub, for who runs it",
    "crossdock.connectivity.figures.WAITING": "figures of the whole hub, for who runs it",
    "crossdock.connectivity.interchanges.watching.TENANTS": "whose documents are overdue",
    "crossdock.connectivity.own_numbers.TENANTS": "who has connections",
    "crossdock.connectivity.proposals.TELLERS": "whose proposals are to be compared",
    "crossdock.connectivity.raw_messages.UNFINISHED": "what a process that died left unread",
    "crossdock.connectivity.refilling.TENANTS": "whose messages are missing",
    "crossdock.connectivity.streams.SILENT": "which holes have lasted too long",
    "crossdock.connectivity.waiting_room.TENANTS_DUE": "whose facts are to be tried again",
    "crossdock.foundation.log_times.NEWEST": "a place in the log, of whatever tenant",
    "crossdock.foundation.log_times.RECEIVED": "a time in the log, of whatever tenant",
    "crossdock.foundation.database.COUNTED": "how far the log of the whole hub has come",
    "crossdock.foundation.catching_up.REST": "which readers have nothing to hear",
    "crossdock.foundation.readers.BEHIND": "whether a reader is at the end of the log",
    "crossdock.foundation.readers.LAGS": "figures of the whole hub, for who runs it",
    "crossdock.foundation.readers.REFUSALS": "figures of the whole hub, for who runs it",
    "crossdock.governance.access.FIND": "whose key this is",
    "crossdock.orchestration.engine.engine.NEXT_DUE": "when to look again",
    "crossdock.connectivity.stock_asking.TENANTS": "whose systems are asked for stock",
    "crossdock.orchestration.engine.work.CLAIM": "the next due instances, whoever's",
    "crossdock.orchestration.engine.work.PARKED": "figures of the whole hub, for who runs it",
    "crossdock.orchestration.processes.availability_readback.SELLERS": "whose channels are read",
    "crossdock.orchestration.processes.availability_facts.IS_SOLD": "whether any channel sells",
    "crossdock.orchestration.processes.channel_sales.IS_MEASURED": "whether any budget is made",
    "crossdock.orchestration.processes.safe_mode.TENANTS": "whose sources are watched",
    "crossdock.orchestration.processes.oversell_budget.TENANTS": "whose budgets to compute",
}
# Functions in the database read tables too, out of sight of the statements that call them.
FUNCTIONS = {
    "extend_event_log": "reads places alone, to make partitions; runs as the owner",
    "inventory_lapsed": "answers whose each hold is; whoever calls it names the tenant",
    "event_log_hides": "tells one bit of the log of every tenant, to workers alone",
    "read_event_log": "answers for the tenant it is told, or for all, as its caller may",
    "inventory_tell_availability": "tells of each row under the tenant that changed it",
    "inventory_tell_caused_availability": "tells of each row under the tenant that changed it",
    "inventory_tell_reservations": "tells of each line under the tenant that changed it",
    "inventory_source_ages": "answers for the tenant that it is told",
    "inventory_reserve": "takes ids that were found under its tenant or are derived from it",
}


@pytest.fixture
async def guarded(dsn: str) -> AsyncIterator[frozenset[str]]:
    """Ask the database itself what has a tenant: tables, and functions that answer one."""
    connection: Any = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        "select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
        " and a.attname = 'tenant' and not c.relispartition"
        " union select proname from pg_proc"
        " where pronamespace = 'public'::regnamespace and 'tenant' = any(proargnames)"
    )
    yield frozenset(row["name"] for row in rows)
    await connection.close()


def constants() -> Iterator[tuple[str, str | WorkersSql]]:
    """Give every module's own statements, as they are run: put together and filled in."""
    for found in pkgutil.walk_packages(crossdock.__path__, "crossdock."):
        if found.name.endswith("__main__") or ".migrations" in found.name:
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            if isinstance(value, WorkersSql) or (isinstance(value, str) and VERB.match(value)):
                yield f"{found.name}.{name}", value


def written_in_functions() -> Iterator[tuple[str, str]]:
    """Give what looks like a statement in the midst of code, with a name where it is filled in."""
    for path in SOURCE.rglob("*.py"):
        if "migrations" in path.parts:
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for text in strings(function):
                if VERB.match(text):
                    yield f"{path.relative_to(SOURCE)}:{function.name}", text


def strings(tree: ast.AST) -> Iterator[str]:
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield str(node.value)


async def test_every_statement_names_the_tenant_of_every_table_it_touches(
    guarded: frozenset[str],
) -> None:
    found = [
        *((name, sql) for name, sql in constants() if isinstance(sql, str)),
        *((name, sql) for name, sql in written_in_functions() if mentions(sql, guarded)),
    ]
    assert len(found) > 150

    assert {name: tables for name, sql in found if (tables := unbound(sql, guarded))} == {}


async def test_what_asks_across_tenants_is_declared_and_has_a_reason(
    guarded: frozenset[str],
) -> None:
    declared = {
        name: sql.text
        for name, sql in constants()
        if isinstance(sql, WorkersSql) and unbound(sql.text, guarded)
    }

    assert declared.keys() == WORKERS.keys()


async def test_every_function_of_the_database_that_reads_a_table_has_a_reason(
    dsn: str, guarded: frozenset[str]
) -> None:
    connection: Any = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace"
    )
    await connection.close()

    assert {row["proname"] for row in rows if mentions(row["prosrc"], guarded)} == FUNCTIONS.keys()


def test_no_statement_is_put_together_as_it_is_run() -> None:
    """What a transaction runs is a constant or stands there in full, so that it can be read."""
    loose = [
        f"{path.relative_to(SOURCE)}:{call.lineno}"
        for path in SOURCE.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and re.fullmatch(r"tx\.(fetch|fetchrow|fetchval|execute)", ast.unparse(call.func))
        and isinstance(call.args[0], ast.JoinedStr | ast.BinOp | ast.Call)
    ]

    assert loose == []


def mentions(sql: str, guarded: frozenset[str]) -> bool:
    return bool(re.search(rf"\b(from|join|into|update|using)\s+({'|'.join(guarded)})\b", sql))


THINGS = frozenset({"thing", "part"})
INSERT = "insert into thing as t (tenant, id) values ($1, $2)"


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select * from thing where id = $1", ["thing"]),
        ("select * from thing where tenant = 'main'", ["thing"]),
        ("select * from thing where tenant = $1 or id = $2", ["thing"]),
        ("select * from thing where ($1 = '' or tenant = $1)", ["thing"]),
        ("select * from thing where ($1 = '*' or tenant = $2)", ["thing"]),
        ("select * from thing where not tenant = $1", ["thing"]),
        ("select * from thing where tenant <> $1", ["thing"]),
        ("select * from thing where tenant = tenant", ["thing"]),
        ("select * from thing t where t.tenant = t.owner_tenant", ["thing"]),
        ("select * from thing t join part p using (tenant)", ["part", "thing"]),
        ("select * from thing t join part p on p.tenant = t.tenant", ["part", "thing"]),
        ("select * from thing t join part p using (id) where t.tenant = $1", ["part"]),
        ("select * from thing t left join part p on t.tenant = $1", ["part", "thing"]),
        ("select * from thing t left join part p on p.tenant = $1", ["thing"]),
        ("select * from part where tenant = $1 and id in (select id from thing)", ["thing"]),
        ("select exists (select from thing where id = $1)", ["thing"]),
        ("with one as (select * from thing) select * from one where tenant = $1", ["thing"]),
        ("select 1 union all select id from thing", ["thing"]),
        ("update thing set name = $2 where id = $1", ["thing"]),
        ("update thing t set name = p.name from part p where p.tenant = $1", ["thing"]),
        ("delete from thing where id = any($1)", ["thing"]),
        ("delete from thing t using part p where t.tenant = p.tenant", ["part", "thing"]),
        ("insert into thing (id) values ($1)", ["thing"]),
        ("insert into thing values ($1, $2)", ["thing"]),
        (f"{INSERT} on conflict (id) do update set id = excluded.id", ["thing"]),
        ("insert into part (tenant, id) select $1, id from thing", ["thing"]),
    ],
)
def test_a_statement_that_forgot_its_tenant_is_found(sql: str, tables: list[str]) -> None:
    assert unbound(sql, THINGS) == tables


@pytest.mark.parametrize(
    "sql",
    [
        "select * from thing where tenant = $1",
        "select * from thing where (id = $2 and tenant = any($1::text[]))",
        "select * from thing where ($1 = '*' or tenant = $1) and id > $2",
        "select * from thing t join part p using (tenant, id) where t.tenant = $1",
        "select * from thing t join part p on p.tenant = t.tenant where p.tenant = $1",
        "select * from thing t left join part p on p.tenant = t.tenant where t.tenant = $1",
        "select t.* from unnest($1::text[]) k(tenant) join thing t on t.tenant = k.tenant",
        "select * from thing where (tenant, id) in (select * from unnest($1::text[], $2::int[]))",
        "select from thing where tenant = $1 and id in (select id from part where tenant = $1)",
        "update thing t set name = p.name from part p where p.tenant = $1 and t.tenant = p.tenant",
        "delete from thing t using unnest($1::text[]) k(tenant) where t.tenant = k.tenant",
        f"{INSERT} on conflict (id) do nothing",
        f"{INSERT} on conflict (tenant, id) do update set id = excluded.id",
        f"{INSERT} on conflict (id) do update set id = $2 where t.tenant = excluded.tenant",
        "select from thing t where tenant = $1 and exists (select from part where tenant = $1)",
        "select * from other where id = $1",
    ],
)
def test_a_statement_that_names_its_tenant_passes(sql: str) -> None:
    assert unbound(sql, THINGS) == []
