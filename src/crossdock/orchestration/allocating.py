"""Allocation put together: stock as inventory tells it, cases for the order desk, jobs that work.

Whoever loses goods, or is owed more than there is, is somebody's to speak with: a run that is
refused or that waits for approval is a case (ORD-OVERSOLD), and so is what lines are short of when
it is done (ORD-WIN-SHORT, ORD-GAIN-LOST; ORD-OVERSOLD of channels that are shown stock). It closes
when nothing waits and nobody is short.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crossdock.canonical.allocation import AllocationGroups
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.allocation import (
    Allocation,
    AllocationProtection,
    Around,
    Claim,
    FindsAlternatives,
    NobodyElse,
    Outlook,
    Share,
    Stock,
    Work,
    allocation_reader,
    groups_in,
    had_of,
    kept_now,
    look_again,
)
from crossdock.capabilities.catalog import PartyNames, zones_in
from crossdock.capabilities.inventory import (
    ChannelProtection,
    HadByOrders,
    Inventory,
    OpenLine,
    Whose,
    inventory_reader,
)
from crossdock.capabilities.supply import UNLIMITED, AtpMode, Question, Supply, supply_reader
from crossdock.foundation import readers
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids
from crossdock.foundation.jobs import Job
from crossdock.orchestration.order_desk import OrderDesk
from crossdock.orchestration.processes.availability_sellers import (
    KnowsRecipes,
    look_at_listings,
)

Key = tuple[str, str]
NAMED = 3
"""So many items that may stand in for one are named."""
ALLOCATION = "allocation"
"""Its reader."""
SUPPLY = supply_reader().name
SHOWN_STOCK = """
select distinct k.name from unnest($2::text[]) k(name)
join publishing_channel c on c.tenant = $1 and c.is_active
    and k.name = any(array[c.connection, c.channel])
"""
ORDERED_ITEMS = readers.Parts(OrderChanged.TYPE, "lines", "item")


class Allocating:
    """Allocation with its reader and its jobs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        inventory: Inventory,
        supply: Supply,
        *,
        finder: FindsAlternatives | None = None,
    ) -> None:
        self._clock = clock
        stock = ClaimedStocks(inventory, inventory_reader(clock).name)
        self.around = around = Around(
            stock,
            ExpectedSupply(supply, inventory),
            SellingChannels(),
            OrderDesk(clock),
            PartyNames(),
            finder or NobodyElse(),
            inventory.elsewhere,
            ShownChannels(supply.kits),
        )
        self.service = Allocation(database, clock, ids, around)
        self.work = Work(database, clock, ids, around)
        self.reader = allocation_reader(stock, clock, around.shows)

    async def left(self, tx: Transaction, keys: Sequence[tuple[str, str, str]]) -> None:
        """Look again where supply was expected and is no more, and at the groups of these."""
        groups = await self.around.stock.groups(tx, sorted({(one[0], one[2]) for one in keys}))
        of_groups = [(one[0], one[1], groups.get((one[0], one[2]), one[2])) for one in keys]
        now = self._clock.now()
        for tenant in sorted({one[0] for one in keys}):
            named = {one[1:] for one in (*keys, *of_groups) if one[0] == tenant}
            await look_again(tx, sorted(named), "SUPPLY", now, tenant=tenant)

    def jobs(self) -> list[Job]:
        limit = timedelta(minutes=1)
        return [
            Job(name="allocate", every=timedelta(seconds=10), work=self.work.due, limit=limit),
            Job(name="mark back-orders", every=timedelta(days=1), work=self.work.mark_all),
            Job(
                name="end minima and maxima",
                every=timedelta(hours=1),
                work=self.service.rulebook.unguard_ended,
                limit=limit,
            ),
            Job(name="forget closed lines", every=timedelta(hours=1), work=self.work.forget),
        ]


