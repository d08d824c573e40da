"""What is wrong with what comes by AS2 is told in its receipt; hostile input does no harm."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from asn1crypto import cms as asn1

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.messages import MessageState
from crossdock.connectivity.as2.sending import Stamp, write
from crossdock.connectivity.as2.terms import House, Incoming, Outgoing, Payload
from tests.interfaces.api.as2_sides import ACME, MAIN, ORDER, Sides, bring, certificate
from tests.interfaces.api.conftest import Caller
from tests.interfaces.api.conftest import House as ApiHouse
from tests.unit.connectivity.as2.parties import NOW, Dock, but, own, pem

BIG = 100 * 1024 * 1024
RECEIVED = "partners.message_received.v1"
PLAIN = Incoming(must_be_signed=False, must_be_encrypted=False, bytes_max=1_000_000)
OPENLY = Outgoing(digest=None, cipher=None)


async def message(sides: Sides, request_id: str = "r") -> mime.Entity:
    """Give a message of the dock's for Acme as it travels."""
    intended = await sides.intend(request_id=request_id)
    return mime.read(await sides.raw_of(intended.message))


async def refused(sides: Sides, sent: mime.Entity) -> str:
    """Bring it; give what the receipt says of it."""
    answer = await bring(sides.acmes, sent.written())
    assert answer.status == 200
    [line] = [one for one in answer.body.split(b"\r\n") if one.startswith(b"Disposition: ")]
    return line.decode().partition("; ")[2]


@pytest.mark.parametrize("names", [{"AS2_From": "nobody"}, {"AS2_To": "nobody"}])
async def test_who_is_no_partner_is_told_so_and_nothing_of_it_is_kept(
    sides: Sides, names: dict[str, str]
) -> None:
    await sides.agree()
    sent = but(await message(sides), **names)

    assert await refused(sides, sent) == "processed/error: authentication-failed"

    assert await sides.taken() == []


async def test_who_is_no_partner_and_asks_for_no_receipt_is_forbidden(sides: Sides) -> None:
    await sides.agree()
    sent = but(await message(sides), AS2_From="nobody", Disposition_Notification_To=None)

    assert (await bring(sides.acmes, sent.written())).status == 403


async def test_who_is_no_partner_gets_no_receipt_sent_to_an_address(sides: Sides) -> None:
    await sides.agree()
    elsewhere = {"Receipt_Delivery_Option": sides.docks}
    sent = but(await message(sides), AS2_From="nobody", **elsewhere)

    assert await refused(sides, sent) == "processed/error: authentication-failed"
    assert await sides.as2.posting.post_due() == 1  # what the dock intends, and no receipt


def changed_behind(sent: mime.Entity) -> mime.Entity:
    """Change the last bytes of what is encrypted."""
    return replace(sent, body=sent.body[:-20] + bytes(20))


def for_another(sent: mime.Entity) -> mime.Entity:
    """Give a message that is encrypted for somebody else's key."""
    dock = Dock(our_name="dock", their_name="Acme Ltd", our_keys=(own("dock"),))
    written = dock.write(ORDER, "for-another@dock").message
    assert sent.headers.get("AS2-To") == written.headers.get("AS2-To")
    return written


def unprotected(sent: mime.Entity) -> mime.Entity:
    return but(replace(sent, body=b"ISA*"), Content_Type="application/edi-x12")


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (changed_behind, "processed/error: decryption-failed"),
        (for_another, "processed/error: decryption-failed"),
        (unprotected, "processed/error: insufficient-message-security"),
    ],
)
async def test_what_cannot_be_opened_is_refused_and_kept_to_be_looked_at(
    sides: Sides, spoilt: Callable[[mime.Entity], mime.Entity], said: str
) -> None:
    await sides.agree()
    sent = spoilt(await message(sides))

    assert [await refused(sides, sent) for _ in range(2)] == [said, said]

    [kept] = await sides.taken()
    assert (kept.state, kept.repeats, bool(kept.because)) == (MessageState.REFUSED, 1, True)
    assert (await sides.as2.messages.show(ACME, kept.message)).raw.endswith(sent.body)
    assert await sides.events(ACME, RECEIVED) == []


async def test_a_signature_of_another_key_is_refused_until_its_certificate_is_known(
    sides: Sides,
) -> None:
    await sides.agree(acme_knows="shop")

    sent = await sides.send()
    assert (sent.state, sent.because) == (
        MessageState.REFUSED,
        "processed/error: authentication-failed",
    )
    theirs = (await sides.as2.partners.show(ACME, "Acme Ltd", "dock")).profile
    both = (*theirs.certificates, certificate("dock"))
    await sides.as2.partners.put(ACME, replace(theirs, certificates=both), by="test")
    await sides.as2.posting.again(MAIN, sent.message)

    assert (await sides.as2.posting.post(MAIN, sent.message)).state is MessageState.PROVEN
    states = [one.state for one in await sides.taken()]
    assert states == [MessageState.TAKEN, MessageState.REFUSED]


