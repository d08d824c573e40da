"""Parts that promises hold for kits: what becomes of them when orders and movements are heard.

A kit's order claims the kit, as any order does; until the kit is put together its parts are held
beside, for nobody else claims them (A19). Where an order claims the parts by lines of its own, or
claims no more of the kit, that counts and the hold does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from crossdock.capabilities.inventory import asking, drawn_store, kits, model, standing, store
from crossdock.capabilities.inventory.asking import KnowsKits
from crossdock.capabilities.inventory.demand import Claim, Ref
from crossdock.capabilities.inventory.drawing import Draws, Pool
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
        await _link_all(tx.of(tenant), sheet, own, after, knows)


async def _link_all(
    tx: Transaction,
    sheet: Sheet,
    own: Sequence[tuple[LineRow, list[LineRow]]],
    after: Mapping[Ref, Claim],
    knows: KnowsKits | None,
) -> None:
    """Hand parts over to what their orders claim of them, the oldest first, as far as that goes.

    What the stored lines of these kits drew of the claims is given back first.
    """
    alone = await asking.alone(tx, knows, [line.line[1:3] for line, _ in own])
    at = {row.line.stock_id for line, rows in own for row in (line, *rows)}
    drawn = await drawn_store.claimed(tx, [line.line.demand_ref for line, _ in own], at)
    draws = Draws(drawn)
    for line, rows in own:
        claim = after.get((line.tenant, line.line.demand_ref), Claim())
        is_drawn = line.line.is_linked and line.line.made and line.line.status in model.LIVE
        for row in rows if is_drawn and claim.overlay else ():
            pool = drawn.pools.get((line.line.demand_ref, row.line.stock_id))
            if pool and row.line.is_linked and row.line.status in model.LIVE:
                draws.draw(pool, -row.line.remaining)
    for line, rows in own:
        _link(sheet, line, rows, after, (drawn.pools, draws, line.line[1:3] in alone))


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
    claims: tuple[Mapping[tuple[str, int], Pool], Draws, bool],
) -> None:
    """Hand over a part that its order claims in full, or of whose kit it claims no more."""
    (pools, draws, is_alone), [now] = claims, sheet.current([line])
    ref = now.line.demand_ref
    claim = after.get((now.tenant, ref), Claim())
    for row in sheet.current(rows):
        part = row.line
        pool = pools.get((ref, part.stock_id)) if now.line.is_linked else None
        named = after.get((now.tenant, part.demand_ref), Claim())
        own = named.overlay if named.stock_id == part.stock_id else 0 if is_alone else None
        if not now.line.is_linked or not pool:
            left = 0
        else:
            left = min(draws.left(pool), pool.open if own is None else own)
        if now.line.is_linked and not claim.overlay:
            part = model.linked(part)
        elif pool and part.status in model.LIVE and 0 < part.remaining <= left:
            draws.draw(pool, part.remaining)
            part = model.linked(part)
        else:
            part = model.unlinked(part)
            if now.line.is_hard and part.status in model.LIVE:
                part = model.confirmed(part)
        sheet.change(row, part)
