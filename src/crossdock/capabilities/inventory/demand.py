"""Order lines as claims on stock: what is ordered, less what is cancelled and already picked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from crossdock.canonical.envelope import Event
from crossdock.canonical.identifiers import KeyRule
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.inventory import claimed_sums, model
from crossdock.capabilities.inventory.page import Movement, Page, Version
from crossdock.foundation.database import Transaction

_NAMES = KeyRule()

ORDERS = """
select o.tenant, o.source, o.order_id, o.rank, o.us, o.position
from unnest($1::text[], $2::text[], $3::text[]) k(tenant, source, order_id)
join inventory_order o using (tenant, source, order_id)
"""

KEEP_ORDERS = """
insert into inventory_order (tenant, source, order_id, rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
on conflict (tenant, source, order_id) do update
set rank = excluded.rank, us = excluded.us, position = excluded.position
"""

# The claims of these order lines, and every line that these orders had before.
CLAIMS = """
select d.* from unnest($1::text[], $2::text[]) k(tenant, demand_ref)
join inventory_demand d using (tenant, demand_ref)
union
select d.* from unnest($3::text[], $4::text[], $5::text[]) k(tenant, source, order_id)
join inventory_demand d using (tenant, source, order_id)
where d.order_id <> ''
"""

WRITE = """
insert into inventory_demand (tenant, demand_ref, source, order_id, stock_id, ordered, cancelled,
    picked, claimed_us, own_item, own_picked, customer, channel)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::text[], $13::text[])
on conflict (tenant, demand_ref) do update
set source = excluded.source, order_id = excluded.order_id, stock_id = excluded.stock_id,
    ordered = excluded.ordered, cancelled = excluded.cancelled, picked = excluded.picked,
    claimed_us = excluded.claimed_us, own_item = excluded.own_item,
    own_picked = excluded.own_picked, customer = excluded.customer, channel = excluded.channel
"""

Ref = tuple[str, str]
"""Tenant and demand reference: an order line, for ever."""
StockKey = tuple[str, str, str]
"""Tenant, item, location."""


class Claim(NamedTuple):
    """One order line's claim. Without an order (`order_id` "") only its picks are known.

    One that its order has dropped claims nothing; where it was picked is kept (§3.6). `own_picked`
    is what was picked of `own_item`: the line's own, or while no order is known, the first.
    `customer` and `channel` are who ordered, as names compare.
    """

    source: str = ""
    order_id: str = ""
    stock_id: int | None = None
    ordered: int = 0
    cancelled: int = 0
    picked: int = 0
    claimed_us: int = 0
    own_item: str = ""
    own_picked: int = 0
    customer: str = ""
    channel: str = ""

    @property
    def overlay(self) -> int:
        return model.overlay(self.ordered, self.cancelled, self.picked) if self.order_id else 0

    @property
    def is_over_picked(self) -> bool:
        return bool(self.order_id) and model.is_over_picked(self.ordered, self.own_picked)

    def of_item(self, item: str) -> "Claim":
        """Count what is picked of this item as its own; what was before is not known any more."""
        return self if self.own_item == item else self._replace(own_item=item, own_picked=0)

    def plus(self, picks: Mapping[str, int]) -> "Claim":
        """Count so much of each item as picked."""
        own = self.own_item or next(iter(picks))
        return self._replace(
            picked=self.picked + sum(picks.values()),
            own_item=own,
            own_picked=self.own_picked + picks.get(own, 0),
        )

    @property
    def whose(self) -> tuple[str, str]:
        return (self.customer, self.channel)

    @property
    def owner(self) -> tuple[str, str]:
        return (self.source, self.order_id)


class Line(NamedTuple):
    """A line of an order's newest version, as it will claim stock."""

    owner: tuple[str, str]
    key: StockKey
    unit: str
    ordered: int
    cancelled: int
    us: int
    customer: str
    channel: str


