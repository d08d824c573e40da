"""`crossdock source`: which warehouses an order leaves from, by which rules, and why."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.catalog import KnownGoods
from crossdock.capabilities.sourcing import Decided, Substitute, comparable, version_shown
from crossdock.interfaces.api.sourcing import plan_bytes, promise_bytes
from crossdock.interfaces.api.sourcing_chart import drawn
from crossdock.interfaces.api.sourcing_shapes import (
    NodeSaid,
    SourcePlanSaid,
    SourcingRulesSaid,
    node_shown,
    said_as,
)
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_object, write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.source_shown import print_decision, print_promise

app = typer.Typer(add_completion=False, no_args_is_help=True)

ACTOR = "command-line"
LINE = "ITEM QUANTITY [NEEDED_BY]"
LANE = "PLACE DAYS [COST [KM]]"
After = Annotated[str, typer.Option(help="Begin behind this one.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
HoldsFor = Annotated[str, typer.Argument(help="all, channel:NAME or customer:NAME.")]
File = Annotated[Path | None, typer.Option(help="JSON file with the same fields as the API.")]

Chart = Annotated[Path | None, typer.Option(help="Draw the decision into this SVG file.")]


@app.command()
def plan(
    line: Annotated[
        list[str] | None, typer.Option(help=f'A line, in one word: "{LINE}"; repeatable.')
    ] = None,
    country: Annotated[str, typer.Option(help="Where it goes: DE, US …")] = "",
    region: Annotated[str, typer.Option(help="The region or state there.")] = "",
    postal: Annotated[str, typer.Option(help="The postal code there.")] = "",
    customer: Annotated[str, typer.Option(help="Whose order it is.")] = "",
    channel: Annotated[str, typer.Option(help="Where it came in.")] = "",
    policy: Annotated[
        str | None, typer.Option(help="COMPLETE_ORDER, COMPLETE_LINE or PARTIAL.")
    ] = None,
    max_shipments: Annotated[int | None, typer.Option(help="So many shipments at most.")] = None,
    original: Annotated[str, typer.Option(help="The order's own node.")] = "",
    file: File = None,
    request_id: Annotated[str, typer.Option(help="Your own id: decided once, and kept.")] = "",
    reserve: Annotated[
        bool, typer.Option("--reserve", help="Plan of what lies there alone, and promise it.")
    ] = False,
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Decide which warehouses serve an order, and say why; exit code 1 if part of it waits."""
    fields: dict[str, Any] = read_object(file) if file else {}
    said = {
        "lines": [_line(one) for one in line or ()],
        "ship_to": _given({"country": country, "region": region, "postal_code": postal}),
        "customer": customer,
        "channel": channel,
        "policy": policy,
        "max_shipments": max_shipments,
        "original": original,
        "request_id": request_id,
        "reserve": reserve,
    }
    asked = said_as(SourcePlanSaid, fields | _given(said))

    async def planned(hub: Hub) -> int:
        made = await hub.order_sourcing.plan(
            hub.scope, ACTOR, asked.wanted(), reserve=asked.reserve
        )
        await hub.inventory.upkeep.tell()
        _draw(chart, made.answer.decided)
        if as_json:
            promise = await promise_bytes(KnownGoods(hub.catalog), hub.scope, made.reservation)
            _print_bytes(plan_bytes(made.answer.content, promise))
        else:
            print_decision(made.answer.decided)
            print_promise(made.reservation)
            _print_drawn(chart)
        is_held = made.reservation is None or made.reservation.is_granted
        return 0 if made.answer.decided.is_complete and is_held else EXIT_FINDINGS

    raise typer.Exit(with_hub(planned))


