"""EDIFACT messages as documents, and documents as EDIFACT files. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.documents import (
    Document,
    Ordinals,
    Segment,
    Value,
    each_text,
    encoded,
    first_text,
    growing,
    parted,
    refuse_incomplete,
    segments_of,
    trimmed,
)
from crossdock.connectivity.edi.edifact.delimiters import (
    ADVICE,
    ASCII_LEVELS,
    Delimiters,
    Header,
    plain,
)
from crossdock.connectivity.edi.edifact.envelope import (
    Closed,
    Event,
    Message,
    Segments,
)
from crossdock.connectivity.edi.edifact.writing import Form, advice, written
from crossdock.connectivity.edi.findings import Finding
from crossdock.connectivity.edi.walking import Knows

STANDARD = "EDIFACT"


def documents(
    events: Iterable[Event], knows: Knows
) -> Iterator[tuple[Document, tuple[Finding, ...]]]:
    """Give each message as a document as it closes, with what was found of it.

    `knows` answers the definitions of a version, D:96A. A message is held whole until it closes.
    """
    at, raw = Ordinals(), list[Segment]()
    for event in events:
        match event:
            case Message():
                at.hear(event.interchange, event.group)
                raw = []
            case Segments():
                own = event.page.delimiters
                raw += [_plain(parted(one, own), own) for one in event.segments]
            case Closed(of=Message()):
                yield _document(event, raw, at, knows), event.findings
            case _:
                pass


def _plain(segment: Segment, delimiters: Delimiters) -> Segment:
    return each_text(segment, lambda text: plain(text, delimiters))


def _document(closed: Closed, raw: Sequence[Segment], at: Ordinals, knows: Knows) -> Document:
    of = closed.of
    assert isinstance(of, Message)  # noqa: S101  # as its only caller has matched
    head = of.interchange.header
    known = knows(of.version)
    grown = growing(known.sets.get(of.type) if known else None)
    for one in raw:
        grown.add(one)
    return Document(
        standard=STANDARD,
        kind=of.type,
        version=of.version,
        number=of.reference,
        delimiters={
            "component": head.delimiters.component,
            "element": head.delimiters.element,
            "decimal": head.delimiters.decimal,
            "release": head.delimiters.release,
            "repetition": head.delimiters.repetition,
            "segment": head.delimiters.segment,
        },
        envelope=tuple(_envelope(of)),
        parts=grown.parts,
        encoding=_encoding(head),
        interchange=at.interchange,
        group=at.group,
        is_complete=closed.is_complete,
    )


def _encoding(head: Header) -> str:
    """Tell how what is not ASCII is written: in a set of ASCII alone it came as UTF-8."""
    if head.codec == "latin-1" and head.level in ASCII_LEVELS:
        return "utf-8"
    return head.codec


def _envelope(of: Message) -> Iterator[Segment]:
    head = of.interchange.header
    if head.has_advice:
        form = Form(delimiters=head.delimiters)
        yield ("UNA", advice(form)[3:])
    yield trimmed(("UNB", *map(_value, head.elements)))
    if of.group is not None:
        yield trimmed(("UNG", *map(_value, of.group.elements)))
    yield trimmed(("UNH", *map(_value, of.elements)))


def _value(components: Sequence[str]) -> Value:
    return components[0] if len(components) == 1 else tuple(components)


def composed(
    documents: Iterable[Document],
    *,
    delimiters: Delimiters | None = None,
    line_end: str = "",
) -> Iterator[bytes]:
    """Write documents as a file: those of one interchange and one group stand together.

    Counts and trailers are made anew; references, dates and parties are those of the headers. Each
    is written in the delimiters that it names, or in those given. Raises `Invalid` for what
    cannot be written.
    """
    writing = _Writing(Form(line_end=line_end), delimiters)
    for document in documents:
        refuse_incomplete(document)
        yield writing.add(document)
    yield writing.end()


@dataclass(slots=True)
class _Writing:
    """What of a file is open: the header of the interchange and of the group, and their counts."""

    form: Form
    delimiters: Delimiters | None
    unb: Segment = ()
    ung: Segment = ()
    at: tuple[int, int] = (0, 0)
    groups: int = 0
    messages: int = 0
    alone: int = 0
    last: Document | None = None

    def add(self, document: Document) -> bytes:
        text = ""
        unb, ung = document.header("UNB"), _found(document, "UNG")
        if self.unb and (unb != self.unb or document.interchange != self.at[0]):
            text += self._end_interchange()
        elif self.ung and (ung != self.ung or document.group != self.at[1]):
            text += self._end_group()
        if not self.unb:
            text += self._begin_interchange(document, unb)
        if ung and not self.ung:
            text += written([ung], self.form)
            self.ung, self.groups = ung, self.groups + 1
        self.at, self.last = (document.interchange, document.group), document
        self.messages += bool(self.ung)
        self.alone += not self.ung
        body = list(segments_of(document.parts))
        header = document.header("UNH")
        trailer = ("UNT", str(len(body) + 2), first_text(header, 1))
        return encoded(text + written([header, *body, trailer], self.form), document)

    def end(self) -> bytes:
        return encoded(self._end_interchange(), self.last) if self.last else b""

    def _begin_interchange(self, document: Document, unb: Segment) -> str:
        own = self.delimiters or delimiters_of(document)
        has_advice = bool(_found(document, "UNA")) or own != replace(
            Delimiters(), repetition=own.repetition
        )
        self.form = replace(self.form, delimiters=own, has_advice=has_advice)
        self.unb = unb
        return advice(self.form) + written([unb], self.form)

    def _end_group(self) -> str:
        count = str(self.messages)
        text = written([("UNE", count, first_text(self.ung, 5))], self.form) if self.ung else ""
        self.ung, self.messages = (), 0
        return text

    def _end_interchange(self) -> str:
        text = self._end_group()
        text += written(
            [("UNZ", str(self.groups or self.alone), first_text(self.unb, 5))], self.form
        )
        self.unb, self.groups, self.alone = (), 0, 0
        return text


def _found(document: Document, tag: str) -> Segment:
    return next((one for one in document.envelope if one[0] == tag), ())


def delimiters_of(document: Document) -> Delimiters:
    """Give the delimiters that a document names. Raises `Invalid` for what parts nothing."""
    said = document.delimiters
    return _checked(
        Delimiters(
            component=said.get("component", ":"),
            element=said.get("element", "+"),
            segment=said.get("segment", "'"),
            release=said.get("release", "?"),
            repetition=said.get("repetition", ""),
            decimal=said.get("decimal", "."),
        )
    )


def delimiters_said(said: str) -> Delimiters:
    """Read the six characters of a service string advice (UNA): `:+.? '`."""
    if len(said) != ADVICE - len("UNA"):
        raise Invalid(
            f"{said!r} are not the six characters of a service string advice",
            where="delimiters",
            hint="say those of components, elements, decimals, release, repetition, segments:"
            ' ":+.? \'"',
        )
    return _checked(
        Delimiters(
            component=said[0],
            element=said[1],
            decimal=said[2],
            release=said[3].strip(),
            repetition=said[4].strip(),
            segment=said[5],
        )
    )


def _checked(found: Delimiters) -> Delimiters:
    each = (found.element, found.component, found.segment, *found.release, *found.repetition)
    bad = [one for one in each if len(one) != 1 or one.isalnum() or one == " " or one > "\x7f"]
    if bad or len(set(each)) < len(each):
        raise Invalid(
            f"{''.join(each)!r} cannot part elements, components and segments",
            where="/delimiters",
            hint="say different characters for each that are no letters, digits or blanks",
        )
    return found
