"""Movements and snapshots into positions: one page, a handful of statements, no order needed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.envelope import Event
from crossdock.capabilities.inventory import positions
from crossdock.capabilities.inventory.ledger import Bucket, Mark, Opening, contains, governing
from crossdock.capabilities.inventory.page import Movement, Page, newest, newest_full
from crossdock.capabilities.inventory.positions import PositionRow, Written
from crossdock.foundation.database import Transaction

Place = tuple[str, str]
"""Tenant and location."""


class Folded(NamedTuple):
    """What became of a position: the row before, the micros after, who said so.

    `because` is the newest event of the page that says something of it.
    """

    before: PositionRow
    after: Written
    sources: frozenset[str]
    because: Event | None = None


async def buckets(tx: Transaction, page: Page) -> dict[Bucket, str]:
    """Name every bucket that the page may touch, with its unit."""
    units: dict[Bucket, str] = {}
    for movement in page.movements:
        for end in (movement.source, movement.target):
            if end is not None:
                units[end] = movement.unit
    for count in page.counts:
        units[count.bucket] = count.unit
    if page.fulls:
        known = await positions.buckets_at(
            tx, [(full.tenant, full.location) for full in page.fulls]
        )
        units = known | units
    return units


async def fold(
    tx: Transaction, page: Page, rows: Mapping[Bucket, PositionRow]
) -> tuple[list[Folded], list[Movement]]:
    """Bring the positions up to date; give them, and the movements that were really new."""
    await _keep_snapshots(tx, page, rows)
    fresh = await _record(tx, page, rows)
    openings = await _openings(tx, page, rows)
    since = await positions.moved_since(
        tx, [(rows[bucket], opening.mark) for bucket, opening in openings.items()]
    )
    after = [
        _counted(rows[bucket], opening, micros)
        for (bucket, opening), micros in zip(openings.items(), since, strict=True)
    ]
    changed = {rows[bucket].position_id: row for bucket, row in zip(openings, after, strict=True)}
    moved = _moved(fresh, rows, changed)
    for position_id, (row, micros) in moved.items():
        changed[position_id] = Written(
            position_id, row.micros + micros, row.opening_micros, row.opening, None, None
        )
    stamped = _stamped(page, fresh, rows, changed)
    tenants = {folded.before.bucket.tenant for folded in stamped}
    await positions.write(tx, tenants, [folded.after for folded in stamped])
    return stamped, fresh


async def _keep_snapshots(tx: Transaction, page: Page, rows: Mapping[Bucket, PositionRow]) -> None:
    if counts := newest(page.counts):
        await tx.execute(
            positions.KEEP_OPENINGS,
            [count.bucket.tenant for count in counts],
            [rows[count.bucket].position_id for count in counts],
            [count.mark.stream for count in counts],
            [count.mark.seq for count in counts],
            [count.mark.us for count in counts],
            [count.counted_by for count in counts],
            [count.micros for count in counts],
        )
    if fulls := newest_full(page.fulls):
        await tx.execute(
            positions.KEEP_FULL,
            [full.tenant for full in fulls],
            [full.location for full in fulls],
            [full.mark.stream for full in fulls],
            [full.mark.seq for full in fulls],
            [full.mark.us for full in fulls],
            [full.counted_by for full in fulls],
            [full.taken_at for full in fulls],
        )


async def _record(
    tx: Transaction, page: Page, rows: Mapping[Bucket, PositionRow]
) -> list[Movement]:
    """Write the movements into the ledger; give back those it did not have."""
    moves = page.movements
    if not moves:
        return []
    recorded = await tx.fetch(
        positions.RECORD,
        [move.position for move in moves],
        [move.event.tenant for move in moves],
        [move.event.source for move in moves],
        [move.payload.movement_id for move in moves],
        [move.payload.type.value for move in moves],
        [rows[move.source].position_id if move.source else None for move in moves],
        [rows[move.target].position_id if move.target else None for move in moves],
        [move.micros for move in moves],
        [move.mark.stream for move in moves],
        [move.mark.seq for move in moves],
        [move.mark.us for move in moves],
        [move.event.fact.occurred_at for move in moves],
        [move.payload.demand_ref for move in moves],
        [move.payload.reverses_id for move in moves],
        [move.payload.document_ref for move in moves],
        [move.payload.reason for move in moves],
    )
    new = {row["event_position"] for row in recorded}
    return [move for move in moves if move.position in new]


async def _openings(
    tx: Transaction, page: Page, rows: Mapping[Bucket, PositionRow]
) -> dict[Bucket, Opening]:
    """Find the buckets whose governing snapshot is another one now."""
    counted = {count.bucket for count in page.counts}
    places = {(full.tenant, full.location) for full in page.fulls}
    # A bucket made just now may lie where a full snapshot has already said "nothing else here".
    asked = [
        bucket
        for bucket, row in rows.items()
        if bucket in counted or _place(bucket) in places or row.opening is None
    ]
    fulls = await positions.full_at(tx, {_place(bucket) for bucket in asked})
    named = await positions.openings_of(
        tx,
        {bucket.tenant for bucket in asked},
        [rows[bucket].position_id for bucket in asked if bucket in counted or fulls],
    )
    found: dict[Bucket, Opening] = {}
    for bucket in asked:
        row = rows[bucket]
        opening = governing([*named.get(row.position_id, ()), *fulls.get(_place(bucket), ())])
        if opening and (opening.mark, opening.micros) != (row.opening, row.opening_micros):
            found[bucket] = opening
    return found


def _place(bucket: Bucket) -> Place:
    return (bucket.tenant, bucket.location)


def _counted(row: PositionRow, opening: Opening, since: int) -> Written:
    micros = opening.micros + since
    return Written(row.position_id, micros, opening.micros, opening.mark, None, None)


def _moved(
    fresh: Iterable[Movement],
    rows: Mapping[Bucket, PositionRow],
    counted: Mapping[int, Written],
) -> dict[int, tuple[PositionRow, int]]:
    """Sum what the movements change where the governing snapshot stayed and has them not."""
    sums: dict[int, tuple[PositionRow, int]] = {}
    for move in fresh:
        for end, micros in ((move.source, -move.micros), (move.target, move.micros)):
            if end is None:
                continue
            row = rows[end]
            if row.position_id in counted or _is_inside(row.opening, move.mark):
                continue
            known = sums.get(row.position_id, (row, 0))[1]
            sums[row.position_id] = (row, known + micros)
    return sums


def _is_inside(opening: Mark | None, movement: Mark) -> bool:
    return opening is not None and contains(opening, movement)


def _stamped(
    page: Page,
    fresh: Iterable[Movement],
    rows: Mapping[Bucket, PositionRow],
    changed: Mapping[int, Written],
) -> list[Folded]:
    """Add to every touched position when it was moved or counted, and by whom."""
    moved, counted = _movers(fresh), _counters(page)
    fulls = {(full.tenant, full.location): full for full in page.fulls}
    nobody = frozenset[str]()
    stamped: list[Folded] = []
    for bucket, row in rows.items():
        said = moved.by.get(bucket, nobody) | counted.by.get(bucket, nobody)
        after = changed.get(row.position_id) or (_as_it_is(row) if said else None)
        if after is None:
            continue
        after = after._replace(moved_at=moved.at.get(bucket), counted_at=counted.at.get(bucket))
        because = _newer(moved.because.get(bucket), counted.because.get(bucket))
        if full := fulls.get(_place(bucket)):
            said |= {full.source}
            because = _newer(because, full.event)
        stamped.append(Folded(row, after, said, because))
    return stamped


class _Said(NamedTuple):
    """What a page says of each bucket: when at the latest, who, and the newest event of them."""

    at: dict[Bucket, datetime]
    by: dict[Bucket, frozenset[str]]
    because: dict[Bucket, Event]


def _movers(fresh: Iterable[Movement]) -> _Said:
    said = _Said({}, {}, {})
    for move in fresh:
        occurred_at = move.event.fact.occurred_at
        for end in (move.source, move.target):
            if end is not None:
                said.at[end] = max(occurred_at, said.at.get(end, occurred_at))
                said.by[end] = said.by.get(end, frozenset()) | {move.event.source}
                said.because[end] = move.event  # a page is in the order of the log
    return said


def _counters(page: Page) -> _Said:
    said = _Said({}, {}, {})
    for count in page.counts:
        bucket = count.bucket
        said.at[bucket] = max(count.taken_at, said.at.get(bucket, count.taken_at))
        said.by[bucket] = said.by.get(bucket, frozenset()) | {count.source}
        said.because[bucket] = count.event
    return said


def _newer(one: Event | None, other: Event | None) -> Event | None:
    if one is None or other is None:
        return one or other
    return one if one.position > other.position else other


def _as_it_is(row: PositionRow) -> Written:
    return Written(row.position_id, row.micros, row.opening_micros, row.opening, None, None)
