"""Short ways to say an order and the nodes that might serve it; amounts are whole pieces."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.sourcing.deciding import plan
from crossdock.capabilities.sourcing.model import (
    Alternatives,
    Candidate,
    Filter,
    Line,
    Order,
    Plan,
    Preference,
    Reason,
    Rules,
    Substitute,
    Waiting,
)
from crossdock.capabilities.sourcing.substitutes import SubstituteLine

MONDAY = date(2026, 5, 4)
FRIDAY = date(2026, 5, 8)
Parts = dict[str, dict[int, int]]


def line(number: int, item: str, quantity: int, **more: Any) -> Line:
    fields: dict[str, Any] = {"step": MICROS} | more
    return Line(line_no=number, item=item, micros=quantity * MICROS, **fields)


def order(*lines: Line, **more: Any) -> Order:
    return Order(lines=lines, **more)


def node(name: str, stock: Mapping[str, int | None] | None = None, **more: Any) -> Candidate:
    """Give a node that ships on Monday and arrives on the day after, unless said otherwise."""
    available = {
        item: None if quantity is None else quantity * MICROS
        for item, quantity in (stock or {}).items()
    }
    fields: dict[str, Any] = {"ships_on": MONDAY, "arrives_on": date(2026, 5, 5)} | more
    return Candidate(node=name, available=available, **fields)


def shipped(made: Plan) -> Parts:
    """Give what each node sends: pieces by line."""
    return {
        shipment.node: {part.line_no: part.micros // MICROS for part in shipment.parts}
        for shipment in made.shipments
    }


def waiting(made: Plan) -> dict[int, tuple[int, str]]:
    def of(one: Waiting) -> tuple[int, str]:
        return (one.micros // MICROS, one.node)

    return {one.line_no: of(one) for one in made.waiting}


def reasons(made: Plan) -> dict[str, tuple[str, str]]:
    return {one.node: (one.verdict.value, one.rule) for one in made.reasons}


def why(made: Plan, name: str) -> str:
    found: Reason = next(one for one in made.reasons if one.node == name)
    return found.why


def decide(asked: Order, *nodes: Candidate, rules: Rules | None = None) -> Plan:
    return plan(asked, nodes, rules or Rules())


def instead(number: int, of_line: int, item: str, rank: int = 1, **more: Any) -> SubstituteLine:
    """Give a line that may stand in for another, piece for piece unless said otherwise."""
    fields: dict[str, Any] = {"step": MICROS, "ruled": "X", "version": 1, "kind": "SUBSTITUTE"}
    return SubstituteLine(line_no=number, of_line=of_line, item=item, rank=rank, **fields | more)


def knobs(**said: Any) -> Rules:
    """Give the built-in rules with other items allowed in the place of an order's."""
    fields: dict[str, Any] = {"substitute": Substitute.LOCATION_AND_ITEM} | said
    return Rules(alternatives=Alternatives(**fields))


def without(rules: Rules, *gone: Filter) -> Rules:
    return replace(rules, filters=tuple(one for one in rules.filters if one not in gone))


def first(*preferences: Preference) -> Rules:
    """Give the built-in rules with these preferences before all others."""
    rest = tuple(one for one in Preference if one not in preferences)
    return Rules(preferences=(*preferences, *rest))
