"""A message to a partner: compressed, signed and encrypted as its terms say."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random

from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.certificates import encrypting_for, signing_key
from crossdock.connectivity.as2.compressing import compress
from crossdock.connectivity.as2.enveloping import encrypt
from crossdock.connectivity.as2.faults import unexpected
from crossdock.connectivity.as2.mime import Entity, Headers, joined
from crossdock.connectivity.as2.names import read_message_id, written_name
from crossdock.connectivity.as2.signing import sign
from crossdock.connectivity.as2.terms import Compression, House, Partner, Payload, ReceiptKind

_LINE = 76


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every message has from outside: its id, the time, and chance."""

    message_id: str
    at: datetime
    random: Random = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """What a receipt will be held against; it is kept until one has come.

    `mics` has the content's digest by each algorithm that the partner may answer in; `digest` is
    the one that it ought to, and another proves only where its terms take it.
    """

    message_id: str
    to: str
    digest: Digest
    receipt: ReceiptKind
    mics: dict[Digest, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Awaited):
    """A message as it goes out, with what is awaited."""

    message: Entity


def write(payload: Payload, house: House, partner: Partner, stamp: Stamp) -> Sent:
    """Make a message. The same stamp, payload and terms say the same to the partner."""
    terms = partner.outgoing
    part = _part(payload, is_base64=terms.is_base64)
    counted = part.written()
    if terms.compression is Compression.BEFORE:
        part = _compressed(part)
    if terms.digest:
        counted = part.written()
        part = signed(part, house, terms.digest, stamp, is_pss=terms.is_pss)
    if terms.compression is Compression.AFTER:
        part = _compressed(part)
    if terms.cipher:
        certificate = encrypting_for(partner.certificates, stamp.at)
        sealed = encrypt(part.written(), certificate, terms.cipher, terms.oaep, stamp.random)
        part = _pkcs7("smime.p7m", "enveloped-data", sealed)
    if not (terms.digest or terms.cipher or terms.compression):
        part = Entity(Headers(payload.headers()), payload.content)
        counted = payload.content
    message = Entity(Headers((*_headers(house, partner, stamp), *part.headers)), part.body)
    message.headers.written()  # who calls with a header that breaks out hears of it here
    return Sent(
        message=message,
        message_id=stamp.message_id,
        to=partner.name,
        mics={one: one.base64_of(counted) for one in Digest},
        digest=terms.digest or Digest.SHA256,
        receipt=terms.receipt,
    )


def _part(payload: Payload, *, is_base64: bool) -> Entity:
    how = "base64" if is_base64 else "binary"
    headers = Headers((*payload.headers(), ("Content-Transfer-Encoding", how)))
    return Entity(headers, _base64(payload.content) if is_base64 else payload.content)


def _base64(content: bytes) -> bytes:
    text = base64.b64encode(content)
    lines = (text[at : at + _LINE] for at in range(0, len(text), _LINE))
    return b"\r\n".join(lines)


def _compressed(part: Entity) -> Entity:
    return _pkcs7("smime.p7z", "compressed-data", compress(part.written()))


def _pkcs7(name: str, kind: str, body: bytes) -> Entity:
    headers = (
        ("Content-Type", f'application/pkcs7-mime; smime-type={kind}; name="{name}"'),
        ("Content-Transfer-Encoding", "binary"),
        ("Content-Disposition", f'attachment; filename="{name}"'),
    )
    return Entity(Headers(headers), body)


def signed(part: Entity, house: House, digest: Digest, stamp: Stamp, *, is_pss: bool) -> Entity:
    """Sign a part: multipart/signed of the part, to the byte, and the signature."""
    content = part.written()
    signature = sign(content, signing_key(house.keys, stamp.at), digest, stamp.at, is_pss=is_pss)
    of_signature = Headers(
        (
            ("Content-Type", 'application/pkcs7-signature; name="smime.p7s"'),
            ("Content-Transfer-Encoding", "base64"),
            ("Content-Disposition", 'attachment; filename="smime.p7s"'),
        )
    )
    boundary = fresh_boundary(stamp.random, content)
    kind = (
        "multipart/signed; protocol="
        f'"application/pkcs7-signature"; micalg={digest}; boundary="{boundary}"'
    )
    parts = [content, Entity(of_signature, _base64(signature)).written()]
    return Entity(Headers((("Content-Type", kind),)), joined(parts, boundary.encode()))


def fresh_boundary(random: Random, content: bytes) -> str:
    """Draw a boundary that does not stand in the content."""
    while True:
        boundary = "=_crossdock_" + random.randbytes(15).hex()
        if boundary.encode() not in content:
            return boundary


def envelope(sender: str, receiver: str, stamp: Stamp) -> tuple[tuple[str, str], ...]:
    """Give the headers that messages and receipts have in common."""
    if stamp.at.tzinfo is None:
        raise unexpected("the time of a message has no zone")
    return (
        ("AS2-Version", "1.2"),
        ("AS2-From", written_name(sender)),
        ("AS2-To", written_name(receiver)),
        ("Message-ID", f"<{read_message_id(stamp.message_id)}>"),
        ("Date", format_datetime(stamp.at.astimezone(UTC), usegmt=True)),
        ("MIME-Version", "1.0"),
    )


def _headers(house: House, partner: Partner, stamp: Stamp) -> tuple[tuple[str, str], ...]:
    terms = partner.outgoing
    headers = envelope(house.name, partner.name, stamp)
    if terms.receipt is ReceiptKind.NONE:
        return headers
    headers += (("Disposition-Notification-To", written_name(house.name)),)
    if terms.receipt is ReceiptKind.SIGNED:
        micalg = terms.digest or Digest.SHA256
        options = (
            "signed-receipt-protocol=required, pkcs7-signature; "
            f"signed-receipt-micalg=required, {micalg}"
        )
        headers += (("Disposition-Notification-Options", options),)
    if terms.receipt_url:
        headers += (("Receipt-Delivery-Option", terms.receipt_url),)
    return headers
