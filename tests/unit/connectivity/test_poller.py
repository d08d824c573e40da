"""Polling reads everything once, resumes where it was, and says when a source is silent."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden, NotFound, Unavailable
from crossdock.canonical.inventory import SourceHeard
from crossdock.connectivity.poller import Poller, Pollers, Polling
from crossdock.connectivity.recording import FIRST_RETRY
from crossdock.connectivity.sdk import Poll, Translation
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from tests.unit.connectivity.standins import (
    MAIN,
    Shop,
    World,
    moved,
    webhook,
    with_shop,
    world,
)


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock))


def polling(hub: World, worker: str = "w1") -> Polling:
    return Polling(
        database=hub.database,
        directory=hub.directory,
        inbox=hub.inbox,
        ports=hub.around().ports,
        worker=worker,
    )


async def poller(hub: World, worker: str = "w1") -> Poller:
    return Poller(polling(hub, worker), await hub.directory.get(MAIN, "shop"))


def page(facts: Sequence[Fact], cursor: int, *, is_last: bool = False) -> Poll:
    return Poll(
        translation=Translation(tuple(facts)),
        cursor=str(cursor),
        raw=f"page {cursor}".encode(),
        is_caught_up=is_last,
    )


async def identities(hub: World) -> list[str]:
    return [
        event.fact.identity
        for event in await hub.events()
        if not isinstance(event.payload, SourceHeard)
    ]


async def heard(hub: World) -> int:
    return sum(isinstance(event.payload, SourceHeard) for event in await hub.events())


async def test_pages_are_read_to_the_end_and_the_cursor_is_kept(hub: World) -> None:
    hub.shop.pages = [page([moved("M1"), moved("M2")], 1), page([moved("M3")], 2, is_last=True)]
    first = await poller(hub)

    await first.round()
    await first.close()

    assert await identities(hub) == ["movement:M1", "movement:M2", "movement:M3"]
    state = await Pollers(polling(hub)).state(MAIN, "shop")
    assert (state["cursor"], state["failures"]) == ("2", 0)


async def test_the_next_round_comes_when_it_is_due_and_repeats_change_nothing(
    hub: World, clock: VirtualClock
) -> None:
    hub.shop.pages = [page([moved("M1")], 0, is_last=True)]
    shop = await poller(hub)
    assert await shop.round()
    assert not await shop.round()

    await clock.advance(timedelta(seconds=30))
    assert await shop.round()
    await shop.close()

    assert await identities(hub) == ["movement:M1"]
    assert hub.shop.polled == ["", "0"]


async def test_what_a_round_passed_over_stands_with_the_connection_until_one_does_not(
    hub: World, clock: VirtualClock
) -> None:
    over = replace(page([], 1, is_last=True), warning="a.csv left lying")
    shop, pollers = await poller(hub), Pollers(polling(hub))

    with capture_logs() as logs:
        for expected in ("a.csv left lying", "a.csv left lying", ""):
            hub.shop.pages = [replace(over, warning=expected)] * 2
            await shop.round()
            state = await pollers.state(MAIN, "shop")
            assert (state["failures"], state["last_error"]) == (0, expected)
            await clock.advance(timedelta(seconds=30))
    await shop.close()

    assert [entry["what"] for entry in logs if "what" in entry] == ["a.csv left lying"]


async def test_a_source_with_nothing_to_say_is_heard_at_a_bounded_rate(
    hub: World, clock: VirtualClock
) -> None:
    shop = await poller(hub)
    for _ in range(20):
        await shop.round()
        await clock.advance(timedelta(seconds=30))
    await shop.close()

    assert await heard(hub) == 20


async def test_an_empty_page_that_proves_nothing_of_its_source_is_no_sign_of_life(
    hub: World, clock: VirtualClock
) -> None:
    empty = replace(page([], 0, is_last=True), proves_alive=False)
    hub.shop.pages = [empty]
    shop = await poller(hub)
    await shop.round()
    await clock.advance(timedelta(hours=3))
    await shop.round()
    await shop.close()

    assert await heard(hub) == 0


async def test_a_page_that_fails_halfway_moves_nothing(hub: World, clock: VirtualClock) -> None:
    hub.shop.pages = [page([moved("M1")], 1), page([moved("M2")], 2, is_last=True)]
    original = hub.shop.poll

    async def fail_on_the_second(cursor: str) -> Poll:
        if cursor == "1":
            raise Unavailable("the dock is closed")
        return await original(cursor)

    hub.shop.poll = fail_on_the_second  # type: ignore[method-assign]  # a stand-in for this one method
    shop = await poller(hub)
    await shop.round()
    state = await Pollers(polling(hub)).state(MAIN, "shop")
    assert (state["cursor"], state["failures"], state["last_error"]) == (
        "1",
        1,
        "the dock is closed",
    )
    assert await heard(hub) == 0

    hub.shop.poll = original  # type: ignore[method-assign]  # a stand-in for this one method
    await clock.advance(timedelta(seconds=2))
    await shop.round()
    await shop.close()

    assert await identities(hub) == ["movement:M1", "movement:M2"]


async def test_two_processes_do_not_poll_one_connection_at_once(hub: World) -> None:
    gate = asyncio.Event()

    async def slow(cursor: str) -> Poll:
        hub.shop.polled.append(cursor)
        await gate.wait()
        return page([moved("M1")], 1, is_last=True)

    hub.shop.poll = slow  # type: ignore[method-assign]  # a stand-in for this one method
    one, other = await poller(hub, "one"), await poller(hub, "other")
    reading = asyncio.create_task(one.round())
    while not hub.shop.polled:
        await asyncio.sleep(0.01)

    assert not await other.round()
    gate.set()
    assert await reading
    await one.close()
    await other.close()

    assert len(hub.shop.polled) == 1


async def test_a_poller_that_was_overtaken_cannot_move_the_cursor(
    hub: World, clock: VirtualClock
) -> None:
    gate = asyncio.Event()
    polled: list[str] = []

    async def slow(cursor: str) -> Poll:
        polled.append(cursor)
        await gate.wait()
        return page([moved("late")], 1, is_last=True)

    hub.shop.poll = slow  # type: ignore[method-assign]  # a stand-in for this one method
    one = await poller(hub, "one")
    reading = asyncio.create_task(one.round())
    while not polled:
        await asyncio.sleep(0.01)
    await clock.advance(timedelta(seconds=61))
    hub.shop.poll = Shop.poll.__get__(hub.shop)  # type: ignore[method-assign]  # a stand-in for this one method
    hub.shop.pages = [page([moved("M1")], 7, is_last=True)]
    other = await poller(hub, "other")
    assert await other.round()
    gate.set()
    await reading
    await one.close()
    await other.close()

    assert await identities(hub) == ["movement:M1"]
    assert (await Pollers(polling(hub)).state(MAIN, "shop"))["cursor"] == "7"


async def test_refused_credentials_pause_a_polled_connection(
    hub: World, clock: VirtualClock
) -> None:
    hub.shop.is_down = Forbidden("token revoked")
    shop = await poller(hub)
    await shop.round()
    await clock.advance(timedelta(hours=1))

    assert not await shop.round()
    assert (await hub.directory.get(MAIN, "shop")).is_paused
    await shop.close()


@pytest.mark.parametrize(
    "lapse",
    [
        ConnectionResetError("reset by peer"),
        TimeoutError(),
        asyncpg.CannotConnectNowError("the database system is starting up"),
    ],
    ids=lambda lapse: type(lapse).__name__,
)
async def test_an_outage_of_theirs_that_slips_through_is_noted_and_backed_off_from(
    hub: World, lapse: Exception
) -> None:
    hub.shop.is_down = lapse
    shop = await poller(hub)

    assert await shop.round()

    state = await Pollers(polling(hub)).state(MAIN, "shop")
    assert (state["failures"], state["lease_until"]) == (1, None)
    assert type(lapse).__name__ in state["last_error"]
    await shop.close()


async def test_a_source_can_be_read_again_from_the_beginning(hub: World) -> None:
    hub.shop.pages = [page([moved("M1")], 5, is_last=True)]
    shop = await poller(hub)
    await shop.round()
    pollers = Pollers(polling(hub))

    await pollers.rewind(MAIN, "shop")
    assert await shop.round()
    await shop.close()

    assert hub.shop.polled == ["", ""]
    assert await identities(hub) == ["movement:M1"]
    with pytest.raises(NotFound):
        await pollers.rewind(MAIN, "nobody")


async def rested(hub: World, clock: VirtualClock) -> tuple[Poller, WaitingRoom]:
    """Have the shop polled, and a while ago."""
    shop = await poller(hub)
    await shop.round()
    await clock.advance(timedelta(seconds=12))
    return shop, WaitingRoom(hub.database, clock, hub.catalogue)


async def due_at(hub: World) -> datetime:
    at: datetime = (await Pollers(polling(hub)).state(MAIN, "shop"))["due_at"]
    return at


async def test_a_source_is_asked_at_once_for_what_its_message_names_and_nobody_knows(
    hub: World, clock: VirtualClock
) -> None:
    shop, room = await rested(hub, clock)
    unknown = {"number": "M1", "item": "SKU-9"}
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[unknown]))
    assert not await shop.round()
    await clock.advance(FIRST_RETRY)

    await room.retry_due()

    assert await shop.round()
    hub.catalogue.items.add("SKU-9")
    await clock.advance(timedelta(seconds=1))
    await room.retry_due()
    assert await identities(hub) == ["movement:M1"]
    await shop.close()


async def test_a_source_that_was_asked_since_is_not_asked_again(
    hub: World, clock: VirtualClock
) -> None:
    shop, room = await rested(hub, clock)
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1", "item": "SKU-9"}]))
    await clock.advance(FIRST_RETRY)
    await room.retry_due()
    assert await shop.round()
    planned = await due_at(hub)

    for _ in range(10):
        await clock.advance(timedelta(seconds=2))
        await room.retry_due()

    assert await due_at(hub) == planned
    await shop.close()


async def test_a_source_is_asked_again_for_what_came_while_it_was_being_asked(
    hub: World, clock: VirtualClock
) -> None:
    shop, room = await rested(hub, clock)
    await clock.advance(timedelta(seconds=30))
    original, unknown = hub.shop.poll, {"number": "M1", "item": "SKU-9"}

    async def told_meanwhile(cursor: str) -> Poll:
        page = await original(cursor)
        await clock.advance(timedelta(seconds=1))
        await hub.inbox.receive(MAIN, "shop", webhook(moves=[unknown]))
        await clock.advance(timedelta(seconds=1))
        return page

    hub.shop.poll = told_meanwhile  # type: ignore[method-assign]  # a stand-in for this one method
    assert await shop.round()
    hub.shop.poll = original  # type: ignore[method-assign]  # a stand-in for this one method
    planned = await due_at(hub)
    await clock.advance(timedelta(seconds=10))

    await room.retry_due()

    assert await due_at(hub) < planned
    assert await shop.round()
    await shop.close()


async def test_much_that_nobody_understands_does_not_make_a_source_be_asked_without_end(
    hub: World, clock: VirtualClock
) -> None:
    shop, room = await rested(hub, clock)
    for number in range(60):
        unknown = {"number": f"M{number}", "item": "SKU-9"}
        await hub.inbox.receive(MAIN, "shop", webhook(moves=[unknown]))
        await clock.advance(timedelta(seconds=1))
        await room.retry_due()
        await shop.round()
    await shop.close()

    assert 6 <= len(hub.shop.polled) <= 8


async def test_a_source_that_fails_is_left_to_its_back_off(
    hub: World, clock: VirtualClock
) -> None:
    shop, room = await rested(hub, clock)
    await clock.advance(timedelta(seconds=30))
    hub.shop.is_down = Unavailable("closed")
    await shop.round()
    planned = await due_at(hub)
    await hub.inbox.receive(MAIN, "shop", webhook(moves=[{"number": "M1", "item": "SKU-9"}]))
    await clock.advance(FIRST_RETRY)

    await room.retry_due()

    assert await due_at(hub) == planned
    await shop.close()


async def test_a_poller_hears_at_once_that_it_is_wanted(database: Database) -> None:
    hub = await with_shop(world(database, SystemClock()))
    pollers = Pollers(polling(hub))
    working = asyncio.create_task(pollers.run())
    async with asyncio.timeout(3):
        while not hub.shop.polled:
            await asyncio.sleep(0.01)

    await pollers.rewind(MAIN, "shop")

    async with asyncio.timeout(2):
        while len(hub.shop.polled) < 2:
            await asyncio.sleep(0.01)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_pollers_at_work_read_every_connection(database: Database) -> None:
    hub = await with_shop(world(database, SystemClock()))
    hub.shop.pages = [page([moved("M1")], 1, is_last=True)]
    working = asyncio.create_task(Pollers(polling(hub)).run())

    async with asyncio.timeout(3):
        while not await identities(hub):
            await asyncio.sleep(0.02)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_a_source_is_reread_only_back_when_it_is_caught_up_and_seldom(
    hub: World, clock: VirtualClock
) -> None:
    """Unasked, nothing between is left out, and what a person rewound is read to its end."""
    pollers, shop = Pollers(polling(hub)), await poller(hub)
    begun = clock.now()

    async def later(hours: int) -> datetime:
        await clock.advance(timedelta(hours=hours))
        return begun

    async def cursor() -> str:
        return str((await pollers.state(MAIN, "shop"))["cursor"])

    assert not await pollers.reread(MAIN, "shop", begun)  # it was never heard
    await later(1)
    await shop.round()
    assert not await pollers.reread(MAIN, "shop", clock.now() + timedelta(seconds=1))  # forward
    assert await pollers.reread(MAIN, "shop", begun)
    assert await cursor() == str(int(begun.timestamp()))
    await later(5)
    assert not await pollers.reread(MAIN, "shop", clock.now())  # not caught up since
    assert await cursor() == str(int(begun.timestamp()))
    await shop.round()
    assert await pollers.reread(MAIN, "shop", begun)
    await later(1)
    await shop.round()
    assert not await pollers.reread(MAIN, "shop", begun)  # within four hours
    await later(4)
    await pollers.rewind(MAIN, "shop")
    assert not await pollers.reread(MAIN, "shop", begun)  # a person had it read again
    assert await cursor() == ""
    await shop.close()
