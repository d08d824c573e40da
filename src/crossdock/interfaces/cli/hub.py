"""How a command gets its hub: settings from the environment, one event loop, a clean end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import uvloop
from pydantic import ValidationError

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.foundation import telemetry
from crossdock.foundation.settings import Settings

Answer = TypeVar("Answer")


def read_settings() -> Settings:
    """Read the settings; a value that cannot be used names its variable."""
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors()[0]
        name = f"CROSSDOCK_{'_'.join(map(str, problem['loc'])).upper()}"
        raise Invalid(
            f"{name}: {problem['msg']}", where=name, hint="docs/reference/settings.md lists them"
        ) from None


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def with_hub(work: Callable[[Hub], Awaitable[Answer]]) -> Answer:
    """Open the hub, without its workers, do one thing, close it."""

    async def opened() -> Answer:
        settings = read_settings()
        telemetry.configure(settings)
        async with Hub.open(settings) as hub:
            return await work(hub)

    return run(opened())
