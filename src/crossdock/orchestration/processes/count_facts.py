"""Where count sending gets its facts: tasks from the log, who takes them from the directory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from crossdock.canonical.commands import CommandSettled, Settlement
from crossdock.canonical.envelope import Event
from crossdock.canonical.reconciliation import CountTaskChanged
from crossdock.connectivity.sdk.roles import COUNT_REFUSED
from crossdock.foundation.database import Transaction
from crossdock.orchestration.engine.process import Key, Process, Touch
from crossdock.orchestration.processes.count_sending import (
    NAME,
    PROPOSED,
    Facts,
    Sent,
    Task,
    decide,
)


class Taker(NamedTuple):
    """A connection that takes count tasks at a location."""

    tenant: str
    connection: str
    location: str


class KnowsTakers(Protocol):
    async def takers(self, tx: Transaction, tenants: Sequence[str], /) -> Collection[Taker]: ...


class Refused(NamedTuple):
    """What a warehouse system said to a task."""

    tenant: str
    count_id: str
    because: str
    connection: str


class TakesRefusals(Protocol):
    """Whoever keeps the tasks: one that the warehouse will not count is over."""

    async def refused_by(self, tx: Transaction, refused: Sequence[Refused], /) -> None: ...


# A task that becomes more urgent is told again.
KEEP = """
insert into count_sending as known (tenant, count_id, connection, task, status)
select s.*, 'PROPOSED' from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
    s(tenant, count_id, connection, task)
order by 1, 2, 3
on conflict (tenant, count_id, connection) do update set task = excluded.task, is_told = true
    where known.status = 'PROPOSED'
"""

TOLD = """
select tenant, count_id, connection, task->>'location' as location from count_sending
where (tenant, count_id) in (select * from unnest($1::text[], $2::text[]))
order by tenant, count_id, connection
"""

END = """
update count_sending c set status = s.status, because = s.because, is_told = s.is_told
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[])
    s(tenant, count_id, connection, status, because, is_told)
where c.tenant = s.tenant and c.count_id = s.count_id and c.connection = s.connection
"""

# What became of our commands: the last word counts.
HEAR_OUTCOMES = """
update count_sending c set heard = s.heard, settled_version = s.version,
    settlement = s.settlement, code = s.code, detail = s.detail
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
    $8::text[]) s(tenant, count_id, connection, heard, version, settlement, code, detail)
where c.tenant = s.tenant and c.count_id = s.count_id and c.connection = s.connection
"""

LOAD = """
select c.* from unnest($1::text[], $2::text[], $3::text[]) k(tenant, count_id, connection)
cross join lateral (select * from count_sending c where c.tenant = k.tenant
    and c.count_id = k.count_id and c.connection = k.connection limit 1) c
