"""Draws open differences between systems by cause and age, as a picture of its own (SVG)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple, Protocol

from crossdock.canonical.quantities import plain
from crossdock.interfaces.api.chart import Frame, legend, picture, tenth, text

AGES = ("0-4 h", "4-24 h", "1-3 d", "3-7 d", "> 7 d")
KINDS = tuple((f"a{number}", age) for number, age in enumerate(AGES))
TALL = (8, 12, 16, 20, 24)
"""How tall a bar of each age is: the older, the taller, for who cannot tell the colours apart."""
ROW = 34
DRAWN_MAX = 1000
"""So many differences are drawn; whoever asks for them asks for one more, to see if there is."""
FRAME = Frame(left=160, right=100, bottom=40)


class Difference(Protocol):
    """As much of a finding as the chart shows; `currency` "" is the functional one."""

    @property
    def cause(self) -> str: ...

    @property
    def age(self) -> str: ...

    @property
    def value_at_risk(self) -> Decimal | None: ...

    @property
    def currency(self) -> str: ...


def drawn(differences: Sequence[Difference]) -> str:
    """Draw a bar for each cause, the most money first, parted by age; the money stands behind.

    Of more than `DRAWN_MAX` those of most value are drawn, and the picture says so.
    """
    bound = ""
    if len(differences) > DRAWN_MAX:
        differences = sorted(differences, key=_by_value)[:DRAWN_MAX]
        bound = f"of the {DRAWN_MAX} of most value"
    counts = Counter((one.cause, one.age) for one in differences)
    risks = {cause: _Risk.of(cause, differences) for cause, _ in counts}
    causes = sorted(risks, key=lambda cause: (-risks[cause].known, -risks[cause].number, cause))
    frame = replace(FRAME, height=FRAME.top + ROW * max(1, len(causes)) + FRAME.bottom)
    most = max((risk.number for risk in risks.values()), default=1)
    parts: list[str] = legend(frame, KINDS, tall=[tall // 2 for tall in TALL])
    for row, cause in enumerate(causes):
        parts += _bar(frame, row, cause, [counts[cause, age] for age in AGES], most)
        middle = frame.top + row * ROW + ROW // 2 + 5
        parts.append(text(frame.width - 14, middle, risks[cause].short(), anchor="end"))
    parts += [
        text(frame.left - 10, frame.top - 14, "cause", anchor="end"),
        text(frame.width - 14, frame.top - 14, "at risk", anchor="end"),
        text(
            frame.left,
            frame.height - 14,
            ", ".join(filter(None, ("number of open differences, by age", bound))),
        ),
    ]
    said = "; ".join(
        f"{cause}: {risks[cause].number} open, {risks[cause].said()}, "
        + ", ".join(f"{counts[cause, age]} of {age}" for age in AGES if counts[cause, age])
        for cause in causes
    )
    said = ": ".join(filter(None, (bound, said))) or "no difference is open"
    return picture(frame, "Open differences by cause and age, the most money first", said, parts)


class _Risk(NamedTuple):
    """What the differences of a cause are worth; of `unknown` of them nobody knows it.

    `foreign` of these are worth something in another currency, which is never added.
    """

    number: int
    unknown: int
    known: Decimal
    foreign: int

    @classmethod
    def of(cls, cause: str, differences: Sequence[Difference]) -> "_Risk":
        here = [one for one in differences if one.cause == cause]
        priced = [one for one in here if one.value_at_risk is not None]
        known = [one.value_at_risk or Decimal(0) for one in priced if not one.currency]
        foreign = len(priced) - len(known)
        return cls(len(here), len(here) - len(known), sum(known, start=Decimal(0)), foreign)

    def short(self) -> str:
        if self.unknown == self.number:
            return "unknown"
        amount = f"{self.known.quantize(Decimal(1)):,}".replace(",", " ")
        return f"≥ {amount}" if self.unknown else amount

    def said(self) -> str:
        if self.unknown == self.number and not self.foreign:
            return "value unknown"
        rest = self.unknown - self.foreign
        words = [
            *([f"{plain(self.known)} at risk"] if self.number > self.unknown else []),
            *([f"{self.foreign} in another currency"] if self.foreign else []),
            *([f"{rest} of unknown value"] if rest else []),
        ]
        return " and ".join(words)


def _by_value(one: Difference) -> tuple[bool, str, Decimal]:
    """Order by money, the most first, each currency by itself; what is not known comes last."""
    return one.value_at_risk is None, one.currency, -(one.value_at_risk or Decimal(0))


def _bar(frame: Frame, row: int, cause: str, counts: Sequence[int], most: int) -> Iterator[str]:
    top = frame.top + row * ROW
    yield text(frame.left - 10, top + ROW // 2 + 5, cause, anchor="end")
    per = Decimal(frame.end - frame.left - 30) / most
    x = Decimal(frame.left)
    for (kind, _), tall, number in zip(KINDS, TALL, counts, strict=True):
        if number:
            yield (
                f'<rect class="{kind}" x="{tenth(x)}" y="{top + ROW - 5 - tall}"'
                f' width="{tenth(per * number)}" height="{tall}"/>'
            )
            x += per * number
    yield text(tenth(x + 7), top + ROW // 2 + 5, str(sum(counts)))
