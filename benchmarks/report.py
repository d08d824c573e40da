"""What a benchmark says: goals with the figures that prove them, raw rounds, the machine."""

import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Figures = Mapping[str, float | int | str]
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Goal:
    """`goal` is a bound like ">= 0.8" or "== 0"; whether it holds follows from it."""

    name: str
    value: float
    unit: str
    goal: str

    @property
    def holds(self) -> bool:
        sign, _, bound = self.goal.partition(" ")
        limit = float(bound.replace(",", ""))
        return {">=": self.value >= limit, "<=": self.value <= limit, "==": self.value == limit}[
            sign
        ]


@dataclass(slots=True)
class Report:
    """The one object that `crossdock bench NAME --json` prints."""

    bench: str
    goals: list[Goal] = field(default_factory=list[Goal])
    rounds: list[Figures] = field(default_factory=list[Figures])
    machine: Figures = field(default_factory=dict[str, float | int | str])

    @property
    def holds(self) -> bool:
        return all(goal.holds for goal in self.goals)

    def as_object(self) -> dict[str, Any]:
        return {
            "bench": self.bench,
            "goals": [
                {
                    "name": goal.name,
                    "value": round(goal.value, 4),
                    "unit": goal.unit,
                    "goal": goal.goal,
                    "holds": goal.holds,
                }
                for goal in self.goals
            ],
            "rounds": [dict(figures) for figures in self.rounds],
            "machine": dict(self.machine),
        }

    def as_json(self) -> str:
        return json.dumps(self.as_object(), indent=2)

    def as_text(self) -> str:
        lines = [self.bench]
        for goal in self.goals:
            mark = "holds " if goal.holds else "MISSED"
            lines.append(f"  {mark} {goal.name}: {goal.value:,.3f} {goal.unit} (goal {goal.goal})")
        return "\n".join(lines)


async def interleaved(
    sides: Mapping[str, Callable[[], Awaitable[Figures]]], rounds: int
) -> list[Figures]:
    """Run every side once a round, turning the order about, so that noise meets all alike."""
    names = list(sides)
    figures: list[Figures] = []
    for number in range(rounds):
        turned = names[number % len(names) :] + names[: number % len(names)]
        for name in turned:
            measured = await sides[name]()
            figures.append({"round": number + 1, "side": name, **measured})
    return figures


def median_of(rounds: Sequence[Figures], side: str, figure: str) -> float:
    return statistics.median(float(one[figure]) for one in rounds if one["side"] == side)


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the value that so many of a hundred do not exceed: one that was measured."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def median_ratio(rounds: Sequence[Figures], side: str, base: str, figure: str) -> float:
    """Divide within each round, then take the median: drift of the machine cancels out."""
    by_round: dict[int, dict[str, float]] = {}
    for one in rounds:
        by_round.setdefault(int(one["round"]), {})[str(one["side"])] = float(one[figure])
    return statistics.median(
        sides[side] / sides[base] for sides in by_round.values() if {side, base} <= sides.keys()
    )


class Stopwatch:
    """Wall time, CPU of this process, and CPU of a PostgreSQL with all its backends."""

    def __init__(self, postmaster: int | None = None) -> None:
        self._postmaster = postmaster
        self._wall = time.perf_counter()
        self._client = time.process_time()
        self._server = tree_cpu_seconds(postmaster) if postmaster else 0.0

    def figures(self, operations: int) -> dict[str, float | int | str]:
        wall = time.perf_counter() - self._wall
        client = time.process_time() - self._client
        server = tree_cpu_seconds(self._postmaster) - self._server if self._postmaster else 0.0
        return {
            "operations": operations,
            "seconds": round(wall, 4),
            "per_second": round(operations / wall, 1),
            "client_cpu_us": round(client / operations * 1e6, 2),
            "server_cpu_us": round(server / operations * 1e6, 2),
            "cpu_us": round((client + server) / operations * 1e6, 2),
            "load": round(os.getloadavg()[0], 2),
        }


def postmaster_of(data_dir: Path) -> int:
    """Find the process that owns the embedded cluster in a data directory."""
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def tree_cpu_seconds(parent: int) -> float:
    """Sum the CPU of a process, of its living children, and of those that have ended."""
    total = 0.0
    fields = _stat(parent)
    if fields:
        total += sum(fields[index] for index in (11, 12, 13, 14))
    for child in _children(parent):
        if fields := _stat(child):
            total += fields[11] + fields[12]
    return total / TICKS_PER_SECOND


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and fields[1] == parent:
                found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[int]:
    """Read the numbers of /proc/PID/stat from the parent on; index 11 is utime, 12 stime."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    rest = text.rpartition(")")[2].split()
    return [int(word) if word.lstrip("-").isdigit() else 0 for word in rest]


def machine(**more: float | str) -> dict[str, float | int | str]:
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else ""
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        **more,
    }
