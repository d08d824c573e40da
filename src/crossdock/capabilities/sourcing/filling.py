"""What a set of nodes gives of an order: lines in whole steps, parts that are large enough. Pure.

A line leaves one node if that node has all of it; else it is split over as few as hold it, each
giving a part no smaller than is allowed. Where `ON_TIME` is a preference, nodes that make the
line's date go before those that do not. Lines of one item share what a node has of it: the
smallest goes first, which fills most lines, and if that leaves something short, the largest is
tried first too. So for one set of nodes there is one answer, and no set is given more than it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import lcm

from crossdock.capabilities.sourcing.model import (
    Candidate,
    Line,
    Policy,
    Preference,
)
from crossdock.capabilities.sourcing.terms import Terms


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
    needs: int

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
    any other, and all of them `whole`; `usable` is by line and node. `pools` are the lines and
    stocks by item. `dropped_on` is when suppliers bring the rest of an order that is delivered on
    one day.
    """

    lines: tuple[Line, ...]
    nodes: tuple[Candidate, ...]
    policy: Policy
    min_split: int
    needed: tuple[date | None, ...]
    weights: tuple[int, ...]
    usable: tuple[tuple[int, ...], ...]
    is_date_first: bool
    shared: frozenset[str]
    pools: tuple[Pool, ...]
    whole: int
    dropped_on: tuple[date | None, ...] = ()

    def bound(self, chosen: Sequence[int]) -> int:
        """Bound from above what these nodes fill by the order's policy: cheap to look at.

        Of an order that leaves whole or not at all, the first item that is short decides.
        """
        if self.policy is Policy.COMPLETE_ORDER:
            for pool in self.pools:
                if sum(map(pool.has.__getitem__, chosen)) < pool.needs:
                    return 0
            return self.whole
        is_whole = self.policy is not Policy.PARTIAL
        filled = 0
        for pool in self.pools:
            total = sum(map(pool.has.__getitem__, chosen))
            filled += pool.worth(total, is_whole=is_whole)
        return filled

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
    terms: Terms,
) -> Ground:
    """Lay a question out; `barred` tells by (line number, node) which filter ruled it out."""
    policy, min_split = terms.policy, terms.min_split
    ordered = tuple(sorted(lines, key=lambda line: (line.item, line.micros, line.line_no)))
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
        needed=tuple(line.needed_by for line in ordered),
        weights=tuple(common // line.micros for line in ordered),
        usable=rows,
        is_date_first=Preference.ON_TIME in terms.preferences,
        shared=frozenset(item for item in items if items.count(item) > 1),
        pools=tuple(_pool(item, ordered, rows, nodes) for item in dict.fromkeys(items)),
        whole=common * len(ordered),
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
    asked = [line.micros for line, _ in own]
    weights = tuple(common // micros for micros in asked)
    return Pool(tuple(asked), weights, tuple(has), sum(asked))


def has_for(line: Line, node: Candidate) -> int:
    """Tell what a node has for a line: what its order counts there, else what is free (A25)."""
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
    numbers = range(len(ground.lines))
    found = _in_turn(ground, chosen, numbers)
    if ground.shared and found.filled < ground.bound(chosen):
        other = _in_turn(ground, chosen, numbers[::-1])
        return other if other.filled > found.filled else found
    return found


def _in_turn(ground: Ground, chosen: Sequence[int], numbers: Sequence[int]) -> Served:
    """Serve lines one after the other: each takes what those before it left."""
    gives: list[Give] = []
    filled = 0
    taken: dict[tuple[str, int], int] = {}
    for number in numbers:
        line = ground.lines[number]
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
    """Say what each node gives of a line; in time rather than late, if that is a preference."""
    plain = _over_fewest(ground, number, rooms, is_date_first=False)
    if not ground.is_date_first or ground.needed[number] is None:
        return plain
    micros = ground.lines[number].micros
    timely = {
        node: room
        for node, room in rooms.items()
        if not ground.is_late(number, ground.nodes[node].arrives_on)
    }
    if not 0 < len(timely) < len(rooms):
        return plain
    early = _over_fewest(ground, number, timely, is_date_first=False)
    if sum(early.values()) == micros:
        return early
    if ground.policy is not Policy.PARTIAL:
        return plain  # its parts are delivered together, so the last of them dates them all
    early = _over_fewest(ground, number, rooms, is_date_first=True)
    return early if sum(early.values()) >= sum(plain.values()) else plain


def _over_fewest(
    ground: Ground, number: int, rooms: Mapping[int, int], *, is_date_first: bool
) -> dict[int, int]:
    """Take a line from one node that has all of it, else from as few as hold it.

    The largest come first, with `is_date_first` of those that make the date, and then no late one
    gives all of it. If the last of them would give less than a part may be, the others leave it
    that much; if they cannot, it gives nothing, and no other choice would fill more.
    """
    line = ground.lines[number]

    def rank(node: int) -> tuple[bool, int]:
        return (ground.is_late(number, ground.nodes[node].arrives_on), node)

    def turn(node: int) -> tuple[bool, int, tuple[bool, int]]:
        return (is_date_first and rank(node)[0], -rooms[node], rank(node))

    whole = [node for node, room in rooms.items() if room == line.micros]
    if whole and not is_date_first:
        return {min(whole, key=rank): line.micros}
    least = least_part(line, ground.min_split)
    holders: list[int] = []
    held = 0
    for node in sorted(rooms, key=turn):
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
