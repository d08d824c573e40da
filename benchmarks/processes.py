"""Five steps without outside effects: this engine against DBOS Transact, same server, same run.

Both sides start each run, take five steps that are durable one after the other, and keep what
each step did. DBOS runs from its own environment (`requirements/bench-dbos.txt`), which is made
on first use.
"""

import asyncio
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from benchmarks.report import (
    Figures,
    Goal,
    Report,
    Stopwatch,
    interleaved,
    machine,
    median_of,
    median_ratio,
    postmaster_of,
)
from crossdock.canonical.commands import Command
from crossdock.foundation import migrate
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import Decision, Engine, Key, Process
from crossdock.orchestration.engine.marking import mark_keys

ROOT = Path(__file__).parent.parent
VENV = ROOT / ".peers" / "dbos"
STEPS = 5
WORKERS = 2
DBOS_CONCURRENCY = 16
"""Beyond this it gains nothing: its own CPU is the limit."""


@dataclass(frozen=True, slots=True)
class Truck:
    steps: int = 0


def decide(truck: Truck, _facts: None, now: datetime) -> Decision[Truck]:
    """Take one step; be due at once for the next."""
    taken = truck.steps + 1
    timers = {"next": now} if taken < STEPS else {}
    return Decision(ledger=Truck(taken), timers=timers, note=f"step {taken}")


async def load(_tx: Transaction, keys: Sequence[Key]) -> Mapping[Key, None]:
    return dict.fromkeys(keys)


class NoOutbox:
    """There are no outside effects to carry."""

    async def enqueue(self, _tx: Transaction, commands: Sequence[Command]) -> None:
        raise AssertionError(commands)


class Ours:
    """This engine, in this process, with two workers on one event loop."""

    def __init__(self, database: Database, runs: int, postmaster: int) -> None:
        process = Process(name="trucks", ledger=Truck, subscriptions={}, load=load, decide=decide)
        self._engine = Engine(database, SystemClock(), NoOutbox(), [process])
        self._database = database
        self._runs = runs
        self._postmaster = postmaster
        self._rounds = itertools.count()

    async def measured(self) -> Figures:
        number = next(self._rounds)
        keys = [Key("main", f"{number}-{truck}") for truck in range(self._runs)]
        stopwatch = Stopwatch(self._postmaster)
        for start in range(0, len(keys), 1000):
            async with self._database.transaction(Scope("main")) as tx:
                await mark_keys(tx, "trucks", keys[start : start + 1000], SystemClock().now())
        await asyncio.gather(*(self._engine.run_due() for _ in range(WORKERS)))
        figures = stopwatch.figures(len(keys))
        await self._check(number)
        return figures

    async def _check(self, number: int) -> None:
        """Every run took its five steps, each once: the journal says so."""
        async with self._database.transaction(Scope("main")) as tx:
            steps = await tx.fetchval(
                "select count(*) from process_journal where instance like $1", f"{number}-%"
            )
        if steps != self._runs * STEPS:
            raise AssertionError(f"{steps} steps for {self._runs} runs of {STEPS}")


class Theirs:
    """DBOS Transact, in a process and an environment of its own."""

    def __init__(self, url: str, runs: int, postmaster: int) -> None:
        self._command = (
            str(VENV / "bin" / "python"),
            "-m",
            "benchmarks.dbos_steps",
            url,
            str(runs),
            str(DBOS_CONCURRENCY),
            str(postmaster),
        )

    async def measured(self) -> Figures:
        worker = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdout=subprocess.PIPE
        )
        output, _ = await worker.communicate()
        if worker.returncode:
            raise RuntimeError(f"DBOS ended with {worker.returncode}")
        figures: Figures = json.loads(output)
        return figures


def locked(venv: Path, requirements: Path) -> Path:
    """Make an environment of exactly the locked packages, anew when the lock changes."""
    python, stamp = venv / "bin" / "python", venv / "crossdock-lock"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)  # noqa: S603 - words of the benchmark's own
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(requirements)], check=True)  # noqa: S603 - words of the benchmark's own
        stamp.write_text(wanted)
    return python


def install_dbos() -> str:
    """Make its environment, unless it is there as locked; say its version."""
    python = locked(VENV, ROOT / "requirements" / "bench-dbos.txt")
    ask = "from importlib.metadata import version; print(version('dbos'))"
    answer = subprocess.run(  # noqa: S603 - words of the benchmark's own
        [str(python), "-c", ask], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


async def run(rounds: int = 5, *, quick: bool = False) -> Report:
    """Measure both sides in turn on one embedded PostgreSQL, fsync on."""
    version = await asyncio.to_thread(install_dbos)
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as folder:
        postgres = await EmbeddedPostgres.start(Path(folder))
        try:
            figures = await _measured(postgres, Path(folder), rounds, quick=quick)
        finally:
            postgres.stop()
    return Report(
        "processes",
        [
            Goal(
                "five-step runs per second over DBOS Transact",
                median_ratio(figures, "crossdock", "dbos", "per_second"),
                "times",
                ">= 50",
            ),
            Goal(
                "CPU of a run, own and the server's, DBOS Transact over ours",
                median_of(figures, "dbos", "cpu_us") / median_of(figures, "crossdock", "cpu_us"),
                "times",
                ">= 50",
            ),
        ],
        figures,
        machine(dbos=version),
    )


async def _measured(
    postgres: EmbeddedPostgres, folder: Path, rounds: int, *, quick: bool
) -> list[Figures]:
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("create database dbos_side")
    await connection.close()
    await migrate.upgrade(postgres.dsn)
    postmaster = postmaster_of(folder)
    database = await Database.open(postgres.dsn)
    try:
        ours = Ours(database, 1000 if quick else 5000, postmaster)
        theirs = Theirs(postgres.dsn_of("dbos_side"), 48 if quick else 200, postmaster)
        sides = {"crossdock": ours.measured, "dbos": theirs.measured}
        return await interleaved(sides, rounds)
    finally:
        await database.close()
