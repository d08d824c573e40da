"""A hub process that turns the day of a location, and kills itself on the way."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from crossdock.capabilities.inventory.expiring import DayTurns, Turn
from crossdock.capabilities.inventory.lots import LotAt
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from tests.conftest import NOON


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Killed(DayTurns):
    """Dies `before` anything is counted, `within` the first step, `between` two, or `behind`."""

    what = ""
    steps = 0

    async def _count(
        self, tx: Transaction, by_row: Sequence[tuple[int, list[LotAt]]], now: datetime
    ) -> None:
        if self.what == "before" or (self.what == "between" and self.steps):
            kill()
        await super()._count(tx, by_row, now)
        self.steps += 1
        if self.what == "within":
            kill()

    async def _done(self, scope: Scope, one: Turn, day: date) -> None:
        if self.what == "behind":
            kill()
        await super()._done(scope, one, day)


async def main(dsn: str, what: str) -> None:
    database = await Database.open(dsn, pool_size=2)
    turns = Killed(database, VirtualClock(NOON + timedelta(days=1)), None)
    turns.what = what
    await turns.turn(limit=10, step=1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
