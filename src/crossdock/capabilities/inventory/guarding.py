"""Maxima and minima at the moment of a promise: where they hold, and what each channel has had.

A stock row that somebody keeps goods at is *guarded*: the hot statement leaves its requests
undecided, and they are decided one by one beside what is said here. Rows without cost nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from crossdock.capabilities.inventory.granting import Guards
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.inventory.store import Key, StockRow
from crossdock.foundation.database import Transaction

# The flag is read under the row's lock, so a promise is decided before a guard is set or by it.
GUARD = """
update inventory_stock set is_guarded = $3
where tenant = $1 and stock_id = any($2::bigint[]) and is_guarded <> $3
"""

# What a channel holds that no order of its counts: living promises, and what has gone out of
# ended ones. A soft hold that has lapsed and is not swept yet holds nothing.
HELD = """
select k.ord::integer as ord, sum(case
        when v.status = 'CONSUMED' or v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
            and (v.is_hard or v.expires_at > $5) then v.granted
        else least(v.granted, greatest(v.consumed, v.picked)) end)::bigint as micros
from unnest($2::bigint[], $3::text[], $4::timestamptz[]) with ordinality
    k(stock_id, channel, starts_at, ord)
join inventory_channel_line h on h.tenant = $1 and h.stock_id = k.stock_id
    and h.channel = k.channel and h.made_at >= k.starts_at
cross join lateral (select * from inventory_reservation
    where tenant = $1 and reservation_id = h.reservation_id and line_no = h.line_no limit 1) v
where not v.is_linked and v.status <> 'DENIED'
group by k.ord
"""

# What order lines of a channel claim at this very row, picked or not.
ORDERED = """
select k.ord, sum(greatest(d.ordered - d.cancelled, d.picked))::bigint as micros
from unnest($2::integer[], $3::bigint[], $4::text[]) k(ord, stock_id, demand_ref)
cross join lateral (select * from inventory_demand
    where tenant = $1 and demand_ref = k.demand_ref and order_id <> '') d
where d.stock_id = k.stock_id group by k.ord
"""

CHANNELS_OF = """
select reservation_id, line_no, channel, cut_by from inventory_channel_line
where tenant = $1 and reservation_id = any($2::uuid[])
"""
KEEP = """
insert into inventory_channel_line (tenant, reservation_id, line_no, stock_id, channel, made_at,
    cut_by)
select $1, r.reservation_id, r.line_no, r.stock_id, r.channel, $6, r.cut_by
from unnest($2::uuid[], $3::smallint[], $4::bigint[], $5::text[], $7::text[])
    r(reservation_id, line_no, stock_id, channel, cut_by)
on conflict (tenant, reservation_id, line_no) do update set stock_id = excluded.stock_id
"""


class ChannelProtection(NamedTuple):
    """A channel's maximum and minimum at an item-location in a period that holds now (§3.6).

    `taken` is what order lines took that are done with, `demand_refs` those that are not.
    """

    channel: str
    maximum: int | None
    minimum: int
    starts_at: datetime
    taken: int
    demand_refs: Sequence[str]


class KnowsProtections(Protocol):
    """Who keeps the rules; inventory asks him with the stock rows locked."""

    async def protections(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> Mapping[Key, Sequence[ChannelProtection]]:
        """Give what holds now for each (item, location)."""
        ...


class ChannelLine(NamedTuple):
    """A reservation line at a guarded row: whose it is, and what cut it ("": nothing)."""

    reservation_id: UUID
    line_no: int
    stock_id: int
    channel: str
    cut_by: str = ""


class _Asked(NamedTuple):
    stock_id: int
    said: ChannelProtection


async def guards_of(
    tx: Transaction, protections: KnowsProtections, rows: Iterable[StockRow], now: datetime
) -> dict[int, Guards]:
    """Say what each channel may have of these rows, which are locked, and what it has had."""
    by_key = {(row.item, row.location): row.stock_id for row in rows if row.is_guarded}
    if not by_key:
        return {}
    found = await protections.protections(tx, sorted(by_key), now)
    asked = [_Asked(by_key[key], said) for key in sorted(found) for said in found[key]]
    used = await _used(tx, asked, now)
    guards: dict[int, dict[str, Claim]] = {}
    for number, (stock_id, said) in enumerate(asked):
        claim = Claim(least=said.minimum, most=said.maximum, used=used[number])
        guards.setdefault(stock_id, {})[said.channel] = claim
    return dict(guards)


async def _used(tx: Transaction, asked: Sequence[_Asked], now: datetime) -> list[int]:
    used = [said.taken for _, said in asked]
    if not asked:
        return used
    held = await tx.fetch(
        HELD,
        tx.tenant,
        [stock_id for stock_id, _ in asked],
        [said.channel for _, said in asked],
        [said.starts_at for _, said in asked],
        now,
    )
    for row in held:
        used[row["ord"] - 1] += row["micros"]
    lines = [
        (number, stock_id, ref)
        for number, (stock_id, said) in enumerate(asked)
        for ref in said.demand_refs
    ]
    for row in await tx.fetch(
        ORDERED,
        tx.tenant,
        [number for number, _, _ in lines],
        [stock_id for _, stock_id, _ in lines],
        [ref for _, _, ref in lines],
    ):
        used[row["ord"]] += row["micros"]
    return used


async def channels_of(
    tx: Transaction, reservation_ids: Sequence[UUID]
) -> dict[tuple[UUID, int], ChannelLine]:
    """Give what is kept of these reservations' lines at guarded rows."""
    rows = await tx.fetch(CHANNELS_OF, tx.tenant, list(reservation_ids))
    return {
        (row["reservation_id"], row["line_no"]): ChannelLine(
            row["reservation_id"], row["line_no"], 0, row["channel"], row["cut_by"]
        )
        for row in rows
    }


async def keep(tx: Transaction, lines: Sequence[ChannelLine], now: datetime) -> None:
    """Keep whose these lines are, or where they lie now."""
    if lines:
        await tx.execute(
            KEEP,
            tx.tenant,
            [line.reservation_id for line in lines],
            [line.line_no for line in lines],
            [line.stock_id for line in lines],
            [line.channel for line in lines],
            now,
            [line.cut_by for line in lines],
        )


async def guard(tx: Transaction, stock_ids: Iterable[int], *, is_guarded: bool) -> None:
    """Have promises from these rows ask for maxima and minima, or no longer."""
    await tx.execute(GUARD, tx.tenant, sorted(stock_ids), is_guarded)
