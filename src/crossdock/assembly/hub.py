"""Builds one Hub from Settings; the only file that knows every part."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random

from crossdock.assembly import adapters, as2, counts, gateway, kits, unlisting
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import CountedStock, ReservationKind, StockSnapshotTaken
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities import catalog, inventory, reconciliation, supply
from crossdock.capabilities.inventory import Inventory, Reservation
from crossdock.capabilities.sourcing import Sourcing
from crossdock.capabilities.supply import Atp, KeptPromises, Question, Securing, Supply
from crossdock.connectivity.connections import Connections, Neighbours
from crossdock.connectivity.courier import Courier, Step, Surroundings
from crossdock.connectivity.deliveries import Deliveries
from crossdock.connectivity.directory import Directory, Entry, installed_applications
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.outbox import Outbox
from crossdock.connectivity.poller import Pollers, Polling
from crossdock.connectivity.proposals import Proposals
from crossdock.connectivity.reading_back import ReadBack
from crossdock.connectivity.recording import FactVerdict
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.resending import Resender
from crossdock.connectivity.sdk import Application
from crossdock.connectivity.sources import Sources
from crossdock.connectivity.stock_asking import AskStock
from crossdock.connectivity.subscriptions import PublicAddress
from crossdock.connectivity.vault import Vault, master_key_of
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation import catching_up, event_log, health, migrate, readers, telemetry
from crossdock.foundation.clock import Clock, SystemClock
from crossdock.foundation.database import Database, check_isolation
from crossdock.foundation.event_log import Position
from crossdock.foundation.ids import Ids, SystemIds, prefixed, system_random
from crossdock.foundation.jobs import Job, Jobs
from crossdock.foundation.postgres import ground
from crossdock.foundation.readers import Reader
from crossdock.foundation.refusals import Refusals
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.governance.access import Access
from crossdock.governance.authority import Authority
from crossdock.orchestration.allocating import ChannelProtections
from crossdock.orchestration.backorder_sourcing import sourced_allocating
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.cases import Cases
from crossdock.orchestration.engine.engine import Engine, follow_all
from crossdock.orchestration.engine.instances import Instances
from crossdock.orchestration.processes.availability import Publishing
from crossdock.orchestration.processes.availability_readback import Showing
from crossdock.orchestration.processes.movement_facts import movement_posting
from crossdock.orchestration.processes.movement_waiting import Bookings

SHORT = timedelta(seconds=30)
"""How long a job of small steps may take, and so how long one that was killed holds it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a hub meets the world with; tests and simulations bring their own."""

    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=SystemIds)
    random: Random = field(default_factory=system_random)
    applications: Mapping[str, Application] | None = None


class Hub:
    """Every part of one hub process, ready to be asked. `work` keeps it moving."""

    def __init__(self, settings: Settings, dsn: str, database: Database, outside: Outside) -> None:
        clock = outside.clock
        self.settings = settings
        self.dsn, self.database, self.clock = dsn, database, clock
        self.ids, self.scope = outside.ids, Scope(settings.tenant)
        self.worker = health.process_name(os.getpid())
        # In containers of one name every process has the same number: leases need another name.
        self._lessee = f"{self.worker}-{outside.ids.new().hex[-8:]}"
        self.access = Access(database, clock, outside.random)
        self._ports = adapters.ports_of(settings, database, clock, outside.random)
        self._public = PublicAddress(settings.public_url, settings.tenant)
        self._open_doors(outside)
        self._gather_rules()
        self._gather_comparisons()
        self._around = Surroundings(
            database=database,
            directory=self.directory,
            keys=self.catalog,
            ports=self._ports,
            ids=outside.ids,
            worker=self._lessee,
        )
        self.as2 = as2.over(settings, database, clock, (outside.ids, outside.random))
        self.pollers = self._pollers()
        self.connections = self._connections()
        self.jobs = Jobs(database, clock, self._jobs())
        self.day_turns = Jobs(database, clock, [self.inventory.upkeep.day_turns()])
        # These wait for their turn at busy connections, and nothing else waits for them.
        gaps = adapters.refiller(self.inbox, lambda: self._around, lambda: self.pollers)
        readings = self.sampler.job, self.stock_sampler.job, self.open_rounds.job, gaps.job
        self.readings = [Jobs(database, clock, [one]) for one in (*readings, *self.as2.jobs)]
        self._couriers: dict[str, Courier] = {}

    def _open_doors(self, outside: Outside) -> None:
        """Build what takes messages in and gives them out."""
        database, clock, applications = self.database, self.clock, outside.applications
        self.directory = Directory(
            database,
            clock,
            Vault(master_key_of(self.settings)),
            installed_applications() if applications is None else applications,
            self._ports,
        )
        self.catalog = catalog.Catalog(database, clock, adapters.Orders())
        self._known = catalog.KnownGoods(self.catalog)
        words = adapters.Words(self.catalog, supply.Bills())
        self.authority = Authority(database, clock, self.catalog, Sources(database))
        self.inbox = Inbox(
            database,
            clock,
            self.directory,
            words,
            worker=self._lessee,
            body_bytes_max=self.settings.inbox_body_bytes_max,
        )
        self.quarantine = Quarantine(database, clock, self.inbox, words)
        self.proposals = Proposals(database)
        self.waiting_room = WaitingRoom(database, clock, words)
        self.outbox, self.cases = Outbox(database, clock), Cases(database, clock)
        self.gateway = gateway.over(database, clock, outside.ids)

    def _heard(self) -> kits.Heard:
        return kits.Heard(self.inventory.ordered_kits, self.publishing)

    def _gather_rules(self) -> None:
        """Build what decides: capabilities, and the processes across them."""
        database, clock = self.database, self.clock
        ttl, protections = self.settings.soft_hold_ttl_seconds, ChannelProtections()
        self._recipes, free = supply.KitRecipes(clock), supply.Unlimited(clock, self.catalog)
        self.inventory = Inventory(
            database, clock, soft_hold_ttl_seconds=ttl, protections=protections,
            kits=self._recipes, rules=inventory.ItemRules(free, supply.Packs(clock, self.catalog)),
        )  # fmt: skip
        stock, holds, names = self.inventory.standings, self.inventory.holding, adapters.Orders()
        self.supply = Supply(database, clock, stock, self.catalog, self._heard, names=names)
        self.sourcing = Sourcing(database, clock)
        knows = (clock, self.catalog, self.inventory, self.sourcing, self.supply)
        self.kit_stocks, self.order_sourcing = kits.choosing_warehouses(database, knows)
        self.allocating = sourced_allocating(database, self.ids, knows, self.order_sourcing)
        self.allocation = self.allocating.service
        self.kept_promises = KeptPromises(database, clock, self.ids, holds, self.supply.answer_in)
        self.securing = Securing(database, clock, self.ids, (holds, stock, self.supply.answers_in))
        self.risk_cases = supply.RiskCases(database, clock, self.securing, CaseDesk())

    def _gather_comparisons(self) -> None:
        """Build what compares systems, and what tells channels once that is known."""
        database, clock = self.database, self.clock
        ledger, names = inventory.LedgerAtCut(), catalog.Naming(clock)
        again = (Resender(self.outbox), adapters.Rereading(lambda: self.pollers))
        incidents = adapters.Incidents(self.directory)
        unlisted = unlisting.Unlisting(database, self.inbox, self.catalog)
        knows = (Bookings(), self.proposals, CaseDesk(), *again, supply.Bills())
        informants = reconciliation.Informants(ledger, names, *knows, incidents, unlisted)
        self.reconciliation = reconciliation.Reconciliation(database, clock, self.ids, informants)
        lines = informants, adapters.open_books(lambda: self._around)
        self.open_lines, self.periods = adapters.documents(database, clock, self.ids, lines)
        compared = self.open_lines, self.settings.open_lines_every_hours
        self.open_rounds = adapters.open_rounds(database, clock, lines[1], *compared)
        counting = (self.reconciliation, ledger, names, self.directory)
        self.count_tasks, self.counts = counts.over(database, clock, self.ids, counting)
        self.doubts = adapters.Doubts(database, self.inventory, self.reconciliation)
        pools = adapters.Pools(self.inventory, self.reconciliation, clock, self.supply.lives)
        kit_pools = kits.KitPools(pools, self.supply.kits)
        self.publishing = Publishing(database, clock, pools, self.catalog, kit_pools)
        self.channels = self.publishing.channels
        showing = Showing(database, self.publishing.requests, ReadBack(lambda: self._around))
        self.sampler = reconciliation.Sampler(database, clock, self.ids, showing, CaseDesk())
        asks = AskStock(lambda: self._around, self.inbox, names)
        asking = (ledger, asks, self.reconciliation, CaseDesk())
        self.stock_sampler = reconciliation.StockSampler(database, clock, self.ids, asking)
        books = adapters.BookKeepers(self.directory, self.catalog)
        also = movement_posting(books), counts.sending(self.directory, self.count_tasks)
        processes = (self.publishing.process, *also)
        self.engine = Engine(database, clock, self.outbox, processes, worker=self.worker)
        self.instances = Instances(database, clock, self.engine.processes)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings | None = None, outside: Outside | None = None
    ) -> AsyncIterator["Hub"]:
        """Start or join the database, bring its schema up to date, build every part."""
        settings = settings or Settings()
        telemetry.join_logging()
        async with ground(settings) as dsn:
            await migrate.upgrade(dsn)
            database = await Database.open(dsn, pool_size=settings.pool_size)
            try:
                await check_isolation(database)
                hub = cls(settings, dsn, database, outside or Outside())
                await hub._register()
                try:
                    yield hub
                finally:
                    for courier in hub._couriers.values():
                        await courier.close()
            finally:
                await database.close()

    @property
    def readers(self) -> tuple[Reader, ...]:
        return (
            catalog.reader(self.catalog),
            self.waiting_room.reader,
            *inventory.inventory_readers(self.clock, self.inventory.around, self.publishing),
            self.publishing.sales_reader,
            supply.supply_reader(self.allocating, self._heard()),
            self.securing.reader,
            self.allocating.reader,
            *self.counts.readers,
            *self.engine.readers(),
        )

    @property
    def refusals(self) -> Refusals:
        return Refusals(self.database, self.clock, self.readers)

    async def connect(self, entry: Entry) -> Entry:
        """Add a connection; its stock counts as stale after the silence its application allows."""
        return await self.connections.add(self.scope, entry)

    async def put_stock(self, item: str, location: str, quantity: str | int | Decimal) -> None:
        """Say what was counted, in base units; an item (in pieces) or location may be new.

        Refused where another system keeps the stock: a count here would be overruled, or wrong.
        """
        item, location = catalog.normalised(item), catalog.normalised(location)
        units, places = await self.catalog.names(self.scope, [item], [location])
        counted = CountedStock(item=item, quantity=Quantity.of(quantity, units.get(item, "EA")))
        if not item or not location or counted.quantity.value < 0:
            raise Invalid("a count names an item and a location, and finds zero or more")
        await self.authority.check_stock(self.scope, location, catalog.OWN_SOURCE)
        now, count = self.clock.now(), prefixed("cnt", self.ids.new())
        taken = StockSnapshotTaken(snapshot_id=count, location=location, lines=(counted,))
        news: list[ItemChanged | LocationChanged] = []
        if item not in units:
            news.append(ItemChanged(sku=item))
        if location not in places:
            news.append(LocationChanged(code=location))
        await self.record([catalog.own_fact(one, now) for one in news], source=catalog.OWN_SOURCE)
        fact = Fact(identity=count, payload=taken, occurred_at=now)
        for verdict in await self.record([fact], source=catalog.OWN_SOURCE):
            if verdict.reason:
                raise Invalid(verdict.reason, code=verdict.code)

    async def reserve(
        self, item: str, location: str, quantity: str | int | Decimal, *, request_id: str
    ) -> Reservation:
        """Promise base units for an accepted order; the same request id is promised once."""
        found = await self._known.find_one(self.scope, catalog.Named(item, location), where="")
        line = inventory.ReservationLine(found.item, found.location, Quantity.of(quantity).micros)
        request = inventory.ReservationRequest(request_id, (line,), ReservationKind.HARD)
        made = await self.inventory.reserve(self.scope, "script", request)
        await self.inventory.upkeep.tell()
        return made

    async def availability(self, item: str, location: str) -> inventory.Availability:
        """Tell what can be promised now, with its proof; unknown is not zero (`is_known`)."""
        found = await self._known.find_one(self.scope, catalog.Named(item, location), where="")
        return (await self.inventory.availability(self.scope, [found[:2]]))[0]

    async def promise_dates(self, questions: Sequence[Question]) -> list[Atp]:
        """Tell what can be promised by when, of up to 10,000 item-locations at one moment."""
        return await self.supply.promise_dates(self.scope, questions)

    async def record(self, facts: Sequence[Fact], *, source: str = "script") -> list[FactVerdict]:
        """Record facts in canonical words and wait until every part has heard them."""
        verdicts = await self.inbox.record(self.scope, source, facts, b"")
        await self.settle()
        return verdicts

    async def settle(self) -> None:
        """Carry everything there is to its end, then return: for scripts, tests and simulations.

        What is not due yet by the clock (a timer, a retry, a rate) stays for later.
        """
        couriers = await self._all_couriers()
        heard: Position | None = None
        while True:
            await self.inventory.upkeep.turn_days()
            await self.inventory.upkeep.tell()
            await self.waiting_room.retry_due()
            end = await self._end_of_log()
            if end is None or end != heard:
                await catching_up.all_catch_up(self.database, self.readers, self.clock)
            is_still = end is not None and end == heard
            heard = end
            if await self.engine.run_due():
                is_still = False
            for courier in couriers:
                while (await courier.step()).step is not Step.NOTHING:
                    is_still = False
            if is_still:
                return

    async def work(self) -> None:
        """Follow the log, decide, deliver, until cancelled. Any number of processes may."""
        async with asyncio.TaskGroup() as group:
            for reader in self.readers:
                for shard in range(reader.shards):
                    group.create_task(
                        readers.follow(self.database, reader, self.clock, shard=shard),
                        name=f"reader {reader.name} {shard}",
                    )
            group.create_task(self.inventory.upkeep.run(), name="promises told")
            group.create_task(follow_all(self.engine), name="processes")
            group.create_task(Deliveries(self._around).run(), name="deliveries")
            group.create_task(self.pollers.run(), name="pollers")
            group.create_task(self.waiting_room.run(), name="waiting room")
            for jobs in (self.jobs, self.day_turns, *self.readings):
                group.create_task(jobs.follow(), name="jobs")
            signs = health.leave_signs(self.database, self.clock, self.worker, health.WORKER)
            group.create_task(signs, name="signs of life")

    async def attend(self) -> None:
        """Answer questions only, until cancelled; workers elsewhere do the rest."""
        await health.leave_signs(self.database, self.clock, self.worker, health.ATTENDANT)

    async def _register(self) -> None:
        await readers.register(self.database, *self.readers)
        for jobs in (self.jobs, self.day_turns, *self.readings):
            await jobs.register()

    def _connections(self) -> Connections:
        return Connections(
            self.directory,
            Neighbours(
                pollers=self.pollers,
                ports=self._ports,
                freshness=self.inventory.upkeep,
                followers=[self.channels],
                public=self._public,
            ),
        )

    def _pollers(self) -> Pollers:
        return Pollers(
            Polling(
                database=self.database,
                directory=self.directory,
                inbox=self.inbox,
                ports=self._ports,
                worker=self._lessee,
                public=self._public,
            )
        )

    def _jobs(self) -> list[Job]:
        minute, ten = timedelta(minutes=1), timedelta(minutes=10)
        return [
            *self.inventory.upkeep.jobs(),
            Job(name="lapse promises", every=SHORT, work=self.kept_promises.lapse_due),
            Job(name="extend event log", every=ten, work=partial(event_log.extend, self.database)),
            Job(name="reconcile", every=ten, work=self.reconciliation.follow),
            Job(name="heal differences", every=ten, work=self.reconciliation.heal_by_rules),
            self.count_tasks.job, self.counts.job, self.gateway.overdue.job,
            *adapters.watches(self.database, self.clock, self.settings, self.catalog),
            Job(name="recover messages", every=minute, work=self.inbox.recover, limit=SHORT),
            Job(name="watch promises by date", every=minute, work=self.risk_cases.watch),
            *self.publishing.jobs(),
            *self.allocating.jobs(),
        ]  # fmt: skip

    async def _end_of_log(self) -> Position | None:
        """Find the end of what can be heard; None while something committed is still hidden."""
        async with self.database.transaction(Scope.of_workers()) as tx:
            return None if await event_log.is_hidden(tx) else await event_log.end(tx)

    async def _all_couriers(self) -> list[Courier]:
        entries = await self.directory.entries(self.scope)
        for gone in self._couriers.keys() - {entry.name for entry in entries}:
            await self._couriers.pop(gone).close()
        for entry in entries:
            is_called = self.directory.application_of(entry).connect is not None
            if is_called and entry.name not in self._couriers:
                self._couriers[entry.name] = Courier(self._around, entry)
        return list(self._couriers.values())
