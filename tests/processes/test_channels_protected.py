"""What allocation keeps for a channel is shown to no other, through a whole hub (§3.6, §3.7)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.allocation import AllocationRuleChanged, ConfirmationChanged, Strategy
from crossdock.canonical.catalog import ItemChanged, LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.allocation import AllocationGroup, AllocationProtection, Applies
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.orchestration.processes.availability_exposure import ItemExposure
from crossdock.orchestration.processes.availability_facts import Pool
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from tests.conftest import NOON
from tests.processes.test_shared_pools import channel as shop_of
from tests.processes.test_shared_pools import opened, told

DAY = timedelta(days=1)


class Counter:
    """A hub with bolts at DC1, where shops sell that do not reserve."""

    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub = hub
        self.clock = clock
        self.orders = 0

    async def sells(
        self, connection: str, channel: str = "", mode: ShareMode = ShareMode.POOL,
        places: tuple[str, ...] = ("DC1",), percent: int = 100,
    ) -> None:  # fmt: skip
        terms = Channel(
            connection=connection, location="WEB", source_locations=places, channel=channel,
            share_mode=mode, share_percent=Decimal(percent), coalesce_seconds=0,
        )  # fmt: skip
        await self.hub.channels.put(self.hub.scope, terms, by="test")
        await self.hub.channels.publish(self.hub.scope, terms, ["BOLT"])
        await self.hub.settle()

    async def keep(
        self, channel: str, least: int = 0, most: int | None = None, *,
        days: tuple[int, int] = (0, 9), location: str = "DC1", group: str = "",
    ) -> None:  # fmt: skip
        said = AllocationProtection(
            item="BOLT", location=location, channel=channel, group=group, minimum=least * MICROS,
            maximum=None if most is None else most * MICROS,
            starts_at=NOON + days[0] * DAY, ends_at=NOON + days[1] * DAY,
        )  # fmt: skip
        await self.hub.allocation.rulebook.protect(self.hub.scope, said, by="planner")
        await self.hub.settle()

    async def share(self, group: str, *channels: str, customers: tuple[str, ...] = ()) -> None:
        said = AllocationGroup(name=group, channels=channels, customers=customers)
        await self.hub.allocation.groups.put(self.hub.scope, said, by="planner")
        await self.hub.settle()

    async def order(self, channel: str, pieces: int, customer: str = "") -> None:
        self.orders += 1
        line = DemandLine(
            demand_ref=f"{self.orders}/1", item="BOLT", location="DC1",
            ordered=Quantity.of(pieces), cancelled=Quantity.of(0),
        )  # fmt: skip
        said = OrderChanged(
            order_id=str(self.orders), lines=(line,), channel=channel, customer=customer
        )
        fact = Fact(identity=f"o:{self.orders}", payload=said, occurred_at=self.clock.now())
        await self.hub.record([fact], source=channel)
        await self.hub.allocating.work.due()
        await self.hub.settle()

    async def item(self, connection: str) -> ItemExposure:
        found = await self.hub.publishing.exposures.show(
            self.hub.scope, connection, "WEB", ItemsWanted(items=["BOLT"])
        )
        return found.items[0]

    async def shown(self, *connections: str) -> list[int]:
        """Tell what each may show."""
        return [int((await self.item(one)).exposed or 0) for one in connections]


@pytest.fixture
async def counter(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Counter]:
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(settings, Outside(clock=clock, applications={})) as hub:
        known = (ItemChanged(sku="BOLT"), LocationChanged(code="DC1"), LocationChanged(code="DC2"))
        await hub.record([own_fact(one, NOON) for one in known], source=OWN_SOURCE)
        await hub.put_stock("BOLT", "DC1", 100)
        yield Counter(hub, clock)


async def test_what_is_kept_for_a_channel_is_shown_to_it_alone(counter: Counter) -> None:
    await counter.sells("shop")
    await counter.sells("b2b", channel="key")
    assert await counter.shown("shop", "b2b") == [100, 100]

    await counter.keep("key", least=40)

    assert await counter.shown("shop", "b2b") == [60, 100]
    item = await counter.item("shop")
    assert (item.pool, item.kept_for_others) == (Decimal(100), Decimal(40))


async def test_a14_each_is_shown_what_maxima_and_minima_leave_it(counter: Counter) -> None:
    await counter.clock.advance(timedelta(seconds=1))
    await counter.hub.put_stock("BOLT", "DC1", 130)
    for name in ("key", "web", "branch"):
        await counter.sells(name)
    await counter.keep("key", least=40)
    await counter.keep("web", least=20, most=30)
    await counter.keep("branch", most=70)
    await counter.order("web", 10)
    await counter.order("branch", 20)

    assert int((await counter.item("key")).pool or 0) == 100
    assert await counter.shown("key", "web", "branch") == [90, 20, 50]


async def test_a14_channels_of_a_group_are_each_shown_what_its_maximum_leaves(
    counter: Counter,
) -> None:
    await counter.clock.advance(timedelta(seconds=1))
    await counter.hub.put_stock("BOLT", "DC1", 130)
    for name in ("desk", "shop", "app", "north", "south", "fax"):
        await counter.sells(name)
    await counter.share("KEY", "desk", customers=("METRO",))
    await counter.share("WEB", "shop", "app")
    await counter.share("BRANCH", "north", "south")
    await counter.keep("", least=40, group="KEY")
    await counter.keep("", least=20, most=30, group="WEB")
    await counter.keep("", most=70, group="BRANCH")
    await counter.order("app", 10)
    await counter.order("south", 20)

    assert int((await counter.item("desk")).pool or 0) == 100
    shown = await counter.shown("desk", "shop", "app", "north", "south", "fax")
    assert shown == [90, 20, 20, 50, 50, 50]
    await counter.order("shop", 5, customer="metro")
    # METRO's five are the key accounts': kept for them no longer, and nobody else's.
    shown = await counter.shown("desk", "shop", "app", "north", "south", "fax")
    assert shown == [85, 20, 20, 50, 50, 50]


async def test_what_is_taken_back_is_shown_to_all_again(counter: Counter) -> None:
    await counter.sells("shop")
    await counter.keep("key", least=40)
    assert await counter.shown("shop") == [60]
    book = counter.hub.allocation.rulebook
    await book.unprotect(counter.hub.scope, "BOLT", "DC1", "key", by="planner")
    await counter.hub.settle()

    assert await counter.shown("shop") == [100]


async def test_what_its_own_orders_have_is_kept_for_a_channel_no_longer(counter: Counter) -> None:
    await counter.sells("shop")
    await counter.keep("key", least=40)
    await counter.order("key", 15)

    assert await counter.shown("shop") == [60]
    await counter.order("key", 30)
    assert await counter.shown("shop") == [55]


async def test_a_maximum_is_used_up_by_the_orders_of_the_channel(counter: Counter) -> None:
    await counter.sells("shop", channel="shopify")
    await counter.keep("shopify", most=30)
    assert await counter.shown("shop") == [30]

    await counter.order("shopify", 12)
    assert await counter.shown("shop") == [18]


async def test_a_period_that_begins_or_ends_changes_what_is_shown_at_that_moment(
    counter: Counter,
) -> None:
    await counter.sells("shop")
    await counter.keep("key", least=40, days=(2, 4))
    assert await counter.shown("shop") == [100]

    for day, shown in ((2, 60), (4, 100)):
        await counter.clock.advance(NOON + day * DAY - counter.clock.now())
        await counter.hub.settle()
        assert await counter.shown("shop") == [shown]


async def test_what_is_kept_at_one_place_leaves_what_lies_at_another(counter: Counter) -> None:
    await counter.hub.put_stock("BOLT", "DC2", 7)
    await counter.sells("shop", places=("DC1", "DC2"))
    await counter.keep("key", least=400)
    assert await counter.shown("shop") == [7]

    await counter.keep("shop", most=5, location="DC2")
    assert await counter.shown("shop") == [5]


async def test_a_percentage_is_of_what_is_not_kept_for_others(counter: Counter) -> None:
    await counter.sells("shop", mode=ShareMode.PERCENT, percent=50)
    await counter.keep("key", least=40)

    assert await counter.shown("shop") == [30]


async def test_nothing_is_kept_from_the_shops_of_another_house(counter: Counter) -> None:
    await counter.sells("shop")
    await counter.keep("key", least=40)
    other = Scope("other")
    async with counter.hub.database.transaction(Scope.of_workers()) as tx:
        found = await counter.hub.inventory.channel_claims_in(tx, other.tenant, [("BOLT", "DC1")])
        own = await counter.hub.inventory.channel_claims_in(tx, "main", [("BOLT", "DC1")])

    assert found == {}
    assert own["BOLT", "DC1"]["key"].protected == 40 * MICROS


def kept(least: int, **more: Any) -> Pool:
    """Say that 100 are there, of which so many are kept for key accounts."""
    claims = {"key": Claim(least=least * MICROS)}
    return Pool(free=100 * MICROS, claims=claims, **more)


@pytest.mark.parametrize(
    "said",
    [
        AllocationRuleChanged(
            kind="PROTECTION", version=1, changed_by="planner", subject="key", item="sku-1",
            location="dc1", minimum=Decimal(40),
        ),
        ConfirmationChanged(
            run_id="run_1", demand_ref="O/1", order_id="O", channel="key", item="sku-1",
            location="dc1", strategy=Strategy.IMPROVE, requested=Quantity.of(40),
            before=Quantity.of(0), confirmed=Quantity.of(40),
        ),
    ],
    ids=["a rule", "a run"],
)  # fmt: skip
async def test_what_changes_what_is_kept_tells_the_shops_that_sell_there(
    database: Database, clock: VirtualClock, said: Payload
) -> None:
    shops = [shop_of(name, ShareMode.POOL) for name in ("key", "web")]
    desk = await opened(database, clock, *shops)
    await desk.play.stock(100)
    assert await told(desk) == {"key": "100", "web": "100"}

    desk.play.pools.known["main", "sku-1", "dc1"] = kept(40)
    await desk.say(said)

    assert await told(desk) == {"key": "100", "web": "60"}


async def test_rules_that_name_no_item_make_no_shop_look(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, shop_of("web", ShareMode.POOL))
    await desk.play.stock(100)
    assert await told(desk) == {"web": "100"}

    desk.play.pools.known["main", "sku-1", "dc1"] = kept(40)
    await desk.say(AllocationRuleChanged(kind="CHANNEL", version=1, changed_by="x", subject="key"))

    assert await told(desk) == {"web": "100"}


async def test_a_shop_looks_again_when_a_period_turns(
    database: Database, clock: VirtualClock
) -> None:
    desk = await opened(database, clock, shop_of("web", ShareMode.POOL))
    key = ("main", "sku-1", "dc1")
    await desk.play.stock(100)
    desk.play.pools.known[key] = kept(40, turns_at=clock.now() + DAY)
    assert await told(desk) == {"web": "60"}

    desk.play.pools.known[key] = kept(0)
    await desk.play.advance(DAY)

    assert await told(desk) == {"web": "100"}


async def test_whose_maxima_hold_for_a_channel_is_agreed_told_and_listed(
    counter: Counter,
) -> None:
    await counter.sells("shop", channel="shopify")
    [listed] = await counter.hub.channels.listed(counter.hub.scope)

    assert listed.channel == "shopify"


async def is_due(counter: Counter) -> bool:
    """Say whether what the shop is told is to be looked at now."""
    async with counter.hub.database.transaction(Scope.of_workers()) as tx:
        due = "select count(*) from process_instance where due_at <= $1"
        return bool(await tx.fetchval(due, counter.clock.now()))


async def hear(counter: Counter, fact: Fact, *names: str, but: str = "") -> None:
    """Record a fact, and let readers hear it."""
    hub = counter.hub
    await hub.inbox.record(hub.scope, "shop", [fact], b"")
    for reader in hub.readers:
        if reader.name != but and (not names or reader.name in names):
            await readers.catch_up(hub.database, reader, counter.clock)


async def web_alone(counter: Counter) -> None:
    """Have a shop sell at most 30 of 100, and no run applied by itself."""
    rules = counter.hub.allocation.rulebook
    await rules.set_policy(counter.hub.scope, Applies.NOTHING, four_eyes=False, by="boss")
    await counter.keep("web", most=30)
    await counter.sells("shop", channel="web")


def ordered(channel: str, version: int) -> Fact:
    line = DemandLine(
        demand_ref="W/1", item="BOLT", location="DC1", ordered=Quantity.of(12),
        cancelled=Quantity.of(0),
    )  # fmt: skip
    said = OrderChanged(order_id="W", lines=(line,), channel=channel)
    return Fact(identity=f"W:{version}", payload=said, occurred_at=NOON, version=version)


async def test_a_shop_looks_again_where_allocation_hears_an_order_behind_publishing(
    counter: Counter,
) -> None:
    await web_alone(counter)
    await hear(counter, ordered("web", 1), but="allocation")
    await counter.hub.engine.run_due()
    assert (await counter.shown("shop"), await is_due(counter)) == ([30], False)

    reader = counter.hub.allocating.reader
    await readers.catch_up(counter.hub.database, reader, counter.clock)
    assert (await counter.shown("shop"), await is_due(counter)) == ([18], True)


async def test_shops_look_again_when_a_channel_joins_a_group(counter: Counter) -> None:
    await counter.sells("shop")
    await counter.sells("app")
    await counter.share("online", "shop")
    await counter.keep("", most=30, group="online")
    await counter.hub.engine.run_due()
    assert (await counter.shown("shop", "app"), await is_due(counter)) == ([30, 100], False)

    said = AllocationGroup(name="online", channels=("shop", "app"))
    await counter.hub.allocation.groups.put(counter.hub.scope, said, by="planner")

    assert (await counter.shown("shop", "app"), await is_due(counter)) == ([30, 30], True)


async def test_a_shop_looks_again_where_an_order_becomes_another_channels(
    counter: Counter,
) -> None:
    await web_alone(counter)
    await counter.hub.record([ordered("web", 1)], source="shop")
    await counter.hub.settle()
    assert (await counter.shown("shop"), await is_due(counter)) == ([18], False)

    await hear(counter, ordered("key", 2))
    assert (await counter.shown("shop"), await is_due(counter)) == ([30], True)


async def test_an_order_wakes_no_shop_where_nothing_is_kept(counter: Counter) -> None:
    await counter.sells("shop", channel="web")
    await counter.hub.settle()
    await hear(counter, ordered("web", 1), "allocation")

    assert not await is_due(counter)


async def grouped(counter: Counter) -> None:
    group = LocationChanged(code="EU", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await counter.hub.record([own_fact(group, NOON)], source=OWN_SOURCE)
    await counter.hub.settle()


async def test_a_channel_does_not_sell_from_a_group_and_its_member_at_once(
    counter: Counter,
) -> None:
    await grouped(counter)

    with pytest.raises(Invalid) as refused:
        await counter.sells("shop", places=("EU", "DC1"))

    assert refused.value.where == "/source_locations/1"
    assert "DC1 is a member of EU" in str(refused.value)


async def test_of_a_place_that_became_a_member_later_each_unit_is_shown_once(
    counter: Counter,
) -> None:
    await counter.sells("shop", places=("EU", "DC1", "DC1"))
    assert await counter.shown("shop") == [100]

    await grouped(counter)

    assert await counter.shown("shop") == [100]
