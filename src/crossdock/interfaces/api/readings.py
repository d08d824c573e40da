"""`/v1/reconciliations/plan` and `/sample`: what channels hold, read back a sample at a time."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.reconciliation import Plan, Sampled
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Code

Items = Annotated[list[Code], Field(max_length=1000)]


class SampleSaid(BaseModel):
    """Which channel to read back, and of it these items, or else the first in order.

    `republish`: what was found twice to differ is written again, by compare-and-set.
    """

    model_config = ConfigDict(extra="forbid")

    connection: Code
    location: Code
    items: Items = Field(default_factory=list[str])
    republish: bool = Field(default=False, strict=True)


class Plans(BaseModel):
    """Channels that can be read back, each with what that takes of its quota."""

    plans: list[Plan]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.get("/plan", **needs("cases:read"))
    async def show_reading_plan(caller: Caller) -> Plans:
        """Show how often channels are read back, and what share of their quota it takes."""
        return Plans(plans=await hub.sampler.plans(caller.scope))

    @routes.post("/sample", **needs("dlq:write"))
    async def read_channel_back(said: SampleSaid, caller: Caller) -> Sampled:
        """Ask a channel what it holds, now, in one call of its quota."""
        return await hub.sampler.sample(
            caller.scope,
            said.connection,
            said.location,
            said.items,
            by=f"key {caller.key_id}",
            republish=said.republish,
        )

    return routes
