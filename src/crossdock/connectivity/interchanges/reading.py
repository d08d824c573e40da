"""The interchanges of a file one by one, with their very bytes, as the file streams by.

Of a file of any size no more is held than one interchange's findings and a piece of its bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from crossdock.canonical.partners import Standard
from crossdock.connectivity.edi.edifact import controls as edifact_controls
from crossdock.connectivity.edi.edifact import envelope as edifact
from crossdock.connectivity.edi.edifact.acknowledging import CONTRL
from crossdock.connectivity.edi.edifact.acknowledging import Answer as EdifactAnswer
from crossdock.connectivity.edi.edifact.acknowledging import Answering as EdifactAnswering
from crossdock.connectivity.edi.edifact.reading import Page as EdifactPage
from crossdock.connectivity.edi.edifact.reading import pages as edifact_pages
from crossdock.connectivity.edi.edifact.tables import known as edifact_known
from crossdock.connectivity.edi.edifact.validation import validated as edifact_validated
from crossdock.connectivity.edi.findings import Finding, Severity
from crossdock.connectivity.edi.recognising import recognised
from crossdock.connectivity.edi.source import Gap
from crossdock.connectivity.edi.x12 import controls as x12_controls
from crossdock.connectivity.edi.x12 import envelope as x12
from crossdock.connectivity.edi.x12.acknowledging import (
    Answering,
    GroupAnswer,
    InterchangeAnswer,
)
from crossdock.connectivity.edi.x12.reading import Page as X12Page
from crossdock.connectivity.edi.x12.reading import pages as x12_pages
from crossdock.connectivity.edi.x12.tables import known as x12_known
from crossdock.connectivity.edi.x12.validation import validated as x12_validated
from crossdock.connectivity.interchanges import statements
from crossdock.connectivity.interchanges.model import (
    Document,
    Interchange,
    Statement,
    X12Answered,
    edifact_party,
    same,
    x12_party,
)

PART = 1 << 20
"""Bytes are handed on in parts of about this size."""
FINDINGS_MAX = 500
"""So many findings are kept of an interchange."""
FUNCTIONAL = frozenset({"997", "999"})


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of the interchange that comes behind them."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Aside:
    """What was found outside of every interchange."""

    findings: tuple[Finding, ...]


Piece = Part | Interchange | Aside
_Page = TypeVar("_Page", X12Page, EdifactPage)


def read(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Read a file of X12 or EDIFACT: of each interchange its bytes in parts, and then itself."""
    is_edifact, source = recognised(chunks)
    raw = _Raw()
    return _edifact(source, raw) if is_edifact else _x12(source, raw)


@dataclass(slots=True)
class _Raw:
    """The bytes of interchanges: `begun` of them have, `told` are told of to their end.

    A page of the next one is read before it is clear that one has no trailer.
    """

    begun: int = 0
    told: int = 0
    parts: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    held: int = 0
    size: int = 0
    digest: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=32))

    def tagged(self, pages: Iterable[_Page | Gap]) -> Iterator[_Page | Gap]:
        for page in pages:
            if isinstance(page, Gap):
                if page.because and self.begun > self.told:
                    self._add(page.raw)
            else:
                self.begun += page.header is not None
                self._add(page.raw)
            yield page

    def _add(self, raw: str) -> None:
        self.parts.append((self.begun, raw.encode("latin-1")))
        self.held += len(raw)

    def due(self, *, at_end: bool = False) -> Iterator[Part]:
        """Hand on the bytes of the interchange that is read, where they are enough or all."""
        if self.held < PART and not at_end:
            return
        mine = b"".join(body for of, body in self.parts if of == self.told + 1)
        self.parts = [one for one in self.parts if one[0] > self.told + 1]
        self.held = sum(len(body) for _, body in self.parts)
        self.digest.update(mine)
        self.size += len(mine)
        for begin in range(0, len(mine), PART):
            yield Part(mine[begin : begin + PART])

    def end(self) -> tuple[int, bytes]:
        """Give the size and the digest of an interchange that is over."""
        found = self.size, self.digest.digest()
        self.told += 1
        self.size, self.digest = 0, hashlib.blake2b(digest_size=32)
        return found


@dataclass(slots=True)
class _Gathered:
    """What an interchange is found to hold, until it closes."""

    documents: list[Document] = field(default_factory=list[Document])
    findings: list[tuple[str, Finding]] = field(default_factory=list[tuple[str, Finding]])
    statements: list[Statement] = field(default_factory=list[Statement])
    answers: list[GroupAnswer] = field(default_factory=list[GroupAnswer])
    groups: int = 0
    is_wrong: bool = False
    content: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    segments: list[str] = field(default_factory=list[str])

    def begin(self) -> None:
        self.content, self.segments = hashlib.blake2b(digest_size=16), []

    def take(self, segments: list[str], *, is_answer: bool) -> None:
        self.content.update(("\x1e".join(segments) + "\x1e").encode("latin-1", "replace"))
        if is_answer and len(self.segments) < statements.SEGMENTS_MAX:
            self.segments += segments

    def digest(self, document: str, control: str, *, is_test: bool) -> bytes:
        """Tell documents apart by number and content; a test is never the real one."""
        named = f"{document}\0{same(control)}\0{is_test:d}\0".encode("utf-8", "replace")
        return hashlib.blake2b(named + self.content.digest(), digest_size=16).digest()

    def found(self, control: str, findings: Iterable[Finding]) -> None:
        room = FINDINGS_MAX - len(self.findings)
        self.findings += [(control, one) for one in findings][: max(room, 0)]


def _is_wrong(findings: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in findings)


