"""A changed connection is spoken to as it is now, from the next call on."""

import asyncio

from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.deliveries import Deliveries
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from tests.unit.connectivity.standins import MAIN, World, command, with_shop, world


async def test_a_courier_elsewhere_uses_the_changed_address_for_its_next_call(
    database: Database, dsn: str
) -> None:
    hub = await with_shop(world(database, SystemClock()))
    elsewhere = await Database.open(dsn, pool_size=2)
    there = world(elsewhere, SystemClock())
    there.shops |= {"shop": hub.shop}
    working = asyncio.create_task(Deliveries(there.around("w2")).run())
    await hub.enqueue(command("c1"))
    await settled(hub, "c1")

    await hub.directory.change(MAIN, "shop", {"address": "newer"})
    await hub.enqueue(command("c2", quantity="7", version=2))
    await settled(hub, "c2")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await elsewhere.close()

    assert hub.shop.effects == ["c1"]
    assert there.shops["newer"].effects == ["c2"]


async def test_a_call_that_lasts_keeps_what_it_has_and_the_next_gets_what_is_new(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock))
    talk = Conversation(database, hub.directory, hub.around().ports)

    async with talk.lent(await hub.directory.get(MAIN, "shop")) as old:
        await hub.directory.change(MAIN, "shop", {"address": "newer"})
        talk.doubt()
        async with talk.lent(await hub.directory.get(MAIN, "shop")) as new:
            assert (old, new) == (hub.shop, hub.shops["newer"])
    await talk.close()


async def settled(hub: World, command_id: str) -> None:
    async with asyncio.timeout(10):
        while await hub.state(command_id) in {"PENDING", "IN_FLIGHT"}:
            await asyncio.sleep(0.02)
