"""`crossdock serve` keeps its workers alive, and they do not outlive it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation.clock import SystemClock
from crossdock.interfaces.cli.crew import crew

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def served(
    folder: Path, *options: str, said: dict[str, str] | None = None
) -> AsyncIterator[psutil.Process]:
    environment = {
        **os.environ,  # noqa: TID251  # a child needs a PATH
        "CROSSDOCK_DATA_DIR": str(folder),
        "CROSSDOCK_PORT": "0",
        "CROSSDOCK_LOG_LEVEL": "ERROR",
    }
    command = (sys.executable, "-m", "crossdock", "serve", "--json", *options)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        assert told["address"].startswith("http://127.0.0.1:")
        if said is not None:
            said.update(told)
        yield psutil.Process(process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)


def workers(of: psutil.Process) -> list[psutil.Process]:
    return [child for child in of.children() if "worker" in child.cmdline()]


async def until_there_are(count: int, of: psutil.Process) -> list[psutil.Process]:
    async with asyncio.timeout(30):
        while len(found := workers(of)) != count:
            await asyncio.sleep(0.05)
    return found


async def gone(process: psutil.Process) -> None:
    async with asyncio.timeout(30):
        with suppress(psutil.NoSuchProcess):  # gone between two looks
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.05)


async def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        [first] = await until_there_are(1, server)

        first.kill()
        await gone(first)

        [second] = await until_there_are(1, server)
        assert second.pid != first.pid
    await gone(second)


async def test_a_worker_that_cannot_be_started_is_tried_again() -> None:
    troubles = [BlockingIOError("too many processes"), OSError("cannot allocate memory")]

    async def start() -> Process:
        if troubles:
            raise troubles.pop()
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "input()"), stdin=asyncio.subprocess.PIPE
        )

    async with crew(1, start) as names, asyncio.timeout(30):
        while list(names.values()) != ["worker-1"]:
            await asyncio.sleep(0.05)
    assert not troubles


async def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    async with served(tmp_path, "--workers", "2") as server:
        both = await until_there_are(2, server)
        # Whatever stage they are in: one may still be opening the database.
        server.kill()
        for worker in both:
            await gone(worker)
    await _stop_database(tmp_path)


async def test_a_server_without_workers_leaves_the_work_to_others(tmp_path: Path) -> None:
    async with served(tmp_path, "--workers", "0") as server:
        await asyncio.sleep(1)
        assert workers(server) == []


async def test_the_figures_of_workers_are_shown_with_those_of_their_server(
    tmp_path: Path,
) -> None:
    said: dict[str, str] = {}
    async with served(tmp_path, said=said):
        client = HttpClient(said["address"], clock=SystemClock(), allow_private_addresses=True)
        async with client as api, asyncio.timeout(60):
            headers = {"authorization": f"Bearer {said['owner_key']}"}
            while (
                b'process="worker-1"'
                not in (await api.request("GET", "/metrics", headers=headers)).body
            ):
                await asyncio.sleep(0.2)


async def _stop_database(folder: Path) -> None:
    """Stop the server that a killed hub has left, by the pid that it wrote down."""
    file = folder / "postgres" / "postmaster.pid"
    if not file.exists():
        return
    with suppress(psutil.NoSuchProcess):
        left = psutil.Process(int(file.read_text().split()[0]))
        if str(folder) in " ".join(left.cmdline()):
            left.send_signal(signal.SIGINT)
            await gone(left)


class Caller(asyncio.Protocol):
    """Asks over a bare connection, and counts the pieces in which the answer comes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_answered = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")  # type: ignore[attr-defined]  # a stream's transport writes

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_answered.set()


async def test_an_answer_comes_in_one_piece(tmp_path: Path) -> None:
    said: dict[str, str] = {}
    async with served(tmp_path, "--workers", "0", said=said):
        port = int(said["address"].rpartition(":")[2])
        for _ in range(20):
            _, caller = await asyncio.get_running_loop().create_connection(
                Caller, "127.0.0.1", port
            )
            async with asyncio.timeout(10):
                await caller.is_answered.wait()
            assert len(caller.pieces) == 1
            assert caller.pieces[0].startswith(b"HTTP/1.1 200")
