"""`/v1/refused-events`: events that one of the hub's own readers could not apply."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from crossdock.foundation.refusals import Reapplied, Refused
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.messages import Count
from crossdock.interfaces.api.shapes import AfterNumber, Limit, Number, Reason, Text


class RefusedEvents(BaseModel):
    events: list[Refused]


class Reapply(BaseModel):
    """`reader` names one reader; left out, all that refused the event."""

    model_config = ConfigDict(extra="forbid")

    reader: Text = ""


class Discard(BaseModel):
    """`reader` names one reader; left out, all that refused the event."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    reader: Text = ""


class Reapplications(BaseModel):
    results: list[Reapplied]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/refused-events", tags=["messages"])

    @routes.get("", **needs("messages:read"))
    async def list_refused_events(
        caller: Caller, reader: Text = "", after: AfterNumber = 0, limit: Limit = 100
    ) -> RefusedEvents:
        """List them in the order of the log, with the reason."""
        found = await hub.refusals.find(caller.scope, reader=reader, after=after, limit=limit)
        return RefusedEvents(events=found)

    @routes.post("/{position}/reapply", **needs("messages:write"))
    async def reapply_event(
        position: Number, caller: Caller, said: Reapply | None = None
    ) -> Reapplications:
        """Hand an event again to the readers that refused it; what is applied leaves the list."""
        reader = said.reader if said else ""
        return Reapplications(
            results=await hub.refusals.reapply(caller.scope, position, reader=reader)
        )

    @routes.post("/{position}/discard", **needs("messages:write"))
    async def discard_event(position: Number, caller: Caller, given_up: Discard) -> Count:
        """Give up on an event; it stays on record with the reason, and off the list."""
        reason = f"{given_up.reason} (key {caller.key_id})"
        count = await hub.refusals.discard(
            caller.scope, position, reason=reason, reader=given_up.reader
        )
        return Count(count=count)

    return routes
