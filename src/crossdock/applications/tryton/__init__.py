"""Tryton, an ERP: items, locations, demand and stock out of it, movements into it."""

from datetime import timedelta

from crossdock.applications.tryton.changes import cursor_at
from crossdock.applications.tryton.client import ReadingPages, TrytonSettings, connected
from crossdock.applications.tryton.samples import SAMPLES
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.inventory import StockMoved, StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import Application, Grade, Kind, PostsMovements, RepeatSafety

APPLICATION = Application(
    name="tryton",
    title="Tryton 8.2",
    kind=Kind.ERP,
    settings=TrytonSettings,
    connect=connected,
    receive=ReadingPages,
    roles={PostsMovements: RepeatSafety.SEARCH_BEFORE_CREATE},
    events=(ItemChanged, LocationChanged, StockMoved, StockSnapshotTaken, OrderChanged),
    samples=SAMPLES,
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
