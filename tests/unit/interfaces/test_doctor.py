"""`crossdock doctor` finds what usually goes wrong, and names what mends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
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
from crossdock.connectivity.transports.http import HttpClient
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


class Dated:
    """A shop that says what time it is, with each answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def check(self) -> str:
        async with (
            answering(format_datetime(SystemClock().now(), usegmt=True)) as port,
            HttpClient(
                f"http://127.0.0.1:{port}", clock=self._clock, allow_private_addresses=True
            ) as client,
        ):
            await client.request("GET", "/")
        return "it answers"


@asynccontextmanager
async def answering(date: str) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def dated(settings: NoSettings, ports: Ports) -> AsyncIterator[Any]:
    del settings
    yield Dated(ports.clock)


DATED = replace(DEAF, name="dated", title="A shop with a clock", connect=dated)


def outside(clock: Clock | None = None) -> Outside:
    applications = {"deaf": DEAF, "dated": DATED}
    return Outside(clock=clock or SystemClock(), applications=applications)


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
        for check in await examine(
            settings, outside(clock), lambda _folder: free, is_kept=lambda: True
        )
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


async def test_a_clock_that_nothing_keeps_is_a_warning(ours: Settings) -> None:
    checks = await examine(ours, outside(), is_kept=lambda: False)

    [check] = [check for check in checks if check.name == "Clock"]
    assert check.state is State.WARN
    assert check.detail.endswith("the kernel knows of nothing that keeps it in time")
    assert "timedatectl" in check.fix


async def test_a_clock_that_is_apart_from_what_others_say_is_found(
    ours: Settings,
) -> None:
    """The database of the default install has the same clock, and so cannot tell."""
    async with Hub.open(ours, outside()) as hub:
        await hub.connect(Entry(tenant="main", name="shop", application="dated", settings={}))
    late = VirtualClock(SystemClock().now() + timedelta(minutes=3))

    checks = await found(ours, late)

    check = checks["Clocks of others"]
    assert check.state is State.WARN
    assert check.detail in {f"shop is {off} s behind this machine" for off in (179, 180)}
    assert "cannot be told who is wrong" in check.fix
    assert (await found(ours))["Clocks of others"].state is State.OK


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
