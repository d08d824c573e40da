"""`crossdock worker`: everything but the API, for more processes on one database."""

import asyncio
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.foundation import telemetry
from crossdock.interfaces.cli.crew import until_abandoned
from crossdock.interfaces.cli.hub import read_settings, run, warn_of_unknown_settings
from crossdock.interfaces.cli.output import AsJson, print_json, stderr
from crossdock.interfaces.cli.serve import until_told

app = typer.Typer(add_completion=False)


@app.command()
def worker(
    beside: Annotated[
        bool, typer.Option("--beside", hidden=True, help="End when standard input does.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run readers, processes and deliveries without the API."""
    run(_worked(beside=beside, as_json=as_json))


async def _worked(*, beside: bool, as_json: bool) -> None:
    settings = read_settings()
    telemetry.configure(settings)
    told = asyncio.Event()
    warn_of_unknown_settings()
    async with telemetry.traces(settings), Hub.open(settings) as hub:
        if beside:
            await until_abandoned(told)
        elif as_json:
            print_json({"worker": hub.worker})
        else:
            stderr.print(f"[green]✓[/] worker {hub.worker} at work  (Ctrl-C ends it)")
        await until_told(hub.work(), told)
