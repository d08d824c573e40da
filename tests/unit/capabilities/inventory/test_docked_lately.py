"""What is read of a dock costs what came there lately, however much has come and gone."""

import json
from datetime import timedelta

from crossdock.capabilities.inventory.standing import DOCKED_SINCE, Standings
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.conftest import NOON, execute
from tests.unit.capabilities.inventory.house import MAIN
from tests.unit.capabilities.inventory.test_lots_lying import visited

LONG_AGO, LATELY = NOON - timedelta(days=30), NOON - timedelta(days=1)
GONE = f"""
insert into inventory_position (tenant, item, location, status, lot, micros)
select 'main', 'X', 'DC1', 'RECEIVING', 'L' || g, 0 from generate_series(1, 3000) g;
insert into inventory_position (tenant, item, location, status, micros, last_snapshot_at)
values ('main', 'X', 'DC1', 'RECEIVING', 3000000000, '{LONG_AGO}'),
    ('main', 'Y', 'DC1', 'RECEIVING', 7000000, '{LATELY}');
insert into inventory_movement (event_position, tenant, source, movement_id, type, to_position,
    micros, stream, seq, us, occurred_at)
select g, 'main', 'wms', 'M' || g, case g when 3004 then 'PUTAWAY' else 'RECEIPT' end,
    (select position_id from inventory_position where item = 'X' and lot = ''), 1000000, 1, g, g,
    case when g > 3000 then '{LATELY}'::timestamptz else '{LONG_AGO}' end
from generate_series(1, 3004) g;
analyze inventory_position;
analyze inventory_movement;
"""


async def test_receipts_of_long_ago_and_lots_that_were_put_away_are_not_visited(
    database: Database, clock: VirtualClock, dsn: str
) -> None:
    await execute(dsn, GONE)
    since = {("X", "DC1"): NOON - timedelta(days=7), ("Y", "DC1"): NOON - timedelta(days=7)}
    async with database.transaction(MAIN) as tx:
        found = await Standings(clock).docked(tx, "main", since)
        asked = ("main", ["X", "Y"], ["DC1", "DC1"], list(since.values()))
        [row] = await tx.fetch(f"explain (analyze, format json) {DOCKED_SINCE}", *asked)
    assert found == {("X", "DC1"): 3_000_000, ("Y", "DC1"): 7_000_000}
    assert 3 <= visited(json.loads(row[0])[0]["Plan"]) <= 12
