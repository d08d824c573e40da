"""A hub process that turns the day of a location, and kills itself on the way."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

from crossdock.capabilities.inventory.lots import LotAt
from crossdock.capabilities.inventory.turning import Bounds, DayTurns, Turn
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from tests.conftest import NOON


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Killed(DayTurns):
    """Dies `before` anything is counted, `within` the first step, `between` two, or `behind`."""

    what = ""
    steps = 0

    async def _count(self, tx: Transaction, found: Sequence[tuple[int, LotAt]]) -> None:
        if self.what == "before" or (self.what == "between" and self.steps):
            kill()
        await super()._count(tx, found)
        self.steps += 1
        if self.what == "within":
            kill()

    async def _done(self, turn: Turn) -> None:
        if self.what == "behind":
            kill()
        await super()._done(turn)


async def main(dsn: str, what: str) -> None:
    database = await Database.open(dsn, pool_size=2)
    clock = VirtualClock(NOON + timedelta(days=1))
    turns = Killed(database, clock, None, Bounds(step=1))
    turns.what = what
    await turns.turn(limit=10)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
