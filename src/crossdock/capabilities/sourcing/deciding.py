"""From a question to a plan, with the reason of every node: why this warehouse (§3.5). Pure."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from crossdock.canonical.alternatives import KeepsRest
from crossdock.capabilities.sourcing.arriving import advice, shipments_of
from crossdock.capabilities.sourcing.choosing import (
    Search,
    barred_lines,
    fault,
    ranked,
    search,
)
from crossdock.capabilities.sourcing.filling import Ground, laid_out
from crossdock.capabilities.sourcing.model import (
    DROPSHIP,
    Candidate,
    Filter,
    Line,
    Order,
    Part,
    Plan,
    Policy,
    Rules,
    Shipment,
    Waiting,
    check_order,
    check_rules,
)
from crossdock.capabilities.sourcing.reach import Reach
from crossdock.capabilities.sourcing.reasons import (
    ALTERNATIVES,
    Judge,
    decided_by,
    rivals_lost_by,
)
from crossdock.capabilities.sourcing.terms import Terms


@dataclass(frozen=True, slots=True)
class Made:
    """A plan, and who tells at which node the rest of a line waits by it."""

    plan: Plan
    rest: "Rest"


def plan(order: Order, candidates: Sequence[Candidate], rules: Rules) -> Plan:
    """Decide which nodes serve an order, out of what they have and what will have come in time.

    The answer depends on what is asked alone, never on the order in which it is listed.
    """
    return made(order, candidates, rules).plan


def made(order: Order, candidates: Sequence[Candidate], rules: Rules) -> Made:
    """Decide as `plan` does, and keep what tells where a rest waits."""
    check_order(order)
    check_rules(rules)
    terms = Terms.of(order, rules)
    order = dated(order, terms.policy)
    own = [line for line in order.lines if not line.is_dropship]
    faults = _faults(order, candidates, rules, terms)
    fit = [node for node in candidates if node.node not in faults]
    barred = dict(pair for node in fit for pair in barred_lines(own, node, rules.filters))
    ranks = ranked(fit, own, terms, order.original)
    dropped = _drop_shipments(order, candidates, rules, terms)
    days = tuple(one.arrives_on for one in dropped)
    is_whole = terms.policy is Policy.COMPLETE_ORDER

    def laid(waits_until: date | None) -> Ground:
        reach = Reach(
            Filter.CUTOFF in rules.filters, Filter.SHELF_LIFE in rules.filters, waits_until
        )
        ground = laid_out(own, ranks, barred, terms, reach)
        return replace(ground, dropped_on=days) if is_whole else ground

    found = search(laid(None), terms, order.original)
    if is_whole and found.best.filled < found.ground.whole and found.ground.is_supplied:
        found = _waited(found, laid)
    suppliers = [one.node for one in dropped]
    is_given_up = is_whole and (
        found.best.filled < found.ground.whole or _count(dropped) < len(order.lines) - len(own)
    )
    if is_given_up:  # own goods and drop-shipped ones are one order: all of it or nothing
        found, dropped = found.given_up(), ()
    shipments, dropped = _due(shipments_of(found.ground, found.best), dropped, terms.policy)
    lost = rivals_lost_by(found)
    judge = Judge(
        order=order,
        found=found,
        faults=faults,
        barred=barred,
        filters=rules.filters,
        suppliers=suppliers,
        is_given_up=is_given_up,
        lost=lost,
    )
    reasons = tuple(judge.reason(node) for node in sorted(candidates, key=lambda one: one.node))
    rest = Rest(found, barred)
    decided = Plan(
        shipments=shipments,
        drop_shipments=dropped,
        waiting=_waiting(order, rules, rest, (*shipments, *dropped)),
        reasons=reasons,
        policy=terms.policy,
        decided_by=decided_by(found, lost),
        method=found.method,
        sets_tried=found.tried,
    )
    return Made(decided, rest)


def _waited(found: Search, laid: Callable[[date | None], Ground]) -> Search:
    """Wait for the first day on which all of an order can be there, if there is one (§3.5).

    Days on which all nodes together have too little are passed without a search.
    """
    nodes = found.ground.nodes
    lines = {line.line_no for line in found.ground.lines}
    steps = [one.day for node in nodes for no in lines for one in node.supply.get(no, ())]
    days = sorted({*steps, *(node.day for node in nodes)})
    made: dict[date, Search] = {}

    def has_enough(day: date) -> bool:
        ground = laid(day)
        return ground.bound(range(len(nodes))) == ground.whole

    def is_whole(day: date) -> bool:
        made[day] = search(laid(day), found.terms, found.original)
        return made[day].best.filled == found.ground.whole

    first = bisect_left(days, True, key=has_enough)
    if first < len(days) and not is_whole(days[first]):
        first = bisect_left(days, True, first + 1, key=is_whole)
    return made[days[first]] if first < len(days) else found


def dated(order: Order, policy: Policy) -> Order:
    """Of an order that is delivered on one day, make the first of its dates everybody's."""
    if policy is not Policy.COMPLETE_ORDER:
        return order
    days = (line.needed_by for line in order.lines if line.needed_by is not None)
    first = min(days, default=None)
    return replace(order, lines=tuple(replace(line, needed_by=first) for line in order.lines))


def _count(shipments: Sequence[Shipment]) -> int:
    return sum(len(one.parts) for one in shipments)


