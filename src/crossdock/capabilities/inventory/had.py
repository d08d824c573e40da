"""What a channel has had in a period of an item at a location: one sum, for promises and runs.

The same sum holds a reservation to maxima and minima and is what a back-order run starts from
(domain.md §3.6): order lines that are done with, what was picked and confirmed of open ones, and
what promises hold, or let go out, that no order line counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from crossdock.canonical.allocation import NO_GROUPS, AllocationGroups
from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.database import Transaction

# What a channel holds: living promises, and what has gone out of ended ones. What an order counts
# is told by its line, unless that is known to count; so is what was picked of a line its order
# dropped. A soft hold that has lapsed and is not swept yet holds nothing. Of a promise that was
# moved each place has what went out there, and the last one the rest. A group holds what was
# promised to its channels, but to no customer of a group ($7), and what was to its own customers.
HELD = """
with mine as (
    select k.ord, h.* from unnest($2::integer[], $3::bigint[], $4::text[], $5::timestamptz[])
        k(ord, stock_id, channel, starts_at)
    join inventory_channel_line h on h.tenant = $1 and h.stock_id = k.stock_id
        and h.channel = k.channel and h.made_at >= k.starts_at
        and (h.customer = '' or h.customer <> all($7::text[]))
    union all
    select k.ord, h.* from unnest($8::integer[], $9::bigint[], $10::text[], $11::timestamptz[])
        k(ord, stock_id, customer, starts_at)
    join inventory_channel_line h on h.tenant = $1 and h.stock_id = k.stock_id
        and h.customer = k.customer and h.customer <> '' and h.made_at >= k.starts_at)
select h.ord, case when v.is_linked then v.demand_ref else '' end as demand_ref,
    case when v.is_linked then h.channel else '' end as channel,
    case when v.is_linked then h.customer else '' end as customer,
    sum(greatest(0, case
        when v.stock_id <> h.stock_id then h.out_here - p.by_line
        when v.status = 'CONSUMED' or v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
            and (v.is_hard or v.expires_at > $6) then v.granted - greatest(h.out_before, p.by_line)
        else least(v.granted, greatest(v.consumed, v.picked))
            - greatest(h.out_before, p.by_line) end))::bigint as micros
from mine h
cross join lateral (select * from inventory_reservation
    where tenant = $1 and reservation_id = h.reservation_id and line_no = h.line_no limit 1) v
left join inventory_demand d on d.tenant = $1 and d.demand_ref = v.demand_ref
    and (d.stock_id = h.stock_id or v.stock_id <> h.stock_id) and d.order_id = ''
    and d.stock_id is not null and v.picked > 0
cross join lateral (select case when d.picked is null then 0 else least(v.granted, v.picked) end
    as by_line) p
where v.status <> 'DENIED'
    and not (v.is_linked and (h.is_ordered or v.stock_id <> h.stock_id))
