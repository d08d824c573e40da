"""The two ends of the propagation benchmark, in a process of their own: a warehouse and a shop.

The warehouse reports picks by signed webhooks at fixed times, whether the hub keeps up or not.
The shop is the Shopify simulator; when a compare-and-set call arrives there is noted before the
shop begins to think about it. Both look at one clock.

    python -m benchmarks.propagation_ends SKUS OPENING
"""

import asyncio
import base64
import itertools
import json
import random
import sys
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import uvicorn
import uvloop

from crossdock.applications.generic_wms.signature import secret_key, signed_headers
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.applications.shopify.simulated_cost import PointsBucket
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.connectivity.sdk import Ports
from crossdock.foundation.clock import SystemClock

SITE = "DC1"
WMS_SECRET = "whsec_" + base64.b64encode(b"a benchmark's secret is none").decode()
SHOP_SETTINGS = {
    "shop_domain": "bench.myshopify.com",
    "access_token": "shpat_bench",
    "webhook_secret": "bench-webhook-secret",
    "demand_location": SITE,
}
POINTS_PER_SECOND = 1_000.0
"""What Shopify's largest plan gives."""

LATE_SECONDS = 20.0
"""How long the last movements may take to arrive before they count as lost."""


def sku_of(number: int) -> str:
    return f"SKU-{number:05d}"


class Shop:
    """The simulator behind an ear that notes when which level was written."""

    def __init__(self, skus: int, opening: int) -> None:
        clock = SystemClock()
        ports = Ports(clock=clock, random=random.Random(1), allow_private_addresses=True)
        settings = ShopifySettings.model_validate(SHOP_SETTINGS)
        bucket = PointsBucket(ports, maximum=20 * POINTS_PER_SECOND, rate=POINTS_PER_SECOND)
        self._simulator = ShopifySimulator(settings, ports, bucket=bucket)
        self.place = self._simulator.shop.open_location("Main warehouse")
        self.items = [
            self._simulator.shop.list_item(sku_of(number), stock={self.place: opening})
            for number in range(skus)
        ]
        self.awaited: defaultdict[str, deque[tuple[int, float]]] = defaultdict(deque)
        self.seconds: list[float] = []
        self.calls = 0
        self.stale = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request (ASGI), with an ear on what goes in and what comes out."""
        if scope["type"] != "http":
            return
        parts: list[bytes] = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        arrived, body = time.perf_counter(), b"".join(parts)
        answer: list[bytes] = []

        async def replayed() -> Mapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def overheard(message: Mapping[str, Any]) -> None:
            answer.append(message.get("body", b""))
            await send(message)

        await self._simulator.app(scope, replayed, overheard)  # type: ignore[arg-type]  # plain mappings, as ASGI has them
        if b"mutation SetQuantities" in body:
            self._heard(arrived, json.loads(body), json.loads(b"".join(answer)))

    def _heard(self, arrived: float, asked: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Count the movements that a successful call includes, each at its first call."""
        self.calls += 1
        outcome = answer.get("data", {}).get("inventorySetQuantities") or {"userErrors": [True]}
        if outcome["userErrors"]:
            self.stale += 1
            return
        for line in asked["variables"]["input"]["quantities"]:
            waiting = self.awaited[line["inventoryItemId"]]
            while waiting and waiting[0][0] >= line["quantity"]:
                self.seconds.append(arrived - waiting.popleft()[1])

    @property
    def missing(self) -> int:
        return sum(len(waiting) for waiting in self.awaited.values())