@app.command()
def explain(
    decision: Annotated[str, typer.Argument(help="Decision id, src_…")],
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Say again what was decided and why, byte for byte, whatever the rules are now."""

    async def told(hub: Hub) -> None:
        found = await hub.sourcing.decision(hub.scope, decision)
        _draw(chart, found.decided)
        if as_json:
            _print_bytes(found.content)
        else:
            print_decision(found.decided)
            _print_drawn(chart)

    with_hub(told)


@app.command()
def rules(
    holds_for: Annotated[str, typer.Option(help="Only of all, channel:NAME, customer:NAME.")] = "",
    after: After = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List every version of the rules that was put, and who put it."""

    async def listed(hub: Hub) -> None:
        found = await hub.sourcing.rules(hub.scope, holds_for=holds_for, after=after, limit=limit)
        if as_json:
            print_json({"rules": [version_shown(one) for one in found]})
            return
        table(
            ("holds for", "version", "valid from", "put by", "policy", "chooses by"),
            [
                (
                    one.scope,
                    one.version,
                    one.valid_from and f"{one.valid_from:%Y-%m-%d %H:%M:%S}",
                    one.put_by,
                    one.rules.policy,
                    " ".join(one.rules.preferences),
                )
                for one in found
            ],
            empty="no rules put: those built in decide; put some: `put-rules`",
        )

    with_hub(listed)


@app.command(name="put-rules")
def put_rules(
    holds_for: HoldsFor,
    prefer: Annotated[
        list[str] | None,
        typer.Option(help="A preference, in their rank: FEWEST_SHIPMENTS, COST …; repeatable."),
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="COMPLETE_ORDER, COMPLETE_LINE or PARTIAL.")
    ] = None,
    max_shipments: Annotated[int | None, typer.Option(help="So many shipments at most.")] = None,
    substitute: Annotated[
        Substitute | None,
        typer.Option(help="What others may stand in for: the order's node, items of lines, both."),
    ] = None,
    valid_from: Annotated[
        str | None, typer.Option(help="From when on: 2026-06-01T00:00:00+02:00; now.")
    ] = None,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Put the next version of the rules; no version is ever changed."""
    fields: dict[str, Any] = read_object(file) if file else {}
    said: dict[str, Any] = {
        "preferences": prefer,
        "policy": policy,
        "max_shipments": max_shipments,
        "valid_from": valid_from,
    }
    if substitute:
        said["alternatives"] = {**fields.get("alternatives", {}), "substitute": substitute}
    new = said_as(SourcingRulesSaid, fields | _given(said))

    async def put(hub: Hub) -> None:
        made = await hub.sourcing.put_rules(
            hub.scope, new.rules(), holds_for=holds_for, valid_from=new.valid_from, by=ACTOR
        )
        if as_json:
            print_json(version_shown(made))
        else:
            stdout.print(f"version {made.version} of the rules for {made.scope}", markup=False)

    with_hub(put)


@app.command()
def nodes(after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the locations that take part in sourcing."""

    async def listed(hub: Hub) -> None:
        found = [
            node_shown(one)
            for one in await hub.sourcing.nodes(hub.scope, after=after, limit=limit)
        ]
        if as_json:
            print_json({"nodes": found})
            return
        table(
            ("node", "capabilities", "lanes", "load", "put by"),
            [
                (
                    one.node,
                    " ".join(one.capabilities),
                    len(one.lanes),
                    f"{one.load_percent} %",
                    one.put_by,
                )
                for one in found
            ],
            empty="no node takes part: `crossdock source put-node LOCATION`",
        )

    with_hub(listed)


@app.command(name="put-node")
def put_node(
    node: Annotated[str, typer.Argument(help="The location's code.")],
    capability: Annotated[
        list[str] | None, typer.Option(help="What it can: SHIP, PICKUP, DROPSHIP …; repeatable.")
    ] = None,
    lane: Annotated[
        list[str] | None,
        typer.Option(
            help=f'A way out, in one word: "{LANE}", with PLACE `*`, DE, DE-BY or DE/80;'
            " repeatable."
        ),
    ] = None,
    load: Annotated[int | None, typer.Option(help="How busy it is, in percent.")] = None,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Have a location take part in sourcing; this replaces what was said of it before.

    When it works is its calendar: `crossdock stock calendar LOCATION --cutoff 14:00`.
    """
    fields: dict[str, Any] = read_object(file) if file else {}
    said = {
        "capabilities": capability,
        "lanes": [_lane(one) for one in lane or ()],
        "load_percent": load,
    }
    new = said_as(NodeSaid, fields | _given(said))

    async def put(hub: Hub) -> None:
        made = await hub.order_sourcing.put_node(hub.scope, new.facts(node), by=ACTOR)
        if as_json:
            print_json(node_shown(made))
        else:
            stdout.print(f"{made.facts.node} takes part in sourcing", markup=False)

    with_hub(put)


@app.command(name="withdraw-node")
def withdraw_node(
    node: Annotated[str, typer.Argument(help="The location's code.")], as_json: AsJson = False
) -> None:
    """Have a location take no part in sourcing any more; past decisions stay as they are."""

    async def withdrawn(hub: Hub) -> None:
        await hub.sourcing.withdraw_node(hub.scope, node, by=ACTOR)
        name = comparable(node)
        if as_json:
            print_json({"withdrawn": name})
        else:
            stdout.print(f"{name} takes no part in sourcing any more", markup=False)

    with_hub(withdrawn)


def _line(text: str) -> dict[str, Any]:
    item, quantity, *needed_by = _words(text, "--line", LINE)
    return {
        "item": item,
        "quantity": {"value": quantity},
        "needed_by": needed_by[0] if needed_by else None,
    }


def _lane(text: str) -> dict[str, Any]:
    place, days, *rest = _words(text, "--lane", LANE)
    country, _, prefix = place.partition("/")
    country, _, region = country.partition("-")
    if not (days.isdecimal() and (rest[1:] or ["0"])[0].isdecimal()):
        raise Invalid(f"{text!r} is not {LANE}", where="--lane", hint=f'--lane "{LANE}"')
    return {
        "country": "" if country == "*" else country,
        "region": region,
        "postal_prefix": prefix,
        "transit_days": int(days),
        "cost": rest[0] if rest else None,
        "distance_km": int(rest[1]) if rest[1:] else None,
    }


def _words(text: str, option: str, form: str) -> list[str]:
    """Split what an option says, as a shell does; names with blanks stand in quotes."""
    names = form.split()
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not len(names) - form.count("[") <= len(words) <= len(names):
        raise Invalid(f"{text!r} is not {form}", where=option, hint=f'{option} "{form}"')
    return words


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not said; zero is said."""
    return {
        name: one
        for name, one in said.items()
        if one or (isinstance(one, int) and one is not False)
    }


def _print_bytes(content: bytes) -> None:
    sys.stdout.write(content.decode() + "\n")
    sys.stdout.flush()


def _draw(chart: Path | None, decided: Decided) -> None:
    if chart is not None:
        write_text(chart, drawn(decided))


def _print_drawn(chart: Path | None) -> None:
    if chart is not None:
        stdout.print(f"drawn: {chart}", markup=False, soft_wrap=True)
