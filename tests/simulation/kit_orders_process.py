"""A hub process that takes in an order for a kit, and kills itself on the way."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from crossdock.assembly import Hub, Outside
from crossdock.canonical.envelope import Event
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.settings import Settings
from tests.conftest import NOON

Apply = Callable[[Transaction, Sequence[Event]], Awaitable[None]]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(dsn: str, what: str) -> None:
    database = await Database.open(dsn, pool_size=3)
    clock = VirtualClock(NOON)
    settings = Settings(tenant="main", data_dir=Path("/nonexistent"))
    hub = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
    for reader in hub.readers:
        apply = reader.apply

        async def applied(tx: Transaction, events: Sequence[Event], apply: Apply = apply) -> None:
            await apply(tx, events)
            kill()  # written, and not committed

        is_it = reader.name == "ordered kits"
        if is_it and what == "before":
            kill()
        mortal = replace(reader, apply=applied) if is_it and what == "within" else reader
        await readers.catch_up(database, mortal, clock)
    kill()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
