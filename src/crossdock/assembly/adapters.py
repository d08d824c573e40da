"""One part, in the words of another that asks for it by a Protocol of its own."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from crossdock.canonical.catalog import KitChanged
from crossdock.canonical.errors import Invalid, NotFound, Rejected
from crossdock.canonical.references import Reference, ReferenceKind, Resolution
from crossdock.capabilities.allocation import OrderedBy, turns_next
from crossdock.capabilities.catalog import OWN_SOURCE, Catalog, PartyNames
from crossdock.capabilities.inventory import (
    Availability,
    GoodsLeft,
    Inventory,
    LatePostings,
    LeakedHolds,
    NegativeStock,
    OpenDemand,
    OverPicks,
    SourceAge,
)
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.inventory.publishing import SHOWN_MOST
from crossdock.capabilities.reconciliation import (
    Doubt,
    Informants,
    Kind,
    LineInformants,
    OpenLines,
    OpenRounds,
    Periods,
    Reconciliation,
)
from crossdock.capabilities.supply import (
    Bills,
    ChannelLives,
    GoodsReceived,
    KnowsClasses,
    Lasting,
    NoticeReceipts,
    OpenSupply,
    OverdueSupply,
    Wanted,
    supply_reader,
)
from crossdock.connectivity import parting
from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.directory import Circuit, Directory
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.open_reading import OpenReader
from crossdock.connectivity.own_numbers import OwnNumbers
from crossdock.connectivity.poller import Pollers
from crossdock.connectivity.refilling import Refiller
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.transports.database_reach import SYSTEM_IDENTIFIER
from crossdock.foundation import readers
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings, tls_variables
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.movement_posting import ROLE as POSTS_MOVEMENTS
from crossdock.orchestration.processes.movement_posting import Books

RECIPES_READER = supply_reader().name

ALWAYS = datetime.max.replace(tzinfo=UTC)
"""Until then what the hub keeps itself is fresh: nobody else could tell of it."""


def ports_of(settings: Settings, database: Database, clock: Clock, random: Random) -> Ports:
    """Say what of the outside the connections of this hub may reach, and what is its own."""

    async def own_server() -> str:
        async with database.transaction(Scope.of_workers()) as tx:
            return str(await tx.fetchval(SYSTEM_IDENTIFIER))

    return Ports(
        clock=clock,
        random=random,
        allow_private_addresses=settings.allow_private_addresses,
        allow_local_databases=settings.allow_local_databases,
        own_folders=(settings.data_dir,),
        drop_root=settings.drop_root,
        own_server=own_server,
        environment=tls_variables(),
    )


def by_tenant(keys: Iterable[tuple[str, str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Part (tenant, item, location) by tenant, in the order of their names."""
    parted: dict[str, list[tuple[str, str]]] = {}
    for tenant, item, location in sorted(keys):
        parted.setdefault(tenant, []).append((item, location))
    return parted


