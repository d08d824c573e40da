"""A process killed on the way to or behind a promise by date: nothing is lost, nothing twice."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, promise
from tests.unit.capabilities.supply.test_promises_secured import held
from tests.unit.capabilities.supply.test_promises_together import plain
from tests.unit.capabilities.supply.yard import Yard, committed, day, moved, shelf

ROOT = Path(__file__).parents[2]


async def killed(dsn: str, what: str) -> None:
    """Run a hub process until it has killed itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulation.promising_process", dsn, what), cwd=ROOT
    )
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


async def test_killed_between_commit_and_answer_the_same_request_gets_the_same_answer(
    database: Database, dsn: str, clock: VirtualClock, tmp_path: Path
) -> None:
    async with Yard.opened(database, dsn, clock, tmp_path) as yard:
        await yard.rule(AT_ONCE)
        await yard.hear(committed("po:1", 60, eta=day(1)))
        await killed(dsn, "answer")
        [kept] = await yard.hub.kept_promises.listed(yard.hub.scope)
        assert await promise(yard, "r1", 60, "so1/1") == kept
        assert await yard.hub.kept_promises.listed(yard.hub.scope) == [kept]
        assert await yard.promisable() == {0: 0}


@pytest.mark.parametrize("what", ["before", "behind"])
async def test_killed_behind_a_receipt_the_promise_holds_it_once(
    database: Database, dsn: str, clock: VirtualClock, tmp_path: Path, what: str
) -> None:
    async with Yard.opened(database, dsn, clock, tmp_path) as yard:
        await yard.rule(AT_ONCE)
        await yard.hear(committed("po:1", 60, eta=day(1)))
        made = await promise(yard, "r1", 50, "so1/1")
        facts = [moved("m", 60, None, shelf()), committed("po:1", 0, 2, eta=day(1))]
        await yard.hub.inbox.record(yard.hub.scope, "erp", facts, b"")
        await killed(dsn, what)
        await yard.hub.settle()
        assert await held(yard, made.promise_id) == 50
        assert await plain(yard, "cart", 60) == 10
        assert (await yard.ask(None)).shortage == 0
