"""An HTTP server that lives inside a command: it starts, says where it is, and ends with it."""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from crossdock.canonical.errors import Invalid, Unavailable
from crossdock.interfaces.api import whole

GATHERED_BYTES_MAX = 64 * 1024
KEEP_ALIVE_SECONDS = 5.0
IDLE_LOOK_SECONDS = 1.0


class _Gathering:
    """A transport that sends what is written in one turn of the loop together.

    uvicorn writes the head of an answer and its body one after the other: two system calls, two
    packets, and a client that wakes up twice.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._bytes = 0
        # Asked of each request: an attribute found here is not looked for below.
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes > GATHERED_BYTES_MAX:  # the transport says when it has enough
            self._send()

    def write_now(self, data: bytes) -> None:
        """Send what is whole already, behind what is written and not sent."""
        if self._parts:
            self._parts.append(data)
            self._send()
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()
            self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Whole:
    """The request and the answer under way on one connection, in one piece each.

    One for the connection: a request that led to itself would be garbage that only a search finds.
    """

    __slots__ = ("_transport", "cycle")

    def __init__(self, transport: _Gathering) -> None:
        self._transport = transport
        self.cycle: RequestResponseCycle | None = None

    @property
    def body(self) -> bytes | None:
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.waiting_for_100_continue:
            return None
        return bytes(cycle.body)

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        cycle = self.cycle
        if cycle is None or cycle.response_started or cycle.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        parts = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (head, b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", body)
        self._transport.write_now(b"".join(parts))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self._transport.close()
        cycle.on_response()
        return True


class _Taken:
    """Stands in uvicorn's place for a cycle while a request that was taken whole is answered."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")

    message_event = asyncio.Event()  # nobody waits for it

    def __init__(self) -> None:
        self.response_complete = self.disconnected = False
        self.keep_alive = True


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with whole answers, and one look around for all connections that are idle.

    uvicorn starts a timer behind each answer and stops it at the next request. And it loses the
    body of a request that offers another protocol, as some clients do with each (`h2c`).
    """

    _data = b""
    _left: int | None = None  # of the body of a request that offered another protocol
    _held: Any = None  # the route of a request that may be taken whole, until its body is here
    _held_body = b""

    def connection_made(self, transport: Any) -> None:
        gathering = _Gathering(transport)
        super().connection_made(gathering)  # type: ignore[arg-type]  # it writes as a transport does
        self._gathering = gathering
        self._whole = _Whole(gathering)
        self._shortcut: whole.TakesWhole | None = getattr(self.app, "shortcut", None)
        self._extensions = {whole.EXTENSION: self._whole}
        self._spoke_at = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._whole.cycle = None

    def data_received(self, data: bytes) -> None:
        if self._left is not None:
            self._take(data)
            return
        self._data = data
        super().data_received(data)
        self._data = b""
        if self._held is not None and not self.transport.is_closing():
            self._let_go()

    def on_message_begin(self) -> None:
        """Note no more than any request needs; what ASGI needs beside it waits for `_begin`."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        self._held = self._route_to_take()
        if self._held is None:
            self._begin()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held_body += body

    def on_message_complete(self) -> None:
        route, shortcut = self._held, self._shortcut
        if route is None or shortcut is None:
            super().on_message_complete()
            return
        if shortcut.takes(route, self.headers, self._held_body, self._answer_taken):
            self._held, self._held_body = None, b""
            self._taken = _Taken()
            self.cycle = self._taken  # type: ignore[assignment]  # it is asked what a cycle is asked
            return
        self._let_go()
        super().on_message_complete()

    def _route_to_take(self) -> Any:
        """Name the route if nothing about the request is unusual and no other is under way."""
        cycle: Any = self.cycle  # uvicorn says it is always there
        parser: Any = self.parser  # which uvicorn takes away only from a closed connection
        if self._shortcut is None or (cycle is not None and not cycle.response_complete):
            return None
        route = self._shortcut.route_of(parser.get_method(), self.url)
        if route is None or self.expect_100_continue or self.flow.write_paused:
            return None
        is_usual = parser.should_keep_alive() and parser.get_http_version() == "1.1"
        return route if is_usual and not parser.should_upgrade() else None

    def _let_go(self) -> None:
        """Hand what was held to ASGI, as if it came just now."""
        body, self._held, self._held_body = self._held_body, None, b""
        self._begin()
        if body:
            super().on_body(body)

    def _begin(self) -> None:
        url, expects, headers = self.url, self.expect_100_continue, self.headers
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def _answer_taken(self, status: int, head: bytes, body: bytes) -> None:
        taken = self._taken
        taken.response_complete = True
        if self.transport.is_closing():
            return
        parts = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (head, b"\r\n" if taken.keep_alive else b"connection: close\r\n\r\n", body)
        self._gathering.write_now(b"".join(parts))
        if not taken.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _unset_keepalive_if_required(self) -> None:
        """Note that somebody speaks: uvicorn calls this for all that comes."""
        self._spoke_at = self.loop.time()

    def _unsupported_upgrade_warning(self) -> None:
        """Stay with what we speak: the parser has stopped behind the head, so read on without."""
        offer = sys.exception()
        assert isinstance(offer, httptools.HttpParserUpgrade)  # noqa: S101  # what calls this
        cycle = self.cycle
        cycle.keep_alive = False
        length = dict(self.headers).get(b"content-length", b"")
        self._left = int(length) if length.isdigit() else 0
        cycle.more_body = self._left > 0
        self._take(self._data[offer.args[0] :])

    def _take(self, data: bytes) -> None:
        """Read as much of `data` as is still body; what comes behind is nobody's request."""
        self._spoke_at = self.loop.time()
        piece, left = data[: self._left], self._left or 0
        self._left = left - len(piece)
        if piece:
            self.on_body(piece)
            if not self._left:
                self.on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._whole.cycle = cycle
        cycle.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]  # more than uvicorn's own
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._spoke_at = self.loop.time()

    def close_if_idle(self, since: float) -> None:
        """Close it unless a request is under way; half of a head, or of a body, is none."""
        cycle: Any = self.cycle
        if self._spoke_at <= since and (cycle is None or cycle.response_complete):
            self.transport.close()


