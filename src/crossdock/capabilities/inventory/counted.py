"""What counts found, told beside what the ledger said of their very instant (R9).

A count is a movement of type COUNT_ADJUST, or what somebody counts into the hub itself. What a
warehouse says its balance is, is no count: nobody has looked at a shelf for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.identifiers import joined
from crossdock.canonical.inventory import MovementType, Place, StockCounted, StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory.facts import HUB
from crossdock.capabilities.inventory.folding import Folded
from crossdock.capabilities.inventory.ledger import Bucket, contains, microseconds
from crossdock.capabilities.inventory.page import Movement, Page
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

SINCE_MAX = 200
"""So many of a bucket's newest movements are looked at, of each stream and direction."""

# What a bucket gained after an instant beside the count itself, among its newest movements.
SINCE = """
select c.n, coalesce(sum(m.net), 0)::bigint as net
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) with ordinality
    c(position_id, tenant, us, own, n)
join inventory_stream s on s.tenant = c.tenant
cross join lateral (
    (select micros as net, us, event_position from inventory_movement v
    where v.tenant = c.tenant and v.to_position = c.position_id and v.stream = s.stream
    order by v.seq desc limit $5)
    union all
    (select -micros, us, event_position from inventory_movement v
    where v.tenant = c.tenant and v.from_position = c.position_id and v.stream = s.stream
    order by v.seq desc limit $5)) m
where m.us > c.us and m.event_position <> c.own
group by c.n
"""


class Counted(NamedTuple):
    """A count of a bucket; `total` is what lies there by now without it, `adjusts` what it adds.

    `adjusts` is None where the count says what lay there, and not by how much it differs.
    """

    folded: Folded
    event: Event
    us: int
    total: int
    adjusts: int | None
    found: int
    count_ref: str
    by: str = ""


async def tell(
    tx: Transaction,
    page: Page,
    folded: Sequence[Folded],
    fresh: Sequence[Movement],
    now: datetime,
) -> None:
    """Tell what the counts of a page found, in the transaction that has folded it."""
    by_bucket = {one.before.bucket: one for one in folded}
    found = [*_adjusting(by_bucket, fresh), *_said(by_bucket, page, fresh)]
    if not found:
        return
    rows = await tx.fetch(
        SINCE,
        [one.folded.before.position_id for one in found],
        [one.folded.before.bucket.tenant for one in found],
        [one.us for one in found],
        [one.event.position for one in found],
        SINCE_MAX,
    )
    since = {row["n"]: row["net"] for row in rows}
    entries = [_entry(one, since.get(n, 0), now) for n, one in enumerate(found, start=1)]
    await event_log.append(tx, entries)
    tx.wake(event_log.topic_of(StockCounted.TYPE))


def _adjusting(by_bucket: Mapping[Bucket, Folded], fresh: Iterable[Movement]) -> list[Counted]:
    found: list[Counted] = []
    for move in fresh:
        if move.payload.type is not MovementType.COUNT_ADJUST:
            continue
        for bucket, net in ((move.source, -move.micros), (move.target, move.micros)):
            if bucket is None:
                continue
            at = by_bucket[bucket]
            us = microseconds(move.event.fact.occurred_at)
            name, by = move.payload.movement_id, move.payload.moved_by
            total = at.after.micros - net
            found.append(Counted(at, move.event, us, total, net, 0, name, by))
    return found


def _said(
    by_bucket: Mapping[Bucket, Folded], page: Page, fresh: Iterable[Movement]
) -> list[Counted]:
    """Find what was counted into the hub itself, of buckets that it had known."""
    counts = [one for one in page.counts if one.source == HUB]
    if not counts:
        return []
    moved: dict[Bucket, int] = {}
    for move in fresh:
        for bucket, net in ((move.source, -move.micros), (move.target, move.micros)):
            opening = by_bucket[bucket].before.opening if bucket else None
            if bucket and not (opening and contains(opening, move.mark)):
                moved[bucket] = moved.get(bucket, 0) + net
    found: list[Counted] = []
    for one in counts:
        at = by_bucket[one.bucket]
        if not at.before.is_new and at.after.opening == one.mark:
            total = at.before.micros + moved.get(one.bucket, 0)
            name = one.event.fact.identity
            found.append(Counted(at, one.event, one.mark.us, total, None, one.micros, name))
    return found


def _entry(one: Counted, since: int, now: datetime) -> Entry:
    row, event = one.folded.before, one.event
    bucket = row.bucket
    book = one.total - since
    counted = one.found if one.adjusts is None else book + one.adjusts
    place = Place(
        location=bucket.location,
        status=StockStatus(bucket.status),
        owner=bucket.owner,
        lot=bucket.lot,
        serial=bucket.serial,
    )
    payload = StockCounted(
        item=bucket.item,
        place=place,
        counted_at=event.fact.occurred_at,
        book=Quantity.from_micros(book, row.unit),
        counted=Quantity.from_micros(counted, row.unit),
        count_ref=one.count_ref,
        told_by=event.source,
        counted_by=one.by,
    )
    identity = joined("counted", str(event.position), *bucket[1:])
    fact = Fact(
        identity=identity,
        payload=payload,
        occurred_at=event.fact.occurred_at,
        recorded_at=now,
        correlation_id=event.fact.correlation_id,
        causation_id=event.event_id,
        replay=event.fact.replay,
    )
    return Entry(tenant=bucket.tenant, source=HUB, received_at=now, fact=fact)
