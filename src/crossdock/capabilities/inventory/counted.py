"""What counts found, told beside what the ledger said of their very instant (R9).

A count is a movement of type COUNT_ADJUST, or what somebody counts into the hub itself. What a
warehouse says its balance is, is no count: nobody has looked at a shelf for it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.identifiers import joined
from crossdock.canonical.inventory import MovementType, Place, StockCounted, StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import positions
from crossdock.capabilities.inventory.facts import HUB
from crossdock.capabilities.inventory.folding import Folded
from crossdock.capabilities.inventory.ledger import (
    Bucket,
    Came,
    Mark,
    Opening,
    contains,
    governed,
    microseconds,
)
from crossdock.capabilities.inventory.page import Movement, Page
from crossdock.capabilities.inventory.positions import PositionRow
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

# What a bucket gained after each count's instant, beside the count itself. Of each stream the
# instant is at the last movement that was recorded by then, and in the count's own stream before
# the count; what comes behind that in the order of the stream is later. So what is read is as much
# as what is later, by the indexes of a position, however much lies before.
SINCE = """
select c.n, coalesce(sum(m.net), 0)::bigint as net
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    with ordinality c(position_id, tenant, us, stream, seq, own, n)
join inventory_stream s on s.tenant = c.tenant
cross join lateral (
    (select v.seq, v.event_position as own from inventory_movement v
    where v.tenant = c.tenant and v.to_position = c.position_id and v.stream = s.stream
        and v.us <= c.us
        and (v.stream <> c.stream or (v.seq, v.event_position) < (c.seq, c.own))
    order by v.seq desc, v.event_position desc limit 1)
    union all
    (select v.seq, v.event_position from inventory_movement v
    where v.tenant = c.tenant and v.from_position = c.position_id and v.stream = s.stream
        and v.us <= c.us
        and (v.stream <> c.stream or (v.seq, v.event_position) < (c.seq, c.own))
    order by v.seq desc, v.event_position desc limit 1)
    union all select -9223372036854775808, 0
    order by seq desc, own desc limit 1) l
cross join lateral (
    select v.micros as net from inventory_movement v
    where v.tenant = c.tenant and v.to_position = c.position_id and v.stream = s.stream
        and (v.seq, v.event_position) > (l.seq, l.own)
        and v.event_position <> c.own
    union all
    select -v.micros from inventory_movement v
    where v.tenant = c.tenant and v.from_position = c.position_id and v.stream = s.stream
        and (v.seq, v.event_position) > (l.seq, l.own)
        and v.event_position <> c.own) m
