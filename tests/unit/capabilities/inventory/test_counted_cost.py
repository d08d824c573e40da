"""What a count costs follows what moved since the counter looked, and not what moved before."""

import json
from collections.abc import Iterator
from typing import Any

from crossdock.capabilities.inventory.counted import SINCE
from tests.unit.capabilities.inventory.house import MAIN, House, count, counted

BEFORE, LATER = 20_000, 300
FILL = """
insert into inventory_movement (event_position, tenant, source, movement_id, type, from_position,
    to_position, micros, stream, seq, us, occurred_at)
select 1000000 + n, p.tenant, 'wms', 'F' || n, 'PICK', case when n % 2 = 0 then p.position_id end,
    case when n % 2 = 1 then p.position_id end, 1, s.stream, n, n, now()
from inventory_position p join inventory_stream s on s.tenant = p.tenant,
    generate_series(1, $2::int) n
where p.tenant = $1
"""
BUCKET = """
select position_id, stream from inventory_position p join inventory_stream s using (tenant)
where tenant = $1
"""


def read(plan: dict[str, Any]) -> Iterator[float]:
    """Give how many movements each part of a plan has looked at."""
    if plan.get("Relation Name") == "inventory_movement":
        looked = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield looked * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from read(part)


async def test_what_is_read_is_as_much_as_what_is_later(house: House) -> None:
    await house.hear(counted(1, count(50)))
    async with house.database.transaction(MAIN) as tx:
        await tx.execute(FILL, tx.tenant, BEFORE + LATER)
        bucket = await tx.fetchrow(BUCKET, tx.tenant)
        assert bucket is not None
        position, stream = bucket
        end = BEFORE + LATER + 1
        rows = await tx.fetch(
            f"explain (analyze, format json) {SINCE}",
            [position], [tx.tenant], [BEFORE], [stream], [end], [1_000_000 + end],
        )  # fmt: skip
    [explained] = json.loads(rows[0][0])

    assert sum(read(explained["Plan"])) <= 2 * LATER + 10
