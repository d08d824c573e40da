"""Whoever has a transaction open already is answered in it, for one tenant at a time."""

import asyncio

from crossdock.canonical.quantities import MICROS
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.inventory.house import House, count, counted


async def test_tenants_are_told_apart_on_the_one_connection_there_is(
    dsn: str, clock: VirtualClock
) -> None:
    database = await Database.open(dsn, pool_size=1)
    house = await House.opened(database, clock)
    for tenant, held in (("north", 3), ("south", 7)):
        await house.hear(counted(1, count(held)), source=f"wms-{tenant}", scope=Scope(tenant))

    async with asyncio.timeout(30), database.transaction(Scope.of_workers()) as tx:
        answers = {
            tenant: (await house.inventory.availability_in(tx, tenant, [("X", "DC1")]))[0]
            for tenant in ("north", "south", "nowhere")
        }
    await database.close()

    free = {tenant: answer.available.micros // MICROS for tenant, answer in answers.items()}
    assert free == {"north": 3, "south": 7, "nowhere": 0}
    assert not answers["nowhere"].is_known
    assert [age.source for age in answers["south"].sources] == ["wms-south"]
