"""Messages and receipts by AS2 between two partners, over HTTP: kept first, one effect."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import product
from random import Random

import pytest

from crossdock.canonical.errors import Conflict
from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.asking import Asked
from crossdock.connectivity.as2.messages import MessageState, ToSend
from crossdock.connectivity.as2.receipts import PROCESSED, Answer, write_receipt
from crossdock.connectivity.as2.receiving import Addressed
from crossdock.connectivity.as2.sending import Stamp
from crossdock.connectivity.as2.terms import (
    House,
    Incoming,
    OnDuplicate,
    Outgoing,
    Payload,
    ReceiptKind,
)
from crossdock.interfaces.cli.http_server import serving
from tests.interfaces.api.as2_sides import (
    ACME,
    MAIN,
    ORDER,
    Between,
    Sides,
    bring,
)
from tests.unit.connectivity.as2.parties import NOW, own, pem

RECEIVED, SETTLED = "partners.message_received.v1", "partners.message_settled.v1"


async def test_a_document_is_sent_taken_and_proven_by_a_signed_receipt(sides: Sides) -> None:
    await sides.agree()

    sent = await sides.send()

    assert (sent.state, sent.because) == (MessageState.PROVEN, "")
    [taken] = await sides.taken()
    assert (taken.state, taken.message_id) == (MessageState.TAKEN, sent.message_id)
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

    again = [await bring(sides.acmes, await sides.raw_of(sent.message)) for _ in range(3)]

    [taken] = await sides.taken()
    first = mime.read((await sides.as2.messages.show(ACME, taken.message)).receipt or b"")
    assert [one.body for one in again] == [first.body] * 3
    assert taken.repeats == 3
    assert len(await sides.events(ACME, RECEIVED)) == 1


async def test_who_asks_for_no_receipt_is_sent_none(sides: Sides) -> None:
    await sides.agree(Outgoing(receipt=ReceiptKind.NONE))

    assert (await sides.send()).state is MessageState.SENT


@asynccontextmanager
async def between(sides: Sides, *does: str | bytes) -> AsyncIterator[Between]:
    """Have the dock reach Acme over a line that does this to the calls."""
    line = Between(sides.acmes, list(does))
    async with serving(line) as address:
        await sides.change(url=f"{address}/as2")
        yield line


@pytest.mark.parametrize("lost", ["LOSE", "EMPTY"])
async def test_a_receipt_that_is_lost_is_fetched_by_the_same_message_again(
    sides: Sides, lost: str
) -> None:
    await sides.agree()
    async with between(sides, lost) as line:
        first = await sides.send()
        second = await sides.again(first.message, minutes=11)

    assert (first.state, first.attempts) == (MessageState.DUE, 1)
    assert first.due_at == NOW + timedelta(minutes=10)
    assert (second.state, second.because, second.attempts) == (MessageState.PROVEN, "", 2)
    assert line.seen[0] == line.seen[1]
    [taken] = await sides.taken()
    assert taken.repeats == 1
    assert len(await sides.events(ACME, RECEIVED)) == 1


async def test_a_partner_that_is_down_is_tried_as_often_as_agreed_and_then_is_a_case(
    sides: Sides,
) -> None:
    await sides.agree()
    async with between(sides, *["DOWN"] * 3) as line:
        sent = await sides.send()
        for minutes in (11, 21):
            sent = await sides.again(sent.message, minutes)

        assert (sent.state, sent.because) == (
            MessageState.FAILED,
            "the partner has answered HTTP 503",
        )
        assert (sent.due_at, len(line.seen)) == (None, 3)
        assert await cases(sides) == {f"as2/{sent.message}"}

        await sides.as2.posting.again(MAIN, sent.message)
        sent = await sides.as2.posting.post(MAIN, sent.message)
    assert sent.state is MessageState.PROVEN
    assert await cases(sides) == set()
    settled = await sides.events(MAIN, SETTLED)
    assert [one.outcome for one in settled] == ["FAILED", "PROVEN"]


def receipt(message_id: str, mic: str, *, is_signed: bool = True) -> bytes:
    """Make a receipt of Acme's that says it has received this."""
    answer = Answer(
        Addressed("dock", "Acme Ltd", message_id),
        PROCESSED,
        Asked(is_signed=is_signed, digests=(Digest.SHA256,)),
        Digest.SHA256,
        mic,
    )
    stamp = Stamp("9@acme", NOW, Random(9))
    return write_receipt(answer, House(name="Acme Ltd", keys=(own("shop"),)), stamp).written()


