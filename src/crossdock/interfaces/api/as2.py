"""`/as2` for trading partners, and `/v1/as2`: who they are, what came and what went."""

import base64
import binascii
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.partners import Direction
from crossdock.connectivity.as2.messages import KeptMessage, MessageState, ToSend
from crossdock.connectivity.as2.partners import ENDS_SOON, KnownKey
from crossdock.connectivity.as2.profiles import PutProfile, ending
from crossdock.connectivity.as2.terms import Payload
from crossdock.foundation.scope import ALL_TENANTS, Scope
from crossdock.interfaces.api.as2_shapes import (
    As2Contents,
    As2DocumentSaid,
    As2Keys,
    As2KeySaid,
    As2Messages,
    As2Partners,
    As2PartnerSaid,
    As2PartnerShown,
    check_content_type,
    partner_shown,
)
from crossdock.interfaces.api.caller import VERB, Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Limit, Text
from crossdock.interfaces.api.spooling import spooled_body

BODY_SECONDS_MAX = 120.0
OPEN = {VERB: "", "security": []}
Tenant = Annotated[Text, Query(description="Whose partner; left out: the hub's own house.")]
Named = Annotated[Text, Query(description="An AS2 name, as it is spelled; left out: any.")]


def receiving_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(tags=["as2"])

    @routes.post("/as2", openapi_extra=OPEN)
    async def receive_as2(request: Request, tenant: Tenant = "") -> Response:
        """Take a message or a receipt of a partner by AS2 (RFC 4130).

        It is durable before the answer, which is the receipt, if that is asked for here.
        """
        scope = _one_tenant(tenant or hub.settings.tenant)
        raw: list[tuple[bytes, bytes]] = request.scope["headers"]
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)

        async def read(bytes_max: int) -> IO[bytes]:
            sent = dict(raw)
            return await spooled_body(request.receive, sent, bytes_max, seconds=BODY_SECONDS_MAX)

        reply = await hub.as2.answering.receive(scope, fields, read)
        answer = Response(reply.body)
        answer.raw_headers += [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in reply.headers
            if name.lower() != "date"  # the server says it
        ]
        return answer

    return routes


def partner_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/as2", tags=["as2"])

    @routes.get("/partners", **needs("connections:read"))
    async def list_as2_partners(
        caller: Caller, house: Named = "", partner: Named = ""
    ) -> As2Partners:
        """List partners by AS2, and which of their certificates end soon."""
        found = await hub.as2.partners.listed(caller.scope)
        wanted = [
            one
            for one in found
            if house in {"", one.profile.house} and partner in {"", one.profile.partner}
        ]
        return As2Partners(partners=[shown(hub, one) for one in wanted])

    @routes.put("/partners", **needs("connections:admin"))
    async def put_as2_partner(said: As2PartnerSaid, caller: Caller) -> As2PartnerShown:
        """Put the next version of what is agreed with a partner; what is left out stays."""
        return shown(hub, await put_partner(hub, caller.scope, said, f"key {caller.key_id}"))

    @routes.get("/keys", **needs("connections:read"))
    async def list_as2_keys(caller: Caller, house: Named = "") -> As2Keys:
        """List our own keys by their certificates; nobody is shown what is secret of them."""
        return As2Keys(keys=await hub.as2.partners.keys(caller.scope, house))

    @routes.put("/keys", **needs("connections:admin"))
    async def put_as2_key(said: As2KeySaid, caller: Caller) -> KnownKey:
        """Keep a key of our own beside those that are there; the newest that holds is used."""
        by = f"key {caller.key_id}"
        pem = said.key.encode("ascii", "replace")
        return await hub.as2.partners.put_key(caller.scope, said.house, pem, by=by)

    return routes


def message_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/as2/messages", tags=["as2"])

    @routes.get("", **needs("messages:read"))
    async def list_as2_messages(
        caller: Caller,
        *,
        direction: Direction | None = None,
        state: MessageState | None = None,
        partner: Named = "",
        after: After = "",
        limit: Limit = 100,
    ) -> As2Messages:
        """List messages in and out, the newest first."""
        found = await hub.as2.messages.listed(
            caller.scope,
            direction=direction or "",
            state=state or "",
            partner=partner,
            after=after,
            limit=limit,
        )
        return As2Messages(messages=found)

    @routes.post("", status_code=202, **needs("messages:write"))
    async def send_as2_message(said: As2DocumentSaid, caller: Caller) -> KeptMessage:
        """Keep a document that is to be sent; it is sent at once, and again by what is agreed."""
        return await hub.as2.posting.intend(caller.scope, to_send(said))

    @routes.get("/{message}", **needs("messages:read"))
    async def show_as2_message(message: Text, caller: Caller) -> KeptMessage:
        """Show a message: what became of it, and why."""
        return await hub.as2.messages.one(caller.scope, message)

    @routes.get("/{message}/contents", **needs("messages:read"))
    async def show_as2_contents(message: Text, caller: Caller) -> As2Contents:
        """Give the document, the message as it travelled, and its receipt, to the byte."""
        found = await hub.as2.messages.show(caller.scope, message)
        return As2Contents(
            payload=_base64(found.payload),
            raw=_base64(found.raw),
            receipt=_base64(found.receipt or b""),
        )

    @routes.post("/{message}/again", **needs("messages:write"))
    async def send_as2_message_again(message: Text, caller: Caller) -> KeptMessage:
        """Send a message again that was given up or refused, under the same id."""
        await hub.as2.posting.again(caller.scope, message)
        return await hub.as2.messages.one(caller.scope, message)

    return routes


async def put_partner(hub: Hub, scope: Scope, said: As2PartnerSaid, by: str) -> PutProfile:
    """Put what is said over what holds."""
    try:
        now = (await hub.as2.partners.show(scope, said.house, said.partner)).profile
    except NotFound:
        now = None
    return await hub.as2.partners.put(scope, said.over(now), by=by)


def shown(hub: Hub, put: PutProfile) -> As2PartnerShown:
    soon = ending(put.profile, hub.clock.now(), ENDS_SOON)
    return partner_shown(put, [one.fingerprint for one in soon])


def to_send(said: As2DocumentSaid) -> ToSend:
    try:
        content = base64.b64decode(said.content, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("the content is not base64", where="/content") from None
    kind = check_content_type(said.content_type)
    return ToSend(
        house=said.house,
        partner=said.partner,
        payload=Payload(content=content, content_type=kind, filename=said.filename),
        request_id=said.request_id,
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _one_tenant(name: str) -> Scope:
    """Refuse the workers' scope: it covers everybody, and here nobody is known yet."""
    if name == ALL_TENANTS:
        raise NotFound("there is no such tenant")
    return Scope(name)
