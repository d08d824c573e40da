"""`crossdock allocation`: who is confirmed when stock is short, by rules and in runs."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.allocation import Every, Strategy
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity, decimal_of
from crossdock.capabilities.allocation import (
    AllocationPolicy,
    AllocationProtection,
    AllocationRule,
    Applies,
    RunState,
    one_of,
)
from crossdock.capabilities.catalog import Found, KnownGoods, Named
from crossdock.interfaces.api.allocation_chart import drawn
from crossdock.interfaces.api.allocation_shapes import (
    ProtectionShown,
    line_shown,
    protection_shown,
    run_shown,
    written,
)
from crossdock.interfaces.cli.allocation_group import group, groups
from crossdock.interfaces.cli.allocation_run import print_run
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)
app.command()(groups)
app.command()(group)

Item = Annotated[str, typer.Argument(metavar="ITEM", help="The hub's item id.")]
At = Annotated[str, typer.Argument(metavar="LOCATION", help="Location, or group of locations.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Run id, run_…")]
By = Annotated[str, typer.Option(help="Who says so; kept on record.")]
ME = "command-line"


@app.command()
def rules(
    channel: Annotated[str, typer.Option(help="Of the orders of this channel.")] = "",
    customer: Annotated[
        str, typer.Option(help="Of the orders of this customer, in any channel.")
    ] = "",
    order: Annotated[str, typer.Option(help="Of this order alone.")] = "",
    strategy: Annotated[
        Strategy | None, typer.Option(help="Set it; with nobody named, of all.")
    ] = None,
    priority: Annotated[int, typer.Option(help="1 comes first, 1000 last.")] = 500,
    tells_shortage: Annotated[
        bool | None,
        typer.Option(help="What lines do not get is a case; unless said, where stock is shown."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take the rule back.")] = False,
    by: By = ME,
    as_json: AsJson = False,
) -> None:
    """List how order lines stand; set a rule with --strategy, take one back with --clear."""
    if (channel or customer or order) and strategy is None and not clear:
        raise Invalid("what of it?", where="--strategy", hint="add --strategy or --clear")

    async def asked(hub: Hub) -> None:
        book = hub.allocation.rulebook
        whose = AllocationRule(channel=channel, customer=customer, order_id=order)
        if clear:
            await book.clear_rule(hub.scope, whose, by=by)
        elif strategy is not None:
            said = replace(
                whose, strategy=strategy, priority=priority, tells_shortage=tells_shortage
            )
            await book.set_rule(hub.scope, said, by=by)
        found = await book.rules(hub.scope)
        if as_json:
            print_json({"rules": found})
            return
        table(
            ("of", "strategy", "priority", "version", "set by"),
            [
                (_whose(rule), rule.strategy, rule.priority, rule.version or "", rule.set_by)
                for rule in found
            ],
            empty="no rules",
        )

    with_hub(asked)


@app.command()
def policy(
    applies: Annotated[
        Applies | None, typer.Option(help="Which runs apply without anybody's approval.")
    ] = None,
    four_eyes: Annotated[
        bool | None,
        typer.Option("--four-eyes/--two-eyes", help="May not who made a run approve it?"),
    ] = None,
    by: By = ME,
    as_json: AsJson = False,
) -> None:
    """Show, or set, which runs apply by themselves and who may approve the others."""

    async def asked(hub: Hub) -> None:
        book = hub.allocation.rulebook
        now = await book.policy(hub.scope)
        if applies is not None or four_eyes is not None:
            now = await book.set_policy(
                hub.scope,
                applies or now.applies,
                four_eyes=now.four_eyes if four_eyes is None else four_eyes,
                by=by,
            )
        print_json(now) if as_json else stdout.print(_policy(now))

    with_hub(asked)


@app.command()
def protect(
    item: Item,
    location: At,
    channel: Annotated[str, typer.Argument(help="The channel that it is kept for.")] = "",
    group: Annotated[str, typer.Option(help="Or the allocation group that shares it.")] = "",
    until: Annotated[str, typer.Option(help="End of the period, such as 2027-01-31T18:00Z.")] = "",
    since: Annotated[str, typer.Option("--from", help="Its start; now unless said.")] = "",
    minimum: Annotated[str, typer.Option(help="Kept for it, in the base unit.")] = "0",
    maximum: Annotated[
        str | None, typer.Option(help="It gets no more than this, in the base unit.")
    ] = None,
    every: Annotated[
        Every | None, typer.Option(case_sensitive=False, help="It begins anew so often.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take it back.")] = False,
    by: By = ME,
    as_json: AsJson = False,
) -> None:
    """Keep a minimum of an item for a channel or group, or give it no more than a maximum."""

    async def asked(hub: Hub) -> None:
        goods = await _goods(hub, item, location)
        book = hub.allocation.rulebook
        if clear:
            whose = one_of(channel, group)
            await book.unprotect(hub.scope, goods.item, goods.location, whose, by=by)
            gone = {"item": goods.item, "location": goods.location}
            gone |= {"channel": channel, "group": group}
            print_json(gone) if as_json else stdout.print(f"nothing is kept for {whose}")
            return
        said = AllocationProtection(
            item=goods.item,
            location=goods.location,
            channel=channel,
            group=group,
            maximum=None if maximum is None else _micros(maximum, "--maximum"),
            minimum=_micros(minimum, "--minimum"),
            starts_at=_moment(since, "--from") if since else hub.clock.now(),
            ends_at=_moment(until, "--until"),
            every=every,
        )
        kept = protection_shown(await book.protect(hub.scope, said, by=by), goods.base_unit)
        print_json(kept) if as_json else _print_protections([kept])

    with_hub(asked)


@app.command()
def protections(as_json: AsJson = False) -> None:
    """List maxima and minima of channels and groups, those that have ended too."""

    async def asked(hub: Hub) -> None:
        found = await hub.allocation.rulebook.protections(hub.scope)
        units = await KnownGoods(hub.catalog).base_units(hub.scope, {one.item for one in found})
        shown = [protection_shown(one, units[one.item]) for one in found]
        print_json({"protections": shown}) if as_json else _print_protections(shown)

    with_hub(asked)


@app.command()
def lines(item: Item, location: At, as_json: AsJson = False) -> None:
    """List the open order lines of an item at a location, in the order of their turn."""

    async def asked(hub: Hub) -> None:
        goods = await _goods(hub, item, location)
        found = await hub.allocation.lines(hub.scope, goods.item, goods.location)
        shown = [line_shown(line) for line in found]
        if as_json:
            print_json({"lines": shown})
            return
        table(
            (
                *("order line", "channel", "customer", "strategy", "priority"),
                *("open", "confirmed", "released", "elsewhere", "back-ordered"),
            ),
            [
                (
                    one.demand_ref,
                    one.channel,
                    one.customer,
                    one.strategy,
                    one.priority,
                    written(one.requested),
                    written(one.confirmed),
                    written(one.released),
                    written(one.elsewhere),
                    written(one.backordered),
                )
                for one in shown
            ],
            empty=f"no open order line claims {goods.item} at {goods.location}",
        )

    with_hub(asked)


@app.command()
def simulate(item: Item, location: At, by: By = ME, as_json: AsJson = False) -> None:
    """Say what a run would change, and keep it for approval; exit code 1 if it is refused."""

    async def asked(hub: Hub) -> int:
        goods = await _goods(hub, item, location)
        run = await hub.allocation.simulate(hub.scope, goods.item, goods.location, by=by)
        print_run(run, as_json=as_json)
        return EXIT_FINDINGS if run.state is RunState.REFUSED else 0

    raise typer.Exit(with_hub(asked))


@app.command()
def runs(
    state: Annotated[
        RunState | None, typer.Option(help="Only those; SIMULATED wait for approval.")
    ] = None,
    after: Annotated[str, typer.Option(help="Begin behind this run.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""

    async def asked(hub: Hub) -> None:
        found = await hub.allocation.runs(hub.scope, state=state or "", after=after, limit=limit)
        shown = [run_shown(run) for run in found]
        if as_json:
            print_json({"runs": shown})
            return
        table(
            ("run", "of", "state", "gained", "lost", "because"),
            [
                (
                    one.run_id,
                    f"{one.item} at {one.location}",
                    one.state,
                    written(one.gained),
                    written(one.lost),
                    one.reason,
                )
                for one in shown
            ],
            empty="no runs",
        )

    with_hub(asked)


@app.command()
def show(
    run: RunId,
    chart: Annotated[Path | None, typer.Option(help="Draw the run into this SVG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a run: what every line had before and has after, and why."""

    async def asked(hub: Hub) -> None:
        found = await hub.allocation.run(hub.scope, run)
        if chart is not None:
            write_text(chart, drawn(found))
        print_run(found, as_json=as_json)
        if chart is not None and not as_json:
            stdout.print(f"drawn: {chart}")

    with_hub(asked)


