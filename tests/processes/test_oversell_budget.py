"""The buffer of a channel follows what sells through it and how late that is heard."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from crossdock.canonical.commands import CommandSettled, Lane, Settlement
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import MICROS
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_publishing import NAME as PUBLISHING
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from tests.processes.desk import Desk, order
from tests.processes.shop import MAIN

SECOND = timedelta(seconds=1)
SHOP = Channel(
    connection="shop",
    location="web",
    source_locations=("dc1",),
    oversell_percent=Decimal(1),
    unit_margin=Decimal("4.50"),
    currency="EUR",
)


@pytest.fixture
async def desk(database: Database, clock: VirtualClock) -> Desk:
    return await Desk.open(database, clock, SHOP)


def proven(seconds: int, at: datetime, *, lane: Lane = Lane.IMMEDIATE) -> CommandSettled:
    return CommandSettled(
        command_id="c",
        connection="shop",
        role="PublishesAvailability",
        subject="shop/web/other",
        version=1,
        settlement=Settlement.DONE,
        process=PUBLISHING,
        instance="shop/web/other",
        lane=lane,
        asked_at=at - seconds * SECOND,
    )


async def measured(desk: Desk, *, publish: int, order_late: int) -> None:
    """Measure a hundred writes, and a hundred orders of an item that sells nowhere else."""
    at = desk.clock.now()
    await desk.say(*[proven(publish, at) for _ in range(100)])
    late = [order(10_000 + number, 1, item="late") for number in range(100)]
    await desk.say(*late, at=at - order_late * SECOND)


async def test_a_shop_that_sells_36_an_hour_two_minutes_away_holds_back_what_the_rate_says(
    desk: Desk,
) -> None:
    await measured(desk, publish=60, order_late=60)
    await desk.say(*[order(number, 1) for number in range(36)])

    found = await desk.item()

    # A delay is told no shorter, and at most a quarter longer: two to two and a half minutes.
    assert [(rate.seller, rate.per_hour) for rate in found.rates] == [("shop", Decimal(36))]
    assert Decimal("1.2") <= found.blind <= Decimal("1.6")
    assert found.buffer == 5
    assert found.batch_buffer == 92
    assert found.chance_percent <= 1
    assert (found.held_money, found.batch_money) == (Decimal("22.50"), Decimal("414.00"))
    assert found.blind * Decimal("0.99") <= found.avoided <= found.blind


async def test_the_budget_is_taken_off_what_the_shop_shows_and_follows_the_rate(
    desk: Desk,
) -> None:
    await desk.play.stock(40)
    await desk.play.deliver()
    assert desk.play.shop.holds == 40
    await measured(desk, publish=60, order_late=60)
    await desk.say(*[order(number, 1) for number in range(36)])

    moved = await desk.compute()
    await desk.play.deliver()
    again = await desk.compute()
    await desk.clock.advance(timedelta(days=8))
    await desk.compute()
    await desk.clock.advance(timedelta(minutes=2))
    await desk.play.stage.engine.catch_up()
    await desk.play.deliver()

    assert [write.arguments["quantity"] for write in desk.play.writes] == ["40", "35", "40"]
    assert (moved, again) == (2, 0)  # this item, and the one that orders were timed with


async def test_the_fixed_buffer_is_the_least(desk: Desk) -> None:
    channels = Channels(desk.database, desk.clock)
    await channels.put(MAIN, replace(SHOP, buffer=Decimal(9)), by="test")
    await desk.say(*[order(number, 1) for number in range(36)])
    await desk.compute()

    await desk.play.stock(40)

    assert [write.arguments["quantity"] for write in desk.play.writes] == ["31"]


async def test_an_item_has_a_target_of_its_own_and_is_sold_in_cases(desk: Desk) -> None:
    cases = ItemTerms(item="sku-1", oversell_percent=Decimal("0.1"), numerator=12)
    channels = Channels(desk.database, desk.clock)
    await channels.put(MAIN, replace(SHOP, oversell_percent=None, items=(cases,)), by="test")
    await measured(desk, publish=60, order_late=60)
    await desk.say(*[order(number, 12) for number in range(36)])
    await desk.compute()

    found = await desk.item()
    await desk.play.stock(480)

    assert found.lump == 1
    assert [rate.per_hour for rate in found.rates] == [36]
    assert found.buffer == 6
    assert desk.play.writes[-1].arguments["quantity"] == "34"
    assert [one.item for one in (await desk.shown()).items] == ["sku-1"]


async def test_what_others_take_of_the_pool_counts_by_how_late_they_are_heard(
    desk: Desk,
) -> None:
    await measured(desk, publish=60, order_late=60)
    await desk.say(*[order(number, 1) for number in range(36)])
    alone = await desk.item()

    at = desk.clock.now() - timedelta(minutes=30)
    await desk.say(*[order(number, 1) for number in range(1000, 1060)], source="erp", at=at)

    found = await desk.item()
    rates = {rate.seller: rate for rate in found.rates}
    assert {name: rate.per_hour for name, rate in rates.items()} == {"shop": 36, "erp": 60}
    assert 1800 <= rates["erp"].order_seconds <= 2250
    assert found.buffer > alone.buffer + 30  # half an hour of 60 an hour, and more


async def test_an_order_that_names_a_channel_is_that_channels_wherever_it_comes_from(
    desk: Desk,
) -> None:
    await desk.say(order(1, 5, channel="shop"), order(2, 3, channel="fair"), source="erp")

    rates = {rate.seller: rate.per_hour for rate in (await desk.item()).rates}

    assert rates == {"shop": 5, "erp": 3}


async def test_an_order_counts_once_whatever_becomes_of_it_and_however_often_it_is_told(
    desk: Desk,
) -> None:
    at = desk.clock.now()
    await desk.say(order(1, 10), version=2)
    await desk.say(order(1, 10), version=2, at=at + SECOND)
    await desk.say(order(1, 99), version=1)  # late
    assert [rate.per_hour for rate in (await desk.item()).rates] == [10]

    await desk.say(order(1, 12, cancelled=4), version=3)
    assert [rate.per_hour for rate in (await desk.item()).rates] == [12]
    await desk.say(order(1, 10, cancelled=10), version=3, at=at + SECOND)
    assert [rate.per_hour for rate in (await desk.item()).rates] == [10]
    await desk.say(replace(order(1, 10), lines=()), version=4)
    assert (await desk.item()).rates == ()
    await desk.say(order(1, 7), version=5, at=at + timedelta(hours=3))
    assert [rate.per_hour for rate in (await desk.item()).rates] == [7]


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_order_versions_come_in_the_newest_is_what_was_taken(
    desk: Desk, seed: int
) -> None:
    random = Random(seed)
    said: list[tuple[int, int, OrderChanged]] = []
    newest: dict[int, int] = {}
    sold: dict[int, int] = {}
    for number in range(12):
        for version in range(1, random.randint(2, 5)):
            units, cancelled = random.randint(1, 9), random.choice((0, 0, 1, 9))
            said.append((version, number, order(number, units, cancelled=cancelled)))
            newest[number], sold[number] = max(0, units - cancelled), units
    random.shuffle(said)

    for version, _, payload in said + random.sample(said, 5):
        await desk.say(payload, version=version)

    async with desk.database.transaction(MAIN) as tx:
        row = await tx.fetchrow(
            "select sum(micros) as micros, sum(sold) as sold, sum(squares) as squares"
            " from publishing_sold where tenant = 'main'"
        )
    assert row["micros"] == sum(newest.values()) * MICROS
    assert row["sold"] == sum(sold.values()) * MICROS
    assert row["squares"] == sum(units**2 for units in sold.values()) * MICROS**2


async def test_the_busiest_hour_of_the_week_counts(desk: Desk) -> None:
    for hours, units in ((30, 50), (4, 12), (0, 8)):
        at = desk.clock.now() - timedelta(hours=hours)
        await desk.say(order(hours, units), order(100 + hours, units), at=at)
    assert [rate.per_hour for rate in (await desk.item()).rates] == [100]

    await desk.clock.advance(timedelta(days=6))
    assert [rate.per_hour for rate in (await desk.item()).rates] == [24]


async def test_writes_that_could_wait_and_history_read_in_later_are_no_delay(desk: Desk) -> None:
    at = desk.clock.now()
    await desk.say(*[proven(3, at) for _ in range(50)])
    await desk.say(*[proven(7200, at, lane=Lane.BULK) for _ in range(50)])
    await desk.say(replace(proven(7200, at), settlement=Settlement.STALE))
    await desk.say(replace(proven(7200, at), asked_at=None))
    await desk.say(*[order(number, 1) for number in range(50)], at=at - 2 * SECOND)
    await desk.say(*[order(number, 1) for number in range(60, 90)], at=at - timedelta(days=3))

    shown = await desk.shown()

    assert (shown.publish_samples, shown.order_samples) == (50, 50)
    assert 4 <= shown.publish_seconds <= Decimal("4.75")  # and a second for the hub itself
    assert 2 <= shown.order_seconds <= Decimal("2.5")


async def test_an_order_counts_and_is_timed_by_when_it_was_placed_not_by_its_last_change(
    desk: Desk,
) -> None:
    began = desk.clock.now()
    await desk.clock.advance(timedelta(hours=6))
    now = desk.clock.now()
    orders = [replace(order(n, 1), placed_at=now - timedelta(hours=n % 4)) for n in range(40)]
    old = [
        replace(order(100, 500), placed_at=now - timedelta(days=36)),
        replace(order(101, 3), placed_at=began - timedelta(hours=2)),
    ]

    await desk.say(*orders, *old)  # all of them were changed just now

    shown = await desk.shown()
    assert [rate.per_hour for rate in shown.items[0].rates] == [10]
    assert shown.order_samples == 40  # what was placed before may have been heard before
    assert 10_800 <= shown.order_seconds <= 13_500


async def test_a_tenant_that_measures_nothing_is_not_counted_beside_one_that_does(
    desk: Desk,
) -> None:
    await Channels(desk.database, desk.clock).put(Scope("other"), SHOP, by="test")
    await Channels(desk.database, desk.clock).put(
        MAIN, replace(SHOP, oversell_percent=None), by="test"
    )

    await desk.say(order(1, 5), proven(3, desk.clock.now()))

    assert await desk.rows("publishing_order") == await desk.rows("publishing_delay") == 0


async def test_nothing_is_counted_while_nobody_has_a_target(desk: Desk) -> None:
    channels = Channels(desk.database, desk.clock)
    await channels.put(MAIN, replace(SHOP, oversell_percent=None), by="test")
    await desk.say(order(1, 5), proven(3, desk.clock.now()))

    assert await desk.rows("publishing_order") == await desk.rows("publishing_delay") == 0


async def test_what_is_five_weeks_old_is_forgotten(desk: Desk) -> None:
    await desk.say(order(1, 5), proven(3, desk.clock.now()))
    await desk.compute()
    assert await desk.rows("publishing_sold") == 1

    await desk.clock.advance(timedelta(days=36))
    await desk.compute()

    tables = ("publishing_order", "publishing_sold", "publishing_delay")
    assert [await desk.rows(table) for table in tables] == [0, 0, 0]


async def test_budgets_are_computed_page_by_page_while_the_loop_goes_on(desk: Desk) -> None:
    """Of 3,000 items each is looked at once, and whatever else waits has its turn between."""
    orders = [order(number, 2, item=f"item-{number:05}") for number in range(3000)]
    for first in range(0, len(orders), 1000):
        await desk.say(*orders[first : first + 1000])
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    moved = await desk.budgets.recompute()
    waiting.cancel()

    assert moved == await desk.rows("publishing_budget") == 3000
    assert turns > 6 * 4
    assert await desk.budgets.recompute() == 0


async def test_amounts_beyond_measure_stop_neither_the_counting_nor_the_budgets_of_others(
    desk: Desk,
) -> None:
    huge = 999_999_999_999
    await desk.say(*[order(number, huge) for number in range(20)])
    await desk.say(*[order(100 + number, 1, item="sku-2") for number in range(36)])

    await desk.compute()

    assert (await desk.item()).rates[0].per_hour == 20 * huge
    async with desk.database.transaction(MAIN) as tx:
        rows = await tx.fetch("select item, micros from publishing_budget where tenant = 'main'")
    held = {row["item"]: row["micros"] for row in rows}
    assert held["sku-1"] == 10**18
    assert 0 < held["sku-2"] < 100 * MICROS


async def test_a_tenant_whose_numbers_make_no_sense_stops_nobody_else(desk: Desk) -> None:
    await Channels(desk.database, desk.clock).put(Scope("broken"), SHOP, by="test")
    async with desk.database.transaction(Scope("broken")) as tx:
        await tx.execute(
            "insert into publishing_delay (tenant, connection, path, day, bucket, samples)"
            " select 'broken', 'shop', 'ORDER', $1 + n, 3, 9223372036854775807"
            " from generate_series(0, 1) n",
            desk.clock.now().toordinal() - 1,
        )
        await tx.execute(
            "insert into publishing_sold (tenant, place, item, seller, day, hour, micros, squares)"
            " values ('broken', 'dc1', 'sku-1', 'shop', 1, 1, 1, 1)"
        )
    await desk.say(*[order(number, 1) for number in range(36)])

    await desk.compute()

    assert await desk.rows("publishing_budget") == 1
    async with desk.database.transaction(Scope("broken")) as tx:
        left = await tx.fetchval("select count(*) from publishing_sold where tenant <> 'main'")
    assert left == 0  # what is too old is forgotten all the same


async def test_tenants_budgets_are_their_own(desk: Desk) -> None:
    await desk.say(*[order(number, 1) for number in range(36)])
    await Channels(desk.database, desk.clock).put(Scope("other"), SHOP, by="test")

    shown = await desk.budgets.show(Scope("other"), "shop", "web", ItemsWanted())

    assert (shown.items, shown.order_samples) == ((), 0)


async def test_a_channel_without_terms_has_no_budget(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no terms are agreed with shop/dc9"):
        await desk.budgets.show(MAIN, "shop", "dc9", ItemsWanted())


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        ({"oversell_percent": Decimal(0)}, "/oversell_percent"),
        ({"oversell_percent": Decimal(51)}, "/oversell_percent"),
        ({"oversell_percent": Decimal("1.00001")}, "/oversell_percent"),
        ({"currency": ""}, "/currency"),
        ({"currency": "XYZ"}, "/currency"),
        (
            {"items": (ItemTerms(item="a", oversell_percent=Decimal(0)),)},
            "/items/0/oversell_percent",
        ),
        ({"items": (ItemTerms(item="a", unit_margin=Decimal(-1)),)}, "/items/0/unit_margin"),
    ],
)
async def test_a_target_that_makes_no_sense_is_refused_with_its_place(
    desk: Desk, terms: dict[str, object], where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await Channels(desk.database, desk.clock).put(MAIN, replace(SHOP, **terms), by="test")  # type: ignore[arg-type]  # fields by name, as the case has them

    assert refused.value.where == where
