"""More picked for an order line than it orders: told at once, and a case if it lasts (I7, §7.2).

The fold marks the lines that change while they are over, so a look costs what changed since. Only
goods of the line's own item count: for a kit its components may be picked. History that is filled
in later marks no line, and lets one be looked at that is marked.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import model
from crossdock.capabilities.inventory.cases import EVERY, PATIENCE
from crossdock.capabilities.inventory.demand import Claim, Ref
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants

LINES_MAX = 1_000
"""So many lines are looked at in one transaction."""

TENANTS = WorkersSql("""
select distinct tenant from inventory_over_pick where not is_settled
""")
MARK = """
insert into inventory_over_pick as p (tenant, demand_ref, since)
select k.tenant, k.demand_ref, $4
from unnest($1::text[], $2::text[], $3::boolean[]) k(tenant, demand_ref, is_live)
where k.is_live or exists (
    select from inventory_over_pick w where w.tenant = k.tenant and w.demand_ref = k.demand_ref)
on conflict (tenant, demand_ref) do update set is_settled = false,
    since = case when p.is_settled then excluded.since else p.since end
"""
# What heals is seen at once; what is new has so long to be healed. A fold that marks one of them
# waits for its lock, in the same order, so that its mark stands behind what is settled here.
LOCK = """
select demand_ref from inventory_over_pick
where tenant = $1 and not is_settled and (is_told or since <= $2)
order by demand_ref limit $3 for update
"""
# Another statement: it sees what was written before the locks were taken.
LOCKED = """
select w.demand_ref, w.is_told, d.source, d.order_id, d.ordered, d.own_picked, s.item, s.location,
    s.unit
from inventory_over_pick w
join inventory_demand d on d.tenant = $1 and d.demand_ref = w.demand_ref
left join inventory_stock s on s.tenant = $1 and s.stock_id = d.stock_id
where w.tenant = $1 and w.demand_ref = any($2::text[])
order by w.demand_ref
"""
SETTLE = """
update inventory_over_pick set is_settled = true, is_told = true
where tenant = $1 and demand_ref = any($2::text[])
"""
FORGET = "delete from inventory_over_pick where tenant = $1 and demand_ref = any($2::text[])"


class OverPicked(NamedTuple):
    """An order line as it stands, in micros of its item's base unit."""

    demand_ref: str
    is_told: bool
    source: str
    order_id: str
    ordered: int
    picked: int
    item: str
    location: str
    unit: str


async def mark(
    tx: Transaction,
    before: Mapping[Ref, Claim],
    after: Mapping[Ref, Claim],
    live: Collection[Ref],
    now: datetime,
) -> list[Ref]:
    """Have a look taken at what changed and is over, or was; give the lines that are so anew.

    Of those that are not `live` nothing is told, and only those looked at that were marked before.
    """
    changed = [ref for ref, claim in after.items() if _said(before.get(ref)) != _said(claim)]
    was = {ref for ref in changed if before.get(ref, Claim()).is_over_picked}
    are = {ref for ref in changed if after[ref].is_over_picked}
    if marked := sorted(was | are):
        tenants, refs = [ref[0] for ref in marked], [ref[1] for ref in marked]
        await tx.execute(MARK, tenants, refs, [ref in live for ref in marked], now)
    return [ref for ref in sorted(are - was) if ref in live]


def _said(claim: Claim | None) -> tuple[str, int, int]:
    claim = claim or Claim()
    return claim.order_id, claim.ordered, claim.own_picked


class OverPicks:
    """Looks every few minutes at order lines that were picked too much, beyond a tolerance."""

    def __init__(self, database: Database, clock: Clock, desk: Desk, *, percent: int = 0) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk
        self._percent = percent

    @property
    def job(self) -> Job:
        return Job(name="watch over-picks", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open and close the cases of every tenant; a second look changes nothing."""
        await each(await tenants(self._database, TENANTS), self._look)

    async def _look(self, scope: Scope) -> None:
        async with self._database.transaction(scope) as tx:
            await self._watch(tx, self._clock.now())

    async def _watch(self, tx: Transaction, now: datetime) -> None:
        locked = await tx.fetch(LOCK, tx.tenant, now - PATIENCE, LINES_MAX)
        rows = await tx.fetch(LOCKED, tx.tenant, [row["demand_ref"] for row in locked])
        lines = [OverPicked(*row) for row in rows]
        over = [one for one in lines if self._is_over(one)]
        healed = [one for one in lines if not self._is_over(one)]
        if over:
            await self._desk.opened(tx, [case_of(one) for one in over], now)
            await tx.execute(SETTLE, tx.tenant, _refs(over))
        if healed:
            names = [fingerprint(one.demand_ref) for one in healed if one.is_told]
            resolution = "no more is picked for it than it may be"
            await self._desk.closed(tx, names, resolution, now)
            await tx.execute(FORGET, tx.tenant, _refs(healed))

    def _is_over(self, one: OverPicked) -> bool:
        is_over = model.is_over_picked(one.ordered, one.picked, self._percent)
        return bool(one.order_id) and is_over


def _refs(lines: Sequence[OverPicked]) -> list[str]:
    return [one.demand_ref for one in lines]


def fingerprint(demand_ref: str) -> str:
    return f"order-line/{demand_ref}/ORD-LEDGER"


def case_of(one: OverPicked) -> OpenCase:
    """Word the case; it ends by itself when goods go back, or the order says more."""
    ordered = Quantity.from_micros(one.ordered, one.unit)
    picked = Quantity.from_micros(one.picked, one.unit)
    return OpenCase(
        code="ORD-LEDGER",
        fingerprint=fingerprint(one.demand_ref),
        severity="S1",
        owner_role="Integration",
        within=timedelta(hours=1),
        entity=one.order_id,
        title=f"{one.demand_ref}: {picked.value} of {one.item} picked, {ordered.value} ordered",
        evidence={
            "order": one.order_id,
            "source": one.source,
            "demand_ref": one.demand_ref,
            "item": one.item,
            "location": one.location,
            "ordered": str(ordered.value),
            "picked": str(picked.value),
            "unit": one.unit,
        },
    )
