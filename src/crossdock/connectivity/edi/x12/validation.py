"""An X12 file checked whole while it streams by: structure, elements, codes, counts, trees. Pure.

Each set is checked against the definitions of its group's version. What is found of it is told
when it closes, behind what its envelope did wrong; of one set at most so many findings are kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from crossdock.connectivity.edi.findings import Finding, Level, Severity
from crossdock.connectivity.edi.walking import Kinds, Knows, Terms, Walk
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.elements import check_of
from crossdock.connectivity.edi.x12.envelope import Closed, Event, Segments, TransactionSet
from crossdock.connectivity.edi.x12.watching import watches

TERMS = Terms(
    header="ST",
    set="set",
    loop="loop",
    segments={
        "UNKNOWN": ("SEGMENT-1", "1", "what {tag} is; if it is one of their own, to leave it out"),
        "MISSING": ("SEGMENT-3", "3", "to send it again with {tag}"),
        "TURNED": ("SEGMENT-4", "4", "to send less of the loop, or more than one set"),
        "REPEATED": ("SEGMENT-5", "5", "to send {tag} less often"),
        "FOREIGN": ("SEGMENT-6", "6", "to leave {tag} out of {name}"),
        "MISPLACED": ("SEGMENT-7", "7", "to send {tag} in its place"),
    },
)
_SHOWN = 60


def validated(events: Iterable[Event], knows: Knows) -> Iterator[Event]:
    """Hand on events, with what was found of each set added where it closes.

    `knows` answers the definitions of a version, by GS08.
    """
    kinds = Kinds(knows, check_of)
    walk: Walk[Delimiters] | None = None
    for event in events:
        if isinstance(event, Segments) and walk is not None:
            walk.take(event.page, event.start, event.stop, event.position)
        elif isinstance(event, TransactionSet):
            walk = _begun(event, kinds)
        elif isinstance(event, Closed) and isinstance(event.of, TransactionSet):
            found = _ended(walk, event) if walk else (_unknown(event.of, knows),)
            event = replace(event, findings=(*event.findings, *found))  # noqa: PLW2901  # the same event, with more told
            walk = None
        yield event


def _begun(of: TransactionSet, kinds: Kinds[Delimiters]) -> Walk[Delimiters] | None:
    version = of.group.version if of.group else ""
    kind = kinds.of(version, of.set_id, of.interchange.delimiters)
    return (
        Walk(kind, TERMS, watches(kind.counts, kind.checks.delimiters.element)) if kind else None
    )


def _ended(walk: Walk[Delimiters], closed: Closed) -> tuple[Finding, ...]:
    return walk.ended(partial(closed.of.at.place, 1), closed.counted)


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
