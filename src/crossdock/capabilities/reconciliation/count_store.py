"""Count tasks as stored: what was told to be counted, and what became of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from crossdock.capabilities.reconciliation.ports import Key
from crossdock.foundation.database import Transaction, WorkersSql


class TaskStatus(StrEnum):
    """What has become of a count task; one that is not needed any more is forgotten."""

    PROPOSED = "PROPOSED"
    DONE = "DONE"
    REFUSED = "REFUSED"


TENANTS = WorkersSql("""
select tenant from reconciliation_finding where state <> 'CLOSED'
union select tenant from reconciliation_count
union select tenant from reconciliation_count_task
union select tenant from reconciliation_counted where matter = 'NOT_ASKED'
order by tenant
""")
# One after the other in a house.
ALONE = "select pg_advisory_xact_lock(hashtextextended('reconciliation_count_task ' || $1, 0))"
TASKS = "select * from reconciliation_count_task where tenant = $1 order by location, item"
OF = "select * from reconciliation_count_task where tenant = $1 and count_id = $2"
AT = """
select * from reconciliation_count_task where tenant = $1 and location = $2 and item = $3
"""
TASKS_AT = """
select t.* from unnest($2::text[], $3::text[]) k(location, item)
join reconciliation_count_task t on t.tenant = $1 and t.location = k.location and t.item = k.item
"""
LISTED = """
select * from reconciliation_count_task
where tenant = $1 and status = $2 and ($3 = '' or location = $3) and count_id > $4
order by count_id limit $5
"""
PUT = """
insert into reconciliation_count_task (tenant, location, item, count_id, class, reason, not_by,
    proposed_at)
select $1, s.location, s.item, s.count_id, s.class, s.reason, s.not_by, $2
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    s(location, item, count_id, class, reason, not_by)
on conflict (tenant, location, item) do update set count_id = excluded.count_id,
    class = excluded.class, reason = excluded.reason, not_by = excluded.not_by,
    proposed_at = excluded.proposed_at, status = 'PROPOSED', ended_at = null, ended_by = '',
    because = ''
"""
END = """
update reconciliation_count_task set status = $3, ended_at = $4, ended_by = $5, because = $6
where tenant = $1 and count_id = any($2) and status = 'PROPOSED'
"""
DROP = "delete from reconciliation_count_task where tenant = $1 and count_id = any($2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A count that was proposed; `ended_at` is when it was counted, or refused, and by whom.

    `not_by` has counted before: another is to count.
    """

    count_id: str
    location: str
    item: str
    of: str
    reason: str
    proposed_at: datetime
    status: str = TaskStatus.PROPOSED
    ended_at: datetime | None = None
    ended_by: str = ""
    because: str = ""
    not_by: str = ""

    @property
    def place(self) -> Key:
        return self.location, self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    status: TaskStatus
    at: datetime
    by: str = ""
    because: str = ""


async def all_in(tx: Transaction) -> list[Task]:
    return [_task(row) for row in await tx.fetch(TASKS, tx.tenant)]


async def listed(
    tx: Transaction, status: TaskStatus, location: str, after: str, limit: int
) -> list[Task]:
    rows = await tx.fetch(LISTED, tx.tenant, status, location, after, limit)
    return [_task(row) for row in rows]


async def of(tx: Transaction, count_id: str) -> Task | None:
    row = await tx.fetchrow(OF, tx.tenant, count_id)
    return None if row is None else _task(row)


async def at(tx: Transaction, place: Key) -> Task | None:
    """Give the task of a key: the open one, or the one that ended of late."""
    row = await tx.fetchrow(AT, tx.tenant, *place)
    return None if row is None else _task(row)


async def tasks_at(tx: Transaction, places: Collection[Key]) -> dict[Key, Task]:
    """Give the tasks of these keys: those that are open, and those that ended of late."""
    ordered = sorted(places)
    rows = await tx.fetch(
        TASKS_AT, tx.tenant, [place for place, _ in ordered], [item for _, item in ordered]
    )
    return {task.place: task for task in map(_task, rows)}


async def put(tx: Transaction, tasks: Sequence[Task], now: datetime) -> None:
    await tx.execute(
        PUT,
        tx.tenant,
        now,
        [one.location for one in tasks],
        [one.item for one in tasks],
        [one.count_id for one in tasks],
        [one.of for one in tasks],
        [one.reason for one in tasks],
        [one.not_by for one in tasks],
    )


async def end(tx: Transaction, tasks: Sequence[Task], said: Ending) -> None:
    ids = [one.count_id for one in tasks]
    await tx.execute(END, tx.tenant, ids, said.status, said.at, said.by, said.because)


async def drop(tx: Transaction, tasks: Sequence[Task]) -> None:
    await tx.execute(DROP, tx.tenant, [one.count_id for one in tasks])


def _task(row: Any) -> Task:
    return Task(
        count_id=row["count_id"],
        location=row["location"],
        item=row["item"],
        of=row["class"],
        reason=row["reason"],
        proposed_at=row["proposed_at"],
        status=TaskStatus(row["status"]),
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
        because=row["because"],
        not_by=row["not_by"],
    )
