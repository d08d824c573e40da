"""The append-only log of everything that happened: recorded once, heard by everyone (D2)."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import structlog

from crossdock.canonical.envelope import Event, Fact, Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.events import payload_type
from crossdock.foundation.content import content_hash
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.ids import derived_uuid
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

SHARDS = 64
"""Readers split the log by `shard % n`, so n may be 1, 2, 4 … 64."""

PASSED_PAGES = 10
"""A page is looked for among so many times its size (`read_event_log` in the first migration)."""

TOPIC = "event_log"
"""Woken with every append; `topic_of` a type, with those of that type."""


class Recorded(StrEnum):
    """NEW: in the log now. REPEAT: was there, same content. CONFLICT: same identity, other."""

    NEW = "NEW"
    REPEAT = "REPEAT"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A fact ready to be recorded: for whom, from where, received when, out of which message.

    `said` is the content in the source's own keys, where the hub has put in its own since: a
    repeat is judged by what the source said, not by how the catalogue resolves it today.
    """

    tenant: str
    source: str
    received_at: datetime
    fact: Fact
    raw_ref: int | None = None
    said: Payload | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in commit order. `tx` is the writing transaction: a late commit is never skipped."""

    tx: int = 0
    position: int = 0


class Unreadable(Invalid):
    """A row of the log that this version cannot read as the event that it says it is.

    Nobody could record one: another version wrote it, or a hand. `before` are the events between
    it and `after`, where reading began; `reached` is its own place: from there one may go on.
    """

    def __init__(
        self, row: Any, after: Position, before: Sequence[Event], error: Exception
    ) -> None:
        super().__init__(
            f"event {row['position']} cannot be read as {row['type']}: {error}",
            where="payload",
            code="EVT-SCHEMA",
            hint="run the version that wrote it, then `crossdock msg reapply` its position",
        )
        self.tenant: str = row["tenant"]
        self.position: int = row["position"]
        self.after = after
        self.before = list(before)
        self.reached = Position(row["tx"], row["position"])


# One round trip: claim the identities, append those that were new, in the order given.
APPEND_ONCE = """
with incoming as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[],
        $6::uuid[], $7::text[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
        $11::bigint[], $12::text[], $13::text[], $14::json[], $15::text[], $16::bigint[],
        $17::text[], $18::text[], $19::boolean[], $20::bigint[], $21::bytea[])
    with ordinality as r(tenant, source, type, key, shard, event_id, identity, occurred_at,
        recorded_at, received_at, version, correlation_id, causation_id, payload, stream,
        sequence, native_ref, actor, replay, raw_ref, content_hash, ord)
), claimed as (
    insert into event_identity (tenant, event_id, content_hash)
    select distinct on (event_id) tenant, event_id, content_hash from incoming
    order by event_id, ord
    on conflict (event_id) do nothing
    returning event_id
)
insert into event_log (tenant, source, type, key, shard, event_id, identity, occurred_at,
    recorded_at, received_at, stream, sequence, version, correlation_id, causation_id,
    native_ref, actor, replay, raw_ref, payload)
select tenant, source, type, key, shard, event_id, identity, occurred_at, recorded_at,
    received_at, stream, sequence, version, correlation_id, causation_id, native_ref, actor,
    replay, raw_ref, payload
from (select distinct on (event_id) * from incoming join claimed using (event_id)
      order by event_id, ord) first_of_each
order by ord
returning event_id
"""

# The hub's own facts: their identity names what caused them, so they cannot come twice. They come
# out of no stream, no message and nobody's hand; what follows from history is history.
APPEND = """
insert into event_log (tenant, source, type, key, shard, event_id, identity, occurred_at,
    recorded_at, received_at, version, correlation_id, causation_id, payload, replay)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[],
    $6::uuid[], $7::text[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
    $11::bigint[], $12::text[], $13::text[], $14::json[], $15::boolean[])
"""

# What was committed after the cursor and below every transaction still open: a page of what is
# wanted, and the row at which the search has ended, so that the cursor passes the others too.
READ = """
select tx::text::bigint as tx, position, tenant, source, type, event_id, identity, occurred_at,
    recorded_at, received_at, stream, sequence, version, correlation_id, causation_id,
    native_ref, actor, replay, raw_ref, payload,
    ($4::text[] is null or type = any($4)) and shard % $5 = $6 as is_wanted
