"""`/livez`, `/readyz` for whoever restarts the process, `/metrics` for whoever watches it."""

import asyncio
from collections.abc import Mapping

import structlog
from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from crossdock.canonical.errors import Forbidden, Unavailable
from crossdock.connectivity import figures
from crossdock.foundation import health, metrics, readers
from crossdock.foundation.database import DATABASE_ERRORS
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.caller import VERB, Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.orchestration.engine import work

log = structlog.get_logger(__name__)

READY_SECONDS_MAX = 2.0


def router(hub: Hub, crew: Mapping[str, str]) -> APIRouter:
    """`crew` names the worker processes beside this one, by their signs; others go by these."""
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/livez", response_class=PlainTextResponse, openapi_extra={VERB: "", "security": []}
    )
    async def is_alive() -> str:
        """Answer as long as the process can; says nothing about anything else."""
        return "alive"

    @routes.get(
        "/readyz", response_class=PlainTextResponse, openapi_extra={VERB: "", "security": []}
    )
    async def is_ready() -> str:
        """Answer 200 when requests can be served now, 503 when the database does not answer."""
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                async with hub.database.transaction(Scope(hub.settings.tenant)) as tx:
                    await tx.fetchval("select 1")
        except DATABASE_ERRORS as error:  # a login that is refused, too
            log.warning("not ready", error=repr(error))
            raise Unavailable(
                "the database does not answer", code="database_unreachable"
            ) from error
        return "ready"

    @routes.get("/metrics", response_class=PlainTextResponse, **needs("telemetry:read"))
    async def show_metrics(caller: Caller) -> Response:
        """Show figures about all tenants, so only to the house that runs the hub."""
        if caller.tenant != hub.settings.tenant:
            raise Forbidden("the figures belong to the house that runs this hub")
        async with hub.database.transaction(Scope.of_workers()) as tx:
            now = hub.clock.now()
            await readers.measure(tx, now)
            await figures.measure(tx, now)
            await work.measure(tx)
            counted = await health.figures_of_workers(tx, hub.worker)
        others = {crew.get(worker, worker): text for worker, text in counted.items()}
        return Response(metrics.exposition(others), media_type=metrics.CONTENT_TYPE)

    return routes
