"""What channels of one pool show together is told beside what there is."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from crossdock.canonical.errors import NotFound
from crossdock.canonical.quantities import plain
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_claims import Calendar
from crossdock.orchestration.processes.availability_exposure import ChannelExposure, Exposures
from crossdock.orchestration.processes.availability_facts import availability_publishing
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from crossdock.orchestration.processes.safe_mode import SafeMode
from tests.processes.desk import Desk
from tests.processes.shop import MAIN
from tests.processes.test_shared_pools import KEY, channel, opened, put, told

ALL = channel("all", ShareMode.POOL, buffer=Decimal(4))


def said(*amounts: Decimal | None) -> list[str]:
    return ["unknown" if one is None else plain(one) for one in amounts]


async def shown(desk: Desk, name: str, which: ItemsWanted | None = None) -> ChannelExposure:
    calendar = Calendar(desk.zones, desk.clock)
    pools = desk.play.pools
    process = availability_publishing(pools, calendar)
    safe_mode = SafeMode(desk.database, desk.clock, pools)
    exposures = Exposures(desk.database, desk.clock, process, safe_mode)
    return await exposures.show(MAIN, name, "web", which or ItemsWanted())


async def test_channels_that_see_one_pool_show_more_than_there_is_and_it_is_told_how_much_i3(
    database: Database, clock: VirtualClock
) -> None:
    cases = channel("cases", ShareMode.POOL, items=(ItemTerms(item="sku-1", numerator=12),))
    far = Channel(connection="far", location="web", source_locations=("dc2",))
    desk = await opened(database, clock, ALL, channel("too", ShareMode.POOL), cases, far)
    await desk.play.stock(100)
    assert await told(desk) == {"all": "96", "too": "100", "cases": "8"}

    found = await shown(desk, "all")

    assert found.share_mode is ShareMode.POOL
    assert found.others == {"cases/web": ShareMode.POOL, "too/web": ShareMode.POOL}
    [item] = found.items
    assert item.item == "sku-1"
    assert said(item.pool, item.buffer) == ["100", "4"]
    assert said(item.exposed, item.shown) == ["96", "96"]
    assert said(item.together, item.beyond) == ["292", "192"]  # 96 + 100 + 8 cases of 12
    [in_cases] = (await shown(desk, "cases")).items
    assert said(in_cases.shown, in_cases.together, in_cases.beyond) == ["8", "24.333333", "16"]


@pytest.mark.parametrize("seed", range(4))
async def test_what_channels_of_one_pool_show_beyond_it_is_told_whatever_they_show_i3(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    random = Random(seed)
    sizes = {"ch0": 1} | {f"ch{n}": random.randint(1, 12) for n in range(1, random.randint(2, 5))}
    channels = [
        channel(
            name,
            ShareMode.POOL,
            buffer=Decimal(random.randint(0, 5)),
            items=(ItemTerms(item="sku-1", numerator=size),),
        )
        for name, size in sizes.items()
    ]
    desk = await opened(database, clock, *channels)
    pieces = random.randint(0, 120)
    await desk.play.stock(pieces)
    amounts = await told(desk)
    together = sum(int(amounts[name]) * size for name, size in sizes.items())

    [item] = (await shown(desk, "ch0")).items

    beyond = max(0, together - pieces)
    assert (item.together, item.beyond) == (Decimal(together), Decimal(beyond))


async def test_parts_show_no_more_together_than_there_is(
    database: Database, clock: VirtualClock
) -> None:
    parts = [channel(n, ShareMode.PERCENT, share_percent=Decimal(50)) for n in ("one", "two")]
    desk = await opened(database, clock, *parts)
    await desk.play.stock(101)
    await told(desk)

    [item] = (await shown(desk, "one")).items

    assert said(item.shown, item.together, item.beyond) == ["50", "100", "0"]


async def test_what_is_kept_and_allowed_is_shown_and_what_nobody_knows_is_not_zero(
    database: Database, clock: VirtualClock
) -> None:
    branch = channel("branch", share_max=Decimal(70))
    desk = await opened(database, clock, branch, KEY)
    await desk.play.stock(100)

    [before] = (await shown(desk, "branch")).items
    [unknown] = (await shown(desk, "branch", ItemsWanted(items=["sku-9"]))).items

    assert said(before.kept_for_others, before.allowance, before.exposed) == ["40", "70", "60"]
    assert said(before.shown, before.together) == ["unknown", "0"]
    assert said(unknown.pool, unknown.exposed, unknown.shown) == ["unknown"] * 3
    assert said(unknown.beyond) == ["0"]


async def test_listings_are_shown_page_by_page(database: Database, clock: VirtualClock) -> None:
    desk = await opened(database, clock, ALL, channel("all_", ShareMode.POOL))
    items = [f"sku/{number}" for number in range(5)]
    for name in (ALL, channel("all_", ShareMode.POOL)):
        await Channels(desk.database, desk.clock).publish(MAIN, name, items)

    first = await shown(desk, "all", ItemsWanted(limit=3))
    second = await shown(desk, "all", ItemsWanted(limit=3, after=first.items[-1].item))

    assert [one.item for one in first.items] == items[:3]
    assert [one.item for one in second.items] == items[3:]


async def test_a_channel_that_is_off_is_shown_and_one_without_terms_is_not(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, ALL)
    await desk.play.stock(10)
    await told(desk)
    await put(desk, replace(ALL, is_active=False))

    [item] = (await shown(desk, "all")).items

    assert item.shown == 6
    with pytest.raises(NotFound, match="nobody/web"):
        await shown(desk, "nobody")


async def test_an_item_is_shown_with_the_thresholds_that_hold_for_it(
    database: Database, clock: VirtualClock
) -> None:
    own = ItemTerms(item="sku-1", low_threshold=Decimal(3), levels=(Decimal(7),))
    agreed = {"low_threshold": Decimal(5), "levels": (Decimal(50),)}
    desk = await opened(
        database,
        clock,
        channel("own", ShareMode.POOL, items=(own,), **agreed),
        channel("all", ShareMode.POOL, **agreed),
    )
    await desk.play.stock(100)
    await told(desk)

    for name, low, level in (("own", 3, 7), ("all", 5, 50)):
        found = await shown(desk, name)
        [item] = found.items
        assert said(item.low_threshold, *item.levels) == [str(low), str(level)]
        assert said(found.low_threshold, *found.levels) == ["5", "50"]
