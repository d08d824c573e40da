"""Each thing that can be wrong with the ground is found, and its fix is named."""

from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.foundation import health, migrate
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.health import State
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import execute

GIB = 1024**3


def test_this_python_is_new_enough() -> None:
    assert health.check_python().state is State.OK


@pytest.mark.parametrize(
    ("free", "state"), [(50 * GIB, State.OK), (GIB, State.WARN), (GIB // 10, State.FAIL)]
)
def test_a_disk_that_fills_up_is_told_in_time(free: int, state: State) -> None:
    found = health.check_disk(Path("data"), lambda _folder: free)

    assert found.state is state
    assert bool(found.fix) == (state is not State.OK)


async def test_a_wrong_dsn_names_the_setting_and_hides_the_password() -> None:
    found = await health.check_database("postgresql://user:secret@127.0.0.1:1/x")

    assert (found.state, "CROSSDOCK_DSN" in found.fix) == (State.FAIL, True)
    assert "secret" not in found.detail
    assert (await health.check_database("not a dsn")).state is State.FAIL


async def test_an_old_schema_names_the_command(postgres: EmbeddedPostgres) -> None:
    await execute(postgres.dsn, "create database half_migrated")
    dsn = postgres.dsn_of("half_migrated")
    assert (await health.check_schema(dsn)).detail.startswith("empty")
    await migrate.upgrade(dsn, "0001")

    found = await health.check_schema(dsn)

    assert (found.state, found.fix) == (State.FAIL, "crossdock migrate")
    assert "0001" in found.detail
    await migrate.upgrade(dsn)
    assert (await health.check_schema(dsn)).state is State.OK


async def test_a_skewed_clock_is_measured_against_the_database(
    database: Database, clock: VirtualClock
) -> None:
    assert (await health.check_clock(database, SystemClock())).state is State.OK
    assert (await health.check_clock(database, clock)).state is State.FAIL  # it says May


async def test_a_worker_that_stopped_is_missed(database: Database) -> None:
    assert (await health.check_workers(database)).detail == "none, ever"
    now = SystemClock().now()
    await health.leave_sign(database, "w1", health.WORKER, now - timedelta(minutes=5))
    assert (await health.check_workers(database)).state is State.FAIL

    await health.leave_sign(database, "w1", health.WORKER, now)
    assert (await health.check_workers(database)).state is State.OK


async def test_a_table_without_row_level_security_is_found(database: Database, dsn: str) -> None:
    assert (await health.check_scopes(database)).state is State.OK
    await execute(dsn, "create table leaky (tenant text)")

    found = await health.check_scopes(database)

    assert (found.state, "leaky" in found.detail) == (State.FAIL, True)
