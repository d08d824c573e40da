"""A connection goes away with nothing half done, and whoever worked for it notices."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from crossdock.canonical.errors import Conflict, Forbidden, NotFound
from crossdock.connectivity.inbox import UNFINISHED_AFTER
from crossdock.connectivity.outbox import By, Wanted
from crossdock.connectivity.parting import Parted, part
from crossdock.connectivity.sdk import Delivery
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.unit.connectivity.standins import (
    MAIN,
    World,
    command,
    webhook,
    with_shop,
    world,
)

ANN = By("ann", "the shop closed")


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock))


@pytest.fixture
async def elsewhere(dsn: str) -> AsyncIterator[Database]:
    """Another process's database, as it were: only notifications go from here to there."""
    opened = await Database.open(dsn, pool_size=2)
    yield opened
    await opened.close()


async def parted(hub: World, *, discard: bool = False) -> Parted:
    async with hub.database.transaction(MAIN) as tx:
        return await part(tx, "shop", ANN, hub.clock.now(), discard=discard)


async def test_a_command_on_its_way_keeps_its_connection_even_if_the_rest_is_given_up(
    hub: World,
) -> None:
    gate = asyncio.Event()

    async def hold(_commands: object) -> None:
        await gate.wait()

    hub.shop.before = hold
    await hub.enqueue(command("c1"))
    courier = await hub.courier()
    calling = asyncio.create_task(courier.step())
    while not hub.shop.calls:
        await asyncio.sleep(0.01)

    with pytest.raises(Conflict) as refusal:
        await parted(hub, discard=True)

    assert (refusal.value.code, "pause" in refusal.value.hint) == ("commands_leaving", True)
    gate.set()
    await calling
    await courier.close()
    assert await hub.state("c1") == "DONE"
    assert (await parted(hub)).commands == 0


async def test_what_a_dead_process_left_on_its_way_may_be_given_up(
    hub: World, clock: VirtualClock
) -> None:
    gate = asyncio.Event()

    async def hold(_commands: object) -> None:
        await gate.wait()

    hub.shop.before = hold
    await hub.enqueue(command("c1"))
    courier = await hub.courier()
    calling = asyncio.create_task(courier.step())
    while not hub.shop.calls:
        await asyncio.sleep(0.01)
    async with hub.database.transaction(MAIN) as tx:
        await tx.execute("update outbox_command set lease_until = $1", clock.now())

    with pytest.raises(Conflict, match="1 open commands"):
        await parted(hub)
    assert (await parted(hub, discard=True)).commands == 1

    gate.set()
    await calling
    await courier.close()
    assert await hub.state("c1") == "DISCARDED"
    assert await hub.settlements() == [("c1", "REFUSED")]


async def test_what_is_decided_while_it_goes_is_given_up_or_refused_and_never_waits_for_ever(
    hub: World,
) -> None:
    async with hub.database.transaction(MAIN) as tx:
        await hub.outbox.enqueue(tx, [command("c1")])
        going = asyncio.create_task(parted(hub, discard=True))
        await asyncio.sleep(0.1)
        assert not going.done(), "it waits for what is being decided"
    assert (await going).commands == 1
    await hub.enqueue(command("c2", version=2))

    found = await hub.outbox.find(MAIN, Wanted(states=("PENDING", "DEAD", "DISCARDED")))
    assert [(one.command_id, one.state, one.code) for one in found] == [
        ("c1", "DISCARDED", "removed"),
        ("c2", "DEAD", "no_connection"),
    ]


async def test_a_message_that_was_kept_and_not_read_is_set_aside_when_its_connection_is_gone(
    hub: World, clock: VirtualClock
) -> None:
    async with hub.database.transaction(MAIN) as tx:
        await tx.execute(
            "insert into raw_message (tenant, source, content_hash, via, body, received_at, state)"
            " values ('main', 'shop', 'x', 'DELIVERY', '{}', $1, 'RECEIVED')",
            clock.now(),
        )
    await parted(hub)
    await clock.advance(UNFINISHED_AFTER + timedelta(seconds=1))

    assert await hub.inbox.recover() == 1
    assert await hub.inbox.recover() == 0
    async with hub.database.transaction(MAIN) as tx:
        [entry] = await tx.fetch("select reason from quarantine")
    assert entry["reason"] == "there is no connection 'shop'"


async def test_another_process_hears_at_once_that_a_secret_has_changed(
    hub: World, elsewhere: Database, clock: VirtualClock
) -> None:
    there = world(elsewhere, clock)
    await there.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1"}]))

    await hub.directory.change(MAIN, "shop", {"secret": "a newer secret"})

    # Its clock stands still, so nothing grows old there: only the bell can tell.
    assert await refuses(there, webhook(moves=[{"number": "M2"}]))
    newer = webhook(signature="a newer secret", moves=[{"number": "M3"}])
    assert not await refuses(there, newer)


async def test_another_process_hears_at_once_that_a_connection_is_gone(
    hub: World, elsewhere: Database, clock: VirtualClock
) -> None:
    there = world(elsewhere, clock)
    await there.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1"}]))

    await parted(hub)

    assert await refuses(there, webhook(moves=[{"number": "M2"}]))


async def refuses(there: World, delivery: Delivery) -> bool:
    """Send it, with the patience of a second for a notification on its way."""
    for _ in range(100):
        try:
            await there.inbox.receive(MAIN, "shop", delivery)
        except (Forbidden, NotFound):
            return True
        await asyncio.sleep(0.01)
    return False
