"""`crossdock stock supply`, `kits`, `lots`, `weights`: what answers by date are made from."""

from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.supply import LINES_LEAST
from crossdock.interfaces.api.known_supply import (
    KitShown,
    commitments_shown,
    fill_shown,
    kit_shown,
    lot_shown,
    weight_shown,
)
from crossdock.interfaces.api.stock_shapes import AmountShown
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

PAGE = "docs/how-to/promise-by-date.md"
OfItem = Annotated[str, typer.Option(help="Of this item alone.")]
AfterItem = Annotated[str, typer.Option(metavar="ITEM", help="The last one of the page before.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Lines listed, at most.")]


def supply(
    item: OfItem = "",
    location: Annotated[str, typer.Option(help="To this location alone.")] = "",
    closed: Annotated[
        bool, typer.Option("--closed", help="Also what has nothing to come any more.")
    ] = False,
    after: Annotated[
        str, typer.Option(metavar="SUPPLY", help="The last one of the page before.")
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List what is still to come, by the name of the supply."""

    async def listed(hub: Hub) -> None:
        found = await hub.supply.known.commitments(
            hub.scope,
            item=normalised(item),
            location=normalised(location),
            with_closed=closed,
            after=after,
            limit=limit,
        )
        shown = await commitments_shown(hub, hub.scope, found)
        if as_json:
            print_json(shown)
            return
        table(
            ("supply", "item", "location", "open", "expected", "evidence", "source"),
            [
                (
                    *(one.supply_id, one.item, one.location, _said(one.open), _day(one.eta)),
                    *(one.evidence, one.source),
                )
                for one in shown.supply
            ],
            empty=f"nothing is to come ({PAGE})",
        )

    with_hub(listed)


def fill(
    supplier: Annotated[str, typer.Argument(help="A supplier, as his lines name him.")],
    as_json: AsJson = False,
) -> None:
    """Show how much of what a supplier acknowledges comes, by his last lines.

    A rule whose class C goes by it (`by_supplier`) counts so much of what he acknowledges.
    """

    async def asked(hub: Hub) -> None:
        shown = fill_shown(*await hub.supply.fills.of(hub.scope, supplier))
        if as_json:
            print_json(shown)
            return
        table(
            (
                *("supply", "item", "location", "acknowledged", "cancelled", "received"),
                *("percent", "ended"),
            ),
            [
                (
                    *(one.supply_id, one.item, one.location, one.acknowledged),
                    *(one.cancelled, one.received),
                    *(str(one.percent), f"{one.ended_at:%Y-%m-%d}"),
                )
                for one in shown.lines
            ],
            empty=f"no line of {shown.supplier} ended lately ({PAGE})",
        )
        if shown.lines:
            goes = "rules go by it" if shown.is_enough else f"rules need {LINES_LEAST}"
            count = "1 line" if len(shown.lines) == 1 else f"{len(shown.lines)} lines"
            of = f"P10 of {count}, {goes}"
            stdout.print(f"{shown.supplier}: {shown.percent} % ({of})", markup=False)

    with_hub(asked)


def kits(
    item: OfItem = "", after: AfterItem = "", limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List what kits are put together from."""

    async def listed(hub: Hub) -> None:
        found = await hub.supply.known.kits(
            hub.scope, item=normalised(item), after=normalised(after), limit=limit
        )
        shown = [kit_shown(one) for one in found]
        if as_json:
            print_json({"kits": shown})
            return
        table(
            ("kit", "one takes", "source"),
            [(one.item, _takes(one), one.source) for one in shown],
            empty=f"nothing is a kit ({PAGE})",
        )

    with_hub(listed)


def lots(
    item: OfItem = "",
    after: AfterItem = "",
    after_lot: Annotated[
        str, typer.Option(metavar="LOT", help="The lot of the last one of the page before.")
    ] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List until when lots keep, as far as anybody said."""

    async def listed(hub: Hub) -> None:
        behind = (normalised(after), after_lot)
        found = await hub.supply.known.lots(
            hub.scope, item=normalised(item), after=behind, limit=limit
        )
        shown = [lot_shown(one) for one in found]
        if as_json:
            print_json({"lots": shown})
            return
        table(
            ("item", "lot", "last day", "source"),
            [(one.item, one.lot, _day(one.expires_on), one.source) for one in shown],
            empty=f"nobody said until when a lot keeps ({PAGE})",
        )

    with_hub(listed)


def weights(
    item: OfItem = "", after: AfterItem = "", limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List what pieces weigh of items that are sold by piece and invoiced by weight."""

    async def listed(hub: Hub) -> None:
        found = await hub.supply.known.weights(
            hub.scope, item=normalised(item), after=normalised(after), limit=limit
        )
        shown = [weight_shown(one) for one in found]
        if as_json:
            print_json({"catch_weights": shown})
            return
        table(
            ("item", "one weighs", "less", "more", "source"),
            [
                (
                    *(one.item, _said(one.nominal)),
                    *(f"{one.low_percent} %", f"{one.high_percent} %", one.source),
                )
                for one in shown
            ],
            empty=f"nothing is sold by weight ({PAGE})",
        )

    with_hub(listed)


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `crossdock stock`."""
    for command in (supply, fill, kits, lots, weights):
        app.command()(command)


def _takes(kit: KitShown) -> str:
    return ", ".join(f"{_said(part.quantity)} of {part.item}" for part in kit.components)


def _said(shown: AmountShown) -> str:
    return f"{shown.value} {shown.unit}"


def _day(day: object) -> str:
    return str(day) if day else ""
