"""What is answered to an interchange: TA1, and a 997 or 999 for each of its groups. Pure.

A set with a finding of severity ERROR is rejected; one with warnings alone is accepted, and the
partner does not hear of them. Acknowledgments are never acknowledged: nobody would ever stop.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from crossdock.connectivity.edi.findings import Finding, Level, Severity
from crossdock.connectivity.edi.x12.envelope import (
    Closed,
    Event,
    Group,
    Interchange,
    InterchangeAcknowledged,
    TransactionSet,
)
from crossdock.connectivity.edi.x12.writing import Value

GROUP = "FA"
"""The group of sets that are answers themselves."""
_CODES_MAX = 5
_VALUE_MAX = 99
_ELEMENT_ERRORS = "8"
_SEGMENT_ERRORS = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAnswer:
    """What is said of a set; it holds none of the file, of which there may be much."""

    set_id: str
    control: str
    implementation: str
    findings: tuple[Finding, ...]

    @property
    def is_accepted(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAnswer:
    """A group that came: what is said of each of its sets, and of itself."""

    of: Group
    sets: tuple[SetAnswer, ...]
    findings: tuple[Finding, ...]
    said: str

    @property
    def accepted(self) -> int:
        return 0 if self.findings else sum(one.is_accepted for one in self.sets)

    @property
    def status(self) -> str:
        """Accepted, rejected, or partly accepted: A, R or P (AK901)."""
        if self.findings or not self.accepted:
            return "R"
        return "A" if self.accepted == len(self.sets) else "P"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeAnswer:
    """An interchange that came: `note` is "000" where its envelope is right (TA105).

    `is_answer`: it holds nothing but answers to ours, so no TA1 is written.
    """

    of: Interchange
    findings: tuple[Finding, ...]
    is_answer: bool = False

    @property
    def note(self) -> str:
        return next((one.acknowledged_by for one in self.findings), "000")


Answer = GroupAnswer | InterchangeAnswer


@dataclass(slots=True)
class Answering:
    """What an interchange was found to be, as its parts close: nothing of it goes to another."""

    sets: list[SetAnswer] = field(default_factory=list[SetAnswer])
    is_answer: bool = False
    has_other: bool = False

    def hear(self, event: Event) -> list[Answer]:
        """Go on by an event; give what is answered to what it closes, if anything is."""
        if isinstance(event, InterchangeAcknowledged):
            self.is_answer = True
        if not isinstance(event, Closed):
            return []
        errors = tuple(one for one in event.findings if one.severity is Severity.ERROR)
        match event.of:
            case TransactionSet():
                self._set(event.of, errors)
                return []
            case Group():
                return self._group(event, event.of, errors)
            case _:
                is_answer = self.is_answer and not self.has_other
                self.sets, self.is_answer, self.has_other = [], False, False
                return [InterchangeAnswer(of=event.of, findings=errors, is_answer=is_answer)]

    def _set(self, of: TransactionSet, errors: tuple[Finding, ...]) -> None:
        """Hear of a set; one in no group refuses its interchange, and is in no answer itself."""
        if of.group is None:
            self.has_other = True
        else:
            self.sets.append(_said(of, errors))

    def _group(self, closed: Closed, of: Group, errors: tuple[Finding, ...]) -> list[Answer]:
        found, self.sets = tuple(self.sets), []
        if of.functional_id == GROUP:
            return []
        self.has_other = True
        return [GroupAnswer(of=of, sets=found, findings=errors, said=str(closed.counted))]


def answers(events: Iterable[Event]) -> Iterator[Answer]:
    """Say what is answered, as groups and interchanges close: each interchange behind its groups.

    One that holds a TA1 is an answer itself, unless there is anything else in it.
    """
    answering = Answering()
    for event in events:
        yield from answering.hear(event)


def _said(of: TransactionSet, errors: tuple[Finding, ...]) -> SetAnswer:
    return SetAnswer(
        set_id=of.set_id, control=of.control, implementation=of.implementation, findings=errors
    )


def interchange_segment(answer: InterchangeAnswer) -> list[str]:
    """Write a TA1: A for an envelope that is right, R for one that is not."""
    of = answer.of
    status = "R" if answer.findings else "A"
    return ["TA1", of.control.strip(), of.elements[8], of.elements[9], status, answer.note]


def functional_segments(answer: GroupAnswer, *, is_999: bool = False) -> Iterator[list[Value]]:
    """Write the body of a 997 or 999 for a group: from AK1 to AK9, without header and trailer."""
    of = answer.of
    version = [of.version] if is_999 or of.version >= "005" else []
    yield ["AK1", of.functional_id, of.control, *version]
    for one in answer.sets:
        implementation = [one.implementation] if is_999 and one.implementation else []
        yield ["AK2", one.set_id, one.control, *implementation]
        yield from _segments(one, is_999=is_999)
        codes = _codes(one.findings, Level.SET)
        if any(each.level in {Level.SEGMENT, Level.ELEMENT} for each in one.findings):
            codes.append(_SEGMENT_ERRORS)
        yield ["IK5" if is_999 else "AK5", "A" if one.is_accepted else "R", *codes[:_CODES_MAX]]
    counts = [answer.said, str(len(answer.sets)), str(answer.accepted)]
    yield ["AK9", answer.status, *counts, *_codes(answer.findings, Level.GROUP)[:_CODES_MAX]]


def _segments(answer: SetAnswer, *, is_999: bool) -> Iterator[list[Value]]:
    """Write what is wrong with segments: each of them once, with the faults of its elements."""
    told = [one for one in answer.findings if one.level in {Level.SEGMENT, Level.ELEMENT}]
    told.sort(key=lambda one: one.place.segment)
    for _, same in groupby(told, key=lambda one: (one.place.segment, one.place.tag)):
        yield from _segment(list(same), is_999=is_999)


def _segment(same: Sequence[Finding], *, is_999: bool) -> Iterator[list[Value]]:
    place = same[0].place
    elements = [one for one in same if one.level is Level.ELEMENT]
    of_segment = [one.acknowledged_by for one in same if one.level is Level.SEGMENT]
    for code in [*of_segment, *([_ELEMENT_ERRORS] if elements else [])]:
        loop = place.loop[:4]
        yield ["IK3" if is_999 else "AK3", place.tag[:3], str(place.segment), loop, code]
    for one in elements:
        yield ["IK4" if is_999 else "AK4", *_element(one)]


def _element(finding: Finding) -> list[Value]:
    """Tell which element is wrong, and how; of its value as much as may be told."""
    place = finding.place
    at: Value = str(place.element)
    if place.component or place.repetition:
        component = str(place.component or "")
        at = [str(place.element), component, str(place.repetition or "")]
    value = "".join(one for one in finding.value if one.isalnum() or one in " .-")
    return [at, finding.data_element, finding.acknowledged_by, value[:_VALUE_MAX]]


def _codes(findings: Iterable[Finding], level: Level) -> list[str]:
    """Name the codes of one level, each once."""
    found = [one.acknowledged_by for one in findings if one.level is level]
    return list(dict.fromkeys(one for one in found if one))
