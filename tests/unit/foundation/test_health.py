"""Each thing that can be wrong with the ground is found, and its fix is named."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossdock.foundation import health, migrate
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.health import State
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.settings import Settings, unknown_variables
from crossdock.interfaces.cli.hub import warn_of_unknown_settings
from tests.conftest import execute
from tests.figures import written

GIB = 1024**3


def test_this_python_is_new_enough() -> None:
    assert health.check_python().state is State.OK


def test_a_misspelt_setting_is_named_with_the_nearest_that_exists() -> None:
    unknown = unknown_variables(
        ["PATH", "CROSSDOCK_DSN", "crossdock_port", "CROSSDOCK_PROT", "CROSSDOCK_ZZZZZZZZ"]
    )

    found = health.check_settings(unknown)

    assert unknown == {"CROSSDOCK_PROT": "CROSSDOCK_PORT", "CROSSDOCK_ZZZZZZZZ": ""}
    assert found.state is State.WARN
    assert "CROSSDOCK_PROT → CROSSDOCK_PORT" in found.fix
    assert health.check_settings({}).state is State.OK


@given(st.sampled_from(sorted(Settings.model_fields)), st.data())
def test_one_slip_of_the_pen_leads_back_to_the_setting(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    slipped = f"CROSSDOCK_{name[:at]}{name[at + 1 :]}".upper()
    assume(slipped.removeprefix("CROSSDOCK_").lower() not in Settings.model_fields)

    assert unknown_variables([slipped]) == {slipped: f"CROSSDOCK_{name.upper()}"}


def test_a_hub_says_at_its_start_which_variables_it_ignores(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSDOCK_LOGLEVEL", "DEBUG")

    warn_of_unknown_settings()

    found = {line["variable"]: line for line in written(lines)}
    assert found["CROSSDOCK_LOGLEVEL"]["hint"] == "did you mean CROSSDOCK_LOG_LEVEL?"
    assert found["CROSSDOCK_LOGLEVEL"]["level"] == "warning"


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
