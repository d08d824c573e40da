"""The outbox as others use it: intents go in, and what is stuck can be seen, mended and sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from crossdock.canonical.commands import Command
from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.connectivity import enqueueing
from crossdock.connectivity.operations import operation_of
from crossdock.connectivity.settling import (
    COLUMNS,
    RETURNED,
    OutboxCommand,
    announce,
    command_of,
    wake_couriers,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

LETTERS = ("DEAD", "PARKED")
"""What needs a person: refused by the target, or with an outcome nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which commands are meant; what is left empty narrows nothing.

    `after` is the last command that was listed before; it may be settled by now.
    """

    states: tuple[str, ...] = LETTERS
    connection: str = ""
    code: str = ""
    role: str = ""
    correlation_id: str = ""
    ids: tuple[str, ...] | None = None
    after: str = ""
    limit: int = 100

    def to_replay(self) -> "Wanted":
        """Leave out what has an unknown outcome, unless it is named by its id.

        Where the target knows no keys, sending it again may take effect twice: asked for alone,
        it is refused.
        """
        if self.ids is not None:
            return self
        if "DEAD" not in self.states:
            raise Invalid(
                "what is in doubt (PARKED) is sent again by its id alone",
                where="states",
                hint="name the ids; `crossdock dlq list` shows them",
            )
        return replace(self, states=("DEAD",))

    def narrowed(self, *, is_all: bool) -> "Wanted":
        """Refuse to mean everything, where that was not said."""
        if not is_all and self.ids is None and not (self.connection or self.code):
            raise Invalid("say which commands", hint="ids, a connection, a code, or all of them")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    fence: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """How the command read before a person changed it."""

    revision: int
    arguments: Mapping[str, Any]
    idempotency_key: str
    reason: str
    actor: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One command with its whole story."""

    command: OutboxCommand
    attempts: tuple[Attempt, ...]
    revisions: tuple[Revision, ...]


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something that is stuck, and why; both stay on record."""

    actor: str
    reason: str

    def __post_init__(self) -> None:
        if not self.actor.strip() or not self.reason.strip():
            raise Invalid("say who does this, and why", where="reason")

    def __str__(self) -> str:
        return f"{self.reason} ({self.actor})"


class Replayed(StrEnum):
    """SENT: it waits for its courier now. OVERTAKEN: a newer one of its subject stands instead."""

    SENT = "SENT"
    OVERTAKEN = "OVERTAKEN"
    NOT_STUCK = "NOT_STUCK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    command_id: str
    result: Replayed
    idempotency_key: str = ""
    reason: str = ""


FIND = f"""
select {COLUMNS} from outbox_command
where ($1 = '*' or tenant = $1) and state = any($2) and ($3 = '' or connection = $3)
    and ($4 = '' or code = $4) and ($5 = '' or role = $5) and ($6 = '' or correlation_id = $6)
    and ($7::text[] is null or command_id = any($7)) and seq > $8
order by seq limit $9
"""  # noqa: S608 - our own column list
KNOWN = "select command_id from outbox_command where tenant = $1 and command_id = any($2)"
LISTED = "`crossdock dlq list` shows what is stuck; nothing was discarded"
PLACE = "select seq from outbox_command where tenant = $1 and command_id = $2"
ATTEMPTS = """
select fence, worker, started_at, ended_at, outcome, code, detail from outbox_attempt
where tenant = $1 and command_id = $2 order by fence
"""
REVISIONS = """
select revision, arguments::text as arguments, idempotency_key, reason, actor, made_at
from outbox_revision where tenant = $1 and command_id = $2 order by revision
"""
# Locked like an enqueueing, so that "is there a newer one?" stays answered until we commit.
NEWEST = """
select version from outbox_subject
where tenant = $1 and connection = $2 and role = $3 and subject = $4 for update
"""
WAITING = """
select command_id from outbox_command where tenant = $1 and connection = $2 and role = $3
    and subject = $4 and state in ('PENDING', 'IN_FLIGHT')
"""
SEND_AGAIN = f"""
update outbox_command c set state = 'PENDING', due_at = $3, attempts = 0, suspicions = 0,
    arguments = $4, idempotency_key = $5, revision = revision + 1, is_unknown = $6,
    error_class = '', code = '', detail = '', settled_at = null
