"""EDI: how fast files are read and checked, and in how much memory, beside other libraries.

Each file is one interchange on the disk, read piece by piece as the command reads it. Its bytes
are divided by the CPU of one core. Of each kind there are two files, and the slower one counts:
one whose segments come again and again, and one in which nearly every one is new. `envelope` reads
all segments and checks headers, trailers, counts and numbers; `full` is what `crossdock edi
validate` checks; `answered` writes the acknowledgment, too. The peers read smaller files of the
same kinds, in an environment of their own (`requirements/bench-edi.txt`) made on first use.

    crossdock bench edi --json
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import edi_files, edi_peers
from benchmarks.children import ROOT, surroundings
from benchmarks.edi_reading import read
from benchmarks.processes import locked
from benchmarks.report import Figures, Goal, Report, interleaved, machine, median_of

MB = 1_000_000
LARGE, SIZE, OF_PEERS = 200 * MB, 16 * MB, 2 * MB
QUICK_LARGE, QUICK_SIZE, QUICK_OF_PEERS = 10 * MB, MB, MB // 10
GOALS: Mapping[str, tuple[int, int]] = {
    "850": (50, 15),
    "856": (40, 10),
    "ORDERS": (20, 8),
    "DESADV": (20, 8),
}
"""MB per CPU-second of one core: of the envelope, and of the full check."""
PEAK_MIB = 30
VENV = ROOT / ".peers" / "edi"
REQUIREMENTS = ROOT / "requirements" / "bench-edi.txt"
SORTS = {"again": False, "unique": True}


async def measured(kind: str, depth: str, file: Path) -> Figures:
    """Read a file once; a finding would be a fault of the file, or ours."""
    began = time.process_time()
    for event in read(kind, depth, file):
        if getattr(event, "findings", ()):
            raise AssertionError(f"{file.name}: {event.findings[0]}")
    return _figures(file, time.process_time() - began)


def _figures(file: Path, cpu: float) -> dict[str, float | int | str]:
    size = file.stat().st_size
    return {
        "bytes": size,
        "cpu_seconds": round(cpu, 4),
        "mb_per_cpu_second": round(size / MB / cpu, 2),
    }


def sides(folder: Path, size: int) -> dict[str, Callable[[], Awaitable[Figures]]]:
    """Write the files, and say how each is measured."""
    found: dict[str, Callable[[], Awaitable[Figures]]] = {}
    for kind in edi_files.KINDS:
        for sort, is_unique in SORTS.items():
            file = folder / f"{kind}-{sort}.edi"
            edi_files.write(file, kind, size, is_unique=is_unique)
            for depth in ("envelope", "full", *(("answered",) if is_unique else ())):
                found[f"{kind} {depth} {sort}"] = partial(measured, kind, depth, file)
    return found


async def peer(name: str, file: Path) -> Figures:
    """Let another library read a file."""
    python = VENV / "bin" / "python"
    said = await _child(python, "-W", "ignore", "-m", "benchmarks.edi_peers", name, file)
    figures = _figures(file, float(said["cpu_seconds"]))
    return {**figures, "peak_mib": said["peak_mib"]}


def peer_sides(folder: Path, size: int) -> dict[str, Callable[[], Awaitable[Figures]]]:
    found: dict[str, Callable[[], Awaitable[Figures]]] = {}
    for kind in edi_files.KINDS:
        file = folder / f"{kind}-peers.edi"
        edi_files.write(file, kind, size, is_unique=True)
        names = edi_peers.X12 if kind in edi_files.X12 else edi_peers.EDIFACT
        found |= {f"{kind} {name}": partial(peer, name, file) for name in names}
    return found


async def peaks(folder: Path, size: int) -> list[Figures]:
    """Check a large file and a tenth of it, in processes of their own: where memory was most."""
    found: list[Figures] = []
    for kind in ("856", "DESADV"):
        for each in (size // 10, size):
            file = folder / f"{kind}-large.edi"
            edi_files.write(file, kind, each, is_unique=True)
            said = await _child(sys.executable, "-m", "benchmarks.edi_reading", kind, file)
            found.append({"side": f"{kind} peak", "bytes": each, **said})
            file.unlink()
    return found


async def _child(*words: str | Path) -> dict[str, Any]:
    child = await asyncio.create_subprocess_exec(
        *map(str, words), cwd=ROOT, env=surroundings(), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {child.returncode}")
    said: dict[str, Any] = json.loads(output)
    return said


async def run(rounds: int = 5, *, quick: bool = False) -> Report:
    """Measure ours and theirs, then the memory of a large file; quick ones are small."""
    await asyncio.to_thread(locked, VENV, REQUIREMENTS)
    with tempfile.TemporaryDirectory(prefix="crossdock-edi-") as name:
        folder = Path(name)
        figures = await interleaved(sides(folder, QUICK_SIZE if quick else SIZE), rounds)
        theirs = peer_sides(folder, QUICK_OF_PEERS if quick else OF_PEERS)
        figures += await interleaved(theirs, min(rounds, 3))
        most = await peaks(folder, QUICK_LARGE if quick else LARGE)
    speeds = {
        str(one["side"]): median_of(figures, str(one["side"]), "mb_per_cpu_second")
        for one in figures
    }
    goals = [
        Goal(
            f"{kind}, {depth}",
            min(speeds[f"{kind} {depth} {sort}"] for sort in SORTS),
            "MB per CPU-second",
            f">= {GOALS[kind][at]}",
        )
        for kind in edi_files.KINDS
        for at, depth in enumerate(("envelope", "full"))
    ]
    size = max(int(one["bytes"]) for one in most) // MB
    goals.append(
        Goal(
            f"most memory, full check of a file of {size} MB",
            max(float(one["peak_mib"]) for one in most),
            "MiB",
            f"<= {PEAK_MIB}",
        )
    )
    said = {f"{side.replace(' ', '_')}_mb_per_cpu_second": one for side, one in speeds.items()}
    return Report("edi", goals, [*figures, *most], machine(**said))
