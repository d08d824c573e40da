"""A set or a message as people read it: what stands where, and what is wrong with it. Pure.

Each segment is a line: its tag, what it is called, and its elements with their names. Beneath one
that is faulty it is shown as it is written, with a caret under each fault and what to ask for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from crossdock.connectivity.edi.definitions import Definitions, ElementUse
from crossdock.connectivity.edi.documents import (
    Document,
    Part,
    Segment,
    Turn,
    Value,
    is_composite,
)
from crossdock.connectivity.edi.findings import Finding, Level
from crossdock.connectivity.edi.naming import Names

VALUE_MAX = 60
"""Of a long value so much is shown."""
_INDENT = "  "
_PARTIES: Mapping[str, tuple[int, int]] = {"ISA": (6, 8), "UNB": (2, 3)}
"""Where a header says who sends it to whom."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the explanation; `finding` is the one that it tells of."""

    text: str
    finding: Finding | None = None


def explained(
    document: Document,
    findings: Sequence[Finding],
    known: Definitions | None,
    names: Names,
    written: Callable[[Segment], str],
) -> Iterator[Line]:
    """Explain a document, with what was found of it at the segments that it was found at.

    `written` writes a segment in the delimiters of the document.
    """
    yield Line(_headline(document, known))
    by_segment: dict[int, list[Finding]] = {}
    aside: list[Finding] = []
    for one in findings:
        if one.level in {Level.SEGMENT, Level.ELEMENT} and one.place.segment > 1:
            by_segment.setdefault(one.place.segment, []).append(one)
        else:
            aside.append(one)
    position = 1
    for position, (segment, depth) in enumerate(_laid_out(document.parts, 0), 2):
        own = by_segment.pop(position, [])
        yield Line(f"{position:>5}  {_INDENT * depth}{_told(segment, known, names)}")
        yield from _faults(segment, own, written)
    for one in (*(found for own in by_segment.values() for found in own), *aside):
        yield Line(f"       {one.says}", one)
        yield from _asked(one, 7)


def _headline(document: Document, known: Definitions | None) -> str:
    definition = known.sets.get(document.kind) if known else None
    called = f" {definition.name}" if definition and definition.name != document.kind else ""
    number = f", number {document.number}" if document.number else ""
    version = f", version {document.version}" if document.version else ""
    cut = "" if document.is_complete else ", cut off before its end"
    return f"{document.kind}{called}{number}{version}{_parties(document)}{cut}"


def _parties(document: Document) -> str:
    for header in document.envelope:
        places = _PARTIES.get(str(header[0]))
        if places and len(header) > max(places):
            sender, receiver = (_first(header[at]) for at in places)
            return f", from {sender} to {receiver}"
    return ""


def _first(value: Value) -> str:
    return value if isinstance(value, str) else str(value[0])


def _laid_out(parts: Sequence[Part], depth: int) -> Iterator[tuple[Segment, int]]:
    for one in parts:
        if isinstance(one, Turn):
            yield from _laid_out(one.parts, depth + 1)
        else:
            yield one, depth


def _told(segment: Segment, known: Definitions | None, names: Names) -> str:
    tag = str(segment[0])
    called = names.segments.get(tag, "")
    definition = known.segments.get(tag) if known else None
    uses = definition.uses if definition else ()
    told: list[str] = []
    for at, value in enumerate(segment[1:]):
        use = uses[at] if at < len(uses) else None
        told += _element(value, use, known, names)
    return f"{tag:<3} {called}{': ' if called and told else ''}{', '.join(told)}".rstrip()


def _element(
    value: Value, use: ElementUse | None, known: Definitions | None, names: Names
) -> list[str]:
    """Name an element with its value; a composite as its components."""
    if not value:
        return []
    number = use.number if use else ""
    inner = _components(number, known)
    if isinstance(value, str):
        return [_named(value, inner[0] if inner else number, known, names)]
    if not is_composite(value):
        return [told for one in value for told in _element(one, use, known, names)]
    numbered = zip_longest(value, inner[: len(value)], fillvalue="")
    return [_named(one, of, known, names) for one, of in numbered if one]


def _components(number: str, known: Definitions | None) -> Sequence[str]:
    composite = known.composites.get(number) if known else None
    return [one.number for one in composite.uses] if composite else ()


def _named(value: str, number: str, known: Definitions | None, names: Names) -> str:
    element = known.elements.get(number) if known else None
    shown = value if len(value) <= VALUE_MAX else f"{value[:VALUE_MAX]}…"
    meaning = names.code(number, value)
    told = f"{shown} ({meaning})" if meaning else shown
    return f"{element.name} {told}" if element and element.name else told


def _faults(
    segment: Segment, findings: Sequence[Finding], written: Callable[[Segment], str]
) -> Iterator[Line]:
    if not findings:
        return
    yield Line(f"       | {_printable(written(segment))}")
    for one in findings:
        begin, length = _span(segment, one, written)
        yield Line(f"       | {' ' * begin}{'^' * max(length, 1)} {one.says}", one)
        yield from _asked(one, 9 + begin)


def _asked(finding: Finding, indent: int) -> Iterator[Line]:
    if finding.asks:
        yield Line(f"{' ' * indent}ask {finding.asks}", finding)


def _span(
    segment: Segment, finding: Finding, written: Callable[[Segment], str]
) -> tuple[int, int]:
    """Say where in a segment as it is written a fault is, and how long that part is."""
    element, component = finding.place.element, finding.place.component
    if not element:
        return 0, len(str(segment[0]))
    if len(segment) <= element:
        return len(written(segment)) + element - len(segment) + 1, 1
    value = segment[element]
    if component and is_composite(value) and component <= len(value):
        begins: Segment = (*segment[:element], (*value[: component - 1], "x"))
        ends: Segment = (*segment[:element], value[:component])
    else:
        begins, ends = (*segment[:element], "x"), segment[: element + 1]
    before = len(written(begins)) - 1
    return before, len(written(ends)) - before


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "·" for one in text)
