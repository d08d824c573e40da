"""A process that is killed in the middle holds nothing up for long, and is told from its heirs."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import Delivery, Translation
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
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
    ("job", "table"),
    [
        ("expire soft holds", "inventory_reservation"),
        ("turn days", "inventory_day"),
        ("recover messages", "raw_message"),
    ],
)
async def test_a_short_job_whose_process_was_killed_is_run_again_within_half_a_minute(
    start: Callable[[], Hub], clock: VirtualClock, job: str, table: str
) -> None:
    hub = start()
    await hub.jobs.register()
    async with hub.database.transaction(Scope.of_workers()) as tx:
        await tx.execute(f"lock table {table} in access exclusive mode")
        running = asyncio.create_task(hub.jobs.run_due())
        await asyncio.sleep(0.5)
        running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    await clock.advance(timedelta(seconds=30))

    assert job in await start().jobs.run_due()


async def test_a_message_that_kills_its_reader_is_not_read_a_fourth_time_under_the_same_number(
    start: Callable[[], Hub],
) -> None:
    await start().directory.add(MAIN, ENTRY)
    for _ in range(3):
        with pytest.raises(Killed):
            await start().inbox.receive(MAIN, "shop", webhook(moves=[]))

    receipt = await start().inbox.receive(MAIN, "shop", webhook(moves=[]))

    assert "ended 3 processes" in receipt.refused[0].reason
