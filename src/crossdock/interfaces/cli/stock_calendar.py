"""`crossdock stock calendar`: when a location works."""

from typing import Annotated, Any

import typer

from crossdock.assembly import Hub
from crossdock.capabilities.supply import PlacedRule
from crossdock.interfaces.api.calendars import CalendarPut, calendar_shown
from crossdock.interfaces.api.rules_said import place_said
from crossdock.interfaces.api.sourcing_shapes import said_as
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout
from crossdock.interfaces.cli.stock_atp import ACTOR, RuleAt


def calendar(
    location: RuleAt,
    weekdays: Annotated[
        str | None, typer.Option(help="Working days: 12345 is Monday to Friday.")
    ] = None,
    cutoff: Annotated[
        str | None, typer.Option(help='Local time at which today is over: 15:30; "" is none.')
    ] = None,
    hours: Annotated[
        str | None,
        typer.Option(help='Hours of a working day, local: 08:00-17:00; "" is around the clock.'),
    ] = None,
    holiday: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATE", help='All of them, each with this option; "" takes them back.'
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show when a location works, or say it: what is left out stays as it is.

    The same calendar holds for answers by date and for the plans of `crossdock source`. Where
    hours are said, deadlines of cases about the location run in them.
    """
    days = [one for one in holiday if one] if holiday else None
    options: dict[str, Any] = {
        "weekdays": weekdays,
        "cutoff": cutoff,
        "hours": hours,
        "holidays": days,
    }
    said = {name: value for name, value in options.items() if value is not None}
    new = said_as(CalendarPut, said)

    async def asked(hub: Hub) -> None:
        if said:
            placed = await place_said(hub.catalog, hub.scope, PlacedRule(location=location))
            await hub.supply.calendars.put(hub.scope, placed.location, new.said(), by=ACTOR)
        shown = await calendar_shown(hub, hub.scope, location)
        if as_json:
            print_json(shown)
            return
        closed = ", ".join(map(str, shown.holidays)) or "none"
        stdout.print(
            f"{shown.location}: works on {shown.weekdays}, cut-off {shown.cutoff or 'none'},"
            f" hours {shown.hours or 'not said'}, holidays {closed}",
            markup=False,
        )

    with_hub(asked)


def add_to(app: typer.Typer) -> None:
    """Hang this command under `crossdock stock`."""
    app.command()(calendar)
