"""What strangers send: refused with the one error of the part, soon, and without telling more."""

import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random
from time import process_time
from typing import Any

import pytest
from asn1crypto import cms as asn1
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2 import cms, mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.certificates import read_certificates
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.mime import Entity, Headers
from crossdock.connectivity.as2.receipts import is_receipt, read_receipt
from crossdock.connectivity.as2.receiving import Layers
from crossdock.connectivity.as2.terms import Compression, Incoming, Outgoing, Payload
from tests.unit.connectivity.as2.parties import ANYTHING, NOW, ORDER, Dock, but, pem

SECONDS_MAX = 1.0
"""Of this process: others may be at work beside it."""
TERMS = [
    Outgoing(),
    Outgoing(cipher=None),
    Outgoing(digest=None),
    Outgoing(cipher=None, is_pss=True, compression=Compression.BEFORE),
    Outgoing(digest=None, cipher=None, compression=Compression.AFTER),
    Outgoing(oaep=Digest.SHA256, compression=Compression.AFTER, is_base64=True),
]


def opened(message: Entity) -> None:
    """Open what may be anything; whatever is wrong with it comes as the error of this part."""
    begun = process_time()
    with suppress(As2Invalid):
        Dock().open(message)
    assert process_time() - begun < SECONDS_MAX


def changed(data: bytes, random: Random) -> bytes:
    """Change a few bytes, cut, repeat or insert a piece."""
    for _ in range(random.randint(1, 4)):
        at, length = random.randrange(len(data) + 1), random.randint(1, 40)
        how = random.randrange(5)
        if how == 0:
            data = data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
        elif how == 1:
            data = data[:at] + data[at + length :]
        elif how == 2:
            data = data[:at] + data[at : at + length] * 2 + data[at + length :]
        elif how == 3:
            data = data[:at] + random.randbytes(length) + data[at:]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("terms", TERMS)
@given(seed=st.integers(0, 2**32))
def test_changed_messages_are_opened_or_refused(terms: Outgoing, seed: int) -> None:
    sent = Dock(outgoing=terms).write()
    message = mime.read(sent.message.written())

    opened(replace(message, body=changed(message.body, Random(seed))))


@pytest.mark.parametrize("terms", TERMS)
@given(seed=st.integers(0, 2**32))
def test_changed_headers_are_read_or_refused(terms: Outgoing, seed: int) -> None:
    written = Dock(outgoing=terms).write().message.written()
    head, blank, body = written.partition(b"\r\n\r\n")
    try:
        message = mime.read(changed(head, Random(seed)) + blank + body)
    except As2Invalid:
        return
    opened(message)


@given(seed=st.integers(0, 2**32), terms=st.sampled_from(TERMS[:2]))
def test_changed_receipts_are_read_or_refused(seed: int, terms: Outgoing) -> None:
    dock = Dock(outgoing=terms)
    receipt = dock.handle(dock.write().message).receipt
    assert receipt
    with suppress(As2Invalid):
        message = mime.read(changed(receipt.written(), Random(seed)))
        is_receipt(message)
        read_receipt(message, dock.receiver_as_partner, NOW)


@given(data=st.binary(max_size=300))
@pytest.mark.parametrize("read", [cms.read_signed, cms.read_enveloped, cms.read_compressed])
def test_any_bytes_are_no_cms(read: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(As2Invalid):
        read(data)


@given(seed=st.integers(0, 2**32))
def test_changed_certificates_are_read_or_refused(seed: int) -> None:
    [certificate] = read_certificates(pem("shop"))
    with suppress(Invalid):
        read_certificates(changed(certificate.der, Random(seed)))


@given(st.text(max_size=60))
def test_any_content_type_is_read_or_refused(value: str) -> None:
    with suppress(As2Invalid):
        assert "/" in mime.content_type(value).kind


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80" * 20_000,
        b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80" + b"\x24\x80" * 50_000,
        b"\x30\x84\xff\xff\xff\xff",
        b"\x1f" + b"\xff" * 1_000_000,
        b"\x30\x83\x0f\x42\x45\x06\x83\x0f\x42\x40" + b"\xff" * 1_000_000,
        b"\x30\x80" + b"\x05\x00" * 500_000,
        b"",
    ],
)
def test_structures_made_to_exhaust_the_parser_are_refused_soon(data: bytes) -> None:
    begun = process_time()
    for read in (cms.read_signed, cms.read_enveloped, cms.read_compressed):
        with pytest.raises(As2Invalid):
            read(data)
    assert process_time() - begun < SECONDS_MAX


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n" * 200_000,
        b"--bb" * 500_000,
        b"\r\n--b \t" * 200_000 + b"x",
        b"\r" * 1_000_000,
    ],
)
def test_bodies_made_to_exhaust_the_reader_are_refused_soon(body: bytes) -> None:
    kind = ("Content-Type", 'multipart/signed; boundary="b"')

    opened(
        but(
            Entity(Headers((kind,)), body),
            as2_from='"The Shop"',
            as2_to='"DOCK\\"1"',
            message_id="<1>",
        )
    )


@pytest.mark.parametrize(
    "value", [" " * 60_000, ";a=" * 20_000, 'a/b; c="' + "\\" * 60_000, "a/b" + ";" * 60_000]
)
def test_headers_made_to_exhaust_the_reader_are_refused_soon(value: str) -> None:
    begun = process_time()
    with pytest.raises(As2Invalid):
        mime.content_type(value + "!")
    assert process_time() - begun < SECONDS_MAX


