"""`/v1/promises`: why something was promised, asked again at any time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from crossdock.canonical.errors import NotFound
from crossdock.capabilities.allocation import Confirmation
from crossdock.capabilities.catalog import KnownGoods
from crossdock.capabilities.inventory import PROMISES_MAX, Explanation
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.allocation_shapes import RunShown, run_shown
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.kept_promises import KeptPromiseShown, kept_shown
from crossdock.interfaces.api.promise_shapes import PromiseShown, promise_shown
from crossdock.interfaces.api.reservation_shapes import ReservationShown, reservation_shown
from crossdock.interfaces.api.shapes import Code, Text
from crossdock.interfaces.api.stock_shapes import AmountShown, amount

Order = Annotated[Code, Query(description="An order, or one of its lines (order/line).")]


class ConfirmedByShown(BaseModel):
    """The allocation run that last changed what an order line has, and why."""

    demand_ref: str
    run_id: str
    decided_at: datetime
    item: str
    location: str
    requested: AmountShown
    before: AmountShown
    after: AmountShown
    why: str


class SourcedByShown(BaseModel):
    """A decision of sourcing: `GET /v1/sourcing/decisions/{decision_id}` says why."""

    decision_id: str
    decided_at: datetime


class Promises(BaseModel):
    """By reservation and by date, at most a hundred each: what counts, then what is over.

    `confirmed_by` says which allocation run last changed what each line has, and `runs` are the
    newest hundred of those, with all that they saw. `sourced_by` are the decisions that chose
    warehouses for it, the newest first. `held_for_kits` is what the hub holds, or held, of the
    parts of kits that it claims and nobody reserved.
    """

    promises: list[PromiseShown]
    by_date: list[KeptPromiseShown]
    confirmed_by: list[ConfirmedByShown]
    runs: list[RunShown]
    sourced_by: list[SourcedByShown]
    held_for_kits: list[ReservationShown]


def promise_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/promises", tags=["stock"])

    @routes.get("", **needs("stock:read"))
    async def explain_order(order: Order, caller: Caller) -> Promises:
        """Tell why an order, or one of its lines, was promised what it was promised."""
        return await promises_of(hub, known, caller.scope, order)

    @routes.get("/{promise_id}", **needs("stock:read"))
    async def explain(
        promise_id: Text, caller: Caller
    ) -> PromiseShown | KeptPromiseShown | Promises:
        """Tell why a reservation (`rsv_…`) or a promise by date (`prm_…`) was granted or refused.

        From what was kept of that moment. Any other id is an order's: that is all its promises, as
        `?order=` tells them, which takes order lines, too.
        """
        if promise_id.startswith("prm_"):
            kept = await hub.kept_promises.get(caller.scope, promise_id)
            return kept_shown(kept, with_proof=True)
        if not promise_id.startswith("rsv_"):
            return await promises_of(hub, known, caller.scope, promise_id)
        found = await hub.inventory.explain(caller.scope, promise_id)
        return await shown(known, caller.scope, found)

    return routes


async def shown(known: KnownGoods, scope: Scope, explained: Explanation) -> PromiseShown:
    """Show an explanation in the base units of its items."""
    items = {line.item for line in explained.lines}
    return promise_shown(explained, await known.base_units(scope, items))


async def promises_of(hub: Hub, known: KnownGoods, scope: Scope, order: str) -> Promises:
    """Show what was promised to an order or a line; `NotFound` if nothing was, in no way."""
    names = [order, *await hub.inventory.lines_of(scope, order)]
    confirmed = await hub.allocation.confirmed_by(scope, names)
    sourced = await hub.sourcing.decisions_of(scope, names)
    kept = await hub.kept_promises.of_order(scope, order, with_over=True, limit=PROMISES_MAX)
    held = await hub.inventory.held_for_kits(scope, order)
    try:
        found = await hub.inventory.explain_order(scope, order)
    except NotFound:
        if not (kept or confirmed or sourced or held):
            raise
        found = []
    units = await known.base_units(scope, {line.item for one in held for line in one.lines})
    return Promises(
        promises=[await shown(known, scope, one) for one in found],
        by_date=[kept_shown(one, with_proof=True) for one in kept],
        confirmed_by=[_confirmed(one) for one in confirmed],
        runs=[run_shown(await hub.allocation.run(scope, name)) for name in _newest(confirmed)],
        sourced_by=[SourcedByShown(decision_id=name, decided_at=at) for name, at in sourced],
        held_for_kits=[reservation_shown(one, units) for one in held],
    )


def _newest(confirmed: Sequence[Confirmation]) -> list[str]:
    """Name the runs, each once, the newest first."""
    newest = sorted(confirmed, key=lambda one: (one.decided_at, one.run_id), reverse=True)
    return list(dict.fromkeys(one.run_id for one in newest))[:PROMISES_MAX]


def _confirmed(one: Confirmation) -> ConfirmedByShown:
    return ConfirmedByShown(
        demand_ref=one.demand_ref,
        run_id=one.run_id,
        decided_at=one.decided_at,
        item=one.item,
        location=one.location,
        requested=amount(one.requested, one.unit),
        before=amount(one.before, one.unit),
        after=amount(one.after, one.unit),
        why=one.why,
    )
