"""Messages and receipts by AS2 between two partners, over HTTP: kept first, one effect."""

from collections.abc import AsyncIterator

import pytest

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.messages import State
from crossdock.connectivity.as2.terms import Outgoing, ReceiptKind
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.interfaces.api.app import create_app
from crossdock.interfaces.cli.http_server import serving
from tests.interfaces.api.as2_sides import ACME, MAIN, NOW, ORDER, Sides, exchange_at
from tests.interfaces.api.conftest import Answer, Caller, House

RECEIVED, SETTLED = "partners.message_received.v1", "partners.message_settled.v1"


@pytest.fixture
async def sides(database: Database, house: House) -> AsyncIterator[Sides]:
    clock = VirtualClock(NOW)
    house.as2 = exchange_at(database, clock)
    async with serving(create_app(house)) as address:
        yield Sides(house.as2, clock, database, address)


async def post(sides: Sides, raw: bytes) -> Answer:
    """Bring Acme a message as it travels."""
    message = mime.read(raw)
    headers = {name.lower(): value for name, value in message.headers}
    call = Caller(int(sides.url.rpartition(":")[2]))
    return await call("POST", "/as2?tenant=acme", message.body, headers=headers)


async def test_a_document_is_sent_taken_and_proven_by_a_signed_receipt(sides: Sides) -> None:
    await sides.agree()

    sent = await sides.send()

    assert (sent.state, sent.because) == (State.PROVEN, "")
    [taken] = await sides.taken()
    assert (taken.state, taken.message_id) == (State.TAKEN, sent.message_id)
    assert taken.mic == sent.mic
    ours = await sides.as2.messages.show(MAIN, sent.message)
    theirs = await sides.as2.messages.show(ACME, taken.message)
    assert theirs.payload == ours.payload == ORDER.content
    assert theirs.receipt
    assert mime.read(theirs.receipt).body == mime.read(ours.receipt or b"").body
    [told] = await sides.events(ACME, RECEIVED)
    assert (told.document_id, told.sender, told.is_signed) == (taken.message, "dock", True)
    [settled] = await sides.events(MAIN, SETTLED)
    assert (settled.document_id, settled.outcome) == (sent.message, "PROVEN")


async def test_the_same_message_again_has_one_effect_and_the_same_receipt(sides: Sides) -> None:
    await sides.agree()
    sent = await sides.send()

    again = [await post(sides, await sides.raw_of(sent.message)) for _ in range(3)]

    [taken] = await sides.taken()
    first = mime.read((await sides.as2.messages.show(ACME, taken.message)).receipt or b"")
    assert [one.body for one in again] == [first.body] * 3
    assert taken.repeats == 3
    assert len(await sides.events(ACME, RECEIVED)) == 1


async def test_who_asks_for_no_receipt_is_sent_none(sides: Sides) -> None:
    await sides.agree(Outgoing(receipt=ReceiptKind.NONE))

    assert (await sides.send()).state is State.SENT
