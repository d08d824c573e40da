"""Tells the log what promises changed, a moment after they were made and never twice.

A batch of promises leaves one announcement row in its own transaction. Turning it into events
apart from the batch keeps the hot path one statement, and a thousand promises on one item become
one `AvailabilityChanged`. Every version of a row is announced once, so no event can come twice.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID

import structlog

from crossdock.capabilities.inventory import facts, store
from crossdock.capabilities.inventory.model import Figures
from crossdock.foundation import event_log
from crossdock.foundation.database import DATABASE_ERRORS, Database, Transaction, WorkersSql
from crossdock.foundation.event_log import Entry
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

PAGE = 64
GATHER_SECONDS = 0.1
IDLE_SECONDS = 5.0
"""Who is not woken looks by itself this often: a lost wake-up costs this much."""

# Take the oldest announcements; others skip what we hold, and a crash gives it back.
TAKE = WorkersSql("""
delete from inventory_announcement where announcement_id in (
    select announcement_id from inventory_announcement order by announcement_id limit $1
    for update skip locked)
returning *
""")


async def announce_page(database: Database, *, page: int = PAGE) -> int:
    """Tell one page of announcements; say how many there were."""
    async with database.transaction(Scope.of_workers()) as tx:
        taken = await tx.fetch(TAKE, page)
        if taken:
            entries = await _availability(tx, taken)
            entries += await _reservations(tx, taken)
            await event_log.append(tx, entries)
    return len(taken)


async def announce_all(database: Database) -> None:
    while await announce_page(database):
        pass


async def announce_forever(database: Database) -> None:
    """Tell announcements as they come until cancelled, in whichever process they were left."""
    bell = database.bell(store.ANNOUNCED)
    loop = asyncio.get_running_loop()
    while True:
        began, pause = loop.time(), IDLE_SECONDS
        try:
            if await announce_page(database):
                # Gather for a moment: a page costs much the same for one batch and for ten.
                await asyncio.sleep(max(0.0, began + GATHER_SECONDS - loop.time()))
                continue
        except DATABASE_ERRORS as error:
            pause = 0.25
            log.warning("announcements wait", error=repr(error))
        await bell.wait(pause)


async def _availability(tx: Transaction, rows: Sequence[Any]) -> list[Entry]:
    """Keep the newest figures of each stock row: what lies between interests nobody."""
    newest: dict[int, tuple[int, Figures, datetime]] = {}
    columns = ("stock_ids", "versions", "nettable", "hard", "soft", "safety")
    for row in rows:
        for stock_id, version, *sums in zip(*(row[name] for name in columns), strict=True):
            known = newest.get(stock_id)
            if known is None or known[0] < version:
                newest[stock_id] = (version, Figures(*sums), row["at"])
    named = await tx.fetch(store.STOCK_OF, sorted(newest), tx.tenant)
    entries: list[Entry] = []
    for row in map(store.stock_of, named):
        version, figures, at = newest[row.stock_id]
        shown = row._replace(version=version, figures=figures)
        entries.append(facts.availability_changed(shown, at))
    return entries


async def _reservations(tx: Transaction, rows: Sequence[Any]) -> list[Entry]:
    """Show each line as it stands, unless it changed since: that change has its own row here."""
    announced = {
        (reservation_id, line_no, version): row["at"]
        for row in rows
        # A batch of new single-line promises names only their ids: line 1, version 1.
        for reservation_id, line_no, version in zip_longest(
            row["reservation_ids"], row["line_nos"], row["line_versions"], fillvalue=1
        )
    }
    ids: set[UUID] = set().union(*(row["reservation_ids"] for row in rows))
    lines = await store.lines_of(tx, sorted(ids))
    at_version = [
        (announced.get((row.reservation_id, row.line.line_no, row.line.version)), row)
        for row in lines
    ]
    return [facts.reservation_changed(row, at) for at, row in at_version if at]
