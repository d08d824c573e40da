"""`crossdock stock promise`: promises by date that are kept."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import KnownGoods, Named
from crossdock.capabilities.supply import AtpMode, KeptPromise, Limits, PromiseAsked, Question
from crossdock.interfaces.api.allocation_shapes import written
from crossdock.interfaces.api.atp_chart import of_promise
from crossdock.interfaces.api.kept_promises import KeptPromiseShown, kept_shown, risks_of
from crossdock.interfaces.api.promises import Promises
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.stock_atp import rule_said, show_derivation
from crossdock.interfaces.cli.stock_run import show_run_of

ACTOR = "script"
"""Whose promises are made here: a script's, as the hub's own reservations are."""

LifeDays = Annotated[
    int | None,
    typer.Option(min=0, max=3650, help="Days of life that have to be left at delivery."),
]
TransitDays = Annotated[
    int | None, typer.Option(min=0, max=365, help="Days between leaving and delivery.")
]
Whose = Annotated[str, typer.Option(help="Whose rules of life hold.")]
Kept = Annotated[str, typer.Argument(metavar="PROMISE", help="Promise by date (prm_…).")]


def promise(
    item: Annotated[str, typer.Argument(help="The hub's item id.")],
    location: Annotated[str, typer.Argument(help="Location or group of locations.")],
    quantity: Annotated[str, typer.Argument(help="How much, in the base unit.")],
    request: Annotated[
        str, typer.Option(help="Your id of this request: the same is promised once.")
    ],
    by: Annotated[
        str | None, typer.Option(metavar="DATE", help="All is to have left on this day.")
    ] = None,
    line: Annotated[str, typer.Option(help="The order line that it is for.")] = "",
    replaces: Annotated[str, typer.Option(help="A promise by date that ends with it.")] = "",
    mode: Annotated[
        AtpMode | None, typer.Option(help="CUMULATIVE, or DISCRETE; else as the rules say.")
    ] = None,
    split_min: Annotated[str, typer.Option(help="The least part, in the base unit.")] = "0",
    split_lines: Annotated[
        int, typer.Option(min=0, max=1000, help="Parts at most; 1 is all at once, 0 is any.")
    ] = 0,
    life_days: LifeDays = None,
    transit_days: TransitDays = None,
    customer: Whose = "",
    channel: Whose = "",
    ttl: Annotated[
        int | None, typer.Option(help="Seconds after which it lapses unless an order is known.")
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(help="Draw what was promised by when into this SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Promise by date, and keep it; exit code 1 if it was refused."""
    wanted = Quantity.of(quantity, "")
    day = None if by is None else _day(by)
    limits = Limits(Quantity.of(split_min).micros, split_lines)

    async def asked(hub: Hub) -> int:
        named = Named(item, location, wanted)
        of, at, unit, micros = await KnownGoods(hub.catalog).find_one(hub.scope, named, where="")
        question = Question(
            *(of, at, unit, micros, day),
            life_days=life_days,
            transit_days=transit_days,
            customer=customer,
            channel=channel,
            mode=mode,
            limits=limits,
        )
        request_said = PromiseAsked(request, (question,), (line,), replaces, ttl)
        made = await hub.kept_promises.promise(hub.scope, ACTOR, request_said)
        await hub.inventory.upkeep.tell()
        _show_made(made, chart, as_json=as_json)
        return 0 if made.is_granted else EXIT_FINDINGS

    raise typer.Exit(with_hub(asked))


def _show_made(made: KeptPromise, chart: Path | None, *, as_json: bool) -> None:
    if chart is not None:
        write_text(chart, of_promise(made))
    show(made, as_json=as_json)
    if chart is not None and not as_json:
        stdout.print(f"drawn: {chart}")


