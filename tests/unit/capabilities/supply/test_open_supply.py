"""Purchases that are to come are found by what is open, not by all that was ever heard of."""

from crossdock.capabilities.supply.open_supply import ALL_OPEN, OpenSupply
from tests.unit.capabilities.supply.yard import Yard, committed

CLOSED = """
insert into supply_commitment (tenant, supply_id, source, kind, item, location, micros, evidence,
    rank, us, position)
select $1, 'old:' || n, 'erp', 'PO_SCHEDULE', 'X', 'DC1', 0, 'SENT', 1, 1, 1
from generate_series(1, 5000) n
"""


async def test_what_is_open_is_found_by_its_own_index_whatever_was_closed(yard: Yard) -> None:
    await yard.hear(committed("po:1/1", 5), committed("po:2/1", 0))
    hub = yard.hub
    async with hub.database.transaction(hub.scope) as tx:
        await tx.execute(CLOSED, tx.tenant)
        await tx.execute("analyze supply_commitment")
        asked = (tx.tenant, "", "", 100)
        plan = [row[0] for row in await tx.fetch(f"explain {ALL_OPEN}", *asked)]
        pages = [page async for page in OpenSupply().all_open(tx, "", 0)]

    assert any("supply_commitment_bought" in step for step in plan), plan
    assert [line.reference for page in pages for line in page] == ["po:1/1"]
