"""`/v1/promises`: why something was promised, asked again at any time."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from crossdock.canonical.errors import NotFound
from crossdock.capabilities.catalog import KnownGoods
from crossdock.capabilities.inventory import Explanation
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.kept_promises import KeptPromiseShown, kept_shown
from crossdock.interfaces.api.promise_shapes import PromiseShown, promise_shown
from crossdock.interfaces.api.shapes import Code, Text

Order = Annotated[Code, Query(description="An order, or one of its lines (order/line).")]


class Promises(BaseModel):
    """By reservation, at most a hundred; and promises by date that are open."""

    promises: list[PromiseShown]
    by_date: list[KeptPromiseShown]


def promise_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/promises", tags=["stock"])

    @routes.get("", **needs("stock:read"))
    async def explain_order(order: Order, caller: Caller) -> Promises:
        """Tell why an order, or one of its lines, was promised what it was promised."""
        return await promises_of(hub, known, caller.scope, order)

    @routes.get("/{promise_id}", **needs("stock:read"))
    async def explain(promise_id: Text, caller: Caller) -> PromiseShown | KeptPromiseShown:
        """Tell why a reservation (`rsv_…`) or a promise by date (`prm_…`) was granted or refused.

        From what was kept of that moment.
        """
        if promise_id.startswith("prm_"):
            return kept_shown(await hub.kept_promises.get(caller.scope, promise_id))
        found = await hub.inventory.explain(caller.scope, promise_id)
        return await shown(known, caller.scope, found)

    return routes


async def shown(known: KnownGoods, scope: Scope, explained: Explanation) -> PromiseShown:
    """Show an explanation in the base units of its items."""
    items = {line.item for line in explained.lines}
    return promise_shown(explained, await known.base_units(scope, items))


async def promises_of(hub: Hub, known: KnownGoods, scope: Scope, order: str) -> Promises:
    """Show what is promised to an order or a line; `NotFound` if nothing is, in neither way."""
    kept = await hub.kept_promises.of_order(scope, order)
    try:
        found = await hub.inventory.explain_order(scope, order)
    except NotFound:
        if not kept:
            raise
        found = []
    return Promises(
        promises=[await shown(known, scope, one) for one in found],
        by_date=[kept_shown(one) for one in kept],
    )
