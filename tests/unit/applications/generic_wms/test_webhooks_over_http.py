"""Over real HTTP: what the warehouse signs arrives, byte for byte, and is believed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock.applications.generic_wms.client import Receiving, ReceivingFiles
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, GenericWmsSettings
from crossdock.applications.generic_wms.simulator import Warehouse, webhook_sender
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden
from crossdock.connectivity.sdk import Delivery, Ports, Receives
from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation.clock import SystemClock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Hub:
    """The least that takes a webhook: raw body first, signature, then its meaning."""

    def __init__(self, receiving: Receives | None = None, *, secret: str = SECRET) -> None:
        settings = GenericWmsSettings.model_validate({"secrets": [secret]})
        self._receiving = receiving or Receiving(settings)
        self.facts: list[Fact] = []

    async def receive(self, request: Request) -> Response:
        delivery = Delivery(body=await request.body(), headers=dict(request.headers))
        try:
            self._receiving.verify(delivery, SystemClock().now())
        except Forbidden:
            return Response(status_code=403)
        self.facts += self._receiving.translate(delivery).facts
        return Response(status_code=204)


@asynccontextmanager
async def served(hub: Hub) -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/wms", hub.receive, methods=["POST"])])
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def sent_day(port: int) -> Warehouse:
    clock = SystemClock()
    url = f"http://127.0.0.1:{port}"
    async with HttpClient(url, clock=clock, allow_private_addresses=True) as client:
        warehouse = Warehouse(
            "DC1",
            stock={"A": 5},
            ports=Ports(clock=clock, random=Random(1)),
            send=webhook_sender(client, "/wms"),
            secrets=[SECRET],
        )
        await warehouse.work()
    return warehouse


async def test_a_signed_webhook_arrives() -> None:
    hub = Hub()
    async with served(hub) as port:
        warehouse = await sent_day(port)

    assert warehouse.sent_count == 1
    assert [fact.identity for fact in hub.facts] == ["snapshot:DC1:DC1-1"]


async def test_a_webhook_signed_with_another_secret_is_refused() -> None:
    hub = Hub(secret="whsec_" + "A" * 32)
    async with served(hub) as port:
        warehouse = await sent_day(port)

    assert isinstance(warehouse.refused[0][1], Forbidden)
    assert hub.facts == []


@pytest.mark.parametrize("name", [b":file", b" :file", b"x :file"])
async def test_nobody_can_pass_a_webhook_off_as_a_file(name: bytes) -> None:
    hub = Hub(ReceivingFiles(GenericWmsFilesSettings(folder=Path("drop"))))
    body = b'{"type":"item","item":"A","occurred_at":"2026-03-02T08:00Z"}'
    async with served(hub) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /wms HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            + name
            + b": items.jsonl\r\ncontent-length: %d\r\n\r\n" % len(body)
            + body
        )
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer.split(b" ")[1] in {b"400", b"403"}
    assert hub.facts == []
