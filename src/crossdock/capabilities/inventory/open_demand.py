"""Order lines with what is open of them: for comparing with what another system says is open.

Read only, in the caller's transaction. A line is open by what is ordered, less what is cancelled,
less what left its shelf for it.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from crossdock.foundation.database import Transaction

PAGE = 5_000

# By the index of orders, of each source that there is: they are few.
OF_ORDERS = """
select d.order_id, d.demand_ref, s.item, s.location, d.source, d.ordered, d.cancelled, d.picked,
    d.claimed_us
from inventory_source h
cross join unnest($2::text[]) k(order_id)
join inventory_demand d on d.tenant = $1 and d.source = h.source and d.order_id = k.order_id
    and d.order_id <> ''
join inventory_stock s on s.tenant = $1 and s.stock_id = d.stock_id
where h.tenant = $1 and ($3 = '' or h.source = $3)
"""
ALL_OPEN = """
select d.order_id, d.demand_ref, s.item, s.location, d.source, d.ordered, d.cancelled, d.picked,
    d.claimed_us
from inventory_demand d
join inventory_stock s on s.tenant = $1 and s.stock_id = d.stock_id
where d.tenant = $1 and d.demand_ref > $2 and d.order_id <> ''
    and d.ordered - d.cancelled - d.picked > 0 and ($3 = '' or d.source = $3)
order by d.demand_ref limit $4
"""
# Only what came in behind a place in the log can have been recorded since then, so the older part
# of the ledger is not read.
PICKS = """
select d.order_id, m.demand_ref, sum(case when m.us > $3 then m.micros
    * ((coalesce(f.status, '') = 'AVAILABLE')::integer
        - (coalesce(t.status, '') = 'AVAILABLE')::integer)
    else 0 end)::bigint as after
from (select demand_ref, micros, us, coalesce(from_position, 0) as out_of,
        coalesce(to_position, 0) as put_in
    from inventory_movement
    where tenant = $1 and event_position > $2 and us > $4 and demand_ref <> '') m
join inventory_demand d on d.tenant = $1 and d.demand_ref = m.demand_ref and d.order_id <> ''
left join inventory_position f on f.tenant = $1 and f.position_id = m.out_of
left join inventory_position t on t.tenant = $1 and t.position_id = m.put_in
group by d.order_id, m.demand_ref
"""
TELLERS = """
select h.source from inventory_source h
where h.tenant = $1 and exists (select from inventory_demand d
    where d.tenant = $1 and d.source = h.source and d.order_id <> '')
"""


class OpenDemandLine(NamedTuple):
    """An order line, in micros of its base unit: ordered less cancelled, and what left for it.

    `changed_us` is when the newest version of its order was made.
    """

    document: str
    reference: str
    item: str
    location: str
    source: str
    total: int
    picked: int
    changed_us: int


class DemandPicks(NamedTuple):
    """What left the shelf for an order line of late, net; `after` a moment."""

    document: str
    reference: str
    after: int
    lately: int = 0
    back: int = 0


class OpenDemand:
    """`page` lines are read at once."""

    def __init__(self, page: int = PAGE) -> None:
        self._page = page

    async def of_documents(
        self, tx: Transaction, documents: Sequence[str], source: str
    ) -> list[OpenDemandLine]:
        """Give all lines of these orders, closed ones too; `source` "" is from anybody."""
        rows = await tx.fetch(OF_ORDERS, tx.tenant, documents, source)
        return [_line(row) for row in rows]

    async def all_open(
        self, tx: Transaction, source: str, cut: int
    ) -> AsyncIterator[list[OpenDemandLine]]:
        """Give all lines that are open, page by page."""
        del cut
        after = ""
        while True:
            rows = await tx.fetch(ALL_OPEN, tx.tenant, after, source, self._page)
            if rows:
                yield [_line(row) for row in rows]
            if len(rows) < self._page:
                return
            after = rows[-1]["demand_ref"]

    async def picks(self, tx: Transaction, since: int, cut: int, lately: int) -> list[DemandPicks]:
        """Tell what was picked later than `lately`, and how much of it later than the cut.

        Microseconds; `since` is a place in the log before which nothing was recorded after
        `lately`.
        """
        rows = await tx.fetch(PICKS, tx.tenant, since, cut, lately)
        return [DemandPicks(row["order_id"], row["demand_ref"], row["after"]) for row in rows]

    async def told(self, tx: Transaction) -> dict[str, int]:
        """Name who tells of orders; when each was heard last the ledger knows."""
        return {row["source"]: 0 for row in await tx.fetch(TELLERS, tx.tenant)}


def _line(row: Any) -> OpenDemandLine:
    return OpenDemandLine(
        row["order_id"],
        row["demand_ref"],
        row["item"],
        row["location"],
        row["source"],
        row["ordered"] - row["cancelled"],
        row["picked"],
        row["claimed_us"],
    )
