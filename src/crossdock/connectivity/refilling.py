"""Has what is missing in a source's numbers told again: twice, then it is for a person (§4.3).

A source that keeps its messages is asked for just these numbers, one that is polled is read again
from before them. Either takes its turn of what the source allows. What comes closes the report,
as whatever comes by itself does (`streams`).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.errors import Busy, CrossdockError, NotFound, Rejected, Unavailable
from crossdock.connectivity.asking_turn import take_turn
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.gaps import Hole
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.raw_messages import Via
from crossdock.connectivity.sdk.application import Application, TellsAgain
from crossdock.connectivity.sdk.facts import ToldAgain
from crossdock.connectivity.streams import GAP_CODE, Stream, numbers_of
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants

TRIES_MAX = 2
PAUSE = timedelta(minutes=5)
"""Between two tries: what the first asked for may be on its way."""
GIVE_UP = timedelta(hours=12)
"""After so long it is for a person, though nobody could be asked: a source that is down, say."""
MARGIN = timedelta(hours=1)
"""A source is read again from so long before the hole: its clock may differ from ours."""
BACK_MAX = timedelta(days=31)
SECONDS_MAX = 45.0
HOLES_A_ROUND = 20
"""So many holes of a source are asked for at a time."""
SHOWN_MAX = 20

TENANTS = WorkersSql("""
select tenant from stream_hole where reported_at is not null and escalated_at is null
union select tenant from stream_progress where case_at is not null
""")
# What is missing and not yet a person's, each source's oldest first.
WANTED = """
select source, stream, first, last, since, tries, tried_at, reported_at from stream_hole
where tenant = $1 and reported_at is not null and escalated_at is null
order by source, reported_at, stream, first
"""
TRIED = """
update stream_hole h set tried_at = $2, tries = h.tries + $3
from unnest($5::text[], $6::bigint[]) as t(stream, first)
where h.tenant = $1 and h.source = $4 and h.stream = t.stream and h.first = t.first
"""
ESCALATE = """
update stream_hole h set escalated_at = $2
from unnest($4::text[], $5::bigint[]) as t(stream, first)
where h.tenant = $1 and h.source = $3 and h.stream = t.stream and h.first = t.first
"""
HAS_CASE = """
update stream_progress set case_at = $4 where tenant = $1 and source = $2 and stream = any($3)
"""
# Streams with a case of which nothing that was reported is missing any more.
FILLED = """
update stream_progress p set case_at = null
where p.tenant = $1 and p.case_at is not null and not exists (
    select from stream_hole h where h.tenant = $1 and h.source = p.source
        and h.stream = p.stream and h.reported_at is not null)
