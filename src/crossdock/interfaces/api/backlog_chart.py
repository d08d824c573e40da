"""Draws open differences between systems by cause and age, as a picture of its own (SVG)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from crossdock.canonical.quantities import plain
from crossdock.interfaces.api.chart import Frame, legend, picture, tenth, text

AGES = ("0-4 h", "4-24 h", "1-3 d", "3-7 d", "> 7 d")
KINDS = tuple((f"a{number}", age) for number, age in enumerate(AGES))
ROW = 34
FRAME = Frame(left=160, right=100, bottom=40)


class Difference(Protocol):
    """As much of a finding as the chart shows; money is in the functional currency."""

    @property
    def cause(self) -> str: ...

    @property
    def age(self) -> str: ...

    @property
    def value_at_risk(self) -> Decimal | None: ...


def drawn(differences: Sequence[Difference]) -> str:
    """Draw a bar for each cause, the most money first, parted by age; the money stands behind."""
    counts = Counter((one.cause, one.age) for one in differences)
    money: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in differences:
        money[one.cause] += one.value_at_risk or 0
    total = Counter(one.cause for one in differences)
    causes = sorted(total, key=lambda cause: (-money[cause], -total[cause], cause))
    frame = replace(FRAME, height=FRAME.top + ROW * max(1, len(causes)) + FRAME.bottom)
    most = max(total.values(), default=1)
    parts: list[str] = legend(frame, KINDS)
    for row, cause in enumerate(causes):
        parts += _bar(frame, row, cause, [counts[cause, age] for age in AGES], most)
        middle = frame.top + row * ROW + ROW // 2 + 5
        parts.append(text(frame.width - 14, middle, _money(money[cause]), anchor="end"))
    parts += [
        text(frame.left - 10, frame.top - 14, "cause", anchor="end"),
        text(frame.width - 14, frame.top - 14, "at risk", anchor="end"),
        text(frame.left, frame.height - 14, "number of open differences, by age"),
    ]
    said = "; ".join(
        f"{cause}: {total[cause]} open, {plain(money[cause])} at risk, "
        + ", ".join(f"{counts[cause, age]} of {age}" for age in AGES if counts[cause, age])
        for cause in causes
    )
    title = "Open differences by cause and age, the most money first"
    return picture(frame, title, said or "no difference is open", parts)


def _bar(frame: Frame, row: int, cause: str, counts: Sequence[int], most: int) -> Iterator[str]:
    top = frame.top + row * ROW
    yield text(frame.left - 10, top + ROW // 2 + 5, cause, anchor="end")
    per = Decimal(frame.end - frame.left - 30) / most
    x = Decimal(frame.left)
    for (kind, _), number in zip(KINDS, counts, strict=True):
        if number:
            yield (
                f'<rect class="{kind}" x="{tenth(x)}" y="{top + 5}"'
                f' width="{tenth(per * number)}" height="{ROW - 10}"/>'
            )
            x += per * number
    yield text(tenth(x + 7), top + ROW // 2 + 5, str(sum(counts)))


def _money(value: Decimal) -> str:
    return f"{value.quantize(Decimal(1)):,}".replace(",", " ") if value else ""
