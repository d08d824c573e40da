"""Whatever order facts come in, twice or a month late, inventory ends in the same state.

`CROSSDOCK_SHUFFLES` says how many seeds to try (1,000 by default; `make simulate` 100,000).
"""

import math
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from crossdock.canonical.catalog import LocationChanged, LotChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.inventory import CountedStock, Place, StockMoved, StockStatus
from crossdock.capabilities.inventory import lots, state
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry, Position
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.capabilities.inventory.house import (
    SECOND,
    House,
    count,
    counted,
    demand,
    moved,
    ordered,
    place,
)

SHUFFLES = int(os.environ.get("CROSSDOCK_SHUFFLES", "1000"))  # noqa: TID251  # how much to test
TOGETHER = 250
Told = tuple[str, Fact]
"""A source, and what it says."""
ITEMS = ("X", "Y", "Z")
LOCATIONS = ("DC1", "DC2")
ZONES = ("UTC", "Pacific/Auckland", "America/Los_Angeles")
# X is counted as such; Y lies in lots, some of them a supplier's; of Z each piece has its serial.
DIMENSIONS = {
    "X": ({},),
    "Y": ({"lot": "L1"}, {"lot": "L2"}, {"lot": "L1", "owner": "supplier"}, {}),
    "Z": ({"serial": "S1"}, {"serial": "S2"}, {"serial": "S2", "lot": "L1", "owner": "supplier"}),
}
STATUSES = (StockStatus.AVAILABLE, StockStatus.STAGED_OUT, StockStatus.DAMAGED)
REVERSED = 0.1
DAY = timedelta(days=1)
MONTH = timedelta(days=30)


def day(random: Random) -> list[Told]:
    """Make up what two sources told one day: movements, reversals, snapshots, orders, lots."""
    told: list[Told] = []
    for number in range(1, random.randint(10, 40)):
        source = random.choice(("wms", "wms", "erp"))
        moves = [fact for by, fact in told if by == source and _is_first(fact)]
        if moves and random.random() < REVERSED:
            told.append((source, _reversal(number, random.choice(moves))))
        else:
            told.append((source, _fact(random, number, source)))
    return told


def _is_first(fact: Fact) -> bool:
    return isinstance(fact.payload, StockMoved) and not fact.payload.reverses_id


def _reversal(number: int, of: Fact) -> Fact:
    """Tell the way back of a movement, by the number that follows: it quotes the line, too."""
    move = of.payload
    assert isinstance(move, StockMoved)
    back = replace(
        move,
        movement_id=f"M{number}",
        source_place=move.target_place,
        target_place=move.source_place,
        reverses_id=move.movement_id,
    )
    sequence = None if of.sequence is None else number
    at = NOON + number * SECOND
    return replace(
        of, identity=f"movement:{number}", payload=back, sequence=sequence, occurred_at=at
    )


def _fact(random: Random, number: int, source: str) -> Fact:
    kind = random.random()
    if kind < 0.6 or (source == "erp" and kind < 0.9):
        ref = random.choice(("", "", "O1/1", "O2/1", "O2/2"))
        item = random.choice(ITEMS)
        fact = moved(
            number,
            1 if item == "Z" else random.randint(1, 9),
            _place(random, item),
            _place(random, item),
            item=item,
            demand_ref=ref,
        )
        # Some sources have no sequence; their clock then places what they say.
        return fact if source == "wms" else replace(fact, sequence=None)
    if kind < 0.7 or source == "erp":
        return _word(random, number)
    if kind < 0.85:
        counts = [_line(random) for _ in range(random.randint(0, 4))]
        location = random.choice(LOCATIONS)
        return counted(number, *counts, location=location, is_full=random.random() < 0.4)
    order_id = random.choice(("O1", "O2"))
    lines = [
        demand(
            f"{order_id}/{line_no}",
            random.randint(0, 20),
            random.randint(0, 3),
            item=random.choice(ITEMS),
            location=random.choice(LOCATIONS),
        )
        for line_no in range(1, random.randint(1, 3) + 1)
    ]
    return ordered(order_id, number, *lines)