async def test_a_signed_part_that_was_changed_is_told_of_as_that(sides: Sides) -> None:
    await sides.agree(Outgoing(cipher=None), replace(PLAIN, must_be_signed=True))
    sent = await message(sides)

    spoilt = replace(sent, body=sent.body.replace(b"ISA*00*", b"ISA*99*"))

    assert await refused(sides, spoilt) == "processed/error: integrity-check-failed"


async def test_an_id_that_came_with_another_document_is_refused(sides: Sides) -> None:
    await sides.agree(OPENLY, PLAIN)
    sent = await message(sides)
    assert await refused(sides, sent) == "processed"

    other = replace(sent, body=b"another document")

    assert await refused(sides, other) == "processed/error: unexpected-processing-error"
    assert [one.state for one in await sides.taken()] == [MessageState.REFUSED, MessageState.TAKEN]


async def test_no_more_refused_messages_of_a_partner_are_kept_than_are_looked_at(
    sides: Sides, house: ApiHouse
) -> None:
    house.as2 = replace(sides.as2, answering=replace(sides.as2.answering, refused_kept=3))
    await sides.agree()
    sent = await message(sides)
    for number in range(5):
        await refused(sides, replace(unprotected(sent), body=b"%d" % number))

    assert len(await sides.taken()) == 3


async def test_of_what_nobody_has_signed_no_more_is_kept_than_is_looked_at(sides: Sides) -> None:
    """Who writes a partner's name on it may be anybody, and sends as much as he likes."""
    await sides.agree(incoming=Incoming(bytes_max=4_000_000))
    sent = replace(unprotected(await message(sides)), body=b"ISA*" * 900_000)

    await refused(sides, sent)
    await refused(sides, sent)

    [kept] = await sides.taken()
    raw = (await sides.as2.messages.show(ACME, kept.message)).raw
    assert kept.repeats == 1
    assert mime.read(raw).body == sent.body[: 1024 * 1024]


@pytest.mark.parametrize(
    "headers",
    [
        {"AS2_From": None},
        {"AS2_To": "caf\xe9"},
        {"Message_ID": None},
        {"Message_ID": "<a b>"},
        {"Message_ID": "<" + "x" * 2000 + ">"},
        {"AS2_Version": "9"},
    ],
)
async def test_what_names_nobody_to_answer_is_an_error(
    sides: Sides, headers: dict[str, str | None]
) -> None:
    await sides.agree()
    sent = but(await message(sides), **headers)

    answer = await bring(sides.acmes, sent.written())

    assert answer.status == 422
    assert await sides.taken() == []


