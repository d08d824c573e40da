"""Sets and messages as documents: segments in the loops that they stand in. Pure.

X12 and EDIFACT make the same of it, and it is written as JSON, one line for each document:

    {"standard": "X12", "kind": "850", "version": "004010", "number": "0001",
     "interchange": 1, "group": 1, "encoding": "utf-8",
     "delimiters": {"element": "*", "component": ">", "segment": "~"},
     "envelope": [["ISA", ...], ["GS", ...], ["ST", "850", "0001"]],
     "segments": [["BEG", "00", "SA", "4711", "", "20261128"],
                  {"loop": "PO1", "segments": [["PO1", "1", "12", "EA"]]}]}

A segment is its tag and its elements. An element is a text, a composite a list of texts, one that
is repeated a list of such lists. What is empty at the end of a segment is left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.definitions import SetDefinition
from crossdock.connectivity.edi.structure import Loop, Node, Structure, structure_of

Value = str | tuple[str, ...] | tuple[tuple[str, ...], ...]
"""An element, the components of a composite, or those of each of its repetitions."""
Segment = tuple[Value, ...]
"""A tag, and the elements behind it."""
BINARY: Mapping[str, int] = {"BIN": 2, "BDS": 3}
"""Segments of X12 that hold bytes as they are, and which of their elements does."""
DEPTH_MAX = 50
"""No set has loops in loops deeper than this."""


class Parting(Protocol):
    """What parts a segment; `repetition` is "" where nothing does."""

    @property
    def element(self) -> str: ...
    @property
    def component(self) -> str: ...
    @property
    def repetition(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """A loop, once: its segments and the loops in it, in their order."""

    loop: str
    parts: "list[Segment | Turn]" = field(default_factory=list["Segment | Turn"])


Part = Segment | Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A set or a message, with the headers that it stands under.

    `interchange` and `group` count in the file it came in, from 1 on; 0 is what nobody said.
    `envelope` are the headers, outermost first. `is_complete` is false where its end is missing.
    """

    standard: str
    kind: str
    version: str
    number: str
    delimiters: Mapping[str, str]
    envelope: tuple[Segment, ...]
    parts: Sequence[Part]
    encoding: str = "utf-8"
    interchange: int = 0
    group: int = 0
    is_complete: bool = True

    def header(self, tag: str) -> Segment:
        """Give a header by its tag; Raises `Invalid` where it is missing."""
        for one in self.envelope:
            if one[0] == tag:
                return one
        raise Invalid(
            f"{self.kind} {self.number} has no {tag}",
            where="/envelope",
            hint="take the envelope of a document that was read, and change what differs",
        )


@dataclass(slots=True)
class Ordinals:
    """Which interchange of a file, and which group of it, a set stands in; 0 is in none."""

    interchange: int = 0
    group: int = 0
    last: tuple[object, object] = (None, None)

    def hear(self, interchange: object, group: object) -> None:
        """Hear of the next set: what opened around it is the same object for all in it."""
        if interchange is not self.last[0]:
            self.interchange, self.group = self.interchange + 1, int(group is not None)
        elif group is not self.last[1]:
            self.group += 1
        self.last = interchange, group


def segments_of(parts: Sequence[Part]) -> Iterator[Segment]:
    """Give all segments, those of loops where they stand."""
    for one in parts:
        if isinstance(one, Turn):
            yield from segments_of(one.parts)
        else:
            yield one


@dataclass(slots=True)
class Growing:
    """A document as its segments come: each is put into the loop that it belongs to.

    Without a definition all stand beside each other; what has no way stays in the loop before it.
    """

    structure: Structure | None
    parts: list[Part] = field(default_factory=list[Part])
    node: Node | None = None
    open: list[tuple[Loop, list[Part]]] = field(default_factory=list[tuple[Loop, list[Part]]])

    def __post_init__(self) -> None:
        if self.structure is not None:
            self.node = self.structure.start
            self.open.append((self.structure.root, self.parts))

    def add(self, segment: Segment) -> None:
        """Put a segment behind those before it."""
        step = None
        if self.structure is not None and self.node is not None:
            step = self.structure.step(self.node, str(segment[0]))
        if step is None:
            (self.open[-1][1] if self.open else self.parts).append(segment)
            return
        self.node = step.to
        begun = step.turns or step.enters
        around = begun.around if begun is not None else step.to.loop
        while self.open[-1][0] is not around:
            self.open.pop()
        if begun is not None:
            turn = Turn(begun.name)
            self.open[-1][1].append(turn)
            self.open.append((begun, turn.parts))
        self.open[-1][1].append(segment)


def growing(definition: SetDefinition | None) -> Growing:
    """Begin a document of a set, or of one that no table defines."""
    return Growing(structure_of(definition) if definition else None)


def is_composite(value: Value) -> TypeGuard[tuple[str, ...]]:
    """Say whether a value is a composite, that is not repeated."""
    return not isinstance(value, str) and all(isinstance(one, str) for one in value)


def parted(segment: str, by: Parting) -> Segment:
    """Part a segment into its tag and elements; what is empty at its end is left out."""
    tag = segment.partition(by.element)[0]
    raw = BINARY.get(tag, 0)
    pieces = segment.split(by.element, raw) if raw else segment.split(by.element)
    values = (
        piece if not at or at == raw else _value(piece, by) for at, piece in enumerate(pieces)
    )
    return trimmed(tuple(values))


def trimmed(segment: Segment) -> Segment:
    """Leave out what is empty at the end of a segment."""
    end = len(segment)
    while end > 1 and not segment[end - 1]:
        end -= 1
    return segment[:end]


