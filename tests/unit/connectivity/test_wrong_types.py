"""A value of the wrong type is set aside with its place, wherever it is, and holds up nobody."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.quarantine import Quarantined
from crossdock.connectivity.recording import Verdict
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.sdk import Delivery, Translation
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Position, Unreadable
from crossdock.foundation.readers import Reader
from crossdock.foundation.refusals import Refusals
from tests.conftest import NOON, execute
from tests.unit.connectivity.standins import (
    MAIN,
    WORKERS,
    Desk,
    World,
    moved,
    webhook,
    with_shop,
    world,
)
from tests.unit.connectivity.test_poller import page, poller


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock))


class Ear:
    """A reader of the log that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def apply(self, _tx: Transaction, events: Sequence[Event]) -> None:
        self.heard += [event.fact.identity for event in events]


async def heard(hub: World) -> list[str]:
    """Let a reader of everything hear the log to its end."""
    ear = Ear()
    reader = Reader(name="ear", apply=ear.apply)
    await readers.register(hub.database, reader)
    await readers.catch_up(hub.database, reader, hub.clock)
    return ear.heard


async def aside(hub: World) -> list[Quarantined]:
    return await quarantine_of(hub).find(MAIN)


def quarantine_of(hub: World) -> Quarantine:
    return Quarantine(hub.database, hub.clock, hub.inbox, hub.catalogue)


def item(sku: Any, **said: Any) -> Fact:
    payload = ItemChanged(sku=sku, **said)
    return Fact(identity=f"item:{sku}", payload=payload, occurred_at=NOON)


def enveloped(**wrong: Any) -> Fact:
    return replace(moved("M2"), **wrong)


UNTYPED: Any = 7
# .NET's empty time, east of Greenwich: a year before the first in UTC.
BEFORE_ALL = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
HOSTILE = {
    "/payload/description": item("B", description=None),
    "/payload/sku": item(7),
    "/payload/movement_id": moved(UNTYPED),
    "/payload/units": item("C", units=[]),
    "/payload": enveloped(payload={"sku": "B"}),
    "/identity": enveloped(identity=7),
    "/native_ref": enveloped(native_ref=None),
    "/correlation_id": enveloped(correlation_id=5),
    "/occurred_at": enveloped(occurred_at="2026-05-04"),
    "/recorded_at": enveloped(recorded_at=BEFORE_ALL),
    "/sequence": enveloped(sequence="8", stream="dock"),
    "/stream": enveloped(sequence=8, stream=UNTYPED),
}


@pytest.mark.parametrize("where", HOSTILE)
async def test_a_wrong_type_in_a_polled_page_is_set_aside_and_the_page_is_passed(
    hub: World, where: str
) -> None:
    """Also where its numbers are watched for holes."""
    async with hub.database.transaction(MAIN) as tx:
        await tx.execute("update connection set gap_seconds = 60 where tenant = 'main'")
    facts = [moved("M1"), HOSTILE[where], moved("M3")]
    hub.shop.pages = [page(facts, 1), page([moved("M4")], 2, is_last=True)]
    first = await poller(hub)

    await first.round()
    await first.close()

    fine = ["movement:M1", "movement:M3", "movement:M4"]
    assert [one for one in await heard(hub) if one.startswith("movement")] == fine
    [entry] = await aside(hub)
    assert (entry.code, entry.place) == ("EVT-SCHEMA", where)
    assert "to be mended" in entry.reason


async def test_a_wrong_type_in_a_delivery_is_set_aside_beside_its_good_neighbours(
    hub: World,
) -> None:
    receipt = await hub.inbox.receive(
        MAIN, "shop", webhook(moves=[{"number": "M1"}, {"number": 7}, {"number": "M3"}])
    )

    assert receipt.counted() == {Verdict.NEW: 2, Verdict.QUARANTINED: 1}
    assert await heard(hub) == ["movement:M1", "movement:M3"]
    [entry] = await aside(hub)
    assert entry.place == "/payload/movement_id"
    assert entry.reason.startswith("is a whole number where a text belongs")
    assert json.loads(entry.record)["payload"]["movement_id"] == 7


