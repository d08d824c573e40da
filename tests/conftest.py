"""What every test may ask for: a real PostgreSQL, a fresh migrated database, a clock to turn."""

import io
import itertools
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crossdock.foundation import migrate, telemetry
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.settings import PREFIX, Settings
from tests import clusters

settings.register_profile(
    "crossdock", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("crossdock")

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
UNGUARD = """
do $$ declare guarded regclass; begin
    for guarded in select oid from pg_class where relrowsecurity loop
        execute format('alter table %s disable row level security', guarded);
    end loop;
end $$
"""
# What only a machine that loses its power needs, and no hub process that is killed; a PostgreSQL
# process that is killed may leave half a page. Clusters that tests start themselves keep it.
HASTE = (
    "alter system set fsync = off",
    "alter system set full_page_writes = off",
    "alter system set max_wal_size = '256MB'",  # it may lie in memory
    "select pg_reload_conf()",
)
MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of its own is made in it
DISK = Path(tempfile.gettempdir())
ROOM_BYTES = 4 * 1024**3
SIZES = {
    f"{PREFIX}{name}" for name in ("SHUFFLES", "SELLOUTS", "CASES", "MUTATED", "KILLS", "PEERS")
}
_numbers = itertools.count()

# The settings of whoever runs the tests are of a hub that must not be touched, or of PostgreSQL,
# which asyncpg hears: only how much to test is taken from the environment, by us and by every
# process that a test starts.
OTHERS = PREFIX, "PG"
for _name in {name for name in os.environ if name.upper().startswith(OTHERS)} - SIZES:  # noqa: TID251  # to clean it
    del os.environ[_name]  # noqa: TID251  # to clean it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a real outside system in one process."""
    for item in items:
        if item.get_closest_marker("peer"):
            item.add_marker(pytest.mark.xdist_group("peers"))


@pytest.fixture
def at_a_terminal() -> Iterator[None]:
    """Hear interrupts, as what a terminal starts does, and let the children of a test hear them.

    The background jobs of a shell are born ignoring them.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    """Keep one cluster for the whole run of this process, with a migrated template database.

    Not in pytest's own temporary folder, which another run beside this one tidies up; in memory
    where there is room, for to write a fresh database to a busy disk takes a second a test.
    """
    for parent in (MEMORY, DISK):
        clusters.sweep(parent)
    with clusters.kept(roomiest()) as folder:
        server = await EmbeddedPostgres.start(folder)
        for statement in HASTE:
            await execute(server.dsn, statement)
        await execute(server.dsn, "create database template_crossdock")
        await migrate.upgrade(server.dsn_of("template_crossdock"))
        yield server
        server.stop()


def roomiest() -> Path:
    """Give where a cluster is to lie: in memory, if there is room for it that we may use."""
    may = MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK)
    is_ours = may and (os.geteuid() != 0 or MEMORY.stat().st_uid == 0)
    return MEMORY if is_ours and shutil.disk_usage(MEMORY).free >= ROOM_BYTES else DISK


@pytest.fixture
async def dsn(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Make a migrated, empty database for one test and drop it afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    # Copied as files: through the log, where every page is written twice, it takes twice as long.
    template = "template template_crossdock strategy file_copy"
    await execute(postgres.dsn, f"create database {name} {template}")
    yield postgres.dsn_of(name)
    await execute(postgres.dsn, f"drop database {name} with (force)")


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(dsn, pool_size=10)
    yield opened
    await opened.close()


@pytest.fixture
async def unguarded(dsn: str, database: Database) -> Database:
    """Take row-level security away, so that the statements have to keep tenants apart alone."""
    await execute(dsn, UNGUARD)
    return database


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Log as JSON into a text, and put logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    telemetry.configure(Settings(log_format="json", data_dir=Path("/x")), stream=stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Trace into memory."""
    exporter = InMemorySpanExporter()
    with telemetry.traced(SimpleSpanProcessor(exporter)):
        yield exporter


@asynccontextmanager
async def out_of_reach(postgres: EmbeddedPostgres, database: Database) -> AsyncIterator[None]:
    """Cut every connection to the database, and let nobody in until the block ends."""
    [[name]] = await database.call("select current_database()")
    await execute(postgres.dsn, f"alter database {name} allow_connections false")
    await execute(
        postgres.dsn,
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
    )
    try:
        yield
    finally:
        await execute(postgres.dsn, f"alter database {name} allow_connections true")


async def execute(dsn: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