"""


def count_sending(directory: KnowsTakers, tasks: TakesRefusals) -> Process[Sent, Facts]:
    """Declare the process, over whoever knows who takes count tasks, and whoever keeps them."""

    async def hear(tx: Transaction, touches: Sequence[Touch]) -> Sequence[Touch]:
        """Write down what is to be counted, what is not any more, and what became of it."""
        events = [touch.event for touch in touches]
        told = await _told(tx, events, directory)
        ended = await _ended(tx, events, directory)
        return [*told, *ended, *await _settled(tx, events, tasks)]

    return Process(
        name=NAME,
        ledger=Sent,
        subscriptions={CountTaskChanged.TYPE: _as_heard, CommandSettled.TYPE: _as_heard},
        load=load,
        decide=decide,
        hear=hear,
    )


async def load(tx: Transaction, keys: Sequence[Key]) -> Mapping[Key, Facts]:
    named = [(key.tenant, *_parted(key.instance)) for key in keys]
    rows = await tx.fetch(LOAD, *_columns(named, 3))
    found = [(row["tenant"], _facts_of(row)) for row in rows]
    return {Key(tenant, facts.task.instance): facts for tenant, facts in found}


async def _told(tx: Transaction, events: Sequence[Event], directory: KnowsTakers) -> list[Touch]:
    """Keep what was proposed, for each connection that takes it."""
    proposed = {
        (event.tenant, task.count_id): (event, task)
        for event, task in _tasks_of(events)
        if task.status == PROPOSED
    }
    if not proposed:
        return []
    takers = await directory.takers(tx, sorted({tenant for tenant, _ in proposed}))
    found = [
        (event, _task_for(taker.connection, task))
        for event, task in proposed.values()
        for taker in takers
        if (taker.tenant, taker.location) == (event.tenant, task.location)
    ]
    return await keep(tx, found)


async def keep(tx: Transaction, found: Sequence[tuple[Event, Task]]) -> list[Touch]:
    rows = [
        (event.tenant, task.count_id, task.connection, msgspec.json.encode(task).decode())
        for event, task in found
    ]
    if rows:
        await tx.execute(KEEP, *_columns(rows, 4))
    return [Touch(Key(event.tenant, task.instance), event) for event, task in found]


async def _ended(tx: Transaction, events: Sequence[Event], directory: KnowsTakers) -> list[Touch]:
    """Note what is over, and whether those that were told of it still take tasks there."""
    ended = {
        (event.tenant, task.count_id): (event, task)
        for event, task in _tasks_of(events)
        if task.status != PROPOSED
    }
    if not ended:
        return []
    told = await tx.fetch(TOLD, *_columns(list(ended), 2))
    takers = await directory.takers(tx, sorted({tenant for tenant, _ in ended})) if told else ()
    rows = [
        (
            *(row["tenant"], row["count_id"], row["connection"]),
            *_end_of(ended[row["tenant"], row["count_id"]][1]),
            Taker(row["tenant"], row["connection"], row["location"]) in takers,
        )
        for row in told
    ]
    if rows:
        await tx.execute(END, *_columns(rows, 6))
    return [
        Touch(Key(tenant, f"{count_id}/{connection}"), ended[tenant, count_id][0])
        for tenant, count_id, connection, *_ in rows
    ]


async def _settled(tx: Transaction, events: Iterable[Event], tasks: TakesRefusals) -> list[Touch]:
    last: dict[Key, tuple[Touch, CommandSettled]] = {}
    for event in events:
        settled = event.payload
        if isinstance(settled, CommandSettled) and settled.process == NAME:
            key = Key(event.tenant, settled.instance)
            last[key] = (Touch(key, event), settled)
    if not last:
        return []
    rows = [
        (
            *(key.tenant, *_parted(key.instance)),
            *(touch.event.position, settled.version),
            *(settled.settlement, settled.code, settled.detail),
        )
        for key, (touch, settled) in last.items()
    ]
    await tx.execute(HEAR_OUTCOMES, *_columns(rows, 8))
    refused = [
        Refused(key.tenant, settled.subject, settled.detail, settled.connection)
        for key, (_, settled) in last.items()
        if settled.settlement is Settlement.REFUSED and settled.code == COUNT_REFUSED
    ]
    await tasks.refused_by(tx, refused)
    return [touch for touch, _ in last.values()]


def _as_heard(event: Event) -> tuple[str, ...]:
    """Leave it to `hear`: only the directory knows who takes tasks at a location."""
    return (event.payload.key,)


def _tasks_of(events: Iterable[Event]) -> list[tuple[Event, CountTaskChanged]]:
    return [
        (event, event.payload) for event in events if isinstance(event.payload, CountTaskChanged)
    ]


def _task_for(connection: str, task: CountTaskChanged) -> Task:
    return Task(
        connection=connection,
        count_id=task.count_id,
        item=task.item,
        location=task.location,
        item_class=task.item_class,
        reason=task.reason,
        not_by=task.not_by,
    )


def _end_of(task: CountTaskChanged) -> tuple[str, str]:
    return task.status, task.because


def _parted(instance: str) -> tuple[str, str]:
    count_id, _, connection = instance.partition("/")
    return count_id, connection


def _columns(rows: Sequence[Sequence[Any]], count: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(count)]


def _facts_of(row: Any) -> Facts:
    return Facts(
        task=msgspec.json.decode(row["task"], type=Task),
        status=row["status"],
        because=row["because"],
        is_told=row["is_told"],
        heard=row["heard"],
        settled_version=row["settled_version"],
        settlement=row["settlement"] and Settlement(row["settlement"]),
        code=row["code"],
        detail=row["detail"],
    )
