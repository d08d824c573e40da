"""Plays the day through a real hub, tick by tick, and measures what happened."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from crossdock.applications.generic_wms.floor import Floor
from crossdock.applications.generic_wms.simulator import WorkLine
from crossdock.assembly import Hub, Outside
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import SeededIds
from crossdock.foundation.settings import SettingsAlone
from crossdock.interfaces.api.promise_shapes import PromiseShown, promise_shown
from crossdock.interfaces.cli.demo_counter import reserve
from crossdock.interfaces.cli.demo_drift import Drift, Trucks, evening
from crossdock.interfaces.cli.demo_promotion import Promotion
from crossdock.interfaces.cli.demo_world import SITE, STEADY, TICK_SECONDS, World, open_world
from crossdock.interfaces.cli.trading_day import (
    DAY_SECONDS,
    Channel,
    Day,
    Delivery,
    Sale,
    Tally,
    ticks,
)

OPENING = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)

Progress = Callable[[int, "Played"], None]


@dataclass(slots=True)
class Played:
    """What the day came to.

    `delays` are seconds of real time from the moment the warehouse sends a round of messages until
    the shop has answered the writes they caused. `explained` is the last promise that a
    counter was given (or refused, if none was), explained after the day.
    """

    tally: Tally
    picks: int = 0
    messages: int = 0
    delays: list[float] = field(default_factory=list[float])
    on_hand: int = 0
    promised: int = 0
    shown: int = 0
    granted: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
    explained: PromiseShown | None = None
    promotion: Promotion = field(default_factory=Promotion)
    drift: Drift | None = None


async def play(day: Day, data_dir: Path, port: int, progress: Progress) -> Played:
    """Play the whole day and leave."""
    async with AsyncExitStack() as stack:
        world = await enter(stack, day, data_dir, port)
        return await play_in(world, day, progress)


async def enter(stack: AsyncExitStack, day: Day, data_dir: Path, port: int) -> World:
    clock = VirtualClock(OPENING)
    random = Random(day.seed)  # noqa: S311  # a game, not a secret
    outside = Outside(clock=clock, ids=SeededIds(random), random=random)
    settings = SettingsAlone(data_dir=data_dir, allow_private_addresses=True, log_level="ERROR")
    hub = await stack.enter_async_context(Hub.open(settings, outside))
    return await stack.enter_async_context(open_world(hub, clock, day, port))


async def play_in(world: World, day: Day, progress: Progress) -> Played:
    played, trucks = Played(Tally(day)), Trucks()
    await _open_doors(world)
    await played.promotion.open(world)
    for end, happenings in ticks(day, seconds=TICK_SECONDS):
        for happening in happenings:
            await _turn_to(world, happening.at)
            told = await _told_by_shops(world)
            played.messages += told
            # What is promised at a counter is in the shop long before the next customer is.
            if await _happen(world, played, happening) or told:
                await world.hub.settle()
        beside = [await played.promotion.play(world, end), await trucks.play(world, end)]
        if happenings or any(beside) or _is_something_due(world, end):
            await _travel(world, played, end)
        else:
            await _turn_to(world, end)
        progress(end, played)
    await _close_doors(world, played)
    return played


def picks_of(day: Day, tally: Tally) -> int:
    """Give what was sold to a floor like the one that is played on; count its picks by closing."""
    stock = {item.sku: item.opening for item in day.items}
    floor = Floor.opened(SITE, stock, Random(day.seed), OPENING, STEADY)  # noqa: S311  # a game, not a secret
    sold = {sale.number for sale in tally.sold}
    for happening in day.happenings:
        floor.advance(OPENING + timedelta(seconds=happening.at))
        if isinstance(happening, Delivery):
            floor.receive(happening.sku, happening.quantity)
        elif happening.number in sold:
            floor.release([_work(happening, str(happening.number))])
    floor.advance(OPENING + timedelta(seconds=DAY_SECONDS))
    return floor.picks_count


async def _open_doors(world: World) -> None:
    """Let the warehouse say what lies there, and the shop hear of it."""
    for warehouse in (world.warehouse, world.west):
        await warehouse.work()
    await world.hub.settle()
    await _told_by_shops(world)
    await world.hub.settle()


async def _told_by_shops(world: World) -> int:
    """Let both shops deliver what they have to tell; count it."""
    webhooks = world.simulator.webhooks, world.market.webhooks
    return sum([await one.deliver_due() for one in webhooks])


async def _happen(world: World, played: Played, happening: Sale | Delivery) -> bool:
    """Let it happen; say whether the hub was asked, or will only be told of it."""
    tally = played.tally
    if isinstance(happening, Delivery):
        world.warehouse.receive(happening.sku, happening.quantity)
        tally.receive(happening)
        return False
    is_asked = happening.channel is Channel.BRANCH
    accepted = (
        await _sold_by_branch(world, played, happening)
        if is_asked
        else _sold_by_shop(world, happening)
    )
    if accepted is None:
        tally.refuse(happening)
    else:
        tally.accept(happening)
        world.warehouse.release([_work(happening, accepted)])
    return is_asked


def _work(sale: Sale, order: str) -> WorkLine:
    return WorkLine(demand_ref=order, item=sale.sku, quantity=sale.quantity, document=order)


def _sold_by_shop(world: World, sale: Sale) -> str | None:
    """Buy in the shop, which looks only at the number it was given."""
    order = world.simulator.shop.buy(sale.sku, sale.quantity)
    return f"shopify:{order.number}/{order.lines[0].number}" if order else None


async def _sold_by_branch(world: World, played: Played, sale: Sale) -> str | None:
    """Ask the hub for a promise before the counter says yes."""
    number = f"branch-{sale.number}"
    answer = await reserve(world, number, sale.sku, sale.quantity)
    if answer.refusal:
        played.refused.append(answer.reservation_id)
        return None
    played.granted.append(answer.reservation_id)
    return number


def _is_something_due(world: World, end: int) -> bool:
    by = OPENING + timedelta(seconds=end)
    shops = world.simulator.webhooks.next_due, world.market.webhooks.next_due
    return world.warehouse.due_at <= by or any(due is not None and due <= by for due in shops)


async def _travel(world: World, played: Played, end: int) -> None:
    """Let everything that is on its way arrive, and the hub carry it through to the shop."""
    await _turn_to(world, end)
    before = world.warehouse.sent_count
    started = time.perf_counter()
    played.messages += await _told_by_shops(world)
    await world.warehouse.work()
    await world.hub.settle()
    sent = world.warehouse.sent_count - before
    played.messages += sent
    if sent:
        played.delays.append(time.perf_counter() - started)


async def _turn_to(world: World, end: float) -> None:
    await world.clock.advance(OPENING + timedelta(seconds=end) - world.clock.now())


async def _close_doors(world: World, played: Played) -> None:
    """Wait for the last messages, then ask everybody for their numbers."""
    played.picks = world.warehouse.floor.picks_count
    for warehouse in (world.warehouse, world.west):
        await warehouse.deliver_all()
    await world.clock.advance(timedelta(minutes=2))
    await _told_by_shops(world)
    await world.hub.settle()
    keys = [(sku, SITE) for sku in played.tally.free]
    for answer in await world.hub.inventory.availability(world.hub.scope, keys):
        played.on_hand += int(answer.on_hand.value)
        played.promised += (answer.figures.hard + answer.figures.soft) // 1_000_000
    played.explained = await _explained(world, played.granted[-1:] or played.refused)
    played.shown = sum(world.simulator.shop.available(sku) for sku in played.tally.free)
    played.drift = await evening(world)


async def _explained(world: World, promises: list[str]) -> PromiseShown | None:
    """Ask after the day why; of what lay there while it was refused, rather than of nothing."""
    shown: PromiseShown | None = None
    for reservation_id in promises:
        found = await world.hub.inventory.explain(world.hub.scope, reservation_id)
        if shown is None or any(line.nettable for line in found.lines):
            shown = promise_shown(found, {line.item: "EA" for line in found.lines})
    return shown
