"""`/v1/connections`: which systems are connected, how they are doing, and how they are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from crossdock.canonical.errors import CrossdockError
from crossdock.connectivity.connections import Changes, Standing, moment_of
from crossdock.connectivity.directory import (
    CONCURRENCY_MAX,
    GAP_SECONDS_MAX,
    RATE_MAX,
    Circuit,
    Entry,
)
from crossdock.connectivity.outbox import By
from crossdock.connectivity.parting import Parted
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.roles_said import roles_said
from crossdock.interfaces.api.shapes import Code, LongText, Text

Settings = Annotated[dict[Text, Any], Field(max_length=200)]
Rate = Annotated[float | None, Field(gt=0, le=RATE_MAX, allow_inf_nan=False)]
Concurrency = Annotated[int | None, Field(strict=True, gt=0, le=CONCURRENCY_MAX)]
GapSeconds = Annotated[int | None, Field(strict=True, ge=0, le=GAP_SECONDS_MAX)]
Freshness = Annotated[int | None, Field(strict=True, gt=0, le=GAP_SECONDS_MAX)]
LIMITS = ("rate_per_second", "concurrency", "gap_seconds", "freshness_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionShown:
    """`secrets` are the names of settings that are kept encrypted; nobody is shown their values.

    `circuit` OPEN means that it does not answer and is only probed, until it does.
    """

    name: str
    application: str
    settings: Mapping[str, Any]
    secrets: Sequence[str]
    roles: Mapping[str, Sequence[str]]
    is_paused: bool
    pause_reason: str
    circuit: Circuit
    failures: int
    probe_at: datetime | None
    answered_at: datetime | None
    last_error: str
    revision: int


class Connections(BaseModel):
    connections: list[ConnectionShown]


class NewConnection(BaseModel):
    """A limit that is left out is the application's own; secrets are among the settings."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    application: Text
    settings: Settings
    rate_per_second: Rate = None
    concurrency: Concurrency = None
    gap_seconds: GapSeconds = None
    freshness_seconds: Freshness = None


class ConnectionChange(BaseModel):
    """What is left out stays; a limit that is null is the application's own from now on."""

    model_config = ConfigDict(extra="forbid")

    settings: Settings = Field(default_factory=dict[str, Any])
    rate_per_second: Rate = None
    concurrency: Concurrency = None
    gap_seconds: GapSeconds = None
    freshness_seconds: Freshness = None

    def changes(self) -> Changes:
        limits = {name: getattr(self, name) for name in LIMITS if name in self.model_fields_set}
        return Changes(settings=self.settings, limits=limits)


