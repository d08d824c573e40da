"""`/v1/processes`: instances of processes, and a new try for those that were parked."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Limit, LongText, Text
from crossdock.orchestration.engine.instances import InstanceWhole, Resumed
from crossdock.orchestration.engine.journal import InstanceStanding

Parked = Annotated[bool, Query(description="Only parked ones; false: all.")]
After = Annotated[LongText, Query(description="PROCESS/INSTANCE of the last of the page before.")]
Instance = LongText
"""It is made of names, percent-quoted: longer than any of them."""


class InstancesShown(BaseModel):
    instances: list[InstanceStanding]


class Resumption(BaseModel):
    """`instance` names one; left out, every parked one of the process."""

    model_config = ConfigDict(extra="forbid")

    instance: Instance = ""


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/processes", tags=["processes"])

    @routes.get("/instances", **needs("processes:read"))
    async def list_instances(
        caller: Caller, process: Text = "", *, parked: Parked = True, after: After = "",
        limit: Limit = 100,
    ) -> InstancesShown:  # fmt: skip
        found = await hub.instances.find(
            caller.scope, process=process, is_parked=parked, after=after, limit=limit
        )
        return InstancesShown(instances=found)

    # The name of an instance is a path of its own: shop/location/item.
    @routes.get("/{process}/instances/{instance:path}", **needs("processes:read"))
    async def show_instance(process: Text, instance: Instance, caller: Caller) -> InstanceWhole:
        """Show where an instance stands, and its newest steps, newest first."""
        return await hub.instances.show(caller.scope, process, instance)

    @routes.post("/{process}/resume", **needs("processes:write"))
    async def resume_instances(
        process: Text, caller: Caller, said: Resumption | None = None
    ) -> Resumed:
        """Have parked instances decided again: their cause is mended."""
        instance = said.instance if said else ""
        return await hub.instances.resume(caller.scope, process, instance)

    return routes
