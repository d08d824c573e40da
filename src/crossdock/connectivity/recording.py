"""Records facts in a given transaction: resolve, append once, and set aside what cannot be.

Every way into the log ends here: deliveries, polled pages, the API, the waiting room, replays.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, cast

from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Invalid, Missing
from crossdock.canonical.references import Reference, Refers, Resolution
from crossdock.connectivity import count_parts, proposals, quarantine, streams
from crossdock.connectivity.acceptance import (
    TEXT_LENGTH_MAX,
    holds_nul,
    reason_to_refuse,
    storable,
)
from crossdock.connectivity.quarantine import Refusal
from crossdock.connectivity.sdk.contract import breach_of
from crossdock.connectivity.sdk.facts import Untranslatable
from crossdock.connectivity.stored_facts import fact_json
from crossdock.foundation import event_log, metrics
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry, Recorded
from crossdock.governance.authority import KEPT_CODE

WAITING_TOPIC = "waiting_room"
WAITING_TTL = timedelta(minutes=15)
FIRST_RETRY = timedelta(milliseconds=250)
ECHO_WINDOW = timedelta(hours=1)
ECHO_ACTOR = "crossdock"
"""The `actor` of a channel's number that is our own write coming back."""


class ResolvesReferences(Protocol):
    """Knows which of the hub's items and locations a source means by its own keys."""

    async def resolve(
        self, tx: Transaction, source: str, references: Sequence[Reference]
    ) -> tuple[Resolution, Mapping[Reference, str]]:
        """Answer what is known, and for each of the rest its code (`MD-ITEM-XREF` ...)."""
        ...


class Verdict(StrEnum):
    """NEW and REPEAT are good; PROPOSAL is what another system has to say (`governance.keeping`).

    The others keep the fact where a person or time can help it.
    """

    NEW = "NEW"
    REPEAT = "REPEAT"
    CONFLICT = "CONFLICT"
    QUARANTINED = "QUARANTINED"
    WAITING = "WAITING"
    PROPOSAL = "PROPOSAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactVerdict:
    identity: str
    verdict: Verdict
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where facts come from, for whom, out of which raw message, under which declaration."""

    tenant: str
    source: str
    received_at: datetime
    raw_ref: int | None = None
    allowed: tuple[type[Payload], ...] | None = None
    waiting_ttl: timedelta = WAITING_TTL
    is_gapless: bool = False


# A second copy of a fact that waits already is the same wait.
WAIT = """
insert into waiting_fact (tenant, source, identity, content_hash, fact, raw_ref, received_at,
    code, missing, try_at, expires_at)
select $1, $2, f.identity, f.content_hash, f.fact, f.raw_ref, $3, f.code, f.missing, $4, $5
from unnest($6::text[], $7::bytea[], $8::jsonb[], $9::bigint[], $10::text[], $11::text[])
    as f(identity, content_hash, fact, raw_ref, code, missing)
on conflict do nothing
"""
# Our own last write for a shelf, where it is the number that the channel now tells.
ECHOES = """
select heard.ord, w.command_id
from unnest($3::text[], $4::text[], $5::numeric[]) with ordinality
    as heard(item, location, quantity, ord)
join channel_write w on w.tenant = $1 and w.connection = $2 and w.item = any($3)
    and w.location = any($4) and w.item = heard.item
    and w.location = heard.location and w.quantity = heard.quantity and w.written_at >= $6
"""


async def record(
    tx: Transaction,
    origin: Origin,
    facts: Sequence[Fact],
    references: ResolvesReferences,
    *,
    raw_refs: Sequence[int | None] | None = None,
) -> list[FactVerdict]:
    """Record a set of facts; answer one verdict for each, in the order given.

    `raw_refs` are the messages that the facts came in, where they came in several.
    """
    batch = _Batch(facts, [origin.raw_ref] * len(facts) if raw_refs is None else raw_refs)
    _check(batch, origin)
    resolved = await _resolved(tx, batch, origin, references)
    await _hold_back(tx, batch, origin)
    ready = await _with_echoes(tx, origin, batch, resolved)
    counting = await _as_kept(tx, origin, batch, ready)
    await _append(tx, batch, origin, counting)
    if origin.is_gapless:
        place = (origin.tenant, origin.source)
        await streams.hear(tx, place, facts, batch.recorded, origin.received_at)
    await _wait(tx, batch, origin)
    await quarantine.add(tx, origin.tenant, origin.source, batch.refusals, origin.received_at)
    verdicts = [verdict for verdict in batch.verdicts if verdict]
    count(tx, origin.source, Counter(each.verdict for each in verdicts))
    return verdicts


def count(tx: Transaction, source: str, counts: Mapping[Verdict, int]) -> None:
    """Let the figures show what became of a source's facts, once that is so."""

    def show() -> None:
        for verdict, facts in counts.items():
            metrics.EVENTS.labels(source, verdict.value).inc(facts)

    tx.afterwards(show)