where tenant = $1 and command_id = $2 and state in ('DEAD', 'PARKED') returning {RETURNED}
"""  # noqa: S608 - our own column list
KEEP_REVISION = """
insert into outbox_revision (tenant, command_id, revision, arguments, idempotency_key, reason,
    actor, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
END = f"""
update outbox_command c set state = $3, settled_at = $4, code = $5, detail = $6,
    revision = revision + 1
where tenant = $1 and command_id = any($2) and state in ('DEAD', 'PARKED') returning {RETURNED}
"""  # noqa: S608 - our own column list
SHOW = f"select {COLUMNS} from outbox_command where tenant = $1 and command_id = $2"  # noqa: S608 - our own column list
LOCK = f"{SHOW} for update"
DEPTHS = """
select connection, state, lane, count(*) as commands, min(enqueued_at) as oldest_at
from outbox_command
where ($1 = '*' or tenant = $1) and state in ('PENDING', 'IN_FLIGHT', 'DEAD', 'PARKED')
group by connection, state, lane order by connection, state, lane
"""


class Outbox:
    """Services for processes (`enqueue`) and for people; every change by a person has a reason."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def enqueue(self, tx: Transaction, commands: Sequence[Command]) -> None:
        """Record intents in the transaction that decided them."""
        await enqueueing.enqueue(tx, commands, self._clock.now())

    async def find(self, scope: Scope, wanted: Wanted | None = None) -> list[OutboxCommand]:
        async with self._database.transaction(scope) as tx:
            return await _found(tx, wanted or Wanted())

    async def show(self, scope: Scope, command_id: str) -> Letter:
        async with self._database.transaction(scope) as tx:
            found = await tx.fetchrow(SHOW, tx.tenant, command_id)
            if found is None:
                raise NotFound(f"there is no command {command_id!r}")
            attempts = await tx.fetch(ATTEMPTS, tx.tenant, command_id)
            revisions = await tx.fetch(REVISIONS, tx.tenant, command_id)
        return Letter(
            command=command_of(found),
            attempts=tuple(Attempt(**dict(row)) for row in attempts),
            revisions=tuple(
                Revision(**{**dict(row), "arguments": msgspec.json.decode(row["arguments"])})
                for row in revisions
            ),
        )

    async def edit(
        self,
        scope: Scope,
        command_id: str,
        changes: Mapping[str, Any],
        by: By,
        *,
        dry_run: bool = False,
    ) -> Replay:
        """Change arguments of a refused command and send it, as a new revision with its own key.

        The original stays in the revisions. What the command is about cannot be changed, and only
        a command that was refused may be edited: while nobody knows whether the first wording took
        effect, a second could double it.
        """
        async with self._database.transaction(scope) as tx:
            command = await _locked(tx, command_id)
            if command.state == "PARKED":
                raise Conflict(
                    f"nobody knows yet whether {command_id} took effect",
                    hint="answer that first (resolve), then edit it",
                )
            key = f"{_root_of(command.idempotency_key)}.r{command.revision + 1}"
            operation = operation_of(command.role)
            text = operation.edited(command.arguments, changes)
            operation.read(text, command_id, key, command.version)
            return await self._send(tx, command, text, key, by, dry_run=dry_run)

    async def replay(
        self, scope: Scope, wanted: Wanted, by: By, *, dry_run: bool = False
    ) -> list[Replay]:
        """Send stuck commands again, as they are; a dry run says what would become of each.

        A refused one did not take effect, so it goes under a new key. One whose outcome is unknown
        must be named by its id, and keeps its key: a target that knows keys will know it again.
        """
        async with self._database.transaction(scope) as tx:
            found = await _found(tx, wanted.to_replay())
            return [
                await self._replay(tx, command.command_id, by, dry_run=dry_run)
                for command in found
            ]

    async def resolve(
        self, scope: Scope, command_id: str, by: By, *, happened: bool
    ) -> Replay | None:
        """Answer the question of a parked command: it took effect, or it did not and is sent."""
        async with self._database.transaction(scope) as tx:
            command = await _locked(tx, command_id)
            if command.state != "PARKED":
                raise Conflict(f"{command_id} is {command.state}, not parked")
            if happened:
                await self._end(tx, [command_id], "DONE", "resolved", str(by))
                return None
            key = f"{_root_of(command.idempotency_key)}.r{command.revision + 1}"
            return await self._send(tx, command, command.arguments, key, by, is_unknown=False)

    async def discard(self, scope: Scope, ids: Sequence[str], by: By) -> int:
        """Give stuck commands up; they stay on record, with the reason.

        An id that there is not is `NotFound`, and none is given up; what is settled stays so.
        """
        async with self._database.transaction(scope) as tx:
            known = {row["command_id"] for row in await tx.fetch(KNOWN, tx.tenant, list(ids))}
            if unknown := [each for each in ids if each not in known]:
                raise NotFound(f"there is no command {unknown[0]!r}", hint=LISTED)
            return await self._end(tx, ids, "DISCARDED", "discarded", str(by))

    async def depths(self, scope: Scope) -> list[dict[str, Any]]:
        """Count what waits, is on its way or is stuck, per connection, and since when."""
        async with self._database.transaction(scope) as tx:
            return [dict(row) for row in await tx.fetch(DEPTHS, tx.tenant)]

    async def _replay(self, tx: Transaction, command_id: str, by: By, *, dry_run: bool) -> Replay:
        command = await _locked(tx, command_id)
        if command.state not in LETTERS:
            return Replay(
                command_id=command_id, result=Replayed.NOT_STUCK, reason=f"it is {command.state}"
            )
        key = command.idempotency_key
        if command.state == "DEAD":
            key = f"{_root_of(key)}.r{command.revision + 1}"
        return await self._send(tx, command, command.arguments, key, by, dry_run=dry_run)

    async def _send(  # noqa: PLR0913 - what is sent, under which key, by whom
        self,
        tx: Transaction,
        command: OutboxCommand,
        arguments: str,
        key: str,
        by: By,
        *,
        dry_run: bool = False,
        is_unknown: bool | None = None,
    ) -> Replay:
        subject = (command.tenant, command.connection, command.role, command.subject)
        newest = await tx.fetchval(NEWEST, *subject)
        if (newest or 0) > command.version or await tx.fetchval(WAITING, *subject):
            return Replay(
                command_id=command.command_id,
                result=Replayed.OVERTAKEN,
                reason="a newer command of its subject was made since; discard this one",
            )
        if not dry_run:
            now = self._clock.now()
            await tx.execute(
                KEEP_REVISION, command.tenant, command.command_id, command.revision,
                command.arguments, command.idempotency_key, by.reason, by.actor, now,
            )  # fmt: skip
            doubt = command.state == "PARKED" if is_unknown is None else is_unknown
            rows = await tx.fetch(
                SEND_AGAIN, command.tenant, command.command_id, now, arguments, key, doubt
            )
            wake_couriers(tx, [command_of(row) for row in rows])
        return Replay(command_id=command.command_id, result=Replayed.SENT, idempotency_key=key)

    async def _end(
        self, tx: Transaction, ids: Sequence[str], state: str, code: str, detail: str
    ) -> int:
        now = self._clock.now()
        rows = await tx.fetch(END, tx.tenant, list(ids), state, now, code, detail)
        await announce(tx, [command_of(row) for row in rows], now)
        return len(rows)


async def _found(tx: Transaction, wanted: Wanted) -> list[OutboxCommand]:
    place = await tx.fetchval(PLACE, tx.tenant, wanted.after) if wanted.after else 0
    if place is None:
        raise NotFound(f"there is no command {wanted.after!r}")
    rows = await tx.fetch(
        FIND,
        tx.tenant,
        list(wanted.states),
        wanted.connection,
        wanted.code,
        wanted.role,
        wanted.correlation_id,
        None if wanted.ids is None else list(wanted.ids),
        place,
        wanted.limit,
    )
    return [command_of(row) for row in rows]


async def _locked(tx: Transaction, command_id: str) -> OutboxCommand:
    row = await tx.fetchrow(LOCK, tx.tenant, command_id)
    if row is None:
        raise NotFound(f"there is no command {command_id!r}")
    return command_of(row)


def _root_of(key: str) -> str:
    """Take off the mark of an earlier revision."""
    root, dot, revision = key.rpartition(".r")
    return root if dot and revision.isdecimal() else key
