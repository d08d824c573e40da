"""`crossdock dlq` tells a trial from the deed, and shows how a command read before."""

import asyncio
import sys
from pathlib import Path

from crossdock.assembly import Hub
from crossdock.canonical.commands import Command
from crossdock.foundation.scope import Scope
from tests.conftest import execute
from tests.processes.end_to_end.world import settings_of


async def typed(dsn: str, folder: Path, *words: str) -> str:
    """Run a command as a person does; give what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock", "dlq", *words),
        env={
            "CROSSDOCK_DSN": dsn,
            "CROSSDOCK_DATA_DIR": str(folder),
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "200",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


async def test_a_trial_says_what_would_be_sent_and_an_edit_leaves_a_revision(
    dsn: str, tmp_path: Path
) -> None:
    arguments = {"item": "bolt", "location": "dc1", "quantity": "4", "expected": None}
    command = Command(
        command_id="c1",
        tenant="main",
        connection="shop",
        role="set_availability",
        subject="bolt",
        version=1,
        arguments=arguments,
    )
    async with (
        Hub.open(settings_of(dsn, tmp_path)) as hub,
        hub.database.transaction(Scope.of_workers()) as tx,
    ):
        await hub.outbox.enqueue(tx, [command])
    await execute(dsn, "update outbox_command set state = 'DEAD', settled_at = now()")
    change = ("edit", "c1", "--change", '{"quantity": "3"}', "--reason", "typing error")

    trial = await typed(dsn, tmp_path, *change, "--dry-run")
    replayed = await typed(dsn, tmp_path, "replay", "--all", "--reason", "why", "--dry-run")
    edited = await typed(dsn, tmp_path, *change)
    shown = await typed(dsn, tmp_path, "show", "c1")

    assert trial.strip() == "c1 would be SENT"
    assert "would be SENT" in replayed
    assert edited.strip() == "c1 SENT"
    assert "typing error" in shown
    assert '"quantity":"4"' in shown
