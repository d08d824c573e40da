"""Takes commands from the outbox and gives them back: the two transactions around a call.

Claiming commits the intent before anything is sent. The connection's health row is locked while
claiming, so rate, concurrency, circuit and turns hold for all processes together. Settling counts
only where the fence is still the one that was claimed.

Locks are taken in one order, so that nobody waits in a circle: subjects, then commands, then
health. A claim begins with the health and therefore never waits for a subject or a command.
"""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from crossdock.canonical.commands import Lane
from crossdock.connectivity.aftermath import SUSPICIONS_ALONE, Next
from crossdock.connectivity.directory import Circuit
from crossdock.connectivity.pacing import LANES, Health, next_call_at, turns
from crossdock.connectivity.settling import (
    LANE_NUMBERS,
    RETURNED,
    OutboxCommand,
    announce,
    command_of,
    outdate,
    topic_of,
)
from crossdock.foundation import metrics
from crossdock.foundation.database import Transaction

LEASE = timedelta(seconds=10)
"""Renewed while a call lasts; what a dead process had on its way is looked into after this."""

SOON = timedelta(seconds=0.5)
NEWS = timedelta(seconds=5)

HOLD = """
select h.*, c.is_paused, c.rate_per_second, c.concurrency, c.revision
from connection_health h join connection c on c.tenant = h.tenant and c.name = h.connection
where h.tenant = $1 and h.connection = $2 for update of h skip locked
"""
IN_FLIGHT = """
select count(distinct call_id) as calls, min(lease_until) as lease_until from outbox_command
where tenant = $1 and connection = $2 and state = 'IN_FLIGHT'
"""
# The oldest due commands of each lane, apart from those whose subject is on its way already.
CANDIDATES = """
select c.* from unnest($3::smallint[]) as lanes(lane) cross join lateral (
    select command_id, role, lane, suspicions, due_at, seq from outbox_command due
    where tenant = $1 and connection = $2 and state = 'PENDING' and due.lane = lanes.lane
        and due_at <= $4 and not exists (
            select from outbox_command ahead
            where ahead.tenant = $1 and ahead.connection = $2 and ahead.role = due.role
                and ahead.subject = due.subject and ahead.state = 'IN_FLIGHT')
    order by due_at, seq limit $5
    for update skip locked) c
"""
TAKE = f"""
with taken as (
    update outbox_command c set state = 'IN_FLIGHT', attempts = attempts + 1, fence = fence + 1,
        call_id = $3, lease_until = $4
    where tenant = $1 and command_id = any($2) and state = 'PENDING'
    returning {RETURNED}
), noted as (
    insert into outbox_attempt (tenant, command_id, fence, call_id, worker, started_at)
    select tenant, command_id, fence, $3, $5, $6 from taken
)
select * from taken
"""  # noqa: S608 - our own column list
NEXT_DUE = """
select min(first.due_at) from unnest($3::smallint[]) as lanes(lane) cross join lateral (
    select due_at from outbox_command
    where tenant = $1 and connection = $2 and state = 'PENDING' and lane = lanes.lane
    order by due_at limit 1) first
"""
EXPIRED = f"""
select {RETURNED} from outbox_command c
where tenant = $1 and connection = $2 and state = 'IN_FLIGHT' and lease_until <= $3
"""  # noqa: S608 - our own column list
RENEW = """
update outbox_command set lease_until = $3
where tenant = $1 and call_id = $2 and state = 'IN_FLIGHT'
"""
PACE = """
update connection_health set next_call_at = $3, turn = $4 where tenant = $1 and connection = $2
"""
SET_HEALTH = """
update connection_health set circuit = $3, failures = $4, probe_at = $5, probe_seconds = $6,
    opened_at = $7, answered_at = coalesce($8, answered_at), last_error = $9,
    next_call_at = greatest(next_call_at, $10)
where tenant = $1 and connection = $2
"""
# Arrays and not joins, here and below: the planner then takes the index whatever it believes.
LOCK_SUBJECTS = """
select from outbox_subject
where tenant = $1 and connection = $2 and role = any($3) and subject = any($4)
order by role, subject for update
"""
NEWER = """
select role, subject from outbox_command
where tenant = $1 and connection = $2 and role = any($3) and subject = any($4)
    and state = 'PENDING'
"""
SETTLE = f"""
with ended as (
    select * from unnest($3::text[], $4::bigint[], $5::text[], $6::timestamptz[], $7::integer[],
        $8::integer[], $9::boolean[], $10::text[], $11::text[], $12::text[], $13::numeric[])
    as e(command_id, fence, state, due_at, attempts, suspicions, is_unknown, fate, code, detail,
        observed)
), noted as (
    update outbox_attempt a set ended_at = $2, outcome = e.fate, code = e.code, detail = e.detail
    from ended e where a.tenant = $1 and a.command_id = any($3::text[])
        and a.command_id = e.command_id and a.fence = e.fence
)
update outbox_command c set
    state = e.state,
    due_at = e.due_at, attempts = e.attempts, suspicions = e.suspicions,
    is_unknown = e.is_unknown, error_class = case when e.fate = 'DONE' then '' else e.fate end,
    code = e.code, detail = e.detail, observed = e.observed, call_id = null, lease_until = null,
    settled_at = case when e.state <> 'PENDING' then $2 end
from ended e
where c.tenant = $1 and c.command_id = any($3::text[]) and c.command_id = e.command_id
    and c.fence = e.fence and c.state = 'IN_FLIGHT'
returning {RETURNED}
"""  # noqa: S608 - our own column list


