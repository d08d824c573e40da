"""Publishing, whole: the process, the terms, the budgets, what is shown, and what is counted."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Protocol

from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.jobs import Job
from crossdock.orchestration.processes.availability_asking import Requests
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_claims import Calendar
from crossdock.orchestration.processes.availability_exposure import Exposures
from crossdock.orchestration.processes.availability_facts import (
    KnowsGoods,
    availability_publishing,
)
from crossdock.orchestration.processes.availability_places import regrouped
from crossdock.orchestration.processes.availability_pools import KnowsKits
from crossdock.orchestration.processes.availability_sellers import look_at_kits, look_at_lives
from crossdock.orchestration.processes.channel_sales import sales_reader
from crossdock.orchestration.processes.oversell_budget import Budgets
from crossdock.orchestration.processes.place_clocks import KnowsZones
from crossdock.orchestration.processes.safe_mode import KnowsSources, SafeMode

BUDGETS_EVERY = timedelta(minutes=2)


class KnowsStock(KnowsGoods, KnowsSources, Protocol):
    """Inventory, as publishing needs it: what may be sold, and how old the figures are."""


class Publishing:
    """Every part of publishing, over whoever knows the stock and the zones of its places."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        stock: KnowsStock,
        zones: KnowsZones,
        kits: KnowsKits | None = None,
    ) -> None:
        """Without `kits` a kit is shown with what lies there assembled."""
        self._clock = clock
        self._stock = stock
        self._kits = kits
        self.process = availability_publishing(stock, Calendar(zones, clock), kits)
        self.sales_reader = sales_reader(zones, clock, kits)
        self.channels = Channels(database, clock, stock if kits is None else kits)
        self.budgets = Budgets(database, clock)
        self.requests = Requests(database, clock)
        self.safe_mode = SafeMode(database, clock, stock)
        self.exposures = Exposures(database, clock, self.process, self.safe_mode)

    async def recipes_changed(self, tx: Transaction, kits: Sequence[tuple[str, str]]) -> None:
        """Look again at what is shown of these (tenant, kit): they have another recipe now."""
        if self._kits is not None:
            await look_at_kits(tx, kits, self._clock.now(), self._kits)

    async def lives_changed(self, tx: Transaction, items: Sequence[tuple[str, str]]) -> None:
        """Look again at what is shown of these (tenant, item): their goods keep otherwise."""
        await look_at_lives(tx, items, self._clock.now(), self._kits)

    async def regrouped(self, tx: Transaction, places: Mapping[str, AbstractSet[str]]) -> None:
        """Look again at what is shown where these, by tenant, are grouped otherwise now."""
        await regrouped(tx, self._stock, places, self._clock.now())

    def jobs(self) -> list[Job]:
        """Name what is to be done again and again, and how often."""
        return [
            Job(name="oversell budgets", every=BUDGETS_EVERY, work=self.budgets.recompute),
            self.safe_mode.job,
        ]
