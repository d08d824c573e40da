"""What is to be counted: differences that a count settles, and the plan of the day (§4.2)."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Protocol

from crossdock.capabilities.reconciliation import asked_store, counted_store, findings, store
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.model import ItemClass, State
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.ranking import (
    DUE_DAYS,
    TREND_TIMES,
    CountProposal,
    Remedy,
    Suspicion,
    count_proposals,
)
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.foundation.database import Transaction

TASKS_MAX = 10_000
"""So many counts are proposed, and told as tasks, at a time."""
TREND_LASTS = timedelta(days=30)
DUE_LASTS = timedelta(days=DUE_DAYS)

# What is to be counted by its class, since its turn; a turn of long ago is over.
PUT_COUNTS = """
insert into reconciliation_count (tenant, location, item, class, due_on)
select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::date[])
on conflict (tenant, location, item) do update set class = excluded.class,
    due_on = excluded.due_on
"""
DROP_COUNTS = "delete from reconciliation_count where tenant = $1 and due_on <= $2"
COUNTS_DUE = """
select location, item, class, due_on from reconciliation_count
where tenant = $1 and due_on > $2 and ($3 = '' or location = $3)
order by class, due_on, location, item
"""


# What a count would settle, the most money first: never what agrees again. `$5` and `$6` are keys,
# or null for all.
COUNTABLE = """
select f.* from reconciliation_finding f
where f.tenant = $1 and f.state <> 'CLOSED' and not f.is_gone
    and f.document = '' and f.system <> 'published'
    and (f.state in ('SUSPECTED', 'CONFIRMED') and f.cause = 'NEG_STOCK'
        or f.state = 'CONFIRMED' and f.remedy = 'COUNT' and f.at_stake <> 0
        or f.state = 'TOLERATED' and f.times > $7 and f.last_cut >= $2)
    and ($3 = '' or f.location = $3)
    and ($5::text[] is null or (f.location, f.item) in (select * from unnest($5, $6::text[])))
order by f.state = 'TOLERATED', f.value_at_risk is null, f.currency, f.value_at_risk desc,
    f.found_at, f.finding_id
limit $4
"""


class CountRow(NamedTuple):
    """A key whose turn to be counted was on a day (UTC), by its class."""

    location: str
    item: str
    of: str
    due_on: date


async def put_counts(tx: Transaction, counts: Sequence[CountRow], today: date) -> None:
    await tx.execute(DROP_COUNTS, tx.tenant, today - DUE_LASTS)
    await tx.execute(PUT_COUNTS, tx.tenant, *map(list, zip(*counts, strict=True)))


async def counts_due(tx: Transaction, today: date, location: str) -> list[CountRow]:
    """Give what is due by its class and was not counted since its turn."""
    rows = await tx.fetch(COUNTS_DUE, tx.tenant, today - DUE_LASTS, location)
    due = [CountRow(*row) for row in rows]
    if not due:
        return []
    first = datetime.combine(min(one.due_on for one in due), time(), UTC)
    counted = await counted_store.last_at(tx, [one[:2] for one in due], first)
    return [one for one in due if not _is_counted(one, counted.get(one[:2]))]


def _is_counted(one: CountRow, at: datetime | None) -> bool:
    return at is not None and at.astimezone(UTC).date() >= one.due_on


class KnowsNegative(Protocol):
    async def negative(self, tx: Transaction, location: str, limit: int, /) -> Sequence[Key]:
        """Name what has been below zero for so long that it is a case; "" is anywhere."""
        ...


async def proposals(
    tx: Transaction,
    now: datetime,
    ledger: KnowsNegative,
    *,
    location: str,
    limit: int,
    told: Collection[Key] = (),
) -> list[CountProposal]:
    """Propose counts, the most urgent first: so many, and what is still to be counted of `told`.

    What was told once is looked for by its key, so that it does not come and go with the order.
    """
    rows = await _countable(tx, now, location, TASKS_MAX, None)
    if rest := set(told) - {(row.location, row.item) for row in rows}:
        rows += await _countable(tx, now, location, None, sorted(rest))
    due = await counts_due(tx, now.date(), location)
    known = [_suspicion(row, now) for row in rows]
    known += [
        Suspicion(item=one.item, location=one.location, of=ItemClass(one.of), is_due=True)
        for one in due
    ]
    known += await _negative(tx, ledger, location)
    found = count_proposals(known)
    return found[:limit] + [one for one in found[limit:] if (one.location, one.item) in told]


async def _countable(
    tx: Transaction, now: datetime, location: str, limit: int | None, keys: Sequence[Key] | None
) -> list[FindingRow]:
    places = None if keys is None else [place for place, _ in keys]
    items = None if keys is None else [item for _, item in keys]
    since = now - TREND_LASTS
    rows = await tx.fetch(COUNTABLE, tx.tenant, since, location, limit, places, items, TREND_TIMES)
    return [store.finding_of(row) for row in rows]


async def _negative(tx: Transaction, ledger: KnowsNegative, location: str) -> list[Suspicion]:
    keys = await ledger.negative(tx, location, TASKS_MAX)
    classes = await asked_store.classes_of(tx, keys)
    return [
        Suspicion(
            item=key[1],
            location=key[0],
            of=ItemClass(classes[key].of) if key in classes else ItemClass.A,
            is_negative=True,
        )
        for key in keys
    ]


def _suspicion(row: FindingRow, now: datetime) -> Suspicion:
    is_negative = row.cause == Cause.NEG_STOCK
    is_to_count = row.state == State.CONFIRMED and row.remedy == Remedy.COUNT
    return Suspicion(
        item=row.item,
        location=row.location,
        of=ItemClass(row.class_),
        unexplained=row.at_stake if is_to_count and not is_negative else 0,
        is_negative=is_negative,
        times_tolerated=row.times if row.state == State.TOLERATED else 0,
        priority=findings.priority_of(row, now),
    )
