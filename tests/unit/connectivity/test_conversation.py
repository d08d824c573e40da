"""A changed connection is spoken to as it is now, from the next call on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from crossdock.canonical.errors import Unavailable
from crossdock.connectivity.conversation import Conversation, Patience
from crossdock.connectivity.deliveries import Deliveries
from crossdock.connectivity.sdk import Ports
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from tests.unit.connectivity.standins import (
    MAIN,
    Shop,
    ShopSettings,
    World,
    command,
    with_shop,
    world,
)


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


class Sluggish:
    """Opens or closes only when a test lets it."""

    def __init__(self) -> None:
        self.may_open, self.may_close = asyncio.Event(), asyncio.Event()
        self.is_given_up = False

    @asynccontextmanager
    async def connect(self, settings: ShopSettings, ports: Ports) -> AsyncIterator[Shop]:
        del settings
        try:
            await self.may_open.wait()
            yield Shop(ports.clock)
            await self.may_close.wait()
        except asyncio.CancelledError:
            self.is_given_up = True
            raise


def sluggish(hub: World, door: Sluggish) -> World:
    application = replace(hub.directory.applications["stand_in"], connect=door.connect)
    return replace(hub, directory=replace(hub.directory, applications={"stand_in": application}))


BRIEF = Patience(opening=0.1, closing=0.1)


async def test_an_opening_that_hangs_is_given_up_and_tried_anew(
    database: Database, clock: VirtualClock
) -> None:
    door = Sluggish()
    hub = sluggish(await with_shop(world(database, clock)), door)
    talk = Conversation(database, hub.directory, hub.around().ports, BRIEF)
    entry = await hub.directory.get(MAIN, "shop")

    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match=r"not open within 0\.1 s"):
            async with talk.lent(entry):
                raise AssertionError("it never opens")

    await asyncio.sleep(0.01)
    assert door.is_given_up
    door.may_open.set()
    door.may_close.set()
    async with talk.lent(entry) as connection:
        assert isinstance(connection, Shop)
    await talk.close()


async def test_a_closing_that_hangs_holds_up_neither_the_call_nor_the_next(
    database: Database, clock: VirtualClock
) -> None:
    door = Sluggish()
    door.may_open.set()
    hub = sluggish(await with_shop(world(database, clock)), door)
    talk = Conversation(database, hub.directory, hub.around().ports, BRIEF)
    entry = await hub.directory.get(MAIN, "shop")

    async with asyncio.timeout(5):
        async with talk.lent(entry) as old:
            talk.doubt()
        await asyncio.sleep(0.01)
        assert door.is_given_up
        door.may_close.set()
        async with talk.lent(entry) as new:
            assert new is not old
        await talk.close()


async def test_who_stops_waiting_for_an_opening_leaves_nothing_open(
    database: Database, clock: VirtualClock
) -> None:
    door = Sluggish()
    hub = sluggish(await with_shop(world(database, clock)), door)
    talk = Conversation(database, hub.directory, hub.around().ports)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), talk.lent(await hub.directory.get(MAIN, "shop")):
            raise AssertionError("it never opens")
    await asyncio.sleep(0.01)

    assert door.is_given_up
    await talk.close()
