"""A channel whose source is silent is in safe mode: one case and one event say so (§7.2)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crossdock.canonical.channels import ChannelSafeModeChanged
from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.inventory import SourceAge
from crossdock.capabilities.inventory.publishing import WhenStale
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Case
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_exposure import ChannelExposure
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from crossdock.orchestration.processes.safe_mode import SafeMode, policy
from tests.conftest import NOON
from tests.processes.desk import Desk
from tests.processes.shop import MAIN
from tests.processes.test_channel_exposure import shown
from tests.processes.test_channels_told import told
from tests.processes.test_shared_pools import channel
from tests.processes.test_shared_pools import told as delivered

QUARTER = timedelta(minutes=15)
SHOP = channel("shop", share_max=None, buffer=Decimal(5))
FAR = Channel(connection="far", location="web", source_locations=("dc2",))


class Watched:
    """Two shops that sell from two warehouses, whose WMS is the source of both."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.safe_mode = SafeMode(desk.database, desk.clock, desk.play.pools)

    @classmethod
    async def open(cls, database: Database, clock: VirtualClock, *channels: Channel) -> "Watched":
        desk = await Desk.open(database, clock, channels[0])
        for one in channels[1:]:
            await Channels(database, clock, desk.play.pools).put(MAIN, one, by="test")
        return cls(desk)

    async def speak(self, *sources: str, items: Sequence[str] = ("sku-1", "sku-2")) -> None:
        """Let each source say at this moment that there are 40 of each item at both places."""
        pools, now = self.desk.play.pools, self.desk.clock.now()
        for source in sources:
            pools.heard[source] = SourceAge(source, now, int(QUARTER.total_seconds()))
        until = {name: age.fresh_until for name, age in pools.heard.items()}
        for item in items:
            for place in ("dc1", "dc2"):
                pools.known["main", item, place] = Pool(
                    free=40 * MICROS,
                    fresh_until=min(until.values()),
                    lowers_at=min(age.overdue_at for age in pools.heard.values()),
                    sources=until,
                )
        channels = Channels(self.desk.database, self.desk.clock)
        for one in await channels.listed(MAIN):
            await channels.publish(MAIN, one, items)
        await self.desk.play.stage.engine.catch_up()

    async def wait(self, step: timedelta) -> int:
        await self.desk.play.advance(step)
        return await self.safe_mode.watch()

    async def cases(self, state: str = "OPEN") -> list[Case]:
        async with self.desk.database.transaction(MAIN) as tx:
            found = await cases.listed(tx, state=state)
        return [case for case in found if case.code == "EVT-STALE-SRC"]

    async def events(self) -> list[Any]:
        return [one.payload for one in await told(self.desk.database, ChannelSafeModeChanged)]


async def test_one_case_and_one_event_for_each_source_and_channel_however_many_items(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP, FAR)
    await watched.speak("wms")

    assert await watched.wait(timedelta(minutes=14)) == 0
    assert await watched.cases() == []
    assert await watched.wait(timedelta(minutes=3)) == 2
    assert await watched.wait(timedelta(minutes=1)) == 0

    far, shop = sorted(await watched.cases(), key=lambda case: case.entity)
    assert (far.entity, shop.entity) == ("far/web", "shop/web")
    assert (shop.code, shop.severity, shop.owner_role) == ("EVT-STALE-SRC", "S2", "Integration")
    assert shop.due_at - shop.opened_at == timedelta(hours=1)
    assert shop.count == 1
    assert shop.title.startswith("wms is silent since 2026-")
    assert "shop at web is in safe mode: it shows no more than it does, and its" in shop.title
    assert shop.evidence["suggested"] == "crossdock connection check wms"
    found = await watched.events()
    assert [(one.connection, one.source, one.is_safe) for one in found] == [
        ("far", "wms", True),
        ("shop", "wms", True),
    ]
    assert {(one.heard_at, one.since, one.when_stale) for one in found} == {
        (NOON, NOON + QUARTER, "LOWER")
    }


