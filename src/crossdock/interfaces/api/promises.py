"""`/v1/promises`: why something was promised, asked again at any time."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from crossdock.capabilities.catalog import KnownGoods
from crossdock.capabilities.inventory import Explanation
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.promise_shapes import PromiseShown, promise_shown
from crossdock.interfaces.api.shapes import Code, Text

Order = Annotated[Code, Query(description="An order, or one of its lines (order/line).")]


class Promises(BaseModel):
    """By reservation, at most a hundred."""

    promises: list[PromiseShown]


def promise_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/promises", tags=["stock"])

    @routes.get("", **needs("stock:read"))
    async def explain_order(order: Order, caller: Caller) -> Promises:
        """Tell why an order, or one of its lines, was promised what it was promised."""
        found = await hub.inventory.explain_order(caller.scope, order)
        return Promises(promises=[await shown(known, caller.scope, one) for one in found])

    @routes.get("/{reservation_id}", **needs("stock:read"))
    async def explain(reservation_id: Text, caller: Caller) -> PromiseShown:
        """Tell why a reservation was granted or refused, from what was kept of that moment."""
        found = await hub.inventory.explain(caller.scope, reservation_id)
        return await shown(known, caller.scope, found)

    return routes


async def shown(known: KnownGoods, scope: Scope, explained: Explanation) -> PromiseShown:
    """Show an explanation in the base units of its items."""
    items = {line.item for line in explained.lines}
    return promise_shown(explained, await known.base_units(scope, items))
