"""Channels are read back by turns; who refuses is set aside with its reason, the others go on."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from crossdock.canonical.errors import Busy, Rejected, Throttled, Unavailable
from crossdock.capabilities.reconciliation import Remedy, Rules, Wanted, rulebook
from crossdock.capabilities.reconciliation.listing import find
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.processes.test_channels_sampled import A_DAY, Channels, Level, Shop, stage

SECOND = timedelta(seconds=1)
TEN_MINUTES = timedelta(minutes=10)


@dataclass
class Street(Channels):
    """Several locations; one connection that answers a reading a second, at most."""

    shops: tuple[Shop, ...] = ()
    clock: VirtualClock | None = None
    free_at: datetime | None = None
    calls: list[tuple[str, datetime]] = field(default_factory=list[tuple[str, datetime]])
    closed: dict[str, Exception] = field(default_factory=dict[str, Exception])
    poison: set[str] = field(default_factory=set[str])
    pauses: list[Exception] = field(default_factory=list[Exception])
    requests: int = 0

    async def sellers(self, scope: Scope) -> Sequence[Shop]:
        del scope
        return self.shops

    async def read_back(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> Sequence[Level]:
        assert self.clock is not None
        now = self.clock.now()
        if self.pauses:
            self.requests += 1
            raise self.pauses.pop()
        if location in self.closed:
            raise self.closed[location]
        if self.free_at is not None and now < self.free_at:
            raise Busy("asked enough", retry_after=self.free_at - now)
        self.free_at = now + SECOND
        self.calls.append((location, now))
        if bad := self.poison & set(items):
            raise Rejected(f"{min(bad)} is malformed")
        return await super().read_back(scope, connection, location, items)


def street(clock: VirtualClock, *shops: Shop) -> Street:
    return Street(shops[0], shops=shops, clock=clock)


async def followed(clock: VirtualClock, work: "asyncio.Task[None]") -> None:
    """Let seconds pass until the tick is over; the database answers in between."""
    while not work.done():
        await asyncio.sleep(0.02)
        await clock.advance(SECOND)
    await work


async def test_locations_of_a_busy_connection_take_turns_and_calls_are_spread(
    database: Database, clock: VirtualClock
) -> None:
    shops = [Shop("shop", place, 70_000, 100, 10 * A_DAY) for place in ("a", "b", "c")]
    at = stage(database, clock, channels := street(clock, *shops))
    await followed(clock, asyncio.create_task(at.sampler.follow()))
    channels.calls.clear()
    await clock.advance(timedelta(minutes=90))

    await followed(clock, asyncio.create_task(at.sampler.follow()))

    places = [place for place, _ in channels.calls[:6]]
    assert sorted(places[:3]) == sorted(places[3:]) == ["a", "b", "c"]
    moments = [moment for _, moment in channels.calls]
    assert all(b - a >= SECOND for a, b in itertools.pairwise(moments))


@pytest.mark.parametrize(
    "reason",
    [Unavailable("it is down"), Throttled("blocked", retry_after=timedelta(hours=1))],
    ids=["unavailable", "throttled for long"],
)
async def test_one_location_that_refuses_is_set_aside_with_its_reason(
    database: Database, clock: VirtualClock, reason: Exception
) -> None:
    shops = [Shop(name, "web", 70, 100, 10 * A_DAY) for name in ("one", "two", "three")]
    shops = [shop._replace(location=shop.connection) for shop in shops]
    at = stage(database, clock, channels := street(clock, *shops))
    channels.closed = {"one": reason}

    await followed(clock, asyncio.create_task(at.sampler.follow()))

    assert [place for place, _ in channels.calls] == ["two", "three"]
    plans = {plan.connection: plan for plan in await at.sampler.plans(Scope("main"))}
    assert plans["one"].refusal == str(reason)
    assert plans["one"].refused_at is not None
    assert plans["two"].refusal == ""
    channels.closed = {}
    await clock.advance(timedelta(days=1) if isinstance(reason, Throttled) else TEN_MINUTES)
    await followed(clock, asyncio.create_task(at.sampler.follow()))
    assert "one" in [place for place, _ in channels.calls[2:]]
    plans = {plan.connection: plan for plan in await at.sampler.plans(Scope("main"))}
    assert plans["one"].refusal == ""


async def test_a_listing_that_is_always_refused_is_set_aside_and_all_others_are_read(
    database: Database, clock: VirtualClock
) -> None:
    at = stage(
        database, clock, channels := street(clock, Shop("shop", "web", 200, 10, 10 * A_DAY))
    )
    channels.poison = {"I00025"}

    for _ in range(40):
        await clock.advance(timedelta(days=1) / 3)
        await at.sampler.follow()

    read = {item for items in channels.asked for item in items}
    assert read == {f"I{number:05}" for number in range(200)} - {"I00025"}
    [plan] = await at.sampler.plans(Scope("main"))
    assert plan.set_aside == 1
    assert plan.set_aside_because == "I00025: I00025 is malformed"


async def test_where_everything_is_refused_whole_pages_are_set_aside(
    database: Database, clock: VirtualClock
) -> None:
    at = stage(
        database, clock, channels := street(clock, Shop("shop", "web", 200, 10, 10 * A_DAY))
    )
    channels.poison = {f"I{number:05}" for number in range(100)}

    for _ in range(50):
        await clock.advance(timedelta(days=1) / 3)
        await at.sampler.follow()

    read = {item for items in channels.asked for item in items}
    assert read >= {f"I{number:05}" for number in range(110, 200)}


async def test_a_drifted_number_whose_listing_was_removed_closes_itself_and_brakes_nothing(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(Shop("shop", "web", 60, 60, 10 * A_DAY), held={"I00000": 1, "I00001": 1})
    at = stage(database, clock, channels)
    await at.ticks(4, timedelta(days=1))
    assert channels.written == []
    assert len(at.cases.open) == 1

    channels.removed = {"I00001"}
    await at.ticks(1, timedelta(days=1))
    async with database.transaction(Scope("main")) as tx:
        assert len(await find(tx, Wanted(states=["CONFIRMED"]), 9, NOON)) == 2
    assert channels.written == []
    await at.ticks(1, timedelta(days=1))

    assert {*channels.written} == {"I00000"}
    assert at.cases.open == {}
    async with database.transaction(Scope("main")) as tx:
        [closed] = await find(tx, Wanted(states=["CLOSED"]), 9, NOON)
    assert (closed.item, closed.note) == ("I00001", "the channel does not list it there any more")


async def test_a_listing_that_is_back_was_not_removed(
    database: Database, clock: VirtualClock
) -> None:
    """Once is no proof: a channel may leave a listing out of one answer."""
    channels = Channels(Shop("shop", "web", 60, 60, 10 * A_DAY), held={"I00000": 1, "I00001": 1})
    at = stage(database, clock, channels)
    await at.ticks(4, timedelta(days=1))
    for removed in ({"I00001"}, set[str](), {"I00001"}):
        channels.removed = removed
        await at.ticks(1, timedelta(days=1))

    async with database.transaction(Scope("main")) as tx:
        assert len(await find(tx, Wanted(states=["CONFIRMED"]), 9, NOON)) == 2


@pytest.mark.parametrize("pauses", [0, 1, 3])
async def test_what_is_open_is_read_again_however_busy_the_connection_is(
    database: Database, clock: VirtualClock, pauses: int
) -> None:
    at = stage(
        database, clock, channels := street(clock, Shop("shop", "web", 70_000, 100, 10 * A_DAY))
    )
    channels.held = {"I00000": 55}

    for _ in range(6):
        channels.pauses = [Busy("busy", retry_after=SECOND) for _ in range(pauses)]
        await followed(clock, asyncio.create_task(at.sampler.follow()))
        await clock.advance(timedelta(minutes=40))

    assert channels.written[:2] == ["I00000"] * 2
    assert sum("I00000" in items for items in channels.asked) == 6


@pytest.mark.parametrize("pause", [0, 1, 3600])
async def test_who_asks_for_a_pause_has_had_its_call(
    database: Database, clock: VirtualClock, pause: int
) -> None:
    at = stage(database, clock, channels := street(clock, Shop("shop", "web", 70, 100, A_DAY)))
    asked: list[int] = []
    channels.pauses = [Throttled("HTTP 429", retry_after=pause * SECOND) for _ in range(999)]

    for _ in range(3 * 24 * 6):
        await at.sampler.follow()
        asked.append(channels.requests)
        await clock.advance(TEN_MINUTES)

    [plan] = await at.sampler.plans(Scope("main"))
    assert (plan.calls_a_day, plan.refusal) == (1, "HTTP 429")
    assert (asked[0], asked[-1]) == (1, 3)


async def test_a_tick_ends_also_where_every_call_takes_long(
    database: Database, clock: VirtualClock
) -> None:
    at = stage(
        database, clock, channels := Slow(Shop("shop", "web", 70_000, 100, A_DAY), clock=clock)
    )
    await at.sampler.follow()
    channels.asked.clear()
    await clock.advance(timedelta(days=1))

    await at.sampler.follow()

    assert len(channels.asked) == 4


@dataclass
class Slow(Channels):
    """It takes its time to answer."""

    clock: VirtualClock | None = None

    async def read_back(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> Sequence[Level]:
        assert self.clock is not None
        await self.clock.advance(timedelta(seconds=50))
        return await super().read_back(scope, connection, location, items)


async def test_what_the_rules_do_not_let_be_written_again_is_for_a_person(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(Shop("shop", "web", 60, 60, 10 * A_DAY), held={"I00000": 1})
    at = stage(database, clock, channels)
    async with database.transaction(Scope("main")) as tx:
        await rulebook.put(tx, Rules(heals=(Remedy.REDRIVE,)), "ann", clock.now())

    await at.ticks(1, timedelta(days=1))
    assert at.cases.open == {}
    await at.ticks(1, timedelta(days=1))

    assert channels.written == []
    [case] = at.cases.open.values()
    assert (case.code, case.entity) == ("PUB-STALE", "I00000 in shop/web")
    assert case.title == "shop does not hold what it is told, and the rules write nothing again"
    channels.held = {}
    await at.ticks(1, timedelta(days=1))
    assert at.cases.open == {}


async def test_a_number_that_somebody_overwrites_again_and_again_is_for_a_person(
    database: Database, clock: VirtualClock
) -> None:
    """It is read once a week, mended, and two days later it is overwritten."""
    channels = Channels(Shop("shop", "web", 700, 100, 10 * A_DAY))
    at = stage(database, clock, channels)
    channels.held = {"I00000": 55}
    mended = 0
    seen: list[str] = []
    for hour in range(35 * 24):
        await clock.advance(timedelta(hours=1))
        await at.sampler.follow()
        seen += [one.title for one in at.cases.open.values()]
        if channels.written:
            channels.held, mended = {}, hour
            channels.written.clear()
        if hour == mended + 48:
            channels.held = {"I00000": 55}

    assert seen[0] == "shop drifts again and again: 3 times in 30 days"


async def test_a_suspicion_that_passes_is_nobodys_writing(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(Shop("shop", "web", 60, 60, 10 * A_DAY))
    at = stage(database, clock, channels)
    for turn in range(9):
        channels.held = {"I00000": 55} if turn % 2 == 0 else {}
        await clock.advance(timedelta(days=1))
        await at.sampler.sample(Scope("main"), "shop", "web", ["I00000"], by="test")

    assert at.cases.open == {}
