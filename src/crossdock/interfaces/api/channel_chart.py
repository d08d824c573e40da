"""Draws why a channel is shown so much of an item, step by step, as a picture of its own (SVG)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from crossdock.canonical.quantities import plain
from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.interfaces.api.chart import Frame, fitted, legend, picture, tenth, text
from crossdock.orchestration.processes.availability_exposure import ChannelExposure, ItemExposure
from crossdock.orchestration.processes.availability_state import Life

FRAME = Frame(left=16, right=16, top=104, bottom=60)
ROW = 46
BAR = 14
LEFT, SHOWN = "a1", "c0"
KINDS = ((LEFT, "is left"), (SHOWN, "to show"), ("thin", "low and other levels"))
LINES_MAX = 8
"""So many levels are drawn; more could not be told apart."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step from what there is to what is shown, in words, and what it leaves."""

    said: str
    left: Decimal


def drawn(shown: ChannelExposure, one: ItemExposure) -> str:
    """Draw a bar for each step of one item, and the levels whose crossing is told at once."""
    steps = tuple(_steps(shown, one))
    frame = replace(FRAME, height=FRAME.top + ROW * max(1, len(steps)) + FRAME.bottom)
    title = f"{one.item} in {shown.connection} at {shown.location}: {_heading(one)}"
    parts: list[str] = legend(frame, KINDS)
    if not steps:
        parts.append(text(frame.left, frame.top + 30, _unknown(one)))
    else:
        most = max(*(step.left for step in steps), *_levels(one), Decimal(1))
        per = Decimal(frame.end - frame.left) / most
        for row, step in enumerate(steps):
            kind = SHOWN if row == len(steps) - 1 else LEFT
            parts += _bar(frame, row, step, (kind, per))
        parts += _thresholds(one, frame, per)
    parts.append(text(frame.left, frame.height - 14, fitted(_foot(shown, one), 600)))
    said = "; ".join(f"{step.said}: {plain(step.left)}" for step in steps) or _unknown(one)
    return picture(frame, title, f"{said}; {_foot(shown, one)}", parts)


def _heading(one: ItemExposure) -> str:
    if one.exposed is None:
        return "nothing is written"
    return f"{plain(one.exposed)} to show" + (", in safe mode" if one.silent else "")


def _steps(shown: ChannelExposure, one: ItemExposure) -> Iterator[Step]:
    if one.pool is None or one.exposed is None or one.share is None:
        return
    yield Step("there is", one.pool)
    yield from _own(shown.share_mode, one, one.pool, one.share)
    if not one.is_excluded:
        yield from _less(one, one.share)
    yield Step(_last(one), one.exposed)


def _own(mode: ShareMode, one: ItemExposure, pool: Decimal, share: Decimal) -> Iterator[Step]:
    """Go from what there is to the channel's own share of it."""
    left = pool
    if one.short_dated:
        left = max(Decimal(0), left - one.short_dated)
        yield Step(f"less {plain(one.short_dated)} short-dated: {asked(one.lives)}", left)
    if one.kept_for_others:
        left = max(Decimal(0), left - one.kept_for_others)
        yield Step(f"less {plain(one.kept_for_others)} kept for others", left)
    if one.allowance is not None and one.allowance < left:
        left = one.allowance
        yield Step(f"its maximum leaves {plain(left)}", left)
    if share != left:
        yield Step(_share(mode), share)


def asked(lives: Iterable[Life]) -> str:
    """Say how long goods have to keep for a channel, at one place after another."""
    return " and ".join(
        f"{one.days} days at delivery, {one.transit_days} in transit, from {one.location}"
        for one in lives
    )


def _less(one: ItemExposure, share: Decimal) -> Iterator[Step]:
    """Go from the channel's share to what it may show of it."""
    left = share
    if one.buffer:
        left = max(Decimal(0), left // one.pack * one.pack - one.buffer)
        yield Step(f"less the buffer of {plain(one.buffer)}", left)
    if one.cap is not None and one.cap < left:
        left = one.cap
        yield Step(f"at most {plain(one.cap)}", left)
    if left % one.pack:
        yield Step(f"in packs of {plain(one.pack)}", left // one.pack * one.pack)


def _last(one: ItemExposure) -> str:
    if one.is_excluded:
        return "it is not sold here"
    return f"in safe mode: {', '.join(one.silent)} silent" if one.silent else "to show"


def _share(mode: ShareMode) -> str:
    return {
        ShareMode.PERCENT: "its percentage of that",
        ShareMode.FIXED: "a fixed amount at most",
        ShareMode.PARTITION: "its own part",
    }.get(mode, "its share")


def _bar(frame: Frame, row: int, step: Step, scale: tuple[str, Decimal]) -> Iterator[str]:
    kind, per = scale
    top = frame.top + row * ROW
    yield text(frame.left, top + 14, fitted(step.said, 480))
    yield text(frame.end, top + 14, plain(step.left), anchor="end")
    if step.left > 0:
        yield (
            f'<rect class="{kind}" x="{frame.left}" y="{top + 22}"'
            f' width="{tenth(per * step.left)}" height="{BAR}"/>'
        )


def _levels(one: ItemExposure) -> list[Decimal]:
    return sorted({one.low_threshold, *one.levels} - {Decimal(0)})[:LINES_MAX]


def _thresholds(one: ItemExposure, frame: Frame, per: Decimal) -> Iterator[str]:
    """Draw each level through all bars, and not through the words above them."""
    tops = range(frame.top + 20, frame.floor, ROW)
    for level in _levels(one):
        x = tenth(frame.left + per * level)
        path = " ".join(f"M{x} {top} v{BAR + 4}" for top in tops)
        yield f'<path class="cut" d="{path}"/>'
        yield f'<path class="thin" d="{path}"/>'
        anchor = "end" if x > frame.end - 30 else "middle"
        yield text(x, frame.floor + 16, plain(level), anchor=anchor)


def _foot(shown: ChannelExposure, one: ItemExposure) -> str:
    held = "not known yet" if one.shown is None else plain(one.shown)
    wider = (
        "the buffer twice" if shown.stale_buffer is None else f"{plain(shown.stale_buffer)} less"
    )
    silence = {
        WhenStale.KEEP: "no more",
        WhenStale.LOWER: f"no more, {wider}",
        WhenStale.ZERO: "nothing",
    }[shown.when_stale]
    return f"shown: {held}; in silence: {silence}"


def _unknown(one: ItemExposure) -> str:
    return f"nobody ever told what there is at {', '.join(one.untold) or 'its places'}"
