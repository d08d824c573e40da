"""Whose word counts for the stock of a location: the rule (domain.md §2.4), pure.

A location has one keeper or none. Where it has one, a count is a fact from its keeper alone, and
so is each end of a movement by itself: a transfer between two keepers' locations takes the goods
off where its teller keeps the stock, and the other keeper tells when they arrive. Were the whole
transfer set aside, the first location would go on promising goods that have left.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from crossdock.canonical.inventory import Place, StockMoved, StockSnapshotTaken

StockFact = StockMoved | StockSnapshotTaken


@dataclass(frozen=True, slots=True)
class Judged:
    """`counts` is what counts of a fact, None if nothing does; `kept` where another is keeper."""

    counts: StockFact | None
    kept: tuple[str, ...] = ()


def locations_of(fact: StockFact) -> tuple[str, ...]:
    """Name each location that the fact concerns, once."""
    if isinstance(fact, StockSnapshotTaken):
        return (fact.location,)
    places = (fact.source_place, fact.target_place)
    return tuple(dict.fromkeys(place.location for place in places if place))


def judged(fact: StockFact, source: str, keepers: Mapping[str, str]) -> Judged:
    """Tell what counts of what `source` says; `keepers` names the keeper of each kept location."""
    kept = tuple(
        location for location in locations_of(fact) if keepers.get(location, source) != source
    )
    if not kept:
        return Judged(fact)
    if isinstance(fact, StockSnapshotTaken):
        return Judged(None, kept)
    rest = replace(
        fact,
        source_place=_outside(fact.source_place, kept),
        target_place=_outside(fact.target_place, kept),
    )
    return Judged(rest if rest.source_place or rest.target_place else None, kept)


def _outside(place: Place | None, kept: Collection[str]) -> Place | None:
    return None if place and place.location in kept else place
