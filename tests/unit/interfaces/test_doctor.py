"""`crossdock doctor` finds what usually goes wrong, and names what mends it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.commands import Command
from crossdock.canonical.errors import Unavailable
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import (
    Application,
    Kind,
    Ports,
    PublishesAvailability,
    RepeatSafety,
)
from crossdock.foundation import health, migrate
from crossdock.foundation.clock import Clock, SystemClock, VirtualClock
from crossdock.foundation.health import Check, State
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.interfaces.cli.doctor import examine
from tests.conftest import execute

GIB = 1024**3


class Deaf:
    """A shop that does not answer."""

    async def check(self) -> str:
        raise Unavailable("shop.example does not answer", hint="is its address right?")


class NoSettings(BaseModel):
    pass


@asynccontextmanager
async def connected(settings: NoSettings, ports: Ports) -> AsyncIterator[Any]:
    del settings, ports
    yield Deaf()


DEAF = Application(
    name="deaf",
    title="A deaf shop",
    kind=Kind.SHOP,
    settings=NoSettings,
    connect=connected,
    roles={PublishesAvailability: RepeatSafety.COMPARE_AND_SET},
)


def outside(clock: Clock | None = None) -> Outside:
    return Outside(clock=clock or SystemClock(), applications={"deaf": DEAF})


def settings_of(dsn: str, folder: Path) -> Settings:
    return Settings(dsn=SecretStr(dsn), data_dir=folder)


@pytest.fixture
def ours(dsn: str, tmp_path: Path) -> Settings:
    return settings_of(dsn, tmp_path)


async def found(
    settings: Settings, clock: Clock | None = None, free: int = 50 * GIB
) -> dict[str, Check]:
    return {
        check.name: check
        for check in await examine(settings, outside(clock), lambda _folder: free)
    }


def failing(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.state is State.FAIL}


async def test_a_sound_hub_has_no_finding(ours: Settings) -> None:
    async with Hub.open(ours, outside()) as hub:
        await health.leave_sign(hub.database, "w1", health.WORKER)

    checks = await found(ours)

    assert list(checks)[:4] == ["Python", "Settings", "Disk", "Database"]
    assert {check.state for check in checks.values()} == {State.OK}


async def test_a_full_disk_is_told_even_where_the_database_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").touch()

    checks = await found(Settings(data_dir=tmp_path / "in-the-way" / "data"), free=1024)

    assert list(checks) == ["Python", "Settings", "Disk", "Database"]
    assert failing(checks) == {"Disk", "Database"}
    assert checks["Disk"].fix.startswith("free space")
    assert "does not start" in checks["Database"].detail


async def test_a_wrong_dsn_names_the_setting_and_not_the_doctor_again(tmp_path: Path) -> None:
    checks = await found(settings_of("postgresql://user:secret@127.0.0.1:1/x", tmp_path))

    assert failing(checks) == {"Database"}
    assert "CROSSDOCK_DSN" in checks["Database"].fix
    assert "doctor" not in checks["Database"].fix
    assert "secret" not in str(checks)


async def test_an_old_schema_names_the_command(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    await execute(postgres.dsn, "create database old_schema")
    dsn = postgres.dsn_of("old_schema")
    await migrate.upgrade(dsn, "0001")

    checks = await found(settings_of(dsn, tmp_path))

    assert failing(checks) == {"Schema"}
    assert checks["Schema"].fix == "crossdock migrate"


async def test_a_schema_from_the_future_asks_for_newer_code(ours: Settings, dsn: str) -> None:
    await execute(dsn, "update alembic_version set version_num = '9999'")

    checks = await found(ours)

    assert failing(checks) == {"Schema"}
    assert "this code is older than its database" in checks["Schema"].detail
    assert checks["Schema"].fix == "upgrade crossdock"


async def test_a_skewed_clock_and_a_stopped_worker_are_found(
    ours: Settings, dsn: str, clock: VirtualClock
) -> None:
    async with Hub.open(ours, outside()) as hub:
        await health.leave_sign(hub.database, "w1", health.WORKER)
    await execute(dsn, "update worker_sign set seen_at = seen_at - interval '1 hour'")

    checks = await found(ours, clock)

    assert failing(checks) == {"Clock", "Workers"}
    assert "NTP" in checks["Clock"].fix
    assert checks["Workers"].fix.startswith("crossdock serve")


async def test_a_silent_connection_and_an_aging_outbox_are_found(ours: Settings) -> None:
    before = VirtualClock(SystemClock().now() - timedelta(minutes=6))
    async with Hub.open(ours, outside(before)) as hub:
        await hub.connect(Entry(tenant="main", name="shop", application="deaf", settings={}))
        arguments = {"item": "bolt", "location": "dc1", "quantity": "4", "expected": None}
        command = Command(
            command_id="c1",
            tenant="main",
            connection="shop",
            role="set_availability",
            subject="bolt",
            version=1,
            arguments=arguments,
        )
        async with hub.database.transaction(Scope.of_workers()) as tx:
            await hub.outbox.enqueue(tx, [command])

    checks = await found(ours)

    assert failing(checks) == {"Workers", "Connection shop", "Outbox"}
    assert checks["Connection shop"].fix == "is its address right?"
    assert "waited 6 minutes" in checks["Outbox"].detail
