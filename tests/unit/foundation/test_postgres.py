"""The embedded PostgreSQL starts, is joined, and recovers from what a crash leaves behind."""

import asyncio
import errno
import fcntl
import io
import json
import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Unavailable
from crossdock.foundation import migrate
from crossdock.foundation.database import Database, check_isolation
from crossdock.foundation.postgres import (
    HANDLES,
    MIB,
    START_LOCK,
    EmbeddedPostgres,
    buffers_mib,
    not_started,
)
from crossdock.foundation.scope import Scope
from tests import clusters
from tests.conftest import execute, roomiest

OLDEST_TUNING = """
# crossdock
shared_buffers = 256MB
max_connections = 120
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
"""
OLD_TUNING = """
# crossdock
shared_buffers = 256MB
max_connections = 120
max_wal_size = 2GB
# As durable as the default, with one call of the system less for each commit.
wal_sync_method = open_datasync
checkpoint_timeout = 15min
jit = off
# Whoever reaches the socket is let in: nobody but who runs the hub may reach it.
unix_socket_permissions = 0777
"""

STARTER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from crossdock.foundation.postgres import START_LOCK, EmbeddedPostgres

async def main():
    server = await EmbeddedPostgres.start(Path(sys.argv[1]))
    connection = await asyncpg.connect(server.dsn)
    print(await connection.fetchval("select system_identifier from pg_control_system()"))
    await connection.close()
    sys.stdin.read()
    server.stop()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a short-lived data directory; whatever postmaster is left in it is ours to end.

    Not in pytest's own: another run, as it starts, closes that to the user PostgreSQL runs as.
    """
    with clusters.kept(roomiest()) as folder:
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


async def test_two_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    """As two `crossdock serve` typed at once, where nothing has been laid down yet."""
    starters = [await starter(folder) for _ in range(3)]

    told = [await asyncio.wait_for(one.communicate(b"kept"), 120) for one in starters]

    assert [one.returncode for one in starters] == [0, 0, 0], told
    assert len({said for said, _ in told}) == 1
    assert servers_in(folder) == []


async def test_a_start_that_waits_for_another_can_be_given_up(folder: Path) -> None:
    with (folder / START_LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        start = asyncio.create_task(EmbeddedPostgres.start(folder))
        await asyncio.sleep(0.3)
        assert not (folder / "postgres").exists()

        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(start, 5)

    server = await EmbeddedPostgres.start(folder)
    server.stop()


async def test_a_start_that_waits_says_so_and_ends(folder: Path, lines: io.StringIO) -> None:
    with (folder / START_LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(Unavailable, match="has been starting") as refused:
            await EmbeddedPostgres.start(folder, patience_seconds=0.4)

    assert f"fuser {folder / START_LOCK}" in refused.value.hint
    assert "waiting for another process" in lines.getvalue()
    assert not (folder / "postgres").exists()


async def test_no_number_of_cancels_opens_the_lock_while_the_cluster_is_laid_down(
    folder: Path,
) -> None:
    start = asyncio.create_task(EmbeddedPostgres.start(folder))
    async with asyncio.timeout(60):
        while not await asyncio.to_thread((folder / "postgres").exists):
            await asyncio.sleep(0.01)

    for _ in range(3):
        start.cancel()
        await asyncio.sleep(0.02)
    assert not start.done()
    with (folder / START_LOCK).open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(asyncio.CancelledError):
        await start

    assert servers_in(folder) == []
    with (folder / START_LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_killed_process_does_not_keep_the_server(folder: Path) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    server = await EmbeddedPostgres.start(folder)
    handles = folder / "postgres" / HANDLES
    handles.write_text(json.dumps([gone.pid, os.getpid()]))

    server.stop()

    assert servers_in(folder) == []
    assert json.loads(handles.read_text()) == []
    handles.write_text(json.dumps([gone.pid]))
    again = await EmbeddedPostgres.start(folder)
    assert json.loads(handles.read_text()) == [os.getpid()]
    again.stop()


@pytest.mark.parametrize("name", ["my data", "R&D (new)", "it's; here"])
async def test_a_path_with_spaces_and_signs_is_as_good_as_any(folder: Path, name: str) -> None:
    server = await EmbeddedPostgres.start(folder / name)
    await execute(server.dsn, "create table kept (n int)")
    server.stop()

    again = await EmbeddedPostgres.start(folder / name)
    await execute(again.dsn, "insert into kept values (1)")
    again.stop()

    assert servers_in(folder / name) == []


@pytest.mark.parametrize("sign", ['"', "$", "`", "\\", "\n"])
async def test_a_path_that_cannot_be_told_is_refused_at_once(folder: Path, sign: str) -> None:
    with pytest.raises(Unavailable, match="its path holds") as refused:
        await EmbeddedPostgres.start(folder / f"a{sign}b")

    assert "CROSSDOCK_DATA_DIR" in refused.value.hint
    assert not (folder / f"a{sign}b").exists()


@pytest.mark.parametrize("impossible", ["/dev/null", "/dev/null/x", "/proc/x"])
async def test_a_folder_that_cannot_be_made_names_the_setting(impossible: str) -> None:
    with pytest.raises(Unavailable, match=impossible) as refused:
        await EmbeddedPostgres.start(Path(impossible))

    assert "CROSSDOCK_DATA_DIR" in refused.value.hint
    assert "log" not in refused.value.hint


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(number: int) -> None:
    refusal = not_started(Path("/data/postgres"), OSError(number, os.strerror(number)))

    assert "local disk" in refusal.hint


@given(memory=st.integers(0, 2**44))
def test_shared_buffers_leave_room_in_any_container(memory: int) -> None:
    mib = buffers_mib(memory)

    assert 16 <= mib <= 2048
    assert mib == 16 or mib * MIB * 4 <= memory
    assert mib >= 128 or memory < 512 * MIB


async def starter(folder: Path) -> asyncio.subprocess.Process:
    """Start a process that starts or joins the server, and leaves it when it is told something."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STARTER, str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def servers_in(folder: Path) -> list[list[str]]:
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [words for words in lines if str(folder / "postgres") in words]


