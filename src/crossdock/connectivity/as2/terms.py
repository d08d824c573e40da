"""What is agreed with a partner, and who the two sides are."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.certificates import Certificate, OwnKey
from crossdock.connectivity.as2.faults import unexpected

MEGABYTE = 1024 * 1024


class Compression(StrEnum):
    """When a message is compressed: before it is signed, or after (RFC 5402)."""

    BEFORE = "before"
    AFTER = "after"


class ReceiptKind(StrEnum):
    """What is asked of the partner: a signed receipt, one without a signature, or none."""

    SIGNED = "signed"
    PLAIN = "plain"
    NONE = "none"


class OnDuplicate(StrEnum):
    """What a message is answered whose id has come before. It never has an effect again.

    REPEAT gives the first receipt again, WARN one that says `warning: duplicate-document`.
    """

    REPEAT = "repeat"
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """How a message to a partner is made, and what receipt is asked for.

    `receipt_url` asks for the receipt by a call of the partner's own, to that address.
    """

    digest: Digest | None = Digest.SHA256
    is_pss: bool = False
    cipher: Cipher | None = Cipher.AES_256
    oaep: Digest | None = None
    compression: Compression | None = None
    is_base64: bool = False
    receipt: ReceiptKind = ReceiptKind.SIGNED
    receipt_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What is taken of a partner. SHA-1 and 3DES are for those who can do no better.

    `receipt_urls` are the addresses that a receipt may be sent to, and no other is.
    """

    must_be_signed: bool = True
    must_be_encrypted: bool = True
    takes_sha1: bool = False
    takes_3des: bool = False
    receipt_urls: frozenset[str] = frozenset()
    bytes_max: int = 256 * MEGABYTE
    on_duplicate: OnDuplicate = OnDuplicate.REPEAT

    def takes(self, algorithm: Digest | Cipher) -> bool:
        if algorithm is Digest.SHA1:
            return self.takes_sha1
        return self.takes_3des or algorithm is not Cipher.TRIPLE_DES


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """We, as the partners call us."""

    name: str
    keys: tuple[OwnKey, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """The other side, as it calls itself."""

    name: str
    certificates: tuple[Certificate, ...] = ()
    outgoing: Outgoing = field(default_factory=Outgoing)
    incoming: Incoming = field(default_factory=Incoming)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The document that a message carries."""

    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"
    filename: str = ""

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Say what the document is, as headers."""
        kind = ("Content-Type", self.content_type)
        if not self.filename:
            return (kind,)
        if not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f/\\]{1,200}", self.filename):
            raise unexpected(f"{self.filename[:60]!r} is no file name to send")
        named = self.filename.replace('"', "'").encode("ascii", "replace").decode()
        return (kind, ("Content-Disposition", f'attachment; filename="{named}"'))