async def test_a_signed_receipt_of_other_bytes_proves_nothing_and_is_a_case(sides: Sides) -> None:
    await sides.agree()
    intended = await sides.intend()
    async with between(sides, receipt(intended.message_id, "AAAA")):
        sent = await sides.as2.posting.post(MAIN, intended.message)

    assert sent.state is MessageState.UNPROVEN
    assert "the partner has received other bytes" in sent.because
    assert await cases(sides) == {f"as2/{sent.message}"}
    assert (await sides.as2.messages.show(MAIN, sent.message)).receipt


async def test_a_request_sends_one_message_and_another_document_is_refused(sides: Sides) -> None:
    await sides.agree()
    one, same = await sides.send(), await sides.send()

    assert (same.message, same.attempts) == (one.message, 1)
    with pytest.raises(Conflict, match="was for another document"):
        await sides.send(Payload(content=b"other"))


async def agree_on_calls(sides: Sides) -> None:
    """Have Acme send its receipts by calls of its own."""
    url = sides.docks
    await sides.agree(
        Outgoing(receipt_url=url),
        Incoming(bytes_max=1_000_000, receipt_urls=frozenset({url})),
    )


async def test_a_receipt_that_is_asked_for_elsewhere_comes_by_a_call(sides: Sides) -> None:
    await agree_on_calls(sides)

    sent = await sides.send()
    assert (sent.state, sent.due_at) == (MessageState.AWAITED, NOW + timedelta(minutes=60))
    assert await sides.as2.posting.post_due() == 1

    assert (await sides.as2.messages.show(MAIN, sent.message)).kept.state is MessageState.PROVEN
    [taken] = await sides.taken()
    assert (taken.due_at, taken.because, taken.receipt_url) == (None, "", sides.docks)


async def test_a_receipt_that_is_late_is_asked_for_again_and_proves_all_the_same(
    sides: Sides,
) -> None:
    await agree_on_calls(sides)
    sent = await sides.send()
    early = (await sides.as2.messages.show(ACME, (await sides.taken())[0].message)).receipt or b""

    for _ in range(3):
        sent = await sides.again(sent.message, minutes=61)
    assert (sent.state, sent.because) == (MessageState.FAILED, "no receipt has come")
    assert (await bring(sides.docks, early)).status == 200

    assert (await sides.as2.messages.show(MAIN, sent.message)).kept.state is MessageState.PROVEN
    assert len(await sides.events(ACME, RECEIVED)) == 1


async def test_a_receipt_goes_to_no_address_that_is_agreed_no_longer(sides: Sides) -> None:
    await agree_on_calls(sides)
    await sides.send()
    theirs = (await sides.as2.partners.show(ACME, "Acme Ltd", "dock")).profile
    closed = replace(theirs, incoming=replace(theirs.incoming, receipt_urls=frozenset()))
    await sides.as2.partners.put(ACME, closed, by="test")

    await sides.as2.posting.post_due()

    [taken] = await sides.taken()
    assert "not agreed with the partner any more" in taken.because


async def test_a_receipt_asked_for_at_an_address_nobody_agreed_on_is_refused(
    sides: Sides,
) -> None:
    await sides.agree(Outgoing(receipt_url="http://169.254.169.254/latest"))

    sent = await sides.send()

    assert (sent.state, sent.because) == (
        MessageState.REFUSED,
        "processed/error: unexpected-processing-error",
    )
    [refused] = await sides.taken()
    assert "which is not agreed with this partner" in refused.because
    assert await sides.events(ACME, RECEIVED) == []


