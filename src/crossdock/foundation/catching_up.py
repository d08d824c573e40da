"""Brings many readers to the end of the log at once, for who wants all of it done: scripts, tests.

Most events concern few of the readers. The others are moved past them in one statement, where one
after the other would look, find nothing and move by itself.
"""

from collections.abc import Sequence

from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.readers import Reader, catch_up
from crossdock.foundation.scope import Scope

# Shards before which lies nothing that concerns their reader; none while something is hidden. If
# it is lost in a crash, the same events are passed over again.
REST = WorkersSql("""
with resting as (
    select r.name, r.shard from log_reader r
    where r.name = any($1::text[]) and not event_log_hides() and not exists (
        select from event_log e join unnest($2::text[], $3::text[]) w(name, type)
            on w.name = r.name and w.type = e.type
        where (e.tx, e.position) > (r.tx, r.position))
    for update of r skip locked
), ended as (
    select tx, position from event_log where tx < event_log_below()
    order by event_log.tx desc, event_log.position desc limit 1
), moved as (
    update log_reader r set tx = e.tx, position = e.position, moved_at = $4
    from resting o, ended e
    where r.name = o.name and r.shard = o.shard and (r.tx, r.position) < (e.tx, e.position)
)
select name, count(*) as shards, set_config('synchronous_commit', 'off', true) from resting
group by name
""")


async def all_catch_up(database: Database, readers: Sequence[Reader], clock: Clock) -> None:
    """Apply everything there is to each of these in turn, on every shard."""
    resting = await rest(database, readers, clock)
    for reader in readers:
        if reader.name not in resting:
            await catch_up(database, reader, clock)
            resting = await rest(database, readers, clock)


async def rest(database: Database, readers: Sequence[Reader], clock: Clock) -> frozenset[str]:
    """Move those whom nothing concerns of what lies before them to the end; name them.

    Who wants every type, and one of whose shards another process has in hand, is not among them.
    """
    shards = {reader.name: reader.shards for reader in readers if reader.types is not None}
    wanted = [(one.name, kind) for one in readers for kind in sorted(one.types or ())]
    names, kinds = [name for name, _ in wanted], [kind for _, kind in wanted]
    async with database.transaction(Scope.of_workers()) as tx:
        rows = await tx.fetch(REST, list(shards), names, kinds, clock.now())
    return frozenset(row["name"] for row in rows if row["shards"] == shards[row["name"]])
