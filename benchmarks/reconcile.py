"""Reconciliation: a million positions against an ERP's dumps, with 500 differences planted.

They are of every root-cause class, about as many of each.

The command is the one that a person types, in a process of its own, twice: a difference counts
when the second dump shows it again. Meanwhile movements flow into the hub. Memory is the peak of
the command's process; PostgreSQL's own is what it always is.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
from pydantic import SecretStr

from benchmarks.children import surroundings
from benchmarks.reconcile_world import (
    CAUSES,
    FILL,
    LOCATIONS,
    PART,
    REFUSED,
    SET,
    Judgement,
    World,
    judged,
    movement,
)
from benchmarks.report import Figures, Goal, Report, machine, postmaster_of, tree_cpu_seconds
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.inventory import MovementType
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.foundation import migrate
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.settings import SettingsAlone

CHUNK = 100_000
COUNTS = ("compared", "alike", "explained", "suspected", "confirmed", "gone")
FLOW_BATCH, FLOW_PAUSE = 50, 0.25
MIB = 1024


async def run(rounds: int = 1, quick: bool = False) -> Report:  # noqa: FBT001, FBT002 - as the command calls it
    """Measure once: a second measurement of the same would show the same."""
    del rounds
    size, differences = (20_000, 60) if quick else (1_000_000, 500)
    return await measured(size, differences)


async def measured(size: int, differences: int) -> Report:
    planted = {"planted": differences, "classes": len(CAUSES)}
    report = Report("reconcile", machine=machine(positions=size, **planted))
    now = datetime.now(UTC).replace(microsecond=0)
    first, second = now - timedelta(minutes=40), now - timedelta(minutes=5)
    world = World(size, differences, first, second)
    world.plan()
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as folder:
        server = await EmbeddedPostgres.start(Path(folder))
        try:
            dsn = await _filled(server, world)
            await _compared(dsn, Path(folder), world, report)
        finally:
            server.stop()
    return report


async def _filled(server: EmbeddedPostgres, world: World) -> str:
    owner: Any = await asyncpg.connect(server.dsn, command_timeout=3600)
    await owner.execute("create database reconcile")
    await owner.close()
    dsn = server.dsn_of("reconcile")
    await migrate.upgrade(dsn)
    owner = await asyncpg.connect(dsn, command_timeout=3600)
    for begin in range(1, world.size + 1, CHUNK):
        await owner.execute(FILL, begin, min(begin + CHUNK - 1, world.size))
    for part in world.parts():
        await owner.execute(PART, *part)
    for negative in world.negatives():
        await owner.execute(SET, *negative)
    for refused in world.refused:
        await owner.execute(REFUSED, *refused)
    await owner.execute("vacuum analyze")
    await owner.close()
    return dsn


async def _compared(dsn: str, folder: Path, world: World, report: Report) -> None:
    settings = SettingsAlone(dsn=SecretStr(dsn), data_dir=folder / "hub", log_level="ERROR")
    postmaster = postmaster_of(folder)
    async with Hub.open(settings, Outside(applications={})) as hub:
        places = [own_fact(LocationChanged(code=f"DC{n}"), world.first) for n in range(LOCATIONS)]
        await hub.record(places, source=OWN_SOURCE)
        for begin in range(0, len(world.facts), 500):
            await hub.record(world.facts[begin : begin + 500], source="wms")
        for number, at in enumerate((world.first, world.second)):
            dump, log = folder / "erp.csv", folder / "log.csv"
            world.dump(dump, at)
            world.dump_log(log, at)
            before = tree_cpu_seconds(postmaster)
            async with _flowing(hub, world, number) as flow:
                words = ("run", "--against", str(dump), "--log", str(log), "--source", "erp")
                said, figures = await _typed(dsn, folder, *words, "--full")
            counts = {name: said[name] for name in COUNTS}
            # PostgreSQL's is in all: with what it does for the movements that flow in meanwhile.
            cpu = (float(figures["cpu_seconds"]), tree_cpu_seconds(postmaster) - before)
            each = [round(seconds / counts["compared"] * 1e6, 2) for seconds in (*cpu, sum(cpu))]
            measured = dict(zip(("client_cpu_us", "server_cpu_us", "cpu_us"), each, strict=True))
            report.rounds.append(
                {"round": number + 1, **figures, **measured, **counts, "flowed": flow[0]}
            )
        found, _ = await _typed(dsn, folder, "list", "--state", "CONFIRMED", "--limit", "1000")
        passed, _ = await _typed(dsn, folder, "list", "--state", "CLOSED", "--limit", "1000")
    _conclude(report, judged(world.planted, found, passed))


def _conclude(report: Report, judgement: Judgement) -> None:
    planted, rounds = judgement.planted, list(report.rounds)
    if judgement.amiss:
        report.machine = {**report.machine, **judgement.amiss}
    report.goals += [
        Goal("planted differences found", judgement.found, "of them", f">= {planted}"),
        Goal("false differences", judgement.false, "", "== 0"),
        Goal("classes right", 100 * judgement.right / planted, "%", ">= 95"),
        Goal("peak memory", max(float(one["mib"]) for one in rounds), "MiB", "<= 256"),
        Goal("longest run", max(float(one["seconds"]) for one in rounds), "s", "<= 60"),
    ]


@asynccontextmanager
async def _flowing(hub: Hub, world: World, round_number: int) -> AsyncIterator[list[int]]:
    """Let movements of any item flow in while the block lasts; count them."""
    flowed = [0]
    random = Random(round_number)

    async def flow() -> None:
        while True:
            now = hub.clock.now()
            facts = [
                movement(
                    f"F-{round_number}-{flowed[0]}-{n}",
                    random.randint(1, world.size),
                    random.choice([-1, 1]) * random.randint(1, 30),
                    MovementType.OTHER,
                    recorded_at=now,
                    occurred_at=now,
                )
                for n in range(FLOW_BATCH)
            ]
            await hub.record(facts, source="wms")
            flowed[0] += FLOW_BATCH
            await asyncio.sleep(FLOW_PAUSE)

    task = asyncio.create_task(flow())
    try:
        yield flowed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _typed(dsn: str, folder: Path, *words: str) -> tuple[Any, Figures]:
    """Type a command; answer what it said, how long it took and what it held at most."""
    began = time.perf_counter()
    output = folder / "said.json"
    environment = surroundings(CROSSDOCK_DSN=dsn, CROSSDOCK_DATA_DIR=str(folder / "hub"))
    command = [sys.executable, "-m", "crossdock", "reconcile", *words, "--json"]
    status, usage = await asyncio.to_thread(_waited, command, environment, output)
    if status:
        raise RuntimeError(f"`crossdock reconcile {words[0]}` ended with {status}")
    figures: Figures = {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "mib": round(usage.ru_maxrss / MIB, 1),
    }
    return json.loads(output.read_text()), figures


def _waited(command: list[str], environment: dict[str, str], output: Path) -> tuple[int, Any]:
    """Run a process to its end; answer how it ended and what it used."""
    with output.open("wb") as file:
        actions = [(os.POSIX_SPAWN_DUP2, file.fileno(), 1)]
        pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
    return status, usage


if __name__ == "__main__":
    outcome = asyncio.run(run(1, "--quick" in sys.argv))
    print(outcome.as_json() if "--json" in sys.argv else outcome.as_text())
