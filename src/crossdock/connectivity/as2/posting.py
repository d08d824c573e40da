"""What goes out by AS2: intent first, then the call, then the outcome, under one id for ever."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import Any

import structlog

from crossdock.canonical.errors import Conflict, CrossdockError, NotFound
from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.faults import As2Invalid
from crossdock.connectivity.as2.hearing import Hearing, heard
from crossdock.connectivity.as2.messages import (
    OPEN,
    KeptMessage,
    Messages,
    MessageState,
    ToSend,
    awaited_json,
    awaited_of,
    hashed,
)
from crossdock.connectivity.as2.mime import Entity, Headers
from crossdock.connectivity.as2.partners import PartnerBook, Sides
from crossdock.connectivity.as2.profiles import Resending
from crossdock.connectivity.as2.sending import Stamp, write
from crossdock.connectivity.as2.terms import ReceiptKind
from crossdock.connectivity.transports.http import HttpClient, HttpResponse, target_of
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction, WorkersSql
from crossdock.foundation.ids import Ids, derived_uuid, prefixed
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

CALL_SECONDS_MAX = 120
LEASE = timedelta(seconds=2 * CALL_SECONDS_MAX)
"""After it a message whose sender was killed in the middle of a call is sent again."""
ANSWER_BYTES_MAX = 4 * 1024 * 1024
LOOKED_FOR = timedelta(seconds=5)
SENT_AT_ONCE = 8
LOOK_SECONDS_MAX = 120
"""Then no call is begun: after five minutes the job is cut off, in the midst of its calls."""
PAGE = 200

INTEND = """
insert into as2_message (tenant, message, direction, house, partner_name, message_id, state, raw,
    raw_sha256, payload, payload_sha256, content_type, filename, mics, due_at, made_at)
values ($1, $2, 'OUT', $3, $4, $5, 'DUE', $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $13)
on conflict do nothing returning message
"""
INTENDED = """
select message, payload_sha256 = $5 as is_same from as2_message
where tenant = $1 and direction = 'OUT' and house = $2 and partner_name = $3 and message_id = $4
"""
DUE = WorkersSql("""
select tenant, message from as2_message where due_at <= $1 order by due_at limit $2
""")
CLAIM = """
update as2_message set attempts = attempts + 1, due_at = $4
where tenant = $1 and message = $2 and due_at <= $3
    and (direction = 'IN' or state in ('DUE', 'AWAITED'))
returning message, direction, house, partner_name, message_id, state, because, raw, mics, receipt,
    receipt_url, attempts, repeats
"""
LOCK = """
select message, house, partner_name, message_id, state, mics, repeats, attempts from as2_message
where tenant = $1 and message = $2 for update
"""
WAIT = """
update as2_message set state = $3, because = $4, due_at = $5
where tenant = $1 and message = $2 and state in ('DUE', 'AWAITED')
"""
RECEIPT_SENT = """
update as2_message set due_at = $3, because = $4 where tenant = $1 and message = $2
"""
AGAIN = """
update as2_message set state = 'DUE', attempts = 0, due_at = $3
where tenant = $1 and message = $2 and direction = 'OUT' and state in ('FAILED', 'UNPROVEN',
    'REFUSED', 'DUE', 'AWAITED')