group by c.n
"""


class Counted(NamedTuple):
    """A count of a bucket, and what governed the bucket before it came.

    `us` is the instant at which the counter looked. `adjusts` is None where the count says what
    lay there, `found`, and not by how much it differs.
    """

    folded: Folded
    event: Event
    us: int
    mark: Mark
    adjusts: int | None
    found: int
    count_ref: str
    by: str = ""
    opening: Opening | None = None


async def tell(
    tx: Transaction,
    page: Page,
    folded: Sequence[Folded],
    fresh: Sequence[Movement],
    now: datetime,
) -> None:
    """Tell what the counts of a page found, in the transaction that has folded it."""
    by_bucket = {one.before.bucket: one for one in folded}
    counts = [*_adjusting(by_bucket, fresh), *_said(by_bucket, page)]
    if not (counts and (found := _governed(counts, page, fresh))):
        return
    totals = await _totals(tx, found, fresh)
    rows = await tx.fetch(
        SINCE,
        [one.folded.before.position_id for one in found],
        [one.folded.before.bucket.tenant for one in found],
        [one.us for one in found],
        [one.mark.stream for one in found],
        [one.mark.seq for one in found],
        [one.event.position for one in found],
    )
    since = {row["n"]: row["net"] for row in rows}
    entries = [
        _entry(one, total - since.get(n, 0), now)
        for n, (one, total) in enumerate(zip(found, totals, strict=True), start=1)
    ]
    await event_log.append(tx, entries)
    tx.wake(event_log.topic_of(StockCounted.TYPE))


def _adjusting(by_bucket: Mapping[Bucket, Folded], fresh: Iterable[Movement]) -> list[Counted]:
    found: list[Counted] = []
    for move in fresh:
        if move.payload.type is not MovementType.COUNT_ADJUST or move.payload.reverses_id:
            continue  # who takes a count back has not counted
        us = microseconds(move.event.fact.occurred_at)
        name, by = move.payload.movement_id, move.payload.moved_by
        found += [
            Counted(by_bucket[bucket], move.event, us, move.mark, net, 0, name, by)
            for bucket, net in _ends(move)
        ]
    return found


def _said(by_bucket: Mapping[Bucket, Folded], page: Page) -> list[Counted]:
    """Find what was counted into the hub itself."""
    return [
        Counted(
            by_bucket[one.bucket],
            one.event,
            one.mark.us,
            one.mark,
            None,
            one.micros,
            one.event.fact.identity,
        )
        for one in page.counts
        if one.source == HUB
    ]


def _governed(counts: Sequence[Counted], page: Page, fresh: Iterable[Movement]) -> list[Counted]:
    """Say of each count what governed its bucket before; what is no count is left out."""
    rows = {one.folded.before.bucket: one.folded.before for one in counts}
    told = {(one.folded.before.bucket, one.event.position) for one in counts}
    said: dict[Bucket, list[Came]] = {bucket: [] for bucket in rows}
    for move in fresh:
        for bucket, _ in _ends(move):
            if bucket in said:
                is_count = (bucket, move.position) in told
                said[bucket].append(Came(move.position, None, is_count))
    for bucket, position, opening in _snapshots(page, rows):
        said[bucket].append(Came(position, opening, (bucket, position) in told))
    before = {
        bucket: governed(_opening(row), said[bucket], is_known=not row.is_new)
        for bucket, row in rows.items()
    }
    return [
        one._replace(opening=before[bucket][one.event.position])
        for one in counts
        if one.event.position in before[bucket := one.folded.before.bucket]
    ]


def _opening(row: PositionRow) -> Opening | None:
    if row.opening is None:
        return None
    return Opening(row.opening, row.opening_micros, is_named=True, counted_by="")


def _snapshots(page: Page, buckets: Collection[Bucket]) -> Iterator[tuple[Bucket, int, Opening]]:
    """Give what the page's snapshots say of these buckets, by a line or by omission."""
    for one in page.counts:
        if one.bucket in buckets:
            opening = Opening(one.mark, one.micros, is_named=True, counted_by=one.counted_by.hex)
            yield one.bucket, one.event.position, opening
    named = {(one.bucket, one.event.position) for one in page.counts}
    there: dict[tuple[str, str], list[Bucket]] = defaultdict(list)
    for bucket in buckets:
        there[bucket.tenant, bucket.location].append(bucket)
    for full in page.fulls:
        opening = Opening(full.mark, 0, is_named=False, counted_by=full.counted_by.hex)
        for bucket in there.get((full.tenant, full.location), ()):
            if (bucket, full.event.position) not in named:
                yield bucket, full.event.position, opening


async def _totals(
    tx: Transaction, found: Sequence[Counted], fresh: Iterable[Movement]
) -> list[int]:
    """Say what would lie there by now by what governed before each count, and without it."""
    moved: dict[Bucket, list[tuple[Mark, int]]] = defaultdict(list)
    for move in fresh:
        for bucket, net in _ends(move):
            moved[bucket].append((move.mark, net))
    asked = [
        (one.folded.before, one.opening.mark) for one in found if one.opening and _is_passing(one)
    ]
    since = iter(await positions.moved_since(tx, asked))
    totals: list[int] = []
    for one in found:
        row, opening = one.folded.before, one.opening
        if opening and _is_passing(one):
            total = opening.micros + next(since)
        elif opening and opening.mark == one.folded.after.opening:
            total = one.folded.after.micros
        else:
            fresh_nets = moved.get(row.bucket, [])
            total = row.micros + sum(
                net for mark, net in fresh_nets if not (opening and contains(opening.mark, mark))
            )
        totals.append(total - (one.adjusts or 0))
    return totals


def _is_passing(one: Counted) -> bool:
    """Say whether what governed before a count came with the page, and went with it."""
    opening = one.opening
    return opening is not None and opening.mark not in {
        one.folded.before.opening,
        one.folded.after.opening,
    }


def _ends(move: Movement) -> Iterator[tuple[Bucket, int]]:
    """Give the buckets of a movement, each with what it gains."""
    if move.source is not None:
        yield move.source, -move.micros
    if move.target is not None:
        yield move.target, move.micros


def _entry(one: Counted, book: int, now: datetime) -> Entry:
    row, event = one.folded.before, one.event
    bucket = row.bucket
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
        counted_at=event.believed(event.fact.occurred_at),
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
