"""An on-premise ERP without an API: its PostgreSQL database, asked by queries of its owner."""

from datetime import timedelta

from crossdock.applications.sql_stock.client import ReadingPages, admits_server, connected
from crossdock.applications.sql_stock.samples import SAMPLES
from crossdock.applications.sql_stock.settings import SqlStockSettings
from crossdock.canonical.catalog import CatchWeightChanged, ItemChanged, KitChanged, LotChanged
from crossdock.canonical.inventory import StockMoved, StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import (
    Application,
    Grade,
    Kind,
    NativeEquation,
    NativeInput,
    StockQuestion,
)
from crossdock.connectivity.sdk.own_available import EQUATIONS, SETTING

APPLICATION = Application(
    name="sql_stock",
    title="ERP database (PostgreSQL, read by query)",
    kind=Kind.ERP,
    settings=SqlStockSettings,
    admits=admits_server,
    connect=connected,
    receive=ReadingPages,
    events=(
        *(ItemChanged, StockSnapshotTaken, StockMoved, OrderChanged, SupplyCommitmentChanged),
        *(KitChanged, LotChanged, CatchWeightChanged),
    ),
    samples=SAMPLES,
    stock_equation=NativeEquation(
        equation=f"what `{SETTING}` of a connection says, without it nobody knows;"
        " the query of levels has to give what lies there, with nothing taken off",
        setting=SETTING,
        forms=EQUATIONS,
        inputs=(
            NativeInput(
                field="on_hand",
                tells=StockSnapshotTaken,
                meaning="`quantity` of `levels` under the query's own name, by status",
            ),
            NativeInput(
                field="quantity", tells=StockMoved, meaning="of a movement, by its reason"
            ),
            NativeInput(
                field="ordered", tells=OrderChanged, meaning="open demand, with `cancelled`"
            ),
        ),
        available=("available", "allocated", "held"),
    ),
    stock_question=StockQuestion(keys_max=500, requests=3),
    poll_every=timedelta(seconds=30),
    freshness=timedelta(minutes=15),
    grade=Grade.BRONZE,
)
