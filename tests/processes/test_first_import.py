"""A fresh hub takes in all there is before its database has ever looked at the tables."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import Quantity
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.processes.end_to_end.world import settings_of

ITEMS = 1_500
ROWS_READ = """
select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_user_tables
"""


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    outside = Outside(clock=clock, applications={})
    async with Hub.open(settings_of(dsn, tmp_path), outside) as opened:
        yield opened


async def rows_read(dsn: str) -> int:
    """Ask in a session of its own: what the others did is told when their transactions end."""
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(ROWS_READ))
    finally:
        await connection.close()


async def test_the_first_items_and_their_count_read_a_row_a_few_times_each(
    hub: Hub, dsn: str
) -> None:
    """Each item read all the others, until the database had been analysed by itself."""
    before = await rows_read(dsn)
    skus = [f"SKU-{number}" for number in range(ITEMS)]
    catalogue = [
        Fact(identity=f"item:{sku}", payload=ItemChanged(sku=sku), occurred_at=NOON)
        for sku in skus
    ]
    site = Fact(identity="DC1", payload=LocationChanged(code="DC1"), occurred_at=NOON)
    lines = tuple(CountedStock(item=sku, quantity=Quantity.of(1)) for sku in skus)
    counted = StockSnapshotTaken(snapshot_id="S1", location="DC1", lines=lines)
    count = Fact(identity="S1", payload=counted, occurred_at=NOON)

    await hub.record([*catalogue, site], source="erp")
    await hub.settle()
    await hub.record([count], source="erp")
    await hub.settle()

    assert (await hub.availability(skus[-1], "DC1")).on_hand == Quantity.of(1)
    assert await rows_read(dsn) - before < 100 * ITEMS
