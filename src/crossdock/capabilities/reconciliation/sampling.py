"""Reads back what channels hold, a sample at a time; publishes again what differs (§4.1.7).

What a channel was told and confirmed is `ours`, what it holds now `theirs`; both in the unit that
it sells, at its own location. Found twice with nothing on its way, a difference is published again
by compare-and-set; what three times did not mend is for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from crossdock.canonical.errors import NotFound, Throttled, Unavailable
from crossdock.capabilities.reconciliation import findings, guards, model, store
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.findings import Run
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.model import Before, State
from crossdock.capabilities.reconciliation.planning import Plan, planned
from crossdock.capabilities.reconciliation.ports import CaseWanted, KeepsCases, ReadsChannels, Told
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.store import FindingRow, Pair, RunRow
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, derived_uuid, prefixed
from crossdock.foundation.scope import Scope

PUBLISHED = "published"
"""The first side: what the hub has published."""
LEVEL = "CHANNEL"
APART = timedelta(minutes=30) // timedelta(microseconds=1)
ATTEMPTS_MAX = 3
AGAIN_MAX = 20
"""So many of what differed are read again with each call."""
BRAKE = Brake()
LISTINGS_MIN = 50
"""A channel of fewer listings counts as one of so many: one number is no runaway."""
HUB_WORK = "crossdock"

ROUND = """
select after, began_at, sampled_at from reconciliation_round
where tenant = $1 and connection = $2 and location = $3
"""
PUT_ROUND = """
insert into reconciliation_round (tenant, connection, location, after, began_at, sampled_at)
values ($1, $2, $3, $4, $5, $5)
on conflict (tenant, connection, location) do update set after = excluded.after,
    sampled_at = excluded.sampled_at,
    began_at = case when excluded.after = '' then excluded.sampled_at
        else reconciliation_round.began_at end
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One reading of a channel: when it began, and for whom."""

    tenant: str
    run_id: str
    plan: Plan
    by: str
    at: datetime


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
        return [
            planned(
                one.connection,
                one.location,
                listings=one.listings,
                keys_a_call=one.keys_a_call,
                quota_calls_a_day=one.calls_a_day,
            )
            for one in await self._channels.sellers(scope)
        ]

    async def follow(self) -> None:
        """Read back what is due of every channel of every tenant; who is busy comes later."""
        for tenant in await self._channels.tenants():
            scope = Scope(tenant)
            for plan in await self.plans(scope):
                await self._next(scope, plan)

    async def _next(self, scope: Scope, plan: Plan) -> None:
        async with self._database.transaction(scope) as tx:
            row = await tx.fetchrow(ROUND, tx.tenant, plan.connection, plan.location)
        last = row and row["sampled_at"]
        seconds = None if last is None else int((self._clock.now() - last).total_seconds())
        after = row["after"] if row else ""
        for _ in range(plan.calls_due(seconds)):
            items = await self._channels.listed(
                scope, plan.connection, plan.location, after, plan.keys_at_once
            )
            after = items[-1] if len(items) == plan.keys_at_once else ""
            again = await self._again(scope, plan)
            wanted = list(dict.fromkeys([*again, *items]))[: plan.keys_a_call]
            try:
                await self._sample(scope, plan, wanted, by=HUB_WORK, republish=True)
            except (Throttled, Unavailable):
                return
            async with self._database.transaction(scope) as tx:
                now = self._clock.now()
                await tx.execute(PUT_ROUND, tx.tenant, plan.connection, plan.location, after, now)

    async def _again(self, scope: Scope, plan: Plan) -> list[str]:
        async with self._database.transaction(scope) as tx:
            rows = await store.open_of(tx, Pair(PUBLISHED, plan.connection))
        here = [row for row in rows if row.location == plan.location and not row.is_gone]
        return [row.item for row in sorted(here, key=lambda row: row.last_cut)][:AGAIN_MAX]

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
        reading = _Reading(
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
                _row(reading, one, befores.get(one.item)) for one in known if one.told != one.held
            ]
            differing = {row.item for row in rows}
            gone = [
                befores[one.item]
                for one in known
                if one.item in befores and one.item not in differing
            ]
            await self._keep(tx, pair, reading.run_id, rows, gone)
            run = replace(_run(reading, len(known), rows, len(gone)), ended_at=self._clock.now())
            await store.add_run(tx, run)
            mending = [
                row for row in rows if row.state == State.CONFIRMED and row.attempts < ATTEMPTS_MAX
            ]
            stopped = guards.stopped(
                len(mending), max(plan.listings, LISTINGS_MIN), 0, BRAKE, is_in_incident=False
            )
            if republish and mending and not stopped:
                await tx.execute(store.TRIED, tx.tenant, [row.finding_id for row in mending])
        republished = 0
        if republish and mending and not stopped:
            named = [row.item for row in mending]
            republished = await self._channels.republish(
                scope, plan.connection, plan.location, named
            )
        return Sampled(run=findings.run_shown(run), republished=republished, stopped=stopped)

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
        wanted = [_case(row) for row in rows if row.attempts >= ATTEMPTS_MAX]
        await self._cases.opened(tx, wanted, now)


def _row(reading: _Reading, one: Told, before: FindingRow | None) -> FindingRow:
    plan, at, run_id = reading.plan, reading.at, reading.run_id
    ours, theirs = one.told or 0, one.held or 0
    cut = findings.microseconds(at)
    earlier = _before(before) if before else None
    state = model.next_state(
        earlier, cut, theirs - ours, is_in_flight=one.is_in_flight, apart=APART
    )
    name = prefixed(
        "fnd", derived_uuid("finding", reading.tenant, run_id, plan.location, one.item)
    )
    return FindingRow(
        finding_id=before.finding_id if before else name,
        system=PUBLISHED,
        against=plan.connection,
        location=plan.location,
        item=one.item,
        state=state,
        level=LEVEL,
        cause=Cause.UNKNOWN,
        because="the channel holds another number than it confirmed",
        remedy=Remedy.REPUBLISH if state is State.CONFIRMED else Remedy.WAIT,
        unit="EA",
        ours=ours,
        theirs=theirs,
        explained=0,
        unexplained=theirs - ours,
        at_stake=theirs - ours,
        absolute=abs(theirs - ours),
        withheld=0,
        value_at_risk=None,
        class_=before.class_ if before else "A",
        is_in_flight=one.is_in_flight,
        is_gone=False,
        times=1,
        attempts=before.attempts if before else 0,
        run_id=run_id,
        evidence=msgspec.json.encode({"is_sellable": True}).decode(),
        first_cut=at,
        last_cut=at,
        found_at=at,
        confirmed_at=None,
        closed_at=None,
        closed_by="",
        root_cause="",
        note="",
    )


def _case(row: FindingRow) -> CaseWanted:
    return CaseWanted(
        code="PUB-STALE",
        fingerprint=findings.fingerprint(row),
        severity="S2",
        owner_role="eCommerce",
        within=timedelta(minutes=15),
        entity=f"{row.item} in {row.against}/{row.location}",
        title=f"{row.against} does not hold what it is told, {ATTEMPTS_MAX} times",
        evidence={"finding": row.finding_id},
    )


def _before(row: FindingRow) -> Before:
    return Before(State(row.state), findings.microseconds(row.first_cut), row.at_stake)


def _run(reading: _Reading, compared: int, rows: Sequence[FindingRow], gone: int) -> RunRow:
    states = [row.state for row in rows]
    return RunRow(
        run_id=reading.run_id,
        system=PUBLISHED,
        against=reading.plan.connection,
        verdict="DONE",
        reason="",
        asked_by=reading.by,
        began_at=reading.at,
        ended_at=reading.at,
        earliest_cut=reading.at,
        latest_cut=reading.at,
        row_count=compared,
        zero_count=0,
        is_full=False,
        compared=compared,
        alike=compared - len(rows),
        explained=0,
        tolerated=0,
        suspected=states.count(State.SUSPECTED),
        confirmed=states.count(State.CONFIRMED),
        gone=gone,
        value_at_risk=None,
        unknown_names=(),
    )
