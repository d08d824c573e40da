"""A hub process that takes in a receipt for a promise by date, and kills itself on the way."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from crossdock.assembly import Hub, Outside
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.settings import Settings
from tests.conftest import NOON
from tests.unit.capabilities.supply.test_kept_promises import promise
from tests.unit.capabilities.supply.yard import Yard


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(dsn: str, what: str) -> None:
    database = await Database.open(dsn, pool_size=3)
    clock = VirtualClock(NOON)
    settings = Settings(tenant="main", data_dir=Path("/nonexistent"))
    hub = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
    if what == "answer":
        await promise(Yard(hub), "r1", 60, "so1/1")
        kill()
    for reader in hub.readers:
        if reader.name == "promises by date" and what == "before":
            kill()
        await readers.catch_up(database, reader, clock)
    kill()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
