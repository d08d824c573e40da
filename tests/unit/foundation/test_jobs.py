"""A job runs when it is due, in one process, and says when it failed."""

import asyncio
from datetime import datetime, timedelta

import pytest

from crossdock.canonical.errors import NotFound
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.jobs import Job, Jobs
from tests.conftest import NOON

MINUTE = timedelta(minutes=1)


class Sweep:
    """Counts its runs; can be slow or fail."""

    def __init__(self, *, seconds: float = 0.0, failure: str = "") -> None:
        self.runs = 0
        self.failure = failure
        self._seconds = seconds

    async def __call__(self) -> None:
        self.runs += 1
        await asyncio.sleep(self._seconds)
        if self.failure:
            raise ValueError(self.failure)


async def jobs_of(database: Database, clock: VirtualClock, *jobs: Job) -> Jobs:
    made = Jobs(database, clock, jobs)
    await made.register()
    return made


async def test_a_job_runs_at_once_and_then_every_so_often(
    database: Database, clock: VirtualClock
) -> None:
    sweep = Sweep()
    jobs = await jobs_of(database, clock, Job(name="sweep", every=MINUTE, work=sweep))

    assert await jobs.run_due() == ["sweep"]
    assert await jobs.run_due() == []
    await clock.advance(MINUTE)
    assert await jobs.run_due() == ["sweep"]

    assert sweep.runs == 2
    assert (await jobs.listed())[0].ran_at == NOON + MINUTE


async def test_a_job_is_due_before_its_time_where_there_is_more_to_do(
    database: Database, clock: VirtualClock
) -> None:
    asked: list[datetime] = []

    async def soon(moment: datetime) -> datetime | None:
        asked.append(moment)
        return {NOON: NOON + MINUTE / 4, NOON + MINUTE / 4: NOON + 9 * MINUTE}.get(moment)

    sweep = Sweep()
    job = Job(name="sweep", every=MINUTE, work=sweep, next_after=soon)
    jobs = await jobs_of(database, clock, job)
    runs: list[int] = []
    for seconds in (0, 14, 1, 59, 1, 59, 1):
        await clock.advance(timedelta(seconds=seconds))
        await jobs.run_due()
        runs.append(sweep.runs)

    assert runs == [1, 1, 2, 2, 3, 3, 4]
    assert asked[:2] == [NOON, NOON + MINUTE / 4]


async def test_registering_again_changes_nothing(database: Database, clock: VirtualClock) -> None:
    job = Job(name="sweep", every=MINUTE, work=Sweep())
    await (await jobs_of(database, clock, job)).run_due()

    assert await (await jobs_of(database, clock, job)).run_due() == []


async def test_two_processes_run_a_job_once(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    sweep = Sweep(seconds=0.2)
    job = Job(name="sweep", every=MINUTE, work=sweep)
    other = await Database.open(dsn)

    ran = await asyncio.gather(
        (await jobs_of(database, clock, job)).run_due(),
        (await jobs_of(other, clock, job)).run_due(),
    )
    await other.close()

    assert sorted(ran) == [[], ["sweep"]]
    assert sweep.runs == 1


async def test_a_failure_is_seen_and_the_next_success_clears_it(
    database: Database, clock: VirtualClock
) -> None:
    sweep = Sweep(failure="disk full")
    well = Sweep()
    jobs = await jobs_of(
        database,
        clock,
        Job(name="bad", every=MINUTE, work=sweep),
        Job(name="good", every=MINUTE, work=well),
    )

    assert await jobs.run_due() == ["bad", "good"]
    assert [state.failure for state in await jobs.listed()] == ["ValueError('disk full')", ""]

    sweep.failure = ""
    await clock.advance(MINUTE)
    await jobs.run_due()
    assert [state.failure for state in await jobs.listed()] == ["", ""]


async def test_a_job_that_hangs_is_cut_off(database: Database, clock: VirtualClock) -> None:
    job = Job(
        name="hangs", every=MINUTE, work=Sweep(seconds=60), limit=timedelta(milliseconds=100)
    )
    jobs = await jobs_of(database, clock, job)

    await jobs.run_due()

    assert (await jobs.listed())[0].failure == "TimeoutError()"


async def test_a_job_whose_process_died_comes_back_after_its_lease(
    database: Database, clock: VirtualClock
) -> None:
    sweep = Sweep(seconds=60)
    job = Job(name="sweep", every=timedelta(days=1), work=sweep)
    jobs = await jobs_of(database, clock, job)
    dying = asyncio.create_task(jobs.run_due())
    while not sweep.runs:
        await asyncio.sleep(0.01)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying

    await clock.advance(timedelta(minutes=4))
    assert await Jobs(database, clock, [job]).run_due() == []
    await clock.advance(MINUTE)
    well = Sweep()
    replacement = Job(name="sweep", every=timedelta(days=1), work=well)
    assert await Jobs(database, clock, [replacement]).run_due() == ["sweep"]


async def test_a_job_can_be_hurried(database: Database, clock: VirtualClock) -> None:
    jobs = await jobs_of(database, clock, Job(name="sweep", every=MINUTE, work=Sweep()))
    await jobs.run_due()

    await jobs.hurry("sweep")

    assert await jobs.run_due() == ["sweep"]
    with pytest.raises(NotFound, match="no job is called 'dust'"):
        await jobs.hurry("dust")


async def test_following_wakes_by_the_clock(database: Database, clock: VirtualClock) -> None:
    sweep = Sweep()
    jobs = await jobs_of(database, clock, Job(name="sweep", every=MINUTE, work=sweep))
    following = asyncio.create_task(jobs.follow())

    async with asyncio.timeout(10):
        while sweep.runs < 3:
            await asyncio.sleep(0.01)
            await clock.advance(timedelta(seconds=30))
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