class _Server(uvicorn.Server):
    """Leaves signals to the command, which has more to close than this."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    app: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
) -> AsyncIterator[str]:
    """Serve until the block ends; give the address, with the port that was really taken."""
    door = _door(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            log_config=None,  # its lines go the way of ours
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # who calls is told by the key, never by the address
            timeout_graceful_shutdown=5,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[door]), name="http server")
    closer = asyncio.create_task(_close_idle(server, keep_alive_seconds), name="idle connections")
    try:
        while not server.started:
            if task.done():
                task.result()
                raise Unavailable(f"the server at {host}:{port} ended before it had begun")
            await asyncio.sleep(0.01)
        yield f"http://{host}:{door.getsockname()[1]}"
    finally:
        closer.cancel()
        server.should_exit = True
        await asyncio.gather(task, closer, return_exceptions=True)
        door.close()


async def _close_idle(server: uvicorn.Server, seconds: float) -> None:
    """Close, a second late at most, whoever is silent and waits for nothing."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(IDLE_LOOK_SECONDS)
        since = loop.time() - seconds
        for connection in list(server.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.close_if_idle(since)


def _door(host: str, port: int) -> socket.socket:
    """Take the port before the server starts: uvicorn would end the whole program over it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host, port, family=family)  # or its error is told as one of the port
        return socket.create_server((host, port), family=family, backlog=2048)
    except (socket.gaierror, UnicodeError) as error:
        raise _no_address(host, str(error)) from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise _no_address(host, os.strerror(errno.EADDRNOTAVAIL)) from None
        raise Invalid(
            f"nothing can listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            code="port_taken",
            hint="choose another port (CROSSDOCK_PORT, --port of a stand-in), or 0 for a free one",
        ) from None


def _no_address(host: str, reason: str) -> Invalid:
    return Invalid(
        f"{host!r} is no address of this machine: {reason}",
        code="host_unknown",
        hint="set CROSSDOCK_HOST to 127.0.0.1, or to 0.0.0.0 to be reached from elsewhere",
    )
