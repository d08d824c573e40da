"""What a set of nodes gives of an order: lines in whole steps, parts that are large enough. Pure.

A line leaves one node if that node has all of it; else it is split over as few nodes as hold it,
each giving a part no smaller than is allowed. Lines of one item share what a node has of it, the
largest first. So for one set of nodes there is one answer, and no set is given more than it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import lcm

from crossdock.capabilities.sourcing.model import Candidate, Line, Policy


@dataclass(frozen=True, slots=True)
class Give:
    """So much of a line (by its place on the ground) out of a node."""

    line: int
    node: int
    micros: int


@dataclass(frozen=True, slots=True)
class Served:
    """What a set of nodes gives; `filled` weighs every line alike, whatever its unit."""

    gives: tuple[Give, ...] = ()
    filled: int = 0

    @property
    def nodes(self) -> tuple[int, ...]:
        return tuple(sorted({give.node for give in self.gives}))


@dataclass(frozen=True, slots=True)
class Pool:
    """The lines of one item, the smallest first, and what each node has for them at the most."""

    asked: tuple[int, ...]
    weights: tuple[int, ...]
    has: tuple[int, ...]

    def worth(self, total: int, *, is_whole: bool) -> int:
        """Bound from above what so much of the item fills; `is_whole` counts whole lines only."""
        filled = 0
        for asked, weight in zip(self.asked, self.weights, strict=True):
            if total >= asked:
                filled += asked * weight
                total -= asked
            else:
                return filled if is_whole else filled + total * weight
        return filled


@dataclass(frozen=True, slots=True)
class Ground:
    """One question laid out: nodes by rank, lines by item and size, what each may give of which.

    `needed` is the date that each line has to make; `weights` make a whole line worth the same as
    any other; `usable` is by line and node. `pools` are the lines and stocks by item.
    """

    lines: tuple[Line, ...]
    nodes: tuple[Candidate, ...]
    policy: Policy
    min_split: int
    needed: tuple[date | None, ...]
    weights: tuple[int, ...]
    usable: tuple[tuple[int, ...], ...]
    shared: frozenset[str]
    pools: tuple[Pool, ...]

    @property
    def whole(self) -> int:
        return sum(
            weight * line.micros for line, weight in zip(self.lines, self.weights, strict=True)
        )

    def bound(self, chosen: Sequence[int]) -> int:
        """Bound from above what these nodes fill by the order's policy: cheap to look at."""
        is_whole = self.policy is not Policy.PARTIAL
        filled = 0
        for pool in self.pools:
            total = sum(map(pool.has.__getitem__, chosen))
            filled += pool.worth(total, is_whole=is_whole)
        return filled if self.policy is not Policy.COMPLETE_ORDER or filled == self.whole else 0

    def reach(self, chosen: Sequence[int]) -> int:
        """Bound what they fill if parts are welcome."""
        return sum(
            pool.worth(sum(map(pool.has.__getitem__, chosen)), is_whole=False)
            for pool in self.pools
        )

    def stock_of(self, item: str, number: int) -> int:
        """Tell what a node has of an item for this order, its own demand there included."""
        node = self.nodes[number]
        own = (node.own.get(line.line_no, 0) for line in self.lines if line.item == item)
        return (node.available.get(item) or 0) + (sum(own) if node.own else 0)

    def is_late(self, line: int, day: date | None) -> bool:
        needed = self.needed[line]
        return needed is not None and (day is None or day > needed)


