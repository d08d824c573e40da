"""How long goods have to keep for who asks, and what an item-location has to put on a shelf. Pure.

What is asked of a kit or a group is asked on to its components and members: what the rules of the
one say holds for the others too, and of several the strictest (I8).
"""

from collections.abc import Iterable, Sequence
from datetime import date

from crossdock.capabilities.supply import shelf
from crossdock.capabilities.supply.answer import Component, Lot, Node, Question, Standing
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.inbound import Inbound, arrival
from crossdock.capabilities.supply.rules import AtpTerms, LifeTerms
from crossdock.capabilities.supply.shelf import Life, Shelf, When


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


def lying(
    lots: Iterable[Lot], terms: AtpTerms, standing: Standing, today: date
) -> list[shelf.Goods]:
    """Put together what lies there of lots and owners that may be promised."""
    owners = {owner: 0 if is_first else 2 for owner, is_first in terms.owners.items()}
    return shelf.of_lots(lots, owners, today, standing.nettable + standing.expired)


def goods_of(node: Node, inbound: Sequence[Inbound], ahead: Horizon) -> list[shelf.Goods]:
    """Put together what lies there and may be promised, and what will have come."""
    terms = node.terms
    found = lying(node.lots or (), terms, node.standing, ahead.today)
    for one in inbound:
        if one.on is not None and ahead.grid.bucket(one.on) is not None:
            life = terms.receipt_life_days
            last = shelf.FOREVER
            if life:
                last = min(last - 1, arrival(one.supply, ahead.today).toordinal() + life)
            begin = max(one.on, ahead.grid.ends[0]).toordinal()
            found.append(shelf.Goods(begin, last, one.micros))
    return found


def shelf_of(
    question: Question,
    node: Node,
    goods: Sequence[shelf.Goods],
    due: Iterable[tuple[date, int]],
    ahead: Horizon,
) -> Shelf:
    """Serve what is due of these goods; what is left is for who asks."""
    lives = (_usual(node.terms), life_of(question, node.terms))
    when = When(ahead.grid.ends, ahead.days, ahead.leaves)
    return shelf.shelf(goods, due, node.standing.safety, when, lives)


def served(
    goods: Sequence[shelf.Goods],
    due: Iterable[tuple[date, int]],
    terms: AtpTerms,
    ahead: Horizon,
) -> dict[date, int]:
    """Give how much of what is due on each day such goods serve."""
    when, life = When(ahead.grid.ends, ahead.days, ahead.leaves), _usual(terms)
    needs = shelf.shelf(goods, due, 0, when, (life, life)).needs
    return {date.fromordinal(need.day): need.micros for need in needs}


def _usual(terms: AtpTerms) -> Life:
    """Give the life that whoever is not known needs."""
    ruled = terms.life()
    return Life() if ruled is None else Life(ruled.days, ruled.transit_days)
