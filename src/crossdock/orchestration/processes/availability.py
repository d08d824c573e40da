"""Publishing, whole: the process, the terms, the budgets, what is shown, and what is counted."""

from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
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


class Publishing:
    """Every part of publishing, over whoever knows the stock and the zones of its places."""

    def __init__(
        self, database: Database, clock: Clock, stock: KnowsPools, zones: KnowsZones
    ) -> None:
        self.process = availability_publishing(stock, Calendar(zones, clock))
        self.sales_reader = sales_reader(zones, clock)
        self.channels = Channels(database, clock, stock)
        self.budgets = Budgets(database, clock)
        self.requests = Requests(database, clock)
        self.exposures = Exposures(database, self.process)