@pytest.mark.parametrize("compression", Compression)
def test_a_bomb_is_refused_before_it_is_made(compression: Compression) -> None:
    incoming = replace(ANYTHING, bytes_max=100_000)
    dock = Dock(outgoing=Outgoing(compression=compression), incoming=incoming)
    sent = dock.write(Payload(content=bytes(30_000_000)))

    with pytest.raises(As2Invalid, match="larger than 100000 bytes"):
        dock.open(sent.message)


def test_a_message_larger_than_allowed_is_refused() -> None:
    dock = Dock(outgoing=Outgoing(cipher=None), incoming=replace(ANYTHING, bytes_max=10))

    with pytest.raises(As2Invalid, match="larger than 10 bytes"):
        dock.open(dock.write().message)


def compressed(stream: bytes) -> Entity:
    headers = (
        ("AS2-From", '"The Shop"'), ("AS2-To", '"DOCK\\"1"'), ("Message-ID", "<1@shop>"),
        ("Content-Type", "application/pkcs7-mime; smime-type=compressed-data"),
    )  # fmt: skip
    return Entity(Headers(headers), cms.written_compressed(stream))


@pytest.mark.parametrize(
    "stream",
    [b"no zlib", zlib.compress(b"a: b\r\n\r\n")[:-2], zlib.compress(b"a: b\r\n\r\n") + b"behind"],
)
def test_a_compression_that_does_not_hold_is_told_as_that(stream: bytes) -> None:
    with pytest.raises(As2Invalid) as refused:
        Dock().open(compressed(stream))

    assert refused.value.fault is Fault.DECOMPRESSION


def fault(message: Entity, incoming: Incoming = ANYTHING) -> Fault:
    with pytest.raises(As2Invalid) as refused:
        Dock(incoming=incoming).open(message)
    return refused.value.fault


@pytest.mark.parametrize("terms", [Outgoing(), Outgoing(digest=None)])
def test_whatever_was_done_to_an_encrypted_layer_is_told_alike(terms: Outgoing) -> None:
    """Who changes another's message must not learn from the answers what is in it."""
    message = Dock(outgoing=terms).write().message
    sealed: Any = asn1.ContentInfo.load(message.body)
    content = sealed["content"]["encrypted_content_info"]["encrypted_content"].native
    told = set()
    for last in range(256):
        behind = content + bytes(15) + bytes([last]) + content[:16]
        told.add(_fault_of(message, behind))
        head = bytes([content[0] ^ last ^ 255]) + content[1:16] + bytes([last]) + content[17:]
        told.add(_fault_of(message, head))

    assert told == {Fault.DECRYPTION}


def _fault_of(message: Entity, content: bytes) -> Fault:
    sealed: Any = asn1.ContentInfo.load(message.body)
    sealed["content"]["encrypted_content_info"]["encrypted_content"] = content
    changed_message = replace(message, body=sealed.dump(force=True))
    return fault(changed_message, replace(ANYTHING, must_be_signed=True))


def test_what_the_log_is_told_says_more_than_what_the_partner_is_told() -> None:
    dock = Dock(outgoing=Outgoing(digest=None), incoming=replace(ANYTHING, must_be_signed=True))
    layers = Layers()

    with pytest.raises(As2Invalid, match="it is not signed") as refused:
        dock.open(dock.write().message, layers)

    assert refused.value.fault is Fault.DECRYPTION
    assert layers.seen == ["encrypted, aes-256"]


@pytest.mark.parametrize("cipher", Cipher)
def test_a_content_key_of_another_length_is_told_as_a_wrong_key(cipher: Cipher) -> None:
    message = Dock(outgoing=Outgoing(cipher=cipher)).write().message
    dock = Dock().their_keys[0]
    sealed: Any = asn1.ContentInfo.load(message.body)
    [recipient] = sealed["content"]["recipient_infos"]
    recipient.chosen["encrypted_key"] = dock.certificate.key.encrypt(b"short", PKCS1v15())
    sealed["content"]["recipient_infos"] = [recipient]

    assert fault(replace(message, body=sealed.dump(force=True))) is Fault.DECRYPTION


def test_a_message_id_or_a_name_cannot_break_out_of_its_header() -> None:
    for message_id in ("a\r\nX: y", "", "a b", "é", "x" * 1000):
        with pytest.raises(As2Invalid, match="no message id"):
            Dock().write(message_id=message_id)
    for kind in ("a/b\r\nX: y", "a/b\n", "a/b\x00"):
        with pytest.raises(As2Invalid, match="cannot be written"):
            Dock().write(Payload(content=ORDER.content, content_type=kind))
    for filename in ("a\r\nX: y", "../x", "a\\b", "x" * 201):
        with pytest.raises(As2Invalid, match="no file name"):
            Dock().write(Payload(content=ORDER.content, filename=filename))
    for name in ("", "a\nb", "é", "x" * 129):
        with pytest.raises(As2Invalid, match="no AS2 name"):
            Dock(our_name=name).write()


def test_lines_that_look_like_a_boundary_are_not_counted_without_end() -> None:
    body = b"\n--boundary-of-another" * 400_000
    begun = process_time()

    with pytest.raises(As2Invalid, match="multipart"):
        mime.parts(body, "boundary")

    assert process_time() - begun < 0.1


def test_a_header_with_a_character_that_no_text_can_keep_is_refused() -> None:
    with pytest.raises(As2Invalid, match="no header"):
        mime.read(b'Content-Type: text/plain; name="a\0b"\r\n\r\nx')
