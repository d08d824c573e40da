"""Tells the log what promises changed, a moment after they were made and never twice.

A batch of promises leaves one announcement row in its own transaction. Turning it into events
apart from the batch keeps the hot path one statement, and a thousand promises on one item become
one `AvailabilityChanged`. Every version of a row is announced once, so no event can come twice.
What an announcement says of new promises stays, as the proof of why they were made.
"""

import asyncio

import structlog

from crossdock.capabilities.inventory import facts, store
from crossdock.capabilities.inventory.announcement import COLUMNS
from crossdock.foundation.database import DATABASE_ERRORS, Database, WorkersSql
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

PAGE = 64
GATHER_SECONDS = 0.1
IDLE_SECONDS = 5.0
"""Who is not woken looks by itself this often: a lost wake-up costs this much."""

# Take the oldest announcements; others skip what we hold, and a crash gives it back. Of each stock
# row the newest figures are told: what lies between interests no listener. A batch of new
# single-line promises names only their ids: line 1, version 1. What decided new promises is kept.
TELL = WorkersSql(f"""
with taken as (
    delete from inventory_announcement where announcement_id in (
        select announcement_id from inventory_announcement order by announcement_id limit $1
        for update skip locked)
    returning *
), decided as (
    insert into inventory_decision ({COLUMNS}) select {COLUMNS} from taken
    where cardinality(reservation_ids) > 0
        and (cardinality(line_versions) = 0 or 1 = any(line_versions) or basis is not null)
), stock as (
    select distinct on (s.stock_id) t.tenant, t.at, s.*
    from taken t, unnest(t.stock_ids, t.versions, t.nettable, t.hard, t.soft, t.safety)
        s(stock_id, version, nettable, hard, soft, safety)
    order by s.stock_id, s.version desc
), line as (
    select t.tenant, t.at, l.reservation_id, coalesce(l.line_no, 1::smallint) as line_no,
        coalesce(l.version, 1) as version
    from taken t, unnest(t.reservation_ids, t.line_nos, t.line_versions)
        l(reservation_id, line_no, version)
)
select (select count(*) from taken) as batches,
    (select inventory_tell_availability(array_agg(tenant), array_agg(at), array_agg(stock_id),
        array_agg(version), array_agg(nettable), array_agg(hard), array_agg(soft),
        array_agg(safety)) from stock) as told_stock,
    (select inventory_tell_reservations(array_agg(tenant), array_agg(at),
        array_agg(reservation_id), array_agg(line_no), array_agg(version)) from line) as told_lines
""")  # noqa: S608  # the columns above


async def announce_page(database: Database, *, page: int = PAGE) -> int:
    """Tell one page of announcements; say how many there were."""
    async with database.transaction(Scope.of_workers()) as tx:
        batches: int = (await tx.fetchrow(TELL, page))["batches"]
        if batches:
            facts.wake(tx)
    return batches


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
