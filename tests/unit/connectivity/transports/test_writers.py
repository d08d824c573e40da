"""Whether somebody has a file open for writing is told where the disk knows, and harms none."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.transports.writers import is_known_there, is_open_for_writing


def mounts(folder: Path, *kinds: str) -> Path:
    """Write what Linux says of the disk that a folder is on."""
    device = folder.stat().st_dev
    place = f"{os.major(device)}:{os.minor(device)}"
    lines = [f"22 27 {place} / / rw,relatime shared:1 - {kind} /dev/x rw" for kind in kinds]
    file = folder / "mountinfo"
    file.write_text("\n".join(["21 27 0:20 / /proc rw - proc proc rw", *lines]) + "\n")
    return file


@pytest.mark.parametrize(
    ("kinds", "is_known"),
    [
        (["ext4"], True),
        (["nfs4"], False),
        (["cifs"], False),
        (["ext4", "nfs"], False),
        ([], False),
    ],
)
def test_only_disks_of_this_machine_are_asked(
    tmp_path: Path, kinds: list[str], *, is_known: bool
) -> None:
    assert is_known_there(tmp_path, mounts(tmp_path, *kinds)) == is_known


def test_of_a_system_that_says_nothing_of_its_disks_nothing_is_known(tmp_path: Path) -> None:
    assert not is_known_there(tmp_path, tmp_path / "none")
    assert not is_known_there(tmp_path / "none")


@given(st.text(max_size=80))
def test_whatever_is_said_of_disks_is_read_or_passed_by(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("mounts")
    (folder / "mountinfo").write_text(text, encoding="utf-8", errors="replace")

    assert not is_known_there(folder, folder / "mountinfo")


def test_a_file_is_open_for_writing_until_its_writer_closes_it(tmp_path: Path) -> None:
    if not is_known_there(tmp_path):
        pytest.skip("the disk of this folder does not tell who writes")
    file = tmp_path / "a.csv"
    with file.open("wb"):
        assert is_open_for_writing(file)
    assert not is_open_for_writing(file)
    with file.open("rb"):
        assert not is_open_for_writing(file)
    assert not is_open_for_writing(tmp_path / "gone")


def test_who_opens_the_file_while_it_is_looked_at_neither_waits_long_nor_ends_us(
    tmp_path: Path,
) -> None:
    """Linux breaks the lease with a signal; the usual one ends a process."""
    file = tmp_path / "a.csv"
    file.touch()
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            with file.open("ab"):
                pass

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5_000):
            is_open_for_writing(file)
    finally:
        is_over.set()
        writer.join(timeout=10)

    assert not writer.is_alive()
