"""`crossdock stock --json` says what the API says, and refuses what the API refuses."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from crossdock.assembly import Hub
from tests.processes.end_to_end.world import settings_of


async def crossdock(dsn: str, folder: Path, *words: str) -> tuple[int, Any]:
    """Run a command as a person does; give its exit code and what it printed as JSON."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock", *words, "--json"),
        env={"CROSSDOCK_DSN": dsn, "CROSSDOCK_DATA_DIR": str(folder), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, json.loads(said)


async def test_a_promise_is_shown_as_the_api_shows_it(dsn: str, tmp_path: Path) -> None:
    async with Hub.open(settings_of(dsn, tmp_path)) as hub:
        await hub.put_stock("bolt", "dc1", 10)

    code, made = await crossdock(
        dsn, tmp_path, "stock", "reserve", "BOLT", "DC1", "4.5", "--request-id", "R1"
    )

    line = made["lines"][0]
    assert (code, made["status"], made["request_id"]) == (0, "ACTIVE", "R1")
    assert (line["item"], line["granted"]) == ("BOLT", {"value": "4.5", "unit": "EA"})
    assert await crossdock(dsn, tmp_path, "stock", "show", made["reservation_id"]) == (0, made)


async def test_an_item_nobody_knows_is_refused_and_leaves_nothing_behind(
    dsn: str, tmp_path: Path
) -> None:
    code, said = await crossdock(
        dsn, tmp_path, "stock", "reserve", "NUT", "DC1", "1", "--request-id", "R1"
    )

    assert (code, said["error"], said["where"]) == (2, "MD-ITEM-XREF", "/item")
    async with (
        Hub.open(settings_of(dsn, tmp_path)) as hub,
        hub.database.transaction(hub.scope) as tx,
    ):
        assert await tx.fetchval("select count(*) from inventory_stock") == 0
        assert await tx.fetchval("select count(*) from inventory_reservation") == 0
