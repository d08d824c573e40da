"""`crossdock edi receive` and its like: interchanges taken in and kept by a hub.

What they do is loaded when one of them is run: checking a file takes no hub, nor its time.
"""

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock.canonical.partners import Direction
from crossdock.interfaces.cli.output import AsJson

Files = Annotated[list[Path], typer.Argument(help="Files, or - for standard input.")]
By = Annotated[str, typer.Option(help="Who hands it in; kept on record.")]
BY = "command-line"
Interchange = Annotated[str, typer.Argument(metavar="INTERCHANGE", help="Its id (ixc_…).")]


class StateAsked(StrEnum):
    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    QUARANTINED = "QUARANTINED"
    WRITTEN = "WRITTEN"
    SENT = "SENT"


def receive(files: Files, by: By = BY, as_json: AsJson = False) -> None:
    """Take in files of X12 or EDIFACT: each interchange once, however often it is handed in.

    The bytes are kept, the partner is found by his identities, documents are counted and answered.
    The exit code is 1 where anything is refused or set aside.
    """
    _exchange().taken(files, by, Direction.IN, as_json=as_json)


def sent(files: Files, by: By = BY, as_json: AsJson = False) -> None:
    """Keep files that were sent to partners, and wait for what acknowledges them.

    How long is waited for what, `crossdock partner agree` says.
    """
    _exchange().taken(files, by, Direction.OUT, as_json=as_json)


def interchanges(
    direction: Annotated[Direction | None, typer.Option(help="Only IN or OUT.")] = None,
    state: Annotated[StateAsked | None, typer.Option(help="Only in this state.")] = None,
    partner: Annotated[str, typer.Option(help="Only of this one, by id or name.")] = "",
    control: Annotated[str, typer.Option(help="Only of this control number.")] = "",
    document: Annotated[str, typer.Option(help="Only with such a set: 850, ORDERS.")] = "",
    after: Annotated[str, typer.Option(help="Go on behind this interchange.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List interchanges that came or went, the newest first."""
    wanted = {
        "direction": direction or "",
        "state": state or "",
        "partner": partner,
        "control": control,
        "document": document,
    }
    _exchange().listed(wanted, after, limit, as_json=as_json)


def interchange(
    name: Interchange,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the very bytes to standard output.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show an interchange: its documents, what was found, what answers it; or its bytes."""
    _exchange().shown(name, raw=raw, as_json=as_json)


def replay(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[INTERCHANGE]...", help="None: all that are set aside."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take in what was set aside, as the partners are known now; exit code 1 if some stay."""
    _exchange().replayed(names or [], as_json=as_json)


def gaps(as_json: AsJson = False) -> None:
    """List control numbers that are missing among those that came."""
    _exchange().missing(as_json=as_json)


def _exchange() -> Any:
    return importlib.import_module("crossdock.interfaces.cli.edi_exchange")
