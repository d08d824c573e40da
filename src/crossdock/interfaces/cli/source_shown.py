"""Prints a decision of sourcing and the promise that was made of it."""

from collections.abc import Sequence
from typing import Any

from crossdock.canonical.quantities import plain
from crossdock.capabilities.inventory import Reservation
from crossdock.capabilities.sourcing import (
    Decided,
    PartShown,
    ShipmentShown,
    SourcedLineShown,
    SubstituteShown,
    SubstituteVerdict,
)
from crossdock.interfaces.cli.output import stdout

SUBSTITUTE_SAID = {
    SubstituteVerdict.NOT_NEEDED: "not needed",
    SubstituteVerdict.NOT_THERE: "none that could leave as asked",
    SubstituteVerdict.REQUIRES_APPROVAL: "only if somebody approves it",
}


def print_decision(decided: Decided) -> None:
    """Print what leaves where, what stands in, what waits, and the reason of every node."""
    rules = f"rules for {decided.rules.scope}, version {decided.rules.version}"
    named = decided.decision_id or "not kept"
    stdout.print(f"[bold]{named}[/]  {rules}, decided by {decided.decided_by}")
    for moved in decided.lines:
        if moved.pack and moved.asked != moved.quantity:
            _print_packs(moved)
    _print_shipments(decided.shipments, "")
    _print_shipments(decided.drop_shipments, " (drop-shipped)")
    for made in decided.substitutes:
        _print_substitute(decided, made)
    for one in decided.waiting:
        at = f" at {one.node}" if one.node else ""
        stdout.print(f"  waits{at}: {_amount(one.quantity.value)} of {one.item}", markup=False)
    if decided.method == "GREEDY":
        stdout.print("  [yellow]not every set of nodes was looked at: there are too many[/]")
    for why in decided.reasons:
        verdict = why.verdict.lower().replace("_", " ")
        line = f"    {why.node:<12}{verdict:<13}{why.rule:<18}{why.why}"
        stdout.print(line, markup=False, soft_wrap=True)


def _print_packs(line: SourcedLineShown) -> None:
    asked, planned = line.asked or line.quantity, line.quantity
    said = f"{_amount(asked.value)} asked, {_amount(planned.value)} planned"
    packs = "" if line.pack is None else _amount(line.pack.value)
    stdout.print(f"  {line.item} is sold in packs of {packs}: {said}", markup=False)


def _print_substitute(decided: Decided, made: SubstituteShown) -> None:
    """Say what stands in for which line, by which rule, or why it does not."""
    line = next(one for one in decided.lines if one.line_no == made.substitute_of_line)
    rule = f"rule of {made.rule_item}, version {made.rule_version}"
    taken = f"{_amount(made.quantity.value)} for {_amount(made.covers.value)}"
    said = SUBSTITUTE_SAID.get(made.verdict, f"line {made.line_no}, {taken}")
    stdout.print(
        f"  {made.item} in the place of {line.item} (line {line.line_no}): {said} ({rule})",
        markup=False,
        soft_wrap=True,
    )


def _print_shipments(shipments: Sequence[ShipmentShown], kind: str) -> None:
    for one in shipments:
        parts = ", ".join(
            f"{_amount(part.quantity.value)} of {part.item}{_how(part)}" for part in one.parts
        )
        days = f", arrives {one.arrives_on}" if one.arrives_on else ""
        leaves = f", leaves {one.ships_on}" if one.ships_on else ""
        stdout.print(
            f"  from {one.node}{kind}: {parts}{leaves}{days}", markup=False, soft_wrap=True
        )


def _how(part: PartShown) -> str:
    """Say how many of a kit are put together, and when the supply for a part is due."""
    said: list[str] = []
    assembled = part.takes.get(part.item)
    made = part.quantity.value - (assembled.value if assembled else 0)
    if part.takes and made:
        said.append(f"{_amount(made)} put together")
    if part.supply_on:
        said.append(f"from supply due on {part.supply_on}")
    return f" ({', '.join(said)})" if said else ""


def print_promise(made: Reservation | None) -> None:
    """Print the reservation that was made of a plan, if one was."""
    if made is not None:
        stdout.print(f"  [bold]{made.reservation_id}[/] {made.status} {made.kind}")


def _amount(value: Any) -> str:
    return plain(value)
