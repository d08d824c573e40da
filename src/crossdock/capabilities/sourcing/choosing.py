"""Which set of nodes serves an order best: filters, then preferences in their order (§3.5). Pure.

What the policy lets be filled comes before every preference, or shipping nothing would be the
fewest shipments. Sets are looked at by their size. While shipments, cost or distance count first,
the search ends with the first size beyond which no set can be better, so most orders are decided
among single nodes. A size whose sets are too many to look at is not begun: from there on nodes are
added one by one, whichever helps most, then put in each other's place while that is better, and
the answer says GREEDY.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import comb
from typing import Any

from crossdock.capabilities.sourcing.arriving import due_dates, supplied, takes
from crossdock.capabilities.sourcing.filling import Ground, Served, served
from crossdock.capabilities.sourcing.model import (
    Candidate,
    Filter,
    Line,
    Method,
    Preference,
)
from crossdock.capabilities.sourcing.terms import Terms

LOOKS_MAX, SET_COST, KIT_COST = 300_000, 20, 10
"""So many lines are looked at, over all sets, in one search; a set costs as much as 20 of them.

A line of a kit that shares parts with others costs as much as ten.

All sets of twelve nodes are 4,095, so an order of 48 lines is searched through whatever it asks.
"""

Key = tuple[Any, ...]
FILL, STOCK, TIE = "FILL", "STOCK", "TIE"


@dataclass(slots=True)
class Search:
    """What was found so far: the best set, its key, and how many sets were looked at."""

    ground: Ground
    terms: Terms
    original: str
    best: Served = field(default_factory=Served)
    key: Key = ()
    tried: int = 0
    method: Method = Method.EXACT

    def look(self, chosen: Sequence[int]) -> None:
        """Work out what a set gives, and keep it if it is better."""
        if self.key and self.ground.bound(chosen) < self.best.filled:
            return
        found = served(self.ground, chosen)
        if found.gives and (not self.key or found.filled >= self.best.filled):
            key = self.key_of(found)
            if not self.key or key < self.key:
                self.best, self.key = found, key

    def given_up(self) -> "Search":
        """Give the search without its plan: what there is cannot be kept as asked."""
        return replace(self, best=Served(), key=())

    def key_of(self, found: Served) -> Key:
        """Write a set as what it is compared by: less is better; names make ties certain."""
        nodes = [self.ground.nodes[node] for node in found.nodes]
        names = sorted(node.node for node in nodes)
        scores = (SCORES[one](self.ground, found, nodes) for one in self.terms.preferences)
        tie = (self.original not in names, names)
        return (-found.filled, *scores, _to_come(self.ground, found), tie)


def search(ground: Ground, terms: Terms, original: str) -> Search:
    """Find the best set of nodes; how, is in `method`.

    No set can fill more than its bound, so what is bounded below the best is not worked out.
    """
    found = Search(ground, terms, original)
    useful = [node for node in range(len(ground.nodes)) if any(row[node] for row in ground.usable)]
    goal = ground.bound(useful)
    later: list[tuple[int, tuple[int, ...]]] = []
    looks = 0
    of_kits = sum(
        any(ground.lines[place].line_no in node.kits for node in ground.nodes)
        for place in ground.shared
    )
    cost = len(ground.lines) + of_kits * (KIT_COST - 1) + SET_COST
    for size in range(1, min(len(useful), terms.max_shipments) + 1):
        looks += comb(len(useful), size) * cost
        if looks > LOOKS_MAX:
            found.method = Method.GREEDY
            _grow(found, useful, goal)
            break
        later += _look_at_size(found, useful, size, goal)
        if _is_settled(found, goal, useful, size):
            break
    for bound, chosen in sorted(later, key=lambda one: -one[0]):
        if bound < found.best.filled:
            break
        found.look(chosen)
    if found.method is Method.GREEDY:
        _improve(found, useful)
    return found


def beside(found: Search, number: int) -> Iterator[tuple[int, ...]]:
    """Give the sets beside the plan that have a node: alone, in the place of each, added."""
    best = found.best.nodes
    yield (number,)
    for gone in best:
        yield tuple(sorted((*(one for one in best if one != gone), number)))
    if len(best) < found.terms.max_shipments:
        yield tuple(sorted((*best, number)))


def _look_at_size(
    found: Search, useful: Sequence[int], size: int, goal: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Work out the sets of a size that might fill all; give the others with their bounds."""
    for chosen in combinations(useful, size):
        found.tried += 1
        bound = found.ground.bound(chosen)
        if bound == goal:
            found.look(chosen)
        elif bound:
            yield bound, chosen


