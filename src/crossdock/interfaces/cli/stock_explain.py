"""`crossdock stock explain`: why something was promised, in words and as a picture."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.catalog import KnownGoods
from crossdock.interfaces.api import atp_chart, proof_chart
from crossdock.interfaces.api.promise_shapes import LineProofShown, MemberProofShown, PromiseShown
from crossdock.interfaces.api.promises import Promises, promises_of
from crossdock.interfaces.api.promises import shown as promise_of
from crossdock.interfaces.api.reservation_shapes import ReservationShown
from crossdock.interfaces.cli import stock_promise
from crossdock.interfaces.cli.files import write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout


def add_to(app: typer.Typer) -> None:
    app.command()(explain)


def explain(
    promise: Annotated[
        str, typer.Argument(help="A promise (rsv_…, prm_…), an order, or a line of it.")
    ],
    chart: Annotated[
        Path | None, typer.Option(help="Draw why into this SVG file; of one promise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why something was promised, from what was kept of that moment; asked again, the same."""
    with_hub(lambda hub: _explained(hub, promise, chart, as_json=as_json))
    if chart is not None and not as_json:
        stdout.print(f"drawn: {chart}")


async def _explained(hub: Hub, promise: str, chart: Path | None, *, as_json: bool) -> None:
    if promise.startswith("prm_"):
        by_date = await hub.kept_promises.get(hub.scope, promise)
        if chart is not None:
            write_text(chart, atp_chart.of_promise(by_date))
        return stock_promise.explain(by_date, as_json=as_json)
    known = KnownGoods(hub.catalog)
    if promise.startswith("rsv_"):
        explained = await hub.inventory.explain(hub.scope, promise)
        one = await promise_of(known, hub.scope, explained)
        if chart is not None:
            write_text(chart, proof_chart.drawn(one))
        return print_json(one) if as_json else _show_promise(one)
    if chart is not None:
        raise Invalid(
            f"{promise} may have more than one promise, and a picture shows one",
            hint=f"`crossdock stock explain {promise}` names them; draw one of those",
        )
    found = await promises_of(hub, known, hub.scope, promise)
    if as_json:
        return print_json({name: getattr(found, name) for name in Promises.model_fields})
    for one in found.promises:
        _show_promise(one)
    _show_held(found.held_for_kits)
    stock_promise.show_by_date(found.by_date)
    return stock_promise.show_decided(found)


def _show_promise(promise: PromiseShown) -> None:
    others = promise.decided_together - 1
    together = f", together with {others} more" if others else ""
    again = "the same" if promise.is_reproduced else "[red]not the same[/]"
    stdout.print(
        f"[bold]{promise.reservation_id}[/] decided {promise.decided_at:%Y-%m-%d %H:%M:%S.%f} UTC"
        f"{together}; decided once more: {again}",
        soft_wrap=True,
    )
    _show_lines(promise.lines)
    for one in promise.regrants:
        again = "the same" if one.is_reproduced else "[red]not the same[/]"
        stdout.print(
            f"granted anew {one.decided_at:%Y-%m-%d %H:%M:%S.%f} UTC; decided once more: {again}",
            soft_wrap=True,
        )
        _show_lines(one.lines)


def _show_held(held: Iterable[ReservationShown]) -> None:
    """Show what the hub holds of parts for kits that the order claims and nobody reserved."""
    for one in held:
        [line] = one.lines
        kits = line.put_together.value if line.put_together else "0"
        stdout.print(
            f"[bold]{one.reservation_id}[/] {one.status}, by the hub for"
            f" {escape(line.demand_ref)} since {one.created_at:%Y-%m-%d %H:%M:%S} UTC:"
            f" {kits} {escape(line.item)} at {escape(line.location)} to be put together",
            soft_wrap=True,
        )
        for part in line.parts or ():
            what = f"{part.remaining.value} of {part.granted.value} {part.granted.unit} held"
            stdout.print(f"  {escape(part.item)}: {what}", soft_wrap=True)


def _show_lines(lines: Iterable[LineProofShown]) -> None:
    for line in lines:
        stdout.print(f"{line.item} at {line.location}: {line.because}")
        for member in line.members:
            stdout.print(
                f"  {member.location}: {member.nettable.value} nettable,"
                f"{_expired(member)}"
                f" {member.claimed.value} claimed, {member.safety.value} safety,"
                f" {member.free.value} free"
            )
        expired = [("expired", line.expired)] if line.expired.value != "0" else []
        own = [("own order", line.own)] if line.own else []
        is_kept = line.kept_for_group.value != "0"
        kept = [("for group", line.kept_for_group)] if is_kept else []
        if line.channel:
            kept.append(("for others", line.kept_for_channels))
        if line.allowance:
            kept.append(("allowance", line.allowance))
        for name, shown in [
            ("nettable", line.nettable), *expired, ("claimed", line.claimed),
            ("earlier", line.earlier), *own, ("safety", line.safety), *kept, ("free", line.free),
        ]:  # fmt: skip
            stdout.print(f"  {name:<10}{shown.value:>14} {shown.unit}")
        for source in line.sources:
            stale = ", [yellow]stale[/]" if source.is_stale else ""
            heard = f"{source.heard_at:%Y-%m-%d %H:%M:%S} UTC" if source.heard_at else "never"
            stdout.print(f"  source {source.source}, heard {heard}{stale}")
        stdout.print(f"  [dim]{line.rule}[/]", soft_wrap=True)


def _expired(member: MemberProofShown) -> str:
    return f" {member.expired.value} expired," if member.expired.value != "0" else ""
