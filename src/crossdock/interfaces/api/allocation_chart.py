"""Draws a back-order run, what every order line had before and has after, as a picture (SVG)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import Run, RunLine, RunState, Why
from crossdock.interfaces.api.chart import Frame, fitted, legend, picture, tenth, text, wide

DRAWN_MAX = 40
"""So many order lines are drawn; of more, those that change go first."""
BEFORE, AFTER, OPEN = "a1", "c0", "axis"
KINDS = (
    (OPEN, "open"),
    (BEFORE, "confirmed before (above)"),
    (AFTER, "confirmed after (below)"),
)
FRAME = Frame(left=16, right=16, top=92, bottom=40)
ROW = 88
BAR = 12

SENTENCES: Mapping[Why, str] = MappingProxyType(
    {
        Why.FULL: "all of it is confirmed",
        Why.ON_TIME: "the rest comes before it is to leave",
        Why.ELSEWHERE: "other places have the rest",
        Why.RELEASED: "the warehouse has it in hand",
        Why.KEPT: "it keeps what it has, and gains nothing",
        Why.SUPPLY: "no more is there",
        Why.MAXIMUM: "its channel, or group, has its maximum",
        Why.MINIMUM: "the rest is kept for others",
        Why.GIVEN_UP: "it gives up what it had",
        Why.NOT_TOUCHED: "it is not touched",
    }
)


def drawn(run: Run) -> str:
    """Draw two bars for each order line in the order of its turn, and what decided its amount."""
    lines = _chosen(run.lines)
    frame = replace(FRAME, height=FRAME.top + ROW * max(1, len(lines)) + FRAME.bottom)
    most = max((max(one.requested, one.before, one.after) for one in lines), default=1)
    parts: list[str] = legend(frame, KINDS)
    for row, line in enumerate(lines):
        parts += _line(frame, frame.top + row * ROW, line, (most or 1, run.unit))
    parts.append(text(frame.left, frame.height - 14, _foot(run, len(lines))))
    return picture(frame, _title(run), _said(run, lines), parts)


def _title(run: Run) -> str:
    there = _amount(run.supply, run.unit)
    place = f"{run.item} at {run.location}"
    if run.state is RunState.REFUSED:
        return f"{place}: refused, {_amount(run.owed, run.unit)} are owed and {there} are there"
    gained, lost = _amount(run.gained, run.unit), _amount(run.lost, run.unit)
    return f"{place}: of {there}, {gained} gained and {lost} lost, {run.state.lower()}"


def _chosen(lines: Sequence[RunLine]) -> list[RunLine]:
    """Take those that change first, and put them back into the order of their turn."""
    places = sorted(range(len(lines)), key=lambda at: lines[at].before == lines[at].after)
    return [lines[at] for at in sorted(places[:DRAWN_MAX])]


def _foot(run: Run, number: int) -> str:
    if not run.lines:
        return "no order line is open there"
    rest = len(run.lines) - number
    return "in the order of their turn" + (f"; {rest} more lines are not drawn" if rest else "")


def _line(frame: Frame, top: int, line: RunLine, scale: tuple[int, str]) -> Iterator[str]:
    most, unit = scale
    change = fitted(_change(line, unit), 400)
    room = frame.end - frame.left - wide(change) - 16
    yield text(frame.left, top + 16, fitted(f"{line.demand_ref} of {_whose(line)}", room))
    yield text(frame.end, top + 16, change, anchor="end")
    per = Decimal(frame.end - frame.left) / most
    yield (
        f'<rect class="{OPEN}" x="{frame.left}" y="{top + 24}"'
        f' width="{tenth(per * line.requested)}" height="{2 * BAR}"/>'
    )
    for number, (kind, micros) in enumerate(((BEFORE, line.before), (AFTER, line.after))):
        if micros:
            yield (
                f'<rect class="{kind}" x="{frame.left}" y="{top + 24 + number * BAR}"'
                f' width="{tenth(per * micros)}" height="{BAR}"/>'
            )
    yield text(frame.left, top + 68, fitted(_why(line), frame.end - frame.left))


def _whose(line: RunLine) -> str:
    """Name its channel, and the group that it counts for where that is another."""
    is_shared = line.counts_for != line.channel
    return f"{line.channel} (group {line.counts_for})" if is_shared else line.channel


def _change(line: RunLine, unit: str) -> str:
    before, after = (_amount(micros, "") for micros in (line.before, line.after))
    return f"{before} → {after} of {_amount(line.requested, unit)}"


def _why(line: RunLine) -> str:
    exception = f", {line.exception}" if line.exception else ""
    return f"{line.strategy}, priority {line.priority}: {SENTENCES[line.why]}{exception}"


def _said(run: Run, lines: Sequence[RunLine]) -> str:
    each = "; ".join(
        f"{one.demand_ref} of {_whose(one)} {_change(one, run.unit)}, {_why(one)}" for one in lines
    )
    return f"{run.run_id}: {each}" if each else f"{run.run_id}: {_foot(run, 0)}"


def _amount(micros: int, unit: str) -> str:
    return str(Quantity.from_micros(micros, unit)).strip()
