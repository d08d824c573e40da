"""Goods whose last day is over: what a whole hub promises, shows and sends of them is nothing."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged, LotChanged
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import CountedStock, SourceHeard, StockSnapshotTaken
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.sourcing import NodeFacts, ShipTo
from crossdock.capabilities.supply import Question
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.conftest import NOON
from tests.processes.calendars import open_every_day

A13 = {"L1": (20, 25), "L2": (30, 33), "L3": (50, 120)}
"""Pieces of each lot, and the days it has left."""
DAY = timedelta(days=1)


def day(number: int) -> date:
    return NOON.date() + number * DAY


class Dairy:
    """A hub with the lots of A13 at DC1, in Berlin, which sends from there and tells a shop."""

    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub = hub
        self.clock = clock

    async def hear(self, name: str, *said: Payload, version: int = 1) -> None:
        facts = [
            Fact(identity=f"{name}:{n}@{version}", payload=one, occurred_at=self.clock.now(),
                 version=version)
            for n, one in enumerate(said)
        ]  # fmt: skip
        await self.hub.record(facts, source="wms")

    async def sleep_until(self, number: int) -> None:
        """Go on to noon of a day; what comes round runs as it does in a hub at work."""
        await self.clock.advance(NOON + number * DAY - self.clock.now())
        assert "turn days" in await self.hub.day_turns.run_due()
        await self.hear(f"alive:{number}", SourceHeard(source="wms"))

    async def available(self) -> tuple[int, int, int]:
        """Give what is available, has expired, and is short, in whole pieces."""
        one = await self.hub.availability("MILK", "DC1")
        return int(one.available.value), one.expired // MICROS, int(one.shortage.value)

    async def by_date(self) -> int:
        question = Question("MILK", "DC1", "EA", None)
        [answer] = await self.hub.promise_dates([question])
        return answer.now // MICROS

    async def shown(self) -> int | None:
        """Tell what the shop may show."""
        found = await self.hub.publishing.exposures.show(
            self.hub.scope, "shop", "WEB", ItemsWanted(items=["MILK"])
        )
        exposed = found.items[0].exposed
        return None if exposed is None else int(exposed)

    async def sent(self, pieces: int) -> int:
        """Ask where an order would be sent from; give how much of it would leave."""
        order = SourceOrder(
            lines=[SourceLine(item="MILK", quantity=Quantity.of(pieces, ""))],
            ship_to=ShipTo(country="DE", postal_code="10115"),
        )
        plan = await self.hub.order_sourcing.plan(self.hub.scope, "script", order)
        return sum(
            int(part.quantity.value) for one in plan.answer.decided.shipments for part in one.parts
        )


@pytest.fixture
async def dairy(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Dairy]:
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(settings, Outside(clock=clock, applications={})) as hub:
        known = (ItemChanged(sku="MILK"), LocationChanged(code="DC1", timezone="Europe/Berlin"))
        await hub.record([own_fact(one, NOON) for one in known], source=OWN_SOURCE)
        channel = Channel(connection="shop", location="WEB", source_locations=("DC1",))
        await hub.channels.put(hub.scope, channel, by="test")
        await open_every_day(hub, "DC1")
        await hub.order_sourcing.put_node(hub.scope, NodeFacts(node="DC1"), by="test")
        made = Dairy(hub, clock)
        lots = [LotChanged(item="MILK", lot=lot, expires_on=day(n)) for lot, (_, n) in A13.items()]
        await made.hear("lot", *lots)
        lines = [
            CountedStock(item="MILK", quantity=Quantity.of(pieces), lot=lot)
            for lot, (pieces, _) in A13.items()
        ]
        taken = StockSnapshotTaken(snapshot_id="s", location="DC1", lines=tuple(lines))
        await made.hear("count", taken)
        yield made


async def test_a13_promises_channels_and_plans_leave_a_lot_behind_its_last_day(
    dairy: Dairy,
) -> None:
    found: list[tuple[object, ...]] = []
    for number in (0, 25, 26, 34):
        await dairy.sleep_until(number)
        found.append((await dairy.available(), await dairy.shown(), await dairy.sent(100)))

    assert found == [
        ((100, 0, 0), 100, 100),
        ((100, 0, 0), 100, 100),
        ((80, 20, 0), 80, 80),
        ((50, 50, 0), 50, 50),
    ]
    assert await dairy.by_date() == 50
    made = [await dairy.hub.reserve("MILK", "DC1", n, request_id=f"r{n}") for n in (51, 50)]
    assert [one.is_granted for one in made] == [False, True]


async def test_goods_that_expire_under_an_order_are_short_at_once_and_looked_at_again(
    dairy: Dairy,
) -> None:
    line = DemandLine(demand_ref="o1/1", item="MILK", location="DC1", ordered=Quantity.of(90),
                      cancelled=Quantity.of(0))  # fmt: skip
    await dairy.hear("order", OrderChanged(order_id="o1", lines=(line,)))
    await dairy.hub.allocating.work.due()
    assert await dairy.available() == (10, 0, 0)

    await dairy.clock.advance(26 * DAY)
    assert "turn days" in await dairy.hub.day_turns.run_due()

    assert await dairy.available() == (0, 20, 10)
    reasons = {run.reason for run in await dairy.hub.allocation.runs(dairy.hub.scope)}
    async with dairy.hub.database.transaction(dairy.hub.scope) as tx:
        waiting = await tx.fetch("select reason from allocation_due where tenant = $1", "main")
    assert "EXPIRY" in reasons | {row["reason"] for row in waiting}


async def test_a_last_day_that_is_told_late_counts_as_soon_as_it_is_heard(dairy: Dairy) -> None:
    assert await dairy.shown() == 100

    await dairy.hear("recall", LotChanged(item="MILK", lot="L3", expires_on=day(-1)), version=2)

    assert await dairy.available() == (50, 50, 0)
    assert await dairy.shown() == 50
    assert await dairy.by_date() == 50
    upkeep = dairy.hub.inventory.upkeep
    assert await upkeep.state_hash(dairy.hub.scope) == await upkeep.replayed_hash(dairy.hub.scope)
