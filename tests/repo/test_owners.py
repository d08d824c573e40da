"""Each table has one owner: no other part of the code names it in a statement."""

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from crossdock.foundation import migrations
from crossdock.foundation.database import WorkersSql
from tests.repo.test_tenancy import constants, written_in_functions

OWNERS = {
    "0001_ground": "foundation",
    "0002_access": "governance",
    "0003_catalog": "capabilities.catalog",
    "0004_inventory": "capabilities.inventory",
    "0005_connectivity": "connectivity",
    "0006_orchestration": "orchestration",
    "0009_sourcing": "capabilities.sourcing",
    "0010_budgets": "orchestration",
    "0011_supply": "capabilities.supply",
    "0012_reconciliation": "capabilities.reconciliation",
    "0013_allocation": "capabilities.allocation",
    "0014_shelf": "capabilities.supply",
    "0017_kept_promises": "capabilities.supply",
    "0015_reconciled_systems": "capabilities.reconciliation",
    "0016_guarded": "capabilities.inventory",
    "0018_reconciliation_rules": "capabilities.reconciliation",
    "0019_expired_lots": "capabilities.inventory",
    "0020_stock_asked": "capabilities.reconciliation",
    "0021_parties": "capabilities.catalog",
    "0024_alternatives": "capabilities.allocation",
    "0022_stock_counted": "capabilities.reconciliation",
    "0023_counts_sent": "orchestration",
    "0025_periods": "capabilities.reconciliation",
    "0028_as2": "connectivity",
    "0027_late_when_signed": "capabilities.reconciliation",
    "0026_kit_orders": "capabilities.inventory",
    "0029_partners": "capabilities.partners",
    "0030_interchanges": "connectivity",
}
MIGRATIONS = Path(migrations.__path__[0]) / "versions"


def owner_by_table() -> dict[str, str]:
    return {
        table: owner
        for migration, owner in OWNERS.items()
        for table in re.findall(
            r"create table (\w+)", (MIGRATIONS / f"{migration}.py").read_text()
        )
    }


def strangers(where: str, sql: str, owners: dict[str, str]) -> set[str]:
    """Name the tables that belong to another part than the one that the statement stands in."""
    part = where.removeprefix("crossdock.").replace("/", ".")
    named = {
        table.name for table in sqlglot.parse_one(sql, dialect="postgres").find_all(exp.Table)
    }
    return {name for name in named if name in owners and not part.startswith(owners[name])}


def test_a_statement_names_only_tables_of_its_own_part() -> None:
    owners = owner_by_table()
    statements = [
        (where, sql.text if isinstance(sql, WorkersSql) else sql) for where, sql in constants()
    ]
    written = [
        (where, sql) for where, sql in written_in_functions() if any(map(sql.count, owners))
    ]
    assert len(owners) > 40
    assert len(statements) > 150

    found = {where: strangers(where, sql, owners) for where, sql in [*statements, *written]}
    assert {where: tables for where, tables in found.items() if tables} == {}


def test_every_migration_that_makes_tables_has_an_owner() -> None:
    makers = {path.stem for path in MIGRATIONS.glob("0*.py") if "create table" in path.read_text()}

    assert makers == OWNERS.keys()


@pytest.mark.parametrize(
    ("where", "sql"),
    [
        ("crossdock.connectivity.inbox.X", "select 1 from inventory_stock"),
        ("crossdock.orchestration.x.X", "with a as (select * from event_log) select * from a"),
        ("interfaces/api/log.py:x", "delete from api_key where tenant = $1"),
        ("crossdock.capabilities.inventory.x.X", "insert into item (tenant) values ($1)"),
    ],
)
def test_a_statement_on_another_parts_table_is_found(where: str, sql: str) -> None:
    assert strangers(where, sql, owner_by_table())