class Claims(NamedTuple):
    """The claims that a page may touch, as stored, and what it says of them."""

    stored: Mapping[Ref, Claim]
    orders: Mapping[tuple[str, str, str], Version]
    lines: Mapping[Ref, Line]


async def claims_of(tx: Transaction, page: Page) -> Claims:
    """Read what is stored; keep of the page's orders those that are newer than what is."""
    orders = await _newer(tx, page.orders)
    lines = _lines(orders)
    picked = {
        (move.event.tenant, move.payload.demand_ref)
        for move in page.movements
        if move.payload.demand_ref
    }
    refs = sorted(picked | lines.keys())
    if not refs and not orders:
        return Claims({}, {}, {})
    keys = sorted(orders)
    rows = await tx.fetch(
        CLAIMS,
        [ref[0] for ref in refs],
        [ref[1] for ref in refs],
        [key[0] for key in keys],
        [key[1] for key in keys],
        [key[2] for key in keys],
    )
    return Claims(
        {(row["tenant"], row["demand_ref"]): _claim_of(row) for row in rows}, orders, lines
    )


async def stored(tx: Transaction, refs: Sequence[Ref]) -> dict[Ref, Claim]:
    """Give the claims of these order lines as they are stored."""
    named = [ref[0] for ref in refs], [ref[1] for ref in refs]
    rows = await tx.fetch(CLAIMS, *named, [], [], [])
    return {(row["tenant"], row["demand_ref"]): _claim_of(row) for row in rows}


async def _newer(
    tx: Transaction, orders: Mapping[tuple[str, str, str], Version]
) -> dict[tuple[str, str, str], Version]:
    if not orders:
        return {}
    keys = list(orders)
    rows = await tx.fetch(
        ORDERS, [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]
    )
    known = {
        (row["tenant"], row["source"], row["order_id"]): (row["rank"], row["us"], row["position"])
        for row in rows
    }
    return {
        key: version
        for key, version in orders.items()
        if key not in known or version.order > known[key]
    }


def _lines(orders: Mapping[tuple[str, str, str], Version]) -> dict[Ref, Line]:
    """Take the lines apart; of two orders that name one line, the one written last has it.

    What a supplier sends is known, and nothing of it is open: its holds are handed over, too.
    """
    found: dict[Ref, Line] = {}
    for (tenant, source, order_id), version in orders.items():
        payload = version.event.payload
        assert isinstance(payload, OrderChanged)  # noqa: S101  # the page sorted them
        whose = _NAMES.comparable(payload.customer), _NAMES.comparable(payload.channel or source)
        for line in payload.lines:
            ordered = line.base_ordered or line.ordered
            cancelled = line.base_cancelled or line.cancelled
            if not line.claims_stock:
                cancelled = ordered
            one = Line(
                (source, order_id),
                (tenant, line.item, line.location),
                ordered.unit,
                ordered.micros,
                cancelled.micros,
                version.us,
                *whose,
            )
            ref = (tenant, line.demand_ref)
            if ref not in found or _precedence(one) > _precedence(found[ref]):
                found[ref] = one
    return found


def _precedence(line: Line) -> tuple[int, str, str]:
    return (line.us, *line.owner)


def claimed(
    claims: Claims, fresh: Iterable[Movement], stock_ids: Mapping[StockKey, int]
) -> dict[Ref, Claim]:
    """Give the next state of every claim that the page touches."""
    after = dict(claims.stored)
    renewed = {(tenant, source, order_id) for tenant, source, order_id in claims.orders}
    for ref, claim in claims.stored.items():
        is_dropped = ref not in claims.lines and (ref[0], *claim.owner) in renewed
        if is_dropped:
            after[ref] = Claim()._replace(
                stock_id=claim.stock_id,
                picked=claim.picked,
                own_item=claim.own_item,
                own_picked=claim.own_picked,
            )
    for ref, line in claims.lines.items():
        claim = after.get(ref, Claim())
        if claim.order_id and claim.owner != line.owner and not _wins(line, claim):
            continue
        source, order_id = line.owner
        after[ref] = claim.of_item(line.key[1])._replace(
            source=source,
            order_id=order_id,
            stock_id=stock_ids[line.key],
            ordered=line.ordered,
            cancelled=line.cancelled,
            claimed_us=line.us,
            customer=line.customer,
            channel=line.channel,
        )
    for ref, picks in _picks_by_item(fresh).items():
        after[ref] = after.get(ref, Claim()).plus(picks)
    return after


