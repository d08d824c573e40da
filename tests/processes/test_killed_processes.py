"""A process that is killed in the middle holds nothing up for long, and is told from its heirs."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.quantities import MICROS
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import Delivery, Translation
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.jobs import Jobs
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from tests.conftest import NOON
from tests.unit.capabilities.inventory.house import House, count, counted
from tests.unit.capabilities.inventory.test_expiring import lot
from tests.unit.connectivity.standins import MAIN, Desk, webhook, world

ENTRY = Entry(tenant="main", name="shop", application="stand_in", settings={"address": "shop"})


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


class Deadly(Desk):
    def translate(self, delivery: Delivery) -> Translation:
        del delivery
        raise Killed


@pytest.fixture
def start(dsn: str, database: Database, clock: VirtualClock, tmp_path: Path) -> Callable[[], Hub]:
    """Start a process, as it were: each has the machine's name and the same number."""
    applications = world(database, clock, receive=Deadly).directory.applications
    settings = Settings(tenant="main", data_dir=tmp_path)
    outside = Outside(clock=clock, applications=applications)
    return lambda: Hub(settings, dsn, database, outside)


@pytest.mark.parametrize(
    ("job", "table", "jobs_of"),
    [
        ("expire soft holds", "inventory_reservation", lambda hub: hub.jobs),
        ("turn days", "inventory_day", lambda hub: hub.day_turns),
        ("recover messages", "raw_message", lambda hub: hub.jobs),
    ],
)
async def test_a_short_job_whose_process_was_killed_is_run_again_within_half_a_minute(
    start: Callable[[], Hub],
    clock: VirtualClock,
    job: str,
    table: str,
    jobs_of: Callable[[Hub], Jobs],
) -> None:
    hub = start()
    await jobs_of(hub).register()
    async with hub.database.transaction(Scope.of_workers()) as tx:
        await tx.execute(f"lock table {table} in access exclusive mode")
        running = asyncio.create_task(jobs_of(hub).run_due())
        await asyncio.sleep(0.5)
        running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    await clock.advance(timedelta(seconds=30))

    assert job in await jobs_of(start()).run_due()


async def test_a_midnight_does_not_wait_for_a_job_that_runs_for_minutes(
    start: Callable[[], Hub], clock: VirtualClock
) -> None:
    """Something slow holds the other jobs up; the day turns on its own, at midnight sharp."""
    hub = start()
    await hub.jobs.register()
    await hub.day_turns.register()
    house = await House.opened(hub.database, clock)
    await house.hear(lot("L1", NOON.date()), counted(1, count(5, lot="L1")))
    await clock.advance(timedelta(hours=12) - timedelta(seconds=3))
    async with hub.database.transaction(Scope.of_workers()) as tx:
        await tx.execute("lock table inventory_reservation in access exclusive mode")
        slow = asyncio.create_task(hub.jobs.run_due())
        assert await hub.day_turns.run_due() == ["turn days"]
        await clock.advance(timedelta(seconds=3))
        assert await hub.day_turns.run_due() == ["turn days"]
        slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)

    stock = await house.stock()
    assert (stock.figures.nettable, stock.expired) == (0, 5 * MICROS)


async def test_a_message_that_kills_its_reader_is_not_read_a_fourth_time_under_the_same_number(
    start: Callable[[], Hub],
) -> None:
    await start().directory.add(MAIN, ENTRY)
    for _ in range(3):
        with pytest.raises(Killed):
            await start().inbox.receive(MAIN, "shop", webhook(moves=[]))

    receipt = await start().inbox.receive(MAIN, "shop", webhook(moves=[]))

    assert "ended 3 processes" in receipt.refused[0].reason
