"""Each thing that can be wrong with the ground is found, and its fix is named."""

import asyncio
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
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings, unknown_variables
from crossdock.interfaces.cli.hub import warn_of_unknown_settings
from tests.conftest import execute, out_of_reach
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


async def test_a_worker_that_stopped_is_missed(database: Database, dsn: str) -> None:
    assert (await health.check_workers(database)).detail == "none, ever"
    await health.leave_sign(database, "w1", health.WORKER)
    assert (await health.check_workers(database)).state is State.OK

    await age_signs(dsn, "5 minutes")

    assert (await health.check_workers(database)).state is State.FAIL


async def test_a_sign_says_what_its_process_does_now(database: Database) -> None:
    await health.leave_sign(database, "w1", health.ATTENDANT)
    assert (await health.check_workers(database)).state is State.FAIL

    await health.leave_sign(database, "w1", health.WORKER)  # another, under a pid used before

    assert (await health.check_workers(database)).state is State.OK


async def test_old_signs_go_but_for_the_last_of_each_kind(database: Database, dsn: str) -> None:
    for worker in ("w1", "w2", "w3"):
        await health.leave_sign(database, worker, health.WORKER)
        await age_signs(dsn, "1 hour")
    await age_signs(dsn, "22 hours 30 minutes")

    await health.leave_sign(database, "a1", health.ATTENDANT)

    # Their ages were 25.5, 24.5 and 23.5 hours.
    assert await signs(database) == {"w3", "a1"}
    await age_signs(dsn, "2 days")
    await health.leave_sign(database, "a2", health.ATTENDANT)
    assert await signs(database) == {"w3", "a2"}
    assert "the last left at" in (await health.check_workers(database)).detail


async def test_signs_of_life_wait_for_a_database_that_is_away(
    postgres: EmbeddedPostgres, database: Database, clock: VirtualClock
) -> None:
    leaving = asyncio.create_task(health.leave_signs(database, clock, "w1", health.WORKER))
    await until_signed(database, clock)
    async with out_of_reach(postgres, database):
        for _ in range(3):
            await clock.advance(timedelta(seconds=5))
            await asyncio.sleep(0.1)
        assert not leaving.done()

    async with database.transaction(Scope.of_workers()) as tx:
        await tx.execute("delete from worker_sign")
    await until_signed(database, clock)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)


async def until_signed(database: Database, clock: VirtualClock) -> None:
    async with asyncio.timeout(10):
        while not await signs(database):
            await clock.advance(timedelta(seconds=5))
            await asyncio.sleep(0.02)


async def signs(database: Database) -> set[str]:
    async with database.transaction(Scope.of_workers()) as tx:
        return {row["worker"] for row in await tx.fetch("select worker from worker_sign")}


async def age_signs(dsn: str, by: str) -> None:
    await execute(dsn, f"update worker_sign set seen_at = seen_at - interval '{by}'")


async def test_a_table_without_row_level_security_is_found(database: Database, dsn: str) -> None:
    assert (await health.check_scopes(database)).state is State.OK
    await execute(dsn, "create table leaky (tenant text)")

    found = await health.check_scopes(database)

    assert (found.state, "leaky" in found.detail) == (State.FAIL, True)
