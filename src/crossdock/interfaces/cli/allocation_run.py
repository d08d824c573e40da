"""A back-order run as people read it."""

from decimal import Decimal

from crossdock.capabilities.allocation import Run, RunState
from crossdock.interfaces.api.allocation_shapes import (
    ElsewhereShown,
    RunShown,
    run_shown,
    written,
)
from crossdock.interfaces.cli.output import print_json, stdout, table


def print_run(run: Run, *, as_json: bool) -> None:
    """Say what every line had before and has after, and what is found for it elsewhere."""
    shown = run_shown(run)
    if as_json:
        print_json(shown)
        return
    stdout.print(_headline(shown), soft_wrap=True, markup=False)
    table(
        ("order line", "strategy", "priority", "open", "before", "after", "why", "exception"),
        [
            (
                line.demand_ref,
                line.strategy,
                line.priority,
                written(line.requested),
                written(line.before),
                written(line.after),
                f"{line.why}, {written(line.coming)} to come"
                if Decimal(line.coming.value)
                else line.why,
                line.exception,
            )
            for line in shown.lines
        ],
        empty="no lines",
    )
    if shown.alternatives:
        _print_alternatives(shown.alternatives)


def _print_alternatives(found: list[ElsewhereShown]) -> None:
    table(
        ("order line", "elsewhere", "gets", "for", "there on", "state", "decision", "why"),
        [
            (
                one.demand_ref,
                f"{one.item} at {one.location}",
                written(one.quantity),
                written(one.covers),
                one.arrives_on or one.ships_on or "",
                one.state,
                one.decision_id,
                one.why,
            )
            for one in found
        ],
        empty="nothing elsewhere",
    )


def _headline(run: RunShown) -> str:
    where = f"{run.run_id} {run.state}: {run.item} at {run.location}"
    if run.state is RunState.REFUSED:
        return f"{where}, {written(run.owed)} are owed and {written(run.supply)} are there"
    return (
        f"{where}, of {written(run.supply)}: {written(run.gained)} gained,"
        f" {written(run.lost)} lost{_found(run)}"
    )


def _found(run: RunShown) -> str:
    lines = len({one.demand_ref for one in run.alternatives})
    return f"; something elsewhere for {lines} of its order lines" if lines else ""
