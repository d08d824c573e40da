"""`crossdock edi`: X12 and EDIFACT files checked, read and written without a hub, or taken in."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crossdock.connectivity.edi.edifact.acknowledging import answered as edifact_answered
from crossdock.connectivity.edi.edifact.envelope import Message
from crossdock.connectivity.edi.edifact.envelope import events as edifact_events
from crossdock.connectivity.edi.edifact.reading import pages as edifact_pages
from crossdock.connectivity.edi.edifact.tables import known as edifact_known
from crossdock.connectivity.edi.edifact.validation import validated as edifact_validated
from crossdock.connectivity.edi.findings import Finding, Severity
from crossdock.connectivity.edi.recognising import recognised
from crossdock.connectivity.edi.x12.answering import Numbers, answered
from crossdock.connectivity.edi.x12.envelope import TransactionSet, events
from crossdock.connectivity.edi.x12.reading import pages
from crossdock.connectivity.edi.x12.tables import known
from crossdock.connectivity.edi.x12.validation import validated
from crossdock.foundation.clock import SystemClock
from crossdock.interfaces.cli import edi_documents, edi_kept
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_chunks
from crossdock.interfaces.cli.output import AsJson, lines_to, print_json, stderr, stdout

app = typer.Typer(add_completion=False, no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A file, or - for standard input.")]
FINDINGS_SHOWN = 1_000
"""With --json so many are listed; all are counted."""
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


@dataclass(slots=True)
class _Looked:
    """What was found in a file, as far as it is kept."""

    sets: Counter[str] = field(default_factory=Counter[str])
    severities: Counter[str] = field(default_factory=Counter[str])
    findings: list[tuple[str, Finding]] = field(default_factory=list[tuple[str, Finding]])

    def hear(self, event: Any) -> list[tuple[str, Finding]]:
        """Count an event; give what was found, with the number of its set or message."""
        number, closed = "", getattr(event, "of", None) if hasattr(event, "counted") else None
        if isinstance(closed, TransactionSet):
            self.sets[closed.set_id] += 1
            number = closed.control
        elif isinstance(closed, Message):
            self.sets[closed.type] += 1
            number = closed.reference
        told = [(number, one) for one in getattr(event, "findings", ())]
        self.severities.update(one.severity.value for _, one in told)
        self.findings += told[: max(FINDINGS_SHOWN - len(self.findings), 0)]
        return told


@app.command()
def validate(file: File, as_json: AsJson = False) -> None:
    """Check an X12 or EDIFACT file: envelopes, structure, elements, codes, counts, trees.

    Each finding says where it is, by byte and segment, what is wrong, and what to ask the partner
    for. The exit code is 1 where anything is refused. Sets that no table defines are told.
    """
    looked = _Looked()
    for event in _checked(file)[1]:
        for number, finding in looked.hear(event):
            if not as_json:
                _print(number, finding)
    if as_json:
        print_json(
            {
                "sets": dict(looked.sets),
                "found": dict(looked.severities),
                "findings": [_said(number, one) for number, one in looked.findings],
            }
        )
    else:
        sets = ", ".join(f"{count} x {name}" for name, count in sorted(looked.sets.items()))
        counts = ", ".join(f"{looked.severities[one]} {one.lower()}s" for one in _STYLES)
        stdout.print(f"{sets or 'no sets'}: {counts}", soft_wrap=True)
    if looked.severities[Severity.ERROR]:
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def ack(
    file: File,
    control: Annotated[int, typer.Option(help="The number of the interchange written.")] = 1,
    as_999: Annotated[bool, typer.Option("--999", help="999 in the place of 997.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the acknowledgment of a file: TA1 and 997 for X12, CONTRL for EDIFACT.

    A TA1 is written where it is asked for or the envelope is wrong, a 997 for each group, a CONTRL
    for each interchange. Acknowledgments are never acknowledged.
    """
    is_edifact, events = _checked(file)
    now = SystemClock().now()
    if is_edifact:
        written = list(edifact_answered(events, first=control, at=now))
    else:
        numbers = Numbers(interchange=control, at=now, is_999=as_999)
        written = list(answered(events, numbers))
    if as_json:
        print_json({"interchanges": written})
    elif written:
        sys.stdout.buffer.write("".join(written).encode("latin-1"))  # the bytes as they came
    else:
        stderr.print("there is nothing to acknowledge in this file", style="dim")


_ELSEWHERE: tuple[Callable[..., None], ...] = (
    *(edi_documents.parse, edi_documents.explain, edi_documents.generate),
    *(edi_documents.diff, edi_documents.split, edi_documents.mask),
    *(edi_kept.receive, edi_kept.sent, edi_kept.interchanges, edi_kept.interchange),
    *(edi_kept.replay, edi_kept.gaps),
)
for _command in _ELSEWHERE:
    app.command()(_command)


def _checked(file: Path) -> tuple[bool, Any]:
    """Read and check a file, which its first bytes say to be EDIFACT, or X12."""
    is_edifact, chunks = recognised(read_chunks(file))
    if is_edifact:
        return True, edifact_validated(edifact_events(edifact_pages(chunks)), edifact_known)
    return False, validated(events(pages(chunks)), known)


def _print(number: str, finding: Finding) -> None:
    place = finding.place
    where = f"byte {place.offset}"
    if place.segment:
        where += f", set {number}, segment {place.segment}"
    line = Text.assemble(
        (f"{finding.severity:<8}", _STYLES[finding.severity]), f"{where}: {finding.says}"
    )
    if finding.asks:
        line.append(f"; ask {finding.asks}", "dim")
    line.append(f"  {finding.code}", "dim")
    lines_to().print(line, soft_wrap=True)


def _said(number: str, finding: Finding) -> dict[str, Any]:
    return {"set": number, **asdict(finding), "name": finding.place.name}