@dataclass(frozen=True, slots=True)
class ClaimedStocks:
    """Inventory, in the words of allocation."""

    inventory: Inventory
    reader: str

    async def stock(
        self, tx: Transaction, tenant: str, keys: Sequence[Key], demand_refs: Sequence[str]
    ) -> Mapping[Key, Stock]:
        found = await self.inventory.claims_in(tx, tenant, keys, demand_refs)
        endless = await self.inventory.unlimited_in(tx, tenant, keys)
        told = {
            (one.item, one.location): Stock(
                unit=one.unit,
                version=one.version,
                nettable=one.nettable,
                hard=one.hard,
                soft=one.soft,
                safety=one.safety,
                claims={
                    line.demand_ref: Claim(
                        line.demand_ref, line.open, line.picked, line.promised, line.in_parts
                    )
                    for line in one.lines
                },
            )
            for one in found
        }
        return told | {key: _endless(told[key]) for key in endless & told.keys()}

    async def counted(self, tx: Transaction, tenant: str, keys: Sequence[Key]) -> frozenset[Key]:
        return await self.inventory.counted_in(tx, tenant, keys)

    async def had(self, tx: Transaction, shares: Sequence[Share], now: datetime) -> Sequence[int]:
        asked = [
            ((one.item, one.location),
             ChannelProtection(one.group, None, 0, one.starts_at, one.ends_at))
            for one in shares
        ]  # fmt: skip
        found = await self.inventory.had_in(tx, ChannelProtections(), asked, now)
        return [one.beside for one in found]

    async def packs(self, tx: Transaction, tenant: str, keys: Sequence[Key]) -> Mapping[Key, int]:
        found = await self.inventory.packs_in(tx, tenant, keys)
        return {key: pack.micros for key, pack in found.items()}

    async def groups(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return await self.inventory.groups_in(tx, places)

    async def zones(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return await zones_in(tx, places)

    async def guard(self, tx: Transaction, item: str, location: str, *, is_guarded: bool) -> None:
        await self.inventory.guard_in(tx, item, location, is_guarded=is_guarded)

    async def unheard(self, tx: Transaction, tenant: str, items: Sequence[str]) -> frozenset[str]:
        return await readers.ahead(
            tx, self.reader, of=ALLOCATION, tenant=tenant, parts=ORDERED_ITEMS, names=items
        )

    async def heard(
        self, tx: Transaction, tenant: str, positions: Sequence[int]
    ) -> frozenset[int]:
        found = await readers.passed(tx, self.reader, tenant, positions)
        return found & await readers.passed(tx, SUPPLY, tenant, positions)


def _endless(stock: Stock) -> Stock:
    """Let nobody be short of what no stock limits: all that is open counts as promised."""
    claims = {ref: one._replace(promised=one.net) for ref, one in stock.claims.items()}
    return stock._replace(nettable=UNLIMITED, claims=claims)


@dataclass(frozen=True, slots=True)
class ExpectedSupply:
    """What is to come, in the words of allocation: answers by date, the order lines left out."""

    supply: Supply
    inventory: Inventory

    async def expected(
        self,
        tx: Transaction,
        asked: Mapping[Key, tuple[str, Mapping[str, int | None]]],
        now: datetime,
    ) -> Mapping[Key, Sequence[tuple[date, int]]]:
        held = await self._in_parts(tx, {key: lines for key, (_, lines) in asked.items()})
        questions = [
            Question(
                item,
                location,
                unit,
                own=frozenset(lines),
                keeping=tuple((ref, has) for ref, has in lines.items() if has is not None),
                mode=AtpMode.CUMULATIVE,
            )
            for (item, location), (unit, lines) in sorted(asked.items(), key=lambda one: one[0])
        ]
        answers = await self.supply.answers_in(tx, questions, now)
        return {
            (one.item, one.location): [
                (each.day, max(0, each.atp - held[one.item, one.location])) for each in one.buckets
            ]
            for one in answers
        }

    async def outlook(
        self,
        tx: Transaction,
        asked: Mapping[Key, tuple[str, int, frozenset[str]]],
        now: datetime,
    ) -> Mapping[Key, Outlook]:
        held = await self._in_parts(tx, {key: own for key, (*_, own) in asked.items()})
        questions = [
            Question(*key, unit, micros + held[key], own=own)
            for key, (unit, micros, own) in sorted(asked.items())
        ]
        answers = await self.supply.answers_in(tx, questions, now)
        instead = await self.supply.substitutes_in(tx, sorted({item for item, _ in asked}))
        return {
            (one.item, one.location): Outlook(
                _behind(
                    [(part.day, part.micros) for part in one.schedule],
                    held[one.item, one.location],
                ),
                one.promised_on,
                [option.item for option in instead[one.item][:NAMED]],
            )
            for one in answers
        }

    async def _in_parts(
        self, tx: Transaction, asked: Mapping[Key, Collection[str]]
    ) -> dict[Key, int]:
        """Say of how many kits the parts are held for these lines: answers count them as free."""
        found = dict.fromkeys(asked, 0)
        held = await self.inventory.standings.in_parts(tx, tx.tenant, sorted(asked))
        for (item, location, ref), micros in held.items():
            if ref in asked[item, location]:
                found[item, location] += micros
        return found


def _behind(parts: Sequence[tuple[date, int]], held: int) -> list[tuple[date, int]]:
    """Leave of what can leave by when what is not held for the lines already: it leaves first."""
    found: list[tuple[date, int]] = []
    for day, micros in parts:
        if micros > held:
            found.append((day, micros - held))
        held = max(0, held - micros)
    return found


class SellingChannels:
    """Channels that are shown stock, in the words of allocation: by the names of their orders."""

    async def shown_stock(self, tx: Transaction, channels: Collection[str]) -> frozenset[str]:
        rows = await tx.fetch(SHOWN_STOCK, tx.tenant, list(channels))
        return frozenset(row["name"] for row in rows)


@dataclass(frozen=True, slots=True)
class ShownChannels:
    """Publishing, in the words of allocation: it looks again at what channels are shown."""

    recipes: KnowsRecipes

    async def claims_moved(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]], now: datetime
    ) -> None:
        await look_at_listings(tx, keys, now, self.recipes)


