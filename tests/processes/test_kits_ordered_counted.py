"""What is held for ordered kits, beside a count of what orders want (I2, I4, I9)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.foundation.clock import VirtualClock
from tests.processes.test_kits_reserved import claimed, free, reserve
from tests.processes.test_kits_shown import Bench, opened

RECIPES = {"P": {"X": 1}, "Q": {"X": 2, "Z": 1}}
THERE = {"P": 3, "Q": 1, "X": 90, "Z": 90}


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        for kit, parts in RECIPES.items():
            await one.kit(kit, **parts)
        yield one


@dataclass
class Day:
    """Orders in several versions, and what is picked for them, each an hour behind the last."""

    random: Random
    lines: dict[str, tuple[str, int, int]] = field(default_factory=dict[str, tuple[str, int, int]])
    picks: dict[str, int] = field(default_factory=dict[str, int])
    facts: list[tuple[str, Payload, int]] = field(default_factory=list[tuple[str, Payload, int]])

    def order(self, name: str) -> None:
        """Say anew what an order wants: kits, and now and then what goes into them."""
        hour = len(self.facts)
        items = [item for item in "PQXZ" if self.random.random() < 0.5]
        self.lines = {ref: one for ref, one in self.lines.items() if not ref.startswith(name)}
        said: list[DemandLine] = []
        for item in items:
            ref, pieces = f"{name}/{item}", self.random.randint(0, 5)
            self.lines[ref] = (item, pieces, hour)
            said.append(
                DemandLine(
                    demand_ref=ref, item=item, location="DC1",
                    ordered=Quantity.of(pieces), cancelled=Quantity.of(0),
                )
            )  # fmt: skip
        self.facts.append(("shop", OrderChanged(order_id=name, lines=tuple(said)), hour))

    def pick(self, item: str, ref: str) -> None:
        self.picks[ref] = self.picks.get(ref, 0) + 1
        moved = StockMoved(
            movement_id=f"m{len(self.facts)}", type=MovementType.PICK, item=item,
            quantity=Quantity.of(1), demand_ref=ref,
            source_place=Place(location="DC1", status=StockStatus.AVAILABLE),
        )  # fmt: skip
        self.facts.append(("wms", moved, len(self.facts)))

    def wanted(self) -> dict[str, int]:
        """Count what orders want of each component, each unit once."""
        rest: dict[tuple[str, str], int] = {}
        for kit, parts in RECIPES.items():
            there = THERE[kit] - sum(n for ref, n in self.picks.items() if ref.endswith(f"/{kit}"))
            for ref in sorted(self.lines, key=lambda one: (self.lines[one][2], one)):
                item, pieces, _ = self.lines[ref]
                if item != kit:
                    continue
                kits = max(0, pieces - self.picks.get(ref, 0))
                lying = min(kits, there)
                there -= lying
                for part, per in parts.items():
                    gone = self.picks.get(f"{ref}/{part}", 0)
                    key = ref.split("/")[0], part
                    more = max(0, (kits - lying) * per - gone)
                    rest[key] = rest.get(key, 0) + more
        found = {"X": 0, "Z": 0}
        for part in found:
            for order in ("o1", "o2", "o3"):
                _, own, _ = self.lines.get(f"{order}/{part}", ("", 0, 0))
                found[part] += max(own, rest.get((order, part), 0))
        return found


@pytest.mark.parametrize("seed", range(6))
async def test_i4_i9_orders_hold_what_they_want_once_in_whatever_order_facts_come(
    bench: Bench, seed: int
) -> None:
    random = Random(seed)
    day = Day(random)
    for _ in range(12):
        day.order(f"o{random.randint(1, 3)}")
    day.pick("P", "o1/P")
    for ref in ("o1/Q/X", "o2/P/X", "o2/Q/Z"):
        day.pick(ref[-1], ref)
    await bench.count(**THERE)
    begin = bench.clock.now()
    await bench.clock.advance(timedelta(hours=len(day.facts) + 1))
    late = random.sample(day.facts, len(day.facts)) + random.sample(day.facts, 4)
    for source, payload, hour in late:
        fact = Fact(
            identity=f"fact:{hour}", payload=payload, version=hour + 1,
            occurred_at=begin + timedelta(hours=hour, seconds=1),
        )  # fmt: skip
        await bench.hub.record([fact], source=source)
        if random.random() < 0.5:
            await bench.hub.settle()
    await bench.hub.settle()

    wanted = day.wanted()
    assert await claimed(bench, "X", "Z") == [wanted["X"], wanted["Z"]]


@pytest.mark.parametrize("seed", range(4))
async def test_i2_whatever_is_asked_at_once_no_part_is_promised_twice(
    bench: Bench, seed: int
) -> None:
    random = Random(seed)
    there = {"P": 1, "X": 12, "Z": 6}
    await bench.count(**there)
    carts: list[str] = []
    for number in range(12):
        pieces = random.randint(0, 3)
        kit = random.choice("PQ")
        said = DemandLine(
            demand_ref=f"o{number}/1", item=kit, location="DC1",
            ordered=Quantity.of(pieces), cancelled=Quantity.of(0),
        )  # fmt: skip
        order = OrderChanged(order_id=f"o{number}", lines=(said,))
        await bench.hear(order, "shop")
        if random.random() < 0.3:
            gone = OrderChanged(order_id=f"o{random.randint(0, number)}", lines=())
            await bench.hear(gone, "shop")
        made = await reserve(bench, (random.choice("PQXZ"), random.randint(1, 3)), partial=True)
        carts.append(made.reservation_id)
        if random.random() < 0.4:
            name = carts.pop(random.randrange(len(carts)))
            await bench.hub.inventory.release(bench.hub.scope, name)
            await bench.hub.inventory.upkeep.tell()
        await bench.hub.settle()
        found = await claimed(bench, "X", "Z")
        assert found[0] <= there["X"]
        assert found[1] <= there["Z"]
        assert await free(bench, "X", "Z") == [12 - found[0], 6 - found[1]]
    for number in range(12):
        await bench.hear(OrderChanged(order_id=f"o{number}", lines=()), "shop")
    for name in carts:
        await bench.hub.inventory.release(bench.hub.scope, name)
    await bench.hub.inventory.upkeep.tell()
    await bench.hub.settle()
    assert await free(bench, "P", "X", "Z") == [1, 12, 6]
