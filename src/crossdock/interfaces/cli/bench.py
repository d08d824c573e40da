"""`crossdock bench`: measurements, side by side."""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import run
from crossdock.interfaces.cli.output import AsJson, print_json, stderr, stdout

app = typer.Typer(add_completion=False)

NAMES = (
    *("reservations", "propagation", "growth", "processes", "explain", "atp", "reconcile"),
    *("peers", "newcomer", "edi"),
)

OF_SHOPS = "propagation"


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}, or all.")],
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds, sides interleaved.")] = 5,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller sizes, to try it out.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Of propagation: how many workers deliver.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=1000, help="Of propagation: calls a second to the shop."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure and print goals with their figures; exit code 1 if a goal is missed.

    The measurements live beside the source: run this from a clone of the repository. `all` with
    --json prints a list, when the last has ended.
    """
    more = {key: said for key, said in (("workers", workers), ("rate", rate)) if said is not None}
    if more and name != OF_SHOPS:
        raise Invalid(f"--workers and --rate are for `bench {OF_SHOPS}` alone", where="name")
    reports: list[Any] = []
    for one in NAMES if name == "all" else (name,):
        reports.append(run(_measurement(one).run(rounds=rounds, quick=quick, **more)))
        if not as_json:
            stdout.print(reports[-1].as_text(), soft_wrap=True, markup=False)
    if as_json:
        objects = [report.as_object() for report in reports]
        print_json(objects if name == "all" else objects[0])
    if not all(report.holds for report in reports):
        stderr.print("a goal was missed")
        raise typer.Exit(EXIT_FINDINGS)


def _measurement(name: str) -> Any:
    if name not in NAMES:
        raise NotFound(f"no benchmark is called {name!r}", hint=f"one of {', '.join(NAMES)}")
    clone = str(Path.cwd())
    if clone not in sys.path:  # the installed command does not look where it is called
        sys.path.insert(0, clone)
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        if error.name not in {"benchmarks", f"benchmarks.{name}"}:
            raise
        raise NotFound(
            f"benchmarks/{name}.py is not here", hint="run it in a clone of the repository"
        ) from None
