"""A channel is shown goods that keep as long as its rule asks, as days pass (§3.7, I8, A13)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from crossdock.canonical.catalog import LotChanged
from crossdock.canonical.inventory import CountedStock, ReservationKind, StockSnapshotTaken
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.supply import AtpRule, LifeTerms, PlacedRule, Question
from crossdock.foundation.clock import VirtualClock
from crossdock.orchestration.processes.availability_state import Life
from tests.conftest import NOON
from tests.processes.test_kits_shown import Bench, opened

A13 = {"L1": (20, 25), "L2": (30, 33), "L3": (50, 120)}
SHOP = LifeTerms(channel="shop", days=30, transit_days=3)


class Dated(Bench):
    """A bench whose goods have lots that keep so many days from the first on."""

    async def lies(
        self, lots: dict[str, tuple[int, int]], item: str = "X", location: str = "DC1"
    ) -> None:
        """Count these lots, each its pieces and the days it keeps."""
        await self.clock.advance(timedelta(seconds=1))
        counted = tuple(
            CountedStock(item=item, quantity=Quantity.of(pieces), lot=lot)
            for lot, (pieces, _) in lots.items()
        )
        taken = StockSnapshotTaken(
            snapshot_id=f"{location}{self.told}", location=location, lines=counted
        )
        await self.hear(taken)
        for lot, (_, days) in lots.items():
            await self.keeps(lot, days, item)

    async def keeps(self, lot: str, days: int, item: str = "X") -> None:
        await self.hear(LotChanged(item=item, lot=lot, expires_on=day(days)))

    async def rule(self, *lives: LifeTerms, item: str = "X", at: str = "*") -> None:
        placed = PlacedRule(item=item, location=at, rule=AtpRule(lives=lives))
        await self.hub.supply.put_rule(self.hub.scope, placed, by="test")

    async def bought(
        self, pieces: int, source: str = "shop", *, channel: str = "", order: str = "", **at: str
    ) -> None:
        await self.clock.advance(timedelta(seconds=1))
        order = order or f"o{self.told}"
        line = DemandLine(
            demand_ref=f"{order}/1", item=at.get("item", "X"), location=at.get("location", "DC1"),
            ordered=Quantity.of(pieces), cancelled=Quantity.of(0),
        )  # fmt: skip
        await self.hear(OrderChanged(order_id=order, lines=(line,), channel=channel), source)

    async def said(self, item: str, name: str = "shop") -> tuple[int, int, int]:
        """Tell how much there is, how much of it is short-dated, and how much is to be shown."""
        one = await self.item(item, name)
        return int(one.pool or -1), int(one.short_dated), int(one.exposed or 0)

    async def until(self, days: int) -> None:
        """Wait until it is midnight so many days on, and no event but the day's own is heard."""
        midnight = NOON.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
        await self.clock.advance(midnight - self.clock.now())


def day(number: int) -> date:
    return NOON.date() + timedelta(days=number)


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Dated]:
    async with opened(dsn, tmp_path, clock) as one:
        yield Dated(one.hub, one.clock)


async def test_a13_of_three_lots_a_channel_is_shown_the_two_that_keep_as_long_as_it_asks(
    bench: Dated,
) -> None:
    await bench.sells()
    await bench.sells("other")
    await bench.rule(SHOP)
    await bench.lies(A13)

    assert await bench.said("X") == (100, 20, 80)
    assert (await bench.item("X")).lives == (Life(location="DC1", days=30, transit_days=3),)
    assert await bench.said("X", "other") == (100, 0, 100)
    assert (await bench.item("X", "other")).lives == ()


async def test_a_lot_that_is_too_old_tomorrow_is_not_shown_tomorrow_though_nothing_is_heard(
    bench: Dated,
) -> None:
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies(A13)
    assert await bench.shown("X") == [80]
    await bench.hub.settle()

    await bench.until(1)

    assert await bench.woken() == {"X"}
    assert await bench.shown("X") == [50]
    await bench.until(87)
    await bench.hub.settle()
    assert await bench.shown("X") == [50]
    await bench.until(88)
    assert await bench.woken() == {"X"}
    assert await bench.shown("X") == [0]


