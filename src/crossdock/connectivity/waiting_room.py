"""Facts that came before what they speak of: kept, tried again, and shown when it never comes.

A source that is polled is asked at once for what its own message named and nobody knows, and
for the numbers that its stream has left out.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.parties import PartyChanged
from crossdock.connectivity import quarantine, recording, streams
from crossdock.connectivity.directory import poll_topic
from crossdock.connectivity.quarantine import Refusal
from crossdock.connectivity.recording import (
    FIRST_RETRY,
    WAITING_TOPIC,
    FactVerdict,
    Origin,
    ResolvesReferences,
    Verdict,
)
from crossdock.connectivity.stored_facts import fact_of
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import DATABASE_ERRORS, Database, Transaction, WorkersSql
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

RETRY_MAX = timedelta(minutes=1)
ASK_EVERY = timedelta(seconds=10)
"""However much it tells that nobody understands, a source is not asked more often than this."""

BATCH = 500
LOOK_SECONDS = 1.0
READER_NAME = "waiting_room"

TENANTS_DUE = WorkersSql("select distinct tenant from waiting_fact where try_at <= $1")
DUE = """
select id, source, identity, fact::text as fact, raw_ref, received_at, code, missing, attempts,
    expires_at
from waiting_fact where tenant = $1 and try_at <= $2 order by id limit $3
for update skip locked
"""
LEAVE = "delete from waiting_fact where tenant = $1 and id = any($2)"
TRY_LATER = """
update waiting_fact w set attempts = w.attempts + 1, try_at = i.try_at, code = i.code,
    missing = i.missing
from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[])
    as i(id, try_at, code, missing)
where w.tenant = $5 and w.id = i.id
"""
# The catalogue has learned something; who applies it may still be at it, so a moment later.
HURRY = """
update waiting_fact set try_at = $2, attempts = 0 where tenant = any($1) and try_at > $2
"""
# Once after each fact, unless asking fails: then its own back-off says when. A round that began
# before the fact came may have passed by what it names.
ASK_SOON = """
update poll_cursor p set due_at = greatest($4::timestamptz, p.moved_at + $5::interval)
from (select source, max(received_at) as received_at
    from unnest($2::text[], $3::timestamptz[]) as f(source, received_at) group by source) w
where p.tenant = $1 and p.connection = w.source and p.failures = 0
    and p.asked_at < w.received_at
    and p.due_at > greatest($4::timestamptz, p.moved_at + $5::interval)
returning p.connection
"""
LIST = """
select id, source, identity, fact::text as fact, raw_ref, code, missing, attempts, received_at,
    expires_at
from waiting_fact where ($1 = '*' or tenant = $1) and ($2 = '' or source = $2)
order by id limit $3
"""
COUNT_SINCE = """
select count(*) from waiting_fact where ($1 = '*' or tenant = $1) and received_at < $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    id: int
    source: str
    identity: str
    fact: Fact
    code: str
    missing: str
    attempts: int
    received_at: datetime
    expires_at: datetime


