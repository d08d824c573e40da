"""Publishing, whole: the process, the terms, the budgets, what is shown, and what is counted."""

from datetime import timedelta
from typing import Protocol

from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.jobs import Job
from crossdock.orchestration.processes.availability_asking import Requests
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_claims import Calendar
from crossdock.orchestration.processes.availability_exposure import Exposures
from crossdock.orchestration.processes.availability_facts import (
    KnowsPools,
    availability_publishing,
)
from crossdock.orchestration.processes.channel_sales import sales_reader
from crossdock.orchestration.processes.oversell_budget import Budgets
from crossdock.orchestration.processes.place_clocks import KnowsZones
from crossdock.orchestration.processes.safe_mode import KnowsSources, SafeMode

BUDGETS_EVERY = timedelta(minutes=2)


class KnowsStock(KnowsPools, KnowsSources, Protocol):
    """Inventory, as publishing needs it: what may be sold, and how old the figures are."""


class Publishing:
    """Every part of publishing, over whoever knows the stock and the zones of its places."""

    def __init__(
        self, database: Database, clock: Clock, stock: KnowsStock, zones: KnowsZones
    ) -> None:
        self.process = availability_publishing(stock, Calendar(zones, clock))
        self.sales_reader = sales_reader(zones, clock)
        self.channels = Channels(database, clock, stock)
        self.budgets = Budgets(database, clock)
        self.requests = Requests(database, clock)
        self.safe_mode = SafeMode(database, clock, stock)
        self.exposures = Exposures(database, clock, self.process, self.safe_mode)

    def jobs(self) -> list[Job]:
        """Name what is to be done again and again, and how often."""
        return [
            Job(name="oversell budgets", every=BUDGETS_EVERY, work=self.budgets.recompute),
            self.safe_mode.job,
        ]
