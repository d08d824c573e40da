"""Promises by date as stored: by key, in the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from crossdock.capabilities.supply.kept import DatedLine, KeptPromise, PromiseProof
from crossdock.capabilities.supply.rule_store import Word
from crossdock.foundation.database import Transaction, WorkersSql
from crossdock.foundation.ids import prefixed

# Kits and groups share goods across keys, so all promises by date of a tenant take turns.
TURNS = "select pg_advisory_xact_lock(hashtextextended('promise by date ' || $1, 0))"

READ = """
select promise_id, client, request_id, request_hash, made_at, is_granted, released_at,
    replaced_by, proof, expires_at
from supply_promise where tenant = $1 and promise_id = any($2::uuid[])
"""
LINES = """
select promise_id, line_no, item, location, demand_ref, ship_date, micros, held, used, said, made,
    life_days, transit_days, cut
from supply_promise_line where tenant = $1 and promise_id = any($2::uuid[])
order by promise_id, line_no, demand_ref, ship_date
"""
OPEN_OF = """
select distinct promise_id, demand_ref from supply_promise_line
where tenant = $1 and demand_ref = any($2::text[]) and is_open and promise_id <> $3
"""
# What is open first, then what is over; of each the newest first.
OF_ORDER = """
with named as materialized (
    select promise_id from supply_promise_line
    where tenant = $1 and demand_ref = any($3::text[]) and (is_open or $4)
    union
    select promise_id from supply_promise_line
    where tenant = $1 and demand_ref > $2 || '/' and demand_ref < $2 || '0' and (is_open or $4)
)
select p.promise_id from named n
join supply_promise p on p.tenant = $1 and p.promise_id = n.promise_id
order by p.released_at is not null, p.made_at desc, p.promise_id limit $5
"""
OPEN_AT = """
select p.promise_id, p.channel, p.customer, p.line_no, p.item, p.location, p.demand_ref,
    p.ship_date, p.micros, p.held, p.used, p.said, p.made, p.life_days, p.transit_days,
    p.cut
from unnest($2::text[], $3::text[]) k(item, location)
join supply_promise_line p on p.tenant = $1 and p.item = k.item and p.location = k.location
    and p.is_open
order by p.promise_id, p.line_no, p.item, p.ship_date
"""
OPEN_BESIDE = """
select distinct p.demand_ref, p.item, p.location from supply_promise_line p
where p.tenant = $1 and p.item = any($2::text[]) and p.is_open
    and (p.item, p.location) not in (select * from unnest($3::text[], $4::text[]))
"""
OPEN_OF_PROMISES = """
select p.promise_id, p.channel, p.customer, p.line_no, p.item, p.location, p.demand_ref,
    p.ship_date, p.micros, p.held, p.used, p.said, p.made, p.life_days, p.transit_days,
    p.cut
from supply_promise_line p where p.tenant = $1 and p.promise_id = any($2::uuid[]) and p.is_open
order by p.promise_id, p.line_no, p.item, p.ship_date
"""
MAKING = """
select distinct p.promise_id from unnest($2::text[], $3::text[]) k(item, location)
join supply_promise_line p on p.tenant = $1 and p.item = k.item and p.location = k.location
    and p.is_open and p.made > 0
"""
MADE = """
select p.item, p.location, p.demand_ref, sum(p.made - p.cut)::bigint as made,
    sum(p.made)::bigint as at_most
from unnest($2::text[], $3::text[]) k(item, location)
join supply_promise_line p on p.tenant = $1 and p.item = k.item and p.location = k.location
    and p.is_open and p.made > 0
group by p.item, p.location, p.demand_ref
"""
IS_ANY_OPEN = WorkersSql("select exists (select from supply_promise_line where is_open)")
SET_HELD = """
update supply_promise_line p set held = k.held
from unnest($5::date[], $6::bigint[]) k(ship_date, held)
where p.tenant = $1 and p.promise_id = $2 and p.line_no = $3 and p.item = $4
    and p.ship_date = k.ship_date
"""
SET_MADE = """
update supply_promise_line p set made = k.made, cut = k.cut
from unnest($5::date[], $6::bigint[], $7::bigint[]) k(ship_date, made, cut)
where p.tenant = $1 and p.promise_id = $2 and p.line_no = $3 and p.item = $4
    and p.ship_date = k.ship_date
