"""Whoever listens to the event log: a cursor per shard that moves with the reader's effects.

The cursor row, locked for the length of the transaction, is lease and fence at once: a second
process skips a locked shard, a killed one frees it with its connection, and a reader that was
cut off cannot commit late, because its cursor could not move.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, NamedTuple

import structlog

from crossdock.canonical.envelope import Event
from crossdock.canonical.errors import Rejected
from crossdock.foundation import event_log, metrics, telemetry
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import (
    DATABASE_ERRORS,
    OUTAGES,
    Database,
    Transaction,
    WorkersSql,
)
from crossdock.foundation.event_log import Position, Unreadable
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

IDLE_SECONDS = 5.0
"""A reader that nobody wakes looks by itself this often: a lost wake-up costs this much."""

HIDDEN_SECONDS = 0.01
"""What an older transaction hides is looked for again after this, then after twice as long."""

HIDDEN_LOOKS_MAX = 100
GATHER_SECONDS = 0.02
UNCONCERNED_SECONDS = 0.25
"""Whom what came last did not concern looks again after this, if it is not rung before."""


class Seen(Enum):
    """PAGE: there may be more. OTHERS: the last there was, and none of it was for the reader.

    UNHEARD: the same, of a reader some of whose types concern nobody just now. HIDDEN: what is
    there has to wait for an older transaction.
    """

    PAGE = auto()
    OTHERS = auto()
    UNHEARD = auto()
    HIDDEN = auto()
    NOTHING = auto()


THERE_MAY_BE_MORE = (Seen.PAGE, Seen.OTHERS, Seen.UNHEARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """`apply` moves the listener's state by one page of events, in the given transaction.

    `types` are the event types it wants (None: all), `unheard` those of them that concern nobody
    just now: asked for each page, which then passes over them unread. `shards` must divide 64;
    events of one key share a shard, so their order is kept within it.
    """

    name: str
    apply: Callable[[Transaction, Sequence[Event]], Awaitable[None]]
    types: frozenset[str] | None = None
    unheard: Callable[[Transaction], Awaitable[frozenset[str]]] | None = None
    shards: int = 1
    page: int = 1000


# Whether the log hides anything is asked before it is read: what was hidden only while it was read
# would otherwise be taken for nothing, and nobody rings for it again.
# Who looks and finds nothing has a lock to log, no more: it waits for no disk. Whoever writes in
# this transaction has to end it with MOVE, or a crash loses what was written without a sound.
CLAIM = """
select tx::text::bigint as tx, position, event_log_hides() as is_hidden,
    set_config('synchronous_commit', 'off', true)
from log_reader where name = $1 and shard = $2
for update skip locked
"""
# What was applied is as durable as the database is set to make it.
MOVE = """
update log_reader set tx = $3::text::xid8, position = $4, moved_at = $5
where name = $1 and shard = $2 returning set_config('synchronous_commit', null, true)
"""
# Nothing was applied: if this is lost in a crash, the same events are passed over again.
SKIP = """
update log_reader set tx = $3::text::xid8, position = $4, moved_at = $5
where name = $1 and shard = $2
"""
# A shard that another process has in hand: its cursor is not yet where the log ends.
BEHIND = WorkersSql("""
select exists (select from log_reader where name = $1 and (tx, position) < (
    select e.tx, e.position from event_log e
    where e.tx < event_log_below()
    order by e.tx desc, e.position desc limit 1))
""")
# Which of these places of the log lie behind a reader of one shard: it has applied them.
PASSED = """
select e.position from event_log e
where e.position = any($2::bigint[]) and e.tenant = $3
    and (e.tx, e.position) <= (select r.tx, r.position from log_reader r
        where r.name = $1 and r.shard = 0)
"""
# Whether the log has such an event of a tenant behind one reader and before another.
AHEAD = """
select distinct p.part->>$6 as name from event_log e
cross join lateral json_array_elements(e.payload->$5) p(part)
where e.tenant = $3 and e.type = $4 and p.part->>$6 = any($7::text[])
    and (e.tx, e.position) > (select tx, position from log_reader where name = $2 and shard = 0)
    and (e.tx, e.position) <= (select tx, position from log_reader where name = $1 and shard = 0)
"""
# When the first event of such a type that a reader of one shard has not heard yet was received.
WAITING = """
select e.received_at from event_log e
where e.tenant = $2 and e.type = $3
    and (e.tx, e.position) > (select tx, position from log_reader where name = $1 and shard = 0)
order by e.tx, e.position limit 1
"""
# How many shards a reader had before this.
REGISTER = """
with made as (insert into log_reader (name, shard) select $1, generate_series(0, $2 - 1)
    on conflict do nothing)
select count(*) from log_reader where name = $1
"""
REFUSE = """
insert into log_refusal (tenant, reader, position, refused_at, reason)
values ($1, $2, $3, $4, $5) on conflict do nothing
"""

# How long the first event behind each cursor has waited, and whether an older transaction that is
# still open hides it; none waits where the cursor is the end. Of several shards, the latest.
LAGS = WorkersSql("""
select distinct on (r.name) r.name,
    coalesce(extract(epoch from $1 - next.received_at), 0)::float8 as seconds,
    coalesce(next.tx >= event_log_below(), false) as is_hidden