def first_text(segment: Segment, number: int) -> str:
    """Give an element, of what is parted further the first text; "" for none."""
    value: Any = segment[number] if number < len(segment) else ""
    while not isinstance(value, str):
        value = value[0] if value else ""
    return value


def _value(piece: str, by: Parting) -> Value:
    if by.repetition and by.repetition in piece:
        return tuple(_components(one, by) for one in piece.split(by.repetition))
    if by.component and by.component in piece:
        first, *more = _components(piece, by)
        return (first, *more) if more else first
    return piece


def _components(piece: str, by: Parting) -> tuple[str, ...]:
    parts = piece.split(by.component) if by.component else [piece]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return tuple(parts)


def each_text(segment: Segment, read: Callable[[str], str]) -> Segment:
    """Put every text of a segment through a function."""
    return tuple(_through(value, read) for value in segment)


def _through(value: Value, read: Callable[[str], str]) -> Value:
    if isinstance(value, str):
        return read(value)
    if is_composite(value):
        return tuple(map(read, value))
    return tuple(() if isinstance(one, str) else tuple(map(read, one)) for one in value)


def encoded(text: str, document: Document) -> bytes:
    """Give a written document as bytes. Raises `Invalid` for what its encoding does not have."""
    try:
        return text.encode(document.encoding)
    except (UnicodeEncodeError, LookupError):
        raise Invalid(
            f"{document.kind} {document.number} cannot be written in {document.encoding!r}",
            where="/encoding",
            hint="say utf-8, if the partner reads it, or leave the characters out",
        ) from None


def refuse_incomplete(document: Document) -> None:
    """Refuse what was cut off: written with an end, it would look whole."""
    if not document.is_complete:
        raise Invalid(
            f"{document.kind} {document.number} was cut off before its end",
            where="/is_complete",
            hint="ask for it again; or say true, if all that matters is there",
        )


def as_json(document: Document) -> dict[str, Any]:
    """Give a document as JSON has it."""
    return {
        "standard": document.standard,
        "kind": document.kind,
        "version": document.version,
        "number": document.number,
        "interchange": document.interchange,
        "group": document.group,
        "encoding": document.encoding,
        "is_complete": document.is_complete,
        "delimiters": dict(document.delimiters),
        "envelope": list(document.envelope),
        "segments": _parts_as_json(document.parts),
    }


def _parts_as_json(parts: Sequence[Part]) -> list[Any]:
    return [
        {"loop": one.loop, "segments": _parts_as_json(one.parts)}
        if isinstance(one, Turn)
        else list(one)
        for one in parts
    ]


def from_json(said: Mapping[str, Any]) -> Document:
    """Take a document as JSON has it. Raises `Invalid`, saying where."""
    delimiters = said.get("delimiters", {})
    if not isinstance(delimiters, dict) or not all(
        isinstance(one, str) for one in delimiters.values()
    ):
        raise Invalid("delimiters are an object of texts", where="/delimiters")
    envelope = said.get("envelope", [])
    if not _is_list(envelope):
        raise Invalid("the envelope is a list of segments", where="/envelope")
    return Document(
        standard=_text(said, "standard"),
        kind=_text(said, "kind"),
        version=_text(said, "version", ""),
        number=_text(said, "number", ""),
        delimiters=delimiters,
        envelope=tuple(_segment(one, f"/envelope/{at}") for at, one in enumerate(envelope)),
        parts=_parts(said.get("segments"), "/segments", 0),
        encoding=_text(said, "encoding", "utf-8"),
        interchange=_number(said, "interchange"),
        group=_number(said, "group"),
        is_complete=said.get("is_complete") is not False,
    )


def _text(said: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = said.get(name, default)
    if not isinstance(value, str):
        raise Invalid(f"{name} is missing, or no text", where=f"/{name}")
    return value


def _number(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid(f"{name} is a whole number, from 1 on", where=f"/{name}")
    return value


def _parts(said: object, where: str, depth: int) -> list[Part]:
    if not _is_list(said):
        raise Invalid("segments are a list of segments and loops", where=where)
    if depth > DEPTH_MAX:
        raise Invalid(f"loops stand in loops deeper than {DEPTH_MAX}", where=where)
    found: list[Part] = []
    for at, one in enumerate(said):
        here = f"{where}/{at}"
        if isinstance(one, dict):
            loop = one.get("loop")
            if not isinstance(loop, str):
                raise Invalid('a loop is {"loop": "PO1", "segments": [...]}', where=here)
            inner = _parts(one.get("segments"), f"{here}/segments", depth + 1)
            found.append(Turn(loop, inner))
        else:
            found.append(_segment(one, here))
    return found


def _segment(said: object, where: str) -> Segment:
    if not _is_list(said) or not said or not isinstance(said[0], str) or not said[0]:
        raise Invalid('a segment is its tag and elements: ["BEG", "00", "SA"]', where=where)
    return tuple(_element(one, f"{where}/{at}") for at, one in enumerate(said))


def _element(said: object, where: str) -> Value:
    if isinstance(said, str):
        return said
    if _is_list(said) and all(isinstance(one, str) for one in said):
        return tuple(said)
    if _is_list(said) and all(_is_texts(one) for one in said):
        return tuple(tuple(one) for one in said)
    raise Invalid(
        "an element is a text, a composite a list of texts, a repeated one a list of such lists",
        where=where,
        hint='write numbers as texts, too: "12"',
    )


def _is_list(said: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(said, list | tuple)


def _is_texts(said: object) -> bool:
    return _is_list(said) and all(isinstance(one, str) for one in said)
