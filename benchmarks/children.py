"""Processes that a benchmark starts, talks to in lines of JSON, and ends."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.report import tree_cpu_seconds
from crossdock.foundation.settings import PREFIX

ROOT = Path(__file__).parent.parent


def surroundings(**added: str) -> dict[str, str]:
    """Give our environment for a child, with these, but without the settings of another hub.

    Nor with `PG…`, which asyncpg hears: `PGOPTIONS` would change what is measured.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith((PREFIX, "PG"))
    }
    return {**kept, **added}


class Child:
    """A process that is told things in lines of JSON, and tells things so."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hear(self, seconds: float = 300) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101  # it was started with one
        line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        if not line:
            raise RuntimeError("a process of the benchmark has ended too soon")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def tell(self, order: Mapping[str, Any]) -> None:
        assert self._process.stdin  # noqa: S101  # it was started with one
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    def cpu_seconds(self) -> float:
        """Sum its own CPU and that of the processes it has started."""
        return tree_cpu_seconds(self._process.pid)

    async def stop(self) -> None:
        """Let it end by itself, as most do when their standard input ends; else tell it to."""
        if self._process.stdin:
            self._process.stdin.close()
        for seconds, number in ((1, signal.SIGINT), (20, signal.SIGKILL)):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), seconds)
            if self._process.returncode is not None:
                return
            self._process.send_signal(number)
        await self._process.wait()


@asynccontextmanager
async def started(*arguments: str, **environment: str) -> AsyncIterator[Child]:
    """Run `python -m` with these arguments until the block ends."""
    child = Child(
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=16 * 1024 * 1024,
            cwd=ROOT,
            env=surroundings(**environment),
        )
    )
    try:
        yield child
    finally:
        await child.stop()


@asynccontextmanager
async def served(
    data_dir: Path, *, workers: int = 1, **environment: str
) -> AsyncIterator[tuple[Child, int, str]]:
    """Run `crossdock serve` as anybody does; give it, its port, and its key if it is new."""
    settings = {
        "CROSSDOCK_DATA_DIR": str(data_dir),
        "CROSSDOCK_PORT": "0",
        "CROSSDOCK_LOG_LEVEL": "WARNING",
        **environment,
    }
    words = ("serve", "--json", "--workers", str(workers))
    async with started("crossdock", *words, **settings) as server:
        said = await server.hear()
        yield server, int(said["address"].rpartition(":")[2]), said["owner_key"] or ""
