"""A process killed on the way to what is held for an order of kits: all is held, and once."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.supply.test_promises_together import plain
from tests.unit.capabilities.supply.yard import Yard, kit, line, ordered

ROOT = Path(__file__).parents[2]
HELD = """
select v.reservation_id, v.line_no, v.status, v.granted, v.made, v.version, s.item
from inventory_reservation v join inventory_stock s using (tenant, stock_id)
where tenant = $1 order by v.reservation_id, v.line_no
"""
READ_AGAIN = WorkersSql(
    "update log_reader set tx = '0', position = 0 where name in ('ordered kits', 'waiting kits')"
)


async def killed(dsn: str, what: str) -> None:
    """Run a hub process until it has killed itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulation.kit_orders_process", dsn, what), cwd=ROOT
    )
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


async def rows(yard: Yard) -> list[tuple[object, ...]]:
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        return [tuple(row) for row in await tx.fetch(HELD, tx.tenant)]


@pytest.mark.parametrize("what", ["before", "within", "behind"])
async def test_killed_behind_an_order_its_kits_parts_are_held_once_and_read_again_nothing_more(
    database: Database, dsn: str, clock: VirtualClock, tmp_path: Path, what: str
) -> None:
    async with Yard.opened(database, dsn, clock, tmp_path) as yard:
        await yard.hear(kit("K", 1, A=2))
        await yard.hub.put_stock("A", "DC1", 9)
        order = ordered("so1", replace(line("so1/1", 3), item="K"))
        await yard.hub.inbox.record(yard.hub.scope, "erp", [order], b"")

        await killed(dsn, what)
        await yard.hub.settle()
        held = await rows(yard)
        assert [(one[-1], one[3], one[4]) for one in held] == [
            ("K", 0, 3_000_000),
            ("A", 6_000_000, 3_000_000),
        ]
        async with yard.hub.database.transaction(Scope.of_workers()) as tx:
            await tx.execute(READ_AGAIN)
        await yard.hub.settle()
        assert await rows(yard) == held
        assert await plain(yard, "cart", 9, item="A") == 3
