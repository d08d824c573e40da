"""Second counts that a full day had no room for: asked for on the days after it (§4.2, §4.3)."""

from datetime import datetime

from crossdock.capabilities.reconciliation import count_store, counted_store, rulebook
from crossdock.capabilities.reconciliation.count_store import Task
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.hearing import recount, told_of
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.ranking import CountReason
from crossdock.capabilities.reconciliation.settling import CountRow, Matter
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import Ids


async def ask_left(tx: Transaction, ids: Ids, now: datetime) -> None:
    """Ask for the second counts that were left out, the oldest first, as far as today has room."""
    rules = await rulebook.counting(tx)
    if not await counted_store.left_at(tx, rules.a_day):
        return
    await tx.execute(count_store.ALONE, tx.tenant)
    first: dict[Key, CountRow] = {}
    for row in await counted_store.left_at(tx, rules.a_day):
        first.setdefault(row.place, row)
    known = await count_store.tasks_at(tx, first)
    asked: dict[str, int] = {}
    chosen: set[Key] = set()
    made: list[Task] = []
    for place, row in first.items():
        if _is_asked(known.get(place)):
            chosen.add(place)
            continue
        if place[0] not in asked:
            asked[place[0]] = await counted_store.asked_on(tx, place[0], now.date())
        if asked[place[0]] < rules.a_day:
            asked[place[0]] += 1
            chosen.add(place)
            made.append(recount(known.get(place), row, row.counted_by, now, ids))
    for location in sorted({one.location for one in made}):
        more = sum(one.location == location for one in made)
        await counted_store.note_asked(tx, location, now.date(), more)
    waiting = await counted_store.waiting_at(tx, chosen)
    left = [row.counted_id for row in waiting if row.matter == Matter.NOT_ASKED]
    await counted_store.settle(tx, dict.fromkeys(left, Matter.RECOUNT), ())
    await count_store.put(tx, made, now)
    await tell(tx, told_of([], made), now)


def _is_asked(task: Task | None) -> bool:
    return task is not None and task.ended_at is None and task.reason == CountReason.RECOUNT
