"""`/v1/allocation/groups`: channels and customers that share a maximum and a minimum."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.allocation import AllocationGroup
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Code

Members = Annotated[list[Code], Field(max_length=1000)]


class AllocationGroupSaid(BaseModel):
    """Who is in the group from now on: `customers` by any code or id of theirs."""

    model_config = ConfigDict(extra="forbid")

    name: Code
    channels: Members = Field(default_factory=list[str])
    customers: Members = Field(default_factory=list[str])


class AllocationGroupOf(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Code


class AllocationGroupsShown(BaseModel):
    groups: list[AllocationGroup]


def group_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/allocation", tags=["allocation"])
    book = hub.allocation.groups

    @routes.get("/groups", **needs("allocation:read"))
    async def list_groups(caller: Caller) -> AllocationGroupsShown:
        """List the groups of channels and customers that share maxima and minima."""
        return AllocationGroupsShown(groups=await book.listed(caller.scope))

    @routes.put("/groups", **needs("allocation:write"))
    async def put_group(said: AllocationGroupSaid, caller: Caller) -> AllocationGroup:
        """Say who is in a group; what they have had counts for it from now on."""
        group = AllocationGroup(
            name=said.name, channels=tuple(said.channels), customers=tuple(said.customers)
        )
        return await book.put(caller.scope, group, by=who(caller))

    @routes.post("/groups/clear", status_code=204, **needs("allocation:write"))
    async def clear_group(said: AllocationGroupOf, caller: Caller) -> None:
        """End a group; 409 `group_in_use` while it has a maximum or minimum."""
        await book.clear(caller.scope, said.name, by=who(caller))

    return routes
