"""Whichever way a fact comes in, what it says of stock that another keeps is only a proposal."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
)
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.proposals import Proposal, Proposals
from crossdock.connectivity.recording import Verdict
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.sources import Sources
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.connectivity.standins import MAIN, World, moved, webhook, with_shop, world

OTHER = Scope("other")
MINUTE = timedelta(minutes=1)
KEEP = """
insert into system_of_record (tenant, attribute, location, source, set_by, set_at)
values ($1, 'stock', $2, $3, 'test', $4)
on conflict (tenant, attribute, location) do update set source = excluded.source
"""


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    built = await with_shop(world(database, clock))
    built.catalogue.locations.add("DC2")
    return built


async def keep(hub: World, location: str, source: str, scope: Scope = MAIN) -> None:
    async with hub.database.transaction(scope) as tx:
        await tx.execute(KEEP, scope.tenant, location, source, NOON)


async def let_go(hub: World) -> None:
    async with hub.database.transaction(MAIN) as tx:
        await tx.execute("delete from system_of_record")


async def say(hub: World, source: str, *facts: Fact, scope: Scope = MAIN) -> list[Verdict]:
    verdicts = await hub.inbox.record(scope, source, facts, b"{}")
    return [each.verdict for each in verdicts]


async def proposals(hub: World, scope: Scope = MAIN) -> list[Proposal]:
    return await Proposals(hub.database).find(scope)


async def logged(hub: World) -> list[str]:
    return [event.fact.identity for event in await hub.events()]


def counted(number: int, location: str = "DC1", *, is_full: bool = False) -> Fact:
    line = CountedStock(item="SKU-1", quantity=Quantity.of(number))
    taken = StockSnapshotTaken(
        snapshot_id=f"S{number}", location=location, lines=(line,), is_full=is_full
    )
    return Fact(identity=f"snapshot:{number}", payload=taken, occurred_at=NOON + number * MINUTE)


def transferred(number: str, source: str, target: str) -> Fact:
    movement = StockMoved(
        movement_id=number,
        item="SKU-1",
        quantity=Quantity.of(4),
        type=MovementType.OTHER,
        source_place=Place(location=source),
        target_place=Place(location=target),
    )
    return Fact(identity=f"movement:{number}", payload=movement, occurred_at=NOON)


async def test_the_keepers_movements_and_counts_are_facts(hub: World) -> None:
    await keep(hub, "dc1", "wms")

    verdicts = await say(hub, "wms", moved("M1"), counted(1), counted(2, is_full=True))

    assert verdicts == [Verdict.NEW] * 3
    assert await proposals(hub) == []


async def test_what_others_say_of_kept_stock_is_shown_and_not_recorded(hub: World) -> None:
    await keep(hub, "dc1", "wms")

    verdicts = await hub.inbox.record(
        MAIN, "erp", [moved("M1"), counted(1), counted(2, is_full=True)], b"{}"
    )

    assert [each.verdict for each in verdicts] == [Verdict.PROPOSAL] * 3
    assert {(each.code, each.reason) for each in verdicts} == {
        ("INV-KEEPER", "wms keeps the stock of dc1")
    }
    assert await logged(hub) == []
    movement, count = await proposals(hub)
    if movement.type == StockSnapshotTaken.TYPE:
        movement, count = count, movement
    assert (movement.key, movement.location, movement.keeper) == ("sku-1", "dc1", "wms")
    assert (count.key, count.identity, count.times) == ("dc1", "snapshot:2", 2)
    assert json.loads(count.fact)["payload"]["is_full"] is True
    assert count.raw_ref is not None


async def test_where_nobody_is_keeper_anybody_may_tell_the_stock(hub: World) -> None:
    await keep(hub, "dc2", "wms")

    assert await say(hub, "erp", counted(1), counted(2, "DC2")) == [Verdict.NEW, Verdict.PROPOSAL]


async def test_what_is_no_stock_is_nobodys_to_keep(hub: World) -> None:
    await keep(hub, "dc1", "wms")
    sign = Fact(identity="sign", payload=SourceHeard(source="erp"), occurred_at=NOON)

    assert await say(hub, "erp", sign) == [Verdict.NEW]


async def test_one_batch_is_parted_fact_by_fact_and_answered_in_order(hub: World) -> None:
    await keep(hub, "dc1", "wms")

    verdicts = await say(
        hub, "erp", counted(1, "DC2"), moved("M1"), moved("M2", item="SKU-9"), counted(2, "DC2")
    )

    assert verdicts == [Verdict.NEW, Verdict.PROPOSAL, Verdict.WAITING, Verdict.NEW]


async def test_a_transfer_is_recorded_at_its_tellers_end_alone(hub: World) -> None:
    await keep(hub, "dc1", "wms")
    await keep(hub, "dc2", "erp")
    transfer = transferred("M1", "DC1", "DC2")

    assert await say(hub, "wms", transfer) == [Verdict.NEW]
    assert await say(hub, "erp", transfer) == [Verdict.NEW]
    assert await say(hub, "shop", transfer) == [Verdict.PROPOSAL]

    left, arrived = [event.payload for event in await hub.events()]
    assert isinstance(left, StockMoved)
    assert isinstance(arrived, StockMoved)
    assert (left.source_place, left.target_place) == (Place(location="dc1"), None)
    assert (arrived.source_place, arrived.target_place) == (None, Place(location="dc2"))
    assert {(each.source, each.location) for each in await proposals(hub)} == {
        ("wms", "dc2"),
        ("erp", "dc1"),
        ("shop", "dc1"),
        ("shop", "dc2"),
    }
    whole = json.loads((await proposals(hub))[0].fact)["payload"]
    assert whole["source_place"]
    assert whole["target_place"]


async def test_a_repeat_stays_a_repeat_whoever_has_become_keeper_of_one_end(hub: World) -> None:
    transfer = transferred("M1", "DC1", "DC2")
    assert await say(hub, "erp", transfer) == [Verdict.NEW]

    await keep(hub, "dc1", "wms")

    assert await say(hub, "erp", transfer) == [Verdict.REPEAT]


async def test_proposals_are_few_however_often_and_late_they_come(hub: World) -> None:
    await keep(hub, "dc1", "wms")
    for _ in range(3):
        await say(hub, "erp", counted(1), counted(2))
    await say(hub, "erp", counted(2), counted(3), counted(4))
    await say(hub, "erp", counted(1))

    [proposal] = await proposals(hub)
    assert (proposal.identity, proposal.times) == ("snapshot:4", 4)


async def test_the_keeper_may_change_and_what_was_recorded_stays(hub: World) -> None:
    assert await say(hub, "erp", counted(1)) == [Verdict.NEW]
    await keep(hub, "dc1", "wms")
    assert await say(hub, "erp", counted(2)) == [Verdict.PROPOSAL]
    await keep(hub, "dc1", "erp")
    assert await say(hub, "wms", counted(3)) == [Verdict.PROPOSAL]
    assert await say(hub, "erp", counted(2)) == [Verdict.NEW]
    await let_go(hub)
    assert await say(hub, "wms", counted(3)) == [Verdict.NEW]

    assert await logged(hub) == ["snapshot:1", "snapshot:2", "snapshot:3"]


async def test_a_fact_that_waited_is_judged_when_it_is_recorded(
    hub: World, clock: VirtualClock
) -> None:
    room = WaitingRoom(hub.database, clock, hub.catalogue)
    assert await say(hub, "erp", moved("M1", item="SKU-9")) == [Verdict.WAITING]

    await keep(hub, "dc1", "wms")
    hub.catalogue.items.add("SKU-9")
    await clock.advance(MINUTE)
    await room.retry_due()

    assert await room.waiting(MAIN) == []
    assert await logged(hub) == []
    assert [each.identity for each in await proposals(hub)] == ["movement:M1"]


async def test_a_fact_replayed_from_quarantine_is_judged_by_todays_keeper(
    hub: World, clock: VirtualClock
) -> None:
    room = WaitingRoom(hub.database, clock, hub.catalogue)
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1", "item": "SKU-9"}]))
    for _ in range(16):
        await clock.advance(MINUTE)
        await room.retry_due()
    quarantine = Quarantine(hub.database, clock, hub.inbox, hub.catalogue)
    [orphan] = await quarantine.find(MAIN)
    await keep(hub, "dc1", "wms")
    hub.catalogue.items.add("SKU-9")

    [result] = await quarantine.replay(MAIN, [orphan])

    assert (result.is_closed, result.verdicts) == (True, {Verdict.PROPOSAL: 1})
    assert result.reason == "wms keeps the stock of dc1"
    assert await logged(hub) == []
    assert len(await proposals(hub)) == 1
    closed = await quarantine.show(MAIN, orphan.id)
    assert closed.closed_reason == "kept as a proposal"


async def test_two_tenants_keep_their_stock_apart(hub: World) -> None:
    await keep(hub, "dc1", "wms")

    assert await say(hub, "erp", counted(1)) == [Verdict.PROPOSAL]
    assert await say(hub, "erp", counted(1), scope=OTHER) == [Verdict.NEW]
    assert await proposals(hub, OTHER) == []


async def test_proposals_are_found_by_source_and_location_and_paged(hub: World) -> None:
    await keep(hub, "dc1", "wms")
    await keep(hub, "dc2", "wms")
    await say(hub, "erp", counted(1), counted(2, "DC2"))
    await say(hub, "shop", replace(counted(3), sequence=3))
    find = Proposals(hub.database).find

    assert len(await find(MAIN, source="erp")) == 2
    assert len(await find(MAIN, location="dc1")) == 2
    assert len(await find(MAIN, source="shop", location="dc2")) == 0
    [first, *rest] = await find(MAIN)
    assert await find(MAIN, after=first.id) == rest


async def test_a_source_is_known_once_it_is_connected_or_has_spoken(hub: World) -> None:
    sources = Sources(hub.database)
    await say(hub, "erp", moved("M1"))

    assert [await sources.knows(MAIN, name) for name in ("shop", "erp", "wmz")] == [
        True,
        True,
        False,
    ]
    assert not await sources.knows(OTHER, "erp")
