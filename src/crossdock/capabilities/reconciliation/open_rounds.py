"""Compares open orders with every system that lists its own, by itself (§4.1.7).

Each is read every few hours, or as often as a hundredth of its quota allows; and once more, half
an hour on, where that found something new to suspect: two readings confirm a difference (§4.1.4).
One that is broken off, as it takes long or fails half way, goes on from there.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.errors import CrossdockError
from crossdock.canonical.identifiers import joined
from crossdock.capabilities.reconciliation import planning
from crossdock.capabilities.reconciliation.findings import Run, microseconds
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.capabilities.reconciliation.open_ports import Lister, ListsOpenOrders
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
insert into reconciliation_open_round (tenant, connection, asked_at, is_second)
select $1, s.connection, $3, true from unnest($2::text[]) s(connection)
on conflict (tenant, connection) do nothing
"""

# So has one that was removed and added anew since it was asked.
MEET_ANEW = """
update reconciliation_open_round r set asked_at = s.since, is_second = true
from unnest($2::text[], $3::timestamptz[]) s(connection, since)
where r.tenant = $1 and r.connection = s.connection and r.asked_at < s.since
"""

NOT_ENDED = "it did not come to its end"
ASKED_NO_MORE = "it is not asked for its open orders any more: paused, removed, or without a list"
# Who is asked is noted before: a process that dies over it does not ask again at once.
ASK = """
update reconciliation_open_round set asked_at = $3, is_second = $4,
    refusal = $5, failed_at = $3
where tenant = $1 and connection = $2
"""
DONE = """
update reconciliation_open_round set read_at = $3, pages = $4, lines = $5, refusal = '',
    failed_at = null
where tenant = $1 and connection = $2
"""
FAILED = """
update reconciliation_open_round set refusal = $3, failed_at = $4, pages = greatest(pages, $5)
where tenant = $1 and connection = $2
"""
# Those that are asked no more: paused, removed, or without a way to list. When they are again it
# is at once, for nobody knows of it any more that they do not answer.
LEFT = """
update reconciliation_open_round set refusal = '', failed_at = null, asked_at = 'epoch'
where tenant = $1 and refusal <> '' and connection <> all($2::text[])
returning connection
"""
REFUSED = WorkersSql("select distinct tenant from reconciliation_open_round where refusal <> ''")
DOUBTED = """
select distinct against from reconciliation_finding
where tenant = $1 and state = 'SUSPECTED' and system = $2 and not is_gone
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
    """Reads the open orders of each system when they are due; `every` is zero: never."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        around: tuple[ListsOpenOrders, Compares, Desk],
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
        return Job(name="compare open orders", every=ten, work=self.follow, limit=LIMIT)

    async def plans(self, scope: Scope) -> list[Plan]:
        """Tell whose open orders are compared, and what that takes of each quota at most."""
        kept = await self._kept(scope)
        plans: list[Plan] = []
        for one in await self._lists.listers(scope):
            known = kept.get(one.connection, NEW)
            plan = planning.orders_planned(
                one.connection,
                lines=known.lines,
                pages=known.pages,
                every=self._every,
                quota_calls_a_day=one.calls_a_day,
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
            await tx.execute(MEET, tx.tenant, names, self._clock.now())
            await tx.execute(MEET_ANEW, tx.tenant, names, [one.added_at for one in listers])
            await self._leave(tx, names)
            rows = await tx.fetch(DOUBTED, tx.tenant, Kind.ORDERS)
        doubted = {row["against"] for row in rows}
        kept = await self._kept(scope)
        for one in sorted(listers, key=lambda one: kept[one.connection].at.asked):
            known = kept[one.connection]
            under_way = self._lists.under_way(scope, one.connection, since=known.read_at)
            at = known.at._replace(gets_on=under_way.gets_on)
            every = planning.orders_every(self._every, known.pages, one.calls_a_day)
            now, is_doubted = microseconds(self._clock.now()), one.connection in doubted
            if not planning.orders_due(at, now, every, is_doubted=is_doubted):
                continue
            is_second = known.at.is_second if at.gets_on else not at.is_over(now, every)
            try:
                await self._compare(scope, one, is_second=is_second)
            except asyncio.CancelledError:
                await self._failed(scope, one, NOT_ENDED, is_last=False)
                raise
            except CrossdockError as error:
                await self._failed(scope, one, str(error), is_last=is_second)
            except Exception as error:  # noqa: BLE001 whatever it is, the others are read
                await self._failed(scope, one, repr(error), is_last=is_second)
                failures.append(error)

    async def _leave(self, tx: Transaction, names: Sequence[str]) -> None:
        """Close the cases of whoever is asked no more."""
        left = [row["connection"] for row in await tx.fetch(LEFT, tx.tenant, names)]
        if left:
            ended = [unread_case(name, "").fingerprint for name in sorted(left)]
            await self._cases.closed(tx, ended, ASKED_NO_MORE, self._clock.now())

    async def _compare(self, scope: Scope, one: Lister, *, is_second: bool) -> None:
        async with self._database.transaction(scope) as tx:
            now = self._clock.now()
            await tx.execute(ASK, tx.tenant, one.connection, now, is_second, NOT_ENDED)
        reading = await self._lists.open_orders(scope, one.connection, go_on=True)
        asked = OpenAsked(
            kind=Kind.ORDERS,
            against=one.connection,
            by=HUB,
            said=lambda _: told(reading),
            heard_from=one.connection,
        )
        await self._lines.compare(scope, asked)
        async with self._database.transaction(scope) as tx:
            await tx.execute(
                DONE, tx.tenant, one.connection, reading.began_at, reading.pages,
                len(reading.lines),
            )  # fmt: skip
            ended = [unread_case(one.connection, "").fingerprint]
            await self._cases.closed(
                tx, ended, "its open orders are read again", self._clock.now()
            )

    async def _failed(self, scope: Scope, one: Lister, reason: str, *, is_last: bool) -> None:
        """Keep why, and what it took; `is_last`: it is not asked again soon, and is a case."""
        under_way = self._lists.under_way(scope, one.connection, since=None)
        now = self._clock.now()
        if under_way.gets_on:
            reason = f"after {under_way.calls} calls, it goes on from there: {reason}"
        async with self._database.transaction(scope) as tx:
            said = reason[:REASON_MAX]
            await tx.execute(FAILED, tx.tenant, one.connection, said, now, under_way.calls)
            if is_last and not under_way.gets_on:
                await self._cases.opened(tx, [unread_case(one.connection, said)], now)

    async def _kept(self, scope: Scope) -> dict[str, _Kept]:
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(ALL, tx.tenant)
        return {
            row["connection"]: _Kept(
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


def unread_case(connection: str, reason: str) -> OpenCase:
    """Word the case of a system whose open orders cannot be read; it ends when they are."""
    return OpenCase(
        code="EVT-STALE-SRC",
        fingerprint=joined("open-orders", connection),
        severity="S2",
        owner_role="Integration",
        within=timedelta(hours=1),
        entity=connection,
        title=f"open orders are not compared with {connection}: {reason}",
        evidence={
            "connection": connection,
            "reason": reason,
            "suggested": f"crossdock connection check {connection}",
        },
    )
