"""`crossdock reconcile`: compare with what another system says; look after differences."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import (
    Asked,
    Cause,
    Healing,
    HousePolicy,
    Kind,
    Reading,
    Run,
    State,
    Wanted,
    instant_of,
)
from crossdock.interfaces.api.backlog_chart import DRAWN_MAX, drawn
from crossdock.interfaces.api.charts import OPEN
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.reconcile_between import between
from crossdock.interfaces.cli.reconcile_counted import (
    accuracy,
    approve_count,
    counts,
    reject_count,
)
from crossdock.interfaces.cli.reconcile_counts import (
    ask_count,
    count_tasks,
    cycle_counts,
    refuse_count,
)
from crossdock.interfaces.cli.reconcile_lines import KindOf, lines_asked
from crossdock.interfaces.cli.reconcile_periods import (
    close_period,
    periods,
    show_period,
    sign_period,
)
from crossdock.interfaces.cli.reconcile_rules import put_rules, rules
from crossdock.interfaces.cli.reconcile_said import (
    Lag,
    check_source,
    groups,
    print_run,
    said_in_files,
)
from crossdock.interfaces.cli.reconcile_sample import ask, plan, sample
from crossdock.interfaces.cli.reconcile_shown import (
    Id,
    money_lines,
    money_of,
    number_of,
    pair_of,
    show,
    state_of,
)

app = typer.Typer(add_completion=False, no_args_is_help=True)
app.command()(between)
app.command()(plan)
app.command()(sample)
app.command()(ask)
app.command()(rules)
app.command(name="put-rules")(put_rules)
app.command(name="cycle-counts")(cycle_counts)
app.command(name="count-tasks")(count_tasks)
app.command(name="ask-count")(ask_count)
app.command(name="refuse-count")(refuse_count)
app.command()(show)
app.command()(counts)
app.command()(accuracy)
app.command(name="approve-count")(approve_count)
app.command(name="reject-count")(reject_count)
app.command(name="close-period")(close_period)
app.command(name="sign-period")(sign_period)
app.command(name="show-period")(show_period)
app.command()(periods)

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
Location = Annotated[str, typer.Option(help="Only at this location.")]
BY = "command line"
Believe = Annotated[
    str, typer.Option(metavar="RUN", help="The run that rejected this dump, which is right.")
]
Who = Annotated[str, typer.Option(help="Who gives the dump, or believes it; it stays on record.")]


@app.command()
def run(
    against: Annotated[
        str,
        typer.Option(
            metavar="FILE|SOURCE",
            help="A dump of the other system, CSV or JSON lines; or a source that told of stock"
            " which another system keeps; of orders, a connection that is asked for them.",
        ),
    ],
    kind: KindOf = Kind.STOCK,
    source: Annotated[str, typer.Option(help="Whose dump the file is, such as erp.")] = "",
    log: Annotated[
        Path | None, typer.Option(help="CSV file of the documents that it has posted.")
    ] = None,
    as_of: Annotated[
        str, typer.Option(help="When its extraction began, for rows that do not say as of when.")
    ] = "",
    full: Annotated[
        bool, typer.Option("--full", help="What it leaves out of a location is zero there.")
    ] = False,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=STATUS+STATUS", help="What its word for a status holds; repeatable."
        ),
    ] = None,
    lag: Lag = None,
    heard_from: Annotated[
        str, typer.Option(help="Of documents: only what this source told the hub.")
    ] = "",
    believe: Believe = "",
    by: Who = BY,
    as_json: AsJson = False,
) -> None:
    """Compare the hub with another system; exit code 1 if its snapshot is not believed.

    The file's first row names its columns: item, location, quantity, and where it has them
    status, unit, owner, lot, serial, as_of, unit_cost and class. Of documents: document,
    line, item, location and quantity, which is what is open, or was invoiced or delivered in
    all, and where it has them unit, as_of, changed_at, unit_cost, class and proof. Nothing is
    adjusted anywhere.
    """
    if kind is not Kind.STOCK:
        _refuse_of_stock(log, status)
        lines = lines_asked(kind, against, source, as_of, full=full)
        lines = replace(lines, by=by, heard_from=heard_from, lag_minutes=lag, believe=believe)
        _show(with_hub(lambda hub: hub.open_lines.compare(hub.scope, lines)), as_json=as_json)
        return
    _refuse_of_lines(heard_from)
    if Path(against).exists():
        reading = _in_file(source, as_of, groups(status or []))
        said = said_in_files(Path(against), log, reading, is_full=full)
        stock = Asked(against=source, by=by, said=said)
    else:
        check_source(against, [source, log, as_of, status, full])
        stock = Asked(against=against, by=by)
    stock = replace(stock, lag_minutes=lag, believe=believe)
    _show(with_hub(lambda hub: hub.reconciliation.compare(hub.scope, stock)), as_json=as_json)


def _in_file(source: str, as_of: str, words: dict[str, str]) -> Reading:
    """Say how a file is read; whose it is has to be told."""
    if not source:
        raise Invalid("whose dump is it?", where="--source", hint="such as --source erp")
    return Reading(as_of=instant_of(as_of, "--as-of") if as_of else None, groups=words)


def _show(done: Run, *, as_json: bool) -> None:
    print_json(done) if as_json else print_run(done)
    if done.verdict == "REJECTED":
        raise typer.Exit(EXIT_FINDINGS)


def _refuse_of_stock(log: Path | None, status: list[str] | None) -> None:
    for name, said in (("--log", log), ("--status", status)):
        if said:
            raise Invalid(f"{name} is of stock alone", where=name)


def _refuse_of_lines(heard_from: str) -> None:
    if heard_from:
        raise Invalid("--heard-from is of documents alone", where="--heard-from")


@app.command()
def runs(
    against: Annotated[str, typer.Option(help="Only with this system.")] = "",
    after: Annotated[str, typer.Option(help="Begin behind this run.")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List comparisons, the newest first."""

    async def listed(hub: Hub) -> None:
        found = await hub.reconciliation.runs(hub.scope, against=against, after=after, limit=limit)
        if as_json:
            print_json(found)
            return
        table(
            ("run", "against", "cut", "compared", "suspected", "confirmed", "verdict"),
            [
                (
                    one.run_id,
                    pair_of(one),
                    f"{one.earliest_cut:%m-%d %H:%M}" if one.earliest_cut else "",
                    one.compared,
                    one.suspected,
                    one.confirmed,
                    f"{one.verdict} {one.reason}".strip(),
                )
                for one in found
            ],
            empty="nothing was compared yet: `crossdock reconcile run --against FILE`",
        )

    with_hub(listed)


