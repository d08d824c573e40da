"""Whatever order facts come in, twice or a month late, inventory ends in the same state.

`CROSSDOCK_SHUFFLES` says how many seeds to try (100 by default).
"""

import os
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockStatus
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.inventory.house import (
    House,
    count,
    counted,
    demand,
    moved,
    ordered,
    place,
)

SHUFFLES = int(os.environ.get("CROSSDOCK_SHUFFLES", "100"))  # noqa: TID251  # how much to test
ITEMS = ("X", "Y", "Z")
LOCATIONS = ("DC1", "DC2")
STATUSES = (StockStatus.AVAILABLE, StockStatus.STAGED_OUT, StockStatus.DAMAGED)
MONTH = timedelta(days=30)


def day(random: Random) -> list[tuple[str, Fact]]:
    """Make up what two sources told one day: movements, reversals, snapshots, orders."""
    told: list[tuple[str, Fact]] = []
    for number in range(1, random.randint(10, 40)):
        source = random.choice(("wms", "wms", "erp"))
        told.append((source, _fact(random, number, source)))
    return told


def _fact(random: Random, number: int, source: str) -> Fact:
    kind = random.random()
    if kind < 0.6 or source == "erp":
        ref = random.choice(("", "", "O1/1", "O2/1", "O2/2"))
        fact = moved(
            number,
            random.randint(1, 9),
            _place(random),
            _place(random),
            item=random.choice(ITEMS),
            demand_ref=ref,
        )
        # Some sources have no sequence; their clock then places what they say.
        return fact if source == "wms" else replace(fact, sequence=None)
    if kind < 0.8:
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


def _place(random: Random):  # type: ignore[no-untyped-def]  # noqa: ANN202
    if random.random() < 0.3:
        return None
    return place(random.choice(LOCATIONS), random.choice(STATUSES))


def _line(random: Random) -> CountedStock:
    return count(random.randint(0, 40), random.choice(STATUSES), item=random.choice(ITEMS))


async def told_in_order(house: House, scope: Scope, told: list[tuple[str, Fact]]) -> str:
    for source, fact in told:
        await house.record(fact, source=source, scope=scope)
    await house.fold()
    return await house.inventory.upkeep.state_hash(scope)


async def told_badly(
    house: House, scope: Scope, told: list[tuple[str, Fact]], random: Random
) -> str:
    """Shuffle, repeat half, and let some come a month late, in pages of random length."""
    badly = told + random.sample(told, len(told) // 2)
    random.shuffle(badly)
    late = [one for one in badly if random.random() < 0.1]
    for number, (source, fact) in enumerate(one for one in badly if one not in late):
        await house.record(fact, source=source, scope=scope)
        if random.random() < 0.3 or number == 0:
            await house.fold()
    await house.clock.advance(MONTH)
    for source, fact in late:
        await house.record(fact, source=source, scope=scope)
    await house.fold()
    return await house.inventory.upkeep.state_hash(scope)


async def test_shuffled_repeated_and_late_facts_end_in_the_same_state(
    database: Database, clock: VirtualClock
) -> None:
    house = await House.opened(database, clock)
    upkeep = house.inventory.upkeep
    for seed in range(SHUFFLES):
        random = Random(seed)
        told = day(random)
        orderly, badly = Scope(f"orderly-{seed}"), Scope(f"badly-{seed}")

        expected = await told_in_order(house, orderly, told)
        assert await told_badly(house, badly, told, random) == expected, f"seed {seed}"
        assert await upkeep.replayed_hash(badly) == expected, f"seed {seed}"


@pytest.mark.parametrize("seed", range(5))
async def test_reading_the_whole_log_again_changes_nothing(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    house = await House.opened(database, clock)
    scope = Scope("main")
    before = await told_in_order(house, scope, day(Random(seed)))
    async with database.transaction(Scope.of_workers()) as tx:
        await tx.execute("update log_reader set tx = '0', position = 0 where name = 'inventory'")
    await house.fold()

    assert await house.inventory.upkeep.state_hash(scope) == before
