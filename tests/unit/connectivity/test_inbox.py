"""What comes in is recorded once, or kept where it can be seen and helped."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden, Invalid, NotFound
from crossdock.canonical.inventory import SourceHeard, StockMoved
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.quarantine import Quarantined
from crossdock.connectivity.recording import ECHO_ACTOR, Verdict
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.sdk import Delivery, Translation
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.conftest import NOON, execute
from tests.unit.connectivity.standins import (
    MAIN,
    WORKERS,
    Desk,
    World,
    command,
    moved,
    webhook,
    with_shop,
    world,
)


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock))


async def count(hub: World, table: str) -> int:
    async with hub.database.transaction(WORKERS) as tx:
        found: int = await tx.fetchval(f"select count(*) from {table}")
    return found


async def quarantined(hub: World, state: str = "OPEN") -> list[Quarantined]:
    return await quarantine_of(hub).find(MAIN, state=state)


def quarantine_of(hub: World) -> Quarantine:
    return Quarantine(hub.database, hub.clock, hub.inbox, hub.catalogue)


async def test_a_delivery_is_recorded_in_the_hubs_own_keys(hub: World) -> None:
    delivery = webhook(moves=[{"number": "M1", "amount": "2", "unit": "CS"}])

    receipt = await hub.inbox.receive(MAIN, "shop", delivery)

    [event] = await hub.events()
    payload = event.payload
    assert isinstance(payload, StockMoved)
    assert (payload.item, payload.base) == ("sku-1", Quantity.of(24))
    assert (event.source, event.raw_ref) == ("shop", receipt.raw_ref)
    assert receipt.counted() == {Verdict.NEW: 1}


async def test_a_wrong_signature_leaves_nothing_but_a_count(hub: World) -> None:
    with pytest.raises(Forbidden):
        await hub.inbox.receive(MAIN, "shop", webhook(signature="forged", moves=[]))

    assert await count(hub, "raw_message") == 0
    assert await count(hub, "connection_health where forbidden_count = 1") == 1


async def test_a_check_that_breaks_has_not_succeeded(
    database: Database, clock: VirtualClock
) -> None:
    class Fragile(Desk):
        def verify(self, delivery: Delivery, now: Any) -> None:
            del now
            delivery.headers["x-not-there"]

    hub = await with_shop(world(database, clock, receive=Fragile))

    with pytest.raises(Forbidden):
        await hub.inbox.receive(MAIN, "shop", webhook(moves=[]))


async def test_an_unknown_connection_and_an_endless_body_are_refused(hub: World) -> None:
    with pytest.raises(NotFound):
        await hub.inbox.receive(MAIN, "nobody", webhook())
    with pytest.raises(Invalid):
        await hub.inbox.receive(MAIN, "shop", Delivery(body=b"x" * (16 * 1024 * 1024 + 1)))


async def test_credentials_in_headers_are_not_kept(hub: World) -> None:
    headers = {"authorization": "Bearer t0ps3cret", "x-topic": "stock", "x-request-id": "7"}
    await hub.inbox.receive(MAIN, "shop", webhook(headers=headers, moves=[]))

    assert await headers_of(hub) == {"x-topic": "stock"}


async def test_a_storm_of_duplicates_is_recorded_once(hub: World) -> None:
    deliveries = [
        webhook(moves=[{"number": f"M{number}"}], headers={"x-try": str(again % 2)})
        for number in range(20)
        for again in range(6)
    ]

    receipts = await asyncio.gather(
        *(hub.inbox.receive(MAIN, "shop", delivery) for delivery in deliveries)
    )

    assert len(await hub.events()) == 20
    assert sum(receipt.counted().get(Verdict.NEW, 0) for receipt in receipts) == 20
    assert await quarantined(hub) == []
    assert await count(hub, "raw_message") == 40


@pytest.mark.parametrize("prefix", ["webhook-", "svix-"])
async def test_a_message_sent_again_later_is_the_same_message(hub: World, prefix: str) -> None:
    for seconds in range(3):
        journey = {f"{prefix}timestamp": str(1_777_900_000 + seconds), "cf-ray": str(seconds)}
        named = {f"{prefix}id": "msg_1", **journey, "x-amzn-trace-id": str(seconds)}
        await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1"}], headers=named))

    assert await count(hub, "raw_message where repeats = 2") == 1
    kept = await headers_of(hub)
    assert kept == {f"{prefix}id": "msg_1", f"{prefix}timestamp": "1777900000"}


async def test_the_same_words_at_another_time_are_another_message(hub: World) -> None:
    """Where no id names the message, or another one, the time may be all that tells them apart."""
    for headers in (
        {"webhook-timestamp": "1777900000"},
        {"webhook-timestamp": "1777900001"},
        {"webhook-id": "msg_1", "webhook-timestamp": "1777900000"},
        {"webhook-id": "msg_2", "webhook-timestamp": "1777900000"},
        {"x-shopify-triggered-at": "2026-05-04T14:03:12Z"},
        {"x-shopify-triggered-at": "2026-05-04T14:03:13Z"},
    ):
        await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1"}], headers=headers))

    assert await count(hub, "raw_message where repeats = 0") == 6


async def headers_of(hub: World) -> dict[str, str]:
    async with hub.database.transaction(MAIN) as tx:
        kept: dict[str, str] = json.loads(
            await tx.fetchval("select headers::text from raw_message")
        )
    return kept


async def test_in_a_crowd_everyone_gets_the_answer_to_their_own_message(hub: World) -> None:
    crowd = [
        webhook(moves=[{"number": f"M{number}-{line}"} for line in range(number % 3)])
        for number in range(30)
    ]
    crowd[7] = Delivery(body=b"no JSON", headers=webhook().headers)
    crowd[11] = webhook(moves=[{"number": "M11", "item": "SKU-unheard-of"}], bad=["this line"])

    receipts = await asyncio.gather(
        *(hub.inbox.receive(MAIN, "shop", delivery) for delivery in crowd)
    )

    for number, receipt in enumerate(receipts):
        if number not in {7, 11}:
            said = [verdict.identity for verdict in receipt.verdicts]
            assert said == [f"movement:M{number}-{line}" for line in range(number % 3)]
            assert set(receipt.counted()) <= {Verdict.NEW}
    assert [each.code for each in receipts[7].refused] == ["EVT-SCHEMA"]
    assert receipts[11].counted() == {Verdict.WAITING: 1}
    assert {entry.raw_ref for entry in await quarantined(hub)} == {
        receipts[7].raw_ref,
        receipts[11].raw_ref,
    }
    by_message = Counter(event.raw_ref for event in await hub.events())
    assert by_message == {
        receipt.raw_ref: number % 3
        for number, receipt in enumerate(receipts)
        if number not in {7, 11} and number % 3
    }


async def test_a_repeat_days_later_is_still_a_repeat_whatever_the_catalogue_says_now(
    hub: World, clock: VirtualClock
) -> None:
    first = webhook(moves=[{"number": "M1", "unit": "CS"}], headers={"x-try": "1"})
    await hub.inbox.receive(MAIN, "shop", first)
    await clock.advance(timedelta(days=30))
    hub.catalogue.units["CS"] = 10

    again = webhook(moves=[{"number": "M1", "unit": "CS"}], headers={"x-try": "2"})
    receipt = await hub.inbox.receive(MAIN, "shop", again)

    assert receipt.counted() == {Verdict.REPEAT: 1}
    assert (await hub.inbox.receive(MAIN, "shop", first)).is_repeat


async def test_the_same_identity_with_other_content_is_quarantined(hub: World) -> None:
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1", "amount": "4"}]))
    receipt = await hub.inbox.receive(
        MAIN, "shop", webhook(moves=[{"number": "M1", "amount": "5"}])
    )

    [entry] = await quarantined(hub)
    assert receipt.counted() == {Verdict.CONFLICT: 1}
    assert (entry.code, entry.identity) == ("EVT-CONFLICT", "movement:M1")


async def test_what_cannot_be_read_is_set_aside_and_the_rest_recorded(hub: World) -> None:
    body = webhook(moves=[{"number": "M1"}], bad=["line 7", "line 9"])
    await hub.inbox.receive(MAIN, "shop", body)
    later = webhook(moves=[{"number": "M2"}], bad=["line 7"])
    await hub.inbox.receive(MAIN, "shop", later)

    entries = await quarantined(hub)
    assert len(await hub.events()) == 2
    assert [(entry.reason, entry.times) for entry in entries] == [("line 7", 2), ("line 9", 1)]


async def test_a_mapping_that_fails_sets_its_message_aside_and_a_mended_one_replays_it(
    hub: World,
) -> None:
    poison = webhook(moves=[{"nummer": "M1"}])
    receipt = await hub.inbox.receive(MAIN, "shop", poison)
    [entry] = await quarantined(hub)
    assert (entry.code, entry.raw_ref) == ("EVT-SCHEMA", receipt.raw_ref)
    assert "TypeError" in entry.reason

    class Mended(Desk):
        def translate(self, delivery: Delivery) -> Translation:
            said = json.loads(delivery.body)
            return Translation(tuple(moved(move["nummer"]) for move in said["moves"]))

    mended = world(hub.database, hub.clock, receive=Mended)
    [trial] = await quarantine_of(mended).replay(MAIN, [entry], dry_run=True)
    assert (trial.is_closed, trial.verdicts) == (True, {Verdict.NEW: 1})
    assert (await hub.events(), len(await quarantined(hub))) == ([], 1)

    [result] = await quarantine_of(mended).replay(MAIN, [entry])
    assert result == trial
    assert [event.fact.identity for event in await hub.events()] == ["movement:M1"]
    assert await quarantined(hub) == []
    assert await count(hub, "raw_message where state = 'RECORDED'") == 1


async def test_a_replay_that_does_not_help_leaves_the_entry_open(hub: World) -> None:
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"nummer": "M1"}]))
    entries = await quarantined(hub)

    [result] = await quarantine_of(hub).replay(MAIN, entries)

    assert not result.is_closed
    assert "TypeError" in result.reason
    assert await quarantine_of(hub).discard(MAIN, [entries[0].id], reason="junk") == 1
    assert [entry.state for entry in await quarantined(hub, state="")] == ["DISCARDED"]


async def test_a_message_that_kills_its_readers_is_not_read_a_fourth_time(
    database: Database, clock: VirtualClock
) -> None:
    class Killed(BaseException):
        """Stands for the end of the process: nothing after it runs."""

    class Deadly(Desk):
        def translate(self, delivery: Delivery) -> Translation:
            del delivery
            raise Killed

    await with_shop(world(database, clock))
    for number in range(3):
        process = world(database, clock, receive=Deadly, worker=f"process {number}")
        with pytest.raises(Killed):
            await process.inbox.receive(MAIN, "shop", webhook(moves=[]))

    fourth = world(database, clock, receive=Deadly, worker="process 4")
    receipt = await fourth.inbox.receive(MAIN, "shop", webhook(moves=[]))

    assert "ended 3 processes" in receipt.refused[0].reason
    [entry] = await quarantined(fourth)
    assert entry.raw_ref == receipt.raw_ref


async def test_what_a_dead_process_had_kept_is_read_by_the_next(
    database: Database, clock: VirtualClock
) -> None:
    class Killed(BaseException):
        """Stands for the end of the process."""

    class Deadly(Desk):
        def translate(self, delivery: Delivery) -> Translation:
            del delivery
            raise Killed

    dying = await with_shop(world(database, clock, receive=Deadly, worker="dying"))
    with pytest.raises(Killed):
        await dying.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1"}]))
    await clock.advance(timedelta(minutes=2))

    healthy = world(database, clock, worker="healthy")
    assert await healthy.inbox.recover() == 1

    assert [event.fact.identity for event in await healthy.events()] == ["movement:M1"]
    assert await healthy.inbox.recover() == 0


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("delete from connection where name = 'old'", "old"),
        ("update connection set application = 'sold' where name = 'old'", "no application 'sold'"),
    ],
)
async def test_a_message_of_what_is_no_longer_there_holds_up_no_other(
    database: Database, clock: VirtualClock, dsn: str, gone: str, reason: str
) -> None:
    class Killed(BaseException):
        """Stands for the end of the process."""

    class Deadly(Desk):
        def translate(self, delivery: Delivery) -> Translation:
            del delivery
            raise Killed

    dying = await with_shop(await with_shop(world(database, clock, receive=Deadly)), "old")
    for connection in ("old", "shop"):
        with pytest.raises(Killed):
            await dying.inbox.receive(MAIN, connection, webhook(moves=[{"number": "M1"}]))
    await execute(dsn, gone)
    await clock.advance(timedelta(minutes=2))

    healthy = world(database, clock, worker="healthy")
    assert await healthy.inbox.recover() == 2

    assert [event.source for event in await healthy.events()] == ["shop"]
    [aside] = await quarantined(healthy)
    assert (aside.source, reason in aside.reason) == ("old", True)
    assert await healthy.inbox.recover() == 0


async def test_a_fact_whose_item_is_unknown_waits_and_is_recorded_once_the_item_comes(
    hub: World, clock: VirtualClock
) -> None:
    room = WaitingRoom(hub.database, clock, hub.catalogue)
    await readers.register(hub.database, room.reader)
    delivery = webhook(moves=[{"number": "M1", "item": "SKU-9"}, {"number": "M2"}])
    receipt = await hub.inbox.receive(MAIN, "shop", delivery)
    assert [each.verdict for each in receipt.verdicts] == [Verdict.WAITING, Verdict.NEW]
    [waiting] = await room.waiting(MAIN)
    assert (waiting.code, waiting.missing) == ("MD-ITEM-XREF", "item 'SKU-9' in 'EA'")

    for _ in range(5):  # by now it is tried only now and then
        await clock.advance(timedelta(seconds=30))
        await room.retry_due()
    hub.catalogue.items.add("SKU-9")
    await announce_item(hub, "SKU-9")
    await readers.catch_up(hub.database, room.reader, clock)
    await clock.advance(timedelta(milliseconds=250))
    await room.retry_due()

    identities = [event.fact.identity for event in await hub.events()]
    assert Counter(identities)["movement:M1"] == 1
    assert await room.waiting(MAIN) == []


async def announce_item(hub: World, sku: str) -> None:
    fact = Fact(identity=f"item:{sku}", payload=ItemChanged(sku=sku), occurred_at=NOON)
    await hub.inbox.record(MAIN, "erp", [fact], b"{}")


async def test_a_fact_that_waits_too_long_becomes_an_orphan_that_can_be_replayed(
    hub: World, clock: VirtualClock
) -> None:
    room = WaitingRoom(hub.database, clock, hub.catalogue)
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1", "item": "SKU-9"}]))
    for _ in range(16):
        await clock.advance(timedelta(minutes=1))
        await room.retry_due()

    assert await room.waiting(MAIN) == []
    [orphan] = await quarantined(hub)
    assert (orphan.code, orphan.place) == ("EVT-ORPHAN", "MD-ITEM-XREF")

    hub.catalogue.items.add("SKU-9")
    await quarantine_of(hub).replay(MAIN, [orphan])
    assert [event.fact.identity for event in await hub.events()] == ["movement:M1"]


async def test_a_unit_without_a_conversion_waits_too(hub: World) -> None:
    receipt = await hub.inbox.receive(
        MAIN, "shop", webhook(moves=[{"number": "M1", "unit": "PAL"}])
    )

    assert receipt.verdicts[0].code == "MD-UOM"


async def test_hostile_facts_do_not_take_their_batch_with_them(hub: World) -> None:
    facts = [
        moved("fine"),
        moved("nul\0", item="SKU-1"),
        moved("M2", native_ref="nul\0"),
        moved("x" * 600),
        moved("half", item="SKU-\ud800"),
        moved("nul item", item="SKU\0"),
        moved("big", sequence=2**70),
        moved("also fine"),
    ]

    verdicts = await hub.inbox.record(MAIN, "shop", facts, b"\0 raw")

    assert [each.verdict for each in verdicts] == [
        Verdict.NEW,
        *[Verdict.QUARANTINED] * 6,
        Verdict.NEW,
    ]
    assert len(await quarantined(hub)) == 6


async def test_an_application_may_only_say_what_it_declares(hub: World) -> None:
    class Chatty(Desk):
        def translate(self, delivery: Delivery) -> Translation:
            del delivery
            return Translation(
                (Fact(identity="x", payload=SourceHeard(source="erp"), occurred_at=NOON),)
            )

    chatty = world(hub.database, hub.clock, receive=Chatty)
    receipt = await chatty.inbox.receive(MAIN, "shop", webhook())

    assert receipt.verdicts[0].verdict is Verdict.QUARANTINED


async def test_our_own_write_coming_back_is_marked_as_an_echo(hub: World) -> None:
    await hub.enqueue(command("c1", quantity="5"))
    courier = await hub.courier()
    await courier.step()
    await courier.close()

    echo = {"number": "L1", "item": "SKU-1", "amount": "5"}
    sale = {"number": "L2", "item": "SKU-1", "amount": "4"}
    await hub.inbox.receive(MAIN, "shop", webhook(levels=[echo, sale]))

    heard = [
        (event.fact.identity, event.fact.actor, event.fact.causation_id)
        for event in await hub.events()
        if isinstance(event.payload, ChannelLevelHeard)
    ]
    assert heard == [("level:L1", ECHO_ACTOR, "c1"), ("level:L2", "", "")]


async def test_another_tenants_messages_are_invisible(hub: World) -> None:
    await hub.inbox.receive(MAIN, "shop", webhook(bad=["line 7"]))
    [entry] = await quarantined(hub)

    with pytest.raises(NotFound):
        await quarantine_of(hub).show(Scope("other"), entry.id)
    with pytest.raises(NotFound):
        await hub.inbox.receive(Scope("other"), "shop", webhook())


async def test_the_inbox_of_a_process_can_be_built_alone(hub: World) -> None:
    inbox = Inbox(hub.database, hub.clock, hub.directory, hub.catalogue, worker="other")
    assert (await inbox.receive(MAIN, "shop", webhook())).verdicts == ()
