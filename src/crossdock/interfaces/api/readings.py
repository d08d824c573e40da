"""`/v1/reconciliations/plan`, `/sample` and `/ask`: what others hold, a sample at a time."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.reconciliation import Plan, Sampled, StockAsked
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


class QuestionSaid(BaseModel):
    """Which system to ask for the stock of these items, at one of the hub's locations.

    `take`: record what it says as a count of its own, if it keeps the stock there.
    """

    model_config = ConfigDict(extra="forbid")

    connection: Code
    location: Code
    items: Annotated[list[Code], Field(min_length=1, max_length=1000)]
    take: bool = Field(default=False, strict=True)


class Plans(BaseModel):
    """Channels that are read back, systems that are asked for stock or what is open (by `kind`).

    Each says what that takes of its quota, and how long a round is.
    """

    plans: list[Plan]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.get("/plan", **needs("cases:read"))
    async def show_reading_plan(caller: Caller) -> Plans:
        """Show how often channels, stock and what is open are read, of what share of a quota."""
        channels = await hub.sampler.plans(caller.scope)
        systems = await hub.stock_sampler.plans(caller.scope)
        return Plans(plans=[*channels, *systems, *await hub.open_rounds.plans(caller.scope)])

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

    @routes.post("/ask", **needs("dlq:write"))
    async def ask_for_stock(said: QuestionSaid, caller: Caller) -> StockAsked:
        """Ask a system what lies of these items, now, and compare it with the ledger."""
        return await hub.stock_sampler.ask(
            caller.scope,
            said.connection,
            said.location,
            said.items,
            by=f"key {caller.key_id}",
            take=said.take,
        )

    return routes
