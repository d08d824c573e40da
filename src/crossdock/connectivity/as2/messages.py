"""Messages by AS2 as they are kept, in and out, each with the receipt that proves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec

from crossdock.canonical.errors import NotFound
from crossdock.canonical.messages import MessageSettled
from crossdock.canonical.partners import Direction
from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.sending import Awaited
from crossdock.connectivity.as2.terms import Payload, ReceiptKind
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

TRANSPORT = "AS2"
SOURCE = "as2"
"""Whose events these are, in the log."""


class MessageState(StrEnum):
    """What became of a message: of one that came in, TAKEN or REFUSED.

    Of one that goes out: DUE to be sent, or sent again. AWAITED: it was sent, and its receipt is
    to come by a call of the partner's. The others are told by `canonical.messages.MessageSettled`.
    """

    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    DUE = "DUE"
    AWAITED = "AWAITED"
    SENT = "SENT"
    PROVEN = "PROVEN"
    TOLD = "TOLD"
    UNPROVEN = "UNPROVEN"
    FAILED = "FAILED"


GOOD = frozenset({MessageState.SENT, MessageState.PROVEN, MessageState.TOLD})
OPEN = frozenset({MessageState.DUE, MessageState.AWAITED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMessage:
    """A message as it is listed. `mic` is what its receipt gives the digest of the content as.

    `signed_by` is the fingerprint of the certificate that its signature (or, of a message out,
    its receipt's) was verified with. `repeats` counts how often it came again (of a message out:
    how often it was settled), `attempts` how often it, or its receipt, was sent. `due_at` is when
    that is done next.
    """

    message: str
    direction: Direction
    house: str
    partner: str
    message_id: str
    state: MessageState
    because: str
    layers: list[str]
    content_type: str
    filename: str
    payload_bytes: int
    payload_sha256: str
    mic: str
    signed_by: str
    has_receipt: bool
    receipt_url: str
    attempts: int
    repeats: int
    due_at: datetime | None
    made_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept of a message beside what is listed, to the byte."""

    kept: KeptMessage
    raw: bytes = field(repr=False)
    payload: bytes = field(repr=False)
    receipt: bytes | None = field(repr=False)


# What is large lies outside the row, and is not fetched to be listed.
LISTED = """
select message, direction, house, partner_name, message_id, state, because, layers, content_type,
    filename, length(payload) as payload_bytes, payload_sha256, mic, signed_by,
    receipt is not null as has_receipt, receipt_url, attempts, repeats, due_at, made_at, settled_at
from as2_message
where tenant = $1 and ($2 = '' or direction = $2) and ($3 = '' or state = $3)
    and ($4 = '' or partner_name = $4) and ($5 = '' or message < $5)
order by message desc limit $6
"""
ONE = """
select message, direction, house, partner_name, message_id, state, because, layers, content_type,
    filename, length(payload) as payload_bytes, payload_sha256, mic, signed_by,
    receipt is not null as has_receipt, receipt_url, attempts, repeats, due_at, made_at, settled_at
from as2_message where tenant = $1 and message = $2
"""
CONTENTS = "select raw, payload, receipt from as2_message where tenant = $1 and message = $2"


@dataclass(frozen=True, slots=True)
class Messages:
    database: Database

    async def listed(
        self,
        scope: Scope,
        *,
        direction: str = "",
        state: str = "",
        partner: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[KeptMessage]:
        """List messages, the newest first; `after` takes the last one of the page before."""
        wanted = (direction, state, partner, after, limit)
        async with self.database.transaction(scope) as tx:
            return [kept_of(row) for row in await tx.fetch(LISTED, tx.tenant, *wanted)]

    async def one(self, scope: Scope, message: str) -> KeptMessage:
        async with self.database.transaction(scope) as tx:
            return await _one(tx, message)

    async def show(self, scope: Scope, message: str) -> Stored:
        """Give a message with all that is kept of it."""
        async with self.database.transaction(scope) as tx:
            kept = await _one(tx, message)
            row = await tx.fetchrow(CONTENTS, tx.tenant, message)
        return Stored(kept, row["raw"], row["payload"], row["receipt"])


async def _one(tx: Transaction, message: str) -> KeptMessage:
    row = await tx.fetchrow(ONE, tx.tenant, message)
    if row is None:
        raise NotFound(
            f"there is no message {message!r} by AS2",
            hint="`crossdock as2 messages` lists them; the Message-ID is another name",
        )
    return kept_of(row)


def kept_of(row: Any) -> KeptMessage:
    return KeptMessage(
        message=row["message"],
        direction=Direction(row["direction"]),
        house=row["house"],
        partner=row["partner_name"],
        message_id=row["message_id"],
        state=MessageState(row["state"]),
        because=row["because"],
        layers=list(row["layers"]),
        content_type=row["content_type"],
        filename=row["filename"],
        payload_bytes=row["payload_bytes"],
        payload_sha256=row["payload_sha256"],
        mic=row["mic"],
        signed_by=row["signed_by"],
        has_receipt=row["has_receipt"],
        receipt_url=row["receipt_url"],
        attempts=row["attempts"],
        repeats=row["repeats"],
        due_at=row["due_at"],
        made_at=row["made_at"],
        settled_at=row["settled_at"],
    )


def hashed(raw: bytes) -> bytes:
    return sha256(raw).digest()


def awaited_json(sent: Awaited) -> str:
    """Write what a receipt will be held against."""
    kept = {"digest": sent.digest, "receipt": sent.receipt, "mics": sent.mics}
    return msgspec.json.encode(kept).decode()


class _Kept(msgspec.Struct):
    digest: Digest
    receipt: ReceiptKind
    mics: dict[Digest, str]


def awaited_of(row: Any) -> Awaited:
    kept = msgspec.json.decode(row["mics"], type=_Kept)
    return Awaited(
        message_id=row["message_id"],
        to=row["partner_name"],
        digest=kept.digest,
        receipt=kept.receipt,
        mics=kept.mics,
    )


def settled_event(row: Mapping[str, Any], outcome: MessageState, because: str) -> MessageSettled:
    return MessageSettled(
        document_id=row["message"],
        transport=TRANSPORT,
        sender=row["house"],
        receiver=row["partner_name"],
        message_id=row["message_id"],
        outcome=outcome.value,
        because=because,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSend:
    """A document for a partner. Asked again under the same `request_id` it is sent once."""

    house: str
    partner: str
    payload: Payload
    request_id: str
