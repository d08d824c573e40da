"""`/v1/sourcing`: which warehouses an order leaves from, by which rules, and why."""

from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from crossdock.capabilities.catalog import KnownGoods
from crossdock.capabilities.inventory import Reservation
from crossdock.capabilities.sourcing import Decided, VersionShown, version_shown
from crossdock.foundation.scope import Scope
from crossdock.governance.roles import Verb, require
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.reservation_shapes import reservation_shown
from crossdock.interfaces.api.shapes import After, Code, Limit, Text
from crossdock.interfaces.api.sourcing_shapes import (
    NodeSaid,
    NodeShown,
    SourcePlanSaid,
    SourcePlanShown,
    SourcingNodes,
    SourcingRules,
    SourcingRulesSaid,
    node_shown,
)
from crossdock.interfaces.api.speaking import check_orders

MEDIA_TYPE = "application/json"
WRITE = Verb.of("stock:write")
HoldsFor = Annotated[Text, Query(description="all, channel:NAME or customer:NAME.")]
AfterRule = Annotated[Text, Query(description="`SCOPE/VERSION` of the last one before.")]


def plan_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/sourcing", tags=["sourcing"])

    @routes.post("/plan", response_model=SourcePlanShown, **needs("stock:read"))
    async def plan_order(said: SourcePlanSaid, caller: Caller) -> Response:
        """Decide which nodes serve an order out of what they have in time, and say why.

        Nothing is held, unless `reserve` asks for it, which takes the verb `stock:write`: then it
        is decided of what lies there alone.
        """
        if said.reserve:
            require(caller, WRITE)
        await check_orders(hub, caller, [line.demand_ref for line in said.lines])
        wanted = replace(
            said.wanted(),
            channel=caller.speaks_for(said.channel),
            speaks_for_channel=bool(caller.channels),
        )
        made = await hub.order_sourcing.plan(
            caller.scope, caller.client, wanted, reserve=said.reserve
        )
        promise = await promise_bytes(known, caller.scope, made.reservation)
        return Response(plan_bytes(made.answer.content, promise), media_type=MEDIA_TYPE)

    @routes.get("/decisions/{decision_id}", response_model=Decided, **needs("stock:read"))
    async def show_decision(decision_id: Text, caller: Caller) -> Response:
        """Say again what was decided and why, byte for byte, whatever the rules are now."""
        found = await hub.sourcing.decision(caller.scope, decision_id)
        return Response(found.content, media_type=MEDIA_TYPE)

    return routes


def rule_routes(hub: Hub) -> APIRouter:
    """Make what a house says once: its rules and its nodes, as it says safety stock."""
    routes = APIRouter(prefix="/v1/sourcing", tags=["sourcing"])

    @routes.get("/rules", **needs("catalog:read"))
    async def list_rules(
        caller: Caller, holds_for: HoldsFor = "", after: AfterRule = "", limit: Limit = 100
    ) -> SourcingRules:
        """List every version of the rules that was ever put, by whom they hold for."""
        found = await hub.sourcing.rules(
            caller.scope, holds_for=holds_for, after=after, limit=limit
        )
        return SourcingRules(rules=[version_shown(one) for one in found])

    @routes.put("/rules/{holds_for:path}", **needs("catalog:write"))
    async def put_rules(holds_for: Text, said: SourcingRulesSaid, caller: Caller) -> VersionShown:
        """Put the next version; no version is ever changed, and decisions name theirs."""
        put = await hub.sourcing.put_rules(
            caller.scope,
            said.rules(),
            holds_for=holds_for,
            valid_from=said.valid_from,
            by=f"key {caller.key_id}",
        )
        return version_shown(put)

    @routes.get("/nodes", **needs("catalog:read"))
    async def list_nodes(caller: Caller, after: After = "", limit: Limit = 100) -> SourcingNodes:
        """List the locations that take part in sourcing."""
        found = await hub.sourcing.nodes(caller.scope, after=after, limit=limit)
        return SourcingNodes(nodes=[node_shown(one) for one in found])

    @routes.put("/nodes/{node:path}", **needs("catalog:write"))
    async def put_node(node: Code, said: NodeSaid, caller: Caller) -> NodeShown:
        """Have a location take part, and say what it can; this replaces what was said before."""
        put = await hub.order_sourcing.put_node(
            caller.scope, said.facts(node), by=f"key {caller.key_id}"
        )
        return node_shown(put)

    @routes.delete("/nodes/{node:path}", status_code=204, **needs("catalog:write"))
    async def withdraw_node(node: Code, caller: Caller) -> None:
        """Have a location take no part any more; decisions made with it stay as they are."""
        await hub.sourcing.withdraw_node(caller.scope, node, by=f"key {caller.key_id}")

    return routes


def plan_bytes(content: bytes, promise: bytes) -> bytes:
    """Put the recorded bytes of a decision beside its promise, without touching either."""
    return b'{"decision":' + content + b',"reservation":' + promise + b"}"


async def promise_bytes(known: KnownGoods, scope: Scope, made: Reservation | None) -> bytes:
    """Show the promise that goes with a decision, null where none was made."""
    if made is None:
        return b"null"
    units = await known.base_units(scope, {line.item for line in made.lines})
    return msgspec.json.encode(reservation_shown(made, units))
