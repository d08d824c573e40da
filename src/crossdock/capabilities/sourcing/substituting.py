"""Other items where no node has what is asked for in time: substitution of products (§3.5). Pure.

What is asked for goes first, and no line of the order is given less of it because another is
substituted. What it lacks is asked of its substitutes, all lines at a time, the first of each line
first; then the order and its new lines are planned together, by the same rules as any order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.capabilities.sourcing.deciding import Made, dated, made
from crossdock.capabilities.sourcing.model import (
    MICROS_MAX,
    Candidate,
    Line,
    Order,
    Part,
    Plan,
    Policy,
    Rules,
    Waiting,
    standing_in,
)
from crossdock.capabilities.sourcing.substitutes import (
    Substituted,
    SubstituteLine,
    SubstituteVerdict,
)
from crossdock.capabilities.sourcing.terms import Terms, takes_items


def planned(
    order: Order,
    candidates: Sequence[Candidate],
    rules: Rules,
    offered: Sequence[SubstituteLine] = (),
) -> Plan:
    """Decide which nodes serve an order, with approved substitutes where the rules let them.

    The order's lines stay as they are: what stands in for one is a line of its own, linked to it.
    """
    plain = made(order, candidates, rules)
    if not offered or not takes_items(order, rules):
        return plain.plan
    listed = sorted(offered, key=lambda one: (one.of_line, one.rank, one.line_no))
    nodes = [_windowed(node, listed) for node in candidates]
    policy = Terms.of(order, rules).policy
    parts, base = order, plain.plan
    if policy is Policy.COMPLETE_ORDER and base.waiting:  # to learn what it lacks
        parts = replace(dated(order, policy), policy=Policy.PARTIAL)
        base = made(parts, nodes, rules).plan
    own = _given(base)
    found = _Substituting(
        order=parts,
        nodes=nodes,
        rules=rules,
        own=own,
        lacking={
            line.line_no: line.micros - own.get(line.line_no, 0)
            for line in order.lines
            if not line.is_dropship
        },
        accepted=base,
    )
    found.take([one for one in listed if not one.requires_approval])
    final = found.final(replace(parts, policy=order.policy), policy, plain)
    if final is None:
        return replace(plain.plan, substitutes=tuple(_verdicts(listed, found, {})))
    return replace(final, substitutes=tuple(_verdicts(listed, found, found.covers)))


@dataclass(slots=True, kw_only=True)
class _Substituting:
    """What is given of each line so far, what it lacks, and what its substitutes cover of that.

    `taken` is by number of the new lines. `accepted` is the last plan that gives all of it.
    """

    order: Order
    nodes: Sequence[Candidate]
    rules: Rules
    own: Mapping[int, int]
    lacking: dict[int, int]
    accepted: Plan
    taken: dict[SubstituteLine, int] = field(default_factory=dict[SubstituteLine, int])
    covers: dict[SubstituteLine, int] = field(default_factory=dict[SubstituteLine, int])
    asked: set[SubstituteLine] = field(default_factory=set[SubstituteLine])

    def take(self, offered: Iterable[SubstituteLine]) -> None:
        """Ask the first substitute of every line for what it lacks, then the second, and so on."""
        queues: dict[int, list[SubstituteLine]] = {}
        for one in offered:
            queues.setdefault(one.of_line, []).append(one)
        if self.rules.alternatives.chooses is Chooses.MAX_ON_TIME:
            on_time = self._on_time(queues)
            for queue in queues.values():
                queue.sort(key=lambda one: -on_time.get(one, 0))
        for asks in self._turns(queues):
            self.asked |= asks.keys()
            if (plan := self._granted(asks)) is not None:
                self.accepted = plan
                given = _given(plan)
                for one in asks:
                    self._keep(one, given.get(one.line_no, 0))

    def final(self, order: Order, policy: Policy, plain: Made) -> Plan | None:
        """Plan the order with what its substitutes cover, by its own policy.

        None: they cover nothing, or the order is to be whole and they do not make it so.
        """
        is_whole = policy is Policy.COMPLETE_ORDER
        if not self.taken or (is_whole and any(self.lacking.values())):
            return None
        found = made(replace(order, lines=self._lines({})), self.nodes, self.rules)
        if not self._keeps(found.plan):
            return None
        lines = {line.line_no: line for line in self.order.lines}
        waits = list(found.plan.waiting)  # what no supplier may send: ours is given in full
        waits += (
            self._waiting(lines[number], micros, found, plain)
            for number, micros in self.lacking.items()
            if micros
        )
        return replace(found.plan, waiting=tuple(sorted(waits, key=lambda one: one.line_no)))

    def _waiting(self, line: Line, micros: int, found: Made, plain: Made) -> Waiting:
        """Keep what nothing covers of a line with itself, or with the first that stands in."""
        first = next((one for one in self.taken if one.of_line == line.line_no), None)
        if first and self.rules.alternatives.keeps_rest is KeepsRest.LEADING:
            micros = first.replacing(micros)
            line, rest = self._line(first, micros), found.rest
        else:
            rest = (found if self.own.get(line.line_no) else plain).rest
        node = rest.at(line, self.order, self.rules)
        return Waiting(line_no=line.line_no, item=line.item, micros=micros, node=node)

    def _turns(
        self, queues: Mapping[int, Sequence[SubstituteLine]]
    ) -> Iterator[dict[SubstituteLine, int]]:
        """Give what is asked of the substitutes of each line in turn, as far as it lacks."""
        for turn in range(max(map(len, queues.values()), default=0)):
            some = [queue[turn] for queue in queues.values() if turn < len(queue)]
            if asks := {one: micros for one in some if (micros := self._ask(one))}:
                yield asks

    def _ask(self, one: SubstituteLine) -> int:
        step = one.step_for(self._of(one).step)
        most = (MICROS_MAX - 1) // step * step
        return min(most, one.replacing(self.lacking[one.of_line]))

    def _on_time(
        self, queues: Mapping[int, Sequence[SubstituteLine]]
    ) -> dict[SubstituteLine, int]:
        """Tell how much of its line each would cover by the day needed, alone."""
        lines = {line.line_no: line for line in self.order.lines}
        found: dict[SubstituteLine, int] = {}
        for asks in self._turns(queues):
            if (plan := self._granted(asks)) is None:
                continue
            parts = list(_parts(plan))
            for one in asks:
                line = lines[one.of_line]
                some = (part for part in parts if part.line_no == one.line_no)
                micros = sum(part.micros for part in some if _is_on_time(part, line))
                found[one] = one.replaced(micros, line.step)
        return found

    def _granted(self, asks: Mapping[SubstituteLine, int]) -> Plan | None:
        """Plan with what is asked for; if that took from what is given, ask for less of it."""
        plan = made(replace(self.order, lines=self._lines(asks)), self.nodes, self.rules).plan
        if self._keeps(plan):
            return plan
        less = {one: micros for one, micros in self._behind(asks).items() if micros}
        if not less:
            return None
        plan = made(replace(self.order, lines=self._lines(less)), self.nodes, self.rules).plan
        return plan if self._keeps(plan) else None

    def _behind(self, asks: Mapping[SubstituteLine, int]) -> dict[SubstituteLine, int]:
        """Tell how much there would be of what is asked for behind all that is given already."""
        used = {one.node for one in self.accepted.shipments}
        free = Terms.of(self.order, self.rules).max_shipments - len(used)
        left = [_less(node, self.accepted) for node in self.nodes if free > 0 or node.node in used]
        lines = tuple(self._line(one, micros) for one, micros in asks.items())
        order = replace(
            self.order, lines=lines, max_shipments=free if free > 0 else self.order.max_shipments
        )
        given = _given(made(order, left, self.rules).plan)
        return {one: given.get(one.line_no, 0) for one in asks}

    def _keep(self, one: SubstituteLine, micros: int) -> None:
        """Take as much of a substitute as covers whole steps of its line, and no more."""
        lacking = self.lacking[one.of_line]
        covers = min(lacking, one.replaced(micros, self._of(one).step))
        if covers:
            self.taken[one], self.covers[one] = one.replacing(covers), covers
            self.lacking[one.of_line] = lacking - covers

    def _keeps(self, plan: Plan) -> bool:
        """Say whether a plan gives all that was given of each line before, and of the new ones."""
        given = _given(plan)
        taken = {one.line_no: micros for one, micros in self.taken.items()}
        return all(given.get(no, 0) >= micros for no, micros in {**self.own, **taken}.items())

    def _lines(self, asks: Mapping[SubstituteLine, int]) -> tuple[Line, ...]:
        """Give the lines as far as they are given, the new ones, and those that are asked for."""
        own = (
            line if line.is_dropship else replace(line, micros=self.own.get(line.line_no, 0))
            for line in self.order.lines
        )
        new = {**self.taken, **asks}
        return (
            *(line for line in own if line.micros),
            *(self._line(one, micros) for one, micros in new.items()),
        )

    def _line(self, one: SubstituteLine, micros: int) -> Line:
        return standing_in(one, self._of(one), micros)

    def _of(self, one: SubstituteLine) -> Line:
        return next(line for line in self.order.lines if line.line_no == one.of_line)


def _given(plan: Plan) -> dict[int, int]:
    """Tell how much of each line of ours leaves."""
    given: dict[int, int] = {}
    for part in _parts(plan):
        given[part.line_no] = given.get(part.line_no, 0) + part.micros
    return given


def _parts(plan: Plan) -> Iterator[Part]:
    for shipment in plan.shipments:
        yield from shipment.parts


def _is_on_time(part: Part, line: Line) -> bool:
    day = line.needed_by
    return day is None or (part.due_on is not None and part.due_on <= day)


def _windowed(node: Candidate, offered: Sequence[SubstituteLine]) -> Candidate:
    """Leave a substitute nothing at a node on days on which it may not leave."""
    supply = dict(node.supply)
    not_now = {one.line_no for one in offered if not one.may_leave(node.ships_on)}
    for one in offered:
        steps = supply.pop(one.line_no, ())
        if steps := tuple(each for each in steps if one.may_leave(each.ships_on)):
            supply[one.line_no] = steps
    return replace(node, not_now=node.not_now | not_now, supply=supply)


def _less(node: Candidate, plan: Plan) -> Candidate:
    """Take off a node what a plan takes from it; what is to come there is left to the plan."""
    available = dict(node.available)
    gone: dict[str, int] = {}
    for shipment in plan.shipments:
        if shipment.node == node.node:
            for part in shipment.parts:
                for item, micros in (part.takes or {part.item: part.micros}).items():
                    gone[item] = gone.get(item, 0) + micros
    for item, micros in gone.items():
        available[item] = max(0, (available.get(item) or 0) - micros)
    kits = {number: kit.less(gone) for number, kit in node.kits.items()}
    supply = {} if gone else node.supply
    return replace(node, available=available, kits=kits, supply=supply)


def _verdicts(
    listed: Sequence[SubstituteLine],
    found: _Substituting,
    covers: Mapping[SubstituteLine, int],
) -> Iterator[Substituted]:
    for one in sorted(listed, key=lambda one: one.line_no):
        verdict = SubstituteVerdict.NOT_NEEDED
        if one.requires_approval:
            verdict = SubstituteVerdict.REQUIRES_APPROVAL
        elif one in covers:
            verdict = SubstituteVerdict.TAKEN
        elif one in found.asked:
            verdict = SubstituteVerdict.NOT_THERE
        yield Substituted(
            line=one,
            verdict=verdict,
            micros=found.taken[one] if one in covers else 0,
            covers=covers.get(one, 0),
        )
