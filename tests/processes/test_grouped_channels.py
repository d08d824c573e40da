"""Shops that sell from a group of locations, or from a member of one, hear of both (§3.7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crossdock.canonical.catalog import ItemChanged, LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import ReservationStatus
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.reconciliation import WithholdingChanged
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.event_log import Entry
from tests.conftest import NOON
from tests.processes.end_to_end.world import Shop, connected, ports_of, shop_at
from tests.processes.test_kits_shown import Bench, opened

SECOND = timedelta(seconds=1)


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    """Make EAST of DC1 and DC2; DC3 is in no group."""
    async with opened(dsn, tmp_path, clock) as one:
        yield one


@asynccontextmanager
async def selling(bench: Bench, *places: str, **terms: Any) -> AsyncIterator[Shop]:
    """Open a simulated shop that lists X and sells from these places."""
    async with shop_at("shop", "DC1", ports_of(bench.clock, 1)) as (shop, settings):
        shop.list_items(["X"])
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
        await bench.hub.channels.put(bench.hub.scope, shop.terms(places, **terms), by="test")
        yield shop


async def group(bench: Bench, code: str, *members: str, is_active: bool = True) -> None:
    await bench.clock.advance(SECOND)
    told = LocationChanged(
        code=code, kind=LocationKind.GROUP, members=members, is_active=is_active
    )
    fact = own_fact(told, bench.clock.now())
    [verdict] = await bench.hub.record([fact], source=OWN_SOURCE)
    assert not verdict.reason, verdict
    await bench.hub.settle()


async def shown(bench: Bench, shop: Shop) -> int:
    """Tell what the shop shows once all is heard, no clock running."""
    await bench.hub.settle()
    return shop.levels()["X"]


async def test_a_shop_of_a_group_is_told_at_once_when_a_members_stock_falls(
    bench: Bench,
) -> None:
    async with selling(bench, "EAST") as shop:
        await bench.count("DC1", X=100)
        assert await shown(bench, shop) == 100

        await bench.count("DC1", X=70)
        assert await shown(bench, shop) == 70
        await bench.count("DC1", X=10)
        assert await shown(bench, shop) == 10
        await bench.count("DC2", X=3)
        await bench.clock.advance(timedelta(minutes=2))
        assert await shown(bench, shop) == 13


async def test_a_shop_of_a_member_is_told_at_once_what_its_group_has_promised(
    bench: Bench,
) -> None:
    async with selling(bench, "DC1") as shop:
        await bench.count("DC1", X=100)
        assert await shown(bench, shop) == 100

        for number, left in enumerate((80, 60, 40)):
            await bench.clock.advance(SECOND)
            await bench.hub.reserve("X", "EAST", 20, request_id=f"r{number}")
            assert await shown(bench, shop) == left


async def test_a_shop_of_a_member_hears_of_the_other_members_while_its_group_owes_something(
    bench: Bench,
) -> None:
    async with selling(bench, "DC1") as shop:
        await bench.count("DC1", X=100)
        await bench.count("DC2", X=100)
        assert await shown(bench, shop) == 100
        await bench.count("DC2", X=90)
        assert await bench.woken() == set()  # nothing of it can be needed from DC1

        await bench.hub.reserve("X", "EAST", 60, request_id="r")
        assert await shown(bench, shop) == 100
        await bench.count("DC2", X=10)
        assert await bench.woken() == {"X"}

        assert await shown(bench, shop) == 50


async def test_a_shop_of_a_member_hears_that_a_kit_cannot_be_put_together_any_more_there(
    bench: Bench,
) -> None:
    await bench.sells("shop", "DC2")
    await bench.kit("K", X=1)
    await bench.count("DC1", X=10)
    await bench.count("DC2", X=10)
    await bench.hub.reserve("X", "EAST", 10, request_id="r")
    await bench.hub.settle()
    assert await bench.shown("X", "K") == [10, 10]

    await bench.count("DC1", X=0)

    assert await bench.woken() == {"X", "K"}
    assert await bench.shown("X", "K") == [0, 0]


async def test_a_shop_of_a_member_hears_of_components_that_its_groups_orders_of_a_kit_need(
    bench: Bench,
) -> None:
    await bench.sells("shop", "DC2")
    await bench.kit("K", X=1)
    await bench.takes_parts("K")
    await bench.count("DC1", K=5)
    await bench.count("DC2", X=10)
    await bench.order("K", 5, "EAST")
    await bench.hub.settle()
    assert await bench.shown("X") == [10]

    await bench.count("DC1", K=0)

    assert await bench.woken() == {"X", "K"}
    assert await bench.shown("X") == [5]


async def test_a_shop_of_a_group_is_told_at_once_of_other_members(bench: Bench) -> None:
    await bench.count("DC1", X=100)
    await bench.count("DC2", X=0)
    async with selling(bench, "EAST") as shop:
        await bench.count("DC2", X=1)
        await bench.count("DC2", X=0)
        assert await shown(bench, shop) == 100

        await group(bench, "EAST", "DC2")
        assert await shown(bench, shop) == 0

        await group(bench, "EAST", "DC1", "DC2")
        assert await shown(bench, shop) == 100
        await bench.count("DC1", X=40)
        assert await shown(bench, shop) == 40

        await bench.count("DC3", X=7)
        await group(bench, "EAST", "DC2", "DC3")
        assert await shown(bench, shop) == 7
        await bench.count("DC3", X=5)
        assert await shown(bench, shop) == 5


async def test_a_shop_of_a_place_that_comes_into_a_group_or_leaves_it_is_told_what_that_needs(
    bench: Bench,
) -> None:
    async with selling(bench, "DC3") as shop:
        await bench.count("DC1", X=50)
        await bench.count("DC3", X=100)
        await bench.hub.reserve("X", "EAST", 50, request_id="r")
        assert await shown(bench, shop) == 100

        await group(bench, "EAST", "DC3")
        assert await shown(bench, shop) == 50
        await bench.hub.reserve("X", "EAST", 20, request_id="s")
        assert await shown(bench, shop) == 30
        await group(bench, "EAST", "DC1", "DC2")
        await bench.clock.advance(timedelta(minutes=2))

        assert await shown(bench, shop) == 100


async def test_a_group_that_is_told_again_as_it_was_has_nobody_look(bench: Bench) -> None:
    async with selling(bench, "EAST") as shop:
        await bench.count("DC1", X=100)
        assert await shown(bench, shop) == 100

        await group(bench, "EAST", "DC1", "DC2")

        assert await bench.woken() == set()


async def test_a_shop_of_several_members_is_shown_what_their_group_leaves_once(
    bench: Bench,
) -> None:
    await bench.sells("shop", "DC1", "DC2", "DC3")
    await bench.kit("K", X=1)
    await bench.count("DC1", X=10)
    await bench.count("DC2", X=2)
    await bench.count("DC3", X=1)
    assert await bench.shown("X", "K") == [13, 13]

    await bench.hub.reserve("X", "EAST", 6, request_id="r")

    assert await bench.shown("X", "K") == [7, 7]


async def test_shares_of_two_members_leave_what_their_group_owes_i3(bench: Bench) -> None:
    shares = {"share_mode": ShareMode.PERCENT, "share_percent": Decimal(100)}
    await bench.sells("near", "DC1", **shares)
    await bench.sells("far", "DC2", **shares)
    await bench.sells("open", "DC2")
    await bench.kit("K", X=2)
    await bench.count("DC1", X=30)
    await bench.count("DC2", X=20)
    assert await bench.shown("X", "K", name="near") == [30, 15]
    assert await bench.shown("X", "K", name="far") == [20, 10]

    await bench.hub.reserve("X", "EAST", 24, request_id="r")

    assert await bench.shown("X", "K", name="near") == [13, 6]
    assert await bench.shown("X", "K", name="far") == [13, 6]
    # Whoever asks first may have all that the other leaves.
    assert await bench.shown("X", name="open") == [20]
    there = await bench.hub.availability("X", "DC2")
    assert there.available == Quantity.of(20)
    promise = await bench.hub.reserve("X", "DC2", 20, request_id="s")
    assert promise.status is ReservationStatus.ACTIVE
    assert await bench.shown("X", name="near") == [6]
    assert await bench.shown("X", name="far") == [0]


async def test_the_end_of_a_group_is_told_to_its_shops(bench: Bench) -> None:
    async with selling(bench, "DC3", "EAST") as shop:
        await bench.count("DC1", X=100)
        await bench.count("DC3", X=50)
        assert await shown(bench, shop) == 150

        await group(bench, "EAST", is_active=False)

        assert await shown(bench, shop) == 50


async def test_what_is_kept_for_a_channel_of_a_group_is_nobody_elses_at_its_members(
    bench: Bench,
) -> None:
    await bench.sells("group", "EAST", share_mode=ShareMode.PARTITION, share_fixed=60)
    async with selling(bench, "DC1") as shop:
        await bench.count("DC1", X=100)
        assert await shown(bench, shop) == 40

        await group(bench, "EAST", "DC2")
        await bench.clock.advance(timedelta(minutes=2))
        assert await shown(bench, shop) == 100

        await group(bench, "EAST", "DC1")
        assert await shown(bench, shop) == 40


async def test_what_is_kept_for_a_channel_at_a_member_has_shops_of_its_group_look(
    bench: Bench,
) -> None:
    await bench.sells("shop", "EAST")
    await bench.sells("far", "DC3")
    await bench.count("DC1", X=100)
    await bench.clock.advance(SECOND)
    said = AllocationProtection(
        item="X", location="DC1", channel="b2b", minimum=5 * MICROS, maximum=None,
        starts_at=NOON, ends_at=NOON + timedelta(days=9),
    )  # fmt: skip

    await bench.hub.allocation.rulebook.protect(bench.hub.scope, said, by="planner")

    assert await bench.woken() == {"X"}


async def test_what_is_withheld_at_a_member_has_shops_of_its_group_look(bench: Bench) -> None:
    await bench.sells("shop", "EAST")
    await bench.count("DC1", X=100)
    await bench.clock.advance(SECOND)
    now = bench.clock.now()
    withheld = WithholdingChanged(against="erp", item="X", location="DC1", withheld=Quantity.of(5))
    fact = Fact(identity="doubt", payload=withheld, occurred_at=now)
    async with bench.hub.database.transaction(bench.hub.scope) as tx:
        entry = Entry(tenant=tx.tenant, source="crossdock", received_at=now, fact=fact)
        await event_log.append(tx, [entry])

    assert await bench.woken() == {"X"}