class ChannelProtections:
    """What allocation keeps for channels, in the words of inventory: asked at each promise."""

    async def protections(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> Mapping[Key, Sequence[ChannelProtection]]:
        found = await kept_now(tx, keys, now)
        return {key: [_told(one) for one in kept] for key, kept in found.items()}

    async def had(
        self,
        tx: Transaction,
        asked: Sequence[tuple[Key, ChannelProtection]],
        lines: Sequence[tuple[str, str, str]],
        groups: AllocationGroups,
    ) -> HadByOrders:
        had = await had_of(tx, [_heard(key, one) for key, one in asked], lines, groups)
        open_lines = [[OpenLine(*line) for line in lines] for lines in had.lines]
        whose = {placed: Whose(*said) for placed, said in had.whose.items()}
        return HadByOrders(had.taken, open_lines, whose)

    async def groups(self, tx: Transaction) -> AllocationGroups:
        return await groups_in(tx, PartyNames())

    async def look_again(
        self,
        tx: Transaction,
        keys: Sequence[Key],
        reason: str,
        now: datetime,
        *,
        tenant: str = "",
    ) -> None:
        await look_again(tx, keys, reason, now, tenant=tenant)


def _told(said: AllocationProtection) -> ChannelProtection:
    return ChannelProtection(
        said.counts_for, said.maximum, said.minimum, said.starts_at, said.ends_at
    )


def _heard(key: Key, said: ChannelProtection) -> AllocationProtection:
    return AllocationProtection(
        item=key[0],
        location=key[1],
        channel=said.channel,
        maximum=said.maximum,
        minimum=said.minimum,
        starts_at=said.starts_at,
        ends_at=said.ends_at,
    )
