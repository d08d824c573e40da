"""What a message is held against when it is opened, and what its digest is over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest, digest_named
from crossdock.connectivity.as2.certificates import read_certificates
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.mime import Entity, Headers
from crossdock.connectivity.as2.receiving import split_signed
from crossdock.connectivity.as2.terms import Compression, Incoming, Outgoing, Payload
from tests.unit.connectivity.as2.parties import ANYTHING, NOW, ORDER, Dock, but, own, pem

PLAIN = Outgoing(digest=None, cipher=None)
STRICT = Incoming()


def fault(message: Entity, incoming: Incoming = ANYTHING, at: datetime = NOW) -> Fault:
    with pytest.raises(As2Invalid) as refused:
        Dock(incoming=incoming, at=at).open(message)
    return refused.value.fault


def sent(outgoing: Outgoing) -> Entity:
    return Dock(outgoing=outgoing).write().message


def test_the_digest_of_a_signed_message_is_over_the_part_with_its_headers() -> None:
    made = Dock(outgoing=Outgoing(cipher=None)).write()
    part, _ = split_signed(made.message)

    headers = b"Content-Type: application/edi-x12\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    assert part == headers + ORDER.content
    assert made.mics[Digest.SHA256] == Digest.SHA256.base64_of(part)


def test_what_is_compressed_before_it_is_signed_is_counted_as_it_was_signed() -> None:
    made = Dock(outgoing=Outgoing(cipher=None, compression=Compression.BEFORE)).write()
    part, _ = split_signed(made.message)

    assert b"smime-type=compressed-data" in part
    assert made.mics[Digest.SHA256] == Digest.SHA256.base64_of(part)


def test_what_is_compressed_after_it_is_signed_is_counted_as_if_it_were_not() -> None:
    after = Dock(outgoing=Outgoing(cipher=None, compression=Compression.AFTER)).write()

    assert after.mics == Dock(outgoing=Outgoing(cipher=None)).write().mics


@pytest.mark.parametrize(
    "terms", [Outgoing(digest=None), replace(PLAIN, compression=Compression.BEFORE)]
)
def test_what_is_not_signed_is_counted_with_its_headers_uncompressed(terms: Outgoing) -> None:
    assert Dock(outgoing=terms).write().mics == Dock(outgoing=Outgoing()).write().mics


def test_what_is_neither_signed_nor_encrypted_is_counted_without_headers() -> None:
    made = Dock(outgoing=PLAIN).write()

    assert made.message.body == ORDER.content
    assert made.mics[Digest.SHA256] == Digest.SHA256.base64_of(ORDER.content)


@pytest.mark.parametrize("encoding", ["", "Content-Transfer-Encoding: 8bit\n"])
def test_lines_that_are_not_binary_are_counted_as_ended_by_crlf(encoding: str) -> None:
    written = f"Content-Type: text/plain\n{encoding}\na\nb\rc\r\n".encode()
    as_crlf = f"Content-Type: text/plain\n{encoding}\na\nb\nc\n".replace("\n", "\r\n").encode()

    assert mime.canonical(written) == as_crlf


def test_a_binary_body_is_counted_as_it_stands_and_its_headers_with_crlf() -> None:
    written = b"Content-Transfer-Encoding: Binary\nX: y\n\na\nb\r"

    assert mime.canonical(written) == b"Content-Transfer-Encoding: Binary\r\nX: y\r\n\r\na\nb\r"
    assert mime.canonical(b"no headers\nat all") == b"no headers\r\nat all"


def test_a_message_has_to_be_signed_and_encrypted_unless_agreed_otherwise() -> None:
    assert fault(sent(Outgoing(cipher=None)), STRICT) is Fault.SECURITY
    assert fault(sent(PLAIN), replace(STRICT, must_be_encrypted=False)) is Fault.SECURITY
    assert Dock(incoming=STRICT).open(sent(Outgoing())).payload.content == ORDER.content


def test_old_algorithms_are_taken_where_that_is_agreed() -> None:
    for terms in (Outgoing(digest=Digest.SHA1), Outgoing(cipher=Cipher.TRIPLE_DES)):
        assert fault(sent(terms), STRICT) is Fault.SECURITY
        assert Dock(incoming=ANYTHING).open(sent(terms)).counted


def test_a_message_for_or_from_another_is_refused() -> None:
    message = sent(Outgoing())

    assert fault(but(message, as2_from="another")) is Fault.AUTHENTICATION
    assert fault(but(message, as2_to='dock"1')) is Fault.AUTHENTICATION
    for gone in ("as2_from", "as2_to", "message_id"):
        assert fault(but(message, **{gone: None})) is Fault.UNEXPECTED
    assert fault(but(message, as2_from='"no end')) is Fault.AUTHENTICATION
    assert fault(but(message, as2_version="2.0")) is Fault.UNEXPECTED
    assert Dock().open(but(message, as2_version=None)).counted


def test_a_header_that_is_there_twice_is_refused() -> None:
    message = sent(Outgoing())
    twice = Headers((*message.headers, ("as2-from", "another")))

    assert fault(replace(message, headers=twice)) is Fault.UNEXPECTED


def test_a_signature_of_another_key_is_refused() -> None:
    message = Dock(our_keys=(own("stranger", serial=1),), outgoing=Outgoing(cipher=None)).write()
    assert fault(message.message) is Fault.AUTHENTICATION


def test_a_signature_that_another_key_made_in_the_name_of_ours_is_refused() -> None:
    ours = own("shop")
    forged = replace(ours, private=own("stranger").private)
    message = Dock(our_keys=(forged,), outgoing=Outgoing(cipher=None)).write().message

    assert fault(message) is Fault.AUTHENTICATION


def test_a_certificate_holds_from_its_first_day_to_its_last() -> None:
    message = sent(Outgoing())
    certificate = own("shop").certificate

    assert fault(message, at=certificate.until) is Fault.AUTHENTICATION
    assert fault(message, at=certificate.from_ - timedelta(seconds=1)) is Fault.AUTHENTICATION
    assert Dock(at=certificate.from_).open(message).counted
    assert Dock(at=certificate.until - timedelta(seconds=1)).open(message).counted


def test_while_certificates_overlap_both_are_taken_and_the_newer_is_used() -> None:
    old, new = own("shop", (-300, 20)), own("shop-2027", (-1, 365), 2)
    dock = Dock(our_keys=(old, new))
    by_old = Dock(our_keys=(old,)).write().message

    assert (opened := dock.open(by_old).layers.signature)
    assert opened.certificate == old.certificate
    assert (opened := dock.open(dock.write().message).layers.signature)
    assert opened.certificate == new.certificate


def test_what_is_encrypted_for_our_old_key_is_read_after_its_end() -> None:
    old, new = own("dock", (-300, 20)), own("dock-2027", (-1, 365), 2)
    message = Dock(their_keys=(old,)).write().message
    later = NOW + timedelta(days=30)

    assert Dock(their_keys=(new, old), at=later).open(message).payload == ORDER
    with pytest.raises(As2Invalid, match="and our certificates are serial 2"):
        Dock(their_keys=(new,), at=later).open(message)


def test_a_message_that_was_changed_on_its_way_is_refused() -> None:
    message = sent(Outgoing(cipher=None))

    assert fault(replace(message, body=message.body.replace(b"ISA", b"ISB"))) is Fault.INTEGRITY


def test_layers_in_an_order_that_as2_does_not_know_are_refused() -> None:
    twice = Dock(outgoing=Outgoing(cipher=None)).write(
        Payload(
            content=b"--b\r\n\r\nx\r\n--b--\r\n", content_type='multipart/signed; boundary="b"'
        )
    )
    sealed = Dock(outgoing=Outgoing(cipher=None)).write(
        Payload(content=b"", content_type="application/pkcs7-mime; smime-type=enveloped-data")
    )

    for message in (twice.message, sealed.message):
        assert fault(message) is Fault.UNEXPECTED


def kind(value: str) -> Entity:
    return but(sent(PLAIN), content_type=value)


def test_a_layer_is_known_by_its_type_and_by_its_name_where_that_is_missing() -> None:
    for name, terms in (
        ("p7m", Outgoing()),
        ("p7z", replace(PLAIN, compression=Compression.AFTER)),
    ):
        message = but(sent(terms), content_type=f'application/x-pkcs7-mime; name="smime.{name}"')
        assert Dock().open(message).payload.content == ORDER.content
    assert fault(kind("application/pkcs7-mime; smime-type=signed-data")) is Fault.UNEXPECTED


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"--b\r\n\r\nx\r\n--b--\r\n", "two parts"),
        (b"--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b\r\n\r\nz\r\n--b--", "two parts"),
        (b"--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\nmore", "nothing behind"),
        (b"--b\r\n\r\nx\r\n--b\r\nContent-Type: a/b\r\n\r\ny\r\n--b--\r\n", "no signature"),
        (b"--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n", "not closed"),
        (b"--b\r\n" * 40, "not closed"),
    ],
)
def test_a_signed_message_has_a_part_and_its_signature_and_no_more(body: bytes, why: str) -> None:
    with pytest.raises(As2Invalid, match=why):
        Dock().open(replace(kind('multipart/signed; boundary="b"'), body=body))
    with pytest.raises(As2Invalid, match="no boundary"):
        Dock().open(replace(kind("multipart/signed"), body=body))


def test_the_name_of_a_document_leads_nowhere() -> None:
    for said, name in (
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\order.edi"', "order.edi"),
        ("attachment; filename=order.edi", "order.edi"),
        ('attachment; filename="a\x1b[2Jb"', "a[2Jb"),
        ('attachment; filename=".."', ""),
        ("attachment", ""),
        ("", ""),
    ):
        assert mime.disposition_filename(said) == name
    named = Dock().open(Dock().write(Payload(content=b"x", filename='or"der.edi')).message)
    assert named.payload.filename == "or'der.edi"


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("quoted-printable", b"a=3Db=\r\nc", b"a=bc"),
        ("base64", b"YQ==\r\n", b"a"),
        ("7bit", b"a", b"a"),
    ],
)
def test_transfer_encodings_are_undone(encoding: str, body: bytes, content: bytes) -> None:
    message = but(replace(sent(PLAIN), body=body), content_transfer_encoding=encoding)

    assert Dock().open(message).payload.content == content


@pytest.mark.parametrize(("encoding", "body"), [("base64", b"a"), ("base64", b"a!=="), ("x", b"")])
def test_an_encoding_that_does_not_hold_is_refused(encoding: str, body: bytes) -> None:
    message = but(replace(sent(PLAIN), body=body), content_transfer_encoding=encoding)

    assert fault(message) is Fault.UNEXPECTED


def test_headers_are_unfolded_and_have_to_be_some() -> None:
    read = mime.read(b"A: b\r\n c\r\nD:e\r\n\r\nbody")
    assert (read.headers.get("a"), read.headers.get("d"), read.body) == ("b c", "e", b"body")
    assert mime.read(b"\r\nbody").body == b"body"
    for data in (b"no colon\r\n\r\n", b"A: b", b": c\n\n", b"a: b\r\n" * 201 + b"\r\n"):
        with pytest.raises(As2Invalid):
            mime.read(data)
    with pytest.raises(As2Invalid, match="twice"):
        mime.content_type("a/b; c=d; c=e")


def test_digests_are_known_by_every_spelling() -> None:
    for said in ("sha256", "SHA-256", "sha_256", " Sha-256 ", "rsa-sha256"):
        assert digest_named(said) is Digest.SHA256
    assert digest_named("md5") is None


def test_certificates_of_a_message_are_not_trusted_because_they_are_in_it() -> None:
    stranger = Dock(our_keys=(own("stranger"),), outgoing=Outgoing(cipher=None)).write().message
    [theirs] = read_certificates(pem("stranger"))

    assert theirs.der in split_signed(stranger)[1]
    assert fault(stranger) is Fault.AUTHENTICATION
