"""What every request passes: who calls, how much they send, and what the answer says went wrong.

Fail closed: without a credential there is nothing but four kinds of address, and an address that
does not exist looks the same as one that does. The body is read only once the caller is known.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import structlog
from prometheus_client import Histogram

from crossdock.canonical.errors import Invalid, Unavailable
from crossdock.foundation import metrics, telemetry
from crossdock.interfaces.api.bodies import (
    BODY_BYTES_MAX,
    IN_LOOP_BYTES_MAX,
    check_json,
    read_body,
    strict_json,
)
from crossdock.interfaces.api.caller import admit
from crossdock.interfaces.api.edi_files import EDI_PATHS
from crossdock.interfaces.api.hot import HotAnswer, HotRequest, HotRoute
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.problems import answer
from crossdock.interfaces.api.whole import AnswerTaken, Whole, whole_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Sent = Mapping[bytes, bytes]

OPEN = frozenset({"/livez", "/readyz", "/as2"})
"""Of AS2 the messages say by their own signatures whom they are from; it reads its own bodies."""

WEBHOOK = re.compile(r"/v1/webhooks/[^/]")
EVENTS, QUESTIONS, AS2_MESSAGES = "/v1/events", "/v1/atp", "/v1/as2/messages"
QUESTIONS_BYTES_MAX = 4 * 1024 * 1024
"""Ten thousand questions that say all that one can say."""
CORRELATION = b"x-correlation-id"
TRACEPARENT = telemetry.TRACEPARENT.encode()
_CORRELATION_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,100}")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_ON_EVERY_ANSWER = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_HEAD = b"".join(
    (
        b"content-type: %b\r\ncontent-length: %d\r\n",
        CORRELATION,
        b": %b\r\n",
        *(b"%b: %b\r\n" % header for header in _ON_EVERY_ANSWER),
    )
)


class Gate:
    """Pure ASGI. Hot routes it answers itself; everything else it lets through to `app`."""

    def __init__(self, app: App, hub: Hub, hot: Sequence[HotRoute]) -> None:
        self._app = app
        self._hub = hub
        self._hot = {(route.method, route.path): route for route in hot}
        self._durations: dict[tuple[str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self.serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "HTTP only"})

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Sent = dict(scope["headers"])
        reply = _Reply(send, self.correlation_id(headers))
        started = self._hub.clock.ticks()
        # Each request is a task with a context of its own, so nothing has to be unbound.
        structlog.contextvars.bind_contextvars(correlation_id=reply.correlation_id.decode())
        try:
            if telemetry.is_tracing():
                of = {"http.request.method": scope["method"]}
                caller = headers.get(TRACEPARENT, b"").decode("latin-1")
                with telemetry.span("request", of, caller=caller) as span:
                    await self._admit(scope, headers, receive, reply)
                    span.set_attribute("http.route", _template(scope))
            else:
                await self._admit(scope, headers, receive, reply)
        except Exception as error:
            if reply.is_begun:
                raise
            await answer(error)(scope, receive, reply)
        finally:
            self.count(_template(scope), reply.status // 100, started)

    async def _admit(self, scope: Scope, headers: Sent, receive: Receive, reply: "_Reply") -> None:
        path: str = scope["path"]
        hot = self._hot.get((scope["method"], path))
        if hot is not None:
            await self._answer_hot(hot, scope, headers, receive, reply)
            return
        if path in OPEN:
            await self._app(scope, receive, reply)
            return
        state = scope.setdefault("state", {})
        is_webhook = _is_webhook(scope["method"], path)
        if not is_webhook:
            state["principal"] = await self._hub.access.authenticate(_authorization(headers))
        if scope["method"] in _WITH_BODY:
            most = self._inbox_bytes_max if is_webhook else self._bytes_max(path)
            body = await read_body(receive, headers, most)
            if body and not is_webhook and path not in EDI_PATHS:
                _check_media_type(headers)
                await strict_json(body)
            state["body"] = body
            receive = _again(body, receive)
        await self._app(scope, receive, reply)

    async def _answer_hot(
        self, hot: HotRoute, scope: Scope, headers: Sent, receive: Receive, reply: "_Reply"
    ) -> None:
        """Answer without the framework; the same checks, in the same order."""
        scope["route"] = hot
        whole = whole_of(scope)
        principal = await self._hub.access.authenticate(_authorization(headers))
        body = b""
        if hot.asked is not None:
            most = self._bytes_max(hot.path)
            arrived = whole.body if whole is not None else None
            if arrived is None or len(arrived) > most:
                arrived = await read_body(receive, headers, most)
            body = arrived
            _check_media_type(headers)
            await strict_json(body)
        answered = await hot(
            HotRequest(principal=principal, body=body, query=scope["query_string"])
        )
        if whole is not None and reply.at_once(whole, answered):
            return
        length = b"%d" % len(answered.body)
        await reply(
            {
                "type": "http.response.start",
                "status": answered.status,
                "headers": [(b"content-type", answered.media_type), (b"content-length", length)],
            }
        )
        await reply({"type": "http.response.body", "body": answered.body})

    def _bytes_max(self, path: str) -> int:
        if path in {EVENTS, AS2_MESSAGES} or path in EDI_PATHS:
            return self._inbox_bytes_max
        return QUESTIONS_BYTES_MAX if path == QUESTIONS else BODY_BYTES_MAX

    @property
    def _inbox_bytes_max(self) -> int:
        return self._hub.settings.inbox_body_bytes_max

    def correlation_id(self, headers: Sent) -> bytes:
        """Take the caller's, if it is one; make one otherwise."""
        given = headers.get(CORRELATION)
        if given is not None and _CORRELATION_ID.fullmatch(given):
            return given
        return self._hub.ids.text().encode()

    def count(self, template: str, status_class: int, started: float) -> None:
        duration = self._durations.get((template, status_class))
        if duration is None:
            duration = metrics.REQUEST_SECONDS.labels(template, f"{status_class}xx")
            self._durations[template, status_class] = duration
        duration.observe(self._hub.clock.ticks() - started)


