"""What can be wrong with the ground, each with the command or setting that mends it."""

import errno
import platform
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from crossdock.canonical.errors import CrossdockError, Rejected
from crossdock.foundation import metrics, migrate
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import (
    DATABASE_ERRORS,
    HUB_ROLE,
    Database,
    Transaction,
    check_isolation,
    unreachable,
)
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

PYTHON_MIN = (3, 11)
SKEW_MAX = timedelta(seconds=2)
SIGN_SECONDS = 5.0
SIGN_AGE_MAX = timedelta(seconds=30)
SIGN_KEPT = timedelta(days=1)
FREE_BYTES_LOW = 2 * 1024**3
FREE_BYTES_MIN = 256 * 1024**2

TROUBLE = (CrossdockError, SQLAlchemyError, ValueError, *DATABASE_ERRORS)
"""Whatever may stop a look at the ground or the hub."""

FIX_FULL = "free space on the disk of the database"
FIX_CLOCK = "run NTP on this machine (`timedatectl`)"
FIX_CLOCKS = "run NTP on both machines (`timedatectl`)"
FIX_BY_ERRNO = {
    errno.ENOSPC: FIX_FULL,
    errno.EDQUOT: FIX_FULL,
    errno.EACCES: "let this user read and write CROSSDOCK_DATA_DIR",
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html
FIX_BY_SQLSTATE = {
    "25006": "name the primary in CROSSDOCK_DSN: this server takes no writes",
    "42501": f"give the role {HUB_ROLE} its rights on the tables of the hub again",
    "53100": FIX_FULL,
    "53300": "raise max_connections of the database, or lower CROSSDOCK_POOL_SIZE",
}
FIX_OTHERWISE = (
    "read the log of the database (the embedded one: postgres/log in the data directory)"
)

WORKER, ATTENDANT = "worker", "attendant"
"""What a process does: everything, or answering questions only."""

# The database's own clock: that of a process may be wrong, which is another finding.
SIGN = """
insert into worker_sign (worker, kind, seen_at, figures) values ($1, $2, now(), $3)
on conflict (worker) do update set kind = excluded.kind, seen_at = excluded.seen_at,
    figures = excluded.figures
"""
# Each start of a process leaves one; the last of each kind stays, to say when there was one.
FORGET = """
delete from worker_sign where worker in (
    select worker from worker_sign w
    where seen_at < now() - $1::interval
        and seen_at < (select max(seen_at) from worker_sign where kind = w.kind)
    for update skip locked)
"""
FIGURES = """
select worker, figures from worker_sign
where kind = $1 and worker <> $2 and figures <> '' and seen_at > now() - $3::interval
"""


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


def process_name(pid: int) -> str:
    """Name a process of this machine as its signs of life do."""
    return f"{socket.gethostname()}-{pid}"


@dataclass(frozen=True, slots=True)
class Check:
    """`fix` is a command or a setting, empty when all is well."""

    name: str
    state: State
    detail: str
    fix: str = ""


def check_python() -> Check:
    version = platform.python_version()
    if tuple(int(part) for part in platform.python_version_tuple()[:2]) < PYTHON_MIN:
        return Check("Python", State.FAIL, version, "install Python 3.11 or newer")
    return Check("Python", State.OK, version)


def check_settings(unknown: Mapping[str, str]) -> Check:
    """Name misspelt variables: they change nothing, and nobody would ever hear of it."""
    if not unknown:
        return Check("Settings", State.OK, "every CROSSDOCK_ variable is known")
    fixes = [f"{name} → {near}" if near else f"unset {name}" for name, near in unknown.items()]
    detail = f"not settings, so ignored: {', '.join(unknown)}"
    return Check("Settings", State.WARN, detail, "; ".join(fixes))


def check_disk(folder: Path, free_bytes: Callable[[Path], int]) -> Check:
    """PostgreSQL stops when its disk is full: say so while there is time."""
    free = free_bytes(folder)
    detail = f"{free / 1024**3:.1f} GiB free in {folder}"
    if free < FREE_BYTES_MIN:
        return Check(
            "Disk", State.FAIL, detail, f"free space, or move CROSSDOCK_DATA_DIR={folder}"
        )
    if free < FREE_BYTES_LOW:
        return Check("Disk", State.WARN, detail, "free space soon")
    return Check("Disk", State.OK, detail)


async def check_database(dsn: str) -> Check:
    try:
        connection: Any = await asyncpg.connect(dsn, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TimeoutError) as e:
        failure = unreachable(dsn, e)
        return Check("Database", State.FAIL, failure.message, failure.hint)
    try:
        version = await connection.fetchval("show server_version")
    finally:
        await connection.close()
    return Check("Database", State.OK, f"PostgreSQL {version}")


async def check_schema(dsn: str) -> Check:
    found, wanted = await migrate.current(dsn), migrate.head()
    if found == wanted:
        return Check("Schema", State.OK, f"{found} = head")
    if found is not None and found not in migrate.revisions():
        detail = f"{found}: this code is older than its database, it knows {wanted}"
        return Check("Schema", State.FAIL, detail, "upgrade crossdock")
    return Check("Schema", State.FAIL, f"{found or 'empty'}, not {wanted}", "crossdock migrate")


async def check_scopes(database: Database) -> Check:
    try:
        await check_isolation(database)
    except Rejected as error:
        return Check("Isolation", State.FAIL, error.message, error.hint)
    return Check("Isolation", State.OK, "row-level security binds the hub's role")


async def check_clock(database: Database, clock: Clock, *, is_kept: bool | None = None) -> Check:
    """Compare with the database; `is_kept` is what the kernel says of this machine's clock."""
    async with database.transaction(Scope.of_workers()) as tx:
        theirs: datetime = await tx.fetchval("select clock_timestamp()")
    skew = abs(clock.now() - theirs)
    detail = f"{skew.total_seconds() * 1000:.0f} ms apart from the database"
    if skew > SKEW_MAX:
        return Check("Clock", State.FAIL, detail, FIX_CLOCKS)
    if is_kept is False:
        return Check(
            "Clock",
            State.WARN,
            f"{detail}; the kernel knows of nothing that keeps it in time",
            FIX_CLOCK,
        )
    return Check("Clock", State.OK, detail)


def check_others_clocks(skews: Mapping[str, Sequence[timedelta]]) -> list[Check]:
    """Judge how far the clock of each connection is ahead of ours; none where none told.

    It is we who are wrong where several are apart from us and not from each other. Of what one
    connection answered the nearest counts: a proxy on the way may have a clock of its own.
    """
    nearest = {name: min(heard, key=abs) for name, heard in skews.items() if heard}
    apart = {name: skew for name, skew in nearest.items() if abs(skew) > SKEW_MAX}
    if not nearest:
        return []
    if not apart:
        return [Check("Clocks of others", State.OK, f"{len(nearest)} agree with this machine's")]
    detail = ", ".join(_told(name, skew) for name, skew in sorted(apart.items()))
    if len(apart) < len(nearest):
        fix = "tell who runs it: others agree with this machine"
    elif len(apart) > 1 and max(apart.values()) - min(apart.values()) <= SKEW_MAX:
        return [Check("Clocks of others", State.FAIL, detail, FIX_CLOCK)]
    else:
        fix = f"it cannot be told who is wrong: {FIX_CLOCK}, or tell who runs the other"
    return [Check("Clocks of others", State.WARN, detail, fix)]


def _told(name: str, skew: timedelta) -> str:
    side = "ahead of" if skew > timedelta() else "behind"
    return f"{name} is {abs(skew).total_seconds():.0f} s {side} this machine"


async def check_workers(database: Database) -> Check:
    """Count who left a sign lately, by the database's own clock."""
    async with database.transaction(Scope.of_workers()) as tx:
        row = await tx.fetchrow(
            "select count(*) filter (where seen_at > now() - $1::interval) as alive,"
            " max(seen_at) as last from worker_sign where kind = $2",
            SIGN_AGE_MAX,
            WORKER,
        )
    if row["alive"]:
        return Check("Workers", State.OK, f"{row['alive']} at work")
    last = row["last"]
    detail = f"none; the last left at {last:%Y-%m-%d %H:%M:%S} UTC" if last else "none, ever"
    return Check("Workers", State.FAIL, detail, "crossdock serve  (or: crossdock worker)")


async def leave_sign(database: Database, worker: str, kind: str, *, figures: str = "") -> None:
    """Say that a process lives, and what it has counted so far."""
    async with database.transaction(Scope.of_workers()) as tx:
        await tx.execute(SIGN, worker, kind, figures)
        await tx.execute(FORGET, SIGN_KEPT)


async def leave_signs(database: Database, clock: Clock, worker: str, kind: str) -> None:
    """Leave one sign after the other until cancelled."""
    while True:
        try:
            await leave_sign(database, worker, kind, figures=metrics.exposition().decode())
        except DATABASE_ERRORS as error:
            log.warning("signs of life wait", error=repr(error))
        await clock.sleep(SIGN_SECONDS)


async def figures_of_workers(tx: Transaction, ours: str) -> dict[str, str]:
    """Find what every worker that left a sign lately had counted by then, but for this process."""
    rows = await tx.fetch(FIGURES, WORKER, ours, SIGN_AGE_MAX)
    return {row["worker"]: row["figures"] for row in rows}


def failed(name: str, error: Exception) -> Check:
    """Turn an error of a part into a finding."""
    if isinstance(error, CrossdockError):
        return Check(name, State.FAIL, error.message, error.hint)
    said = getattr(error, "orig", None) or error  # what SQLAlchemy wraps
    detail = " ".join(f"{type(said).__name__}: {said}".split())
    if isinstance(error, OSError):
        return Check(name, State.FAIL, detail, FIX_BY_ERRNO.get(error.errno or 0, FIX_OTHERWISE))
    return Check(
        name, State.FAIL, detail, FIX_BY_SQLSTATE.get(getattr(said, "sqlstate", ""), FIX_OTHERWISE)
    )
