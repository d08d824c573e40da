"""Kits that were told of before they could be found by their components are found by them."""

import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from crossdock.foundation import migrate
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import execute

PUT = """
insert into supply_kit (tenant, item, source, components, rank, us, position)
values ('main', 'P', 'erp', '[["X", 2000000, "EA"], ["Y", 1000000, "EA"]]', 1, 1, 1),
    ('main', 'Q', 'erp', '[["X", 1000000, "EA"], ["X", 500000, "EA"]]', 1, 1, 2),
    ('other', 'P', 'wms', '[["Z", 1000000, "EA"]]', 1, 1, 3),
    ('other', 'Q', 'wms', '[]', 1, 1, 4)
"""


@pytest.fixture
async def bare(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    name = f"kits_{os.getpid()}"
    await execute(postgres.dsn, f"create database {name}")
    yield postgres.dsn_of(name)
    await execute(postgres.dsn, f"drop database {name} with (force)")


async def test_kits_that_are_known_are_found_by_their_components(bare: str) -> None:
    await migrate.upgrade(bare)
    await migrate.downgrade(bare, "0013")
    await execute(bare, PUT)

    await migrate.upgrade(bare)

    connection: Any = await asyncpg.connect(bare)
    rows = await connection.fetch("select tenant, part, item, source from supply_kit_part"
                                  " order by tenant, part, item")  # fmt: skip
    await connection.close()
    assert [tuple(row) for row in rows] == [
        ("main", "X", "P", "erp"),
        ("main", "X", "Q", "erp"),
        ("main", "Y", "P", "erp"),
        ("other", "Z", "P", "wms"),
    ]
