"""Sets on their way through their structure: what may not stand where it does, or is wrong. Pure.

X12 and EDIFACT go the same way, and tell of it in their own terms.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from crossdock.connectivity.edi.checks import Check, Fault, Watch
from crossdock.connectivity.edi.definitions import Definitions, SegmentDefinition
from crossdock.connectivity.edi.findings import Finding, Kept, Level, Place, Severity
from crossdock.connectivity.edi.structure import Loop, Node, Step, Structure, structure_of

_SHOWN = 60

Knows = Callable[[str], Definitions | None]
"""Answers the definitions of a version; None is a version that is not known."""


class Parting(Protocol):
    """Delimiters: those of a file are the same object or equal ones."""

    @property
    def element(self) -> str: ...


Delimiters = TypeVar("Delimiters", bound=Parting)


class Paged(Protocol):
    """Some segments of a file, each of which has a place in it."""

    @property
    def segments(self) -> list[str]: ...

    def place_of(self, index: int, segment: int = 0) -> Place: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a standard tells of what is wrong.

    `segments` say of each kind of fault our code, the standard's, and what to ask for. `elements`
    are the standard's codes of faults of elements, where they are not those of the fault itself.
    """

    header: str
    set: str
    loop: str
    segments: Mapping[str, tuple[str, str, str]]
    elements: Mapping[str, str] = field(default_factory=dict[str, str])
    has_numbers: bool = False

    def of_element(self, fault: Fault, place: Place, level: Level = Level.ELEMENT) -> Finding:
        """Tell of a fault of an element of the segment of a place."""
        where = replace(
            place, element=fault.element, component=fault.component, repetition=fault.repetition
        )
        number = f" ({fault.number})" if self.has_numbers and fault.number else ""
        return Finding(
            code=f"ELEMENT-{fault.code}",
            severity=Severity.WARNING if fault.is_warning else Severity.ERROR,
            level=level,
            place=where,
            says=f"{where.name}{number}: {fault.says}",
            asks=f"to send {where.name} put right",
            acknowledged_by=self.elements.get(fault.code, fault.code),
            value=fault.value[:_SHOWN],
            data_element=fault.number,
        )


@dataclass(frozen=True, slots=True)
class Checks(Generic[Delimiters]):
    """The checks of the segments of a version in one form of delimiters, each worked out once."""

    known: Definitions
    delimiters: Delimiters
    check_of: Callable[[SegmentDefinition, Definitions, Delimiters], Check]
    checks: dict[str, Check] = field(default_factory=dict[str, Check])

    def of(self, tag: str) -> Check:
        """Give the check of a tag; what no table looks into is right."""
        found = self.checks.get(tag)
        if found is None:
            definition = self.known.segments.get(tag)
            if definition is None or not definition.uses:
                return _ANYTHING
            found = self.checks[tag] = self.check_of(definition, self.known, self.delimiters)
        return found


_ANYTHING = Check(accepts=re.compile(r"[\s\S]*").fullmatch, faults=lambda _: [], element="")


@dataclass(frozen=True, slots=True)
class Kind(Generic[Delimiters]):
    """A set of one version, with what checks its segments."""

    name: str
    structure: Structure
    counts: str
    checks: Checks[Delimiters]


@dataclass(slots=True)
class Kinds(Generic[Delimiters]):
    """What was worked out so far, by version, set and delimiters."""

    knows: Knows
    check_of: Callable[[SegmentDefinition, Definitions, Delimiters], Check]
    kinds: dict[tuple[str, str, Delimiters], Kind[Delimiters] | None] = field(
        default_factory=dict[tuple[str, str, Delimiters], Kind[Delimiters] | None]
    )
    checks: dict[tuple[str, Delimiters], Checks[Delimiters] | None] = field(
        default_factory=dict[tuple[str, Delimiters], Checks[Delimiters] | None]
    )

    def of(self, version: str, set_id: str, delimiters: Delimiters) -> Kind[Delimiters] | None:
        key = (version, set_id, delimiters)
        if key not in self.kinds:
            checks = self.checks_of(version, delimiters)
            definition = checks.known.sets.get(set_id) if checks else None
            self.kinds[key] = (
                Kind(set_id, structure_of(definition), definition.counts, checks)
                if checks and definition
                else None
            )
        return self.kinds[key]

    def checks_of(self, version: str, delimiters: Delimiters) -> Checks[Delimiters] | None:
        key = (version, delimiters)
        if key not in self.checks:
            known = self.knows(version)
            self.checks[key] = Checks(known, delimiters, self.check_of) if known else None
        return self.checks[key]