returning message
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: its answer, or why there is none."""

    answer: HttpResponse | None = None
    failure: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.answer is not None and 200 <= self.answer.status < 300  # noqa: PLR2004 - HTTP's own numbers

    @property
    def because(self) -> str:
        if self.answer is None:
            return self.failure[:500]
        return f"the partner has answered HTTP {self.answer.status}"


@dataclass(frozen=True, slots=True)
class Posting:
    """Sends messages to partners, and receipts to where they are agreed to go.

    To send one again is harmless by the standard: the id and every byte are the same.
    """

    database: Database
    clock: Clock
    ids: Ids
    random: Random = field(repr=False)
    partners: PartnerBook
    hearing: Hearing
    allow_private_addresses: bool = False

    @property
    def job(self) -> Job:
        return Job(name="send AS2 messages", every=LOOKED_FOR, work=self.post_due)

    async def intend(self, scope: Scope, wanted: ToSend) -> KeptMessage:
        """Keep a message that is to be sent; a request that was kept before is answered again."""
        now = self.clock.now()
        whose = (scope.tenant, wanted.house, wanted.partner)
        message_id = f"{derived_uuid('as2', *whose, wanted.request_id).hex}@crossdock"
        async with self.database.transaction(scope) as tx:
            sides = await self._sides(tx, wanted.house, wanted.partner)
        stamp = Stamp(message_id, now, self.random)
        terms = sides.profile.terms()
        sent = await asyncio.to_thread(write, wanted.payload, sides.house, terms, stamp)
        raw, payload = sent.message.written(), wanted.payload
        content_hash = sha256(payload.content).hexdigest()
        async with self.database.transaction(scope) as tx:
            name = await tx.fetchval(
                INTEND,
                *(tx.tenant, prefixed("msg", self.ids.new()), wanted.house, wanted.partner),
                *(message_id, raw, hashed(raw), payload.content, content_hash),
                payload.content_type,
                *(payload.filename, awaited_json(sent), now),
            )
            if name is None:
                row = await tx.fetchrow(INTENDED, *whose, message_id, content_hash)
                if not row["is_same"]:
                    raise Conflict(
                        f"request {wanted.request_id!r} was for another document",
                        hint="give every document a request id of its own",
                    )
                name = row["message"]
        return await Messages(self.database).one(scope, name)

    async def post(self, scope: Scope, message: str) -> KeptMessage:
        """Send a message, if it is due and nobody else is sending it; say how it stands."""
        now = self.clock.now()
        async with self.database.transaction(scope) as tx:
            row = await tx.fetchrow(CLAIM, tx.tenant, message, now, now + LEASE)
            sides = row and await self.partners.sides(tx, row["house"], row["partner_name"])
        if row:
            await self._sent(scope, row, sides)
        return await Messages(self.database).one(scope, message)

    async def again(self, scope: Scope, message: str) -> None:
        """Have a message sent again from the beginning, by the hand of a person."""
        async with self.database.transaction(scope) as tx:
            if not await tx.fetchval(AGAIN, tx.tenant, message, self.clock.now()):
                raise NotFound(
                    f"{message!r} is no message that could be sent again",
                    hint="what was proven is not sent again; give its document a new request id",
                )

    async def post_due(self) -> int:
        """Send what is due, whoever's, some at once; say how many were."""
        async with self.database.transaction(Scope.of_workers()) as tx:
            rows = await tx.fetch(DUE, self.clock.now(), PAGE)
        room, started = asyncio.Semaphore(SENT_AT_ONCE), self.clock.ticks()

        async def one(tenant: str, message: str) -> None:
            async with room:
                if self.clock.ticks() - started > LOOK_SECONDS_MAX:
                    return
                try:
                    await self.post(Scope(tenant), message)
                except OUTAGES:
                    raise
                except Exception:
                    log.exception("as2: message not sent", message=message, tenant=tenant)

        await asyncio.gather(*(one(row["tenant"], row["message"]) for row in rows))
        return len(rows)

    async def _sides(self, tx: Transaction, house: str, partner: str) -> Sides:
        sides = await self.partners.sides(tx, house, partner)
        if sides is None or not sides.profile.url:
            raise NotFound(
                f"{house!r} has no partner {partner!r} to send to",
                hint="`crossdock as2 put-partner` makes one, with its --url",
            )
        return sides

    async def _sent(self, scope: Scope, row: Mapping[str, Any], sides: Sides | None) -> None:
        resending = sides.profile.resending if sides else Resending()
        if row["direction"] == "IN":
            # What was agreed when the message came need not be agreed any more.
            is_agreed = sides and row["receipt_url"] in sides.profile.incoming.receipt_urls
            url = row["receipt_url"] if is_agreed else ""
            outcome = await self._called(url, row["receipt"], sides)
            await self._receipt_sent(scope, row, outcome, resending)
            return
        if row["attempts"] > resending.attempts:
            await self._given_up(scope, row)
            return
        url = sides.profile.url if sides else ""
        outcome = await self._called(url, row["raw"], sides)
        await self._settled(scope, row, sides, outcome)

    async def _called(self, url: str, raw: bytes, sides: Sides | None) -> Outcome:
        """Make one call; what failed on its way is an outcome too."""
        if sides is None or not url:
            return Outcome(failure="the address is not agreed with the partner any more")
        message = mime.read(raw)
        try:
            base, path = target_of(url)
            async with HttpClient(
                base,
                clock=self.clock,
                allow_private_addresses=self.allow_private_addresses,
                timeout_seconds=CALL_SECONDS_MAX,
                response_bytes_max=ANSWER_BYTES_MAX,
            ) as client:
                headers = dict(message.headers)
                return Outcome(
                    await client.request("POST", path, headers=headers, body=message.body)
                )
        except CrossdockError as error:
            return Outcome(failure=error.message)

    async def _receipt_sent(
        self, scope: Scope, row: Mapping[str, Any], outcome: Outcome, resending: Resending
    ) -> None:
        due_at, because = None, row["because"]
        if not outcome.is_accepted:
            because = f"its receipt could not be sent: {outcome.because}"
            if row["attempts"] < resending.attempts:
                due_at = self.clock.now() + resending.wait(row["attempts"])
        async with self.database.transaction(scope) as tx:
            await tx.execute(RECEIPT_SENT, tx.tenant, row["message"], due_at, because)

    async def _given_up(self, scope: Scope, row: Mapping[str, Any]) -> None:
        because = row["because"] or "no receipt has come"
        async with self.database.transaction(scope) as tx:
            locked = await tx.fetchrow(LOCK, tx.tenant, row["message"])
            await self.hearing.settle_as(tx, locked, MessageState.FAILED, because)

    async def _settled(
        self, scope: Scope, row: Mapping[str, Any], sides: Sides | None, outcome: Outcome
    ) -> None:
        receipt = _receipt_in(outcome)
        said = None
        if receipt and sides:
            said = await asyncio.to_thread(heard, receipt, sides, row, self.clock.now())
        async with self.database.transaction(scope) as tx:
            locked = await tx.fetchrow(LOCK, tx.tenant, row["message"])
            if said and receipt:
                await self.hearing.settle(tx, locked, said, receipt.written())
            elif MessageState(locked["state"]) in OPEN:
                await self._wait(tx, locked, sides, outcome)

    async def _wait(
        self, tx: Transaction, row: Mapping[str, Any], sides: Sides | None, outcome: Outcome
    ) -> None:
        """Decide on a call that brought no receipt: settled, awaited, sent again, or given up."""
        awaited, now = awaited_of(row), self.clock.now()
        profile = sides.profile if sides else None
        resending = profile.resending if profile else Resending()
        if outcome.is_accepted and awaited.receipt is ReceiptKind.NONE:
            await self.hearing.settle_as(tx, row, MessageState.SENT, "")
            return
        state, because = MessageState.DUE, outcome.because
        due_at = now + resending.wait(row["attempts"])
        if outcome.is_accepted and profile and profile.outgoing.receipt_url:
            state, because = MessageState.AWAITED, ""
            due_at = now + timedelta(minutes=resending.receipt_minutes)
        elif outcome.is_accepted:
            because = "the partner has answered without the receipt that was asked for"
        if state is MessageState.DUE and row["attempts"] >= resending.attempts:
            await self.hearing.settle_as(tx, row, MessageState.FAILED, because)
            return
        await tx.execute(WAIT, tx.tenant, row["message"], state, because, due_at)


def _receipt_in(outcome: Outcome) -> Entity | None:
    """Give the receipt in an answer, whatever its status; None for none."""
    answer = outcome.answer
    if answer is None or not answer.body:
        return None
    found = Entity(Headers(tuple(answer.headers.items())), answer.body)
    try:
        kind = found.content_type.kind
    except As2Invalid:
        return None
    is_one = kind in {"multipart/report", "multipart/signed"}
    return found if is_one else None
