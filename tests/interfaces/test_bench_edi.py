"""What `crossdock bench edi` reads: right files, of which some say the same again and again."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import edi, edi_files
from benchmarks.edi_reading import read
from crossdock.connectivity.edi.edifact.envelope import Segments as EdifactSegments
from crossdock.connectivity.edi.x12.envelope import Segments

SIZE = 100_000


@pytest.mark.parametrize("depth", ["envelope", "full"])
@pytest.mark.parametrize("is_unique", [False, True])
@pytest.mark.parametrize("kind", edi_files.KINDS)
def test_nothing_is_wrong_in_a_file(
    tmp_path: Path, kind: str, depth: str, *, is_unique: bool
) -> None:
    file = tmp_path / "file.edi"
    edi_files.write(file, kind, SIZE, is_unique=is_unique)

    figures = asyncio.run(edi.measured(kind, depth, file))

    assert SIZE <= int(figures["bytes"]) < SIZE * 1.1
    assert float(figures["mb_per_cpu_second"]) > 0


@pytest.mark.parametrize("kind", edi_files.KINDS)
def test_most_segments_of_a_unique_file_are_new_and_few_of_the_other(
    tmp_path: Path, kind: str
) -> None:
    parts: list[float] = []
    for is_unique in (False, True):
        file = tmp_path / "file.edi"
        edi_files.write(file, kind, SIZE, is_unique=is_unique)
        events = read(kind, "envelope", file)
        bodies = (one.segments for one in events if isinstance(one, Segments | EdifactSegments))
        seen = Counter(one for body in bodies for one in body)
        long = {one: times for one, times in seen.items() if len(one) > len("SN1**12*EA")}
        once = sum(len(one) for one, times in long.items() if times == 1)
        parts.append(once / sum(len(one) * times for one, times in long.items()))

    again, unique = parts
    assert again < 0.05
    assert unique > 0.6


@pytest.mark.parametrize("kind", edi_files.KINDS)
def test_each_file_is_accepted_by_its_answer(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "file.edi"
    edi_files.write(file, kind, SIZE, is_unique=True)

    [answer] = read(kind, "answered", file)

    assert ("AK9*A*" if kind in edi_files.X12 else "UCI+1+BUYER:14+SELLER:14+7'") in answer


def test_every_kind_has_goals_and_sides(tmp_path: Path) -> None:
    assert set(edi.GOALS) == set(edi_files.KINDS)
    names = {*edi.sides(tmp_path, 1_000)}
    for kind in edi.GOALS:
        for sort in edi.SORTS:
            assert {f"{kind} envelope {sort}", f"{kind} full {sort}"} <= names
