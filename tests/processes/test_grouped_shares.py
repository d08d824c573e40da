"""However a group and its members are sold from, shares show no more than it leaves (I3)."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation.clock import VirtualClock
from tests.processes.test_kits_shown import Bench, opened

SHARES = {"near": ("DC1", 60), "far": ("DC2", 60), "whole": ("EAST", 40)}
PLACES = ("DC1", "DC2", "EAST")


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def something(bench: Bench, random: Random, number: int) -> None:
    """Let goods be counted at a member, or be promised or ordered at any of the three."""
    item = random.choice("XXK")
    match random.choice(("count", "reserve", "order")):
        case "count":
            await bench.count(random.choice(PLACES[:2]), **{item: random.randint(0, 40)})
        case "reserve":
            at = random.choice(PLACES)
            await bench.hub.reserve(item, at, random.randint(1, 15), request_id=f"r{number}")
        case _:
            await bench.order(item, random.randint(1, 15), random.choice(PLACES))


@pytest.mark.parametrize("seed", range(4))
async def test_shares_of_a_group_and_of_its_members_are_together_no_more_than_it_leaves(
    bench: Bench, seed: int
) -> None:
    random = Random(seed)
    await bench.kit("K", X=2)
    await bench.takes_parts("K")
    for name, (place, percent) in SHARES.items():
        terms = {"share_mode": ShareMode.PERCENT, "share_percent": Decimal(percent)}
        await bench.sells(name, place, **terms)
    await bench.sells("all", "EAST")
    for place in PLACES[:2]:
        await bench.count(place, X=30, K=2)

    for number in range(15):
        await something(bench, random, number)

        [x, kits] = await bench.shown("X", "K", name="all")
        for item, left in (("X", x), ("K", kits)):
            shown = [(await bench.shown(item, name=name))[0] or 0 for name in SHARES]
            assert sum(shown) <= (left or 0), (number, item, shown, left)
