"""Kinds of shares that an older version does not know are left as what it does know."""

import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from crossdock.foundation import migrate
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import execute

PUT = """
insert into publishing_channel (tenant, connection, location, source_locations, wakes_on,
    share_mode, share_fixed, share_min)
values ('main', 'part', 'web', '{dc1}', '{dc1}', 'PARTITION', 60, 0),
    ('main', 'kept', 'web', '{dc1}', '{dc1}', 'PROTECTED', 0, 40),
    ('main', 'all', 'web', '{dc1}', '{dc1}', 'POOL', 7, 0)
"""


@pytest.fixture
async def bare(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    name = f"shares_{os.getpid()}"
    await execute(postgres.dsn, f"create database {name}")
    yield postgres.dsn_of(name)
    await execute(postgres.dsn, f"drop database {name} with (force)")


async def test_a_part_stays_a_part_and_of_what_is_protected_the_minimum_is_left(bare: str) -> None:
    await migrate.upgrade(bare)
    await execute(bare, PUT)

    await migrate.downgrade(bare, "0009")

    connection: Any = await asyncpg.connect(bare)
    rows = await connection.fetch("select connection, share_mode, share_fixed"
                                  " from publishing_channel order by connection")  # fmt: skip
    await connection.close()
    assert [tuple(row) for row in rows] == [
        ("all", "POOL", 7),
        ("kept", "FIXED", 40),
        ("part", "FIXED", 60),
    ]
    await migrate.upgrade(bare)
