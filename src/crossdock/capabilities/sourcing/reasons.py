"""Why this warehouse, and why not that one: a reason for every node (§3.5). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossdock.capabilities.sourcing.arriving import advice
from crossdock.capabilities.sourcing.choosing import FILL, STOCK, TIE, Key, Search, beside
from crossdock.capabilities.sourcing.filling import Served, served
from crossdock.capabilities.sourcing.model import (
    DROPSHIP,
    SHIP,
    Candidate,
    Filter,
    Line,
    Method,
    NodeVerdict,
    Order,
    Preference,
    Reason,
)
from crossdock.capabilities.sourcing.telling import amount, given_how, lacking, lacking_beside
from crossdock.capabilities.sourcing.terms import Terms

ALTERNATIVES, NO_STOCK, ONLY = "ALTERNATIVES", "NO_STOCK", "ONLY"
SENTENCES: Mapping[str, str] = {
    FILL: "with it less would be filled",
    Preference.SINGLE_NODE: "another node fills everything alone",
    Preference.FEWEST_SHIPMENTS: "with it there would be more shipments",
    Preference.ON_TIME: "with it less would arrive by the dates needed",
    Preference.COST: "with it the shipments would cost more",
    Preference.DISTANCE: "with it the goods would travel further",
    Preference.LOAD: "with it a busier node would have the work",
    Preference.DEPTH: "with it more stocks would be taken to the last unit",
    STOCK: "with it less would lie there already, and more be still to come",
    TIE: "it is as good in everything; the order's own node goes first, then names do",
}


def rivals_lost_by(found: Search) -> dict[int, str]:
    """Tell by which rule each node that could give something, and does not, lost.

    The plan is compared with the best one beside it that has the node: alone, in the place of
    each that was taken, and added to them.
    """
    ground, best = found.ground, found.best
    rivals = [
        node
        for node in range(len(ground.nodes))
        if node not in best.nodes and any(row[node] for row in ground.usable)
    ]
    return {node: _lost_by(found, node) for node in rivals}


def decided_by(found: Search, lost: Mapping[int, str]) -> str:
    """Name the rule by which the nearest rival lost: the last one that had to be asked.

    ONLY: there was no rival. FILL, too, when nothing could be filled.
    """
    order = (FILL, *found.terms.preferences, STOCK, TIE)
    alone = ONLY if found.best.gives else FILL
    return max(lost.values(), key=order.index, default=alone)


def _lost_by(found: Search, number: int) -> str:
    best, ground = found.best, found.ground
    keys: list[Key] = []
    for chosen in beside(found, number):
        if ground.bound(chosen) >= best.filled:  # what fills less has lost by that
            tried = served(ground, chosen)
            if number in tried.nodes:
                keys.append(found.key_of(tried))
    rule = FILL
    if keys and found.key:
        nearest = min(keys)
        assert nearest > found.key  # noqa: S101  # else the plan were the worse of two
        rule = _first_difference(nearest, found.key, found.terms)
    is_alone_enough = len(best.nodes) == 1 and best.filled == ground.whole
    if rule == FILL and is_alone_enough and found.terms.preferences[0] is Preference.SINGLE_NODE:
        return Preference.SINGLE_NODE
    return rule


def _first_difference(rival: Sequence[Any], chosen: Sequence[Any], terms: Terms) -> str:
    names = (FILL, *terms.preferences, STOCK, TIE)
    pairs = zip(names, rival, chosen, strict=True)
    return next(name for name, one, other in pairs if one != other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Gives the reason of each node, out of what the search and the filters found.

    `faults` bar a node from the whole order, `barred` from a line, each by the first of `filters`;
    `suppliers` drop-ship, or (`is_given_up`) could, if the order could be kept whole.
    """

    order: Order
    found: Search
    faults: Mapping[str, str]
    barred: Mapping[tuple[int, str], str]
    filters: Sequence[Filter]
    suppliers: Sequence[str]
    is_given_up: bool
    lost: Mapping[int, str]

    def reason(self, node: Candidate) -> Reason:
        names = [one.node for one in self.found.ground.nodes]
        number = names.index(node.node) if node.node in names else -1
        if number in self.found.best.nodes:
            return self._taken(number)
        if node.node in self.suppliers:
            return self._supplier(node)
        if number in self.lost:
            return self._passed_over(number)
        rule = self.faults.get(node.node)
        if not rule:
            return self._useless(node)
        barred = _barred(rule, node, self.order)
        return replace(barred, why=barred.why + self._advice(node))

    def _supplier(self, node: Candidate) -> Reason:
        verdict, rule = NodeVerdict.TAKEN, DROPSHIP
        why = "it sends what is drop-shipped, out of its own stock and none of ours"
        why += self._advice(node)
        if self.is_given_up:
            verdict, rule, why = NodeVerdict.PASSED_OVER, FILL, self._nothing()
        return Reason(node=node.node, verdict=verdict, rule=rule, why=why)

    def _advice(self, node: Candidate) -> str:
        """Say what a supplier has told of what is drop-shipped."""
        lines = [line for line in self.order.lines if line.is_dropship]
        said = [
            f"{amount(has)} of {amount(line.micros)} {line.item} (line {line.line_no})"
            for line in sorted(lines, key=lambda line: line.line_no)
            if (has := advice(node, line)) is not None
        ]
        return f"; it says that it has {', '.join(said)} in time" if said else ""

    def _taken(self, number: int) -> Reason:
        ground, best = self.found.ground, self.found.best
        given = sorted(
            (ground.lines[give.line].line_no, how)
            for give, how in given_how(ground, best).items()
            if give.node == number
        )
        gives = ", ".join(part for _, part in given)
        is_all = len(best.nodes) == 1 and best.filled == ground.whole
        return Reason(
            node=ground.nodes[number].node,
            verdict=NodeVerdict.TAKEN,
            rule=decided_by(self.found, self.lost),
            why=f"{'it fills everything alone' if is_all else 'it gives'}: {gives}"
            + lacking_beside(ground, best, number)
            + _limits(ground.nodes[number]),
        )

    def _passed_over(self, number: int) -> Reason:
        ground, rule = self.found.ground, self.lost[number]
        by_line = sorted(enumerate(ground.lines), key=lambda one: one[1].line_no)
        could = ", ".join(
            f"{amount(ground.usable[place][number])} of {amount(line.micros)} {line.item}"
            for place, line in by_line
        )
        sentence = SENTENCES[rule] if self.found.best.gives else self._nothing()
        return Reason(
            node=ground.nodes[number].node,
            verdict=NodeVerdict.PASSED_OVER,
            rule=rule,
            why=f"{sentence}; it could give {could}"
            + lacking_beside(ground, Served(), number)
            + _limits(ground.nodes[number]),
        )

    def _rank(self, rule: str) -> int:
        return [str(one) for one in self.filters].index(str(rule))

    def _nothing(self) -> str:
        """Say that nothing leaves: it cannot, or (not every set was looked at) was not found."""
        verb = "was found to" if self.found.method is Method.GREEDY else "can"
        return f"nothing {verb} be filled as {self.found.ground.policy} asks"

    def _useless(self, node: Candidate) -> Reason:
        """Judge a node that could give nothing of any line."""
        own = [line for line in self.order.lines if not line.is_dropship]
        failed = [self.barred.get((line.line_no, node.node), "") for line in own]
        if own and all(failed):
            return _barred(min(failed, key=self._rank), node, self.order)
        rule = NO_STOCK if own else DROPSHIP
        why = _lack(own, node) if own else "every line is drop-shipped"
        why += self._advice(node)
        return Reason(node=node.node, verdict=NodeVerdict.PASSED_OVER, rule=rule, why=why)


