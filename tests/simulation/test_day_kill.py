"""A process killed while the day turns: what has expired is taken off once, and told once."""

import asyncio
import signal
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.quantities import MICROS
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.unit.capabilities.inventory.house import MAIN, House, count, counted
from tests.unit.capabilities.inventory.test_expiring import TODAY, located, lot

ROOT = Path(__file__).parents[2]
ITEMS = ("X", "Y", "Z")
DAY = timedelta(days=1)


async def killed(dsn: str, what: str) -> None:
    """Run a process until it has killed itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulation.day_process", dsn, what), cwd=ROOT
    )
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("what", "counted_already"), [("before", 0), ("within", 0), ("between", 1), ("behind", 3)]
)
async def test_the_next_process_finishes_the_turn_and_counts_nothing_twice(
    database: Database, dsn: str, clock: VirtualClock, what: str, counted_already: int
) -> None:
    house = await House.opened(database, clock)
    await house.hear(located("DC1", "UTC"), *(lot("L", TODAY, item=item) for item in ITEMS))
    await house.hear(counted(1, *(count(7, item=item, lot="L") for item in ITEMS)))
    before = len(await house.told(AvailabilityChanged))

    await killed(dsn, what)
    await clock.advance(DAY)
    stock = await house.inventory.availability(MAIN, [(item, "DC1") for item in ITEMS])
    assert sum(one.expired == 7 * MICROS for one in stock) == counted_already
    # A count meanwhile is taken as any other, whatever was counted among what has expired.
    await house.hear(counted(2, *(count(9, item=item, lot="L") for item in ITEMS)))
    assert await house.inventory.upkeep.turn_days() == 1
    assert await house.inventory.upkeep.turn_days() == 0

    for item in ITEMS:
        one = await house.stock(item)
        assert (one.figures.nettable, one.expired) == (0, 9 * MICROS)
    told = (await house.told(AvailabilityChanged))[before:]
    assert len({event.fact.identity for event in told}) == len(told)
    assert set(Counter(event.payload.key for event in told)) == set(ITEMS)
    upkeep = house.inventory.upkeep
    assert await upkeep.state_hash(MAIN) == await upkeep.replayed_hash(MAIN)
