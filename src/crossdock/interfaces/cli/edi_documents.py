"""`crossdock edi`: files read as documents, explained, compared, parted, masked and written."""

import re
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi import standards
from crossdock.connectivity.edi.comparing import Difference, differences
from crossdock.connectivity.edi.documents import Document, as_json, from_json
from crossdock.connectivity.edi.explaining import Line
from crossdock.connectivity.edi.findings import Severity
from crossdock.connectivity.edi.masking import Mask, masked
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_chunks, write_bytes
from crossdock.interfaces.cli.output import AsJson, lines_to, print_json, stderr, stdout

File = Annotated[Path, typer.Argument(help="A file, or - for standard input.")]
Delimiters = Annotated[
    str,
    typer.Option(
        help="Others than those that documents name: of X12 those of elements, components,"
        " segments and repetitions (*>~^), of EDIFACT the six of UNA.",
    ),
]
LineEnds = Annotated[bool, typer.Option(help="A line end behind each segment.")]
LINE_MAX = 64 << 20
"""A document of more bytes than this is read from no line."""
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_MAX = 40


def parse(file: File, as_json_lines: AsJson = False) -> None:
    """Write each set of a file as JSON, one line for each, its segments in the loops they are in.

    `edi generate` writes files of such lines. Sets and messages alone are written: what stands
    outside of them, and a TA1, is not. --json changes nothing: it is JSON already.
    """
    del as_json_lines
    is_any = False
    for document in standards.documents(read_chunks(file)):
        is_any = True
        print_json(as_json(document))
    if not is_any:
        stderr.print("there is no set in this file", style="dim")


def generate(
    file: File,
    delimiters: Delimiters = "",
    line_ends: LineEnds = False,
    as_json_object: AsJson = False,
) -> None:
    """Write an X12 or EDIFACT file of documents as `edi parse` writes them, one a line.

    Counts and trailers are made anew; numbers, dates and parties are those of the headers. What
    cannot be written, such as a delimiter within data of X12, is refused.
    """
    found = (_document(number, line) for number, line in enumerate(_lines(file), 1))
    pieces = standards.composed(found, delimiters=delimiters, line_end="\n" if line_ends else "")
    _put(pieces, as_json=as_json_object)


def explain(
    file: File,
    faults: Annotated[bool, typer.Option(help="Only segments that something is said of.")] = False,
    as_json_lines: AsJson = False,
) -> None:
    """Print a file as people read it: every segment and element by name, and what is wrong.

    Beneath a faulty segment it is shown as it came, a caret under each fault, and what to ask the
    partner for. The exit code is 1 where anything is refused.
    """
    is_refused, is_any = False, False
    for document, findings in standards.checked(read_chunks(file)):
        is_any = True
        is_refused |= any(one.severity is Severity.ERROR for one in findings)
        lines = standards.explained(document, findings)
        if as_json_lines:
            told = [
                {"text": one.text, "finding": asdict(one.finding) if one.finding else None}
                for one in lines
            ]
            print_json({"kind": document.kind, "number": document.number, "lines": told})
        else:
            _print(lines, faults=faults)
    if not is_any:
        stderr.print("there is no set in this file", style="dim")
    if is_refused:
        raise typer.Exit(EXIT_FINDINGS)


def diff(
    before: File,
    after: Annotated[Path, typer.Argument(help="The file to compare with.")],
    as_json_object: AsJson = False,
) -> None:
    """Say what differs between the sets of two files, in their order.

    Delimiters, layout, control numbers and the dates of envelopes are no difference. The exit code
    is 1 where anything differs.
    """
    found = list(
        differences(
            standards.documents(read_chunks(before)), standards.documents(read_chunks(after))
        )
    )
    if as_json_object:
        print_json({"differences": [asdict(one) for one in found]})
    else:
        for one in found:
            _print_difference(one)
        stdout.print(f"{len(found)} differences" if found else "no difference")
    if found:
        raise typer.Exit(EXIT_FINDINGS)