group by 1, 2, 3, 4
"""

# Allocation knows these order lines by now, and will for longer than any period lasts.
ORDERS_KNOWN = """
update inventory_channel_line h set is_ordered = true
from (select v.reservation_id, v.line_no, v.stock_id
    from unnest($2::bigint[], $3::text[]) k(stock_id, demand_ref)
    join inventory_reservation v on v.tenant = $1 and v.demand_ref = k.demand_ref
        and v.stock_id = k.stock_id and v.is_linked and v.demand_ref <> ''
        and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')) v
where h.tenant = $1 and h.reservation_id = v.reservation_id and h.line_no = v.line_no
    and h.stock_id = v.stock_id
"""

# What order lines have at this very row: picked; and of what is open, what a run confirmed (or,
# until one has decided, promises made to the line). An order that only claims has nothing: what
# it claims beside what is confirmed is told apart.
ORDERED = """
select k.ord, d.stock_id, k.demand_ref, d.picked, c.confirmed,
    (greatest(0, d.ordered - d.cancelled - d.picked) - c.confirmed)::bigint as claimed
from unnest($2::integer[], $3::bigint[], $4::text[], $5::bigint[])
    k(ord, stock_id, demand_ref, confirmed)
cross join lateral (select * from inventory_demand
    where tenant = $1 and demand_ref = k.demand_ref) d
cross join lateral (select coalesce(sum(v.granted), 0)::bigint as micros
    from inventory_reservation v where v.tenant = $1 and v.demand_ref = k.demand_ref
    and v.demand_ref <> '' and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')
    and v.is_hard and v.stock_id = k.stock_id) p
cross join lateral (select greatest(0, least(greatest(k.confirmed, p.micros),
    d.ordered - d.cancelled) - d.picked)::bigint as confirmed) c
where d.stock_id = k.stock_id
"""


class Whose(NamedTuple):
    """Whose a demand is: a channel's, and a customer's where one is named (as customers compare).

    Which maximum and minimum it counts for follows from both (`AllocationGroups`).
    """

    channel: str
    customer: str = ""


class ChannelProtection(NamedTuple):
    """What a channel, or a group of the name, may have at an item-location in a period (§3.6)."""

    channel: str
    maximum: int | None
    minimum: int
    starts_at: datetime
    ends_at: datetime


Placed = tuple[str, str, str]
"""Order line, item, location."""


class OpenLine(NamedTuple):
    """An open order line, and what a run confirmed of it in all (None: none has decided).

    `is_of_period`: what was picked of it counts, too.
    """

    demand_ref: str
    confirmed: int | None = None
    is_of_period: bool = True


class HadByOrders(NamedTuple):
    """By which order lines channels have had what they may have, of one moment.

    Of each protection that was asked about, `taken` is what lines took that are done with (in
    micros), `lines` those that are open. `whose` is whose known lines are.
    """

    taken: Sequence[int]
    lines: Sequence[Sequence[OpenLine]]
    whose: Mapping[Placed, Whose]


class Had(NamedTuple):
    """What a channel has had in its period, in micros: for promises and for runs (§3.6).

    `beside`: what lines that are done with took, what was picked of open ones, what promises of
    no known order line hold or let go out. `confirmed`: what open lines have to be picked yet; a
    run, which grants that anew, leaves it out. `claimed`: what they claim of stock beside that
    and have not had, so that no promise has to keep it for them a second time.
    """

    beside: int = 0
    confirmed: int = 0
    claimed: int = 0

    @property
    def used(self) -> int:
        return self.beside + self.confirmed


class KnowsProtections(Protocol):
    """Who keeps the rules; inventory asks him with the stock rows locked."""

    async def protections(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> Mapping[Key, Sequence[ChannelProtection]]:
        """Give what holds now for each (item, location)."""
        ...

    async def groups(self, tx: Transaction) -> AllocationGroups:
        """Say which channels and customers share a maximum and minimum."""
        ...

    async def had(
        self,
        tx: Transaction,
        asked: Sequence[tuple[Key, ChannelProtection]],
        lines: Sequence[Placed],
        groups: AllocationGroups,
    ) -> HadByOrders:
        """Say by which order lines these have been had, and whose `lines` are."""
        ...

    async def look_again(
        self,
        tx: Transaction,
        keys: Sequence[Key],
        reason: str,
        now: datetime,
        *,
        tenant: str = "",
    ) -> None:
        """Look at who waits for goods there: more or less of them may be had than before.

        "" is the tenant of the transaction; workers name one.
        """
        ...


OrderLine = tuple[int, str]
"""Stock row and order line."""


class Quoted(NamedTuple):
    """An order line that stock counts already and a request quotes, and who asks."""

    stock_id: int
    demand_ref: str
    whose: Whose

    @property
    def line(self) -> OrderLine:
        return (self.stock_id, self.demand_ref)


class Asked(NamedTuple):
    stock_id: int
    said: ChannelProtection


class _Held(NamedTuple):
    """What promises of one protection's channel hold: for an order line, or for none ("")."""

    number: int
    stock_id: int
    demand_ref: str
    whose: Whose
    micros: int

    @property
    def line(self) -> OrderLine:
        return (self.stock_id, self.demand_ref)


class _Claims(NamedTuple):
    """What promises hold, and whose order lines are: heard of, or quoted and not heard of yet."""

    held: Sequence[_Held]
    heard: Mapping[OrderLine, Whose]
    unheard: Mapping[OrderLine, Whose]
    groups: AllocationGroups = NO_GROUPS

    def quoted_by(self, stock_id: int, channel: str) -> list[str]:
        """Name the order lines there that nobody has heard of and a channel or group quotes."""
        return [
            ref
            for (at, ref), by in self.unheard.items()
            if at == stock_id and self.groups.of(*by) == channel
        ]


class Question(NamedTuple):
    keys: Mapping[int, Key]
    asked: Sequence[Asked]
    quoted: Sequence[Quoted]


class Counted(NamedTuple):
    """What each asked about has had; `confirmed` as in `Guarded`."""

    had: Sequence[Had]
    claims: _Claims
    confirmed: Mapping[OrderLine, int]


async def had_in(
    tx: Transaction,
    protections: KnowsProtections,
    asked: Sequence[tuple[int, Key, ChannelProtection]],
    now: datetime,
) -> Sequence[Had]:
    """Say what channels have had at these stock rows, by the very sum that promises are held to.

    Nothing is locked or written.
    """
    keys = {stock_id: key for stock_id, key, _ in asked}
    question = Question(keys, [Asked(stock_id, said) for stock_id, _, said in asked], ())
    return (await counted(tx, protections, question, now)).had


async def counted(
    tx: Transaction, protections: KnowsProtections, question: Question, now: datetime
) -> Counted:
    keys, asked, quoted = question
    groups = await protections.groups(tx) if asked else NO_GROUPS
    held = await _held(tx, asked, groups, now)
    lines = {one.line for one in held if one.demand_ref} | {one.line for one in quoted}
    placed = {(ref, *keys[stock_id]): (stock_id, ref) for stock_id, ref in sorted(lines)}
    had = await protections.had(
        tx, [(keys[stock_id], said) for stock_id, said in asked], list(placed), groups
    )
    heard = {placed[line]: whose for line, whose in had.whose.items()}
    holders = {one.line: one.whose for one in held}
    unheard = {
        one.line: holders.get(one.line, one.whose) for one in quoted if one.line not in heard
    }
    claims = _Claims(held, heard, unheard, groups)
    return await _sum(tx, asked, had, claims)


async def _held(
    tx: Transaction, asked: Sequence[Asked], groups: AllocationGroups, now: datetime
) -> list[_Held]:
    channels = [
        (number, stock_id, channel, said.starts_at)
        for number, (stock_id, said) in enumerate(asked)
        for channel in sorted(groups.members(said.channel))
    ]
    customers = [
        (number, stock_id, customer, said.starts_at)
        for number, (stock_id, said) in enumerate(asked)
        for customer, group in groups.customers.items()
        if group == said.channel
    ]
    rows = await tx.fetch(
        HELD, tx.tenant, *_columns(channels), now, list(groups.customers), *_columns(customers)
    )
    return [
        _Held(
            row["ord"],
            asked[row["ord"]].stock_id,
            row["demand_ref"],
            Whose(row["channel"], row["customer"]),
            row["micros"],
        )
        for row in rows
    ]


def _columns(rows: Sequence[tuple[int, int, str, datetime]]) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(4)]