class _Batch:
    """Facts on their way, and the verdict of each that has arrived."""

    def __init__(self, facts: Sequence[Fact], raw_refs: Sequence[int | None]) -> None:
        self.facts = facts
        self.raw_refs = raw_refs
        self.verdicts: list[FactVerdict | None] = [None] * len(facts)
        self.refusals: list[Refusal] = []
        self.waits: list[tuple[int, str, str]] = []

    @property
    def open(self) -> list[int]:
        return [index for index, verdict in enumerate(self.verdicts) if verdict is None]

    @property
    def recorded(self) -> list[Fact]:
        return [
            fact
            for fact, found in zip(self.facts, self.verdicts, strict=True)
            if found and found.verdict in {Verdict.NEW, Verdict.REPEAT}
        ]

    def settle(self, index: int, verdict: Verdict, code: str = "", reason: str = "") -> None:
        identity = _text(self.facts[index].identity)
        self.verdicts[index] = FactVerdict(
            identity=identity, verdict=verdict, code=code, reason=reason
        )

    def refuse(self, index: int, verdict: Verdict, problem: Untranslatable) -> None:
        self.settle(index, verdict, problem.code, problem.reason)
        self.refusals.append(_refusal(self.facts[index], self.raw_refs[index], problem))

    def wait(self, index: int, code: str, missing: str) -> None:
        self.settle(index, Verdict.WAITING, code, missing)
        self.waits.append((index, code, missing))


def _refusal(fact: Fact, raw_ref: int | None, problem: Untranslatable) -> Refusal:
    text, record = _kept(fact)
    return Refusal(
        code=problem.code,
        place=problem.where,
        reason=problem.reason,
        record=record,
        fact=text,
        identity=_text(fact.identity),
        raw_ref=raw_ref,
        correlation_id=_text(fact.correlation_id),
    )


def _kept(fact: Fact) -> tuple[str | None, bytes]:
    """Write a fact down for a replay; one that could not be read again is kept to be looked at.

    Of that the whole message is read again, by the mapping as it is then.
    """
    try:
        text = fact_json(fact)
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeError, AttributeError):
        return None, b""
    if holds_nul(text.encode()):
        return None, b""
    return (None, text.encode()) if breach_of(fact) else (text, b"")


def _text(value: Any) -> str:
    """Take a text of an envelope as it is, and as text what should have been one."""
    return value if isinstance(value, str) else storable(repr(value), TEXT_LENGTH_MAX)


def unreadable(origin: Origin, facts: Sequence[Fact]) -> list[Refusal]:
    """Say which facts of a message are refused so that only the message can be replayed."""
    problems = [(fact, reason_to_refuse(fact, origin.allowed)) for fact in facts]
    refusals = [_refusal(fact, origin.raw_ref, why) for fact, why in problems if why]
    return [each for each in refusals if each.fact is None]


def _check(batch: _Batch, origin: Origin) -> None:
    for index, fact in enumerate(batch.facts):
        if problem := reason_to_refuse(fact, origin.allowed):
            batch.refuse(index, Verdict.QUARANTINED, problem)


async def _resolved(
    tx: Transaction, batch: _Batch, origin: Origin, references: ResolvesReferences
) -> dict[int, Payload]:
    """Put the hub's keys into each payload that names the source's, or say why that fails."""
    referring: dict[int, Refers] = {}
    for index in batch.open:
        payload = batch.facts[index].payload
        if isinstance(payload, Refers):
            referring[index] = payload
    wanted = dict.fromkeys(
        reference for referrer in referring.values() for reference in referrer.references()
    )
    if not wanted:
        return {}
    resolution, unresolved = await references.resolve(tx, origin.source, list(wanted))
    resolved: dict[int, Payload] = {}
    for index, referrer in referring.items():
        if missing := [each for each in referrer.references() if each in unresolved]:
            batch.wait(index, unresolved[missing[0]], _named(missing))
            continue
        try:
            resolved[index] = cast("Payload", referrer.resolved(resolution))
        except Missing as error:
            batch.wait(index, error.code, error.message)
        except Invalid as error:
            problem = Untranslatable(code=error.code, where=error.where, reason=error.message)
            batch.refuse(index, Verdict.QUARANTINED, problem)
    return resolved


