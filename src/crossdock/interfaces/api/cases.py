"""`/v1/cases`: business exceptions that a person must know of, with an owner and a deadline."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Limit, Reason, Text
from crossdock.orchestration.cases import Case

State = Annotated[Literal["OPEN", "CLOSED", ""], Query(description="Empty for both.")]


class CasesShown(BaseModel):
    """The most urgent first."""

    cases: list[Case]


class Closing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/cases", tags=["cases"])

    @routes.get("", **needs("cases:read"))
    async def list_cases(
        caller: Caller, *, state: State = "OPEN", owner: Text = "", code: Text = "",
        after: After = "", limit: Limit = 100,
    ) -> CasesShown:  # fmt: skip
        found = await hub.cases.find(
            caller.scope, state=state, owner=owner, code=code, after=after, limit=limit
        )
        return CasesShown(cases=found)

    @routes.get("/{case_id}", **needs("cases:read"))
    async def show_case(case_id: Text, caller: Caller) -> Case:
        return await hub.cases.show(caller.scope, case_id)

    @routes.post("/{case_id}/close", **needs("cases:write"))
    async def close_case(case_id: Text, said: Closing, caller: Caller) -> Case:
        """Close a case by hand; its cause, if it is met again, opens a new one."""
        reason = f"{said.reason} (key {caller.key_id})"
        return await hub.cases.close(caller.scope, case_id, reason)

    return routes