@dataclass(frozen=True, slots=True)
class Pools:
    """Inventory, in the words of availability publishing.

    What reconciliation has in doubt is not shown: of a group, what its members withhold (§4.3).
    What allocation keeps for channels is told beside, for each to be shown its own (§3.7).
    The hub itself is never silent, and a connection that was removed is no source any more (§7.2).
    """

    inventory: Inventory
    reconciliation: Reconciliation
    clock: Clock
    lives: ChannelLives

    async def pools(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> Mapping[tuple[str, str, str], Pool]:
        found: dict[tuple[str, str, str], Pool] = {}
        for tenant, own in by_tenant(keys).items():
            read = await self.read(tx, tenant, own)
            found |= {
                (tenant, *key): read.pool(answer)
                for key, answer in read.answers.items()
                if answer.is_known
            }
        return found

    async def groups(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return await self.inventory.groups_in(tx, places)

    async def lasting(
        self, tx: Transaction, tenant: str, wanted: Collection[Wanted]
    ) -> Mapping[Wanted, Lasting]:
        """Say what keeps long enough; what is in doubt is taken to be of that."""
        found = await self.lives.lasting(tx, tenant, wanted)
        if not found:
            return found
        doubt = await self._withheld(tx, tenant, {one.item for one in found})
        return {
            one: said.less(one.location, _doubts(doubt, one.item, {one.location, *said.members}))
            for one, said in found.items()
        }

    async def kin(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return await self.inventory.kin_in(tx, places)

    async def owed(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> frozenset[tuple[str, str, str]]:
        return await self.inventory.owed_in(tx, keys)

    async def read(
        self, tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> "StockRead":
        """Read all that pools of these (item, location) are made of."""
        answers = await self.inventory.availability_in(tx, tenant, keys)
        claims = await self.inventory.channel_claims_in(tx, tenant, keys)
        return StockRead(
            answers={(one.item, one.location): one for one in answers},
            withheld=await self._withheld(tx, tenant, {item for item, _ in keys}),
            claims=claims,
            turns=await self._turns(tx, tenant, list(claims)),
            gone=await parting.gone(tx, tenant),
        )

    async def _turns(
        self, tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], datetime]:
        """Say when something begins or ends to be kept for channels, where it ever does."""
        return await turns_next(tx.of(tenant), keys, self.clock.now()) if keys else {}

    async def ages(self, tx: Transaction) -> Mapping[str, SourceAge]:
        return await self.inventory.upkeep.ages_in(tx)

    async def gone(self, tx: Transaction) -> frozenset[str]:
        return await parting.gone(tx, tx.tenant)

    async def _withheld(
        self, tx: Transaction, tenant: str, items: set[str]
    ) -> Mapping[tuple[str, str], int]:
        doubts = await self.reconciliation.withheld_in(tx, tenant, items)
        if not doubts:
            return {}
        places = sorted({(tenant, place) for doubted in doubts.values() for place in doubted})
        groups = await self.inventory.groups_in(tx, places)
        found: Counter[tuple[str, str]] = Counter()
        for item, doubted in doubts.items():
            for place, micros in doubted.items():
                found[item, place] += micros
                if (group := groups.get((tenant, place))) is not None:
                    found[item, group] += micros
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRead:
    """What pools are made of, as read at one moment, by (item, location)."""

    answers: Mapping[tuple[str, str], Availability]
    withheld: Mapping[tuple[str, str], int]
    claims: Mapping[tuple[str, str], Mapping[str, Claim]]
    turns: Mapping[tuple[str, str], datetime]
    gone: Collection[str]

    def free(self, key: tuple[str, str]) -> int:
        answer = self.answers[key]
        return _less(answer.available.micros, self.withheld.get(key, 0))

    def pool(self, answer: Availability) -> Pool:
        """Give what may be sold of an item that nobody has to put together."""
        key = (answer.item, answer.location)
        told = [age for age in answer.sources if age.source not in self.gone]
        others = [age for age in told if age.source != OWN_SOURCE]
        pool = Pool(
            free=min(self.free(key), SHOWN_MOST) if answer.is_unlimited else self.free(key),
            demand=answer.figures.hard + answer.figures.soft,
            fresh_until=min((age.fresh_until for age in others), default=None),
            lowers_at=min((age.overdue_at for age in others), default=None),
            claims=self.claims.get(key, {}),
            turns_at=self.turns.get(key),
            sources={age.source: _fresh_until(age) for age in told},
        )
        if answer.owing is None or not answer.owing.owed or answer.is_unlimited:
            return pool
        doubts = _doubts(self.withheld, answer.item, answer.owing.has)
        left = answer.owing.left(doubts)[answer.location]
        return replace(pool, for_shares=replace(pool, free=min(pool.free, left)))


def _doubts(
    withheld: Mapping[tuple[str, str], int], item: str, places: Iterable[str]
) -> dict[str, int]:
    return {at: withheld.get((item, at), 0) for at in places}


def _fresh_until(age: SourceAge) -> datetime:
    return ALWAYS if age.source == OWN_SOURCE else age.fresh_until


@dataclass(frozen=True, slots=True)
class Doubts:
    """Reconciliation, for whoever shows what the ledger says; a group has its members' doubts."""

    database: Database
    inventory: Inventory
    reconciliation: Reconciliation

    async def of(
        self, scope: Scope, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Sequence[Doubt]]:
        async with self.database.transaction(scope) as tx:
            found = await self.reconciliation.doubts_in(tx, {item for item, _ in keys})
            places = sorted({(tx.tenant, place) for _, place in found})
            groups = await self.inventory.groups_in(tx, places) if places else {}
        wanted, shown = set(keys), dict[tuple[str, str], list[Doubt]]()
        for (item, place), doubts in found.items():
            for at in {place, groups.get((scope.tenant, place), place)}:
                if (item, at) in wanted:
                    shown.setdefault((item, at), []).extend(doubts)
        return shown


@dataclass(frozen=True, slots=True)
class Words:
    """Catalogue and supply, in the words of recording: what keys mean, what kits are made of."""

    catalog: Catalog
    bills: Bills

    async def resolve(
        self, tx: Transaction, source: str, references: Sequence[Reference]
    ) -> tuple[Resolution, Mapping[Reference, str]]:
        asked = [each for each in references if each.kind is not ReferenceKind.RECIPE]
        resolution, unresolved = await self.catalog.resolve(tx, source, asked)
        if len(asked) < len(references):
            items = {found.item for found in resolution.items.values()}
            recipes = await self.bills.recipes_in(tx, tx.tenant, items)
            since = await readers.waiting_since(tx, RECIPES_READER, tx.tenant, KitChanged.TYPE)
            is_behind = since is not None
            resolution = replace(resolution, recipes=recipes, is_behind=is_behind)
        return resolution, unresolved


def _less(free: int, withheld: int) -> int:
    """Take what is withheld away, but do not make a shortage of it."""
    return max(free - withheld, min(free, 0))


class Orders(OrderedBy, PartyNames):
    """Allocation and catalogue, in the words of both: whose order lines wait."""


@dataclass(frozen=True, slots=True)
class Rereading:
    """Pollers, in the words of reconciliation; `pollers` gives them, for they are built later."""

    pollers: Callable[[], Pollers]

    async def read_again(self, scope: Scope, source: str, since: datetime) -> bool:
        try:
            return await self.pollers().reread(scope, source, since)
        except (Invalid, NotFound, Rejected):
            return False


def refiller(
    inbox: Inbox, around: Callable[[], Surroundings], pollers: Callable[[], Pollers]
) -> Refiller:
    """Build what has the numbers told again that are missing of a source's."""
    return Refiller(inbox, around, Rereading(pollers), CaseDesk())


def open_books(around: Callable[[], Surroundings]) -> LineInformants:
    """Give the comparison of open lines the hub's books of them, and who lists his own."""
    return LineInformants(
        OpenDemand(),
        OpenSupply(),
        OpenReader(around),
        {
            Kind.INVOICES: GoodsLeft(),
            Kind.DELIVERIES: GoodsLeft(is_net=False),
            Kind.SUPPLIER_INVOICES: GoodsReceived(),
        },
    )


def documents(
    database: Database, clock: Clock, ids: Ids, informants: tuple[Informants, LineInformants]
) -> tuple[OpenLines, Periods]:
    """Build what compares lines of documents, and what keeps the figures of a period's end."""
    periods = Periods(database, clock, informants[0], LatePostings())
    return OpenLines(database, clock, ids, *informants), periods


def open_rounds(
    database: Database, clock: Clock, lines: LineInformants, open_lines: OpenLines, hours: int
) -> OpenRounds:
    """Build what compares open documents by itself, every so many hours."""
    around = (lines.lists, open_lines, CaseDesk())
    return OpenRounds(database, clock, around, every=timedelta(hours=hours))


def watches(
    database: Database, clock: Clock, settings: Settings, classes: KnowsClasses
) -> list[Job]:
    """Name the jobs that look for what a person is to look at, and open and close its cases."""
    desk = CaseDesk()
    return [
        OverdueSupply(database, clock, desk, classes).job,
        NoticeReceipts(database, clock, desk, classes).job,
        NegativeStock(database, clock, desk).job,
        OverPicks(database, clock, desk, percent=settings.over_pick_percent).job,
        LeakedHolds(database, clock, desk).job,
        OwnNumbers(database, clock, desk).job,
    ]


@dataclass(frozen=True, slots=True)
class Incidents:
    """The directory, for whoever must mend nothing while a system is down (§4.3)."""

    directory: Directory

    async def is_in_incident(self, scope: Scope, source: str) -> bool:
        try:
            entry = await self.directory.get(scope, source)
        except NotFound:
            return False
        return entry.is_paused or entry.circuit is not Circuit.CLOSED


@dataclass(frozen=True, slots=True)
class BookKeepers:
    """Directory and catalogue, in the words of movement posting."""

    directory: Directory
    catalog: Catalog

    async def books(self, tx: Transaction, tenants: Sequence[str]) -> Sequence[Books]:
        told = await self.directory.told(tx, tenants, POSTS_MOVEMENTS)
        places = [(one.tenant, location) for one in told for location in one.locations]
        zones = await self.catalog.time_zones(tx, places) if places else {}
        return [
            Books(
                tenant=one.tenant,
                connection=one.connection,
                zones={name: zones.get((one.tenant, name), "UTC") for name in one.locations},
            )
            for one in told
        ]
