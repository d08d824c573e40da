"""A dead shop for an hour of virtual time: the others notice nothing, it gets all of it after."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

from crossdock.canonical.errors import Ambiguous, Unavailable
from crossdock.connectivity.deliveries import Deliveries
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.unit.connectivity.standins import MAIN, Shop, World, command, with_shop, world

STEP = timedelta(seconds=8)  # below the lease: nobody here has died
ROUNDS = 450
LIVE = ("north", "south")
RATE = 2.0


async def served(hub: World, name: str, number: int) -> None:
    """Wait, in real time, until a live shop has what was enqueued at this virtual moment."""
    async with asyncio.timeout(10):
        while len(hub.shops[name].effects) < number:
            await asyncio.sleep(0.001)


async def an_hour_without(hub: World, clock: VirtualClock, dead: Shop) -> list[float]:
    """Play an hour with one shop gone; answer how late the others were, in virtual seconds."""
    late: list[float] = []
    for number in range(1, ROUNDS + 1):
        enqueued_at = clock.now()
        names = (*LIVE, "dead")
        await hub.enqueue(
            *(command(f"{name}-{number}", item=f"sku-{number}", connection=name) for name in names)
        )
        for name in LIVE:
            await served(hub, name, number)
            late.append((hub.shops[name].calls[-1][0] - enqueued_at).total_seconds())
        if number == 3:  # first it hangs, then it is gone
            dead.is_down = Unavailable("connection refused")
        await clock.advance(STEP)
    return late


async def back_again(clock: VirtualClock, dead: Shop) -> Counter[datetime]:
    """Let the shop come back; count its calls in each second until it has everything."""
    dead.is_down = dead.before = None
    before = len(dead.calls)
    for _ in range(3 * 60):
        await clock.advance(timedelta(seconds=1))
        await asyncio.sleep(0.02)
        if len(dead.effects) == ROUNDS:
            break
    return Counter(moment.replace(microsecond=0) for moment, _ in dead.calls[before:])


async def test_a_dead_shop_delays_nobody_and_is_drained_without_a_storm(
    database: Database, clock: VirtualClock
) -> None:
    hub = world(database, clock, batch_max=10, rate_per_second=RATE, concurrency=2)
    for name in (*LIVE, "dead"):
        await with_shop(hub, name)
    dead = hub.shops["dead"]

    async def hang_then_time_out(_commands: object) -> None:
        await clock.sleep(30)
        raise Ambiguous("no answer within 30 seconds")

    dead.before = hang_then_time_out
    working = asyncio.create_task(Deliveries(hub.around()).run())
    await asyncio.sleep(0.5)

    late = await an_hour_without(hub, clock, dead)
    assert max(late) == 0  # not one of 900 waited even a virtual second for the dead one
    assert len(dead.calls) < 15
    assert 25 <= dead.checks <= 60
    assert (await hub.directory.get(MAIN, "dead")).circuit == "OPEN"

    per_second = await back_again(clock, dead)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    assert Counter(dead.effects) == Counter(f"dead-{n}" for n in range(1, ROUNDS + 1))
    assert max(per_second.values()) <= 2 * RATE
    assert not await hub.outbox.find(MAIN)
    assert {state for _, state in await hub.settlements()} == {"DONE"}