def _word(random: Random, number: int) -> Fact:
    """Tell until when a lot is good, before and behind today, or which clock a place has."""
    said: LotChanged | LocationChanged = LocationChanged(
        code=random.choice(LOCATIONS), timezone=random.choice(ZONES)
    )
    if random.random() < 0.8:
        on = random.choice((None, *(NOON.date() + n * DAY for n in (-9, 0, 1, 25, 29, 30, 31))))
        said = LotChanged(item=random.choice("YZ"), lot=random.choice(("L1", "L2")), expires_on=on)
    at = NOON + number * SECOND
    return Fact(identity=f"word:{number}", payload=said, occurred_at=at, sequence=number)


def _place(random: Random, item: str) -> Place | None:
    if random.random() < 0.3:
        return None
    location, status = random.choice(LOCATIONS), random.choice(STATUSES)
    return place(location, status, **random.choice(DIMENSIONS[item]))


def _line(random: Random) -> CountedStock:
    item = random.choice(ITEMS)
    quantity = random.randint(0, 1 if item == "Z" else 40)
    status = random.choice(STATUSES)
    return count(quantity, status, item=item, **random.choice(DIMENSIONS[item]))


class Shuffle:
    """One seed's day, as two tenants of one database hear it: in order, and badly."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.seed = seed
        self.orderly, self.badly = f"orderly-{seed}", f"badly-{seed}"
        self.told = day(random)
        # By the place in what is heard, not by content: an original that comes in time may have
        # its repeat a month later, and the other way round.
        self.heard = self.told + random.sample(self.told, len(self.told) // 2)
        random.shuffle(self.heard)
        is_late = [random.random() < 0.1 for _ in self.heard]
        self.late = [one for one, late in zip(self.heard, is_late, strict=True) if late]
        self.in_time = [one for one, late in zip(self.heard, is_late, strict=True) if not late]
        self.pages = _pages(self.in_time, random)


def _pages(told: list[Told], random: Random) -> list[list[Told]]:
    """Cut into pages of random length; the first has one fact alone."""
    pages: list[list[Told]] = [[]]
    for number, one in enumerate(told):
        pages[-1].append(one)
        if random.random() < 0.3 or number == 0:
            pages.append([])
    return pages


def shuffles(part: int) -> list[Shuffle]:
    """Give the seeds that share one database: a page then holds some of many days."""
    return [Shuffle(seed) for seed in range(SHUFFLES)[part * TOGETHER : (part + 1) * TOGETHER]]


async def hear(house: House, *told: tuple[str, list[Told]]) -> None:
    """Record what tenants are told, in one transaction, and fold it."""
    entries = [
        Entry(tenant=tenant, source=source, received_at=house.clock.now(), fact=fact)
        for tenant, facts in told
        for source, fact in facts
    ]
    async with house.database.transaction(Scope.of_workers()) as tx:
        await event_log.append_once(tx, entries)
    await house.fold()


async def digests(house: House, tenants: Iterable[str]) -> dict[str, str]:
    async with house.database.transaction(Scope.of_workers()) as tx:
        return {tenant: (await state.live(tx, tenant)).digest() for tenant in tenants}


async def replayed(house: House, tenants: Iterable[str]) -> dict[str, str]:
    """Say what the log alone tells of each tenant, read from its beginning."""
    events: dict[str, list[Event]] = {tenant: [] for tenant in tenants}
    after = Position()
    async with house.database.transaction(Scope.of_workers()) as tx:
        days = {tenant: await lots.days_of(tx, tenant) for tenant in events}
        while True:
            page, reached = await event_log.read(tx, after, limit=10_000)
            if reached == after:
                break
            after = reached
            for event in page:
                if event.tenant in events:
                    events[event.tenant].append(event)
    return {
        tenant: state.replayed(own, tenant, days[tenant]).digest()
        for tenant, own in events.items()
    }


def test_half_is_told_twice_and_some_comes_a_month_late_repeats_of_what_came_in_time_too() -> None:
    days = [Shuffle(seed) for seed in range(200)]

    for one in days:
        times = Counter(fact.identity for _, fact in one.heard)
        assert sorted(times) == sorted(fact.identity for _, fact in one.told)
        assert set(times.values()) <= {1, 2}
        assert list(times.values()).count(2) == len(one.told) // 2
        pages = [fact.identity for page in one.pages for _, fact in page]
        assert Counter(pages) + Counter(fact.identity for _, fact in one.late) == times
    payloads = [fact.payload for one in days for _, fact in one.told]
    reversals = sum(bool(isinstance(one, StockMoved) and one.reverses_id) for one in payloads)
    assert 0.05 < reversals / len(payloads) < 0.12
    heard = sum(len(one.heard) for one in days)
    late = sum(len(one.late) for one in days)
    assert 0.08 < late / heard < 0.12
    again = sum(told in one.in_time for one in days for told in one.late)
    assert again > late // 2, (
        "of the late ones most are repeats of what came in time, or its first"
    )


@pytest.mark.parametrize("part", range(math.ceil(SHUFFLES / TOGETHER)))
async def test_shuffled_repeated_and_late_facts_end_in_the_same_state(
    database: Database, clock: VirtualClock, part: int
) -> None:
    house = await House.opened(database, clock)
    days = shuffles(part)

    await hear(house, *((one.orderly, one.told) for one in days))
    for number in range(max(len(one.pages) for one in days)):
        some = [one for one in days if number < len(one.pages)]
        await hear(house, *((one.badly, one.pages[number]) for one in some))
    await clock.advance(MONTH)
    await house.inventory.upkeep.turn_days()
    await hear(house, *((one.badly, one.late) for one in days))
    await house.inventory.upkeep.turn_days()

    badly = [one.badly for one in days]
    expected = await digests(house, (one.orderly for one in days))
    found, told = await digests(house, badly), await replayed(house, badly)
    wrong = [
        one.seed
        for one in days
        if not expected[one.orderly] == found[one.badly] == told[one.badly]
    ]
    assert wrong == [], "these seeds end in another state"
    assert len(set(expected.values())) > len(days) // 2  # the days do differ


@pytest.mark.parametrize("seed", range(5))
async def test_reading_the_whole_log_again_changes_nothing(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    house = await House.opened(database, clock)
    scope = Scope("main")
    await hear(house, (scope.tenant, day(Random(seed))))
    upkeep = house.inventory.upkeep
    before = await upkeep.state_hash(scope)
    async with database.transaction(Scope.of_workers()) as tx:
        await tx.execute("update log_reader set tx = '0', position = 0 where name = 'inventory'")
    await house.fold()

    assert await upkeep.state_hash(scope) == before
    assert await upkeep.replayed_hash(scope) == before


async def test_what_is_known_to_be_nothing_is_another_state_than_what_nobody_counted(
    database: Database, clock: VirtualClock
) -> None:
    house = await House.opened(database, clock)
    scope, upkeep = Scope("main"), house.inventory.upkeep
    demanded = ordered("O1", 1, demand("O1/1", 3))
    hashes: list[str] = []
    for told in (demanded, counted(1, count(0)), counted(2, location="DC2", is_full=True)):
        await hear(house, (scope.tenant, [("wms", told)]))
        hashes.append(await upkeep.state_hash(scope))
        assert await upkeep.replayed_hash(scope) == hashes[-1]
    claimed = ordered("O2", 1, demand("O2/1", 3, item="Y", location="DC2"))
    await hear(house, (scope.tenant, [("wms", claimed)]))

    assert hashes[0] != hashes[1], "a count of nothing leaves no trace"
    assert hashes[1] == hashes[2], "a place that was counted empty holds no item to speak of"
    assert await upkeep.replayed_hash(scope) == await upkeep.state_hash(scope)
    async with database.transaction(Scope.of_workers()) as tx:
        stock = (await state.live(tx, scope.tenant)).stock
    assert [row.split("\x1f")[:3] for row in stock] == [
        ["X", "DC1", "known"],
        ["Y", "DC2", "known"],  # by the full count of its place
    ]