def laid_out(
    lines: Sequence[Line],
    nodes: Sequence[Candidate],
    barred: Mapping[tuple[int, str], str],
    policy: Policy,
    min_split: int,
) -> Ground:
    """Lay a question out; `barred` tells by (line number, node) which filter ruled it out."""
    ordered = tuple(sorted(lines, key=lambda line: (line.item, -line.micros, line.line_no)))
    items = [line.item for line in ordered]
    common = lcm(*(line.micros for line in ordered))
    rows = tuple(
        tuple(
            0
            if (line.line_no, node.node) in barred
            else usable(has_for(line, node), line, min_split)
            for node in nodes
        )
        for line in ordered
    )
    return Ground(
        lines=ordered,
        nodes=tuple(nodes),
        policy=policy,
        min_split=min_split,
        needed=needed_by(ordered, policy),
        weights=tuple(common // line.micros for line in ordered),
        usable=rows,
        shared=frozenset(item for item in items if items.count(item) > 1),
        pools=tuple(_pool(item, ordered, rows, nodes) for item in dict.fromkeys(items)),
    )


def _pool(
    item: str,
    lines: Sequence[Line],
    rows: Sequence[Sequence[int]],
    nodes: Sequence[Candidate],
) -> Pool:
    """Gather the lines of one item; of several, each node has no more than lies there."""
    common = lcm(*(line.micros for line in lines))
    own = [(line, row) for line, row in zip(lines, rows, strict=True) if line.item == item]
    has = (
        min(
            sum(row[number] for line, row in own if line.line_no not in node.own),
            node.available.get(item) or 0,
        )
        + sum(row[number] for line, row in own if line.line_no in node.own)
        for number, node in enumerate(nodes)
    )
    asked = [line.micros for line, _ in reversed(own)]
    return Pool(tuple(asked), tuple(common // micros for micros in asked), tuple(has))


def needed_by(lines: Sequence[Line], policy: Policy) -> tuple[date | None, ...]:
    """Tell the date that each line has to make.

    Of an order that is delivered on one day, the first of its dates is everybody's.
    """
    dates = tuple(line.needed_by for line in lines)
    if policy is not Policy.COMPLETE_ORDER:
        return dates
    return (min((day for day in dates if day is not None), default=None),) * len(lines)


def has_for(line: Line, node: Candidate) -> int:
    """Tell what a node has for a line: what its own order counts there, else what is free (A25)."""
    own = node.own.get(line.line_no)
    return (node.available.get(line.item) or 0) if own is None else own


def usable(available: int, line: Line, min_split: int) -> int:
    """Cut what a node has to what it may give: all of the line, or whole steps and enough."""
    if available >= line.micros:
        return line.micros
    whole = available // line.step * line.step
    return whole if whole >= least_part(line, min_split) else 0


def least_part(line: Line, min_split: int) -> int:
    """Give the least part that leaves by itself, in whole steps of the line."""
    return max(1, -(-min_split // line.step)) * line.step


def served(ground: Ground, chosen: Sequence[int]) -> Served:
    """Give what these nodes, named by rank, serve of the order by its policy."""
    gives: list[Give] = []
    filled = 0
    taken: dict[tuple[str, int], int] = {}
    for number, line in enumerate(ground.lines):
        if line.item not in ground.shared and ground.needed[number] is None:
            row = ground.usable[number]
            holder = next((node for node in chosen if row[node] == line.micros), None)
            if holder is not None:  # most lines leave the first node that has all of it
                gives.append(Give(number, holder, line.micros))
                filled += line.micros * ground.weights[number]
                continue
        rooms = _rooms(ground, number, chosen, taken)
        parts = _split(ground, number, rooms)
        given = sum(parts.values())
        if given < line.micros and ground.policy is not Policy.PARTIAL:
            if ground.policy is Policy.COMPLETE_ORDER:
                return Served()
            continue
        filled += given * ground.weights[number]
        for node, micros in parts.items():
            gives.append(Give(number, node, micros))
            if line.item in ground.shared and line.line_no not in ground.nodes[node].own:
                taken[line.item, node] = taken.get((line.item, node), 0) + micros
    return Served(tuple(gives), filled)


def _rooms(
    ground: Ground, number: int, chosen: Sequence[int], taken: Mapping[tuple[str, int], int]
) -> dict[int, int]:
    """Tell how much of a line each chosen node may still give."""
    line, row = ground.lines[number], ground.usable[number]
    if line.item not in ground.shared:
        return {node: row[node] for node in chosen if row[node]}
    rooms: dict[int, int] = {}
    for node in chosen:
        has = has_for(line, ground.nodes[node])
        if line.line_no not in ground.nodes[node].own:
            has -= taken.get((line.item, node), 0)
        left = usable(has, line, ground.min_split)
        if row[node] and left:
            rooms[node] = left
    return rooms


def _split(ground: Ground, number: int, rooms: Mapping[int, int]) -> dict[int, int]:
    """Take a line from one node that has all of it, else from as few as hold it.

    The largest come first. If the last of them would give less than a part may be, the others
    leave it that much; if they cannot, it gives nothing, and no other choice would fill more.
    """
    line = ground.lines[number]

    def rank(node: int) -> tuple[bool, int]:
        return (ground.is_late(number, ground.nodes[node].arrives_on), node)

    if whole := [node for node, room in rooms.items() if room == line.micros]:
        return {min(whole, key=rank): line.micros}
    least = least_part(line, ground.min_split)
    holders: list[int] = []
    held = 0
    for node in sorted(rooms, key=lambda node: (-rooms[node], rank(node))):
        if held >= line.micros or (len(holders) + 1) * least > line.micros:
            break
        holders.append(node)
        held += rooms[node]
    wanted = min(held, line.micros)
    parts = dict.fromkeys(holders, least)
    rest = wanted - least * len(holders)
    for node in sorted(holders, key=rank):
        more = min(rest, rooms[node] - least)
        parts[node] += more
        rest -= more
    return parts
