"""Allocation beside a real inventory on a real database, and short ways to say what happened."""

from collections.abc import Mapping, Sequence

import pytest

from crossdock.canonical.allocation import ConfirmationChanged, Strategy
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import Allocation, AllocationRule, Applies, Run
from crossdock.capabilities.supply import KeptPromises, Supply, supply_reader
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.scope import Scope
from crossdock.orchestration.allocating import Allocating, ChannelProtections
from crossdock.orchestration.cases import Case, Cases
from tests.unit.capabilities.inventory.house import MAIN, House


class Greenwich:
    """Every location goes by UTC, and no item has a class."""

    async def time_zones(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        assert tx.tenant == "main"
        return dict.fromkeys(places, "UTC")

    async def item_classes(self, tx: Transaction, items: Sequence[str]) -> Mapping[str, str]:
        assert tx.tenant == "main"
        return dict.fromkeys(items, "")


class Floor(House):
    """A house whose order desk has rules; nothing is allocated unless it is asked or worked on."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        super().__init__(database, clock, ChannelProtections())
        supply = Supply(database, clock, self.inventory.standings, Greenwich())
        ids, holding = SystemIds(), self.inventory.holding
        self.supply = supply
        self.promises = KeptPromises(database, clock, ids, holding, supply.answer_in)
        self.allocating = Allocating(database, clock, ids, self.inventory, supply)
        self.supply_reader = supply_reader(self.allocating)
        self.cases = Cases(database, clock)

    @property
    def allocation(self) -> Allocation:
        return self.allocating.service

    async def fold(self) -> None:
        await super().fold()
        await readers.catch_up(self.database, self.supply_reader, self.clock)
        await readers.catch_up(self.database, self.allocating.reader, self.clock)

    async def rule(self, channel: str, strategy: Strategy, priority: int = 500) -> None:
        rule = AllocationRule(channel=channel, strategy=strategy, priority=priority)
        await self.allocation.rulebook.set_rule(MAIN, rule, by="planner")

    async def policy(self, applies: Applies, *, four_eyes: bool = False) -> None:
        await self.allocation.rulebook.set_policy(MAIN, applies, four_eyes=four_eyes, by="boss")

    async def confirmed(self, item: str = "X", location: str = "DC1") -> dict[str, int]:
        """Give what is confirmed of each open line, in whole units."""
        found = await self.allocation.lines(MAIN, item, location)
        return {one.demand_ref: one.confirmed // MICROS for one in found}

    async def applied(self, item: str = "X", location: str = "DC1") -> Run:
        run = await self.allocation.simulate(MAIN, item, location, by="planner")
        return await self.allocation.approve(MAIN, run.run_id, by="boss")

    async def work(self) -> dict[str, int]:
        await self.allocating.work.due()
        return await self.confirmed()

    async def runs(self) -> list[tuple[str, str, int, int]]:
        """Give state, reason, gained and lost of every run, the first one first."""
        found = await self.allocation.runs(MAIN)
        return [
            (run.state, run.reason, run.gained // MICROS, run.lost // MICROS)
            for run in reversed(found)
        ]

    async def open_cases(self) -> list[Case]:
        return await self.cases.find(MAIN)

    async def changes(self) -> list[tuple[str, int, int]]:
        """Give line, before and after of every change that the log was told of."""
        told = await self.told(ConfirmationChanged)
        payloads = [event.payload for event in told]
        return [
            (one.demand_ref, int(one.before.value), int(one.confirmed.value))
            for one in payloads
            if isinstance(one, ConfirmationChanged)
        ]

    async def left(self, table: str) -> int:
        async with self.database.transaction(Scope.of_workers()) as tx:
            count: int = await tx.fetchval(f"select count(*) from {table}")
        return count


async def opened(database: Database, clock: VirtualClock) -> Floor:
    made = Floor(database, clock)
    for reader in (made.reader, made.supply_reader, made.allocating.reader):
        await readers.register(database, reader)
    return made


@pytest.fixture
async def floor(database: Database, clock: VirtualClock) -> Floor:
    return await opened(database, clock)
