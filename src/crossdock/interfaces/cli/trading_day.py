"""One trading day as data: what is wanted where and when, and what a batch feed makes of it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

DAY_SECONDS = 10 * 3600
"""From 08:00 to 18:00."""

FAST_SHARE = 0.04
"""This share of the items sells fast, and is bought in below the day's demand."""

SHOP_SHARE = 0.55
"""This share of the sales comes through the shop, the rest over the branches' counters."""


class Channel(StrEnum):
    SHOP = "shop"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    description: str
    opening: int


@dataclass(frozen=True, slots=True)
class Sale:
    """Somebody wants `quantity` at `at` seconds after opening; `number` is the order's own."""

    number: int
    at: float
    channel: Channel
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A supplier's truck brings `quantity`; it is put away at once."""

    at: float
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Day:
    seed: int
    items: tuple[Item, ...]
    happenings: tuple[Sale | Delivery, ...]


class Tally:
    """What became of the sales, judged by the truth that no single system has.

    `free` is what lies in the warehouse and nobody was promised. An accepted sale that takes it
    below zero was oversold: the warehouse will stand before an empty shelf.
    """

    def __init__(self, day: Day) -> None:
        self.free = {item.sku: item.opening for item in day.items}
        self.sold: list[Sale] = []
        self.accepted = dict.fromkeys(Channel, 0)
        self.refused = dict.fromkeys(Channel, 0)
        self.refused_in_vain = 0
        self.oversold_orders = 0
        self.oversold_units = 0

    def accept(self, sale: Sale) -> None:
        self.sold.append(sale)
        self.accepted[sale.channel] += 1
        short = sale.quantity - max(0, self.free[sale.sku])
        self.free[sale.sku] -= sale.quantity
        if short > 0:
            self.oversold_orders += 1
            self.oversold_units += short

    def refuse(self, sale: Sale) -> None:
        self.refused[sale.channel] += 1
        self.refused_in_vain += self.free[sale.sku] >= sale.quantity

    def receive(self, delivery: Delivery) -> None:
        self.free[delivery.sku] += delivery.quantity


def trouble_of(tally: Tally) -> str:
    """Say what was sold that was not there; empty: nothing was."""
    if not tally.oversold_orders:
        return ""
    return (
        f"{tally.oversold_orders} of {len(tally.sold)} orders took"
        f" {tally.oversold_units} units more than there were"
    )


def plan(seed: int, *, orders: int, items: int) -> Day:
    """Draw a day. The same seed gives the same day."""
    random = Random(seed)  # noqa: S311  # a day to draw, not a secret
    fast = max(2, round(items * FAST_SHARE))
    weights = [25.0 if number < fast else random.uniform(0.2, 1.5) for number in range(items)]
    skus = [f"SKU-{number:04}" for number in range(1, items + 1)]
    sales = [
        Sale(
            number=number,
            at=round(_time_of_day(random), 1),
            channel=Channel.SHOP if random.random() < SHOP_SHARE else Channel.BRANCH,
            sku=sku,
            quantity=random.choice((1, 1, 1, 2, 2, 3, 6, 12)),
        )
        for number, sku in enumerate(random.choices(skus, weights, k=orders), start=1)
    ]
    wanted = dict.fromkeys(skus, 0)
    for sale in sales:
        wanted[sale.sku] += sale.quantity
    stock = [
        Item(sku, _description(random), _opening(random, wanted[sku], is_fast=number < fast))
        for number, sku in enumerate(skus)
    ]
    trucks = [
        Delivery(at=5.5 * 3600 + 600 * number, sku=sku, quantity=wanted[sku] // 6)
        for number, sku in enumerate(skus[:fast:2])
    ]
    happenings: list[Sale | Delivery] = [*sales, *trucks]
    happenings.sort(key=lambda happening: happening.at)
    return Day(seed, tuple(stock), tuple(happenings))


def by_batch_feed(day: Day, *, every_seconds: int) -> Tally:
    """Play the day the old way: branches sell what is there, the shop what it was told last.

    Orders reach the warehouse at once, in both directions; only the stock feed to the shop waits.
    """
    tally = Tally(day)
    shop = dict(tally.free)
    next_feed = float(every_seconds)
    for happening in day.happenings:
        while happening.at >= next_feed:
            shop = {sku: max(0, free) for sku, free in tally.free.items()}
            next_feed += every_seconds
        if isinstance(happening, Delivery):
            tally.receive(happening)
            continue
        seen = shop if happening.channel is Channel.SHOP else tally.free
        if seen[happening.sku] < happening.quantity:
            tally.refuse(happening)
            continue
        if happening.channel is Channel.SHOP:
            shop[happening.sku] -= happening.quantity
        tally.accept(happening)
    return tally


def ticks(day: Day, *, seconds: int) -> Iterator[tuple[int, Sequence[Sale | Delivery]]]:
    """Cut the day into equal steps; give the end of each step and what happened in it."""
    start = 0
    for end in range(seconds, DAY_SECONDS + seconds, seconds):
        stop = bisect_left(day.happenings, float(end), start, key=lambda happening: happening.at)
        yield end, day.happenings[start:stop]
        start = stop


def _time_of_day(random: Random) -> float:
    """Draw a time: a morning peak of trade orders, an evening one of web orders."""
    peak = random.choice((2.0, 2.5, 7.0))
    return min(max(random.gauss(peak, 2.0), 0.0), 9.99) * 3600


def _opening(random: Random, wanted: int, *, is_fast: bool) -> int:
    if is_fast:
        return round(wanted * random.uniform(0.45, 0.75))
    return wanted + random.randint(0, 60)


def _description(random: Random) -> str:
    kinds = ("Hex bolt", "Ball valve", "Cable gland", "Pipe clamp", "Washer", "Gasket", "Bearing")
    sizes = ("M6", "M8", "M10", "M12", "DN15", "DN20", "DN25", "3/8 in", "1/2 in")
    return f"{random.choice(kinds)} {random.choice(sizes)}"
