"""The figures of what waits on its way in and out, read from the tables at each scrape."""

from datetime import datetime

from crossdock.connectivity.settling import LANE_OF_NUMBER
from crossdock.foundation import metrics
from crossdock.foundation.database import Transaction, WorkersSql

# Each half reads one partial index and never the history.
OUTBOX = WorkersSql("""
select connection, lane, sum(commands)::bigint as commands,
    extract(epoch from $1 - min(oldest_at))::float8 as seconds
from (select connection, lane, count(*) as commands, min(enqueued_at) as oldest_at
      from outbox_command where state = 'PENDING' group by connection, lane
      union all
      select connection, lane, count(*), min(enqueued_at)
      from outbox_command where state = 'IN_FLIGHT' group by connection, lane) waiting
group by connection, lane
""")
LETTERS = WorkersSql("""
select connection, count(*) as commands from outbox_command
where state in ('DEAD', 'PARKED') group by connection
""")
# Half open is open no longer: a probe was answered, and where nothing is to be sent it stays so.
CIRCUITS = WorkersSql("""
select connection, bool_or(circuit = 'OPEN') as is_open from connection_health
group by connection
""")
QUARANTINED = WorkersSql("""
select source, count(*) as entries from quarantine where state = 'OPEN' group by source
""")
WAITING = WorkersSql("select source, count(*) as facts from waiting_fact group by source")


async def measure(tx: Transaction, now: datetime) -> None:
    """Fill the figures of the outbox, the connections, the quarantine and the waiting room."""
    queues = await tx.fetch(OUTBOX, now)
    letters = await tx.fetch(LETTERS)
    circuits = await tx.fetch(CIRCUITS)
    quarantined = await tx.fetch(QUARANTINED)
    waiting = await tx.fetch(WAITING)
    lanes = [(row["connection"], LANE_OF_NUMBER[row["lane"]].value) for row in queues]
    depths = [row["commands"] for row in queues]
    ages = [max(row["seconds"], 0.0) for row in queues]
    metrics.fill(metrics.OUTBOX_DEPTH, zip(lanes, depths, strict=True))
    metrics.fill(metrics.OUTBOX_AGE, zip(lanes, ages, strict=True))
    metrics.fill(
        metrics.DEAD_LETTERS, [((row["connection"],), row["commands"]) for row in letters]
    )
    metrics.fill(
        metrics.CIRCUIT_OPEN, [((row["connection"],), int(row["is_open"])) for row in circuits]
    )
    metrics.fill(metrics.QUARANTINED, [((row["source"],), row["entries"]) for row in quarantined])
    metrics.fill(metrics.WAITING_FACTS, [((row["source"],), row["facts"]) for row in waiting])
