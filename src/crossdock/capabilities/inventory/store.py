"""Stock rows, reservations and announcements as stored: the statements, and rows as values.

Locks are always taken in one order: stock rows by id, then whatever hangs on them. Whoever
changes a position, a reservation or a demand has locked the stock row first.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from crossdock.canonical.inventory import ReservationStatus
from crossdock.capabilities.inventory.model import Figures, PromisedLine
from crossdock.foundation.database import Transaction

ANNOUNCED = "inventory_announcement"
"""Woken when a transaction has left an announcement."""

SOURCES_APART = "\x1f"

# The hot path (migration 0004): decides a batch of single-line requests, commits and answers in
# one round trip, so that no lock waits for this process. It names only what was not granted.
RESERVE = """
select ord, verdict from inventory_reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
    $14, $15, $16, $17, $18)
"""

STOCK_OF = """
select stock_id, tenant, item, location, unit, nettable, hard, soft, safety, is_known, is_grouped,
    is_guarded, version, sources, expired
from inventory_stock where stock_id = any($1::bigint[]) and ($2 = '*' or tenant = $2)
"""

FIND_STOCK = """
select k.ord::integer ord, s.stock_id from unnest($2::text[], $3::text[]) with ordinality
    k(item, location, ord)
cross join lateral (select stock_id from inventory_stock
    where tenant = $1 and item = k.item and location = k.location) s
"""

MAKE_STOCK = """
insert into inventory_stock (tenant, item, location, is_grouped)
select $1, k.item, k.location, exists (select from inventory_group g
    where g.tenant = $1 and (g.member = k.location or g.location = k.location))
from unnest($2::text[], $3::text[]) k(item, location)
order by k.item, k.location
on conflict (tenant, item, location) do nothing
"""

LOCK_STOCK = """
select stock_id, tenant, item, location, unit, nettable, hard, soft, safety, is_known, is_grouped,
    is_guarded, version, sources, expired
from inventory_stock where stock_id = any($1::bigint[]) and ($2 = '*' or tenant = $2)
order by stock_id for update
"""

# Write figures whose rows this transaction has locked.
WRITE_FIGURES = """
update inventory_stock s set nettable = w.nettable, hard = w.hard, soft = w.soft,
    safety = w.safety, version = w.version
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    w(stock_id, nettable, hard, soft, safety, version)
where s.stock_id = w.stock_id and ($7 = '*' or s.tenant = $7)
"""

MARK_HEARD = """
update inventory_stock s set is_known = true, unit = w.unit,
    sources = string_to_array(w.sources, E'\\x1f')
from unnest($1::bigint[], $2::text[], $3::text[]) w(stock_id, unit, sources)
where s.stock_id = w.stock_id and ($4 = '*' or s.tenant = $4)
"""

LINE = """v.tenant, v.reservation_id, v.line_no, v.client, v.request_id, v.request_hash,
    v.stock_id, v.is_hard, v.is_linked, v.status, v.requested, v.granted, v.consumed, v.picked,
    v.demand_ref, v.created_at, v.expires_at, v.version, v.made, v.into_line, v.is_unlimited,
    v.asked, v.pack, s.item, s.location, s.unit"""
# Looked up one by one, by key: a join would read every stock row to name a handful of them.
STOCK_OF_LINE = """cross join lateral (select item, location, unit from inventory_stock
    where tenant = v.tenant and stock_id = v.stock_id limit 1) s"""
# A line that is linked holds nothing by itself: its order claims the stock. Nor does one that no
# stock limits.
HOLDS = """(v.status in ('ACTIVE', 'PARTIALLY_CONSUMED') and not v.is_linked
    and not v.is_unlimited and v.granted > greatest(v.consumed, v.picked))"""

LINES_OF = f"""
select {LINE} from inventory_reservation v {STOCK_OF_LINE}
where v.reservation_id = any($1::uuid[]) and ($2 = '*' or v.tenant = $2)
order by v.reservation_id, v.line_no
"""  # noqa: S608  # the columns above

LINES_FOR_DEMAND = f"""
select {LINE} from inventory_reservation v {STOCK_OF_LINE}
where v.tenant = any($1::text[]) and v.demand_ref = any($2::text[]) and v.demand_ref <> ''
    and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')
order by v.created_at, v.reservation_id, v.line_no
"""  # noqa: S608 - the columns above

LAPSED_ON = f"""
select {LINE} from inventory_lapsed($1, 10000) l
join inventory_reservation v using (tenant, reservation_id, line_no) {STOCK_OF_LINE}
where l.tenant = $3 and l.stock_id = any($2::bigint[])
"""  # noqa: S608 - the columns above

INSERT_LINES = """
insert into inventory_reservation (reservation_id, line_no, tenant, client, request_id,
    request_hash, stock_id, is_hard, is_linked, status, requested, granted, demand_ref,
    created_at, expires_at, made, into_line, is_unlimited, asked, pack)
