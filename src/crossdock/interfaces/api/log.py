"""`/v1/log`: what happened, as it happens, by server-sent events; resumed by position."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from crossdock.canonical.envelope import Event
from crossdock.canonical.errors import Forbidden, Invalid, NotFound
from crossdock.canonical.events import payload_type
from crossdock.foundation import event_log
from crossdock.foundation.database import DATABASE_ERRORS, Transaction
from crossdock.foundation.event_log import Position
from crossdock.governance.roles import Principal, Verb, require
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Text

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
BEAT_LOOKS = 15
PAGE = 500
NUMBER_MAX = 2**63 - 1
_PLACE = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})")
_READ = Verb.of("events:read")

# Whatever commits from now on: nothing below this transaction is still open.
NOW = "select event_log_below()::text::bigint"


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["log"])

    @routes.get("/log", response_class=StreamingResponse, **needs("events:read"))
    async def follow_log(
        request: Request,
        caller: Caller,
        types: Annotated[list[Text], Query(max_length=50, description="Event types wanted.")] = [],  # noqa: B006 - FastAPI copies a default
        after: Annotated[Text, Query(description="A position; `0.0` is the beginning.")] = "",
        last_event_id: Annotated[Text, Header()] = "",
    ) -> StreamingResponse:
        """Send every event after a position as a CloudEvent; without one, from now on."""
        for name in types:
            payload_type(name)
        place = last_event_id or after
        start = await _found(hub, caller, place) if place else await _end(hub, caller)
        tail = _tail(hub, request.headers.get("authorization"), start, frozenset(types) or None)
        return StreamingResponse(tail, media_type="text/event-stream")

    return routes


def position_of(text: str) -> Position:
    """Read `transaction.position`, as an event's id shows it."""
    match = _PLACE.fullmatch(text)
    numbers = [int(number) for number in match.groups()] if match else [NUMBER_MAX + 1]
    if max(numbers) > NUMBER_MAX:
        raise Invalid(f"{text[:60]!r} is no position", where="/after", hint="`0.0`, or an id seen")
    return Position(*numbers)


def cloud_event(event: Event) -> dict[str, Any]:
    """Write an event as CloudEvents 1.0 does: attributes outside, content in `data`."""
    fact = event.fact
    optional = {
        "correlationid": fact.correlation_id,
        "causationid": fact.causation_id,
        "recordedat": fact.recorded_at,
        "sequence": None if fact.sequence is None else str(fact.sequence),
        "nativeref": fact.native_ref,
        "clockahead": event.is_ahead,
        "replay": fact.replay,
    }
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": event.source,
        "type": fact.payload.TYPE,
        "subject": fact.payload.key,
        "time": fact.occurred_at,
        "receivedat": event.received_at,
        "position": str(event.position),
        "datacontenttype": "application/json",
        **{name: value for name, value in optional.items() if value},
        "data": fact.payload,
    }


async def _found(hub: Hub, caller: Principal, place: str) -> Position:
    """Find the place in the log that somebody holds, if it is one of this log still.

    After an older state of the database is restored, what comes now may have lower places than a
    caller holds, and would never be told to it.
    """
    start = position_of(place)
    if start == Position():
        return start
    async with hub.database.transaction(caller.scope) as tx:
        known = await event_log.places(tx, [start.position])
    if known.get(start.position) != start:
        raise NotFound(
            f"the log has no event at {place[:60]!r}: an older state of it was restored since",
            code="place_unknown",
            hint="go on after an id from before the backup, or after `0.0`: what is told again has"
            " the CloudEvents `id` and `source` that it had",
        )
    return start


async def _end(hub: Hub, caller: Principal) -> Position:
    async with hub.database.transaction(caller.scope) as tx:
        return Position(await tx.fetchval(NOW), 0)


async def _tail(
    hub: Hub, authorization: str | None, start: Position, types: frozenset[str] | None
) -> AsyncIterator[bytes]:
    """Page after page, until the caller goes away or its key is no longer good.

    A database that is away is waited for: the caller keeps its place and its connection.
    """
    bell = hub.database.bell(event_log.TOPIC)
    place = start
    quiet = 0
    yield b": crossdock log\n\n"
    while True:
        try:
            caller = await hub.access.authenticate(authorization)
            require(caller, _READ)
            async with hub.database.transaction(caller.scope) as tx:
                events, reached = await event_log.read_past(tx, place, limit=PAGE, types=types)
                written = await _written(tx, events)
        except Forbidden:
            return
        except DATABASE_ERRORS as error:
            log.warning("a follower of the log waits", error=repr(error))
            yield b": the database is away\n\n"
            await asyncio.sleep(LOOK_SECONDS)
            continue
        if written:
            yield written
        quiet = 0 if written else quiet + 1
        if quiet == BEAT_LOOKS:
            quiet = 0
            yield b": still here\n\n"
        if reached == place:
            await bell.wait(LOOK_SECONDS)
        place = reached


async def _written(tx: Transaction, events: list[Event]) -> bytes:
    """Write a page; the id of each event is where a caller that saw it would go on."""
    if not events:
        return b""
    places = await event_log.places(tx, [event.position for event in events])
    lines = [
        b"id: %d.%d\nevent: %b\ndata: %b\n\n"
        % (
            places[event.position].tx,
            event.position,
            event.payload.TYPE.encode(),
            msgspec.json.encode(cloud_event(event)),
        )
        for event in events
    ]
    return b"".join(lines)
