"""Which set of nodes serves an order best: filters, then preferences in their order (§3.5). Pure.

What the policy lets be filled comes before every preference, or shipping nothing would be the
fewest shipments. Sets are looked at by their size. While shipments count first, the first size at
which all that can be filled is filled ends the search, so most orders are decided among single
nodes. A size whose sets are too many to look at is not begun: from there on nodes are added one by
one, whichever helps most, and the answer says GREEDY.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import Any, Self

from crossdock.capabilities.sourcing.filling import Ground, Served, laid_out, needed_by, served
from crossdock.capabilities.sourcing.model import (
    SHIPMENTS_MAX,
    Candidate,
    Filter,
    Line,
    Method,
    Occasion,
    Order,
    Part,
    Pick,
    Policy,
    Preference,
    Rules,
    Shipment,
    Substitute,
    When,
)

LOOKS_MAX = 200_000
"""So many lines are looked at, over all sets, in one search.

All sets of twelve nodes are 4,095, so an order of 48 lines is searched through whatever it asks.
"""

Key = tuple[Any, ...]
FILL, TIE = "FILL", "TIE"


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for this order: its own word, else the rules'."""

    policy: Policy
    max_shipments: int
    min_split: int
    preferences: tuple[Preference, ...]
    is_closed: bool

    @classmethod
    def of(cls, order: Order, rules: Rules) -> Self:
        most = order.max_shipments or rules.max_shipments or SHIPMENTS_MAX
        split = rules.min_line_split if order.min_line_split is None else order.min_line_split
        preferences = rules.preferences
        if order.original and rules.alternatives.pick is Pick.MAX_ON_TIME:
            preferences = tuple(dict.fromkeys((Preference.ON_TIME, *preferences)))
        return cls(order.policy or rules.policy, most, split, preferences, is_closed(order, rules))


def is_closed(order: Order, rules: Rules) -> bool:
    """Say whether the order's own node alone may serve it."""
    knobs = rules.alternatives
    is_run = order.occasion is Occasion.BACKORDER_RUN
    return bool(order.original) and (
        knobs.substitute is Substitute.NONE or (is_run and knobs.when is When.CREATION)
    )


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
        found = served(self.ground, chosen)
        if found.gives and (not self.key or found.filled >= self.best.filled):
            key = self.key_of(found)
            if not self.key or key < self.key:
                self.best, self.key = found, key

    def key_of(self, found: Served) -> Key:
        """Write a set as what it is compared by: less is better; names make ties certain."""
        nodes = [self.ground.nodes[node] for node in found.nodes]
        names = sorted(node.node for node in nodes)
        scores = (SCORES[one](self.ground, found, nodes) for one in self.terms.preferences)
        tie = (self.original not in names, names)
        return (-found.filled, *scores, tie)


def search(ground: Ground, terms: Terms, original: str) -> Search:
    """Find the best set of nodes; how, is in `method`.

    No set can fill more than its bound, so what is bounded below the best is not worked out.
    """
    found = Search(ground, terms, original)
    useful = [node for node in range(len(ground.nodes)) if any(row[node] for row in ground.usable)]
    goal = ground.bound(useful)
    later: list[tuple[int, tuple[int, ...]]] = []
    looks = 0
    for size in range(1, min(len(useful), terms.max_shipments) + 1):
        looks += comb(len(useful), size) * len(ground.lines)
        if looks > LOOKS_MAX:
            found.method = Method.GREEDY
            _grow(found, useful, goal)
            break
        later += _look_at_size(found, useful, size, goal)
        if _is_settled(found, goal):
            break
    for bound, chosen in sorted(later, key=lambda one: -one[0]):
        if bound < found.best.filled:
            break
        found.look(chosen)
    return found


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


def _is_settled(found: Search, goal: int) -> bool:
    """Say that no larger set can be better: all is filled, and more shipments count against it."""
    if found.best.filled < goal or not found.key:
        return goal == 0
    first, *rest = found.terms.preferences
    is_alone = not SCORES[Preference.SINGLE_NODE](found.ground, found.best, [])
    return first is Preference.FEWEST_SHIPMENTS or (
        first is Preference.SINGLE_NODE and (is_alone or rest[:1] == [Preference.FEWEST_SHIPMENTS])
    )


