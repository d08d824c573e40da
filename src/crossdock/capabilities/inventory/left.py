"""Order lines with what of them has left the house: for comparing with what followed upon it.

Read only, in the caller's transaction. Goods leave by a movement that quotes the line and ends
outside; what is voided, or comes back, is taken off. Of a line for which other goods left than it
names, as of a kit in parts, nobody can say how much of it that is.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from crossdock.foundation.database import Transaction

PAGE = 5_000
DAYS_BACK = 92
"""So long ago goods may have left that a full dump is asked for."""
LEAVES = ("PICK", "UNPICK", "SHIP", "SHIP_VOID")
COMES_BACK = "RETURN_RECEIPT"
_DAY_US = 24 * 60 * 60 * 1_000_000

# By the index of what crossed the house's border for an order line; -1 is that nobody can say.
LEFT = """
select d.order_id, d.demand_ref, s.item, s.location, d.source,
    case when m.is_other or exists (select from inventory_movement v
        where v.tenant = $1 and v.demand_ref > d.demand_ref || '/'
            and v.demand_ref < d.demand_ref || '0' and v.demand_ref <> ''
            and (v.from_position is null or v.to_position is null)
            and not exists (select from inventory_demand o
                where o.tenant = $1 and o.demand_ref = v.demand_ref and o.order_id <> ''))
        then -1 else greatest(m.micros, 0) end as micros
from inventory_demand d
join inventory_stock s on s.tenant = $1 and s.stock_id = d.stock_id
cross join lateral (
    select coalesce(sum(v.micros * ((v.to_position is null)::integer
            - (v.from_position is null)::integer)), 0)::bigint as micros,
        coalesce(bool_or(p.item <> s.item), false) as is_other
    from inventory_movement v
    join inventory_position p on p.tenant = $1
        and p.position_id = coalesce(v.from_position, v.to_position)
    where v.tenant = $1 and v.demand_ref = d.demand_ref and v.demand_ref <> ''
        and (v.from_position is null or v.to_position is null) and v.type = any($3)) m
where d.tenant = $1 and d.order_id <> '' and ($4 = '' or d.source = $4)
"""
OF_ORDERS = LEFT + "and d.order_id = any($2)"
OF_LINES = LEFT + "and d.demand_ref = any($2)"
LATELY = """
select distinct demand_ref from inventory_movement
where tenant = $1 and demand_ref > $2 and demand_ref <> ''
    and (from_position is null or to_position is null) and us > $3 and type = any($4)
order by demand_ref limit $5
"""
# Only what came in behind a place in the log can have been recorded since then.
MOVED = """
select d.order_id, m.demand_ref,
    (sum(m.signed) filter (where m.us > $3))::bigint as after,
    (sum(m.signed) filter (where m.us <= $3 and m.signed > 0))::bigint as lately,
    (sum(-m.signed) filter (where m.us <= $3 and m.signed < 0))::bigint as back
from (select demand_ref, us, micros * ((to_position is null)::integer
        - (from_position is null)::integer) as signed
    from inventory_movement
    where tenant = $1 and event_position > $2 and us > $4 and demand_ref <> ''
        and (from_position is null or to_position is null) and type = any($5)) m
join inventory_demand d on d.tenant = $1 and d.demand_ref = m.demand_ref and d.order_id <> ''
group by d.order_id, m.demand_ref
"""
TELLERS = "select source from inventory_source where tenant = $1"


class LeftLine(NamedTuple):
    """An order line, and how much of it has left, in micros of its base unit; -1 is unknown."""

    document: str
    reference: str
    item: str
    location: str
    source: str
    total: int
    picked: int = 0
    changed_us: int = 0


class LeftLately(NamedTuple):
    """What left after the cut, net; what left lately until then, and what came back."""

    document: str
    reference: str
    after: int
    lately: int
    back: int


class GoodsLeft:
    """`is_net`: what came back is taken off. `page` lines are read at once."""

    def __init__(self, *, is_net: bool = True, page: int = PAGE) -> None:
        self._types = [*LEAVES, COMES_BACK] if is_net else [*LEAVES]
        self._page = page

    async def of_documents(
        self, tx: Transaction, documents: Sequence[str], source: str
    ) -> list[LeftLine]:
        """Give all lines of these orders; `source` "" is from anybody."""
        rows = await tx.fetch(OF_ORDERS, tx.tenant, documents, self._types, source)
        return [_line(row) for row in rows]

    async def all_open(
        self, tx: Transaction, source: str, cut: int
    ) -> AsyncIterator[list[LeftLine]]:
        """Give all lines of which something left within so many days of the cut, by pages."""
        after, since = "", cut - DAYS_BACK * _DAY_US
        while True:
            found = await tx.fetch(LATELY, tx.tenant, after, since, self._types, self._page)
            if not found:
                return
            lines = [row["demand_ref"] for row in found]
            rows = await tx.fetch(OF_LINES, tx.tenant, lines, self._types, source)
            yield [_line(row) for row in rows]
            after = lines[-1]

    async def picks(self, tx: Transaction, since: int, cut: int, lately: int) -> list[LeftLately]:
        """Tell what left later than `lately`, and came back: until the cut, and after it."""
        rows = await tx.fetch(MOVED, tx.tenant, since, cut, lately, self._types)
        return [
            LeftLately(
                row["order_id"],
                row["demand_ref"],
                row["after"] or 0,
                row["lately"] or 0,
                row["back"] or 0,
            )
            for row in rows
        ]

    async def told(self, tx: Transaction) -> dict[str, int]:
        """Name who tells of stock; when each was heard last the ledger knows."""
        return {row["source"]: 0 for row in await tx.fetch(TELLERS, tx.tenant)}


def _line(row: Any) -> LeftLine:
    return LeftLine(
        row["order_id"],
        row["demand_ref"],
        row["item"],
        row["location"],
        row["source"],
        row["micros"],
    )
