"""Draws how right stock records were, by what was counted, as a picture of its own (SVG)."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import Accuracy, AccuracyReport
from crossdock.interfaces.api.chart import Frame, fitted, legend, picture, tenth, text

FRAME = Frame(left=16, right=16, top=92, bottom=40)
ROW, BAR = 64, 12
FROM, TO = 200, 500
"""Between these lies a hundred percent: words stand before it, and figures behind it."""
KEYS, UNITS, WHOLE = "c0", "a1", "axis"
KINDS = ((KEYS, "keys within tolerance (above)"), (UNITS, "units right (below)"))
PLACES_MAX = 20
"""So many locations are drawn; of more, those with most that was counted."""


def drawn(report: AccuracyReport) -> str:
    """Draw two bars of a hundred percent for all, each class and each location.

    Beside them stands the net variance, in which a gain hides a loss.
    """
    groups = [*_groups(report)]
    frame = replace(FRAME, height=FRAME.top + ROW * len(groups) + FRAME.bottom)
    parts = legend(frame, KINDS)
    for row, (name, one) in enumerate(groups):
        parts += _group(frame.top + ROW * row, name, one)
    parts.append(text(frame.left, frame.height - 14, _foot(report)))
    said = "; ".join([*(f"{name}: {_said(one)}" for name, one in groups), _foot(report)])
    return picture(frame, _title(report), said, parts)


def _title(report: AccuracyReport) -> str:
    return f"How right the books were, {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}"


def _groups(report: AccuracyReport) -> Iterator[tuple[str, Accuracy]]:
    yield "all", report.total
    for of, one in report.classes.items():
        if one.counted:
            yield f"class {of}", one
    most = sorted(report.locations, key=lambda at: -report.locations[at].counted)[:PLACES_MAX]
    for at in sorted(most):
        yield at, report.locations[at]


def _group(top: int, name: str, one: Accuracy) -> Iterator[str]:
    yield text(FRAME.left, top + 14, fitted(name, FROM - FRAME.left - 8))
    yield text(FRAME.left, top + 36, fitted(_net(one), FROM - FRAME.left - 8))
    for number, (kind, percent, said) in enumerate(
        (
            (KEYS, one.within_percent, f"{one.within} of {one.counted}"),
            (UNITS, one.units_percent, ""),
        )
    ):
        at = top + 22 * number
        figure = "unknown" if percent is None else f"{plain(percent)} %"
        yield text(FRAME.end, at + 14, said or figure, anchor="end")
        for shape, share in ((kind, percent or Decimal(0)), (WHOLE, Decimal(100))):
            wide = tenth((TO - FROM) * min(Decimal(100), share) / 100)
            yield f'<rect class="{shape}" x="{FROM}" y="{at + 3}" width="{wide}" height="{BAR}"/>'


def _net(one: Accuracy) -> str:
    percent = one.net_percent
    if percent is None:
        return "net unknown"
    return f"net {'+' if percent > 0 else ''}{plain(percent)} %"


def _said(one: Accuracy) -> str:
    units = "unknown" if one.units_percent is None else f"{plain(one.units_percent)} %"
    return (
        f"{one.within} of {one.counted} keys within tolerance, {units} of units right, {_net(one)}"
    )


def _foot(report: AccuracyReport) -> str:
    rest = len(report.locations) - PLACES_MAX
    more = f"; {rest} more locations are not drawn" if rest > 0 else ""
    return f"net: found less booked, of what was booked{more}"
