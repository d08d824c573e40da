"""A channel of a group and one of its member sell the same units: no unit is given to two (I3)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from random import Random
from types import MappingProxyType
from typing import Any

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.owing import Owing
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_claims import Calendar
from crossdock.orchestration.processes.availability_exposure import Exposures
from crossdock.orchestration.processes.availability_facts import availability_publishing
from crossdock.orchestration.processes.availability_places import regrouped
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from crossdock.orchestration.processes.safe_mode import SafeMode
from tests.processes.desk import Desk, order
from tests.processes.shop import MAIN
from tests.processes.test_oversell_budget import SHOP, measured
from tests.processes.test_shared_pools import put, told

EU = {"dc1": "eu", "dc2": "eu"}
NOTHING: Mapping[str, int] = MappingProxyType({})
PERCENT, PART = ShareMode.PERCENT, ShareMode.PARTITION


def sells(name: str, mode: ShareMode, *places: str, **terms: Any) -> Channel:
    return Channel(
        connection=name, location="web", source_locations=places, share_mode=mode, **terms
    )


def percent(name: str, share: int, *places: str) -> Channel:
    return sells(name, PERCENT, *places, share_percent=Decimal(share))


def part(name: str, pieces: int, *places: str) -> Channel:
    items = (ItemTerms(item="sku-1", share_fixed=Decimal(pieces)),)
    return sells(name, PART, *places, items=items)


FAR = sells("far", ShareMode.POOL, "dc9")
"""Is agreed first, and sells nothing of all this."""


async def opened(database: Database, clock: VirtualClock, **group_of: str) -> Desk:
    desk = await Desk.open(database, clock, FAR)
    desk.play.pools.group_of = group_of
    return desk


def stock(desk: Desk, owed: Mapping[str, int] = NOTHING, /, **pieces: int) -> None:
    """Let there be so much at these places, and in each group what it does not owe of that."""
    known = desk.play.pools.known
    known.clear()
    for place, amount in pieces.items():
        known["main", "sku-1", place] = Pool(free=amount * MICROS)
    for group in set(desk.play.pools.group_of.values()):
        members = [one for one, of in desk.play.pools.group_of.items() if of == group]
        owing = Owing(owed.get(group, 0), {one: pieces.get(one, 0) for one in members})
        left = owing.left()
        free = sum(left.values())
        known["main", "sku-1", group] = Pool(free=free * MICROS)
        for one in members if owing.owed else ():
            borne = Pool(free=left[one] * MICROS)
            first = min(pieces.get(one, 0), free) * MICROS
            known["main", "sku-1", one] = Pool(free=first, for_shares=borne)


async def regroup(desk: Desk, **group_of: str) -> None:
    """Let inventory say that groups have other members."""
    before = desk.play.pools.group_of
    desk.play.pools.group_of = group_of
    places = {*before, *before.values(), *group_of, *group_of.values()}
    async with desk.database.transaction(MAIN) as tx:
        await regrouped(tx, desk.play.pools, {"main": places}, desk.clock.now())


async def exposed(desk: Desk, name: str) -> Decimal:
    """Say how much a channel may be shown."""
    pools = desk.play.pools
    process = availability_publishing(pools, Calendar(desk.zones, desk.clock))
    safe_mode = SafeMode(desk.database, desk.clock, pools)
    exposures = Exposures(desk.database, desk.clock, process, safe_mode)
    found = await exposures.show(MAIN, name, "web", ItemsWanted(items=["sku-1"]))
    return found.items[0].exposed or Decimal(0)


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (percent("a", 60, "eu"), percent("b", 100, "dc1"), "100 % of what is at dc1, and 60 %"),
        (percent("b", 100, "dc1"), percent("a", 60, "eu"), "60 % of what is at dc1, and 100 %"),
        (part("a", 60, "eu"), part("b", 100, "dc1"), "100 here and 60 of a/web are 160"),
        (part("b", 100, "dc1"), part("a", 60, "eu"), "60 here and 100 of b/web are 160"),
    ],
)
async def test_shares_of_a_group_and_of_its_member_that_are_more_than_there_is_are_refused_i3(
    database: Database, clock: VirtualClock, first: Channel, second: Channel, refused: str
) -> None:
    desk = await opened(database, clock, **EU)
    stock(desk, dc1=100, dc2=0)
    await put(desk, first)

    with pytest.raises(Invalid, match=refused):
        await put(desk, second)


async def test_shares_of_two_members_of_a_group_are_of_two_pools(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, **EU)
    stock(desk, dc1=100, dc2=40)

    for one in (percent("a", 100, "dc1"), percent("b", 100, "dc2")):
        await put(desk, one)

    assert [await exposed(desk, name) for name in ("a", "b")] == [100, 40]


async def test_a_part_of_members_is_no_more_than_their_group_leaves_of_them_together_i3(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, **EU)
    stock(desk, {"eu": 60}, dc1=50, dc2=40)

    with pytest.raises(Invalid, match="31 here are 31, and there are 30 at dc1, dc2"):
        await put(desk, part("a", 31, "dc1", "dc2"))
    await put(desk, part("a", 15, "dc1"))
    with pytest.raises(Invalid, match="16 here are 16, and there are 15 at dc2"):
        await put(desk, part("b", 16, "dc2"))
    await put(desk, part("b", 15, "dc2"))

    assert [await exposed(desk, name) for name in ("a", "b")] == [15, 15]


async def test_shares_of_a_place_that_becomes_a_member_later_shrink_alike_i3(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, dc2="eu")
    stock(desk, dc1=100, dc2=0)
    for one in (percent("a", 60, "eu"), percent("b", 100, "dc1")):
        await put(desk, one)
    assert [await exposed(desk, name) for name in ("a", "b")] == [0, 100]

    await regroup(desk, **EU)
    stock(desk, dc1=100, dc2=0)

    assert [await exposed(desk, name) for name in ("a", "b")] == [37, 62]
    with pytest.raises(Invalid, match="61 % of what is at dc1, and 100 % of b/web"):
        await put(desk, percent("a", 61, "eu"))
    await put(desk, percent("b", 40, "dc1"))
    assert [await exposed(desk, name) for name in ("a", "b")] == [60, 40]


async def test_parts_of_a_place_that_becomes_a_member_later_shrink_alike_i3(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, dc2="eu")
    stock(desk, dc1=100, dc2=60)
    for one in (part("a", 60, "eu"), part("b", 100, "dc1")):
        await put(desk, one)
    assert [await exposed(desk, name) for name in ("a", "b")] == [60, 100]

    await regroup(desk, **EU)
    stock(desk, dc1=100, dc2=0)

    assert [await exposed(desk, name) for name in ("a", "b")] == [37, 62]


async def test_a_share_that_others_lower_is_looked_at_again(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock)
    stock(desk, dc1=100)
    desk.play.pools.known["main", "sku-1", "eu"] = Pool(free=0)
    one = replace(percent("a", 60, "eu"), coalesce_seconds=0)
    other = percent("b", 100, "dc1")
    for channel in (one, other):
        await put(desk, channel)
        await Channels(database, clock).publish(MAIN, channel, ["sku-1"])
    assert await told(desk) == {"a": "0", "b": "100"}

    await regroup(desk, dc1="eu")
    stock(desk, dc1=100)
    assert await told(desk) == {"a": "37", "b": "62"}

    await put(desk, replace(other, share_percent=Decimal(20)))
    assert await told(desk) == {"a": "60", "b": "20"}


PLACES, GROUPS = ("dc1", "dc2", "dc3", "dc4"), ("eu", "us")


def grouped(random: Random) -> dict[str, str]:
    return {one: of for one in PLACES if (of := random.choice((*GROUPS, "")))}


def anything(random: Random, name: str) -> Channel:
    chosen = random.sample((*PLACES, *GROUPS), random.choice((1, 1, 2)))
    if random.random() < 0.5:
        return percent(name, random.randint(1, 100), *chosen)
    return part(name, random.randint(0, 90), *chosen)


def lies_in(channel: Channel, group_of: dict[str, str]) -> set[str]:
    """Name the places where what a channel sells lies."""
    sold = channel.source_locations
    return {one for one in PLACES if one in sold or group_of.get(one) in sold}


def left_in(
    pool: Sequence[str], group_of: Mapping[str, str], pieces: Mapping[str, int],
    owed: Mapping[str, int],
) -> int:  # fmt: skip
    """Say how much there is at these, less what groups owe of which all members are among them."""
    total = sum(pieces[place] for place in pool if place not in group_of)
    for group in GROUPS:
        inside = [place for place in pool if group_of.get(place) == group]
        is_whole = inside == [place for place in PLACES if group_of.get(place) == group]
        own = sum(pieces[place] for place in inside)
        total += max(0, own - owed[group]) if is_whole else own
    return total


@pytest.mark.parametrize("seed", range(16))
async def test_shares_never_expose_more_than_there_is_however_places_are_grouped_i3(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    random = Random(seed)
    desk = await opened(database, clock, **grouped(random))
    stock(desk, **{place: random.choice((0, 40, 100)) for place in PLACES})
    agreed: list[Channel] = []
    for number in range(8):
        channel = anything(random, f"ch{number}")
        with suppress(Invalid):
            await put(desk, channel)
            agreed.append(channel)
    for regroups in (False, True, True):
        if regroups:
            await regroup(desk, **grouped(random))
        pieces = {place: random.choice((0, 7, 40, 100)) for place in PLACES}
        owed = {group: random.choice((0, 0, 30, 90)) for group in GROUPS}
        stock(desk, owed, **pieces)
        group_of = desk.play.pools.group_of
        shown = {one.connection: await exposed(desk, one.connection) for one in agreed}
        for size in range(1, len(PLACES) + 1):
            for pool in combinations(PLACES, size):
                inside = [one for one in agreed if lies_in(one, group_of) <= set(pool)]
                together = sum(shown[one.connection] for one in inside)
                there_is = left_in(pool, group_of, pieces, owed)
                assert together <= there_is, (pool, shown, group_of, owed)


async def test_the_budget_of_a_group_counts_what_its_members_sell_and_the_reverse(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, dc1="eu")
    await put(desk, replace(SHOP, source_locations=("eu",)))
    await put(desk, replace(SHOP, connection="counter"))
    await measured(desk, publish=60, order_late=60)

    await desk.say(*[order(number, 1) for number in range(36)])  # at dc1

    found = await desk.item()
    assert [(one.seller, one.per_hour) for one in found.rates] == [("shop", Decimal(36))]
    assert found.buffer == 5
    in_group = [order(100 + number, 1, item="sku-2") for number in range(36)]
    at_group = [
        replace(one, lines=tuple(replace(line, location="eu") for line in one.lines))
        for one in in_group
    ]
    await desk.say(*at_group)
    assert (await desk.item("counter", "sku-2")).buffer > 0


async def test_what_a_channel_of_a_group_sold_of_its_minimum_wakes_all_that_share_it(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, **EU)
    stock(desk, dc1=60, dc2=40)
    key = sells("key", ShareMode.PROTECTED, "eu", share_min=Decimal(30))
    other = sells("other", ShareMode.POOL, "dc2", coalesce_seconds=0)
    for one in (key, other):
        await put(desk, one)
        await Channels(database, clock).publish(MAIN, one, ["sku-1"])
    assert await told(desk) == {"key": "100", "other": "10"}

    await desk.say(order(1, 20), source="key")  # at dc1
    stock(desk, dc1=40, dc2=40)

    assert (await told(desk))["other"] == "30"
