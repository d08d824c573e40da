"""Receipts (MDN, RFC 3798) of what was received: made, signed, read and verified."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Digest, digest_named
from crossdock.connectivity.as2.asking import Asked
from crossdock.connectivity.as2.faults import Fault, unexpected
from crossdock.connectivity.as2.mime import Entity, Headers
from crossdock.connectivity.as2.names import read_message_id, written_name
from crossdock.connectivity.as2.receiving import SIGNED, Addressed, addressed, split_signed
from crossdock.connectivity.as2.sending import Stamp, envelope, fresh_boundary, signed
from crossdock.connectivity.as2.signing import Verified, verify
from crossdock.connectivity.as2.terms import House, Partner

REPORT = "multipart/report"
_NOTIFICATION = "message/disposition-notification"
_DISPOSITION = re.compile(
    r"[^;]*;\s*(processed|failed)\s*(?:/\s*(error|failure|warning)\s*)?(?::\s*(.*))?",
    re.IGNORECASE | re.DOTALL,
)
_MODE = "automatic-action/MDN-sent-automatically"


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of a message: `processed`, or with an error, a failure or a warning."""

    modifier: str = ""
    text: str = ""

    @classmethod
    def of_fault(cls, fault: Fault) -> "Disposition":
        return cls("failure" if fault.is_failure else "error", fault.value)

    @property
    def is_processed(self) -> bool:
        return self.modifier in {"", "warning"}

    def __str__(self) -> str:
        kind = "failed" if self.modifier == "failure" else "processed"
        return f"{kind}/{self.modifier}: {self.text}" if self.modifier else kind


PROCESSED = Disposition()
DUPLICATE = Disposition("warning", "duplicate-document")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receipt says of a message; `mic` is the content's digest where it was processed."""

    to: Addressed
    disposition: Disposition
    asked: Asked
    digest: Digest
    mic: str = ""


def write_receipt(answer: Answer, house: House, stamp: Stamp) -> Entity:
    """Make a receipt, signed if that is asked for; it is the answer to a call, or a call."""
    part = _report(answer, stamp)
    if answer.asked.is_signed:
        part = signed(part, house, answer.digest, stamp, is_pss=False)
    headers = envelope(answer.to.receiver, answer.to.sender, stamp)
    return Entity(Headers((*headers, *part.headers)), part.body)


def _report(answer: Answer, stamp: Stamp) -> Entity:
    text = Entity(
        Headers(
            (
                ("Content-Type", "text/plain; charset=us-ascii"),
                ("Content-Transfer-Encoding", "7bit"),
            )
        ),
        _sentence(answer).encode("ascii", "replace"),
    )
    name = written_name(answer.to.receiver)
    fields = [
        ("Reporting-UA", "Crossdock"),
        ("Original-Recipient", f"rfc822; {name}"),
        ("Final-Recipient", f"rfc822; {name}"),
        ("Original-Message-ID", f"<{answer.to.message_id}>"),
        ("Disposition", f"{_MODE}; {answer.disposition}"),
    ]
    if answer.mic and answer.disposition.is_processed:
        fields.append(("Received-Content-MIC", f"{answer.mic}, {answer.digest}"))
    notification = Entity(
        Headers((("Content-Type", _NOTIFICATION), ("Content-Transfer-Encoding", "7bit"))),
        Headers(tuple(fields)).written(),
    )
    written = [text.written(), notification.written()]
    boundary = fresh_boundary(stamp.random, b"".join(written))
    kind = f'{REPORT}; report-type=disposition-notification; boundary="{boundary}"'
    return Entity(Headers((("Content-Type", kind),)), mime.joined(written, boundary.encode()))


def _sentence(answer: Answer) -> str:
    which = f"The message <{answer.to.message_id}> from {answer.to.sender}"
    if not answer.disposition.is_processed:
        return f"{which} was received and not taken: {answer.disposition.text}.\r\n"
    again = " It was received before, and has no second effect." if answer.disposition.text else ""
    return (
        f"{which} was received.{again} It has not been looked at for what it orders or says.\r\n"
    )


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it was read. `signature` is None where it is not signed."""

    addressed: Addressed
    original_message_id: str
    disposition: Disposition
    mic: str
    mic_digest: Digest | None
    signature: Verified | None
    text: str


def is_receipt(message: Entity) -> bool:
    """Say whether a message is a receipt and no document, from its types alone."""
    kind = message.content_type
    if kind.kind == REPORT:
        return kind.parameters.get("report-type", "").lower() == "disposition-notification"
    return kind.kind == SIGNED and mime.read(split_signed(message)[0]).content_type.kind == REPORT


def read_receipt(message: Entity, partner: Partner, at: datetime) -> Receipt:
    """Read a receipt of a partner's; of one that is signed, the signature has to hold."""
    whose = addressed(message)
    if whose.sender != partner.name:
        raise unexpected(f"the receipt is from {whose.sender!r}, not from {partner.name!r}")
    part, signature = message, None
    if message.content_type.kind == SIGNED:
        content, seal = split_signed(message)
        signature = verify(content, seal, partner.certificates, partner.incoming, at)
        part = mime.read(signature.content)
    text, fields = _notification(part)
    mic, _, digest = (fields.get("Received-Content-MIC") or "").partition(",")
    return Receipt(
        addressed=whose,
        original_message_id=read_message_id(
            fields.get("Original-Message-ID"), where="Original-Message-ID"
        ),
        disposition=_disposition(fields.get("Disposition") or ""),
        mic=mic.strip(),
        mic_digest=digest_named(digest) if mic else None,
        signature=signature,
        text=text,
    )


def _notification(part: Entity) -> tuple[str, Headers]:
    kind = part.content_type
    if kind.kind != REPORT:
        raise unexpected(f"the message is {kind.kind}, no receipt", where="Content-Type")
    found, _ = mime.parts(part.body, kind.parameters.get("boundary", ""))
    read = list(map(mime.read, found))
    for one in read:
        if one.content_type.kind == _NOTIFICATION:
            fields = mime.read(one.decoded().strip() + b"\r\n\r\n")
            return _text(read), fields.headers
    raise unexpected("the receipt has no part that says what became of the message")


def _text(parts: Sequence[Entity]) -> str:
    plain = [one for one in parts if one.content_type.kind == "text/plain"]
    return plain[0].decoded().decode("utf-8", "replace").strip() if plain else ""


def _disposition(value: str) -> Disposition:
    found = _DISPOSITION.fullmatch(value.strip())
    if found is None:
        raise unexpected(f"{value[:60]!r} is no disposition", where="Disposition")
    kind, modifier, text = found.groups()
    is_failed = kind.lower() == "failed"
    return Disposition(
        (modifier or ("failure" if is_failed else "")).lower(), (text or "").strip()
    )
