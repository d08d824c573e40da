"""`/v1/keepers` and `/v1/proposals`: which system keeps the stock, and what others say of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from crossdock.capabilities.catalog import normalised
from crossdock.connectivity.proposals import Proposal
from crossdock.governance.authority import Keeper
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, AfterNumber, Code, Limit, Text


class KeeperSaid(BaseModel):
    """`source` is a connection, or the name that a system gives in `POST /v1/events`."""

    model_config = ConfigDict(extra="forbid")

    source: Code


class Keepers(BaseModel):
    keepers: list[Keeper]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalShown:
    """The newest of its source, type, key and location; `message` is the kept original's number.

    `times` counts it and those it replaced; `fact` is in the hub's own keys.
    """

    id: int
    source: str
    type: str
    key: str
    location: str
    keeper: str
    identity: str
    fact: dict[str, Any]
    message: int | None
    occurred_at: datetime
    received_at: datetime
    times: int


class Proposals(BaseModel):
    proposals: list[ProposalShown]


def keeper_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["catalogue"])

    @routes.get("/keepers", **needs("catalog:read"))
    async def list_keepers(caller: Caller, after: After = "", limit: Limit = 100) -> Keepers:
        found = await hub.authority.keepers(caller.scope, after=after, limit=limit)
        return Keepers(keepers=found)

    @routes.put("/locations/{location}/keeper", **needs("catalog:write"))
    async def set_keeper(location: Code, said: KeeperSaid, caller: Caller) -> Keeper:
        """From now on this source alone tells the stock of the location."""
        return await hub.authority.set_keeper(
            caller.scope, location, said.source, by=f"key {caller.key_id}"
        )

    @routes.delete("/locations/{location}/keeper", status_code=204, **needs("catalog:write"))
    async def clear_keeper(location: Code, caller: Caller) -> None:
        """Let any source tell the stock of the location again."""
        await hub.authority.clear_keeper(caller.scope, location)

    return routes


def proposal_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/proposals", tags=["messages"])

    @routes.get("", **needs("messages:read"))
    async def list_proposals(
        caller: Caller,
        *,
        source: Text = "",
        location: Text = "",
        after: AfterNumber = 0,
        limit: Limit = 100,
    ) -> Proposals:
        """List what systems said of stock that another keeps."""
        found = await hub.proposals.find(
            caller.scope, source=source, location=normalised(location), after=after, limit=limit
        )
        return Proposals(proposals=[_shown(one) for one in found])

    return routes


def _shown(one: Proposal) -> ProposalShown:
    return ProposalShown(
        id=one.id,
        source=one.source,
        type=one.type,
        key=one.key,
        location=one.location,
        keeper=one.keeper,
        identity=one.identity,
        fact=msgspec.json.decode(one.fact),
        message=one.raw_ref,
        occurred_at=one.occurred_at,
        received_at=one.received_at,
        times=one.times,
    )
