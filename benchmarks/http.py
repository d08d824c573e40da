"""Reservations over HTTP, one at a time from 64 clients, against a bare echo in the same run.

The echo is Starlette and msgspec on uvicorn: it decodes the very same request by the very same
type, encodes it again and knows nothing. Ours proves the key, promises the stock durably and
answers with the promise. Each side has a server process of its own, and the load comes from a
third, so that neither side is served by the one that measures it.

    python -m benchmarks.http [--quick]
"""

# ruff: noqa: A005 - "benchmarks.http" is what it measures
import asyncio
import itertools
import json
import random
import select
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.children import Child, served, started
from benchmarks.report import (
    Figures,
    Goal,
    Report,
    interleaved,
    machine,
    median_of,
    median_ratio,
    postmaster_of,
    tree_cpu_seconds,
)
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import Quantity
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import SettingsAlone
from crossdock.interfaces.api.stock_shapes import AskedReservation

CLIENTS = 64
SKUS = 10_000
SEED = 7
RATIO_GOAL = 0.4
BYTES_MAX = 64 * 1024
ANSWER_SECONDS_MAX = 30.0
# Promises that the log has not heard of yet, in batches.
UNTOLD = "select count(*) from inventory_announcement"


class Load:
    """Sixty-four clients that ask for pieces of random articles, each request a new one.

    Each sends its next request when the last is answered. They are bare sockets under one poll:
    whatever the load costs, it takes from a server that shares the machine with it.
    """

    def __init__(self, port: int, key: str, seconds: float, run: str) -> None:
        self._port = port
        self._seconds = seconds
        self._run = run
        self._head = (
            "POST /v1/reservations HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {key}\r\ncontent-length: "
        ).encode()
        self._numbers = itertools.count()
        self._random = random.Random(SEED)
        self._waits: list[float] = []
        self._statuses: Counter[int] = Counter()

    def measured(self) -> Figures:
        with ExitStack() as stack:
            poll = stack.enter_context(select.epoll())
            clients = [
                stack.enter_context(socket.create_connection(("127.0.0.1", self._port)))
                for _ in range(CLIENTS)
            ]
            for client in clients:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                poll.register(client, select.EPOLLIN)
            seconds = self._loaded(poll, {client.fileno(): client for client in clients})
        waits = sorted(self._waits)
        return {
            "operations": len(waits),
            "seconds": round(seconds, 3),
            "per_second": round(len(waits) / seconds, 1),
            "p50_ms": round(waits[len(waits) // 2] * 1000, 2),
            "p99_ms": round(waits[len(waits) * 99 // 100] * 1000, 2),
            "not_granted": sum(n for code, n in self._statuses.items() if code not in {200, 201}),
        }

    def _loaded(self, poll: select.epoll, clients: Mapping[int, socket.socket]) -> float:
        """Ask until the time is over and the last is answered; say how long that took."""
        arrived = dict.fromkeys(clients, b"")
        started = time.perf_counter()
        until = started + self._seconds
        sent_at = dict.fromkeys(clients, started)
        for client in clients.values():
            client.sendall(self._next_request())
        asking = len(clients)
        while asking:
            for number, _ in poll.poll(ANSWER_SECONDS_MAX) or _nobody_answers():
                piece = clients[number].recv(BYTES_MAX)
                if not piece:
                    raise ConnectionError("the server closed a connection before it had answered")
                answer = arrived[number] + piece
                if not _is_whole(answer):
                    arrived[number] = answer
                    continue
                now = time.perf_counter()
                self._waits.append(now - sent_at[number])
                self._statuses[int(answer[9:12])] += 1
                arrived[number] = b""
                if now >= until:
                    poll.unregister(number)
                    asking -= 1
                    continue
                sent_at[number] = now
                clients[number].sendall(self._next_request())
        return time.perf_counter() - started

    def _next_request(self) -> bytes:
        number = next(self._numbers)
        sku = self._random.randrange(SKUS)
        body = (
            b'{"request_id":"%b-%d","lines":[{"item":"SKU-%05d","location":"DC",'
            b'"quantity":{"value":"1","unit":"EA"}}]}' % (self._run.encode(), number, sku)
        )
        return self._head + b"%d\r\n\r\n" % len(body) + body


def _is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)


def _nobody_answers() -> NoReturn:
    raise TimeoutError(f"no answer for {ANSWER_SECONDS_MAX:g} s")


async def echo(request: Request) -> Response:
    asked = msgspec.json.decode(await request.body(), type=AskedReservation)
    return Response(msgspec.json.encode(asked), media_type="application/json")


async def serve_echo() -> None:
    app = Starlette(routes=[Route("/v1/reservations", echo, methods=["POST"])])
    config = uvicorn.Config(
        app, port=0, loop="uvloop", http="httptools", log_level="warning", access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it offers nothing to wait for
        await asyncio.sleep(0.01)
    print(json.dumps({"port": server.servers[0].sockets[0].getsockname()[1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


async def _fill(hub: Hub) -> None:
    """Make ten thousand articles known, with more of each than the run can promise."""
    now = hub.clock.now()
    skus = [f"SKU-{number:05d}" for number in range(SKUS)]
    facts = [
        Fact(identity=f"item:{sku}", payload=ItemChanged(sku=sku), occurred_at=now) for sku in skus
    ]
    facts.append(Fact(identity="dc", payload=LocationChanged(code="DC"), occurred_at=now))
    for start in range(0, len(facts), 1000):
        await hub.inbox.record(hub.scope, "erp", facts[start : start + 1000], b"")
    await hub.settle()
    for start in range(0, SKUS, 1000):
        counted = tuple(
            CountedStock(item=sku, quantity=Quantity.of(1_000_000))
            for sku in skus[start : start + 1000]
        )
        payload = StockSnapshotTaken(snapshot_id=f"S{start}", location="DC", lines=counted)
        fact = Fact(identity=f"snapshot:{start}", payload=payload, occurred_at=now)
        await hub.inbox.record(hub.scope, "wms", [fact], b"")
    await hub.settle()


class Side:
    """Loads one server for a while, and says what a request cost on both ends."""

    def __init__(
        self, server: Child, port: int, seconds: float, *, name: str = "echo", key: str = "none"
    ) -> None:
        self._server = server
        self._port = port
        self._seconds = seconds
        self._name = name
        self._key = key
        self._runs = itertools.count()

    async def measured(self) -> Figures:
        before = self._server.cpu_seconds()
        run = f"{self._name}-{next(self._runs)}"
        arguments = (str(self._port), self._key, str(self._seconds), run)
        async with started("benchmarks.http", "load", *arguments) as load:
            figures: dict[str, float | int | str] = await load.hear()
        cpu = self._server.cpu_seconds() - before
        return {**figures, "cpu_us": round(cpu / int(figures["operations"]) * 1e6, 1)}


class Ours:
    """The hub's side, with its database, and how far behind its log is after a round."""

    def __init__(self, side: Side, hub: Hub, data_dir: Path) -> None:
        self._side = side
        self._hub = hub
        self._postmaster = postmaster_of(data_dir)

    async def measured(self) -> Figures:
        before = tree_cpu_seconds(self._postmaster)
        figures = await self._side.measured()
        ended, cpu = time.perf_counter(), tree_cpu_seconds(self._postmaster) - before
        untold = behind = await self._untold()
        while behind:
            await asyncio.sleep(0.05)
            behind = await self._untold()
        hub_us = float(figures["cpu_us"])
        database_us = round(cpu / int(figures["operations"]) * 1e6, 1)
        return {
            **figures,
            "cpu_us": round(hub_us + database_us, 1),
            "hub_cpu_us": hub_us,
            "database_cpu_us": database_us,
            "untold_batches": untold,
            "seconds_until_told": round(time.perf_counter() - ended, 2) if untold else 0.0,
        }

    async def _untold(self) -> int:
        async with self._hub.database.transaction(Scope.of_workers()) as tx:
            return int(await tx.fetchval(UNTOLD))


async def run(rounds: int = 5, *, quick: bool = False) -> Report:
    """Measure both sides in turn; quick rounds are short and prove nothing but that it runs.

    A machine that is shared changes within seconds, so each of `rounds` is made of two short ones.
    Before them a hub at work has met every article.
    """
    seconds, times, warm_ups = (2.0, 1, 1) if quick else (4.0, 2, 4)
    with tempfile.TemporaryDirectory(prefix="crossdock-http-") as name:
        folder = Path(name)
        async with (
            Hub.open(SettingsAlone(data_dir=folder)) as hub,
            started("benchmarks.http", "echo") as theirs,
        ):
            await _fill(hub)
            port = (await theirs.hear())["port"]
            async with served(folder) as (server, our_port, key):
                sides = {
                    "reservations": Ours(
                        Side(server, our_port, seconds, name="hub", key=key), hub, folder
                    ).measured,
                    "echo": Side(theirs, port, seconds).measured,
                }
                for warm_up in [*sides.values()] * warm_ups:
                    await warm_up()
                figures = await interleaved(sides, times * rounds)
    return _report(figures)


def _report(figures: Sequence[Figures]) -> Report:
    refused = sum(int(one["not_granted"]) for one in figures)
    return Report(
        bench="http",
        goals=[
            Goal(
                "reservations over HTTP, one at a time, against a bare echo",
                median_ratio(figures, "reservations", "echo", "per_second"),
                "ratio",
                f">= {RATIO_GOAL}",
            ),
            Goal("requests not granted", float(refused), "requests", "== 0"),
        ],
        rounds=list(figures),
        machine=machine(
            clients=CLIENTS,
            skus=SKUS,
            reservations_per_second=median_of(figures, "reservations", "per_second"),
        ),
    )


def main(arguments: Sequence[str]) -> None:
    match list(arguments):
        case ["echo"]:
            uvloop.run(serve_echo())
        case ["load", port, key, seconds, run_name]:
            load = Load(int(port), key, float(seconds), run_name)
            print(json.dumps(load.measured()))
        case options:
            report = asyncio.run(run(quick="--quick" in options))
            print(report.as_json() if "--json" in options else report.as_text())


if __name__ == "__main__":
    main(sys.argv[1:])
