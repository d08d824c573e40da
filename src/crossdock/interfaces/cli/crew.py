"""Worker processes beside an API process: started, replaced when they die, ended with it."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import structlog

from crossdock.foundation.health import process_name

log = structlog.get_logger(__name__)

END_SECONDS_MAX = 20.0
RESTART_SECONDS_MIN, RESTART_SECONDS_MAX = 0.2, 10.0
LONG_LIFE_SECONDS = 60.0

Start = Callable[[], Awaitable[Process]]


async def start_worker() -> Process:
    # Not in our terminal's group: Ctrl-C is told to us, and the closed pipe tells them.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock", "worker", "--beside"),
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


@asynccontextmanager
async def crew(size: int, start: Start = start_worker) -> AsyncIterator[Mapping[str, str]]:
    """Keep `size` workers alive until the block ends; give their names by those of their signs."""
    names: dict[str, str] = {}
    keepers = [
        asyncio.create_task(_keep(f"worker-{number}", names, start))
        for number in range(1, size + 1)
    ]
    try:
        yield names
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def until_abandoned(told: asyncio.Event) -> None:
    """Set `told` when the process that started this one has ended, however it ended."""
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: _Lifeline(told), sys.stdin)


class _Lifeline(asyncio.Protocol):
    """The pipe from the process that started us: nothing comes through it but its end."""

    def __init__(self, told: asyncio.Event) -> None:
        self._told = told

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._told.set()


async def _keep(name: str, names: dict[str, str], start: Start) -> None:
    pause = RESTART_SECONDS_MIN
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            worker = await start()
        except OSError as error:  # no memory, or too many processes: that may pass
            log.warning("no worker process could be started", error=repr(error), seconds=pause)
        else:
            code = await _lived(worker, name, names)
            if loop.time() - began > LONG_LIFE_SECONDS:
                pause = RESTART_SECONDS_MIN
            log.warning("a worker process ended; another starts", code=code, seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, RESTART_SECONDS_MAX)


async def _lived(worker: Process, name: str, names: dict[str, str]) -> int:
    sign = process_name(worker.pid)
    names[sign] = name
    try:
        return await worker.wait()
    except asyncio.CancelledError:
        await _end(worker)
        raise
    finally:
        del names[sign]


async def _end(worker: Process) -> None:
    if worker.stdin:
        worker.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(worker.wait(), END_SECONDS_MAX)
    if worker.returncode is None:
        worker.kill()
        await worker.wait()
