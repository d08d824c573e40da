"""An X12 file checked whole while it streams by: structure, elements, codes, counts, trees. Pure.

Each set is checked against the definitions of its group's version. What is found of it is told
when it closes, behind what its envelope did wrong; of one set at most so many findings are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.findings import Finding, Kept, Level, Place, Severity
from crossdock.connectivity.edi.structure import Loop, Node, Step, Structure, structure_of
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.elements import Check, Fault, check_of
from crossdock.connectivity.edi.x12.envelope import (
    Closed,
    Event,
    Segments,
    TransactionSet,
)
from crossdock.connectivity.edi.x12.reading import Page
from crossdock.connectivity.edi.x12.watching import Watch, watches

PASSED_MAX = 10_000
"""Segments remembered as right: dates, carriers and addresses come again and again."""
_PASSED_SIZE = 200
_SHOWN = 60

Knows = Callable[[str], Definitions | None]
"""Answers the definitions of a version, by GS08; None is a version that is not known."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A set of one version, with the checks of its segments in one form of delimiters.

    `passed` are segments whose elements were right; they and `checks` are of a whole version.
    """

    structure: Structure
    known: Definitions
    counts: str
    delimiters: Delimiters
    checks: dict[str, Check]
    passed: set[str]

    def look(self, tag: str, segment: str) -> Sequence[Fault]:
        """Say what is wrong with the elements of a segment; one that is right is remembered."""
        check = self.checks.get(tag) or self.check(tag)
        if check is None:
            return ()
        faults = check.look(segment)
        if not faults and len(segment) <= _PASSED_SIZE:
            if len(self.passed) >= PASSED_MAX:
                self.passed.clear()
            self.passed.add(segment)
        return faults

    def check(self, tag: str) -> Check | None:
        """Work out the check of a segment, once; None is one that no table looks into."""
        found = self.checks.get(tag)
        definition = self.known.segments.get(tag)
        if found is None and definition is not None and definition.uses:
            found = self.checks[tag] = check_of(definition, self.known, self.delimiters)
        return found


@dataclass(slots=True)
class _Kinds:
    """What was worked out so far, by version, set and delimiters."""

    knows: Knows
    kinds: dict[tuple[str, str, Delimiters], _Kind | None] = field(
        default_factory=dict[tuple[str, str, Delimiters], _Kind | None]
    )
    checks: dict[tuple[str, Delimiters], tuple[dict[str, Check], set[str]]] = field(
        default_factory=dict[tuple[str, Delimiters], tuple[dict[str, Check], set[str]]]
    )

    def of(self, found: TransactionSet) -> _Kind | None:
        version = found.group.version if found.group else ""
        delimiters = found.interchange.delimiters
        key = (version, found.set_id, delimiters)
        if key not in self.kinds:
            known = self.knows(version)
            definition = known.sets.get(found.set_id) if known else None
            shared = self.checks.setdefault((version, delimiters), ({}, set()))
            self.kinds[key] = (
                _Kind(structure_of(definition), known, definition.counts, delimiters, *shared)
                if known and definition
                else None
            )
        return self.kinds[key]


def validated(events: Iterable[Event], knows: Knows) -> Iterator[Event]:
    """Hand on events, with what was found of each set added where it closes."""
    kinds = _Kinds(knows)
    checking: _Checking | None = None
    for event in events:
        if isinstance(event, Segments) and checking is not None:
            checking.take(event.page, event.start, event.stop, event.position)
        elif isinstance(event, TransactionSet):
            kind = kinds.of(event)
            checking = _Checking(event, kind, kind.structure.start) if kind else None
        elif isinstance(event, Closed) and isinstance(event.of, TransactionSet):
            found = checking.ended(event) if checking else [_unknown(event.of, knows)]
            event = replace(event, findings=(*event.findings, *found))  # noqa: PLW2901  # the same event, with more told
            checking = None
        yield event


def _unknown(found: TransactionSet, knows: Knows) -> Finding:
    """Tell of a set that no table defines: it is read, and not looked into."""
    version = found.group.version if found.group else ""
    shown = version[:_SHOWN]
    of = f" in version {shown}" if knows(version) else f": version {shown!r} is not known"
    return Finding(
        code="ST01-UNKNOWN",
        severity=Severity.ERROR,
        level=Level.SET,
        place=found.at.place(1),
        says=f"set {found.set_id[:_SHOWN]!r} is not defined here{of}",
        asks="whether they agreed on this set; a table of it can be added",
        acknowledged_by="1",
        value=found.set_id[:_SHOWN],
    )


@dataclass(slots=True)
class _Checking:
    """One set on its way through its structure."""

    of: TransactionSet
    kind: _Kind
    node: Node
    run: int = 1
    turns: dict[Loop, int] = field(default_factory=dict[Loop, int])
    found: Kept = field(default_factory=Kept)
    watched: dict[str, Watch] = field(init=False)

    def __post_init__(self) -> None:
        self.watched = watches(self.kind.counts)

    def take(self, page: Page, start: int, stop: int, position: int) -> None:
        """Go on by some segments."""
        node, steps, passed, look = self.node, self.node.steps, self.kind.passed, self.kind.look
        element, watched, shift = self.kind.delimiters.element, self.watched, position - start
        for index, segment in enumerate(page.segments[start:stop], start):
            tag = segment.partition(element)[0]
            step = steps.get(tag)
            if step is not None and step.is_plain:
                node, self.run = step.to, 1
            else:
                node = self._step(step, node, tag, _Where(page, index, shift + index))
            steps = node.steps
            faults = () if segment in passed else look(tag, segment)
            if tag in watched and (more := watched[tag](segment.split(element))):
                faults = [*faults, *more]
            if faults:
                self._faults(faults, _Where(page, index, shift + index), node)
        self.node = node

    def _step(self, known: Step | None, node: Node, tag: str, at: "_Where") -> Node:
        """Go to a segment, and say what is wrong with its being there."""
        step = known or self.kind.structure.step(node, tag)
        if step is None:
            return self._lost(node, tag, at)
        if step.repeats:
            self.run += 1
            if self.run > step.to.most:
                self._tell(at, "5", f"{tag} is there more than {step.to.most} times in a row", tag)
            return step.to
        self.run = 1
        for one in step.misses:
            self._tell(at, "3", f"{one.tag} has to be there before {tag}", one.tag, one.loop)
        if step.turns is not None:
            turns = self.turns[step.turns] = self.turns.get(step.turns, 1) + 1
            if turns > step.turns.most:
                says = f"loop {step.turns.name} is there more than {step.turns.most} times"
                self._tell(at, "4", says, tag, step.turns)
        elif step.enters is not None:
            self.turns[step.enters] = 1
        return step.to

    def _lost(self, node: Node, tag: str, at: "_Where") -> Node:
        """Say why a segment may not stand here, and go on from where it belongs, if anywhere."""
        if tag not in self.kind.known.segments:
            says = f"{tag[:_SHOWN]!r} is no segment of this version that is known here"
            self._tell(at, "1", says, tag)
            return node
        if tag not in self.kind.structure.tags:
            self._tell(at, "6", f"{tag} is no segment of set {self.of.set_id}", tag)
            return node
        if node.tag == tag:
            self._tell(at, "5", f"{tag} is there more than {node.most} times", tag)
            return node
        self._tell(at, "7", f"{tag} does not stand behind {node.tag or 'ST'}", tag)
        found = self.kind.structure.again(tag)
        return found if found is not None and found.loop.around is not None else node

    def _tell(
        self, at: "_Where", code: str, says: str, tag: str, loop: Loop | None = None
    ) -> None:
        name = loop.name if loop and loop.around else ""
        place = Place(offset=at.offset, tag=tag[:10], segment=at.position, loop=name)
        self.found.add(
            Finding(
                code=f"SEGMENT-{code}",
                severity=Severity.ERROR,
                level=Level.SEGMENT,
                place=place,
                says=says,
                asks=_ASKS[code].format(tag=tag[:10], set=self.of.set_id),
                acknowledged_by=code,
            )
        )

    def _faults(self, faults: Sequence[Fault], at: "_Where", node: Node) -> None:
        for one in faults:
            place = Place(
                offset=at.offset,
                tag=at.tag,
                segment=at.position,
                element=one.element,
                component=one.component,
                repetition=one.repetition,
                loop=node.loop.name if node.loop.around else "",
            )
            self.found.add(
                Finding(
                    code=f"ELEMENT-{one.code}",
                    severity=Severity.WARNING if one.is_warning else Severity.ERROR,
                    level=Level.ELEMENT,
                    place=place,
                    says=f"{place.name}: {one.says}",
                    asks=f"to send {place.name} put right",
                    acknowledged_by=one.code,
                    value=one.value[:_SHOWN],
                    data_element=one.number,
                )
            )

    def ended(self, closed: Closed) -> tuple[Finding, ...]:
        """Say what is missing at the end, and hand over all that was found."""
        for one in self.kind.structure.missing_at_end(self.node):
            at = _Where(self.of.at.page, self.of.at.index, closed.counted)
            self._tell(at, "3", f"{one.tag} has to be there, and the set ends", one.tag, one.loop)
        return self.found.told(Level.SET, lambda: self.of.at.place(1))


_ASKS = {
    "1": "what {tag} is; if it is one of their own, to leave it out",
    "3": "to send it again with {tag}",
    "4": "to send less of the loop, or more than one set",
    "5": "to send {tag} less often",
    "6": "to leave {tag} out of set {set}",
    "7": "to send {tag} in its place",
}


class _Where(NamedTuple):
    """A segment in its page, and its position in the set; its byte is worked out if asked for."""

    page: Page
    at: int
    position: int

    @property
    def offset(self) -> int:
        return self.page.offset_of(self.at)

    @property
    def tag(self) -> str:
        return self.page.segments[self.at].partition(self.page.delimiters.element)[0]