from read_event_log($7, $1::text::xid8, $2, $3, $4, $5, $6)
"""

KNOWN_HASHES = """
select event_id, content_hash from event_identity
where event_id = any($1) and tenant = any($2::text[])
"""


# The newest place that no open transaction can still come before.
END = """
select tx::text::bigint as tx, position from event_log
where tx < event_log_below() and ($1 = '*' or tenant = $1)
order by event_log.tx desc, event_log.position desc limit 1
"""


PLACES = """
select position, tx::text::bigint as tx from event_log
where position = any($1::bigint[]) and tenant = $2
"""


RECEIVED = """
select position, received_at from event_log where position = any($1::bigint[]) and tenant = $2
"""


THREAD = "select correlation_id from event_log where position = $1 and tenant = $2"

# What is committed and yet not to be read, because an older transaction is still open.
HIDDEN = WorkersSql("select event_log_hides()")


_ENCODER = msgspec.json.Encoder()


def topic_of(kind: str) -> str:
    return f"{TOPIC}:{kind}"


def shard_of(tenant: str, key: str) -> int:
    return hashlib.sha256(f"{tenant}\0{key}".encode()).digest()[0] % SHARDS


def event_uuid(entry: Entry) -> UUID:
    """Derive the id from the business identity: the same fact has the same id for ever."""
    return derived_uuid("event", entry.tenant, entry.source, entry.fact.identity)


async def append_once(tx: Transaction, entries: Sequence[Entry]) -> list[Recorded]:
    """Record each fact unless its identity is known already; answers in the order given."""
    if not entries:
        return []
    columns = _columns(entries)
    tx.scope.must_cover(columns[0])
    hashes = [content_hash(entry.fact, entry.said or entry.fact.payload) for entry in entries]
    ids: list[UUID] = columns[5]
    rows = await tx.fetch(APPEND_ONCE, *columns, *_origins(entries), hashes)
    new = {row["event_id"] for row in rows}
    _wake(tx, columns)
    known: dict[UUID, bytes] = {}
    if len(new) < len(entries):
        rows = await tx.fetch(KNOWN_HASHES, ids, columns[0])
        known = {row["event_id"]: row["content_hash"] for row in rows}
    verdicts: list[Recorded] = []
    for event_id, hashed in zip(ids, hashes, strict=True):
        if event_id in new:
            new.remove(event_id)  # a second one in this very batch is a repeat
            verdicts.append(Recorded.NEW)
        else:
            is_same = known[event_id] == hashed
            verdicts.append(Recorded.REPEAT if is_same else Recorded.CONFLICT)
    return verdicts


async def append(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Record facts of the hub itself, whose identity the caller guarantees to be new."""
    if entries:
        columns = _columns(entries)
        tx.scope.must_cover(columns[0])
        await tx.execute(APPEND, *columns, [one.fact.replay for one in entries])
        _wake(tx, columns)


async def read(
    tx: Transaction,
    after: Position,
    *,
    limit: int,
    types: Iterable[str] | None = None,
    shards: int = 1,
    shard: int = 0,
) -> tuple[list[Event], Position]:
    """Give what was committed after a place, in commit order, and the place reached.

    It may pass more than it gives, but no more than `PASSED_PAGES` times `limit`; the place
    reached equals `after` at the end. Raises `Unreadable` at a row that is no event.
    """
    wanted = None if types is None else sorted(types)
    place = (str(after.tx), after.position)
    rows = await tx.fetch(READ, *place, limit, wanted, shards, shard, tx.tenant)
    if not rows:
        return [], after
    last = rows[-1]
    events: list[Event] = []
    for row in rows:
        if row["is_wanted"]:
            try:
                events.append(event_of(row))
            except (msgspec.DecodeError, Invalid) as error:
                raise Unreadable(row, after, events, error) from error
    return events, Position(last["tx"], last["position"])