STRANGERS: list[Any] = [None, {"sku": "B"}, ItemChanged(sku="B")]


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda one: type(one).__name__)
async def test_what_is_no_fact_in_a_polled_page_is_set_aside_and_the_page_is_passed(
    hub: World, stranger: Any
) -> None:
    facts = [moved("M1"), stranger, moved("M3")]
    hub.shop.pages = [page(facts, 1), page([moved("M4")], 2, is_last=True)]
    first = await poller(hub)

    await first.round()
    await first.close()

    fine = ["movement:M1", "movement:M3", "movement:M4"]
    assert [one for one in await heard(hub) if one.startswith("movement")] == fine
    [entry] = await aside(hub)
    assert (entry.code, entry.place) == ("EVT-SCHEMA", "/facts/1")
    assert entry.reason.startswith(f"is {type(stranger).__name__}, and no fact")


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda one: type(one).__name__)
async def test_what_is_no_fact_in_a_delivery_is_set_aside_until_its_mapping_is_mended(
    hub: World, stranger: Any
) -> None:
    class Forgetful(Desk):
        def translate(self, delivery: Delivery) -> Translation:
            first, *others = super().translate(delivery).facts
            return Translation((first, stranger, *others[1:]))

    forgetful = world(hub.database, hub.clock, receive=Forgetful)
    moves = [{"number": "M1"}, {"number": "M2"}, {"number": "M3"}]
    receipt = await forgetful.inbox.receive(MAIN, "shop", webhook(moves=moves))

    assert (receipt.counted(), len(receipt.refused)) == ({Verdict.NEW: 2}, 1)
    [entry] = await aside(hub)
    [still] = await quarantine_of(forgetful).replay(MAIN, [entry])
    assert (still.is_closed, len(await aside(hub))) == (False, 1)
    [done] = await quarantine_of(hub).replay(MAIN, [entry])
    assert (done.is_closed, done.verdicts) == (True, {Verdict.NEW: 1, Verdict.REPEAT: 2})
    assert (await heard(hub), await aside(hub)) == (
        ["movement:M1", "movement:M3", "movement:M2"], [],
    )  # fmt: skip


async def test_a_mapping_that_gives_nothing_at_all_has_its_message_set_aside(hub: World) -> None:
    class Silent(Desk):
        def translate(self, delivery: Delivery) -> Any:
            del delivery

    silent = world(hub.database, hub.clock, receive=Silent)
    await silent.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1"}]))

    [entry] = await aside(hub)
    assert entry.place == f"message {entry.raw_ref}"


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda one: type(one).__name__)
async def test_a_program_that_records_what_is_no_fact_is_told_which(
    hub: World, stranger: Any
) -> None:
    with pytest.raises(Invalid, match="only a fact can be recorded") as refused:
        await hub.inbox.record(MAIN, "erp", [moved("M1"), stranger], b"")

    assert refused.value.where == "/facts/1"
    assert (await heard(hub), await aside(hub)) == ([], [])


async def test_a_wrong_type_that_is_recorded_by_a_program_is_set_aside(hub: World) -> None:
    verdicts = await hub.inbox.record(MAIN, "erp", list(HOSTILE.values()), b"")

    assert {each.verdict for each in verdicts} == {Verdict.QUARANTINED}
    assert all(isinstance(each.identity, str) for each in verdicts)
    assert sorted(entry.place for entry in await aside(hub)) == sorted(HOSTILE)
    assert await heard(hub) == []


async def test_a_replay_of_what_a_program_recorded_closes_nothing_and_says_what_helps(
    hub: World,
) -> None:
    """Also where the source is a connection, whose mapping could not read it."""
    wrong = [item("B", description=None), moved(UNTYPED)]
    await hub.inbox.record(MAIN, "shop", wrong, b"")
    entries = await aside(hub)

    for dry_run in (True, False):
        replayed = await quarantine_of(hub).replay(MAIN, entries, dry_run=dry_run)

        assert [each.is_closed for each in replayed] == [False, False]
        assert all("say it again, put right" in each.reason for each in replayed)
    assert await aside(hub) == entries
    right = [item("B", description=""), moved("7")]
    said = await hub.inbox.record(MAIN, "shop", right, b"")
    assert {each.verdict for each in said} == {Verdict.NEW}


async def test_what_was_of_a_wrong_type_is_read_again_by_a_mended_mapping(hub: World) -> None:
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": 7}]))
    [entry] = await aside(hub)

    [still] = await quarantine_of(hub).replay(MAIN, [entry])
    assert (still.is_closed, len(await aside(hub))) == (False, 1)

    class Mended(Desk):
        def translate(self, delivery: Delivery) -> Translation:
            said = json.loads(delivery.body)["moves"]
            return Translation(tuple(moved(str(move["number"])) for move in said))

    mended = world(hub.database, hub.clock, receive=Mended)
    [result] = await quarantine_of(mended).replay(MAIN, [entry])

    assert (result.is_closed, result.verdicts) == (True, {Verdict.NEW: 1})
    assert (await heard(hub), await aside(hub)) == (["movement:7"], [])


async def test_a_time_that_is_none_in_utc_does_not_wait_for_its_item(hub: World) -> None:
    waits = moved("M1", item="SKU-9")

    [verdict] = await hub.inbox.record(MAIN, "shop", [replace(waits, occurred_at=BEFORE_ALL)], b"")

    assert verdict.verdict is Verdict.QUARANTINED
    [entry] = await aside(hub)
    assert (entry.place, entry.identity) == ("/occurred_at", "movement:M1")
    assert entry.reason.startswith("is a time outside the years 1 to 9999 of UTC")


