"""Whose order lines wait is looked up by customer, however many others' wait."""

import json
from typing import Any

from crossdock.capabilities.allocation import store
from crossdock.foundation.database import Database
from tests.conftest import NOON, execute
from tests.unit.capabilities.inventory.house import MAIN

WAITING = f"""
insert into allocation_line (tenant, demand_ref, source, order_id, channel, customer, item,
    location, since, rank, us, position)
select 'main', 'O' || g || '/1', 'web', 'O' || g, 'web', case when g <= 3 then 'METRO'
    else 'C' || g end, 'I' || g % 500, 'DC' || g % 4, '{NOON}', 0, 0, g
from generate_series(1, 10000) g;
analyze allocation_line;
"""


def pages(plan: dict[str, Any]) -> int:
    """Count the pages that a plan read of tables and their indexes, not those that it wrote."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable":
        return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])
    return sum(pages(below) for below in plan.get("Plans", ()))


async def test_no_other_customers_lines_are_read(database: Database, dsn: str) -> None:
    await execute(dsn, WAITING)
    explained = f"explain (analyze, buffers, format json) {store.MARK_CUSTOMERS}"
    async with database.transaction(MAIN) as tx:
        [row] = await tx.fetch(explained, "main", NOON, ["EDEKA", "METRO"])

    assert 2 <= pages(json.loads(row[0])[0]["Plan"]) <= 20
