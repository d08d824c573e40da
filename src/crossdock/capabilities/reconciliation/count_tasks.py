"""What is proposed to be counted, told as it changes, so that others take it as tasks (§4.2)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from crossdock.canonical.inventory import MovementType
from crossdock.canonical.reconciliation import CountTaskChanged
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.findings import microseconds
from crossdock.capabilities.reconciliation.ports import Key, LedgerMovement
from crossdock.capabilities.reconciliation.ranking import CountProposal
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope

TASKS_MAX = 10_000
RESTS = timedelta(days=1)
"""What was counted is not proposed again for so long: a comparison has to see it first."""

TENANTS = WorkersSql("""
select tenant from reconciliation_finding where state <> 'CLOSED'
union select tenant from reconciliation_count
union select tenant from reconciliation_count_task
order by tenant
""")
# One after the other in a house.
ALONE = "select pg_advisory_xact_lock(hashtextextended('reconciliation_count_task ' || $1, 0))"
TASKS = "select * from reconciliation_count_task where tenant = $1 order by location, item"
PUT = """
insert into reconciliation_count_task (tenant, location, item, count_id, class, reason,
    proposed_at)
select $1, s.location, s.item, s.count_id, s.class, s.reason, $2
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    s(location, item, count_id, class, reason)
on conflict (tenant, location, item) do update set count_id = excluded.count_id,
    class = excluded.class, reason = excluded.reason, proposed_at = excluded.proposed_at,
    done_at = null
"""
DONE = "update reconciliation_count_task set done_at = $3 where tenant = $1 and count_id = any($2)"
DROP = "delete from reconciliation_count_task where tenant = $1 and count_id = any($2)"


class Proposes(Protocol):
    async def cycle_counts(
        self, scope: Scope, *, location: str = "", limit: int = 100
    ) -> Sequence[CountProposal]: ...


class KnowsMovements(Protocol):
    async def recent(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int]], /
    ) -> Sequence[LedgerMovement]: ...


@dataclass(frozen=True, slots=True)
class Task:
    """A count that was proposed; `done_at` is when it was seen to be counted."""

    count_id: str
    location: str
    item: str
    of: str
    reason: str
    proposed_at: datetime
    done_at: datetime | None = None

    @property
    def place(self) -> Key:
        return self.location, self.item


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
) -> Changes:
    """Say what changes, by what is proposed by now and which of the tasks were counted."""
    wanted = {(one.location, one.item): one for one in proposals}
    known = {task.place: task for task in tasks}
    open_ones = [task for task in tasks if task.done_at is None]
    rested = {
        task.place for task in tasks if task.done_at is not None and now - task.done_at >= RESTS
    }
    return Changes(
        proposed=[one for place, one in wanted.items() if place not in known or place in rested],
        done=[task for task in open_ones if task.place in counted],
        withdrawn=[
            task for task in open_ones if task.place not in counted and task.place not in wanted
        ],
        forgotten=[task for task in tasks if task.done_at and task.place not in wanted],
    )


class CountTasks:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        proposes: Proposes,
        ledger: KnowsMovements,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._proposes = proposes
        self._ledger = ledger

    @property
    def job(self) -> Job:
        return Job(name="count tasks", every=timedelta(minutes=10), work=self.follow)

    async def follow(self) -> None:
        """Tell of every tenant what is to be counted, was counted, or need not be any more."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS)]
        for tenant in tenants:
            scope = Scope(tenant)
            proposals = await self._proposes.cycle_counts(scope, limit=TASKS_MAX)
            async with self._database.transaction(scope) as tx:
                await self._tell(tx, proposals)

    async def _tell(self, tx: Transaction, proposals: Sequence[CountProposal]) -> None:
        now = self._clock.now()
        await tx.execute(ALONE, tx.tenant)
        tasks = [
            Task(
                *(row["count_id"], row["location"], row["item"], row["class"], row["reason"]),
                row["proposed_at"],
                row["done_at"],
            )
            for row in await tx.fetch(TASKS, tx.tenant)
        ]
        found = changes(tasks, proposals, await self._counted(tx, tasks, now), now)
        made = [
            Task(
                *(prefixed("cnt", self._ids.new()), one.location, one.item, one.of, one.reason),
                now,
            )
            for one in found.proposed
        ]
        if made:
            await tx.execute(
                PUT,
                tx.tenant,
                now,
                [one.location for one in made],
                [one.item for one in made],
                [one.count_id for one in made],
                [one.of for one in made],
                [one.reason for one in made],
            )
        await tx.execute(DONE, tx.tenant, [one.count_id for one in found.done], now)
        over = [one.count_id for one in (*found.withdrawn, *found.forgotten)]
        await tx.execute(DROP, tx.tenant, over)
        told = {"PROPOSED": made, "DONE": found.done, "WITHDRAWN": found.withdrawn}
        await tell(
            tx,
            [
                (f"count_task:{one.count_id}:{status}", _changed(one, status))
                for status, ones in told.items()
                for one in ones
            ],
            now,
        )

    async def _counted(self, tx: Transaction, tasks: Sequence[Task], now: datetime) -> set[Key]:
        """Name the keys of which a count was posted since they were proposed."""
        since: Mapping[Key, int] = {
            task.place: microseconds(task.proposed_at) for task in tasks if task.done_at is None
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


def _changed(task: Task, status: str) -> CountTaskChanged:
    return CountTaskChanged(
        count_id=task.count_id,
        item=task.item,
        location=task.location,
        item_class=task.of,
        reason=task.reason,
        status=status,
    )
