"""`crossdock reconcile close-period`: both figures at the end of a period, kept and signed off."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import (
    ClosedPeriod,
    Figure,
    PeriodAsked,
    Reading,
    SignOff,
    instant_of,
)
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.reconcile_said import said_in_files

Name = Annotated[str, typer.Argument(metavar="PERIOD", help="Its name, such as 2026-02.")]
Source = Annotated[str, typer.Option(help="Whose books they are, such as erp.")]
By = Annotated[str, typer.Option(help="Who does it; it stays on record.")]


def close_period(
    period: Name,
    against: Annotated[Path, typer.Option(metavar="FILE", help="The books at its end.")],
    ends_at: Annotated[str, typer.Option(help="Its end, such as 2026-03-01T00:00:00+01:00.")],
    source: Source,
    by: By,
    as_json: AsJson = False,
) -> None:
    """Keep what the hub and the books say lay there at the end of a period.

    The file's first row names its columns, as of a dump of stock: item, location, quantity. What
    it leaves out of a location is zero there. It can be done again until it is signed off.
    """
    until = instant_of(ends_at, "--ends-at")
    if not against.exists():
        raise Invalid(f"there is no file {against}", where="--against")
    asked = PeriodAsked(
        period=period,
        against=source,
        ends_at=_moment(until),
        by=by,
        said=said_in_files(against, None, Reading(as_of=until), is_full=True),
    )
    _print(with_hub(lambda hub: hub.periods.close(hub.scope, asked)), as_json=as_json)


def sign_period(
    period: Name,
    source: Source,
    by: By,
    because: Annotated[str, typer.Option(help="Why; it stays on record.")],
    closed_at: Annotated[str, typer.Option(help="When what you looked at was closed.")],
    despite_unknown: Annotated[
        bool, typer.Option("--despite-unknown", help="Although items or units are not known.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign a period off, for good; with four eyes another one than closed it.

    `--closed-at` is as `show-period` tells it: what was closed anew since is not signed off.
    """
    asked = SignOff(
        period=period,
        against=source,
        closed_at=_moment(instant_of(closed_at, "--closed-at")),
        because=because,
        by=by,
        despite_unknown=despite_unknown,
    )
    done = with_hub(lambda hub: hub.periods.sign(hub.scope, asked))
    _print(done, as_json=as_json)


def periods(
    source: Annotated[str, typer.Option(help="Only of this system's books.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List periods that were closed, those that end last first."""
    found = with_hub(lambda hub: hub.periods.listed(hub.scope, against=source, limit=limit))
    if as_json:
        print_json(found)
        return
    table(
        ("period", "of", "ends", "state", "figures", "differ", "closed by", "signed off by"),
        [
            (
                one.period,
                one.against,
                one.ends_at.isoformat(),
                one.state,
                one.figures,
                one.differing,
                one.closed_by,
                one.signed_by,
            )
            for one in found
        ],
        empty="no period was closed yet: `crossdock reconcile close-period`",
    )


def show_period(
    period: Name,
    source: Source,
    differing: Annotated[
        bool, typer.Option("--differing", help="Only what differs or was posted late.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show both figures of each item and location, and what was posted late since."""

    async def shown(hub: Hub) -> tuple[ClosedPeriod, list[Figure]]:
        one = await hub.periods.one(hub.scope, period, source)
        figures = await hub.periods.figures(
            hub.scope, period, source, differing=differing, limit=limit
        )
        return one, figures

    one, figures = with_hub(shown)
    if as_json:
        print_json({"period": one, "figures": figures})
        return
    _print(one, as_json=False)
    table(
        (
            "location",
            "item",
            "hub",
            "books",
            "differs by",
            "late since",
            "since signed",
            "value",
            "",
        ),
        [_row(figure) for figure in figures],
        empty="no figure differs" if differing else "no figures",
    )


def _moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def _print(one: ClosedPeriod, *, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    signed = f", signed off by {one.signed_by}: {one.because}" if one.signed_by else ""
    stdout.print(
        f"{one.period} of {one.against} until {one.ends_at.isoformat()}: {one.figures} figures,"
        f" {one.differing} differ; closed by {one.closed_by}"
        f" at {one.closed_at.isoformat()}{signed}",
        markup=False,
        soft_wrap=True,
    )
    if one.unknown:
        names = ", ".join(one.unknown_names)
        stdout.print(f"  {one.unknown} not known: {names}", markup=False, soft_wrap=True)


def _row(one: Figure) -> tuple[str, ...]:
    late = f"{plain(one.late)} in {one.late_postings}" if one.late_postings else ""
    since = (
        f"{plain(one.late_since_signed)} in {one.postings_since_signed}"
        if one.postings_since_signed
        else ""
    )
    return (
        one.location,
        one.item,
        f"{plain(one.ours)} {one.unit}",
        "not known" if one.theirs is None else plain(one.theirs),
        "" if one.difference is None else plain(one.difference),
        late,
        since,
        "" if one.value is None else f"{plain(one.value)} {one.currency}".strip(),
        "" if one.is_certain else "uncertain",
    )