def _x12(chunks: Iterable[bytes], raw: _Raw) -> Iterator[Piece]:
    gathered, answering = _Gathered(), Answering()
    stream = x12.events(raw.tagged(x12_pages(chunks)))
    for event in x12_validated(stream, x12_known):
        yield from raw.due()
        answered = answering.hear(event)
        gathered.answers += [one for one in answered if isinstance(one, GroupAnswer)]
        if isinstance(event, x12.Aside):
            yield Aside(event.findings)
        elif isinstance(event, x12.Closed) and isinstance(event.of, x12.Interchange):
            yield from raw.due(at_end=True)
            [answer] = [one for one in answered if isinstance(one, InterchangeAnswer)]
            gathered.found("", event.findings)
            yield _x12_interchange(gathered, event.of, answer, raw.end())
            gathered = _Gathered()
        else:
            _x12_heard(gathered, event)


def _x12_heard(gathered: _Gathered, event: x12.Event) -> None:
    match event:
        case x12.TransactionSet():
            gathered.begin()
        case x12.Segments():
            gathered.take(event.segments, is_answer=event.of.set_id in FUNCTIONAL)
        case x12.InterchangeAcknowledged():
            if len(gathered.statements) < statements.SEGMENTS_MAX:
                gathered.statements.append(statements.of_ta1(event.elements))
        case x12.Closed():
            if isinstance(event.of, x12.TransactionSet):
                _x12_set(gathered, event.of, event)
            else:
                gathered.groups += 1
                gathered.found("", event.findings)
        case _:
            pass


def _x12_set(gathered: _Gathered, of: x12.TransactionSet, closed: x12.Closed) -> None:
    said: tuple[Statement, ...] = ()
    if of.set_id in FUNCTIONAL:
        separator = of.interchange.delimiters.element
        said = tuple(statements.of_functional(gathered.segments, separator))
    gathered.found(of.control, closed.findings)
    gathered.documents.append(
        Document(
            document=of.set_id,
            control=of.control,
            version=of.group.version if of.group else "",
            functional_id=of.group.functional_id if of.group else "",
            group=of.group.control if of.group else "",
            segments=closed.counted,
            digest=gathered.digest(of.set_id, of.control, is_test=of.interchange.is_test),
            findings=closed.findings,
            statements=said,
        )
    )


def _x12_interchange(
    gathered: _Gathered, of: x12.Interchange, answer: InterchangeAnswer, raw: tuple[int, bytes]
) -> Interchange:
    place = of.at.place()
    return Interchange(
        standard=Standard.X12,
        sender=x12_party(*of.sender),
        receiver=x12_party(*of.receiver),
        control=of.control,
        is_test=of.is_test,
        documents=tuple(gathered.documents),
        groups=gathered.groups,
        size=raw[0],
        digest=raw[1],
        findings=tuple(gathered.findings),
        is_wrong=bool(answer.findings),
        repeated=x12_controls.repeated("ISA", 13, of.control, place),
        statements=tuple(gathered.statements),
        answer=X12Answered(interchange=answer, groups=tuple(gathered.answers)),
    )


def _edifact(chunks: Iterable[bytes], raw: _Raw) -> Iterator[Piece]:
    gathered, answering = _Gathered(), EdifactAnswering()
    stream = edifact.events(raw.tagged(edifact_pages(chunks)))
    for event in edifact_validated(stream, edifact_known):
        yield from raw.due()
        answered = answering.hear(event)
        if isinstance(event, edifact.Aside):
            yield Aside(event.findings)
        elif isinstance(event, edifact.Closed) and isinstance(event.of, edifact.Interchange):
            yield from raw.due(at_end=True)
            gathered.found("", event.findings)
            gathered.is_wrong = _is_wrong(event.findings)
            yield _edifact_interchange(
                gathered, event.of, answered[0] if answered else None, raw.end()
            )
            gathered = _Gathered()
        else:
            _edifact_heard(gathered, event)


def _edifact_heard(gathered: _Gathered, event: edifact.Event) -> None:
    match event:
        case edifact.Message():
            gathered.begin()
        case edifact.Segments():
            gathered.take(event.segments, is_answer=event.of.type == CONTRL)
        case edifact.Closed():
            if isinstance(event.of, edifact.Message):
                _message(gathered, event.of, event)
            else:
                gathered.groups += 1
                gathered.found("", event.findings)
        case _:
            pass


def _message(gathered: _Gathered, of: edifact.Message, closed: edifact.Closed) -> None:
    said: list[Statement] = []
    if of.type == CONTRL:
        said = statements.of_contrl(gathered.segments, of.interchange.header.delimiters)
    gathered.found(of.reference, closed.findings)
    gathered.documents.append(
        Document(
            document=of.type,
            control=of.reference,
            version=of.version,
            functional_id="",
            group=of.group.reference if of.group else "",
            segments=closed.counted,
            digest=gathered.digest(of.type, of.reference, is_test=of.interchange.is_test),
            findings=closed.findings,
            statements=tuple(said),
        )
    )


def _edifact_interchange(
    gathered: _Gathered,
    of: edifact.Interchange,
    answer: EdifactAnswer | None,
    raw: tuple[int, bytes],
) -> Interchange:
    return Interchange(
        standard=Standard.EDIFACT,
        sender=edifact_party(of.sender),
        receiver=edifact_party(of.recipient),
        control=of.reference,
        application=of.element(7),
        is_test=of.is_test,
        documents=tuple(gathered.documents),
        groups=gathered.groups,
        size=raw[0],
        digest=raw[1],
        findings=tuple(gathered.findings),
        is_wrong=gathered.is_wrong,
        repeated=edifact_controls.repeated("UNB", of.reference, of.at.place()),
        answer=answer,
    )
