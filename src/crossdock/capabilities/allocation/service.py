"""What others may ask of allocation: who is confirmed, what a run would change, and that it does.

A run is simulated first and kept; applying it looks again, under the locks of its order lines, and
answers a conflict if anything that it was decided on has changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

import structlog

from crossdock.canonical.allocation import ConfirmationChanged, Strategy
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict, Forbidden, NotFound, Unavailable
from crossdock.canonical.people import may_be_same
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import alternative_store, rulebook, runs, store
from crossdock.capabilities.allocation.alternatives import digest_with
from crossdock.capabilities.allocation.asks import Around, Key
from crossdock.capabilities.allocation.elsewhere import Elsewhere
from crossdock.capabilities.allocation.grouping import GroupBook
from crossdock.capabilities.allocation.oversold import NOBODY, look_later, oversold
from crossdock.capabilities.allocation.rulebook import Rulebook
from crossdock.capabilities.allocation.shapes import Run, RunState, Word
from crossdock.capabilities.allocation.sight import Sight, doubtful, look
from crossdock.capabilities.allocation.told import HUB
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

BY_HAND = "BY_HAND"
AFTER_FAILURE = timedelta(minutes=15)
UNCOUNTED = "nobody has counted what lies there by now: unknown is not zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedLine:
    """An open order line, in micros of `unit`: what is asked of it, and what it has of that.

    `released`, of what it has, is in the warehouse's hands. It is to leave on `ships_on`; None is
    at once. `elsewhere` is held for it at other places. Its maximum and minimum are those of the
    channel or group that it `counts_for`.
    """

    demand_ref: str
    order_id: str
    channel: str
    item: str
    location: str
    unit: str
    requested: int
    confirmed: int
    picked: int
    strategy: Strategy
    priority: int
    since: datetime
    released: int = 0
    ships_on: date | None = None
    customer: str = ""
    elsewhere: int = 0
    counts_for: str = ""


class Confirmation(NamedTuple):
    """What the run that last changed an order line gave it, in micros of `unit`, and why."""

    demand_ref: str
    item: str
    location: str
    unit: str
    requested: int
    before: int
    after: int
    why: str
    run_id: str
    decided_at: datetime


class Allocation:
    """Decides who among order lines is confirmed (domain.md §3.6); `rulebook` says how."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, around: Around) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._around = around
        self._stock = around.stock
        self._elsewhere = Elsewhere(database, clock, around)
        self.rulebook = Rulebook(database, clock, around.stock, around.parties)
        self.groups = GroupBook(database, clock, around, self.rulebook)

    async def channels_of(self, scope: Scope, demand_refs: Sequence[str]) -> dict[str, str]:
        """Say whose order lines are; one of which no order was heard is left out."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.CHANNELS_OF, tx.tenant, list(demand_refs))
        return {row["demand_ref"]: row["channel"] for row in rows}

    async def lines(self, scope: Scope, item: str, location: str) -> list[AllocatedLine]:
        """List the open order lines of an item at a location, in the order of their turn."""
        async with self._database.transaction(scope) as tx:
            [sight] = await look(
                tx, self._around, [(item, location)], self._clock.now(), lock=False
            )
        found = sorted(sight.waiting, key=lambda one: one.line.turn)
        return [
            AllocatedLine(
                demand_ref=one.demand_ref,
                order_id=one.order_id,
                channel=one.channel,
                customer=one.customer,
                item=item,
                location=location,
                unit=sight.stock.unit,
                requested=one.claim.open,
                elsewhere=one.line.elsewhere,
                confirmed=one.line.confirmed,
                picked=one.claim.picked,
                strategy=one.line.strategy,
                priority=one.line.priority,
                since=one.line.since,
                released=one.line.released,
                ships_on=one.line.ships_on,
                counts_for=one.line.group,
            )
            for one in found
        ]

    async def confirmed_by(self, scope: Scope, demand_refs: Sequence[str]) -> list[Confirmation]:
        """Name for each order line the run that last changed what it has; none did: left out."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.CONFIRMED_BY, tx.tenant, list(demand_refs))
        return [Confirmation(*row) for row in rows]

    async def simulate(self, scope: Scope, item: str, location: str, *, by: str) -> Run:
        """Say what a run would change now, and keep it for approval; it changes nothing.

        Asked again while nothing has changed, it is the same run. Raises `NotFound` if no open
        order line claims the item there, `Unavailable` `catching_up` if somebody would lose to an
        order that is being heard just now.
        """
        now = self._clock.now()
        offers, _ = await self._elsewhere.offers(scope, [(item, location)], now)
        async with self._database.transaction(scope) as tx:
            [sight] = await look(tx, self._around, [(item, location)], now)
            if not sight.waiting:
                raise NotFound(
                    f"no open order line claims {item} at {location}",
                    hint="orders are told by their source: `crossdock tail --type orders.*`",
                )
            run = sight.run(prefixed("run", self._ids.new()), BY_HAND, by, now, offers)
            if run.is_worse and await doubtful(tx, self._stock, [sight]):
                raise Unavailable(
                    f"an order for {item} at {location} is being heard just now",
                    code="catching_up",
                    hint="ask again in a moment",
                )
            if run.state is RunState.REFUSED:
                if before := await runs.latest(tx, run):
                    return before
                await escalate(tx, self._around, [run], now)
            return (await runs.save(tx, [run]))[0]

    async def runs(
        self,
        scope: Scope,
        *,
        state: str = "",
        item: str = "",
        location: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[Run]:
        """List runs, the newest first, without their lines; `after` is the last seen."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.RUNS, tx.tenant, state, item, location, after, limit)
        return [runs.run_of(row) for row in rows]

    async def run(self, scope: Scope, run_id: str) -> Run:
        """Show a run with its lines, as it was decided."""
        async with self._database.transaction(scope) as tx:
            return await runs.load(tx, run_id)

    async def approve(self, scope: Scope, run_id: str, *, by: str, remark: str = "") -> Run:
        """Apply a run: write what is confirmed and tell the log, together; then hold the rest.

        Approved again it changes nothing. Raises `Conflict` `stale` if what it was decided on has
        changed, `Conflict` if it was rejected, refused or superseded, `Forbidden` `four_eyes` if
        the policy wants another than its maker.
        """
        await self._approve(scope, run_id, by, remark)
        await self._elsewhere.carry_out()
        return await self.run(scope, run_id)

    async def _approve(self, scope: Scope, run_id: str, by: str, remark: str) -> None:
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            asked = await runs.load(tx, run_id)
            [sight] = await look(tx, self._around, [(asked.item, asked.location)], now)
            run = await runs.load(tx, run_id)  # as it is under the locks
            if run.state is RunState.APPLIED:
                return
            _must_wait(run)
            policy = await rulebook.policy_in(tx)
            if policy.four_eyes and may_be_same(by, run.made_by):
                raise Forbidden(
                    f"{by} made this run, and the policy wants another to approve it",
                    code="four_eyes",
                    hint="ask somebody else to look at it",
                )
            if digest_with(sight.digest, run.alternatives) != run.digest:
                raise Conflict(
                    f"what {run_id} was decided on has changed since {run.made_at:%d %b %H:%M}",
                    code="stale",
                    hint=f"`crossdock allocation simulate {run.item} {run.location}`, again",
                )
            await apply(tx, [(run, sight)], Word(by, now, remark))
            applied = replace(run, state=RunState.APPLIED)
            await escalate(tx, self._around, [applied], now, "a run was applied")

    async def reject(self, scope: Scope, run_id: str, *, by: str, remark: str) -> Run:
        """Say no to a run; it is not proposed again until something changes."""
        async with self._database.transaction(scope) as tx:
            run = await runs.load(tx, run_id)
            if run.state is RunState.REJECTED:
                return run
            now = self._clock.now()
            if run.state is not RunState.SIMULATED or not await runs.decide(
                tx, [run], RunState.REJECTED, Word(by, now, remark)
            ):
                _must_wait(await runs.load(tx, run_id))
            rejected = await runs.load(tx, run_id)
            await escalate(tx, self._around, [rejected], now, "a run was rejected")
            return rejected


def _must_wait(run: Run) -> None:
    if run.state is not RunState.SIMULATED:
        raise Conflict(
            f"{run.run_id} does not wait for approval: it is {run.state}",
            code="run_closed",
            hint=f"`crossdock allocation simulate {run.item} {run.location}` makes a new one",
        )


async def escalate(
    tx: Transaction,
    around: Around,
    decided: Sequence[Run],
    now: datetime,
    resolution: str = "",
    *,
    settled: Sequence[Run] = (),
) -> None:
    """Let a person know of runs that wait or leave lines short; close the cases of all others.

    What an open case says already is not told anew, be it that a run has just been decided that
    waits or changes something; `settled` are those of which that is known. Nobody is told of an
    item that nobody ever counted there: unknown is not zero. What cannot be told undoes nothing
    that was decided; it is looked at again.
    """
    every = sorted([*decided, *settled], key=lambda one: (one.item, one.location))
    known, end = {run.run_id for run in settled}, (resolution, now)
    if await _is_told(tx, around, every, known, end):
        return
    for run in every:  # what cannot be told keeps nothing else back
        if len(every) > 1 and await _is_told(tx, around, [run], known, end):
            continue
        await look_later(tx, {(run.item, run.location): now + AFTER_FAILURE})


async def _is_told(
    tx: Transaction,
    around: Around,
    runs: Sequence[Run],
    known: Collection[str],
    end: tuple[str, datetime],
) -> bool:
    keys = [(run.item, run.location) for run in runs]
    try:
        async with tx.savepoint():
            counted = await around.stock.counted(tx, tx.tenant, keys)
            await _tell(tx, around, runs, counted, (known, *end))
    except OUTAGES:
        raise
    except Exception:
        log.exception("a shortage was not told", items=sorted({item for item, _ in keys}))
        return False
    return True


async def _tell(
    tx: Transaction,
    around: Around,
    every: Sequence[Run],
    counted: Collection[Key],
    end: tuple[Collection[str], str, datetime],
) -> None:
    known, resolution, now = end
    desk = around.desk
    standing = await desk.standing(tx, tx.tenant, [(run.item, run.location) for run in every])
    for key in sorted(standing.keys() - set(counted)):
        await desk.close(tx, tx.tenant, key, UNCOUNTED)
    sure = [run for run in every if (run.item, run.location) in counted]
    beyond = await oversold(tx, around, sure, now)
    for run in sure:
        key = (run.item, run.location)
        before = standing.get(key)
        short = run.short(before.short if before else (), is_applied=run.is_applied)
        named = {one.demand_ref for one in short}
        sold, outlook = beyond.get(key, NOBODY)
        short = (*short, *(one for one in sold if one.demand_ref not in named))
        rest_on = outlook.rest_on if sold else None
        if short or run.waits:
            is_news = (run.waits or run.is_change) and run.run_id not in known
            if is_news or before is None or not before.says(run.state, short, rest_on):
                await desk.open(tx, tx.tenant, run, short, outlook if sold else None)
        elif before is not None:
            await desk.close(tx, tx.tenant, key, resolution)


async def apply(tx: Transaction, approved: Sequence[tuple[Run, Sight]], word: Word) -> None:
    """Write what runs confirm and tell the log; their lines are locked, their sights are fresh.

    Raises `Conflict` if somebody has just decided otherwise, which takes no lock of lines.
    """
    if not await runs.decide(tx, [run for run, _ in approved], RunState.APPLIED, word):
        raise Conflict(
            "somebody else has decided on a run just now",
            code="run_closed",
            hint="`crossdock allocation runs` shows what became of it",
        )
    confirmed = [
        (run.run_id, line.demand_ref, sight.picked(line.demand_ref) + line.after)
        for run, sight in approved
        for line in run.lines
        if line.strategy is not Strategy.SKIP
    ]
    await tx.execute(
        store.CONFIRM,
        tx.tenant,
        [run_id for run_id, _, _ in confirmed],
        [ref for _, ref, _ in confirmed],
        [total for _, _, total in confirmed],
    )
    gone = [
        (ref, sight.stock.claims[ref].picked if ref in sight.stock.claims else 0)
        for _, sight in approved
        for ref in sight.unclaimed
    ]
    await tx.execute(
        store.RELINQUISH, tx.tenant, [ref for ref, _ in gone], [picked for _, picked in gone]
    )
    await tx.execute(alternative_store.WANT, tx.tenant, [run.run_id for run, _ in approved])
    entries = [entry for run, _ in approved for entry in _entries(tx.tenant, run, word.at)]
    await event_log.append(tx, entries)


def _entries(tenant: str, run: Run, now: datetime) -> list[Entry]:
    return [
        Entry(
            tenant=tenant,
            source=HUB,
            received_at=now,
            fact=Fact(
                identity=f"confirmation:{run.run_id}:{line.demand_ref}",
                payload=ConfirmationChanged(
                    run_id=run.run_id,
                    demand_ref=line.demand_ref,
                    order_id=line.order_id,
                    channel=line.channel,
                    item=run.item,
                    location=run.location,
                    strategy=line.strategy,
                    requested=Quantity.from_micros(line.requested, run.unit),
                    before=Quantity.from_micros(line.before, run.unit),
                    confirmed=Quantity.from_micros(line.after, run.unit),
                ),
                occurred_at=now,
                recorded_at=now,
                causation_id=run.run_id,
            ),
        )
        for line in run.lines
        if line.after != line.before
    ]
