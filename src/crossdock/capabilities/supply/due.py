"""What is due by when of an item at a location: its own claims, and those of kits. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import shelving
from crossdock.capabilities.supply.answer import Claim, Node, Question, Through
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.inbound import Inbound, Supply, is_past_due
from crossdock.capabilities.supply.shelving import Due


def due_by(
    question: Question, node: Node, ahead: Horizon, crossing: Mapping[str, int]
) -> tuple[int, list[Due]]:
    """Give what is claimed now and not told apart, and what is due by when."""
    standing, today, grid = node.standing, ahead.today, ahead.grid
    now = standing.hard + standing.soft
    aside, pegs = dict(question.keeping), dict(crossing)
    due: list[Due] = []
    # What is pegged to an order line relieves what leaves last of it, and each unit once.
    for claim in sorted(node.claims, key=lambda one: _leaving(one, today), reverse=True):
        now -= claim.hard + claim.soft
        if claim.demand_ref in question.own:
            rest = _off(claim.demand_ref, _kept(claim, aside), pegs)
        else:
            rest = _off(claim.demand_ref, claim.hard + claim.soft, pegs)
        day = claim.on or today
        if not _is_long_due(node, day, today):
            bucket = grid.bucket(day)
            if bucket is not None:
                due.append(Due(bucket, day, rest, claim if _is_apart(claim) else None))
    known: dict[int, list[tuple[date, int]]] = {}
    for kit in node.through:
        for day, kits in _through(kit, question.own, ahead, known):
            micros = -(-kits * kit.per // MICROS)
            bucket = None if _is_long_due(node, day, today) else grid.bucket(day)
            if bucket is not None:
                due.append(Due(bucket, day, micros))
    return now, due


def _is_apart(claim: Claim) -> bool:
    """Say whether its goods keep as was promised, and not as the rule for all says."""
    return claim.life_days is not None or bool(claim.transit_days)


def _leaving(claim: Claim, today: date) -> date:
    return claim.on or claim.leaves or today


def _kept(claim: Claim, aside: dict[str, int]) -> int:
    """Give what is promised of a claim beyond what is set aside for its line (and is used up)."""
    if claim.demand_ref not in aside:
        return 0
    return _off(claim.demand_ref, claim.promised, aside)


def _off(ref: str, micros: int, covers: dict[str, int]) -> int:
    """Give what is left of so much once it is covered; what covers it is used up."""
    taken = min(micros, covers.get(ref, 0))
    if taken:
        covers[ref] -= taken
    return max(0, micros - taken)


def _is_long_due(node: Node, day: date, today: date) -> bool:
    return is_past_due(day, today, node.terms.past_due_demand_days)


def _through(
    kit: Through,
    own: frozenset[str],
    ahead: Horizon,
    known: dict[int, list[tuple[date, int]]],
) -> list[tuple[date, int]]:
    """Give how many of a kit are put together by day for orders: what lies assembled goes first.

    For its own orders, and for those of kits that it goes into. Where its lots are told apart,
    only what keeps until the order leaves, and as long as it needs. `known` are those seen before.
    """
    if id(kit) in known:
        return known[id(kit)]
    standing, today = kit.standing, ahead.today
    now = standing.hard + standing.soft - sum(one.hard + one.soft for one in kit.claims)
    claims = [(today, max(0, now))]
    claims += [
        (one.on or today, one.hard + one.soft) for one in kit.claims if one.demand_ref not in own
    ]
    named = 0 if kit.takes_parts else len(claims)
    for upper in kit.through:
        above = _through(upper, own, ahead, known)
        claims += [(day, -(-kits * upper.per // MICROS)) for day, kits in above]
    assembled = standing.nettable
    good: dict[date, int] | None = None
    if kit.lots is not None and kit.terms is not None:
        lying = shelving.lying(kit.lots, kit.terms, standing, today)
        assembled = sum(one.micros for one in lying)
        good = shelving.served(lying, claims, kit.terms, ahead)
    assembled = max(0, assembled - standing.safety)
    found: list[tuple[date, int]] = []
    known[id(kit)] = found
    for number, (day, micros) in sorted(enumerate(claims), key=lambda each: each[1]):
        on = max(day, ahead.grid.ends[0])
        taken = min(assembled, micros, micros if good is None else good.get(on, 0))
        assembled -= taken
        if good is not None:
            good[on] = good.get(on, 0) - taken
        if number >= named and (rest := micros - taken):
            found.append((day, rest))
    return found


def without(supply: Supply, own: frozenset[str]) -> Supply:
    """Give back what is pegged to the very order lines that are asked about (A25)."""
    if not own or not supply.pegs:
        return supply
    return supply._replace(pegs=tuple(peg for peg in supply.pegs if peg[0] not in own))


def pegged(inbound: Sequence[Inbound]) -> dict[str, int]:
    """Sum what supplies that will come have pegged to each order line (A32)."""
    found: dict[str, int] = {}
    for one in inbound:
        if one.on is not None:
            left = one.supply.pegged
            for ref, micros in one.supply.pegs:
                taken = min(left, micros)
                left -= taken
                found[ref] = found.get(ref, 0) + taken
    return found
