"""Draws a difference between two systems: how much documents explain of it, and what is left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import Finding, ours_of
from crossdock.interfaces.api.chart import Frame, fitted, folded, picture, tenth, text

FRAME = Frame(left=16, right=16, top=72, bottom=20)
ROW, LINE, BAR = 36, 22, 16
FROM, TO = 240, 460
"""Between these lies the line of amounts: words stand before it, and figures behind it."""
SAYS, EXPLAINED, LEFT = "mark", "o1", "c1"
DRAWN_MAX, WORD_LINES_MAX = 6, 3
"""So many documents, or buckets, are named, and so many lines of a reason; the rest is counted."""
FATES = MappingProxyType(
    {
        "NOT_POSTED": "not posted there",
        "ONLY_THEIRS": "only there",
        "DOUBLED": "there twice",
        "DOUBLED_HERE": "here twice",
        "ALTERED": "with other amounts",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """From one amount to another, or one amount that a side says."""

    said: str
    shown: str
    kind: str
    start: Decimal
    end: Decimal


def drawn(one: Finding) -> str:
    """Draw both numbers as points of one line, and between them what explains how much of it.

    The line is as long as the difference is, and need not begin at zero.
    """
    steps = tuple(_steps(one))
    words = _words(one)
    parts: list[str] = [*_joins(one, steps)]
    for number, step in enumerate(steps):
        parts += _step(one, step, FRAME.top + ROW * number)
    at = FRAME.top + ROW * len(steps) + LINE // 2
    for said in words:
        for line in folded(said, FRAME.end - FRAME.left, most=WORD_LINES_MAX):
            parts.append(text(FRAME.left, at + 16, line))
            at += LINE
    said = "; ".join([*(f"{step.said}: {step.shown}" for step in steps), *words])
    return picture(replace(FRAME, height=at + FRAME.bottom), _title(one), said, parts)


def _title(one: Finding) -> str:
    line = f"{one.document} line {one.line}: " if one.document else ""
    amounts = f"{plain(one.ours)} and {plain(one.theirs)} {one.unit}"
    return f"{line}{one.item} at {one.location}: {amounts}, {one.state.lower()}"


def _steps(one: Finding) -> Iterator[Step]:
    yield _says(ours_of(one.system), one.ours, one.unit)
    known = one.ours + one.explained
    if one.explained:
        yield Step("documents explain", _signed(one.explained), EXPLAINED, one.ours, known)
    if one.unexplained:
        yield Step("not explained", _signed(one.unexplained), LEFT, known, one.theirs)
    yield _says(one.against, one.theirs, one.unit)


def _says(name: str, amount: Decimal, unit: str) -> Step:
    return Step(f"{name} says", f"{plain(amount)} {unit}", SAYS, amount, amount)


def _signed(amount: Decimal) -> str:
    return f"+{plain(amount)}" if amount > 0 else plain(amount)


def _documents(one: Finding) -> Iterator[str]:
    for document in one.evidence.get("documents", []):
        fate = FATES.get(document["fate"], document["fate"])
        amounts = f"{document['ours']} here, {document['theirs']} there"
        yield f"{document['reference']}: {amounts}, {fate}"


def _buckets(one: Finding) -> list[str]:
    """Tell the buckets that differ, where there is more than one."""
    differ = [each for each in one.evidence.get("buckets", []) if each["ours"] != each["theirs"]]
    words = [f"{_bucket(each)}: {each['ours']} here, {each['theirs']} there" for each in differ]
    return _some(words) if len(words) > 1 else []


def _bucket(bucket: Mapping[str, str]) -> str:
    return " ".join(value for name, value in bucket.items() if name not in {"ours", "theirs"})


def _some(words: Sequence[str]) -> list[str]:
    rest = len(words) - DRAWN_MAX
    more = [f"{rest} more are not drawn"] if rest > 0 else []
    return [*words[:DRAWN_MAX], *more]


def _words(one: Finding) -> list[str]:
    """Say below the drawing which documents, what differs within the totals, why, what next."""
    words = [*_some([*_documents(one)]), *_buckets(one), f"cause: {_cause(one)}"]
    words.append("gone: both agree again" if one.is_gone else f"remedy: {one.remedy}")
    if one.withheld:
        words.append(f"{plain(one.withheld)} {one.unit} withheld from channels")
    return [*words, f"both as of {one.last_cut:%Y-%m-%d %H:%M} UTC"]


def _cause(one: Finding) -> str:
    return ", ".join(filter(None, (one.root_cause or one.cause, one.because)))


def _place(one: Finding, amount: Decimal) -> Decimal:
    """Place an amount between the least and the most of what is drawn."""
    amounts = (one.ours, one.ours + one.explained, one.theirs)
    span = max(amounts) - min(amounts)
    part = (amount - min(amounts)) / span if span else Decimal("0.5")
    return tenth(FROM + part * (TO - FROM))


def _joins(one: Finding, steps: Sequence[Step]) -> Iterator[str]:
    """Lead from where each step ends to where the next one begins."""
    for number, step in enumerate(steps[:-1]):
        middle = FRAME.top + ROW * number + BAR // 2
        yield f'<path class="thin" d="M{_place(one, step.end)} {middle} v{ROW}"/>'


def _step(one: Finding, step: Step, top: int) -> Iterator[str]:
    start, end = _place(one, step.start), _place(one, step.end)
    yield text(FRAME.left, top + 14, fitted(step.said, FROM - FRAME.left - 16))
    yield text(FRAME.end, top + 14, fitted(step.shown, FRAME.end - TO - 16), anchor="end")
    if step.kind == SAYS:
        yield f'<circle class="{SAYS}" cx="{end}" cy="{top + BAR // 2}" r="6"/>'
    else:
        size = f'width="{abs(end - start)}" height="{BAR}"'
        yield f'<rect class="{step.kind}" x="{min(start, end)}" y="{top}" {size}/>'
