"""How a command gets its hub: settings from the environment, one event loop, a clean end."""

import asyncio
import gc
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog
import uvloop
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid, Unavailable
from crossdock.foundation import telemetry
from crossdock.foundation.settings import Settings, unknown_variables

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)

GC_ALLOCATIONS = 50_000
EXIT_TERMINATED = 128 + signal.SIGTERM


class _TerminatedError(Exception):
    """Somebody has told the command to end."""


def read_settings() -> Settings:
    """Read the settings; a value that cannot be used names its variable."""
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors()[0]
        name = f"CROSSDOCK_{'_'.join(map(str, problem['loc'])).upper()}"
        reason = problem["msg"].removeprefix("Value error, ")
        raise Invalid(
            f"{name}: {reason}", where=name, hint="docs/reference/settings.md lists them"
        ) from None


def warn_of_unknown_settings() -> None:
    """Say at the start which variables look like settings and are none."""
    for name, near in unknown_variables().items():
        hint = f"did you mean {near}?" if near else "docs/reference/settings.md lists the settings"
        log.warning("unknown setting ignored", variable=name, hint=hint)


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    # What is loaded stays for good, and events make much that is not garbage: a collector that
    # looks through both after every 700 allocations took half of the time to read the log.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 20, 50)
    # Signals are heard by the main thread alone.
    is_main = threading.current_thread() is threading.main_thread()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_until_terminated(work) if is_main else work)
        except _TerminatedError:
            raise SystemExit(EXIT_TERMINATED) from None
        except DBAPIError as error:
            if error.statement is not None:
                raise
            raise Unavailable(
                f"the database does not let us in: {error.orig}",
                code="database_unreachable",
                hint="check the login and the database in CROSSDOCK_DSN",
            ) from None


async def _until_terminated(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Let SIGTERM end it as Ctrl-C does: what it has started, a database say, ends with it."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    told: list[int] = []

    def tell() -> None:
        if task and not told:  # told twice, it goes on ending
            told.append(signal.SIGTERM)
            task.cancel()

    loop.add_signal_handler(signal.SIGTERM, tell)
    try:
        return await work
    except asyncio.CancelledError:
        if told:
            raise _TerminatedError from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def with_hub(work: Callable[[Hub], Awaitable[Answer]]) -> Answer:
    """Open the hub, without its workers, do one thing, close it."""

    async def opened() -> Answer:
        settings = read_settings()
        telemetry.configure(settings)
        async with Hub.open(settings) as hub:
            return await work(hub)

    return run(opened())
