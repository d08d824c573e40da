"""`crossdock serve`: the API, and worker processes beside it, until interrupted."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from crossdock.assembly import Hub
from crossdock.foundation import telemetry
from crossdock.interfaces.api import create_app
from crossdock.interfaces.cli.crew import crew
from crossdock.interfaces.cli.http_server import serving
from crossdock.interfaces.cli.hub import read_settings, run, warn_of_unknown_settings
from crossdock.interfaces.cli.output import AsJson, print_json, stderr

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    workers: Annotated[
        int,
        typer.Option(min=0, max=64, help="Worker processes beside the API; 0: none of its own."),
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Run the hub: the API here; readers, processes and deliveries in worker processes."""
    run(_served(workers, as_json=as_json))


async def _served(workers: int, *, as_json: bool) -> None:
    settings = read_settings()
    telemetry.configure(settings)
    warn_of_unknown_settings()
    async with telemetry.traces(settings), Hub.open(settings) as hub:
        owner_key = await hub.access.ensure_owner_key(settings.data_dir, settings.tenant)
        async with (
            crew(workers) as names,
            serving(create_app(hub, names), host=settings.host, port=settings.port) as address,
        ):
            if as_json:
                print_json({"address": address, "owner_key": owner_key})
            else:
                stderr.print(f"[green]✓[/] serving {address}  (Ctrl-C ends it)")
                if owner_key:
                    stderr.print(
                        f"  owner key, shown this once: [bold]{owner_key}[/]", soft_wrap=True
                    )
            await until_told(hub.attend(), asyncio.Event())


async def until_told(working: Coroutine[Any, Any, None], told: asyncio.Event) -> None:
    """Work until `told`, SIGINT or SIGTERM; then let what is under way finish."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    work = asyncio.create_task(working)
    ended = asyncio.create_task(told.wait())
    await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if work.done():
        work.result()
    work.cancel()
    await asyncio.gather(work, ended, return_exceptions=True)
