"""`crossdock stock holds`: whose reservations hold an item."""

from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.capabilities.catalog import normalised
from crossdock.interfaces.api.positions import HoldShown, holds_of
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table


def holds(
    item: Annotated[
        str, typer.Argument(parser=normalised, metavar="ITEM", help="The hub's item id.")
    ],
    location: Annotated[
        str,
        typer.Argument(
            parser=normalised, metavar="LOCATION", help="Location, or group; everywhere without."
        ),
    ] = "",
    after: Annotated[
        str, typer.Option(metavar="HOLD", help="The last one of the page before (rsv_…/1).")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Lines listed, at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the reservations that hold an item now, the oldest first."""

    async def listed(hub: Hub) -> None:
        shown = await holds_of(hub, hub.scope, (item, location), (after, limit))
        if as_json:
            print_json({"holds": shown})
            return
        table(
            ("hold", "for", "location", "held", "since", "until"),
            [
                (
                    one.hold_id,
                    _for(one),
                    one.location,
                    f"{one.held.value} {one.held.unit}",
                    f"{one.created_at:%Y-%m-%d %H:%M}",
                    f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else "released",
                )
                for one in shown
            ],
            empty=f"no reservation holds {item}",
        )
        stdout.print("what open order lines claim: crossdock allocation lines ITEM LOCATION")

    with_hub(listed)


def _for(one: HoldShown) -> str:
    """Name the order line, or who asked without one."""
    return one.demand_ref or f"{one.client}: {one.request_id}"


def add_to(app: typer.Typer) -> None:
    """Hang this command under `crossdock stock`."""
    app.command()(holds)
