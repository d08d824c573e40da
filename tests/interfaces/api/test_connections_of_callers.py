"""What a caller's connection may do: pieces, pipelines, closing, idling, and whole answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from crossdock.interfaces.api import create_app
from crossdock.interfaces.cli.http_server import serving
from tests.interfaces.api.conftest import Caller, House, stock
from tests.interfaces.api.test_stock import asking


class Line:
    """One connection that stays open; what comes on it is read answer by answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, piece: bytes) -> None:
        self._writer.write(piece)

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(20):
            text = await self._reader.readuntil(b"\r\n\r\n")
        status, *lines = text.decode().strip().split("\r\n")
        return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        status, headers = await self.head()
        body = await self._reader.readexactly(int(headers["content-length"]))
        return status, headers, json.loads(body)

    async def is_closed(self) -> bool:
        async with asyncio.timeout(20):
            return await self._reader.read(1) == b""


@asynccontextmanager
async def line_to(call: Caller) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


def request(call: Caller, request_id: str, *, version: str = "1.1", **more: str) -> bytes:
    body = json.dumps(asking(request_id, 1)).encode()
    headers: Mapping[str, str] = {
        "host": "crossdock",
        "authorization": f"Bearer {call.key}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /v1/reservations HTTP/{version}\r\n{lines}\r\n".encode() + body


@pytest.fixture
async def bolts(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)


@pytest.mark.usefixtures("bolts")
async def test_a_whole_answer_has_the_headers_of_one_in_messages(call: Caller) -> None:
    whole = await call("POST", "/v1/reservations", asking("cart-1", 1))
    in_messages = await call("GET", f"/v1/reservations/{whole.json['reservation_id']}")

    assert whole.status == 201
    own = {"content-length", "x-correlation-id"}
    assert {name: value for name, value in whole.headers.items() if name not in own} == {
        name: value for name, value in in_messages.headers.items() if name not in own
    }
    assert set(whole.headers) >= own | {"date", "cache-control", "x-content-type-options"}
    assert int(whole.headers["content-length"]) == len(whole.body)


@pytest.mark.usefixtures("bolts")
async def test_a_request_in_single_bytes_is_answered_as_one_in_a_piece(call: Caller) -> None:
    async with line_to(call) as line:
        for byte in request(call, "cart-1"):
            line.send(bytes([byte]))
            await asyncio.sleep(0)
        status, _, answer = await line.answer()
        line.send(request(call, "cart-1"))
        again = await line.answer()

    assert (status, answer["is_repeat"]) == (201, False)
    assert (again[0], again[2]["is_repeat"]) == (200, True)


@pytest.mark.usefixtures("bolts")
async def test_a_body_that_comes_later_than_its_head_is_waited_for(call: Caller) -> None:
    whole = request(call, "cart-1")
    head, blank, body = whole.partition(b"\r\n\r\n")
    async with line_to(call) as line:
        line.send(head + blank + body[:10])
        await asyncio.sleep(0.1)
        line.send(body[10:])
        status, _, _ = await line.answer()

    assert status == 201


@pytest.mark.usefixtures("bolts")
async def test_requests_sent_together_are_answered_in_their_order(call: Caller) -> None:
    async with line_to(call) as line:
        line.send(b"".join(request(call, f"cart-{number}") for number in range(5)))
        answers = [await line.answer() for _ in range(5)]

    assert [answer["request_id"] for _, _, answer in answers] == [
        f"cart-{number}" for number in range(5)
    ]


@pytest.mark.usefixtures("bolts")
async def test_who_asks_before_sending_is_told_to_go_on(call: Caller) -> None:
    head, blank, body = request(call, "cart-1", expect="100-continue").partition(b"\r\n\r\n")
    async with line_to(call) as line:
        line.send(head + blank)
        told = await line.head()
        line.send(body)
        status, _, _ = await line.answer()

    assert (told, status) == ((100, {}), 201)


@pytest.mark.usefixtures("bolts")
@pytest.mark.parametrize(
    ("version", "more"), [("1.0", {}), ("1.1", {"connection": "close"})], ids=["1.0", "close"]
)
async def test_a_connection_is_closed_behind_the_answer_if_asked(
    call: Caller, version: str, more: dict[str, str]
) -> None:
    async with line_to(call) as line:
        line.send(request(call, "cart-1", version=version, **more))
        status, headers, _ = await line.answer()

        assert (status, headers["connection"]) == (201, "close")
        assert await line.is_closed()


@pytest.mark.usefixtures("bolts")
async def test_who_hangs_up_before_the_answer_harms_nobody(call: Caller) -> None:
    async with line_to(call) as line:
        line.send(request(call, "cart-1"))

    again = await call("POST", "/v1/reservations", asking("cart-1", 1))
    assert again.status in {200, 201}


@pytest.mark.usefixtures("bolts")
@pytest.mark.parametrize("pieces", [1, 2, 3])
async def test_who_offers_another_protocol_is_answered_in_this_one(
    call: Caller, pieces: int
) -> None:
    whole = request(call, "cart-1", connection="Upgrade, HTTP2-Settings", upgrade="h2c")
    head, blank, body = whole.partition(b"\r\n\r\n")
    parts = {
        1: [whole + request(call, "cart-2")],
        2: [head + blank, body + request(call, "cart-2")],
        3: [head + blank + body[:5], body[5:20], body[20:]],
    }
    async with line_to(call) as line:
        for part in parts[pieces]:
            line.send(part)
            await asyncio.sleep(0.05)
        status, headers, answer = await line.answer()

        assert (status, answer["request_id"], headers["connection"]) == (201, "cart-1", "close")
        assert await line.is_closed()


@pytest.mark.usefixtures("bolts")
async def test_a_connection_that_waits_for_nothing_is_closed(call: Caller, house: House) -> None:
    head, blank, body = request(call, "cart-2").partition(b"\r\n\r\n")
    stranger = request(Caller(call.port, "xd_nobody"), "cart-3")[:-5]
    async with (
        serving(create_app(house), keep_alive_seconds=0.3) as address,
        AsyncExitStack() as s,
    ):
        hasty = Caller(int(address.rpartition(":")[2]), call.key)
        lines = [await s.enter_async_context(line_to(hasty)) for _ in range(5)]
        silent, done, sending, stuck, refused = lines
        done.send(request(call, "cart-1"))
        sending.send(head + blank)
        stuck.send(head[:20])
        refused.send(stranger)
        assert [(await one.answer())[0] for one in (done, refused)] == [201, 401]

        assert [await one.is_closed() for one in (silent, done, stuck, refused)] == [True] * 4
        sending.send(body)
        assert (await sending.answer())[0] == 201
