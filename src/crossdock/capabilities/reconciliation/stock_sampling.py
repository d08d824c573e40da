"""Samples what systems say of stock, key by key, within a share of what each allows (§4.1-§4.3).

What is in doubt is asked for first; the others have their turn by ABC class. What is answered is
compared in the next tick, as a partial dump: by then the ledger has heard what had moved. What the
keeper of the stock is twice found to say otherwise is asked for once more, and recorded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid, NotFound, Rejected
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.capabilities.reconciliation import asked_store, planning, rounds
from crossdock.capabilities.reconciliation.asked_store import Answer
from crossdock.capabilities.reconciliation.dumps import Line, Parts
from crossdock.capabilities.reconciliation.findings import Run, microseconds
from crossdock.capabilities.reconciliation.key_counts import REMEMBERED_FROM, KeyCounts
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.planning import STOCK, Plan, System, plans_of
from crossdock.capabilities.reconciliation.rounds import Round
from crossdock.capabilities.reconciliation.service import Asked
from crossdock.capabilities.reconciliation.sides import Said
from crossdock.capabilities.reconciliation.stock_ports import AsksStock, KnowsKeys
from crossdock.capabilities.reconciliation.store import HUB
from crossdock.capabilities.reconciliation.taking import Taker
from crossdock.capabilities.reconciliation.turns import Page, Turns
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk
from crossdock.governance.authority import stock_keepers

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGES_MAX = 5
"""So many pages of keys are looked through for those whose turn it is, for one call."""
PAGE = 500
KEPT = timedelta(days=1)
"""So long an answer is kept that cannot be compared: it may be the hub that cannot, for now."""


class Compares(Protocol):
    async def compare(self, scope: Scope, asked: Asked, /) -> Run: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAsked:
    """What a system answered of single keys: the comparison, and how many facts were recorded."""

    run: Run
    taken: int


class StockSampler:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        around: tuple[KnowsKeys, AsksStock, Compares, Desk],
        *,
        remembered_from: int = REMEMBERED_FROM,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._keys, self._systems, self._reconciliation, cases = around
        self._counts = KeyCounts(clock, self._keys, remembered_from)
        self._taker = Taker(database, clock, self._systems, cases)
        self._turns = Turns(database, clock, self)

    @property
    def job(self) -> Job:
        return Job(name="ask for stock", every=timedelta(minutes=10), work=self.follow)

    async def plans(self, scope: Scope) -> list[Plan]:
        """Tell what is asked of each system's stock, and what it takes of its quota."""
        async with self._database.transaction(scope) as tx:
            items, classes = await self._counts.of(tx)
            known = await rounds.all_in(tx, STOCK)
        systems = [
            System(one.connection, one.location, items[one.location], one.keys_a_call,
                one.calls_a_day)
            for one in await self._systems.places(scope, sorted(items))
        ]  # fmt: skip
        asked = {
            (one.connection, one.location): planning.askings(
                one.listings, classes.get(one.location, {})
            )
            for one in systems
        }
        plans = plans_of(systems, asked)
        return [rounds.shown(plan, known.get((plan.connection, plan.location))) for plan in plans]

    async def tenants(self) -> Sequence[str]:
        return await self._systems.tenants()

    async def follow(self) -> None:
        """Compare what was answered in earlier ticks, then ask for what is due by now.

        One system that cannot be compared keeps no other waiting; its error is raised at the end,
        and its answers are compared in the next tick, for a day.
        """
        failures: list[Exception] = []
        for tenant in await self.tenants():
            scope = Scope(tenant)
            try:
                failures += await self._compare_answered(scope)
                failures += await self._taker.follow(scope, await self.plans(scope))
            except Exception as error:  # noqa: BLE001 whatever it is, the others go on
                failures.append(error)
        await self._turns.follow()
        if failures:
            raise failures[0]

    async def _compare_answered(self, scope: Scope) -> list[Exception]:
        """Compare what each system answered; what cannot be, by itself, is kept for later."""
        async with self._database.transaction(scope) as tx:
            answered = await asked_store.answers(tx, self._clock.now())
        failures: list[Exception] = []
        for some in answered.values():
            if await self._compared(scope, some) is None:
                continue
            errors = [await self._compared(scope, [one]) for one in some]
            failures += [error for error in errors if error is not None]
        return failures

    async def _compared(self, scope: Scope, some: Sequence[Answer]) -> Exception | None:
        """Compare answers of one system together; they are over then, or after a day."""
        failure: Exception | None = None
        try:
            lines = asked_store.newest_lines(some)
            await self._compare(scope, some[0].connection, lines, by=HUB)
        except Exception as error:  # noqa: BLE001 whatever it is, the answers are kept
            failure = error
        before = self._clock.now() - KEPT
        over = [one.answer_id for one in some if failure is None or one.at < before]
        async with self._database.transaction(scope) as tx:
            await asked_store.drop_answers(tx, over)
        return failure

    async def again(self, scope: Scope, plan: Plan) -> list[str]:
        """Name what is in doubt at the location, whoever raised it: as much as calls are due."""
        async with self._database.transaction(scope) as tx:
            at = await rounds.of(tx, plan)
            due = plan.calls_due(at.made, microseconds(self._clock.now()))
            limit = planning.AGAIN_MAX * max(1, due)
            return await asked_store.doubted(tx, plan.location, at.again_after, limit)

    async def listed(self, scope: Scope, plan: Plan, at: Round, limit: int) -> Page:
        """Name the next keys whose turn it is in this pass, by their class."""
        items: list[str] = []
        after = at.after
        async with self._database.transaction(scope) as tx:
            for _ in range(PAGES_MAX):
                names = await self._keys.items_at(tx, plan.location, after, PAGE)
                keys = [(plan.location, name) for name in names]
                known = await asked_store.classes_of(tx, keys)
                for key in keys:
                    after = key[1]
                    of = ItemClass(known[key].of) if key in known else ItemClass.A
                    if planning.is_turn(*key, of, at.passes):
                        items.append(after)
                    if len(items) == limit:
                        return Page(items, after)
                if len(names) < PAGE:
                    return Page(items, "")
        return Page(items, after)

    async def read(self, scope: Scope, plan: Plan, items: Sequence[str]) -> None:
        """Ask for these and keep the answer for the next tick."""
        heard = await self._systems.ask(scope, plan.connection, plan.location, items)
        if lines := lines_in(heard.facts):
            name = prefixed("ans", self._ids.new())
            now = self._clock.now()
            async with self._database.transaction(scope) as tx:
                await asked_store.put_answer(tx, name, plan.connection, now, lines)

    async def ask(
        self,
        scope: Scope,
        connection: str,
        location: str,
        items: Sequence[str],
        *,
        by: str,
        take: bool = False,
    ) -> StockAsked:
        """Ask for these and compare at once; `take`: record the answer, if it keeps the stock.

        Raises `NotFound` for what cannot be asked, `Invalid` for more items than one question
        takes, `Rejected` to take it from another than the keeper or where it tells nothing of
        these items, `Busy`, `Throttled` or `Unavailable`.
        """
        plans = {(one.connection, one.location): one for one in await self.plans(scope)}
        plan = plans.get((connection, location))
        if plan is None:
            raise NotFound(
                f"{connection} cannot be asked for the stock of {location}",
                hint="`crossdock reconcile plan` shows who can be",
            )
        wanted = list(dict.fromkeys(items))
        if len(wanted) > plan.keys_a_call:
            raise Invalid(
                f"{connection} is asked for at most {plan.keys_a_call} items at once",
                where="/items",
                hint="ask for the others when this is answered",
            )
        if take:
            await self._refuse_another(scope, connection, location)
        heard = await self._systems.ask(scope, connection, location, wanted)
        lines = lines_in(heard.facts)
        if not lines:
            raise _tells_nothing(connection, location)
        run = await self._compare(scope, connection, lines, by=by)
        taken = await heard.record() if take else 0
        return StockAsked(run=run, taken=taken)

    async def filled_in(
        self, scope: Scope, asked: Asked, location: str, items: Sequence[str]
    ) -> Asked:
        """Ask each side that gives no dump what lies of these now; nothing is recorded of it.

        Raises as `ask` does.
        """
        wanted = list(dict.fromkeys(items))
        first, said = asked.first, asked.said
        if first is None:
            first = await self._told(scope, asked.system, location, wanted)
        if said is None:
            said = await self._told(scope, asked.against, location, wanted)
        return replace(asked, first=first, said=said)

    async def _told(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> Callable[[object], Said]:
        heard = await self._systems.ask(scope, connection, location, items)
        said = _said(lines_in(heard.facts))
        if not said.lines:
            raise _tells_nothing(connection, location)
        return lambda _: said

    async def _refuse_another(self, scope: Scope, connection: str, location: str) -> None:
        async with self._database.transaction(scope) as tx:
            keepers = await stock_keepers(tx, tx.tenant, [location])
        if keepers.get(location) != connection:
            raise Rejected(
                f"{connection} does not keep the stock of {location}",
                code="not_the_keeper",
                hint="`crossdock catalog keepers` shows who does",
            )

    async def _compare(
        self, scope: Scope, connection: str, lines: Sequence[Line], *, by: str
    ) -> Run:
        said = _said(lines)
        asked = Asked(against=connection, by=by, said=lambda _: said, is_sample=True)
        return await self._reconciliation.compare(scope, asked)


def _tells_nothing(connection: str, location: str) -> Rejected:
    return Rejected(
        f"{connection} tells nothing of these items at {location}",
        code="not_told",
        hint="it has to know them by a name: `crossdock catalog link`",
    )


def _said(lines: Sequence[Line]) -> Said:
    parts = Parts(lot=any(x.lot for x in lines), serial=any(x.serial for x in lines))
    return Said(lines=lines, parts=parts)


def lines_in(facts: Sequence[Fact]) -> list[Line]:
    """Read the snapshots of single keys as rows of a dump, in the system's own names and units."""
    lines: list[Line] = []
    for fact in facts:
        taken = fact.payload
        if isinstance(taken, StockSnapshotTaken):
            as_of = ((fact.recorded_at or fact.occurred_at) - EPOCH) // timedelta(microseconds=1)
            lines += [
                Line(
                    *(taken.location, line.item, line.status, line.owner, line.lot, line.serial),
                    line.quantity.micros,
                    line.quantity.unit,
                    as_of,
                )
                for line in taken.lines
            ]
    return lines
