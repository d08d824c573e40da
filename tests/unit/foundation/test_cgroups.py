"""How much memory we may use is the machine's, or what our control groups leave of it."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.foundation.cgroups import limit_files, limit_of
from crossdock.foundation.postgres import memory_bytes

ROOTS = ["sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"]
MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_each_group_that_a_process_lies_in_may_hold_its_limit() -> None:
    service = "0::/system.slice/crossdock.service\n"
    assert limit_files(service) == [
        *ROOTS,
        "sys/fs/cgroup/system.slice/crossdock.service/memory.max",
        "sys/fs/cgroup/system.slice/memory.max",
    ]


def test_a_machine_of_the_first_kind_names_its_controller() -> None:
    assert limit_files("12:pids:/a\n4:cpu,memory:/docker/7f\n3:name=systemd:/b\n") == [
        *ROOTS,
        "sys/fs/cgroup/memory/docker/7f/memory.limit_in_bytes",
        "sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
    ]


@pytest.mark.parametrize(
    "own",
    [
        "",
        "0::/",
        "0::",
        "::",
        "0::/../../other",
        "0::relative",
        "0::/a\0b",
        "no colon",
        "4:memory",
    ],
)
def test_what_names_no_group_of_ours_leaves_the_roots(own: str) -> None:
    assert limit_files(own) == ROOTS


@given(own=st.text())
def test_no_text_leads_out_of_the_folder_of_control_groups(own: str) -> None:
    for file in limit_files(f"0::{own}"):
        assert file.startswith("sys/fs/cgroup/")
        assert ".." not in Path(file).parts


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("536870912\n", 536870912), (" 0 ", 0), ("9223372036854771712", 9223372036854771712),
        ("max\n", None), ("", None), ("-1", None), ("1e9", None), ("512M", None), ("1_000", None),
        ("٣", None), ("²", None), ("\0", None), ("9" * 5000, None), ("1 2", None),
    ],
)  # fmt: skip
def test_a_limit_is_a_plain_number_or_there_is_none(text: str, limit: int | None) -> None:
    assert limit_of(text) == limit


@given(text=st.text())
def test_no_text_makes_a_limit_below_nothing(text: str) -> None:
    assert (limit_of(text) or 0) >= 0


@given(number=st.integers(min_value=0, max_value=2**63))
def test_every_number_of_the_kernel_is_read(number: int) -> None:
    assert limit_of(f"{number}\n") == number


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({}, MACHINE),
        ({"sys/fs/cgroup/memory.max": "max\n"}, MACHINE),
        ({"sys/fs/cgroup/memory.max": "1048576\n"}, 1048576),
        ({"sys/fs/cgroup/memory.max": f"{2**62}\n"}, MACHINE),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "2097152\n"}, 2097152),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "4096\n"}, 4096),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b": "a file, not a folder"}, MACHINE),
        ({"proc/self/cgroup": "0::/" + "a" * 5000}, MACHINE),
    ],
)
def test_the_smallest_limit_of_all_holds(
    tmp_path: Path, files: dict[str, str], memory: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert memory_bytes(tmp_path) == memory
