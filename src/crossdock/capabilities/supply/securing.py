"""Promises by date that are kept: what comes in is held for them, and what has left is over.

The log is told when all of one is held, when it is over, when it is at risk and when it is not.
Runs behind the figures that inventory tells: goods that came in, or that somebody gave back, are
reserved for the promises that leave first. Where nothing is promised by date it costs nothing.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.supply import PromiseState
from crossdock.capabilities.supply import assembling, kept, kept_store, rule_store, told
from crossdock.capabilities.supply.answer import Atp, Claim, Question
from crossdock.capabilities.supply.holding import HoldsStock, Wanted, hold
from crossdock.capabilities.supply.keeping import name_of
from crossdock.capabilities.supply.kept import AtRisk, DatedLine, Held, Told
from crossdock.capabilities.supply.kept_store import Open
from crossdock.capabilities.supply.rule_store import Word
from crossdock.capabilities.supply.store import Key
from crossdock.capabilities.supply.told import HUB, Turn
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import halving

TYPES = frozenset({AvailabilityChanged.TYPE})
PAGE_WATCHED, PAGES_WATCHED, PAGES_MOST = 100, 10, 200
"""So many promises of a tenant are looked at together, so many times in one look, and so many
times of all tenants."""

Answers = Callable[[Transaction, Sequence[Question], datetime], Awaitable[Sequence[Atp]]]
"""Answers a set of questions in a transaction, in their order."""


class KnowsGroups(Protocol):
    async def groups(
        self, tx: Transaction, tenant: str, locations: Sequence[str]
    ) -> Mapping[str, str]:
        """Name the group of each location that has one."""
        ...


class _Due(NamedTuple):
    """What is to be done for an open line: hold more of it from `day` on, or end it (None)."""

    day: date | None
    one: Open
    known: tuple[Sequence[Held], Told]

    @property
    def key(self) -> Key:
        return self.one.lines[0].item, self.one.lines[0].location

    @property
    def name(self) -> tuple[UUID, str]:
        return self.one.promise_id, self.one.lines[0].demand_ref

    def is_part_of(self, kits: Collection[tuple[UUID, str]]) -> bool:
        """Say whether it is promised for one of these lines of a kit."""
        item, (promise_id, ref) = self.key[0], self.name
        return any(one == promise_id and kept.part_ref(of, item) == ref for one, of in kits)


class Securing:
    """Keeps open promises by date covered by what lies there. Repeating it changes nothing."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        around: tuple[HoldsStock, KnowsGroups, Answers],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._stock, self._groups, self._answers = around
        self._looked_to: dict[str, UUID] = {}
        self._looked_at = ""

    @property
    def reader(self) -> Reader:
        """Give the log reader that hears what has changed where."""
        return Reader(name="promises by date", apply=self.apply, types=TYPES, unheard=self.unheard)

    async def unheard(self, tx: Transaction) -> frozenset[str]:
        """Pass over all figures unread as long as nothing is promised by date."""
        return frozenset() if await kept_store.is_any_open(tx) else TYPES

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Look after the promises where something has changed, each tenant by itself.

        In transactions of their own, before the reader moves on: one that is cut off in between
        looks again, and finds it done.
        """
        changed: dict[str, set[Key]] = {}
        for event in events:
            if isinstance(event.payload, AvailabilityChanged):
                key = (event.payload.item, event.payload.location)
                changed.setdefault(event.tenant, set()).add(key)
        for tenant, keys in sorted(changed.items()):
            groups = await self._groups.groups(tx, tenant, sorted({at for _, at in keys}))
            wider = {(item, groups[at]) for item, at in keys if at in groups}
            await self.secure(Scope(tenant), sorted(keys | wider))

    async def at_risk(
        self, scope: Scope, *, after: str = "", limit: int = 100
    ) -> tuple[list[AtRisk], str]:
        """Look at open promises, by id: give what is not covered of them, and the last seen."""
        async with self._database.transaction(scope, is_one_moment=True) as tx:
            begin = name_of(after) if after else UUID(int=0)
            names = await kept_store.listed(tx, begin, limit)
            found = await self.risks(tx, names)
        return found, prefixed("prm", names[-1]) if names else ""

    async def outlooks(self, tx: Transaction, keys: Sequence[Key]) -> dict[Key, Atp]:
        """Give what is ahead at each of these keys."""
        asked = [Question(*key, "") for key in keys]
        answers = await self._answers(tx, asked, self._clock.now())
        return dict(zip(keys, answers, strict=True))

    async def risks(self, tx: Transaction, names: Sequence[UUID]) -> list[AtRisk]:
        """Give what is not covered of these promises, as far as they are open."""
        lines = await kept_store.open_of_promises(tx, names)
        keys = sorted({(one.lines[0].item, one.lines[0].location) for one in lines})
        return await self.uncovered(tx, lines, await self.outlooks(tx, keys))

    async def uncovered(
        self, tx: Transaction, lines: Sequence[Open], seen: Mapping[Key, Atp]
    ) -> list[AtRisk]:
        """Give what is not covered of these lines, by what is ahead where they leave."""
        refs = sorted({one.lines[0].demand_ref for one in lines})
        rows = await self._stock.held_in(tx, refs)
        told = kept.told_of(rows)
        by_ref: dict[str, list[Held]] = {}
        for row in rows:
            by_ref.setdefault(row[0], []).append(row)
        found: list[AtRisk] = []
        for one in lines:
            line = one.lines[0]
            key = (line.item, line.location)
            held = _held_here(line, by_ref.get(line.demand_ref, ()))
            known = told.get(line.demand_ref, Told())
            claimed = kept.dated(one.lines, held, known)
            if short := kept.risk(claimed, seen[key].buckets):
                name = prefixed("prm", one.promise_id)
                found.append(AtRisk(name, line, *short))
        return found

    async def watch(self) -> int:
        """Tell of promises that are at risk since the last look, or covered again; say how many.

        A job calls this. It looks at some of each tenant, by id, and goes on from there; a look
        begins with the tenant behind the one looked at last. One tenant's promises that cannot be
        looked at keep no other's: what was wrong is raised at the end.
        """
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = await kept_store.watched(tx)
        self._looked_to = {one: self._looked_to.get(one, UUID(int=0)) for one in tenants}
        behind = [one for one in tenants if one > self._looked_at]
        count, pages, failures = 0, PAGES_MOST, list[Exception]()
        for tenant in [*behind, *tenants[: len(tenants) - len(behind)]]:
            self._looked_at = tenant
            for _ in range(min(PAGES_WATCHED, pages)):
                pages -= 1
                try:
                    news, is_last, wrong = await self._watch(Scope(tenant))
                except OUTAGES:
                    raise
                except Exception as error:  # noqa: BLE001  # raised when the others were looked at
                    failures.append(error)
                    continue
                count += news
                failures += wrong
                if is_last:
                    break
            if not pages:
                break
        if failures:
            raise failures[0]
        return count

    async def _watch(self, scope: Scope) -> tuple[int, bool, list[Exception]]:
        """Look at the next page of a tenant: say how many news there are, and if it is the last.

        One that cannot be looked at is passed and keeps no other: what was wrong is given.
        """
        async with self._database.transaction(scope) as tx:
            names = await kept_store.listed(tx, self._looked_to[scope.tenant], PAGE_WATCHED)
        is_short, changed = len(names) < PAGE_WATCHED, set[UUID]()

        async def look(some: Sequence[UUID]) -> None:
            is_end = is_short and some[-1] == names[-1]
            self._looked_to[scope.tenant] = UUID(int=0) if is_end else some[-1]
            async with self._database.transaction(scope, is_one_moment=True) as tx:
                risky = {name_of(one.promise_id) for one in await self.risks(tx, some)}
                changed.update(risky ^ await kept_store.risky(tx, some))

        failures = await halving(names, look)
        count = 0
        for name in sorted(changed):
            count += await self._turn(scope, name)
        is_last = not names or self._looked_to[scope.tenant] == UUID(int=0)
        if is_last:
            self._looked_to[scope.tenant] = UUID(int=0)
        return count, is_last, failures

    async def _turn(self, scope: Scope, name: UUID) -> bool:
        """Tell that a promise is at risk, or covered again; say whether that is news.

        It is looked at once more, as it is while nobody changes it.
        """
        async with self._database.transaction(scope) as tx:
            await kept_store.take_turns(tx)
            short = await self.risks(tx, [name])
            state = PromiseState.AT_RISK if short else PromiseState.COVERED
            version = await kept_store.set_risk(tx, name, HUB, is_at_risk=bool(short))
            await self._tell(tx, name, state, version, short)
            if version is not None and not short:
                await self._secured(tx, name)
        return version is not None

    async def _tell(
        self,
        tx: Transaction,
        name: UUID,
        state: PromiseState,
        version: int | None,
        short: Sequence[AtRisk] = (),
    ) -> None:
        """Tell the log what a promise has come to by itself; without a version it is no news."""
        if version is None:
            return
        promise = (await kept_store.read(tx, [name]))[name].promise
        turn = Turn(state, version, Word(HUB, self._clock.now()))
        await event_log.append(tx, [told.promise(tx.tenant, promise, turn, short)])

    async def secure(self, scope: Scope, keys: Sequence[Key]) -> None:
        """Hold what there is by now for the open promises at these keys, the first due first."""
        async with self._database.transaction(scope) as tx:
            await assembling.take_in(tx, self._stock, keys)
            keys = [*keys, *await self._left(tx, keys)]
            dues, _ = await self._due(tx, keys)
            wanting = sorted({due.key for due in dues})
            if not wanting:
                return
            await kept_store.take_turns(tx)
            await self._stock.lock_in(tx, wanting)
            dues, free = await self._due(tx, wanting)
            # What those that are over give back is told in its turn, and looked at then. The parts
            # of a kit that is over are over with it, whatever has come in for them.
            over = {due.name for due in dues if due.day is None}
            for due in dues:
                if due.day is None or (free[due.key] > 0 and not due.is_part_of(over)):
                    free[due.key] -= await self._settle(tx, due)

    async def _left(self, tx: Transaction, keys: Sequence[Key]) -> list[Key]:
        """Name the places of promises whose order has come to be counted at one of these."""
        beside = await kept_store.open_beside(tx, keys)
        if not beside:
            return []
        refs = sorted({ref for ref, *_ in beside})
        here = await self._stock.counted_in(tx, keys, refs)
        return sorted({(item, location) for ref, item, location in beside if ref in here})

    async def _settle(self, tx: Transaction, due: _Due) -> int:
        """Do what is due, and give what was taken of what is free."""
        one = due.one
        if due.day is None:
            line, word = one.lines[0], Word(HUB, self._clock.now())
            refs, version = await kept_store.close(tx, one.promise_id, line, word)
            await self._stock.let_go_in(tx, sorted({line.demand_ref, *refs}))
            await self._tell(tx, one.promise_id, PromiseState.ENDED, version)
            if version is None:
                await self._secured(tx, one.promise_id)
            return 0
        wanted = Wanted(prefixed("prm", one.promise_id), one.lines, (one.channel, one.customer))
        had = await hold(tx, self._stock, self._ids, wanted, due.known)
        lines = kept.spread(one.lines, had.held)
        if lines != list(one.lines):
            await kept_store.set_held(tx, one.promise_id, lines)
            await self._secured(tx, one.promise_id)
        return had.taken

    async def _secured(self, tx: Transaction, name: UUID) -> None:
        """Tell that all that is to leave of a promise is held, once."""
        if await self._is_held(tx, name):
            version = await kept_store.secure(tx, name, HUB)
            await self._tell(tx, name, PromiseState.SECURED, version)

    async def _is_held(self, tx: Transaction, name: UUID) -> bool:
        lines = await kept_store.open_of_promises(tx, [name])
        refs = sorted({one.lines[0].demand_ref for one in lines})
        known = kept.told_of(await self._stock.held_in(tx, refs))
        return all(
            kept.is_held(one.lines, known.get(one.lines[0].demand_ref, Told())) for one in lines
        )

    async def _due(
        self, tx: Transaction, keys: Sequence[Key]
    ) -> tuple[list[_Due], dict[Key, int]]:
        """Say what is to be done, in its order, and what is free; what is over goes first."""
        lines = await kept_store.open_at(tx, keys)
        if not lines:
            return [], {}
        rows = await self._stock.held_in(tx, sorted({one.lines[0].demand_ref for one in lines}))
        told = kept.told_of(rows)
        by_ref: dict[str, list[Held]] = {}
        for row in rows:
            by_ref.setdefault(row[0], []).append(row)
        places = sorted({one.lines[0][1:3] for one in lines})
        free = dict(await self._stock.free_in(tx, places))
        found: list[tuple[date, UUID, _Due]] = []
        for one in lines:
            line = one.lines[0]
            had = by_ref.get(line.demand_ref, [])
            known = told.get(line.demand_ref, Told())
            held = _held_here(line, had)
            if kept.is_over(one.lines, known):
                found.append((date.min, one.promise_id, _Due(None, one, (had, known))))
            elif free[line.item, line.location] > 0:
                more = kept.unheld(one.lines, held, known)
                if more is not None:
                    due = _Due(more[0], one, (had, known))
                    found.append((more[0], one.promise_id, due))
        dues = [due for *_, due in sorted(found, key=lambda each: each[:2])]
        return await self._by_stock(tx, dues), free

    async def _by_stock(self, tx: Transaction, dues: list[_Due]) -> list[_Due]:
        """Leave out what is to be held of what is promised whatever lies there: others have it."""
        keys = sorted({due.key for due in dues if due.day is not None})
        if not keys or not await rule_store.says_beside_stock(tx):
            return dues
        ahead = await self.outlooks(tx, keys)
        beside = {key for key, answer in ahead.items() if key[0] in answer.beside_stock}
        return [due for due in dues if due.day is None or due.key not in beside]


def _held_here(line: DatedLine, rows: Sequence[Held]) -> Claim:
    here = [row for row in rows if row[1:3] == (line.item, line.location)]
    return Claim(line.demand_ref, sum(row[3] for row in here), sum(row[4] for row in here))