async def read_past(
    tx: Transaction,
    after: Position,
    *,
    limit: int,
    types: Iterable[str] | None = None,
) -> tuple[list[Event], Position]:
    """Read as `read` does, for who only looks: a row that is no event is logged and passed."""
    try:
        return await read(tx, after, limit=limit, types=types)
    except Unreadable as problem:
        log.warning("event passed over", position=problem.position, error=problem.message)
        return problem.before, problem.reached


async def extend(database: Database) -> None:
    """Add partitions ahead of what is written; a job calls this."""
    async with database.transaction(Scope.of_workers()) as tx:
        await tx.fetchval("select extend_event_log()")


async def end(tx: Transaction) -> Position:
    """Find the place after everything that was committed so far."""
    row = await tx.fetchrow(END, tx.tenant)
    return Position(row["tx"], row["position"]) if row else Position()


async def places(tx: Transaction, positions: Sequence[int]) -> dict[int, Position]:
    """Find the place of each position: where a reader that has come so far goes on."""
    rows = await tx.fetch(PLACES, positions, tx.tenant)
    return {row["position"]: Position(row["tx"], row["position"]) for row in rows}


async def received(tx: Transaction, positions: Sequence[int]) -> dict[int, datetime]:
    """Tell when the events at these positions were received."""
    rows = await tx.fetch(RECEIVED, positions, tx.tenant)
    return {row["position"]: row["received_at"] for row in rows}


async def thread_of(tx: Transaction, position: int) -> str:
    """Tell the correlation id of an event of this tenant; "" where there is none."""
    return await tx.fetchval(THREAD, position, tx.tenant) or ""


async def is_hidden(tx: Transaction) -> bool:
    """Say whether something committed has to wait for an older transaction to end."""
    return bool(await tx.fetchval(HIDDEN))


def event_of(row: Any) -> Event:
    """Build an event from a row with the columns of READ."""
    return Event(
        position=row["position"],
        event_id=row["event_id"].hex,
        tenant=row["tenant"],
        source=row["source"],
        received_at=row["received_at"],
        raw_ref=row["raw_ref"],
        fact=Fact(
            identity=row["identity"],
            payload=_decoder(row["type"]).decode(row["payload"]),
            occurred_at=row["occurred_at"],
            recorded_at=row["recorded_at"],
            stream=row["stream"],
            sequence=row["sequence"],
            version=row["version"],
            correlation_id=row["correlation_id"],
            causation_id=row["causation_id"],
            native_ref=row["native_ref"],
            actor=row["actor"],
            replay=row["replay"],
        ),
    )


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[Payload]:
    """Keep one for each type: to make one takes longer than to decode an event with it."""
    return msgspec.json.Decoder(payload_type(kind))


def _columns(entries: Sequence[Entry]) -> list[list[Any]]:
    """Turn entries into one array per column, for `unnest`."""
    facts = [entry.fact for entry in entries]
    return [
        [entry.tenant for entry in entries],
        [entry.source for entry in entries],
        [fact.payload.TYPE for fact in facts],
        [fact.payload.key for fact in facts],
        [shard_of(entry.tenant, entry.fact.payload.key) for entry in entries],
        [event_uuid(entry) for entry in entries],
        [fact.identity for fact in facts],
        [fact.occurred_at for fact in facts],
        [fact.recorded_at for fact in facts],
        [entry.received_at for entry in entries],
        [fact.version for fact in facts],
        [fact.correlation_id for fact in facts],
        [fact.causation_id for fact in facts],
        [_ENCODER.encode(fact.payload).decode() for fact in facts],
    ]


def _origins(entries: Sequence[Entry]) -> list[list[Any]]:
    """Say where facts from outside came from: more columns of the same kind."""
    facts = [entry.fact for entry in entries]
    return [
        [fact.stream for fact in facts],
        [fact.sequence for fact in facts],
        [fact.native_ref for fact in facts],
        [fact.actor for fact in facts],
        [fact.replay for fact in facts],
        [entry.raw_ref for entry in entries],
    ]


def _wake(tx: Transaction, columns: Sequence[Sequence[Any]]) -> None:
    for kind in set(columns[2]):
        tx.wake(topic_of(kind))
