"""What the HTTP interface asks of a Hub, and all of it. `assembly.Hub` is one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from crossdock.capabilities.allocation import Allocation
from crossdock.capabilities.catalog import Catalog
from crossdock.capabilities.inventory import Inventory
from crossdock.capabilities.partners import Partners
from crossdock.capabilities.reconciliation import (
    Counts,
    CountTasks,
    Doubt,
    OpenLines,
    OpenRounds,
    Periods,
    Reconciliation,
    Sampler,
    StockSampler,
)
from crossdock.capabilities.sourcing import Sourcing
from crossdock.capabilities.supply import KeptPromises, KitStock, Securing, Supply
from crossdock.connectivity.as2.exchange import Exchange
from crossdock.connectivity.connections import Connections
from crossdock.connectivity.directory import Directory
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.interchanges import Exchanged, Interchanges
from crossdock.connectivity.outbox import Outbox
from crossdock.connectivity.proposals import Proposals
from crossdock.connectivity.replaying import Quarantine
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import Ids
from crossdock.foundation.refusals import Refusals
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.governance.access import Access
from crossdock.governance.authority import Authority
from crossdock.orchestration.cases import Cases
from crossdock.orchestration.engine.instances import Instances
from crossdock.orchestration.order_sourcing import OrderSourcing
from crossdock.orchestration.processes.availability import Publishing
from crossdock.orchestration.processes.availability_channels import Channels


class KnowsDoubts(Protocol):
    async def of(
        self, scope: Scope, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Sequence[Doubt]]:
        """Tell what of these items and locations is in doubt; the others are left out."""
        ...


class KnowsKitStocks(Protocol):
    async def of(
        self, scope: Scope, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], KitStock]:
        """Tell what there is of those of these items, at these locations, that are kits."""
        ...


class Gateway(Protocol):
    """What exchanges documents with trading partners."""

    @property
    def partners(self) -> Partners: ...

    @property
    def interchanges(self) -> Interchanges: ...

    @property
    def exchanged(self) -> Exchanged: ...


class Hub(Protocol):
    @property
    def settings(self) -> Settings: ...

    @property
    def worker(self) -> str: ...

    @property
    def database(self) -> Database: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def ids(self) -> Ids: ...

    @property
    def access(self) -> Access: ...

    @property
    def catalog(self) -> Catalog: ...

    @property
    def inventory(self) -> Inventory: ...

    @property
    def allocation(self) -> Allocation: ...

    @property
    def sourcing(self) -> Sourcing: ...

    @property
    def order_sourcing(self) -> OrderSourcing: ...

    @property
    def supply(self) -> Supply: ...

    @property
    def kept_promises(self) -> KeptPromises: ...

    @property
    def securing(self) -> Securing: ...

    @property
    def directory(self) -> Directory: ...

    @property
    def connections(self) -> Connections: ...

    @property
    def channels(self) -> Channels: ...

    @property
    def publishing(self) -> Publishing: ...

    @property
    def as2(self) -> Exchange: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def quarantine(self) -> Quarantine: ...

    @property
    def authority(self) -> Authority: ...

    @property
    def proposals(self) -> Proposals: ...

    @property
    def reconciliation(self) -> Reconciliation: ...

    @property
    def open_lines(self) -> OpenLines: ...

    @property
    def doubts(self) -> "KnowsDoubts": ...

    @property
    def kit_stocks(self) -> "KnowsKitStocks": ...

    @property
    def sampler(self) -> Sampler: ...

    @property
    def stock_sampler(self) -> StockSampler: ...

    @property
    def open_rounds(self) -> OpenRounds: ...

    @property
    def count_tasks(self) -> CountTasks: ...

    @property
    def counts(self) -> Counts: ...

    @property
    def periods(self) -> Periods: ...

    @property
    def gateway(self) -> Gateway: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def refusals(self) -> Refusals: ...

    @property
    def instances(self) -> Instances: ...

    @property
    def cases(self) -> Cases: ...