async def test_it_closes_by_itself_when_the_source_speaks_and_opens_again_for_the_next_silence(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    await watched.wait(2 * QUARTER)

    await watched.speak("wms")
    assert await watched.safe_mode.watch() == 1
    assert await watched.cases() == []
    [case] = await watched.cases("CLOSED")
    assert "wms speaks again" in case.resolution
    await watched.wait(2 * QUARTER)

    assert [one.is_safe for one in await watched.events()] == [True, False, True]
    assert len(await watched.cases()) == 1


async def test_each_of_two_silent_sources_is_told_apart(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms", "erp")
    await watched.wait(timedelta(minutes=17))
    assert len(await watched.cases()) == 2

    await watched.speak("wms")
    await watched.wait(timedelta(0))

    [left] = await watched.cases()
    assert left.evidence["source"] == "erp"
    [item, _] = (await shown(watched.desk, "shop")).items
    assert item.silent == ("erp",)


async def test_a_source_that_is_a_little_late_lowers_nothing_and_is_nobodys_case(
    database: Database, clock: VirtualClock
) -> None:
    """It dumps every quarter of an hour, which is its freshness, and arrives 5 s after that."""
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    await delivered(watched.desk)
    before = len(watched.desk.play.writes)

    for _ in range(4):
        for step in (QUARTER + timedelta(seconds=1), timedelta(seconds=4)):
            assert await watched.wait(step) == 0
        assert (await seen(watched)).items[0].silent == ("wms",)
        assert (await seen(watched)).items[0].exposed == 35
        await watched.speak("wms")
        await watched.wait(timedelta(seconds=0))

    assert len(watched.desk.play.writes) == before
    assert await watched.cases("CLOSED") == []


async def test_a_source_that_is_a_little_late_raises_nothing_either(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    await delivered(watched.desk)
    await watched.wait(QUARTER)
    known = watched.desk.play.pools.known
    known["main", "sku-1", "dc1"] = replace(known["main", "sku-1", "dc1"], free=90 * MICROS)

    assert (await seen(watched)).items[0].exposed == 35


async def test_neither_the_hub_itself_nor_a_source_that_was_removed_is_silent(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms", "crossdock")
    assert await watched.wait(2 * QUARTER) == 1
    [case] = await watched.cases()
    assert case.evidence["source"] == "wms"

    watched.desk.play.pools.removed.add("wms")

    assert await watched.safe_mode.watch() == 1
    assert await watched.cases() == []
    assert (await seen(watched)).feeds.sources == ("crossdock",)


async def test_a_silence_of_twice_what_is_allowed_is_met_once_more(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    await watched.wait(timedelta(minutes=17))

    await watched.wait(timedelta(minutes=15))
    await watched.wait(timedelta(minutes=15))

    [case] = await watched.cases()
    assert case.count == 2
    assert case.title.endswith("for twice as long as it may")
    assert case.evidence["is_long"]
    assert len(await watched.events()) == 1


async def test_a_source_that_was_never_heard_has_always_been_silent(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    watched.desk.play.pools.heard.clear()

    await watched.safe_mode.watch()

    [case] = await watched.cases()
    assert case.title.startswith("wms never spoke")
    [event] = await watched.events()
    assert (event.heard_at, event.since) == (None, NOON)


@pytest.mark.parametrize("change", [{"is_active": False}, {"source_locations": ("dc9",)}])
async def test_a_channel_that_sells_nothing_of_the_source_any_more_is_nobodys_case(
    database: Database, clock: VirtualClock, change: dict[str, Any]
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    await watched.wait(2 * QUARTER)
    assert len(await watched.cases()) == 1

    await Channels(database, clock).put(MAIN, replace(SHOP, **change), by="test")
    assert await watched.safe_mode.watch() == 1

    assert await watched.cases() == []


async def test_a_channel_is_told_only_of_sources_of_what_it_sells_itself(
    database: Database, clock: VirtualClock
) -> None:
    """Of one place, one shop sells what the WMS tells of, and the other what the vendor does."""
    other = replace(SHOP, connection="other", items=(ItemTerms(item="sku-1", is_excluded=True),))
    shop = replace(SHOP, items=(ItemTerms(item="sku-2", is_excluded=True),))
    watched = await Watched.open(database, clock, shop, other)
    await watched.speak("wms", items=["sku-1"])
    watched.desk.play.pools.heard.clear()
    await watched.speak("vendor", items=["sku-2"])
    await watched.wait(2 * QUARTER)
    pools = watched.desk.play.pools
    pools.heard["wms"] = SourceAge("wms", clock.now(), 900)

    await watched.safe_mode.watch()

    [case] = await watched.cases()
    assert (case.entity, case.evidence["source"]) == ("other/web", "vendor")
    assert (await shown(watched.desk, "shop")).feeds.sources == ("wms",)
    assert (await shown(watched.desk, "other")).feeds.sources == ("vendor",)


async def test_a_source_of_nothing_that_is_still_sold_is_forgotten_after_some_days(
    database: Database, clock: VirtualClock
) -> None:
    """An old WMS told of one item alone, which is taken off the shop: its silence ends for it."""
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("legacy", items=["sku-2"])
    watched.desk.play.pools.heard.pop("legacy")
    await watched.speak("wms", items=["sku-1"])
    await watched.safe_mode.watch()
    assert {case.evidence["source"] for case in await watched.cases()} == {"legacy"}

    gone = replace(SHOP, items=(ItemTerms(item="sku-2", is_excluded=True),))
    await Channels(database, clock).put(MAIN, gone, by="test")
    for _ in range(4):
        await watched.desk.play.advance(timedelta(days=1))
        await watched.speak("wms", items=["sku-1"])
        await watched.safe_mode.watch()

    assert await watched.cases() == []
    assert (await seen(watched)).feeds.sources == ("wms",)


async def seen(watched: Watched, item: str = "sku-1") -> ChannelExposure:
    return await shown(watched.desk, "shop", ItemsWanted(items=[item]))


async def test_what_a_channel_shows_says_for_the_silence_of_whom_it_is_in_safe_mode(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    await delivered(watched.desk)
    before = await seen(watched)
    await watched.wait(timedelta(minutes=17))
    await delivered(watched.desk)

    after = await seen(watched)

    assert (before.feeds.sources, before.feeds.silent) == (("wms",), ())
    [silence] = after.feeds.silent
    assert (silence.source, silence.since, silence.heard_at) == ("wms", NOON + QUARTER, NOON)
    assert [plain(found.items[0].exposed or Decimal(0)) for found in (before, after)] == [
        "35",
        "30",  # the buffer once more
    ]
    assert [found.items[0].shown for found in (before, after)] == [35, 30]
    assert after.items[0].silent == ("wms",)


async def test_the_write_that_lowers_a_channel_says_in_the_journal_that_the_source_is_silent(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)
    await watched.speak("wms")
    await delivered(watched.desk)
    await watched.wait(timedelta(minutes=17))

    async with database.transaction(MAIN) as tx:
        rows = await tx.fetch("select note from process_journal order by entry desc limit 1")

    assert rows[0]["note"] == "write 30 over 35, immediate, in safe mode: wms silent"


async def test_what_nobody_ever_told_of_is_said_and_never_written(
    database: Database, clock: VirtualClock
) -> None:
    watched = await Watched.open(database, clock, SHOP)

    nothing = await seen(watched)
    await watched.safe_mode.watch()

    assert (nothing.feeds.sources, nothing.items[0].untold) == ((), ("dc1",))
    assert nothing.items[0].exposed is None
    assert watched.desk.play.writes == []
    assert await watched.cases() == []


@pytest.mark.parametrize(
    ("when_stale", "stale_buffer", "said"),
    [
        (WhenStale.KEEP, None, "it shows no more than it does"),
        (WhenStale.LOWER, Decimal(3), "it shows no more than it does, and 3 is held back besides"),
        (WhenStale.ZERO, None, "it shows nothing"),
    ],
)
def test_the_policy_is_said_in_words(
    when_stale: WhenStale, stale_buffer: Decimal | None, said: str
) -> None:
    assert policy(when_stale, stale_buffer) == said
