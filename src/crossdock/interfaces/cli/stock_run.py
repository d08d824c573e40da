"""Allocation runs as `crossdock stock explain` shows them: what they saw, and who came before."""

from collections.abc import Iterable

from rich.markup import escape

from crossdock.interfaces.api.allocation_shapes import RunLineShown, RunShown, written
from crossdock.interfaces.cli.output import stdout, table

AHEAD_MAX = 20
"""So many of those who came before a line are shown; `allocation show` shows them all."""


def show_run_of(demand_ref: str, runs: Iterable[RunShown]) -> None:
    """Say what a run had to share out, who of it came before an order line, and with how much."""
    for run in runs:
        stock = run.stock
        stdout.print(
            f"  supply {run.supply.value} of {stock.nettable.value} nettable"
            f" ({stock.hard.value} hard, {stock.soft.value} soft, {stock.safety.value} safety),"
            f" rules {run.rules_version}, decided once more:"
            f" {'the same' if run.is_reproduced else 'not the same'}",
            soft_wrap=True,
        )
        for kept in run.protections:
            most = "no maximum" if kept.maximum is None else f"at most {kept.maximum.value}"
            stdout.print(
                f"  kept for {escape(kept.counts_for)}: {kept.minimum.value}, {most},"
                f" had {kept.taken.value}",
                soft_wrap=True,
            )
        refs = [line.demand_ref for line in run.lines]
        turn = refs.index(demand_ref) + 1
        shown = run.lines[max(0, turn - 1 - AHEAD_MAX) : turn]
        table(
            (
                "turn",
                "order line",
                "channel",
                "counts for",
                "strategy",
                "priority",
                "since",
                "had",
                "has",
                "why",
            ),
            [_row(number, line) for number, line in enumerate(shown, start=turn + 1 - len(shown))],
            empty="",
        )


def _row(number: int, line: RunLineShown) -> tuple[str, ...]:
    return (
        str(number),
        line.demand_ref,
        line.channel,
        line.counts_for,
        line.strategy,
        str(line.priority),
        f"{line.since:%Y-%m-%d %H:%M:%S}",
        written(line.before),
        f"{line.after.value} of {written(line.requested)}",
        line.why,
    )
