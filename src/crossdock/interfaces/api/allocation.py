"""`/v1/allocation`: which order lines are confirmed when stock is short, and runs that say so."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crossdock.canonical.allocation import Every, Strategy
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import (
    AllocationPolicy,
    AllocationProtection,
    AllocationRule,
    Applies,
    one_of,
)
from crossdock.capabilities.catalog import KnownGoods, Named
from crossdock.interfaces.api.allocation_shapes import (
    AllocatedLineShown,
    ProtectionShown,
    RunShown,
    line_shown,
    protection_shown,
    run_shown,
)
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, AmountText, Code, Limit, Reason, Text

State = Literal["SIMULATED", "APPLIED", "REJECTED", "REFUSED", "SUPERSEDED", ""]
Priority = Annotated[int, Field(ge=1, le=1000, strict=True)]
Flag = Annotated[bool, Field(strict=True)]


class RuleOf(BaseModel):
    """Whose rule: of a channel, a customer or one order, or (none said) of all the others."""

    model_config = ConfigDict(extra="forbid")

    channel: Text = ""
    customer: Text = ""
    order_id: Text = ""


class AllocationRuleSaid(RuleOf):
    """`priority` 1 comes first, 1000 last.

    `tells_shortage`: what its order lines do not get is a case; null is where the channel is shown
    stock, unless a more general rule says it.
    """

    strategy: Strategy
    priority: Priority = 500
    tells_shortage: Flag | None = None


class PolicySaid(BaseModel):
    """`applies`: which runs need nobody's approval. `four_eyes`: not by who made the run."""

    model_config = ConfigDict(extra="forbid")

    applies: Applies
    four_eyes: Flag = False