def _grow(found: Search, useful: Sequence[int], goal: int) -> None:
    """Add the node that reaches most until nothing helps, then leave out what is not needed.

    Steps are taken as if parts were welcome: a set that fills an order whole grows out of sets
    that do not. Of nodes that reach as much the first by rank is added, and every step's set is
    worked out under the order's own policy.
    """
    ground = found.ground
    chosen: tuple[int, ...] = ()
    reached = 0
    while len(chosen) < found.terms.max_shipments and found.best.filled < goal:
        steps = [tuple(sorted((*chosen, node))) for node in useful if node not in chosen]
        found.tried += len(steps)
        best = max(steps, key=ground.reach, default=())
        if ground.reach(best) <= reached:
            break
        chosen, reached = best, ground.reach(best)
        found.look(chosen)
    for node in reversed(found.best.nodes):
        fewer = tuple(one for one in found.best.nodes if one != node)
        found.look(fewer)


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


def _cost(_ground: Ground, _found: Served, nodes: Sequence[Candidate]) -> tuple[int, int]:
    known = [node.cost for node in nodes if node.cost is not None]
    return (len(nodes) - len(known), sum(known))


def _distance(_ground: Ground, _found: Served, nodes: Sequence[Candidate]) -> tuple[int, int]:
    known = [node.distance_km for node in nodes if node.distance_km is not None]
    return (len(nodes) - len(known), sum(known))


def _load(_ground: Ground, _found: Served, nodes: Sequence[Candidate]) -> int:
    return max(node.load_percent for node in nodes)


def _emptied(ground: Ground, found: Served, _nodes: Sequence[Candidate]) -> int:
    taken: dict[tuple[int, str], int] = {}
    for give in found.gives:
        key = give.node, ground.lines[give.line].item
        taken[key] = taken.get(key, 0) + give.micros
    return sum(
        micros >= ground.stock_of(item, node) for (node, item), micros in taken.items()
    )


SCORES: Mapping[Preference, Callable[[Ground, Served, Sequence[Candidate]], Any]] = {
    Preference.SINGLE_NODE: _single,
    Preference.FEWEST_SHIPMENTS: _fewest,
    Preference.ON_TIME: _on_time,
    Preference.COST: _cost,
    Preference.DISTANCE: _distance,
    Preference.LOAD: _load,
    Preference.DEPTH: _emptied,
}


def due_dates(ground: Ground, found: Served) -> list[Any]:
    """Tell when each part is delivered: by itself, with its line, or with the whole order."""
    groups: dict[int, list[Any]] = {}

    def group(line: int, node: int) -> int:
        if ground.policy is Policy.COMPLETE_ORDER:
            return 0
        return line if ground.policy is Policy.COMPLETE_LINE else -node - 1

    for give in found.gives:
        arrives = ground.nodes[give.node].arrives_on
        groups.setdefault(group(give.line, give.node), []).append(arrives)
    return [
        None if None in dates else max(dates)
        for dates in (groups[group(give.line, give.node)] for give in found.gives)
    ]


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
    lines: Sequence[Line], node: Candidate, filters: Sequence[Filter], policy: Policy
) -> Iterator[tuple[tuple[int, str], str]]:
    """Give the lines that a node may not serve, with the first filter that rules it out."""
    for line, needed in zip(lines, needed_by(lines, policy), strict=True):
        day = node.arrives_on
        is_late = needed is not None and (day is None or day > needed)
        for one in filters:
            is_unfit = one is Filter.HAZMAT and line.hazmat and line.hazmat not in node.hazmat
            if is_unfit or (one is Filter.CUTOFF and is_late):
                yield (line.line_no, node.node), one
                break


def ranked(
    nodes: Sequence[Candidate], lines: Sequence[Line], terms: Terms, original: str
) -> list[Candidate]:
    """Put nodes in the order in which they are taken from, all else being equal."""
    needed = needed_by(lines, terms.policy)

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


def ground_of(
    lines: Sequence[Line],
    nodes: Sequence[Candidate],
    barred: Mapping[tuple[int, str], str],
    terms: Terms,
) -> Ground:
    return laid_out(lines, nodes, barred, terms.policy, terms.min_split)


def shipments_of(ground: Ground, found: Served) -> tuple[Shipment, ...]:
    """Write a set's gives as shipments, by name of the node; parts by line."""
    made: list[Shipment] = []
    parts = list(zip(found.gives, due_dates(ground, found), strict=True))
    for number in found.nodes:
        node = ground.nodes[number]
        held = [
            Part(
                line_no=ground.lines[give.line].line_no,
                item=ground.lines[give.line].item,
                micros=give.micros,
                due_on=due,
            )
            for give, due in parts
            if give.node == number
        ]
        made.append(
            Shipment(
                node=node.node,
                ships_on=node.ships_on,
                arrives_on=node.arrives_on,
                cost=node.cost,
                parts=tuple(sorted(held, key=lambda part: part.line_no)),
            )
        )
    return tuple(sorted(made, key=lambda shipment: shipment.node))
