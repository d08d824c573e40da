"""What orders claim of a stock row by all their lines, and what promises draw of that (A19, A25).

An order that names the parts of a kit claims them once, whatever promises of its lines and of its
kits rest on that claim: together they draw no more than it is worth.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from crossdock.foundation.database import Transaction

# The lines of the orders of some lines at some stock rows: what each claims, what of it promises
# of the line itself have, of how many kits promises hold the parts, and what parts of kits of the
# same order draw of the row. Lines of kits that stand on their parts have an index of their own.
CLAIMED = """
with orders as materialized (
    select distinct o.source, o.order_id from unnest($2::text[]) k(demand_ref)
    join inventory_demand o on o.tenant = $1 and o.demand_ref = k.demand_ref and o.order_id <> ''
), line as materialized (
    select d.source, d.order_id, d.demand_ref, d.stock_id,
        greatest(0, d.ordered - d.cancelled - d.picked) as open
    from orders o join inventory_demand d on d.tenant = $1 and d.order_id = o.order_id
        and d.source = o.source and d.order_id <> '' and d.stock_id is not null
), kit as materialized (
    select l.source, l.order_id, l.demand_ref, v.reservation_id, v.line_no, least(v.made,
        greatest(0, v.granted + v.made - greatest(v.consumed, v.picked))) as made
    from line l join inventory_reservation v on v.tenant = $1 and v.stock_id = l.stock_id
        and v.demand_ref = l.demand_ref and v.made > 0 and v.into_line = 0 and v.is_linked
        and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
    where l.open > 0
), part as materialized (
    select t.source, t.order_id, p.stock_id,
        sum(p.granted - least(p.granted, greatest(p.consumed, p.picked)))::bigint as micros
    from kit t join inventory_reservation p on p.tenant = $1
        and p.reservation_id = t.reservation_id and p.into_line = t.line_no and p.is_linked
        and p.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
    group by 1, 2, 3
)
select l.source, l.order_id, l.demand_ref, l.stock_id, l.open, least(l.open, (
        select coalesce(sum(r.granted - least(r.granted, greatest(r.consumed, r.picked))), 0)
        from inventory_reservation r where r.tenant = $1 and r.demand_ref = l.demand_ref
            and r.demand_ref <> '' and r.stock_id = l.stock_id and r.into_line = 0
            and r.status in ('ACTIVE', 'PARTIALLY_CONSUMED')))::bigint as promised,
    (select coalesce(sum(made), 0)::bigint from kit t where t.demand_ref = l.demand_ref) as made,
    coalesce(p.micros, 0) as parts
from line l left join part p using (source, order_id, stock_id)
where l.stock_id = any($3::bigint[])
"""

PARTS = ""
"""What stands for the parts of an order's kits where its lines are named."""


class Pool(NamedTuple):
    """All that one order claims of a stock row, by all its lines."""

    order: tuple[str, str]
    stock_id: int
    open: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What promises draw of the claims of orders; `made` kits of a line hold their parts already.

    `of` says what each line of a pool draws, and their kits' parts under no name.
    """

    pools: Mapping[tuple[str, int], Pool] = field(default_factory=dict[tuple[str, int], Pool])
    of: Mapping[Pool, Mapping[str, int]] = field(default_factory=dict[Pool, Mapping[str, int]])
    made: Mapping[str, int] = field(default_factory=dict[str, int])


class Draws:
    """What is drawn as a batch is decided: the more promises there are, the less is left."""

    def __init__(self, drawn: Drawn) -> None:
        self._of = dict(drawn.of)
        self._made = dict(drawn.made)

    def copy(self) -> "Draws":
        return Draws(Drawn(of=self._of, made=self._made))

    def left(self, pool: Pool, ref: str = PARTS) -> int:
        """Say what is left of a pool: for a line beside what others draw, for parts beside all."""
        of = self._of.get(pool, {})
        others = sum(micros for line, micros in of.items() if line != ref or not ref)
        return max(0, pool.open - others)

    def draw(self, pool: Pool, micros: int, ref: str = PARTS) -> None:
        """Draw so much; a line's own goods that are promised again are the same goods (A25)."""
        of = self._of.get(pool, {})
        now = max(of.get(ref, 0), micros) if ref else of.get(PARTS, 0) + micros
        self._of[pool] = {**of, ref: now}

    def made(self, ref: str) -> int:
        """Say of how many kits the parts are held for an order line already."""
        return self._made.get(ref, 0)

    def make(self, ref: str, kits: int) -> None:
        self._made[ref] = self.made(ref) + kits


async def claimed(tx: Transaction, refs: Iterable[str], stock_ids: Iterable[int]) -> Drawn:
    """Find what the orders of these lines claim at these rows, and what is drawn of it."""
    wanted = set(refs) - {""}
    if not wanted:
        return Drawn()
    rows = await tx.fetch(CLAIMED, tx.tenant, sorted(wanted), sorted(set(stock_ids)))
    sums: dict[tuple[str, str, int], int] = {}
    for row in rows:
        at = row["source"], row["order_id"], row["stock_id"]
        sums[at] = sums.get(at, 0) + row["open"]
    pool_at = {at: Pool(at[:2], at[2], open_) for at, open_ in sums.items()}
    of: dict[Pool, dict[str, int]] = {}
    for row in rows:
        pool = pool_at[row["source"], row["order_id"], row["stock_id"]]
        lines = of.setdefault(pool, {PARTS: row["parts"]})
        lines[row["demand_ref"]] = row["promised"]
    orders = {row["demand_ref"]: (row["source"], row["order_id"]) for row in rows}
    at_order: dict[tuple[str, str], list[Pool]] = {}
    for pool in of:
        at_order.setdefault(pool.order, []).append(pool)
    pools = {
        (ref, pool.stock_id): pool
        for ref, order in orders.items()
        if ref in wanted
        for pool in at_order[order]
    }
    return Drawn(pools, of, {row["demand_ref"]: row["made"] for row in rows if row["made"]})