def _is_settled(found: Search, goal: int, useful: Sequence[int], size: int) -> bool:
    """Say that no larger set can be better: all is filled, and more of what counts is worse."""
    if found.best.filled < goal or not found.key:
        return goal == 0
    first, *rest = found.terms.preferences
    scores = list(found.key[1:])
    if first is Preference.SINGLE_NODE:
        if not scores.pop(0):
            return True
        first = rest[0] if rest else first  # no larger set is one node, so the next decides
    if first is Preference.FEWEST_SHIPMENTS:
        return True
    if first in SUMS:
        nodes = (found.ground.nodes[number] for number in useful)
        least = sorted((SUMS[first](node) is None, SUMS[first](node) or 0) for node in nodes)
        cheapest = least[: size + 1]
        return bool(scores[0] < (sum(one for one, _ in cheapest), sum(one for _, one in cheapest)))
    return False


def _grow(found: Search, useful: Sequence[int], goal: int) -> None:
    """Add the node that reaches most, or put one in another's place, until nothing reaches more.

    Steps are taken as if parts were welcome: a set that fills an order whole grows out of sets
    that do not. Of steps that reach as much the first by rank is taken, and every step's set is
    worked out under the order's own policy.
    """
    ground = found.ground
    chosen: tuple[int, ...] = ()
    reached = 0
    while found.best.filled < goal:
        others = [node for node in useful if node not in chosen]
        steps: list[tuple[int, ...]] = []
        if len(chosen) < found.terms.max_shipments:
            steps = [tuple(sorted((*chosen, node))) for node in others]
        elif not found.key:  # nothing leaves yet, so there is no plan to improve
            steps = [
                tuple(sorted((*(one for one in chosen if one != gone), node)))
                for gone in chosen
                for node in others
            ]
        found.tried += len(steps)
        best = max(steps, key=ground.reach, default=())
        if ground.reach(best) <= reached:
            break
        chosen, reached = best, ground.reach(best)
        found.look(chosen)


def _improve(found: Search, useful: Sequence[int]) -> None:
    """Try every set beside the plan, and the plan without each of its nodes, until none is better.

    So what a reason says of a node that was passed over holds, however the plan was found.
    """
    before: Key | None = None
    while before != found.key:
        before = found.key
        for number in useful:
            if number not in found.best.nodes:
                for chosen in beside(found, number):
                    found.tried += 1
                    found.look(chosen)
        for gone in found.best.nodes:
            found.tried += 1
            found.look(tuple(one for one in found.best.nodes if one != gone))


# What each preference weighs; less is better.


def _single(ground: Ground, found: Served, _nodes: Sequence[Candidate]) -> int:
    return 0 if len(found.nodes) == 1 and found.filled == ground.whole else 1


def _fewest(_ground: Ground, found: Served, _nodes: Sequence[Candidate]) -> int:
    return len(found.nodes)


def _on_time(ground: Ground, found: Served, _nodes: Sequence[Candidate]) -> int:
    parts = zip(found.gives, due_dates(ground, found), strict=True)
    return -sum(
        give.micros * ground.weights[give.line]
        for give, due in parts
        if not ground.is_late(give.line, due)
    )


def _sum_of(nodes: Sequence[Candidate], one: Preference) -> tuple[int, int]:
    known = [value for node in nodes if (value := SUMS[one](node)) is not None]
    return (len(nodes) - len(known), sum(known))


def _cost(_ground: Ground, _found: Served, nodes: Sequence[Candidate]) -> tuple[int, int]:
    return _sum_of(nodes, Preference.COST)


def _distance(_ground: Ground, _found: Served, nodes: Sequence[Candidate]) -> tuple[int, int]:
    return _sum_of(nodes, Preference.DISTANCE)


