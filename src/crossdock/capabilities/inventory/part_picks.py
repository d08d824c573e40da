"""Picks of what goes into a kit that quote the kit's order line, as most systems tell them.

They are picks of the line's parts, and count as if they quoted `LINE/ITEM`: taken for picks of the
kit, so many pieces would close so many kits. What is no part of the kit stands in for it, as ever.
"""

from collections.abc import Mapping
from dataclasses import replace

from crossdock.capabilities.inventory.asking import KnowsKits
from crossdock.capabilities.inventory.demand import Claims, Ref, claims_of
from crossdock.capabilities.inventory.kits import part_ref
from crossdock.capabilities.inventory.page import Movement, Page
from crossdock.foundation.database import Transaction


async def routed(tx: Transaction, page: Page, kits: KnowsKits | None) -> tuple[Page, Claims]:
    """Let such picks quote the part that they are of; give all that the page may claim then."""
    claims = await claims_of(tx, page)
    items = {
        (ref[0], item)
        for move in page.movements
        if (ref := _ref(move)) and (item := _ordered(claims, ref)) not in {"", move.payload.item}
    }
    if kits is None or not items:
        return page, claims
    parts: dict[tuple[str, str], set[str]] = {}
    for tenant in sorted({tenant for tenant, _ in items}):
        own = sorted(item for of, item in items if of == tenant)
        for kit, each in (await kits.told(tx.of(tenant), tenant, own)).items():
            parts[tenant, kit] = {item for item, _ in each}
    moves = [_of_part(move, claims, parts) for move in page.movements]
    if moves == page.movements:
        return page, claims
    page = replace(page, movements=moves)
    return page, await claims_of(tx, page)


def _ref(move: Movement) -> Ref | None:
    ref = move.payload.demand_ref
    return (move.event.tenant, ref) if ref and move.picked else None


def _ordered(claims: Claims, ref: Ref) -> str:
    """Name the item that an order line is for; "" while no order is known."""
    if ref in claims.lines:
        return claims.lines[ref].key[1]
    claim = claims.stored.get(ref)
    return claim.own_item if claim is not None and claim.order_id else ""


def _of_part(
    move: Movement, claims: Claims, parts: Mapping[tuple[str, str], set[str]]
) -> Movement:
    ref, item = _ref(move), move.payload.item
    if ref is None or item not in parts.get((ref[0], _ordered(claims, ref)), ()):
        return move
    return move._replace(payload=replace(move.payload, demand_ref=part_ref(ref[1], item)))
