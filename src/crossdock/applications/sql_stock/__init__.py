"""An on-premise ERP without an API: its PostgreSQL database, asked by queries of its owner."""

from datetime import timedelta

from crossdock.applications.sql_stock.client import ReadingPages, connected
from crossdock.applications.sql_stock.samples import SAMPLES
from crossdock.applications.sql_stock.settings import SqlStockSettings
from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.inventory import StockMoved, StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import Application, Grade, Kind

APPLICATION = Application(
    name="sql_stock",
    title="ERP database (PostgreSQL, read by query)",
    kind=Kind.ERP,
    settings=SqlStockSettings,
    connect=connected,
    receive=ReadingPages,
    events=(ItemChanged, StockSnapshotTaken, StockMoved, OrderChanged),
    samples=SAMPLES,
    poll_every=timedelta(seconds=30),
    freshness=timedelta(minutes=15),
    grade=Grade.BRONZE,
)
