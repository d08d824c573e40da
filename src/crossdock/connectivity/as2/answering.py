"""What comes by AS2: kept first, then answered; the same message has one effect for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from os import SEEK_END
from random import Random
from typing import IO

import structlog

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden, Invalid, Unavailable
from crossdock.canonical.messages import MessageReceived
from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.asking import asked, asked_at_least
from crossdock.connectivity.as2.duplicates import Earlier
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.handling import Handled, handled
from crossdock.connectivity.as2.hearing import Hearing
from crossdock.connectivity.as2.messages import SOURCE, TRANSPORT, hashed
from crossdock.connectivity.as2.mime import Entity, Headers
from crossdock.connectivity.as2.partners import PartnerBook, Sides
from crossdock.connectivity.as2.receipts import Answer, Disposition, is_receipt, write_receipt
from crossdock.connectivity.as2.receiving import Addressed, Opener, Received, addressed
from crossdock.connectivity.as2.sending import Stamp
from crossdock.connectivity.as2.terms import House, Incoming
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

STRANGERS_BYTES_MAX = 1024 * 1024
SMALL_BYTES_MAX = 1024 * 1024
SMALL_AT_ONCE, LARGE_AT_ONCE = 8, 1
"""So many are in memory at a time; what still comes lies in files."""
REFUSED_KEPT = 200
"""So many refused messages are kept of one partner: who is refused may be anybody."""
UNSIGNED_BYTES_KEPT = 1024 * 1024
"""So much is kept of what was refused and nobody had signed: who writes a name may be anybody."""
RACES_MAX = 5
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

EARLIER = """
select mics ->> 'sha-256' as mic, receipt from as2_message
where tenant = $1 and direction = 'IN' and house = $2 and partner_name = $3 and message_id = $4
    and state = 'TAKEN'
"""
TAKE = """
insert into as2_message (tenant, message, direction, house, partner_name, message_id, state,
    raw, raw_sha256, payload, payload_sha256, content_type, filename, mic, mics, layers, signed_by,
    receipt, receipt_url, due_at, made_at, settled_at)
values ($1, $2, 'IN', $3, $4, $5, 'TAKEN', $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14, $15,
    $16, $17, $18, $19, $19)
on conflict do nothing returning message
"""
# A receipt that could not be signed when the message came is kept now; one that was is sent again.
AGAIN = """
update as2_message set repeats = repeats + 1, receipt = coalesce(receipt, $7),
    attempts = case when $5 then 0 else attempts end,
    due_at = case when $5 then $6 else due_at end,
    receipt_url = case when $5 then $8 else receipt_url end
where tenant = $1 and direction = 'IN' and house = $2 and partner_name = $3 and message_id = $4
    and state = 'TAKEN'
"""
REFUSE = """
insert into as2_message (tenant, message, direction, house, partner_name, message_id, state,
    because, raw, raw_sha256, layers, receipt, receipt_url, due_at, made_at, settled_at)
values ($1, $2, 'IN', $3, $4, $5, 'REFUSED', $6, $7, $8, $9, $10, $11, $12, $13, $13)
on conflict (tenant, house, partner_name, message_id, raw_sha256)
    where state = 'REFUSED' and direction = 'IN'
do update set repeats = as2_message.repeats + 1, because = excluded.because,
    receipt = excluded.receipt, due_at = excluded.due_at, attempts = 0
"""
FORGET_REFUSED = """
delete from as2_message where tenant = $1 and message in (
    select message from as2_message
    where tenant = $1 and direction = 'IN' and state = 'REFUSED' and house = $2
        and partner_name = $3
    order by message desc offset $4)
