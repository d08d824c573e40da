"""A count task is a file of its own: whole, named by the task, and never written over."""

import asyncio
import csv
import errno
import os
import stat
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crossdock.applications.generic_wms.client import ReadingFolder, reading_folder
from crossdock.applications.generic_wms.count_desk import CountDesk
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings
from crossdock.applications.generic_wms.simulator import Warehouse
from crossdock.canonical.errors import Invalid, Unavailable
from crossdock.connectivity.sdk import Delivery, Ports, TakesCountTasks, Verdict
from crossdock.connectivity.transports.placing import place
from crossdock.foundation.clock import VirtualClock
from tests.unit.applications.generic_wms.test_count_tasks import task


def settings(folder: Path, **more: Any) -> GenericWmsFilesSettings:
    drop, tasks = folder / "drop", folder / "tasks"
    drop.mkdir(exist_ok=True)
    return GenericWmsFilesSettings.model_validate({"folder": drop, "tasks_folder": tasks, **more})


def ports(clock: VirtualClock, **more: Any) -> Ports:
    return Ports(clock=clock, random=Random(2), **more)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_each_telling_is_a_file_and_a_repeat_is_none(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with reading_folder(settings(tmp_path), ports(clock)) as wms:
        first = await wms.set_count_tasks([task(), task(count_id="cnt_2")])
        again = await wms.set_count_tasks([task()])
        taken_back = await wms.set_count_tasks([task(version=2, is_withdrawn=True)])

    assert isinstance(wms, TakesCountTasks)
    assert names(tmp_path / "tasks") == [
        *("count_task-cnt_1-1.csv", "count_task-cnt_1-2.csv", "count_task-cnt_2-1.csv")
    ]
    outcomes = [*first, *again, *taken_back]
    assert {one.verdict for one in outcomes} == {Verdict.DONE}
    assert again[0].detail == "count_task-cnt_1-1.csv lies there already"
    with (tmp_path / "tasks" / "count_task-cnt_1-2.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["count_id"], row["status"], row["item"]) == ("cnt_1", "WITHDRAWN", "BOLT")


async def test_without_the_folder_the_role_is_refused_by_name(
    tmp_path: Path, clock: VirtualClock
) -> None:
    async with reading_folder(settings(tmp_path, tasks_folder=None), ports(clock)) as wms:
        [outcome] = await wms.set_count_tasks([task()])

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "role_not_played")
    assert "tasks_folder" in outcome.detail


@pytest.mark.parametrize("where", ["drop", "drop/tasks", ".", "data", "linked"])
async def test_tasks_are_not_written_where_the_hub_reads_or_keeps_its_own(
    tmp_path: Path, clock: VirtualClock, where: str
) -> None:
    (tmp_path / "data").mkdir()
    said = settings(tmp_path, tasks_folder=tmp_path / where)
    (tmp_path / "linked").symlink_to(tmp_path / "drop")

    with pytest.raises(Invalid) as refusal:
        async with reading_folder(said, ports(clock, own_folders=(tmp_path / "data",))):
            pass
    assert (refusal.value.where, refusal.value.code) == ("tasks_folder", "folder_refused")


async def test_a_folder_that_is_led_elsewhere_is_refused_at_the_next_task(
    tmp_path: Path, clock: VirtualClock
) -> None:
    (tmp_path / "data").mkdir()
    outside = ports(clock, own_folders=(tmp_path / "data",))
    async with reading_folder(settings(tmp_path), outside) as wms:
        await wms.set_count_tasks([task()])
        (tmp_path / "tasks").rename(tmp_path / "before")
        (tmp_path / "tasks").symlink_to(tmp_path / "data")
        [outcome] = await wms.set_count_tasks([task(count_id="cnt_2")])

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "folder_refused")
    assert names(tmp_path / "data") == []


async def test_a_folder_whose_parent_is_gone_is_told_and_tried_again(
    tmp_path: Path, clock: VirtualClock
) -> None:
    said = settings(tmp_path, tasks_folder=tmp_path / "share" / "tasks")
    async with reading_folder(said, ports(clock)) as wms:
        with pytest.raises(Unavailable, match="could not be written"):
            await wms.set_count_tasks([task()])
        with pytest.raises(Unavailable, match="no folder that the hub may write into"):
            await checked(wms)
        (tmp_path / "share").mkdir()
        [outcome] = await wms.set_count_tasks([task()])
        said_now = await checked(wms)

    assert outcome.verdict is Verdict.DONE
    assert "count tasks go to" in said_now


async def checked(wms: ReadingFolder) -> str:
    return await wms.check()


async def test_attempts_at_once_leave_one_whole_file_that_others_may_read(tmp_path: Path) -> None:
    made = await asyncio.gather(
        *(place(tmp_path, "a.csv", b"x" * 100_000, token=str(number)) for number in range(20))
    )

    assert sum(made) == 1
    assert names(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"x" * 100_000
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o666 & ~umask


async def test_a_file_of_that_name_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"theirs")

    assert not await place(tmp_path, "a.csv", b"ours", token="1")
    assert (tmp_path / "a.csv").read_bytes() == b"theirs"


async def test_a_disk_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=os.strerror(errno.ENAMETOOLONG)):
        await place(tmp_path, "a" * 300, b"ours", token="1")
    assert names(tmp_path) == []


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_the_warehouse_takes_the_files_and_counts(
    tmp_path: Path, clock: VirtualClock, form: str
) -> None:
    async def nowhere(delivery: Delivery) -> None:
        del delivery

    house = Warehouse("DC1", stock={"BOLT": 5}, ports=ports(clock), send=nowhere)
    desk = CountDesk(house, ports=ports(clock))
    async with reading_folder(settings(tmp_path, tasks_format=form), ports(clock)) as wms:
        await wms.set_count_tasks([task(), task(count_id="cnt_2")])
        await wms.set_count_tasks([task(version=2, is_withdrawn=True)])
        await desk.read(tmp_path / "tasks")
        await wms.set_count_tasks([task()])
        await desk.read(tmp_path / "tasks")

    assert desk.counted == ["cnt_1", "cnt_2"]
    assert desk.withdrawn == ["cnt_1"]
    assert names(tmp_path / "tasks") == []
