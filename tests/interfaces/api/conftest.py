"""A hub with its real parts behind a real server on loopback, and a client that speaks to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crossdock.assembly import gateway
from crossdock.assembly.adapters import Doubts, Incidents, Orders, Rereading
from crossdock.assembly.kits import KitAnswers
from crossdock.assembly.unlisting import Unlisting
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Rejected
from crossdock.capabilities import catalog as catalog_face
from crossdock.capabilities.catalog import Catalog, Naming
from crossdock.capabilities.inventory import (
    GoodsLeft,
    Inventory,
    ItemRules,
    LatePostings,
    LedgerAtCut,
    OpenDemand,
    inventory_reader,
)
from crossdock.capabilities.reconciliation import (
    Counts,
    CountTasks,
    Informants,
    Kind,
    LineInformants,
    OpenLines,
    OpenRounds,
    Periods,
    Reconciliation,
    Sampler,
    StockSampler,
)
from crossdock.capabilities.reconciliation.open_ports import ReadsOpenLines
from crossdock.capabilities.sourcing import Sourcing
from crossdock.capabilities.supply import (
    Bills,
    GoodsReceived,
    KeptPromises,
    KitRecipes,
    OpenSupply,
    Packs,
    Securing,
    Supply,
    supply_reader,
)
from crossdock.connectivity.as2 import exchange
from crossdock.connectivity.as2.exchange import Exchange
from crossdock.connectivity.connections import Connections, Neighbours
from crossdock.connectivity.directory import Directory
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.open_reading import Lister, OpenRead, UnderWay
from crossdock.connectivity.outbox import Outbox
from crossdock.connectivity.poller import Pollers, Polling
from crossdock.connectivity.proposals import Proposals
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.resending import Resender
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.sources import Sources
from crossdock.connectivity.stock_asking import Heard, Place
from crossdock.connectivity.vault import Vault
from crossdock.foundation import readers
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.refusals import Refusals
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.governance.access import Access, NewKey
from crossdock.governance.authority import Authority
from crossdock.governance.roles import ROLES, Principal, verbs_of
from crossdock.interfaces.api import create_app
from crossdock.interfaces.cli.http_server import serving
from crossdock.orchestration.allocating import Allocating, ChannelProtections
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.cases import Cases
from crossdock.orchestration.counts_sent import CountsSent
from crossdock.orchestration.engine.instances import Instances
from crossdock.orchestration.order_sourcing import OrderSourcing
from crossdock.orchestration.processes.availability import Publishing
from crossdock.orchestration.processes.availability_readback import ReadingBack, Seller
from crossdock.orchestration.processes.movement_waiting import Bookings
from tests.interfaces.api.applications import APPLICATIONS
from tests.interfaces.api.as2_sides import Sides, exchange_at
from tests.processes.shop import Pools
from tests.unit.connectivity.as2.parties import NOW as AS2_NOW

OWNER = Principal(tenant="main", verbs=ROLES["owner"], key_id="owner")
STRANGER = Principal(tenant="other", verbs=ROLES["owner"], key_id="stranger")


class House:
    """The parts of a hub, as `assembly` puts them together."""

    worker = "house"

    def __init__(self, database: Database, settings: Settings) -> None:
        self.settings, self.database = settings, database
        self.clock, self.ids = SystemClock(), SystemIds()
        self.gateway = gateway.over(database, self.clock, self.ids)
        self.access = Access(database, self.clock, Random(7))
        self.catalog = Catalog(database, self.clock, Orders())
        self.authority = Authority(database, self.clock, self.catalog, Sources(database))
        self.inventory = Inventory(
            database,
            self.clock,
            protections=ChannelProtections(),
            kits=KitRecipes(self.clock),
            rules=ItemRules(packs=Packs(self.clock, self.catalog)),
        )
        self.sourcing = Sourcing(database, self.clock)
        self.supply = Supply(
            database, self.clock, self.inventory.standings, self.catalog, names=Orders()
        )
        self.order_sourcing = OrderSourcing(
            self.clock,
            self.catalog,
            self.inventory,
            self.sourcing,
            self.supply,
            kits=self.kit_stocks,
        )
        self._keep_promises()
        self.directory = Directory(database, self.clock, Vault(bytes(32)), APPLICATIONS)
        ports = Ports(clock=self.clock, random=Random(8), allow_private_addresses=True)
        pollers = Pollers(
            Polling(
                database=database,
                directory=self.directory,
                inbox=Inbox(database, self.clock, self.directory, self.catalog, worker="poller"),
                ports=ports,
                worker="test",
            )
        )
        self.connections = Connections(
            self.directory,
            Neighbours(pollers=pollers, ports=ports, freshness=self.inventory.upkeep),
        )
        self.as2, self.pools = self._as2(), Pools()
        self.publishing = Publishing(database, self.clock, self.pools, self.catalog)
        self.channels = self.publishing.channels
        self.inbox = Inbox(database, self.clock, self.directory, self.catalog, worker="test")
        self.quarantine = Quarantine(database, self.clock, self.inbox, self.catalog)
        self.proposals = Proposals(database)
        self.outbox = Outbox(database, self.clock)
        self.allocating = Allocating(database, self.clock, self.ids, self.inventory, self.supply)
        self.allocation = self.allocating.service
        self.readers = [
            catalog_face.reader(self.catalog),
            inventory_reader(self.clock),
            self.publishing.sales_reader,
            supply_reader(self.allocating),
            self.securing.reader,
            self.allocating.reader,
            *self.counts.readers,
        ]
        self._reconcile(pollers)
        self.sampler = Sampler(database, self.clock, SystemIds(), NothingIsRead(), CaseDesk())
        self.refusals = Refusals(database, self.clock, self.readers)
        self.instances = Instances(database, self.clock, ["loading"])
        self.cases = Cases(database, self.clock)

    def _as2(self) -> Exchange:
        around = (Vault(bytes(32)), CaseDesk())
        return exchange.over(self.database, self.clock, (self.ids, Random(9)), around)

    @property
    def kit_stocks(self) -> KitAnswers:
        return KitAnswers(self.database, self.inventory, self.supply.kits)

    def _reconcile(self, pollers: Pollers) -> None:
        informants = Informants(
            ledger=LedgerAtCut(),
            names=Naming(self.clock),
            bookings=Bookings(),
            proposals=self.proposals,
            cases=CaseDesk(),
            sender=Resender(self.outbox),
            reader=Rereading(lambda: pollers),
            bills=Bills(),
            incidents=Incidents(self.directory),
            unlisted=Unlisting(self.database, self.inbox, self.catalog),
        )
        self.reconciliation = Reconciliation(self.database, self.clock, SystemIds(), informants)
        followed: dict[Kind, ReadsOpenLines] = {
            Kind.INVOICES: GoodsLeft(),
            Kind.DELIVERIES: GoodsLeft(is_net=False),
            Kind.SUPPLIER_INVOICES: GoodsReceived(),
        }
        lines = LineInformants(OpenDemand(), OpenSupply(), NobodyLists(), followed)
        self.open_lines = OpenLines(self.database, self.clock, SystemIds(), informants, lines)
        self.periods = Periods(self.database, self.clock, informants, LatePostings())

    @property
    def open_rounds(self) -> OpenRounds:
        around = (NobodyLists(), self.open_lines, CaseDesk())
        return OpenRounds(self.database, self.clock, around, every=timedelta(hours=6))

    @property
    def stock_sampler(self) -> StockSampler:
        asking = (LedgerAtCut(), NobodyIsAsked(), self.reconciliation, CaseDesk())
        return StockSampler(self.database, self.clock, SystemIds(), asking)

    @property
    def count_tasks(self) -> CountTasks:
        counting = (self.reconciliation, LedgerAtCut())
        return CountTasks(self.database, self.clock, SystemIds(), *counting, sent=CountsSent())

    @property
    def counts(self) -> Counts:
        return Counts(
            self.database, self.clock, self.ids, (Naming(self.clock), LedgerAtCut()), CaseDesk()
        )

    @property
    def doubts(self) -> Doubts:
        return Doubts(self.database, self.inventory, self.reconciliation)

    def _keep_promises(self) -> None:
        holding, answers = self.inventory.holding, self.supply.answer_in
        self.kept_promises = KeptPromises(self.database, self.clock, self.ids, holding, answers)
        around = (holding, self.inventory.standings, self.supply.answers_in)
        self.securing = Securing(self.database, self.clock, self.ids, around)

    async def record(self, facts: Sequence[Fact], *, source: str) -> object:
        verdicts = await self.inbox.record(Scope("main"), source, facts, b"")
        await self.catch_up()
        return verdicts

    async def catch_up(self) -> None:
        for reader in self.readers:
            await readers.catch_up(self.database, reader, self.clock)

    async def key(
        self, *verbs: str, by: Principal = OWNER, partner: str = "", name: str = "test"
    ) -> str:
        wanted = verbs_of(verbs) if verbs else ROLES["owner"]
        issued = await self.access.create(by, NewKey(name=name, verbs=wanted, partner=partner))
        return issued.token


class NobodyLists:
    """Stands in for the connections: none can be asked for what is open there."""

    async def tenants(self) -> list[str]:
        return []

    async def listers(self, _scope: Scope) -> list[Lister]:
        return []

    def under_way(
        self, _scope: Scope, _connection: str, _kind: str, *, since: datetime | None
    ) -> UnderWay:
        del since
        return UnderWay()

    async def open_lines(
        self, _scope: Scope, connection: str, kind: str, *, go_on: bool = False
    ) -> OpenRead:
        del go_on
        raise Rejected(f"{connection} cannot be asked for its open {kind}", code="not_listed")


class NobodyIsAsked:
    """Stands in for systems that can be asked for stock: there is none."""

    async def tenants(self) -> list[str]:
        return ["main"]

    async def places(self, _scope: Scope, _locations: Sequence[str]) -> list[Place]:
        return []

    async def ask(
        self, _scope: Scope, _connection: str, _location: str, _items: Sequence[str]
    ) -> Heard:
        async def record() -> int:
            return 0

        return Heard((), record)


class NothingIsRead:
    """Stands in for the channels: one that can be read back, and holds what it was told."""

    async def tenants(self) -> list[str]:
        return ["main"]

    async def sellers(self, _scope: Scope) -> list[Seller]:
        return [Seller("shop", "web", 70_000, 100, 864_000)]

    async def listed(
        self, _scope: Scope, _connection: str, _location: str, _after: str, _limit: int
    ) -> list[str]:
        return ["BOLT"]

    async def read_back(
        self, _scope: Scope, _connection: str, _location: str, items: Sequence[str]
    ) -> list[ReadingBack]:
        return [ReadingBack(item, 5_000_000, 5_000_000, is_in_flight=False) for item in items]

    async def republish(
        self, _scope: Scope, _connection: str, _location: str, items: Sequence[str]
    ) -> int:
        return len(items)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Caller:
    """One request, one connection: as plain as HTTP/1.1 can be, so that nothing is smoothed."""

    port: int
    key: str = ""

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        sent = {"host": "crossdock", "connection": "close"}
        token = self.key if key is None else key
        if token:
            sent["authorization"] = f"Bearer {token}"
        if body is not None:
            sent |= {"content-type": "application/json", "content-length": str(len(content))}
        sent |= headers or {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return await self.raw(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)

    async def raw(self, request: bytes) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(60):
                head = await reader.readuntil(b"\r\n\r\n")
                status, *lines = head.decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                body = await reader.read()
        finally:
            writer.close()
        if headers.get("transfer-encoding") == "chunked":
            body = _unchunked(body)
        return Answer(int(status.split()[1]), headers, body)


@pytest.fixture
async def house(database: Database) -> House:
    made = House(database, Settings(tenant="main", data_dir=Path("/nonexistent")))
    for reader in made.readers:
        await readers.register(database, reader)
    return made


@pytest.fixture
async def call(house: House) -> AsyncIterator[Caller]:
    """Give a caller with the owner's rights against a running server."""
    async with serving(create_app(house)) as address:
        yield Caller(int(address.rpartition(":")[2]), await house.key())


