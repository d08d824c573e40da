"""Has shelves counted by what the log tells: emptied, picked short, recalled (§4.2).

The cost of a page follows what is in it; what asks for nothing reads nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import OFF_THE_SHELF, ShelfEmptied, StockMoved
from crossdock.capabilities.reconciliation import (
    asked_store,
    count_store,
    counted_store,
    rulebook,
    triggers,
)
from crossdock.capabilities.reconciliation.count_store import Task
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.findings import microseconds
from crossdock.capabilities.reconciliation.hearing import told_of
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ports import Key, LedgerMovement
from crossdock.capabilities.reconciliation.ranking import CountReason
from crossdock.capabilities.reconciliation.triggers import Happened
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.readers import Reader

TYPES = frozenset({StockMoved.TYPE, ShelfEmptied.TYPE})


class KnowsShelves(Protocol):
    async def recent(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int]], /
    ) -> Sequence[LedgerMovement]: ...

    async def emptied(self, tx: Transaction, keys: Sequence[Key], /) -> set[Key]:
        """Say which of these (location, item) hold nothing but what is staged or under way."""
        ...


class CountTriggers:
    def __init__(self, clock: Clock, ids: Ids, ledger: KnowsShelves) -> None:
        self._clock = clock
        self._ids = ids
        self._ledger = ledger

    @property
    def reader(self) -> Reader:
        return Reader(name="count triggers", apply=self.apply, types=TYPES)

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Ask for the counts that a page of events gives a reason for."""
        now = self._clock.now()
        told: dict[str, dict[Key, Happened]] = defaultdict(dict)
        at_zero: dict[str, set[Key]] = defaultdict(set)
        for event in events:
            payload = event.payload
            if isinstance(payload, ShelfEmptied):
                at_zero[event.tenant].add((payload.location, payload.item))
            elif isinstance(payload, StockMoved) and not event.fact.replay:
                key, reason = triggers.shelf_of(payload), triggers.reason_of(payload)
                at = event.fact.occurred_at
                if key and reason and not triggers.is_late(at, now):
                    found = told[event.tenant]
                    found[key] = Happened(reason, at).beside(found.get(key))
        for tenant in sorted({*told, *at_zero}):
            own = tx.of(tenant)
            await self._ask(own, told[tenant], at_zero[tenant], now)
            for topic in own.wakes:
                tx.wake(topic)

    async def _ask(
        self,
        tx: Transaction,
        told: dict[Key, Happened],
        at_zero: Collection[Key],
        now: datetime,
    ) -> None:
        rules = await rulebook.counting(tx)
        happened = {key: one for key, one in told.items() if one.reason in rules.when}
        if CountReason.ZERO_BALANCE in rules.when and at_zero:
            for key, at in (await self._emptied(tx, sorted(at_zero), now)).items():
                emptied = Happened(CountReason.ZERO_BALANCE, at)
                happened[key] = emptied.beside(happened.get(key))
        if not happened:
            return
        await tx.execute(count_store.ALONE, tx.tenant)
        known = await count_store.tasks_at(tx, happened)
        since = min(one.at for one in happened.values())
        counted = await counted_store.last_at(tx, happened, since)
        wanted = {
            key: one.reason
            for key, one in happened.items()
            if triggers.is_news(one, known.get(key), counted.get(key), now)
        }
        worth = await asked_store.classes_of(tx, wanted)
        classes = {key: ItemClass(one.of) for key, one in worth.items()}
        left = {
            place: rules.a_day - await counted_store.found_on(tx, place, now.date())
            for place in sorted({place for place, _ in wanted})
        }
        made = [
            self._made(key, wanted[key], classes.get(key, ItemClass.A), known.get(key), now)
            for key in triggers.first_asked(wanted, classes, left)
        ]
        for place in sorted({one.location for one in made}):
            here = [one for one in made if one.location == place]
            more = sum(one.reason != CountReason.RECALL for one in here)
            await counted_store.note_found(tx, place, now.date(), more)
        await count_store.put(tx, made, now)
        await tell(tx, told_of([], made), now)

    async def _emptied(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> dict[Key, datetime]:
        """Say which shelves a movement has emptied, and no snapshot or count, and when."""
        emptied = sorted(await self._ledger.emptied(tx, keys))
        if not emptied:
            return {}
        until = microseconds(now)
        moved: dict[Key, list[LedgerMovement]] = defaultdict(list)
        asked = [(item, place, until) for place, item in emptied]
        for one in await self._ledger.recent(tx, asked):
            if one.status not in OFF_THE_SHELF:
                moved[one.location, one.item].append(one)
        found = {key: triggers.emptied_at(moved[key], now) for key in emptied}
        return {key: at for key, at in found.items() if at is not None}

    def _made(
        self, key: Key, reason: CountReason, of: ItemClass, known: Task | None, now: datetime
    ) -> Task:
        is_open = known is not None and known.ended_at is None
        return Task(
            count_id=known.count_id if known and is_open else prefixed("cnt", self._ids.new()),
            location=key[0],
            item=key[1],
            of=of,
            reason=reason,
            proposed_at=now,
        )
