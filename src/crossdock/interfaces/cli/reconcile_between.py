"""`crossdock reconcile between`: two other systems compared with each other."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import (
    Asked,
    Kind,
    Reading,
    Run,
    Said,
    Spelled,
    instant_of,
)
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json
from crossdock.interfaces.cli.reconcile_lines import BY, check_of_stock, lines_between
from crossdock.interfaces.cli.reconcile_said import Lag, groups, print_run, said_in_files

SIDE = (
    "A dump of its stock or open lines, as wms=wms.csv; or the name alone of a source that told"
    " the hub of its stock, or of a connection that lists its open lines."
)
KINDS = "What it is of: stock, or open lines of orders or purchases."


Logs = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FILE", help="CSV file of the documents that it has posted; repeatable."
    ),
]
AskAt = Annotated[
    str,
    typer.Option(
        metavar="LOCATION", help="Ask now what lies there, of whoever is named without a file."
    ),
]
Items = Annotated[
    list[str] | None, typer.Option(help="An item to ask for; repeatable, with --ask.")
]


def between(
    first: Annotated[str, typer.Argument(metavar="NAME[=FILE]", help=SIDE)],
    second: Annotated[str, typer.Argument(metavar="NAME[=FILE]", help="The other one, likewise.")],
    kind: Annotated[Kind, typer.Option(help=KINDS)] = Kind.STOCK,
    log: Logs = None,
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=INSTANT",
            help="When its extraction began, for rows that do not say as of when; repeatable.",
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="What either leaves out of a location is zero there.")
    ] = False,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=STATUS+STATUS", help="What a word for a status holds; repeatable."
        ),
    ] = None,
    ask: AskAt = "",
    item: Items = None,
    lag: Lag = None,
    as_json: AsJson = False,
) -> None:
    """Compare two other systems with each other; exit code 1 if a snapshot is not believed.

    Both are brought to one instant by their logs. Findings name both: `ours` is the first's
    number, `theirs` the second's. Nothing is adjusted anywhere.
    """
    names = [one.partition("=")[0] for one in (first, second)]
    logs, instants = _by_name(log, names, "--log"), _by_name(as_of, names, "--as-of")
    if kind is not Kind.STOCK:
        check_of_stock({"--log": log, "--status": status, "--ask": ask, "--item": item})
        lines = lines_between(kind, (first, second), instants, lag, full=full)
        done = with_hub(lambda hub: hub.open_lines.compare(hub.scope, lines))
    else:
        words = groups(status or [])
        said = [_said(side, logs, instants, words, is_full=full) for side in (first, second)]
        asked = Asked(
            system=names[0],
            first=said[0],
            against=names[1],
            said=said[1],
            by=BY,
            lag_minutes=lag,
        )
        done = with_hub(partial(_compared, asked, ask, item))
    print_json(done) if as_json else print_run(done)
    if done.verdict == "REJECTED":
        raise typer.Exit(EXIT_FINDINGS)


async def _compared(asked: Asked, ask: str, items: list[str] | None, hub: Hub) -> Run:
    """Compare stock; who is named without a dump is asked, where that is said."""
    if bool(ask) != bool(items):
        raise Invalid("say where to ask and for which items", where="--ask", hint="--item ITEM")
    if ask and items:
        asked = await hub.stock_sampler.filled_in(hub.scope, asked, ask, items)
    return await hub.reconciliation.compare(hub.scope, asked)


def _said(
    side: str,
    logs: Mapping[str, str],
    instants: Mapping[str, str],
    words: Mapping[str, str],
    *,
    is_full: bool,
) -> Callable[[Spelled], Said] | None:
    """Take one side from its files; None is what it told the hub."""
    name, equals, file = side.partition("=")
    if not equals:
        return None
    when = instant_of(instants[name], "--as-of") if name in instants else None
    log = Path(logs[name]) if name in logs else None
    return said_in_files(Path(file), log, Reading(as_of=when, groups=words), is_full=is_full)


def _by_name(words: list[str] | None, names: list[str], where: str) -> dict[str, str]:
    """Read `NAME=VALUE`, repeated, of one of the two."""
    found: dict[str, str] = {}
    for word in words or []:
        name, equals, value = word.partition("=")
        if not equals or name not in names:
            raise Invalid(
                f"{word[:40]!r} does not begin with one of the two names",
                where=where,
                hint=f"as in {names[0]}=...",
            )
        found[name] = value
    return found
