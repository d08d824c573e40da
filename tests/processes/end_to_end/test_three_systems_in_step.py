"""A real Tryton, a warehouse system and a shop are kept in step by one hub, and nothing lies."""

import asyncio
import itertools
import statistics
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import pytest

from crossdock.applications.generic_wms.simulator import Habits as WmsHabits
from crossdock.applications.shopify.simulated_webhooks import Habits as ShopHabits
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.connectivity.sdk import BOOKED_BY_HUB
from crossdock.orchestration.processes.availability_publishing import NAME
from tests.peers.tryton.server import TrytonServer
from tests.processes.end_to_end.town import (
    SITE,
    Habits,
    Town,
    at_rest,
    eventually,
    exposed,
    open_town,
    reserved,
)
from tests.processes.end_to_end.world import booked, on_hand, promised, shortages

pytestmark = pytest.mark.peer

_numbers = itertools.count(1)


def codes(count: int) -> list[str]:
    """Give item codes that no other test of this Tryton uses."""
    number = next(_numbers)
    return [f"E2E-{number}-{letter}" for letter in "ABCDEFGH"[:count]]


async def shows(town: Town, sku: str, level: int, *, seconds: float = 30) -> float:
    """Wait until the shop shows this; tell how long that took."""
    started = perf_counter()

    async def shown() -> int:
        return town.shop.levels()[sku]

    await eventually(shown, lambda found: found == level, seconds=seconds)
    return perf_counter() - started


async def in_step(town: Town, buffer: int = 0, *, seconds: float = 60) -> None:
    """Wait until books, hub and shop say the same."""

    async def compared() -> tuple[bool, object, object, object, object]:
        hub, skus = town.hub, town.skus
        free = await promised(hub, skus, SITE)
        wanted = {sku: exposed(free[sku], buffer) for sku in skus}
        return (
            await at_rest(town),
            await on_hand(hub, skus, SITE),
            booked(town.warehouse.levels()),
            town.shop.levels(),
            wanted,
        )

    await eventually(
        compared, lambda it: it[0] is True and it[1] == it[2] and it[3] == it[4], seconds=seconds
    )


async def test_each_system_hears_of_the_others_by_itself(
    tryton: TrytonServer, dsn: str, tmp_path: Path
) -> None:
    here, there = codes(2)
    async with open_town(dsn, tmp_path, tryton, {here: 100, there: 50}) as town:
        # Items and places come from the ERP, levels from the warehouse, names from the shop.
        await shows(town, here, 100, seconds=60)
        await shows(town, there, 50)

        assert town.buy(here, 5)
        await in_step(town)
        assert town.shop.levels() == {here: 95, there: 50}

        town.warehouse.receive(there, 7)
        await shows(town, there, 57)

        # An open sale of the ERP claims what lies in the warehouse.
        await town.confirm_sale(here, 9)
        await shows(town, here, 86)
        await town.confirm_sale(here, 1)
        await shows(town, here, 85)

        # Stock that the ERP itself moves, in a warehouse of its own, is heard one by one.
        await town.clerk.stock((town.products[here], "20"))
        await eventually(lambda: on_hand(town.hub, [here], "WH"), lambda it: _has(it, here, 20))
        await town.clerk.stock((town.products[here], "3"))
        await eventually(lambda: on_hand(town.hub, [here], "WH"), lambda it: _has(it, here, 23))
        await in_step(town)


def _has(found: dict[str, dict[str, int]], sku: str, count: int) -> bool:
    return found[sku] == {"AVAILABLE": count}


async def test_a_promise_reaches_the_shop_within_a_second(
    tryton: TrytonServer, dsn: str, tmp_path: Path
) -> None:
    (sku,) = codes(1)
    async with open_town(dsn, tmp_path, tryton, {sku: 100}) as town:
        await shows(town, sku, 100, seconds=60)
        seconds: list[float] = []
        for number in range(1, 21):
            assert await reserved(town, sku, 1, f"counter-{number}")
            seconds.append(await shows(town, sku, 100 - number))

        assert statistics.median(seconds) < 1


async def test_nothing_is_oversold_while_shop_and_counter_sell_the_same_goods(
    tryton: TrytonServer, dsn: str, tmp_path: Path
) -> None:
    skus, stock, buffer = codes(3), 30, 10
    opened = open_town(
        dsn, tmp_path, tryton, dict.fromkeys(skus, stock), buffer=buffer, low_threshold=100
    )
    async with opened as town:
        for sku in skus:
            await shows(town, sku, stock - buffer, seconds=60)

        async with asyncio.TaskGroup() as street:
            street.create_task(customers(town, skus))
            street.create_task(counter(town, skus))

        await in_step(town, buffer)
        assert town.refused > 0
        # All were sold, and none more: the warehouse found every unit that anybody was promised.
        assert town.sold == dict.fromkeys(skus, stock)
        assert not await shortages(town.hub, skus, SITE)
        assert booked(town.warehouse.levels()) == {sku: {} for sku in skus}


