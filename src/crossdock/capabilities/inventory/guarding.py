"""Maxima and minima at the moment of a promise: where they hold, and what each channel has had.

A stock row that somebody keeps goods at is *guarded*: the hot statement leaves its requests
undecided, and they are decided one by one beside what is said here. Rows without cost nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crossdock.canonical.allocation import NO_GROUPS, AllocationGroups
from crossdock.capabilities.inventory.granting import Guards
from crossdock.capabilities.inventory.had import (
    Asked,
    Had,
    KnowsProtections,
    OrderLine,
    Question,
    Quoted,
    Whose,
    counted,
    keep_ordered,
)
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.inventory.store import StockRow
from crossdock.foundation.database import Transaction

# The flag is read under the row's lock, so a promise is decided before a guard is set or by it.
GUARD = """
update inventory_stock set is_guarded = $3
where tenant = $1 and stock_id = any($2::bigint[]) and is_guarded <> $3
"""

# Wherever a line was, it is the same channel's; what cut it was said where it was made.
CHANNELS_OF = """
select distinct on (reservation_id, line_no) reservation_id, line_no, channel, customer, cut_by
from inventory_channel_line where tenant = $1 and reservation_id = any($2::uuid[])
order by reservation_id, line_no, cut_by desc
"""
KEEP = """
insert into inventory_channel_line (tenant, reservation_id, line_no, stock_id, channel, customer,
    made_at, cut_by)
select $1, r.reservation_id, r.line_no, r.stock_id, r.channel, r.customer, $6, r.cut_by
from unnest($2::uuid[], $3::smallint[], $4::bigint[], $5::text[], $7::text[], $8::text[])
    r(reservation_id, line_no, stock_id, channel, cut_by, customer)
on conflict (tenant, reservation_id, line_no, stock_id) do update
set made_at = excluded.made_at, is_ordered = false
"""

# What has gone out of a promise that moves counts where it went out; one that comes back to a
# place has had there what it had.
MOVE = """
update inventory_channel_line h set is_ordered = false,
    out_here = case when h.stock_id = k.left_id then k.used - h.out_before else h.out_here end,
    out_before = case when h.stock_id = k.stock_id then k.used - h.out_here else h.out_before end
from unnest($2::uuid[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[])
    k(reservation_id, line_no, left_id, stock_id, used)
where h.tenant = $1 and h.reservation_id = k.reservation_id and h.line_no = k.line_no
    and h.stock_id in (k.left_id, k.stock_id)
"""


class ChannelLine(NamedTuple):
    """A reservation line: whose it is, and what cut it ("": nothing)."""

    reservation_id: UUID
    line_no: int
    stock_id: int
    whose: Whose
    cut_by: str = ""


class Moved(NamedTuple):
    """A line that moves from one stock row to another; `used` of it has gone out before."""

    reservation_id: UUID
    line_no: int
    left_id: int
    stock_id: int
    used: int


class Guarded(NamedTuple):
    """What each channel may have of locked rows, and has had; whose quoted order lines are.

    `confirmed` is what order lines have of that which is still to be picked, as it was counted.
    By `groups` it shows for which of the `guards` a demand counts.
    """

    guards: Mapping[int, Guards]
    orders: Mapping[OrderLine, Whose]
    confirmed: Mapping[OrderLine, int]
    groups: AllocationGroups = NO_GROUPS


async def guards_of(
    tx: Transaction,
    protections: KnowsProtections,
    rows: Iterable[StockRow],
    now: datetime,
    quoted: Sequence[Quoted] = (),
) -> Guarded:
    """Say what each channel may have of these rows, which are locked, and what it has had.

    An order line is its order's channel's. Until allocation has heard of the order, it is of the
    channel that a promise was made to it for; of one that is quoted now and was promised nothing,
    who quotes it.
    """
    keys = {row.stock_id: (row.item, row.location) for row in rows if row.is_guarded}
    found = await protections.protections(tx, sorted(keys.values()), now) if keys else {}
    asked = [
        Asked(stock_id, said)
        for stock_id, key in sorted(keys.items())
        for said in found.get(key, ())
    ]
    if not asked:
        return Guarded({}, {}, {})
    quoted = [one for one in quoted if one.stock_id in keys]
    found_had = await counted(tx, protections, Question(keys, asked, quoted), now)
    await keep_ordered(tx, found_had.claims.held, found_had.claims.heard)
    guards = guards_by_row(asked, found_had.had, found_had.claims.groups)
    orders = {**found_had.claims.unheard, **found_had.claims.heard}
    return Guarded(guards, orders, found_had.confirmed, found_had.claims.groups)


def guards_by_row(
    asked: Sequence[Asked], had: Sequence[Had], groups: AllocationGroups
) -> dict[int, Guards]:
    """Put side by side what each channel or group may have of a row, and has had."""
    guards: dict[int, dict[str, Claim]] = {}
    for (stock_id, said), one in zip(asked, had, strict=True):
        claim = Claim(
            least=said.minimum,
            most=said.maximum,
            used=one.used,
            claimed=one.claimed,
            channels=groups.members(said.channel) if groups is not NO_GROUPS else frozenset(),
        )
        guards.setdefault(stock_id, {})[said.channel] = claim
    return dict(guards)


async def channels_of(
    tx: Transaction, reservation_ids: Sequence[UUID]
) -> dict[tuple[UUID, int], ChannelLine]:
    """Give what is kept of these reservations' lines at guarded rows."""
    rows = await tx.fetch(CHANNELS_OF, tx.tenant, list(reservation_ids))
    return {
        (row["reservation_id"], row["line_no"]): ChannelLine(
            row["reservation_id"],
            row["line_no"],
            0,
            Whose(row["channel"], row["customer"]),
            row["cut_by"],
        )
        for row in rows
    }


async def keep(tx: Transaction, lines: Collection[ChannelLine], now: datetime) -> None:
    """Keep whose these lines are, and that their goods were granted to them now."""
    if lines:
        await tx.execute(
            KEEP,
            tx.tenant,
            [line.reservation_id for line in lines],
            [line.line_no for line in lines],
            [line.stock_id for line in lines],
            [line.whose.channel for line in lines],
            now,
            [line.cut_by for line in lines],
            [line.whose.customer for line in lines],
        )


async def move(tx: Transaction, lines: Sequence[Moved]) -> None:
    """Have what went out of these lines count where it did; `keep` goes before."""
    if lines:
        await tx.execute(MOVE, tx.tenant, *([*column] for column in zip(*lines, strict=True)))


async def guard(tx: Transaction, stock_ids: Iterable[int], *, is_guarded: bool) -> None:
    """Have promises from these rows ask for maxima and minima, or no longer."""
    await tx.execute(GUARD, tx.tenant, sorted(stock_ids), is_guarded)
