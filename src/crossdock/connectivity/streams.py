"""Watches sources whose sequences are dense: a number that stays away is a lost message."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.connectivity import quarantine
from crossdock.connectivity.acceptance import is_numbered, storable
from crossdock.connectivity.gaps import HOLES_MAX, Hole, Progress
from crossdock.connectivity.quarantine import PLACE_LENGTH_MAX, Refusal
from crossdock.foundation.database import Transaction, WorkersSql

GAP_CODE = "EVT-GAP"
CAME = "its numbers have come"
CONTAINED = (
    "a full snapshot contains it, so what lies there is right again;"
    " what was lost of picks for orders, and for the books, is not known"
)

GAP_SECONDS = "select gap_seconds from connection where tenant = $1 and name = $2"
# Locks the stream's row, so that two batches of one stream count one after the other.
HIGHEST = """
insert into stream_progress (tenant, source, stream, highest) values ($1, $2, $3, $4)
on conflict (tenant, source, stream) do update set highest = stream_progress.highest
returning highest, told_at, xmax = 0 as is_first
"""
HOLES = """
select first, last, seen_at, reported_at, since from stream_hole
where tenant = $1 and source = $2 and stream = $3 for update
"""
SET_HIGHEST = """
update stream_progress set highest = $4, told_at = $5
where tenant = $1 and source = $2 and stream = $3
"""
DROP_HOLES = """
delete from stream_hole where tenant = $1 and source = $2 and stream = $3
    and first = any($4::bigint[])
"""
ADD_HOLES = """
insert into stream_hole (tenant, source, stream, first, last, seen_at, reported_at, since)
select $1, $2, $3, *
from unnest($4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[])
"""
# Holes older than their connection allows and not reported yet.
SILENT = WorkersSql("""
update stream_hole h set reported_at = $1::timestamptz
from connection c
where c.tenant = h.tenant and c.name = h.source and h.reported_at is null
    and h.seen_at <= $1::timestamptz - make_interval(secs => c.gap_seconds)
returning h.tenant, h.source, h.stream, h.first, h.last
""")
# What is open of what was reported of a source's streams.
REPORTS = """
select id, place, identity from quarantine
where tenant = $1 and source = $2 and code = $3 and state = 'OPEN' and identity <> ''
"""


class Stream(NamedTuple):
    tenant: str
    source: str
    name: str


class _Heard(NamedTuple):
    """A number, and when its source wrote it down."""

    sequence: int
    at: datetime


async def is_watched(tx: Transaction, source: str) -> bool:
    """Say whether holes in a source's numbers are to be reported."""
    return await tx.fetchval(GAP_SECONDS, tx.tenant, source) is not None


async def hear(
    tx: Transaction,
    origin: tuple[str, str],
    facts: Sequence[Fact],
    recorded: Sequence[Fact],
    now: datetime,
) -> None:
    """Note which numbers of each stream have come; close what was reported and is healed.

    `origin` is a tenant and a source. A fact that was refused has come, too; but only what is
    `recorded` can make up for what is missing.
    """
    heard: defaultdict[str, list[_Heard]] = defaultdict(list)
    covered: dict[str, int] = {}
    for fact in facts:
        if fact.sequence is not None and is_numbered(fact):
            heard[fact.stream].append(_Heard(fact.sequence, _told_at(fact, now)))
    for fact in recorded:
        if fact.sequence is not None and _covers(fact):
            covered[fact.stream] = max(fact.sequence, covered.get(fact.stream, fact.sequence))
    for name, numbers in sorted(heard.items()):
        stream = Stream(*origin, name)
        await _hear_stream(tx, stream, sorted(numbers), covered.get(name), now)


def _told_at(fact: Fact, now: datetime) -> datetime:
    """Say when its source wrote it down; what is yet to come, or is no moment, was just now."""
    said: Any = fact.recorded_at or fact.occurred_at
    is_moment = isinstance(said, datetime) and said.utcoffset() is not None
    return min(said, now) if is_moment else now


