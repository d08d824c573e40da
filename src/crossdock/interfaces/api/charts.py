"""Pictures of answers (SVG): promises by date, differences, allocation runs, sourcing plans."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from crossdock.capabilities.catalog import KnownGoods, Named
from crossdock.capabilities.reconciliation import State, Wanted
from crossdock.capabilities.supply import Question
from crossdock.interfaces.api import (
    accuracy_chart,
    allocation_chart,
    atp_chart,
    backlog_chart,
    finding_chart,
    proof_chart,
    sourcing_chart,
)
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.chart import SVG
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.promises import shown
from crossdock.interfaces.api.shapes import Code, Text

OPEN = Wanted(states=[State.SUSPECTED, State.CONFIRMED])


def chart_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    _reconciliation_charts(hub, routes)

    @routes.get("/atp/chart", tags=["stock"], **needs("stock:read"))
    async def draw_promise_dates(
        item: Code,
        location: Code,
        caller: Caller,
        own: Annotated[list[Code] | None, Query(description="As in `/v1/atp`.")] = None,
    ) -> Response:
        """Draw what comes, what is due and what can be promised by when, as SVG."""
        [found] = await known.find(caller.scope, [Named(item, location, None)], where="")
        question = Question(found.item, found.location, found.base_unit, own=frozenset(own or ()))
        [answer] = await hub.supply.promise_dates(caller.scope, [question])
        return Response(atp_chart.drawn(answer), media_type=SVG)

    @routes.get("/promises/by-date/{promise_id}/chart", tags=["stock"], **needs("stock:read"))
    async def draw_by_date(
        promise_id: Text,
        caller: Caller,
        line: Annotated[int, Query(ge=1, le=20, description="Which line of it.")] = 1,
    ) -> Response:
        """Draw a line of a promise by date and the answer it was made from, as SVG."""
        kept = await hub.kept_promises.get(caller.scope, promise_id)
        return Response(atp_chart.of_promise(kept, line), media_type=SVG)

    @routes.get("/promises/{reservation_id}/chart", tags=["stock"], **needs("stock:read"))
    async def draw_promise(reservation_id: Text, caller: Caller) -> Response:
        """Draw what lay there for each line of a reservation and what was taken off, as SVG."""
        explained = await hub.inventory.explain(caller.scope, reservation_id)
        promise = await shown(known, caller.scope, explained)
        return Response(proof_chart.drawn(promise), media_type=SVG)

    @routes.get("/allocation/runs/{run_id}/chart", tags=["allocation"], **needs("allocation:read"))
    async def draw_run(run_id: Text, caller: Caller) -> Response:
        """Draw what every order line of a run had before and has after, and why, as SVG."""
        run = await hub.allocation.run(caller.scope, run_id)
        return Response(allocation_chart.drawn(run), media_type=SVG)

    @routes.get(
        "/sourcing/decisions/{decision_id}/chart", tags=["sourcing"], **needs("stock:read")
    )
    async def draw_decision(decision_id: Text, caller: Caller) -> Response:
        """Draw what each node ships, why this one, and why not the others, as SVG."""
        found = await hub.sourcing.decision(caller.scope, decision_id)
        return Response(sourcing_chart.drawn(found.decided), media_type=SVG)

    return routes


def _reconciliation_charts(hub: Hub, routes: APIRouter) -> None:
    @routes.get("/reconciliations/chart", tags=["reconciliation"], **needs("cases:read"))
    async def draw_differences(caller: Caller, against: Text = "") -> Response:
        """Draw the open differences by cause and age, as SVG: the thousand of most value."""
        wanted = OPEN if not against else Wanted(states=OPEN.states, against=against)
        most = backlog_chart.DRAWN_MAX + 1
        found = await hub.reconciliation.findings(caller.scope, wanted, limit=most)
        here = [one for one in found if not one.is_gone]
        return Response(backlog_chart.drawn(here), media_type=SVG)

    @routes.get(
        "/reconciliations/findings/{finding_id}/chart",
        tags=["reconciliation"],
        **needs("cases:read"),
    )
    async def draw_difference(finding_id: Text, caller: Caller) -> Response:
        """Draw both numbers, what documents explain between them and what is left, as SVG."""
        found = await hub.reconciliation.finding(caller.scope, finding_id)
        return Response(finding_chart.drawn(found), media_type=SVG)

    @routes.get("/reconciliations/accuracy/chart", tags=["reconciliation"], **needs("cases:read"))
    async def draw_accuracy(
        caller: Caller,
        *,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        location: Text = "",
    ) -> Response:
        """Draw how right stock records were, by what was counted, as SVG; else of 30 days."""
        found = await hub.counts.accuracy(
            caller.scope, since=since, until=until, location=location
        )
        return Response(accuracy_chart.drawn(found), media_type=SVG)
