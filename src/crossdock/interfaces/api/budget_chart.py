"""Draws an item's buffer against the delay of the path, as a picture of its own (SVG)."""

from collections.abc import Iterator
from decimal import Decimal
from html import escape

from crossdock.canonical.quantities import plain
from crossdock.orchestration.processes.oversell_shown import BudgetCurve

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 24, 44, 44
TICKS = ((1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (7200, "2 h"))
FONT = 'role="img" font-family="system-ui, sans-serif"'
INK, LINE, MARK = "#475569", "#2563eb", "#dc2626"


def drawn(curve: BudgetCurve) -> str:
    """Draw the curve, with what was measured marked on it. The delay is on a logarithmic scale."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f"<title>{escape(_title(curve))}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 24, _title(curve), size=15),
        *_scales(curve),
        f'<polyline fill="none" stroke="{LINE}" stroke-width="2" points="{_path(curve)}"/>',
        *_marks(curve),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _title(curve: BudgetCurve) -> str:
    return (
        f"{curve.item}: units held back so that at most"
        f" {plain(curve.oversell_percent)} % of stock-outs oversell"
    )


def _scales(curve: BudgetCurve) -> Iterator[str]:
    floor = HEIGHT - BOTTOM
    yield f'<path d="M{LEFT} {TOP} V{floor} H{WIDTH - RIGHT}" fill="none" stroke="{INK}"/>'
    for seconds, name in TICKS:
        x = _x(Decimal(seconds))
        yield f'<path d="M{x} {floor} v5" stroke="{INK}"/>'
        yield _text(x, floor + 20, name, anchor="middle")
    for part in (Decimal("0.5"), Decimal(1)):
        units = (_most(curve) * part).quantize(Decimal(1))
        y = _y(units, curve)
        yield f'<path d="M{LEFT} {y} H{WIDTH - RIGHT}" stroke="{INK}" stroke-opacity="0.15"/>'
        yield _text(LEFT - 8, y + 4, plain(units), anchor="end")
    yield _text(LEFT - 8, floor + 4, "0", anchor="end")


def _marks(curve: BudgetCurve) -> Iterator[str]:
    slowest, most = curve.points[-1]
    here = f"measured: {plain(curve.seconds)} s, {plain(curve.buffer)} held back"
    there = f"every two hours: {plain(most)}"
    for seconds, units, said, anchor in (
        (curve.seconds, curve.buffer, here, "start"),
        (slowest, most, there, "end"),
    ):
        x, y = _x(seconds), _y(units, curve)
        yield f'<circle cx="{x}" cy="{y}" r="4.5" fill="{MARK}"/>'
        yield _text(x + (8 if anchor == "start" else -8), y - 8, said, anchor=anchor)


def _path(curve: BudgetCurve) -> str:
    return " ".join(f"{_x(seconds)},{_y(units, curve)}" for seconds, units in curve.points)


def _most(curve: BudgetCurve) -> Decimal:
    return max([Decimal(1), curve.buffer, *(units for _, units in curve.points)])


def _x(seconds: Decimal) -> Decimal:
    """Place a delay: a second at the left, two hours at the right; what lies beyond, there too."""
    least, most = Decimal(TICKS[0][0]), Decimal(TICKS[-1][0])
    within = min(max(seconds, least), most)
    part = within.log10() / most.log10()
    return (LEFT + part * (WIDTH - LEFT - RIGHT)).quantize(Decimal("0.1"))


def _y(units: Decimal, curve: BudgetCurve) -> Decimal:
    floor = HEIGHT - BOTTOM
    return (floor - units / _most(curve) * (floor - TOP)).quantize(Decimal("0.1"))


def _text(
    x: Decimal | int, y: Decimal | int, said: str, *, anchor: str = "start", size: int = 12
) -> str:
    return (
        f'<text x="{x}" y="{y}" fill="{INK}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(said)}</text>"
    )
