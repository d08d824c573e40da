"""Allocation put together: stock as inventory tells it, cases for the order desk, jobs that work.

Whoever loses goods, or is owed more than there is, is somebody's to speak with: a run that is
refused or that waits for approval is a case (ORD-OVERSOLD), and so is what lines are short of when
it is done (ORD-WIN-SHORT, ORD-GAIN-LOST). It closes when nothing waits and nobody is short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import (
    Allocation,
    AllocationProtection,
    Around,
    Claim,
    OpenShortage,
    Run,
    RunException,
    RunState,
    Share,
    Short,
    Stock,
    Why,
    Work,
    allocation_reader,
    had_of,
    kept_now,
    look_again,
)
from crossdock.capabilities.inventory import (
    ChannelProtection,
    HadByOrders,
    Inventory,
    OpenLine,
    inventory_reader,
)
from crossdock.capabilities.supply import AtpMode, Question, Supply, supply_reader
from crossdock.foundation import readers
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids
from crossdock.foundation.jobs import Job
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Said
from crossdock.orchestration.decision import CloseCase, OpenCase
from crossdock.orchestration.processes.availability_sellers import (
    KnowsRecipes,
    look_at_listings,
)

Key = tuple[str, str]
WITHIN = timedelta(hours=1)
NAMED = 3
"""So many lines that are short stand in a title; the evidence names all."""
ALLOCATION = "allocation"
"""Its reader."""
SUPPLY = supply_reader().name
ORDERED_ITEMS = readers.Parts(OrderChanged.TYPE, "lines", "item")


class Allocating:
    """Allocation with its reader and its jobs."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, inventory: Inventory, supply: Supply
    ) -> None:
        self._clock = clock
        stock = ClaimedStocks(inventory, inventory_reader(clock).name)
        self.around = around = Around(stock, ExpectedSupply(supply), OrderDesk(clock))
        self.service = Allocation(database, clock, ids, around)
        self.work = Work(database, clock, ids, around)
        self.reader = allocation_reader(stock, clock, ShownChannels(supply.kits))

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
        return {
            (one.item, one.location): Stock(
                unit=one.unit,
                version=one.version,
                nettable=one.nettable,
                hard=one.hard,
                soft=one.soft,
                safety=one.safety,
                claims={
                    line.demand_ref: Claim(line.demand_ref, line.open, line.picked, line.promised)
                    for line in one.lines
                },
            )
            for one in found
        }

    async def had(self, tx: Transaction, shares: Sequence[Share], now: datetime) -> Sequence[int]:
        asked = [
            ((one.item, one.location),
             ChannelProtection(one.channel, None, 0, one.starts_at, one.ends_at))
            for one in shares
        ]  # fmt: skip
        found = await self.inventory.had_in(tx, ChannelProtections(), asked, now)
        return [one.beside for one in found]

    async def groups(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return await self.inventory.groups_in(tx, places)

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


@dataclass(frozen=True, slots=True)
class ExpectedSupply:
    """What is to come, in the words of allocation: answers by date, the order lines left out."""

    supply: Supply

    async def expected(
        self,
        tx: Transaction,
        asked: Mapping[Key, tuple[str, Mapping[str, int | None]]],
        now: datetime,
    ) -> Mapping[Key, Sequence[tuple[date, int]]]:
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
            (one.item, one.location): [(each.day, each.atp) for each in one.buckets]
            for one in answers
        }


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
    ) -> HadByOrders:
        had = await had_of(tx, [_heard(key, one) for key, one in asked], lines)
        open_lines = [[OpenLine(*line) for line in lines] for lines in had.lines]
        return HadByOrders(had.taken, open_lines, had.channels)

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
        said.channel, said.maximum, said.minimum, said.starts_at, said.ends_at
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


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Cases, in the words of allocation: one for each item at a location."""

    clock: Clock

    async def open(
        self, tx: Transaction, tenant: str, run: Run, short: Sequence[Short] = ()
    ) -> None:
        is_refused = run.state is RunState.REFUSED
        case = OpenCase(
            code="ORD-OVERSOLD" if run.waits else _code(short),
            fingerprint=_fingerprint((run.item, run.location)),
            severity="S1" if is_refused else "S2",
            owner_role="Order desk",
            within=WITHIN,
            entity=f"{run.item}/{run.location}",
            title=_title(run, short),
            evidence={
                "run": run.run_id,
                "state": run.state,
                "reason": run.reason,
                "supply": _amount(run.supply, run),
                "owed": _amount(run.owed, run),
                "gained": _amount(run.gained, run),
                "lost": _amount(run.lost, run),
                "losers": [line.demand_ref for line in run.lines if line.after < line.before],
                "short": [_said(one, run) for one in short],
            },
        )
        await cases.record(tx, [Said(tenant, run.run_id, case)], self.clock.now())

    async def standing(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, OpenShortage]:
        by_name = {_fingerprint(key): key for key in keys}
        found = await cases.going_on(tx, tenant, list(by_name))
        return {by_name[name]: _open_shortage(*said) for name, said in found.items()}

    async def close(self, tx: Transaction, tenant: str, key: Key, resolution: str) -> None:
        case = CloseCase(fingerprint=_fingerprint(key), resolution=resolution)
        await cases.record(tx, [Said(tenant, "", case)], self.clock.now())


def _code(short: Sequence[Short]) -> str:
    is_won = any(one.exception is RunException.WIN_SHORT for one in short)
    return "ORD-WIN-SHORT" if is_won else "ORD-GAIN-LOST"


def _title(run: Run, short: Sequence[Short]) -> str:
    if run.state is RunState.REFUSED:
        return f"{_amount(run.owed, run)} are owed, and {_amount(run.supply, run)} are there"
    if not run.waits:
        who = [
            f"{one.demand_ref} {'gets' if one.exception is RunException.WIN_SHORT else 'keeps'} "
            f"{_amount(one.gets, run)} of {_amount(one.of, run)}: {one.why}"
            for one in short[:NAMED]
        ]
        more = [f"and {len(short) - NAMED} more"] if len(short) > NAMED else []
        return "; ".join([*who, *more])
    return f"a run that takes {_amount(run.lost, run)} away waits for approval"


def _said(one: Short, run: Run) -> Mapping[str, str]:
    return {
        "line": one.demand_ref,
        "exception": one.exception,
        "gets": _amount(one.gets, run),
        "of": _amount(one.of, run),
        "why": one.why,
        "picked": _amount(one.picked, run),
    }


def _open_shortage(evidence: Mapping[str, Any], state: str) -> OpenShortage:
    """Read back what a case was opened with, or last met with."""
    short = tuple(
        Short(
            one["line"],
            RunException(one["exception"]),
            _micros(one["gets"]),
            _micros(one["of"]),
            Why(one["why"]),
            _micros(one["picked"]),
        )
        for one in evidence["short"]
    )
    return OpenShortage(RunState(evidence["state"]), short, state == "OPEN")


def _amount(micros: int, run: Run) -> str:
    return str(Quantity.from_micros(micros, run.unit))


def _micros(amount: str) -> int:
    return Quantity.of(amount.split(maxsplit=1)[0]).micros


def _fingerprint(key: Key) -> str:
    return f"allocation/{key[0]}/{key[1]}"
