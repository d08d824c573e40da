"""`crossdock channel`: what is agreed with each sales channel."""

from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import plain
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.inventory.publishing import WhenStale
from crossdock.interfaces.api import channel_chart
from crossdock.interfaces.api.budget_chart import drawn
from crossdock.interfaces.api.terms_said import items_said, terms_said
from crossdock.interfaces.cli.channel_shown import print_exposure
from crossdock.interfaces.cli.files import read_object, write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.orchestration.processes.availability_exposure import ChannelExposure
from crossdock.orchestration.processes.channel_terms import Channel, ItemTerms
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from crossdock.orchestration.processes.oversell_shown import ChannelBudget

ACTOR = "command-line"

app = typer.Typer(add_completion=False, no_args_is_help=True)

Connection = Annotated[str, typer.Argument(help="The shop's connection.")]
Location = Annotated[str, typer.Argument(help="The hub's name of the shop's own location.")]
OneItem = Annotated[list[str] | None, typer.Option(help="This item alone; repeatable.")]
After = Annotated[str, typer.Option(help="The last item of the page before.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Items at most.")]
Levels = Annotated[
    list[str] | None,
    typer.Option("--level", help="Crossing this amount, up or down, is told at once; repeatable."),
]
Jump = Annotated[
    int | None, typer.Option(min=1, max=100, help="A rise of so many percent is told at once.")
]
Within = Annotated[
    int | None, typer.Option(min=0, help="Seconds in which other changes are told.")
]
Stale = Annotated[
    WhenStale | None,
    typer.Option(
        case_sensitive=False,
        help="While a source is silent: show no more than now (KEEP), that behind a wider"
        " buffer (LOWER, unless said), or nothing (ZERO).",
    ),
]
StaleBuffer = Annotated[
    str | None, typer.Option(help="Held back besides by LOWER; unless said, the buffer again.")
]


@app.command(name="list")
def list_channels(as_json: AsJson = False) -> None:
    """List channels and their terms."""

    async def listed(hub: Hub) -> None:
        channels = await hub.channels.listed(hub.scope)
        if as_json:
            print_json(channels)
            return
        table(
            (
                "connection",
                "location",
                "sells from",
                "share",
                "buffer",
                "oversell",
                "low",
                "within",
                "items",
            ),
            [
                (
                    channel.connection,
                    channel.location,
                    ", ".join(channel.source_locations),
                    channel.share_mode,
                    plain(channel.buffer),
                    _percent(channel.oversell_percent),
                    plain(channel.low_threshold),
                    f"{channel.coalesce_seconds} s" if channel.is_active else "off",
                    len(channel.items) or "",
                )
                for channel in channels
            ],
            empty="no channels yet: `crossdock channel put CONNECTION LOCATION --from LOCATION`",
        )

    with_hub(listed)


