"""Tryton, an ERP: items, locations, demand, supply, stock out of it, movements into it."""

from datetime import timedelta

from crossdock.applications.tryton.changes import cursor_at
from crossdock.applications.tryton.client import ReadingPages, connected
from crossdock.applications.tryton.samples import SAMPLES
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.inventory import StockMoved, StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import (
    Application,
    Grade,
    Kind,
    NativeEquation,
    NativeInput,
    OpenKind,
    PostsMovements,
    RepeatSafety,
    StockQuestion,
)

APPLICATION = Application(
    name="tryton",
    title="Tryton 8.2",
    kind=Kind.ERP,
    settings=TrytonSettings,
    connect=connected,
    receive=ReadingPages,
    roles={PostsMovements: RepeatSafety.SEARCH_BEFORE_CREATE},
    events=(
        *(ItemChanged, LocationChanged, StockMoved, StockSnapshotTaken, OrderChanged),
        SupplyCommitmentChanged,
    ),
    samples=SAMPLES,
    stock_equation=NativeEquation(
        equation="quantity = moves done in - moves done out, up to a date;"
        " forecast_quantity = the same with moves that are only planned",
        inputs=(
            NativeInput(field="quantity", tells=StockMoved, meaning="of each move that is done"),
            NativeInput(
                field="quantity",
                tells=StockSnapshotTaken,
                meaning="of what done moves left at each location, as of a watermark; by status",
            ),
            NativeInput(field="quantity", tells=OrderChanged, meaning="of a sale's lines: demand"),
        ),
        available=("forecast_quantity",),
    ),
    # One answer is read between two readings of the moves, a status at a time.
    stock_question=StockQuestion(keys_max=200, requests=16),
    lists_open=(OpenKind.ORDERS, OpenKind.PURCHASES),
    requests_a_listing=3,  # sales and shipments; login, preferences and units come to one a page
    poll_every=timedelta(seconds=10),
    cursor_at=cursor_at,
    freshness=timedelta(minutes=15),
    # One movement costs Tryton five calls, and it answers some ten calls a second.
    batch_max=20,
    rate_per_second=5.0,
    concurrency=2,
    grade=Grade.SILVER,
    is_run_live=True,
    homepage="https://www.tryton.org",
)
