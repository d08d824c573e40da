"""A command as its row holds it, and the event that tells everyone how it ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.canonical.commands import CommandSettled, Lane, Settlement
from crossdock.canonical.envelope import Fact
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
"""The source of what the hub itself says."""

LANE_NUMBERS = {Lane.IMMEDIATE: 0, Lane.NORMAL: 1, Lane.BULK: 2}
LANE_OF_NUMBER = {number: lane for lane, number in LANE_NUMBERS.items()}

COLUMNS = (
    "tenant, command_id, connection, role, subject, version, lane, arguments::text as arguments,"
    " idempotency_key, state, attempts, is_unknown, suspicions, due_at, fence, revision,"
    " error_class, code, detail, observed, process, instance, correlation_id, causation_id,"
    " enqueued_at, settled_at"
)
RETURNED = ", ".join(
    column.strip() if "::" in column else f"c.{column.strip()}"
    for column in COLUMNS.replace("arguments::text", "c.arguments::text").split(",")
)
"""The same columns of the row aliased `c`, for `returning`."""

# Older letters of subjects that were refused once more; one that a person has in hand is left.
OUTDATE = """
with outdated as (
    select o.tenant, o.command_id
    from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
        as i(tenant, connection, role, subject, version)
    join outbox_command o using (tenant, connection, role, subject)
    where o.state = 'DEAD' and o.version < i.version
    for update of o skip locked
)
update outbox_command c set state = 'SUPERSEDED', settled_at = $1, code = 'superseded',
    detail = 'a newer command of its subject was refused too'
from outdated o where c.tenant = o.tenant and c.command_id = o.command_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCommand:
    """One intended change and how far it has come.

    `is_unknown`: an attempt ended without anyone knowing whether it took effect. `suspicions`
    counts attempts that ended with the whole process, or with a fault in the application's code.
    `fence` rises with each attempt; who holds an older one can no longer settle it.
    """

    tenant: str
    command_id: str
    connection: str
    role: str
    subject: str
    version: int
    lane: Lane
    arguments: str
    idempotency_key: str
    state: str
    attempts: int
    is_unknown: bool
    suspicions: int
    due_at: datetime
    fence: int
    revision: int
    error_class: str
    code: str
    detail: str
    observed: Decimal | None
    process: str
    instance: str
    correlation_id: str
    causation_id: str
    enqueued_at: datetime
    settled_at: datetime | None


_SETTLEMENTS = {
    "DONE": Settlement.DONE,
    "STALE": Settlement.STALE,
    "DEAD": Settlement.REFUSED,
    "DISCARDED": Settlement.REFUSED,
    "PARKED": Settlement.PARKED,
    "SUPERSEDED": Settlement.SUPERSEDED,
}


def command_of(row: Any) -> OutboxCommand:
    columns: dict[str, Any] = dict(row.items())
    columns["lane"] = LANE_OF_NUMBER[row["lane"]]
    return OutboxCommand(**columns)


def topic_of(tenant: str, connection: str) -> str:
    """Name the bell that one connection's courier listens to."""
    return f"outbox/{tenant}/{connection}"


async def announce(tx: Transaction, commands: Iterable[OutboxCommand], now: datetime) -> None:
    """Append the end of each settled command to the log, in the transaction that settled it."""
    ended = [command for command in commands if command.state in _SETTLEMENTS]
    await event_log.append(tx, [_entry(command, now) for command in ended])


def _entry(command: OutboxCommand, now: datetime) -> Entry:
    settled = CommandSettled(
        command_id=command.command_id,
        connection=command.connection,
        role=command.role,
        subject=command.subject,
        version=command.version,
        settlement=_SETTLEMENTS[command.state],
        process=command.process,
        instance=command.instance,
        observed=command.observed,
        code=command.code,
        detail=command.detail,
        lane=command.lane,
        asked_at=command.enqueued_at,
    )
    fact = Fact(
        # A command may end more than once: parked, then asked about, then done.
        identity=f"{command.command_id}:{command.revision}.{command.fence}:{command.state}",
        payload=settled,
        occurred_at=now,
        recorded_at=now,
        correlation_id=command.correlation_id,
        causation_id=command.command_id,
    )
    return Entry(tenant=command.tenant, source=HUB, received_at=now, fact=fact)


async def outdate(tx: Transaction, commands: Iterable[OutboxCommand], now: datetime) -> None:
    """Of what is refused again and again, leave only the newest letter for a person to look at.

    The older ones came to their end before, and their processes have heard of it.
    """
    refused = [command for command in commands if command.state == "DEAD"]
    if not refused:
        return
    await tx.execute(
        OUTDATE,
        now,
        [command.tenant for command in refused],
        [command.connection for command in refused],
        [command.role for command in refused],
        [command.subject for command in refused],
        [command.version for command in refused],
    )


def wake_couriers(tx: Transaction, commands: Sequence[OutboxCommand]) -> None:
    for tenant, connection in {(each.tenant, each.connection) for each in commands}:
        tx.wake(topic_of(tenant, connection))
