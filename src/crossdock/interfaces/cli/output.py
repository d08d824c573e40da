"""Answers on stdout, as a table for people or one JSON object for machines; errors on stderr."""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Annotated, Any

import msgspec
import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from crossdock.canonical.errors import CrossdockError, Invalid
from crossdock.foundation.terminal import tame

_STEERING = re.compile("[\x7f-\x9f]")
"""What steers some terminals and stands in JSON as it is; what is below a space does not."""

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


class _Tame(Console):
    """Lets no key, name or message that came from outside steer the terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for one in super().render(renderable, options):
            yield one if one.control else one._replace(text=tame(one.text))


stdout = _Tame(highlight=False)
stderr = _Tame(stderr=True, highlight=False)

_unwrapped = _Tame(highlight=False, width=10_000)
_GAP, _ROOM_MIN = 1, 20


def lines_to() -> Console:
    """Give where lines go: a terminal has a width, and whoever reads a pipe wants them whole."""
    return stdout if stdout.is_terminal else _unwrapped


def print_json(value: Any) -> None:
    """Write one line of JSON; decimals as strings, times as RFC 3339."""
    text = msgspec.json.encode(value, enc_hook=_plain).decode()
    sys.stdout.write(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> object:
    """Give what JSON has no word for in words that it has; a type that nobody named is a fault."""
    if hasattr(value, "model_dump"):  # of pydantic, which not every command has to load
        found: object = value.model_dump(mode="json")
        return found
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON: say what it is written as")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings, or the sentence that says that there are none."""
    listed = list(rows)
    if not listed:
        stdout.print(Text(empty, style="dim"))
        return
    cells = [["" if cell is None else str(cell) for cell in row] for row in listed]
    where = lines_to()
    if not _fits(headings, cells, where.width):
        _print_blocks(headings, cells)
        return
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for number, heading in enumerate(headings):
        # The first column is what other commands are given: it must stay in one piece.
        drawn.add_column(heading, overflow="fold", no_wrap=number == 0)
    for row in cells:
        drawn.add_row(*map(Text, row))
    where.print(drawn)


def _fits(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> bool:
    """Say whether columns stay readable: the widest alone is folded, not to a few letters."""
    columns = zip(headings, *rows, strict=True)
    widths = sorted(max(map(cell_len, column)) + _GAP for column in columns)
    return sum(widths[:-1]) + min(widths[-1], _ROOM_MIN) <= width


def _print_blocks(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print each row as a block of its own, a line for each cell that says something."""
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for number, row in enumerate(rows):
        if number:
            drawn.add_row("", "")
        for heading, cell in zip(headings, row, strict=True):
            if cell:
                drawn.add_row(Text(heading, style="bold"), Text(cell))
    stdout.print(drawn)


def error_object(error: CrossdockError) -> dict[str, str]:
    """Give an error as machines read it, the same as the API's problem body."""
    where = error.where if isinstance(error, Invalid) else ""
    return {"error": error.code, "message": error.message, "where": where, "hint": error.hint}


def print_error(error: CrossdockError, *, as_json: bool) -> None:
    """Say what is wrong, where, and what to do."""
    said = error_object(error)
    if as_json:
        print_json(said)
        return
    body = Text(error.message)
    if where := said["where"]:
        body.append(f"\n\nwhere  {where}", style="dim")
    if error.hint:
        body.append(f"\n\nfix    {error.hint}", style="cyan")
    stderr.print(
        Panel(body, title=error.code, title_align="left", border_style="red", expand=False)
    )
