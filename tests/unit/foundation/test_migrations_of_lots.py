"""Lots that were known before what has expired was taken off are taken off from then on."""

import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Inventory
from crossdock.foundation import event_log, migrate, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from tests.conftest import execute
from tests.unit.capabilities.inventory.house import MAIN, House, count, counted
from tests.unit.capabilities.inventory.test_expiring import TODAY, day, located, lot

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
# What inventory had made of the count, and supply and the catalogue of what they had come to.
KNOWN_APART = f"""
insert into inventory_stock (tenant, item, location, nettable, is_known, version)
values ('main', 'X', 'DC1', 15000000, true, 1);
insert into inventory_position (tenant, item, location, status, owner, lot, micros)
select 'main', 'X', 'DC1', 'AVAILABLE', '', lot, pieces * 1000000
from (values ('A', 1), ('B', 2), ('C', 4), ('D', 8)) k(lot, pieces);
insert into supply_lot (tenant, item, lot, source, expires_on, rank, us, position)
values ('main', 'X', 'A', 'wms', '{TODAY}', 1, 1, 1);
insert into location (tenant, location, code, name, kind, timezone, is_active, source, changed_at)
values ('main', 'DC1', 'DC1', '', 'DC', 'UTC', true, 'erp', now());
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


async def place(database: Database) -> Position:
    """Give the place behind all that was told so far."""
    async with database.transaction(Scope.of_workers()) as tx:
        return await event_log.end(tx)


async def test_what_one_reader_had_heard_and_the_other_not_counts_from_the_migration_on(
    bare: str, clock: VirtualClock
) -> None:
    """Supply stands before lot B, refused lot C, and inventory stands between C and D."""
    await migrate.upgrade(bare, "0018")
    database = await Database.open(bare, pool_size=3)
    house = await House.opened(database, clock)
    await house.record(counted(1, *(count(2**n, lot=name) for n, name in enumerate("ABCD"))))
    await house.record(lot("C", TODAY))
    refused = await place(database)
    await house.record(lot("A", TODAY))
    supply = await place(database)
    await house.record(lot("B", day(-1), 1), lot("B", TODAY, 3), lot("B", day(9), 2))
    await house.record(located("DC1", "Pacific/Auckland"))
    inventory = await place(database)
    await house.record(lot("D", TODAY))
    await execute(bare, KNOWN_APART)
    await execute(
        bare,
        f"""
        insert into log_reader (name, shard, tx, position)
        values ('supply', 0, '{supply.tx}', {supply.position});
        update log_reader set tx = '{inventory.tx}', position = {inventory.position}
        where name = 'inventory';
        insert into log_refusal (tenant, reader, position, refused_at, reason)
        values ('main', 'supply', {refused.position}, now(), 'x');
        insert into inventory_group_version (tenant, location, rank, us, position)
        values ('main', 'DC1', 1, 1, {inventory.position});
        """,
    )

    await migrate.upgrade(bare)
    await database.close()
    database = await Database.open(bare, pool_size=3)
    house = House(database, clock)
    await readers.catch_up(database, house.reader, clock)
    await house.inventory.upkeep.turn_days()

    stock, upkeep = await house.stock(), house.inventory.upkeep
    assert (stock.figures.nettable, stock.expired) == (0, 15 * MICROS)
    assert await upkeep.state_hash(MAIN) == await upkeep.replayed_hash(MAIN)
    await database.close()


async def test_what_a_downgrade_gives_back_is_told(bare: str, clock: VirtualClock) -> None:
    await migrate.upgrade(bare)
    database = await Database.open(bare, pool_size=3)
    house = await House.opened(database, clock)
    await house.hear(lot("L", day(-1)), counted(1, count(5, lot="L"), count(2)))
    before = len(await house.told(AvailabilityChanged))
    await migrate.downgrade(bare, "0018")

    told = (await house.told(AvailabilityChanged))[before:]
    await database.close()
    assert [
        (one.version, int(one.nettable.value))
        for one in (event.payload for event in told)
        if isinstance(one, AvailabilityChanged)
    ] == [(2, 7)]
