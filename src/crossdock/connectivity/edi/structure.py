"""The way through a set: which segment may follow which, worked out once for each. Pure.

From where a set stands, a segment is looked for onwards in its own loop, then as the beginning of
another turn of that loop, then onwards in the loop around it, and so on. The first place that
leaves out nothing mandatory is taken; if there is none, the first place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from crossdock.connectivity.edi.definitions import MANY, Part, SetDefinition


@dataclass(slots=True, eq=False)
class Loop:
    """A loop of a set, or the set itself (without `around`)."""

    name: str
    most: int
    around: "Loop | None" = None
    index: int = 0
    nodes: "list[Node | Loop]" = field(default_factory=list["Node | Loop"])
    is_mandatory: bool = False

    @property
    def first(self) -> "Node":
        """Give the segment that it begins with."""
        node = self.nodes[0]
        return node if isinstance(node, Node) else node.first


@dataclass(slots=True, eq=False)
class Node:
    """A segment at its place; `steps` are the ways on from here, as far as they were asked for."""

    tag: str
    most: int
    is_mandatory: bool
    loop: Loop
    index: int
    steps: "dict[str, Step]" = field(default_factory=dict[str, "Step"])


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The way to a segment: `misses` are the mandatory ones that are left out on it.

    `repeats`: it is the same place once more. `turns`: the loop that begins anew, `enters` the one
    that begins. `is_plain` says that none of these needs a look.
    """

    to: Node
    misses: tuple[Node, ...] = ()
    repeats: bool = False
    turns: Loop | None = None
    enters: Loop | None = None
    is_plain: bool = False


@dataclass(slots=True, eq=False)
class Structure:
    """A set as a way: `start` is before its first segment."""

    root: Loop
    start: Node
    tags: frozenset[str]

    def step(self, node: Node, tag: str) -> Step | None:
        """Find the way from a place to a segment; None is no way."""
        found = node.steps.get(tag)
        if found is None:
            found = _best(_ways(node, tag))
            if found is not None:
                found = node.steps[tag] = replace(found, is_plain=_is_plain(found))
        return found

    def again(self, tag: str) -> Node | None:
        """Find a segment anywhere in the set: the first place of it."""
        return next((one for one in _all(self.root) if one.tag == tag), None)

    def missing_at_end(self, node: Node) -> tuple[Node, ...]:
        """Name the mandatory segments that are not there if the set ends at a place."""
        missed: list[Node] = []
        loop: Loop | None = node.loop
        index = node.index
        while loop is not None:
            missed += _mandatory(loop, index + 1, len(loop.nodes))
            index, loop = loop.index, loop.around
        return tuple(missed)


def structure_of(definition: SetDefinition) -> Structure:
    """Lay out a set, its header before all of its parts."""
    root = Loop(definition.set_id, 1)
    start = Node("", 1, is_mandatory=False, loop=root, index=0)
    root.nodes.append(start)
    _lay(root, definition.parts)
    return Structure(root, start, frozenset(one.tag for one in _all(root) if one.tag))


def _lay(loop: Loop, parts: tuple[Part, ...]) -> None:
    for part in parts:
        index = len(loop.nodes)
        if part.is_loop:
            inner = Loop(part.name, part.most, loop, index, is_mandatory=part.is_mandatory)
            _lay(inner, part.parts)
            loop.nodes.append(inner)
        else:
            loop.nodes.append(Node(part.name, part.most, part.is_mandatory, loop, index))


def _all(loop: Loop) -> Iterator[Node]:
    for one in loop.nodes:
        if isinstance(one, Node):
            yield one
        else:
            yield from _all(one)


def _best(ways: Iterator[Step]) -> Step | None:
    first: Step | None = None
    for one in ways:
        if not one.misses:
            return one
        first = first or one
    return first


def _is_plain(step: Step) -> bool:
    """Say whether nothing is counted, nor missing, on a way."""
    repeats = step.repeats and step.to.most < MANY
    loop = step.turns or step.enters
    return not (step.misses or repeats or (loop is not None and loop.most < MANY))


def _ways(node: Node, tag: str) -> Iterator[Step]:
    """Find the places of a segment onwards, the nearest first."""
    if node.tag == tag and node.most > 1:
        yield Step(node, repeats=True)
    missed: list[Node] = []
    loop: Loop | None = node.loop
    index = node.index
    while loop is not None:
        for at in range(index + 1, len(loop.nodes)):
            one = loop.nodes[at]
            found = one if isinstance(one, Node) else one.first
            if found.tag == tag:
                skipped = (*missed, *_mandatory(loop, index + 1, at))
                yield Step(found, skipped, enters=one if isinstance(one, Loop) else None)
        missed += _mandatory(loop, index + 1, len(loop.nodes))
        if loop.around is not None and loop.first.tag == tag:
            yield Step(loop.first, tuple(missed), turns=loop)
        index, loop = loop.index, loop.around


def _mandatory(loop: Loop, start: int, stop: int) -> list[Node]:
    """Name the first segments of the mandatory parts between two places of a loop."""
    found = loop.nodes[start:stop]
    return [one if isinstance(one, Node) else one.first for one in found if one.is_mandatory]
