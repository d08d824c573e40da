"""Watches sources whose sequences are dense: a number that stays away is a lost message."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from crossdock.canonical.envelope import Fact
from crossdock.connectivity import quarantine
from crossdock.connectivity.gaps import Hole, Progress
from crossdock.connectivity.quarantine import Refusal
from crossdock.foundation.database import Transaction, WorkersSql

GAP_CODE = "EVT-GAP"

# Locks the stream's row, so that two batches of one stream count one after the other.
HIGHEST = """
insert into stream_progress (tenant, source, stream, highest) values ($1, $2, $3, $4)
on conflict (tenant, source, stream) do update set highest = stream_progress.highest
returning highest, xmax = 0 as is_first
"""
HOLES = """
select first, last, seen_at, reported_at from stream_hole
where tenant = $1 and source = $2 and stream = $3
"""
SET_HIGHEST = """
update stream_progress set highest = $4 where tenant = $1 and source = $2 and stream = $3
"""
DROP_HOLES = """
delete from stream_hole where tenant = $1 and source = $2 and stream = $3
    and first = any($4::bigint[])
"""
ADD_HOLES = """
insert into stream_hole (tenant, source, stream, first, last, seen_at, reported_at)
select $1, $2, $3, * from unnest($4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
"""
# Holes older than their connection allows and not reported yet.
SILENT = WorkersSql("""
update stream_hole h set reported_at = $1::timestamptz
from connection c
where c.tenant = h.tenant and c.name = h.source and h.reported_at is null
    and h.seen_at <= $1::timestamptz - make_interval(secs => c.gap_seconds)
returning h.tenant, h.source, h.stream, h.first, h.last
""")


async def hear(
    tx: Transaction, tenant: str, source: str, facts: Sequence[Fact], now: datetime
) -> None:
    """Note which numbers of each stream have come."""
    heard: defaultdict[str, list[int]] = defaultdict(list)
    for fact in facts:
        if fact.sequence is not None:
            heard[fact.stream].append(fact.sequence)
    for stream, sequences in sorted(heard.items()):
        await _hear_stream(tx, (tenant, source, stream), sequences, now)


async def _hear_stream(
    tx: Transaction, stream: tuple[str, str, str], sequences: Sequence[int], now: datetime
) -> None:
    found = await tx.fetchrow(HIGHEST, *stream, min(sequences))
    rows = (
        {} if found["is_first"] else {row["first"]: row for row in await tx.fetch(HOLES, *stream)}
    )
    before = Progress(
        None if found["is_first"] else found["highest"],
        tuple(Hole(row["first"], row["last"]) for row in rows.values()),
    )
    after = before.after(sequences)
    if after.highest != found["highest"]:
        await tx.execute(SET_HIGHEST, *stream, after.highest)
    if after.holes == before.holes:
        return
    gone = set(before.holes) - set(after.holes)
    made = sorted(set(after.holes) - set(before.holes))
    await tx.execute(DROP_HOLES, *stream, [hole.first for hole in gone])
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
    )


async def report_holes(tx: Transaction, now: datetime) -> int:
    """Show every hole that has lasted too long, as `EVT-GAP` in the quarantine."""
    rows = await tx.fetch(SILENT, now)
    for row in rows:
        refusal = Refusal(
            code=GAP_CODE,
            place=f"{row['stream']}:{row['first']}-{row['last']}",
            reason=f"stream {row['stream']!r}: {_numbers(row['first'], row['last'])} never came; "
            "ask the source for a snapshot",
        )
        await quarantine.add(tx, row["tenant"], row["source"], [refusal], now)
    return len(rows)


def _numbers(first: int, last: int) -> str:
    return f"number {first}" if first == last else f"numbers {first} to {last}"
