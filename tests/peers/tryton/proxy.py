"""A network that misbehaves on purpose: between the connection and Tryton, for the tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import Enum, auto


class Fate(Enum):
    """What becomes of a request: PASS it; ANSWER_LOST after Tryton has done it; BUSY is a 503.

    Two are taken and never answered, until the client gives up or the proxy is closed: HANG, of
    which Tryton never hears, and ANSWER_HANGS, which Tryton has done by then.
    """

    PASS = auto()
    ANSWER_LOST = auto()
    BUSY = auto()
    HANG = auto()
    ANSWER_HANGS = auto()


BUSY = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

Rule = Callable[[bytes], Awaitable[Fate]]


@asynccontextmanager
async def proxy(port: int, rule: Rule) -> AsyncIterator[str]:
    """Answer the base URL of a proxy before `port`; `rule` reads each request's body."""
    clients: set[asyncio.StreamWriter] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(writer)
        try:
            request, body = await _request(reader)
            fate = await rule(body)
            reaches_tryton = fate not in {Fate.BUSY, Fate.HANG}
            answer = await _forwarded(port, request) if reaches_tryton else BUSY
            if fate is Fate.ANSWER_LOST:
                writer.transport.abort()
                return
            if fate in {Fate.HANG, Fate.ANSWER_HANGS}:
                await reader.read()  # ends when the client hangs up, or when we are closed
                return
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            clients.discard(writer)
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            for client in clients:
                client.transport.abort()


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    return head[:-2] + b"connection: close\r\n\r\n" + body, body


async def _forwarded(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
