"""What another system says, as the command line takes it: files, words for statuses, runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import (
    LABELS,
    Dump,
    LogDump,
    Reading,
    Run,
    Said,
    Spelled,
    first_of,
    groups_of,
)
from crossdock.interfaces.cli.output import stdout
from crossdock.interfaces.cli.reconcile_shown import money_lines

Lag = Annotated[
    int | None, typer.Option(min=0, help="Minutes it may take to book what moves; 15 by default.")
]


def said_in_files(
    stock: Path, log: Path | None, reading: Reading, *, is_full: bool
) -> Callable[[Spelled], Said]:
    """Take what a system says from files, when it is known how its names are spelled."""

    def read(spelled: Spelled) -> Said:
        dump = Dump(stock, reading, spelled)
        return Said(
            lines=dump.lines(),
            parts=dump.parts,
            groups=reading.groups,
            log=LogDump(log, spelled).lines() if log else None,
            is_full=is_full,
        )

    return read


def check_source(against: str, said: list[object]) -> None:
    if any(said) or Path(against).suffix:
        raise Invalid(
            f"there is no file {against}",
            where="--against",
            hint="of a source that told the hub itself, give its name alone",
        )


def groups(words: list[str]) -> dict[str, str]:
    """Read `NAME=STATUS+STATUS`, repeated."""
    said: dict[str, list[str]] = {}
    for word in words:
        name, equals, statuses = word.partition("=")
        if not name.strip() or not equals or not statuses.strip():
            raise Invalid(
                f"{word[:40]!r} is no status",
                where="--status",
                hint="as in UNAVAILABLE=DAMAGED+QC_HOLD+RECEIVING",
            )
        said[name] = statuses.split("+")
    return groups_of(said)


def print_run(one: Run) -> None:
    """Say in two lines what came of a comparison."""
    if one.verdict == "REJECTED":
        stdout.print(f"{one.run_id} rejected: {escape(one.reason)}; nothing was compared")
        return
    name = first_of(one.system)
    first = f" lines of {LABELS[one.kind]}" if one.kind in LABELS else ""
    first += f" of {escape(name)}" if name else ""
    stdout.print(
        f"{one.run_id} compared {one.compared}{first} with {escape(one.against)}:"
        f" {one.alike} alike, {one.explained} explained, {one.tolerated} within tolerance,"
        f" {one.suspected} suspected, {one.confirmed} confirmed, {one.gone} gone",
        soft_wrap=True,
    )
    if one.value_at_risk is not None or one.other_values:
        stdout.print(f"  at risk  {'; '.join(money_lines(one))}", markup=False)
    if one.unknown_names:
        stdout.print(f"  nobody knows {escape(', '.join(one.unknown_names))}", soft_wrap=True)
