"""Customers come as chance has it, channels see an old figure: they seldom sell what is gone.

Each cycle is one stock that sells out. `CROSSDOCK_SELLOUTS` says how many cycles to play (1,000 by
default). What is measured is compared with the target and with the formula, five standard
deviations being allowed to chance.
"""

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt
from random import Random

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import budget
from crossdock.capabilities.inventory.budget import HOUR_MS, Seller

SELLOUTS = int(os.environ.get("CROSSDOCK_SELLOUTS", "1000"))  # noqa: TID251  # how much to test
SIGMAS = 5


@dataclass(frozen=True)
class Shop:
    """A channel that cannot reserve: it sells so much an hour, and hears of us so late.

    `per_hour` are orders; `hours` like the busiest one are in the week that was measured.
    """

    name: str
    per_hour: int
    publish_ms: int
    order_ms: int
    sizes: tuple[int, ...] = (1,)
    hours: int = 1

    @property
    def seller(self) -> Seller:
        taken = self.per_hour * sum(self.sizes) * MICROS // len(self.sizes)
        squares = self.per_hour * sum(q * q for q in self.sizes) * MICROS**2 // len(self.sizes)
        return Seller(
            name=self.name,
            peak=taken,
            taken=taken * self.hours,
            squares=squares * self.hours,
            order_ms=self.order_ms,
        )


@dataclass
class SellOut:
    """One stock, sold by several shops until each of them shows nothing."""

    shops: Sequence[Shop]
    held: dict[str, int]
    stock: int
    random: Random
    sold: dict[str, list[tuple[float, int]]] = field(init=False)
    oversold: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.sold = {shop.name: [] for shop in self.shops}

    def shown(self, shop: Shop, now: float) -> int:
        """Show what the hub knew and had told by now; orders of each shop come at its own pace."""
        known = 0
        for other in self.shops:
            until = now - shop.publish_ms - other.order_ms
            sales = self.sold[other.name]
            known += sum(q for _, q in sales[: bisect_right(sales, (until, 10**9))])
        return self.stock - known - self.held[shop.name]

    def play(self) -> Counter[str]:
        """Let customers come until no shop shows anything; tell what each sold too much."""
        total, now = 0, 0.0
        rates = [shop.per_hour / HOUR_MS for shop in self.shops]
        while any(self.shown(shop, now) >= min(shop.sizes) for shop in self.shops):
            now += self.random.expovariate(sum(rates))
            [shop] = self.random.choices(self.shops, rates)
            wanted = self.random.choice(shop.sizes)
            if self.shown(shop, now) >= wanted:
                self.oversold[shop.name] += max(0, min(wanted, total + wanted - self.stock))
                total += wanted
                self.sold[shop.name].append((now, wanted))
        return self.oversold


def held_by(shops: Sequence[Shop], percent: Decimal) -> dict[str, int]:
    sellers = [shop.seller for shop in shops]
    return {
        shop.name: -(-budget.held_back(sellers, shop.publish_ms, percent) // MICROS)
        for shop in shops
    }


def play(shops: Sequence[Shop], held: dict[str, int], seed: int) -> tuple[Counter[str], int]:
    """Give how many cycles each shop oversold in, and how many units in all."""
    random, cycles, units = Random(seed), Counter[str](), 0
    for _ in range(SELLOUTS):
        stock = max(held.values()) + random.randint(5, 15) * max(max(s.sizes) for s in shops)
        oversold = SellOut(shops, held, stock, random).play()
        cycles.update(name for name, count in oversold.items() if count)
        units += oversold.total()
    return cycles, units


def most(chance: float) -> float:
    """Say how many of the cycles may come out so, if each does with this chance."""
    return SELLOUTS * chance + SIGMAS * sqrt(SELLOUTS * chance * (1 - chance)) + 1


MINUTE = 60_000
ALONE = [
    [Shop("shop", 36, 10_000, 0)],  # A16, the fast path
    [Shop("shop", 36, 5 * MINUTE, 5 * MINUTE)],
    [Shop("shop", 120, 2 * MINUTE, 8 * MINUTE)],
    [Shop("shop", 2, 15 * MINUTE, MINUTE)],
]
TOGETHER = [
    [Shop("shop", 60, MINUTE, 2 * MINUTE), Shop("market", 30, 10 * MINUTE, 5 * MINUTE)],
    [
        Shop("shop", 40, MINUTE, MINUTE),
        Shop("market", 5, 20 * MINUTE, 15 * MINUTE),
        Shop("counter", 90, 0, 0),
    ],
]


@pytest.mark.parametrize("percent", [Decimal(1), Decimal(5)])
@pytest.mark.parametrize("shops", [*ALONE, *TOGETHER])
def test_no_channel_oversells_more_often_than_its_target(
    shops: Sequence[Shop], percent: Decimal
) -> None:
    cycles, _ = play(shops, held_by(shops, percent), seed=16)

    for shop in shops:
        assert cycles[shop.name] <= most(float(percent) / 100), (shop.name, cycles)


@pytest.mark.parametrize("held", [0, 4, 6, 9])
def test_a_single_channel_oversells_as_often_and_as_much_as_the_formula_says(held: int) -> None:
    [shop] = shops = ALONE[1]  # six sell unseen, on average
    mean = budget.mean_lumps([shop.seller], shop.publish_ms)

    cycles, units = play(shops, {"shop": held}, seed=92)

    assert mean == 6 * MICROS
    chance = float(budget.chance_of_more(mean, held))
    spread = SIGMAS * sqrt(SELLOUTS * chance * (1 - chance)) + 1
    assert abs(cycles["shop"] - SELLOUTS * chance) <= spread
    beyond = float(budget.expected_beyond(mean, held))
    assert abs(units - SELLOUTS * beyond) <= SIGMAS * sqrt(SELLOUTS * 6)


def test_a_buffer_for_ones_own_sales_alone_is_too_small_where_others_sell_too() -> None:
    shops = TOGETHER[0]
    market = shops[1]
    alone = budget.held_back([market.seller], market.publish_ms, Decimal(1)) // MICROS
    held = held_by(shops, Decimal(1)) | {"market": alone}

    cycles, _ = play(shops, held, seed=3)

    assert cycles["market"] > most(0.01)


def test_orders_that_take_a_case_each_are_covered_by_the_case() -> None:
    shops = [Shop("shop", 36, 5 * MINUTE, MINUTE, sizes=(12,))]

    cycles, _ = play(shops, held_by(shops, Decimal(1)), seed=12)

    assert held_by(shops, Decimal(1))["shop"] % 12 == 0
    assert cycles["shop"] <= most(0.01)


@pytest.mark.parametrize("publish_ms", [5000, MINUTE])
def test_cases_of_a_slow_seller_beside_pieces_of_a_fast_one_are_covered(publish_ms: int) -> None:
    shops = [
        Shop("shop", 60, publish_ms, 2000, hours=40),
        Shop("phone", 4, publish_ms, 30 * MINUTE, sizes=(24,), hours=5),
    ]

    cycles, _ = play(shops, held_by(shops, Decimal(1)), seed=24)

    for shop in shops:
        assert cycles[shop.name] <= most(0.01), cycles
