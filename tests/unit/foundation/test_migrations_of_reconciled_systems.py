"""Whoever goes back to findings of the ledger alone keeps these, and none of two other systems."""

import os
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import asyncpg
import pytest

from crossdock.foundation import migrate
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import execute

PUT = """
insert into reconciliation_finding (tenant, system, against, run_id, finding_id, location, item,
    state, level, cause, because, remedy, unit, ours, theirs, explained, unexplained, at_stake,
    absolute, class, is_in_flight, evidence, first_cut, last_cut, found_at)
select 'main', s.system, 'erp', 'run', s.system, 'DC1', 'BOLT', 'SUSPECTED', 'TOTAL', 'UNKNOWN',
    '', 'WAIT', 'EA', 2, 1, 0, -1, -1, 1, 'A', false, '{}', now(), now(), now()
from unnest(array['crossdock', 'wms']) s(system)
"""


TABLES = (
    "reconciliation_finding",
    "reconciliation_run",
    "reconciliation_shape",
    "reconciliation_round",
    "reconciliation_open_round",
    "reconciliation_policy",
    "alembic_version",
)


class Bare(NamedTuple):
    """A database, as its server's superuser and as a role that row-level security binds."""

    dsn: str
    role: str

    @property
    def bound(self) -> str:
        return re.sub(r"//[^:@/]+", f"//{self.role}", self.dsn, count=1)


@pytest.fixture
async def bare(postgres: EmbeddedPostgres) -> AsyncIterator[Bare]:
    role = f"bound_{os.getpid()}"
    await execute(postgres.dsn, f"create role {role} login")
    await execute(postgres.dsn, f"create database {role}")
    yield Bare(postgres.dsn_of(role), role)
    await execute(postgres.dsn, f"drop database {role} with (force)")
    await execute(postgres.dsn, f"drop role {role}")


async def test_findings_of_two_other_systems_go_also_for_a_role_that_is_bound(bare: Bare) -> None:
    await migrate.upgrade(bare.dsn, "0015")
    await execute(bare.dsn, PUT)
    await execute(bare.dsn, f"grant all on schema public to {bare.role}")
    # As whoever brings a hub up to date has to be, to see where its log ends.
    await execute(bare.dsn, f"grant crossdock_hub to {bare.role}")
    for table in TABLES:
        await execute(bare.dsn, f"alter table {table} owner to {bare.role}")

    await migrate.downgrade(bare.bound, "0014")

    connection: Any = await asyncpg.connect(bare.dsn)
    rows = await connection.fetch("select finding_id from reconciliation_finding")
    await connection.close()
    assert [row["finding_id"] for row in rows] == ["crossdock"]