@app.command(name="list")
def list_findings(
    state: Annotated[
        State | None, typer.Option(help="Only these; else suspected and confirmed ones.")
    ] = None,
    against: Annotated[str, typer.Option(help="Only with this system.")] = "",
    location: Location = "",
    cause: Annotated[Cause | None, typer.Option(help="Only of this class.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only of this kind.")] = None,
    document: Annotated[str, typer.Option(help="Only of this order or purchase order.")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List differences, the most urgent first: by money at risk, what can be sold, and age."""
    wanted = Wanted(
        states=[state] if state else [State.SUSPECTED, State.CONFIRMED],
        against=against,
        location=location,
        cause=cause or "",
        kind=kind or "",
        document=document,
    )

    async def listed(hub: Hub) -> None:
        found = await hub.reconciliation.findings(hub.scope, wanted, limit=limit)
        if as_json:
            print_json(found)
            return
        table(
            ("finding", "what", "ours", "theirs", "cause", "remedy", "at risk", "age", "state"),
            [
                (
                    one.finding_id,
                    f"{number_of(one)}{one.item} at {one.location}, {pair_of(one)}",
                    plain(one.ours),
                    plain(one.theirs),
                    one.cause,
                    one.remedy,
                    money_of(one.value_at_risk, one.currency) or "no price",
                    one.age,
                    state_of(one),
                )
                for one in found
            ],
            empty="no difference is open",
        )

    with_hub(listed)


@app.command()
def close(
    finding: Id,
    cause: Annotated[Cause, typer.Option(help="Its root cause; there must be one.")],
    note: Annotated[str, typer.Option(help="What was done; kept with the finding.")] = "",
    as_json: AsJson = False,
) -> None:
    """Close a difference with its root cause; its case closes too."""

    async def closed(hub: Hub) -> None:
        one = await hub.reconciliation.close(hub.scope, finding, cause, note, by=BY)
        print_json(one) if as_json else stdout.print(f"{finding} closed: {one.root_cause}")

    with_hub(closed)


@app.command()
def backlog(
    days: Annotated[int, typer.Option(min=1, max=365, help="Of so many days.")] = 30,
    chart: Annotated[
        Path | None, typer.Option(help="Draw what is open by cause and age into this SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is open by age and money, and what the last days' differences came from."""

    async def shown(hub: Hub) -> None:
        found = await hub.reconciliation.backlog(hub.scope, days=days)
        if chart is not None:
            listed = await hub.reconciliation.findings(hub.scope, OPEN, limit=DRAWN_MAX + 1)
            write_text(chart, drawn([one for one in listed if not one.is_gone]))
        if as_json:
            print_json(found)
            return
        table(
            ("age", "open", "at risk"),
            [(one.age, one.findings, "; ".join(money_lines(one))) for one in found.open],
            empty="",
        )
        rate = "" if found.burned_percent is None else f", {found.burned_percent} %"
        stdout.print(f"closed {found.closed} of {found.confirmed} confirmed{rate}")
        if found.unnamed:
            stdout.print(f"{found.unnamed} gone, of which the root cause is still to be named")
        for cause in found.causes:
            stdout.print(f"  {cause.percent:>3} %  {cause.root_cause} ({cause.findings})")
        if chart is not None:
            stdout.print(f"drawn: {chart}")

    with_hub(shown)


@app.command()
def heal(
    against: Annotated[str, typer.Option(help="The system that lacks documents, such as erp.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")
    ] = False,
    kind: Annotated[Kind, typer.Option(help="Stock, or orders or purchases.")] = Kind.STOCK,
    as_json: AsJson = False,
) -> None:
    """Send the documents again that another system is proven to lack; exit code 1 if it stops.

    Where the ledger lacks one, the source that keeps the stock is read again; so is whoever told
    of an order or purchase order that the hub lacks or has stale. It stops, and does
    nothing, if too many keys or too much money would change at once.
    """

    async def healed(hub: Hub) -> Healing:
        return await hub.reconciliation.heal(hub.scope, against, by=BY, dry_run=dry_run, kind=kind)

    done = with_hub(healed)
    if as_json:
        print_json(done)
    elif done.stopped:
        stdout.print(f"nothing is sent: {done.stopped}")
    else:
        stdout.print(f"{len(done.findings)} to mend, {done.sent} documents sent again")
        for source in done.asked:
            stdout.print(f"  {source} is read again for what the ledger lacks", markup=False)
        if done.unlisted:
            stdout.print(f"  of {done.unlisted} lines nothing is to come any more")
    if done.stopped:
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def policy(
    four_eyes: Annotated[
        bool | None,
        typer.Option(
            "--four-eyes/--no-four-eyes",
            help="Whether a rejected dump is believed by another than who gave it.",
        ),
    ] = None,
    as_booked: Annotated[
        str | None,
        typer.Option(
            metavar="CLASSES",
            help="Item classes, as in AB, of which channels are shown the ledger's number also"
            " while it is in doubt; '' for none.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is decided of dumps and doubts, or decide it.

    While a difference is open, channels are shown the lower of the two numbers.
    """

    async def decided(hub: Hub) -> HousePolicy:
        now = await hub.reconciliation.policy(hub.scope)
        if four_eyes is None and as_booked is None:
            return now
        wanted = HousePolicy(
            four_eyes=now.four_eyes if four_eyes is None else four_eyes,
            as_booked=now.as_booked if as_booked is None else tuple(as_booked.upper()),
        )
        return await hub.reconciliation.set_policy(hub.scope, wanted, by=BY)

    done = with_hub(decided)
    if as_json:
        print_json(done)
        return
    who = "another than who gave it" if done.four_eyes else "anybody who may"
    stdout.print(f"a rejected dump is believed by {who}")
    of = f", but of class {', '.join(done.as_booked)} what is booked" if done.as_booked else ""
    stdout.print(f"in doubt, channels are shown the lower number{of}")