"""

ReadBody = Callable[[int], Awaitable[IO[bytes]]]
"""Reads a body of so many bytes at most into a file, which is closed by who asked for it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the caller is answered: a receipt, or nothing."""

    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, receipt: Entity) -> "Reply":
        return cls(tuple(receipt.headers), receipt.body)


@dataclass(frozen=True, slots=True)
class Answering:
    """Takes messages and receipts of partners. `hearing` is told the receipts."""

    database: Database
    clock: Clock
    ids: Ids
    random: Random = field(repr=False)
    partners: PartnerBook
    hearing: Hearing
    refused_kept: int = REFUSED_KEPT
    _small: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SMALL_AT_ONCE))
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))

    async def receive(
        self, scope: Scope, fields: tuple[tuple[str, str], ...], read: ReadBody
    ) -> Reply:
        """Take what a partner sends; it is durable before this answers.

        The headers say whom it is from, so that no more is read than is agreed. A message that
        names no sender, receiver or id is `Invalid`: nobody could be answered.
        """
        headers = Headers(fields)
        whose = addressed(Entity(headers, b""))
        async with self.database.transaction(scope) as tx:
            sides = await self.partners.sides(tx, whose.receiver, whose.sender)
            house = sides.house if sides else await self.partners.house(tx, whose.receiver)
        if sides is None:
            return await self._refuse_stranger(house, Entity(headers, b""), read)
        with await read(sides.profile.incoming.bytes_max) as file:
            is_large = file.seek(0, SEEK_END) > SMALL_BYTES_MAX
            async with self._large if is_large else self._small:
                file.seek(0)
                message = Entity(headers, await asyncio.to_thread(file.read))
                return await self._received(scope, sides, message, whose)

    async def _received(
        self, scope: Scope, sides: Sides, message: Entity, whose: Addressed
    ) -> Reply:
        if await asyncio.to_thread(_is_receipt, message):
            await self.hearing.hear(scope, sides, message)
            return Reply()
        return await self._answered(scope, sides, message, whose)

    async def _refuse_stranger(self, house: House, message: Entity, read: ReadBody) -> Reply:
        """Answer who is no partner; nothing of it is kept, for it may be anybody."""
        (await read(STRANGERS_BYTES_MAX)).close()
        whose = addressed(message)
        log.warning("as2: no partners", sender=whose.sender, receiver=whose.receiver)
        try:
            wanted = asked(message, Incoming())
        except As2Invalid:
            wanted = asked_at_least(message)
        if wanted is None:
            raise Forbidden(f"{whose.sender} and {whose.receiver} are no partners here")
        wanted = replace(wanted, url="", is_signed=wanted.is_signed and bool(house.keys))
        said = Disposition.of_fault(Fault.AUTHENTICATION)
        answer = Answer(whose, said, wanted, wanted.digest(None, Incoming()))
        async with self._small:
            stamp = self._stamp()
            try:
                return Reply.of(await asyncio.to_thread(write_receipt, answer, house, stamp))
            except Invalid:  # no key of ours holds
                unsigned = replace(answer, asked=replace(wanted, is_signed=False))
                return Reply.of(await asyncio.to_thread(write_receipt, unsigned, house, stamp))

    async def _answered(
        self, scope: Scope, sides: Sides, message: Entity, whose: Addressed
    ) -> Reply:
        for _ in range(RACES_MAX):
            done = await self._handled(scope, sides, message, whose)
            if await self._kept(scope, message, whose, done):
                return _reply(done)
        raise Unavailable("the same message came many times at once; send it again")

    async def _handled(
        self, scope: Scope, sides: Sides, message: Entity, whose: Addressed
    ) -> Handled:
        async with self.database.transaction(scope) as tx:
            earlier = await _earlier(tx, whose)
        opener = Opener(sides.house, sides.profile.terms(), self.clock.now(), self.random)
        return await asyncio.to_thread(handled, message, opener, lambda _: earlier, self._stamp())

    def _stamp(self) -> Stamp:
        return Stamp(f"{self.ids.text()}@crossdock", self.clock.now(), self.random)

    async def _kept(self, scope: Scope, message: Entity, whose: Addressed, done: Handled) -> bool:
        """Keep what came with its receipt; False if the same was taken by another meanwhile."""
        now = self.clock.now()
        async with self.database.transaction(scope) as tx:
            if done.received is None:
                await self._refuse(tx, message, whose, done, now)
                return True
            if not done.has_effect:
                is_due = bool(done.receipt_url and done.receipt)
                whom = (tx.tenant, whose.receiver, whose.sender, whose.message_id)
                receipt = done.receipt and done.receipt.written()
                await tx.execute(AGAIN, *whom, is_due, now, receipt, done.receipt_url)
                return True
            return await self._take(tx, message, done.received, done, now)

    async def _take(
        self, tx: Transaction, message: Entity, received: Received, done: Handled, now: datetime
    ) -> bool:
        whose, payload = received.addressed, received.payload
        name = prefixed("msg", self.ids.new())
        content_hash = sha256(payload.content).hexdigest()
        signature = received.layers.signature
        digest = signature.digest if signature else Digest.SHA256
        kept = await tx.fetchval(
            TAKE,
            *(tx.tenant, name, whose.receiver, whose.sender, whose.message_id),
            *(
                _raw(message),
                hashed(message.body),
                payload.content,
                content_hash,
                payload.content_type,
                payload.filename,
            ),
            f"{received.mic(digest)}, {digest}",
            f'{{"{Digest.SHA256}": "{received.mic(Digest.SHA256)}"}}',
            list(map(_storable, received.layers.seen)),
            signature.certificate.fingerprint if signature else "",
            done.receipt and done.receipt.written(),
            done.receipt_url,
            now if done.receipt_url and done.receipt else None,
            now,
        )
        if kept is None:
            return False
        fact = Fact(
            identity=f"received:{name}",
            payload=MessageReceived(
                document_id=name,
                transport=TRANSPORT,
                sender=whose.sender,
                receiver=whose.receiver,
                message_id=whose.message_id,
                content_type=payload.content_type,
                filename=payload.filename,
                size_bytes=len(payload.content),
                sha256=content_hash,
                is_signed=signature is not None,
            ),
            occurred_at=now,
        )
        entry = event_log.Entry(tenant=tx.tenant, source=SOURCE, received_at=now, fact=fact)
        await event_log.append_once(tx, [entry])
        return True

    async def _refuse(
        self, tx: Transaction, message: Entity, whose: Addressed, done: Handled, now: datetime
    ) -> None:
        because = done.refusal.message if done.refusal else ""
        raw = _raw(message if done.layers.signature else _begin(message))
        await tx.execute(
            REFUSE,
            *(tx.tenant, prefixed("msg", self.ids.new())),
            *(whose.receiver, whose.sender, whose.message_id),
            _storable(because),
            *(raw, hashed(message.body), list(map(_storable, done.layers.seen))),
            done.receipt and done.receipt.written(),
            done.receipt_url,
            now if done.receipt_url and done.receipt else None,
            now,
        )
        whom = (tx.tenant, whose.receiver, whose.sender)
        await tx.execute(FORGET_REFUSED, *whom, self.refused_kept)


async def _earlier(tx: Transaction, whose: Addressed) -> Earlier | None:
    row = await tx.fetchrow(EARLIER, tx.tenant, whose.receiver, whose.sender, whose.message_id)
    if row is None:
        return None
    return Earlier(row["mic"], row["receipt"] and mime.read(row["receipt"]))


def _reply(done: Handled) -> Reply:
    """Give the receipt in the answer, if it goes there; a refusal that asks for none is an error.

    What is behind it is for our own people: the partner is told what a receipt would tell.
    """
    if done.receipt and not done.receipt_url:
        return Reply.of(done.receipt)
    if done.unanswered:
        raise Unavailable("the receipt cannot be signed now; send it again later")
    if done.refusal and not done.is_asked:
        raise Invalid(f"the message was not taken: {done.refusal.fault}")
    return Reply()


def _is_receipt(message: Entity) -> bool:
    """Say whether it is a receipt; what cannot be read is answered as a message."""
    try:
        return is_receipt(message)
    except As2Invalid:
        return False


def _raw(message: Entity) -> bytes:
    """Write a message as it came, without what lets somebody in."""
    kept = tuple(one for one in message.headers if one[0].lower() not in _SECRET_HEADERS)
    return Entity(Headers(kept), message.body).written()


def _begin(message: Entity) -> Entity:
    return Entity(message.headers, message.body[:UNSIGNED_BYTES_KEPT])


def _storable(text: str) -> str:
    return text.replace("\0", "")[:2000]
