"""Publishing gets the facts of many listings at once: terms, stock, and what channels said."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.reconciliation import WithholdingChanged
from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import journal, marking
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_claims import Calendar
from crossdock.orchestration.processes.availability_facts import OF_STOCK, availability_publishing
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_writes import Listing
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from tests.conftest import NOON
from tests.processes.shop import MAIN, DatabasePlay, Pools, Zones, quantities

SHOP = Channel(connection="shop", location="web", source_locations=("dc1",))


async def test_every_channel_that_sells_a_place_hears_of_it(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP)
    channels = Channels(database, clock)
    b2b = Channel(
        connection="b2b",
        location="web",
        source_locations=("dc1", "dc2"),
        share_mode=ShareMode.PERCENT,
        share_percent=Decimal(60),
    )
    await channels.put(MAIN, b2b, by="test")
    await channels.put(
        MAIN, Channel(connection="far", location="web", source_locations=("dc3",)), by="test"
    )
    await channels.put(Scope("other"), SHOP, by="test")

    play.pools.known["main", "sku-1", "dc2"] = Pool(free=60 * MICROS)
    await play.stock(40)

    written = {write.connection: write.arguments["quantity"] for write in play.writes}
    assert written == {"shop": "40", "b2b": "60"}


async def test_a_channel_that_sells_cases_is_told_in_cases(
    database: Database, clock: VirtualClock
) -> None:
    cases = ItemTerms(item="sku-1", numerator=12, buffer=Decimal(1))
    channel = Channel(connection="shop", location="web", source_locations=("dc1",), items=(cases,))
    play = await DatabasePlay.open(database, clock, channel)

    await play.stock(100)
    await play.deliver()
    await play.hear(84, NOON + timedelta(seconds=1))  # 7 cases, in base units: our own echo
    await play.stock(40)

    assert quantities(play) == [("7", None), ("2", "7")]


async def test_an_excluded_item_is_withdrawn_and_never_listed(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP)
    await play.stock(40)
    await play.deliver()

    excluded = ItemTerms(item="sku-1", is_excluded=True)
    channel = Channel(
        connection="shop", location="web", source_locations=("dc1",), items=(excluded,)
    )
    await Channels(database, clock).put(MAIN, channel, by="test")
    await play.stage.engine.catch_up()
    await play.deliver()
    await play.stock(50)

    assert quantities(play) == [("40", None), ("0", "40")]


async def test_changes_of_stock_are_passed_over_until_a_channel_of_anybody_sells(
    database: Database,
    clock: VirtualClock,
) -> None:
    process = availability_publishing(Pools(), Calendar(Zones(), clock))
    unheard = marking.reader(process, clock).unheard
    assert unheard is not None

    async def passed_over() -> frozenset[str]:
        async with database.transaction(Scope.of_workers()) as tx:
            return await unheard(tx)

    channels = Channels(database, clock)
    before = await passed_over()
    await channels.put(Scope("other"), replace(SHOP, is_active=False), by="test")
    while_off = await passed_over()
    await channels.put(Scope("other"), SHOP, by="test")

    assert before == while_off == OF_STOCK
    assert {AvailabilityChanged.TYPE, WithholdingChanged.TYPE} < OF_STOCK
    assert await passed_over() == frozenset()


async def test_a_channel_that_is_switched_off_is_told_nothing(
    database: Database, clock: VirtualClock
) -> None:
    off = Channel(connection="shop", location="web", source_locations=("dc1",), is_active=False)
    play = await DatabasePlay.open(database, clock, off)

    await play.stock(40)

    assert play.writes == []


async def test_a_connection_that_goes_away_leaves_no_open_case_behind(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP)
    play.shop.refuses = "the shop is closed"
    await play.stock(40)
    await play.deliver()
    assert await play.cases() == ["PUB-FAIL"]

    async with database.transaction(MAIN) as tx:
        await Channels(database, clock).part_in(tx, "shop", "test")
    await play.stage.engine.catch_up()

    assert await play.cases() == ["closed"]


async def test_a_new_assortment_is_published_without_an_event(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP)
    play.pools.known["main", "sku-1", "dc1"] = Pool(free=3 * MICROS)
    play.pools.known["main", "sku/2", "dc1"] = Pool(free=0)

    await Channels(database, clock).publish(MAIN, SHOP, ["sku-1", "sku/2", "never heard of"])
    await play.stage.engine.catch_up()

    written = {write.arguments["item"]: write.arguments["quantity"] for write in play.writes}
    assert written == {"sku-1": "3", "sku/2": "0"}


@pytest.mark.parametrize(
    ("when_stale", "shown"),
    [(WhenStale.KEEP, ["40"]), (WhenStale.LOWER, ["40", "38"]), (WhenStale.ZERO, ["40", "0"])],
)
async def test_a_source_that_falls_silent_is_noticed_by_the_clock(
    database: Database, clock: VirtualClock, when_stale: WhenStale, shown: list[str]
) -> None:
    channel = Channel(
        connection="shop",
        location="web",
        source_locations=("dc1",),
        when_stale=when_stale,
        stale_buffer=Decimal(2),
    )
    play = await DatabasePlay.open(database, clock, channel)
    await play.stock(40)
    await play.deliver()
    fresh_until = NOON + timedelta(minutes=15)
    play.pools.known["main", "sku-1", "dc1"] = Pool(free=40 * MICROS, fresh_until=fresh_until)
    await play.stage.touch(Listing("shop", "web", "sku-1").instance)

    await play.advance(timedelta(minutes=14))
    assert len(play.writes) == 1
    await play.advance(timedelta(minutes=2))
    await play.deliver()
    assert [write.arguments["quantity"] for write in play.writes] == shown

    play.pools.known["main", "sku-1", "dc1"] = Pool(free=90 * MICROS)  # it speaks again
    await play.advance(timedelta(minutes=2))
    assert play.writes[-1].arguments["quantity"] == "90"


async def test_terms_come_back_as_they_were_agreed(
    database: Database, clock: VirtualClock
) -> None:
    channel = Channel(
        connection="shop",
        location="web",
        source_locations=("dc1", "dc2"),
        wakes_on=("dc1", "dc2", "east"),
        share_mode=ShareMode.FIXED,
        share_fixed=Decimal("12.5"),
        buffer=Decimal(2),
        cap=Decimal(90),
        low_threshold=Decimal(5),
        levels=(Decimal(5), Decimal(50)),
        when_stale=WhenStale.LOWER,
        stale_buffer=Decimal(1),
        items=(
            ItemTerms(item="sku-1", cap=Decimal(3), pack=Decimal(6)),
            ItemTerms(item="sku-2", low_threshold=Decimal(1), levels=(Decimal(2), Decimal(9))),
            ItemTerms(item="sku-3", low_threshold=Decimal(0), levels=()),
        ),
    )
    channels = Channels(database, clock)

    await channels.put(MAIN, channel, by="test")
    await channels.put(MAIN, channel, by="test")

    assert await channels.listed(MAIN) == [channel]
    assert await channels.listed(Scope("other")) == []


@pytest.mark.parametrize(
    ("terms", "lane"),
    [
        (ItemTerms(item="sku-1"), "coalesced"),
        (ItemTerms(item="sku-1", low_threshold=Decimal(41)), "immediate"),
        (ItemTerms(item="sku-1", levels=(Decimal(41),)), "immediate"),
        (ItemTerms(item="sku-1", low_threshold=Decimal(39), levels=(Decimal(9),)), "coalesced"),
        (ItemTerms(item="sku-2", low_threshold=Decimal(41)), "coalesced"),
    ],
)
async def test_an_item_has_thresholds_of_its_own(
    database: Database, clock: VirtualClock, terms: ItemTerms, lane: str
) -> None:
    play = await DatabasePlay.open(database, clock, replace(SHOP, items=(terms,)))
    await play.stock(40)
    await play.deliver()

    await play.stock(41)
    await play.advance(timedelta(minutes=2))
    await play.deliver()

    async with database.transaction(MAIN) as tx:
        step, *_ = await journal.of_instance(tx, NAME, "shop/web/sku-1")
    assert step.note == f"write 41 over 40, {lane}"


async def test_an_item_without_levels_crosses_none_of_its_channels(
    database: Database, clock: VirtualClock
) -> None:
    terms = ItemTerms(item="sku-1", low_threshold=Decimal(0), levels=())
    shop = replace(SHOP, low_threshold=Decimal(50), levels=(Decimal(41),), items=(terms,))
    play = await DatabasePlay.open(database, clock, shop)
    await play.stock(40)
    await play.deliver()

    await play.stock(41)
    await play.advance(timedelta(minutes=2))
    await play.deliver()

    async with database.transaction(MAIN) as tx:
        step, *_ = await journal.of_instance(tx, NAME, "shop/web/sku-1")
    assert step.note == "write 41 over 40, coalesced"


LEVEL = "select heard_base, heard_at, disputed_at from publishing_level"
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("is_one_page", [True, False])
@pytest.mark.parametrize(
    ("words", "newest", "is_disputed"),
    [
        ([(39, 2.0), (38, 4.0)], 38, False),  # in turn
        ([(38, 4.0), (39, 2.0)], 38, False),  # late
        ([(39, 2.0), (39, 2.0)], 39, False),  # twice
        ([(39, 2.0), (38, 2.0)], 38, True),  # in one second, told in whole seconds
        ([(39, 2.0), (38, 2.9)], 38, True),
        ([(38, 2.9), (39, 2.0)], 38, True),
        ([(39, 2.0), (38, 3.0)], 38, False),
    ],
)
async def test_the_newest_word_counts_and_words_that_no_clock_can_order_are_in_dispute(
    database: Database,
    clock: VirtualClock,
    words: list[tuple[int, float]],
    newest: int,
    *,
    is_disputed: bool,
    is_one_page: bool,
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP)
    said = [(level, NOON + second * SECOND) for level, second in words]
    for page in [said] if is_one_page else [[word] for word in said]:
        await play.hear_together(page)

    async with database.transaction(MAIN) as tx:
        row = await tx.fetchrow(LEVEL)
    assert row["heard_base"] == newest * MICROS
    assert row["heard_at"] == max(at for _, at in said)
    assert (row["disputed_at"] == clock.now()) == is_disputed


async def test_the_timeline_tells_why_each_write_was_made(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP)
    await play.stock(40)
    await play.deliver()
    play.shop.sell(2)
    await play.stock(35)
    await play.deliver()

    async with database.transaction(MAIN) as tx:
        steps = await journal.of_instance(tx, NAME, "shop/web/sku-1")

    assert [step.note for step in reversed(steps)] == [
        "write 40 over unknown, immediate",
        "write 35 over 40, immediate",
        "the channel holds 38, not 40; write 33 over 38, immediate",
    ]


def test_a_listing_is_named_so_that_it_can_be_read_back() -> None:
    listing = Listing("shop", "web/eu", "A/B%2F c")

    assert Listing.of(listing.instance) == listing


async def test_a_channels_word_from_a_clock_that_is_ahead_does_not_stand_for_ever(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP)
    await play.stock(40)
    await play.deliver()

    await play.hear(40, NOON + timedelta(days=365))
    await play.advance(timedelta(minutes=10))
    await play.hear(37, clock.now())

    async with database.transaction(MAIN) as tx:
        heard = await tx.fetchval("select heard_base from publishing_level")
    assert heard == 37 * MICROS


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"source_locations": ()}, "/source_locations"),
        ({"buffer": Decimal("NaN")}, "/buffer"),
        ({"cap": Decimal(-1)}, "/cap"),
        ({"low_threshold": Decimal("0.0000001")}, "/low_threshold"),
        ({"levels": (Decimal(1), Decimal(10) ** 13)}, "/levels/1"),
        ({"share_percent": Decimal(101)}, "/share_percent"),
        ({"retry_seconds": 0}, "/retry_seconds"),
        ({"items": (ItemTerms(item="a", pack=Decimal(0)),)}, "/items/0/pack"),
        ({"items": (ItemTerms(item="a", levels=(Decimal(-1),)),)}, "/items/0/levels/0"),
        ({"items": (ItemTerms(item="a"), ItemTerms(item="a"))}, "/items/1/item"),
    ],
)
async def test_terms_that_nobody_could_keep_are_refused_with_their_place(
    database: Database, clock: VirtualClock, change: dict[str, Any], where: str
) -> None:
    channels = Channels(database, clock)

    with pytest.raises(Invalid) as refused:
        await channels.put(MAIN, replace(SHOP, **change), by="test")

    assert refused.value.where == where
    assert await channels.listed(MAIN) == []