@app.command()
def put(
    connection: Connection,
    location: Location,
    source: Annotated[
        list[str] | None,
        typer.Option("--from", help="Location or group whose stock it sells; repeatable."),
    ] = None,
    buffer: Annotated[str | None, typer.Option(help="Never shown, for late news.")] = None,
    low: Annotated[str | None, typer.Option(help="At and below this, told at once.")] = None,
    level: Levels = None,
    jump: Jump = None,
    within: Within = None,
    when_stale: Stale = None,
    stale_buffer: StaleBuffer = None,
    oversell: Annotated[
        str | None,
        typer.Option(help="Percent of stock-outs that may oversell: the buffer is computed."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="JSON file with more terms: fields of a channel.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Agree on terms; they replace the old ones, and every listed item is looked at again."""
    said = {
        "connection": connection,
        "location": location,
        "source_locations": source,
        "buffer": buffer,
        "low_threshold": low,
        "levels": level or None,
        "jump_percent": jump,
        "when_stale": when_stale,
        "stale_buffer": stale_buffer,
        "coalesce_seconds": within,
        "oversell_percent": oversell,
    }
    terms = read_object(file) if file else {}
    channel = _channel(terms | {name: value for name, value in said.items() if value is not None})

    async def asked(hub: Hub) -> None:
        agreed = await terms_said(hub, hub.scope, channel)
        await hub.channels.put(hub.scope, agreed, by=ACTOR)
        if as_json:
            print_json(agreed)
        else:
            sources = ", ".join(agreed.source_locations)
            stdout.print(f"{connection} sells from {sources} at {agreed.location}")

    with_hub(asked)


@app.command()
def end(connection: Connection, location: Location, as_json: AsJson = False) -> None:
    """Sell through a channel no more; it keeps what it shows, and the terms stay on record."""

    async def asked(hub: Hub) -> Channel:
        return await hub.channels.end(hub.scope, connection, normalised(location), by=ACTOR)

    ended = with_hub(asked)
    if as_json:
        print_json(ended)
    else:
        stdout.print(f"{connection} sells no more at {ended.location}")


@app.command()
def show(
    connection: Connection,
    location: Location,
    item: OneItem = None,
    after: After = "",
    limit: Limit = 100,
    chart: Annotated[
        Path | None, typer.Option(help="Draw why it is shown so much of the item, as SVG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a channel shows beside what there is, and whether it is in safe mode."""
    which = _wanted(item, after, limit)
    _check_chart(chart, which)

    async def asked(hub: Hub) -> ChannelExposure:
        exposures = hub.publishing.exposures
        return await exposures.show(hub.scope, connection, normalised(location), which)

    shown = with_hub(asked)
    if chart is not None:
        write_text(chart, channel_chart.drawn(shown, shown.items[0]))
    if as_json:
        print_json(shown)
        return
    print_exposure(shown)
    if chart is not None:
        stdout.print(f"drawn: {chart}")


@app.command()
def budget(
    connection: Connection,
    location: Location,
    item: OneItem = None,
    after: After = "",
    limit: Limit = 100,
    chart: Annotated[
        Path | None, typer.Option(help="Draw the buffer against the delay into this SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a channel holds back so that it seldom oversells, and what that costs."""
    which, place = _wanted(item, after, limit), normalised(location)
    _check_chart(chart, which)

    async def asked(hub: Hub) -> tuple[ChannelBudget, str]:
        budgets = hub.publishing.budgets
        shown = await budgets.show(hub.scope, connection, place, which)
        if chart is None:
            return shown, ""
        return shown, drawn(await budgets.curve(hub.scope, connection, place, which.items[0]))

    shown, picture = with_hub(asked)
    if chart is not None:
        write_text(chart, picture)
    if as_json:
        print_json(shown)
        return
    _print_budget(shown)
    if chart is not None:
        stdout.print(f"drawn: {chart}")


@app.command()
def publish(
    connection: Connection,
    location: Location,
    item: OneItem = None,
    as_json: AsJson = False,
) -> None:
    """Have levels written at once, even such as the channel is believed to hold already."""

    async def asked(hub: Hub) -> int:
        place = normalised(location)
        items = await items_said(hub, hub.scope, connection, item or ())
        return await hub.publishing.requests.publish(hub.scope, connection, place, items)

    listings = with_hub(asked)
    if as_json:
        print_json({"listings": listings})
    else:
        stdout.print(f"{listings} to be written")


def _check_chart(chart: Path | None, which: ItemsWanted) -> None:
    if chart is not None and len(which.items) != 1:
        raise Invalid("a chart is of one item", where="--item", hint="add --item ITEM, once")


def _wanted(items: list[str] | None, after: str, limit: int) -> ItemsWanted:
    named = [normalised(one) for one in items or ()]
    return ItemsWanted(items=named, after=normalised(after), limit=limit)


def _percent(percent: Decimal | None) -> str:
    return "" if percent is None else f"{plain(percent)} %"


def _print_budget(shown: ChannelBudget) -> None:
    stdout.print(
        f"{shown.connection} hears of a change within {plain(shown.publish_seconds)} s"
        f" ({shown.publish_samples} measured); its orders are heard within"
        f" {plain(shown.order_seconds)} s ({shown.order_samples} measured)"
    )
    table(
        ("item", "sells an hour", "unseen", "target", "buffer", "avoids", "every two hours"),
        [
            (
                one.item,
                ", ".join(f"{plain(rate.per_hour)} {rate.seller}" for rate in one.rates),
                plain(one.blind),
                _percent(one.oversell_percent),
                _worth(one.buffer, one.held_money, shown.currency),
                _worth(one.avoided, one.avoided_money, shown.currency),
                _worth(one.batch_buffer, one.batch_money, shown.currency),
            )
            for one in shown.items
        ],
        empty="no item has a target: `crossdock channel put CONNECTION LOCATION --oversell 1`",
    )
    if shown.oversold_percent is not None:
        times = sum(one.sold_out for one in shown.days)
        more = sum(one.oversold for one in shown.days)
        orders = sum(one.orders for one in shown.days)
        stdout.print(
            f"in a week its orders took the last of an item {times} times, and more {more} times"
            f" ({plain(shown.oversold_percent)} %), by {orders} orders beyond supply"
        )


def _worth(units: Decimal, money: Decimal | None, currency: str) -> str:
    return plain(units) if money is None else f"{plain(units)} ({money:f} {currency})"


def _channel(terms: dict[str, Any]) -> Channel:
    _check_names(Channel, terms, "")
    for number, item in enumerate(terms.get("items", [])):
        _check_names(ItemTerms, item, f"/items/{number}")
    if not terms.get("source_locations"):
        raise Invalid("no location to sell from", where="--from", hint="add --from LOCATION")
    try:
        return msgspec.convert(terms, Channel)
    except msgspec.ValidationError as error:
        raise Invalid(f"these are no terms: {error}", where="terms") from None


def _check_names(kind: type[Channel] | type[ItemTerms], terms: dict[str, Any], at: str) -> None:
    known = [field.name for field in fields(kind)]
    for name in terms:
        if name not in known:
            raise Invalid(
                f"no term is called {name!r}",
                where=f"{at}/{name}",
                hint=f"one of {', '.join(known)}",
            )
