"""Two trading partners with keys and certificates, which the tests make once."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from crossdock.connectivity.as2.certificates import OwnKey, read_own_key
from crossdock.connectivity.as2.handling import Handled, Lookup, handled
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.receiving import Layers, Opener, Received
from crossdock.connectivity.as2.sending import Sent, Stamp, write
from crossdock.connectivity.as2.terms import House, Incoming, Outgoing, Partner, Payload

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ORDER = Payload(content=b"ISA*00*~\r\n\x00\xff\n--x\r", content_type="application/edi-x12")
ANYTHING = Incoming(
    must_be_signed=False, must_be_encrypted=False, takes_sha1=True, takes_3des=True
)


@cache
def private_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """Make a key once for each name."""
    del name
    return generate_private_key(65537, bits)


@cache
def pem(
    name: str,
    *,
    days: tuple[int, int] = (-10, 365),
    serial: int = 4711,
    usage: frozenset[str] = frozenset(),
    bits: int = 2048,
    has_key_id: bool = False,
) -> bytes:
    """Give a private key with a certificate of its own hand, both in PEM."""
    key = private_key(name, bits)
    called = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Dock & Söhne"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    if usage:
        flags = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
            False,
        )  # fmt: skip
        certificate = certificate.add_extension(
            x509.KeyUsage(**(flags | dict.fromkeys(usage, True))), critical=True
        )
    if has_key_id:
        certificate = certificate.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret + certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@cache
def own(name: str, days: tuple[int, int] = (-10, 365), serial: int = 4711) -> OwnKey:
    return read_own_key(pem(name, days=days, serial=serial))


@dataclass(frozen=True)
class Dock:
    """Our side and the shop's; each sees the other as a partner."""

    outgoing: Outgoing = field(default_factory=Outgoing)
    incoming: Incoming = ANYTHING
    our_keys: tuple[OwnKey, ...] = field(default_factory=lambda: (own("shop"),))
    their_keys: tuple[OwnKey, ...] = field(default_factory=lambda: (own("dock"),))
    at: datetime = NOW
    our_name: str = "The Shop"
    their_name: str = 'DOCK"1'

    @property
    def sender(self) -> House:
        return House(name=self.our_name, keys=self.our_keys)

    @property
    def receiver(self) -> House:
        return House(name=self.their_name, keys=self.their_keys)

    @property
    def receiver_as_partner(self) -> Partner:
        return Partner(
            name=self.receiver.name,
            certificates=tuple(one.certificate for one in self.their_keys),
            outgoing=self.outgoing,
            incoming=self.incoming,
        )

    @property
    def sender_as_partner(self) -> Partner:
        return Partner(
            name=self.sender.name,
            certificates=tuple(one.certificate for one in self.our_keys),
            incoming=self.incoming,
        )

    def write(self, payload: Payload = ORDER, message_id: str = "1@shop") -> Sent:
        stamp = Stamp(message_id, self.at, Random(message_id))
        return write(payload, self.sender, self.receiver_as_partner, stamp)

    @property
    def opener(self) -> Opener:
        return Opener(self.receiver, self.sender_as_partner, self.at, Random(5))

    def open(self, message: Entity, layers: Layers | None = None) -> Received:
        return self.opener.open(message, layers)

    def handle(self, message: Entity, earlier: Lookup = lambda _: None) -> Handled:
        return handled(message, self.opener, earlier, Stamp("9@dock", self.at, Random(9)))


def but(message: Entity, **headers: str | None) -> Entity:
    """Give a message with other headers; None takes one away."""
    changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    kept = tuple((n, v) for n, v in message.headers if n.lower() not in changed)
    added = tuple((name, value) for name, value in changed.items() if value is not None)
    return replace(message, headers=replace(message.headers, fields=kept + added))
