"""From a question to a plan, with the reason of every node: why this warehouse (§3.5). Pure."""

from collections.abc import Sequence

from crossdock.capabilities.sourcing.choosing import (
    Search,
    Terms,
    barred_lines,
    fault,
    ground_of,
    ranked,
    search,
    shipments_of,
)
from crossdock.capabilities.sourcing.model import (
    DROPSHIP,
    Candidate,
    Filter,
    Keep,
    Line,
    Order,
    Part,
    Plan,
    Rules,
    Shipment,
    Waiting,
    check_order,
    check_rules,
)
from crossdock.capabilities.sourcing.reasons import (
    ALTERNATIVES,
    Judge,
    decided_by,
    rivals_lost_by,
)


def plan(order: Order, candidates: Sequence[Candidate], rules: Rules) -> Plan:
    """Decide which nodes serve an order, out of what they have now.

    The answer depends on what is asked alone, never on the order in which it is listed.
    """
    check_order(order)
    check_rules(rules)
    terms = Terms.of(order, rules)
    own = [line for line in order.lines if not line.is_dropship]
    faults = _faults(order, candidates, rules, terms)
    fit = [node for node in candidates if node.node not in faults]
    barred = dict(
        pair for node in fit for pair in barred_lines(own, node, rules.filters, terms.policy)
    )
    ranks = ranked(fit, own, terms, order.original)
    found = search(ground_of(own, ranks, barred, terms), terms, order.original)
    shipments = shipments_of(found.ground, found.best)
    dropped = _drop_shipments(order, candidates, rules, terms)
    lost = rivals_lost_by(found)
    judge = Judge(
        order=order,
        found=found,
        faults=faults,
        barred=barred,
        suppliers=[one.node for one in dropped],
        lost=lost,
    )
    reasons = tuple(judge.reason(node) for node in sorted(candidates, key=lambda one: one.node))
    return Plan(
        shipments=shipments,
        drop_shipments=dropped,
        waiting=_waiting(order, rules, found, shipments, dropped),
        reasons=reasons,
        policy=terms.policy,
        decided_by=decided_by(found, lost),
        method=found.method,
        sets_tried=found.tried,
    )


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


def _drop_shipments(
    order: Order, candidates: Sequence[Candidate], rules: Rules, terms: Terms
) -> tuple[Shipment, ...]:
    """Give each drop-shipped line to the first supplier that may send it; stock is not asked."""
    lines = [line for line in order.lines if line.is_dropship]
    needs = (DROPSHIP,)
    able = [
        node
        for node in candidates
        if DROPSHIP in node.capabilities
        and not any(fault(node, needs, one) for one in rules.filters)
    ]
    barred = {
        key for node in able for key, _ in barred_lines(lines, node, rules.filters, terms.policy)
    }
    ranks = ranked(able, lines, terms, "")
    by_node: dict[str, list[Line]] = {}
    for line in lines:
        fit = (node.node for node in ranks if (line.line_no, node.node) not in barred)
        if first := next(fit, None):
            by_node.setdefault(first, []).append(line)
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


def _waiting(
    order: Order,
    rules: Rules,
    found: Search,
    shipments: Sequence[Shipment],
    dropped: Sequence[Shipment],
) -> tuple[Waiting, ...]:
    """Tell what no shipment holds, and at which node the rest of a line waits."""
    given: dict[int, int] = {}
    for shipment in (*shipments, *dropped):
        for part in shipment.parts:
            given[part.line_no] = given.get(part.line_no, 0) + part.micros
    at = _rest_at(order, rules, found)
    return tuple(
        Waiting(
            line_no=line.line_no,
            item=line.item,
            micros=line.micros - given.get(line.line_no, 0),
            node="" if line.is_dropship else at,
        )
        for line in sorted(order.lines, key=lambda line: line.line_no)
        if given.get(line.line_no, 0) < line.micros
    )


def _rest_at(order: Order, rules: Rules, found: Search) -> str:
    """Keep the rest at the order's own node, or at the node that gives most of it on time."""
    ground, best = found.ground, found.best
    names = [node.node for node in ground.nodes]
    is_kept = rules.alternatives.keep_rest_at is Keep.ORIGINAL or not best.gives
    if order.original in names and is_kept:
        return order.original
    on_time: dict[int, int] = dict.fromkeys(best.nodes, 0)
    for give in best.gives:
        if not ground.is_late(give.line, ground.nodes[give.node].arrives_on):
            on_time[give.node] += give.micros * ground.weights[give.line]
    leading = min(on_time, key=lambda node: (-on_time[node], node), default=None)
    return names[leading] if leading is not None else next(iter(names), "")