returning p.source, p.stream
"""


class Rereads(Protocol):
    async def read_again(self, scope: Scope, source: str, since: datetime) -> bool:
        """Have a source read again since then; False if this is not the time, or it cannot be."""
        ...


class Wanted(NamedTuple):
    """A hole that was reported, and what was done about it."""

    source: str
    stream: str
    first: int
    last: int
    since: datetime
    tries: int
    tried_at: datetime | None
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Refiller:
    """`around` is what calls need; it is built after whoever asks."""

    inbox: Inbox
    around: Callable[[], Surroundings]
    rereads: Rereads
    desk: Desk

    @property
    def database(self) -> Database:
        return self.around().database

    @property
    def clock(self) -> Clock:
        return self.around().ports.clock

    @property
    def job(self) -> Job:
        return Job(name="fill gaps", every=timedelta(minutes=1), work=self.follow)

    async def follow(self) -> None:
        """Ask for what is missing of every source; one that fails keeps no other waiting."""
        await each(await tenants(self.database, TENANTS), self._of_tenant)

    async def _of_tenant(self, scope: Scope) -> None:
        async with self.database.transaction(scope) as tx:
            rows = await tx.fetch(WANTED, tx.tenant)
            filled = await tx.fetch(FILLED, tx.tenant)
            names = [fingerprint(row["source"], row["stream"]) for row in filled]
            if names:
                await self.desk.closed(tx, names, "its numbers have come", self.clock.now())
        wanted = [Wanted(**dict(row.items())) for row in rows]
        for source, holes in groupby(wanted, key=lambda one: one.source):
            await self._of_source(scope, source, list(holes))

    async def _of_source(self, scope: Scope, source: str, holes: Sequence[Wanted]) -> None:
        try:
            entry = await self.around().directory.get(scope, source)
            application = self.around().directory.application_of(entry)
        except NotFound:
            return
        now = self.clock.now()
        asks = _asks_by_number(entry, application)
        can_ask = asks or (application.poll_every and application.cursor_at)
        over = [one for one in holes if not can_ask or is_over(one, now)]
        if over:
            async with self.database.transaction(scope) as tx:
                await self._escalate(tx, entry, over, now)
        due = [one for one in holes if one not in over and is_due(one, now)][:HOLES_A_ROUND]
        if not due or entry.is_paused:
            return
        if asks:
            for one in due:
                await self._ask(scope, entry, one, application.again_max)
        else:
            since = max(min(one.since for one in due) - MARGIN, now - BACK_MAX)
            if await self.rereads.read_again(scope, source, since):
                await self._tried(scope, due, 1)

    async def _ask(self, scope: Scope, entry: Entry, hole: Wanted, numbers_max: int) -> None:
        """Ask for the first numbers of a hole; what it has to say otherwise counts as a try."""
        last = min(hole.last, hole.first + numbers_max - 1)
        try:
            told = await self._told(scope, entry, hole.stream, hole.first, last)
        except Busy:
            return
        except Unavailable:
            await self._tried(scope, [hole], 0)
            return
        except CrossdockError:
            await self._tried(scope, [hole], 1)
            return
        around = self.around()
        async with self.database.transaction(scope) as tx:
            allowed = around.directory.application_of(entry).events
            await self.inbox.record_in(
                tx, entry.name, told.translation, told.raw, via=Via.POLL, allowed=allowed
            )
        await self._tried(scope, [hole], 1)

    async def _told(
        self, scope: Scope, entry: Entry, stream: str, first: int, last: int
    ) -> ToldAgain:
        around = self.around()
        await take_turn(around, scope, entry, 1)
        conversation = Conversation(around.database, around.directory, around.ports)
        try:
            async with asyncio.timeout(SECONDS_MAX), conversation.lent(entry) as opened:
                return await _teller(opened).tell_again(stream, first, last)
        except CrossdockError:
            raise
        except TimeoutError:
            raise Unavailable(f"{entry.name} did not answer in {SECONDS_MAX:g} s") from None
        except Exception as error:
            problem = f"{entry.name} failed: {type(error).__name__}: {error}"
            raise Rejected(problem, code="application_failed") from error
        finally:
            await conversation.close()

    async def _tried(self, scope: Scope, holes: Sequence[Wanted], count: int) -> None:
        """Note a try. A hole that was filled in part is another one, and is tried anew."""
        streams, firsts = [one.stream for one in holes], [one.first for one in holes]
        now = self.clock.now()
        async with self.database.transaction(scope) as tx:
            await tx.execute(TRIED, tx.tenant, now, count, holes[0].source, streams, firsts)

    async def _escalate(
        self, tx: Transaction, entry: Entry, over: Sequence[Wanted], now: datetime
    ) -> None:
        streams, firsts = [one.stream for one in over], [one.first for one in over]
        await tx.execute(ESCALATE, tx.tenant, now, entry.name, streams, firsts)
        await tx.execute(HAS_CASE, tx.tenant, entry.name, sorted(set(streams)), now)
        by_stream = sorted(over, key=lambda one: (one.stream, one.first))
        cases = [
            case_of(Stream(tx.tenant, entry.name, name), list(holes))
            for name, holes in groupby(by_stream, key=lambda one: one.stream)
        ]
        await self.desk.opened(tx, cases, now)


def is_due(hole: Wanted, now: datetime) -> bool:
    """Say whether it may be asked for by now."""
    return hole.tried_at is None or hole.tried_at + PAUSE <= now


def is_over(hole: Wanted, now: datetime) -> bool:
    """Say whether it is for a person: asked for twice and long enough ago, or never answered."""
    is_tried = hole.tries >= TRIES_MAX and is_due(hole, now)
    return is_tried or hole.reported_at + GIVE_UP <= now


def fingerprint(source: str, stream: str) -> str:
    return f"gap/{source}/{stream}"


def case_of(stream: Stream, holes: Sequence[Wanted]) -> OpenCase:
    """Say what a person is to have sent again; one case of a stream (§7.2)."""
    numbers = [numbers_of(Hole(one.first, one.last)) for one in holes[:SHOWN_MAX]]
    more = len(holes) - len(numbers)
    asked = max(one.tries for one in holes)
    did = f"asked for {asked} time(s)" if asked else "it cannot be asked, or did not answer"
    return OpenCase(
        code=GAP_CODE,
        fingerprint=fingerprint(stream.source, stream.name),
        severity="S2",
        owner_role="Integration",
        within=timedelta(hours=1),
        entity=stream.source,
        title=f"{stream.source} never told {', '.join(numbers[:3])}"
        f"{' and more' if len(holes) > 3 else ''} of {stream.name!r}; {did}: have it send"  # noqa: PLR2004 - as many as are named
        " them again, or a full snapshot",
        evidence={"stream": stream.name, "missing": numbers, "more": more, "asked": asked},
    )


def _teller(opened: Any) -> TellsAgain:
    if not isinstance(opened, TellsAgain):
        raise Rejected("it cannot tell again", code="not_asked")
    return opened


def _asks_by_number(entry: Entry, application: Application) -> bool:
    setting = application.again_setting
    return bool(application.again_max and (not setting or entry.settings.get(setting)))
