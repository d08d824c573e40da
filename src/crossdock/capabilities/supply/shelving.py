"""How long goods have to keep for who asks, and what an item-location has to put on a shelf. Pure.

What is asked of a kit or a group is asked on to its components and members: what the rules of the
one say holds for the others too, and of several the strictest (I8).
"""

from collections.abc import Iterable, Sequence
from datetime import date

from crossdock.capabilities.supply import shelf
from crossdock.capabilities.supply.answer import Node, Question
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


def life_of(question: Question, terms: AtpTerms) -> Life:
    """Give how long goods have to keep for who asks: as is said, or as the rules say (I8)."""
    ruled = _ruled(question, terms)
    days, transit = question.life_days, question.transit_days
    if ruled is not None:
        days = ruled.days if days is None else days
        transit = ruled.transit_days if transit is None else transit
    return Life(days, transit or 0)


def goods_of(node: Node, inbound: Sequence[Inbound], ahead: Horizon) -> list[shelf.Goods]:
    """Put together what lies there and may be promised, and what will have come."""
    terms = node.terms
    owners = {owner: 0 if is_first else 2 for owner, is_first in terms.owners.items()}
    found = shelf.of_lots(node.lots or (), owners, ahead.today, node.standing.nettable)
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
    ruled = node.terms.life()
    usual = Life() if ruled is None else Life(ruled.days, ruled.transit_days)
    lives = (usual, life_of(question, node.terms))
    when = When(ahead.grid.ends, ahead.days, ahead.leaves)
    return shelf.shelf(goods, due, node.standing.safety, when, lives)