class Line(asyncio.Protocol):
    """One kept-alive connection to the hub; free again when its request is answered."""

    def __init__(self, warehouse: "Warehouse") -> None:
        self._warehouse = warehouse
        self._buffer = bytearray()
        self._asked = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of a stream it is one

    def ask(self, request: bytes) -> None:
        assert self.transport  # noqa: S101  # nobody asks before it is connected
        self._asked = request
        self.transport.write(request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Send once more what the hub had not answered when it ended an idle line, as all do."""
        del exc
        if self._asked:
            self._warehouse.send(self._asked)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(self._buffer) >= end + 4 + length:
            self._buffer.clear()
            self._asked = b""
            self._warehouse.answered(self, int(head[9:12]))


class Warehouse:
    """Reports a pick of one piece at each of its appointed times, on as many lines as needed."""

    def __init__(self, port: int, shop: Shop, opening: int) -> None:
        self._port = port
        self._shop = shop
        self._keys = [secret_key(WMS_SECRET)]
        self._free: list[Line] = []
        self._left = [opening] * len(shop.items)
        self._numbers = itertools.count(1)
        self._random = random.Random(7)
        self._sends: set[asyncio.Task[None]] = set()
        self.statuses: defaultdict[int, int] = defaultdict(int)

    async def report(self, rate: int, seconds: float) -> int:
        """Send on schedule; a wait of the hub delays nothing that is due after it."""
        count = int(rate * seconds)
        began = time.perf_counter()
        for number in range(count):
            due = began + number / rate
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            self.send(self._pick(due))
        return count

    def send(self, request: bytes) -> None:
        sending = asyncio.create_task(self._send(request))
        self._sends.add(sending)
        sending.add_done_callback(self._sends.discard)

    def answered(self, line: Line, status: int) -> None:
        self.statuses[status] += 1
        self._free.append(line)

    def _pick(self, due: float) -> bytes:
        article = self._random.randrange(len(self._left))
        self._left[article] -= 1
        self._shop.awaited[self._shop.items[article]].append((self._left[article], due))
        number, now = next(self._numbers), datetime.now(UTC)
        movement = {
            "type": "movement",
            "movement_id": f"{SITE}-{number}",
            "reason": "PICK",
            "location": SITE,
            "stream": SITE,
            "sequence": number,
            "occurred_at": now.isoformat(),
            "item": sku_of(article),
            "quantity": "1",
            "document": f"SO-{number // 4}",
        }
        body = json.dumps(movement).encode()
        headers = signed_headers(self._keys, f"{SITE}-{number}", now, body)
        lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        return (
            "POST /v1/webhooks/wms HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n"
            f"{lines}content-length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def _send(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        while self._free:
            line = self._free.pop()
            if line.transport and not line.transport.is_closing():  # the hub ends idle ones
                line.ask(request)
                return
        _, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self._port)
        line.ask(request)


async def measured(warehouse: Warehouse, shop: Shop, rate: int, seconds: float) -> dict[str, Any]:
    """Report for a while, wait until the shop has heard of all of it, and say how long it took."""
    shop.seconds, shop.calls, shop.stale = [], 0, 0
    warehouse.statuses.clear()
    cpu = time.process_time()
    count = await warehouse.report(rate, seconds)
    until = time.perf_counter() + LATE_SECONDS
    while shop.missing and time.perf_counter() < until:  # noqa: ASYNC110  # a deadline is simpler
        await asyncio.sleep(0.05)
    for waiting in shop.awaited.values():
        waiting.clear()
    waits = sorted(shop.seconds) or [LATE_SECONDS]
    taken = warehouse.statuses[200]
    return {
        "operations": count,
        "per_second": rate,
        "p50_ms": round(waits[len(waits) // 2] * 1000, 1),
        "p95_ms": round(waits[len(waits) * 95 // 100] * 1000, 1),
        "p99_ms": round(waits[len(waits) * 99 // 100] * 1000, 1),
        "max_ms": round(waits[-1] * 1000, 1),
        "lost": count - len(shop.seconds),
        "webhooks_refused": count - taken,
        "calls": shop.calls,
        "calls_stale": shop.stale,
        "ends_cpu_us": round((time.process_time() - cpu) / count * 1e6, 1),
        "waits_ms": [round(wait * 1000, 1) for wait in waits],
    }


async def main(skus: int, opening: int) -> None:
    shop = Shop(skus, opening)
    config = uvicorn.Config(
        shop,
        port=0,
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # it offers nothing to wait for
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "place": shop.place, "items": shop.items}), flush=True)
    warehouse: Warehouse | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        warehouse = warehouse or Warehouse(order["port"], shop, opening)
        print(
            json.dumps(await measured(warehouse, shop, order["rate"], order["seconds"])),
            flush=True,
        )
    server.should_exit = True
    await serving


def run(arguments: Sequence[str]) -> None:
    skus, opening = map(int, arguments)
    uvloop.run(main(skus, opening))


if __name__ == "__main__":
    run(sys.argv[1:])
