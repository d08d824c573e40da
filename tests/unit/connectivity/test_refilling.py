"""Holes are asked for within bounds: twice without success, in questions of a known size."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.cases import OpenCase
from crossdock.connectivity.refilling import (
    GIVE_UP,
    MARGIN,
    PAUSE,
    TRIES_MAX,
    Refiller,
    Wanted,
    case_of,
    is_due,
    is_over,
)
from crossdock.connectivity.streams import Stream
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.connectivity.standins import MAIN, World, moved, with_shop, world


@dataclass
class Desk:
    cases: dict[str, OpenCase] = field(default_factory=dict[str, OpenCase])
    times: int = 0

    async def opened(self, tx: Transaction, wanted: Sequence[OpenCase], now: datetime) -> None:
        del tx, now
        self.times += len(wanted)
        self.cases |= {one.fingerprint: one for one in wanted}

    async def still_open(self, tx: Transaction, fingerprints: Sequence[str]) -> Collection[str]:
        del tx
        return [name for name in fingerprints if name in self.cases]

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None:
        del tx, resolution, now
        for name in fingerprints:
            self.cases.pop(name, None)


@dataclass
class Rereads:
    """Reads again when it is the time, and notes since when."""

    is_time: bool = True
    since: list[datetime] = field(default_factory=list[datetime])

    async def read_again(self, scope: Scope, source: str, since: datetime) -> bool:
        del scope, source
        if self.is_time:
            self.since.append(since)
        return self.is_time


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    return await with_shop(world(database, clock), gap_seconds=60)


async def loses(hub: World, clock: VirtualClock, numbers: Sequence[int]) -> None:
    """Let a stream tell these numbers and no more, until what is missing is reported."""
    facts = [moved(f"M{number}", stream="DC1", sequence=number) for number in numbers]
    await hub.inbox.record(MAIN, "shop", facts, b"page")
    await clock.advance(timedelta(seconds=60))
    await WaitingRoom(hub.database, clock, hub.catalogue).report_holes()


async def test_a_polled_source_is_read_again_from_before_the_hole_twice_then_it_is_a_persons(
    hub: World, clock: VirtualClock
) -> None:
    rereads, desk = Rereads(), Desk()
    refiller = Refiller(hub.inbox, hub.around, rereads, desk)
    await loses(hub, clock, [1, 4, 6])
    for _ in range(4):
        await refiller.follow()
        await refiller.follow()
        await clock.advance(PAUSE)

    assert rereads.since == [NOON - MARGIN] * TRIES_MAX
    [case] = desk.cases.values()
    assert (case.code, case.entity, desk.times) == ("EVT-GAP", "shop", 1)
    assert case.evidence["missing"] == ["numbers 2 to 3", "number 5"]

    late = [moved(f"M{number}", stream="DC1", sequence=number) for number in (2, 3, 5)]
    await hub.inbox.record(MAIN, "shop", late, b"late")
    await refiller.follow()
    assert desk.cases == {}


async def test_a_source_that_cannot_be_read_again_for_long_is_a_persons(
    hub: World, clock: VirtualClock
) -> None:
    desk = Desk()
    refiller = Refiller(hub.inbox, hub.around, Rereads(is_time=False), desk)
    await loses(hub, clock, [1, 3])
    await refiller.follow()
    before = dict(desk.cases)
    await clock.advance(GIVE_UP)
    await refiller.follow()

    assert before == {}
    assert list(desk.cases) == ["gap/shop/DC1"]
    assert "did not answer" in desk.cases["gap/shop/DC1"].title


async def test_one_tenants_holes_are_not_asked_of_anothers_connection(
    hub: World, clock: VirtualClock
) -> None:
    rereads = Rereads()
    refiller = Refiller(hub.inbox, hub.around, rereads, Desk())
    other = Scope("other")
    facts = [moved(f"M{number}", stream="DC1", sequence=number) for number in (1, 3)]
    await hub.inbox.record(other, "shop", facts, b"page")
    await clock.advance(timedelta(seconds=60))
    await WaitingRoom(hub.database, clock, hub.catalogue).report_holes()
    await refiller.follow()

    assert rereads.since == []


@given(
    tries=st.integers(0, 5),
    tried=st.none() | st.timedeltas(timedelta(0), timedelta(days=2)),
    reported=st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_a_hole_is_a_persons_after_two_tries_or_when_nobody_could_be_asked(
    tries: int, tried: timedelta | None, reported: timedelta
) -> None:
    hole = Wanted(
        "wms", "DC1", 2, 3, NOON, tries, None if tried is None else NOON - tried, NOON - reported
    )

    assert is_due(hole, NOON) == (tried is None or tried >= PAUSE)
    assert is_over(hole, NOON) == (
        reported >= GIVE_UP or (tries >= TRIES_MAX and (tried is None or tried >= PAUSE))
    )


@given(count=st.integers(1, 60))
def test_a_case_names_so_many_holes_and_counts_the_others(count: int) -> None:
    holes = [Wanted("wms", "DC1", 2 * n, 2 * n, NOON, 0, None, NOON) for n in range(count)]
    case = case_of(Stream("main", "wms", "DC1"), holes)

    assert len(case.evidence["missing"]) + case.evidence["more"] == count
    assert len(case.evidence["missing"]) <= 20
    assert len(case.title) < 200
