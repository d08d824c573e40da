"""A comparison whose process is killed while it writes leaves nothing half, and runs again."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine

WAITS = """
select count(*) from pg_locks l join pg_class c on c.oid = l.relation
where c.relname = 'reconciliation_run' and not l.granted
    and l.database = (select oid from pg_database where datname = current_database())
"""
BACKENDS = """
select count(*) from pg_stat_activity a join pg_locks l on l.pid = a.pid
join pg_class c on c.oid = l.relation
where c.relname = 'reconciliation_finding' and a.pid <> pg_backend_pid()
    and a.datname = current_database()
"""
RUN = ("reconcile", "run", "--against", "erp.csv", "--source", "erp")


async def killed_while_it_writes(crossdock: CommandLine, hub: Hub, words: tuple[str, ...]) -> None:
    """Kill a comparison that has written its findings and waits to write its run."""
    async with hub.database.transaction(hub.scope) as tx:
        # It has written its findings, and comes no further than the row of the run itself.
        await tx.execute("lock table reconciliation_run in share mode")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock", *words),
            cwd=crossdock.folder,
            env={**os.environ, **crossdock.environment},  # noqa: TID251  # a child needs a PATH
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            while not await tx.fetchval(WAITS):
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    async with asyncio.timeout(60):
        async with hub.database.transaction(hub.scope) as tx:
            while await tx.fetchval(BACKENDS):
                await asyncio.sleep(0.05)


async def test_a_comparison_killed_while_it_writes_leaves_nothing_half_and_runs_again(
    crossdock: CommandLine, hub: Hub
) -> None:
    as_of = (hub.clock.now() - timedelta(minutes=1)).isoformat()
    rows = ["item,location,quantity,as_of"]
    for number in range(20):
        await hub.put_stock(f"I{number}", "DC1", 10)
        rows.append(f"I{number},DC1,{10 + number % 2 * 5},{as_of}")
    (crossdock.folder / "erp.csv").write_text("\n".join(rows) + "\n")
    await killed_while_it_writes(crossdock, hub, RUN)

    assert await hub.reconciliation.runs(hub.scope) == []
    assert await hub.reconciliation.findings(hub.scope) == []
    assert await hub.cases.find(hub.scope) == []
    again = await crossdock(*RUN)

    assert "compared 20 with erp: 10 alike" in again.out, again.err
    assert "10 suspected, 0 confirmed" in again.out
    found = await hub.reconciliation.findings(hub.scope)
    assert {(one.state, one.times, str(one.unexplained)) for one in found} == {
        ("SUSPECTED", 1, "5")
    }
    assert len(found) == 10


LINES = (*RUN[:2], "--kind", "orders", "--against", "open.csv", "--source", "erp")


async def test_a_comparison_of_orders_killed_while_it_writes_leaves_nothing_half_either(
    crossdock: CommandLine, hub: Hub
) -> None:
    as_of = (hub.clock.now() - timedelta(minutes=1)).isoformat()
    await hub.put_stock("BOLT", "DC1", 10)
    rows = [f"SO-{number},1,BOLT,DC1,{number % 2},{as_of}" for number in range(20)]
    dump = "\n".join(["document,line,item,location,quantity,as_of", *rows])
    (crossdock.folder / "open.csv").write_text(dump + "\n")

    await killed_while_it_writes(crossdock, hub, LINES)

    assert await hub.reconciliation.runs(hub.scope) == []
    assert await hub.reconciliation.findings(hub.scope) == []
    for _ in range(2):
        again = await crossdock(*LINES)
        assert "10 alike" in again.out, again.err
        assert "10 suspected, 0 confirmed" in again.out
    found = await hub.reconciliation.findings(hub.scope)
    assert {(one.state, one.times, str(one.unexplained)) for one in found} == {
        ("SUSPECTED", 1, "1")
    }
    assert len(found) == 10