from log_reader r left join lateral (
    select tx, received_at from event_log e where (e.tx, e.position) > (r.tx, r.position)
    order by e.tx, e.position limit 1) next on true
order by r.name, seconds desc
""")
REFUSALS = WorkersSql("""
select reader, count(*) as events from log_refusal where discarded_at is null group by reader
""")


async def register(database: Database, *readers: Reader) -> None:
    """Make the cursors of new readers, at the beginning of the log.

    One that is known has as many shards as ever: with another number the cursors there are would
    leave out events that they have not passed, and new ones hear those again that they have.
    """
    async with database.transaction(Scope.of_workers()) as tx:
        for reader in readers:
            await _register(tx, reader)


async def _register(tx: Transaction, reader: Reader) -> None:
    known = await tx.fetchval(REGISTER, reader.name, reader.shards)
    if known not in {0, reader.shards}:
        raise Rejected(
            f"reader {reader.name} has come so far in {known} shards, not in {reader.shards}",
            code="reader_shards",
            hint="leave the number as it was, or give the reader a new name: under that it"
            " hears the log from its beginning",
        )


class Parts(NamedTuple):
    """Where events of a type name something: the list in their payload, and the field in it."""

    kind: str
    among: str
    field: str


async def passed(
    tx: Transaction, reader: str, tenant: str, positions: Sequence[int]
) -> frozenset[int]:
    """Tell which of these positions of a tenant a reader of one shard has applied already."""
    rows = await tx.fetch(PASSED, reader, list(positions), tenant)
    return frozenset(row["position"] for row in rows)


async def ahead(
    tx: Transaction, reader: str, *, of: str, tenant: str, parts: Parts, names: Sequence[str]
) -> frozenset[str]:
    """Tell which of these names events name that a reader has applied, another not heard of.

    Both have one shard. The cost is of the events between the two.
    """
    rows = await tx.fetch(AHEAD, reader, of, tenant, *parts, list(names))
    return frozenset(row["name"] for row in rows)


async def waiting_since(tx: Transaction, reader: str, tenant: str, type_: str) -> datetime | None:
    """Say when the first event of a type that a reader of one shard is behind with was received.

    None is that it has heard all. The cost is of the events that it is behind with.
    """
    since: datetime | None = await tx.fetchval(WAITING, reader, tenant, type_)
    return since


async def read_page(
    database: Database, reader: Reader, clock: Clock, *, shard: int = 0, limit: int | None = None
) -> Seen:
    """Apply one page and move the cursor, together; say what there was.

    An event that `apply` refuses, or that cannot even be read, is found by halving the page, set
    aside with its reason, and passed: one bad event must not stop everything behind it. An outage
    is not the event's fault and is raised.
    """
    page = limit or reader.page
    try:
        return await _apply_page(database, reader, clock, shard=shard, page=page)
    except OUTAGES:
        raise
    except Unreadable as problem:
        if page == 1:
            return await _pass_unreadable(database, reader, problem, clock, shard=shard)
        refusal = repr(problem)
    except Exception as error:
        if page == 1:
            raise
        refusal = repr(error)
    log.warning("page refused, halving it", reader=reader.name, page=page, error=refusal)
    return await read_page(database, reader, clock, shard=shard, limit=page // 2)


async def _apply_page(
    database: Database, reader: Reader, clock: Clock, *, shard: int, page: int
) -> Seen:
    async with database.transaction(Scope.of_workers()) as tx:
        row = await tx.fetchrow(CLAIM, reader.name, shard)
        if row is None:
            return Seen.NOTHING
        after = Position(row["tx"], row["position"])
        (events, reached), unheard = await _read(tx, reader, after, page=page, shard=shard)
        if reached == after:
            return _rest(row, Seen.NOTHING)
        if events:
            await _timed(tx, reader, events, clock, is_alone=page == 1)
        move = MOVE if events else SKIP
        await tx.execute(move, reader.name, shard, str(reached.tx), reached.position, clock.now())
    if events or reached.position - after.position >= page * event_log.PASSED_PAGES:
        return Seen.PAGE
    return Seen.UNHEARD if unheard else _rest(row, Seen.OTHERS)


def _rest(cursor: Any, seen: Seen) -> Seen:
    return Seen.HIDDEN if cursor["is_hidden"] else seen


async def _read(
    tx: Transaction, reader: Reader, after: Position, *, page: int, shard: int
) -> tuple[tuple[list[Event], Position], frozenset[str]]:
    """Read what concerns somebody, and say what does not.

    What came to concern somebody meanwhile is read after all.
    """
    unheard = await reader.unheard(tx) if reader.unheard else frozenset[str]()
    types = reader.types
    while True:
        wanted = types - unheard if types is not None else None
        found = await event_log.read(
            tx, after, limit=page, types=wanted, shards=reader.shards, shard=shard
        )
        # Each statement sees what was committed before it: who began to listen after the first
        # question may know nothing yet of an event that the page, read later, has passed over.
        if not unheard or not reader.unheard or unheard <= (still := await reader.unheard(tx)):
            return found, unheard
        unheard &= still


async def _pass_unreadable(
    database: Database, reader: Reader, problem: Unreadable, clock: Clock, *, shard: int
) -> Seen:
    """Set a row aside that is no event, as one that was refused, and move the cursor behind it.

    Where another process has moved on meanwhile, it has found the same.
    """
    now, position = clock.now(), problem.position
    reached = (str(problem.reached.tx), problem.reached.position)
    async with database.transaction(Scope.of_workers()) as tx:
        row = await tx.fetchrow(CLAIM, reader.name, shard)
        if row is not None and Position(row["tx"], row["position"]) == problem.after:
            log.error("event refused", reader=reader.name, position=position, error=str(problem))
            await tx.execute(REFUSE, problem.tenant, reader.name, position, now, problem.message)
            await tx.execute(MOVE, reader.name, shard, *reached, now)
    return Seen.PAGE


async def _timed(
    tx: Transaction, reader: Reader, events: Sequence[Event], clock: Clock, *, is_alone: bool
) -> None:
    began = clock.ticks()
    of: dict[str, str | int] = {"crossdock.reader": reader.name, "crossdock.events": len(events)}
    thread = events[0].fact.correlation_id if len(events) == 1 else ""
    with telemetry.correlated(thread), telemetry.span("reader page", of):
        await _apply(tx, reader, events, clock, is_alone=is_alone)
    page = metrics.READER_PAGE.labels(reader.name)
    tx.afterwards(lambda: page.observe(clock.ticks() - began))


async def _apply(
    tx: Transaction, reader: Reader, events: Sequence[Event], clock: Clock, *, is_alone: bool
) -> None:
    if not is_alone:
        await reader.apply(tx, events)
        return
    try:
        async with tx.savepoint():
            await reader.apply(tx, events)
    except OUTAGES:
        raise
    except Exception as error:  # whatever it is, it is this event's
        event = events[0]
        log.exception("event refused", reader=reader.name, position=event.position)
        await tx.execute(
            REFUSE, event.tenant, reader.name, event.position, clock.now(), repr(error)
        )


async def measure(tx: Transaction, now: datetime) -> None:
    """Fill the figures of every reader."""
    lags = [((row["name"],), max(row["seconds"], 0.0)) for row in await tx.fetch(LAGS, now)]
    refusals = [((row["reader"],), row["events"]) for row in await tx.fetch(REFUSALS)]
    metrics.fill(metrics.READER_LAG, lags)
    metrics.fill(metrics.READER_REFUSALS, refusals)


async def catch_up(database: Database, reader: Reader, clock: Clock) -> None:
    """Apply everything there is now, on every shard.

    A transaction that is open anywhere in the cluster, even an ANALYZE, hides for a moment what
    was committed after it began, and another process may hold a shard; both are waited for, but
    not for long.
    """
    for _ in range(HIDDEN_LOOKS_MAX):
        for shard in range(reader.shards):
            while await read_page(database, reader, clock, shard=shard) in THERE_MAY_BE_MORE:
                pass
        async with database.transaction(Scope.of_workers()) as tx:
            is_hidden = await event_log.is_hidden(tx)  # first, for the same reason
            if not is_hidden and not await tx.fetchval(BEHIND, reader.name):
                return
        await asyncio.sleep(0.01)


async def follow(database: Database, reader: Reader, clock: Clock, *, shard: int = 0) -> None:
    """Apply page after page until cancelled, waking with each commit to the log.

    What does not concern it is passed over four times a second, and not with each of a thousand
    commits: so old may its cursor be. Rung for types that concern nobody just now, it stays deaf
    for that long.
    """
    wanted = [event_log.TOPIC] if reader.types is None else map(event_log.topic_of, reader.types)
    bell = database.bell(*wanted)
    loop = asyncio.get_running_loop()
    outage = hidden = 0.0
    while True:
        began = loop.time()
        try:
            seen = await read_page(database, reader, clock, shard=shard)
            outage = 0.0
        except DATABASE_ERRORS as error:
            outage = min(max(0.1, outage * 2), 10.0)
            log.warning("reader waits", reader=reader.name, seconds=outage, error=repr(error))
            await asyncio.sleep(outage)
            continue
        longer = min(max(HIDDEN_SECONDS, hidden * 2), UNCONCERNED_SECONDS)
        hidden = longer if seen is Seen.HIDDEN else 0.0
        if seen is Seen.PAGE:
            # Gather what comes in a moment: a page costs much the same for one event and for ten.
            await asyncio.sleep(max(0.0, began + GATHER_SECONDS - loop.time()))
        elif seen is Seen.UNHEARD:
            await asyncio.sleep(UNCONCERNED_SECONDS)
        else:
            rest = UNCONCERNED_SECONDS if seen is Seen.OTHERS else IDLE_SECONDS
            is_rung = await bell.wait(hidden or rest)
            hidden = 0.0 if is_rung else hidden  # what came now may be hidden for a moment alone