@pytest.mark.parametrize("seen", ["PG_VERSION", "postmaster.pid"])
async def test_a_start_that_is_given_up_leaves_no_server(folder: Path, seen: str) -> None:
    start = asyncio.create_task(EmbeddedPostgres.start(folder))
    async with asyncio.timeout(60):
        while not await asyncio.to_thread((folder / "postgres" / seen).exists):
            await asyncio.sleep(0.01)

    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start

    assert servers_in(folder) == []


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
    """As the hub sees them: its pool or its role could turn them off for all that it writes."""
    server = await EmbeddedPostgres.start(folder)
    await migrate.upgrade(server.dsn)
    database = await Database.open(server.dsn)
    names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
    values = {name: (await database.call(f"show {name}"))[0][0] for name in names}
    await database.close()
    server.stop()

    assert values == dict(zip(names, ("on", "on", "on", ""), strict=True))


async def test_nobody_but_its_owner_reaches_the_socket(folder: Path) -> None:
    """It asks for no password; where paths are long it lies in a folder that all can enter."""
    assert await socket_modes(folder) == [0o700]


async def test_log_files_outlast_a_quiet_night(folder: Path) -> None:
    assert await shown(folder, "min_wal_size") == ["512MB"]


@pytest.mark.parametrize("old", [OLDEST_TUNING, OLD_TUNING], ids=["oldest", "old"])
async def test_a_cluster_made_long_ago_is_tuned_as_a_new_one(folder: Path, old: str) -> None:
    await shown(folder, "jit")
    untune(folder, old + "\n# mine\nmax_wal_size = 3GB\n")

    modes = await socket_modes(folder)

    assert modes == [0o700]
    names = ("min_wal_size", "wal_sync_method", "wal_compression", "max_wal_size")
    assert await shown(folder, *names) == ["512MB", "fdatasync", "off", "3GB"]
    configuration = (folder / "postgres" / "postgresql.conf").read_text()
    assert configuration.count("include 'crossdock.conf'") == 1
    assert "# crossdock\n" not in configuration


async def test_tuning_that_was_cut_short_is_made_good(folder: Path) -> None:
    """As by a disk that was full when it was written."""
    await shown(folder, "jit")
    untune(folder, "\n# crossdock\nshared_buffers = 256MB\nmax_connections = 12")
    (folder / "postgres" / "crossdock.conf").write_text("shared_buff")

    assert await shown(folder, "max_connections", "jit") == ["120", "off"]


def untune(folder: Path, old: str) -> None:
    """Put a block into the configuration where ours is included now, as it stood there once."""
    configuration = folder / "postgres" / "postgresql.conf"
    before = configuration.read_text()
    assert before.count("include 'crossdock.conf'\n") == 1
    configuration.write_text(before.replace("include 'crossdock.conf'\n", old))
    (folder / "postgres" / "crossdock.conf").unlink()


async def socket_modes(folder: Path) -> list[int]:
    server = await EmbeddedPostgres.start(folder)
    [socket_folder] = parse_qs(urlsplit(server.dsn).query)["host"]
    modes = modes_of(Path(socket_folder), ".s.PGSQL.*[0-9]")
    server.stop()
    return modes


def modes_of(folder: Path, pattern: str) -> list[int]:
    return [stat.S_IMODE(one.stat().st_mode) for one in folder.glob(pattern)]


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
