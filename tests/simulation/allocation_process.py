"""A hub process that approves one run and kills itself then, or is killed before that."""

import asyncio
import os
import signal
import sys

from crossdock.capabilities.inventory import Inventory
from crossdock.capabilities.supply import Supply
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import SystemIds
from crossdock.orchestration.allocating import Allocating
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Greenwich
from tests.unit.capabilities.inventory.house import MAIN


async def main(dsn: str, run_id: str) -> None:
    database = await Database.open(dsn, pool_size=2)
    clock = VirtualClock(NOON)
    inventory = Inventory(database, clock)
    supply = Supply(database, clock, inventory.standings, Greenwich())
    allocating = Allocating(database, clock, SystemIds(), inventory, supply)
    await allocating.service.approve(MAIN, run_id, by="boss")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