def _load(_ground: Ground, _found: Served, nodes: Sequence[Candidate]) -> int:
    return max(node.load_percent for node in nodes)


def _emptied(ground: Ground, found: Served, _nodes: Sequence[Candidate]) -> int:
    taken: dict[tuple[int, str], int] = {}
    of_kits = takes(ground, found)
    for give in found.gives:
        whole = {ground.lines[give.line].item: give.micros}
        for item, micros in of_kits.get(give, whole).items():
            if item not in ground.nodes[give.node].unlimited:
                taken[give.node, item] = taken.get((give.node, item), 0) + micros
    return sum(micros >= ground.stock_of(item, node) for (node, item), micros in taken.items())


def _to_come(ground: Ground, found: Served) -> int:
    """Weigh what does not lie there yet: as good in all else, goods are better than supply."""
    return sum(give.micros * ground.weights[give.line] for give in supplied(ground, found))


SUMS: Mapping[Preference, Callable[[Candidate], int | None]] = {
    Preference.COST: lambda node: node.cost,
    Preference.DISTANCE: lambda node: node.distance_km,
}
"""What adds up over nodes and never shrinks: with the least of it, more nodes are no better."""

SCORES: Mapping[Preference, Callable[[Ground, Served, Sequence[Candidate]], Any]] = {
    Preference.SINGLE_NODE: _single,
    Preference.FEWEST_SHIPMENTS: _fewest,
    Preference.ON_TIME: _on_time,
    Preference.COST: _cost,
    Preference.DISTANCE: _distance,
    Preference.LOAD: _load,
    Preference.DEPTH: _emptied,
}


# Filters and ranks.


def fault(node: Candidate, needs: Sequence[str], one: Filter) -> bool:
    """Say whether a filter that looks at the whole order rules a node out."""
    if one is Filter.ACTIVE:
        return not node.is_active
    if one is Filter.CAPABILITY:
        return not set(needs) <= set(node.capabilities)
    if one is Filter.CUSTOMER:
        return not node.serves_customer
    return one is Filter.LANE and not node.has_lane


def barred_lines(
    lines: Sequence[Line], node: Candidate, filters: Sequence[Filter]
) -> Iterator[tuple[tuple[int, str], str]]:
    """Give the lines that a node may not serve, with the first filter that rules it out.

    Goods that do not keep long enough rule it out if nothing else is there, or to come.
    """
    for line in lines:
        day, needed = node.arrives_on, line.needed_by
        is_late = needed is not None and (day is None or day > needed)
        for one in filters:
            is_unfit = one is Filter.HAZMAT and line.hazmat and line.hazmat not in node.hazmat
            is_old = one is Filter.SHELF_LIFE and _is_old(line, node)
            if is_unfit or is_old or (one is Filter.CUTOFF and is_late):
                yield (line.line_no, node.node), one
                break


def _is_old(line: Line, node: Candidate) -> bool:
    keeps = node.keeps.get(line.line_no)
    if keeps is None or keeps.micros or node.supply.get(line.line_no):
        return False
    if line.line_no in node.not_now:
        return False
    if kit := node.kits.get(line.line_no):
        return bool(kit.room(line.micros))
    return bool(node.own.get(line.line_no, node.available.get(line.item)))


def ranked(
    nodes: Sequence[Candidate], lines: Sequence[Line], terms: Terms, original: str
) -> list[Candidate]:
    """Put nodes in the order in which they are taken from, all else being equal."""
    needed = [line.needed_by for line in lines]

    def rank(node: Candidate) -> Key:
        day = node.arrives_on
        late = sum(each is not None and (day is None or day > each) for each in needed)
        by: Mapping[Preference, Key] = {
            Preference.ON_TIME: (late,),
            Preference.COST: (node.cost is None, node.cost or 0),
            Preference.DISTANCE: (node.distance_km is None, node.distance_km or 0),
            Preference.LOAD: (node.load_percent,),
        }
        scores = tuple(by[one] for one in terms.preferences if one in by)
        return (scores, node.node != original, node.node)

    return sorted(nodes, key=rank)
