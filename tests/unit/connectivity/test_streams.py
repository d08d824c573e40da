"""A number that a dense stream leaves out is reported, asked for, and closed once it is healed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.poller import Poller, Polling
from crossdock.connectivity.quarantine import Quarantined
from crossdock.connectivity.recording import Verdict
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.conftest import NOON
from tests.unit.connectivity.standins import MAIN, World, moved, with_shop, world


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock), gap_seconds=60)


def quarantine_of(hub: World) -> Quarantine:
    return Quarantine(hub.database, hub.clock, hub.inbox, hub.catalogue)


async def quarantined(hub: World) -> list[Quarantined]:
    return await quarantine_of(hub).find(MAIN)


async def poller(hub: World) -> Poller:
    polling = Polling(
        database=hub.database,
        directory=hub.directory,
        inbox=hub.inbox,
        ports=hub.around().ports,
        worker="w1",
    )
    return Poller(polling, await hub.directory.get(MAIN, "shop"))


async def test_a_number_that_stays_away_is_reported_and_one_that_comes_late_is_not(
    hub: World, clock: VirtualClock
) -> None:
    room = WaitingRoom(hub.database, clock, hub.catalogue)
    numbers = [10, 11, 14, 15, 17]
    facts = [moved(f"M{number}", stream="moves", sequence=number) for number in numbers]
    await hub.inbox.record(MAIN, "shop", facts, b"page 1")
    await clock.advance(timedelta(seconds=30))
    await hub.inbox.record(MAIN, "shop", [moved("M16", stream="moves", sequence=16)], b"page 2")
    await clock.advance(timedelta(seconds=30))

    assert await room.report_holes() == 1
    assert await room.report_holes() == 0

    [gap] = await quarantined(hub)
    assert (gap.code, gap.place) == ("EVT-GAP", "moves:12-13")
    [result] = await quarantine_of(hub).replay(MAIN, [gap])
    assert not result.is_closed


async def missing(hub: World, clock: VirtualClock, numbers: Sequence[int]) -> list[str]:
    """Let a stream tell these numbers and no more; give the holes that are reported of it."""
    facts = [moved(f"M{number}", stream="DC1", sequence=number) for number in numbers]
    await hub.inbox.record(MAIN, "shop", facts, b"page 1")
    await clock.advance(timedelta(seconds=60))
    await WaitingRoom(hub.database, clock, hub.catalogue).report_holes()
    return [entry.place for entry in await quarantined(hub)]


async def test_a_report_closes_when_the_last_of_its_numbers_comes(
    hub: World, clock: VirtualClock
) -> None:
    assert await missing(hub, clock, [1, 4, 6]) == ["DC1:2-3", "DC1:5-5"]

    await hub.inbox.record(MAIN, "shop", [moved("M2", stream="DC1", sequence=2)], b"page 2")
    assert [entry.place for entry in await quarantined(hub)] == ["DC1:2-3", "DC1:5-5"]
    await hub.inbox.record(MAIN, "shop", [moved("M3", stream="DC1", sequence=3)], b"page 3")

    assert [entry.place for entry in await quarantined(hub)] == ["DC1:5-5"]
    [closed] = await quarantine_of(hub).find(MAIN, state="REPLAYED")
    assert closed.closed_reason == "its numbers have come"


@pytest.mark.parametrize(
    ("location", "is_full", "sequence", "left"),
    [
        ("DC1", True, 7, []),
        ("DC1", True, 4, ["DC1:5-5"]),
        ("DC1", False, 7, ["DC1:2-3", "DC1:5-5"]),
        ("DC2", True, 7, ["DC1:2-3", "DC1:5-5"]),
    ],
    ids=["full", "full as of an earlier number", "not full", "of another site"],
)
async def test_a_full_snapshot_of_the_site_that_numbers_its_own_closes_what_it_contains(
    hub: World,
    clock: VirtualClock,
    *,
    location: str,
    is_full: bool,
    sequence: int,
    left: list[str],
) -> None:
    hub.catalogue.locations |= {"DC1", "DC2"}
    assert await missing(hub, clock, [1, 4, 6]) == ["DC1:2-3", "DC1:5-5"]

    taken = StockSnapshotTaken(snapshot_id="S", location=location, lines=(), is_full=is_full)
    fact = Fact(
        identity="snapshot:S", payload=taken, occurred_at=NOON, stream="DC1", sequence=sequence
    )
    [verdict] = await hub.inbox.record(MAIN, "shop", [fact], b"page 2")

    assert verdict.verdict is Verdict.NEW
    assert [entry.place for entry in await quarantined(hub)] == left


async def test_a_snapshot_closes_nothing_before_it_is_recorded(
    hub: World, clock: VirtualClock
) -> None:
    assert await missing(hub, clock, [1, 3]) == ["DC1:2-2"]
    line = CountedStock(item="SKU-9", quantity=Quantity.of(4))
    taken = StockSnapshotTaken(snapshot_id="S", location="DC1", lines=(line,), is_full=True)
    fact = Fact(identity="snapshot:S", payload=taken, occurred_at=NOON, stream="DC1", sequence=4)
    [verdict] = await hub.inbox.record(MAIN, "shop", [fact], b"page 2")
    assert verdict.verdict is Verdict.WAITING
    assert [entry.place for entry in await quarantined(hub)] == ["DC1:2-2"]

    hub.catalogue.items.add("SKU-9")
    await clock.advance(timedelta(seconds=1))
    await WaitingRoom(hub.database, clock, hub.catalogue).retry_due()

    assert await quarantined(hub) == []
    [closed] = await quarantine_of(hub).find(MAIN, state="REPLAYED")
    assert closed.closed_reason.startswith("a full snapshot contains it")


async def test_a_number_whose_fact_was_refused_has_come(hub: World, clock: VirtualClock) -> None:
    assert await missing(hub, clock, [1, 3]) == ["DC1:2-2"]
    nameless = replace(moved("M2", stream="DC1", sequence=2), identity="")

    [verdict] = await hub.inbox.record(MAIN, "shop", [nameless], b"page 2")

    assert verdict.verdict is Verdict.QUARANTINED
    assert [entry.code for entry in await quarantined(hub)] == ["EVT-SCHEMA"]


async def test_a_polled_source_is_asked_at_once_for_numbers_that_stay_away(
    hub: World, clock: VirtualClock
) -> None:
    shop, room = await poller(hub), WaitingRoom(hub.database, clock, hub.catalogue)
    facts = [moved(f"M{number}", stream="DC1", sequence=number) for number in (1, 3)]
    await hub.inbox.record(MAIN, "shop", facts, b"page 1")
    await clock.advance(timedelta(seconds=45))
    await shop.round()
    await clock.advance(timedelta(seconds=15))
    assert not await shop.round()

    assert await room.report_holes() == 1
    assert await shop.round()
    await shop.close()
