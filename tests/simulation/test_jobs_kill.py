"""A job that is killed before any of its statements is done by the next, once, and wholly."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.capabilities.reconciliation import counted_store
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from tests.processes.shelf import Warehouse, asked_warehouse, connect_items
from tests.processes.shelf_counts import counts, listed, told
from tests.processes.test_counts_heard import of_a_day
from tests.processes.test_counts_unsettled import DAY, refuses_the_task
from tests.processes.test_overdue_supply import JOB as OVERDUE
from tests.processes.test_overdue_supply import TODAY, Buying, due

ROOT = Path(__file__).parents[2]
STATEMENTS_MAX = 60

Shows = Callable[[], Awaitable[object]]


class Mortals:
    """Runs a job in processes that die on the way, each once the lease of the last is over."""

    def __init__(self, process: asyncio.subprocess.Process, clock: VirtualClock) -> None:
        self._process = process
        self._clock = clock

    async def run(self, job: str, after: int) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{job}|{self._clock.now().isoformat()}|{after}\n".encode())
        async with asyncio.timeout(60):
            said = await self._process.stdout.readline()
        return said.decode().strip()

    async def killed_anywhere(self, job: str, shows: Shows) -> list[object]:
        """Kill it before each of its statements, until one is done; give all that was seen."""
        await self._clock.advance(timedelta(hours=1))  # it is due
        seen = [await shows()]
        for after in range(STATEMENTS_MAX):
            await self._clock.advance(timedelta(minutes=6))
            said = await self.run(job, after)
            found = await shows()
            if found != seen[-1]:
                seen.append(found)
            if said == "done":
                assert after > 4
                return seen
            assert said == "killed"
        raise AssertionError("it asks more than was thought")


@asynccontextmanager
async def mortals(dsn: str, clock: VirtualClock) -> AsyncIterator[Mortals]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulation.mortal_jobs", dsn),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Mortals(process, clock)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def test_overdue_supply_is_a_case_once_and_is_closed_once(
    dsn: str, tmp_path: Path, clock: VirtualClock
) -> None:
    settings = Settings(data_dir=tmp_path, dsn=SecretStr(dsn))
    async with Hub.open(settings, Outside(clock=clock)) as hub, mortals(dsn, clock) as dying:
        buying = Buying(hub, clock)
        await buying.hear(ItemChanged(sku="BOLT"), LocationChanged(code="DC1"))
        late = TODAY - 2 * DAY
        await buying.hear(due("po:7/1", late), due("po:8/1", late))

        async def cases() -> list[tuple[str, str, int]]:
            found = await hub.cases.find(hub.scope, state="")
            return sorted((one.entity, str(one.state), one.count) for one in found)

        open_ = [("po:7", "OPEN", 1), ("po:8", "OPEN", 1)]
        assert await dying.killed_anywhere(OVERDUE, cases) == [[], open_]

        await buying.hear(due("po:7/1", late, 0))
        gone = [("po:7", "CLOSED", 1), ("po:8", "OPEN", 1)]
        assert await dying.killed_anywhere(OVERDUE, cases) == [open_, gone]


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def test_what_no_count_settles_is_asked_for_once_more_and_is_one_case(
    wms: Warehouse, dsn: str
) -> None:
    await counts(wms, 901, 20, by="ann")
    await refuses_the_task(wms)
    await wms.at.clock.advance(DAY)

    async def asked() -> tuple[int, list[tuple[str, int]]]:
        cases = [(one.code, one.count) for one in await wms.open_cases()]
        return len(await told(wms)), cases

    async with mortals(dsn, wms.at.clock) as dying:
        seen = await dying.killed_anywhere("unsettled counts", asked)
    assert seen == [(2, []), (3, [("INV-SUSPECT", 1)])]


async def test_second_counts_that_a_day_had_no_room_for_are_asked_for_once(
    wms: Warehouse, dsn: str
) -> None:
    hub = wms.at.hub
    await connect_items(wms, ["ANT", "BEE", "CAT"])
    await of_a_day(wms, 0)
    for number, name in enumerate(("CAT", "ANT", "BEE")):
        await counts(wms, 901 + number, 5, item=name, by="ann")
    await of_a_day(wms, 2)
    await wms.at.clock.advance(DAY)

    async def asked() -> tuple[list[str], int, int]:
        tasks = [one.item for one in await hub.count_tasks.listed(hub.scope)]
        left = len(await listed(wms, matter="NOT_ASKED"))
        async with hub.database.transaction(hub.scope) as tx:
            day = wms.at.clock.now().date()
            return sorted(tasks), left, await counted_store.asked_on(tx, "DC1", day)

    async with mortals(dsn, wms.at.clock) as dying:
        seen = await dying.killed_anywhere("count tasks", asked)
    assert seen == [([], 3, 0), (["ANT", "CAT"], 1, 2)]