def _covers(fact: Fact) -> bool:
    """Say whether it tells all that its stream has told of, whatever was lost on the way.

    So it is where a site numbers its own messages and says all that lies there.
    """
    payload = fact.payload
    return (
        isinstance(payload, StockSnapshotTaken)
        and payload.is_full
        and payload.location == fact.stream
    )


async def _hear_stream(
    tx: Transaction,
    stream: Stream,
    numbers: Sequence[_Heard],
    covered: int | None,
    now: datetime,
) -> None:
    sequences = [one.sequence for one in numbers]
    found = await tx.fetchrow(HIGHEST, *stream, min(sequences))
    rows = (
        {} if found["is_first"] else {row["first"]: row for row in await tx.fetch(HOLES, *stream)}
    )
    before = Progress(
        None if found["is_first"] else found["highest"],
        tuple(Hole(row["first"], row["last"]) for row in rows.values()),
    )
    after = before.after(sequences, covered)
    if after.highest != found["highest"]:
        await tx.execute(SET_HIGHEST, *stream, after.highest, numbers[-1].at)
    if after.holes == before.holes:
        return
    gone = set(before.holes) - set(after.holes)
    made = sorted(set(after.holes) - set(before.holes))
    await tx.execute(DROP_HOLES, *stream, [hole.first for hole in gone])
    # What was told before a hole bounds when its numbers were written: it is read again from then.
    since = min([one.at for one in numbers] + ([found["told_at"]] if found["told_at"] else []))
    # What is left of a hole that was partly filled is as old as the hole was.
    parents = [
        next((row for row in rows.values() if row["first"] <= hole.first <= row["last"]), None)
        for hole in made
    ]
    await tx.execute(
        ADD_HOLES,
        *stream,
        [hole.first for hole in made],
        [hole.last for hole in made],
        [parent["seen_at"] if parent else now for parent in parents],
        [parent["reported_at"] if parent else None for parent in parents],
        [parent["since"] if parent else since for parent in parents],
    )
    if any(rows[hole.first]["reported_at"] for hole in gone):
        await _close_healed(tx, stream, after.holes, covered, now)


async def _close_healed(
    tx: Transaction,
    stream: Stream,
    holes: Sequence[Hole],
    covered: int | None,
    now: datetime,
) -> None:
    """Close the reports of which nothing is missing any more."""
    if len(holes) >= HOLES_MAX:
        return  # what is not among them may have been cut off
    healed: dict[str, list[int]] = {CAME: [], CONTAINED: []}
    for row in await tx.fetch(REPORTS, stream.tenant, stream.source, GAP_CODE):
        first, last = map(int, row["identity"].split(".."))
        is_ours = row["place"] == _place(stream.name, Hole(first, last))
        if is_ours and not any(hole.first <= last and first <= hole.last for hole in holes):
            is_contained = covered is not None and last <= covered
            healed[CONTAINED if is_contained else CAME].append(row["id"])
    for reason, ids in healed.items():
        if ids:
            await quarantine.close(tx, ids, "REPLAYED", reason, now)


async def report_holes(tx: Transaction, now: datetime) -> list[tuple[str, str]]:
    """Show every hole that has lasted too long, as `EVT-GAP` in the quarantine.

    Answer the (tenant, source) of those that are shown now.
    """
    rows = await tx.fetch(SILENT, now)
    for row in rows:
        hole = Hole(row["first"], row["last"])
        refusal = Refusal(
            code=GAP_CODE,
            place=_place(row["stream"], hole),
            reason=f"stream {row['stream']!r}: {numbers_of(hole)} never came; the hub asks for"
            " them where it can; else have the source send them again, or a full snapshot",
            identity=f"{hole.first}..{hole.last}",
        )
        await quarantine.add(tx, row["tenant"], row["source"], [refusal], now)
    return sorted({(row["tenant"], row["source"]) for row in rows})


def _place(stream: str, hole: Hole) -> str:
    return storable(f"{stream}:{hole.first}-{hole.last}", PLACE_LENGTH_MAX)


def numbers_of(hole: Hole) -> str:
    if hole.first == hole.last:
        return f"number {hole.first}"
    return f"numbers {hole.first} to {hole.last}"
