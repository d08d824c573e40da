"""Order lines of kits: which there are, and on which stock rows it depends what is held for them.

Where nobody ordered a kit the table is empty, and costs nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from crossdock.canonical.errors import Unavailable
from crossdock.capabilities.inventory import model, store
from crossdock.capabilities.inventory.asking import KnowsKits
from crossdock.capabilities.inventory.demand import Claim, Claims, Ref
from crossdock.capabilities.inventory.kits import BY_ORDER
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import Key, LineRow
from crossdock.foundation.database import Transaction, WorkersSql

IS_ANY = WorkersSql("select exists (select from inventory_kit_order)")
NOTE = """
insert into inventory_kit_order as o (tenant, stock_id, demand_ref, is_due)
select distinct $1, n.*, $4::boolean from unnest($2::bigint[], $3::text[]) n
on conflict (tenant, stock_id, demand_ref) do update set is_due = excluded.is_due
where o.is_due <> excluded.is_due
"""
DUE = """
update inventory_kit_order set is_due = true
where tenant = $1 and demand_ref = any($2::text[]) and not is_due
"""
DUE_AT = """
update inventory_kit_order set is_due = true
where tenant = $1 and stock_id = any($2::bigint[]) and not is_due
"""
FORGET = """
delete from inventory_kit_order o using unnest($2::bigint[], $3::text[]) k(stock_id, demand_ref)
where o.tenant = $1 and o.stock_id = k.stock_id and o.demand_ref = k.demand_ref
"""
NOTED = """
select stock_id, demand_ref from inventory_kit_order
where tenant = $1 and demand_ref = any($2::text[])
"""

# Whose parts may have to be held otherwise: all order lines of the kits of those that depend on
# one of these stock rows, or for which more is held at one than lies there: it was lost. And which
# of them wait for what has changed there, have lost something, or are due.
AT = """
with changed as materialized (
    select s.stock_id, s.nettable, s.nettable < s.hard as is_short
    from unnest($2::text[], $3::text[]) k(item, location)
    join inventory_stock s on s.tenant = $1 and s.item = k.item and s.location = k.location
), part as materialized (
    select v.reservation_id, v.into_line, c.nettable < sum(
            v.granted - greatest(v.consumed, v.picked)) over (partition by c.stock_id) as is_lost
    from changed c
    join inventory_reservation v on v.tenant = $1 and v.stock_id = c.stock_id and v.is_hard
        and not v.is_linked and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
    where c.is_short and v.client = $4 and v.into_line > 0
), lost as materialized (
    select distinct h.demand_ref from part p
    join inventory_reservation h on h.tenant = $1 and h.reservation_id = p.reservation_id
        and h.line_no = p.into_line
    where p.is_lost
), kit as materialized (
    select distinct d.stock_id from (
        select o.demand_ref from changed
        join inventory_kit_order o on o.tenant = $1 and o.stock_id = changed.stock_id
        union select demand_ref from lost) l
    join inventory_demand d on d.tenant = $1 and d.demand_ref = l.demand_ref
    where d.stock_id is not null
), line as materialized (
    select distinct o.demand_ref from kit
    join inventory_kit_order o on o.tenant = $1 and o.stock_id = kit.stock_id)
select d.demand_ref, d.stock_id, bool_or(o.is_due or o.stock_id <> d.stock_id
    and o.stock_id in (select stock_id from changed)
    or o.demand_ref in (select demand_ref from lost)) as is_due
from line join inventory_kit_order o on o.tenant = $1 and o.demand_ref = line.demand_ref
join inventory_demand d on d.tenant = $1 and d.demand_ref = line.demand_ref
where d.stock_id in (select stock_id from kit)
group by d.demand_ref, d.stock_id order by d.demand_ref
"""

# What is promised to order lines as their orders count it, kit by kit.
HEADS = """
select v.demand_ref, v.stock_id, v.client, v.reservation_id, v.line_no, v.made,
    v.granted - least(v.granted, greatest(v.consumed, v.picked)) as remaining,
    v.made > 0 or v.granted < v.requested as has_parts,
    v.status in ('ACTIVE', 'PARTIALLY_CONSUMED') as is_open
from inventory_reservation v
where v.tenant = $1 and v.demand_ref = any($2::text[]) and v.demand_ref <> ''
    and v.into_line = 0 and v.is_linked
    and v.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')
order by v.created_at, v.reservation_id, v.line_no
"""

# The claimed stock rows of items that are, or were, kits.
CLAIMED_ROWS = """
select * from (select stock_id, item, exists (select from inventory_kit_order o
        where o.tenant = $1 and o.stock_id = s.stock_id) as is_noted
    from inventory_stock s where tenant = $1 and item = any($2::text[]) and hard > 0) s
where is_noted or item = any($3::text[])
"""
NOTE_AT = """
insert into inventory_kit_order (tenant, stock_id, demand_ref, is_due)
select d.tenant, d.stock_id, d.demand_ref, true from inventory_demand d
where d.tenant = $1 and d.stock_id = any($2::bigint[]) and d.order_id <> ''
    and d.ordered - d.cancelled - d.picked > 0
