"""Lots that were known before what has expired was taken off are taken off from then on."""

import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from crossdock.capabilities.inventory import Inventory
from crossdock.foundation import migrate
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import execute

# In Auckland it is the 5th already, in UTC the 4th; of lot M the wms told last, of N it told none.
LYING = """
insert into inventory_stock (tenant, item, location, nettable, hard, is_known, version)
values ('main', 'X', 'DC1', 60, 4, true, 7), ('main', 'X', 'DC2', 9, 0, true, 2),
    ('other', 'X', 'DC1', 5, 0, true, 1);
insert into inventory_position (tenant, item, location, status, owner, lot, micros)
values ('main', 'X', 'DC1', 'AVAILABLE', '', 'L', 10),
    ('main', 'X', 'DC1', 'AVAILABLE', '', 'M', 20),
    ('main', 'X', 'DC1', 'AVAILABLE', '', 'N', 30), ('main', 'X', 'DC1', 'DAMAGED', '', 'L', 3),
    ('main', 'X', 'DC1', 'AVAILABLE', 'maker', 'L', 2),
    ('main', 'X', 'DC2', 'AVAILABLE', '', 'L', 9), ('other', 'X', 'DC1', 'AVAILABLE', '', 'L', 5);
insert into supply_lot (tenant, item, lot, source, expires_on, rank, us, position)
values ('main', 'X', 'L', 'erp', '2026-05-04', 1, 1, 1),
    ('main', 'X', 'M', 'erp', '2099-01-01', 1, 1, 2),
    ('main', 'X', 'M', 'wms', '2026-01-01', 1, 2, 3),
    ('main', 'X', 'N', 'erp', '2026-01-01', 1, 1, 4), ('main', 'X', 'N', 'wms', null, 1, 2, 5);
insert into location (tenant, location, code, name, kind, timezone, is_active, source, changed_at)
values ('main', 'DC1', 'DC1', '', 'DC', 'Pacific/Auckland', true, 'erp', now());
"""
STANDING = """
select tenant, location, nettable, hard, {expired} from inventory_stock order by tenant, location
"""


@pytest.fixture
async def bare(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    name = f"lots_{os.getpid()}"
    await execute(postgres.dsn, f"create database {name}")
    yield postgres.dsn_of(name)
    await execute(postgres.dsn, f"drop database {name} with (force)")


async def standing(dsn: str, expired: str) -> list[tuple[Any, ...]]:
    connection: Any = await asyncpg.connect(dsn)
    rows = await connection.fetch(STANDING.format(expired=expired))
    await connection.close()
    return [tuple(row) for row in rows]


async def test_what_had_expired_before_is_taken_off_at_the_first_turn_and_given_back_downwards(
    bare: str, clock: VirtualClock
) -> None:
    await migrate.upgrade(bare, "0018")
    await execute(bare, LYING)
    before = await standing(bare, "0")
    await migrate.upgrade(bare)
    assert await standing(bare, "expired") == before

    for _ in range(2):
        database = await Database.open(bare, pool_size=3)
        await Inventory(database, clock).upkeep.turn_days()
        await database.close()
        assert await standing(bare, "expired") == [
            ("main", "DC1", 30, 4, 30),
            ("main", "DC2", 9, 0, 0),
            ("other", "DC1", 5, 0, 0),
        ]
        await migrate.downgrade(bare, "0018")
        assert await standing(bare, "0") == before
        await migrate.upgrade(bare)