@app.command()
def approve(
    run: RunId,
    remark: Annotated[str, typer.Option(help="Kept with the run.")] = "",
    by: By = ME,
    as_json: AsJson = False,
) -> None:
    """Apply a run; refused if anything that it was decided on has changed."""

    async def asked(hub: Hub) -> None:
        done = await hub.allocation.approve(hub.scope, run, by=by, remark=remark)
        print_run(done, as_json=as_json)

    with_hub(asked)


@app.command()
def reject(
    run: RunId,
    remark: Annotated[str, typer.Option(help="Why not; kept with the run.")],
    by: By = ME,
    as_json: AsJson = False,
) -> None:
    """Say no to a run; it is not proposed again until something changes."""

    async def asked(hub: Hub) -> None:
        done = await hub.allocation.reject(hub.scope, run, by=by, remark=remark)
        print_run(done, as_json=as_json)

    with_hub(asked)


async def _goods(hub: Hub, item: str, location: str) -> Found:
    return await KnownGoods(hub.catalog).find_one(hub.scope, Named(item, location), where="")


def _print_protections(shown: list[ProtectionShown]) -> None:
    table(
        ("of", "item", "location", "maximum", "minimum", "from", "until", "every"),
        [
            (
                f"group {one.group}" if one.group else one.channel,
                one.item,
                one.location,
                "" if one.maximum is None else written(one.maximum),
                written(one.minimum),
                f"{one.starts_at:%Y-%m-%d %H:%M}",
                f"{one.ends_at:%Y-%m-%d %H:%M}",
                f"{one.every} ({one.timezone})" if one.every else "",
            )
            for one in shown
        ],
        empty="nothing is kept for anybody",
    )


def _whose(rule: AllocationRule) -> str:
    if rule.order_id:
        return f"order {rule.order_id}"
    if rule.customer:
        return f"customer {rule.customer}"
    return f"channel {rule.channel}" if rule.channel else "all others"


def _policy(now: AllocationPolicy) -> str:
    who = "another than who made it" if now.four_eyes else "anybody who may"
    return f"applied by themselves: {now.applies}; the others are approved by {who}"


def _micros(text: str, where: str) -> int:
    return Quantity(decimal_of(text, where=where), "").micros


def _moment(text: str, where: str) -> datetime:
    hint = "such as 2027-01-31T18:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no date and time", where=where, hint=hint) from None
    if moment.tzinfo is None:
        raise Invalid(f"{text} is of no time zone", where=where, hint=hint)
    return moment
