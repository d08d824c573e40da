"""Interchanges of our own for tests, in any delimiters, with any of their parts put wrong."""

from collections.abc import Iterator, Sequence

from crossdock.connectivity.edi.edifact.delimiters import STANDARD, Delimiters
from crossdock.connectivity.edi.edifact.envelope import Event, events
from crossdock.connectivity.edi.edifact.reading import pages
from crossdock.connectivity.edi.edifact.tables import known
from crossdock.connectivity.edi.edifact.validation import validated
from crossdock.connectivity.edi.edifact.writing import Form, Value, advice, written
from crossdock.connectivity.edi.findings import Finding, Severity

ORDER: Sequence[Sequence[Value]] = (
    ("BGM", "220", "4711", "9"),
    ("DTM", ("137", "20261128", "102")),
    ("NAD", "BY", ("4012345000009", "", "9")),
    ("CTA", "PD", ("", "A. BUYER")),
    ("COM", ("+49 30 1?2", "TE")),
    ("NAD", "SU", ("4098765000010", "", "9")),
    ("CUX", ("2", "EUR", "9")),
    ("LIN", "1", "", ("4006381333931", "EN")),
    ("PIA", "5", ("BOLT-8", "SA")),
    ("IMD", "F", "", ("", "", "", "BOLT 8'IN: 5+1?")),
    ("QTY", ("21", "12", "PCE")),
    ("PRI", ("AAA", "9.25")),
    ("LIN", "2", "", ("NUT-8", "SA")),
    ("QTY", ("21", "3.5", "PCE")),
    ("UNS", "S"),
    ("CNT", ("2", "2")),
)
NOTICE: Sequence[Sequence[Value]] = (
    ("BGM", "351", "D1", "9"),
    ("DTM", ("137", "202611280510", "203")),
    ("RFF", ("ON", "4711")),
    ("NAD", "SU", ("4098765000010", "", "9")),
    ("CPS", "1"),
    ("PAC", "1", "", "201"),
    ("CPS", "2", "1"),
    ("PAC", "1", "", "CT"),
    ("PCI", "33E"),
    ("GIN", "BJ", "000614140000000017"),
    ("LIN", "1", "", ("4006381333931", "EN")),
    ("QTY", ("12", "12", "PCE")),
    ("CNT", ("2", "1")),
)
CONTRL: Sequence[Sequence[Value]] = (("UCI", "7", "SELLER", "BUYER", "7"),)


def message(
    body: Sequence[Sequence[Value]],
    kind: str = "ORDERS",
    version: Sequence[str] = ("D", "96A", "UN"),
    reference: str = "M1",
) -> list[Sequence[Value]]:
    """Write the segments of a message, with its header and trailer."""
    header: Sequence[Value] = ("UNH", reference, (kind, *version))
    return [header, *body, ("UNT", str(len(body) + 2), reference)]


def interchange(  # the parts that tests put wrong
    *messages: Sequence[Sequence[Value]],
    reference: str = "I1",
    delimiters: Delimiters = STANDARD,
    line_end: str = "",
    has_advice: bool = True,
    syntax: tuple[str, str] = ("UNOC", "3"),
    count: int = 0,
) -> str:
    """Write an interchange: of one order if no messages are given."""
    inner = messages or (message(ORDER),)
    form = Form(delimiters=delimiters, line_end=line_end, has_advice=has_advice)
    day = "20261128" if syntax[1] == "4" else "261128"
    header: Sequence[Value] = (
        *("UNB", syntax, ("BUYER", "14"), ("SELLER", "14"), (day, "0510"), reference),
    )
    segments = [header, *(one for each in inner for one in each)]
    segments.append(("UNZ", str(count or len(inner)), reference))
    return advice(form) + written(segments, form)


def chunks(text: str | bytes, size: int = 1 << 16) -> Iterator[bytes]:
    data = text.encode("latin-1") if isinstance(text, str) else text
    return (data[at : at + size] for at in range(0, len(data), size))


def read(text: str | bytes, size: int = 1 << 16) -> list[Event]:
    """Read and check a file that comes in chunks of a size."""
    return list(validated(events(pages(chunks(text, size))), known))


def found(text: str | bytes, *, notes: bool = False) -> list[Finding]:
    """Give all that was found in a file, its notes only if asked for."""
    return [
        one
        for event in read(text)
        for one in getattr(event, "findings", ())
        if notes or one.severity is not Severity.NOTE
    ]
