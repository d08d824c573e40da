"""An EDIFACT file checked whole while it streams by: structure, elements, codes, counts. Pure.

Each message is checked against the definitions of its version. What is found of it is told when it
closes, behind what its envelope did wrong; of one message at most so many findings are kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from crossdock.connectivity.edi.checks import Fault
from crossdock.connectivity.edi.edifact.delimiters import Delimiters, outsiders, plain
from crossdock.connectivity.edi.edifact.elements import CODES, check_of
from crossdock.connectivity.edi.edifact.envelope import (
    Closed,
    Event,
    Group,
    Interchange,
    Message,
    Segments,
)
from crossdock.connectivity.edi.edifact.watching import watches
from crossdock.connectivity.edi.findings import Finding, Level, Severity
from crossdock.connectivity.edi.walking import Kinds, Knows, Terms, Walk

TERMS = Terms(
    header="UNH",
    set="message",
    loop="segment group",
    segments={
        "UNKNOWN": (
            *("SEGMENT-UNKNOWN", "18"),
            "what {tag} is; if it is one of their own, to leave it out",
        ),
        "FOREIGN": ("SEGMENT-FOREIGN", "15", "to leave {tag} out of {name}"),
        "MISSING": ("SEGMENT-MISSING", "13", "to send it again with {tag}"),
        "REPEATED": ("SEGMENT-REPEATED", "35", "to send {tag} less often"),
        "MISPLACED": ("SEGMENT-MISPLACED", "15", "to send {tag} in its place"),
        "TURNED": ("GROUP-REPEATED", "36", "to send less of the group, or more than one message"),
    },
    elements=CODES,
    has_numbers=True,
)
_SHOWN = 60
_LEVELS = {Interchange: Level.INTERCHANGE, Group: Level.GROUP, Message: Level.SET}


def validated(events: Iterable[Event], knows: Knows) -> Iterator[Event]:
    """Hand on events, with what was found of each envelope and message added where it closes.

    `knows` answers the definitions of a version, D:96A; those of "" are of envelopes.
    """
    kinds = Kinds(knows, check_of)
    checking: _Checking | None = None
    for event in events:
        if isinstance(event, Segments) and checking is not None:
            checking.take(event)
        elif isinstance(event, Message):
            checking = _begun(event, kinds)
        elif isinstance(event, Closed):
            found = _headed(event.of, kinds)
            if isinstance(event.of, Message):
                found += checking.ended(event) if checking else [_unknown(event.of, knows)]
                checking = None
            event = replace(event, findings=(*event.findings, *found))  # noqa: PLW2901  # the same event, with more told
        yield event


def _begun(of: Message, kinds: Kinds[Delimiters]) -> "_Checking | None":
    delimiters = of.interchange.header.delimiters
    kind = kinds.of(of.version, of.type, delimiters)
    if kind is None:
        return None
    return _Checking(of, Walk(kind, TERMS, watches(kind.counts, delimiters)))


def _headed(of: Interchange | Group | Message, kinds: Kinds[Delimiters]) -> list[Finding]:
    """Check the segment that opens an envelope, by the tables of service segments."""
    page, segment, level = of.at.page, of.at.page.segments[of.at.index], _LEVELS[type(of)]
    checks = kinds.checks_of("", page.delimiters)
    check = checks.of(segment[:3]) if checks else None
    if check is None or segment in check.passed or not (faults := check.look(segment)):
        return []
    place = of.at.place(1 if level is Level.SET else 0)
    return [TERMS.of_element(one, place, level) for one in faults]


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


@dataclass(slots=True)
class _Checking:
    """One message on its way, and the characters that its interchange's set does not have."""

    of: Message
    walk: Walk[Delimiters]
    is_told: bool = False

    def take(self, event: Segments) -> None:
        """Go on by some segments."""
        page = event.page
        self.walk.take(page, event.start, event.stop, event.position)
        if page.is_clean or self.is_told:
            return
        for index, segment in enumerate(event.segments, event.start):
            fault = self._character(segment, page.delimiters)
            if fault is not None:
                place = page.place_of(index, event.position + index - event.start)
                self.walk.found.add(TERMS.of_element(fault, place))
                self.is_told = True
                return

    def _character(self, segment: str, delimiters: Delimiters) -> Fault | None:
        """Tell of a character that the interchange's set does not have: once of a message."""
        level = self.of.interchange.header.level
        outside = outsiders(level, delimiters)
        for number, part in enumerate(segment.split(delimiters.element)):
            found = outside.search(part)
            if found:
                shown, value = plain(found[0], delimiters), plain(part, delimiters)
                says = f"{shown!r} is no character of {level[:_SHOWN]}; there may be more"
                return Fault(
                    code="CHARACTER", says=says, element=number, value=value, is_warning=True
                )
        return None

    def ended(self, closed: Closed) -> tuple[Finding, ...]:
        return self.walk.ended(partial(self.of.at.place, 1), closed.counted)