async def keep_ordered(
    tx: Transaction, held: Iterable[_Held], heard: Mapping[OrderLine, Whose]
) -> None:
    """Keep which promises order lines count from now on, so that they are not told again."""
    if known := sorted({one.line for one in held if one.line in heard}):
        ids, refs = [stock_id for stock_id, _ in known], [ref for _, ref in known]
        await tx.execute(ORDERS_KNOWN, tx.tenant, ids, refs)


async def _sum(
    tx: Transaction, asked: Sequence[Asked], had: HadByOrders, claims: _Claims
) -> Counted:
    """Add up: what lines that are done with took, what promises hold, what open lines have."""
    beside, confirmed, claimed = list(had.taken), [0] * len(asked), [0] * len(asked)
    for one in claims.held:
        if one.line not in claims.heard and one.line not in claims.unheard:
            beside[one.number] += one.micros
    lines = [
        (number, stock_id, line)
        for number, (stock_id, said) in enumerate(asked)
        for line in (
            *had.lines[number],
            *(OpenLine(ref) for ref in claims.quoted_by(stock_id, said.channel)),
        )
    ]
    of_lines: dict[OrderLine, int] = {}
    is_of_period = {(number, line.demand_ref): line.is_of_period for number, _, line in lines}
    for row in await _ordered(tx, lines):
        number = row["ord"]
        confirmed[number] += row["confirmed"]
        claimed[number] += row["claimed"]
        of_lines[row["stock_id"], row["demand_ref"]] = row["confirmed"]
        if is_of_period[number, row["demand_ref"]]:
            beside[number] += row["picked"]
    found = [Had(*amounts) for amounts in zip(beside, confirmed, claimed, strict=True)]
    return Counted(found, claims, of_lines)


async def _ordered(tx: Transaction, lines: Sequence[tuple[int, int, OpenLine]]) -> Sequence[Any]:
    if not lines:
        return ()
    return await tx.fetch(
        ORDERED,
        tx.tenant,
        [number for number, _, _ in lines],
        [stock_id for _, stock_id, _ in lines],
        [line.demand_ref for _, _, line in lines],
        [line.confirmed for _, _, line in lines],
    )
