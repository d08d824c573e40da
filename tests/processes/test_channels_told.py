"""The log is told when what is agreed with a channel changes, and what its budget holds back."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from crossdock.canonical.channels import ChannelTermsChanged, OversellBudgetChanged
from crossdock.canonical.envelope import Event, Payload
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from tests.processes.desk import Desk, order
from tests.processes.shop import MAIN

SHOP = Channel(
    connection="shop",
    location="web",
    source_locations=("dc1",),
    buffer=Decimal("2.50"),
    oversell_percent=Decimal(1),
)


@pytest.fixture
async def desk(database: Database, clock: VirtualClock) -> Desk:
    return await Desk.open(database, clock, SHOP)


async def told(database: Database, kind: type[Payload]) -> list[Event]:
    async with database.transaction(Scope.of_workers()) as tx:
        events, _ = await event_log.read(tx, Position(), limit=100_000)
    return [event for event in events if isinstance(event.payload, kind)]


async def terms_told(database: Database) -> list[Any]:
    return [event.payload for event in await told(database, ChannelTermsChanged)]


async def test_terms_are_told_once_however_often_they_are_put(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(database, clock)
    box = ItemTerms(item="b", pack=Decimal(6))
    for items in ((box, ItemTerms(item="a")), (ItemTerms(item="a"), box)):
        await channels.put(MAIN, replace(SHOP, items=items), by="ada")

    [event] = await told(database, ChannelTermsChanged)
    assert event.fact.identity == "channel_terms:shop:web:1"
    terms: Any = event.payload
    assert (terms.version, terms.changed_by, terms.is_active) == (1, "ada", True)
    assert (terms.source_locations, terms.share_mode) == (("dc1",), "POOL")
    assert (str(terms.buffer), str(terms.oversell_percent)) == ("2.5", "1")
    assert (terms.items, terms.items_changed) == (2, 2)


async def test_each_change_of_terms_is_a_version_with_who_made_it(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(database, clock)
    apart = replace(SHOP, share_mode=ShareMode.PARTITION, share_fixed=Decimal(5))
    items = (ItemTerms(item="a"), ItemTerms(item="b"))
    await channels.put(MAIN, SHOP, by="ada")
    await channels.put(MAIN, apart, by="bob")
    await channels.put(MAIN, replace(apart, items=items), by="bob")
    await channels.put(MAIN, replace(apart, items=items[:1], is_active=False), by="ada")

    assert [
        (one.version, one.changed_by, one.share_mode, one.items, one.items_changed, one.is_active)
        for one in await terms_told(database)
    ] == [
        (1, "ada", "POOL", 0, 0, True),
        (2, "bob", "PARTITION", 0, 0, True),
        (3, "bob", "PARTITION", 2, 2, True),
        (4, "ada", "PARTITION", 1, 1, False),
    ]


async def test_a_connection_that_goes_away_is_told_to_sell_no_more_once(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(database, clock)
    await channels.put(MAIN, SHOP, by="ada")
    await channels.put(Scope("other"), SHOP, by="eve")
    for _ in range(2):
        async with database.transaction(MAIN) as tx:
            await channels.part_in(tx, "shop", "bob")

    found = [
        (event.tenant, event.payload.version, event.payload.changed_by, event.payload.is_active)
        for event in await told(database, ChannelTermsChanged)
        if isinstance(event.payload, ChannelTermsChanged)
    ]
    assert found == [
        ("main", 1, "ada", True), ("other", 1, "eve", True), ("main", 2, "bob", False),
    ]  # fmt: skip


async def test_a_buffer_that_comes_out_different_is_told_once(desk: Desk) -> None:
    await desk.say(*[order(number, 1) for number in range(36)])
    await desk.compute()
    await desk.compute()
    await desk.say(*[order(number, 9) for number in range(36, 136)])
    await desk.compute()

    found: list[Any] = [e.payload for e in await told(desk.database, OversellBudgetChanged)]
    first, second = [one for one in found if one.item == "sku-1"]
    assert (first.connection, first.location, first.version) == ("shop", "web", 1)
    assert (first.changed_by, first.before, first.oversell_percent) == (
        "crossdock", Decimal(0), Decimal(1),
    )  # fmt: skip
    assert (second.version, second.before) == (2, first.held_back)
    assert second.held_back > first.held_back > 0


async def test_a_budget_that_is_given_up_is_told_as_nothing_held_back(desk: Desk) -> None:
    await desk.say(*[order(number, 1) for number in range(36)])
    await desk.compute()
    channels = Channels(desk.database, desk.clock)
    own = ItemTerms(item="other", oversell_percent=Decimal(1))
    await channels.put(MAIN, replace(SHOP, oversell_percent=None, items=(own,)), by="ada")
    await desk.compute()

    found: list[Any] = [e.payload for e in await told(desk.database, OversellBudgetChanged)]
    assert (found[-1].item, found[-1].held_back, found[-1].oversell_percent) == (
        "sku-1", Decimal(0), None,
    )  # fmt: skip
