"""`/v1/reconciliations/counts` and `/accuracy`: what counts found, what is decided about it."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crossdock.capabilities.reconciliation import (
    AccuracyReport,
    CountApproval,
    CountShown,
    CountsWanted,
    Matter,
)
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Limit, Person, Text


class CountsShown(BaseModel):
    """The newest heard first; `after` takes the last `counted_id`."""

    counts: list[CountShown]


class DecisionSaid(BaseModel):
    """Why it is approved or refused, and by whom, where the key is not named after a person.

    Both stay on record. Neither the person nor the name of the key may be who has counted.
    """

    model_config = ConfigDict(extra="forbid")

    because: Annotated[Text, Field(min_length=1, max_length=300)]
    by: Person = ""


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.get("/counts", **needs("cases:read"))
    async def list_counts(  # noqa: PLR0913 - what one may ask for
        caller: Caller,
        *,
        location: Text = "",
        item: Text = "",
        matter: Matter | None = None,
        approval: CountApproval | None = None,
        after: After = "",
        limit: Limit = 100,
    ) -> CountsShown:
        """List what counts found beside the book of their instant."""
        wanted = CountsWanted(location, item, matter or "", approval or "", after)
        found = await hub.counts.listed(caller.scope, wanted, limit=limit)
        return CountsShown(counts=found)

    @routes.get("/accuracy", **needs("cases:read"))
    async def show_accuracy(
        caller: Caller,
        *,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        location: Text = "",
    ) -> AccuracyReport:
        """Show how right stock records were, by what was counted; by default of 30 days."""
        return await hub.counts.accuracy(caller.scope, since=since, until=until, location=location)

    @routes.post("/counts/{counted_id}/approve", **needs("finance:write"))
    async def approve_count(counted_id: Text, said: DecisionSaid, caller: Caller) -> CountShown:
        """Approve a count of more money than the cap; twice is once."""
        by = who(caller, said.by)
        return await hub.counts.approve(caller.scope, counted_id, said.because, by=by)

    @routes.post("/counts/{counted_id}/refuse", **needs("finance:write"))
    async def refuse_count(counted_id: Text, said: DecisionSaid, caller: Caller) -> CountShown:
        """Refuse a count of more money than the cap, and have it counted again."""
        by = who(caller, said.by)
        return await hub.counts.refuse(caller.scope, counted_id, said.because, by=by)

    return routes
