"""A process killed while it applies a run: all has happened or nothing, and again is once."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.allocation.conftest import Floor, opened
from tests.unit.capabilities.allocation.test_meanwhile import until_somebody_waits_for_a_lock
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand

ROOT = Path(__file__).parents[2]
LINES = 40
ELSE = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and state = 'active'
"""


async def approving(dsn: str, run_id: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulation.allocation_process", dsn, run_id), cwd=ROOT
    )


async def ended(process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


async def until_nobody_works(floor: Floor) -> None:
    async with asyncio.timeout(30):
        while True:
            async with floor.database.transaction(Scope.of_workers()) as tx:
                if not await tx.fetchval(ELSE):
                    return
            await asyncio.sleep(0.01)


@pytest.fixture
async def floor(database: Database, clock: VirtualClock) -> Floor:
    floor = await opened(database, clock)
    await floor.hear(
        counted(1, count(LINES)),
        *(of("web", f"O{n}", 1, demand(f"O{n}/1", 1)) for n in range(LINES)),
    )
    return floor


# The table that a run comes to: before anything, after its lines, after all of it.
@pytest.mark.parametrize("held", ["allocation_run", "event_log", ""])
async def test_a_killed_process_leaves_a_run_applied_or_not_and_again_it_is_applied_once(
    floor: Floor, dsn: str, held: str
) -> None:
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    owner: Any = await asyncpg.connect(dsn)
    if held:
        lock = owner.transaction()
        await lock.start()
        await owner.execute(f"lock table {held} in share mode")
        process = await approving(dsn, run.run_id)
        await until_somebody_waits_for_a_lock(floor)
        process.kill()
        await ended(process)
        await lock.rollback()
    else:
        await ended(await approving(dsn, run.run_id))
    await owner.close()
    await until_nobody_works(floor)

    is_applied = not held
    assert set((await floor.confirmed()).values()) == {int(is_applied)}
    assert len(await floor.changes()) == LINES * is_applied
    state = (await floor.allocation.run(MAIN, run.run_id)).state
    assert state == ("APPLIED" if is_applied else "SIMULATED")

    for _ in range(2):
        assert (await floor.allocation.approve(MAIN, run.run_id, by="boss")).state == "APPLIED"
    assert set((await floor.confirmed()).values()) == {1}
    assert len(await floor.changes()) == LINES
