"""What orders claim of stock rows, and what promises draw of it, as the database has them."""

from collections.abc import Iterable

from crossdock.capabilities.inventory.drawing import PARTS, Drawn, Pool
from crossdock.capabilities.inventory.kits import BY_ORDER
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
        greatest(0, d.ordered - d.cancelled - case when $4 then 0 else d.picked end) as open
    from orders o join inventory_demand d on d.tenant = $1 and d.order_id = o.order_id
        and d.source = o.source and d.order_id <> '' and d.stock_id is not null
), kit as materialized (
    select l.source, l.order_id, l.demand_ref, v.reservation_id, v.line_no, least(v.made,
        greatest(0, v.granted + v.made - greatest(v.consumed, v.picked))) as made
    from line l join inventory_reservation v on v.tenant = $1 and v.stock_id = l.stock_id
        and v.demand_ref = l.demand_ref and v.made > 0 and v.into_line = 0 and v.is_linked
        and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED') and ($4 or v.client <> $5)
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


async def claimed(
    tx: Transaction, refs: Iterable[str], stock_ids: Iterable[int], *, is_of_hub: bool = False
) -> Drawn:
    """Find what the orders of these lines claim at these rows, and what is drawn of it.

    What the hub holds by itself gives way, so it draws nothing; unless it asks (`is_of_hub`): then
    what was picked of the orders' lines is claimed, too.
    """
    wanted = set(refs) - {""}
    if not wanted:
        return Drawn()
    named = sorted(wanted), sorted(set(stock_ids))
    rows = await tx.fetch(CLAIMED, tx.tenant, *named, is_of_hub, BY_ORDER)
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
