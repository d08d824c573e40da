"""An HTTP server that lives inside a command: it starts, says where it is, and ends with it."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from crossdock.canonical.errors import Invalid, Unavailable

GATHERED_BYTES_MAX = 64 * 1024


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

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes > GATHERED_BYTES_MAX:  # the transport says when it has enough
            self._send()

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


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: Any) -> None:
        super().connection_made(_Gathering(transport))  # type: ignore[arg-type]


class _Server(uvicorn.Server):
    """Leaves signals to the command, which has more to close than this."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
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
    try:
        while not server.started:
            if task.done():
                task.result()
                raise Unavailable(f"the server at {host}:{port} ended before it had begun")
            await asyncio.sleep(0.01)
        yield f"http://{host}:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
        door.close()


def _door(host: str, port: int) -> socket.socket:
    """Take the port before the server starts: uvicorn would end the whole program over it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise Invalid(
            f"nothing can listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            code="port_taken",
            hint="choose another port (CROSSDOCK_PORT, --port of a stand-in), or 0 for a free one",
        ) from None
