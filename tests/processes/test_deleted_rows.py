"""A row that is deleted from a polled table says nothing; who is asked for it says zero."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from crossdock.applications.sql_stock import APPLICATION as ERP
from crossdock.assembly import Hub, Outside
from crossdock.assembly.adapters import ports_of
from crossdock.connectivity.poller import Poller, Polling
from crossdock.foundation.clock import SystemClock
from tests.processes.end_to_end.world import connected, on_hand, settings_of

TABLE = """
create table erp_stock (sku text primary key, on_hand int,
    changed_at timestamptz default clock_timestamp());
insert into erp_stock values ('BOLT', 7), ('NUT', 3);
create table erp_items as select sku, changed_at from erp_stock;
"""
QUERIES = {
    "items": {"sql": "select sku as id, sku as item, changed_at from erp_items"},
    "levels": {
        "sql": "select sku as id, sku, on_hand, changed_at from erp_stock",
        "columns": {"item": "sku", "quantity": "on_hand"},
    },
}


@pytest.fixture
async def table(dsn: str) -> AsyncIterator[Any]:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


@pytest.fixture
async def hub(dsn: str, tmp_path: Path) -> AsyncIterator[Hub]:
    settings = settings_of(dsn, tmp_path).model_copy(update={"allow_local_databases": True})
    outside = Outside(clock=SystemClock(), applications={ERP.name: ERP})
    async with Hub.open(settings, outside) as opened:
        for item in ("BOLT", "NUT"):
            await opened.put_stock(item, "DC1", 0)
        yield opened


async def read(hub: Hub) -> dict[str, int]:
    """Read the table from its beginning; give what the hub then says lies there."""
    erp = await hub.directory.get(hub.scope, "erp")
    ports = ports_of(hub.settings, hub.database, hub.clock, Outside().random)
    around = Polling(
        database=hub.database, directory=hub.directory, inbox=hub.inbox, ports=ports, worker="w"
    )
    await hub.pollers.rewind(hub.scope, "erp")
    poller = Poller(around, erp)
    assert await poller.round()
    await poller.close()
    await hub.settle()
    lies = await on_hand(hub, ["BOLT", "NUT"], "DC1")
    return {sku: held.get("AVAILABLE", 0) for sku, held in lies.items()}


async def test_a_deleted_row_keeps_its_stock_until_its_table_is_asked_for_the_item(
    hub: Hub, table: Any, dsn: str
) -> None:
    await connected(hub, "erp", ERP.name, {"dsn": dsn, "location": "DC1", **QUERIES})
    await hub.authority.set_keeper(hub.scope, "DC1", "erp", by="test")
    assert await read(hub) == {"BOLT": 7, "NUT": 3}

    await table.execute("delete from erp_stock where sku = 'BOLT'")
    assert await read(hub) == {"BOLT": 7, "NUT": 3}

    done = await hub.stock_sampler.ask(hub.scope, "erp", "DC1", ["BOLT"], by="ann", take=True)
    await hub.settle()
    assert done.taken == 1
    assert await read(hub) == {"BOLT": 0, "NUT": 3}