class HotDoor:
    """Stands before the framework, so that the hot routes do not pay for its layers."""

    def __init__(self, app: App, hub: Hub, hot: Sequence[HotRoute]) -> None:
        self._app = app
        self._gate = Gate(app, hub, hot)
        self._hot = frozenset((route.method, route.path) for route in hot)
        self.shortcut = Shortcut(self._gate, hub, hot)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        is_hot = scope["type"] == "http" and (scope["method"], scope["path"]) in self._hot
        return (self._gate.serve if is_hot else self._app)(scope, receive, send)


class Shortcut:
    """Hot requests taken whole from the server and answered as their batch ends: no task for each.

    Only those that need nobody on their way: a key proven lately, goods known by these words, a
    small body. All others, and whatever is wrong with one, go through the gate as ever.
    """

    def __init__(self, gate: Gate, hub: Hub, hot: Sequence[HotRoute]) -> None:
        self._gate = gate
        self._hub = hub
        self._routes = {(one.method.encode(), one.path.encode()): one for one in hot if one.soon}

    def route_of(self, method: bytes, address: bytes) -> HotRoute | None:
        return None if telemetry.is_tracing() else self._routes.get((method, address))

    def takes(
        self,
        route: HotRoute,
        sent: Sequence[tuple[bytes, bytes]],
        body: bytes,
        answer_taken: AnswerTaken,
    ) -> bool:
        """Say whether it will be answered here; if not, nothing has happened."""
        started = self._hub.clock.ticks()
        headers: Sent = dict(sent)
        principal = self._hub.access.remembered(_authorization(headers))
        if principal is None or route.soon is None or len(body) > IN_LOOP_BYTES_MAX:
            return False
        try:
            admit(principal, route.verb)
            _check_media_type(headers)
            check_json(body)
            soon = route.soon(HotRequest(principal=principal, body=body, query=b""))
        except Exception:  # noqa: BLE001  # the gate finds the same, and says it
            return False
        if soon is None:
            return False
        asked = _Asked(route.path, self._gate.correlation_id(headers), started)
        soon.coming.add_done_callback(partial(self._answer, answer_taken, soon.written, asked))
        return True

    def _answer(
        self,
        answer_taken: AnswerTaken,
        written: Callable[[Any], HotAnswer],
        asked: "_Asked",
        coming: "asyncio.Future[Any]",
    ) -> None:
        path, correlation_id, started = asked
        try:
            status, body, media_type = written(coming.result())
            head = _HEAD % (media_type, len(body), correlation_id)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # it is answered
            if isinstance(error, asyncio.CancelledError):
                error = Unavailable("the hub is ending; ask again with the same request id")
            with structlog.contextvars.bound_contextvars(correlation_id=correlation_id.decode()):
                failed = answer(error)
            status, body = failed.status_code, bytes(failed.body)
            own = ((CORRELATION, correlation_id), *_ON_EVERY_ANSWER)
            head = b"".join(b"%b: %b\r\n" % header for header in (*failed.raw_headers, *own))
        self._gate.count(path, status // 100, started)
        answer_taken(status, head, body)


class _Asked(NamedTuple):
    path: str
    correlation_id: bytes
    started: float


class _Reply:
    """Sends on, noting whether an answer has begun; adds what every answer carries."""

    __slots__ = ("_send", "correlation_id", "is_begun", "status")

    def __init__(self, send: Send, correlation_id: bytes) -> None:
        self._send = send
        self.correlation_id = correlation_id
        self.is_begun = False
        self.status = 500

    def at_once(self, whole: Whole, answered: HotAnswer) -> bool:
        """Answer in one piece, if the server can just now."""
        status, body, media_type = answered
        self.is_begun = whole.answer(
            status, _HEAD % (media_type, len(body), self.correlation_id), body
        )
        if self.is_begun:
            self.status = status
        return self.is_begun

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_begun = True
            self.status = message["status"]
            own = (CORRELATION, self.correlation_id)
            message["headers"] = [*message.get("headers", ()), own, *_ON_EVERY_ANSWER]
        await self._send(message)


def _is_webhook(method: str, path: str) -> bool:
    """Say whether a signature stands in for a key; any other method or address asks for one."""
    return method == "POST" and WEBHOOK.match(path) is not None


def _authorization(headers: Sent) -> str | None:
    sent = headers.get(b"authorization")
    return None if sent is None else sent.decode("latin-1")


def _check_media_type(headers: Sent) -> None:
    """Refuse what a browser page may send unasked: a form or a text is no order."""
    sent = headers.get(b"content-type", b"")
    if sent == b"application/json":
        return
    media_type = sent.decode("latin-1").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Invalid(
            f"the body is {media_type[:80] or 'of no media type'}, not JSON",
            code="media_type",
            hint="send `Content-Type: application/json`",
        )


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read to whoever reads it next."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _template(scope: Scope) -> str:
    """Name the route, not the address: an address holds names without end."""
    return str(getattr(scope.get("route"), "path", "")) or "none"
