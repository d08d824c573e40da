"""Draws an item's buffer against the delay of the path, as a picture of its own (SVG)."""

from collections.abc import Iterator
from decimal import Decimal

from crossdock.canonical.quantities import plain
from crossdock.interfaces.api.chart import Frame, Scale, picture, tenth, text
from crossdock.orchestration.processes.oversell_shown import BudgetCurve

FRAME = Frame(height=376, top=100)
TICKS = ((1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (7200, "2 h"))


def drawn(curve: BudgetCurve) -> str:
    """Draw the curve, with what was measured marked on it. The delay is on a logarithmic scale."""
    scale = Scale.of(FRAME, [curve.buffer, *(units for _, units in curve.points)])
    title = (
        f"{curve.item}: units held back so that at most"
        f" {plain(curve.oversell_percent)} % of stock-outs oversell"
    )
    parts = [
        *scale.drawn(),
        *_delays(),
        f'<polyline class="line" points="{_path(curve, scale)}"/>',
        *_marks(curve, scale),
    ]
    return picture(FRAME, title, f"{_measured(curve)}; {_batch(curve)}", parts)


def _delays() -> Iterator[str]:
    for seconds, name in TICKS:
        x = _x(Decimal(seconds))
        yield f'<path class="axis" d="M{x} {FRAME.floor} v5"/>'
        anchor = "end" if seconds == TICKS[-1][0] else "middle"
        yield text(x, FRAME.floor + 20, "" if name == "1 h" else name, anchor=anchor)
    middle = (FRAME.left + FRAME.end) // 2
    yield text(middle, FRAME.height - 10, "how long news takes", anchor="middle")
    yield text(FRAME.left - 8, FRAME.top - 14, "units", anchor="end")


def _measured(curve: BudgetCurve) -> str:
    return f"measured: {plain(curve.seconds)} s, {plain(curve.buffer)} held back"


def _batch(curve: BudgetCurve) -> str:
    return f"every two hours: {plain(curve.points[-1][1])}"


def _marks(curve: BudgetCurve, scale: Scale) -> Iterator[str]:
    slowest, most = curve.points[-1]
    for seconds, units, said, anchor, above in (
        (curve.seconds, curve.buffer, _measured(curve), "start", 50),
        (slowest, most, _batch(curve), "end", 26),
    ):
        x, y = _x(seconds), scale.y(units)
        yield f'<circle class="mark" cx="{x}" cy="{y}" r="5"/>'
        yield text(x + (9 if anchor == "start" else -9), y - above, said, anchor=anchor)


def _path(curve: BudgetCurve, scale: Scale) -> str:
    return " ".join(f"{_x(seconds)},{scale.y(units)}" for seconds, units in curve.points)


def _x(seconds: Decimal) -> Decimal:
    """Place a delay: a second at the left, two hours at the right; what lies beyond, there too."""
    least, most = Decimal(TICKS[0][0]), Decimal(TICKS[-1][0])
    within = min(max(seconds, least), most)
    part = within.log10() / most.log10()
    return tenth(FRAME.left + part * (FRAME.end - FRAME.left))
