"""Draws a sourcing decision: what each node ships, why this one, and why not the others (SVG)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain

from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.sourcing import CandidateShown, Decided, NodeVerdict, PartShown, Reason
from crossdock.interfaces.api.chart import (
    Frame,
    fitted,
    folded,
    legend,
    picture,
    tenth,
    text,
    wide,
)

NODES_DRAWN_MAX, PARTS_DRAWN_MAX, WHY_LINES_MAX = 24, 6, 3
"""So many nodes are drawn, so many parts of each, and so many lines of a reason."""
SHIPS, WHOLE = "c0", "axis"
MARKS: Mapping[NodeVerdict, tuple[str, str]] = {
    NodeVerdict.TAKEN: (SHIPS, "taken"),
    NodeVerdict.PASSED_OVER: ("a1", "passed over"),
    NodeVerdict.BARRED: ("c1", "barred"),
}
FRAME = Frame(left=16, right=16, top=92, bottom=24)
INDENT, LINE, BAR, GAP = 22, 22, 12, 18


def drawn(decided: Decided) -> str:
    """Draw a block for each node, those that ship first, and what waits at the end.

    A bar is a line of the order: what the node ships of it is filled.
    """
    nodes = _chosen(decided.reasons)
    parts: list[str] = []
    at = FRAME.top
    for reason in nodes:
        block, at = _block(decided, reason, at)
        parts += block
    for said in _ends(decided, len(nodes)):
        parts.append(text(FRAME.left, at + 16, fitted(said, FRAME.end - FRAME.left)))
        at += LINE
    frame = replace(FRAME, height=at + FRAME.bottom)
    kinds = [*MARKS.values(), (WHOLE, "line of the order")]
    return picture(frame, _title(decided), _said(decided), [*legend(frame, kinds), *parts])


def _title(decided: Decided) -> str:
    number = len(decided.shipments) + len(decided.drop_shipments)
    shipments = "1 shipment" if number == 1 else f"{number or 'no'} shipments"
    rules = f"rules for {decided.rules.scope}, version {decided.rules.version}"
    return f"{shipments}, decided by {decided.decided_by} ({rules})"


def _chosen(reasons: Sequence[Reason]) -> list[Reason]:
    order = list(MARKS)
    ranked = sorted(reasons, key=lambda one: (order.index(one.verdict), one.node))
    return ranked[:NODES_DRAWN_MAX]


def _block(decided: Decided, reason: Reason, top: int) -> tuple[list[str], int]:
    """Draw a node from `top` on; give where the next one begins."""
    x, room = FRAME.left + INDENT, FRAME.end - FRAME.left - INDENT
    kind, verdict = MARKS[reason.verdict]
    rule = f"{verdict}: {reason.rule}"
    found = [
        f'<rect class="{kind}" x="{FRAME.left}" y="{top + 4}" width="12" height="12"/>',
        text(x, top + 16, fitted(reason.node, room - wide(rule) - 16)),
        text(FRAME.end, top + 16, rule, anchor="end"),
    ]
    at = top + LINE
    gives = _parts(decided, reason.node)
    for part in gives[:PARTS_DRAWN_MAX]:
        found += _bar(x, at, part, _whole(decided, part))
        at += LINE + BAR
    rest = len(gives) - PARTS_DRAWN_MAX
    more = [f"{rest} more parts are not drawn"] if rest > 0 else []
    says = [*more, *_facts(decided, reason.node)]
    for said in (*says, *folded(reason.why, room, most=WHY_LINES_MAX)):
        found.append(text(x, at + 16, fitted(said, room)))
        at += LINE
    return found, at + GAP


def _bar(x: int, top: int, part: PartShown, whole: Quantity) -> Iterator[str]:
    width = FRAME.end - x
    filled = tenth(width * min(Decimal(1), part.quantity.value / whole.value))
    yield text(x, top + 16, fitted(_part(part, whole), width))
    yield (f'<rect class="{SHIPS}" x="{x}" y="{top + LINE}" width="{filled}" height="{BAR - 2}"/>')
    yield f'<rect class="{WHOLE}" x="{x}" y="{top + LINE}" width="{width}" height="{BAR - 2}"/>'


def _parts(decided: Decided, node: str) -> list[PartShown]:
    shipments = chain(decided.shipments, decided.drop_shipments)
    return [part for one in shipments if one.node == node for part in one.parts]


def _whole(decided: Decided, part: PartShown) -> Quantity:
    """Give what a part is a part of: a line of the order, or all that stands in for one."""
    new = {one.line_no: one.quantity for one in decided.substitutes}
    return ({one.line_no: one.quantity for one in decided.lines} | new)[part.line_no]


def _part(part: PartShown, whole: Quantity) -> str:
    of = part.substitute_of_line
    stands_in = "" if of is None else f", for line {of}"
    return f"line {part.line_no}: {plain(part.quantity.value)} of {whole} {part.item}{stands_in}"


def _facts(decided: Decided, node: str) -> Iterator[str]:
    """Tell in a line what was known of a node's way to the ship-to; nothing if nothing was."""
    known = [_way(one) for one in decided.candidates if one.node == node]
    yield from filter(None, known)


def _way(node: CandidateShown) -> str:
    said = [
        f"leaves {node.ships_on}" if node.ships_on else "",
        f"arrives {node.arrives_on}" if node.arrives_on else "",
        "" if node.cost is None else f"costs {plain(node.cost)}",
        "" if node.distance_km is None else f"{node.distance_km} km",
        f"{node.load_percent} % busy" if node.load_percent else "",
    ]
    return ", ".join(filter(None, said))


def _ends(decided: Decided, drawn_nodes: int) -> Iterator[str]:
    yield from _waiting(decided)
    if rest := len(decided.reasons) - drawn_nodes:
        yield f"{rest} more nodes are not drawn"
    if decided.method == "GREEDY":
        yield "not every set of nodes was looked at: there are too many"


def _waiting(decided: Decided) -> Iterator[str]:
    some = decided.waiting[:PARTS_DRAWN_MAX]
    for one in some:
        place = f" at {one.node}" if one.node else ""
        yield f"waits{place}: {one.quantity} of {one.item} (line {one.line_no})"
    if rest := len(decided.waiting) - len(some):
        yield f"{rest} more lines wait"


def _said(decided: Decided) -> str:
    return "; ".join(chain(_said_of_nodes(decided, decided.reasons), _waiting(decided)))


def _said_of_nodes(decided: Decided, reasons: Iterable[Reason]) -> Iterator[str]:
    for one in reasons:
        gives = ", ".join(_part(each, _whole(decided, each)) for each in _parts(decided, one.node))
        ships = f" ships {gives}" if gives else ""
        yield f"{one.node} {MARKS[one.verdict][1]}{ships} ({one.rule}): {one.why}"