"""
CLOSE = """
update supply_promise_line set is_open = false
where tenant = $1 and promise_id = $2 and line_no = $3
    and (item = $4 or demand_ref = $5 || '/' || item)
returning demand_ref
"""
END_DONE = """
update supply_promise p set released_at = $3, version = version + 1, changed_by = $4
where p.tenant = $1 and p.promise_id = $2 and p.released_at is null
    and not exists (select from supply_promise_line l
        where l.tenant = $1 and l.promise_id = p.promise_id and l.is_open)
returning version
"""
LISTED = """
select promise_id from supply_promise
where tenant = $1 and is_granted and released_at is null and promise_id > $2
order by promise_id limit $3
"""
LAPSED = """
select promise_id from supply_promise
where tenant = $1 and is_granted and released_at is null and expires_at <= $2
order by expires_at limit $3
"""
# From the few that have lapsed to their lines: there may be many open ones of an item.
LAPSED_OF = """
select p.promise_id from supply_promise p
where p.tenant = $1 and p.is_granted and p.released_at is null and p.expires_at <= $2
    and exists (select from supply_promise_line l where l.tenant = $1
        and l.promise_id = p.promise_id and l.is_open and l.item = any($4::text[]))
order by p.expires_at limit $3
"""
WITH_LAPSED = WorkersSql("""
select distinct tenant from supply_promise
where is_granted and released_at is null and expires_at <= $1
""")
KEEP_ON = """
update supply_promise set expires_at = null, version = version + 1, changed_by = $3
where tenant = $1 and promise_id = $2 and released_at is null
returning version
"""
PUT = """
insert into supply_promise (tenant, promise_id, client, changed_by, request_id, request_hash,
    made_at, is_granted, proof, expires_at, is_secured)
select $1, $2, $3, $3, $4, $5, $6, $7, $8, $9,
    coalesce(bool_and(l.held = l.micros - l.made), false)
from supply_promise_line l where l.tenant = $1 and l.promise_id = $2
"""
PUT_LINES = """
insert into supply_promise_line (tenant, promise_id, channel, customer, line_no, item, location,
    demand_ref, ship_date, micros, held, used, said, made, life_days, transit_days, cut)
