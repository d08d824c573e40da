"""X12 and EDIFACT by one face: files as documents, and documents as files. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.documents import Document, Segment
from crossdock.connectivity.edi.edifact.documents import STANDARD as EDIFACT
from crossdock.connectivity.edi.edifact.documents import composed as edifact_composed
from crossdock.connectivity.edi.edifact.documents import delimiters_of as edifact_delimiters_of
from crossdock.connectivity.edi.edifact.documents import delimiters_said as edifact_delimiters_said
from crossdock.connectivity.edi.edifact.documents import documents as edifact_documents
from crossdock.connectivity.edi.edifact.envelope import events as edifact_events
from crossdock.connectivity.edi.edifact.reading import pages as edifact_pages
from crossdock.connectivity.edi.edifact.tables import known as edifact_known
from crossdock.connectivity.edi.edifact.tables import names as edifact_names
from crossdock.connectivity.edi.edifact.validation import validated as edifact_validated
from crossdock.connectivity.edi.edifact.writing import Form as EdifactForm
from crossdock.connectivity.edi.edifact.writing import written as edifact_written
from crossdock.connectivity.edi.explaining import Line
from crossdock.connectivity.edi.explaining import explained as told
from crossdock.connectivity.edi.findings import Finding
from crossdock.connectivity.edi.recognising import recognised
from crossdock.connectivity.edi.x12.documents import STANDARD as X12
from crossdock.connectivity.edi.x12.documents import composed as x12_composed
from crossdock.connectivity.edi.x12.documents import delimiters_of, delimiters_said
from crossdock.connectivity.edi.x12.documents import documents as x12_documents
from crossdock.connectivity.edi.x12.envelope import events
from crossdock.connectivity.edi.x12.reading import pages
from crossdock.connectivity.edi.x12.tables import known, names
from crossdock.connectivity.edi.x12.validation import validated
from crossdock.connectivity.edi.x12.writing import Form, written


def documents(chunks: Iterable[bytes]) -> Iterator[Document]:
    """Read a file as documents, as they close, unchecked."""
    is_edifact, whole = recognised(chunks)
    if is_edifact:
        found = edifact_documents(edifact_events(edifact_pages(whole)), edifact_known)
    else:
        found = x12_documents(events(pages(whole)), known)
    return (document for document, _ in found)


def checked(chunks: Iterable[bytes]) -> Iterator[tuple[Document, tuple[Finding, ...]]]:
    """Read a file as documents, each with what was found of it."""
    is_edifact, whole = recognised(chunks)
    if is_edifact:
        heard = edifact_validated(edifact_events(edifact_pages(whole)), edifact_known)
        return edifact_documents(heard, edifact_known)
    return x12_documents(validated(events(pages(whole)), known), known)


def composed(
    documents: Iterable[Document], *, delimiters: str = "", line_end: str = ""
) -> Iterator[bytes]:
    """Write documents of one standard as a file.

    `delimiters`, in the order of `delimiters_of`, stand in the place of those that documents
    name. Raises `Invalid` for what cannot be written.
    """
    source = iter(documents)
    first = next(source, None)
    if first is None:
        return
    whole = (_same(one, first) for one in chain([first], source))
    if is_edifact(first):
        own = edifact_delimiters_said(delimiters) if delimiters else None
        yield from edifact_composed(whole, delimiters=own, line_end=line_end)
    else:
        said = delimiters_said(delimiters) if delimiters else None
        yield from x12_composed(whole, delimiters=said, form=Form(line_end=line_end))


def is_edifact(document: Document) -> bool:
    """Say which of the two a document is of. Raises `Invalid` for another."""
    if document.standard not in {X12, EDIFACT}:
        raise Invalid(
            f"{document.standard!r} is no standard that is written here",
            where="/standard",
            hint=f"say {X12} or {EDIFACT}",
        )
    return document.standard == EDIFACT


def _same(document: Document, first: Document) -> Document:
    if document.standard != first.standard:
        raise Invalid(
            f"{document.standard} does not stand in a file of {first.standard}",
            where="/standard",
            hint="write each standard into a file of its own",
        )
    return document


def known_of(document: Document) -> Definitions | None:
    """Give the tables that a document is read by; None where there are none."""
    if is_edifact(document):
        return edifact_known(document.version)
    return known(document.version)


def explained(document: Document, findings: Sequence[Finding]) -> Iterator[Line]:
    """Explain a document, with what was found of it."""
    called = edifact_names() if is_edifact(document) else names()
    return told(document, findings, known_of(document), called, _writer(document))


def _writer(document: Document) -> Callable[[Segment], str]:
    """Give what writes a segment in the delimiters of its document, leaving out what cannot be."""
    if is_edifact(document):
        own = EdifactForm(delimiters=edifact_delimiters_of(document), leaves_out=True)
        return lambda segment: edifact_written([segment], own).removesuffix(own.delimiters.segment)
    form = Form(delimiters=delimiters_of(document), leaves_out=True)
    return lambda segment: written([segment], form).removesuffix(form.delimiters.segment)
