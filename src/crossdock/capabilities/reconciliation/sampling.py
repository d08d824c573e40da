"""Reads back what channels hold, a sample at a time; publishes again what differs (§4.1.7).

What a channel was told and confirmed is `ours`, what it holds now `theirs`; both in the unit that
it sells, at its own location. Found twice with nothing on its way, a difference is published again
by compare-and-set, again when that write has settled; what three times did not mend is for a
person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossdock.canonical.errors import NotFound, Throttled, Unavailable
from crossdock.capabilities.reconciliation import findings, planning, store
from crossdock.capabilities.reconciliation.drift import (
    PUBLISHED,
    Reading,
    case_of,
    has_settled,
    may_try,
    row_of,
    run_of,
    stopped_case,
    stopped_of,
)
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.findings import Run
from crossdock.capabilities.reconciliation.planning import ATTEMPTS_MAX, Plan, plans_of
from crossdock.capabilities.reconciliation.ports import KeepsCases, ReadsChannels
from crossdock.capabilities.reconciliation.store import FindingRow, Pair
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope

HUB_WORK = "crossdock"

ROUND = """
select after, sampled_at, again_after, calls from reconciliation_round
where tenant = $1 and connection = $2 and location = $3
"""
PUT_ROUND = """
insert into reconciliation_round (tenant, connection, location, after, again_after, calls,
    sampled_at, began_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant, connection, location) do update set after = excluded.after,
    again_after = excluded.again_after, calls = excluded.calls, sampled_at = excluded.sampled_at,
    began_at = case when excluded.after = '' then excluded.began_at
        else reconciliation_round.began_at end
"""
TRIED = """
update reconciliation_finding set attempts = attempts + 1, tried_at = $3
where tenant = $1 and finding_id = any($2)
"""

# A channel's number that agrees again was mended by writing it.
CLOSE_MENDED = """
update reconciliation_finding set state = 'CLOSED', closed_at = $3, closed_by = 'crossdock',
    root_cause = case when confirmed_at is null then 'TIMING' else 'MANUAL_ADJ' end,
    note = 'the channel holds what it was told', is_gone = true