class Pause(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Text = ""


class RolesSaid(BaseModel):
    """Each role with the locations it is played at; with none it is played everywhere.

    Only a role that names its locations is told of what happens there, as of movements.
    """

    model_config = ConfigDict(extra="forbid")

    roles: dict[Code, Annotated[list[Code], Field(max_length=1000)]] = Field(max_length=100)


class Rewind(BaseModel):
    """`to` is `beginning`, or a moment with its offset from UTC."""

    model_config = ConfigDict(extra="forbid")

    to: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckShown:
    """`answer` is what the other side said; `problem`, with a stable `code`, why it did not.

    `hint` says what to do about the problem, or about a `warning`.
    """

    name: str
    is_well: bool
    answer: str = ""
    warning: str = ""
    problem: str = ""
    code: str = ""
    hint: str = ""


class Sealed(BaseModel):
    connections: int


def reading_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/connections", tags=["connections"])

    @routes.get("", **needs("connections:read"))
    async def list_connections(caller: Caller) -> Connections:
        entries = await hub.directory.entries(caller.scope)
        return Connections(connections=[_shown(entry) for entry in entries])

    @routes.get("/{connection}", **needs("connections:read"))
    async def show_connection(connection: Text, caller: Caller) -> Standing:
        """Show all about it, but no secret."""
        return await hub.connections.show(caller.scope, connection)

    return routes


def steering_routes(hub: Hub) -> APIRouter:
    """Make what whoever watches over connections needs; settings are not theirs to change."""
    routes = APIRouter(prefix="/v1/connections", tags=["connections"])

    @routes.post("/{connection}/check", **needs("connections:write"))
    async def check_connection(connection: Text, caller: Caller) -> CheckShown:
        """Talk to the other side once; nothing is changed there."""
        await hub.directory.get(caller.scope, connection)
        try:
            said = await hub.connections.check(caller.scope, connection)
        except CrossdockError as error:
            return CheckShown(
                name=connection, is_well=False, problem=error.message, code=error.code,
                hint=error.hint,
            )  # fmt: skip
        return CheckShown(
            name=connection, is_well=True, answer=said.answer, warning=said.warning, hint=said.hint
        )

    @routes.put("/{connection}/roles", **needs("connections:write"))
    async def set_roles(connection: Text, said: RolesSaid, caller: Caller) -> ConnectionShown:
        """Say what it is asked for, and where; this replaces what was said before."""
        roles = await roles_said(hub.catalog, caller.scope, said.roles)
        return _shown(await hub.directory.change(caller.scope, connection, roles=roles))

    @routes.post("/{connection}/pause", **needs("connections:write"))
    async def pause_connection(
        connection: Text, caller: Caller, said: Pause | None = None
    ) -> ConnectionShown:
        """Send and ask nothing until it is resumed; what comes in by itself is still taken."""
        reason = (said.reason if said else "") or f"paused with key {caller.key_id}"
        await hub.directory.pause(caller.scope, connection, reason)
        return _shown(await hub.directory.get(caller.scope, connection))

    @routes.post("/{connection}/resume", **needs("connections:write"))
    async def resume_connection(connection: Text, caller: Caller) -> ConnectionShown:
        """Go on where it was paused, with a closed circuit."""
        await hub.directory.resume(caller.scope, connection)
        return _shown(await hub.directory.get(caller.scope, connection))

    @routes.post("/{connection}/rewind", **needs("connections:write"))
    async def rewind_connection(connection: Text, said: Rewind, caller: Caller) -> Standing:
        """Read a polled source again from a moment; what is known counts once."""
        await hub.connections.rewind(caller.scope, connection, moment_of(said.to))
        return await hub.connections.show(caller.scope, connection)

    return routes


def keeping_routes(hub: Hub) -> APIRouter:
    """Make what changes where secrets go: a changed address is told the token of the old one."""
    routes = APIRouter(prefix="/v1/connections", tags=["connections"])

    @routes.post("", status_code=201, **needs("connections:admin"))
    async def add_connection(new: NewConnection, caller: Caller) -> Standing:
        """Connect an installation; its secrets are stored encrypted."""
        entry = Entry(
            tenant=caller.tenant,
            name=new.name,
            application=new.application,
            settings=new.settings,
            rate_per_second=new.rate_per_second,
            concurrency=new.concurrency,
            gap_seconds=new.gap_seconds,
        )
        seconds = new.freshness_seconds
        is_gap_said = "gap_seconds" in new.model_fields_set
        await hub.connections.add(
            caller.scope, entry, freshness_seconds=seconds, is_gap_said=is_gap_said
        )
        return await hub.connections.show(caller.scope, new.name)

    @routes.post("/rotate-secrets", **needs("connections:admin"))
    async def rotate_secrets(caller: Caller) -> Sealed:
        """Seal every secret of the house under a new data key; nothing else changes."""
        return Sealed(connections=await hub.connections.rotate_secrets(caller.scope))

    @routes.patch("/{connection}", **needs("connections:admin"))
    async def change_connection(
        connection: Text, change: ConnectionChange, caller: Caller
    ) -> Standing:
        """Change settings or limits; secrets that are not named stay."""
        return await hub.connections.change(caller.scope, connection, change.changes())

    @routes.delete("/{connection}", **needs("connections:admin"))
    async def remove_connection(
        connection: Text,
        caller: Caller,
        reason: Annotated[LongText, Query(description="Why; kept with what is given up.")],
        *,
        discard: Annotated[bool, Query(description="Give up what is open.")] = False,
    ) -> Parted:
        """Take it away with its secrets; what it said stays, and its name is nobody else's."""
        by = By(f"key {caller.key_id}", reason)
        return await hub.connections.remove(caller.scope, connection, by, discard=discard)

    return routes


def _shown(entry: Entry) -> ConnectionShown:
    return ConnectionShown(
        name=entry.name,
        application=entry.application,
        settings=entry.settings,
        secrets=entry.secrets,
        roles=entry.roles,
        is_paused=entry.is_paused,
        pause_reason=entry.pause_reason,
        circuit=entry.circuit,
        failures=entry.failures,
        probe_at=entry.probe_at,
        answered_at=entry.answered_at,
        last_error=entry.last_error,
        revision=entry.revision,
    )
