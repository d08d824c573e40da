"""`crossdock reconcile show`: a finding of reconciliation, as the command line shows it."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import LABELS, Finding, Kind, Run, first_of
from crossdock.interfaces.api.finding_chart import drawn
from crossdock.interfaces.cli.files import write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout

Id = Annotated[str, typer.Argument(metavar="FINDING", help="Finding id, fnd_…")]


class Worth(Protocol):
    """What differences are worth together: each currency by itself."""

    @property
    def value_at_risk(self) -> Decimal | None: ...

    @property
    def other_values(self) -> Mapping[str, Decimal]: ...

    @property
    def unpriced(self) -> int: ...


def money_of(amount: Decimal | None, currency: str) -> str:
    """Word an amount; in the functional currency it names none, and "" is not known."""
    return "" if amount is None else f"{plain(amount)} {currency}".strip()


def money_lines(one: Worth) -> list[str]:
    """Word what is at risk, each currency by itself, and how much has no price."""
    amounts = [money_of(one.value_at_risk, "")]
    amounts += [money_of(amount, currency) for currency, amount in one.other_values.items()]
    return [*filter(None, amounts), *([f"{one.unpriced} without a price"] if one.unpriced else [])]


def state_of(one: Finding) -> str:
    """Word its state; what is gone and not closed waits for a person to name its cause."""
    if one.state == "CLOSED" or not one.is_gone:
        return one.state
    return "gone, name its cause"


def number_of(one: Finding) -> str:
    return f"{one.document} line {one.line}: " if one.document else ""


def pair_of(one: Run | Finding) -> str:
    first = first_of(one.system)
    both = f"{first} and {one.against}" if first else one.against
    return f"{LABELS[one.kind]} of {both}" if one.kind in LABELS else both


def _of_stock(one: Finding) -> list[tuple[str, str]]:
    """Say what a doubt of stock does to what is shown; a document's does nothing."""
    if one.document:
        return []
    return [
        ("safe", f"{plain(one.safe)} {one.unit}, the lower of both"),
        ("withheld", f"{plain(one.withheld)} {one.unit} from channels"),
    ]


def _at_risk(one: Finding) -> str:
    if one.is_gone:
        return "nothing: both agree again"
    return money_of(one.value_at_risk, one.currency) or "unknown: it has no price"


_OURS = {Kind.INVOICE_PRICES: "agreed", Kind.SUPPLIER_PRICES: "agreed"}


def print_finding(one: Finding) -> None:
    stdout.print(
        f"[bold]{one.finding_id}[/] {state_of(one)}: {escape(number_of(one))}{escape(one.item)}"
        f" at {escape(one.location)}"
    )
    for name, value in (
        (first_of(one.system) or _OURS.get(one.kind, "ours"), f"{plain(one.ours)} {one.unit}"),
        (one.against, f"{plain(one.theirs)} {one.unit}"),
        ("explained", plain(one.explained)),
        ("unexplained", plain(one.unexplained)),
        *_of_stock(one),
        ("as of", f"{one.last_cut:%Y-%m-%d %H:%M:%S} UTC"),
        ("cause", f"{one.root_cause or one.cause}{', ' + one.because if one.because else ''}"),
        ("remedy", one.remedy),
        ("at risk", _at_risk(one)),
        ("age", f"{one.age}{'' if one.is_gone else f', due {one.due_at:%Y-%m-%d %H:%M} UTC'}"),
    ):
        stdout.print(f"  {name:<12}{value}", soft_wrap=True, markup=False)
    for kind in ("lines", "buckets", "documents", "recent_movements"):
        for row in one.evidence.get(kind, []):
            words = " ".join(f"{name}={value}" for name, value in row.items())
            stdout.print(f"  {kind:<18}{words}", soft_wrap=True, markup=False)


def show(
    finding: Id,
    chart: Annotated[
        Path | None, typer.Option(help="Draw what explains how much of it into this SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a difference with its evidence: both numbers, the cut, documents, cause, remedy."""

    async def shown(hub: Hub) -> None:
        one = await hub.reconciliation.finding(hub.scope, finding)
        if chart is not None:
            write_text(chart, drawn(one))
        if as_json:
            print_json(one)
            return
        print_finding(one)
        if chart is not None:
            stdout.print(f"drawn: {chart}")

    with_hub(shown)
