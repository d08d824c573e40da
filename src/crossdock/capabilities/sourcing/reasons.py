"""Why this warehouse, and why not that one: a reason for every node (§3.5). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.sourcing.choosing import FILL, TIE, Search, Terms
from crossdock.capabilities.sourcing.filling import served
from crossdock.capabilities.sourcing.model import (
    DROPSHIP,
    SHIP,
    Candidate,
    Filter,
    Line,
    Order,
    Preference,
    Reason,
    Verdict,
)

RIVAL_LOOKS_MAX = 20_000
"""Beyond so many lines to look at, a rival is compared by what it gives alone."""

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
    is_many = len(rivals) * len(best.nodes) * len(ground.lines) > RIVAL_LOOKS_MAX
    return {node: _lost_by(found, node, is_alone=is_many) for node in rivals}


def decided_by(found: Search, lost: Mapping[int, str]) -> str:
    """Name the rule by which the nearest rival lost: the last one that had to be asked.

    ONLY: there was no rival. FILL, too, when nothing could be filled.
    """
    order = (FILL, *found.terms.preferences, TIE)
    alone = ONLY if found.best.gives else FILL
    return max(lost.values(), key=order.index, default=alone)


def _lost_by(found: Search, number: int, *, is_alone: bool) -> str:
    best = found.best
    sets: list[tuple[int, ...]] = [(number,)]
    if not is_alone:
        sets += [
            tuple(sorted((*(one for one in best.nodes if one != gone), number)))
            for gone in best.nodes
        ]
        if len(best.nodes) < found.terms.max_shipments:
            sets.append(tuple(sorted((*best.nodes, number))))
    tried = [served(found.ground, chosen) for chosen in sets]
    keys = [found.key_of(one) for one in tried if number in one.nodes]
    rule = _first_difference(min(keys), found.key, found.terms) if keys and found.key else FILL
    is_alone_enough = len(best.nodes) == 1 and best.filled == found.ground.whole
    if rule == FILL and is_alone_enough and Preference.SINGLE_NODE in found.terms.preferences:
        return Preference.SINGLE_NODE
    return rule


def _first_difference(rival: Sequence[Any], chosen: Sequence[Any], terms: Terms) -> str:
    names = (FILL, *terms.preferences, TIE)
    pairs = zip(names, rival, chosen, strict=True)
    return next(name for name, one, other in pairs if one != other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Gives the reason of each node, out of what the search and the filters found.

    `faults` bar a node from the whole order, `barred` from a line; `suppliers` drop-ship.
    """

    order: Order
    found: Search
    faults: Mapping[str, str]
    barred: Mapping[tuple[int, str], str]
    suppliers: Sequence[str]
    lost: Mapping[int, str]

    def reason(self, node: Candidate) -> Reason:
        names = [one.node for one in self.found.ground.nodes]
        number = names.index(node.node) if node.node in names else -1
        if number in self.found.best.nodes:
            return self._taken(number)
        if node.node in self.suppliers:
            why = "it sends what is drop-shipped, out of its own stock and none of ours"
            return Reason(node=node.node, verdict=Verdict.TAKEN, rule=DROPSHIP, why=why)
        if rule := self.faults.get(node.node):
            return _barred(rule, node, self.order)
        if number in self.lost:
            return self._passed_over(number)
        return self._useless(node)

    def _taken(self, number: int) -> Reason:
        ground, best = self.found.ground, self.found.best
        given = sorted(
            (ground.lines[give.line].line_no, ground.lines[give.line].item, give.micros)
            for give in best.gives
            if give.node == number
        )
        gives = ", ".join(f"{_amount(micros)} of {item} (line {no})" for no, item, micros in given)
        is_all = len(best.nodes) == 1 and best.filled == ground.whole
        return Reason(
            node=ground.nodes[number].node,
            verdict=Verdict.TAKEN,
            rule=decided_by(self.found, self.lost),
            why=f"{'it fills everything alone' if is_all else 'it gives'}: {gives}",
        )

    def _passed_over(self, number: int) -> Reason:
        ground, rule = self.found.ground, self.lost[number]
        by_line = sorted(enumerate(ground.lines), key=lambda one: one[1].line_no)
        could = ", ".join(
            f"{_amount(ground.usable[place][number])} of {_amount(line.micros)} {line.item}"
            for place, line in by_line
        )
        short = f"nothing can be filled as {ground.policy} asks"
        sentence = SENTENCES[rule] if self.found.best.gives else short
        return Reason(
            node=ground.nodes[number].node,
            verdict=Verdict.PASSED_OVER,
            rule=rule,
            why=f"{sentence}; it could give {could}",
        )

    def _useless(self, node: Candidate) -> Reason:
        """Judge a node that could give nothing of any line."""
        own = [line for line in self.order.lines if not line.is_dropship]
        failed = [self.barred.get((line.line_no, node.node), "") for line in own]
        if own and all(failed):
            return _barred(min(failed, key=list(Filter).index), node, self.order)  # type: ignore[arg-type]
        rule = NO_STOCK if own else DROPSHIP
        why = _lack(own, node) if own else "every line is drop-shipped"
        return Reason(node=node.node, verdict=Verdict.PASSED_OVER, rule=rule, why=why)


def _lack(own: Sequence[Line], node: Candidate) -> str:
    has = [node.own.get(line.line_no, node.available.get(line.item)) for line in own]
    if all(amount is None for amount in has):
        return "nobody has said what lies there, which is not zero"
    if any(has):
        return "what it has is too little to leave by itself, or may not serve its line"
    return "it has nothing available of any line"


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
        Filter.CUTOFF: f"what it sends {day}, which is too late",
    }[rule]
    return Reason(node=node.node, verdict=Verdict.BARRED, rule=rule, why=why)


def _amount(micros: int) -> str:
    return plain(Quantity.from_micros(micros).value)
