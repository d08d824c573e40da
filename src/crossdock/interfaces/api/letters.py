"""`/v1/dead-letters`: changes that were refused or ended in doubt, and how they are mended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.connectivity.outbox import Attempt, By, Replay, Revision, Wanted
from crossdock.connectivity.settling import OutboxCommand
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import PAGE, After, Limit, Reason, Text

Yes = Annotated[bool, Field(strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterShown:
    """`is_unknown`: an attempt ended without anyone knowing whether it took effect."""

    command_id: str
    connection: str
    role: str
    subject: str
    version: int
    arguments: Mapping[str, Any]
    state: str
    attempts: int
    is_unknown: bool
    revision: int
    code: str
    detail: str
    process: str
    correlation_id: str
    enqueued_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWhole:
    letter: LetterShown
    attempts: tuple[Attempt, ...]
    revisions: tuple[Revision, ...]


class Letters(BaseModel):
    letters: list[LetterShown]


class Edit(BaseModel):
    """`changes` replace arguments by name; the letter is sent as a new revision."""

    model_config = ConfigDict(extra="forbid")

    changes: dict[Text, Any] = Field(min_length=1, max_length=50)
    reason: Reason
    dry_run: Yes = False


class Again(BaseModel):
    """`ids`, or the next 1,000 refused ones (DEAD) behind `after`: by connection, code, or `all`.

    What has an unknown outcome (PARKED) is sent by its id alone. A dry run tells what would become
    of each.
    """

    model_config = ConfigDict(extra="forbid")

    ids: list[Text] | None = Field(default=None, max_length=1000)
    connection: Text = ""
    code: Text = ""
    all: Yes = False
    after: Text = ""
    reason: Reason
    dry_run: Yes = False


class Settled(BaseModel):
    """The answer to a parked letter: `happened` or not; if not, it is sent."""

    model_config = ConfigDict(extra="forbid")

    happened: Yes
    reason: Reason


class Discarded(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: list[Text] = Field(min_length=1, max_length=1000)
    reason: Reason


class Replays(BaseModel):
    """`more`: there are others; ask again with the last command of `results` as `after`."""

    more: bool
    results: list[Replay]


class Discards(BaseModel):
    count: int


def reading_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])

    @routes.get("", **needs("dlq:read"))
    async def list_letters(
        caller: Caller, connection: Text = "", code: Text = "", after: After = "",
        limit: Limit = 100,
    ) -> Letters:  # fmt: skip
        """List them, the oldest first."""
        wanted = Wanted(connection=connection, code=code, after=after, limit=limit)
        found = await hub.outbox.find(caller.scope, wanted)
        return Letters(letters=[_shown(command) for command in found])

    @routes.get("/{command_id}", **needs("dlq:read"))
    async def show_letter(command_id: Text, caller: Caller) -> LetterWhole:
        """Show a command with every attempt at it and every wording it had."""
        letter = await hub.outbox.show(caller.scope, command_id)
        return LetterWhole(
            letter=_shown(letter.command), attempts=letter.attempts, revisions=letter.revisions
        )

    return routes


def mending_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])

    @routes.post("/replay", **needs("dlq:write"))
    async def replay_letters(said: Again, caller: Caller) -> Replays:
        """Send stuck commands again, as they are."""
        ids = None if said.ids is None else tuple(said.ids)
        wanted = Wanted(
            connection=said.connection, code=said.code, ids=ids, after=said.after, limit=PAGE
        ).narrowed(is_all=said.all)
        results = await hub.outbox.replay(
            caller.scope, wanted, _by(caller, said.reason), dry_run=said.dry_run
        )
        last = results[-1].command_id if results else said.after
        behind = replace(wanted.to_replay(), after=last, limit=1)
        return Replays(more=bool(await hub.outbox.find(caller.scope, behind)), results=results)

    @routes.post("/discard", **needs("dlq:write"))
    async def discard_letters(said: Discarded, caller: Caller) -> Discards:
        """Give stuck commands up; they stay on record, with the reason."""
        count = await hub.outbox.discard(caller.scope, said.ids, _by(caller, said.reason))
        return Discards(count=count)

    @routes.post("/{command_id}/edit", **needs("dlq:write"))
    async def edit_letter(command_id: Text, said: Edit, caller: Caller) -> Replay:
        """Change a refused command and send it; the original is kept."""
        return await hub.outbox.edit(
            caller.scope,
            command_id,
            said.changes,
            _by(caller, said.reason),
            dry_run=said.dry_run,
        )

    @routes.post("/{command_id}/resolve", **needs("dlq:write"))
    async def resolve_letter(command_id: Text, said: Settled, caller: Caller) -> Replay | None:
        """Say whether a command with an unknown outcome took effect."""
        return await hub.outbox.resolve(
            caller.scope,
            command_id,
            _by(caller, said.reason),
            happened=said.happened,
        )

    return routes


def _by(caller: Caller, reason: str) -> By:
    return By(actor=f"key {caller.key_id}", reason=reason)


def _shown(command: OutboxCommand) -> LetterShown:
    return LetterShown(
        command_id=command.command_id,
        connection=command.connection,
        role=command.role,
        subject=command.subject,
        version=command.version,
        arguments=msgspec.json.decode(command.arguments),
        state=command.state,
        attempts=command.attempts,
        is_unknown=command.is_unknown,
        revision=command.revision,
        code=command.code,
        detail=command.detail,
        process=command.process,
        correlation_id=command.correlation_id,
        enqueued_at=command.enqueued_at,
        settled_at=command.settled_at,
    )
