"""`/v1/reconciliations/count-tasks`: what was told to be counted, and what cannot be."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.reconciliation import CountReason, CountTask, TaskStatus
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Code, Limit, Text


class CountTasksShown(BaseModel):
    """The oldest first; `after` takes the last `count_id`. Counts are blind."""

    count_tasks: list[CountTask]


class CountSaid(BaseModel):
    """What is to be counted, and why: RECALL, SHORT_PICK, EMPTY_SHELF or ZERO_BALANCE."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    location: Code
    reason: CountReason


class RefusalSaid(BaseModel):
    """Why it cannot be counted: it is proposed again after a day, if it is still needed."""

    model_config = ConfigDict(extra="forbid")

    because: Annotated[Text, Field(min_length=1, max_length=300)]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations/count-tasks", tags=["reconciliation"])

    @routes.get("", **needs("cases:read"))
    async def list_count_tasks(
        caller: Caller,
        *,
        status: TaskStatus = TaskStatus.PROPOSED,
        location: Text = "",
        after: After = "",
        limit: Limit = 100,
    ) -> CountTasksShown:
        """List what is told to be counted; what was counted or refused stays for about a day."""
        found = await hub.count_tasks.listed(
            caller.scope, status=status, location=location, after=after, limit=limit
        )
        return CountTasksShown(count_tasks=found)

    @routes.post("", **needs("cases:write"))
    async def ask_for_count(said: CountSaid, caller: Caller) -> CountTask:
        """Have a shelf counted that was picked short, or found empty; twice is once."""
        return await hub.count_tasks.ask(caller.scope, said.item, said.location, said.reason)

    @routes.post("/{count_id}/refuse", **needs("cases:write"))
    async def refuse_count_task(count_id: Text, said: RefusalSaid, caller: Caller) -> CountTask:
        """End a task that cannot be counted now; to refuse it twice changes nothing."""
        return await hub.count_tasks.refuse(
            caller.scope, count_id, said.because, by=f"key {caller.key_id}"
        )

    return routes
