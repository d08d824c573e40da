"""When each part of a plan leaves and arrives: what lies there, or supply on its day (§3.5). Pure.

Lines of one item share what a node will have: the line whose date comes first goes first, and the
last of them leave when all that is taken by then has come (CATP counts in all, §3.3).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from crossdock.capabilities.sourcing.filling import Give, Ground, Served
from crossdock.capabilities.sourcing.kits import Arrival, Taken
from crossdock.capabilities.sourcing.model import (
    Candidate,
    Line,
    Part,
    Policy,
    Shipment,
)


def supplied(ground: Ground, found: Served) -> dict[Give, Arrival]:
    """Tell of each part that does not lie there when the supply has come that it leaves with."""
    return dict(_waits(ground, found)) if ground.is_supplied else {}


def takes(ground: Ground, found: Served) -> dict[Give, dict[str, int]]:
    """Tell of each part of a kit how much it takes of each item, the kit itself among them."""
    if not ground.has_kits:
        return {}
    return {
        give: taken
        for give, taken in _followed(ground, found)
        if ground.lines[give.line].line_no in ground.nodes[give.node].kits
    }


def _followed(ground: Ground, found: Served) -> Iterator[tuple[Give, dict[str, int]]]:
    """Follow what is taken in the order of the parts' dates."""
    taken: dict[int, Taken] = {}
    for give in sorted(found.gives, key=lambda one: _turn(ground, one)):
        line, node = ground.lines[give.line], ground.nodes[give.node]
        there = taken.setdefault(give.node, Taken())
        yield give, ground.reach_of.take(line, node, give.micros, there)


def _waits(ground: Ground, found: Served) -> Iterator[tuple[Give, Arrival]]:
    taken: dict[int, Taken] = {}
    for give in sorted(found.gives, key=lambda one: _turn(ground, one)):
        line, node = ground.lines[give.line], ground.nodes[give.node]
        reach, there = ground.reach_of, taken.setdefault(give.node, Taken())
        if (first := reach.first(line, node, give.micros, there)) is not None:
            yield give, first
        reach.take(line, node, give.micros, there)


def due_dates(ground: Ground, found: Served) -> list[date | None]:
    """Tell when each part is delivered: by itself, with its line, or with the whole order.

    The whole order is what suppliers bring of it, too.
    """
    groups: dict[object, list[date | None]] = {}
    if ground.dropped_on:
        groups[0] = list(ground.dropped_on)
    waits = supplied(ground, found)

    def group(give: Give) -> object:
        if ground.policy is Policy.COMPLETE_ORDER:
            return 0
        return give.line if ground.policy is Policy.COMPLETE_LINE else give

    for give in found.gives:
        after = waits.get(give)
        arrives = ground.nodes[give.node].arrives_on if after is None else after.arrives_on
        groups.setdefault(group(give), []).append(arrives)
    last = {name: _last(days) for name, days in groups.items()}
    return [last[group(give)] for give in found.gives]


def shipments_of(ground: Ground, found: Served) -> tuple[Shipment, ...]:
    """Write a set's gives as shipments, by name of the node; parts by line.

    A shipment of supply alone leaves when the first of it has come.
    """
    waits, taken = supplied(ground, found), takes(ground, found)
    due = dict(zip(found.gives, due_dates(ground, found), strict=True))
    made: list[Shipment] = []
    for number in found.nodes:
        node = ground.nodes[number]
        gives = [give for give in found.gives if give.node == number]
        firsts = [waits[give] for give in gives if give in waits]
        first = min(firsts, key=lambda one: one.ships_on) if len(firsts) == len(gives) else None
        made.append(
            Shipment(
                node=node.node,
                ships_on=node.ships_on if first is None else first.ships_on,
                arrives_on=node.arrives_on if first is None else first.arrives_on,
                cost=node.cost,
                parts=tuple(
                    replace(part, takes=taken.get(give, {}))
                    for give, part in _parts(ground, gives, waits, due)
                ),
            )
        )
    return tuple(sorted(made, key=lambda shipment: shipment.node))


def _parts(
    ground: Ground, gives: list[Give], waits: dict[Give, Arrival], due: dict[Give, date | None]
) -> Iterator[tuple[Give, Part]]:
    for give in sorted(gives, key=lambda one: ground.lines[one.line].line_no):
        after = waits.get(give)
        yield (
            give,
            Part(
                line_no=ground.lines[give.line].line_no,
                item=ground.lines[give.line].item,
                micros=give.micros,
                due_on=due[give],
                supply_on=None if after is None else after.ships_on,
            ),
        )


def _turn(ground: Ground, give: Give) -> tuple[date, int]:
    """Put parts in the order of their dates; those that take what lies there alone go first."""
    return (ground.reach_of.limit(ground.lines[give.line]) or date.min, give.line)


def _last(days: list[date | None]) -> date | None:
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None


def advice(node: Candidate, line: Line) -> int | None:
    """Say how much of a line a supplier says that he has in time; None: he never said."""
    said = node.advised.get(line.line_no)
    if said is None:
        return None
    due = line.needed_by
    there = (one for one in said if due is None or (one.arrives_on or date.max) <= due)
    return max((one.micros for one in there), default=0)
