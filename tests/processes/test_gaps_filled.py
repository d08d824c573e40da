"""What a warehouse's messages lack is asked for again; what does not come then is a person's."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crossdock.applications.generic_wms.ask_desk import AskDesk, AskHabits
from crossdock.applications.generic_wms.simulator import Warehouse, WorkLine
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import SeededIds
from crossdock.interfaces.cli.http_server import serving
from crossdock.orchestration import cases
from tests.conftest import NOON
from tests.processes.end_to_end.world import connected, on_hand, settings_of
from tests.processes.floor import HEARD, STILL, STOCK

TOKEN = "the warehouse knows the hub by this"


@dataclass
class Road:
    """Carries messages to the hub, and loses what is not a heartbeat while `loses`."""

    hub: Hub
    loses: bool = False
    lost: int = 0

    async def send(self, delivery: Delivery) -> None:
        if self.loses and b'"heartbeat"' not in delivery.body:
            self.lost += 1
            return
        await self.hub.inbox.receive(self.hub.scope, "wms", delivery)


@dataclass
class Site:
    hub: Hub
    clock: VirtualClock
    house: Warehouse
    desk: AskDesk
    road: Road

    async def loses(self, *picks: int) -> None:
        """Have lines picked and shipped, of which nothing arrives but heartbeats between."""
        await self.passes(1)
        self.road.loses = True
        for number, quantity in enumerate(picks):
            line = WorkLine(demand_ref=f"shop:{number}/1", item="BOLT", quantity=quantity)
            self.house.release([line])
        await self.passes(100)
        self.road.loses = False
        assert self.road.lost >= 2 * len(picks)

    async def passes(self, minutes: int) -> None:
        """Let time pass in the warehouse and in the hub, a minute at a time at most."""
        for _ in range(minutes):
            await self.clock.advance(timedelta(minutes=1))
            await self.house.work()
            await self.hub.settle()
            await self.hub.waiting_room.report_holes()
            await self.gaps_filled()

    async def gaps_filled(self) -> None:
        for jobs in self.hub.readings:
            if "fill gaps" in await jobs.run_due():
                await self.hub.settle()

    async def gaps(self) -> list[str]:
        found = await self.hub.quarantine.find(self.hub.scope, code="EVT-GAP")
        return [entry.place for entry in found]

    async def cases(self) -> list[tuple[str, str]]:
        async with self.hub.database.transaction(self.hub.scope) as tx:
            found = [*await cases.listed(tx), *await cases.listed(tx, state="CLOSED")]
        return [(one.code, one.state) for one in found if one.code == "EVT-GAP"]

    async def lies(self) -> bool:
        """Say whether the ledger is what a perfect listener would know."""
        found = await on_hand(self.hub, list(STOCK), "DC1")
        books = self.house.levels()
        return all(
            {status: n for status, n in found[item].items() if n}
            == {status: n for status, n in books[item].items() if n}
            for item in STOCK
        )


@asynccontextmanager
async def site(
    dsn: str, folder: Path, habits: AskHabits | None = None, **more: Any
) -> AsyncIterator[Site]:
    clock, random = VirtualClock(NOON), Random(7)
    ports = Ports(clock=clock, random=random, allow_private_addresses=True)
    outside = Outside(clock=clock, ids=SeededIds(random), random=random)
    async with Hub.open(settings_of(dsn, folder), outside) as hub:
        road = Road(hub)
        house = Warehouse(
            "DC1", stock=STOCK, ports=ports, send=road.send, secrets=[HEARD], pace=STILL
        )
        desk = AskDesk(house, token=TOKEN, ports=ports, habits=habits)
        async with serving(desk.app) as address:
            asks = {"events_url": f"{address}/events", "stock_url": f"{address}/stock"}
            settings = {"secrets": [HEARD], "asks_token": TOKEN, **asks, **more}
            await connected(hub, "wms", "generic_wms", settings)
            known: list[ItemChanged | LocationChanged] = [ItemChanged(sku=sku) for sku in STOCK]
            known.append(LocationChanged(code="DC1"))
            facts = [Fact(identity=x.key, payload=x, occurred_at=NOON, version=1) for x in known]
            await hub.record(facts, source="wms")
            yield Site(hub, clock, house, desk, road)


@pytest.mark.parametrize("habits", [AskHabits(), AskHabits.bad()], ids=["good", "bad"])
async def test_what_never_came_is_asked_for_and_the_report_closes_by_itself(
    dsn: str, tmp_path: Path, habits: AskHabits
) -> None:
    async with site(dsn, tmp_path, habits) as at:
        await at.loses(4, 3, 2)
        await at.passes(60)

        assert at.desk.asked
        assert await at.gaps() == []
        assert await at.cases() in ([], [("EVT-GAP", "CLOSED")])
        assert await at.lies()


async def test_what_the_warehouse_has_no_more_is_asked_for_twice_and_then_a_persons(
    dsn: str, tmp_path: Path
) -> None:
    async with site(dsn, tmp_path, AskHabits(forgotten=1)) as at:
        await at.loses(4)
        await at.passes(40)
        gaps, found, asked = await at.gaps(), await at.cases(), Counter(at.desk.asked)
        at.house.floor.snapshot_now()
        await at.passes(2)

        assert gaps
        assert found == [("EVT-GAP", "OPEN")]
        assert set(asked.values()) == {2}
        assert await at.gaps() == []
        assert await at.cases() == [("EVT-GAP", "CLOSED")]
        assert await at.lies()


async def test_a_warehouse_that_cannot_be_asked_is_a_persons_at_once(
    dsn: str, tmp_path: Path
) -> None:
    async with site(dsn, tmp_path, events_url="") as at:
        await at.loses(4)
        await at.passes(20)

        assert at.desk.asked == []
        assert await at.gaps()
        assert await at.cases() == [("EVT-GAP", "OPEN")]


async def test_a_warehouse_is_watched_for_gaps_unless_it_is_said_not_to_be(
    dsn: str, tmp_path: Path
) -> None:
    async with site(dsn, tmp_path) as at:
        entry = Entry(
            tenant="main", name="other", application="generic_wms", settings={"secrets": [HEARD]}
        )
        await at.hub.connections.add(at.hub.scope, entry, is_gap_said=True)
        standings = [await at.hub.connections.show(at.hub.scope, x) for x in ("wms", "other")]

        assert [standing.gap_seconds for standing in standings] == [900, None]


async def test_the_warehouse_answers_what_lies_of_single_items_and_its_word_is_recorded(
    dsn: str, tmp_path: Path
) -> None:
    async with site(dsn, tmp_path, events_url="") as at:
        await at.hub.authority.set_keeper(at.hub.scope, "DC1", "wms", by="ann")
        await at.loses(4, 3)
        before = await at.lies()
        asked = await at.hub.stock_sampler.ask(
            at.hub.scope, "wms", "DC1", ["BOLT"], by="ann", take=True
        )
        await at.hub.settle()

        assert not before
        assert asked.taken == 1
        assert at.desk.asked_for[-1] == ["BOLT"]
        assert await at.lies()
