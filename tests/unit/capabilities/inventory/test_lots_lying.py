"""What is read of the lots at a place costs what lies there, however many have been and gone."""

import json

from crossdock.canonical.inventory import OFF_THE_SHELF
from crossdock.capabilities.inventory.shelves import EMPTIED, emptied
from crossdock.capabilities.inventory.standing import LOTS, Standings
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.conftest import execute
from tests.unit.capabilities.inventory.house import MAIN

GONE = """
insert into inventory_position (tenant, item, location, status, lot, micros)
select 'main', 'X', 'DC1', 'AVAILABLE', 'L' || g, 0 from generate_series(1, {gone}) g;
insert into inventory_position (tenant, item, location, status, lot, micros)
select 'main', 'X', 'DC1', 'AVAILABLE', 'N' || g, case g when 1 then -3000000 else 5000000 end
from generate_series(1, 4) g;
insert into inventory_position (tenant, item, location, status, lot, micros)
values ('main', 'X', 'DC1', 'DAMAGED', 'N2', 1000000), ('other', 'X', 'DC1', 'AVAILABLE', 'N2', 9);
analyze inventory_position;
"""


def visited(plan: dict[str, object]) -> int:
    """Count the rows that a plan looked at in tables, those it threw away among them."""
    found = 0
    if "Relation Name" in plan:
        looked_at = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        each = sum(int(plan.get(name, 0)) for name in looked_at)  # type: ignore[call-overload]  # a plan as PostgreSQL explains it
        found += each * int(plan["Actual Loops"])  # type: ignore[call-overload]  # a plan as PostgreSQL explains it
    below: list[dict[str, object]] = plan.get("Plans", [])  # type: ignore[assignment]  # a plan as PostgreSQL explains it
    return found + sum(visited(one) for one in below)


async def test_lots_that_are_gone_are_not_visited(
    database: Database, clock: VirtualClock, dsn: str
) -> None:
    await execute(dsn, GONE.format(gone=3000))
    async with database.transaction(MAIN) as tx:
        lots = await Standings(clock).lots(tx, "main", [("X", "DC1"), ("Y", "DC1")])
        asked = ("main", ["X", "Y"], ["DC1", "DC1"])
        [row] = await tx.fetch(f"explain (analyze, format json) {LOTS}", *asked)
    assert sorted((one.lot, one.micros) for one in lots) == [
        ("N2", 5_000_000),
        ("N3", 5_000_000),
        ("N4", 5_000_000),
    ]
    assert 3 <= visited(json.loads(row[0])[0]["Plan"]) <= 12


async def test_a_bucket_that_is_emptied_and_filled_again_lies_there_again(
    database: Database, clock: VirtualClock, dsn: str
) -> None:
    await execute(dsn, GONE.format(gone=1))
    for micros, expected in ((0, set[str]()), (7, {"N2"}), (-7, set[str]())):
        await execute(dsn, f"update inventory_position set micros = {micros} where lot = 'N2'")
        async with database.transaction(MAIN) as tx:
            lots = await Standings(clock).lots(tx, "main", [("X", "DC1")])
        assert {one.lot for one in lots} - {"N3", "N4"} == expected


async def test_what_moves_without_emptying_a_bucket_is_written_in_place(
    database: Database, dsn: str
) -> None:
    """An index on what changes with each movement would have every index written each time."""
    await execute(dsn, GONE.format(gone=1))
    written = "select pg_stat_get_xact_tuples_hot_updated('inventory_position'::regclass)"
    moved = "update inventory_position set micros = $2 where tenant = $1 and lot = 'N2'"
    async with database.transaction(MAIN) as tx:
        await tx.execute(f"{moved} and status = 'AVAILABLE'", "main", 4_000_000)
        [row] = await tx.fetch(written)
    assert row[0] == 1


async def test_whether_a_shelf_is_empty_reads_no_lot_that_is_gone(
    database: Database, dsn: str
) -> None:
    await execute(dsn, GONE.format(gone=3000))
    asked = ("main", ["DC1", "DC1"], ["X", "Y"], sorted(OFF_THE_SHELF))
    async with database.transaction(MAIN) as tx:
        assert await emptied(tx, [("DC1", "X"), ("DC1", "Y")]) == set()
        [row] = await tx.fetch(f"explain (analyze, format json) {EMPTIED}", *asked)
    assert visited(json.loads(row[0])[0]["Plan"]) <= 12

    await execute(dsn, "update inventory_position set micros = 0 where status <> 'DAMAGED'")
    async with database.transaction(MAIN) as tx:
        assert await emptied(tx, [("DC1", "X")]) == set()
    await execute(dsn, "update inventory_position set micros = 0")
    async with database.transaction(MAIN) as tx:
        assert await emptied(tx, [("DC1", "X")]) == {("DC1", "X")}
