"""From the event log to due instances: an event does not decide, it makes somebody look."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from crossdock.canonical.envelope import Event
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.foundation.readers import Reader
from crossdock.orchestration.engine.process import Key, Process, Touch, touches

# Sorted, so that two markers lock rows in one order. A row that a worker has claimed is waited
# for, and is then due again: what happened while the worker decided is looked at once more. The
# two ids change together: news without a thread is not filed under the thread of older news.
MARK = """
insert into process_instance
    (process, tenant, instance, due_at, correlation_id, causation_id)
select $1, * from unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
    as m(tenant, instance, due_at, correlation_id, causation_id)
order by tenant, instance
on conflict (process, tenant, instance) do update set
    due_at = least(process_instance.due_at, excluded.due_at),
    correlation_id = excluded.correlation_id, causation_id = excluded.causation_id
where process_instance.due_at is null or process_instance.due_at > excluded.due_at
"""


# All at once, in the same order as any other marker. Every row is locked, due or not, and said to
# be due as of what the lock found: one that a worker has claimed looks due until it has written.
MARK_ALL = """
with held as (
    select instance, due_at from process_instance
    where process = $1 and tenant = $2
    order by instance for update
)
update process_instance p set due_at = $3
from held where p.process = $1 and p.tenant = $2 and p.instance = held.instance
    and (held.due_at is null or held.due_at > $3)
"""


def topic(process: str) -> str:
    """Name the bell that rings when instances of a process become due."""
    return f"process:{process}"


def reader(process: Process[Any, Any], clock: Clock) -> Reader:
    """Listen to the log on behalf of a process; no fan-out leaves the transaction of the page."""

    async def apply(tx: Transaction, events: Sequence[Event]) -> None:
        touched: Sequence[Touch] = touches(process, events)
        if process.hear is not None and touched:
            touched = await process.hear(tx, touched)
        await mark(tx, process.name, touched, clock.now())

    return Reader(
        name=f"process:{process.name}",
        apply=apply,
        types=frozenset(process.subscriptions),
        unheard=process.unheard,
    )


async def mark(tx: Transaction, process: str, touched: Iterable[Touch], now: datetime) -> None:
    """Make instances due, each once, as of its oldest event and because of its newest."""
    since: dict[Key, datetime] = {}
    newest: dict[Key, Event] = {}
    for touch in touched:
        received_at = min(touch.event.received_at, now)
        since[touch.key] = min(received_at, since.get(touch.key, received_at))
        newest[touch.key] = touch.event
    await _write(
        tx,
        process,
        [
            (key, since[key], event.fact.correlation_id, event.event_id)
            for key, event in newest.items()
        ],
    )


async def mark_keys(
    tx: Transaction, process: str, keys: Iterable[Key], now: datetime, *, because: str = ""
) -> None:
    """Make instances due without an event: their configuration changed, or a person asks."""
    await _write(tx, process, [(key, now, "", because) for key in dict.fromkeys(keys)])


async def mark_all(tx: Transaction, process: str, tenant: str, now: datetime) -> None:
    """Make every instance that there is due."""
    await tx.execute(MARK_ALL, process, tenant, now)
    tx.wake(topic(process))


async def _write(
    tx: Transaction, process: str, marks: Sequence[tuple[Key, datetime, str, str]]
) -> None:
    if not marks:
        return
    await tx.execute(
        MARK,
        process,
        [key.tenant for key, *_ in marks],
        [key.instance for key, *_ in marks],
        [due_at for _, due_at, _, _ in marks],
        [correlation_id for *_, correlation_id, _ in marks],
        [causation_id for *_, causation_id in marks],
    )
    tx.wake(topic(process))
