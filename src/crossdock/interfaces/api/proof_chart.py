"""Draws why a reservation was granted or refused: what lay there, what was taken off (SVG)."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from crossdock.interfaces.api.chart import Frame, fitted, folded, picture, tenth, text
from crossdock.interfaces.api.promise_shapes import LineProofShown, PromiseShown
from crossdock.interfaces.api.stock_shapes import AmountShown

FRAME = Frame(left=16, right=16, top=64, bottom=20)
LINE, ROW, BAR, GAP = 26, 28, 16, 14
FROM, TO = 250, 500
"""Between these lie the bars: words stand before them, and figures behind them."""
THERE, OFF, FREE, ASKED, GRANTED = "a1", "o1", "a2", "axis", "c0"
LINES_MAX = 8
"""So many lines are drawn; of more, the first."""


def drawn(promise: PromiseShown) -> str:
    """Draw a block for each line, a bar for every figure; lines of one unit to one scale.

    What was taken off is an outline, and so is what was asked for: what was granted of it is
    filled.
    """
    lines = promise.lines[:LINES_MAX]
    parts: list[str] = []
    at = FRAME.top
    most = {line.requested.unit: Decimal(1) for line in lines}
    for line in lines:
        unit = line.requested.unit
        most[unit] = max(most[unit], *map(_size, _amounts(line)))
    for line in lines:
        block, at = _block(line, at, (TO - FROM) / most[line.requested.unit])
        parts += block
    for said in _foot(promise):
        parts.append(text(FRAME.left, at + 16, said))
        at += LINE
    frame = replace(FRAME, height=at + FRAME.bottom)
    said = "; ".join([*map(_said, lines), *_foot(promise)])
    return picture(frame, f"Why {promise.request_id} got what it got", said, parts)


def _block(line: LineProofShown, top: int, per: Decimal) -> tuple[list[str], int]:
    """Draw a line from `top` on, `per` units of width for one; give where the next one begins."""
    at, found = top, list[str]()
    said = f"{line.item} at {line.location}: {line.because}"
    for words in folded(said, FRAME.end - FRAME.left, most=2):
        found.append(text(FRAME.left, at + 14, words))
        at += LINE
    for name, kind, shown in _figures(line):
        found += _row(at, name, f"{shown.value} {shown.unit}")
        found.append(_bar(at, kind, per * _size(shown)))
        at += ROW
    granted, asked = line.granted, line.requested
    found += _row(at, "granted", f"{granted.value} of {asked.value} {asked.unit}")
    found += [_bar(at, GRANTED, per * _size(granted)), _bar(at, ASKED, per * _size(asked))]
    return found, at + ROW + GAP


def _figures(line: LineProofShown) -> Iterator[tuple[str, str, AmountShown]]:
    """Name the figures in the order in which they are taken off; one of nothing is left out."""
    yield "lay there", THERE, line.nettable
    for name, shown in (
        ("less promised before", line.claimed),
        ("of these, to its order", line.own),
        ("less decided just before", line.earlier),
        ("less safety stock", line.safety),
        ("less kept for its group", line.kept_for_group),
        ("less kept for others", line.kept_for_channels),
    ):
        if shown is not None and _size(shown):
            yield name, OFF, shown
    if line.allowance is not None:
        yield "its channel may have", OFF, line.allowance
    yield "free", FREE, line.free


def _amounts(line: LineProofShown) -> list[AmountShown]:
    return [*(shown for _, _, shown in _figures(line)), line.requested, line.granted]


def _size(shown: AmountShown) -> Decimal:
    return Decimal(shown.value)


def _row(top: int, name: str, shown: str) -> Iterator[str]:
    yield text(FRAME.left, top + 14, fitted(name, FROM - FRAME.left - 8))
    yield text(FRAME.end, top + 14, fitted(shown, FRAME.end - TO - 8), anchor="end")


def _bar(top: int, kind: str, width: Decimal) -> str:
    """Draw a bar; one of less than nothing has no length."""
    size = f'width="{max(Decimal(0), tenth(width))}" height="{BAR}"'
    return f'<rect class="{kind}" x="{FROM}" y="{top}" {size}/>'


def _foot(promise: PromiseShown) -> Iterator[str]:
    if (rest := len(promise.lines) - LINES_MAX) > 0:
        yield f"{rest} more lines are not drawn"
    again = "the same" if promise.is_reproduced else "not the same"
    yield f"decided {promise.decided_at:%Y-%m-%d %H:%M:%S} UTC; decided once more: {again}"


def _said(line: LineProofShown) -> str:
    figures = ", ".join(f"{name} {shown.value} {shown.unit}" for name, _, shown in _figures(line))
    return f"{line.item} at {line.location}: {line.because} ({figures})"
