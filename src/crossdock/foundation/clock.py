"""Time as an argument: the real clock, and one that tests and simulations turn by hand."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """`now` is aware UTC; `ticks` is monotonic seconds, for durations; `sleep` waits on it."""

    def now(self) -> datetime: ...

    def ticks(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def ticks(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """Stands still until `advance`; sleepers whose time has come then wake in order."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def ticks(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, wake))
        await wake

    async def advance(self, step: timedelta) -> None:
        """Move time on; give every sleeper that is due a turn, in order of its due time."""
        target = self._elapsed + step.total_seconds()
        while due := [entry for entry in self._sleepers if entry[0] <= target]:
            next_at, wake = min(due, key=lambda entry: entry[0])
            self._sleepers.remove((next_at, wake))
            self._turn_to(max(next_at, self._elapsed))
            if not wake.done():
                wake.set_result(None)
            await asyncio.sleep(0)
        self._turn_to(target)

    def _turn_to(self, elapsed: float) -> None:
        self._now += timedelta(seconds=elapsed - self._elapsed)
        self._elapsed = elapsed
