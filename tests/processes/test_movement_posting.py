"""What a warehouse moves is in the books of the ERP once each, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from crossdock.canonical.commands import Lane
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.connectivity.outbox import Wanted
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import journal
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.engine.work import Claimed, commands_of
from crossdock.orchestration.processes.availability_writes import Listing, write
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.movement_posting import NAME
from tests.conftest import NOON
from tests.processes.books import (
    AT_DOCK,
    BY,
    ENDS,
    ON_SHELF,
    Office,
    movement,
    office,
)

RECEIPT, PUTAWAY, PICK, SHIP = (
    *(MovementType.RECEIPT, MovementType.PUTAWAY, MovementType.PICK, MovementType.SHIP),
)
TOLD_OF_DC1 = {"PostsMovements": ["DC1"]}


@pytest.fixture
async def at(dsn: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(dsn, tmp_path) as opened:
        yield opened


async def test_what_enters_and_leaves_is_booked_and_what_moves_within_is_not(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)

    await at.hub.record(
        [
            movement(1, RECEIPT, "2 CS"),
            movement(2, PUTAWAY, "24 EA"),
            movement(3, PICK, "5 EA"),
            movement(4, SHIP, "5 EA"),
        ],
        source="wms",
    )

    assert erp.references == {"crossdock:wms:movement:1:1", "crossdock:wms:movement:4:1"}
    assert erp.holds() == {("BOLT", "DC1"): Decimal(19)}
    receipt, shipment = erp.entries.values()
    assert (receipt.quantity, receipt.unit) == (Decimal(24), "EA")
    assert (shipment.source_location, shipment.target_location) == ("DC1", "")
    assert shipment.occurred_on == "2026-05-04"
    assert await at.cases() == []


async def test_many_movements_are_booked_in_few_calls(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)

    await at.hub.record([movement(n, RECEIPT, "1 EA") for n in range(250)], source="wms")

    assert erp.holds() == {("BOLT", "DC1"): Decimal(250)}
    assert len(erp.calls) <= 4


@pytest.mark.parametrize("roles", [{}, {"PostsMovements": []}, {"PostsMovements": ["DC2"]}])
async def test_who_was_not_told_of_a_location_books_nothing_of_it(
    at: Office, roles: dict[str, list[str]]
) -> None:
    erp = await at.keeps("erp", roles=roles)

    await at.hub.record([movement(1, RECEIPT)], source="wms")

    assert erp.entries == {}


async def test_books_that_are_told_later_begin_then_and_end_when_they_are_told_no_more(
    at: Office,
) -> None:
    erp = await at.keeps("erp")
    for number, roles in enumerate(({}, TOLD_OF_DC1, {"PostsMovements": []})):
        await at.hub.directory.change(at.hub.scope, "erp", roles=roles)
        await at.hub.record([movement(number, RECEIPT)], source="wms")

    assert erp.references == {"crossdock:wms:movement:1:1"}


async def test_an_erp_is_told_of_the_others_movements_and_not_of_its_own(at: Office) -> None:
    first = await at.keeps("first", roles=TOLD_OF_DC1)
    second = await at.keeps("second", roles=TOLD_OF_DC1)

    await at.hub.record([movement(1, RECEIPT)], source="first")

    assert first.entries == {}
    assert second.references == {"crossdock:first:movement:1:1"}


async def test_a_backfill_is_not_booked(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)

    await at.hub.record([movement(1, RECEIPT, replay=True)], source="wms")

    assert erp.entries == {}


async def test_late_repeated_and_reordered_movements_are_booked_once_each(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)
    random = Random(3)
    day = [
        movement(n, random.choice((RECEIPT, PICK, SHIP)), at=NOON - timedelta(hours=n))
        for n in range(40)
    ]
    arriving = day * 3
    random.shuffle(arriving)
    for start in range(0, len(arriving), 7):
        await at.hub.record(arriving[start : start + 7], source="wms")

    crossing = {one.identity for one in day if isinstance(one.payload, StockMoved)}
    crossing -= {one.identity for one in day if is_pick(one.payload)}
    assert erp.references == {f"crossdock:wms:{identity}" for identity in crossing}


def is_pick(payload: object) -> bool:
    return isinstance(payload, StockMoved) and payload.type is PICK


async def test_a_reversal_is_a_movement_of_its_own(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)
    receipt = movement(1, RECEIPT)
    source, target = ENDS[RECEIPT]
    reversal = movement(2, RECEIPT, ends=(target, source))
    assert isinstance(reversal.payload, StockMoved)
    reversal = replace(reversal, payload=replace(reversal.payload, reverses_id="1:1"))

    await at.hub.record([reversal, receipt, reversal], source="wms")

    assert len(erp.entries) == 2
    assert erp.holds() == {}


async def test_a_transfer_is_in_the_books_while_it_is_in_transit(at: Office) -> None:
    erp = await at.keeps("erp", roles={"PostsMovements": ["DC1", "DC2"]})
    in_transit = Place(location="DC2", status=StockStatus.IN_TRANSIT)
    sent = movement(1, MovementType.TRANSFER_SHIP, ends=(ON_SHELF, in_transit))
    arrived = movement(
        2, MovementType.TRANSFER_RECEIVE, ends=(in_transit, replace(AT_DOCK, location="DC2"))
    )

    await at.hub.record([sent, arrived], source="wms")

    first, second = erp.entries.values()
    assert (first.source_location, first.target_location) == ("DC1", "DC2")
    assert (first.is_source_in_transit, first.is_target_in_transit) == (False, True)
    assert (second.source_location, second.target_location) == ("DC2", "DC2")
    assert (second.is_source_in_transit, second.is_target_in_transit) == (True, False)


async def test_a_lost_answer_is_asked_about_and_nothing_is_booked_twice(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)
    erp.answers_lost = 2

    await at.hub.record([movement(1, RECEIPT), movement(2, SHIP, "1 EA")], source="wms")
    for _ in range(10):
        await at.clock.advance(timedelta(minutes=1))
        await at.hub.settle()

    assert sum(erp.calls) > 2
    assert erp.holds() == {("BOLT", "DC1"): Decimal(3)}
    assert await at.hub.outbox.depths(at.hub.scope) == []


async def test_hearing_and_deciding_it_all_again_books_nothing_more(at: Office) -> None:
    """No crash does that: cursor and effect move together. A restored backup may."""
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)
    await at.hub.record([movement(1, RECEIPT), movement(2, SHIP, "1 EA")], source="wms")
    (reader,) = (one for one in at.hub.readers if one.name == f"process:{NAME}")

    async with at.hub.database.transaction(Scope.of_workers()) as tx:
        events, _ = await event_log.read(tx, Position(), limit=1000, types=reader.types)
        await reader.apply(tx, events)
    async with at.hub.database.transaction(at.hub.scope) as tx:
        keys = [Key("main", f"erp/wms/movement%3A{number}%3A1") for number in (1, 2)]
        await mark_keys(tx, NAME, keys, at.clock.now())
    await at.hub.settle()

    assert erp.calls == [2]
    assert erp.holds() == {("BOLT", "DC1"): Decimal(3)}


async def test_a_refusal_is_a_case_that_closes_when_it_is_booked_after_all(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)
    erp.refuses = {"BOLT"}

    await at.hub.record([movement(1, RECEIPT), movement(2, RECEIPT, item="NUT")], source="wms")

    assert erp.references == {"crossdock:wms:movement:2:1"}
    assert await at.cases() == [("TGT-REJECT", "OPEN")]

    await at.replay()
    assert await at.cases() == [("TGT-REJECT", "OPEN")]
    erp.refuses = set()
    await at.replay()

    assert erp.holds() == {("BOLT", "DC1"): Decimal(4), ("NUT", "DC1"): Decimal(4)}
    assert await at.cases() == [("TGT-REJECT", "booked: entered")]


async def test_a_booking_that_a_person_gives_up_is_nobodys_case_any_more(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)
    erp.refuses = {"BOLT"}
    await at.hub.record([movement(1, RECEIPT)], source="wms")

    (letter,) = await at.hub.outbox.find(at.hub.scope, Wanted())
    await at.hub.outbox.discard(at.hub.scope, [letter.command_id], BY)
    await at.hub.settle()

    assert await at.cases() == [("TGT-REJECT", "given up: a test (a clerk)")]


async def test_removing_a_connection_closes_the_cases_of_its_bookings(at: Office) -> None:
    erp = await at.keeps("erp", roles=TOLD_OF_DC1)
    erp.refuses = {"BOLT"}
    await at.hub.record([movement(1, RECEIPT)], source="wms")

    await at.hub.connections.remove(at.hub.scope, "erp", BY, discard=True)
    await at.hub.settle()

    assert await at.cases() == [("TGT-REJECT", "given up: a test (a clerk)")]


async def test_removing_a_connection_opens_no_case_of_what_it_still_owed(at: Office) -> None:
    await at.keeps("erp", roles=TOLD_OF_DC1)
    await at.hub.directory.pause(at.hub.scope, "erp", "a test")
    await at.hub.record([movement(1, RECEIPT)], source="wms")

    parted = await at.hub.connections.remove(at.hub.scope, "erp", BY, discard=True)
    await at.hub.settle()

    assert (parted.commands, await at.cases()) == (1, [])


async def test_removing_a_connection_waits_for_whoever_decides_for_it(at: Office) -> None:
    await at.keeps("erp", roles=TOLD_OF_DC1)
    sells = Channel(connection="erp", location="DC1", source_locations=("DC1",))
    await at.hub.channels.put(at.hub.scope, sells, by="test")
    await at.hub.channels.publish(at.hub.scope, sells, ["BOLT"])
    decided = write(Listing("erp", "DC1", "BOLT"), 1, 4, None, Lane.NORMAL)
    claimed = Claimed(
        key=Key("main", decided.subject), ledger=None, step=1, correlation_id="", causation_id=""
    )

    async with at.hub.database.transaction(at.hub.scope) as tx:
        await tx.execute("select from process_instance for update")
        removing = asyncio.create_task(
            at.hub.connections.remove(at.hub.scope, "erp", BY, discard=True)
        )
        await asyncio.sleep(0.5)
        await at.hub.outbox.enqueue(tx, commands_of("a process", claimed, [decided]))

    assert (await removing).commands == 1


async def test_the_timeline_tells_what_was_booked(at: Office) -> None:
    await at.keeps("erp", roles=TOLD_OF_DC1)
    await at.hub.record([movement(1, RECEIPT)], source="wms")

    async with at.hub.database.transaction(at.hub.scope) as tx:
        steps = await journal.of_instance(tx, NAME, "erp/wms/movement%3A1%3A1")

    assert [step.note for step in reversed(steps)] == [
        "book 4 EA of BOLT from outside to DC1",
        "booked: entered",
    ]
