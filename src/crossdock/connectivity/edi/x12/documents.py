"""X12 sets as documents, and documents as X12 files. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.documents import (
    Document,
    Ordinals,
    Segment,
    each_text,
    encoded,
    first_text,
    growing,
    parted,
    refuse_incomplete,
    segments_of,
    trimmed,
)
from crossdock.connectivity.edi.findings import Finding
from crossdock.connectivity.edi.walking import Knows
from crossdock.connectivity.edi.x12.delimiters import ELEMENTS, Delimiters
from crossdock.connectivity.edi.x12.envelope import (
    Closed,
    Event,
    Segments,
    TransactionSet,
)
from crossdock.connectivity.edi.x12.writing import STANDARD as STARS
from crossdock.connectivity.edi.x12.writing import Form, header_of, written

STANDARD = "X12"
_REPETITION_AT, _COMPONENT_AT = 10, 15
_NO_REPETITION = "U"
_PARTING = ("element", "component", "segment", "repetition")


def documents(
    events: Iterable[Event], knows: Knows
) -> Iterator[tuple[Document, tuple[Finding, ...]]]:
    """Give each set as a document as it closes, with what was found of it.

    `knows` answers the definitions of a version, by GS08. A set is held whole until it closes.
    """
    at, raw = Ordinals(), list[Segment]()
    for event in events:
        match event:
            case TransactionSet():
                at.hear(event.interchange, event.group)
                raw = []
            case Segments():
                raw += [parted(one, event.page.delimiters) for one in event.segments]
            case Closed(of=TransactionSet()):
                yield _document(event, raw, at, knows), event.findings
            case _:
                pass


def _document(closed: Closed, raw: Sequence[Segment], at: Ordinals, knows: Knows) -> Document:
    of = closed.of
    assert isinstance(of, TransactionSet)  # noqa: S101  # as its only caller has matched
    delimiters, version = of.interchange.delimiters, of.group.version if of.group else ""
    parting = ("", delimiters.element, delimiters.component, delimiters.segment)
    envelope: list[Segment] = [(*parting, delimiters.repetition)]
    envelope.append(("ISA", *of.interchange.elements))
    if of.group is not None:
        envelope.append(trimmed(("GS", *of.group.elements)))
    envelope.append(parted(of.segment, delimiters))
    [parting_read, isa, *segments], encoding = _read((*envelope, *raw))
    headers = len(envelope) - 2
    known = knows(version)
    grown = growing(known.sets.get(of.set_id) if known else None)
    for one in segments[headers:]:
        grown.add(one)
    return Document(
        standard=STANDARD,
        kind=of.set_id,
        version=version,
        number=of.control,
        delimiters=dict(zip(_PARTING, map(str, parting_read[1:]), strict=True)),
        envelope=(each_text(isa, str.rstrip), *segments[:headers]),
        parts=grown.parts,
        encoding=encoding,
        interchange=at.interchange,
        group=at.group,
        is_complete=closed.is_complete,
    )


def _read(segments: Sequence[Segment]) -> tuple[tuple[Segment, ...], str]:
    """Read bytes that came as latin-1 as UTF-8, if all that is not ASCII can be it."""
    try:
        return tuple(each_text(one, _as_utf8) for one in segments), "utf-8"
    except UnicodeDecodeError:
        return tuple(segments), "latin-1"


def _as_utf8(text: str) -> str:
    return text if text.isascii() else text.encode("latin-1").decode("utf-8")


def composed(
    documents: Iterable[Document],
    *,
    delimiters: Delimiters | None = None,
    form: Form | None = None,
) -> Iterator[bytes]:
    """Write documents as a file: those of one interchange and one group stand together.

    Counts and trailers are made anew; numbers, dates and parties are those of the headers. Each is
    written in the delimiters that it names, or in those given. Raises `Invalid` for what cannot
    be written.
    """
    writing = _Writing(form or Form(), delimiters)
    for document in documents:
        refuse_incomplete(document)
        yield writing.add(document)
    yield writing.end()


@dataclass(slots=True)
class _Writing:
    """What of a file is open: the header of the interchange and of the group, and their counts."""

    form: Form
    delimiters: Delimiters | None
    isa: Segment = ()
    gs: Segment = ()
    at: tuple[int, int] = (0, 0)
    groups: int = 0
    sets: int = 0
    last: Document | None = None

    def add(self, document: Document) -> bytes:
        text = ""
        isa, gs = document.header("ISA"), _group(document)
        if self.isa and (isa != self.isa or document.interchange != self.at[0]):
            text += self._end_interchange()
        elif self.gs and (gs != self.gs or document.group != self.at[1]):
            text += self._end_group()
        if not self.isa:
            text += self._begin_interchange(document, isa)
        if gs and not self.gs:
            text += written([gs], self.form)
            self.gs, self.groups = gs, self.groups + 1
        self.at, self.last = (document.interchange, document.group), document
        self.sets += bool(gs)
        body = list(segments_of(document.parts))
        header = document.header("ST")
        trailer = ("SE", str(len(body) + 2), first_text(header, 2))
        return encoded(text + written([header, *body, trailer], self.form), document)

    def end(self) -> bytes:
        return encoded(self._end_interchange(), self.last) if self.last else b""

    def _begin_interchange(self, document: Document, isa: Segment) -> str:
        own = self.delimiters or delimiters_of(document)
        self.form = replace(self.form, delimiters=own)
        elements = [str(one) for one in isa[1:]]
        if len(elements) > ELEMENTS or len(elements) < ELEMENTS - 1:
            raise Invalid(f"ISA has {len(elements)} elements, and not 16", where="/envelope")
        elements = [*elements[:_COMPONENT_AT], own.component]
        said = elements[_REPETITION_AT]
        is_letter = said.isascii() and said.isalnum()
        elements[_REPETITION_AT] = own.repetition or (said if is_letter else _NO_REPETITION)
        self.isa = isa
        return header_of(elements, self.form)

    def _end_group(self) -> str:
        text = (
            written([("GE", str(self.sets), first_text(self.gs, 6))], self.form) if self.gs else ""
        )
        self.gs, self.sets = (), 0
        return text

    def _end_interchange(self) -> str:
        text = self._end_group()
        text += written([("IEA", str(self.groups), first_text(self.isa, 13))], self.form)
        self.isa, self.groups = (), 0
        return text


def _group(document: Document) -> Segment:
    """Give the header of a document's group; one that stands in none has none."""
    return next((one for one in document.envelope if one[0] == "GS"), ())


def delimiters_of(document: Document) -> Delimiters:
    """Give the delimiters that a document names. Raises `Invalid` for what parts nothing."""
    said = document.delimiters
    return _checked(
        said.get("element", STARS.element),
        said.get("component", STARS.component),
        said.get("segment", STARS.segment),
        said.get("repetition", ""),
    )


def delimiters_said(said: str) -> Delimiters:
    """Read delimiters as one text: element, component, segment, repetition where there is one."""
    if len(said) not in {3, 4}:
        raise Invalid(
            f"{said!r} are not the three or four delimiters of X12",
            where="delimiters",
            hint="say those of elements, components, segments and repetitions: *>~^",
        )
    return _checked(said[0], said[1], said[2], said[3:])


def _checked(element: str, component: str, segment: str, repetition: str) -> Delimiters:
    each = (element, component, segment, *repetition)
    bad = [one for one in each if len(one) != 1 or (one.isascii() and one.isalnum()) or one == " "]
    if bad or len(set(each)) < len(each):
        raise Invalid(
            f"{''.join(each)!r} cannot part elements, components and segments",
            where="/delimiters",
            hint="say different characters for each that are no letters, digits or blanks",
        )
    return Delimiters(element=element, component=component, segment=segment, repetition=repetition)
