"""Collects requests that come at the same time, so that one statement decides them all (D3).

Nothing waits while the database is idle: a request starts a batch at once. While batches are in
flight the next one gathers, and so grows with the load by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

import asyncpg

from crossdock.foundation.database import OUTAGES

# Nobody's request is at fault, and to split the batch would not help. Whoever lost against
# another transaction is no such case: in smaller parts it gets through.
_AWAY = tuple(kind for kind in OUTAGES if kind is not asyncpg.TransactionRollbackError)

Key = TypeVar("Key")
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Batcher(Generic[Key, Asked, Answer]):
    """`decide` answers a batch of one key in its order, `in_flight_max` of them at a time.

    Beside a batch in flight another leaves only once `beside_min` wait, also when one of several
    has just ended: what a batch costs by itself is then shared by enough requests. Fewer leave
    after `beside_seconds` if another may, so that nobody waits behind one batch that is held up.
    And when somebody waits already as a batch ends, the next one gathers until `gather_seconds`
    after that one began; whoever asks one thing after the other never waits for that.
    """

    def __init__(
        self,
        decide: Callable[[Key, Sequence[Asked]], Awaitable[Sequence[Answer]]],
        *,
        size_max: int = 256,
        in_flight_max: int = 2,
        beside_min: int = 64,
        beside_seconds: float = 0.02,
        gather_seconds: float = 0.0,
    ) -> None:
        self._decide = decide
        self._size_max = size_max
        self._in_flight_max = in_flight_max
        self._beside_min = min(beside_min, size_max)
        self._beside_seconds = beside_seconds
        self._gather_seconds = gather_seconds
        self._waiting: dict[Key, list[tuple[Asked, asyncio.Future[Answer]]]] = {}
        self._running: dict[Key, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, key: Key, asked: Asked) -> Answer:
        return await self.asked(key, asked)

    def asked(self, key: Key, asked: Asked) -> "asyncio.Future[Answer]":
        """Take a request in; the answer comes with its batch."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, [])
        waiting.append((asked, answer))
        if key not in self._running or len(waiting) >= self._beside_min:
            self._start(key)
        elif len(waiting) == 1:
            self._start_late(key, waiting[0])
        return answer

    def _start_late(self, key: Key, first: tuple[Asked, asyncio.Future[Answer]]) -> None:
        def start() -> None:
            waiting = self._waiting.get(key)
            if waiting and waiting[0] is first:
                self._start(key)

        asyncio.get_running_loop().call_later(self._beside_seconds, start)

    def _start(self, key: Key) -> None:
        running = self._running.get(key, 0)
        if running < self._in_flight_max:
            self._running[key] = running + 1
            task = asyncio.create_task(self._drain(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drain(self, key: Key) -> None:
        loop = asyncio.get_running_loop()
        try:
            while waiting := self._waiting.get(key):
                began = loop.time()
                batch, self._waiting[key] = waiting[: self._size_max], waiting[self._size_max :]
                await self._settle(key, batch)
                if self._waiting[key] and self._gather_seconds:
                    await asyncio.sleep(began + self._gather_seconds - loop.time())
                waiting = self._waiting[key]
                if waiting and self._running[key] > 1 and len(waiting) < self._beside_min:
                    self._start_late(key, waiting[0])
                    return
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
                for _, answer in self._waiting.pop(key, ()):
                    answer.cancel()  # only as the process ends: else nobody waits any more

    async def _settle(
        self, key: Key, batch: Sequence[tuple[Asked, asyncio.Future[Answer]]]
    ) -> None:
        """Answer everybody. One request must not spoil the others': a refused batch is split."""
        try:
            answers = await self._decide(key, [asked for asked, _ in batch])
        except BaseException as error:  # noqa: BLE001  # handed to whoever asked
            is_theirs = isinstance(error, Exception) and not isinstance(error, _AWAY)
            if len(batch) > 1 and is_theirs:
                for one in batch:
                    await self._settle(key, [one])
                return
            _fail([future for _, future in batch], error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _fail(futures: Iterable["asyncio.Future[Answer]"], error: BaseException) -> None:
    for future in futures:
        if future.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            future.cancel()
        else:
            future.set_exception(error)
    if isinstance(error, asyncio.CancelledError):
        raise error