select * from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::bytea[],
    $7::bigint[], $8::boolean[], $9::boolean[], $10::text[], $11::bigint[], $12::bigint[],
    $13::text[], $14::timestamptz[], $15::timestamptz[], $16::bigint[], $17::smallint[],
    $18::boolean[], $19::bigint[], $20::bigint[])
"""

WRITE_LINES = """
update inventory_reservation v set stock_id = w.stock_id, is_hard = w.is_hard,
    is_linked = w.is_linked, status = w.status, granted = w.granted, consumed = w.consumed,
    picked = w.picked, expires_at = w.expires_at, version = w.version, made = w.made
from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::boolean[], $5::boolean[], $6::text[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::timestamptz[], $11::integer[], $12::bigint[])
    w(reservation_id, line_no, stock_id, is_hard, is_linked, status, granted, consumed, picked,
      expires_at, version, made)
where v.reservation_id = w.reservation_id and v.line_no = w.line_no
    and ($13 = '*' or v.tenant = $13)
"""

KEEP_REGRANTS = """
insert into inventory_regrant (tenant, reservation_id, at)
select $1, reservation_id, $3 from unnest($2::uuid[]) r(reservation_id)
on conflict do nothing
"""

GROUPS_OF = """
select g.member, g.location from inventory_group g where g.tenant = $1 and g.location in (
    select location from inventory_group where tenant = $1 and member = any($2::text[])
    union select unnest($2::text[]))
"""

# An order line's open demand, for those reservations that quote one.
DEMAND_OF = """
select demand_ref, stock_id, greatest(0, ordered - cancelled - picked) open
from inventory_demand where tenant = $1 and demand_ref = any($2::text[]) and order_id <> ''
"""

Key = tuple[str, str]
"""Item and location."""


class StockRow(NamedTuple):
    """`expired` lies there in lots that have expired: it is not in the figures."""

    stock_id: int
    tenant: str
    item: str
    location: str
    unit: str
    figures: Figures
    is_known: bool
    is_grouped: bool
    version: int
    sources: tuple[str, ...]
    is_guarded: bool = False
    expired: int = 0

    @property
    def is_apart(self) -> bool:
        """Say whether more than its own figures decides: a group's, or what channels may have."""
        return self.is_grouped or self.is_guarded


class LineRow(NamedTuple):
    """A reservation line with the header that is repeated on each."""

    tenant: str
    reservation_id: UUID
    client: str
    request_id: str
    request_hash: bytes
    created_at: datetime
    unit: str
    line: PromisedLine


class StockIds:
    """Remembers ids of stock rows, which are never deleted, so that hot calls skip a search."""

    def __init__(self, size: int = 200_000) -> None:
        self._size = size
        self._ids: OrderedDict[tuple[str, Key], int] = OrderedDict()

    def remember(self, tenant: str, found: Mapping[Key, int]) -> None:
        """Keep ids, once the transaction that found or made them has committed."""
        ids = self._ids
        for key, stock_id in found.items():
            ids[tenant, key] = stock_id
        while len(ids) > self._size:
            ids.popitem(last=False)

    def known(self, tenant: str, keys: Iterable[Key]) -> tuple[dict[Key, int], list[Key]]:
        """Give the ids that are remembered, and the keys that are not."""
        ids = self._ids
        found = {key: ids.get((tenant, key), 0) for key in keys}
        missing = sorted(key for key, stock_id in found.items() if not stock_id)
        return found, missing

    async def of(self, tx: Transaction, tenant: str, keys: Iterable[Key]) -> dict[Key, int]:
        """Find the rows of these keys; make those that are missing, as unknown."""
        found, missing = self.known(tenant, keys)
        if missing:
            found |= await _made(tx, tenant, missing)
        return found


async def _made(tx: Transaction, tenant: str, keys: Sequence[Key]) -> dict[Key, int]:
    found = await find_stock(tx, tenant, keys)
    if absent := [key for key in keys if key not in found]:
        await tx.execute(MAKE_STOCK, tenant, *_columns(absent))
        found |= await find_stock(tx, tenant, absent)
    return found


async def find_stock(tx: Transaction, tenant: str, keys: Sequence[Key]) -> dict[Key, int]:
    rows = await tx.fetch(FIND_STOCK, tenant, *_columns(keys))
    return {keys[row["ord"] - 1]: row["stock_id"] for row in rows}


async def lock_stock(tx: Transaction, stock_ids: Iterable[int]) -> dict[int, StockRow]:
    rows = await tx.fetch(LOCK_STOCK, sorted(set(stock_ids)), tx.tenant)
    return {row["stock_id"]: stock_of(row) for row in rows}


def stock_of(row: Any) -> StockRow:
    return StockRow(
        row["stock_id"],
        row["tenant"],
        row["item"],
        row["location"],
        row["unit"],
        Figures(row["nettable"], row["hard"], row["soft"], row["safety"]),
        row["is_known"],
        row["is_grouped"],
        row["version"],
        tuple(row["sources"]),
        row["is_guarded"],
        row["expired"],
    )