select $1, $2, $3, $4, * from unnest($5::smallint[], $6::text[], $7::text[], $8::text[],
    $9::date[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
    $15::integer[], $16::integer[], $17::bigint[])
"""
END = """
with ended as (update supply_promise
    set released_at = $3, replaced_by = $4, version = version + 1, changed_by = $5
    where tenant = $1 and promise_id = $2 and released_at is null
    returning promise_id, version),
closed as (update supply_promise_line set is_open = false
    where tenant = $1 and promise_id in (select promise_id from ended))
select version from ended
"""
SECURE = """
update supply_promise set is_secured = true, version = version + 1, changed_by = $3
where tenant = $1 and promise_id = $2 and not is_secured and released_at is null
returning version
"""
SET_RISK = """
update supply_promise set is_at_risk = $3, is_secured = is_secured and not $3,
    version = version + 1, changed_by = $4
where tenant = $1 and promise_id = $2 and is_at_risk <> $3 and released_at is null
returning version
"""
CHANNELS_OF = """
select distinct channel from supply_promise_line where tenant = $1 and promise_id = $2
"""
RISKY = """
select promise_id from supply_promise
where tenant = $1 and promise_id = any($2::uuid[]) and is_at_risk
"""
WATCHED = WorkersSql("""
select distinct tenant from supply_promise where is_granted and released_at is null
""")


class Open(NamedTuple):
    """An open line of a promise, all its parts, and whose it is."""

    promise_id: UUID
    channel: str
    customer: str
    lines: tuple[DatedLine, ...]


class Stored(NamedTuple):
    request_hash: bytes
    promise: KeptPromise


async def take_turns(tx: Transaction) -> None:
    await tx.execute(TURNS, tx.tenant)


async def read(tx: Transaction, promise_ids: Sequence[UUID]) -> dict[UUID, Stored]:
    lines: dict[UUID, list[DatedLine]] = {}
    for row in await tx.fetch(LINES, tx.tenant, list(promise_ids)):
        lines.setdefault(row[0], []).append(DatedLine(*row[1:]))
    rows = await tx.fetch(READ, tx.tenant, list(promise_ids))
    return {row["promise_id"]: Stored(row["request_hash"], _promise(row, lines)) for row in rows}


def _promise(row: Any, lines: dict[UUID, list[DatedLine]]) -> KeptPromise:
    replaced_by = row["replaced_by"]
    return KeptPromise(
        promise_id=prefixed("prm", row["promise_id"]),
        client=row["client"],
        request_id=row["request_id"],
        made_at=row["made_at"],
        is_granted=row["is_granted"],
        released_at=row["released_at"],
        replaced_by="" if replaced_by is None else prefixed("prm", replaced_by),
        lines=tuple(lines.get(row["promise_id"], ())),
        proof=msgspec.json.decode(row["proof"], type=PromiseProof),
        expires_at=row["expires_at"],
    )


async def open_of(tx: Transaction, refs: Sequence[str], but: UUID) -> list[tuple[UUID, str]]:
    """Name the open promises of these order lines, but one."""
    rows = await tx.fetch(OPEN_OF, tx.tenant, list(refs), but)
    return [(row["promise_id"], row["demand_ref"]) for row in rows]


async def channels_of(tx: Transaction, promise_id: UUID) -> set[str]:
    """Name the channels that a promise was made for."""
    rows = await tx.fetch(CHANNELS_OF, tx.tenant, promise_id)
    return {row["channel"] for row in rows}


async def of_order(
    tx: Transaction, order: str, refs: Sequence[str], *, with_over: bool, limit: int | None
) -> list[UUID]:
    """Name the promises of an order: of these lines, of itself, and of lines named after it."""
    rows = await tx.fetch(OF_ORDER, tx.tenant, order, [order, *refs], with_over, limit)
    return [row["promise_id"] for row in rows]


async def listed(tx: Transaction, after: UUID, limit: int) -> list[UUID]:
    return [row["promise_id"] for row in await tx.fetch(LISTED, tx.tenant, after, limit)]


async def lapsed(tx: Transaction, now: datetime, limit: int) -> list[UUID]:
    """Name the open promises whose time is over, the longest over first."""
    return [row["promise_id"] for row in await tx.fetch(LAPSED, tx.tenant, now, limit)]


async def lapsed_of(
    tx: Transaction, now: datetime, items: Collection[str], limit: int
) -> list[UUID]:
    """Name those of them that keep some of these items."""
    rows = await tx.fetch(LAPSED_OF, tx.tenant, now, limit, sorted(items))
    return [row["promise_id"] for row in rows]


async def with_lapsed(tx: Transaction, now: datetime) -> list[str]:
    """Name the tenants that have such promises."""
    return sorted(row["tenant"] for row in await tx.fetch(WITH_LAPSED, now))


async def keep_on(tx: Transaction, promise_id: UUID, by: str) -> int | None:
    """Keep a promise without an end, as an order has taken it up: give its version."""
    version: int | None = await tx.fetchval(KEEP_ON, tx.tenant, promise_id, by)
    return version


async def put(tx: Transaction, promise_id: UUID, request_hash: bytes, made: KeptPromise) -> None:
    proof = msgspec.json.encode(made.proof).decode()
    head = (made.client, made.request_id, request_hash, made.made_at, made.is_granted, proof)
    await tx.execute(PUT, tx.tenant, promise_id, *head, made.expires_at)


async def put_lines(
    tx: Transaction, promise_id: UUID, whose: tuple[str, str], lines: Sequence[DatedLine]
) -> None:
    columns = map(list, zip(*lines, strict=True))
    await tx.execute(PUT_LINES, tx.tenant, promise_id, *whose, *columns)


async def end(tx: Transaction, promise_id: UUID, word: Word, after: UUID | None) -> int | None:
    """Close a promise that is open, because it was released or another stands in its place.

    Give its version; None is that it was over.
    """
    version: int | None = await tx.fetchval(END, tx.tenant, promise_id, word.at, after, word.by)
    return version


async def secure(tx: Transaction, promise_id: UUID, by: str) -> int | None:
    """Note that all of a promise is held, and give its version; None is that it was before."""
    version: int | None = await tx.fetchval(SECURE, tx.tenant, promise_id, by)
    return version


async def set_risk(tx: Transaction, promise_id: UUID, by: str, *, is_at_risk: bool) -> int | None:
    """Note that a promise is at risk, or no longer; None is that it is known, or over."""
    version: int | None = await tx.fetchval(SET_RISK, tx.tenant, promise_id, is_at_risk, by)
    return version


async def risky(tx: Transaction, promise_ids: Sequence[UUID]) -> set[UUID]:
    """Say which of these promises are known to be at risk."""
    rows = await tx.fetch(RISKY, tx.tenant, list(promise_ids))
    return {row["promise_id"] for row in rows}


async def watched(tx: Transaction) -> list[str]:
    """Name the tenants that have open promises."""
    return sorted(row["tenant"] for row in await tx.fetch(WATCHED))


async def open_at(tx: Transaction, keys: Sequence[tuple[str, str]]) -> list[Open]:
    """Give the open lines of promises at these item-locations."""
    columns = [item for item, _ in keys], [location for _, location in keys]
    return _open(await tx.fetch(OPEN_AT, tx.tenant, *columns))


async def open_beside(
    tx: Transaction, keys: Sequence[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """Give order line, item and location of what is open of the same items at other places."""
    items = [item for item, _ in keys]
    places = [location for _, location in keys]
    found = await tx.fetch(OPEN_BESIDE, tx.tenant, sorted(set(items)), items, places)
    return [(row["demand_ref"], row["item"], row["location"]) for row in found]


async def open_of_promises(tx: Transaction, promise_ids: Sequence[UUID]) -> list[Open]:
    """Give the open lines of these promises."""
    return _open(await tx.fetch(OPEN_OF_PROMISES, tx.tenant, list(promise_ids)))


def _open(rows: Sequence[Any]) -> list[Open]:
    found: dict[tuple[UUID, int, str], Open] = {}
    for row in rows:
        line = DatedLine(*row[3:])
        key = (row[0], line.line_no, line.item)
        known = found.get(key, Open(row[0], row[1], row[2], ()))
        found[key] = known._replace(lines=(*known.lines, line))
    return list(found.values())


async def making(tx: Transaction, keys: Sequence[tuple[str, str]]) -> list[UUID]:
    """Name the promises of kits at these item-locations that are still to be put together."""
    columns = [item for item, _ in keys], [location for _, location in keys]
    return sorted(row["promise_id"] for row in await tx.fetch(MAKING, tx.tenant, *columns))


async def made(
    tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]], *, is_at_most: bool = False
) -> dict[tuple[str, str, str], int]:
    """Say of how much promises of these kits hold components: by item, location, order line.

    Or would, did their orders claim all again (`is_at_most`).
    """
    columns = [item for item, _ in keys], [location for _, location in keys]
    rows = await tx.fetch(MADE, tenant, *columns)
    micros = "at_most" if is_at_most else "made"
    return {(row["item"], row["location"], row["demand_ref"]): row[micros] for row in rows}


async def set_made(tx: Transaction, promise_id: UUID, lines: Sequence[DatedLine]) -> None:
    """Say how much of a kit is to be put together, and what its order claims no more."""
    days, made, cut = zip(*((line.ship_date, line.made, line.cut) for line in lines), strict=True)
    place = (lines[0].line_no, lines[0].item)
    await tx.execute(SET_MADE, tx.tenant, promise_id, *place, days, made, cut)


async def is_any_open(tx: Transaction) -> bool:
    found: bool = await tx.fetchval(IS_ANY_OPEN)
    return found


async def set_held(tx: Transaction, promise_id: UUID, lines: Sequence[DatedLine]) -> None:
    days = [line.ship_date for line in lines]
    held = [line.held for line in lines]
    place = (lines[0].line_no, lines[0].item)
    await tx.execute(SET_HELD, tx.tenant, promise_id, *place, days, held)


async def close(
    tx: Transaction, promise_id: UUID, line: DatedLine, word: Word
) -> tuple[list[str], int | None]:
    """Close a line of which nothing is to leave, and the promise with its last one.

    With a kit what it is put together from is closed, too (`kept.part_ref`). Give the order lines
    they were for, and the version of a promise that has ended so.
    """
    place = (line.line_no, line.item, line.demand_ref)
    rows = await tx.fetch(CLOSE, tx.tenant, promise_id, *place)
    version: int | None = await tx.fetchval(END_DONE, tx.tenant, promise_id, word.at, word.by)
    return sorted({row["demand_ref"] for row in rows}), version
