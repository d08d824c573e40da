"""`/v1/processes`: instances of processes, and a new try for those that were parked."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Limit, Text
from crossdock.orchestration.engine.instances import InstanceWhole
from crossdock.orchestration.engine.journal import Standing

Parked = Annotated[bool, Query(description="Only parked ones; false: all.")]


class InstancesShown(BaseModel):
    instances: list[Standing]


class Resumption(BaseModel):
    """`instance` names one; left out, every parked one of the process."""

    model_config = ConfigDict(extra="forbid")

    instance: Text = ""


class Resumed(BaseModel):
    resumed: list[str]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/processes", tags=["processes"])

    @routes.get("/instances", **needs("processes:read"))
    async def list_instances(
        caller: Caller, process: Text = "", *, parked: Parked = True, limit: Limit = 100
    ) -> InstancesShown:
        found = await hub.instances.find(
            caller.scope, process=process, is_parked=parked, limit=limit
        )
        return InstancesShown(instances=found)

    # The name of an instance is a path of its own: shop/location/item.
    @routes.get("/{process}/instances/{instance:path}", **needs("processes:read"))
    async def show_instance(process: Text, instance: Text, caller: Caller) -> InstanceWhole:
        """Show where an instance stands, and its newest steps, newest first."""
        return await hub.instances.show(caller.scope, process, instance)

    @routes.post("/{process}/resume", **needs("processes:write"))
    async def resume_instances(
        process: Text, caller: Caller, said: Resumption | None = None
    ) -> Resumed:
        """Have parked instances decided again: their cause is mended."""
        instance = said.instance if said else ""
        return Resumed(resumed=await hub.instances.resume(caller.scope, process, instance))

    return routes