def _lack(own: Sequence[Line], node: Candidate) -> str:
    has = [_of(line, node) for line in own]
    if not any(has) and any(node.supply.get(line.line_no) for line in own):
        return "it has nothing available, and its supply makes no date that is needed"
    if all(amount is None for amount in has):
        return "nobody has said what lies there, which is not zero"
    if any(has):
        return "what it has is too little to leave by itself, or may not serve its line"
    return f"it has nothing available of any line{lacking(own, node)}{_limits(node)}"


def _of(line: Line, node: Candidate) -> int | None:
    if kit := node.kits.get(line.line_no):
        return kit.room(line.micros)
    return node.own.get(line.line_no, node.available.get(line.item))


def _limits(node: Candidate) -> str:
    """Say what keeps the order's channel from more of what lies there (§3.6)."""
    why = {"MAXIMUM": "the channel's maximum allows", "MINIMUM": "what is kept for others leaves"}
    return "".join(f"; {why[limit]} no more {item}" for item, limit in node.limited.items())


def _barred(rule: str, node: Candidate, order: Order) -> Reason:
    """Say in a sentence why a rule keeps a node out."""
    lacking = ", ".join(sorted(set(order.needs) - set(node.capabilities))) or SHIP
    day = f"arrives on {node.arrives_on}" if node.arrives_on else "arrives on a day nobody knows"
    why = {
        ALTERNATIVES: f"only {order.original}, the order's own node, may serve it",
        Filter.ACTIVE: "it is not at work",
        Filter.CAPABILITY: f"it lacks {lacking}",
        Filter.HAZMAT: "it may not handle these dangerous goods",
        Filter.CUSTOMER: f"it may not serve customer {order.customer or '(none named)'}",
        Filter.LANE: "no lane of it leads there",
        Filter.SHELF_LIFE: f"what lies there would not keep {_days(node)} days at delivery",
        Filter.CUTOFF: f"what it sends {day}, which is too late",
    }[rule]
    return Reason(node=node.node, verdict=NodeVerdict.BARRED, rule=rule, why=why)


def _days(node: Candidate) -> str:
    return " or ".join(map(str, sorted({one.days for one in node.keeps.values()})))