def promises(
    order: Annotated[str, typer.Option(help="Only those of an order, or a line of it.")] = "",
    at_risk: Annotated[
        bool, typer.Option("--at-risk", help="Only what supply does not cover any more.")
    ] = False,
    after: Annotated[str, typer.Option(help="Only promises behind this one (prm_…).")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Promises listed, at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the open promises by date; exit code 1 if some are at risk and that was asked."""
    if at_risk:
        raise typer.Exit(with_hub(lambda hub: _at_risk(hub, after, limit, as_json=as_json)))

    async def listed(hub: Hub) -> None:
        kept = hub.kept_promises
        if order:
            found = await kept.of_order(hub.scope, order)
        else:
            found = await kept.listed(hub.scope, after=after, limit=limit)
        shown = [kept_shown(one) for one in found]
        if as_json:
            print_json({"promises": shown})
            return
        table(
            ("promise", "line", "item", "location", "day", "quantity", "held"),
            [(one.promise_id, *row) for one in shown for row in _rows(one)],
            empty="no promises by date are open",
        )

    with_hub(listed)


async def _at_risk(hub: Hub, after: str, limit: int, *, as_json: bool) -> int:
    found = await risks_of(hub, KnownGoods(hub.catalog), hub.scope, after, limit)
    if as_json:
        print_json({"at_risk": found.at_risk, "looked_at_to": found.looked_at_to})
    else:
        table(
            ("promise", "line", "item", "location", "from", "short"),
            [
                (
                    one.promise_id,
                    one.demand_ref,
                    one.item,
                    one.location,
                    str(one.day),
                    one.short.value,
                )
                for one in found.at_risk
            ],
            empty="no promise by date is at risk",
        )
    return EXIT_FINDINGS if found.at_risk else 0


def release_promise(kept: Kept, as_json: AsJson = False) -> None:
    """Give back what a promise by date keeps."""

    async def asked(hub: Hub) -> None:
        over = await hub.kept_promises.release(hub.scope, kept, by=ACTOR)
        await hub.inventory.upkeep.tell()
        show(over, as_json=as_json)

    with_hub(asked)


def show(kept: KeptPromise, *, as_json: bool) -> None:
    """Print a promise by date with its proof."""
    shown = kept_shown(kept, with_proof=True)
    if as_json:
        print_json(shown)
    else:
        show_kept(shown)


def explain(kept: KeptPromise, *, as_json: bool) -> None:
    """Print a promise by date with what it was derived from."""
    shown = kept_shown(kept, with_proof=True)
    if as_json:
        print_json(shown)
    else:
        show_by_date([shown])


def show_by_date(kept: Iterable[KeptPromiseShown]) -> None:
    """Print promises by date, one behind the other, each with its derivation."""
    for one in kept:
        show_kept(one)
        for number, answer in enumerate(one.answers, start=1):
            stdout.print(
                f"  {answer.item} at {answer.location}, as of {answer.as_of:%Y-%m-%d %H:%M:%S} UTC"
            )
            if answer.derivation:
                show_derivation(answer.derivation)
            for peg in one.pegs:
                if peg.line_no == number:
                    source = (
                        f"{peg.supply_id}, here on {peg.comes_on}"
                        if peg.comes_on
                        else "what lies there"
                    )
                    stdout.print(
                        f"  {peg.on}  {written(peg.quantity)} out of {source}", markup=False
                    )
        for rule in one.rules:
            whom = f"{rule.item_class or rule.item} at {rule.location}"
            stdout.print(f"  rule of {whom}: {rule_said(rule.rule)}", soft_wrap=True, markup=False)
        again = "the same" if one.is_reproduced else "not the same"
        stdout.print(f"  derived once more: {again}")


def show_kept(shown: KeptPromiseShown) -> None:
    """Print a promise by date in lines and a table."""
    over = " (over)" if shown.released_at else ""
    stdout.print(f"{shown.promise_id}: {'promised' if shown.is_granted else 'refused'}{over}")
    for answer, reason in zip(shown.answers, shown.reasons, strict=True):
        stdout.print(f"  {answer.item} at {answer.location}: {reason or answer.reason}")
    table(("line", "item", "location", "day", "quantity", "held"), _rows(shown), empty="")


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `crossdock stock`."""
    app.command()(promise)
    app.command()(promises)
    app.command(name="release-promise")(release_promise)


def _rows(shown: KeptPromiseShown) -> list[tuple[str, ...]]:
    return [
        (
            line.demand_ref,
            line.item,
            line.location,
            str(line.ship_date),
            line.quantity.value,
            line.held.value,
        )
        for line in shown.lines
    ]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no day", where="--by", hint="2026-06-30") from None


def show_decided(found: Promises) -> None:
    """Name the allocation runs and sourcing decisions of an order."""
    for run in found.confirmed_by:
        had = f"{run.before.value} > {run.after.value} of {run.requested.value}"
        stdout.print(
            f"[bold]{run.run_id}[/] confirmed {escape(run.demand_ref)}: {escape(run.item)} at"
            f" {escape(run.location)} {had}, {run.why} ({run.decided_at:%Y-%m-%d %H:%M:%S} UTC)",
            soft_wrap=True,
        )
        show_run_of(run.demand_ref, [one for one in found.runs if one.run_id == run.run_id])
    for one in found.sourced_by:
        stdout.print(
            f"[bold]{one.decision_id}[/] sourced {one.decided_at:%Y-%m-%d %H:%M:%S} UTC:"
            f" `crossdock source explain {one.decision_id}` says why",
            soft_wrap=True,
        )
