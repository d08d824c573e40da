"""Kits through a whole hub: what shops are shown, and when they look again (§1.2, §3.7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import (
    ItemChanged,
    KitChanged,
    KitComponent,
    LocationChanged,
    LocationKind,
)
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.capabilities.supply import AtpRule, PlacedRule, PromiseAsked, Question
from crossdock.connectivity.directory import installed_applications
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import SeededIds
from crossdock.foundation.scope import Scope
from crossdock.orchestration.processes.availability_exposure import ItemExposure
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_writes import Listing
from crossdock.orchestration.processes.channel_sales import NAME as SALES
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from tests.conftest import NOON
from tests.processes.end_to_end.world import (
    SECRET,
    Shop,
    connected,
    ports_of,
    settings_of,
    shop_at,
)

ITEMS = ("A", "B", "C", "K", "P", "Q", "S", "X", "Z")
DECIDED = """
select instance from process_instance
where process = $1 and tenant = $2 and decided_at = $3
"""


@dataclass
class Bench:
    """A hub with DC1 and DC2 (together EAST) and DC3, and whatever kits are told of."""

    hub: Hub
    clock: VirtualClock
    told: int = 0

    async def hear(self, payload: Payload, source: str = OWN_SOURCE) -> None:
        self.told += 1
        now = self.clock.now()
        fact = Fact(
            identity=f"said:{self.told}", payload=payload, occurred_at=now, version=self.told
        )
        [verdict] = await self.hub.record([fact], source=source)
        assert not verdict.reason, verdict

    async def kit(self, item: str, **parts: int) -> None:
        components = tuple(
            KitComponent(item=part, quantity=Quantity.of(per)) for part, per in parts.items()
        )
        await self.hear(KitChanged(item=item, quantity=Quantity.of(1), components=components))

    async def count(self, location: str = "DC1", /, **pieces: int) -> None:
        await self.clock.advance(timedelta(seconds=1))
        for item, amount in pieces.items():
            await self.hub.put_stock(item, location, amount)

    async def order(self, item: str, pieces: int, location: str = "DC1") -> None:
        await self.clock.advance(timedelta(seconds=1))
        line = DemandLine(
            demand_ref=f"{self.told}/1", item=item, location=location,
            ordered=Quantity.of(pieces), cancelled=Quantity.of(0),
        )  # fmt: skip
        await self.hear(OrderChanged(order_id=f"o{self.told}", lines=(line,)), source="shop")

    async def takes_parts(self, kit: str, *, says: bool = True) -> None:
        placed = PlacedRule(item=kit, location="*", rule=AtpRule(takes_parts=says))
        await self.hub.supply.put_rule(self.hub.scope, placed, by="test")

    async def sells(self, name: str = "shop", *places: str, **terms: Any) -> None:
        channel = Channel(
            connection=name, location="WEB", source_locations=places or ("DC1",),
            coalesce_seconds=0, **terms,
        )  # fmt: skip
        await self.hub.channels.put(self.hub.scope, channel, by="test")

    async def item(self, item: str, name: str = "shop") -> ItemExposure:
        found = await self.hub.publishing.exposures.show(
            self.hub.scope, name, "WEB", ItemsWanted(items=[item])
        )
        return found.items[0]

    async def shown(self, *items: str, name: str = "shop") -> list[int | None]:
        """Tell what the channel may show of each."""
        found = [(await self.item(item, name)).exposed for item in items]
        return [None if one is None else int(one) for one in found]

    async def woken(self) -> set[str]:
        """Name the items whose listings were looked at just now."""
        await self.hub.settle()
        async with self.hub.database.transaction(self.hub.scope) as tx:
            rows = await tx.fetch(DECIDED, NAME, tx.tenant, self.clock.now())
        return {Listing.of(row["instance"]).item for row in rows}


@asynccontextmanager
async def opened(dsn: str, folder: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    random = Random(3)
    outside = Outside(
        clock=clock, ids=SeededIds(random), random=random, applications=installed_applications()
    )
    async with Hub.open(settings_of(dsn, folder), outside) as hub:
        known = [ItemChanged(sku=item) for item in ITEMS]
        places = [LocationChanged(code=code) for code in ("DC1", "DC2", "DC3")]
        group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
        facts = [own_fact(one, NOON) for one in known]
        facts += [own_fact(one, NOON) for one in (*places, group)]
        for verdict in await hub.record(facts, source=OWN_SOURCE):
            assert not verdict.reason, verdict
        yield Bench(hub, clock)


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def test_a30_of_five_x_five_p_and_two_q_are_shown_and_an_order_for_two_p_leaves_3_and_1(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5)
    assert await bench.shown("X", "P", "Q") == [5, 5, 2]

    await bench.takes_parts("P")
    await bench.order("P", 2)

    assert await bench.woken() == {"X", "P", "Q"}
    assert await bench.shown("X", "P", "Q") == [3, 3, 1]


@pytest.mark.parametrize("takes_parts", [False, True])
async def test_a19_a_kit_that_is_promised_by_date_and_then_ordered_is_off_once(
    bench: Bench, *, takes_parts: bool
) -> None:
    await bench.sells("shop", "DC3")
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    for item, rule in (
        ("P", AtpRule(takes_parts=takes_parts)),
        ("*", AtpRule(weekdays="1234567")),
    ):
        placed = PlacedRule(item=item, location="*", rule=rule)
        await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.count("DC3", X=5)
    asked = PromiseAsked("r", (Question("P", "DC3", "EA", 2 * MICROS),), ("o1/1",))
    made = await bench.hub.kept_promises.promise(bench.hub.scope, "shop", asked)
    assert made.is_granted, made.proof.reasons
    await bench.hub.settle()
    assert await bench.shown("X", "P", "Q") == [3, 3, 1]

    line = DemandLine(
        demand_ref="o1/1", item="P", location="DC3",
        ordered=Quantity.of(2), cancelled=Quantity.of(0),
    )  # fmt: skip
    await bench.hear(OrderChanged(order_id="o1", lines=(line,)), "shop")

    assert await bench.shown("X", "P", "Q") == [3, 3, 1]
    told = await bench.hub.kit_stocks.of(bench.hub.scope, [("P", "DC3"), ("Q", "DC3")])
    assert [one.free() for one in told.values()] == [3 * MICROS, MICROS]


@pytest.mark.parametrize("item", ["P", "*"])
async def test_a_rule_said_behind_the_orders_is_shown_at_once_and_so_is_its_end(
    bench: Bench, item: str
) -> None:
    await bench.takes_parts(item, says=False)
    await bench.sells()
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5, Z=1)
    await bench.order("P", 2)
    await bench.hub.settle()
    await bench.clock.advance(timedelta(seconds=1))
    assert await bench.woken() == set()

    await bench.hub.supply.drop_rule(bench.hub.scope, item, "*", by="test")

    assert await bench.woken() == {"X", "P", "Q"}
    assert await bench.shown("X", "P", "Q") == [3, 3, 1]

    await bench.clock.advance(timedelta(seconds=1))
    await bench.takes_parts(item, says=False)
    assert await bench.woken() == {"X", "P", "Q"}
    assert await bench.shown("X", "Q") == [5, 2]


async def test_a_rule_of_what_is_no_kit_has_nothing_looked_at(bench: Bench) -> None:
    await bench.sells()
    await bench.kit("P", X=1)
    await bench.count(X=5, Z=1)
    await bench.clock.advance(timedelta(seconds=1))

    await bench.takes_parts("Z")

    assert await bench.woken() == set()


async def test_a11_28_kits_are_shown_and_which_components_there_is_too_little_of(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("K", A=2, B=1, C=4)
    await bench.count(A=50, B=33, C=100, K=3)

    item = await bench.item("K")

    assert item.exposed == item.pool == 28
    [kit] = item.kits
    assert (kit.location, int(kit.assembled), int(kit.put_together)) == ("DC1", 3, 25)
    assert kit.limited_by == ("A", "C")
    assert [(one.item, int(one.into_one), int(one.there_is)) for one in kit.components] == [
        ("A", 2, 50),
        ("B", 1, 33),
        ("C", 4, 100),
    ]
    assert (await bench.item("A")).kits == ()


async def test_a_change_of_a_component_on_any_level_wakes_the_listings_of_its_kits_alone(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("K", S=1, A=1)
    await bench.kit("S", X=2)
    await bench.count(A=9, X=9, Z=1)
    assert await bench.shown("K", "S") == [4, 4]

    await bench.count(X=2)
    assert await bench.woken() == {"X", "S", "K"}
    assert await bench.shown("K", "S") == [1, 1]
    await bench.count(A=0)
    assert await bench.woken() == {"A", "K"}
    await bench.count(Z=2)
    assert await bench.woken() == {"Z"}
    await bench.count("DC3", X=7)
    assert await bench.woken() == set()


async def test_a_changed_recipe_wakes_the_listings_of_its_kit_and_of_kits_of_it(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.count(A=9, X=9)
    await bench.kit("S", X=2)
    await bench.kit("K", S=1, A=1)
    await bench.clock.advance(timedelta(seconds=1))

    await bench.kit("S", X=3)

    assert await bench.woken() == {"S", "K", "X"}  # what orders for S claim of X is another, too
    assert await bench.shown("K", "S") == [3, 3]


async def test_what_is_a_kit_no_longer_and_lies_nowhere_is_shown_as_nothing(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("P", X=1)
    await bench.count(X=5)
    assert await bench.shown("P", "Z") == [5, None]

    await bench.kit("P")

    assert await bench.shown("P", "Z") == [0, None]


async def test_a_kit_of_which_a_component_is_unknown_is_unknown_and_not_zero(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("K", A=1, B=1)
    assert await bench.shown("K") == [None]

    await bench.count(A=5)
    assert await bench.shown("K") == [None]
    assert (await bench.item("K")).kits == ()

    await bench.count(B=3)
    assert await bench.shown("K") == [3]


async def test_of_a_component_that_nobody_told_of_no_kit_is_put_together_beside_assembled_ones(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("K", A=1, B=1)
    await bench.count(A=5, K=2)

    [kit] = (await bench.item("K")).kits

    assert await bench.shown("K") == [2]
    assert [(one.item, one.is_known) for one in kit.components] == [("A", True), ("B", False)]
    assert kit.limited_by == ("B",)


async def test_a_shop_keeps_its_number_of_a_kit_until_all_its_components_are_told_of(
    bench: Bench,
) -> None:
    async with selling(bench, "K") as shop:
        [item] = shop.sku_by_item
        shop.simulator.shop.set_levels({(item, shop.place): 25})
        await bench.kit("K", A=1, B=1)
        await bench.count(A=5)
        await bench.hub.settle()
        assert shop.levels() == {"K": 25}

        await bench.count(B=4)
        await bench.hub.settle()
        assert shop.levels() == {"K": 4}


async def test_at_a_group_parts_lie_in_one_building_and_two_places_are_added_up(
    bench: Bench,
) -> None:
    await bench.sells("shop", "EAST", wakes_on=("DC1", "DC2"))
    await bench.sells("both", "EAST", "DC3", wakes_on=("DC1", "DC2"))
    await bench.kit("K", A=1, B=1)
    await bench.count("DC1", A=5)
    await bench.count("DC2", B=5)
    await bench.count("DC3", A=2, B=1)
    assert await bench.shown("K") == [None]
    assert await bench.shown("K", name="both") == [1]
    await bench.count("DC1", B=0)
    assert await bench.shown("K") == [0]
    assert await bench.shown("K", name="both") == [1]

    await bench.count("DC2", A=3)
    assert "K" in await bench.woken()
    assert await bench.shown("K") == [3]
    await bench.order("A", 6, "EAST")

    assert await bench.shown("K") == [2]
    assert await bench.shown("K", name="both") == [3]


async def test_what_allocation_keeps_of_a_component_for_others_is_not_put_together(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.sells("b2b")
    await bench.kit("Q", X=2)
    await bench.count(X=10)
    said = AllocationProtection(
        item="X", location="DC1", channel="b2b", minimum=5 * MICROS, maximum=None,
        starts_at=NOON, ends_at=NOON + timedelta(days=9),
    )  # fmt: skip
    await bench.clock.advance(timedelta(seconds=1))
    await bench.hub.allocation.rulebook.protect(bench.hub.scope, said, by="planner")

    assert await bench.woken() == {"X", "Q"}
    assert await bench.shown("X", "Q") == [5, 2]
    assert await bench.shown("X", "Q", name="b2b") == [10, 5]
    assert (await bench.item("Q")).kept_for_others == 3


@pytest.mark.parametrize(("x", "assembled"), [(15, 0), (5, 10)])
async def test_what_is_kept_of_a_kit_and_of_its_component_is_taken_off_one_after_the_other(
    bench: Bench, x: int, assembled: int
) -> None:
    await bench.sells()
    await bench.sells("b2b")
    await bench.kit("P", X=1)
    await bench.count(X=x, P=assembled)
    await bench.clock.advance(timedelta(seconds=1))
    for item, pieces in (("P", 10), ("X", 5)):
        said = AllocationProtection(
            item=item, location="DC1", channel="b2b", minimum=pieces * MICROS, maximum=None,
            starts_at=NOON, ends_at=NOON + timedelta(days=9),
        )  # fmt: skip
        await bench.hub.allocation.rulebook.protect(bench.hub.scope, said, by="planner")

    # Ten P and five X are all that there is.
    assert await bench.shown("P") == [0]
    assert await bench.shown("P", name="b2b") == [15]


async def test_a_minimum_of_a_kit_is_added_to_what_a_channel_of_the_pool_has_of_its_component(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("P", X=1)
    await bench.count(X=15)
    own = ItemTerms(item="X", share_min=Decimal(5))
    await bench.sells("key", share_mode=ShareMode.PROTECTED, items=(own,))
    said = AllocationProtection(
        item="P", location="DC1", channel="b2b", minimum=8 * MICROS, maximum=None,
        starts_at=NOON, ends_at=NOON + timedelta(days=9),
    )  # fmt: skip
    await bench.clock.advance(timedelta(seconds=1))
    await bench.hub.allocation.rulebook.protect(bench.hub.scope, said, by="planner")

    assert await bench.shown("P") == [2]
    assert await bench.shown("P", name="key") == [7]


async def test_what_a_channel_of_the_pool_has_a_right_to_of_a_component_stays_its_own(
    bench: Bench,
) -> None:
    await bench.kit("Q", X=2)
    await bench.count("DC1", X=7)
    await bench.count("DC3", X=4)
    own = ItemTerms(item="X", share_min=Decimal(4))
    key = {"share_mode": ShareMode.PROTECTED, "items": (own,)}
    await bench.sells("shop", "DC1", "DC3")
    await bench.sells("key", "DC1", "DC3", **key)

    # 7 and 4 X are three and two Q; 4 X for the other channel leave 7 of 11.
    assert await bench.shown("X", "Q") == [7, 3]
    assert await bench.shown("Q", name="key") == [5]


async def test_what_orders_took_of_a_minimum_of_a_component_has_kits_looked_at_by_itself(
    bench: Bench,
) -> None:
    await bench.kit("Q", X=2)
    await bench.count(X=100)
    own = ItemTerms(item="X", share_min=Decimal(40))
    await bench.sells("key", share_mode=ShareMode.PROTECTED, items=(own,))
    await bench.sells()
    await bench.clock.advance(timedelta(seconds=1))
    await bench.hear(of_key(cancelled=0), "key")
    assert await bench.shown("X", "Q") == [60, 30]

    # It is cancelled, and whoever counts sales hears it behind whoever publishes.
    hub, now = bench.hub, bench.clock.now() + timedelta(seconds=1)
    await bench.clock.advance(timedelta(seconds=1))
    fact = Fact(identity="gone", payload=of_key(cancelled=40), occurred_at=now, version=99)
    await hub.inbox.record(hub.scope, "key", [fact], b"")
    for _ in range(2):
        for reader in hub.readers:
            if reader.name != SALES:
                await readers.catch_up(hub.database, reader, bench.clock)
        await hub.inventory.upkeep.tell()
    await hub.engine.run_due()
    await bench.clock.advance(timedelta(seconds=1))

    assert await bench.woken() == {"X", "Q"}
    assert await bench.shown("X", "Q") == [60, 30]


def of_key(*, cancelled: int) -> OrderChanged:
    line = DemandLine(
        demand_ref="key/1", item="X", location="DC1",
        ordered=Quantity.of(40), cancelled=Quantity.of(cancelled),
    )  # fmt: skip
    return OrderChanged(order_id="key", lines=(line,))


async def test_the_part_of_a_component_that_another_channel_has_goes_into_no_kit_of_this_one_i3(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=10)
    part = {"share_mode": ShareMode.PARTITION}
    own = (
        ItemTerms(item="X", share_fixed=Decimal(4)),
        ItemTerms(item="P", share_fixed=Decimal(10)),
    )
    await bench.sells("shop", "DC1", **part, items=own)
    theirs = (ItemTerms(item="X", share_fixed=Decimal(6)), ItemTerms(item="P", is_excluded=True))
    await bench.sells("b2b", "DC1", **part, items=theirs)

    # Together ten X, and not sixteen.
    assert await bench.shown("X", name="b2b") == [6]
    assert await bench.shown("X", "P") == [4, 4]


async def test_parts_of_a_kit_add_up_to_what_can_be_put_together(bench: Bench) -> None:
    await bench.kit("Q", X=2)
    await bench.count(X=10, Q=1)
    part = ItemTerms(item="Q", share_fixed=Decimal(6))
    await bench.sells("shop", "DC1", share_mode=ShareMode.PARTITION, items=(part,))
    more = ItemTerms(item="Q", share_fixed=Decimal(1))
    with pytest.raises(Invalid, match="there are 6"):
        await bench.sells("b2b", "DC1", share_mode=ShareMode.PARTITION, items=(more,))


async def test_a_kit_is_as_fresh_as_the_oldest_of_what_goes_into_it(bench: Bench) -> None:
    await bench.sells()
    await bench.kit("K", A=1, B=1)
    await bench.count(A=5)
    await connected(bench.hub, "wms", "generic_wms", {"secrets": [SECRET]})
    line = CountedStock(item="B", quantity=Quantity.of(4))
    await bench.hear(StockSnapshotTaken(snapshot_id="s", location="DC1", lines=(line,)), "wms")
    assert await bench.shown("K") == [4]

    await bench.clock.advance(timedelta(days=30))

    assert (await bench.item("K")).silent == (await bench.item("B")).silent == ("wms",)
    assert (await bench.item("A")).silent == ()


async def test_a_kit_is_one_in_its_own_tenant_alone(bench: Bench) -> None:
    await bench.sells()
    await bench.count(X=5, P=2)
    assert await bench.shown("P") == [2]

    await bench.kit("P", X=1)

    assert await bench.shown("P") == [7]
    async with bench.hub.database.transaction(Scope("other")) as tx:
        assert not await tx.fetch("select from publishing_kits where tenant = $1", "main")
        assert not await bench.hub.supply.kits.concerned(tx, "other", ["X", "P"])
        assert not (await bench.hub.supply.kits.recipes(tx, "other", ["P"])).kits


@asynccontextmanager
async def selling(bench: Bench, *skus: str) -> AsyncIterator[Shop]:
    """Open a simulated shop that lists these items and sells from DC1."""
    async with shop_at("shop", "DC1", ports_of(bench.clock, 1)) as (shop, settings):
        shop.list_items(skus)
        await connected(bench.hub, "shop", "shopify", settings)
        now = bench.clock.now()
        facts = [
            Fact(identity=f"item:{sku}", payload=ItemChanged(sku=sku), occurred_at=now,
                 native_ref=item)
            for item, sku in shop.sku_by_item.items()
        ]  # fmt: skip
        place = LocationChanged(code=shop.place)
        facts.append(Fact(identity="place", payload=place, occurred_at=now, native_ref=shop.place))
        await bench.hub.record(facts, source="shop")
        terms = shop.terms(("DC1",), coalesce_seconds=0)
        await bench.hub.channels.put(bench.hub.scope, terms, by="test")
        yield shop


async def test_a24_a_sold_kit_whose_order_is_on_its_way_is_not_shown_again(
    bench: Bench,
) -> None:
    async with selling(bench, "P", "X") as shop:
        await bench.kit("P", X=1)
        await bench.count(X=40)
        await bench.hub.settle()
        assert shop.levels() == {"P": 40, "X": 40}

        assert shop.buy("P", 2)  # the order is on its way
        await bench.count(X=35)
        await bench.hub.settle()
        assert shop.levels() == {"P": 33, "X": 35}

        await bench.takes_parts("P")
        await bench.order("P", 2)
        await bench.hub.settle()
        assert shop.levels() == {"P": 33, "X": 33}


async def test_a_shop_that_orders_components_is_shown_less_until_the_wait_is_over(
    bench: Bench,
) -> None:
    async with selling(bench, "P", "X") as shop:
        await bench.kit("P", X=1)
        await bench.count(X=40)
        await bench.hub.settle()
        assert shop.buy("P", 2)
        await bench.clock.advance(timedelta(seconds=1))

        await bench.order("X", 2)  # the sale, in words of what goes into it
        await bench.count(B=1)
        assert shop.levels()["X"] == 38
        assert shop.levels()["P"] <= 38
        await bench.clock.advance(timedelta(minutes=2))
        await bench.hub.settle()

        assert shop.levels() == {"P": 38, "X": 38}