async def _hold_back(tx: Transaction, batch: _Batch, origin: Origin) -> None:
    """Have the word that ends a full count wait for the parts of it that are not recorded."""
    ends = {index: batch.facts[index] for index in batch.open}
    for index, missing in (await count_parts.missing(tx, origin.source, ends)).items():
        batch.wait(index, "EVT-ORPHAN", missing)


async def _with_echoes(
    tx: Transaction, origin: Origin, batch: _Batch, resolved: Mapping[int, Payload]
) -> dict[int, Fact]:
    """Build the facts to append; a channel's number that is our own write says so."""
    facts = {
        index: replace(batch.facts[index], payload=resolved.get(index, batch.facts[index].payload))
        for index in batch.open
    }
    heard = {
        index: fact.payload
        for index, fact in facts.items()
        if isinstance(fact.payload, ChannelLevelHeard)
    }
    if heard:
        levels = list(heard.values())
        rows = await tx.fetch(
            ECHOES,
            origin.tenant,
            origin.source,
            [level.item for level in levels],
            [level.location for level in levels],
            [level.quantity.value for level in levels],
            origin.received_at - ECHO_WINDOW,
        )
        order = list(heard)
        for row in rows:
            place = order[int(row["ord"]) - 1]
            facts[place] = replace(facts[place], actor=ECHO_ACTOR, causation_id=row["command_id"])
    return facts


async def _as_kept(
    tx: Transaction, origin: Origin, batch: _Batch, facts: Mapping[int, Fact]
) -> Mapping[int, Fact]:
    """Set aside, as proposals, what is said of stock that another system keeps."""
    keepers = await proposals.keepers_of(tx, origin.tenant, facts)
    if not keepers:
        return facts
    counting: dict[int, Fact] = {}
    proposed: list[proposals.Proposed] = []
    for index, fact in facts.items():
        counts, apart = proposals.told_apart(fact, origin.source, keepers, batch.raw_refs[index])
        proposed += apart
        if counts is not None:
            counting[index] = counts
            continue
        reason = ", ".join(f"{one.keeper} keeps the stock of {one.location}" for one in apart)
        batch.settle(index, Verdict.PROPOSAL, KEPT_CODE, storable(reason, 500))
    await proposals.add(tx, origin.tenant, origin.source, proposed, origin.received_at)
    return counting


async def _append(
    tx: Transaction, batch: _Batch, origin: Origin, facts: Mapping[int, Fact]
) -> None:
    entries = [
        Entry(
            tenant=origin.tenant,
            source=origin.source,
            received_at=origin.received_at,
            fact=fact,
            raw_ref=batch.raw_refs[index],
            said=batch.facts[index].payload,
        )
        for index, fact in facts.items()
    ]
    recorded = await event_log.append_once(tx, entries)
    if ahead := sum(
        outcome is Recorded.NEW and fact.is_ahead(origin.received_at)
        for fact, outcome in zip(facts.values(), recorded, strict=True)
    ):
        tx.afterwards(lambda: metrics.CLOCK_AHEAD.labels(origin.source).inc(ahead))
    for index, outcome in zip(facts, recorded, strict=True):
        if outcome is Recorded.CONFLICT:
            batch.refuse(index, Verdict.CONFLICT, _CONFLICT)
        else:
            batch.settle(index, Verdict(outcome.value))


_CONFLICT = Untranslatable(
    code="EVT-CONFLICT",
    where="/identity",
    reason="a fact with this identity was recorded before, with other content",
)


async def _wait(tx: Transaction, batch: _Batch, origin: Origin) -> None:
    if not batch.waits:
        return
    waiting = [batch.facts[index] for index, _, _ in batch.waits]
    texts = [fact_json(fact) for fact in waiting]
    await tx.execute(
        WAIT,
        origin.tenant,
        origin.source,
        origin.received_at,
        origin.received_at + FIRST_RETRY,
        origin.received_at + origin.waiting_ttl,
        [fact.identity for fact in waiting],
        [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts],
        texts,
        [batch.raw_refs[index] for index, _, _ in batch.waits],
        [code for _, code, _ in batch.waits],
        [missing for _, _, missing in batch.waits],
    )
    tx.wake(WAITING_TOPIC)


def _named(references: Iterable[Reference]) -> str:
    names = [
        f"{each.kind} {each.native_id!r}" + (f" in {each.unit!r}" if each.unit else "")
        for each in references
    ]
    return storable(", ".join(names), 500)
