"""`/v1/edi`: interchanges taken in, kept and shown."""

import base64
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from crossdock.canonical.partners import Direction
from crossdock.connectivity.interchanges import (
    Handed,
    InterchangeShown,
    InterchangeWhole,
    NumbersMissing,
    Outcome,
    TakenIn,
    Wanted,
)
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.edi_files import MEDIA_TYPES, check_edi
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Limit, Text

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            one: {"schema": {"type": "string", "format": "binary"}} for one in MEDIA_TYPES
        },
    }
}
FileName = Annotated[Text, Query(max_length=200, description="What the file is called.")]
Way = Annotated[Literal["IN", "OUT", ""], Query(description="Only those that came, or went.")]
StateOf = Annotated[
    Literal["TAKEN", "REFUSED", "QUARANTINED", "WRITTEN", "SENT", ""],
    Query(description="Only those in this state."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What was found outside of every interchange."""

    byte: int
    code: str
    severity: str
    says: str


class InterchangesTaken(BaseModel):
    """What became of each interchange of a file, in its order."""

    interchanges: list[Outcome]
    beside: list[Beside]


class InterchangesShown(BaseModel):
    interchanges: list[InterchangeShown]


class NumbersShown(BaseModel):
    pairs: list[NumbersMissing]


class InterchangeBody(BaseModel):
    """The very bytes, in base64."""

    body: str


class OutcomesShown(BaseModel):
    interchanges: list[Outcome]


def taking_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/edi", tags=["edi"])
    interchanges = hub.gateway.interchanges

    async def take(
        request: Request, caller: Caller, name: str, direction: Direction
    ) -> InterchangesTaken:
        check_edi(request.headers)
        handed = Handed(name=name, by=who(caller), direction=direction)
        body: bytes = getattr(request.state, "body", b"")
        return _taken(await interchanges.receive(caller.scope, [body], handed))

    @routes.post("/interchanges", **_with_file("messages:write"))
    async def receive_interchanges(
        request: Request, caller: Caller, *, name: FileName = ""
    ) -> InterchangesTaken:
        """Take in a file of X12 or EDIFACT: each interchange once, however often it is sent."""
        return await take(request, caller, name, Direction.IN)

    @routes.post("/sent", **_with_file("messages:write"))
    async def keep_sent(
        request: Request, caller: Caller, *, name: FileName = ""
    ) -> InterchangesTaken:
        """Keep a file that was sent to a partner, and wait for what acknowledges it."""
        return await take(request, caller, name, Direction.OUT)

    @routes.post("/interchanges/replay", **needs("messages:write"))
    async def replay_interchanges(caller: Caller, *, after: After = "") -> OutcomesShown:
        """Try the oldest 1,000 that were set aside anew; go on behind the last of them."""
        found = await interchanges.replay_held(caller.scope, after=after)
        return OutcomesShown(interchanges=found)

    @routes.post("/interchanges/{interchange}/replay", **needs("messages:write"))
    async def replay_interchange(interchange: Text, caller: Caller) -> Outcome:
        """Take in one that was set aside, as the partners are known now."""
        return await interchanges.replay(caller.scope, interchange)

    return routes


def showing_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/edi", tags=["edi"])
    exchanged = hub.gateway.exchanged

    @routes.get("/interchanges", **needs("messages:read"))
    async def list_interchanges(  # noqa: PLR0913 - what one may ask for
        caller: Caller,
        *,
        direction: Way = "",
        state: StateOf = "",
        partner: Text = "",
        control: Text = "",
        document: Text = "",
        after: After = "",
        limit: Limit = 100,
    ) -> InterchangesShown:
        """List interchanges, the newest first; `partner` by id or name."""
        if partner:
            partner = (await hub.gateway.partners.show(caller.scope, partner)).partner.partner
        wanted = Wanted(
            direction=direction, state=state, partner=partner, control=control, document=document
        )
        found = await exchanged.find(caller.scope, wanted, after=after, limit=limit)
        return InterchangesShown(interchanges=found)

    @routes.get("/interchanges/{interchange}", **needs("messages:read"))
    async def show_interchange(interchange: Text, caller: Caller) -> InterchangeWhole:
        """Show an interchange: its first 1,000 documents, findings, and what answers it."""
        return await exchanged.show(caller.scope, interchange)

    @routes.get("/interchanges/{interchange}/body", **needs("messages:read"))
    async def show_interchange_body(interchange: Text, caller: Caller) -> InterchangeBody:
        parts = await exchanged.body(caller.scope, interchange)
        return InterchangeBody(body=base64.b64encode(b"".join(parts)).decode())

    @routes.get("/numbers", **needs("messages:read"))
    async def list_missing_numbers(caller: Caller) -> NumbersShown:
        """List the pairs of which control numbers are missing among those that came."""
        return NumbersShown(pairs=await exchanged.missing(caller.scope))

    return routes


def _with_file(verb: str) -> dict[str, Any]:
    given = needs(verb)
    return {**given, "openapi_extra": {**given["openapi_extra"], **_BODY}}


def _taken(told: TakenIn) -> InterchangesTaken:
    return InterchangesTaken(
        interchanges=told.interchanges,
        beside=[
            Beside(byte=one.place.offset, code=one.code, severity=one.severity, says=one.says)
            for one in told.beside
        ],
    )