async def customers(town: Town, skus: list[str]) -> None:
    """Buy in the shop until it has nothing left to show."""
    random = Random(3)
    for _ in range(60):
        town.buy(random.choice(skus), random.choice((1, 1, 2)))
        await asyncio.sleep(random.uniform(0.05, 0.25))


async def counter(town: Town, skus: list[str]) -> None:
    """Sell at the counter until the hub refuses each item."""
    for number in range(30):
        for sku in skus:
            await town.reserve(sku, 1, f"counter-{sku}-{number}")
            await asyncio.sleep(0.2)


async def test_what_the_warehouse_moves_is_in_the_erps_books_once_each(
    tryton: TrytonServer, dsn: str, tmp_path: Path
) -> None:
    """The ERP knows nothing of the opening stock: its books say what moved since, and no more."""
    sku, other = codes(2)
    stock, habits = {sku: 100, other: 50}, Habits(warehouse=WmsHabits(repeated=0.5))
    async with open_town(dsn, tmp_path, tryton, stock, habits=habits, keeps=[SITE]) as town:
        await shows(town, sku, 100, seconds=60)
        # What the ERP has not named yet cannot be booked there: a person would be asked.
        await eventually(lambda: named_by_erp(town, sku), bool, seconds=60)
        town.warehouse.receive(sku, 7)
        await shows(town, sku, 107, seconds=60)
        assert town.buy(sku, 4)
        assert await town.reserve(sku, 2, "counter-1")
        await in_step(town)

        three = [("done", 2), ("done", 4), ("done", 7)]
        await eventually(lambda: bookings(town, sku), lambda it: it == three, seconds=120)
        assert await books_of_east(town, sku) == 1

        # Tryton tells its moves in their order: once it has told a newer one, it has passed ours.
        for count in (3, 7):
            await town.clerk.stock((town.products[sku], str(count - count // 2)))
            await town.clerk.stock((town.products[sku], str(count // 2)))
        await eventually(
            lambda: on_hand(town.hub, [sku], "WH"), lambda it: _has(it, sku, 10), seconds=120
        )
        assert await on_hand(town.hub, [sku], SITE) == {sku: {"AVAILABLE": 101}}
        assert town.shop.levels() == {sku: 101, other: 50}
        assert await bookings(town, sku) == three
        assert await bookings(town, other) == []
        letters = await town.hub.outbox.find(town.hub.scope)
        assert [one for one in letters if one.connection == "tryton"] == []


async def named_by_erp(town: Town, sku: str) -> bool:
    async with town.hub.database.transaction(town.hub.scope) as tx:
        return bool(await tx.fetchval(NAMED, town.hub.scope.tenant, sku))


NAMED = """
select exists (select from xref where tenant = $1 and system = 'tryton'
    and entity_type = 'item' and hub_id = $2)
"""


async def books_of_east(town: Town, sku: str) -> int:
    """Ask Tryton's own books what lies in the warehouse that another system works."""
    east = await town.clerk.one("stock.location", "code", "=", SITE)
    return int(await town.clerk.on_hand(town.products[sku], east))


async def bookings(town: Town, sku: str) -> list[tuple[str, int]]:
    """List the moves of Tryton's that belong to a booking of the hub's."""
    rows = await town.clerk.rows(
        "stock.shipment.internal",
        [
            ["reference", "like", f"{BOOKED_BY_HUB}wms:%"],
            ["moves.product", "=", town.products[sku]],
        ],
        *("state", "moves.quantity"),
    )
    return sorted((row["state"], int(move["quantity"])) for row in rows for move in row["moves."])


async def test_the_erps_own_count_does_not_override_the_warehouse_system(
    tryton: TrytonServer, dsn: str, tmp_path: Path
) -> None:
    """The ERP has booked nothing in EAST, and says so whenever it counts."""
    here, there = codes(2)
    counts = {"count_every": "PT2S", "overlap": "PT0.01S"}
    async with open_town(dsn, tmp_path, tryton, {here: 100, there: 5}, erp=counts) as town:
        await shows(town, here, 100, seconds=60)
        await town.clerk.stock((town.products[there], "7"))
        await eventually(lambda: on_hand(town.hub, [there], "WH"), lambda it: _has(it, there, 7))

        # What it says of EAST is heard, more than once, and moves nothing there.
        await eventually(lambda: erp_counts(town), lambda counts: counts > 1)
        assert await on_hand(town.hub, [here], SITE) == {here: {"AVAILABLE": 100}}


async def erp_counts(town: Town) -> int:
    """Tell how often the ERP has counted a place that it does not keep."""
    found = await town.hub.proposals.find(town.hub.scope, source="tryton", location=SITE)
    return sum(one.times for one in found if one.type == StockSnapshotTaken.TYPE)


BAD = Habits(
    shop=ShopHabits(
        lost=0.2, twice=0.3, late=0.3, usual_delay=timedelta(milliseconds=50),
        late_by=timedelta(seconds=4),
    ),
    warehouse=WmsHabits(
        repeated=0.3, reordered=0.4, late=0.1, lost=0.1, reordered_by=timedelta(seconds=2),
        late_by=timedelta(seconds=5),
    ),
)  # fmt: skip


SETTLED_MAX = 180
"""What a listing may wait for, one after the other, on a machine too busy for its shop: a minute
of rest after eight writes that each met a sale, half a minute for an order whose webhook timed out
twice and came 75 seconds late, and the write that proves the end of it."""


async def test_echoes_late_repeated_reordered_and_lost_messages_end_in_the_truth(
    tryton: TrytonServer, dsn: str, tmp_path: Path
) -> None:
    skus = codes(4)
    stock = dict.fromkeys(skus, 200)
    async with open_town(dsn, tmp_path, tryton, stock, habits=BAD) as town:
        for sku in skus:
            await shows(town, sku, 200, seconds=60)
        random = Random(9)
        for number in range(60):
            sku = random.choice(skus)
            match number % 4:
                case 0 | 1:
                    assert town.buy(sku, random.choice((1, 2, 3)))
                case 2:
                    assert await town.reserve(sku, 1, f"counter-{number}")
                case _:
                    town.warehouse.receive(sku, random.choice((1, 5)))
            await asyncio.sleep(0.1)
        await eventually(lambda: at_rest(town), bool, seconds=60)

        async with asyncio.TaskGroup() as house:
            operator = house.create_task(resend_what_is_reported_missing(town))
            await in_step(town, seconds=120)
            # An echo is not answered: once in step and without doubt, nobody writes any more.
            await eventually(lambda: undecided(town), lambda found: not found, seconds=SETTLED_MAX)
            await in_step(town)
            written = len(town.shop.writes)
            await asyncio.sleep(3)
            assert len(town.shop.writes) == written
            operator.cancel()
        sold = Counter(town.sold)
        for sku in skus:
            received = town.warehouse.levels()[sku]["AVAILABLE"] + sold[sku] - 200
            assert town.shop.levels()[sku] == 200 + received - sold[sku]
        assert not await shortages(town.hub, skus, SITE)


async def undecided(town: Town) -> list[dict[str, Any]]:
    """List what waits for anything but a source's silence, or the day's read-back.

    Of the items that the shop lists: the ERP is shared, and what another test has sold there from
    this site is refused by this shop once the warehouse has said that none of it is there.
    """
    async with town.hub.database.transaction(town.hub.scope) as tx:
        every = await tx.fetch(WAITING, NAME, town.hub.clock.now())
    rows = [row for row in every if row["instance"].rpartition("/")[2] in town.shop.levels()]
    if not rows:
        return []
    # What a person would look at: the letters that are dead, and what the process said of it.
    letters = await town.hub.outbox.find(town.hub.scope)
    cases = await town.hub.cases.find(town.hub.scope)
    return [*map(dict, rows), {"letters": letters, "cases": cases}]


WAITING = """
select instance, due_at, decided_at, timers, ledger, parked_reason from process_instance
where process = $1
    and (due_at <= $2 or timers ?| array['flush', 'order awaited', 'overtake', 'retry'])
"""


async def resend_what_is_reported_missing(town: Town) -> None:
    """Play the warehouse's operator, who is told which messages never came, and looks again."""
    movements = [message for message in town.warehouse.lost if message["type"] == "movement"]
    assert movements, "the seed loses none: choose another"

    async def reported() -> int:
        return len(await town.hub.quarantine.find(town.hub.scope, code="EVT-GAP"))

    await eventually(reported, lambda count: count > 0)
    while True:
        lost, town.warehouse.lost = town.warehouse.lost, []
        for message in lost:
            await town.warehouse.resend(message)
        await asyncio.sleep(1)
