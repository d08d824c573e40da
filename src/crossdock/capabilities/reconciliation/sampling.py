"""Reads back what channels hold, a sample at a time; publishes again what differs (§4.1.7).

What a channel was told and confirmed is `ours`, what it holds now `theirs`; both in the unit that
it sells, at its own location. Found twice with nothing on its way, a difference is published again
by compare-and-set, again when that write has settled; what three times did not mend is for a
person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crossdock.canonical.errors import CrossdockError, NotFound, Rejected
from crossdock.capabilities.reconciliation import findings, happened, rounds, rulebook, store
from crossdock.capabilities.reconciliation.asked_store import costs_of
from crossdock.capabilities.reconciliation.drift import (
    FLAPS_MAX,
    PUBLISHED,
    Reading,
    case_of,
    flapping_case,
    flaps_within,
    foreign_case,
    has_settled,
    is_fresh,
    may_try,
    price_of,
    removed_since,
    row_of,
    run_of,
    stopped_case,
    stopped_of,
    unwritten_case,
)
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.findings import Run
from crossdock.capabilities.reconciliation.happened import CameOf, How, Try
from crossdock.capabilities.reconciliation.model import State
from crossdock.capabilities.reconciliation.money import is_weighed
from crossdock.capabilities.reconciliation.planning import (
    APART,
    ATTEMPTS_MAX,
    CHANNEL,
    Plan,
    plans_of,
)
from crossdock.capabilities.reconciliation.ports import ReadsChannels, Told
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.rounds import Round
from crossdock.capabilities.reconciliation.rules import Rules
from crossdock.capabilities.reconciliation.store import FindingRow, Pair
from crossdock.capabilities.reconciliation.turns import Page, Turns
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk

HUB_WORK = "crossdock"

FLAPS = """
select item, count(*) as times from reconciliation_finding
where tenant = $1 and system = 'published' and against = $2 and location = $3
    and item = any($4) and state = 'CLOSED' and closed_at >= $5 and closed_by = 'crossdock'
    and confirmed_at is not null and note = $6