class ProtectionOf(BaseModel):
    """What an item at a location is kept for: a `channel`, or an allocation `group`."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    location: Code
    channel: Text = ""
    group: Text = ""


class ProtectionSaid(ProtectionOf):
    """Amounts in the base unit. A quarter is the longest period.

    With `every` it begins anew each WEEK (from Monday on) or MONTH by the location's calendar,
    for ten years at most.
    """

    maximum: AmountText | None = None
    minimum: AmountText = "0"
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    every: Every | None = None


class RunAsked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    item: Code
    location: Code


class Approval(BaseModel):
    model_config = ConfigDict(extra="forbid")

    remark: Text = ""


class Rejection(BaseModel):
    model_config = ConfigDict(extra="forbid")

    remark: Reason


class AllocationRulesShown(BaseModel):
    """The rule for all others first, then channels, then customers, then orders."""

    rules: list[AllocationRule]


class ProtectionsShown(BaseModel):
    protections: list[ProtectionShown]


class LinesShown(BaseModel):
    """In the order of their turn: strategy, priority, first come."""

    lines: list[AllocatedLineShown]


class RunsShown(BaseModel):
    """The newest first, without their lines."""

    runs: list[RunShown]


def rule_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/allocation", tags=["allocation"])
    book = hub.allocation.rulebook

    @routes.get("/rules", **needs("allocation:read"))
    async def list_rules(caller: Caller) -> AllocationRulesShown:
        """List how the order lines of channels, customers and orders stand."""
        return AllocationRulesShown(rules=await book.rules(caller.scope))

    @routes.put("/rules", **needs("allocation:write"))
    async def set_rule(said: AllocationRuleSaid, caller: Caller) -> AllocationRule:
        """Say how order lines stand; what waits is looked at anew."""
        rule = AllocationRule(**said.model_dump())
        return await book.set_rule(caller.scope, rule, by=who(caller))

    @routes.post("/rules/clear", status_code=204, **needs("allocation:write"))
    async def clear_rule(said: RuleOf, caller: Caller) -> None:
        """Take a rule back: the next more general one holds again."""
        whose = AllocationRule(**said.model_dump())
        await book.clear_rule(caller.scope, whose, by=who(caller))

    @routes.get("/policy", **needs("allocation:read"))
    async def show_policy(caller: Caller) -> AllocationPolicy:
        return await book.policy(caller.scope)

    @routes.put("/policy", **needs("allocation:admin"))
    async def set_policy(said: PolicySaid, caller: Caller) -> AllocationPolicy:
        """Say which runs apply by themselves, and whether the maker of one may approve it."""
        return await book.set_policy(
            caller.scope, said.applies, four_eyes=said.four_eyes, by=who(caller)
        )

    return routes


def protection_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/allocation", tags=["allocation"])
    book = hub.allocation.rulebook

    @routes.get("/protections", **needs("allocation:read"))
    async def list_protections(caller: Caller) -> ProtectionsShown:
        """List maxima and minima of channels and groups, those that have ended too."""
        found = await book.protections(caller.scope)
        units = await known.base_units(caller.scope, {one.item for one in found})
        return ProtectionsShown(
            protections=[protection_shown(one, units[one.item]) for one in found]
        )

    @routes.put("/protections", **needs("allocation:write"))
    async def protect(said: ProtectionSaid, caller: Caller) -> ProtectionShown:
        """Keep a minimum for a channel or a group, or give it no more than a maximum."""
        goods = await known.find_one(caller.scope, Named(said.item, said.location), where="")
        protection = AllocationProtection(
            item=goods.item,
            location=goods.location,
            channel=said.channel,
            group=said.group,
            maximum=None if said.maximum is None else Quantity.of(said.maximum).micros,
            minimum=Quantity.of(said.minimum).micros,
            starts_at=said.starts_at,
            ends_at=said.ends_at,
            every=said.every,
        )
        kept = await book.protect(caller.scope, protection, by=who(caller))
        return protection_shown(kept, goods.base_unit)

    @routes.post("/protections/clear", status_code=204, **needs("allocation:write"))
    async def unprotect(said: ProtectionOf, caller: Caller) -> None:
        """Take a maximum and minimum back."""
        goods = await known.find_one(caller.scope, Named(said.item, said.location), where="")
        whose = one_of(said.channel, said.group)
        await book.unprotect(caller.scope, goods.item, goods.location, whose, by=who(caller))

    return routes


def run_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/allocation", tags=["allocation"])

    @routes.get("/lines", **needs("allocation:read"))
    async def list_lines(item: Code, location: Code, caller: Caller) -> LinesShown:
        """List the open order lines of an item at a location, in the order of their turn."""
        goods = await known.find_one(caller.scope, Named(item, location), where="")
        found = await hub.allocation.lines(caller.scope, goods.item, goods.location)
        return LinesShown(lines=[line_shown(one) for one in found])

    @routes.post("/runs", status_code=201, **needs("allocation:write"))
    async def simulate(said: RunAsked, caller: Caller) -> RunShown:
        """Say what a run would change, and keep it for approval; it changes nothing yet."""
        goods = await known.find_one(caller.scope, Named(said.item, said.location), where="")
        run = await hub.allocation.simulate(
            caller.scope, goods.item, goods.location, by=who(caller)
        )
        return run_shown(run)

    @routes.get("/runs", **needs("allocation:read"))
    async def list_runs(
        caller: Caller, *, state: State = "", item: Text = "", location: Text = "",
        after: After = "", limit: Limit = 100,
    ) -> RunsShown:  # fmt: skip
        found = await hub.allocation.runs(
            caller.scope, state=state, item=item, location=location, after=after, limit=limit
        )
        return RunsShown(runs=[run_shown(one) for one in found])

    @routes.get("/runs/{run_id}", **needs("allocation:read"))
    async def show_run(run_id: Text, caller: Caller) -> RunShown:
        """Show a run with every line's before and after, and why."""
        return run_shown(await hub.allocation.run(caller.scope, run_id))

    @routes.post("/runs/{run_id}/approve", **needs("allocation:write"))
    async def approve(run_id: Text, said: Approval, caller: Caller) -> RunShown:
        """Apply a run; 409 `stale` if what it was decided on has changed."""
        run = await hub.allocation.approve(
            caller.scope, run_id, by=who(caller), remark=said.remark
        )
        return run_shown(run)

    @routes.post("/runs/{run_id}/reject", **needs("allocation:write"))
    async def reject(run_id: Text, said: Rejection, caller: Caller) -> RunShown:
        """Say no to a run; it is not proposed again until something changes."""
        run = await hub.allocation.reject(caller.scope, run_id, by=who(caller), remark=said.remark)
        return run_shown(run)

    return routes
