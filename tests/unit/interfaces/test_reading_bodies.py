"""A body is read in time, or given up with the reason."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.interfaces.api.bodies import read_body

HEADERS: Mapping[bytes, bytes] = {b"content-length": b"8"}


class Caller:
    """Sends the first part at once and the rest when it is let."""

    def __init__(self) -> None:
        self._parts = [{"type": "http.request", "body": b"half", "more_body": True}]
        self.may_go_on = asyncio.Event()
        self.is_heard = asyncio.Event()

    async def receive(self) -> Any:
        if self._parts:
            return self._parts.pop()
        self.is_heard.set()
        await self.may_go_on.wait()
        return {"type": "http.request", "body": b"half"}


async def test_a_body_in_two_parts_is_read_whole() -> None:
    caller = Caller()
    caller.may_go_on.set()

    assert await read_body(caller.receive, HEADERS, 100) == b"halfhalf"


async def test_a_body_that_does_not_come_is_given_up_and_the_task_goes_on() -> None:
    with pytest.raises(Invalid) as refused:
        await read_body(Caller().receive, HEADERS, 100, seconds=0.01)

    assert refused.value.code == "body_too_slow"
    await asyncio.sleep(0)  # would end here, were it still being cancelled
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0


async def test_a_reader_that_is_cancelled_by_others_ends_as_cancelled() -> None:
    caller = Caller()
    reading = asyncio.create_task(read_body(caller.receive, HEADERS, 100))
    await caller.is_heard.wait()
    reading.cancel("the server closes")

    with pytest.raises(asyncio.CancelledError):
        await reading
