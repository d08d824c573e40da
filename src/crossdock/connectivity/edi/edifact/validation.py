"""An EDIFACT file checked whole while it streams by: structure, elements, codes, counts. Pure.

Each message is checked against the definitions of its version. What is found of it is told when it
closes, behind what its envelope did wrong; of one message at most so many findings are kept.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.edifact.delimiters import Delimiters, outsiders, plain
from crossdock.connectivity.edi.edifact.elements import CODES, Check, Fault, check_of
from crossdock.connectivity.edi.edifact.envelope import (
    At,
    Closed,
    Event,
    Group,
    Interchange,
    Message,
    Segments,
)
from crossdock.connectivity.edi.edifact.watching import Watch, watches
from crossdock.connectivity.edi.findings import Finding, Kept, Level, Place, Severity
from crossdock.connectivity.edi.structure import Loop, Node, Structure, structure_of

_SHOWN = 60
_TAG_MAX = 10

Knows = Callable[[str], Definitions | None]
"""Answers the definitions of a version, D:96A; "" is what envelopes are made of."""
_SEGMENT_CODES = {
    "UNKNOWN": ("18", "what {tag} is; if it is one of their own, to leave it out"),
    "FOREIGN": ("15", "to leave {tag} out of {type}"),
    "MISSING": ("13", "to send it again with {tag}"),
    "REPEATED": ("35", "to send {tag} less often"),
    "MISPLACED": ("15", "to send {tag} in its place"),
}


@dataclass(frozen=True, slots=True)
class _Checks:
    """The checks of the segments of a version in one form of delimiters, each worked out once."""

    known: Definitions
    delimiters: Delimiters
    checks: dict[str, Check] = field(default_factory=dict[str, Check])

    def of(self, tag: str) -> Check | None:
        """Give the check of a segment; None is one that no table knows."""
        found = self.checks.get(tag)
        definition = self.known.segments.get(tag)
        if found is None and definition is not None:
            found = self.checks[tag] = check_of(definition, self.known, self.delimiters)
        return found


@dataclass(frozen=True, slots=True)
class _Kind:
    """A message of one version, with what checks its segments."""

    structure: Structure
    counts: str
    checks: _Checks


@dataclass(slots=True)
class _Kinds:
    """What was worked out so far, by version, message and delimiters."""

    knows: Knows
    kinds: dict[tuple[str, str, Delimiters], _Kind | None] = field(
        default_factory=dict[tuple[str, str, Delimiters], _Kind | None]
    )
    checks: dict[tuple[str, Delimiters], _Checks | None] = field(
        default_factory=dict[tuple[str, Delimiters], _Checks | None]
    )

    def of(self, found: Message) -> _Kind | None:
        delimiters = found.interchange.header.delimiters
        key = (found.version, found.type, delimiters)
        if key not in self.kinds:
            checks = self.checks_of(found.version, delimiters)
            definition = checks.known.sets.get(found.type) if checks else None
            self.kinds[key] = (
                _Kind(structure_of(definition), definition.counts, checks)
                if checks and definition
                else None
            )
        return self.kinds[key]

    def checks_of(self, version: str, delimiters: Delimiters) -> _Checks | None:
        key = (version, delimiters)
        if key not in self.checks:
            known = self.knows(version)
            self.checks[key] = _Checks(known, delimiters) if known else None
        return self.checks[key]

    def header_faults(self, at: At, level: Level) -> list[Finding]:
        """Check the segment that opens an envelope, by the tables of service segments."""
        page, segment = at.page, at.page.segments[at.index]
        checks = self.checks_of("", page.delimiters)
        check = checks.of(segment[:3]) if checks else None
        faults = check.look(segment) if check else ()
        if not faults:
            return []
        place = at.place(1 if level is Level.SET else 0)
        return [_finding(one, place, level) for one in faults]


def validated(events: Iterable[Event], knows: Knows) -> Iterator[Event]:
    """Hand on events, with what was found of each envelope and message added where it closes."""
    kinds = _Kinds(knows)
    checking: _Checking | None = None
    for event in events:
        if isinstance(event, Segments) and checking is not None:
            checking.take(event)
        elif isinstance(event, Message):
            kind = kinds.of(event)
            checking = _Checking(event, kind, kind.structure.start) if kind else None
        elif isinstance(event, Closed):
            found = _headed(event.of, kinds)
            if isinstance(event.of, Message):
                found += checking.ended(event) if checking else [_unknown(event.of, knows)]
                checking = None
            event = replace(event, findings=(*event.findings, *found))  # noqa: PLW2901  # the same event, with more told
        yield event


def _headed(of: Interchange | Group | Message, kinds: _Kinds) -> list[Finding]:
    level = {Interchange: Level.INTERCHANGE, Group: Level.GROUP, Message: Level.SET}[type(of)]
    return kinds.header_faults(of.at, level)


def _unknown(found: Message, knows: Knows) -> Finding:
    """Tell of a message that no table defines: it is read, and not looked into."""
    shown = found.version[:_SHOWN]
    of = f" in version {shown}" if knows(found.version) else f": version {shown!r} is not known"
    return Finding(
        code="UNH02-UNKNOWN",
        severity=Severity.ERROR,
        level=Level.SET,
        place=replace(found.at.place(1), element=2),
        says=f"message {found.type[:_SHOWN]!r} is not defined here{of}",
        asks="whether they agreed on this message; a table of it can be added",
        acknowledged_by="14",
        value=found.type[:_SHOWN],
        data_element="0065",
    )


def _finding(fault: Fault, place: Place, level: Level) -> Finding:
    where = replace(
        place, element=fault.element, component=fault.component, repetition=fault.repetition
    )
    number = f" ({fault.number})" if fault.number else ""
    return Finding(
        code=f"ELEMENT-{fault.kind}",
        severity=Severity.WARNING if fault.is_warning else Severity.ERROR,
        level=level,
        place=where,
        says=f"{where.name}{number}: {fault.says}",
        asks=f"to send {where.name} put right",
        acknowledged_by=CODES[fault.kind],
        value=fault.value[:_SHOWN],
        data_element=fault.number,
    )


@dataclass(slots=True)
class _Checking:
    """One message on its way through its structure."""

    of: Message
    kind: _Kind
    node: Node
    run: int = 1
    turns: dict[Loop, int] = field(default_factory=dict[Loop, int])
    found: Kept = field(default_factory=Kept)
    is_told: bool = False
    watched: dict[str, Watch] = field(init=False)
    outside: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        header = self.of.interchange.header
        self.watched = watches(self.kind.counts, header.delimiters.component)
        self.outside = outsiders(header.level, header.delimiters)

    def take(self, event: Segments) -> None:
        """Go on by some segments."""
        page, shift, checks = event.page, event.position - event.start, self.kind.checks.checks
        element, watched, is_clean = page.delimiters.element, self.watched, page.is_clean
        node, steps = self.node, self.node.steps
        for index, segment in enumerate(event.segments, event.start):
            tag = segment.partition(element)[0]
            step = steps.get(tag)
            if step is not None and step.is_plain:
                node, self.run = step.to, 1
            else:
                node = self._step(node, tag, _Where(At(page, index), shift + index))
            steps = node.steps
            check = checks.get(tag) or self.kind.checks.of(tag)
            faults = check.look(segment) if check is not None else ()
            if tag in watched and not faults:
                faults = watched[tag](segment.split(element))
            if not (is_clean or self.is_told):
                faults = [*faults, *self._characters(segment, page.delimiters)]
            if faults:
                self._faults(faults, _Where(At(page, index), shift + index), node)
        self.node = node

    def _characters(self, segment: str, delimiters: Delimiters) -> Iterator[Fault]:
        """Tell of a character that the interchange's set does not have: once of a message."""
        level = self.of.interchange.header.level
        for number, part in enumerate(segment.split(delimiters.element)):
            found = self.outside.search(part)
            if found and not self.is_told:
                self.is_told = True
                shown, value = plain(found[0], delimiters), plain(part, delimiters)
                says = f"{shown!r} is no character of {level[:_SHOWN]}; there may be more"
                yield Fault(
                    kind="CHARACTER", says=says, element=number, value=value, is_warning=True
                )

    def _step(self, node: Node, tag: str, at: "_Where") -> Node:
        """Go to a segment, and say what is wrong with its being there."""
        step = self.kind.structure.step(node, tag)
        if step is None:
            return self._lost(node, tag, at)
        if step.repeats:
            self.run += 1
            if self.run > step.to.most:
                says = f"{tag} is there more than {step.to.most} times in a row"
                self._tell(at, "REPEATED", says, tag)
            return step.to
        self.run = 1
        for one in step.misses:
            self._tell(at, "MISSING", f"{one.tag} has to be there before {tag}", one.tag, one.loop)
        if step.turns is not None:
            turns = self.turns[step.turns] = self.turns.get(step.turns, 1) + 1
            if turns > step.turns.most:
                self._turned(step.turns, tag, at)
        elif step.enters is not None:
            self.turns[step.enters] = 1
        return step.to

    def _turned(self, loop: Loop, tag: str, at: "_Where") -> None:
        place = replace(at.place, tag=tag, loop=loop.name)
        self.found.add(
            Finding(
                code="GROUP-REPEATED",
                severity=Severity.ERROR,
                level=Level.SEGMENT,
                place=place,
                says=f"segment group {loop.name} is there more than {loop.most} times",
                asks="to send less of the group, or more than one message",
                acknowledged_by="36",
            )
        )

    def _lost(self, node: Node, tag: str, at: "_Where") -> Node:
        """Say why a segment may not stand here, and go on from where it belongs, if anywhere."""
        shown = plain(tag[:_SHOWN], self.kind.checks.delimiters)
        if tag not in self.kind.checks.known.segments:
            says = f"{shown!r} is no segment of this version that is known here"
            self._tell(at, "UNKNOWN", says, shown)
            return node
        if tag not in self.kind.structure.tags:
            self._tell(at, "FOREIGN", f"{tag} is no segment of {self.of.type}", tag)
            return node
        if node.tag == tag:
            self._tell(at, "REPEATED", f"{tag} is there more than {node.most} times", tag)
            return node
        self._tell(at, "MISPLACED", f"{tag} does not stand behind {node.tag or 'UNH'}", tag)
        found = self.kind.structure.again(tag)
        return found if found is not None and found.loop.around is not None else node

    def _tell(
        self, at: "_Where", kind: str, says: str, tag: str, loop: Loop | None = None
    ) -> None:
        by, asks = _SEGMENT_CODES[kind]
        name = loop.name if loop and loop.around else ""
        self.found.add(
            Finding(
                code=f"SEGMENT-{kind}",
                severity=Severity.ERROR,
                level=Level.SEGMENT,
                place=replace(at.place, tag=tag[:_TAG_MAX], loop=name),
                says=says,
                asks=asks.format(tag=tag[:_TAG_MAX], type=self.of.type),
                acknowledged_by=by,
            )
        )

    def _faults(self, faults: Sequence[Fault], at: "_Where", node: Node) -> None:
        place = replace(at.place, loop=node.loop.name if node.loop.around else "")
        for one in faults:
            self.found.add(_finding(one, place, Level.ELEMENT))

    def ended(self, closed: Closed) -> tuple[Finding, ...]:
        """Say what is missing at the end, and hand over all that was found."""
        for one in self.kind.structure.missing_at_end(self.node):
            at = _Where(self.of.at, closed.counted)
            says = f"{one.tag} has to be there, and the message ends"
            self._tell(at, "MISSING", says, one.tag, one.loop)
        return self.found.told(Level.SET, lambda: self.of.at.place(1))


@dataclass(frozen=True, slots=True)
class _Where:
    """A segment, and its position in the message; its byte is worked out if asked for."""

    at: At
    position: int

    @property
    def place(self) -> Place:
        return self.at.place(self.position)
