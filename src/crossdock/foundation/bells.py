"""Wake-ups within and between processes: after a commit, those who wait for it look again.

A wake-up is a hint and never the only way: whoever waits looks by itself now and then. So it is
sent after the commit and not in it, where PostgreSQL would let committing transactions with
notifications through one at a time, each with its flush to disk. Waiters in this process are
rung directly; other processes hear one notification for all the topics of a few milliseconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import asyncpg
import structlog

from crossdock.foundation.clock import Clock

CHANNEL = "crossdock_wake"
GATHER_SECONDS = 0.01
NUDGE_SECONDS = 0.05
SEND_SECONDS_MAX = 5.0
LISTEN_AGAIN_SECONDS = 0.2
TROUBLE_SECONDS = 1.0

NOTIFY = "select pg_notify($1, topic) from unnest($2::text[]) topic"
GONE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = structlog.get_logger(__name__)


Connect = Callable[[str], Awaitable[Any]]


class Bell:
    """`wait` returns when a topic was woken since the last wait, or after `seconds`."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, seconds: float) -> bool:
        """Say whether it was rung."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        return self.was_rung()

    async def wait_by(self, clock: Clock, seconds: float) -> None:
        """Wait for the bell, or until so much time has passed by a clock that may be virtual."""
        waits = {
            asyncio.create_task(self._event.wait()),
            asyncio.create_task(clock.sleep(seconds)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._event.clear()

    def was_rung(self) -> bool:
        """Say, without waiting, whether it was rung since somebody last asked."""
        was_rung = self._event.is_set()
        self._event.clear()
        return was_rung


class Bells:
    """The bells of one process. Waking `a:b` wakes those who wait for `a` too."""

    def __init__(self, dsn: str, connect: Connect = asyncpg.connect) -> None:
        self._dsn = dsn
        self._connect = connect
        # One event for each bell: a shared one would be cleared by whoever wakes first.
        self._waiting: dict[str, WeakSet[asyncio.Event]] = {}
        self._untold: set[str] = set()
        self._nudged: dict[str, bool] = {}  # lately; and whether again since
        self._voice: Any = None
        self._listener: asyncio.Task[None] | None = None
        self._crier: asyncio.Task[None] | None = None

    def bell(self, *topics: str) -> Bell:
        """Wait for any of the topics to be woken, from whichever process."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="crossdock wake listener")
        event = asyncio.Event()
        for topic in topics:
            self._waiting.setdefault(topic, WeakSet()).add(event)
        return Bell(event)

    def wake(self, topics: Iterable[str]) -> None:
        """Ring for what has just been committed, here at once and elsewhere soon."""
        fresh = set(topics)
        for topic in fresh:
            self._ring(topic)
        self._untold |= fresh
        if self._untold and (self._crier is None or self._crier.done()):
            self._crier = asyncio.create_task(self._cry(), name="crossdock wake sender")

    def nudge(self, topic: str) -> None:
        """Ring for work that may gather: at once after a silence, else soon and once for many.

        A wake-up costs both ends more than much of the work that it tells of.
        """
        if topic in self._nudged:
            self._nudged[topic] = True
            return
        self._nudged[topic] = False
        self.wake({topic})
        asyncio.get_running_loop().call_later(NUDGE_SECONDS, self._nudge_again, topic)

    def _nudge_again(self, topic: str) -> None:
        if self._nudged.pop(topic, False):
            self.nudge(topic)

    async def close(self) -> None:
        """Tell what is untold, then be silent."""
        self.wake([topic for topic, is_due in self._nudged.items() if is_due])
        self._nudged.clear()
        if self._crier:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._crier, SEND_SECONDS_MAX)
        if self._listener:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        if self._voice:
            with suppress(*GONE, TimeoutError):
                await self._voice.close(timeout=1)

    async def _cry(self) -> None:
        while self._untold:
            topics, self._untold = sorted(self._untold), set()
            with suppress(*GONE):
                if self._voice is None or self._voice.is_closed():
                    self._voice = await self._connect(self._dsn)
                await self._voice.execute(NOTIFY, CHANNEL, topics, timeout=SEND_SECONDS_MAX)
            await asyncio.sleep(GATHER_SECONDS)

    async def _listen(self) -> None:
        """Keep one connection on LISTEN; after a loss ring every bell, as wakes may be missed."""
        while True:
            try:
                with suppress(*GONE):
                    await self._listen_once()
            except Exception:
                # Whatever it was: who does not listen would be late for ever, and never say so.
                log.exception("wake listener failed, it begins again")
                await asyncio.sleep(TROUBLE_SECONDS)
            self._ring_all()
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)

    async def _listen_once(self) -> None:
        connection = await self._connect(self._dsn)
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(_setter(lost))
            await connection.add_listener(CHANNEL, self._hear)
            self._ring_all()
            await lost.wait()
        finally:
            await connection.close(timeout=1)

    def _hear(self, _connection: Any, pid: int, _channel: str, topic: str) -> None:
        is_own = self._voice is not None and pid == self._voice.get_server_pid()
        if not is_own:  # our own waiters were rung when it was committed
            self._ring(topic)

    def _ring(self, topic: str) -> None:
        for name in {topic, topic.partition(":")[0]}:
            for event in self._waiting.get(name, ()):
                event.set()

    def _ring_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()


def _setter(event: asyncio.Event) -> Callable[[Any], None]:
    def on_lost(_connection: Any) -> None:
        event.set()

    return on_lost
