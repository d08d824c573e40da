"""Writes intents: each command once, and of one subject only the newest that has not left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from crossdock.canonical.commands import Command
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.operations import operation_of
from crossdock.connectivity.settling import (
    LANE_NUMBERS,
    RETURNED,
    OutboxCommand,
    announce,
    command_of,
    outdate,
    wake_couriers,
)
from crossdock.foundation.database import Transaction

# Arrays and not joins: the planner then takes the index, however long the history.
KNOWN = """
select command_id from outbox_command where tenant = any($1) and command_id = any($2)
"""
# Held until the intents are committed: a connection that is removed meanwhile waits for them.
CONNECTIONS = """
select tenant, name from connection where tenant = any($1) and name = any($2) for key share
"""
# The subject's row is locked by whoever enqueues or settles: they take turns.
RAISE_VERSIONS = """
insert into outbox_subject as known (tenant, connection, role, subject, version)
select i.* from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
    as i(tenant, connection, role, subject, version)
order by 1, 2, 3, 4
on conflict (tenant, connection, role, subject)
    do update set version = greatest(known.version, excluded.version)
returning tenant, connection, role, subject, version
"""
SUPERSEDE = f"""
update outbox_command c set state = 'SUPERSEDED', settled_at = $1, code = 'superseded',
    detail = 'a newer command of its subject came before it left'
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    as i(tenant, connection, role, subject, command_id)
where c.state = 'PENDING' and c.tenant = any($2) and c.connection = any($3)
    and c.role = any($4) and c.subject = any($5)
    and c.tenant = i.tenant and c.connection = i.connection
    and c.role = i.role and c.subject = i.subject and c.command_id <> i.command_id
returning {RETURNED}
"""  # noqa: S608 - our own column list
INSERT = f"""
insert into outbox_command as c (tenant, command_id, connection, role, subject, version, lane,
    arguments, idempotency_key, state, due_at, code, detail, process, instance, correlation_id,
    causation_id, enqueued_at, settled_at)
select i.*, $1::timestamptz, case when i.state <> 'PENDING' then $1::timestamptz end
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
    $8::smallint[], $9::jsonb[], $10::text[], $11::text[], $12::timestamptz[], $13::text[],
    $14::text[], $15::text[], $16::text[], $17::text[], $18::text[])
    as i(tenant, command_id, connection, role, subject, version, lane, arguments,
    idempotency_key, state, due_at, code, detail, process, instance, correlation_id, causation_id)
on conflict do nothing
returning {RETURNED}
"""  # noqa: S608 - our own column list

Subject = tuple[str, str, str, str]


@dataclass(slots=True)
class _Intent:
    """A command on its way into its row. It takes the place in the queue of what it replaces."""

    command: Command
    arguments: str
    idempotency_key: str
    lane: int
    due_at: datetime
    state: str = "PENDING"
    code: str = ""
    detail: str = ""

    @property
    def subject(self) -> Subject:
        command = self.command
        return (command.tenant, command.connection, command.role, command.subject)

    def end(self, state: str, code: str, detail: str) -> None:
        self.state, self.code, self.detail = state, code, detail


async def enqueue(tx: Transaction, commands: Sequence[Command], now: datetime) -> None:
    """Record intents in the caller's transaction; those recorded already are left as they are."""
    unique = {(each.tenant, each.command_id): each for each in commands}
    if not unique:
        return
    tx.scope.must_cover(tenant for tenant, _ in unique)
    known, connected = await _looked_up(tx, list(unique.values()))
    intents = [
        _intent(command, now) for command in unique.values() if command.command_id not in known
    ]
    for intent in intents:
        if intent.state == "PENDING" and intent.subject[:2] not in connected:
            intent.end(
                "DEAD", "no_connection", f"there is no connection {intent.command.connection!r}"
            )
    newest = await _newest(tx, [intent for intent in intents if intent.state == "PENDING"])
    ended = await _superseded(tx, newest, now)
    rows = await tx.fetch(INSERT, now, *_columns(intents))
    written = [command_of(row) for row in rows]
    await outdate(tx, written, now)
    await announce(tx, [*ended, *written], now)
    wake_couriers(tx, written)


async def _looked_up(
    tx: Transaction, commands: Sequence[Command]
) -> tuple[set[str], set[tuple[str, str]]]:
    tenants = sorted({command.tenant for command in commands})
    names = sorted({command.connection for command in commands})
    known = await tx.fetch(KNOWN, tenants, [command.command_id for command in commands])
    connected = await tx.fetch(CONNECTIONS, tenants, names)
    return (
        {row["command_id"] for row in known},
        {(row["tenant"], row["name"]) for row in connected},
    )


async def _newest(tx: Transaction, intents: Sequence[_Intent]) -> dict[Subject, _Intent]:
    """Keep the highest version of each subject, of those here and of all that ever came."""
    newest: dict[Subject, _Intent] = {}
    for intent in intents:
        rival = newest.get(intent.subject)
        if rival is None or rival.command.version <= intent.command.version:
            newest[intent.subject] = intent
    if newest:
        versions = [intent.command.version for intent in newest.values()]
        rows = await tx.fetch(RAISE_VERSIONS, *_subjects(newest), versions)
        for row in rows:
            subject = (row["tenant"], row["connection"], row["role"], row["subject"])
            if row["version"] > newest[subject].command.version:
                del newest[subject]
    for intent in intents:
        if newest.get(intent.subject) is not intent:
            intent.end("SUPERSEDED", "superseded", "a newer version of its subject came before it")
    return newest


async def _superseded(
    tx: Transaction, newest: dict[Subject, _Intent], now: datetime
) -> list[OutboxCommand]:
    if not newest:
        return []
    ids = [intent.command.command_id for intent in newest.values()]
    ended = [command_of(row) for row in await tx.fetch(SUPERSEDE, now, *_subjects(newest), ids)]
    for command in ended:
        heir = newest[command.tenant, command.connection, command.role, command.subject]
        heir.lane = min(heir.lane, LANE_NUMBERS[command.lane])
        heir.due_at = command.due_at
    return ended


def _intent(command: Command, now: datetime) -> _Intent:
    """Check what can be checked now; what the role cannot take is refused at once, visibly."""
    arguments = dict(command.arguments)
    key = str(arguments.pop("idempotency_key", "") or command.command_id)
    intent = _Intent(command, _json(arguments), key, LANE_NUMBERS[command.lane], now)
    try:
        operation_of(command.role).read(intent.arguments, command.command_id, key, command.version)
    except Invalid as error:
        intent.end("DEAD", error.code, error.message)
    return intent


def _subjects(subjects: Iterable[Subject]) -> list[list[str]]:
    return [list(column) for column in zip(*subjects, strict=True)]


def _columns(intents: Sequence[_Intent]) -> list[list[Any]]:
    commands = [intent.command for intent in intents]
    return [
        [command.tenant for command in commands],
        [command.command_id for command in commands],
        [command.connection for command in commands],
        [command.role for command in commands],
        [command.subject for command in commands],
        [command.version for command in commands],
        [intent.lane for intent in intents],
        [intent.arguments for intent in intents],
        [intent.idempotency_key for intent in intents],
        [intent.state for intent in intents],
        [intent.due_at for intent in intents],
        [intent.code for intent in intents],
        [intent.detail for intent in intents],
        [command.process for command in commands],
        [command.instance for command in commands],
        [command.correlation_id for command in commands],
        [command.causation_id for command in commands],
    ]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
