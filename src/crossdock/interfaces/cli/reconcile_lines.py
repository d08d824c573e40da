"""What `crossdock reconcile run --kind orders` compares: lines out of a file, or as asked."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import (
    Kind,
    OpenAsked,
    OpenDump,
    OpenSaid,
    Spelled,
    instant_of,
)
from crossdock.interfaces.cli.reconcile_said import check_source

BY = "command line"
KindOf = Annotated[
    Kind,
    typer.Option(
        help="What it is of: stock; open lines of orders or purchases; what was invoiced or"
        " delivered of what was shipped; what suppliers invoiced of what was received; what"
        " invoices and suppliers' invoices say of prices that were agreed."
    ),
]


def lines_asked(kind: Kind, against: str, source: str, as_of: str, *, full: bool) -> OpenAsked:
    """Ask for the comparison of a file of open lines, or of what a connection is asked for."""
    if kind is Kind.PUBLISHED:
        raise Invalid(
            "what is published is read back from its channel",
            where="--kind",
            hint="crossdock reconcile sample CONNECTION LOCATION",
        )
    path = Path(against)
    if not path.exists():
        check_source(against, [source, as_of, full])
        return OpenAsked(kind=kind, against=against, by=BY)
    if not source:
        raise Invalid("whose dump is it?", where="--source", hint="such as --source erp")
    when = instant_of(as_of, "--as-of") if as_of else None
    said = _said_in(path, when, kind, is_full=full)
    return OpenAsked(kind=kind, against=source, by=BY, said=said)


def check_of_stock(said: Mapping[str, object]) -> None:
    """Refuse options that say something of stock alone."""
    for option, value in said.items():
        if value:
            raise Invalid(
                f"{option} is of stock, and these are open lines",
                where=option,
                hint="leave it out, or say --kind stock",
            )


def lines_between(
    kind: Kind,
    sides: tuple[str, str],
    instants: Mapping[str, str],
    lag_minutes: int | None,
    *,
    full: bool,
) -> OpenAsked:
    """Ask for the comparison of two systems: each NAME=FILE, or the name of who is asked now."""
    (first, first_said), (against, said) = (
        _side(side, kind, instants, is_full=full) for side in sides
    )
    return OpenAsked(
        kind=kind,
        first=first,
        first_said=first_said,
        against=against,
        said=said,
        by=BY,
        lag_minutes=lag_minutes,
    )


def _side(
    side: str, kind: Kind, instants: Mapping[str, str], *, is_full: bool
) -> tuple[str, Callable[[Spelled], OpenSaid] | None]:
    name, equals, file = side.partition("=")
    if not equals:
        return name, None
    when = instant_of(instants[name], "--as-of") if name in instants else None
    return name, _said_in(Path(file), when, kind, is_full=is_full)


def _said_in(
    path: Path, as_of: int | None, kind: Kind, *, is_full: bool
) -> Callable[[Spelled], OpenSaid]:
    def read(spelled: Spelled) -> OpenSaid:
        return OpenSaid(rows=OpenDump(path, as_of, spelled, kind).rows(), is_full=is_full)

    return read