def _due(
    shipments: tuple[Shipment, ...], dropped: tuple[Shipment, ...], policy: Policy
) -> tuple[tuple[Shipment, ...], tuple[Shipment, ...]]:
    """Have an order that is delivered on one day be due when the last of all of it is there."""
    own = [part.due_on for one in shipments for part in one.parts]
    days = [*own, *(one.arrives_on for one in dropped)]
    if policy is not Policy.COMPLETE_ORDER or not days:
        return shipments, dropped
    last = None if None in days else max(day for day in days if day is not None)

    def due(one: Shipment) -> Shipment:
        return replace(one, parts=tuple(replace(part, due_on=last) for part in one.parts))

    return tuple(map(due, shipments)), tuple(map(due, dropped))


def _faults(
    order: Order, candidates: Sequence[Candidate], rules: Rules, terms: Terms
) -> dict[str, str]:
    """Tell which rule bars each node from the whole order; one that none bars is left out."""
    faults: dict[str, str] = {}
    for node in candidates:
        if terms.is_closed and node.node != order.original:
            faults[node.node] = ALTERNATIVES
            continue
        failed = (one for one in rules.filters if fault(node, order.needs, one))
        first = next(failed, None)
        if first is None and set(node.capabilities) <= {DROPSHIP}:
            first = Filter.CAPABILITY  # what lies there is not ours, whatever the filters
        if first is not None:
            faults[node.node] = first
    return faults


def _doubt(line: Line, given: Mapping[tuple[str, str], int], node: Candidate) -> int:
    has = advice(node, line)
    if has is None:
        return 1
    return 0 if has >= line.micros + given.get((node.node, line.item), 0) else 2


def _drop_shipments(
    order: Order, candidates: Sequence[Candidate], rules: Rules, terms: Terms
) -> tuple[Shipment, ...]:
    """Give each drop-shipped line to a supplier that may send it: who says that he has it first.

    Behind him come those who never said what they have, and last who says that he has less; his
    word is advice, so it bars nobody. What he has is for all lines of an item that he is given.
    Among equals the first by rank.
    """
    lines = [line for line in order.lines if line.is_dropship]
    needs = (DROPSHIP,)
    able = [
        node
        for node in candidates
        if DROPSHIP in node.capabilities
        and not any(fault(node, needs, one) for one in rules.filters)
    ]
    barred = {key for node in able for key, _ in barred_lines(lines, node, rules.filters)}
    ranks = ranked(able, lines, terms, "")
    by_node: dict[str, list[Line]] = {}
    given: dict[tuple[str, str], int] = {}
    for line in lines:
        fit = (node for node in ranks if (line.line_no, node.node) not in barred)
        if first := min(fit, key=partial(_doubt, line, given), default=None):
            by_node.setdefault(first.node, []).append(line)
            goods = first.node, line.item
            given[goods] = given.get(goods, 0) + line.micros
    return tuple(
        Shipment(
            node=node.node,
            ships_on=node.ships_on,
            arrives_on=node.arrives_on,
            cost=node.cost,
            parts=tuple(
                Part(
                    line_no=line.line_no,
                    item=line.item,
                    micros=line.micros,
                    due_on=node.arrives_on,
                )
                for line in sorted(by_node[node.node], key=lambda line: line.line_no)
            ),
        )
        for node in sorted(able, key=lambda one: one.node)
        if node.node in by_node
    )


@dataclass(frozen=True, slots=True)
class Rest:
    """Finds the node at which the rest of a line waits: one that may serve it."""

    found: Search
    barred: Mapping[tuple[int, str], str]

    def at(self, line: Line, order: Order, rules: Rules) -> str:
        """Name the order's own node, or the one that gives most of the line on time.

        Of those that give as much, in time or at all, the first by rank; "" if none may serve it.
        """
        ground, best = self.found.ground, self.found.best
        fit = [
            number
            for number, node in enumerate(ground.nodes)
            if (line.line_no, node.node) not in self.barred
        ]
        names = [ground.nodes[number].node for number in fit]
        is_kept = rules.alternatives.keeps_rest is KeepsRest.ORIGINAL or not best.gives
        if order.original in names and is_kept:
            return order.original
        given = dict.fromkeys(fit, 0)
        for give in best.gives:
            if ground.lines[give.line].line_no == line.line_no:
                given[give.node] += give.micros

        def leads(number: int) -> tuple[int, int, int]:
            day = ground.nodes[number].arrives_on
            is_late = line.needed_by is not None and (day is None or day > line.needed_by)
            return (0 if is_late else -given[number], -given[number], number)

        leading = min(fit, key=leads, default=None)
        return "" if leading is None else ground.nodes[leading].node


def _waiting(
    order: Order, rules: Rules, rest: Rest, shipments: Sequence[Shipment]
) -> tuple[Waiting, ...]:
    """Tell what no shipment holds, and at which node the rest of a line waits."""
    given: dict[int, int] = {}
    for shipment in shipments:
        for part in shipment.parts:
            given[part.line_no] = given.get(part.line_no, 0) + part.micros
    return tuple(
        Waiting(
            line_no=line.line_no,
            item=line.item,
            micros=line.micros - given.get(line.line_no, 0),
            node="" if line.is_dropship else rest.at(line, order, rules),
        )
        for line in sorted(order.lines, key=lambda line: line.line_no)
        if given.get(line.line_no, 0) < line.micros
    )
