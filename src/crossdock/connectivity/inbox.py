"""Receives once: verify the raw bytes, keep them, read them, record what they say.

A message is kept and counted before it is read, so one that kills its reader is known by it. What
it says, what it does not, and where it went are one transaction with the log; only after that
commit may the sender be told that all is well.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import (
    CrossdockError,
    Forbidden,
    Invalid,
    Rejected,
)
from crossdock.connectivity import quarantine, raw_messages, recording, streams
from crossdock.connectivity.acceptance import sound
from crossdock.connectivity.directory import TOPIC, Directory, Entry
from crossdock.connectivity.quarantine import Refusal
from crossdock.connectivity.raw_messages import RawMessage, Via
from crossdock.connectivity.recording import FactVerdict, Origin, ResolvesReferences, Verdict
from crossdock.connectivity.sdk.application import Receives
from crossdock.connectivity.sdk.facts import Delivery, Translation, Untranslatable
from crossdock.foundation import telemetry
from crossdock.foundation.batching import Batcher
from crossdock.foundation.bells import Bell
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

ATTEMPTS_MAX = 3
"""A message that this many processes began to read and never finished is not read again."""

BODY_BYTES_MAX = 16 * 1024 * 1024
RECEIVER_KEPT_SECONDS = 5.0
"""How long an opened receiver is used at most when the news of a change was lost."""

TOGETHER_MAX = 64
TOGETHER_SECONDS = 0.02

UNFINISHED_AFTER = timedelta(seconds=60)

COUNT_FORBIDDEN = """
update connection_health set forbidden_count = forbidden_count + 1
where tenant = $1 and connection = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a delivery. `is_repeat`: it was received before, nothing was done again.

    `refused` are the parts of it that its mapping could not read; they are in quarantine.
    """

    raw_ref: int
    is_repeat: bool = False
    verdicts: tuple[FactVerdict, ...] = ()
    refused: tuple[Untranslatable, ...] = ()

    def counted(self) -> dict[Verdict, int]:
        return dict(Counter(each.verdict for each in self.verdicts))


@dataclass(frozen=True, slots=True)
class Receiver:
    """The receiving side of one connection, with its settings opened."""

    entry: Entry
    receives: Receives
    allowed: tuple[type[Payload], ...]
    opened_at: float


class Inbox:
    """`worker` names this process, and no other ever: it tells a second try from a crash."""

    def __init__(  # noqa: PLR0913 - each is a neighbour it cannot do without
        self,
        database: Database,
        clock: Clock,
        directory: Directory,
        references: ResolvesReferences,
        *,
        worker: str,
        body_bytes_max: int = BODY_BYTES_MAX,
        waiting_ttl: timedelta = recording.WAITING_TTL,
    ) -> None:
        self._database = database
        self._clock = clock
        self._directory = directory
        self._references = references
        self._worker = worker
        self._body_bytes_max = body_bytes_max
        self._waiting_ttl = waiting_ttl
        self._receivers: dict[tuple[str, str], Receiver] = {}
        self._changes: Bell | None = None
        # One at a time for each connection: what comes meanwhile is the next set.
        self._together = Batcher(
            self._take_in,
            size_max=TOGETHER_MAX,
            in_flight_max=1,
            gather_seconds=TOGETHER_SECONDS,
        )

    async def receive(self, scope: Scope, connection: str, delivery: Delivery) -> Receipt:
        """Take in one webhook call or file. Raises `Forbidden` when its signature is wrong."""
        of: dict[str, str | int] = {
            "crossdock.connection": connection,
            "crossdock.bytes": len(delivery.body),
        }
        with telemetry.span("inbox receive", of):
            return await self._receive(scope, connection, delivery)

    async def _receive(self, scope: Scope, connection: str, delivery: Delivery) -> Receipt:
        now = self._clock.now()
        if len(delivery.body) > self._body_bytes_max:
            raise Invalid(f"a message may have {self._body_bytes_max} bytes", where="body")
        receiver = await self._receiver_for(scope, connection)
        try:
            receiver.receives.verify(delivery, now)
        except CrossdockError as error:
            await self._forbid(scope, connection, error)
            raise
        except Exception as error:
            # A check that breaks has not succeeded, whatever the bytes did to it.
            forbidden = Forbidden("the signature could not be checked")
            await self._forbid(scope, connection, error)
            raise forbidden from error
        return await self._together.ask((scope, connection), delivery)

    async def _take_in(
        self, key: tuple[Scope, str], deliveries: Sequence[Delivery]
    ) -> list[Receipt]:
        """Keep and read what one connection sent at the same time; two transactions for all."""
        scope, connection = key
        now = self._clock.now()
        receiver = await self._receiver_for(scope, connection)
        async with self._database.transaction(scope) as tx:
            kept = await raw_messages.keep_many(tx, connection, deliveries, now, self._worker)
        receipts: dict[int, Receipt] = {}
        fresh: list[tuple[RawMessage, Delivery]] = []
        for (raw, is_again), delivery in zip(kept, deliveries, strict=True):
            if raw.state != "RECEIVED":
                receipts[raw.id] = Receipt(raw_ref=raw.id, is_repeat=True)
            elif is_again:
                continue
            elif raw.attempts > 1:
                # It may have ended a process before: nobody else must be there if it does again.
                receipts[raw.id] = await self._read(scope, receiver, raw, delivery, now)
            else:
                fresh.append((raw, delivery))
        receipts |= await self._read_all(scope, receiver, fresh, now)
        return [
            Receipt(raw_ref=raw.id, is_repeat=True) if is_again else receipts[raw.id]
            for raw, is_again in kept
        ]

    async def _read_all(
        self,
        scope: Scope,
        receiver: Receiver,
        fresh: Sequence[tuple[RawMessage, Delivery]],
        now: datetime,
    ) -> dict[int, Receipt]:
        if not fresh:
            return {}
        read = {raw.id: _translation(receiver, delivery, raw.id) for raw, delivery in fresh}
        return await self._take_down(scope, receiver, read, now)

    async def _take_down(
        self, scope: Scope, receiver: Receiver, read: Mapping[int, Translation], now: datetime
    ) -> dict[int, Receipt]:
        """Record what was read out of messages of one connection, in one transaction."""
        async with self._database.transaction(scope) as tx:
            name, allowed = receiver.entry.name, receiver.allowed
            origin = await self._origin(tx, name, None, now, allowed=allowed, receiver=receiver)
            verdicts = await self._record(tx, origin, list(read.items()))
            states = {raw_ref: _state_after(each) for raw_ref, each in read.items()}
            await raw_messages.finish(tx, states)
        told = iter(verdicts)
        return {
            raw_ref: Receipt(
                raw_ref=raw_ref,
                verdicts=tuple(islice(told, len(each.facts))),
                refused=tuple(each.refused),
            )
            for raw_ref, each in read.items()
        }

    async def record(
        self, scope: Scope, source: str, facts: Sequence[Fact], raw: bytes, *, via: Via = Via.API
    ) -> list[FactVerdict]:
        """Record facts that came in canonical words, with the message they came in.

        Raises `Invalid` if one is no fact at all: there is one verdict for each.
        """
        said = Translation(tuple(facts))
        for stranger in sound(said).refused:
            raise Invalid("only a fact can be recorded", where=stranger.where)
        async with self._database.transaction(scope) as tx:
            return await self.record_in(tx, source, said, raw, via=via)

    async def record_in(
        self,
        tx: Transaction,
        source: str,
        translation: Translation,
        raw: bytes,
        *,
        via: Via,
        allowed: tuple[type[Payload], ...] | None = None,
    ) -> list[FactVerdict]:
        """Record a translated message in the caller's transaction, with the caller's own rows."""
        now = self._clock.now()
        translation = sound(translation)
        raw_ref: int | None = None
        if translation.facts or translation.refused:
            message = Delivery(body=raw)
            kept = await raw_messages.keep(
                tx, tenant=tx.tenant, source=source, via=via, delivery=message, now=now
            )
            raw_ref = kept.id
        origin = await self._origin(tx, source, raw_ref, now, allowed=allowed)
        return await self._record(tx, origin, [(raw_ref, translation)])

    async def translated(
        self, tx: Transaction, source: str, raw_ref: int
    ) -> tuple[Origin, Translation]:
        """Read a kept message again, with today's mapping."""
        kept = await raw_messages.get(tx, raw_ref)
        receiver = await self._receiver(tx, kept.tenant, source)
        origin = await self._origin(
            tx, source, raw_ref, kept.received_at, allowed=receiver.allowed, receiver=receiver
        )
        return origin, _translation(receiver, kept.delivery, raw_ref)

    async def recover(self) -> int:
        """Read what a process that died had kept and not read; nobody was told it was received.

        Each message is read by itself: one that cannot be, because its application is gone, say,
        is set aside with the reason and holds up none of the others.
        """
        now = self._clock.now()
        async with self._database.transaction(Scope.of_workers()) as tx:
            found = await raw_messages.unfinished(tx, now - UNFINISHED_AFTER, limit=100)
        for raw_id, tenant, source in found:
            try:
                await self._recover(Scope(tenant), source, raw_id)
            except OUTAGES:
                raise
            except Exception as error:  # whatever it is, it is this message's
                log.exception("message not recovered", connection=source, raw_ref=raw_id)
                await self._set_aside(Scope(tenant), source, raw_id, error)
        return len(found)

    async def _recover(self, scope: Scope, source: str, raw_id: int) -> None:
        async with self._database.transaction(scope) as tx:
            raw = await raw_messages.attempt(tx, raw_id, self._worker)
            kept = await raw_messages.get(tx, raw_id)
            receiver = await self._receiver(tx, scope.tenant, source)
        if raw:
            await self._read(scope, receiver, raw, kept.delivery, kept.received_at)

    async def _set_aside(self, scope: Scope, source: str, raw_id: int, error: Exception) -> None:
        refusals = refusals_of(_unreadable(raw_id, _said(error)), raw_id)
        async with self._database.transaction(scope) as tx:
            await quarantine.add(tx, scope.tenant, source, refusals, self._clock.now())
            await raw_messages.finish(tx, {raw_id: "QUARANTINED"})

    async def _read(
        self, scope: Scope, receiver: Receiver, raw: RawMessage, delivery: Delivery, now: datetime
    ) -> Receipt:
        if raw.attempts > ATTEMPTS_MAX:
            translation = _unreadable(
                raw.id, f"reading it ended {raw.attempts - 1} processes; it is not read again"
            )
        else:
            translation = _translation(receiver, delivery, raw.id)
        return (await self._take_down(scope, receiver, {raw.id: translation}, now))[raw.id]

    async def _record(
        self, tx: Transaction, origin: Origin, read: Sequence[tuple[int | None, Translation]]
    ) -> list[FactVerdict]:
        """Record the facts of messages, in their order; set aside what could not be read."""
        refusals = [one for ref, each in read for one in refusals_of(each, ref)]
        await quarantine.add(tx, origin.tenant, origin.source, refusals, origin.received_at)
        if refusals:
            recording.count(tx, origin.source, {Verdict.QUARANTINED: len(refusals)})
        facts = [(raw_ref, fact) for raw_ref, each in read for fact in each.facts]
        if not facts:
            return []
        return await recording.record(
            tx,
            origin,
            [fact for _, fact in facts],
            self._references,
            raw_refs=[raw_ref for raw_ref, _ in facts],
        )

    async def _origin(
        self,
        tx: Transaction,
        source: str,
        raw_ref: int | None,
        now: datetime,
        *,
        allowed: tuple[type[Payload], ...] | None,
        receiver: Receiver | None = None,
    ) -> Origin:
        if receiver:
            is_gapless = receiver.entry.gap_seconds is not None
        else:
            is_gapless = await streams.is_watched(tx, source)
        return Origin(
            tenant=tx.tenant,
            source=source,
            received_at=now,
            raw_ref=raw_ref,
            allowed=allowed,
            waiting_ttl=self._waiting_ttl,
            is_gapless=is_gapless,
        )

    async def _receiver_for(self, scope: Scope, name: str) -> Receiver:
        self._changes = self._changes or self._database.bell(TOPIC)
        if self._changes.was_rung():
            self._receivers.clear()
        known = self._receivers.get((scope.tenant, name))
        if known and self._clock.ticks() - known.opened_at < RECEIVER_KEPT_SECONDS:
            return known
        async with self._database.transaction(scope) as tx:
            return await self._receiver(tx, scope.tenant, name)

    async def _receiver(self, tx: Transaction, tenant: str, name: str) -> Receiver:
        entry = await self._directory.get_in(tx, tenant, name)
        application = self._directory.application_of(entry)
        if application.receive is None:
            raise Rejected(f"{application.title} does not send by itself; it is polled")
        receives = application.receive(await self._directory.settings_of(tx, entry))
        receiver = Receiver(entry, receives, application.events, self._clock.ticks())
        self._receivers[tenant, name] = receiver
        return receiver

    async def _forbid(self, scope: Scope, connection: str, error: Exception) -> None:
        """Count it; of a message that nobody vouches for not even the bytes are kept."""
        log.warning("signature refused", connection=connection, error=type(error).__name__)
        async with self._database.transaction(scope) as tx:
            await tx.execute(COUNT_FORBIDDEN, scope.tenant, connection)


def _state_after(translation: Translation) -> str:
    is_readable = translation.facts or not translation.refused
    return "RECORDED" if is_readable else "QUARANTINED"


def _translation(receiver: Receiver, delivery: Delivery, raw_ref: int) -> Translation:
    try:
        return sound(receiver.receives.translate(delivery))
    except Exception as error:
        # The mapping is at fault, or the message is; either way a person must look, and the
        # messages behind this one must not wait for that.
        log.exception("mapping failed", connection=receiver.entry.name, raw_ref=raw_ref)
        return _unreadable(raw_ref, _said(error))


def _said(error: Exception) -> str:
    return (
        error.message if isinstance(error, CrossdockError) else f"{type(error).__name__}: {error}"
    )


def _unreadable(raw_ref: int, reason: str) -> Translation:
    where = f"message {raw_ref}"
    return Translation(refused=(Untranslatable(code="EVT-SCHEMA", where=where, reason=reason),))


def refusals_of(translation: Translation, raw_ref: int | None) -> list[Refusal]:
    return [
        Refusal(
            code=each.code,
            place=each.where,
            reason=each.reason,
            record=each.record,
            raw_ref=raw_ref,
        )
        for each in translation.refused
    ]