def _wins(line: Line, claim: Claim) -> bool:
    return _precedence(line) > (claim.claimed_us, *claim.owner)


def picks_of(fresh: Iterable[Movement]) -> dict[Ref, int]:
    return {ref: sum(picks.values()) for ref, picks in _picks_by_item(fresh).items()}


def _picks_by_item(fresh: Iterable[Movement]) -> dict[Ref, dict[str, int]]:
    found: dict[Ref, dict[str, int]] = {}
    for move in fresh:
        if move.payload.demand_ref:
            sums = found.setdefault((move.event.tenant, move.payload.demand_ref), {})
            sums[move.payload.item] = sums.get(move.payload.item, 0) + move.picked
    return found


def live(claims: Claims, fresh: Iterable[Movement]) -> set[Ref]:
    """Name the order lines of which a page says more than history that is filled in later."""
    orders = {key for key, version in claims.orders.items() if not version.event.fact.replay}
    found = {ref for ref, one in claims.stored.items() if (ref[0], *one.owner) in orders}
    found |= {ref for ref, line in claims.lines.items() if (ref[0], *line.owner) in orders}
    moves = (move for move in fresh if move.payload.demand_ref and not move.event.fact.replay)
    return found | {(move.event.tenant, move.payload.demand_ref) for move in moves}


def causes_of(claims: Claims, fresh: Iterable[Movement]) -> dict[Ref, Event]:
    """Name the newest event of a page that changes each order line's claim."""
    causes: dict[Ref, Event] = {}
    if claims.orders:
        for ref, claim in claims.stored.items():
            if version := claims.orders.get((ref[0], *claim.owner)):
                causes[ref] = version.event
        for ref, line in claims.lines.items():
            causes[ref] = claims.orders[(ref[0], *line.owner)].event
    for move in fresh:
        if move.payload.demand_ref:
            ref = (move.event.tenant, move.payload.demand_ref)
            if ref not in causes or causes[ref].position < move.event.position:
                causes[ref] = move.event
    return causes


async def write(tx: Transaction, claims: Claims, after: Mapping[Ref, Claim]) -> None:
    changed = sorted(ref for ref, claim in after.items() if claims.stored.get(ref) != claim)
    if changed:
        rows: Sequence[Claim] = [after[ref] for ref in changed]
        await tx.execute(
            WRITE,
            [ref[0] for ref in changed],
            [ref[1] for ref in changed],
            [row.source for row in rows],
            [row.order_id for row in rows],
            [row.stock_id for row in rows],
            [row.ordered for row in rows],
            [row.cancelled for row in rows],
            [row.picked for row in rows],
            [row.claimed_us for row in rows],
            [row.own_item for row in rows],
            [row.own_picked for row in rows],
            [row.customer for row in rows],
            [row.channel for row in rows],
        )
        await claimed_sums.move(
            tx, ((ref[0], claims.stored.get(ref), after[ref]) for ref in changed)
        )
    if claims.orders:
        keys = sorted(claims.orders)
        versions = [claims.orders[key] for key in keys]
        await tx.execute(
            KEEP_ORDERS,
            [key[0] for key in keys],
            [key[1] for key in keys],
            [key[2] for key in keys],
            [version.rank for version in versions],
            [version.us for version in versions],
            [version.event.position for version in versions],
        )


def _claim_of(row: Any) -> Claim:
    return Claim(
        row["source"],
        row["order_id"],
        row["stock_id"],
        row["ordered"],
        row["cancelled"],
        row["picked"],
        row["claimed_us"],
        row["own_item"],
        row["own_picked"],
        row["customer"],
        row["channel"],
    )
