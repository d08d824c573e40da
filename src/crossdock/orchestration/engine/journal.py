"""What processes did and why, for the timeline; and the instances that wait or are parked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from crossdock.canonical.errors import NotFound
from crossdock.foundation.database import Transaction
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Said
from crossdock.orchestration.decision import CloseCase
from crossdock.orchestration.engine.marking import topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step: who decided, when, because of which event, why in words, what it sent."""

    process: str
    instance: str
    step: int
    decided_at: datetime
    worker: str
    correlation_id: str
    causation_id: str
    note: str
    commands: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStanding:
    """Where an instance stands: what it remembers, what it waits for, why it is parked."""

    process: str
    instance: str
    step: int
    ledger: Mapping[str, Any]
    timers: Mapping[str, str]
    due_at: datetime | None
    decided_at: datetime | None
    correlation_id: str
    parked_at: datetime | None
    parked_reason: str


BY_INSTANCE = """
select * from process_journal where tenant = $1 and process = $2 and instance = $3
order by step desc limit $4
"""

BY_CORRELATION = """
select * from process_journal where tenant = $1 and correlation_id = $2
order by entry desc limit $3
"""

STANDING = """
select process, instance, step, coalesce(ledger, '{}') as ledger, timers, due_at, decided_at,
    correlation_id, parked_at, parked_reason
from process_instance where tenant = $1 and process = $2 and instance = $3
"""

PARKED = """
select process, instance, step, coalesce(ledger, '{}') as ledger, timers, due_at, decided_at,
    correlation_id, parked_at, parked_reason
from process_instance where tenant = $1 and parked_at is not null
order by parked_at desc limit $2
"""

# Those that are parked have an index of their own. A page begins behind the last one shown.
LIST = """
select process, instance, step, coalesce(ledger, '{}') as ledger, timers, due_at, decided_at,
    correlation_id, parked_at, parked_reason
from process_instance
where ($1 = '*' or tenant = $1) and ($2 = '' or process = $2)
    and (parked_at is not null or not $3) and (process, instance) > ($4, $5)
order by process, instance limit $6
"""

COUNT_PARKED = """
select count(*) from process_instance where ($1 = '*' or tenant = $1) and parked_at is not null
"""

IS_ANY_PARKED = """
select exists (select from process_instance
    where tenant = $1 and process = $2 and parked_at is not null)
"""

# A batch of them, by name: one that is parked again at once is behind us, and not resumed twice.
RESUME_SOME = """
with batch as (
    select instance from process_instance
    where tenant = $1 and process = $2 and parked_at is not null and instance > $4
    order by instance limit $5 for update
), resumed as (
    update process_instance p set parked_at = null, parked_reason = '', due_at = $3
    from batch where p.tenant = $1 and p.process = $2 and p.instance = batch.instance
    returning p.instance
)
select instance from resumed order by instance
"""

RESUME = """
update process_instance set parked_at = null, parked_reason = '', due_at = $4
where tenant = $1 and process = $2 and instance = $3 and parked_at is not null returning instance
"""


async def of_instance(
    tx: Transaction, process: str, instance: str, *, limit: int = 200
) -> list[Entry]:
    """Tell the newest steps of one instance, newest first."""
    rows = await tx.fetch(BY_INSTANCE, tx.tenant, process, instance, limit)
    return [_entry_of(row) for row in rows]


async def of_thread(tx: Transaction, correlation_id: str, *, limit: int = 200) -> list[Entry]:
    """Tell the newest steps of a business thread, across processes."""
    rows = await tx.fetch(BY_CORRELATION, tx.tenant, correlation_id, limit)
    return [_entry_of(row) for row in rows]


async def standing(tx: Transaction, process: str, instance: str) -> InstanceStanding:
    row = await tx.fetchrow(STANDING, tx.tenant, process, instance)
    if row is None:
        raise NotFound(
            f"{process} has no instance {instance!r}",
            hint="`crossdock process list --all` shows those it has",
        )
    return _standing_of(row)


async def parked(tx: Transaction, *, limit: int = 200) -> list[InstanceStanding]:
    """Show the instances that were set aside because their decision failed."""
    return [_standing_of(row) for row in await tx.fetch(PARKED, tx.tenant, limit)]


async def resume(tx: Transaction, process: str, instance: str, now: datetime) -> None:
    """Let a parked instance be decided again: its cause is mended."""
    if not await tx.fetchval(RESUME, tx.tenant, process, instance, now):
        raise NotFound(
            f"{process} has no parked instance {instance!r}",
            hint="`crossdock process list` shows those that are parked",
        )
    tx.wake(topic(process))


def parked_name(process: str) -> str:
    """Name the cause of the case that instances of a process are parked."""
    return f"parked/{process}"


async def close_parked(tx: Transaction, process: str, now: datetime) -> None:
    """Close the case of a process of which nothing is parked any more."""
    name = parked_name(process)
    if await cases.hold(tx, name) and not await tx.fetchval(IS_ANY_PARKED, tx.tenant, process):
        gone = CloseCase(fingerprint=name, resolution="all are resumed")
        await cases.record(tx, [Said(tx.tenant, "", gone)], now)


async def listed(
    tx: Transaction,
    *,
    process: str,
    is_parked: bool,
    after: tuple[str, str] = ("", ""),
    limit: int = 200,
) -> list[InstanceStanding]:
    """Show parked instances, or all, of one process ("": of every one), by name.

    `after` is the process and the name of the last that was shown before.
    """
    rows = await tx.fetch(LIST, tx.tenant, process, is_parked, *after, limit)
    return [_standing_of(row) for row in rows]


async def count_parked(tx: Transaction) -> int:
    counted: int = await tx.fetchval(COUNT_PARKED, tx.tenant)
    return counted


async def resume_some(
    tx: Transaction, process: str, now: datetime, *, after: str, limit: int
) -> list[str]:
    """Let the next parked instances of a process be decided again; name them in order."""
    rows = await tx.fetch(RESUME_SOME, tx.tenant, process, now, after, limit)
    if rows:
        tx.wake(topic(process))
    return sorted(row["instance"] for row in rows)


def _entry_of(row: Any) -> Entry:
    return Entry(
        process=row["process"],
        instance=row["instance"],
        step=row["step"],
        decided_at=row["decided_at"],
        worker=row["worker"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        note=row["note"],
        commands=msgspec.json.decode(row["commands"]),
    )


def _standing_of(row: Any) -> InstanceStanding:
    return InstanceStanding(
        process=row["process"],
        instance=row["instance"],
        step=row["step"],
        ledger=msgspec.json.decode(row["ledger"]),
        timers=msgspec.json.decode(row["timers"]),
        due_at=row["due_at"],
        decided_at=row["decided_at"],
        correlation_id=row["correlation_id"],
        parked_at=row["parked_at"],
        parked_reason=row["parked_reason"],
    )