group by item having count(*) + 1 >= $7
"""
MENDED = "the channel holds what it was told"
REMOVED = "the channel does not list it there any more"
NOTE_UNLISTED = """
update reconciliation_finding
set evidence = evidence || jsonb_build_object('not_listed_at', $3::text)
where tenant = $1 and finding_id = any($2)
"""

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


class Sampler:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        channels: ReadsChannels,
        cases: Desk,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._channels = channels
        self._cases = cases
        self._turns = Turns(database, clock, self)

    @property
    def job(self) -> Job:
        return Job(name="read channels back", every=timedelta(minutes=10), work=self.follow)

    async def plans(self, scope: Scope) -> list[Plan]:
        """Tell what is read back of each channel that can be, and what it takes of its quota.

        Each says what was refused of late, and how much of its round was set aside.
        """
        plans = plans_of(await self._channels.sellers(scope))
        async with self._database.transaction(scope) as tx:
            known = await rounds.all_in(tx, CHANNEL)
        return [rounds.shown(plan, known.get((plan.connection, plan.location))) for plan in plans]

    async def follow(self) -> None:
        """Read back what is due of every channel of every tenant, each a call at a time."""
        await self._turns.follow()

    async def tenants(self) -> Sequence[str]:
        return await self._channels.tenants()

    async def listed(self, scope: Scope, plan: Plan, at: Round, limit: int) -> Page:
        """Name the next listings of a channel; behind the last one it begins anew."""
        channel = (plan.connection, plan.location)
        items = await self._channels.listed(scope, *channel, at.after, limit + 1)
        page = items[:limit]
        return Page(page, page[-1] if len(items) > limit else "")

    async def read(self, scope: Scope, plan: Plan, items: Sequence[str]) -> None:
        await self._sample(scope, plan, items, by=HUB_WORK, republish=True)

    async def again(self, scope: Scope, plan: Plan) -> list[str]:
        """Name what differed, to be read again."""
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
            rules, version = await self._rules(tx)
            rows = await self._priced(tx, reading, known, befores, rules.brake.currency)
            differing = {row.item for row in rows}
            gone = [
                befores[one.item]
                for one in known
                if one.item in befores and one.item not in differing
            ]
            unlisted = [befores[x.item] for x in told if x.is_removed and x.item in befores]
            removed = await self._unlisted_twice(tx, unlisted, reading.at)
            await store.put(tx, pair, reading.run_id, rows, self._clock.now())
            await self._end(tx, gone, MENDED)
            await self._end(tx, removed, REMOVED)
            gone += removed
            house = rules.brake.currency
            run = run_of(reading, len(known), rows, len(gone), house)
            run = replace(run, ended_at=self._clock.now(), rules_version=version)
            await store.add_run(tx, run)
            await self._say_unmended(tx, plan, rows, befores, rules)
            is_mended = republish and (by != HUB_WORK or Remedy.REPUBLISH in rules.heals)
            stopped = stopped_of(plan, befores, rows, gone, rules.brake)
            mending = [] if stopped or not is_mended else [x for x in rows if may_try(x, house)]
            if mending:
                await happened.counted(tx, mending, reading.at)
            await self._tell(tx, reading, rows, befores, gone)
            if republish:
                await self._say_stopped(tx, plan, stopped)
        republished = await self._republished(scope, plan, mending, by)
        return Sampled(run=findings.run_shown(run), republished=republished, stopped=stopped)

    async def _priced(
        self,
        tx: Transaction,
        reading: Reading,
        known: Sequence[Told],
        befores: Mapping[str, FindingRow],
        house: str,
    ) -> list[FindingRow]:
        """Make findings of what drifted, with what each is worth, as far as anybody knows."""
        drifted = [one for one in known if one.told != one.held]
        items = {one.item for one in drifted}
        costs = await costs_of(tx, items, house) if drifted else {}
        return [
            row_of(
                reading,
                one,
                befores.get(one.item),
                price_of(one, costs.get(one.item)),
            )
            for one in drifted
        ]

    async def _tell(
        self,
        tx: Transaction,
        reading: Reading,
        rows: Sequence[FindingRow],
        befores: Mapping[str, FindingRow],
        gone: Sequence[FindingRow],
    ) -> None:
        fresh = [row for row in rows if is_fresh(row, befores.get(row.item))]
        said = [*happened.confirmed(fresh, reading.run_id), *happened.gone(gone, reading.run_id)]
        await tell(tx, said, self._clock.now())

    async def _rules(self, tx: Transaction) -> tuple[Rules, int]:
        put = await rulebook.newest(tx)
        return (put.rules, put.version) if put else (Rules(), 0)

    async def _republished(
        self, scope: Scope, plan: Plan, rows: Sequence[FindingRow], by: str
    ) -> int:
        """Have levels written again, and tell what came of it; the try is counted already."""
        if not rows:
            return 0
        items = [row.item for row in rows]
        said, failure, count = Try(How.REPUBLISHED, by), None, 0
        try:
            count = await self._channels.republish(scope, plan.connection, plan.location, items)
        except CrossdockError as error:
            is_refused, failure = isinstance(error, Rejected), error
            outcome = CameOf.REFUSED if is_refused else CameOf.FAILED
            said = said._replace(outcome=outcome, because=str(error))
        async with self._database.transaction(scope) as tx:
            await happened.tell_tried(tx, rows, said, self._clock.now())
        if failure is not None:
            raise failure
        return count

    async def _unlisted_twice(
        self, tx: Transaction, rows: Sequence[FindingRow], at: datetime
    ) -> list[FindingRow]:
        """Give what is not listed in two readings far enough apart; note the first one."""
        since = {row.finding_id: removed_since(row) for row in rows}
        first = [name for name, said in since.items() if said is None]
        if first:
            await tx.execute(NOTE_UNLISTED, tx.tenant, first, at.isoformat())
        before = at - timedelta(microseconds=APART)
        return [row for row in rows if (said := since[row.finding_id]) and said <= before]

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
        confirmed = [row for row in settled if row.state == State.CONFIRMED]
        if Remedy.REPUBLISH not in rules.heals:
            wanted += [unwritten_case(row) for row in confirmed]
        else:
            house = rules.brake.currency
            tried = [row for row in confirmed if row.attempts < ATTEMPTS_MAX]
            wanted += [foreign_case(row) for row in tried if not is_weighed(row, house)]
        fresh = {row.item: row for row in rows if is_fresh(row, befores.get(row.item))}
        if fresh:
            keys = (plan.connection, plan.location, sorted(fresh))
            flaps = await tx.fetch(FLAPS, tx.tenant, *keys, now - within, MENDED, FLAPS_MAX)
            wanted += [
                flapping_case(fresh[one["item"]], one["times"] + 1, within) for one in flaps
            ]
        await self._cases.opened(tx, wanted, now)