async def test_what_is_shown_is_what_a_question_by_date_for_the_channel_promises_now(
    bench: Dated,
) -> None:
    await bench.sells()
    await bench.rule(SHOP, LifeTerms(days=7))
    await bench.lies(A13)
    await bench.bought(35)
    await bench.bought(30, "elsewhere")

    question = Question("X", "DC1", "EA", MICROS, channel="shop")
    [answer] = await bench.hub.promise_dates([question])

    assert await bench.shown("X") == [35]
    assert answer.now == 35 * MICROS


async def test_an_order_of_the_channel_has_goods_that_keep_and_others_have_the_older_ones(
    bench: Dated,
) -> None:
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies(A13)

    await bench.bought(20, "elsewhere")
    assert await bench.shown("X") == [80]
    await bench.bought(60)
    assert await bench.shown("X") == [20]
    await bench.bought(5, "elsewhere")
    assert await bench.shown("X") == [15]


async def test_what_nobody_told_the_life_of_is_not_shown_where_one_is_asked_for(
    bench: Dated,
) -> None:
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies({"L3": (50, 120)})
    await bench.hear(
        StockSnapshotTaken(
            snapshot_id="more",
            location="DC1",
            lines=(CountedStock(item="X", quantity=Quantity.of(10), lot="NEW"),),
        )
    )

    assert await bench.said("X") == (60, 10, 50)


async def test_a_hold_of_nobody_knows_whom_is_taken_to_be_of_goods_that_keep(
    bench: Dated,
) -> None:
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies(A13)
    lines = (ReservationLine("X", "DC1", 30 * MICROS),)
    request = ReservationRequest("r", lines, ReservationKind.HARD)
    await bench.hub.inventory.reserve(bench.hub.scope, "cart", request)
    await bench.hub.settle()

    assert await bench.shown("X") == [50]


async def test_a_rule_is_shown_at_once_and_so_is_its_end(bench: Dated) -> None:
    await bench.sells()
    await bench.lies(A13)
    assert await bench.shown("X") == [100]
    await bench.clock.advance(timedelta(seconds=1))

    await bench.rule(SHOP)
    assert await bench.woken() == {"X"}
    assert await bench.shown("X") == [80]
    await bench.clock.advance(timedelta(seconds=1))
    await bench.hub.supply.drop_rule(bench.hub.scope, "X", "*", by="test")
    assert await bench.woken() == {"X"}
    assert await bench.shown("X") == [100]


async def test_a_rule_for_whatever_item_has_all_that_is_listed_looked_at(bench: Dated) -> None:
    await bench.sells()
    await bench.lies(A13)
    await bench.count(A=5)
    await bench.clock.advance(timedelta(seconds=1))

    await bench.rule(SHOP, item="*")

    assert await bench.woken() == {"A", "X"}
    assert await bench.shown("A", "X") == [0, 80]


async def test_another_last_day_of_a_lot_is_shown_at_once(bench: Dated) -> None:
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies(A13)
    await bench.clock.advance(timedelta(seconds=1))

    await bench.keeps("L1", 40)

    assert await bench.woken() == {"X"}
    assert await bench.shown("X") == [100]


async def test_as_many_goods_of_other_lots_are_shown_at_once(bench: Dated) -> None:
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies(A13)
    await bench.clock.advance(timedelta(seconds=1))

    await bench.lies({"L1": (30, 25), "L2": (20, 33), "L3": (50, 120)})

    assert await bench.woken() == {"X"}
    assert await bench.shown("X") == [70]


async def test_an_order_that_is_of_another_channel_now_is_shown_at_once(bench: Dated) -> None:
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies(A13)
    await bench.bought(20, "desk", order="o1")
    assert await bench.shown("X") == [80]

    await bench.bought(20, "desk", order="o1", channel="SHOP")

    assert await bench.woken() == {"X"}
    assert await bench.shown("X") == [60]


async def test_a_group_is_shown_what_keeps_at_its_members_and_a_member_what_its_group_leaves(
    bench: Dated,
) -> None:
    await bench.sells("shop", "EAST")
    await bench.rule(SHOP)
    await bench.lies({"L1": (20, 25), "L3": (50, 120)})
    await bench.lies({"L3": (10, 120), "L1": (40, 25)}, location="DC2")
    assert await bench.shown("X") == [60]

    await bench.bought(45, location="EAST")
    assert await bench.shown("X") == [15]

    await bench.sells("shop", "DC1")
    assert await bench.shown("X") == [15]


