"""The few routes that carry the load: promises, availability, facts. No framework between.

They are answered by the gate itself, decoded and encoded by msgspec, and stand in the OpenAPI
document like the others.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from crossdock.canonical.errors import Conflict, Invalid
from crossdock.capabilities.catalog import Found, KnownGoods, Named
from crossdock.capabilities.inventory import Reservation, ReservationLine, ReservationRequest
from crossdock.governance.roles import Principal, Verb
from crossdock.interfaces.api.bodies import decoded
from crossdock.interfaces.api.caller import admit
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.problems import MEDIA_TYPE, Problem
from crossdock.interfaces.api.reservation_shapes import ReservationShown, reservation_shown
from crossdock.interfaces.api.said_events import EventsShown, SaidEvents, record_events
from crossdock.interfaces.api.speaking import check_customer, check_orders
from crossdock.interfaces.api.stock_shapes import (
    AskedLine,
    AskedReservation,
    AvailabilityShown,
    availability_shown,
)

CREATED, OK, CONFLICT = 201, 200, 409
QUERY_FIELDS_MAX = 10
JSON = b"application/json"


class HotAnswer(NamedTuple):
    status: int
    body: bytes
    media_type: bytes = JSON


class HotRequest(NamedTuple):
    principal: Principal
    body: bytes
    query: bytes


class Soon(NamedTuple):
    """An answer on its way, and how it is written once it is there."""

    coming: "asyncio.Future[Any]"
    written: Callable[[Any], HotAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoute:
    """`asked` and `shown` are the types of the bodies, for the OpenAPI document.

    `soon` answers without a task of its own what needs nothing but memory until its batch leaves;
    it gives None for the rest, and has then done nothing.
    """

    method: str
    path: str
    verb: Verb
    tag: str
    summary: str
    answer: Callable[[HotRequest], Awaitable[HotAnswer]]
    shown: Mapping[int, tuple[Any, str]]
    asked: Any = None
    query: tuple[str, ...] = ()
    soon: Callable[[HotRequest], Soon | None] | None = None

    def __call__(self, request: HotRequest) -> Awaitable[HotAnswer]:
        admit(request.principal, self.verb)
        return self.answer(request)


class Denied(Problem, omit_defaults=True, kw_only=True):
    """A promise that was not made, with what was asked: nothing is held."""

    reservation: ReservationShown


def hot_routes(hub: Hub, known: KnownGoods) -> list[HotRoute]:
    async def take_events(request: HotRequest) -> HotAnswer:
        said = decoded(request.body, SaidEvents)
        verdicts = await record_events(hub, request.principal.scope, said, request.body)
        shown = EventsShown(Counter(one.verdict for one in verdicts), verdicts)
        return HotAnswer(OK, msgspec.json.encode(shown))

    return [
        HotRoute(
            method="POST",
            path="/v1/reservations",
            verb=Verb.of("stock:write"),
            tag="stock",
            summary="Promise stock: every line, or nothing unless `allow_partial`",
            answer=partial(_reserve, hub, known),
            soon=partial(_reserve_soon, hub, known),
            asked=AskedReservation,
            shown={
                CREATED: (ReservationShown, "The promise, durable"),
                OK: (ReservationShown, "The same request was answered before; this is how it is"),
                CONFLICT: (Denied, "Not enough to promise, or the request id was used already"),
            },
        ),
        HotRoute(
            method="GET",
            path="/v1/availability",
            verb=Verb.of("stock:read"),
            tag="stock",
            summary="What can be promised now of an item at a location, with its proof",
            answer=partial(_availability, hub, known),
            query=("item", "location"),
            shown={OK: (AvailabilityShown, "The figures of this moment")},
        ),
        HotRoute(
            method="POST",
            path="/v1/events",
            verb=Verb.of("events:write"),
            tag="events",
            summary="Say what happened; each fact gets its own verdict",
            answer=take_events,
            asked=SaidEvents,
            shown={OK: (EventsShown, "Recorded, durable; verdicts in the order of the events")},
        ),
    ]


async def _reserve(hub: Hub, known: KnownGoods, request: HotRequest) -> HotAnswer:
    asked = _asked(request)
    scope, client = request.principal.scope, request.principal.client
    if request.principal.channels:
        await check_orders(hub, request.principal, [line.demand_ref for line in asked.lines])
    found = await known.find(scope, _named(asked), where="/lines")
    reservation = await hub.inventory.reserving(scope, client, _requested(asked, found))
    return _promised(found, reservation)


def _reserve_soon(hub: Hub, known: KnownGoods, request: HotRequest) -> Soon | None:
    asked = _asked(request)
    scope, client = request.principal.scope, request.principal.client
    if request.principal.channels and any(line.demand_ref for line in asked.lines):
        return None  # whose the orders are has to be asked
    found = known.remembered(scope, _named(asked))
    if found is None:
        return None
    coming = hub.inventory.reserving(scope, client, _requested(asked, found))
    return Soon(coming, partial(_promised, found))


def _asked(request: HotRequest) -> AskedReservation:
    """Read what is asked; a key that is bound to channels asks for one of them."""
    asked = decoded(request.body, AskedReservation)
    if request.principal.channels:
        channel = request.principal.speaks_for(asked.channel)
        check_customer(request.principal, asked.customer)
        asked = msgspec.structs.replace(asked, channel=channel)
    return asked


def _named(asked: AskedReservation) -> list[Named]:
    return [Named(line.item, line.location, line.quantity.quantity()) for line in asked.lines]


def _requested(asked: AskedReservation, found: Sequence[Found]) -> ReservationRequest:
    return ReservationRequest(
        asked.request_id,
        tuple(map(_wanted, found, asked.lines)),
        asked.kind,
        asked.ttl_seconds,
        asked.allow_partial,
        asked.channel,
        asked.customer,
    )


def _promised(found: Sequence[Found], reservation: Reservation | Conflict) -> HotAnswer:
    if isinstance(reservation, Conflict):
        raise reservation
    shown = reservation_shown(reservation, {goods.item: goods.base_unit for goods in found})
    if shown.status == "DENIED":
        denied = _denied(shown, reservation.cut_by)
        return HotAnswer(CONFLICT, msgspec.json.encode(denied), MEDIA_TYPE.encode())
    return HotAnswer(OK if shown.is_repeat else CREATED, msgspec.json.encode(shown))


def _wanted(goods: Found, line: AskedLine) -> ReservationLine:
    return ReservationLine(goods.item, goods.location, goods.micros, line.demand_ref)


KEPT = {
    "MAXIMUM": ("channel_maximum", "more than the channel's maximum leaves it"),
    "MINIMUM": ("channel_minimum", "the rest is kept for other channels"),
}
"""What beside stock denies a promise: the code of the problem, and what it says."""


def _denied(shown: ReservationShown, cut_by: str) -> Denied:
    short = ", ".join(
        f"{line.item} at {line.location}: asked {line.requested.value} {line.requested.unit}"
        for line in shown.lines[:3]
    )
    code, why = KEPT.get(cut_by, ("insufficient_stock", "not enough to promise"))
    is_kept = cut_by in KEPT
    return Denied(
        type=f"urn:crossdock:problem:{code}",
        title="It contradicts what is recorded",
        status=CONFLICT,
        code=code,
        detail=f"{why} ({short})",
        hint=f"GET /v1/promises/{shown.reservation_id} says how much, and of what"
        if is_kept
        else "GET /v1/availability says what is there, and why",
        reservation=shown,
    )


async def _availability(hub: Hub, known: KnownGoods, request: HotRequest) -> HotAnswer:
    query = _query(request.query, ("item", "location"))
    named = Named(query["item"], query["location"])
    found = await known.find_one(request.principal.scope, named, where="/query")
    scope, key = request.principal.scope, (found.item, found.location)
    [answer] = await hub.inventory.availability(scope, [key])
    doubts = (await hub.doubts.of(scope, [key])).get(key, ())
    kit = (await hub.kit_stocks.of(scope, [key])).get(key)
    return HotAnswer(OK, msgspec.json.encode(availability_shown(answer, doubts, kit)))


def _query(text: bytes, names: tuple[str, ...]) -> dict[str, str]:
    """Read exactly these parameters: each once, none missing, none besides."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=QUERY_FIELDS_MAX,
            errors="strict",
        )
    except ValueError:
        raise Invalid("the query is not readable", where="/query") from None
    given = dict(pairs)
    if len(given) != len(pairs) or set(given) != set(names):
        raise Invalid(f"the query has {' and '.join(names)}, once each", where="/query")
    for name, value in given.items():
        if not value.strip() or len(value) > 200 or "\0" in value:  # noqa: PLR2004 - as the document says
            raise Invalid("a name has 1 to 200 characters", where=f"/query/{name}")
    return given
