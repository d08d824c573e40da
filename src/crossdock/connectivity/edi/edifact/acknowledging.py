"""What is answered to an interchange: a CONTRL, which says what of it is refused. Pure.

A message with a finding of severity ERROR is rejected; one with warnings alone is accepted, and
the partner does not hear of them. An interchange with an error of its own is rejected whole. A
CONTRL is never answered: nobody would ever stop.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from crossdock.connectivity.edi.edifact.delimiters import LEVELS, REPETITION_SINCE, SYNTAXES
from crossdock.connectivity.edi.edifact.envelope import (
    Closed,
    Event,
    Group,
    Interchange,
    Message,
)
from crossdock.connectivity.edi.edifact.writing import Form, Value, advice, written
from crossdock.connectivity.edi.findings import Finding, Level, Severity

CONTRL = "CONTRL"
_ACCEPTED, _REJECTED = "7", "4"
_ERRORS_MAX = 99
_VERSIONS = {True: ("4", "1"), False: ("D", "3")}
_TAG = 3
Segment = list[Value]


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that is refused, and why."""

    of: Message
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RefusedGroup:
    """A group that is refused, or that messages of are."""

    of: Group
    findings: tuple[Finding, ...]
    messages: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An interchange that came: what is wrong with itself, with groups, with other messages."""

    of: Interchange
    findings: tuple[Finding, ...]
    messages: tuple[Refused, ...]
    groups: tuple[RefusedGroup, ...]


@dataclass(slots=True)
class Answering:
    """What an interchange was found to be, as its parts close."""

    messages: list[Refused] = field(default_factory=list[Refused])
    groups: list[RefusedGroup] = field(default_factory=list[RefusedGroup])
    is_answer: bool = False
    has_other: bool = False

    def hear(self, event: Event) -> list[Answer]:
        """Go on by an event; give what is answered to an interchange that it closes."""
        if not isinstance(event, Closed):
            return []
        errors = tuple(one for one in event.findings if one.severity is Severity.ERROR)
        match event.of:
            case Message():
                self._message(event.of, errors)
                return []
            case Group():
                self._group(event.of, errors)
                return []
            case _:
                return self._interchange(event.of, errors)

    def _message(self, of: Message, errors: tuple[Finding, ...]) -> None:
        if of.type == CONTRL:
            self.is_answer = True
            return
        self.has_other = True
        if errors:
            self.messages.append(Refused(of, errors))

    def _group(self, of: Group, errors: tuple[Finding, ...]) -> None:
        mine = tuple(one for one in self.messages if one.of.group is of)
        self.messages = [one for one in self.messages if one.of.group is not of]
        if errors or mine:
            self.groups.append(RefusedGroup(of, errors, mine))

    def _interchange(self, of: Interchange, errors: tuple[Finding, ...]) -> list[Answer]:
        is_answered = self.has_other or not self.is_answer
        found = Answer(of, errors, tuple(self.messages), tuple(self.groups))
        self.messages, self.groups = [], []
        self.is_answer = self.has_other = False
        return [found] if is_answered else []


def answers(events: Iterable[Event]) -> Iterator[Answer]:
    """Say what is answered, as interchanges close."""
    answering = Answering()
    for event in events:
        yield from answering.hear(event)


def answered(events: Iterable[Event], *, first: int, at: datetime) -> Iterator[str]:
    """Write an interchange with a CONTRL for each that came, numbered from `first` on.

    It goes back to who sent it, in the delimiters and the syntax that it came in; what came and
    cannot be written in them is left out.
    """
    for number, answer in enumerate(answers(events), first):
        yield interchange_answered(answer, str(number), at)


def interchange_answered(answer: Answer, number: str, at: datetime) -> str:
    """Write the interchange that answers one."""
    of, head = answer.of, answer.of.header
    form = Form(
        delimiters=head.delimiters,
        line_end="" if any(one in head.delimiters.all for one in "\r\n") else "\n",
        has_advice=head.has_advice,
        leaves_out=True,
    )
    is_late = head.syntax >= REPETITION_SINCE
    syntax = [
        head.level if head.level in LEVELS else "UNOA",
        head.syntax if head.syntax in SYNTAXES else "3",
    ]
    dated = [f"{at:%Y%m%d}" if is_late else f"{at:%y%m%d}", f"{at:%H%M}"]
    test: list[Value] = ["", "", "", "", "", "1"] if of.is_test else []
    body = list(_body(answer))
    segments: list[Segment] = [
        ["UNB", syntax, of.recipient, of.sender, dated, number, *test],
        ["UNH", "1", [CONTRL, *_VERSIONS[is_late], "UN"]],
        *body,
        ["UNT", str(len(body) + 2), "1"],
        ["UNZ", "1", number],
    ]
    return advice(form) + written(segments, form)


def _body(answer: Answer) -> Iterator[Segment]:
    of = answer.of
    yield ["UCI", of.reference, of.sender, of.recipient, *_status(answer.findings)]
    if answer.findings:
        return
    for message in answer.messages:
        yield from _message(message)
    for group in answer.groups:
        sides = [list(one) for one in group.of.elements[1:3]]
        yield ["UCF", group.of.reference, *sides, *_status(group.findings)]
        for message in () if group.findings else group.messages:
            yield from _message(message)


def _message(refused: Refused) -> Iterator[Segment]:
    of, findings = refused.of, refused.findings
    own = [one for one in findings if one.level is Level.SET]
    kind = list(of.elements[1]) if len(of.elements) > 1 else []
    yield ["UCM", of.reference, kind, *_status(own, is_refused=True)]
    told = [one for one in findings if one.level in {Level.SEGMENT, Level.ELEMENT}]
    told.sort(key=lambda one: one.place.segment)
    for position, same in groupby(told, key=lambda one: one.place.segment):
        yield from _segment(position, list(same))


def _segment(position: int, same: Sequence[Finding]) -> Iterator[Segment]:
    """Tell what is wrong with a segment: once of itself, and then of its elements."""
    own = [one for one in same if one.level is Level.SEGMENT]
    elements = [one for one in same if one.level is Level.ELEMENT]
    for one in own[:-1]:
        yield ["UCS", str(position), one.acknowledged_by]
    yield ["UCS", str(position), own[-1].acknowledged_by if own else ""]
    for one in elements[:_ERRORS_MAX]:
        yield ["UCD", one.acknowledged_by, _place(one)]


def _status(findings: Sequence[Finding], *, is_refused: bool = False) -> Segment:
    """Say whether a level is taken, and of its first fault the code, the segment and the place."""
    if not findings:
        return [_REJECTED if is_refused else _ACCEPTED]
    first = findings[0]
    tag = first.place.tag if len(first.place.tag) == _TAG else ""
    if tag not in {"UNB", "UNZ", "UNG", "UNE", "UNH", "UNT"}:
        return [_REJECTED, first.acknowledged_by]
    at = _place(first) if first.place.element else ""
    return [_REJECTED, first.acknowledged_by, tag, at]


def _place(finding: Finding) -> Value:
    """Name an element as CONTRL does: the tag of its segment is 1, and the first element 2."""
    place = finding.place
    return [str(place.element + 1), str(place.component or "")]
