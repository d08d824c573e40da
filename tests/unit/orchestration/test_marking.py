"""Whoever has all of a process looked at misses none, whatever a worker does meanwhile."""

import asyncio
from datetime import datetime, timedelta

import pytest

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import Key
from crossdock.orchestration.engine.marking import mark_all, mark_keys
from crossdock.orchestration.engine.work import CLAIM, REST

MAIN = Scope("main")
HERE = "process = 'showing' and tenant = 'main'"
TIMER = f"update process_instance set due_at = $1 where {HERE} and instance = 'D1'"
DUE = f"select instance, due_at from process_instance where {HERE} order by instance"
WAITING = """
select count(*) from pg_locks join pg_stat_activity using (pid)
where not granted and datname = current_database()
"""
PATIENCE = 10


async def due(database: Database) -> dict[str, datetime | None]:
    async with database.transaction(MAIN) as tx:
        return {row["instance"]: row["due_at"] for row in await tx.fetch(DUE)}


async def until_it_waits(database: Database, task: "asyncio.Task[None]") -> None:
    """Wait until a task waits for a row, or has gone past it."""
    async with asyncio.timeout(PATIENCE):
        while not task.done() and not (await database.call(WAITING))[0][0]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("timer", [None, timedelta(hours=1)])
async def test_an_instance_that_a_worker_has_in_hand_is_looked_at_once_more(
    database: Database, clock: VirtualClock, timer: timedelta | None
) -> None:
    before = clock.now()
    async with database.transaction(MAIN) as tx:
        await mark_keys(tx, "showing", [Key("main", "D1"), Key("main", "D2")], before)
    await clock.advance(timedelta(seconds=1))
    now = clock.now()

    async def mark() -> None:
        async with database.transaction(MAIN) as tx:
            await mark_all(tx, "showing", "main", now)

    async with database.transaction(Scope.of_workers()) as tx:
        assert len(await tx.fetch(CLAIM, "showing", now, 10)) == 2
        marking = asyncio.create_task(mark())
        await until_it_waits(database, marking)
        await tx.execute(REST, "showing", ["main"], ["D1"])
        if timer is not None:
            await tx.execute(TIMER, now + timer)
    await marking

    assert await due(database) == {"D1": now, "D2": before}


async def test_what_is_due_already_stays_due_since_then_and_what_is_not_is_due_now(
    database: Database, clock: VirtualClock
) -> None:
    now = clock.now()
    earlier, later = now - timedelta(hours=1), now + timedelta(hours=1)
    async with database.transaction(MAIN) as tx:
        await mark_keys(tx, "showing", [Key("main", "D0")], earlier)
        await mark_keys(tx, "showing", [Key("main", "D1")], later)
        await mark_keys(tx, "showing", [Key("main", "D2")], later)
        await tx.execute(REST, "showing", ["main"], ["D2"])

        await mark_all(tx, "showing", "main", now)

    assert await due(database) == {"D0": earlier, "D1": now, "D2": now}
