"""The embedded PostgreSQL starts, is joined, and recovers from what a crash leaves behind."""

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from crossdock.canonical.errors import Unavailable
from crossdock.foundation.database import Database, check_isolation
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from tests.conftest import execute


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a short-lived data directory; whatever postmaster is left in it is ours to end."""
    folder = Path(tmp_path_factory.mktemp("embedded"))
    yield folder
    pid_file = folder / "postgres" / "postmaster.pid"
    if pid_file.exists():
        pid = int(pid_file.read_text().split()[0])
        if pid != os.getpid() and psutil.pid_exists(pid):
            os.kill(pid, signal.SIGINT)


async def test_a_second_start_joins_the_running_server(folder: Path) -> None:
    first = await EmbeddedPostgres.start(folder)
    second = await EmbeddedPostgres.start(folder)

    assert first.dsn == second.dsn
    first.stop()


@pytest.mark.parametrize("seen", ["PG_VERSION", "postmaster.pid"])
async def test_a_start_that_is_given_up_leaves_no_server(folder: Path, seen: str) -> None:
    start = asyncio.create_task(EmbeddedPostgres.start(folder))
    async with asyncio.timeout(60):
        while not await asyncio.to_thread((folder / "postgres" / seen).exists):
            await asyncio.sleep(0.01)

    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    servers = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not [words for words in servers if str(folder / "postgres") in words]


async def test_a_pid_file_that_names_a_strangers_process_does_not_stop_the_start(
    folder: Path,
) -> None:
    server = await EmbeddedPostgres.start(folder)
    await execute(server.dsn, "create table kept (n int)")
    pid_file = folder / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    postmaster = psutil.Process(int(lines[0]))
    children = postmaster.children()
    postmaster.kill()
    psutil.wait_procs([postmaster, *children], timeout=10)
    # The pid was given to somebody else: this very test process.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    again = await EmbeddedPostgres.start(folder)

    await execute(again.dsn, "insert into kept values (1)")
    again.stop()


async def test_a_broken_configuration_is_an_error_that_names_the_log(folder: Path) -> None:
    server = await EmbeddedPostgres.start(folder)
    server.stop()
    with (folder / "postgres" / "postgresql.conf").open("a") as file:
        file.write("\nshared_buffers = 'nonsense'\n")

    with pytest.raises(Unavailable, match="does not start") as caught:
        await EmbeddedPostgres.start(folder)

    assert str(folder / "postgres" / "log") in caught.value.hint


async def test_durability_settings_are_the_safe_ones(folder: Path) -> None:
    values = await shown(
        folder, "fsync", "synchronous_commit", "full_page_writes", "listen_addresses"
    )

    assert values == ["on", "on", "on", ""]


async def test_nobody_but_its_owner_reaches_the_socket(folder: Path) -> None:
    """It asks for no password; where paths are long it lies in a folder that all can enter."""
    server = await EmbeddedPostgres.start(folder)
    [socket_folder] = parse_qs(urlsplit(server.dsn).query)["host"]
    [mode] = modes_of(Path(socket_folder), ".s.PGSQL.*[0-9]")
    server.stop()

    assert mode == 0o700


def modes_of(folder: Path, pattern: str) -> list[int]:
    return [stat.S_IMODE(one.stat().st_mode) for one in folder.glob(pattern)]


async def test_log_files_outlast_a_quiet_night(folder: Path) -> None:
    assert await shown(folder, "min_wal_size", "wal_sync_method") == ["512MB", "open_datasync"]


async def shown(folder: Path, *names: str) -> list[str]:
    """Start a server as a hub does, and ask it for its settings."""
    server = await EmbeddedPostgres.start(folder)
    connection: Any = await asyncpg.connect(server.dsn)
    values = [await connection.fetchval(f"show {name}") for name in names]
    await connection.close()
    server.stop()
    return values


async def test_a_wrong_address_names_itself_and_the_setting() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1/nowhere") as caught:
        await Database.open("postgresql://user:secret@127.0.0.1:1/nowhere")

    assert "CROSSDOCK_DSN" in caught.value.hint
    assert "secret" not in str(caught.value)


async def test_a_migrated_database_passes_the_isolation_test(database: Database) -> None:
    await check_isolation(database)  # raises when a table or the role is not bound

    async with database.transaction(Scope("main")) as tx:
        assert await tx.fetchval("select current_user") == "crossdock_hub"
