"""A network that misbehaves on purpose: between the connection and Tryton, for the tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
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
    """Answer the base URL of a proxy before `port`; `rule` reads each request's body.

    When it is closed every conversation has ended: those still open are broken off.
    """
    conversations: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(_converse(port, rule, reader, writer))
        conversations.add(conversation)
        conversation.add_done_callback(conversations.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    async with server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for conversation in conversations:
                conversation.cancel()
            await asyncio.gather(*conversations, return_exceptions=True)


async def _converse(
    port: int, rule: Rule, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
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
        await _closed(writer)


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
    try:
        writer.write(request)
        return await reader.read()
    finally:
        await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
