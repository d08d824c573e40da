"""How long goods have to keep for who asks, and what an item-location has to put on a shelf. Pure.

What is asked of a kit or a group is asked on to its components and members: what the rules of the
one say holds for the others too, and of several the strictest (I8).
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from crossdock.capabilities.supply import sharing, shelf
from crossdock.capabilities.supply.answer import (
    Claim,
    Component,
    Lot,
    Node,
    Question,
    Shelved,
    Standing,
)
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.inbound import Inbound, arrival
from crossdock.capabilities.supply.rules import AtpTerms, LifeTerms
from crossdock.capabilities.supply.sharing import FOREVER, Goods
from crossdock.capabilities.supply.shelf import Kept, Life, Shelf, When


class Due(NamedTuple):
    """So much that is due on a day, in a bucket; `claim` is whose goods keep as was promised."""

    bucket: int
    day: date
    micros: int
    claim: Claim | None = None


def _ruled(question: Question, terms: AtpTerms) -> LifeTerms | None:
    own = terms.life(question.customer, question.channel)
    said = [one for one in (question.ruled, own) if one is not None]
    if not said:
        return None
    return LifeTerms(
        days=max(one.days for one in said), transit_days=max(one.transit_days for one in said)
    )


def inherited(question: Question, terms: AtpTerms) -> Question:
    """Ask on with what these terms say of the life that goods need."""
    return question._replace(ruled=_ruled(question, terms))


def asked_on(question: Question, components: Sequence[Component]) -> dict[str, Question]:
    """Ask for each component with the life that the rules of all kits that take it ask for.

    What keeps for ever is good for whoever needs a life.
    """
    passed: dict[str, Question] = {}
    found: dict[str, Question] = {}
    for one in components:
        above = [passed[of] for of, _ in one.into if of in passed]
        asking = question._replace(item=one.item, unit=one.unit, ruled=_strictest(question, above))
        passed[one.item] = inherited(asking, one.kin.own.terms)
        found[one.item] = asking
        if one.kin.own.keeps:
            found[one.item] = asking._replace(life_days=None, customer="", channel="", ruled=None)
    return found


def _strictest(question: Question, above: Sequence[Question]) -> LifeTerms | None:
    said = [one.ruled for one in (question, *above) if one.ruled is not None]
    if not said:
        return None
    days, transit = max(one.days for one in said), max(one.transit_days for one in said)
    return LifeTerms(days=days, transit_days=transit)


def life_of(question: Question, terms: AtpTerms) -> Life:
    """Give how long goods have to keep for who asks: as is said, or as the rules say (I8)."""
    ruled = _ruled(question, terms)
    days, transit = question.life_days, question.transit_days
    if ruled is not None:
        days = ruled.days if days is None else days
        transit = ruled.transit_days if transit is None else transit
    return Life(days, transit or 0)


def lying(lots: Iterable[Lot], terms: AtpTerms, standing: Standing, today: date) -> list[Goods]:
    """Put together what lies there of lots and owners that may be promised."""
    owners = {owner: 0 if is_first else 2 for owner, is_first in terms.owners.items()}
    return shelf.of_lots(lots, owners, today, standing.nettable + standing.expired)


def goods_of(node: Node, inbound: Sequence[Inbound], ahead: Horizon) -> list[Goods]:
    """Put together what lies there and may be promised, and what will have come."""
    terms = node.terms
    found = lying(node.lots or (), terms, node.standing, ahead.today)
    for one in inbound:
        if one.on is not None and ahead.grid.bucket(one.on) is not None:
            life = terms.receipt_life_days
            last = FOREVER
            if life:
                last = min(last - 1, arrival(one.supply, ahead.today).toordinal() + life)
            begin = max(one.on, ahead.grid.ends[0]).toordinal()
            found.append(Goods(begin, last, one.micros))
    return found


def shelf_of(
    question: Question,
    node: Node,
    goods: Sequence[Goods],
    due: Iterable[Due],
    ahead: Horizon,
) -> Shelf:
    """Serve what is due of these goods; what is left is for who asks.

    What was promised to keep so long is served with goods that do, where goods expire (I8).
    """
    lives = (_usual(node.terms), life_of(question, node.terms))
    when = When(ahead.grid.ends, ahead.days, ahead.leaves)
    usual: list[tuple[date, int]] = []
    kept: list[Kept] = []
    for one in due:
        claim = one.claim
        if claim is None or node.keeps:
            usual.append((one.day, one.micros))
        else:
            life = Life(claim.life_days, claim.transit_days)
            kept.append(Kept(one.day, one.micros, life, claim.leaves))
    return shelf.shelf(goods, usual, node.standing.safety, when, lives, kept=kept)


def served(
    goods: Sequence[Goods],
    due: Iterable[tuple[date, int]],
    terms: AtpTerms,
    ahead: Horizon,
) -> dict[date, int]:
    """Give how much of what is due on each day such goods serve."""
    when, life = When(ahead.grid.ends, ahead.days, ahead.leaves), _usual(terms)
    needs = shelf.shelf(goods, due, 0, when, (life, life)).needs
    return {date.fromordinal(need.day): need.micros for need in needs}


def judged(lots: Iterable[Lot], one: Shelf, owners: Iterable[str]) -> list[Shelved]:
    """Say of each lot that lies there whether it can leave on the first day, and why (not)."""
    allowed = {"", *owners}
    ordered = sorted(lots, key=lambda lot: (lot.expires_on or date.max, lot.owner, lot.lot))
    return [_judged(lot, one, is_ours=lot.owner in allowed) for lot in ordered]


def _judged(lot: Lot, one: Shelf, *, is_ours: bool) -> Shelved:
    life, first = one.life, one.days[0]
    last = None if lot.expires_on is None else _before(lot.expires_on, life.offset)
    fits = sharing.fits(Goods(0, shelf.last_of(lot), lot.micros), shelf.needed(one, 0, lot.micros))
    if not is_ours:
        reason = f"it belongs to {lot.owner}, and no rule has it promised"
    elif lot.expires_on is None:
        reason = "it is there" if fits else "nobody told how long it keeps"
    elif lot.expires_on < first:
        reason = f"it expires on {lot.expires_on}, before it could leave"
    elif not fits:
        delivery = first + timedelta(days=life.transit)
        left = (lot.expires_on - delivery).days
        reason = f"it has {left} days left on {delivery}, and {life.days or 0} are needed"
    else:
        reason = f"it can leave until {last}"
    is_eligible = is_ours and fits
    return Shelved(*lot, is_eligible, last if is_eligible else None, reason)


def _before(day: date, days: int) -> date:
    return date.fromordinal(max(1, day.toordinal() - days))


def _usual(terms: AtpTerms) -> Life:
    """Give the life that whoever is not known needs."""
    ruled = terms.life()
    return Life() if ruled is None else Life(ruled.days, ruled.transit_days)
