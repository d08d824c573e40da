"""Puts a command into its target's words: the role's own dataclass, with the target's own keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from crossdock.canonical.errors import CrossdockError, Invalid
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.operations import Operation, operation_of
from crossdock.connectivity.sdk.application import Application
from crossdock.connectivity.settling import OutboxCommand
from crossdock.foundation.database import Transaction


class NativeKeys(Protocol):
    """Knows what each system calls the hub's items and locations."""

    async def native_keys(
        self, tx: Transaction, system: str, references: Sequence[Reference]
    ) -> Mapping[Reference, str]:
        """Answer the keys that are known; a reference without one is left out."""
        ...


# The last value on its way to each shelf of a channel.
NOTE_SHELVES = """
insert into channel_write (tenant, connection, item, location, quantity, command_id, written_at)
select $1, $2, i.*, $7 from unnest($3::text[], $4::text[], $5::numeric[], $6::text[])
    as i(item, location, quantity, command_id)
on conflict (tenant, connection, item, location) do update set quantity = excluded.quantity,
    command_id = excluded.command_id, written_at = excluded.written_at
"""


@dataclass(frozen=True, slots=True)
class Worded:
    """Commands in the hub's words and in the target's, and those that it has no word for."""

    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]
    refused: Sequence[tuple[OutboxCommand, CrossdockError]]


async def worded(
    tx: Transaction,
    entry: Entry,
    application: Application,
    commands: Sequence[OutboxCommand],
    keys: NativeKeys,
) -> Worded:
    operation = operation_of(commands[0].role)
    refused: list[tuple[OutboxCommand, CrossdockError]] = []
    ours: dict[str, Any] = {}
    for command in commands:
        try:
            ours[command.command_id] = _read(operation, command, entry, application)
        except CrossdockError as error:
            refused.append((command, error))
    wanted = dict.fromkeys(
        reference for change in ours.values() for reference in operation.references(change)
    )
    found: Mapping[Reference, str] = {}
    if wanted:
        found = await keys.native_keys(tx, entry.name, list(wanted))
    theirs: dict[str, Any] = {}
    for command in commands:
        if (change := ours.get(command.command_id)) is None:
            continue
        missing = [each for each in operation.references(change) if each not in found]
        if missing:
            refused.append((command, _nameless(missing[0], entry.name)))
        else:
            theirs[command.command_id] = operation.targeted(change, found)
    return Worded(ours, theirs, refused)


async def note_shelves(
    tx: Transaction,
    connection: str,
    commands: Sequence[OutboxCommand],
    words: Worded,
    now: datetime,
) -> None:
    """Remember what is about to be written, so that even an echo faster than the answer is known.

    Its own keys are the hub's: that is how the echo will be resolved when it comes.
    """
    operation = operation_of(commands[0].role)
    if operation.shelf is None or not words.theirs:
        return
    shelves = {operation.shelf(words.ours[sent])[:2]: sent for sent in words.theirs}
    await tx.execute(
        NOTE_SHELVES,
        tx.tenant,
        connection,
        [item for item, _ in shelves],
        [location for _, location in shelves],
        [operation.shelf(words.ours[sent])[2] for sent in shelves.values()],
        list(shelves.values()),
        now,
    )


def _read(
    operation: Operation[Any], command: OutboxCommand, entry: Entry, application: Application
) -> Any:
    role = operation.role
    if role not in application.roles or not entry.plays(role.__name__):
        raise Invalid(f"{entry.name} does not play {role.__name__}", code="role_not_played")
    return operation.read(
        command.arguments, command.command_id, command.idempotency_key, command.version
    )


def _nameless(reference: Reference, connection: str) -> CrossdockError:
    code = "MD-ITEM-XREF" if reference.kind is ReferenceKind.ITEM else "MD-LOC"
    return Invalid(
        f"{connection} has no key for {reference.kind} {reference.native_id!r}", code=code
    )
