"""What counts found, as it is heard: judged by class, counted again where it is too far off.

The cost of a page follows the counts in it. Nothing here holds back what a warehouse posts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from crossdock.canonical.envelope import Event, Payload
from crossdock.canonical.inventory import StockCounted
from crossdock.capabilities.reconciliation import (
    asked_store,
    count_doubts,
    count_store,
    counted_store,
    money,
    rulebook,
    settling,
    triggers,
)
from crossdock.capabilities.reconciliation.count_store import Ending, Task, TaskStatus
from crossdock.capabilities.reconciliation.dumps import NO_COST, Worth
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.model import ItemClass, value_at_risk
from crossdock.capabilities.reconciliation.ports import Key, KnowsNames
from crossdock.capabilities.reconciliation.ranking import CountReason
from crossdock.capabilities.reconciliation.settling import (
    Bucket,
    CountApproval,
    CountRow,
    Matter,
)
from crossdock.capabilities.reconciliation.telling_again import changed
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.readers import Reader
from crossdock.foundation.watching import Desk

TYPES = frozenset({StockCounted.TYPE})

Pair = tuple[CountRow, CountRow]
"""A count, and the one that settled it."""


@dataclass(slots=True)
class _Heard:
    """What a page makes of one tenant's counts."""

    tasks: dict[Key, Task]
    waiting: dict[Bucket, list[CountRow]]
    differing: set[Bucket] = field(default_factory=set[Bucket])
    rows: list[CountRow] = field(default_factory=list[CountRow])
    settled: dict[str, str] = field(default_factory=dict[str, str])
    done: list[Task] = field(default_factory=list[Task])
    differed: list[Pair] = field(default_factory=list[Pair])
    anew: list[Pair] = field(default_factory=list[Pair])

    @classmethod
    def of(cls, tasks: dict[Key, Task], waiting: Iterable[CountRow]) -> "_Heard":
        """Begin with the tasks of the keys, and with what waits there."""
        heard = cls(tasks, {})
        for row in filter(settling.is_unsettled, waiting):
            if row.matter in settling.WAITING:
                heard.waiting.setdefault(row.bucket, []).append(row)
            else:
                heard.differing.add(row.bucket)
        return heard

    def take(self, one: CountRow) -> None:
        """Judge a count beside what waits for it; later ones of the page see what it changed."""
        before = self.waiting.get(one.bucket, [])
        is_later = all(settling.is_behind(one, row) for row in before)
        first = settling.first_of(one, before) if is_later else None
        one = self._answering(one, first)
        if one.matter == Matter.RECOUNT:
            self.waiting.setdefault(one.bucket, []).append(one)
        if first and one.matter in {Matter.AGREED, Matter.DIFFERED}:
            self._settle(one, before)
        self.rows.append(one)

    def _answering(self, one: CountRow, first: CountRow | None) -> CountRow:
        """Judge it, and end the task that it answers.

        A second count answers the first alone, and who has counted before answers no task that
        was told since.
        """
        matter = settling.matter_of(one, first)
        one = replace(one, matter=matter, is_recount=first is not None)
        task = self.tasks.get(one.place)
        if task is None or task.status == TaskStatus.REFUSED:
            return one
        is_second = task.reason == CountReason.RECOUNT
        settles = first is not None or one.bucket in self.differing
        is_no_second = is_second and (not settles or matter == Matter.LATE)
        is_by_clock = not is_second or matter == Matter.SAME_PERSON
        if is_no_second or (is_by_clock and one.counted_at < task.proposed_at):
            return one
        if task.ended_at is None:
            self.done.append(task)
            self.tasks[one.place] = replace(task, ended_at=one.heard_at)
        return replace(one, count_id=task.count_id)

    def _settle(self, one: CountRow, before: Collection[CountRow]) -> None:
        if one.matter == Matter.DIFFERED:
            self.differed.append((list(before)[-1], one))
        else:
            self.anew += [(row, one) for row in before if row.approval == CountApproval.REFUSED]
        self.settled |= dict.fromkeys((row.counted_id for row in before), one.matter)
        del self.waiting[one.bucket]

    def to_recount(self) -> dict[Key, str]:
        """Name the keys that another person is to count, and who it is not to be.

        What has waited before was asked for, for all buckets of its key at once: it is asked for
        again where nothing has settled it within a day, and not as one of them is counted.
        """
        asking = {row.place for row in self.rows if row.bucket in self.waiting and _asks(row)}
        return {
            rows[-1].place: rows[-1].counted_by
            for rows in self.waiting.values()
            if rows[-1].place in asking and not self._is_asked(rows[-1].place)
        }

    def left_out(self) -> dict[str, Key]:
        """Name the counts that wait for a second one which a full day had no room for."""
        waiting = (row for rows in self.waiting.values() for row in rows)
        return {row.counted_id: row.place for row in waiting if row.matter == Matter.NOT_ASKED}

    def _is_asked(self, place: Key) -> bool:
        task = self.tasks.get(place)
        is_open = task is not None and task.ended_at is None
        return is_open and task is not None and task.reason == CountReason.RECOUNT


