"""Puts the HTTP interface together: `create_app(hub)` is all that a server needs."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from crossdock.capabilities.catalog import KnownGoods
from crossdock.interfaces.api import (
    allocation,
    allocation_groups,
    as2,
    atp,
    calendars,
    cases,
    channels,
    charts,
    connections,
    count_tasks,
    counts,
    health,
    interchanges,
    items,
    keeping,
    kept_promises,
    keys,
    known_supply,
    letters,
    log,
    messages,
    open_lines,
    partners,
    periods,
    positions,
    processes,
    promises,
    readings,
    reconciliation_rules,
    reconciliations,
    refused_events,
    sourcing,
    stock,
    substitutions,
    webhooks,
)
from crossdock.interfaces.api.caller import VERB
from crossdock.interfaces.api.document import document_of
from crossdock.interfaces.api.gate import Gate, HotDoor
from crossdock.interfaces.api.hot import HotRoute, hot_routes
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.problems import answer

DESCRIPTION = """\
Stock that is true everywhere, over HTTP. Send `Authorization: Bearer xd_…` with every request.
Amounts are decimal strings with a unit. Errors are RFC 9457 problem documents with a stable
`code`; `x-crossdock-verb` names what a key needs for a route.
"""


def create_app(hub: Hub, crew: Mapping[str, str] | None = None) -> FastAPI:
    """Build the application; starting and closing the hub is the caller's.

    `crew` names the worker processes beside this one, for `/metrics`.
    """
    known = KnownGoods(hub.catalog)
    hot = hot_routes(hub, known)
    app = _Api(
        title="Crossdock",
        version=version("crossdock"),
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Gate, hub=hub, hot=hot)],
        hub=hub,
        hot=hot,
        exception_handlers={HTTPException: _answered, RequestValidationError: _answered},
    )
    for routes in _routes(hub, known, {} if crew is None else crew):
        app.include_router(routes)
    document: list[dict[str, Any]] = []

    @app.get("/openapi.json", openapi_extra={VERB: ""}, tags=["health"])
    async def show_document() -> JSONResponse:
        """Describe every route; any valid key may read it."""
        if not document:
            document.append(document_of(app, hot))
        return JSONResponse(document[0])

    return app


def _routes(hub: Hub, known: KnownGoods, crew: Mapping[str, str]) -> tuple[APIRouter, ...]:
    """Give the routes that the framework answers, in the order of the document."""
    return (
        stock.availability_routes(hub, known),
        stock.reservation_routes(hub, known),
        stock.outcome_routes(hub, known),
        positions.position_routes(hub, known),
        kept_promises.kept_routes(hub, known),
        promises.promise_routes(hub, known),
        sourcing.plan_routes(hub, known),
        sourcing.rule_routes(hub),
        allocation.rule_routes(hub),
        allocation.protection_routes(hub, known),
        allocation_groups.group_routes(hub),
        allocation.run_routes(hub, known),
        charts.chart_routes(hub, known),
        atp.answer_routes(hub, known),
        atp.rule_routes(hub),
        calendars.calendar_routes(hub),
        substitutions.substitution_routes(hub),
        known_supply.known_routes(hub),
        webhooks.router(hub),
        as2.receiving_routes(hub),
        as2.partner_routes(hub),
        as2.message_routes(hub),
        items.item_routes(hub),
        items.location_routes(hub),
        items.party_routes(hub),
        keeping.keeper_routes(hub),
        connections.reading_routes(hub),
        connections.steering_routes(hub),
        connections.keeping_routes(hub),
        channels.terms_routes(hub),
        channels.showing_routes(hub),
        messages.router(hub),
        partners.reading_routes(hub),
        partners.entry_routes(hub),
        interchanges.taking_routes(hub),
        interchanges.showing_routes(hub),
        keeping.proposal_routes(hub),
        letters.reading_routes(hub),
        letters.mending_routes(hub),
        refused_events.router(hub),
        processes.router(hub),
        cases.router(hub),
        readings.router(hub),
        open_lines.router(hub),
        reconciliations.run_routes(hub),
        reconciliation_rules.router(hub),
        count_tasks.router(hub),
        counts.router(hub),
        periods.router(hub),
        reconciliations.finding_routes(hub),
        keys.router(hub),
        log.router(hub),
        health.router(hub, crew),
    )


class _Api(FastAPI):
    """FastAPI, with the hot routes answered before any of its layers."""

    def __init__(self, *, hub: Hub, hot: Sequence[HotRoute], **more: Any) -> None:
        super().__init__(**more)
        self._door = HotDoor(super().__call__, hub, hot)
        self.shortcut = self._door.shortcut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)


async def _answered(_request: Request, error: Exception) -> Response:
    return answer(error)
