"""Compares open orders and purchases with every system that lists its own, by itself (§4.1.7).

Each is read every few hours, or as often as a hundredth of its quota allows; and once more, half
an hour on, where that found something new to suspect: two readings confirm a difference (§4.1.4).
One that is broken off, as it takes long or fails half way, goes on from there.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.errors import CrossdockError
from crossdock.canonical.identifiers import joined
from crossdock.capabilities.reconciliation import planning
from crossdock.capabilities.reconciliation.findings import Run, microseconds
from crossdock.capabilities.reconciliation.kinds import OPEN_LINES, Kind
from crossdock.capabilities.reconciliation.open_ports import Lister, ListsOpenLines
from crossdock.capabilities.reconciliation.open_service import OpenAsked, told
from crossdock.capabilities.reconciliation.planning import OpenRound, Plan
from crossdock.capabilities.reconciliation.rounds import REASON_MAX
from crossdock.capabilities.reconciliation.store import HUB
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, tenants

LIMIT = timedelta(minutes=30)
"""So long one tick may take: a system of many pages is read at its own rate."""

ALL = "select * from reconciliation_open_round where tenant = $1"

# A new system first has an interval to tell its orders by itself, and no second look before.
MEET = """
insert into reconciliation_open_round (tenant, connection, kind, asked_at, is_second)
select $1, s.connection, s.kind, $4, true from unnest($2::text[], $3::text[]) s(connection, kind)
on conflict (tenant, connection, kind) do nothing
"""

# So has one that was removed and added anew since it was asked.
MEET_ANEW = """
update reconciliation_open_round r set asked_at = s.since, is_second = true
from unnest($2::text[], $3::timestamptz[]) s(connection, since)
where r.tenant = $1 and r.connection = s.connection and r.asked_at < s.since
"""

NOT_ENDED = "it did not come to its end"
ASKED_NO_MORE = "it is not asked for its open {} any more: paused, removed, or without a list"
NOT_LISTED = "not_listed"
"""The code of one whose settings keep it from telling: nothing is wrong, and nobody's case."""
# Who is asked is noted before: a process that dies over it does not ask again at once.
ASK = """
update reconciliation_open_round set asked_at = $3, is_second = $4,
    refusal = $5, failed_at = $3
where tenant = $1 and connection = $2 and kind = $6
"""
DONE = """
update reconciliation_open_round set read_at = $3, pages = $4, lines = $5, refusal = '',
    failed_at = null
where tenant = $1 and connection = $2 and kind = $6
"""
FAILED = """
update reconciliation_open_round set refusal = $3, failed_at = $4, pages = greatest(pages, $5)
where tenant = $1 and connection = $2 and kind = $6
"""
# Those that are asked no more: paused, removed, or without a way to list. When they are again it
# is at once, for nobody knows of it any more that they do not answer.
LEFT = """
update reconciliation_open_round set refusal = '', failed_at = null, asked_at = 'epoch'
where tenant = $1 and refusal <> ''
    and (connection, kind) not in (select * from unnest($2::text[], $3::text[]))
returning connection, kind
"""
REFUSED = WorkersSql("select distinct tenant from reconciliation_open_round where refusal <> ''")
DOUBTED = """
select distinct against, system from reconciliation_finding
where tenant = $1 and state = 'SUSPECTED' and system = any($2) and not is_gone
"""


class Compares(Protocol):
    async def compare(self, scope: Scope, asked: OpenAsked, /) -> Run: ...


class _Kept(NamedTuple):
    at: OpenRound
    pages: int = 0
    lines: int = 0
    read_at: datetime | None = None
    refusal: str = ""
    failed_at: datetime | None = None


NEW = _Kept(OpenRound(0))


