"""The envelopes of X12: interchanges, groups and sets, as a stream of what opens and closes. Pure.

Counts and control numbers are compared as numbers: senders pad them differently. What is missing a
trailer is closed by whatever comes next, and says so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from crossdock.connectivity.edi.findings import Finding, Kept, Level, Place
from crossdock.connectivity.edi.numbers import Seen
from crossdock.connectivity.edi.source import Gap
from crossdock.connectivity.edi.x12 import controls
from crossdock.connectivity.edi.x12.delimiters import Delimiters, Header
from crossdock.connectivity.edi.x12.reading import Page


@dataclass(frozen=True, slots=True)
class At:
    """Where a segment stands: the byte of it is worked out when it is asked for."""

    page: Page
    index: int

    def place(self, segment: int = 0) -> Place:
        """Name the place, as the segment of such a number in its set."""
        return self.page.place_of(self.index, segment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """An interchange by its header (ISA): who sends it to whom, and under which number.

    `elements` are its sixteen as they are written; parties lose the blanks that fill them up.
    """

    elements: tuple[str, ...]
    delimiters: Delimiters
    at: "At"

    @property
    def sender(self) -> tuple[str, str]:
        return self.elements[4].strip(), self.elements[5].strip()

    @property
    def receiver(self) -> tuple[str, str]:
        return self.elements[6].strip(), self.elements[7].strip()

    @property
    def control(self) -> str:
        return self.elements[12]

    @property
    def wants_acknowledgment(self) -> bool:
        """Say whether a TA1 is asked for (ISA14)."""
        return self.elements[13] == "1"

    @property
    def is_test(self) -> bool:
        return self.elements[14] == "T"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A functional group by its header (GS); `elements` as they are written, from GS01 on."""

    elements: tuple[str, ...]
    at: "At"
    interchange: Interchange

    def element(self, number: int) -> str:
        return self.elements[number - 1] if number <= len(self.elements) else ""

    @property
    def functional_id(self) -> str:
        return self.element(1)

    @property
    def control(self) -> str:
        return self.element(6)

    @property
    def version(self) -> str:
        """Version, release and what an industry made of them: 004010, 004010VICS."""
        return self.element(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSet:
    """A transaction set by its header (ST); `segment` is the header as it is written."""

    set_id: str
    control: str
    implementation: str
    segment: str
    at: "At"
    group: Group | None
    interchange: Interchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Some segments between the header and the trailer of a set, in their order.

    They are those of `page` from `start` up to `stop`; `position` is that of the first in its set,
    of which the header is 1.
    """

    of: TransactionSet
    page: Page
    start: int
    stop: int
    position: int

    @property
    def segments(self) -> list[str]:
        return self.page.segments[self.start : self.stop]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The end of a set, a group or an interchange, and what its own envelope did wrong.

    `counted`: segments of a set with header and trailer, sets of a group, groups of an
    interchange. `is_complete` is false where the trailer is missing.
    """

    of: Interchange | Group | TransactionSet
    findings: tuple[Finding, ...]
    counted: int
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What was found outside of every interchange."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeAcknowledged:
    """A TA1 that was received: what the partner says of an interchange of ours."""

    elements: tuple[str, ...]
    interchange: Interchange
    at: "At"


Event = Interchange | Group | TransactionSet | Segments | Closed | Aside | InterchangeAcknowledged


_Of = TypeVar("_Of", Interchange, Group, TransactionSet)


@dataclass(slots=True)
class _Open(Generic[_Of]):
    """Something that is open: what it counts, whose numbers it saw, and what was found of it."""

    of: _Of
    level: Level
    counted: int = 0
    seen: Seen = field(default_factory=Seen)
    findings: Kept = field(default_factory=Kept)

    def closed(self, *more: Finding, is_complete: bool = True) -> Closed:
        found = (*self.findings.told(self.level, self.of.at.place), *more)
        return Closed(of=self.of, findings=found, counted=self.counted, is_complete=is_complete)


def events(pages: Iterable[Page | Gap]) -> Iterator[Event]:
    """Tell what opens and closes in a file, and the segments in between, in their order."""
    state = _Envelope()
    for page in pages:
        if isinstance(page, Gap):
            yield from state.gap(page)
            continue
        begin, names = 0, _controls(page.delimiters.element)
        for index in [at for at, one in enumerate(page.segments) if one[:3] in names]:
            if index > begin:
                yield from state.body(page, begin, index)
            yield from state.control(page, index)
            begin = index + 1
        if len(page.segments) > begin:
            yield from state.body(page, begin, len(page.segments))
        if not page.is_ended:
            state.ended_without(page)
    yield from state.end()


def _controls(element: str) -> frozenset[str]:
    """Name the first three characters of the segments that open and close envelopes."""
    two = ("GS", "GE", "ST", "SE")
    return frozenset(("ISA", "IEA", "TA1", *two, *(tag + element for tag in two)))


@dataclass(slots=True)
class _Envelope:
    """Where the reader of a file is: which of the three envelopes are open."""

    interchange: _Open[Interchange] | None = None
    group: _Open[Group] | None = None
    set: _Open[TransactionSet] | None = None
    interchanges: dict[tuple[str, ...], Seen] = field(default_factory=dict[tuple[str, ...], Seen])
    late: Kept = field(default_factory=Kept)
    is_any: bool = False
    told_until: int = -1

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
        segment = page.segments[index]
        parts = tuple(segment.split(page.delimiters.element))
        said = _Said(parts[0], parts[1:], At(page, index))
        inside = self.interchange
        if said.tag == "ISA" and page.header is not None and not index:
            yield from self._begin_interchange(said, page.header)
        elif inside is None:
            self.late.add(controls.outside([said.tag], said.at.place()))
        else:
            yield from self._within(said, inside, segment)

    def _within(self, said: "_Said", inside: _Open[Interchange], segment: str) -> Iterator[Event]:
        match said.tag:
            case "IEA":
                yield from self._end_interchange(said, inside)
            case "GS":
                yield from self._begin_group(said, inside)
            case "GE":
                yield from self._end_group(said)
            case "ST":
                yield from self._begin_set(said, inside, segment)
            case "SE":
                yield from self._end_set(said)
            case "TA1":
                yield InterchangeAcknowledged(
                    elements=said.elements, interchange=inside.of, at=said.at
                )
            case _:
                yield from self.body(said.at.page, said.at.index, said.at.index + 1)

    def body(self, page: Page, start: int, stop: int) -> Iterator[Event]:
        """Hand on segments of the set that is open; outside of any they are a fault."""
        if self.set is None:
            place = At(page, start).place()
            self._innermost().add(controls.outside(page.segments[start:stop], place))
            return
        position = self.set.counted + 1
        self.set.counted += stop - start
        yield Segments(of=self.set.of, page=page, start=start, stop=stop, position=position)

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

    def _begin_interchange(self, said: "_Said", head: Header) -> Iterator[Event]:
        yield from self._close_interchange(said)
        opened = Interchange(elements=head.elements, delimiters=head.delimiters, at=said.at)
        self.interchange, self.is_any = _Open(opened, Level.INTERCHANGE), True
        self.interchange.findings.add(*controls.header_findings(head.elements, said.at.place()))
        numbers = self.interchanges.setdefault((*opened.sender, *opened.receiver), Seen())
        if not numbers.add(opened.control.strip()):
            self.interchange.findings.add(
                controls.repeated("ISA", 13, opened.control, said.at.place())
            )
        yield opened

    def _begin_group(self, said: "_Said", inside: _Open[Interchange]) -> Iterator[Event]:
        yield from self._close_group(said)
        opened = Group(elements=said.elements, at=said.at, interchange=inside.of)
        self.group = _Open(opened, Level.GROUP)
        inside.counted += 1
        if not inside.seen.add(opened.control):
            self.group.findings.add(controls.repeated("GS", 6, opened.control, said.at.place()))
        yield opened

    def _begin_set(
        self, said: "_Said", inside: _Open[Interchange], segment: str
    ) -> Iterator[Event]:
        yield from self._close_set(said)
        opened = TransactionSet(
            set_id=said.element(1),
            control=said.element(2),
            implementation=said.element(3),
            segment=segment,
            at=said.at,
            group=self.group.of if self.group else None,
            interchange=inside.of,
        )
        self.set = _Open(opened, Level.SET, counted=1)
        if self.group is None:
            inside.findings.add(controls.without_group(said.at.place()))
        else:
            self.group.counted += 1
            if not self.group.seen.add(opened.control):
                self.set.findings.add(controls.repeated("ST", 2, opened.control, said.at.place()))
        yield opened

    def _end_set(self, said: "_Said") -> Iterator[Event]:
        if self.set is None:
            self._innermost().add(controls.outside([said.tag], said.at.place()))
            return
        self.set.counted += 1
        yield self.set.closed(
            *self._trailer(said, self.set.counted, self.set.of.control, self.set.counted)
        )
        self.set = None

    def _end_group(self, said: "_Said") -> Iterator[Event]:
        yield from self._close_set(said)
        if self.group is None:
            self._innermost().add(controls.outside([said.tag], said.at.place()))
            return
        yield self.group.closed(*self._trailer(said, self.group.counted, self.group.of.control))
        self.group = None

    def _end_interchange(self, said: "_Said", inside: _Open[Interchange]) -> Iterator[Event]:
        yield from self._close_group(said)
        yield inside.closed(*self._trailer(said, inside.counted, inside.of.control))
        self.interchange = None

    @staticmethod
    def _trailer(said: "_Said", counted: int, number: str, segment: int = 0) -> Iterator[Finding]:
        """Compare a trailer with what it closes."""
        if not controls.is_same(said.element(1), str(counted)):
            yield controls.count(said.tag, said.element(1), counted, said.at.place(segment))
        if not controls.is_same(said.element(2), number):
            yield controls.control(said.tag, said.element(2), number, said.at.place(segment))

    def _close_set(self, said: "_Said | None") -> Iterator[Event]:
        """Close a set that has no trailer, by what comes in its place; None is the file's end."""
        if self.set is not None:
            place = (said.at if said else self.set.of.at).place(self.set.counted + 1)
            missing = controls.missing("SE", place, came=said.tag if said else "")
            yield self.set.closed(missing, is_complete=False)
            self.set = None

    def _close_group(self, said: "_Said | None") -> Iterator[Event]:
        yield from self._close_set(said)
        if self.group is not None:
            place = (said.at if said else self.group.of.at).place()
            missing = controls.missing("GE", place, came=said.tag if said else "")
            yield self.group.closed(missing, is_complete=False)
            self.group = None

    def _close_interchange(self, said: "_Said | None") -> Iterator[Event]:
        yield from self._close_group(said)
        if self.interchange is not None:
            place = (said.at if said else self.interchange.of.at).place()
            missing = controls.missing("IEA", place, came=said.tag if said else "")
            yield self.interchange.closed(missing, is_complete=False)
            self.interchange = None

    def _innermost(self) -> Kept:
        for one in (self.set, self.group, self.interchange):
            if one is not None:
                return one.findings
        return self.late


@dataclass(frozen=True, slots=True)
class _Said:
    """A segment of an envelope: its elements, and where it stands."""

    tag: str
    elements: tuple[str, ...]
    at: At

    def element(self, number: int) -> str:
        return self.elements[number - 1] if number <= len(self.elements) else ""
