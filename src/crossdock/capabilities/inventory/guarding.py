"""Maxima and minima at the moment of a promise: where they hold, and what each channel has had.

A stock row that somebody keeps goods at is *guarded*: the hot statement leaves its requests
undecided, and they are decided one by one beside what is said here. Rows without cost nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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

# What a channel holds: living promises, and what has gone out of ended ones. What an order counts
# is told by its line, unless that is known to count. A soft hold that has lapsed and is not swept
# yet holds nothing.
HELD = """
select k.ord::integer as ord, case when v.is_linked then v.demand_ref else '' end as demand_ref,
    sum(case
        when v.status = 'CONSUMED' or v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
            and (v.is_hard or v.expires_at > $5) then v.granted
        else least(v.granted, greatest(v.consumed, v.picked)) end)::bigint as micros
from unnest($2::bigint[], $3::text[], $4::timestamptz[]) with ordinality
    k(stock_id, channel, starts_at, ord)
join inventory_channel_line h on h.tenant = $1 and h.stock_id = k.stock_id
    and h.channel = k.channel and h.made_at >= k.starts_at
cross join lateral (select * from inventory_reservation
    where tenant = $1 and reservation_id = h.reservation_id and line_no = h.line_no limit 1) v
where v.stock_id = k.stock_id and v.status <> 'DENIED' and not (v.is_linked and h.is_ordered)
group by 1, 2
"""

# Allocation knows these order lines by now, and will for longer than any period lasts.
ORDERS_KNOWN = """
update inventory_channel_line h set is_ordered = true
from (select v.reservation_id, v.line_no
    from unnest($2::bigint[], $3::text[]) k(stock_id, demand_ref)
    join inventory_reservation v on v.tenant = $1 and v.demand_ref = k.demand_ref
        and v.stock_id = k.stock_id and v.is_linked and v.demand_ref <> ''
        and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')) v
where h.tenant = $1 and h.reservation_id = v.reservation_id and h.line_no = v.line_no
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
on conflict (tenant, reservation_id, line_no) do update set stock_id = excluded.stock_id,
    made_at = excluded.made_at, is_ordered = false
"""


class ChannelProtection(NamedTuple):
    """A channel's maximum and minimum at an item-location in a period that holds now (§3.6)."""

    channel: str
    maximum: int | None
    minimum: int
    starts_at: datetime
    ends_at: datetime


Placed = tuple[str, str, str]
"""Order line, item, location."""


class HadByOrders(NamedTuple):
    """By which order lines channels have had what they may have, of one moment.

    Of each protection that was asked about, `taken` is what lines took that are done with (in
    micros), `demand_refs` those that are open. `channels` is whose known lines are.
    """

    taken: Sequence[int]
    demand_refs: Sequence[Sequence[str]]
    channels: Mapping[Placed, str]


class KnowsProtections(Protocol):
    """Who keeps the rules; inventory asks him with the stock rows locked."""

    async def protections(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> Mapping[Key, Sequence[ChannelProtection]]:
        """Give what holds now for each (item, location)."""
        ...

    async def had(
        self,
        tx: Transaction,
        asked: Sequence[tuple[Key, ChannelProtection]],
        lines: Sequence[Placed],
    ) -> HadByOrders:
        """Say by which order lines these have been had, and whose `lines` are."""
        ...


class ChannelLine(NamedTuple):
    """A reservation line: whose it is, and what cut it ("": nothing)."""

    reservation_id: UUID
    line_no: int
    stock_id: int
    channel: str
    cut_by: str = ""


OrderLine = tuple[int, str]
"""Stock row and order line."""


class Quoted(NamedTuple):
    """An order line that stock counts already and a request quotes, and who asks."""

    stock_id: int
    demand_ref: str
    channel: str

    @property
    def line(self) -> OrderLine:
        return (self.stock_id, self.demand_ref)


class Guarded(NamedTuple):
    """What each channel may have of locked rows, and has had; whose quoted order lines are."""

    guards: Mapping[int, Guards]
    orders: Mapping[OrderLine, str]


class _Asked(NamedTuple):
    stock_id: int
    said: ChannelProtection


class _Held(NamedTuple):
    """What promises of one protection's channel hold: for an order line, or for none ("")."""

    number: int
    stock_id: int
    demand_ref: str
    micros: int

    @property
    def line(self) -> OrderLine:
        return (self.stock_id, self.demand_ref)


class _Claims(NamedTuple):
    """What promises hold, and whose order lines are: heard of, or quoted and not heard of yet."""

    held: Sequence[_Held]
    heard: Mapping[OrderLine, str]
    unheard: Mapping[OrderLine, str]

    def quoted_by(self, stock_id: int, channel: str) -> list[str]:
        return [ref for (at, ref), by in self.unheard.items() if (at, by) == (stock_id, channel)]


async def guards_of(
    tx: Transaction,
    protections: KnowsProtections,
    rows: Iterable[StockRow],
    now: datetime,
    quoted: Sequence[Quoted] = (),
) -> Guarded:
    """Say what each channel may have of these rows, which are locked, and what it has had.

    An order line is its order's channel's. Until allocation has heard of the order, it is of the
    channel that a promise was made to it for; of one that is quoted now, who quotes it.
    """
    keys = {row.stock_id: (row.item, row.location) for row in rows if row.is_guarded}
    if not keys:
        return Guarded({}, {})
    found = await protections.protections(tx, sorted(keys.values()), now)
    asked = [
        _Asked(stock_id, said)
        for stock_id, key in sorted(keys.items())
        for said in found.get(key, ())
    ]
    quoted = [one for one in quoted if one.stock_id in keys]
    if not asked:
        return Guarded({}, {})
    held = await _held(tx, asked, now)
    lines = {one.line for one in held if one.demand_ref} | {one.line for one in quoted}
    placed = {(ref, *keys[stock_id]): (stock_id, ref) for stock_id, ref in sorted(lines)}
    had = await protections.had(
        tx, [(keys[stock_id], said) for stock_id, said in asked], list(placed)
    )
    heard = {placed[line]: channel for line, channel in had.channels.items()}
    await _keep_ordered(tx, held, heard)
    unheard = {one.line: one.channel for one in quoted if one.line not in heard}
    used = await _used(tx, asked, had, _Claims(held, heard, unheard))
    guards: dict[int, dict[str, Claim]] = {}
    for number, (stock_id, said) in enumerate(asked):
        claim = Claim(least=said.minimum, most=said.maximum, used=used[number])
        guards.setdefault(stock_id, {})[said.channel] = claim
    return Guarded(dict(guards), unheard | heard)


async def _held(tx: Transaction, asked: Sequence[_Asked], now: datetime) -> list[_Held]:
    rows = await tx.fetch(
        HELD,
        tx.tenant,
        [stock_id for stock_id, _ in asked],
        [said.channel for _, said in asked],
        [said.starts_at for _, said in asked],
        now,
    )
    return [
        _Held(number := row["ord"] - 1, asked[number].stock_id, row["demand_ref"], row["micros"])
        for row in rows
    ]


async def _keep_ordered(
    tx: Transaction, held: Iterable[_Held], heard: Mapping[OrderLine, str]
) -> None:
    """Keep which promises order lines count from now on, so that they are not told again."""
    if known := sorted({one.line for one in held if one.line in heard}):
        ids, refs = [stock_id for stock_id, _ in known], [ref for _, ref in known]
        await tx.execute(ORDERS_KNOWN, tx.tenant, ids, refs)


async def _used(
    tx: Transaction, asked: Sequence[_Asked], had: HadByOrders, claims: _Claims
) -> list[int]:
    """Add up: what lines that are done with took, what promises hold, what open lines claim."""
    used = list(had.taken)
    for one in claims.held:
        if one.line not in claims.heard and one.line not in claims.unheard:
            used[one.number] += one.micros
    lines = [
        (number, stock_id, ref)
        for number, (stock_id, said) in enumerate(asked)
        for ref in (*had.demand_refs[number], *claims.quoted_by(stock_id, said.channel))
    ]
    if not lines:
        return used
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


async def keep(tx: Transaction, lines: Collection[ChannelLine], now: datetime) -> None:
    """Keep whose these lines are, and that their goods were granted to them now."""
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
