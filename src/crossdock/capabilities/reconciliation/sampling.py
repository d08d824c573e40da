"""Reads back what channels hold, a sample at a time; publishes again what differs (§4.1.7).

What a channel was told and confirmed is `ours`, what it holds now `theirs`; both in the unit that
it sells, at its own location. Found twice with nothing on its way, a difference is published again
by compare-and-set, again when that write has settled; what three times did not mend is for a
person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crossdock.canonical.errors import Busy, Forbidden, NotFound, Rejected, Throttled, Unavailable
from crossdock.capabilities.reconciliation import findings, planning, rounds, rulebook, store
from crossdock.capabilities.reconciliation.drift import (
    FLAPS_MAX,
    PUBLISHED,
    Reading,
    case_of,
    flapping_case,
    flaps_within,
    has_settled,
    is_fresh,
    may_try,
    row_of,
    run_of,
    stopped_case,
    stopped_of,
    unwritten_case,
)
from crossdock.capabilities.reconciliation.findings import Run
from crossdock.capabilities.reconciliation.model import State
from crossdock.capabilities.reconciliation.planning import ATTEMPTS_MAX, Plan, plans_of
from crossdock.capabilities.reconciliation.ports import KeepsCases, ReadsChannels
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.rounds import Round
from crossdock.capabilities.reconciliation.rules import Rules
from crossdock.capabilities.reconciliation.store import FindingRow, Pair
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope

HUB_WORK = "crossdock"
MOMENT = timedelta(seconds=15)
"""Who is busy for so long is waited for, while others are asked."""
TICK = timedelta(minutes=3)
"""A tick asks nobody after so long: the next one goes on."""

TRIED = """
update reconciliation_finding set attempts = attempts + 1, tried_at = $3
where tenant = $1 and finding_id = any($2)
"""

FLAPS = """
select item, count(*) as times from reconciliation_finding
where tenant = $1 and system = 'published' and against = $2 and location = $3
    and item = any($4) and state = 'CLOSED' and closed_at >= $5 and closed_by = 'crossdock'
    and confirmed_at is not null and note = $6
group by item having count(*) + 1 >= $7
"""
MENDED = "the channel holds what it was told"
REMOVED = "the channel does not list it there any more"

# A channel's number that agrees again was mended by writing it.
CLOSE_MENDED = """
update reconciliation_finding set state = 'CLOSED', closed_at = $3, closed_by = 'crossdock',
    root_cause = case when confirmed_at is null then 'TIMING' else 'MANUAL_ADJ' end,
    note = $4, is_gone = true
where tenant = $1 and finding_id = $2 and state in ('SUSPECTED', 'CONFIRMED')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """What one reading found; `republished` is how many levels are written again, and why not."""

    run: Run
    republished: int
    stopped: str


