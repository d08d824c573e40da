"""A worker process to be killed: decides trucks until nothing is due, a batch at a time."""

import asyncio
import sys

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.orchestration.engine import Engine
from tests.conftest import NOON
from tests.unit.orchestration.loading import Names, Outbox, loading


async def main(dsn: str) -> None:
    database = await Database.open(dsn, pool_size=2)
    process = loading(Names(seconds=0.1))
    engine = Engine(database, VirtualClock(NOON), Outbox(), [process], worker="doomed")
    while await engine.run_batch("loading", limit=20):
        sys.stdout.write("batch\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
