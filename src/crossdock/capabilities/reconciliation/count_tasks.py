"""What is proposed to be counted, told as it changes, so that others take it as tasks (§4.2)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.inventory import MovementType
from crossdock.capabilities.reconciliation import asked_store, count_store, telling_again
from crossdock.capabilities.reconciliation.asking_later import ask_left
from crossdock.capabilities.reconciliation.count_store import Ending, Task, TaskStatus
from crossdock.capabilities.reconciliation.counting import TASKS_MAX
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.findings import microseconds
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ports import Key, LedgerMovement
from crossdock.capabilities.reconciliation.ranking import (
    ASKED,
    STAYS,
    URGENCY,
    CountProposal,
    CountReason,
)
from crossdock.capabilities.reconciliation.telling_again import KnowsSent, SentTo, changed
from crossdock.capabilities.reconciliation.triggers import RESTS
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import each, tenants

BECAUSE_MAX = 300


class Proposes(Protocol):
    async def cycle_counts(
        self,
        scope: Scope,
        *,
        location: str = "",
        limit: int = 100,
        told: Collection[Key] = (),
    ) -> Sequence[CountProposal]:
        """Propose so many counts, and whatever is still to be counted of `told`."""
        ...


class KnowsMovements(Protocol):
    async def recent(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int]], /
    ) -> Sequence[LedgerMovement]: ...

    async def with_negative(self, tx: Transaction, /) -> Sequence[str]:
        """Name the tenants of which stock has been below zero for long."""
        ...

    async def known(self, tx: Transaction, keys: Sequence[Key], /) -> set[Key]:
        """Say of which of these (location, item) the ledger has ever heard."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTask:
    """A count that was told as a task: `status` is PROPOSED, DONE or REFUSED.

    `reason` is RECOUNT, DIFFERENCE, NEGATIVE, TREND or CLASS_DUE, or what it was asked for by:
    RECALL, SHORT_PICK, EMPTY_SHELF or ZERO_BALANCE. `ended_at` is when it was seen to be counted,
    or was refused, by `ended_by`, who said `because`. `not_by` has counted it before, and is not
    to count it again; "" is nobody, or nobody knows who. `sent_to` are the warehouse systems that
    were told of it: nobody, where none takes count tasks at the location.
    """

    count_id: str
    item: str
    location: str
    item_class: str
    reason: str
    status: str
    proposed_at: datetime
    ended_at: datetime | None
    ended_by: str
    because: str
    not_by: str = ""
    sent_to: Sequence[SentTo] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What becomes of tasks: the new ones, those counted, those not needed, those forgotten."""

    proposed: Sequence[CountProposal]
    done: Sequence[Task]
    withdrawn: Sequence[Task]
    forgotten: Sequence[Task]


def changes(
    tasks: Collection[Task],
    proposals: Collection[CountProposal],
    counted: Collection[Key],
    now: datetime,
    most: int = TASKS_MAX,
) -> Changes:
    """Say what changes, by what is proposed by now and which of the tasks were counted.

    Of more proposals than there may be tasks the most urgent reasons go first, and then what is
    told already: so no task comes and goes with the money at risk. What was asked for is needed
    until it is counted, or refused.
    """
    open_ones = {task.place: task for task in tasks if task.ended_at is None}
    ended = [(task, now - task.ended_at >= RESTS) for task in tasks if task.ended_at]
    resting = {task.place for task, is_over in ended if not is_over}
    done = [task for place, task in open_ones.items() if place in counted]
    known = {_place(one) for one in proposals}
    wanted = [
        one for one in proposals if _place(one) not in resting and _place(one) not in counted
    ]
    wanted.sort(key=lambda one: (URGENCY[one.reason], _place(one) not in open_ones))
    wanted = wanted[:most]
    kept = {_place(one) for one in wanted}
    return Changes(
        proposed=[one for one in wanted if _place(one) not in open_ones],
        done=done,
        withdrawn=[
            task
            for place, task in open_ones.items()
            if place not in counted and place not in kept and task.reason not in STAYS
        ],
        forgotten=[task for task, is_over in ended if is_over and task.place not in known],
    )


def is_more_urgent(reason: CountReason, task: Task) -> bool:
    """Say whether what is asked for is more than what an open task says: it would be forgotten."""
    return task.reason not in STAYS or URGENCY[reason] < URGENCY[task.reason]


def _place(one: CountProposal) -> Key:
    return one.location, one.item


class CountTasks:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        proposes: Proposes,
        ledger: KnowsMovements,
        *,
        sent: KnowsSent,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._proposes = proposes
        self._ledger = ledger
        self._sent = sent

    @property
    def job(self) -> Job:
        return Job(name="count tasks", every=timedelta(minutes=10), work=self.follow)

    async def follow(self) -> None:
        """Tell of every tenant what is to be counted, was counted, or need not be any more.

        One tenant that fails keeps no other waiting; its error is raised at the end.
        """
        async with self._database.transaction(Scope.of_workers()) as tx:
            negative = await self._ledger.with_negative(tx)
        known = await tenants(self._database, count_store.TENANTS)
        await each(known.union(negative), self._follow)

    async def listed(
        self,
        scope: Scope,
        *,
        status: TaskStatus = TaskStatus.PROPOSED,
        location: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[CountTask]:
        """List count tasks, the oldest first; those that ended stay for about a day.

        `after` is the `count_id` of the last one listed before.
        """
        async with self._database.transaction(scope) as tx:
            tasks = await count_store.listed(tx, status, location, after, limit)
            sent = await self._sent.sent(tx, [task.count_id for task in tasks])
        return [replace(_shown(one), sent_to=sent.get(one.count_id, ())) for one in tasks]

    async def ask(self, scope: Scope, item: str, location: str, reason: CountReason) -> CountTask:
        """Have a shelf counted: picked short, found empty, at zero, or before a recall's release.

        It is told at once as a task, and stays one until it is counted or refused. One that is
        open already and was not asked for, or for what is less urgent, is told again with the
        reason asked for, to be counted from now on; to ask twice changes nothing. Raises `Invalid`
        for a reason that is not asked for, `NotFound` for what the ledger has never heard of.
        """
        if reason not in ASKED:
            raise Invalid(
                f"{reason} is found by comparing, not asked for",
                where="/reason",
                hint=f"one of {', '.join(one for one in CountReason if one in ASKED)}",
            )
        now, place = self._clock.now(), (location.strip(), item.strip())
        async with self._database.transaction(scope) as tx:
            await tx.execute(count_store.ALONE, tx.tenant)
            if place not in await self._ledger.known(tx, [place]):
                raise NotFound(
                    f"nobody has ever told of {place[1][:40]!r} at {place[0][:40]!r}",
                    hint="give the hub's own names: `crossdock catalog items` and `locations`",
                )
            known = await count_store.at(tx, place)
            if known is not None and known.ended_at is None:
                if not is_more_urgent(reason, known):
                    return _shown(known)
                task = replace(known, reason=reason, proposed_at=now)
            else:
                task = await self._made(tx, place, reason, now)
            await count_store.put(tx, [task], now)
            key = f"count_task:{task.count_id}:{TaskStatus.PROPOSED}:{reason}"
            await tell(tx, [(key, changed(task, TaskStatus.PROPOSED))], now)
        return _shown(task)

    async def _made(self, tx: Transaction, place: Key, reason: str, now: datetime) -> Task:
        classed = await asked_store.classes_of(tx, [place])
        return Task(
            count_id=prefixed("cnt", self._ids.new()),
            location=place[0],
            item=place[1],
            of=classed[place].of if place in classed else ItemClass.A,
            reason=reason,
            proposed_at=now,
        )

    async def refuse(self, scope: Scope, count_id: str, because: str, *, by: str) -> CountTask:
        """End a task that cannot be counted; it is proposed again after a day, if still needed.

        To refuse it twice changes nothing. Raises `NotFound` for one that was withdrawn or is long
        over, `Conflict` for one that was counted, `Invalid` without a reason.
        """
        reason = because.strip()
        if not reason or len(reason) > BECAUSE_MAX:
            raise Invalid(
                f"say why it cannot be counted, in at most {BECAUSE_MAX} characters",
                where="/because",
            )
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            await tx.execute(count_store.ALONE, tx.tenant)
            task = await count_store.of(tx, count_id)
            if task is None:
                raise NotFound(
                    f"no count task is called {count_id!r}: it was withdrawn, or is over",
                    hint="`crossdock reconcile count-tasks` shows those that are open",
                )
            if task.status == TaskStatus.DONE:
                raise Conflict(f"{count_id} has been counted")
            if task.status == TaskStatus.REFUSED:
                return _shown(task)
            return _shown(await _refused(tx, task, reason, by, now))

    async def refused_by(self, tx: Transaction, count_id: str, because: str, by: str) -> None:
        """Hear that a warehouse system will not count; what is over by now stays as it ended."""
        await tx.execute(count_store.ALONE, tx.tenant)
        task = await count_store.of(tx, count_id)
        if task is not None and task.status == TaskStatus.PROPOSED:
            reason = because.strip()[:BECAUSE_MAX] or "no reason was given"
            await _refused(tx, task, reason, by, self._clock.now())

    async def _follow(self, scope: Scope) -> None:
        async with self._database.transaction(scope) as tx:
            told = {task.place for task in await count_store.all_in(tx)}
        proposals = await self._proposes.cycle_counts(scope, limit=TASKS_MAX, told=told)
        async with self._database.transaction(scope) as tx:
            await self._tell(tx, proposals)
            await ask_left(tx, self._ids, self._clock.now())
            await telling_again.tell_again(tx, self._sent, self._clock.now())

    async def _tell(self, tx: Transaction, proposals: Sequence[CountProposal]) -> None:
        now = self._clock.now()
        await tx.execute(count_store.ALONE, tx.tenant)
        tasks = await count_store.all_in(tx)
        found = changes(tasks, proposals, await self._counted(tx, tasks, now), now)
        made = [
            Task(
                count_id=prefixed("cnt", self._ids.new()),
                location=one.location,
                item=one.item,
                of=one.of,
                reason=one.reason,
                proposed_at=now,
            )
            for one in found.proposed
        ]
        await count_store.put(tx, made, now)
        await count_store.end(tx, found.done, Ending(status=TaskStatus.DONE, at=now))
        await count_store.drop(tx, [*found.withdrawn, *found.forgotten])
        told = {"PROPOSED": made, "DONE": found.done, "WITHDRAWN": found.withdrawn}
        await tell(
            tx,
            [
                (f"count_task:{one.count_id}:{status}", changed(one, status))
                for status, ones in told.items()
                for one in ones
            ],
            now,
        )

    async def _counted(self, tx: Transaction, tasks: Sequence[Task], now: datetime) -> set[Key]:
        """Name the keys of which a count was posted since they were proposed.

        A second count is known by what the first found, as it is heard, and by no clock.
        """
        since: Mapping[Key, int] = {
            task.place: microseconds(task.proposed_at)
            for task in tasks
            if task.ended_at is None and task.reason != CountReason.RECOUNT
        }
        if not since:
            return set()
        until = microseconds(now)
        moved = await self._ledger.recent(tx, [(item, at, until) for at, item in since])
        return {
            (one.location, one.item)
            for one in moved
            if one.type == MovementType.COUNT_ADJUST and one.us >= since[one.location, one.item]
        }


async def _refused(tx: Transaction, task: Task, reason: str, by: str, now: datetime) -> Task:
    said = Ending(status=TaskStatus.REFUSED, at=now, by=by, because=reason)
    await count_store.end(tx, [task], said)
    ended = replace(task, status=TaskStatus.REFUSED, ended_at=now, ended_by=by, because=reason)
    key = f"count_task:{task.count_id}:{TaskStatus.REFUSED}"
    await tell(tx, [(key, changed(ended, TaskStatus.REFUSED))], now)
    return ended


def _shown(task: Task) -> CountTask:
    return CountTask(
        count_id=task.count_id,
        item=task.item,
        location=task.location,
        item_class=task.of,
        reason=task.reason,
        status=task.status,
        proposed_at=task.proposed_at,
        ended_at=task.ended_at,
        ended_by=task.ended_by,
        because=task.because,
        not_by=task.not_by,
    )