@pytest.fixture
async def sides(database: Database, house: House) -> AsyncIterator[Sides]:
    """Give two partners by AS2 at one server, who agree on nothing yet."""
    clock = VirtualClock(AS2_NOW)
    house.as2 = exchange_at(database, clock)
    async with serving(create_app(house)) as address:
        yield Sides(house.as2, clock, database, address)


async def stock(call: Caller, house: House, *items: str, micros: int = 0) -> None:
    """Make items and a location known, with so many of each there."""
    for item in items:
        assert (await call("PUT", f"/v1/items/{item}", {})).status == 202
    await call("PUT", "/v1/locations/DC", {})
    await house.catch_up()
    if micros:
        lines = [{"item": item, "quantity": amount(micros)} for item in items]
        snapshot = {"snapshot_id": "S1", "location": "DC", "lines": lines}
        said = event("inventory.snapshot_taken.v1", "snapshot:S1", snapshot)
        answer = await call("POST", "/v1/events", {"source": "wms", "events": [said]})
        assert answer.json["counts"] == {"NEW": 1}, answer.body
    await house.catch_up()


def amount(micros: int, unit: str = "EA") -> dict[str, str]:
    return {"value": str(micros // 1_000_000), "unit": unit}


def event(kind: str, identity: str, payload: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "identity": identity,
        "occurred_at": "2026-05-04T12:00:00Z",
        "payload": payload,
        **more,
    }


def main_scope() -> Scope:
    return Scope("main")


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)