class WaitingRoom:
    """Tries waiting facts again when the catalogue moves, and by the clock."""

    def __init__(self, database: Database, clock: Clock, references: ResolvesReferences) -> None:
        self._database = database
        self._clock = clock
        self._references = references

    @property
    def reader(self) -> Reader:
        """The log reader that listens to the catalogue for us."""
        types = frozenset({ItemChanged.TYPE, LocationChanged.TYPE, PartyChanged.TYPE})
        return Reader(name=READER_NAME, apply=self.apply, types=types)

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        tenants = sorted({event.tenant for event in events})
        await tx.execute(HURRY, tenants, self._clock.now() + FIRST_RETRY)
        tx.wake(WAITING_TOPIC)

    async def run(self) -> None:
        """Try again what is due, and report holes, until cancelled."""
        bell = self._database.bell(WAITING_TOPIC)
        while True:
            has_more = False
            with suppress(*DATABASE_ERRORS):
                has_more = await self.retry_due() >= BATCH
                await self.report_holes()
            if not has_more:
                await bell.wait(LOOK_SECONDS)
                await asyncio.sleep(0)

    async def retry_due(self) -> int:
        """Try each due fact once; answer how many there were."""
        now = self._clock.now()
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS_DUE, now)]
        return sum([await self._retry_tenant(Scope(tenant), now) for tenant in tenants])

    async def report_holes(self) -> int:
        """Show holes that have lasted too long; have those sources asked that can be.

        Answer how many sources they are of.
        """
        now = self._clock.now()
        async with self._database.transaction(Scope.of_workers()) as tx:
            found = await streams.report_holes(tx, now)
        for tenant, source in found:
            await self._ask(Scope(tenant), [(source, now)], now)
        return len(found)

    async def waiting(self, scope: Scope, source: str = "", limit: int = 100) -> list[Waiting]:
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(LIST, tx.tenant, source, limit)
        return [_waiting(row, fact) for row, fact in _readable(rows)[0]]

    async def count_since(self, scope: Scope, moment: datetime) -> int:
        """Count the facts that have waited since before a moment."""
        async with self._database.transaction(scope) as tx:
            counted: int = await tx.fetchval(COUNT_SINCE, tx.tenant, moment)
        return counted

    async def _retry_tenant(self, scope: Scope, now: datetime) -> int:
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(DUE, scope.tenant, now, BATCH)
            # Facts of one message are tried together: they keep its number and its time.
            groups: dict[tuple[str, int | None, datetime], list[Any]] = {}
            for row in rows:
                key = (row["source"], row["raw_ref"], row["received_at"])
                groups.setdefault(key, []).append(row)
            waiting: list[tuple[str, datetime]] = []
            for (source, raw_ref, received_at), group in groups.items():
                origin = Origin(
                    tenant=scope.tenant,
                    source=source,
                    received_at=received_at,
                    raw_ref=raw_ref,
                    is_gapless=await streams.is_watched(tx, source),
                )
                if await self._retry(tx, origin, group, now):
                    waiting.append((source, received_at))
        if waiting:
            await self._ask(scope, waiting, now)
        return len(rows)

    async def _ask(
        self, scope: Scope, waiting: Sequence[tuple[str, datetime]], now: datetime
    ) -> None:
        """Have polled sources asked soon that have not been since something of theirs misses."""
        sources, received = [source for source, _ in waiting], [at for _, at in waiting]
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(ASK_SOON, tx.tenant, sources, received, now, ASK_EVERY)
            for row in rows:
                tx.wake(poll_topic(tx.tenant, row["connection"]))

    async def _retry(
        self, tx: Transaction, origin: Origin, rows: Sequence[Any], now: datetime
    ) -> bool:
        """Try the facts of one message again; tell whether any has to wait still."""
        read, unreadable = _readable(rows)
        verdicts = await recording.record(tx, origin, [fact for _, fact in read], self._references)
        still = [
            (row, verdict)
            for (row, _), verdict in zip(read, verdicts, strict=True)
            if verdict.verdict is Verdict.WAITING
        ]
        orphans = [(row, verdict) for row, verdict in still if row["expires_at"] <= now]
        later = [(row, verdict) for row, verdict in still if row["expires_at"] > now]
        refusals = [*unreadable, *(_orphan(row, verdict) for row, verdict in orphans)]
        await quarantine.add(tx, origin.tenant, origin.source, refusals, now)
        kept = {row["id"] for row, _ in later}
        await tx.execute(LEAVE, tx.tenant, [row["id"] for row in rows if row["id"] not in kept])
        await tx.execute(
            TRY_LATER,
            [row["id"] for row, _ in later],
            [_try_at(row, now) for row, _ in later],
            [verdict.code for _, verdict in later],
            [verdict.reason for _, verdict in later],
            tx.tenant,
        )
        left = len(rows) - len(still)
        if left or orphans:
            log.info("waiting room", source=origin.source, recorded=left, orphans=len(orphans))
        return bool(later)


def _readable(rows: Sequence[Any]) -> tuple[list[tuple[Any, Fact]], list[Refusal]]:
    """Read the facts that wait; what this version cannot read waits for nothing any more."""
    read: list[tuple[Any, Fact]] = []
    refusals: list[Refusal] = []
    for row in rows:
        try:
            read.append((row, fact_of(row["fact"])))
        except Invalid as problem:
            refusals.append(
                Refusal(
                    code=problem.code,
                    place=problem.where,
                    reason=problem.message,
                    record=row["fact"].encode(),
                    identity=row["identity"],
                    raw_ref=row["raw_ref"],
                )
            )
    return read, refusals


def _waiting(row: Any, fact: Fact) -> Waiting:
    columns: dict[str, Any] = {name: value for name, value in row.items() if name != "raw_ref"}
    columns["fact"] = fact
    return Waiting(**columns)


def _try_at(row: Any, now: datetime) -> datetime:
    """Wait twice as long each time, but never beyond the end of the wait."""
    pause: timedelta = min(FIRST_RETRY * (1 << min(row["attempts"] + 1, 20)), RETRY_MAX)
    expires_at: datetime = row["expires_at"]
    return min(now + pause, max(expires_at, now))


def _orphan(row: Any, verdict: FactVerdict) -> Refusal:
    return Refusal(
        code="EVT-ORPHAN",
        place=verdict.code,
        reason=f"{verdict.code}: {verdict.reason} never came",
        fact=row["fact"],
        identity=verdict.identity,
        raw_ref=row["raw_ref"],
    )