where tenant = $1 and finding_id = $2 and state in ('SUSPECTED', 'CONFIRMED')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What one reading found; `republished` is how many levels are written again, and why not."""

    run: Run
    republished: int
    stopped: str


@dataclass(slots=True)
class _Round:
    """How far a channel is read; `made` is up to when its calls were made, in microseconds."""

    after: str = ""
    again_after: str = ""
    calls: int = 0
    made: int | None = None


class Sampler:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        channels: ReadsChannels,
        cases: KeepsCases,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._channels = channels
        self._cases = cases

    async def plans(self, scope: Scope) -> list[Plan]:
        """Tell what is read back of each channel that can be, and what it takes of its quota."""
        return plans_of(await self._channels.sellers(scope))

    async def follow(self) -> None:
        """Read back what is due of every channel of every tenant; who is busy comes later.

        One channel that cannot be read, or one tenant's, does not keep the others waiting; its
        error is raised at the end.
        """
        failures: list[Exception] = []
        for tenant in await self._channels.tenants():
            scope = Scope(tenant)
            try:
                plans = await self.plans(scope)
            except Exception as error:  # noqa: BLE001 whatever it is, the others are read
                failures.append(error)
                continue
            for plan in plans:
                try:
                    await self._next(scope, plan)
                except (Throttled, Unavailable):
                    continue
                except Exception as error:  # noqa: BLE001 whatever it is, the others are read
                    failures.append(error)
        if failures:
            raise failures[0]

    async def _next(self, scope: Scope, plan: Plan) -> None:
        """Make the calls that are due; what is open is read again once, however many they are."""
        at = await self._round(scope, plan)
        due = plan.calls_due(at.made, findings.microseconds(self._clock.now()))
        again = planning.turned(await self._again(scope, plan) if due else (), at.again_after)
        for _ in range(due):
            room = plan.room(len(again), at.calls)
            asked, again = again[:room], again[room:]
            limit = min(plan.keys_at_once, plan.keys_a_call - room)
            items = await self._channels.listed(
                scope, plan.connection, plan.location, at.after, limit
            )
            wanted = list(dict.fromkeys([*asked, *items]))
            await self._sample(scope, plan, wanted, by=HUB_WORK, republish=True)
            if limit:
                at.after = items[-1] if len(items) == limit else ""
            at.again_after = asked[-1] if asked else at.again_after
            at.calls += 1
            await self._put_round(scope, plan, at)

    async def _round(self, scope: Scope, plan: Plan) -> _Round:
        async with self._database.transaction(scope) as tx:
            row = await tx.fetchrow(ROUND, tx.tenant, plan.connection, plan.location)
        if row is None:
            return _Round()
        made = findings.microseconds(row["sampled_at"])
        return _Round(row["after"], row["again_after"], row["calls"], made)

    async def _put_round(self, scope: Scope, plan: Plan, at: _Round) -> None:
        now = self._clock.now()
        at.made = plan.made(at.made, findings.microseconds(now))
        async with self._database.transaction(scope) as tx:
            await tx.execute(
                PUT_ROUND,
                tx.tenant,
                plan.connection,
                plan.location,
                at.after,
                at.again_after,
                at.calls,
                instant(at.made),
                now,
            )

    async def _again(self, scope: Scope, plan: Plan) -> list[str]:
        async with self._database.transaction(scope) as tx:
            rows = await store.open_of(tx, Pair(PUBLISHED, plan.connection))
        return [row.item for row in rows if row.location == plan.location and not row.is_gone]

    async def sample(
        self,
        scope: Scope,
        connection: str,
        location: str,
        items: Sequence[str] = (),
        *,
        by: str,
        republish: bool = False,
    ) -> Sampled:
        """Read these items back now, or the first of a channel; raises `NotFound`, `Throttled`."""
        plans = {(one.connection, one.location): one for one in await self.plans(scope)}
        plan = plans.get((connection, location))
        if plan is None:
            raise NotFound(
                f"{connection}/{location} is no channel that can be read back",
                hint="`crossdock reconcile plan` shows those that are",
            )
        wanted = list(dict.fromkeys(items))[: plan.keys_a_call] or await self._channels.listed(
            scope, connection, location, "", plan.keys_a_call
        )
        return await self._sample(scope, plan, wanted, by=by, republish=republish)

    async def _sample(
        self, scope: Scope, plan: Plan, items: Sequence[str], *, by: str, republish: bool
    ) -> Sampled:
        reading = Reading(
            tenant=scope.tenant,
            run_id=prefixed("rcn", self._ids.new()),
            plan=plan,
            by=by,
            at=self._clock.now(),
        )
        told = await self._channels.read_back(scope, plan.connection, plan.location, items)
        pair = Pair(PUBLISHED, plan.connection)
        async with self._database.transaction(scope) as tx:
            befores = {
                row.item: row
                for row in await store.open_now(tx, pair)
                if row.location == plan.location
            }
            known = [one for one in told if one.told is not None and one.held is not None]
            rows = [
                row_of(reading, one, befores.get(one.item))
                for one in known
                if one.told != one.held
            ]
            differing = {row.item for row in rows}
            gone = [
                befores[one.item]
                for one in known
                if one.item in befores and one.item not in differing
            ]
            await self._keep(tx, pair, reading.run_id, rows, gone)
            run = replace(run_of(reading, len(known), rows, len(gone)), ended_at=self._clock.now())
            await store.add_run(tx, run)
            stopped = stopped_of(plan, befores, rows, gone)
            mending = [] if stopped or not republish else [one for one in rows if may_try(one)]
            if mending:
                names = [row.finding_id for row in mending]
                await tx.execute(TRIED, tx.tenant, names, reading.at)
            if republish:
                await self._say_stopped(tx, plan, stopped)
        republished = 0
        if mending:
            named = [row.item for row in mending]
            republished = await self._channels.republish(
                scope, plan.connection, plan.location, named
            )
        return Sampled(run=findings.run_shown(run), republished=republished, stopped=stopped)

    async def _say_stopped(self, tx: Transaction, plan: Plan, stopped: str) -> None:
        """Have a person look where so much drifted that none of it is written by itself."""
        now = self._clock.now()
        case = stopped_case(plan, stopped)
        if stopped:
            await self._cases.opened(tx, [case], now)
        else:
            await self._cases.closed(tx, [case.fingerprint], "few enough differ again", now)

    async def _keep(
        self,
        tx: Transaction,
        pair: Pair,
        run_id: str,
        rows: Sequence[FindingRow],
        gone: Sequence[FindingRow],
    ) -> None:
        """Write what differs, end what is gone: once the channel agrees there is nothing to do."""
        now = self._clock.now()
        await store.put(tx, pair, run_id, rows, now)
        for row in gone:
            await tx.execute(CLOSE_MENDED, tx.tenant, row.finding_id, now)
        closed = [findings.fingerprint(row) for row in gone]
        await self._cases.closed(tx, closed, "the channel holds what it was told", now)
        wanted = [
            case_of(row) for row in rows if row.attempts >= ATTEMPTS_MAX and has_settled(row)
        ]
        await self._cases.opened(tx, wanted, now)