on conflict do nothing
"""


class Head(NamedTuple):
    """A promise of a kit that its order counts; `has_parts` says that it may have lines for them.

    One that is not `is_open` has gone out.
    """

    demand_ref: str
    stock_id: int
    client: str
    reservation_id: UUID
    line_no: int
    made: int
    remaining: int
    has_parts: bool
    is_open: bool


async def at(tx: Transaction, tenant: str, keys: Sequence[Key]) -> tuple[dict[str, int], set[str]]:
    """Name the order lines to look at where these have changed, each with its stock row.

    And which of them are due, whatever the kit's figures say.
    """
    columns = [item for item, _ in keys], [location for _, location in keys]
    rows = await tx.fetch(AT, tenant, *columns, BY_ORDER)
    due = {row["demand_ref"] for row in rows if row["is_due"]}
    return {row["demand_ref"]: row["stock_id"] for row in rows}, due


async def heads(tx: Transaction, refs: Sequence[str]) -> list[Head]:
    """Give the promises of kits to these order lines, the oldest first."""
    return [Head(*row) for row in await tx.fetch(HEADS, tx.tenant, refs)]


async def note(
    tx: Transaction,
    sheet: Sheet,
    kits: KnowsKits | None,
    demanded: tuple[Claims, Mapping[Ref, Claim]],
) -> None:
    """Note lines of kits of orders that claim otherwise now; their stock rows are locked.

    An order may name parts by lines of its own, so any of its lines counts.
    """
    claims, after = demanded
    changed = {ref for ref, claim in after.items() if claims.stored.get(ref) != claim}
    orders = {(ref[0], *after[ref].owner) for ref in changed}
    orders |= {(ref[0], *claims.stored[ref].owner) for ref in changed & claims.stored.keys()}
    found: dict[str, list[tuple[int, str]]] = {}
    for tenant, ref in sorted(claims.lines) if kits is not None else ():
        claim = after[tenant, ref]
        if claim.stock_id is not None and (tenant, *claim.owner) in orders:
            found.setdefault(tenant, []).append((claim.stock_id, ref))
    for tenant, lines in found.items():
        assert kits is not None  # noqa: S101  # else nothing is found
        items = sorted({sheet.rows[stock_id].item for stock_id, _ in lines})
        named = await kits.among(tx.of(tenant), tenant, items)
        of_kits = [one for one in lines if sheet.rows[one[0]].item in named]
        await keep(tx, tenant, of_kits, is_due=True)
        for stock_id, _ in of_kits:
            sheet.tell(stock_id)


async def keep(
    tx: Transaction, tenant: str, lines: Iterable[tuple[int, str]], *, is_due: bool
) -> None:
    """Note which (stock row, order line) depend on each other, and whether they are due."""
    if noted := sorted(set(lines)):
        stock_ids, refs = zip(*noted, strict=True)
        await tx.execute(NOTE, tenant, stock_ids, refs, is_due)


async def renote(
    tx: Transaction, tenant: str, refs: Sequence[str], lines: Iterable[tuple[int, str]]
) -> None:
    """Note on what these order lines depend from now on, and nothing else of them."""
    wanted = set(lines)
    rows = await tx.fetch(NOTED, tenant, refs)
    known = {(row["stock_id"], row["demand_ref"]) for row in rows}
    if gone := sorted(known - wanted):
        stock_ids, names = zip(*gone, strict=True)
        await tx.execute(FORGET, tenant, stock_ids, names)
    await keep(tx, tenant, wanted, is_due=False)


async def note_all(
    tx: Transaction, tenant: str, items: Sequence[str], kits: frozenset[str]
) -> Sheet:
    """Note the lines that claim any of these items, of which `kits` are kits; have them looked at.

    The rows stay to be written.
    """
    rows = await tx.fetch(CLAIMED_ROWS, tenant, items, sorted(kits))
    sheet = Sheet(await store.lock_stock(tx, [row["stock_id"] for row in rows]), {}, tenant)
    if new := [row["stock_id"] for row in rows if not row["is_noted"]]:
        await tx.execute(NOTE_AT, tenant, new)
    await tx.execute(DUE_AT, tenant, sorted(sheet.rows))
    for stock_id in sheet.rows:
        sheet.tell(stock_id)
    return sheet


async def give_way(tx: Transaction, sheet: Sheet, refs: Iterable[str]) -> None:
    """Let go what the hub holds for these order lines, whose rows are locked: others ask for it.

    What they leave of it is held again, once that is looked at.
    """
    rows = await held(tx, refs)
    if any(row.line.stock_id not in sheet.rows for row in rows):
        raise Unavailable("an order of a kit was changed just now", code="contended")
    await tx.execute(DUE, tx.tenant, sorted({row.line.demand_ref for row in rows}))
    for row in rows:
        sheet.change(row, model.released(row.line))
        if not row.line.into_line:
            sheet.tell(row.line.stock_id)


async def held(tx: Transaction, refs: Iterable[str]) -> list[LineRow]:
    """Give all lines that the hub holds by itself for the kits of these order lines."""
    named = [(tx.tenant, ref) for ref in sorted(set(refs) - {""})]
    found = await store.lines_for(tx, named)
    names = sorted({row.reservation_id for row in found if row.client == BY_ORDER})
    return await store.lines_of(tx, names) if names else []
