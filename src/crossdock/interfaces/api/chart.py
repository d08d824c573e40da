"""What every chart of the API is drawn with: a frame, axes, words, and colours for day and night.

A chart is a picture of its own (SVG) that needs nothing else: no script, no font, no other file.
It follows the reader's light or dark scheme, and says in words what it shows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import count
from textwrap import wrap

from crossdock.canonical.quantities import plain

SVG = "image/svg+xml"

Number = Decimal | int

TITLE_CHARACTERS = 62
"""So much of a title fits on one line."""

LARGE = ((10**12, " tn"), (10**9, " bn"), (10**6, " M"), (10**3, " k"))
SHORT_FROM = 100_000
"""From here on the amounts of an axis are said in thousands or more: the margin is narrow."""

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

LINES = frozenset({"line", "thin", "band"})

NARROW, BROAD = frozenset(" .,:;'|!()[]ijlft-/"), frozenset("MW@%mw→…")

STYLE = """
.paper{fill:#ffffff} text{fill:#334155;stroke:#ffffff;stroke-width:4;paint-order:stroke}
text{stroke-linejoin:round} .axis,.grid{stroke:#64748b;fill:none}
.grid{stroke-opacity:.3} .line{stroke:#2563eb;fill:none;stroke-width:2.5} .mark{fill:#dc2626}
.thin{stroke:#64748b;fill:none;stroke-width:1.5;stroke-dasharray:5 4} .c0{fill:#15803d}
.c1{fill:#ea580c} .c2{fill:#2563eb} .a0{fill:#bfdbfe} .a1{fill:#60a5fa} .a2{fill:#2563eb}
.a3{fill:#a855f7} .a4{fill:#be123c} .band{stroke:#64748b;fill:none;stroke-width:8}
.band{stroke-opacity:.35} .o1{stroke:#ea580c} .o2{stroke:#2563eb;stroke-dasharray:3 2}
.o1,.o2{fill:none;stroke-width:2.5} .cut{stroke:#ffffff;fill:none;stroke-width:5}
@media (prefers-color-scheme:dark){.paper{fill:#0f172a}
text{fill:#cbd5e1;stroke:#0f172a}
.axis,.grid{stroke:#94a3b8} .line{stroke:#60a5fa} .mark{fill:#f87171} .thin{stroke:#94a3b8}
.c0{fill:#4ade80} .c1{fill:#fb923c} .c2{fill:#60a5fa} .a0{fill:#dbeafe} .a1{fill:#93c5fd}
.a2{fill:#3b82f6} .a3{fill:#c084fc} .a4{fill:#fb7185} .band{stroke:#94a3b8}
.o1{stroke:#fb923c} .o2{stroke:#60a5fa} .cut{stroke:#0f172a}}
""".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How large a picture is, and where in it the figures lie; in its own units."""

    width: int = 640
    height: int = 360
    left: int = 60
    right: int = 24
    top: int = 84
    bottom: int = 52

    @property
    def floor(self) -> int:
        return self.height - self.bottom

    @property
    def end(self) -> int:
        return self.width - self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where amounts lie between the floor of a frame and its top."""

    frame: Frame
    least: Decimal
    most: Decimal
    step: Decimal

    @classmethod
    def of(cls, frame: Frame, amounts: Iterable[Number]) -> "Scale":
        """Take in all the amounts, and zero; the top is a round number."""
        known = [Decimal(0), *map(Decimal, amounts)]
        step = _step(max(known) - min(known))
        least = (min(known) / step).to_integral_value("ROUND_FLOOR") * step
        most = (max(known) / step).to_integral_value("ROUND_CEILING") * step
        return cls(frame=frame, least=least, most=max(most, least + step), step=step)

    def y(self, amount: Number) -> Decimal:
        part = (Decimal(amount) - self.least) / (self.most - self.least)
        return tenth(self.frame.floor - part * (self.frame.floor - self.frame.top))

    def ticks(self) -> Iterator[Decimal]:
        for number in count():
            at = self.least + number * self.step
            if at > self.most:
                return
            yield at

    def drawn(self) -> Iterator[str]:
        for amount in self.ticks():
            at = self.y(amount)
            kind = "axis" if amount == 0 else "grid"
            yield f'<path class="{kind}" d="M{self.frame.left} {at} H{self.frame.end}"/>'
            yield text(self.frame.left - 8, at + 5, self.said(amount), anchor="end")

    def said(self, amount: Decimal) -> str:
        """Write an amount so that it fits beside the axis; all of an axis in the same unit."""
        largest = max(abs(self.least), self.most)
        is_short = largest >= SHORT_FROM and amount != 0
        unit, name = next(one for one in LARGE if largest >= one[0]) if is_short else (1, "")
        return plain(amount / unit) + name


def _step(span: Decimal) -> Decimal:
    """Choose a round distance between some five lines: 1, 2 or 5, ten times, a hundred times."""
    if span <= 0:
        return Decimal(1)
    ten = Decimal(10) ** (span / 5).adjusted()
    return next(size * ten for size in (1, 2, 5, 10) if size * ten * 5 >= span)


def picture(frame: Frame, title: str, said: str, parts: Iterable[str]) -> str:
    """Put a chart together; `said` is what a reader hears who does not see it."""
    box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}"'
    lines = [
        f'<svg {box} role="img" aria-labelledby="title said" font-family="system-ui, sans-serif">',
        f'<title id="title">{safe(title)}</title>',
        f'<desc id="said">{safe(said)}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{frame.width}" height="{frame.height}" rx="8"/>',
        *_heading(title),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _heading(title: str) -> Iterator[str]:
    for number, line in enumerate(wrap(title, TITLE_CHARACTERS, max_lines=2, placeholder=" …")):
        yield text(16, 28 + 21 * number, line, size=18)


def legend(
    frame: Frame,
    kinds: Sequence[tuple[str, str]],
    *,
    at: int | None = None,
    tall: Sequence[int] = (),
) -> list[str]:
    """Say what each colour is, in one row under the title; a kind is a class and its name.

    Where the height of a bar tells its kind as well, `tall` says how tall the mark of each is.
    """
    found: list[str] = []
    x, y = frame.left, frame.top - 14 if at is None else at
    for number, (kind, name) in enumerate(kinds):
        if kind in LINES:
            found.append(f'<path class="{kind}" d="M{x} {y - 5} h16"/>')
        else:
            high = tall[number] if tall else 12
            top = y + 1 - high
            found.append(f'<rect class="{kind}" x="{x}" y="{top}" width="12" height="{high}"/>')
        found.append(text(x + (22 if kind in LINES else 18), y, name))
        x += 37 + 17 * len(name) // 2
    return found


def text(x: Number, y: Number, said: str, *, anchor: str = "start", size: int = 16) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{safe(said)}</text>'


def wide(said: str) -> int:
    """Estimate how wide words are in 16 units of height, rather too wide than too narrow."""
    return sum(map(_wide, said))


def _wide(sign: str) -> int:
    if sign in NARROW:
        return 7
    if sign in BROAD or not sign.isascii():
        return 16
    return 12 if sign.isupper() else 10


def fitted(said: str, room: int) -> str:
    """Shorten words to so many units; what is cut off shows as an ellipsis."""
    if wide(said) <= room:
        return said
    while said and wide(said) + _wide("…") > room:
        said = said[:-1]
    return f"{said.rstrip()}…"


def folded(said: str, room: int, *, most: int) -> list[str]:
    """Break words into lines of so many units; of more lines than `most` the rest is cut off."""
    lines: list[str] = []
    for word in said.split():
        if lines and (wide(f"{lines[-1]} {word}") <= room or len(lines) == most):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [fitted(line, room) for line in lines]


def safe(said: str) -> str:
    """Write words into XML; a character that XML cannot have is replaced (U+FFFD)."""
    return escape(NO_XML.sub("\N{REPLACEMENT CHARACTER}", said))


def tenth(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"))
