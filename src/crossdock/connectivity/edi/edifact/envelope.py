"""The envelopes of EDIFACT: interchanges, groups and messages, as they open and close. Pure.

What is missing a trailer is closed by whatever comes next, and says so. References are compared as
numbers where they are some: senders pad them differently.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from crossdock.connectivity.edi.edifact import controls
from crossdock.connectivity.edi.edifact.delimiters import Header, component, plain
from crossdock.connectivity.edi.edifact.reading import Page
from crossdock.connectivity.edi.findings import Finding, Kept, Level, Place
from crossdock.connectivity.edi.numbers import Seen
from crossdock.connectivity.edi.source import Gap

Elements = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class At:
    """Where a segment stands: the byte of it is worked out when it is asked for."""

    page: Page
    index: int

    def place(self, segment: int = 0) -> Place:
        """Name the place, as the segment of such a number in its message."""
        return self.page.place_of(self.index, segment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """An interchange by its header (UNB): who sends it to whom, and under which reference."""

    header: Header
    at: At

    def element(self, number: int, at: int = 1) -> str:
        return component(self.header.elements, number, at)

    @property
    def sender(self) -> tuple[str, ...]:
        return self._party(2)

    @property
    def recipient(self) -> tuple[str, ...]:
        return self._party(3)

    def _party(self, number: int) -> tuple[str, ...]:
        elements = self.header.elements
        return elements[number - 1] if number <= len(elements) else ()

    @property
    def reference(self) -> str:
        return self.element(5)

    @property
    def wants_acknowledgment(self) -> bool:
        """Say whether a CONTRL is asked for (0031)."""
        return self.element(9) == "1"

    @property
    def is_test(self) -> bool:
        return self.element(11) == "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of messages by its header (UNG)."""

    elements: Elements
    at: At
    interchange: Interchange

    @property
    def reference(self) -> str:
        return component(self.elements, 5, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message by its header (UNH): its reference, and what it is by S009."""

    elements: Elements
    at: At
    group: Group | None
    interchange: Interchange

    @property
    def reference(self) -> str:
        return component(self.elements, 1, 1)

    @property
    def type(self) -> str:
        return component(self.elements, 2, 1)

    @property
    def version(self) -> str:
        """Version and release: D:96A."""
        return f"{component(self.elements, 2, 2)}:{component(self.elements, 2, 3)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Some segments between the header and the trailer of a message, in their order.

    They are those of `page` from `start` up to `stop`; `position` is that of the first in its
    message, of which the header is 1.
    """

    of: Message
    page: Page
    start: int
    stop: int
    position: int

    @property
    def segments(self) -> list[str]:
        return self.page.segments[self.start : self.stop]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The end of a message, a group or an interchange, and what its own envelope did wrong.

    `counted`: segments of a message with header and trailer, messages of a group, groups or
    messages of an interchange. `is_complete` is false where the trailer is missing.
    """

    of: Interchange | Group | Message
    findings: tuple[Finding, ...]
    counted: int
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What was found outside of every interchange."""

    findings: tuple[Finding, ...]


Event = Interchange | Group | Message | Segments | Closed | Aside

_Of = TypeVar("_Of", Interchange, Group, Message)


@dataclass(slots=True)
class _Open(Generic[_Of]):
    """Something that is open: what it counts, whose references it saw, and what was found."""

    of: _Of
    level: Level
    counted: int = 0
    seen: Seen = field(default_factory=Seen)
    groups: Seen = field(default_factory=Seen)
    findings: Kept = field(default_factory=Kept)

    def closed(self, *more: Finding, is_complete: bool = True) -> Closed:
        found = (*self.findings.told(self.level, self.of.at.place), *more)
        return Closed(of=self.of, findings=found, counted=self.counted, is_complete=is_complete)


_CONTROLS = frozenset({"UNB", "UNZ", "UNG", "UNE", "UNH", "UNT"})


def events(pages: Iterable[Page | Gap]) -> Iterator[Event]:
    """Tell what opens and closes in a file, and the segments in between, in their order."""
    state = _Envelope()
    for page in pages:
        if isinstance(page, Gap):
            yield from state.gap(page)
            continue
        begin, parts = 0, ("", page.delimiters.element)
        for index in [at for at, one in enumerate(page.segments) if one[:3] in _CONTROLS]:
            if page.segments[index][3:4] not in parts:
                continue
            if index > begin:
                yield from state.body(page, begin, index)
            yield from state.control(page, index)
            begin = index + 1
        if len(page.segments) > begin:
            yield from state.body(page, begin, len(page.segments))
        if not page.is_ended:
            state.ended_without(page)
    yield from state.end()


@dataclass(frozen=True, slots=True)
class _Said:
    """A segment of an envelope: its elements, and where it stands."""

    tag: str
    elements: Elements
    at: At

    @property
    def count_and_reference(self) -> tuple[str, str]:
        return component(self.elements, 1, 1), component(self.elements, 2, 1)


@dataclass(slots=True)
class _Envelope:
    """Where the reader of a file is: which of the three envelopes are open."""

    interchange: _Open[Interchange] | None = None
    group: _Open[Group] | None = None
    message: _Open[Message] | None = None
    interchanges: dict[tuple[str, ...], Seen] = field(default_factory=dict[tuple[str, ...], Seen])
    late: Kept = field(default_factory=Kept)
    is_any: bool = False
    told_until: int = -1
    has_groups: bool = False

    def gap(self, gap: Gap) -> Iterator[Event]:
        """Tell what stands between interchanges, and of text that goes on once."""
        told = (controls.broken if gap.because else controls.junk)(gap)
        is_more = gap.offset == self.told_until
        if gap.because or gap.junk:
            self.told_until = gap.offset + len(gap.raw)
        if gap.because and self.interchange is not None:
            self.interchange.findings.add(told)
        elif gap.because or (gap.junk and not is_more):
            yield Aside(findings=(told,))

    def control(self, page: Page, index: int) -> Iterator[Event]:
        """Go by a segment that opens or closes an envelope."""
        delimiters = page.delimiters
        parts = page.segments[index].split(delimiters.element)
        elements = tuple(
            tuple(plain(one, delimiters) for one in each.split(delimiters.component))
            for each in parts[1:]
        )
        said = _Said(parts[0], elements, At(page, index))
        inside = self.interchange
        if said.tag == "UNB" and page.header is not None and not index:
            yield from self._begin_interchange(said, page.header)
        elif inside is None:
            self.late.add(controls.outside(1, said.at.place()))
        else:
            yield from self._within(said, inside)

    def _within(self, said: _Said, inside: _Open[Interchange]) -> Iterator[Event]:
        match said.tag:
            case "UNZ":
                yield from self._end_interchange(said, inside)
            case "UNG":
                yield from self._begin_group(said, inside)
            case "UNE":
                yield from self._end_group(said)
            case "UNH":
                yield from self._begin_message(said, inside)
            case "UNT":
                yield from self._end_message(said)
            case _:
                yield from self.body(said.at.page, said.at.index, said.at.index + 1)

    def body(self, page: Page, start: int, stop: int) -> Iterator[Event]:
        """Hand on segments of the message that is open; outside of any they are a fault."""
        if self.message is None:
            place = At(page, start).place()
            self._innermost().add(controls.outside(stop - start, place))
            return
        position = self.message.counted + 1
        self.message.counted += stop - start
        yield Segments(of=self.message.of, page=page, start=start, stop=stop, position=position)

    def ended_without(self, page: Page) -> None:
        """Note that the last segment of the file lacks its terminator."""
        self._innermost().add(controls.no_terminator(At(page, len(page.segments) - 1).place()))

    def end(self) -> Iterator[Event]:
        """Close what the file left open."""
        if not self.is_any:
            yield Aside(findings=(controls.no_interchange(),))
        yield from self._close_interchange(None)
        if self.late.found:
            yield Aside(findings=self.late.told(Level.FILE, lambda: Place(offset=0)))

    def _begin_interchange(self, said: _Said, head: Header) -> Iterator[Event]:
        yield from self._close_interchange(said)
        opened = Interchange(header=head, at=said.at)
        self.interchange = _Open(opened, Level.INTERCHANGE)
        self.is_any, self.has_groups = True, False
        place = said.at.place()
        self.interchange.findings.add(*controls.header_findings(head, place))
        between = (*opened.sender, "", *opened.recipient, "", opened.element(7))
        if not self.interchanges.setdefault(between, Seen()).add(opened.reference):
            self.interchange.findings.add(controls.repeated("UNB", opened.reference, place))
        yield opened

    def _begin_group(self, said: _Said, inside: _Open[Interchange]) -> Iterator[Event]:
        yield from self._close_group(said)
        opened = Group(elements=said.elements, at=said.at, interchange=inside.of)
        self.group = _Open(opened, Level.GROUP)
        if inside.counted and not self.has_groups:
            inside.findings.add(controls.mixed(said.at.place()))
        self.has_groups = True
        inside.counted += 1
        if not inside.groups.add(opened.reference):
            place = said.at.place()
            self.group.findings.add(controls.repeated("UNG", opened.reference, place))
        yield opened

    def _begin_message(self, said: _Said, inside: _Open[Interchange]) -> Iterator[Event]:
        yield from self._close_message(said)
        group = self.group
        opened = Message(
            elements=said.elements,
            at=said.at,
            group=group.of if group else None,
            interchange=inside.of,
        )
        self.message = _Open(opened, Level.SET, counted=1)
        if group is None and self.has_groups:
            inside.findings.add(controls.mixed(said.at.place()))
        elif group is None:
            inside.counted += 1
        else:
            group.counted += 1
        if not (group or inside).seen.add(opened.reference):
            place = said.at.place(1)
            self.message.findings.add(controls.repeated("UNH", opened.reference, place))
        yield opened

    def _end_message(self, said: _Said) -> Iterator[Event]:
        if self.message is None:
            self._innermost().add(controls.outside(1, said.at.place()))
            return
        self.message.counted += 1
        reference, counted = self.message.of.reference, self.message.counted
        yield self.message.closed(*_trailed(said, counted, reference, counted))
        self.message = None

    def _end_group(self, said: _Said) -> Iterator[Event]:
        yield from self._close_message(said)
        if self.group is None:
            self._innermost().add(controls.outside(1, said.at.place()))
            return
        yield self.group.closed(*_trailed(said, self.group.counted, self.group.of.reference))
        self.group = None

    def _end_interchange(self, said: _Said, inside: _Open[Interchange]) -> Iterator[Event]:
        yield from self._close_group(said)
        yield inside.closed(*_trailed(said, inside.counted, inside.of.reference))
        self.interchange = None

    def _close_message(self, said: _Said | None) -> Iterator[Event]:
        """Close a message that has no trailer, by what comes instead; None is the file's end."""
        if self.message is not None:
            place = (said.at if said else self.message.of.at).place(self.message.counted + 1)
            missing = controls.missing("UNT", place, came=said.tag if said else "")
            yield self.message.closed(missing, is_complete=False)
            self.message = None

    def _close_group(self, said: _Said | None) -> Iterator[Event]:
        yield from self._close_message(said)
        if self.group is not None:
            place = (said.at if said else self.group.of.at).place()
            missing = controls.missing("UNE", place, came=said.tag if said else "")
            yield self.group.closed(missing, is_complete=False)
            self.group = None

    def _close_interchange(self, said: _Said | None) -> Iterator[Event]:
        yield from self._close_group(said)
        if self.interchange is not None:
            place = (said.at if said else self.interchange.of.at).place()
            missing = controls.missing("UNZ", place, came=said.tag if said else "")
            yield self.interchange.closed(missing, is_complete=False)
            self.interchange = None

    def _innermost(self) -> Kept:
        for one in (self.message, self.group, self.interchange):
            if one is not None:
                return one.findings
        return self.late


def _trailed(said: _Said, counted: int, reference: str, segment: int = 0) -> list[Finding]:
    """Compare a trailer with what it closes."""
    count, number = said.count_and_reference
    if counted and (count, number) == (str(counted), reference):
        return []
    place = said.at.place(segment)
    found = [*controls.trailer(said.tag, (count, number), counted, reference, place)]
    if not counted and not found:
        found.append(controls.empty(controls.OPENED_BY[said.tag], place))
    return found