async def raw(sides: Sides, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send bytes as they are."""
    call = Caller(int(sides.url.rpartition(":")[2]))
    answer = await call.raw(head.encode() + body)
    return answer.status, answer.body


def head(sent: mime.Entity, *more: str) -> str:
    lines = [f"{name}: {value}" for name, value in sent.headers]
    whole = ["POST /as2?tenant=acme HTTP/1.1", "host: x", "connection: close", *lines, *more]
    return "\r\n".join((*whole, "", ""))


async def test_a_body_in_chunks_is_taken_as_any_other(sides: Sides) -> None:
    await sides.agree()
    sent = await message(sides)
    pieces = [sent.body[at : at + 100] for at in range(0, len(sent.body), 100)]
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"

    status, body = await raw(sides, head(sent, "transfer-encoding: chunked"), chunked)

    assert status == 200
    assert b"processed" in body
    assert [one.state for one in await sides.taken()] == [MessageState.TAKEN]


async def test_a_message_without_a_body_is_refused_in_its_receipt(sides: Sides) -> None:
    await sides.agree()

    status, body = await raw(sides, head(await message(sides)))

    assert (status, b"processed/error" in body) == (200, True)


@pytest.mark.parametrize(("sender", "most"), [("dock", 1_000_000), ("nobody", 1024 * 1024)])
async def test_a_body_of_a_hundred_megabytes_is_not_read(
    sides: Sides, sender: str, most: int
) -> None:
    """As much again as is allowed is dropped, so that the sender sees why; then it is cut."""
    await sides.agree()
    sent = but(await message(sides), AS2_From=sender)

    sent_bytes = bytes(2 * most + 1)
    status, body = await raw(sides, head(sent, f"content-length: {BIG}"), sent_bytes)

    assert (status, json.loads(body)["code"]) == (413, "body_too_large")
    assert await sides.taken() == []


async def test_chunks_without_end_are_read_no_further_than_is_agreed(sides: Sides) -> None:
    await sides.agree()
    sent = await message(sides)
    million = b"%x\r\n%b\r\n" % (1_000_000, bytes(1_000_000))
    chunks = 2 * million + b"1\r\n\0\r\n"

    status, body = await raw(sides, head(sent, "transfer-encoding: chunked"), chunks)

    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


async def test_a_header_that_is_there_twice_decides_nothing(sides: Sides) -> None:
    await sides.agree()
    sent = await message(sides)

    status, _ = await raw(sides, head(sent, "AS2-From: nobody", "content-length: 0"))

    assert status == 422


async def test_a_message_id_cannot_bring_headers_into_the_answer(sides: Sides) -> None:
    await sides.agree()
    sent = but(await message(sides), Message_ID="<a@b>\\r\\nSet-Cookie: x=1")

    status, body = await raw(sides, head(sent, "content-length: 0"))

    assert (status, json.loads(body)["code"]) == (422, "as2-unexpected-processing-error")


async def test_no_file_name_leads_anywhere(sides: Sides) -> None:
    await sides.agree(OPENLY, PLAIN)
    sent = await message(sides)
    name = 'attachment; filename="..\\\\../..//etc/passwd"'

    await refused(sides, but(sent, Content_Disposition=name))

    assert [one.filename for one in await sides.taken()] == ["passwd"]


def bomb(size: int) -> bytes:
    """Make CompressedData that grows to so many bytes."""
    packer = zlib.compressobj(9)
    inner = packer.compress(b"Content-Type: text/plain\r\n\r\n")
    inner += b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(size // (1024 * 1024)))
    packed = asn1.CompressedData(
        {
            "version": 0,
            "compression_algorithm": {"algorithm": "zlib"},
            "encap_content_info": {
                "content_type": "data",
                "content": asn1.ParsableOctetString(inner + packer.flush()),
            },
        }
    )
    whole = asn1.ContentInfo({"content_type": "compressed_data", "content": packed})
    return bytes(whole.dump())


async def test_what_grows_beyond_what_is_agreed_is_not_decompressed(sides: Sides) -> None:
    await sides.agree(OPENLY, PLAIN)
    sent = but(
        replace(await message(sides), body=bomb(64 * 1024 * 1024)),
        Content_Type="application/pkcs7-mime; smime-type=compressed-data",
        Content_Transfer_Encoding="binary",
    )

    assert await refused(sides, sent) == "processed/error: decompression-failed"
    [kept] = await sides.taken()
    assert "1000000" in kept.because


async def test_a_key_of_ours_that_ends_is_followed_without_a_gap(sides: Sides) -> None:
    """The partner may go on to encrypt for the old one, or begin with the new one."""
    await sides.agree()
    new = own("shop-next", days=(-1, 700), serial=5)
    old_dock = Dock(our_name="dock", their_name="Acme Ltd", our_keys=(own("dock"),))
    from_dock = House(name="dock", keys=(own("dock"),))
    await sides.as2.partners.put_key(
        ACME, "Acme Ltd", pem("shop-next", days=(-1, 700), serial=5), by="test"
    )

    said: list[str] = []
    for number, key in enumerate((own("shop"), new)):
        partner = replace(old_dock.receiver_as_partner, certificates=(key.certificate,))
        stamp = Stamp(f"{number}@dock", NOW, Random(number))
        said.append(
            await refused(sides, write(Payload(content=b"x"), from_dock, partner, stamp).message)
        )

    assert said == ["processed", "processed"]


async def test_what_cannot_be_answered_for_want_of_a_key_is_kept_and_answered_later(
    sides: Sides,
) -> None:
    await sides.agree(Outgoing(cipher=None), replace(PLAIN, must_be_signed=True))
    sent = await message(sides)
    old = pem("shop-old", days=(-400, -300))
    await sides.as2.partners.put_key(ACME, "Lapsed", old, by="test")
    theirs = (await sides.as2.partners.show(ACME, "Acme Ltd", "dock")).profile
    await sides.as2.partners.put(ACME, replace(theirs, house="Lapsed"), by="test")
    readdressed = but(sent, AS2_To="Lapsed")

    first = await bring(sides.acmes, readdressed.written())
    await sides.as2.partners.put_key(ACME, "Lapsed", pem("shop"), by="test")

    assert first.status == 503
    assert await refused(sides, readdressed) == "processed"
    [taken] = await sides.taken()
    assert (taken.has_receipt, taken.repeats) == (True, 1)
    assert len(await sides.events(ACME, RECEIVED)) == 1


async def test_who_is_no_partner_is_answered_unsigned_where_no_key_holds(sides: Sides) -> None:
    await sides.agree()
    await sides.as2.partners.put_key(ACME, "Lapsed", pem("x", days=(-9, -8)), by="test")
    sent = but(await message(sides), AS2_To="Lapsed")

    assert await refused(sides, sent) == "processed/error: authentication-failed"
