"""`/v1/webhooks/{connection}`: messages as other systems send them, with their own signatures."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request

from crossdock.canonical.errors import Forbidden, Invalid, NotFound, Rejected
from crossdock.connectivity.inbox import Receipt
from crossdock.connectivity.sdk.facts import Delivery
from crossdock.foundation.scope import ALL_TENANTS, Scope
from crossdock.governance.roles import Unauthenticated
from crossdock.interfaces.api.caller import VERB
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Text

OPEN = {VERB: "", "security": []}
Tenant = Annotated[Text, Query(description="Whose connection; left out: the hub's own house.")]


@dataclass(frozen=True, slots=True)
class Received:
    """`message` finds the kept original; `verdicts` counts what became of the facts in it."""

    message: int
    is_repeat: bool
    refused: int
    verdicts: dict[str, int]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/webhooks", tags=["events"])

    @routes.post("/{connection}", openapi_extra=OPEN)
    async def receive(connection: Text, request: Request, tenant: Tenant = "") -> Received:
        """Take a message; 2xx only once it is durable. Safe to send again."""
        return await _receive(hub, request, connection, tenant, "")

    @routes.post("/{connection}/{tail:path}", openapi_extra=OPEN)
    async def receive_at(
        connection: Text, tail: Text, request: Request, tenant: Tenant = ""
    ) -> Received:
        """Take a message whose kind the sender writes into the address."""
        return await _receive(hub, request, connection, tenant, tail)

    return routes


async def _receive(
    hub: Hub, request: Request, connection: str, tenant: str, tail: str
) -> Received:
    delivery = Delivery(body=request.state.body, headers=dict(request.headers), name=tail)
    try:
        scope = _one_tenant(tenant or hub.settings.tenant)
        receipt = await hub.inbox.receive(scope, connection, delivery)
    except Invalid:
        raise
    except (Forbidden, NotFound, Rejected) as refusal:
        # Who cannot sign must not learn which connections there are.
        raise Unauthenticated("nothing vouches for this message") from refusal
    return _shown(receipt)


def _one_tenant(name: str) -> Scope:
    """Refuse the workers' scope: it covers everybody, and here nobody is known yet."""
    if name == ALL_TENANTS:
        raise NotFound("there is no such tenant")
    return Scope(name)


def _shown(receipt: Receipt) -> Received:
    return Received(
        message=receipt.raw_ref,
        is_repeat=receipt.is_repeat,
        refused=len(receipt.refused),
        verdicts={str(verdict): count for verdict, count in receipt.counted().items()},
    )
