"""`crossdock listen`: events forwarded to an address, for trying a receiver out."""

from fnmatch import fnmatch
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from crossdock.assembly import Hub
from crossdock.canonical.envelope import Event
from crossdock.connectivity.transports.http import HttpClient
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout
from crossdock.interfaces.cli.tail import as_object, follow_log

app = typer.Typer(add_completion=False)


@app.command()
def listen(
    forward_to: Annotated[str, typer.Option(help="Address that each event is posted to.")],
    events: Annotated[str, typer.Option(help="Types to forward, with wildcards.")] = "*",
    as_json: AsJson = False,
) -> None:
    """Forward events to an HTTP address as they happen; with --json one answer per line.

    Nothing is repeated: what the address refuses is shown and passed. Private addresses need
    CROSSDOCK_ALLOW_PRIVATE_ADDRESSES=true.
    """
    parts = urlsplit(forward_to)

    async def forward(hub: Hub) -> None:
        async with HttpClient(
            f"{parts.scheme}://{parts.netloc}",
            clock=hub.clock,
            allow_private_addresses=hub.settings.allow_private_addresses,
        ) as client:

            async def post(event: Event) -> None:
                if not fnmatch(event.payload.TYPE, events):
                    return
                response = await client.request(
                    "POST",
                    parts.path or "/",
                    headers={"content-type": "application/json"},
                    body=msgspec.json.encode(as_object(event), enc_hook=str),
                )
                _print(event, response.status, as_json=as_json)

            await follow_log(hub, post, from_start=False)

    with_hub(forward)


def _print(event: Event, status: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"position": event.position, "type": event.payload.TYPE, "status": status})
    else:
        stdout.print(f"{status} [cyan]{event.payload.TYPE}[/] {event.payload.key}")
