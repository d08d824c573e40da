"""A hub reads the purchases of a Tryton over HTTP; one that is deleted there is no supply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crossdock.applications.tryton import APPLICATION
from crossdock.applications.tryton.mapping import Options, translated
from crossdock.applications.tryton.simulator import TrytonSimulator
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import Kind, Run
from tests.conftest import NOON
from tests.processes.books import Office, office
from tests.processes.end_to_end.world import connected, ports_of
from tests.unit.applications.shopify.shops import served

ERP = "erp"
FAST = replace(APPLICATION, rate_per_second=1000.0)
"""No test waits for its turn: its clock stands still meanwhile."""
HALF, HOURS = timedelta(minutes=30), timedelta(hours=6)


@dataclass
class Buyer:
    """A company in Tryton, and a hub that hears of it what its purchases' pages say."""

    at: Office
    simulator: TrytonSimulator

    @property
    def hub(self) -> Hub:
        return self.at.hub

    async def buys(self, code: str, pieces: int) -> int:
        row = self.simulator.books.bought(code, pieces, self.at.clock.now())
        related = {"units": self.simulator.books.units()}
        page: dict[str, Any] = {"topic": "purchases", "related": related}
        page["answer"] = {"result": [row]}
        told = translated(page, Options(installation="demo"))
        assert told.refused == ()
        await self.hub.record(list(told.facts), source=ERP)
        return int(row["id"])

    async def after(self, step: timedelta) -> Run:
        """Let time pass, hear that Tryton is alive, and run the jobs; give the newest reading."""
        await self.at.clock.advance(step)
        name = str(self.at.clock.now())
        alive = LocationChanged(code="WEST", name=name)
        fact = Fact(identity=name, payload=alive, occurred_at=self.at.clock.now(), native_ref="1")
        await self.hub.record([fact], source=ERP)
        await self.hub.open_rounds.follow()
        await self.hub.reconciliation.heal_by_rules()
        await self.hub.settle()
        runs = await self.hub.reconciliation.runs(self.hub.scope)
        return max((one for one in runs if one.kind == Kind.PURCHASES), key=lambda x: x.began_at)

    async def to_come(self) -> dict[str, int]:
        known = await self.hub.supply.known.commitments(self.hub.scope)
        return {one.supply_id: one.micros // MICROS for one in known}


@asynccontextmanager
async def buying(dsn: str, folder: Path) -> AsyncIterator[Buyer]:
    async with office(dsn, folder, FAST) as at:
        simulator = TrytonSimulator("WEST", {"BOLT": 0, "NUT": 0}, ports_of(at.clock, 1))
        async with served(simulator.app) as address:
            said = {"base_url": address, "database": "demo", "user": "hub", "password": "demo"}
            await connected(at.hub, ERP, "tryton", {**said, "page_rows": 2})
            known: list[tuple[ItemChanged | LocationChanged, str]] = [
                (ItemChanged(sku=code), str(number))
                for code, number in simulator.books.products.items()
            ]
            known.append((LocationChanged(code="WEST"), "1"))
            facts = [
                Fact(identity=f"{one.TYPE}:{name}", payload=one, occurred_at=NOON, native_ref=name)
                for one, name in known
            ]
            await at.hub.record(facts, source=ERP)
            yield Buyer(at, simulator)


@pytest.fixture
async def buyer(dsn: str, tmp_path: Path) -> AsyncIterator[Buyer]:
    async with buying(dsn, tmp_path) as opened:
        yield opened


async def test_a_purchase_that_is_deleted_in_tryton_is_no_supply_after_two_readings(
    buyer: Buyer,
) -> None:
    for pieces in (10, 20, 30):
        await buyer.buys("BOLT", pieces)
    await buyer.hub.open_rounds.follow()
    whole = {f"demo:purchase:{n}/{n}": 10 * n for n in (1, 2, 3)}
    read = await buyer.after(HOURS)
    assert (read.verdict, read.compared, read.alike) == ("DONE", 3, 3)
    assert await buyer.to_come() == whole

    del buyer.simulator.books.purchases[2]

    assert (await buyer.after(HOURS)).suspected == 1
    assert await buyer.to_come() == whole
    assert (await buyer.after(HALF)).confirmed == 1
    del whole["demo:purchase:2/2"]
    assert await buyer.to_come() == whole
    assert (await buyer.after(HOURS)).gone == 1


async def test_a_purchase_that_is_done_in_tryton_and_was_not_heard_is_no_supply_either(
    buyer: Buyer,
) -> None:
    number = await buyer.buys("NUT", 5)
    await buyer.hub.open_rounds.follow()
    buyer.simulator.books.purchases[number]["state"] = "done"
    await buyer.after(HOURS)
    await buyer.after(HALF)

    assert await buyer.to_come() == {}
