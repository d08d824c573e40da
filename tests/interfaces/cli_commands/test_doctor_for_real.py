"""The doctor, typed as people type it, finds what has really gone wrong, and names the fix."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.commands import Command
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.health import SIGN_AGE_MAX
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from tests.conftest import execute
from tests.interfaces.cli_commands.conftest import CommandLine

DISK = Path(__file__).with_name("full_disk.py")
LATE = """
from datetime import timedelta
from crossdock.assembly import Outside
from crossdock.foundation.clock import SystemClock
from crossdock.interfaces.cli import doctor

class Late(SystemClock):
    def now(self):
        return super().now() - timedelta(minutes=3)

sound = doctor.examine
doctor.examine = lambda settings: sound(settings, Outside(clock=Late()))
doctor.app(["--json"])
"""

Checks = dict[str, dict[str, str]]


async def doctor(crossdock: CommandLine, *program: str, **environment: str) -> tuple[int, Checks]:
    """Run the command, or another program that does, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *(program or ("-m", "crossdock", "doctor", "--json"))),
        cwd=crossdock.folder,
        env={**outside_of_us(), **crossdock.environment, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await ended(process, 60)
    assert b"Traceback" not in err, err.decode()
    assert process.returncode is not None
    return process.returncode, by_name(out.decode())


async def ended(process: asyncio.subprocess.Process, seconds: float) -> tuple[bytes, bytes]:
    """Wait for what it prints; one that does not end in time is not left behind."""
    try:
        async with asyncio.timeout(seconds):
            return await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def outside_of_us() -> dict[str, str]:
    return {**os.environ, "CROSSDOCK_LOG_LEVEL": "ERROR"}  # noqa: TID251  # a child needs a PATH


def by_name(out: str) -> Checks:
    return {check["name"]: check for check in json.loads(out)["checks"]}


def failing(checks: Checks) -> set[str]:
    return {name for name, check in checks.items() if check["state"] == "fail"}


@pytest.fixture
def deaf_port() -> Any:
    """Take a port that nobody listens at, and keep it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@asynccontextmanager
async def worker(crossdock: CommandLine) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock", "worker", "--json"),
        cwd=crossdock.folder, env={**outside_of_us(), **crossdock.environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_dsn_that_nobody_answers_at(crossdock: CommandLine, deaf_port: int) -> None:
    dsn = f"postgresql://hub:secret@127.0.0.1:{deaf_port}/hub"

    code, checks = await doctor(crossdock, CROSSDOCK_DSN=dsn)

    assert (code, failing(checks)) == (1, {"Database"})
    assert "CROSSDOCK_DSN" in checks["Database"]["fix"]
    assert "secret" not in str(checks)


async def test_an_old_schema_and_what_mends_it(
    crossdock: CommandLine, postgres: EmbeddedPostgres
) -> None:
    await execute(postgres.dsn, f"create database old_{os.getpid()}")
    dsn = postgres.dsn_of(f"old_{os.getpid()}")
    old = CommandLine(
        crossdock.typist, {**crossdock.environment, "CROSSDOCK_DSN": dsn}, crossdock.folder
    )
    await old("migrate", "--to", "0003")

    code, checks = await doctor(old)

    assert (code, failing(checks)) == (1, {"Schema"})
    assert checks["Schema"]["fix"] == "crossdock migrate"
    await old("migrate")
    assert failing((await doctor(old))[1]) == {"Workers"}


@pytest.fixture
def in_a_disk_of_its_own(tmp_path: Path) -> tuple[str, ...]:
    """Give what runs a program where it may mount a disk; skip where nobody may."""
    as_whom = () if os.geteuid() == 0 else ("--map-current-user", "--keep-caps")
    program = ("unshare", "--mount", *as_whom, sys.executable, str(DISK), str(tmp_path))
    tried = subprocess.run([*program, "--try"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no disk may be mounted here: {tried.stderr.strip()[-200:]}")
    return program


async def test_a_disk_that_is_full_with_the_database_running_and_stopped(
    in_a_disk_of_its_own: tuple[str, ...],
) -> None:
    process = await asyncio.create_subprocess_exec(
        *in_a_disk_of_its_own, env=outside_of_us(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await ended(process, 150)

    assert b"Traceback" not in err, err.decode()
    running, server, stopped = (by_name(line) for line in out.decode().splitlines())
    assert running["Disk"]["state"] == stopped["Disk"]["state"] == "fail"
    assert running["Disk"]["detail"].startswith("0.0 GiB free in ")
    assert running["Disk"]["fix"].startswith("free space")
    assert failing(running) == {"Disk", "Hub"}
    assert "No space left on device" in running["Hub"]["detail"]
    assert failing(server) == {"Hub"}  # its disk is not ours to look at, so it has to say it
    assert server["Hub"]["detail"].startswith("DiskFullError: could not extend file")
    assert (
        running["Hub"]["fix"] == server["Hub"]["fix"] == "free space on the disk of the database"
    )
    assert failing(stopped) == {"Disk", "Database"}
    assert "a full disk" in stopped["Database"]["fix"]


async def test_a_clock_that_is_late(crossdock: CommandLine) -> None:
    """Nobody may turn the clock of this machine: the doctor's own is late, the database's not."""
    code, checks = await doctor(crossdock, "-c", LATE)

    assert (code, failing(checks)) == (1, {"Clock", "Workers"})
    apart = int(checks["Clock"]["detail"].split()[0])
    assert 175_000 < apart < 185_000
    assert "NTP" in checks["Clock"]["fix"]


async def test_a_worker_that_was_killed_is_missed_half_a_minute_later(
    crossdock: CommandLine, dsn: str
) -> None:
    async with worker(crossdock) as process, asyncio.timeout(60):
        assert process.stdout
        await process.stdout.readline()
        while failing((await doctor(crossdock))[1]):
            await asyncio.sleep(0.2)
        process.kill()
        await process.wait()

    half_a_minute = f"interval '{SIGN_AGE_MAX.total_seconds()} s'"  # is not waited for
    await execute(dsn, f"update worker_sign set seen_at = seen_at - {half_a_minute}")
    _, checks = await doctor(crossdock)

    assert failing(checks) == {"Workers"}
    assert checks["Workers"]["detail"].startswith("none; the last left at ")
    assert checks["Workers"]["fix"].startswith("crossdock serve")


async def test_a_shop_that_cannot_be_reached_and_what_has_waited_for_it(
    crossdock: CommandLine, hub: Hub, deaf_port: int
) -> None:
    keys = {"access_token": "shpat_test", "webhook_secret": "test"}
    settings = {
        "shop_domain": "test.myshopify.com",
        "admin_url": f"http://127.0.0.1:{deaf_port}",
        "demand_location": "DC1",
        **keys,
    }
    name = crossdock.write("shop.json", settings)
    assert (await crossdock("connection", "add", "shop", "shopify", "--file", name)).code == 0
    await wait_since(timedelta(minutes=5, seconds=40), hub)

    code, checks = await doctor(crossdock)

    assert (code, failing(checks)) == (1, {"Workers", "Connection shop", "Outbox"})
    shop, outbox = checks["Connection shop"], checks["Outbox"]
    assert shop["detail"].startswith("127.0.0.1 could not be reached")
    assert "crossdock connection change shop" in shop["fix"]
    assert outbox["detail"] == "the oldest command has waited 6 minutes"
    assert outbox["fix"].startswith("crossdock connection list")


async def wait_since(age: timedelta, hub: Hub) -> None:
    """Hand a command to the outbox of a hub whose clock stands where it was that long ago."""
    command = Command(
        command_id="c1", tenant="main", connection="shop", role="set_availability",
        subject="bolt", version=1,
        arguments={"item": "bolt", "location": "dc1", "quantity": "4", "expected": None},
    )  # fmt: skip
    before = Outside(clock=VirtualClock(SystemClock().now() - age))
    async with (
        Hub.open(hub.settings, before) as then,
        then.database.transaction(Scope.of_workers()) as tx,
    ):
        await then.outbox.enqueue(tx, [command])


async def test_what_stops_one_look_is_a_finding_and_the_rest_is_looked_at(
    crossdock: CommandLine, hub: Hub, dsn: str
) -> None:
    await execute(dsn, "revoke select on worker_sign from crossdock_hub")

    code, checks = await doctor(crossdock)

    assert (code, failing(checks)) == (1, {"Workers"})
    assert "permission denied for table worker_sign" in checks["Workers"]["detail"]
    assert "crossdock_hub" in checks["Workers"]["fix"]
    assert {"Isolation", "Clock", "Outbox", "Sources"} <= checks.keys()
    assert hub.settings.tenant == "main"