class OpenRounds:
    """Reads what is open at each system when it is due; `every` is zero: never."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        around: tuple[ListsOpenLines, Compares, Desk],
        *,
        every: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._lists, self._lines, self._cases = around
        self._every = every // timedelta(microseconds=1)

    @property
    def job(self) -> Job:
        ten = timedelta(minutes=10)
        return Job(name="compare open lines", every=ten, work=self.follow, limit=LIMIT)

    async def plans(self, scope: Scope) -> list[Plan]:
        """Tell whose open documents are compared, and what that takes of each quota at most."""
        kept = await self._kept(scope)
        plans: list[Plan] = []
        listers = await self._lists.listers(scope)
        pages = _pages(listers, kept)
        for one in listers:
            known = kept.get(_key(one), NEW)
            plan = planning.lines_planned(
                one.connection,
                one.kind,
                lines=known.lines,
                pages=known.pages,
                every=self._every,
                quota_calls_a_day=one.calls_a_day,
                pages_of_others=pages[one.connection] - max(1, known.pages),
            )
            plans.append(replace(plan, refusal=known.refusal, refused_at=known.failed_at))
        return plans

    async def follow(self) -> None:
        """Compare with each system whose turn it is; one that fails keeps no other waiting."""
        failures: list[Exception] = []
        refused = await tenants(self._database, REFUSED)
        for tenant in sorted(refused.union(await self._lists.tenants())):
            try:
                await self._follow(Scope(tenant), failures)
            except Exception as error:  # noqa: BLE001 whatever it is, the others are read
                failures.append(error)
        if failures:
            raise failures[0]

    async def _follow(self, scope: Scope, failures: list[Exception]) -> None:
        listers = await self._lists.listers(scope) if self._every else ()
        async with self._database.transaction(scope) as tx:
            names = [one.connection for one in listers]
            kinds = [one.kind for one in listers]
            await tx.execute(MEET, tx.tenant, names, kinds, self._clock.now())
            await tx.execute(MEET_ANEW, tx.tenant, names, [one.added_at for one in listers])
            await self._leave(tx, names, kinds)
            rows = await tx.fetch(DOUBTED, tx.tenant, OPEN_LINES)
        doubted = {(row["against"], row["system"]) for row in rows}
        kept = await self._kept(scope)
        pages = _pages(listers, kept)
        for one in sorted(listers, key=lambda one: kept[_key(one)].at.asked):
            known = kept[_key(one)]
            under_way = self._lists.under_way(scope, one.connection, one.kind, since=known.read_at)
            at = known.at._replace(gets_on=under_way.gets_on)
            every = planning.lines_every(self._every, pages[one.connection], one.calls_a_day)
            now, is_doubted = microseconds(self._clock.now()), _key(one) in doubted
            if not planning.lines_due(at, now, every, is_doubted=is_doubted):
                continue
            is_second = known.at.is_second if at.gets_on else not at.is_over(now, every)
            if error := await self._tried(scope, one, is_second=is_second):
                failures.append(error)

    async def _tried(self, scope: Scope, one: Lister, *, is_second: bool) -> Exception | None:
        """Compare with one system; what it does not tell is kept, what went wrong given back."""
        try:
            await self._compare(scope, one, is_second=is_second)
        except asyncio.CancelledError:
            await self._failed(scope, one, NOT_ENDED, is_last=False)
            raise
        except CrossdockError as error:
            is_last = is_second and error.code != NOT_LISTED
            await self._failed(scope, one, str(error), is_last=is_last)
        except Exception as error:  # noqa: BLE001 whatever it is, the others are read
            await self._failed(scope, one, repr(error), is_last=is_second)
            return error
        return None

    async def _leave(self, tx: Transaction, names: Sequence[str], kinds: Sequence[str]) -> None:
        """Close the cases of whoever is asked no more."""
        left = sorted(await tx.fetch(LEFT, tx.tenant, names, kinds))
        for name, kind in left:
            ended = [unread_case(name, kind, "").fingerprint]
            because = ASKED_NO_MORE.format(kind)
            await self._cases.closed(tx, ended, because, self._clock.now())

    async def _compare(self, scope: Scope, one: Lister, *, is_second: bool) -> None:
        async with self._database.transaction(scope) as tx:
            now = self._clock.now()
            await tx.execute(ASK, tx.tenant, one.connection, now, is_second, NOT_ENDED, one.kind)
        reading = await self._lists.open_lines(scope, one.connection, one.kind, go_on=True)
        asked = OpenAsked(
            kind=Kind(one.kind),
            against=one.connection,
            by=HUB,
            said=lambda _: told(reading),
            heard_from=one.connection,
        )
        await self._lines.compare(scope, asked)
        async with self._database.transaction(scope) as tx:
            await tx.execute(
                DONE, tx.tenant, one.connection, reading.began_at, reading.pages,
                len(reading.lines), one.kind,
            )  # fmt: skip
            ended = [unread_case(one.connection, one.kind, "").fingerprint]
            because = f"its open {one.kind} are read again"
            await self._cases.closed(tx, ended, because, self._clock.now())

    async def _failed(self, scope: Scope, one: Lister, reason: str, *, is_last: bool) -> None:
        """Keep why, and what it took; `is_last`: it is not asked again soon, and is a case."""
        under_way = self._lists.under_way(scope, one.connection, one.kind, since=None)
        now = self._clock.now()
        if under_way.gets_on:
            reason = f"after {under_way.calls} calls, it goes on from there: {reason}"
        async with self._database.transaction(scope) as tx:
            said = reason[:REASON_MAX]
            await tx.execute(
                FAILED, tx.tenant, one.connection, said, now, under_way.calls, one.kind
            )
            if is_last and not under_way.gets_on:
                case = unread_case(one.connection, one.kind, said)
                await self._cases.opened(tx, [case], now)

    async def _kept(self, scope: Scope) -> dict[tuple[str, str], _Kept]:
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(ALL, tx.tenant)
        return {
            (row["connection"], row["kind"]): _Kept(
                OpenRound(
                    asked=microseconds(row["asked_at"]),
                    read=microseconds(row["read_at"]) if row["read_at"] else None,
                    is_second=row["is_second"],
                    has_failed=bool(row["refusal"]),
                ),
                row["pages"],
                row["lines"],
                row["read_at"],
                row["refusal"],
                row["failed_at"],
            )
            for row in rows
        }


def _key(one: Lister) -> tuple[str, str]:
    return one.connection, one.kind


def _pages(listers: Sequence[Lister], kept: Mapping[tuple[str, str], _Kept]) -> Mapping[str, int]:
    """Add up the calls that a connection takes to tell all its kinds: they share its quota."""
    found: dict[str, int] = defaultdict(int)
    for one in listers:
        found[one.connection] += max(1, kept.get(_key(one), NEW).pages)
    return found


def unread_case(connection: str, kind: str, reason: str) -> OpenCase:
    """Word the case of a system whose open documents cannot be read; it ends when they are."""
    return OpenCase(
        code="EVT-STALE-SRC",
        fingerprint=joined(f"open-{kind}", connection),
        severity="S2",
        owner_role="Integration",
        within=timedelta(hours=1),
        entity=connection,
        title=f"open {kind} are not compared with {connection}: {reason}",
        evidence={
            "connection": connection,
            "reason": reason,
            "suggested": f"crossdock connection check {connection}",
        },
    )
