"""Wake-ups from elsewhere are heard again after whatever happened to the connection."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from crossdock.foundation.bells import CHANNEL, Bells


class Line:
    """Stands in for a connection that listens; `trouble` is met when it begins to."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.hear: Callable[..., None] | None = None
        self.on_lost: Callable[[Any], None] | None = None

    def add_termination_listener(self, on_lost: Callable[[Any], None]) -> None:
        self.on_lost = on_lost

    async def add_listener(self, channel: str, hear: Callable[..., None]) -> None:
        if self.trouble:
            raise self.trouble
        assert channel == CHANNEL
        self.hear = hear

    async def close(self, **_: Any) -> None:
        if self.trouble:
            raise self.trouble


@pytest.mark.parametrize(
    "trouble",
    [
        asyncpg.InternalClientError("got result for unknown protocol state"),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionResetError(),
        RuntimeError("nobody thought of this"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_a_listener_listens_again_whatever_it_met(trouble: Exception) -> None:
    broken, sound = Line(trouble), Line()
    lines = [broken, sound]

    async def connect(_dsn: str) -> Line:
        return lines.pop(0)

    bells = Bells("postgresql://nowhere", connect)
    bell = bells.bell("topic")

    async with asyncio.timeout(5):
        while sound.hear is None:
            await asyncio.sleep(0.01)
    bell.was_rung()  # what may have been missed meanwhile rings all bells
    sound.hear(sound, 1, CHANNEL, "topic:main")

    assert bell.was_rung()
    await bells.close()


async def test_a_sender_that_met_trouble_speaks_again_for_the_next_wake() -> None:
    class Voice(Line):
        def __init__(self, trouble: Exception | None = None) -> None:
            super().__init__(trouble)
            self.said: list[str] = []

        def is_closed(self) -> bool:
            return self.trouble is not None

        async def execute(self, _sql: str, _channel: str, topics: list[str], **_: Any) -> None:
            if self.trouble:
                raise self.trouble
            self.said += topics

    broken, sound = Voice(asyncpg.InternalClientError("broken in use")), Voice()
    voices = [broken, sound]

    async def connect(_dsn: str) -> Voice:
        return voices.pop(0)

    bells = Bells("postgresql://nowhere", connect)
    bells.wake({"first"})
    async with asyncio.timeout(5):
        while broken in voices:
            await asyncio.sleep(0.01)
    bells.wake({"second"})
    await bells.close()

    assert sound.said == ["second"]


class Crier:
    """Stands in for the connection that tells the others; keeps what it told."""

    def __init__(self) -> None:
        self.said: list[list[str]] = []

    def is_closed(self) -> bool:
        return False

    async def execute(self, _sql: str, _channel: str, topics: list[str], **_: Any) -> None:
        self.said.append(topics)

    async def close(self, **_: Any) -> None:
        pass


async def test_many_nudges_are_told_as_two_the_first_and_what_came_after_it() -> None:
    crier = Crier()

    async def connect(_dsn: str) -> Crier:
        return crier

    bells = Bells("postgresql://nowhere", connect)
    for _ in range(100):
        bells.nudge("work")
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while len(crier.said) < 2:
            await asyncio.sleep(0.01)
    await bells.close()

    assert crier.said == [["work"], ["work"]]


async def test_a_nudge_that_waits_is_told_before_the_bells_are_silent() -> None:
    crier = Crier()

    async def connect(_dsn: str) -> Crier:
        return crier

    bells = Bells("postgresql://nowhere", connect)
    bells.nudge("work")
    async with asyncio.timeout(5):
        while not crier.said:
            await asyncio.sleep(0)
    bells.nudge("work")
    await bells.close()

    assert crier.said == [["work"], ["work"]]
