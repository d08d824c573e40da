"""What every test may ask for: a real PostgreSQL, a fresh migrated database, a clock to turn."""

import itertools
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from crossdock.foundation import migrate
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.postgres import EmbeddedPostgres

settings.register_profile(
    "crossdock", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("crossdock")

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
_numbers = itertools.count()


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """One cluster for the whole run of this process, with a migrated template database."""
    server = await EmbeddedPostgres.start(Path(tmp_path_factory.mktemp("pg")))
    await execute(server.dsn, "create database template_crossdock")
    await migrate.upgrade(server.dsn_of("template_crossdock"))
    yield server
    server.stop()


@pytest.fixture
async def dsn(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Make a migrated, empty database for one test and drop it afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    await execute(postgres.dsn, f"create database {name} template template_crossdock")
    yield postgres.dsn_of(name)
    await execute(postgres.dsn, f"drop database {name} with (force)")


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(dsn, pool_size=10)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


async def execute(dsn: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
