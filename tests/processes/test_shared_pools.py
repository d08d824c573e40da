"""Channels of one pool are shown what is theirs, and nothing of what is kept for others."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crossdock.canonical.commands import CommandSettled, Settlement
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.protection import Period
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from tests.processes.desk import Desk, order
from tests.processes.shop import MAIN


def channel(name: str, mode: ShareMode = ShareMode.PROTECTED, **terms: Any) -> Channel:
    return Channel(
        connection=name,
        location="web",
        source_locations=("dc1",),
        share_mode=mode,
        coalesce_seconds=0,
        **terms,
    )


KEY = channel("key", share_min=Decimal(40))
WEB = channel("web", share_min=Decimal(20), share_max=Decimal(30))
BRANCH = channel("branch", share_max=Decimal(70))


async def opened(
    database: Database, clock: VirtualClock, *channels: Channel, **zones: str
) -> Desk:
    desk = await Desk.open(database, clock, channels[0], **zones)
    for one in channels[1:]:
        await put(desk, one)
    return desk


async def put(desk: Desk, one: Channel) -> None:
    await Channels(desk.database, desk.clock, desk.play.pools).put(MAIN, one, by="test")


async def told(desk: Desk) -> dict[str, str]:
    """Let every channel be told, and take it; give what each was told last."""
    play = desk.play
    await play.stage.engine.catch_up()
    while waiting := play.writes[play.delivered :]:
        play.delivered = len(play.writes)
        for write in waiting:
            await play.settle(
                CommandSettled(
                    command_id=write.command_id,
                    connection=write.connection,
                    role=write.role,
                    subject=write.subject,
                    version=write.version,
                    settlement=Settlement.DONE,
                    process=write.process,
                    instance=write.instance,
                    observed=Decimal(write.arguments["quantity"]),
                )
            )
    return {write.connection: write.arguments["quantity"] for write in play.writes}


async def test_what_is_published_keeps_minima_and_maxima_a14(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, KEY, WEB, BRANCH)
    await desk.say(order(1, 10), source="web")
    await desk.say(order(2, 20), source="branch")

    await desk.play.stock(100)

    assert await told(desk) == {"key": "90", "web": "20", "branch": "50"}


async def test_what_one_takes_is_no_longer_kept_from_the_others(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, KEY, BRANCH)
    await desk.play.stock(100)
    before = await told(desk)

    await desk.say(order(1, 25), source="key")
    await desk.play.stock(75)
    after = await told(desk)
    await desk.say(order(1, 25, cancelled=25), source="key", version=2)
    await desk.play.stock(100)

    assert before == {"key": "100", "branch": "60"}
    assert after == {"key": "75", "branch": "60"}
    assert await told(desk) == before


async def test_what_a_supplier_sends_uses_up_nothing_that_is_kept_for_its_channel(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, KEY, channel("all", ShareMode.POOL))
    await desk.say(order(1, 30, is_dropship=True), order(2, 30), source="key")
    await desk.play.stock(100)
    before = await told(desk)

    await desk.say(order(2, 30, is_dropship=True), source="key", version=2)
    await desk.play.stock(101)

    assert before == {"key": "100", "all": "90"}  # the thirty of ours were taken
    assert await told(desk) == {"key": "101", "all": "61"}


async def test_a_channel_that_sees_the_whole_pool_sees_nothing_of_what_is_kept(
    database: Database, clock: VirtualClock
) -> None:
    half = channel("half", ShareMode.PERCENT, share_percent=Decimal(50))
    desk = await opened(database, clock, KEY, channel("all", ShareMode.POOL), half)

    await desk.play.stock(100)

    assert await told(desk) == {"key": "100", "all": "60", "half": "30"}


async def test_cases_are_kept_and_allowed_in_pieces(
    database: Database, clock: VirtualClock
) -> None:
    cases = (ItemTerms(item="sku-1", numerator=12, share_min=Decimal(2), share_max=Decimal(5)),)
    desk = await opened(database, clock, channel("b2b", items=cases), BRANCH)

    await desk.play.stock(100)

    assert await told(desk) == {"b2b": "5", "branch": "70"}
    await desk.play.stock(80)
    assert await told(desk) == {"b2b": "5", "branch": "56"}


async def test_a_maximum_begins_anew_with_the_day_of_the_place_whatever_its_clock_does(
    database: Database, clock: VirtualClock
) -> None:
    """The clocks go back in Berlin on 25 October: that day has 25 hours."""
    desk = await opened(database, clock, BRANCH, dc1="Europe/Berlin")
    await clock.advance(datetime(2026, 10, 25, 21, 30, tzinfo=UTC) - clock.now())
    at = datetime(2026, 10, 24, 22, 10, tzinfo=UTC)  # ten past midnight
    await desk.say(order(1, 50), source="branch", at=at)
    await desk.say(order(2, 60), source="branch", at=at - timedelta(minutes=20))
    await desk.play.stock(100)
    first = await told(desk)

    await desk.play.advance(timedelta(minutes=89))
    second = await told(desk)
    await desk.play.advance(timedelta(minutes=2))

    assert (first, second) == ({"branch": "20"}, {"branch": "20"})
    assert await told(desk) == {"branch": "70"}


@pytest.mark.parametrize(
    ("period", "days"), [(Period.DAY, 1), (Period.WEEK, 7), (Period.MONTH, 28)]
)
async def test_what_was_kept_and_not_taken_is_kept_no_longer_than_its_period(
    database: Database, clock: VirtualClock, period: Period, days: int
) -> None:
    key = channel("key", share_min=Decimal(40), share_max=Decimal(40), period=period)
    desk = await opened(database, clock, key, BRANCH)
    await desk.play.stock(100)
    await desk.say(order(1, 30), source="key")
    assert await told(desk) == {"key": "10", "branch": "70"}

    await desk.play.advance(timedelta(days=days) - timedelta(hours=13))
    assert await told(desk) == {"key": "10", "branch": "70"}
    await desk.play.advance(timedelta(hours=2))

    # The next period keeps its own forty: the ten that were left are not added to them.
    assert await told(desk) == {"key": "40", "branch": "60"}


@pytest.mark.parametrize(
    ("terms", "told_now"),
    [
        ({"share_min": Decimal(80)}, {"key": "100", "branch": "20"}),
        ({"share_min": Decimal(0)}, {"key": "100", "branch": "70"}),
        ({"is_active": False}, {"branch": "70"}),
        ({"items": (ItemTerms(item="sku-1", is_excluded=True),)}, {"key": "0", "branch": "70"}),
        ({"items": (ItemTerms(item="sku-1", share_min=Decimal(90)),)}, {"branch": "10"}),
        (
            {"share_mode": ShareMode.PARTITION, "share_fixed": Decimal(95)},
            {"key": "95", "branch": "5"},
        ),
    ],
)
async def test_others_are_told_at_once_when_what_is_kept_for_one_is_agreed_anew(
    database: Database, clock: VirtualClock, terms: dict[str, Any], told_now: dict[str, str]
) -> None:
    desk = await opened(database, clock, KEY, BRANCH)
    await desk.play.stock(100)
    assert await told(desk) == {"key": "100", "branch": "60"}

    await put(desk, replace(KEY, **terms))

    assert await told(desk) == {"key": "100", "branch": "60"} | told_now


async def test_others_may_sell_what_was_kept_for_a_connection_that_goes_away(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, KEY, BRANCH)
    await desk.play.stock(100)
    assert (await told(desk))["branch"] == "60"

    async with database.transaction(MAIN) as tx:
        await Channels(database, clock).part_in(tx, "key", "test")

    assert (await told(desk))["branch"] == "70"


async def test_a_part_is_nobody_elses_whatever_the_others_mode_is(
    database: Database, clock: VirtualClock
) -> None:
    part = channel("part", ShareMode.PARTITION, share_fixed=Decimal(60))
    half = channel("half", ShareMode.PERCENT, share_percent=Decimal(50))
    few = channel("few", ShareMode.FIXED, share_fixed=Decimal(50))
    own = channel("own", share_max=Decimal(70))
    every = channel("all", ShareMode.POOL)
    desk = await opened(database, clock, part, half, few, own, every)

    await desk.play.stock(100)

    assert await told(desk) == {"part": "60", "half": "20", "few": "40", "own": "40", "all": "40"}
    await desk.play.stock(50)
    assert await told(desk) == {"part": "50", "half": "0", "few": "0", "own": "0", "all": "0"}


async def test_parts_shrink_alike_where_there_is_less_than_all_of_them(
    database: Database, clock: VirtualClock
) -> None:
    one = channel("one", ShareMode.PARTITION, share_fixed=Decimal(60))
    two = channel("two", ShareMode.PARTITION, share_fixed=Decimal(20))
    desk = await opened(database, clock, one, two)

    await desk.play.stock(100)
    assert await told(desk) == {"one": "60", "two": "20"}
    await desk.play.stock(40)
    assert await told(desk) == {"one": "30", "two": "10"}


async def test_parts_of_an_item_that_are_more_than_there_is_are_refused_naming_the_others(
    database: Database, clock: VirtualClock
) -> None:
    one = channel("one", ShareMode.PARTITION, share_fixed=Decimal(60))
    desk = await opened(database, clock, one)
    desk.play.pools.known["main", "sku-1", "dc1"] = Pool(free=100 * MICROS)

    def two(share: str, **item: Any) -> Channel:
        items = (
            ItemTerms(item="new"),
            ItemTerms(item="sku-1", share_fixed=Decimal(share), **item),
        )
        return channel("two", ShareMode.PARTITION, items=items)

    await put(desk, two("40"))
    await put(desk, two("40"))
    with pytest.raises(Invalid) as refused:
        await put(desk, two("41"))
    await put(desk, two("41", is_excluded=True))
    with pytest.raises(Invalid, match="48 here and 60 of one/web are 108"):
        await put(desk, two("4", numerator=12))

    assert refused.value.message == (
        "sku-1: 41 here and 60 of one/web are 101, and there are 100 at dc1"
    )
    assert refused.value.where == "/items/1/share_fixed"


async def test_percentages_are_added_up_place_by_place(
    database: Database, clock: VirtualClock
) -> None:
    def percent(name: str, share: str, *places: str, **terms: Any) -> Channel:
        return Channel(
            connection=name,
            location="web",
            source_locations=places,
            share_mode=ShareMode.PERCENT,
            share_percent=Decimal(share),
            **terms,
        )

    desk = await opened(database, clock, percent("one", "60", "dc1"))
    await put(desk, percent("two", "40", "dc1", "dc2"))
    await put(desk, percent("three", "60", "dc2"))
    await put(desk, percent("off", "90", "dc1", is_active=False))

    with pytest.raises(Invalid, match="1 % of what is at dc2, and 60 % of three/web and 40 %"):
        await put(desk, percent("four", "1", "dc2"))
    with pytest.raises(Invalid, match="90 % of what is at dc1"):
        await put(desk, percent("off", "90", "dc1"))
    await put(desk, percent("three", "50", "dc2"))
    await put(desk, percent("four", "10", "dc2"))


async def test_of_two_who_agree_at_once_on_more_than_there_is_one_is_refused(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, KEY)
    half = [
        channel(f"shop{number}", ShareMode.PERCENT, share_percent=Decimal(40))
        for number in range(6)
    ]

    answers = await asyncio.gather(*(put(desk, one) for one in half), return_exceptions=True)

    refused = [answer for answer in answers if answer is not None]
    assert len(refused) == 4
    assert all(isinstance(answer, Invalid) for answer in refused)
