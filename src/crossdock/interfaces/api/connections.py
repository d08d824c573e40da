"""`/v1/connections`: which systems are connected, how they are doing, and their off switch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.connectivity.directory import Circuit, Entry
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.roles_said import roles_said
from crossdock.interfaces.api.shapes import Code, Text


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


class Pause(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Text = ""


class RolesSaid(BaseModel):
    """Each role with the locations it is played at; with none it is played everywhere.

    Only a role that names its locations is told of what happens there, as of movements.
    """

    model_config = ConfigDict(extra="forbid")

    roles: dict[Code, Annotated[list[Code], Field(max_length=1000)]] = Field(max_length=100)


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/connections", tags=["connections"])

    @routes.get("", **needs("connections:read"))
    async def list_connections(caller: Caller) -> Connections:
        entries = await hub.directory.entries(caller.scope)
        return Connections(connections=[_shown(entry) for entry in entries])

    @routes.get("/{connection}", **needs("connections:read"))
    async def show_connection(connection: Text, caller: Caller) -> ConnectionShown:
        return _shown(await hub.directory.get(caller.scope, connection))

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