async def test_members_of_a_group_are_shown_together_what_it_leaves_of_what_keeps(
    bench: Dated,
) -> None:
    await bench.sells("shop", "DC1", "DC2")
    await bench.rule(SHOP)
    await bench.lies(A13)
    await bench.lies({"M1": (10, 120)}, location="DC2")
    assert await bench.said("X") == (110, 20, 90)

    await bench.hub.reserve("X", "EAST", 85, request_id="r")

    assert await bench.said("X") == (25, 20, 5)


async def test_shares_of_two_members_leave_what_their_group_owes_of_what_keeps_i3(
    bench: Dated,
) -> None:
    for name, place in (("shop", "DC1"), ("far", "DC2")):
        await bench.sells(name, place, share_mode="PERCENT", share_percent=Decimal(100))
    await bench.rule(SHOP, replace(SHOP, channel="far"))
    await bench.lies(A13)
    await bench.lies({"M1": (70, 120)}, location="DC2")
    assert [await bench.shown("X", name=name) for name in ("shop", "far")] == [[80], [70]]

    await bench.hub.reserve("X", "EAST", 90, request_id="r")

    assert await bench.said("X") == (40, 10, 30)
    assert await bench.shown("X", name="far") == [30]


async def test_kits_at_a_group_lose_what_the_group_promised_of_components_once(
    bench: Dated,
) -> None:
    await bench.sells("shop", "EAST")
    await bench.kit("K", X=1)
    await bench.rule(SHOP, item="K")
    await bench.lies({"L3": (10, 120)})
    await bench.lies({"L3": (2, 120)}, location="DC2")
    assert await bench.shown("K") == [12]

    await bench.bought(6, location="EAST")

    assert await bench.shown("K") == [6]


async def test_what_a_member_lacks_is_not_taken_of_what_keeps_at_another(bench: Dated) -> None:
    await bench.sells("shop", "EAST")
    await bench.sells("near", "DC2")
    await bench.rule(SHOP, replace(SHOP, channel="near"))
    await bench.lies({"L3": (5, 120)})
    await bench.lies({"L3": (10, 120)}, location="DC2")

    await bench.bought(10)

    assert await bench.shown("X") == [10]
    assert await bench.shown("X", name="near") == [10]


async def test_a_percentage_and_a_minimum_of_others_are_of_what_keeps(bench: Dated) -> None:
    await bench.sells("shop", share_percent=Decimal(50), share_mode="PERCENT")
    await bench.rule(SHOP)
    await bench.lies(A13)

    assert await bench.shown("X") == [40]


async def test_a_kit_is_shown_with_components_that_keep_as_the_kits_rule_asks(
    bench: Dated,
) -> None:
    await bench.sells()
    await bench.kit("K", X=2, A=1)
    await bench.lies(A13)
    await bench.count(A=100)
    assert await bench.shown("K") == [50]

    await bench.rule(SHOP, item="K")

    assert await bench.shown("K", "X", "A") == [40, 100, 100]
    assert (await bench.item("K")).short_dated == 10
    await bench.until(1)
    assert "K" in await bench.woken()
    assert await bench.shown("K") == [25]


async def test_a_rule_that_asks_less_of_a_channel_than_of_all_is_its_own(bench: Dated) -> None:
    await bench.sells()
    await bench.rule(LifeTerms(days=60), replace(SHOP, days=0, transit_days=1))
    await bench.lies(A13)

    assert await bench.shown("X") == [100]
    await bench.rule(LifeTerms(days=60))
    assert await bench.shown("X") == [50]


@pytest.mark.parametrize("seed", range(3))
async def test_on_no_day_is_more_shown_than_keeps_as_long_as_is_asked(
    bench: Dated, seed: int
) -> None:
    """Without claims it is just that; with orders of whom ever it is never more."""
    random = Random(seed)
    lots = {f"L{number}": (random.randrange(1, 20), random.randrange(45)) for number in range(8)}
    await bench.sells()
    await bench.rule(SHOP)
    await bench.lies(lots)
    for today in sorted({0, *(days - 32 for _, days in lots.values() if days > 32)}):
        if today:
            await bench.until(today)
            assert await bench.woken() == {"X"}
        naive = sum(pieces for pieces, days in lots.values() if days >= 33 + today)

        assert await bench.shown("X") == [naive]

    [left] = await bench.shown("X")
    assert left is not None
    for source in random.choices(["shop", "elsewhere"], k=3):
        await bench.bought(random.randrange(1, 6), source)
        [found] = await bench.shown("X")
        assert found is not None
        assert found <= left
        left = found
