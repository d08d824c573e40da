"""Processes killed around their calls: every command takes effect once, or somebody is asked."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

from crossdock.connectivity.courier import Courier
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.outbox import Outbox, Wanted
from crossdock.connectivity.sdk import HeldQuantity, RepeatSafety, SetAvailability
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from tests.simulation.outbox_process import surroundings
from tests.unit.connectivity.standins import MAIN, WORKERS, command

ROOT = Path(__file__).parents[2]


class Moment(StrEnum):
    BEFORE_THE_EFFECT = "before"
    AFTER_THE_EFFECT = "after"
    AFTER_THE_ANSWER = "answered"


class Target:
    """A shop over HTTP that counts effects, and kills who calls it at the chosen moment."""

    def __init__(self, safety: RepeatSafety) -> None:
        self.safety = safety
        self.levels: dict[tuple[str, str], Decimal] = {}
        self.effects: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.victim: asyncio.subprocess.Process | None = None
        self.moments: list[Moment] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                length = next(
                    int(line.split(":")[1]) for line in lines if line.startswith("content-length")
                )
                body = await reader.readexactly(length)
                answer = self.held(body) if "/held" in lines[0] else self.set(body)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer))
                writer.write(answer)
                await writer.drain()
                if "/set" in lines[0]:
                    self.kill_at(Moment.AFTER_THE_ANSWER)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def set(self, body: bytes) -> bytes:
        wanted = msgspec.json.decode(body, type=SetAvailability)
        self.kill_at(Moment.BEFORE_THE_EFFECT)
        if self.safety is RepeatSafety.NATIVE_KEY and wanted.idempotency_key in self.keys:
            return b"DONE"
        shelf = (wanted.item, wanted.location)
        if (
            self.safety is RepeatSafety.COMPARE_AND_SET
            and self.levels.get(shelf) != wanted.expected
        ):
            return b"STALE"
        self.levels[shelf] = wanted.quantity
        self.keys.add(wanted.idempotency_key)
        self.effects[wanted.command_id] += 1
        self.kill_at(Moment.AFTER_THE_EFFECT)
        return b"DONE"

    def held(self, body: bytes) -> bytes:
        shelves = msgspec.json.decode(body, type=list[tuple[str, str]])
        return msgspec.json.encode(
            [
                HeldQuantity(item=item, location=place, quantity=self.levels.get((item, place)))
                for item, place in shelves
            ]
        )

    def kill_at(self, moment: Moment) -> None:
        """Kill the caller without warning; a killed caller's request still takes its effect."""
        if self.victim and self.moments and self.moments[0] is moment:
            self.moments.pop(0)
            os.kill(self.victim.pid, signal.SIGKILL)
            self.victim = None


@pytest.fixture(params=[RepeatSafety.NATIVE_KEY, RepeatSafety.COMPARE_AND_SET, RepeatSafety.NONE])
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    counting = Target(request.param)
    server = await asyncio.start_server(counting.serve, "127.0.0.1", 0)
    counting.port = server.sockets[0].getsockname()[1]
    yield counting
    server.close()


async def killed(target: Target, dsn: str, worker: str) -> None:
    """Run a hub process until the target kills it."""
    target.victim = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.simulation.outbox_process",
        dsn,
        target.safety.value,
        worker,
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(30):
        assert await target.victim.wait() == -signal.SIGKILL


async def test_a_killed_process_never_doubles_an_effect_and_loses_none(
    target: Target, database: Database, dsn: str
) -> None:
    clock = VirtualClock(SystemClock().now())
    around = surroundings(database, clock, target.safety, "survivor")
    settings = {"address": f"http://127.0.0.1:{target.port}", "safety": target.safety.value}
    await around.directory.add(
        MAIN, Entry(tenant="main", name="shop", application="http_shop", settings=settings)
    )
    outbox = Outbox(database, clock)
    names = [f"c{number}" for number in range(12)]
    async with database.transaction(WORKERS) as tx:
        await outbox.enqueue(tx, [command(name, item=f"sku-{name}") for name in names])

    target.moments = list(Moment)
    for number in range(len(Moment)):
        await killed(target, dsn, f"victim {number}")
    assert not target.moments

    survivor = Courier(around, await around.directory.get(MAIN, "shop"))
    for _ in range(40):
        await clock.advance(timedelta(seconds=10))
        await survivor.step()
    await survivor.close()

    commands = await outbox.find(
        MAIN, Wanted(states=("DONE", "PARKED", "DEAD", "STALE", "PENDING", "IN_FLIGHT"))
    )
    states = {each.command_id: each.state for each in commands}
    assert all(count == 1 for count in target.effects.values())
    if target.safety is RepeatSafety.NONE:
        # Some calls were cut off; nobody can know, so nobody sent them again.
        assert 2 <= list(states.values()).count("PARKED") <= 9
        assert all(target.effects[name] for name, state in states.items() if state == "DONE")
    else:
        assert states == dict.fromkeys(names, "DONE")
        assert target.effects == Counter(names)
