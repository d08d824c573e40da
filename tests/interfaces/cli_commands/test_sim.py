"""The stand-ins of outside systems, as typed."""

import asyncio
import csv
import json
import sys
from pathlib import Path
from random import Random

from crossdock.applications.generic_wms.settings import GenericWmsSettings
from crossdock.applications.generic_wms.simulator import Pace, Warehouse
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.foundation.clock import VirtualClock
from crossdock.interfaces.cli.sim import WAVE, take_orders
from tests.interfaces.cli_commands.conftest import CommandLine


async def test_settings_that_cannot_be_written_are_told_with_their_place(
    crossdock: CommandLine,
) -> None:
    for which in ("shop", "warehouse"):
        said = await crossdock("sim", which, "--file", "nowhere/x.json", *PORT[which])

        assert (said.code, "nowhere/x.json cannot be written" in said.err) == (2, True), said


PORT = {"shop": ("--port", "0"), "warehouse": ()}


def dropped(folder: Path) -> list[dict[str, str]]:
    """Read all that lies there whole."""
    texts = [file.read_text() for file in folder.glob("*.csv")]
    return [row for text in texts for row in csv.DictReader(text.splitlines())]


async def test_a_warehouse_without_a_folder_to_drop_in_says_so(crossdock: CommandLine) -> None:
    said = await crossdock("sim", "warehouse", "--folder", "nowhere")

    assert (said.code, "nowhere" in said.err) == (2, True), said


async def test_a_warehouse_drops_files_that_the_settings_it_prints_name(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    options = ("--folder", str(drop), "--items", "3", "--picks", "0", "--json")
    command = (sys.executable, "-m", "crossdock", "sim", "warehouse", *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with asyncio.timeout(20):
            while not any(row["type"] == "snapshot" for row in dropped(drop)):
                await asyncio.sleep(0.1)
    finally:
        process.terminate()
        await process.wait()

    settings = {"folder": str(drop), "available_is": "NOT_TOLD"}
    assert (told["application"], told["settings"]) == ("generic_wms_files", settings)
    rows = dropped(drop)
    skus = {"SKU-0001", "SKU-0002", "SKU-0003"}
    for kind in ("item", "snapshot"):
        assert {row["item"] for row in rows if row["type"] == kind} == skus
    assert {row["is_full"].lower() for row in rows if row["type"] == "snapshot"} == {"true"}


async def test_a_warehouse_that_counts_says_how_it_is_told_and_takes_files(tmp_path: Path) -> None:
    drop, tasks = tmp_path / "drop", tmp_path / "tasks"
    drop.mkdir()
    tasks.mkdir()
    record = {"type": "count_task", "count_id": "cnt_1", "version": 1, "status": "PROPOSED"}
    (tasks / "count_task-cnt_1-1.jsonl").write_text(json.dumps(record | {"item": "SKU-0001"}))
    options = ("--folder", str(drop), "--counts", str(tasks), "--items", "3", "--json")
    command = (sys.executable, "-m", "crossdock", "sim", "warehouse", *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with asyncio.timeout(20):
            while any(tasks.iterdir()):
                await asyncio.sleep(0.1)
    finally:
        process.terminate()
        await process.wait()

    folders = {"folder": str(drop), "tasks_folder": str(tasks)}
    assert told["settings"] == folders | {"available_is": "NOT_TOLD"}


async def test_a_warehouse_that_listens_for_counts_names_its_address(tmp_path: Path) -> None:
    options = ("--counts", "0", "--file", str(tmp_path / "wms.json"), "--json")
    command = (sys.executable, "-m", "crossdock", "sim", "warehouse", *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    finally:
        process.terminate()
        await process.wait()

    settings = GenericWmsSettings.model_validate(told["settings"])
    assert settings.tasks_url.startswith("http://127.0.0.1:")
    assert len(settings.tasks_secrets) == 1


async def test_a_warehouse_picks_orders_of_its_own_and_quotes_them(clock: VirtualClock) -> None:
    sent: list[Delivery] = []

    async def send(delivery: Delivery) -> None:
        sent.append(delivery)

    ports = Ports(clock=clock, random=Random(7))
    house = Warehouse(
        "DC1", stock={"SKU-1": 100}, ports=ports, send=send, pace=Pace(wave_every=WAVE)
    )
    orders = asyncio.create_task(take_orders(house, ["SKU-1"], 6, clock, seed=7))
    await asyncio.sleep(0)  # the first order is on its way
    for _ in range(120):
        await clock.advance(WAVE / 10)
        await house.work()
    orders.cancel()

    told = [json.loads(one.body) for one in sent]
    picks = [one for one in told if one.get("reason") == "PICK"]
    assert len(picks) >= 3
    assert {one["demand_ref"] for one in picks} <= {f"phone:{n}/1" for n in range(1, 100)}
