"""Kits that orders name and nobody reserved: their parts are held for them, once (A19, A30)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.canonical.inventory import MovementType
from crossdock.capabilities.supply import AtpRule, PlacedRule, Question
from crossdock.canonical.quantities import MICROS
from crossdock.foundation.clock import VirtualClock
from tests.processes.test_kits_reserved import claimed, free, held, line, moved, ordered, reserve
from tests.processes.test_kits_shown import Bench, opened


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def dated(bench: Bench, *items: str, at: str = "DC1") -> list[int]:
    """Say how many of each can leave at once."""
    found = await bench.hub.promise_dates([Question(item, at, "EA") for item in items])
    return [one.now // MICROS for one in found]


async def test_a30_two_ordered_p_leave_three_x_and_one_q_for_everybody(bench: Bench) -> None:
    await bench.sells()
    placed = PlacedRule(item="*", location="*", rule=AtpRule(weekdays="1234567"))
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5)

    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()

    assert await free(bench, "X") == [3]
    assert await claimed(bench, "P", "X") == [2, 2]
    assert await bench.shown("X", "P", "Q") == [3, 3, 1]
    assert await dated(bench, "X", "P", "Q") == [3, 3, 1]
    assert held(await reserve(bench, ("Q", 2), partial=True)) == [("Q", 1, 1), ("X", 2, 2)]
