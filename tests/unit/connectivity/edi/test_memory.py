"""A file takes as much memory as a part of it: however large it is, and however wrong."""

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from crossdock.connectivity.edi.edifact.envelope import events as edifact_events
from crossdock.connectivity.edi.edifact.reading import pages as edifact_pages
from crossdock.connectivity.edi.edifact.tables import known as edifact_known
from crossdock.connectivity.edi.edifact.validation import validated as edifact_validated
from crossdock.connectivity.edi.findings import Finding
from crossdock.connectivity.edi.x12.answering import Numbers, answered
from crossdock.connectivity.edi.x12.envelope import events
from crossdock.connectivity.edi.x12.reading import pages
from crossdock.connectivity.edi.x12.tables import known
from crossdock.connectivity.edi.x12.validation import validated
from tests.unit.connectivity.edi.edifact import interchanges as edifact
from tests.unit.connectivity.edi.x12 import interchanges as x12

FEW, MANY = 500, 4_000
LEFT = 200_000
"""Bytes that a file of many times the size may take more: of what numbers it had, and no more."""
ORDER, ORDERS = x12.interchange(x12.ORDER[:1]), edifact.interchange(has_advice=False)


def numbered(count: int) -> Iterator[str]:
    return (x12.interchange(x12.ORDER[:1], control=one) for one in range(1, count))


def edifact_numbered(count: int) -> Iterator[str]:
    return (ORDERS.replace("I1", str(one)) for one in range(1, count))


def stray(count: int) -> Iterator[str]:
    """Hand on an interchange in which nothing is in its place."""
    yield ORDER[: ORDER.index("ST*")]
    yield from ("N1*ST~SE*1*1~" for _ in range(count))
    yield "GE*0*1~IEA*1*000000001~"


def edifact_stray(count: int) -> Iterator[str]:
    yield ORDERS[: ORDERS.index("UNH+")]
    yield from ("NAD+BY'UNT+1+1'" for _ in range(count))


def late(count: int) -> Iterator[str]:
    """Hand on what comes behind an interchange, and is in none."""
    yield ORDER
    yield from ("ISA*1~" for _ in range(count))


def mixed(count: int) -> Iterator[str]:
    """Hand on messages in groups and in none by turns, each without its trailer."""
    yield ORDERS[: ORDERS.index("UNH+")]
    yield from (
        f"UNH+{one}+ORDERS:D:96A:UN'UNG+ORDERS+A+B+261128:0510+{one}'" for one in range(count)
    )


def bulky(count: int) -> Iterator[str]:
    """Hand on one group of sets of some 5,000 characters each."""
    head, inner = ORDER[: ORDER.index("ST*")], x12.ORDER[-4:-1] * 40
    yield head
    for one in range(count // 20):
        yield f"ST*850*{one:04}~{'~'.join((*x12.ORDER[:1], *inner))}~SE*{len(inner) + 3}*{one:04}~"
    yield f"GE*{count // 20}*1~IEA*1*000000001~"


def answer_x12(parts: Iterator[str]) -> Iterator[str]:
    chunks = (one.encode("latin-1") for one in parts)
    checked = validated(events(pages(chunks)), known)
    return answered(checked, Numbers(interchange=1, at=datetime(2026, 11, 28, tzinfo=UTC)))


def read_x12(parts: Iterator[str]) -> Iterator[Finding]:
    chunks = (one.encode("latin-1") for one in parts)
    for event in validated(events(pages(chunks)), known):
        yield from getattr(event, "findings", ())


def read_edifact(parts: Iterator[str]) -> Iterator[Finding]:
    chunks = (one.encode("latin-1") for one in parts)
    for event in edifact_validated(edifact_events(edifact_pages(chunks)), edifact_known):
        yield from getattr(event, "findings", ())


Parts = Callable[[int], Iterator[str]]
READ = [
    (read_x12, numbered),
    (read_x12, stray),
    (read_x12, late),
    (answer_x12, bulky),
    (read_edifact, edifact_numbered),
    (read_edifact, edifact_stray),
    (read_edifact, mixed),
]


@pytest.mark.parametrize(("read", "parts"), READ)
def test_a_file_of_many_times_the_size_takes_no_more_memory(
    read: Callable[[Iterator[str]], Iterator[object]], parts: Parts
) -> None:
    peaks: list[int] = []
    for count in (10, FEW, MANY):
        tracemalloc.start()
        for _ in read(parts(count)):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    _, few, many = peaks
    assert many < few + LEFT
