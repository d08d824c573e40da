"""The other side of `bench processes`: five steps in DBOS Transact, run in its own environment.

`python -m benchmarks.dbos_steps SYSTEM_DATABASE_URL RUNS CONCURRENCY POSTMASTER_PID` prints one
JSON object. Runs are started directly, on one event loop, which is its fastest way.
"""

import asyncio
import json
import sys
from collections.abc import Mapping

from dbos import DBOS

from benchmarks.report import Stopwatch


async def step(truck: int, number: int) -> int:
    return truck + number


durable_step = DBOS.step()(step)


async def load_truck(truck: int) -> int:
    for number in range(5):
        truck = await durable_step(truck, number)
    return truck


durable_load = DBOS.workflow()(load_truck)


async def loads(runs: int, concurrency: int) -> None:
    gate = asyncio.Semaphore(concurrency)

    async def one(truck: int) -> None:
        async with gate:
            await durable_load(truck)

    await asyncio.gather(*(one(truck) for truck in range(runs)))


async def measured(
    runs: int, concurrency: int, postmaster: int
) -> Mapping[str, float | int | str]:
    await loads(concurrency, concurrency)  # warm
    stopwatch = Stopwatch(postmaster)
    await loads(runs, concurrency)
    return stopwatch.figures(runs)


def main() -> None:
    url, runs, concurrency, postmaster = sys.argv[1], *(int(word) for word in sys.argv[2:5])
    DBOS(
        config={
            "name": "crossdock-bench",
            "system_database_url": url,
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    print(json.dumps(asyncio.run(measured(runs, concurrency, postmaster))))
    DBOS.destroy()


if __name__ == "__main__":
    main()
