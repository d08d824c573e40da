"""A partner's message opened, layer by layer, and held against what is agreed."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.compressing import decompress
from crossdock.connectivity.as2.enveloping import decrypt
from crossdock.connectivity.as2.faults import As2Invalid, Fault, unexpected
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.names import read_message_id, read_name
from crossdock.connectivity.as2.signing import Verified, verify
from crossdock.connectivity.as2.terms import House, Incoming, Partner, Payload

SIGNED = "multipart/signed"
PKCS7 = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
SIGNATURES = {"application/pkcs7-signature", "application/x-pkcs7-signature"}
_ENVELOPED, _COMPRESSED = "enveloped-data", "compressed-data"
_TELLING = {Fault.UNEXPECTED, Fault.DECOMPRESSION}


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom a message is from and for, which is known before anything is opened."""

    sender: str
    receiver: str
    message_id: str


@dataclass(slots=True)
class Layers:
    """What was opened, from the outside in; of a refused message, as far as it came."""

    seen: list[str] = field(default_factory=list[str])
    cipher: Cipher | None = None
    signature: Verified | None = None
    is_compressed: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A message that holds. `counted` is what its receipt gives the digest of."""

    addressed: Addressed
    payload: Payload
    layers: Layers
    counted: bytes = field(repr=False)

    def mic(self, digest: Digest) -> str:
        return digest.base64_of(self.counted)


def addressed(message: Entity) -> Addressed:
    """Read whom a message is from and for, and its id."""
    version = message.headers.get("AS2-Version")
    if version is not None and not version.startswith("1."):
        raise unexpected(f"AS2-Version {version[:20]!r} is not spoken here", where="AS2-Version")
    return Addressed(
        sender=read_name(message.headers, "AS2-From"),
        receiver=read_name(message.headers, "AS2-To"),
        message_id=read_message_id(message.headers.get("Message-ID")),
    )


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens messages of one partner: with these keys, on these terms, at this time."""

    house: House
    partner: Partner
    at: datetime
    random: Random = field(repr=False)

    @property
    def _terms(self) -> Incoming:
        return self.partner.incoming

    def open(self, message: Entity, layers: Layers | None = None) -> Received:
        """Open a message, or refuse it. `layers` tells of a refused one how far it came."""
        layers = layers if layers is not None else Layers()
        whose = addressed(message)
        if (whose.sender, whose.receiver) != (self.partner.name, self.house.name):
            raise As2Invalid(
                Fault.AUTHENTICATION,
                f"it is from {whose.sender!r} for {whose.receiver!r}, and not from"
                f" {self.partner.name!r} for {self.house.name!r}",
                where="AS2-From",
            )
        if len(message.body) > self._terms.bytes_max:
            raise unexpected(f"it is larger than {self._terms.bytes_max} bytes")
        part = self._decrypted(message, layers)
        try:
            counted, part = self._unsealed(part, layers)
            self._hold_against_terms(layers)
            return Received(whose, _payload(part), layers, counted)
        except As2Invalid as error:
            raise _veiled(error, layers) from None

    def _decrypted(self, message: Entity, layers: Layers) -> Entity:
        if _kind(message) != _ENVELOPED:
            return message
        cipher, content = decrypt(message.decoded(), self.house.keys, self._terms, self.random)
        layers.cipher = cipher
        layers.seen.append(f"encrypted, {cipher}")
        try:
            return mime.read(content)
        except As2Invalid as error:
            raise _veiled(error, layers) from None

    def _unsealed(self, part: Entity, layers: Layers) -> tuple[bytes, Entity]:
        """Take off compression and signature; give what is counted, and the document."""
        inner = self._inflated(part, layers)
        if inner.content_type.kind != SIGNED:
            is_plain = layers.cipher is None and not layers.is_compressed
            return inner.body if is_plain else mime.canonical(inner.raw), inner
        content, signature = split_signed(inner)
        certificates = self.partner.certificates
        found = verify(content, signature, certificates, self._terms, self.at)
        layers.signature = found
        how = "RSASSA-PSS, " if found.is_pss else ""
        layers.seen.append(f"signed, {how}{found.digest}, by {found.certificate.subject}")
        return found.content, self._inflated(mime.read(found.content), layers)

    def _inflated(self, part: Entity, layers: Layers) -> Entity:
        if _kind(part) != _COMPRESSED or layers.is_compressed:
            return part
        content = decompress(part.decoded(), self._terms.bytes_max)
        layers.is_compressed = True
        layers.seen.append("compressed, zlib")
        return mime.read(content)

    def _hold_against_terms(self, layers: Layers) -> None:
        hint = "ask the partner to secure its messages as agreed"
        if self._terms.must_be_encrypted and not layers.cipher:
            raise As2Invalid(Fault.SECURITY, "it is not encrypted, and has to be", hint=hint)
        if self._terms.must_be_signed and not layers.signature:
            # Of what was encrypted, to say more would tell that it was opened: see `_veiled`.
            fault = Fault.DECRYPTION if layers.cipher else Fault.SECURITY
            raise As2Invalid(fault, "it is not signed, and has to be", hint=hint)


def _veiled(error: As2Invalid, layers: Layers) -> As2Invalid:
    """Tell the partner nothing of what an encrypted layer holds, while nobody has signed for it.

    Else who sends changed bytes of another's message could learn from the answers what was in it.
    Our own people are told.
    """
    is_opened = layers.cipher is not None and layers.signature is None
    if not is_opened or error.fault not in _TELLING:
        return error
    return As2Invalid(Fault.DECRYPTION, error.message, where=error.where, hint=error.hint)


def _kind(part: Entity) -> str:
    """Say which layer of CMS a part is; "" for none."""
    kind = part.content_type
    if kind.kind not in PKCS7:
        return ""
    said = kind.parameters.get("smime-type", "").lower()
    if said in {_ENVELOPED, _COMPRESSED}:
        return said
    name = kind.parameters.get("name", "").lower()
    if said:
        raise unexpected(f"the layer {said[:60]!r} is not spoken here", where="Content-Type")
    return _COMPRESSED if name.endswith(".p7z") else _ENVELOPED


def split_signed(part: Entity) -> tuple[bytes, bytes]:
    """Take a multipart/signed apart: the part that is signed, to the byte, and the signature."""
    kind = part.content_type
    found, behind = mime.parts(part.body, kind.parameters.get("boundary", ""))
    if len(found) != 2 or behind.strip():  # noqa: PLR2004 - the part and its signature
        raise unexpected(f"a signed message has two parts and nothing behind, not {len(found)}")
    signature = mime.read(found[1])
    if signature.content_type.kind not in SIGNATURES:
        raise unexpected(f"the second part is {signature.content_type.kind}, no signature")
    return found[0], signature.decoded()


def _payload(part: Entity) -> Payload:
    kind = part.content_type.kind
    if kind == SIGNED or kind in PKCS7:
        raise unexpected(f"what is inside is {kind}: the layers are in no order that AS2 knows")
    return Payload(
        content=part.decoded(),
        content_type=part.headers.get("Content-Type") or "application/octet-stream",
        filename=mime.disposition_filename(part.headers.get("Content-Disposition") or ""),
    )
