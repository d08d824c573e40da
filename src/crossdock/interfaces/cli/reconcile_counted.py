"""`crossdock reconcile counts`, `accuracy`, `approve-count`, `reject-count`: what was counted."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import (
    Accuracy,
    CountApproval,
    CountShown,
    CountsWanted,
    Matter,
)
from crossdock.interfaces.api.accuracy_chart import drawn
from crossdock.interfaces.cli.files import write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
Location = Annotated[str, typer.Option(help="Only at this location.")]
Counted = Annotated[str, typer.Argument(metavar="COUNT", help="Count, ctd_…")]
Because = Annotated[str, typer.Option(help="Why; it stays on record.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day, in UTC.")]
By = Annotated[
    str, typer.Option(help="Who decides; it stays on record, and may not be who has counted.")
]


def counts(
    *,
    location: Location = "",
    item: Annotated[str, typer.Option(help="Only of this item.")] = "",
    matter: Annotated[
        Matter | None, typer.Option(help="Only those of which this came: DIFFERED, RECOUNT, …")
    ] = None,
    approval: Annotated[
        CountApproval | None,
        typer.Option(help="Only those above the cap: WAITING, APPROVED, REFUSED."),
    ] = None,
    after: Annotated[str, typer.Option(metavar="COUNT", help="Behind this count, ctd_…")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List what counts found beside the book of their instant, the newest heard first."""
    wanted = CountsWanted(location, item, matter or "", approval or "", after)

    async def listed(hub: Hub) -> None:
        found = await hub.counts.listed(hub.scope, wanted, limit=limit)
        if as_json:
            print_json(found)
            return
        table(
            (
                "count",
                "item",
                "location",
                "book",
                "counted",
                "off",
                "by",
                "came of it",
                "approval",
            ),
            [
                (
                    one.counted_id,
                    one.item,
                    one.location,
                    str(one.book),
                    str(one.counted),
                    plain(one.difference.value),
                    one.counted_by,
                    one.matter,
                    one.approval,
                )
                for one in found
            ],
            empty="nothing was counted",
        )

    with_hub(listed)


def accuracy(
    *,
    since: Day = None,
    until: Day = None,
    location: Location = "",
    chart: Annotated[Path | None, typer.Option(help="Draw it into this SVG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how right stock records were, by what was counted; without days, of the last 30.

    All three figures say something else: keys within tolerance of their class, the net variance
    (in which a gain hides a loss), and the share of units that were where the book said. Pieces
    and kilograms are never added: where both were counted, only the rows of one unit have amounts.
    """

    async def shown(hub: Hub) -> None:
        found = await hub.counts.accuracy(
            hub.scope, since=_utc(since), until=_utc(until), location=location
        )
        if chart is not None:
            write_text(chart, drawn(found))
        if as_json:
            print_json(found)
            return
        table(
            ("of", "counted", "within", "percent", "unit", "net", "net percent", "units right"),
            [
                _row("all", found.total),
                *(_row(f"class {of}", one) for of, one in found.classes.items()),
                *(_row(at, one) for at, one in found.locations.items()),
                *(_row(f"in {unit}", one) for unit, one in found.units.items()),
            ],
            empty="",
        )
        if chart is not None:
            stdout.print(f"drawn: {chart}")

    with_hub(shown)


def approve_count(counted_id: Counted, because: Because, by: By, as_json: AsJson = False) -> None:
    """Approve a count of more money than the cap; `counts --approval WAITING` lists them."""
    _print(
        with_hub(lambda hub: hub.counts.approve(hub.scope, counted_id, because, by=by)), as_json
    )


def reject_count(counted_id: Counted, because: Because, by: By, as_json: AsJson = False) -> None:
    """Refuse a count of more money than the cap, and have it counted again by another person."""
    _print(with_hub(lambda hub: hub.counts.refuse(hub.scope, counted_id, because, by=by)), as_json)


def _print(done: CountShown, as_json: bool) -> None:  # noqa: FBT001 - it is what was asked for
    if as_json:
        print_json(done)
        return
    stdout.print(f"{done.counted_id} is {done.approval.lower()}: {done.because}", markup=False)


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _row(of: str, one: Accuracy) -> tuple[str, ...]:
    return (
        of,
        str(one.counted),
        str(one.within),
        _percent(one.within_percent),
        one.unit,
        "" if one.net_variance is None else plain(one.net_variance),
        _percent(one.net_percent),
        _percent(one.units_percent),
    )


def _percent(share: object) -> str:
    return "" if share is None else f"{share} %"
