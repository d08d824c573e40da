"""`crossdock edi`: X12 files checked and acknowledged, without a hub."""

import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crossdock.connectivity.edi.findings import Finding, Severity
from crossdock.connectivity.edi.x12.answering import Numbers, answered
from crossdock.connectivity.edi.x12.envelope import Closed, Event, TransactionSet, events
from crossdock.connectivity.edi.x12.reading import pages
from crossdock.connectivity.edi.x12.tables import known
from crossdock.connectivity.edi.x12.validation import validated
from crossdock.foundation.clock import SystemClock
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

    def hear(self, event: Event) -> list[tuple[str, Finding]]:
        """Count an event; give what was found, with the number of its set."""
        number = ""
        if isinstance(event, Closed) and isinstance(event.of, TransactionSet):
            self.sets[event.of.set_id] += 1
            number = event.of.control
        told = [(number, one) for one in getattr(event, "findings", ())]
        self.severities.update(one.severity.value for _, one in told)
        self.findings += told[: max(FINDINGS_SHOWN - len(self.findings), 0)]
        return told


@app.command()
def validate(file: File, as_json: AsJson = False) -> None:
    """Check an X12 file: envelopes, structure, elements, codes, counts, trees.

    Each finding says where it is, by byte and segment, what is wrong, and what to ask the partner
    for. The exit code is 1 where anything is refused. Sets that no table defines are told.
    """
    looked = _Looked()
    for event in _checked(file):
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
    """Write the acknowledgment of an X12 file: TA1 where asked for, and a 997 for each group.

    Nothing is written for a file of acknowledgments: those are never acknowledged.
    """
    numbers = Numbers(interchange=control, at=SystemClock().now(), is_999=as_999)
    written = list(answered(_checked(file), numbers))
    if as_json:
        print_json({"interchanges": written})
    elif written:
        sys.stdout.write("".join(written))
    else:
        stderr.print("there is nothing to acknowledge in this file", style="dim")


def _checked(file: Path) -> Any:
    return validated(events(pages(read_chunks(file))), known)


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
