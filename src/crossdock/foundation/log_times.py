"""Where in the log a time is: found by halving, so it costs the same however long the log is."""

from datetime import datetime

from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.scope import Scope

NEWEST = WorkersSql("select position from event_log order by position desc limit 1")
RECEIVED = WorkersSql(
    "select received_at from event_log where position >= $1 order by position limit 1"
)


async def place_before(database: Database, instant: datetime) -> int:
    """Answer a position such that what was received from `instant` on comes behind it.

    Events that were received within seconds of each other may stand in either order: ask for a
    time that is earlier by more than that.
    """
    async with database.transaction(Scope.of_workers()) as tx:
        low, high = 0, await tx.fetchval(NEWEST) or 0
        while low < high:
            middle = (low + high + 1) // 2
            if await tx.fetchval(RECEIVED, middle) < instant:
                low = middle
            else:
                high = middle - 1
    return int(low)