@dataclass(frozen=True, slots=True)
class Limits:
    """What the application declares, where the connection does not say otherwise."""

    rate_per_second: float
    concurrency: int
    batch_max: int


@dataclass(frozen=True, slots=True)
class Held:
    """A connection whose health row this transaction has locked."""

    health: Health
    is_paused: bool
    revision: int
    next_call_at: datetime | None
    turn: int
    rate_per_second: float
    concurrency: int
    answered_at: datetime | None

    def is_known_well(self, now: datetime) -> bool:
        """Tell whether one more good answer is no news, so that its row need not be touched."""
        return (
            self.health == Health()
            and self.answered_at is not None
            and now - self.answered_at < NEWS
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How one command's attempt ended, and what becomes of it."""

    command: OutboxCommand
    fate: str
    next: Next
    code: str = ""
    detail: str = ""
    observed: Any = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Commands taken, all of one operation; or none, and when to look again (None: when woken)."""

    commands: tuple[OutboxCommand, ...] = ()
    look_again_at: datetime | None = None


async def hold(tx: Transaction, tenant: str, connection: str, limits: Limits) -> Held | None:
    """Lock the connection's health; None when another process has it, or it is gone."""
    row = await tx.fetchrow(HOLD, tenant, connection)
    if row is None:
        return None
    health = Health(
        Circuit(row["circuit"]),
        row["failures"],
        row["probe_at"],
        row["probe_seconds"],
        row["opened_at"],
    )
    is_trial = health.circuit is Circuit.HALF_OPEN
    return Held(
        health=health,
        is_paused=row["is_paused"],
        revision=row["revision"],
        next_call_at=row["next_call_at"],
        turn=row["turn"],
        rate_per_second=row["rate_per_second"] or limits.rate_per_second,
        concurrency=1 if is_trial else row["concurrency"] or limits.concurrency,
        answered_at=row["answered_at"],
    )


async def claim(  # noqa: PLR0913 - a claim has that many parts
    tx: Transaction,
    connection: str,
    held: Held,
    limits: Limits,
    *,
    call_id: UUID,
    worker: str,
    now: datetime,
) -> Claim:
    """Take as many commands as one call may carry, if a call may be made now."""
    tenant = tx.tenant
    flying = await tx.fetchrow(IN_FLIGHT, tenant, connection)
    if flying["calls"] >= held.concurrency:
        return Claim(look_again_at=flying["lease_until"])
    may_call, next_at = next_call_at(held.next_call_at, now, held.rate_per_second)
    if not may_call:
        return Claim(look_again_at=next_at)
    room = 1 if held.health.circuit is Circuit.HALF_OPEN else limits.batch_max
    lanes = [LANE_NUMBERS[lane] for lane in LANES]
    rows = await tx.fetch(CANDIDATES, tenant, connection, lanes, now, room)
    if not rows:
        next_due = await tx.fetchval(NEXT_DUE, tenant, connection, lanes)
        # What is due and was not found is on its way or in somebody's hands: soon, but not now.
        return Claim(look_again_at=next_due and max(next_due, now + SOON))
    chosen, turn = chosen_of(rows, room, held.turn)
    taken = await tx.fetch(TAKE, tenant, chosen, call_id, now + LEASE, worker, now)
    await tx.execute(PACE, tenant, connection, next_at, turn)
    return Claim(tuple(command_of(row) for row in taken))


def chosen_of(rows: Sequence[Any], room: int, turn: int) -> tuple[list[str], int]:
    """Choose by lane shares, then only what goes into one call with the first of them.

    The turn passes by one for each call, however much it carries: so whatever is at the front of
    a lane leads a call after ten of them at most. A turn for each place would let the same lane
    lead for ever where the room is a multiple of ten.
    """
    by_lane: defaultdict[Lane, list[Any]] = defaultdict(list)
    for row in rows:
        by_lane[next(lane for lane in LANES if LANE_NUMBERS[lane] == row["lane"])].append(row)
    waiting = {lane: len(found) for lane, found in by_lane.items()}
    counts = turns(waiting, room, turn)
    ordered = [row for lane in LANES for row in by_lane[lane][: counts[lane]]]
    # The lane whose turn it is leads the call, or a batch of one would never leave the first lane.
    first_counts = turns(waiting, 1, turn)
    leading = next(lane for lane in LANES if first_counts[lane])
    first = by_lane[leading][0]
    if first["suspicions"] >= SUSPICIONS_ALONE:
        return [first["command_id"]], turn + 1
    return [
        row["command_id"]
        for row in ordered
        if row["role"] == first["role"] and row["suspicions"] < SUSPICIONS_ALONE
    ], turn + 1


async def expired(tx: Transaction, connection: str, now: datetime) -> list[OutboxCommand]:
    """Find commands whose process has not been heard of for the length of the lease."""
    rows = await tx.fetch(EXPIRED, tx.tenant, connection, now)
    return [command_of(row) for row in rows]


async def renew(tx: Transaction, call_id: UUID, until: datetime) -> None:
    await tx.execute(RENEW, tx.tenant, call_id, until)


async def settle(
    tx: Transaction, connection: str, endings: Sequence[Ending], now: datetime
) -> list[OutboxCommand]:
    """Write the outcomes and tell the log; one whose fence has passed counts for nothing."""
    if not endings:
        return []
    subjects = (
        sorted({ending.command.role for ending in endings}),
        sorted({ending.command.subject for ending in endings}),
    )
    await tx.execute(LOCK_SUBJECTS, tx.tenant, connection, *subjects)
    newer = {tuple(row) for row in await tx.fetch(NEWER, tx.tenant, connection, *subjects)}
    rows = await tx.fetch(
        SETTLE,
        tx.tenant,
        now,
        [ending.command.command_id for ending in endings],
        [ending.command.fence for ending in endings],
        [_state_of(ending, newer) for ending in endings],
        [ending.next.due_at for ending in endings],
        [ending.next.attempts for ending in endings],
        [ending.next.suspicions for ending in endings],
        [ending.next.is_unknown for ending in endings],
        [ending.fate for ending in endings],
        [ending.code or ending.next.code for ending in endings],
        [ending.detail for ending in endings],
        [ending.observed for ending in endings],
    )
    settled = [command_of(row) for row in rows]
    await outdate(tx, settled, now)
    await announce(tx, settled, now)
    tx.wake(topic_of(tx.tenant, connection))
    tx.afterwards(lambda: _count(connection, endings, settled, now))
    return settled


def _count(
    connection: str, endings: Sequence[Ending], settled: Sequence[OutboxCommand], now: datetime
) -> None:
    counted = {command.command_id for command in settled}
    for ending in endings:
        if ending.command.command_id in counted:
            metrics.OUTBOX_ATTEMPTS.labels(connection, ending.fate).inc()
    seconds = metrics.OUTBOX_SECONDS.labels(connection)
    for command in settled:
        if command.state == "DONE":
            seconds.observe((now - command.enqueued_at).total_seconds())


def _state_of(ending: Ending, newer: Container[tuple[str, str]]) -> str:
    """Give way to a newer command of the same subject instead of trying again."""
    if ending.next.state == "PENDING" and (ending.command.role, ending.command.subject) in newer:
        return "SUPERSEDED"
    return ending.next.state


async def set_health(
    tx: Transaction,
    connection: str,
    health: Health,
    *,
    answered_at: datetime | None,
    last_error: str,
    not_before: datetime | None = None,
) -> None:
    await tx.execute(
        SET_HEALTH,
        tx.tenant,
        connection,
        health.circuit.value,
        health.failures,
        health.probe_at,
        health.probe_seconds,
        health.opened_at,
        answered_at,
        last_error,
        not_before,
    )


LOCK_HEALTH = """
select circuit, failures, probe_at, probe_seconds, opened_at from connection_health
where tenant = $1 and connection = $2 for update
"""


async def health_of(tx: Transaction, connection: str) -> Health:
    """Read the health to change it; waits for a claim in progress."""
    row: Mapping[str, Any] | None = await tx.fetchrow(LOCK_HEALTH, tx.tenant, connection)
    if row is None:  # removed while it was being asked
        return Health()
    columns = dict(row)
    columns["circuit"] = Circuit(row["circuit"])
    return Health(**columns)
