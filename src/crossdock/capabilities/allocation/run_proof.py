"""Why a run gave each line what it gave it: its rules run once more on what it saw (D8). Pure."""

from collections.abc import Mapping

from crossdock.capabilities.allocation import alternatives, figures
from crossdock.capabilities.allocation.model import Line, Outcome
from crossdock.capabilities.allocation.shapes import Run, RunLine, RunState


def derived(run: Run) -> Outcome:
    """Share out once more what the run saw, among the lines as they were before it."""
    lines = [_line(one) for one in run.lines]
    supply = figures.supply(run.figures, lines)
    return alternatives.decided(supply, lines, run.protections, run.expected, _covered(run))


def is_reproduced(run: Run) -> bool:
    """Say whether the rules give every line of a run what it got, in the same order, and why."""
    lines = [_line(one) for one in run.lines]
    again = derived(run)
    was = (
        run.supply,
        run.owed,
        run.gained,
        run.lost,
        [(one, kept.after, kept.why, kept.exception, kept.coming)
         for one, kept in zip(lines, run.lines, strict=True)],
    )  # fmt: skip
    now = (
        figures.supply(run.figures, lines),
        again.owed,
        again.gained,
        again.lost,
        [tuple(grant) for grant in again.grants],
    )
    # What became of a run changes its state; that it was refused never does.
    could_be = again.is_refused or run.state is not RunState.REFUSED
    return could_be and was == now


def _line(one: RunLine) -> Line:
    return Line(
        demand_ref=one.demand_ref,
        group=one.counts_for,
        requested=one.requested,
        confirmed=one.before,
        strategy=one.strategy,
        priority=one.priority,
        since=one.since,
        multiple=one.multiple,
        picked=one.picked,
        released=one.released,
        ships_on=one.ships_on,
        elsewhere=one.elsewhere,
    )


def _covered(run: Run) -> Mapping[str, int]:
    return {one.demand_ref: run.offered(one.demand_ref) for one in run.alternatives}