def split(
    file: File,
    into: Annotated[Path, typer.Option(help="The folder for the files; it is made.")],
    as_json_object: AsJson = False,
) -> None:
    """Write each set of a file into a file of its own, under the headers it came with.

    They are named by their place, kind and number. A file that is there already is not written
    over.
    """
    written: list[str] = []
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"{into} cannot be made: {error.strerror}", where=str(into)) from None
    for place, document in enumerate(standards.documents(read_chunks(file)), 1):
        name = f"{place:05}-{_safe(document.kind)}-{_safe(document.number)}.edi"
        target = into / name
        if target.exists():
            raise Invalid(
                f"{target} is there already", where=str(target), hint="name another folder"
            )
        write_bytes(target, b"".join(standards.composed([document])))
        written.append(name)
    if as_json_object:
        print_json({"folder": str(into), "files": written})
    else:
        lines_to().print(f"{len(written)} files in {into}", soft_wrap=True)


def mask(
    file: File,
    key: Annotated[
        str, typer.Option(help="The same key masks the same text the same way; else a new one.")
    ] = "",
    as_json_object: AsJson = False,
) -> None:
    """Write a file whose names, addresses, numbers, prices and texts nobody recognises.

    Lengths, codes, units, dates, quantities and check digits stay right, so that it is as right or
    as wrong as it was. Totals of amounts do not follow from the lines any more.
    """
    by = Mask(key.encode() or secrets.token_bytes(32))
    found = (
        masked(document, standards.known_of(document), by)
        for document in standards.documents(read_chunks(file))
    )
    _put(standards.composed(found), as_json=as_json_object)


def _put(pieces: Iterable[bytes], *, as_json: bool) -> None:
    if as_json:
        print_json({"file": b"".join(pieces).decode("utf-8", "replace")})
        return
    for piece in pieces:
        sys.stdout.buffer.write(piece)  # the bytes as they are, in no encoding of the terminal


def _lines(file: Path) -> Iterator[bytes]:
    """Read lines of a file of any size. Raises `Invalid` for one that is too long."""
    rest = b""
    for chunk in read_chunks(file):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (one for one in whole if one.strip())
        if len(rest) > LINE_MAX:
            raise Invalid(
                f"a line of more than {LINE_MAX >> 20} MiB is no document", where=str(file)
            )
    if rest.strip():
        yield rest


def _document(number: int, line: bytes) -> Document:
    try:
        return from_json(msgspec.json.decode(line, type=dict[str, Any]))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(
            f"line {number} is no JSON object: {error}",
            where=f"line {number}",
            hint="write one document a line, as `crossdock edi parse` does",
        ) from None
    except Invalid as error:
        raise Invalid(
            f"line {number}: {error}", where=f"line {number} {error.where}", hint=error.hint
        ) from None


def _print(lines: Iterable[Line], *, faults: bool) -> None:
    """Print lines; with `faults` those before which nothing is said are left out."""
    out = lines_to()
    held: Line | None = None
    for at, line in enumerate(lines):
        if line.finding is None and faults and at:
            if line.text.startswith("       |") and held is not None:
                out.print(Text(held.text), soft_wrap=True)
                held = None
            else:
                held = line
                continue
        style = _STYLES[line.finding.severity] if line.finding else ("bold" if not at else "")
        out.print(Text(line.text, style=style), soft_wrap=True)


def _print_difference(one: Difference) -> None:
    out = lines_to()
    where = f"{one.kind} {one.number}, segment {one.position}"
    numbers = ", ".join(f"{_tag(one)}{at:02}" for at in one.elements)
    out.print(f"{where}{': ' if numbers else ''}{numbers}", soft_wrap=True)
    if one.before is not None:
        out.print(Text(f"  - {_shown(one.before)}", style="red"), soft_wrap=True)
    if one.after is not None:
        out.print(Text(f"  + {_shown(one.after)}", style="green"), soft_wrap=True)


def _tag(one: Difference) -> str:
    return str((one.before or one.after or ("",))[0])


def _shown(segment: tuple[Any, ...]) -> str:
    return "*".join(one if isinstance(one, str) else ":".join(map(str, one)) for one in segment)


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text)[:_NAME_MAX].strip(".") or "_"