@dataclass(slots=True)
class _Leg:
    """What is due of one channel in a tick; `not_before` is when it may be asked, if it waits."""

    scope: Scope
    plan: Plan
    at: Round
    due: int
    again: list[str]
    made: int = 0
    not_before: datetime | None = None


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

    @property
    def job(self) -> Job:
        return Job(name="read channels back", every=timedelta(minutes=10), work=self.follow)

    async def plans(self, scope: Scope) -> list[Plan]:
        """Tell what is read back of each channel that can be, and what it takes of its quota.

        Each says what was refused of late, and how much of its round was set aside.
        """
        plans = plans_of(await self._channels.sellers(scope))
        async with self._database.transaction(scope) as tx:
            known = await rounds.all_in(tx)
        return [rounds.shown(plan, known.get((plan.connection, plan.location))) for plan in plans]

    async def follow(self) -> None:
        """Read back what is due of every channel of every tenant, each a call at a time by turns.

        Who waited longest begins. One that is busy for a moment is asked after the others, until
        the tick is over; one that refuses is set aside with its reason, and the others go on. One
        that asks for a pause has had a call, and is asked again when the next one is due. An
        error that is neither is raised at the end.
        """
        failures: list[Exception] = []
        legs: list[_Leg] = []
        for tenant in await self._channels.tenants():
            try:
                legs += await self._legs(Scope(tenant))
            except Exception as error:  # noqa: BLE001 whatever it is, the others are read
                failures.append(error)
        legs.sort(key=lambda leg: (leg.at.made is not None, leg.at.made))
        ends = self._clock.now() + TICK
        while legs and self._clock.now() < ends:
            legs.sort(key=lambda leg: leg.made)
            legs = [leg for leg in legs if await self._turn(leg, ends, failures)]
            waits = [leg.not_before for leg in legs if leg.not_before is not None]
            if legs and len(waits) == len(legs):
                left = (min(*waits, ends) - self._clock.now()) / timedelta(seconds=1)
                await self._clock.sleep(max(0.0, left))
        if failures:
            raise failures[0]

    async def _legs(self, scope: Scope) -> list[_Leg]:
        now = findings.microseconds(self._clock.now())
        legs: list[_Leg] = []
        for plan in await self.plans(scope):
            async with self._database.transaction(scope) as tx:
                at = await rounds.of(tx, plan)
            if due := plan.calls_due(at.made, now):
                again = planning.turned(await self._again(scope, plan), at.again_after)
                legs.append(_Leg(scope, plan, at, due, again))
        return legs

    async def _turn(self, leg: _Leg, ends: datetime, failures: list[Exception]) -> bool:
        """Make one call of a channel; answer whether it has more to ask in this tick."""
        now = self._clock.now()
        if leg.not_before is not None and leg.not_before > now:
            return True
        leg.not_before = None
        try:
            await self._call(leg)
        except Unavailable as error:
            if isinstance(error, Busy) and error.retry_after <= MOMENT:
                leg.not_before = now + error.retry_after
                return now + error.retry_after < ends
            if isinstance(error, Throttled) and not isinstance(error, Busy):
                leg.at.made = leg.plan.made(leg.at.made, findings.microseconds(now))
            await self._refused(leg, error)
            return False
        except Exception as error:  # noqa: BLE001 whatever it is, the others are read
            failures.append(error)
            await self._refused(leg, error)
            return False
        leg.due, leg.made = leg.due - 1, leg.made + 1
        return leg.due > 0

    async def _refused(self, leg: _Leg, error: Exception) -> None:
        leg.at.refusal, leg.at.refused_at = str(error)[: rounds.REASON_MAX], self._clock.now()
        async with self._database.transaction(leg.scope) as tx:
            await rounds.put(tx, leg.plan, leg.at, self._clock.now())

    async def _call(self, leg: _Leg) -> None:
        """Read the next listings, with some of what is open, which is read once in a tick.

        What the channel refuses is asked for in smaller parts, and set aside when it is alone.
        """
        plan, at = leg.plan, leg.at
        room = plan.room(len(leg.again), at.calls) >> at.narrow
        asked = leg.again[:room]
        limit = at.narrowed(min(plan.keys_at_once, plan.keys_a_call - room))
        items = await self._channels.listed(
            leg.scope, plan.connection, plan.location, at.after, limit
        )
        wanted = list(dict.fromkeys([*asked, *items]))
        try:
            await self._sample(leg.scope, plan, wanted, by=HUB_WORK, republish=True)
        except Forbidden:
            raise
        except Rejected as error:
            is_over = at.refuse(items, len(wanted), str(error), self._clock.now())
        else:
            is_over = at.answer()
        leg.again = leg.again[room:]
        if limit and is_over:
            at.after = items[-1] if len(items) == limit else ""
        at.again_after = asked[-1] if asked else at.again_after
        at.calls += 1
        now = self._clock.now()
        at.made = plan.made(at.made, findings.microseconds(now))
        async with self._database.transaction(leg.scope) as tx:
            await rounds.put(tx, plan, at, now)

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
            removed = [befores[one.item] for one in told if one.is_removed and one.item in befores]
            await store.put(tx, pair, reading.run_id, rows, self._clock.now())
            await self._end(tx, gone, MENDED)
            await self._end(tx, removed, REMOVED)
            gone += removed
            run = replace(run_of(reading, len(known), rows, len(gone)), ended_at=self._clock.now())
            await store.add_run(tx, run)
            rules = put.rules if (put := await rulebook.newest(tx)) else Rules()
            await self._say_unmended(tx, plan, rows, befores, rules)
            is_mended = republish and (by != HUB_WORK or Remedy.REPUBLISH in rules.heals)
            stopped = stopped_of(plan, befores, rows, gone, rules.brake)
            mending = [] if stopped or not is_mended else [one for one in rows if may_try(one)]
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

    async def _end(self, tx: Transaction, rows: Sequence[FindingRow], note: str) -> None:
        """Close what is gone: once the channel agrees, or lists no more, nothing is to do."""
        now = self._clock.now()
        for row in rows:
            await tx.execute(CLOSE_MENDED, tx.tenant, row.finding_id, now, note)
        await self._cases.closed(tx, [findings.fingerprint(row) for row in rows], note, now)

    async def _say_unmended(
        self,
        tx: Transaction,
        plan: Plan,
        rows: Sequence[FindingRow],
        befores: Mapping[str, FindingRow],
        rules: Rules,
    ) -> None:
        """Have a person look at what no write mends, or none may, or what drifts ever again."""
        now, within = self._clock.now(), flaps_within(plan)
        settled = [row for row in rows if has_settled(row)]
        wanted = [case_of(row) for row in settled if row.attempts >= ATTEMPTS_MAX]
        if Remedy.REPUBLISH not in rules.heals:
            wanted += [unwritten_case(row) for row in settled if row.state == State.CONFIRMED]
        fresh = {row.item: row for row in rows if is_fresh(row, befores.get(row.item))}
        if fresh:
            keys = (plan.connection, plan.location, sorted(fresh))
            flaps = await tx.fetch(FLAPS, tx.tenant, *keys, now - within, MENDED, FLAPS_MAX)
            wanted += [
                flapping_case(fresh[one["item"]], one["times"] + 1, within) for one in flaps
            ]
        await self._cases.opened(tx, wanted, now)
