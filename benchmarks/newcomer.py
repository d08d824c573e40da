"""What a newcomer waits for: the first line of `crossdock demo`, and the table at its end.

The demo runs as a child, at the size it is shipped with. Time runs from the start of the process
to the first line that it writes anywhere, and to the first of its table.

CPU is the demo's own, for each order of the day; that of its PostgreSQL is not in it.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process

from benchmarks.children import surroundings
from benchmarks.report import Figures, Goal, Report, machine, percentile

FIRST_SECONDS_MAX = 1
TABLE_SECONDS_MAX = 60
ORDERS = 200  # as `crossdock demo` plays them without a word
QUICK_ORDERS = 12
QUICK = ("--orders", str(QUICK_ORDERS), "--items", "4")


async def played(*options: str, orders: int) -> Figures:
    """Play one day; say when the first line was there, and when the table."""
    before = _cpu_of_children()
    with tempfile.TemporaryDirectory(prefix="crossdock-newcomer-") as folder:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock", "demo", *options),
            env=surroundings(TMPDIR=folder),
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            # Progress is told on one, the table on the other.
            (first, said), (table, _) = await asyncio.gather(
                _first_line(process.stderr, began), _first_line(process.stdout, began)
            )
            await process.wait()
        finally:
            await _ended(process)
    if process.returncode:
        raise RuntimeError(f"the demo has ended with {process.returncode}:\n{said}")
    return {
        "seconds_to_first_line": round(min(first, table), 3),
        "seconds_to_table": round(table, 3),
        "seconds": round(time.perf_counter() - began, 3),
        "operations": orders,
        "demo_cpu_us": round((_cpu_of_children() - before) / orders * 1e6, 1),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _first_line(stream: asyncio.StreamReader | None, began: float) -> tuple[float, str]:
    """Say when the first line was there, and what was written in all."""
    assert stream  # noqa: S101  # it was started with one
    first = await stream.readline()
    seconds = time.perf_counter() - began
    return seconds, (first + await stream.read()).decode()


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.wait()


async def run(rounds: int = 3, *, quick: bool = False) -> Report:
    """Measure the worst of some rounds; quick ones are short and prove only that it runs."""
    options, orders = (QUICK, QUICK_ORDERS) if quick else ((), ORDERS)
    figures: list[Figures] = [
        {"round": number + 1, "side": "demo", **await played(*options, orders=orders)}
        for number in range(rounds)
    ]

    def worst(figure: str) -> float:
        return percentile([float(one[figure]) for one in figures], 100)

    return Report(
        bench="newcomer",
        goals=[
            Goal(
                "the demo's first line",
                worst("seconds_to_first_line"),
                "s",
                f"<= {FIRST_SECONDS_MAX}",
            ),
            Goal("the demo's table", worst("seconds_to_table"), "s", f"<= {TABLE_SECONDS_MAX}"),
        ],
        rounds=figures,
        machine=machine(),
    )


if __name__ == "__main__":
    is_quick = "--quick" in sys.argv
    outcome = asyncio.run(run(1 if is_quick else 3, quick=is_quick))
    print(outcome.as_json() if "--json" in sys.argv else outcome.as_text())
