"""Processes of a hub that a test starts, kills and ends."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from crossdock.foundation.settings import Settings

ROOT = Path(__file__).parents[1]


@dataclass
class Hubs:
    """Processes of one hub on one data directory, and the port the API always has."""

    folder: Path
    port: int
    processes: list[asyncio.subprocess.Process] = field(
        default_factory=list[asyncio.subprocess.Process]
    )

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder, allow_private_addresses=True, log_level="ERROR")

    async def start(self, command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "crossdock", command),
                cwd=ROOT,
                env={
                    **os.environ,  # noqa: TID251  # a child needs a PATH
                    "CROSSDOCK_DATA_DIR": str(self.folder),
                    "CROSSDOCK_PORT": str(self.port),
                    "CROSSDOCK_ALLOW_PRIVATE_ADDRESSES": "true",
                    "CROSSDOCK_LOG_LEVEL": "WARNING",
                },
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)

    async def kill(self, *, with_database: bool) -> None:
        """Pull the plug: of the whole machine, or of the processes that somebody started."""
        if with_database and (pid := self.postmaster()):
            os.kill(pid, signal.SIGKILL)
            for process in self.processes:
                with suppress(psutil.Error):
                    for worker in psutil.Process(process.pid).children():
                        worker.kill()
        await self.end(signal.SIGKILL)

    async def end(self, by: signal.Signals) -> list[int]:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(by)
        ended = [await process.wait() for process in self.processes]
        self.processes.clear()
        return ended

    def postmaster(self) -> int | None:
        file = self.folder / "postgres" / "postmaster.pid"
        if not file.exists():
            return None
        pid = int(file.read_text().split()[0])
        with suppress(psutil.Error):
            if str(self.folder) in " ".join(psutil.Process(pid).cmdline()):
                return pid
        return None


@contextmanager
def hubs_in(folder: Path) -> Iterator[Hubs]:
    """Give a hub in this folder that has a free port; at the end nothing of it is left running."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Hubs(folder, probe.getsockname()[1])
    try:
        yield made
    finally:
        for process in made.processes:
            with suppress(ProcessLookupError):
                process.kill()
        if pid := made.postmaster():
            os.kill(pid, signal.SIGINT)
