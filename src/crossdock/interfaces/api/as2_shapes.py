"""What is said and shown of partners by AS2, over HTTP and by command."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.messages import KeptMessage
from crossdock.connectivity.as2.partners import KnownKey
from crossdock.connectivity.as2.profiles import (
    ATTEMPTS_MAX,
    BYTES_MAX,
    CERTIFICATES_MAX,
    MINUTES_MAX,
    URLS_MAX,
    Profile,
    PutProfile,
)
from crossdock.connectivity.as2.terms import Compression, OnDuplicate, ReceiptKind
from crossdock.interfaces.api.shapes import LongText, Text

NONE = "none"
As2Name = Annotated[Text, Field(min_length=1, max_length=128)]
Url = Annotated[Text, Field(max_length=500)]
Minutes = Annotated[int | None, Field(strict=True, ge=1, le=MINUTES_MAX)]
_SIGNS = f"^({'|'.join([*Digest, NONE])})$"
_ENCRYPTS = f"^({'|'.join([*Cipher, NONE])})$"
_COMPRESSES = f"^({'|'.join([*Compression, NONE])})$"


class As2PartnerSaid(BaseModel):
    """What is left out stays as it was, and is the default of a new partner.

    `house` and `partner` are the AS2 names of the two sides. `certificates` are PEM, and all that
    hold are taken. `sign` and `encrypt` are algorithms, or `none`. `receipt_url` asks for the
    partner's receipts at that address, and not in its answer; ours go to those of `receipt_urls`
    alone, if they are asked for elsewhere than in the answer.
    """

    model_config = ConfigDict(extra="forbid")

    house: As2Name
    partner: As2Name
    url: Url | None = None
    certificates: list[LongText] | None = Field(default=None, max_length=CERTIFICATES_MAX)
    sign: str | None = Field(default=None, pattern=_SIGNS)
    pss: bool | None = None
    encrypt: str | None = Field(default=None, pattern=_ENCRYPTS)
    oaep: bool | None = None
    compress: str | None = Field(default=None, pattern=_COMPRESSES)
    base64: bool | None = None
    receipt: ReceiptKind | None = None
    receipt_url: Url | None = None
    takes_unsigned: bool | None = None
    takes_unencrypted: bool | None = None
    takes_sha1: bool | None = None
    takes_3des: bool | None = None
    receipt_urls: list[Url] | None = Field(default=None, max_length=URLS_MAX)
    bytes_max: Annotated[int | None, Field(strict=True, ge=1, le=BYTES_MAX)] = None
    on_duplicate: OnDuplicate | None = None
    attempts: Annotated[int | None, Field(strict=True, ge=1, le=ATTEMPTS_MAX)] = None
    wait_minutes: Minutes = None
    receipt_minutes: Minutes = None

    def over(self, now: Profile | None) -> Profile:
        """Give what is to hold, where `now` holds what is not said."""
        known = now or Profile(house=self.house, partner=self.partner)
        certificates = None if self.certificates is None else tuple(self.certificates)
        return replace(
            known,
            **_given(url=self.url, certificates=certificates),
            outgoing=replace(known.outgoing, **self._outgoing()),
            incoming=replace(known.incoming, **self._incoming()),
            resending=replace(
                known.resending,
                **_given(
                    attempts=self.attempts,
                    wait_minutes=self.wait_minutes,
                    receipt_minutes=self.receipt_minutes,
                ),
            ),
        )

    def _outgoing(self) -> dict[str, Any]:
        found = _given(
            is_pss=self.pss,
            is_base64=self.base64,
            receipt=self.receipt,
            receipt_url=self.receipt_url,
        )
        if self.sign is not None:
            found["digest"] = None if self.sign == NONE else Digest(self.sign)
        if self.encrypt is not None:
            found["cipher"] = None if self.encrypt == NONE else Cipher(self.encrypt)
        if self.compress is not None:
            found["compression"] = None if self.compress == NONE else Compression(self.compress)
        if self.oaep is not None:
            found["oaep"] = Digest.SHA256 if self.oaep else None
        return found

    def _incoming(self) -> dict[str, Any]:
        urls = None if self.receipt_urls is None else frozenset(self.receipt_urls)
        found = _given(
            takes_sha1=self.takes_sha1,
            takes_3des=self.takes_3des,
            receipt_urls=urls,
            bytes_max=self.bytes_max,
            on_duplicate=self.on_duplicate,
        )
        if self.takes_unsigned is not None:
            found["must_be_signed"] = not self.takes_unsigned
        if self.takes_unencrypted is not None:
            found["must_be_encrypted"] = not self.takes_unencrypted
        return found


def _given(**said: Any) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class As2CertificateShown:
    fingerprint: str
    subject: str
    holds_from: datetime
    holds_until: datetime
    ends_soon: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class As2PartnerShown:
    """A partner as it was put last; `ends_soon` marks certificates that none follows."""

    house: str
    partner: str
    version: int
    put_by: str
    put_at: datetime
    url: str
    certificates: Sequence[As2CertificateShown]
    sign: str
    pss: bool
    encrypt: str
    oaep: bool
    compress: str
    base64: bool
    receipt: ReceiptKind
    receipt_url: str
    takes_unsigned: bool
    takes_unencrypted: bool
    takes_sha1: bool
    takes_3des: bool
    receipt_urls: Sequence[str]
    bytes_max: int
    on_duplicate: OnDuplicate
    attempts: int
    wait_minutes: int
    receipt_minutes: int


def partner_shown(put: PutProfile, soon: Sequence[str]) -> As2PartnerShown:
    """Show a partner; `soon` are the fingerprints of what ends soon."""
    one = put.profile
    sends, takes = one.outgoing, one.incoming
    return As2PartnerShown(
        house=one.house,
        partner=one.partner,
        version=put.version,
        put_by=put.put_by,
        put_at=put.put_at,
        url=one.url,
        certificates=[
            As2CertificateShown(
                fingerprint=known.fingerprint,
                subject=known.subject,
                holds_from=known.from_,
                holds_until=known.until,
                ends_soon=known.fingerprint in soon,
            )
            for known in one.known()
        ],
        sign=sends.digest or NONE,
        pss=sends.is_pss,
        encrypt=sends.cipher or NONE,
        oaep=sends.oaep is not None,
        compress=sends.compression or NONE,
        base64=sends.is_base64,
        receipt=sends.receipt,
        receipt_url=sends.receipt_url,
        takes_unsigned=not takes.must_be_signed,
        takes_unencrypted=not takes.must_be_encrypted,
        takes_sha1=takes.takes_sha1,
        takes_3des=takes.takes_3des,
        receipt_urls=sorted(takes.receipt_urls),
        bytes_max=takes.bytes_max,
        on_duplicate=takes.on_duplicate,
        attempts=one.resending.attempts,
        wait_minutes=one.resending.wait_minutes,
        receipt_minutes=one.resending.receipt_minutes,
    )


class As2Partners(BaseModel):
    partners: list[As2PartnerShown]


class As2KeySaid(BaseModel):
    """A private key with its certificate, both PEM: it is kept sealed, and shown to nobody."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    house: As2Name
    key: LongText


class As2Keys(BaseModel):
    """Our own; `certificate` is what partners are given."""

    keys: list[KnownKey]


class As2Messages(BaseModel):
    """The newest first; `after` takes the last `message`."""

    messages: list[KeptMessage]


class As2DocumentSaid(BaseModel):
    """A document for a partner, in base64. Sent once, however often it is asked for by its id."""

    model_config = ConfigDict(extra="forbid")

    house: As2Name
    partner: As2Name
    request_id: Annotated[Text, Field(min_length=1, max_length=200)]
    content: str
    content_type: Annotated[Text, Field(max_length=200)] = "application/octet-stream"
    filename: Annotated[Text, Field(max_length=200)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class As2Contents:
    """What is kept of a message, in base64: its document, itself, and its receipt if any."""

    payload: str
    raw: str
    receipt: str


def check_content_type(text: str) -> str:
    """Refuse a content type that would break out of its header, or is none."""
    if "/" not in text or not text.isascii() or not text.isprintable():
        raise Invalid(f"{text[:60]!r} is no content type", where="/content_type")
    return text