def figures_told(rows: Sequence[StockRow]) -> list[list[int]]:
    """Turn stock rows into the columns that the log is told of: ids, versions, figures."""
    return [
        [row.stock_id for row in rows],
        [row.version for row in rows],
        [row.figures.nettable for row in rows],
        [row.figures.hard for row in rows],
        [row.figures.soft for row in rows],
        [row.figures.safety for row in rows],
    ]


def lines_told(lines: Sequence[LineRow]) -> list[list[Any]]:
    """Turn reservation lines into the columns that name them to the log."""
    return [
        [line.reservation_id for line in lines],
        [line.line.line_no for line in lines],
        [line.line.version for line in lines],
    ]


async def write_figures(tx: Transaction, rows: Sequence[StockRow]) -> None:
    if rows:
        await tx.execute(
            WRITE_FIGURES,
            [row.stock_id for row in rows],
            [row.figures.nettable for row in rows],
            [row.figures.hard for row in rows],
            [row.figures.soft for row in rows],
            [row.figures.safety for row in rows],
            [row.version for row in rows],
            tx.tenant,
        )


def line_of(row: Any) -> LineRow:
    return LineRow(
        row["tenant"],
        row["reservation_id"],
        row["client"],
        row["request_id"],
        row["request_hash"],
        row["created_at"],
        row["unit"],
        PromisedLine(
            row["line_no"],
            row["item"],
            row["location"],
            ReservationStatus(row["status"]),
            row["is_hard"],
            row["requested"],
            row["granted"],
            row["consumed"],
            row["picked"],
            row["is_linked"],
            row["demand_ref"],
            row["expires_at"],
            row["version"],
            row["stock_id"],
            row["made"],
            row["into_line"],
            row["is_unlimited"],
            *(row[name] or 0 for name in ("asked", "pack")),
        ),
    )


async def lines_of(tx: Transaction, reservation_ids: Sequence[UUID]) -> list[LineRow]:
    rows = await tx.fetch(LINES_OF, list(reservation_ids), tx.tenant)
    return [line_of(row) for row in rows]


async def lines_for(tx: Transaction, refs: Sequence[tuple[str, str]]) -> list[LineRow]:
    """Find the living promises of these (tenant, order line) pairs, oldest first."""
    if not refs:
        return []
    asked = set(refs)
    rows = await tx.fetch(
        LINES_FOR_DEMAND, sorted({ref[0] for ref in refs}), sorted({ref[1] for ref in refs})
    )
    found = [line_of(row) for row in rows]
    return [row for row in found if (row.tenant, row.line.demand_ref) in asked]


async def mark_heard(tx: Transaction, rows: Sequence[StockRow]) -> None:
    if rows:
        await tx.execute(
            MARK_HEARD,
            [row.stock_id for row in rows],
            [row.unit for row in rows],
            [SOURCES_APART.join(row.sources) for row in rows],
            tx.tenant,
        )


async def write_lines(tx: Transaction, rows: Sequence[LineRow]) -> None:
    if not rows:
        return
    lines = [row.line for row in rows]
    await tx.execute(
        WRITE_LINES,
        [row.reservation_id for row in rows],
        [line.line_no for line in lines],
        [line.stock_id for line in lines],
        [line.is_hard for line in lines],
        [line.is_linked for line in lines],
        [line.status.value for line in lines],
        [line.granted for line in lines],
        [line.consumed for line in lines],
        [line.picked for line in lines],
        [line.expires_at for line in lines],
        [line.version for line in lines],
        [line.made for line in lines],
        tx.tenant,
    )


async def insert_lines(tx: Transaction, rows: Sequence[LineRow]) -> None:
    lines = [row.line for row in rows]
    await tx.execute(
        INSERT_LINES,
        [row.reservation_id for row in rows],
        [line.line_no for line in lines],
        [row.tenant for row in rows],
        [row.client for row in rows],
        [row.request_id for row in rows],
        [row.request_hash for row in rows],
        [line.stock_id for line in lines],
        [line.is_hard for line in lines],
        [line.is_linked for line in lines],
        [line.status.value for line in lines],
        [line.requested for line in lines],
        [line.granted for line in lines],
        [line.demand_ref for line in lines],
        [row.created_at for row in rows],
        [line.expires_at for line in lines],
        [line.made for line in lines],
        [line.into_line for line in lines],
        [line.is_unlimited for line in lines],
        [line.asked or None for line in lines],
        [line.pack or None for line in lines],
    )


async def keep_regrants(tx: Transaction, reservation_ids: Iterable[UUID], now: datetime) -> None:
    """Note that what these promises had was granted anew now."""
    if named := sorted(reservation_ids):
        await tx.execute(KEEP_REGRANTS, tx.tenant, named, now)


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [item for item, _ in keys], [location for _, location in keys]
