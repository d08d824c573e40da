"""Requests that come together are decided together, and nobody waits for an idle database."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from crossdock.canonical.errors import Unavailable
from crossdock.foundation.batching import Batcher


class Desk:
    """Doubles numbers, batch by batch; refuses a 13, and everything during an outage."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.outage: Exception | None = None
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.turns = asyncio.Semaphore(0)

    async def decide(self, _key: str, asked: Sequence[int]) -> list[int]:
        self.batches.append(list(asked))
        await self.may_go_on.wait()
        if self.outage:
            raise self.outage
        if 13 in asked:
            raise ValueError(13)
        return [2 * one for one in asked]

    async def decide_one_by_one(self, _key: str, asked: Sequence[int]) -> list[int]:
        self.batches.append(list(asked))
        await self.turns.acquire()
        return [2 * one for one in asked]

    async def decide_after_a_deadlock(self, key: str, asked: Sequence[int]) -> list[int]:
        if len(asked) > 1:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return await self.decide(key, asked)


async def test_an_idle_desk_decides_at_once() -> None:
    desk = Desk()

    assert await Batcher(desk.decide).ask("main", 4) == 8
    assert desk.batches == [[4]]


async def test_what_comes_while_batches_are_in_flight_gathers() -> None:
    desk = Desk()
    desk.may_go_on.clear()
    batcher = Batcher(desk.decide, size_max=3, in_flight_max=1)
    asked = [asyncio.create_task(batcher.ask("main", one)) for one in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.append(asyncio.create_task(batcher.ask("main", 6)))
    await asyncio.sleep(0)
    desk.may_go_on.set()

    assert await asyncio.gather(*asked) == [2 * one for one in range(7)]
    assert desk.batches == [[0, 1, 2], [3, 4, 5], [6]]


async def test_beside_a_batch_in_flight_another_leaves_once_enough_wait() -> None:
    desk = Desk()
    desk.may_go_on.clear()
    batcher = Batcher(desk.decide, beside_min=3, beside_seconds=60.0)
    asked: list[asyncio.Task[int]] = []
    for one in range(5):
        asked.append(asyncio.create_task(batcher.ask("main", one)))
        for _ in range(3):
            await asyncio.sleep(0)

    assert desk.batches == [[0], [1, 2, 3]]  # and the last one waits for either to end
    desk.may_go_on.set()
    assert await asyncio.gather(*asked) == [2 * one for one in range(5)]
    assert desk.batches[2:] == [[4]]


async def test_few_who_wait_as_one_of_two_batches_ends_leave_with_the_other() -> None:
    desk = Desk()
    batcher = Batcher(desk.decide_one_by_one, beside_min=2, beside_seconds=60.0)
    asked: list[asyncio.Task[int]] = []
    for one in range(4):
        asked.append(asyncio.create_task(batcher.ask("main", one)))
        for _ in range(3):
            await asyncio.sleep(0)
    assert desk.batches == [[0], [1, 2]]

    desk.turns.release()
    await asked[0]
    for _ in range(3):
        await asyncio.sleep(0)
    assert desk.batches == [[0], [1, 2]]  # one alone is no batch beside another

    desk.turns.release()
    desk.turns.release()
    assert await asyncio.gather(*asked) == [0, 2, 4, 6]
    assert desk.batches == [[0], [1, 2], [3]]


async def test_nobody_waits_for_long_behind_a_batch_that_is_held_up() -> None:
    desk = Desk()
    desk.may_go_on.clear()
    batcher = Batcher(desk.decide, beside_min=3, beside_seconds=0.01)
    held_up = asyncio.create_task(batcher.ask("main", 0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    desk.may_go_on = asyncio.Event()
    desk.may_go_on.set()

    async with asyncio.timeout(10):
        assert await batcher.ask("main", 1) == 2
    assert not held_up.done()
    held_up.cancel()


async def test_who_waits_as_a_batch_ends_gathers_for_the_next() -> None:
    desk = Desk()
    desk.may_go_on.clear()
    batcher = Batcher(desk.decide, in_flight_max=1, gather_seconds=0.3)
    asked = [asyncio.create_task(batcher.ask("main", one)) for one in range(2)]
    await asyncio.sleep(0.01)
    asked.append(asyncio.create_task(batcher.ask("main", 2)))
    await asyncio.sleep(0.01)
    desk.may_go_on.set()
    await asyncio.sleep(0.1)
    asked.append(asyncio.create_task(batcher.ask("main", 3)))

    assert await asyncio.gather(*asked) == [0, 2, 4, 6]
    assert desk.batches == [[0, 1], [2, 3]]


async def test_who_asks_one_thing_after_the_other_waits_for_no_gathering() -> None:
    batcher = Batcher(Desk().decide, in_flight_max=1, gather_seconds=60.0)

    async with asyncio.timeout(10):
        assert [await batcher.ask("main", one) for one in range(5)] == [0, 2, 4, 6, 8]


async def test_one_bad_request_does_not_spoil_the_others() -> None:
    batcher = Batcher(Desk().decide)
    answers = await asyncio.gather(
        *(batcher.ask("main", one) for one in (1, 13, 2)), return_exceptions=True
    )

    assert [answers[0], answers[2]] == [2, 4]
    assert isinstance(answers[1], ValueError)


@pytest.mark.parametrize(
    "outage",
    [
        Unavailable("closed"),
        ConnectionRefusedError(),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    ],
    ids=lambda outage: type(outage).__name__,
)
async def test_a_database_that_is_away_is_everybodys_error(outage: Exception) -> None:
    desk = Desk()
    desk.outage = outage
    batcher = Batcher(desk.decide)
    answers = await asyncio.gather(
        *(batcher.ask("main", one) for one in (1, 2)), return_exceptions=True
    )

    assert answers == [outage, outage]
    assert desk.batches == [[1, 2]]


async def test_who_lost_a_deadlock_in_a_batch_is_asked_again_by_itself() -> None:
    desk = Desk()
    batcher = Batcher(desk.decide_after_a_deadlock)

    assert await asyncio.gather(*(batcher.ask("main", one) for one in (1, 2))) == [2, 4]
    assert desk.batches == [[1], [2]]


async def test_who_stops_waiting_harms_nobody() -> None:
    desk = Desk()
    desk.may_go_on.clear()
    batcher = Batcher(desk.decide)
    impatient = asyncio.create_task(batcher.ask("main", 1))
    patient = asyncio.create_task(batcher.ask("main", 2))
    await asyncio.sleep(0)
    impatient.cancel()
    desk.may_go_on.set()

    assert await patient == 4
    with pytest.raises(asyncio.CancelledError):
        await impatient