async def test_a_derived_text_is_set_aside_before_it_waits_and_its_neighbours_are_kept(
    hub: World,
) -> None:
    class Name(str):
        __slots__ = ()

    waits = moved("M1", item="SKU-9")
    facts = [replace(waits, identity=Name("x")), moved("M2", item="SKU-9"), moved("M3")]

    verdicts = await hub.inbox.record(MAIN, "shop", facts, b"")

    assert [each.verdict for each in verdicts] == [
        Verdict.QUARANTINED, Verdict.WAITING, Verdict.NEW,
    ]  # fmt: skip
    [entry] = await aside(hub)
    assert (entry.place, entry.identity) == ("/identity", "x")


async def test_a_fact_that_cannot_be_read_waits_no_longer_and_holds_up_none_that_does(
    hub: World, dsn: str, clock: VirtualClock
) -> None:
    room = WaitingRoom(hub.database, clock, hub.catalogue)
    moves = [{"number": "M1", "item": "SKU-9"}, {"number": "M2", "item": "SKU-9"}]
    await hub.inbox.receive(MAIN, "shop", webhook(moves=moves))
    await execute(
        dsn,
        "update waiting_fact set fact = jsonb_set(fact, '{payload,item}', '7')"
        " where identity = 'movement:M1'",
    )
    assert [waiting.identity for waiting in await room.waiting(MAIN)] == ["movement:M2"]
    hub.catalogue.items.add("SKU-9")
    await clock.advance(timedelta(seconds=1))

    assert await room.retry_due() == 2

    assert await heard(hub) == ["movement:M2"]
    [entry] = await aside(hub)
    assert (entry.code, entry.identity) == ("EVT-SCHEMA", "movement:M1")
    assert "cannot be read" in entry.reason
    assert await room.retry_due() == 0


async def test_what_was_kept_in_quarantine_and_cannot_be_read_is_refused_with_a_reason(
    hub: World, dsn: str
) -> None:
    conflict = [moved("M1"), moved("M1", amount="5")]
    await hub.inbox.record(MAIN, "shop", conflict, b"")
    await execute(dsn, "update quarantine set fact = jsonb_set(fact, '{payload,item}', '7')")

    [result] = await quarantine_of(hub).replay(MAIN, await aside(hub))

    assert not result.is_closed
    assert "cannot be read" in result.reason


@pytest.mark.parametrize(
    "damage",
    ["payload = jsonb_set(payload::jsonb, '{item}', '7')::json", "type = 'stock.unheard_of.v9'"],
)
async def test_a_row_of_the_log_that_is_no_event_is_refused_and_passed(
    hub: World, dsn: str, damage: str
) -> None:
    """Another version wrote it, or a hand: no fact of that kind comes in."""
    facts = [moved(f"M{number}") for number in range(5)]
    await hub.inbox.record(MAIN, "shop", facts, b"")
    await execute(dsn, f"update event_log set {damage} where identity = 'movement:M2'")

    assert await heard(hub) == [f"movement:M{number}" for number in (0, 1, 3, 4)]

    ear = Ear()
    refusals = Refusals(hub.database, hub.clock, [Reader(name="ear", apply=ear.apply)])
    [one] = await refusals.find(MAIN)
    assert one.reader == "ear"
    assert f"event {one.position} cannot be read as" in one.reason
    [still] = await refusals.reapply(MAIN, one.position)
    assert not still.is_applied
    await execute(
        dsn,
        "update event_log set type = 'inventory.stock_moved.v1', payload ="
        " jsonb_set(payload::jsonb, '{item}', '\"sku-1\"')::json where identity = 'movement:M2'",
    )
    [done] = await refusals.reapply(MAIN, one.position)
    assert (done.is_applied, ear.heard) == (True, ["movement:M2"])


async def test_who_only_looks_at_the_log_passes_what_is_no_event(hub: World, dsn: str) -> None:
    await hub.inbox.record(MAIN, "shop", [moved(f"M{number}") for number in range(3)], b"")
    await execute(
        dsn, "update event_log set type = 'unheard_of.v9' where identity = 'movement:M1'"
    )
    async with hub.database.transaction(WORKERS) as tx:
        with pytest.raises(Unreadable, match="cannot be read as unheard_of") as unread:
            await event_log.read(tx, Position(), limit=10)
        before, place = await event_log.read_past(tx, Position(), limit=10)
        behind, end = await event_log.read_past(tx, place, limit=10)

        assert "`crossdock msg reapply`" in unread.value.hint  # sent again, it were a repeat
        assert [event.fact.identity for event in before] == ["movement:M0"]
        assert [event.fact.identity for event in behind] == ["movement:M2"]
        assert await event_log.read_past(tx, end, limit=10) == ([], end)
