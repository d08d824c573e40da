"""What a set of nodes gives of an order: lines in whole steps, parts that are large enough. Pure.

A line leaves one node if that node has all of it; else it is split over as few as hold it, each
giving a part no smaller than is allowed. Where `ON_TIME` is a preference, nodes that make the
line's date go before those that do not. What is still to come counts where it makes the line's
date, or the day that an order waits for (CATP, §3.3). Lines of one item share
what a node has of it: the smallest goes first, which fills most lines, and if that leaves
something short, the largest is tried first too. So for one set of nodes there is one answer, and
no set is given more than it has.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import lcm

from crossdock.capabilities.sourcing.kits import NOTHING, Taken
from crossdock.capabilities.sourcing.model import (
    Candidate,
    Line,
    Policy,
    Preference,
)
from crossdock.capabilities.sourcing.reach import AT_ONCE, Reach
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
    any other, and all of them `whole`; `has` and `usable` are by line and node. `pools` are the
    lines and stocks by item, `reach_of` says until when goods count, `is_supplied` whether
    any is still to come. `shared` are lines that take some item that another takes as well.
    `dropped_on` is when suppliers bring the rest of an order that is delivered on one day.
    """

    lines: tuple[Line, ...]
    nodes: tuple[Candidate, ...]
    policy: Policy
    min_split: int
    needed: tuple[date | None, ...]
    weights: tuple[int, ...]
    has: tuple[tuple[int, ...], ...]
    usable: tuple[tuple[int, ...], ...]
    reach_of: Reach
    is_supplied: bool
    is_date_first: bool
    has_kits: bool
    shared: frozenset[int]
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
        if parts := [one.has[item] for one in node.kits.values() if item in one.has]:
            return max(*parts, node.available.get(item) or 0)
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
    reach: Reach = AT_ONCE,
) -> Ground:
    """Lay a question out; `barred` tells by (line number, node) which filter ruled it out."""
    policy, min_split = terms.policy, terms.min_split
    ordered = tuple(sorted(lines, key=lambda line: (line.item, line.micros, line.line_no)))
    items = [line.item for line in ordered]
    touched = [_touched(line, nodes) for line in ordered]
    uses = Counter(item for each in touched for item in each)
    common = lcm(*(line.micros for line in ordered))
    has = tuple(
        tuple(
            0 if (line.line_no, node.node) in barred else reach.has(line, node) for node in nodes
        )
        for line in ordered
    )
    rows = tuple(
        tuple(usable(micros, line, min_split) for micros in row)
        for line, row in zip(ordered, has, strict=True)
    )
    return Ground(
        lines=ordered,
        nodes=tuple(nodes),
        policy=policy,
        min_split=min_split,
        needed=tuple(line.needed_by for line in ordered),
        weights=tuple(common // line.micros for line in ordered),
        has=has,
        usable=rows,
        reach_of=reach,
        is_supplied=any(node.supply for node in nodes),
        is_date_first=Preference.ON_TIME in terms.preferences,
        has_kits=any(node.kits for node in nodes),
        shared=frozenset(
            number for number, each in enumerate(touched) if any(uses[item] > 1 for item in each)
        ),
        pools=tuple(_pool(item, ordered, (has, rows), nodes) for item in dict.fromkeys(items)),
        whole=common * len(ordered),
    )


def _touched(line: Line, nodes: Sequence[Candidate]) -> frozenset[str]:
    """Name the items that a line takes, of a kit what goes into it among them."""
    kits = (node.kits[line.line_no] for node in nodes if line.line_no in node.kits)
    return frozenset({line.item}).union(*(kit.items for kit in kits))


def _pool(
    item: str,
    lines: Sequence[Line],
    table: tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]],
    nodes: Sequence[Candidate],
) -> Pool:
    """Gather the lines of one item; of several, each node has no more than it can have of it."""
    common = lcm(*(line.micros for line in lines))
    own = [each for each in zip(lines, *table, strict=True) if each[0].item == item]
    has: list[int] = []
    for number, node in enumerate(nodes):
        free = [
            (all_of[number], row[number])
            for line, all_of, row in own
            if line.line_no not in node.own
        ]
        held = sum(row[number] for line, _, row in own if line.line_no in node.own)
        most = max((all_of for all_of, _ in free), default=0)
        has.append(min(sum(row for _, row in free), most) + held)
    asked = [line.micros for line, *_ in own]
    weights = tuple(common // micros for micros in asked)
    return Pool(tuple(asked), weights, tuple(has), sum(asked))


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
    taken: dict[int, Taken] = {}
    for number in numbers:
        line = ground.lines[number]
        if number not in ground.shared and ground.needed[number] is None:
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
            if number in ground.shared:
                there = taken.setdefault(node, Taken())
                ground.reach_of.take(line, ground.nodes[node], micros, there)
    return Served(tuple(gives), filled)


def _rooms(
    ground: Ground, number: int, chosen: Sequence[int], taken: Mapping[int, Taken]
) -> dict[int, int]:
    """Tell how much of a line each chosen node may still give."""
    line, row = ground.lines[number], ground.usable[number]
    if number not in ground.shared:
        return {node: row[node] for node in chosen if row[node]}
    rooms: dict[int, int] = {}
    for node in chosen:
        if not row[node]:
            continue
        has, there = ground.has[number][node], taken.get(node, NOTHING)
        has = ground.reach_of.left(line, ground.nodes[node], has, there)
        if left := usable(has, line, ground.min_split):
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
