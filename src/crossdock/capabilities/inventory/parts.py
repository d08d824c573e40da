"""Parts that promises hold for kits: what becomes of them when orders and movements are heard.

A kit's order claims the kit, as any order does; until the kit is put together its parts are held
beside, for nobody else claims them (A19). Where an order claims the parts by lines of its own, or
claims no more of the kit, that counts and the hold does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from crossdock.capabilities.inventory import asking, kits, model, standing, store
from crossdock.capabilities.inventory.asking import KnowsKits
from crossdock.capabilities.inventory.demand import Claim, Ref
from crossdock.capabilities.inventory.kits import Picked
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import LineRow
from crossdock.foundation.database import Transaction

Heard = tuple[Sequence[Ref], Mapping[Ref, Claim]]
"""The order lines that a page is about, and what they claim now."""


async def lines_for(tx: Transaction, refs: Sequence[Ref]) -> list[LineRow]:
    """Find the living promises of order lines, oldest first; of kits with all their parts."""
    found = await store.lines_for(tx, refs)
    names = sorted({row.reservation_id for row in found if row.line.made or row.line.into_line})
    if not names:
        return found
    known = {(row.reservation_id, row.line.line_no) for row in found}
    every = await store.lines_of(tx, names)
    return found + [
        row
        for row in every
        if (row.line.made or row.line.into_line)
        and (row.reservation_id, row.line.line_no) not in known
    ]


async def hand_over(
    tx: Transaction,
    sheet: Sheet,
    promises: Sequence[LineRow],
    heard: Heard,
    knows: KnowsKits | None,
) -> None:
    """Let kits and their parts agree on what has left, and on what their orders count."""
    found = _kits(promises)
    if not found:
        return
    assembled = await _assembled(tx, [row for _, rows in found for row in rows])
    for line, rows in found:
        _settle(sheet, line, rows, assembled)
    refs, after = set(heard[0]), heard[1]
    told = [(line, rows) for line, rows in found if (line.tenant, line.line.demand_ref) in refs]
    for tenant in sorted({line.tenant for line, _ in told}):
        own = [(line, rows) for line, rows in told if line.tenant == tenant]
        named = [(line.line.demand_ref, line.line[1:3]) for line, _ in own]
        beside = await asking.beside(tx.of(tenant), knows, named)
        for line, rows in own:
            _link(sheet, line, rows, after, beside)


def _kits(promises: Iterable[LineRow]) -> list[tuple[LineRow, list[LineRow]]]:
    """Put the lines of kits together with those of their parts, the oldest first."""
    lines: dict[tuple[UUID, int], LineRow] = {}
    parts: dict[tuple[UUID, int], list[LineRow]] = {}
    for row in promises:
        if into := row.line.into_line:
            parts.setdefault((row.reservation_id, into), []).append(row)
        else:
            lines[row.reservation_id, row.line.line_no] = row
    found = [(lines[name], rows) for name, rows in parts.items() if name in lines]
    return sorted(found, key=lambda one: (one[0].created_at, one[0].reservation_id))


async def _assembled(tx: Transaction, rows: Sequence[LineRow]) -> dict[Ref, int]:
    """Say how much of each part went into kits that were put together for its order line."""
    found: dict[Ref, int] = {}
    for tenant in sorted({row.tenant for row in rows}):
        refs = sorted({row.line.demand_ref for row in rows if row.tenant == tenant} - {""})
        for row in await tx.fetch(standing.ASSEMBLED, tenant, refs) if refs else ():
            found[tenant, row["demand_ref"]] = row["micros"]
    return found


def _settle(
    sheet: Sheet, line: LineRow, rows: Sequence[LineRow], assembled: dict[Ref, int]
) -> None:
    """Note what has left; `assembled` is used up by the oldest first."""
    picked: list[Picked] = []
    [now], parts = sheet.current([line]), sheet.current(rows)
    for row in parts:
        ref = (row.tenant, row.line.demand_ref)
        taken = min(row.line.used, max(0, assembled.get(ref, 0)))
        picked.append(Picked(row.line, taken))
        if ref in assembled:
            assembled[ref] -= taken
    after, changed = kits.settled(now.line, picked)
    sheet.change(now, after)
    for row, part in zip(parts, changed, strict=True):
        sheet.change(row, part)


def _link(
    sheet: Sheet,
    line: LineRow,
    rows: Sequence[LineRow],
    after: Mapping[Ref, Claim],
    beside: asking.Beside,
) -> None:
    [now] = sheet.current([line])
    ref = now.line.demand_ref
    claim = after.get((now.tenant, ref), Claim())
    is_over = now.line.is_linked and not claim.overlay
    for row in sheet.current(rows):
        part = row.line
        own = after.get((now.tenant, part.demand_ref), Claim())
        is_own = bool(own.order_id) and own.stock_id == part.stock_id
        is_named = claim.stock_id == part.stock_id or (ref, part.stock_id) in beside
        if is_own or (bool(claim.order_id) and (is_over or is_named)):
            part = model.linked(part)
        else:
            part = model.unlinked(part)
            if now.line.is_hard and part.status in model.LIVE:
                part = model.confirmed(part)
        sheet.change(row, part)
