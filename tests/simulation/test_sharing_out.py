"""Whatever happens in whatever order, no run confirms more than there is, or what is picked."""

from dataclasses import dataclass, field
from random import Random

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import Applies
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.unit.capabilities.allocation.conftest import Floor, opened
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place

CHANNELS = ("web", "key", "branch")


@dataclass
class Day:
    """Orders, changes, cancellations, picks, receipts, losses and counts, by chance."""

    chance: Random
    orders: dict[str, list[int]] = field(default_factory=dict)
    """By order: version, ordered, cancelled, picked."""
    number: int = 1
    stock: int = 20

    def next(self) -> Fact:
        self.number += 1
        kinds = [self.order, self.receipt, self.loss, self.change, self.cancel, self.pick]
        return self.chance.choice(kinds)()

    def order(self) -> Fact:
        self.orders[f"O{self.number}"] = [1, self.chance.randint(1, 9), 0, 0]
        return self.told(f"O{self.number}")

    def change(self) -> Fact:
        name = self.some()
        self.orders[name][1] = self.chance.randint(1, 9)
        return self.told(name)

    def cancel(self) -> Fact:
        name = self.some()
        self.orders[name][2] = self.chance.randint(0, 5)
        return self.told(name)

    def receipt(self) -> Fact:
        return self.goods(self.chance.randint(1, 9))

    def loss(self) -> Fact:
        return self.goods(-min(self.stock, self.chance.randint(0, 6)))

    def pick(self) -> Fact:
        open_ = {name: asked - gone - had for name, (_, asked, gone, had) in self.orders.items()}
        able = sorted(name for name, left in open_.items() if left > 0 and self.stock > 0)
        if not able:
            return self.receipt()
        name = self.chance.choice(able)
        taken = self.chance.randint(1, min(open_[name], self.stock))
        self.orders[name][3] += taken
        self.stock -= taken
        return moved(self.number, taken, place(), None, demand_ref=f"{name}/1")

    def goods(self, change: int) -> Fact:
        self.stock += change
        ends = (None, place()) if change >= 0 else (place(), None)
        return moved(self.number, abs(change), *ends)

    def some(self) -> str:
        if not self.orders:
            self.order()
        name = self.chance.choice(sorted(self.orders))
        self.orders[name][0] += 1
        return name

    def told(self, name: str) -> Fact:
        version, asked, gone, _ = self.orders[name]
        channel = CHANNELS[int(name[1:]) % 3]
        line = demand(f"{name}/1", asked, min(asked, gone))
        return of(channel, name, version, line, minute=int(name[1:]) % 60)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_confirmed_is_there_and_what_is_picked_stays(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    day = Day(Random(seed))
    floor: Floor = await opened(database, clock)
    await floor.policy(Applies.EVERYTHING)
    for channel, strategy in zip(
        CHANNELS, day.chance.sample([Strategy.IMPROVE, Strategy.REDISTRIBUTE, Strategy.FILL,
                                     Strategy.LOSE], 3), strict=True,
    ):  # fmt: skip
        await floor.rule(channel, strategy, day.chance.randint(1, 3))
    await floor.hear(counted(1, count(day.stock)))
    for _ in range(12):
        await floor.hear(*(day.next() for _ in range(day.chance.randint(1, 5))))
        await floor.work()

        lines = await floor.allocation.lines(MAIN, "X", "DC1")
        assert sum(one.confirmed for one in lines) <= day.stock * MICROS
        assert all(0 <= one.confirmed <= one.requested for one in lines)
        known = {one.order_id: one.picked // MICROS for one in lines}
        assert known.items() <= {name: state[3] for name, state in day.orders.items()}.items()
        assert (await floor.stock()).figures.nettable == day.stock * MICROS
    assert await floor.left("allocation_run where state = 'SIMULATED'") == 0