@pytest.mark.parametrize("is_signed", [True, False])
async def test_who_brings_a_receipt_without_a_signature_settles_nothing(
    sides: Sides,
    is_signed: bool,  # noqa: FBT001 - a case of the test
) -> None:
    await agree_on_calls(sides)
    sent = await sides.send()

    forged = receipt(sent.message_id, "AAAA", is_signed=is_signed)
    assert (await bring(sides.docks, forged)).status == 200

    found = (await sides.as2.messages.show(MAIN, sent.message)).kept
    assert found.state is (MessageState.UNPROVEN if is_signed else MessageState.AWAITED)
    assert "other bytes" in found.because


async def test_proof_is_not_lost_by_what_comes_after_it(sides: Sides) -> None:
    await sides.agree()
    sent = await sides.send()

    assert (await bring(sides.docks, receipt(sent.message_id, "AAAA"))).status == 200

    assert (await sides.as2.messages.show(MAIN, sent.message)).kept == sent


async def test_a_receipt_for_what_was_never_sent_is_not_there(sides: Sides) -> None:
    await sides.agree()

    answer = await bring(sides.docks, receipt("nothing@dock", "AAAA"))

    assert (answer.status, json.loads(answer.body)["code"]) == (404, "not_found")


async def test_a_partner_may_agree_to_be_warned_of_what_comes_again(sides: Sides) -> None:
    await sides.agree(incoming=Incoming(bytes_max=1_000_000, on_duplicate=OnDuplicate.WARN))
    sent = await sides.send()

    again = await bring(sides.acmes, await sides.raw_of(sent.message))

    assert b"processed/warning: duplicate-document" in again.body
    assert len(await sides.events(ACME, RECEIVED)) == 1


async def cases(sides: Sides) -> set[str]:
    """Name the open cases of the dock."""
    async with sides.database.transaction(MAIN) as tx:
        rows = await tx.fetch(
            "select fingerprint from business_case where tenant = $1 and state = 'OPEN'", tx.tenant
        )
    return {row["fingerprint"] for row in rows}


async def test_whatever_gets_lost_on_its_way_each_document_has_one_effect(sides: Sides) -> None:
    await sides.agree()
    losses = list(product(("LOSE", "EMPTY", "DOWN"), repeat=2))
    for number, lost in enumerate(losses):
        async with between(sides, *lost):
            sent = await sides.send(request_id=f"r{number}")
            for minutes in (11, 21):
                sent = await sides.again(sent.message, minutes)
        assert (sent.state, sent.attempts) == (MessageState.PROVEN, 3), lost

    assert [one.state for one in await sides.taken()] == [MessageState.TAKEN] * len(losses)
    assert len(await sides.events(ACME, RECEIVED)) == len(losses)


async def test_a_receipt_that_could_not_be_signed_is_made_once_there_is_a_key(
    sides: Sides,
) -> None:
    """The message was taken; its receipt goes where it was asked for, and to nobody in vain."""
    await sides.agree()
    late = "Acme Late"
    ours = (await sides.as2.partners.show(MAIN, "dock", "Acme Ltd")).profile
    theirs = (await sides.as2.partners.show(ACME, "Acme Ltd", "dock")).profile
    outgoing = Outgoing(cipher=None, receipt_url=sides.docks)
    incoming = Incoming(must_be_encrypted=False, receipt_urls=frozenset({sides.docks}))
    await sides.as2.partners.put(MAIN, replace(ours, partner=late, outgoing=outgoing), by="test")
    await sides.as2.partners.put(ACME, replace(theirs, house=late, incoming=incoming), by="test")
    wanted = ToSend(house="dock", partner=late, payload=ORDER, request_id="r1")
    sent = await sides.as2.posting.intend(MAIN, wanted)
    await sides.as2.posting.post(MAIN, sent.message)
    await sides.again(sent.message, 10)
    [kept] = await sides.taken()
    assert (kept.state, kept.has_receipt, kept.due_at) == (MessageState.TAKEN, False, None)
    await sides.as2.partners.put_key(ACME, late, pem("shop"), by="test")

    await sides.again(sent.message, 20)
    await sides.as2.posting.post(ACME, kept.message)

    assert (await sides.as2.messages.one(MAIN, sent.message)).state is MessageState.PROVEN
    [kept] = await sides.taken()
    assert (kept.has_receipt, kept.due_at, kept.because) == (True, None, "")