class CountReactions:
    def __init__(
        self, clock: Clock, ids: Ids, names: KnowsNames, cases: Desk, policy: Policy | None = None
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._names = names
        self._cases = cases
        self._policy = policy or Policy()

    @property
    def reader(self) -> Reader:
        return Reader(name="counts", apply=self.apply, types=TYPES)

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Keep what was counted, ask for second counts, settle what waited for one."""
        told: dict[str, list[tuple[StockCounted, bool]]] = defaultdict(list)
        now = self._clock.now()
        for event in events:
            if isinstance(one := event.payload, StockCounted):
                is_late = event.fact.replay or triggers.is_late(one.counted_at, now)
                told[event.tenant].append((one, is_late))
        for tenant in sorted(told):
            own = tx.of(tenant)
            await self._hear(own, told[tenant], now)
            for topic in own.wakes:
                tx.wake(topic)

    async def _hear(
        self, tx: Transaction, told: Sequence[tuple[StockCounted, bool]], now: datetime
    ) -> None:
        policy, _ = await rulebook.house(tx, self._policy)
        rows = await self._judged(tx, told, policy, now)
        await tx.execute(count_store.ALONE, tx.tenant)
        places = {row.place for row in rows}
        before = await count_doubts.withheld_in(tx, tx.tenant, {item for _, item in places})
        tasks = await count_store.tasks_at(tx, places)
        heard = _Heard.of(tasks, await counted_store.waiting_at(tx, places))
        for row in rows:
            heard.take(row)
        asked = await self._asked(tx, heard, now)
        await counted_store.put(tx, [_as_settled(row, heard.settled) for row in heard.rows])
        known = {row.counted_id for row in heard.rows}
        earlier = {name: what for name, what in heard.settled.items() if name not in known}
        await counted_store.settle(tx, earlier, {row.counted_id for row, _ in heard.anew})
        await count_store.end(tx, heard.done, Ending(status=TaskStatus.DONE, at=now))
        await count_store.put(tx, asked, now)
        await tell(tx, told_of(heard.done, asked), now)
        await count_doubts.clear(tx, places)
        await count_doubts.tell_changes(tx, before, places, heard.rows[-1].counted_id, now)
        await self._cases_of(tx, heard, now)

    async def _judged(
        self,
        tx: Transaction,
        told: Sequence[tuple[StockCounted, bool]],
        policy: Policy,
        now: datetime,
    ) -> list[CountRow]:
        """Say of each count whether it is within the tolerance of its class, and its money."""
        items = {one.item for one, _ in told}
        goods = await self._names.goods(tx, items)
        classes = await asked_store.classes_of(
            tx, {(one.place.location, one.item) for one, _ in told}
        )
        costs = await asked_store.costs_of(tx, items, policy.brake.currency)
        rows: list[CountRow] = []
        for one, is_late in told:
            worth = classes.get((one.place.location, one.item), Worth("", NO_COST))
            known_of = goods.get(one.item)
            of = ItemClass.first_of((worth.of, known_of.item_class if known_of else ""))
            cost, currency = worth.cost, worth.currency
            if cost == NO_COST:
                cost, currency = costs.get(one.item, (NO_COST, ""))
            known = None if cost == NO_COST else cost
            book, counted = one.book.micros, one.counted.micros
            row = CountRow(
                counted_id=prefixed("ctd", self._ids.new()),
                bucket=_bucket(one),
                of=of,
                counted_at=one.counted_at,
                heard_at=now,
                unit=one.book.unit,
                book=book,
                counted=counted,
                value=value_at_risk(counted - book, known),
                currency=currency,
                is_within=not policy.tolerance.is_broken(
                    counted - book,
                    book=book,
                    of=of,
                    cost=known,
                    is_exact=bool(known_of and known_of.is_exact),
                ),
                count_ref=one.count_ref,
                told_by=one.told_by,
                counted_by=one.counted_by,
                is_late=is_late,
            )
            rows.append(_priced(row, policy))
        return rows

    async def _asked(self, tx: Transaction, heard: _Heard, now: datetime) -> list[Task]:
        """Make the tasks of second counts; what is beyond a day's number waits for another day."""
        wanted = heard.to_recount()
        left_out = heard.left_out()
        by_place = {row.place: row for rows in heard.waiting.values() for row in rows}
        fresh = {row.place for row in heard.rows if row.matter == Matter.RECOUNT}
        fresh |= set(left_out.values())
        rules = await rulebook.counting(tx)
        left: dict[str, int] = {}
        made: list[Task] = []
        for place, not_by in sorted(wanted.items()):
            if place in fresh:
                if place[0] not in left:
                    asked = await counted_store.asked_on(tx, place[0], now.date())
                    left[place[0]] = max(0, rules.a_day - asked)
                if not left[place[0]]:
                    _leave(heard, place)
                    continue
                left[place[0]] -= 1
                await counted_store.note_asked(tx, place[0], now.date(), 1)
            row = by_place[place]
            known = heard.tasks.get(place)
            made.append(recount(known, row, not_by, now, self._ids))
        places = {one.place for one in made}
        heard.settled |= {
            name: Matter.RECOUNT for name, place in left_out.items() if place in places
        }
        return made

    async def _cases_of(self, tx: Transaction, heard: _Heard, now: datetime) -> None:
        opened = [settling.differed_case(one, first) for first, one in heard.differed]
        opened += [settling.approval_case(row) for row in heard.rows if row.approval]
        opened += [settling.anew(first, one) for first, one in heard.anew]
        places = {row.place for row in heard.rows}
        waiting = filter(settling.is_unsettled, await counted_store.waiting_at(tx, places))
        unsettled = {row.place for row in waiting} | {one.place for _, one in heard.differed}
        right = {
            settling.differed_name(row.place)
            for row in heard.rows
            if row.matter in {Matter.RIGHT, Matter.AGREED}
            and not row.is_late
            and row.place not in unsettled
        }
        if right and (closed := await self._cases.still_open(tx, sorted(right))):
            await self._cases.closed(tx, sorted(closed), "a later count agrees", now)
        if opened:
            await self._cases.opened(tx, opened, now)


def recount(known: Task | None, row: CountRow, not_by: str, now: datetime, ids: Ids) -> Task:
    """Make the task of a second count; one that is open takes the reason."""
    is_open = known is not None and known.ended_at is None
    return Task(
        count_id=known.count_id if known and is_open else prefixed("cnt", ids.new()),
        location=row.place[0],
        item=row.place[1],
        of=row.of,
        reason=CountReason.RECOUNT,
        proposed_at=now,
        not_by=not_by,
    )


def told_of(done: Sequence[Task], asked: Sequence[Task]) -> list[tuple[str, Payload]]:
    """Name what the log is told of tasks that were done, and of those asked for."""
    told: list[tuple[str, Payload]] = [
        (f"count_task:{one.count_id}:{TaskStatus.DONE}", changed(one, TaskStatus.DONE))
        for one in done
    ]
    return told + [
        (
            f"count_task:{one.count_id}:{TaskStatus.PROPOSED}:{one.reason}",
            changed(one, TaskStatus.PROPOSED),
        )
        for one in asked
    ]


def _asks(row: CountRow) -> bool:
    return row.matter in {Matter.RECOUNT, Matter.SAME_PERSON}


def _bucket(one: StockCounted) -> Bucket:
    place = one.place
    return (place.location, one.item, place.status, place.owner, place.lot, place.serial)


def _priced(row: CountRow, policy: Policy) -> CountRow:
    """Hold its money against the rules: what is in another currency passes nothing."""
    house = policy.brake.currency
    is_above = money.is_above(row, policy.brake.value, house) and not row.is_late
    return replace(
        row,
        is_within=row.is_within and money.is_weighed(row, house),
        approval=CountApproval.WAITING if is_above else "",
    )


def _as_settled(row: CountRow, settled: dict[str, str]) -> CountRow:
    return replace(row, matter=settled.get(row.counted_id, row.matter))


def _leave(heard: _Heard, place: Key) -> None:
    """Ask nobody to count it again today: what waits for it of this page waits for a later day."""
    heard.rows = [
        replace(row, matter=Matter.NOT_ASKED)
        if row.place == place and row.matter == Matter.RECOUNT
        else row
        for row in heard.rows
    ]