@dataclass(slots=True)
class Walk(Generic[Delimiters]):
    """One set on its way; `watched` see some of its segments by their tags."""

    kind: Kind[Delimiters]
    terms: Terms
    watched: Mapping[str, Watch]
    node: Node = field(init=False)
    run: int = 1
    turns: dict[Loop, int] = field(default_factory=dict[Loop, int])
    found: Kept = field(default_factory=Kept)

    def __post_init__(self) -> None:
        self.node = self.kind.structure.start

    def take(self, page: Paged, start: int, stop: int, position: int) -> None:
        """Go on by some segments of a page; `position` is that of the first in the set."""
        node, watched, checks = self.node, self.watched, self.kind.checks
        of, element, shift = checks.checks.get, checks.delimiters.element, position - start
        way = self.kind.structure.step
        for index, segment in enumerate(page.segments[start:stop], start):
            tag = segment.partition(element)[0]
            step = node.steps.get(tag) or way(node, tag)
            if step is None:
                node = self._lost(node, tag, page.place_of(index, shift + index))
            else:
                node = step.to
                if step.is_plain:
                    self.run = 1
                else:
                    self._count(step, page, index, shift + index)
            check = of(tag) or checks.of(tag)
            faults = () if segment in check.passed else check.look(segment)
            if tag in watched and (more := watched[tag](segment)):
                faults = [*faults, *more]
            if faults:
                self._faults(faults, page.place_of(index, shift + index), node)
        self.node = node

    def _count(self, step: Step, page: Paged, index: int, position: int) -> None:
        """Tell what a way to a segment leaves out, and what is there more often than it may."""
        if step.misses:
            self._missed(step, page.place_of(index, position))
        is_over = False
        if step.repeats:
            self.run += 1
            is_over = self.run > step.to.most
        else:
            self.run = 1
            if step.turns is not None:
                turns = self.turns[step.turns] = self.turns.get(step.turns, 1) + 1
                is_over = turns > step.turns.most
            elif step.enters is not None:
                self.turns[step.enters] = 1
        if is_over:
            self._repeated(step, page.place_of(index, position))

    def _missed(self, step: Step, place: Place) -> None:
        for one in step.misses:
            says = f"{one.tag} has to be there before {step.to.tag}"
            self._tell(place, "MISSING", says, one.tag, one.loop)

    def _repeated(self, step: Step, place: Place) -> None:
        if step.turns is not None:
            loop = step.turns
            says = f"{self.terms.loop} {loop.name} is there more than {loop.most} times"
            self._tell(place, "TURNED", says, place.tag, loop)
        else:
            says = f"{place.tag} is there more than {step.to.most} times in a row"
            self._tell(place, "REPEATED", says, place.tag)

    def _lost(self, node: Node, tag: str, place: Place) -> Node:
        """Say why a segment may not stand here, and go on from where it belongs, if anywhere."""
        if tag not in self.kind.checks.known.segments:
            says = f"{place.tag!r} is no segment of this version that is known here"
            self._tell(place, "UNKNOWN", says, place.tag)
            return node
        if tag not in self.kind.structure.tags:
            self._tell(place, "FOREIGN", f"{tag} is no segment of {self._name}", tag)
            return node
        if node.tag == tag:
            self._tell(place, "REPEATED", f"{tag} is there more than {node.most} times", tag)
            return node
        behind = node.tag or self.terms.header
        self._tell(place, "MISPLACED", f"{tag} does not stand behind {behind}", tag)
        found = self.kind.structure.again(tag)
        return found if found is not None and found.loop.around is not None else node

    @property
    def _name(self) -> str:
        return f"{self.terms.set} {self.kind.name}"

    def _tell(
        self, place: Place, kind: str, says: str, tag: str, loop: Loop | None = None
    ) -> None:
        code, by, asks = self.terms.segments[kind]
        name = loop.name if loop and loop.around else ""
        self.found.add(
            Finding(
                code=code,
                severity=Severity.ERROR,
                level=Level.SEGMENT,
                place=replace(place, tag=tag, loop=name),
                says=says,
                asks=asks.format(tag=tag, name=self._name),
                acknowledged_by=by,
            )
        )

    def _faults(self, faults: Sequence[Fault], place: Place, node: Node) -> None:
        where = replace(place, loop=node.loop.name if node.loop.around else "")
        self.found.add(*(self.terms.of_element(one, where) for one in faults))

    def ended(self, header: Callable[[], Place], counted: int) -> tuple[Finding, ...]:
        """Say what is missing at the end, and hand over all that was found.

        `header` tells the place of the segment that opened the set, if it is asked for: that takes
        time. `counted` is the number of all.
        """
        for one in self.kind.structure.missing_at_end(self.node):
            says = f"{one.tag} has to be there, and the {self.terms.set} ends"
            self._tell(replace(header(), segment=counted), "MISSING", says, one.tag, one.loop)
        return self.found.told(Level.SET, header)
