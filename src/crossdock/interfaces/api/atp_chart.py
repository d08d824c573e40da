"""Draws what can be promised by when, beside what comes and what is due, as a picture (SVG)."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from crossdock.canonical.errors import NotFound
from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.supply import Atp, AtpMode, Bucket, KeptPromise
from crossdock.interfaces.api.chart import Frame, Scale, legend, picture, tenth, text

FRAME = Frame()
DAYS_LEAST = 7
LABELS_MOST = 7
BAR_MOST = 18
SUPPLY, DEMAND, PROMISED, PROMISABLE, BALANCE = "c0", "o1", "o2", "line", "band"
"""Goods are filled, what is asked of them is an outline; a band shows behind the line on it."""
Leaving = Sequence[tuple[date, int]]
"""So many micros that leave on a day."""


def drawn(answer: Atp) -> str:
    """Draw an answer: bars for what comes and what is due, a line for what can be promised.

    The days shown end two days behind the last change, a week on at the least. In DISCRETE mode
    the line is what each supply leaves of itself.
    """
    title = f"{answer.item} at {answer.location}: what can be promised by when"
    return _picture(answer, (), title, _said(answer))


def of_promise(kept: KeptPromise, number: int = 1) -> str:
    """Draw a line of a promise by date: the answer it was made from, and what leaves on which day.

    A line that it does not have is `NotFound`.
    """
    if not 1 <= number <= len(kept.proof.answers):
        raise NotFound(
            f"{kept.promise_id} has no line {number}",
            hint=f"lines 1 to {len(kept.proof.answers)} were answered",
        )
    answer, reason = kept.proof.answers[number - 1], kept.proof.reasons[number - 1]
    lines = [one for one in kept.lines if (one.line_no, one.item) == (number, answer.item)]
    leaving = [(one.ship_date, one.micros) for one in lines]
    asked = plain(_units(answer.quantity or 0))
    title = f"{asked} {answer.unit} of {answer.item} at {answer.location}: "
    title += "promised, by day" if kept.is_granted else "not promised"
    words = [
        f"{plain(_units(micros))} {answer.unit} leave on {day}" for day, micros in leaving
    ] or [reason or "another line of it was refused"]
    return _picture(answer, leaving, title, "; ".join([*words, _said(answer)]))


def _picture(answer: Atp, leaving: Leaving, title: str, said: str) -> str:
    days = _days(answer.buckets, leaving)
    amounts = [_units(each) for bucket in answer.buckets for each in bucket[1:]]
    amounts += [_units(micros) for _, micros in leaving]
    scale = Scale.of(FRAME, amounts)
    promised = "left of each supply" if answer.mode is AtpMode.DISCRETE else "can be promised"
    named = [(SUPPLY, "comes"), (DEMAND, "due"), (BALANCE, "balance"), (PROMISABLE, promised)]
    if leaving:
        named.insert(2, (PROMISED, "promised"))
    parts = [
        *legend(FRAME, named),
        *scale.drawn(),
        *_dates(days),
        *_bars(_standing(answer.buckets, leaving), days, scale),
        _steps([(bucket.day, bucket.pab) for bucket in answer.buckets], days, scale, BALANCE),
        _steps([(bucket.day, bucket.atp) for bucket in answer.buckets], days, scale, PROMISABLE),
        text(FRAME.left - 8, FRAME.top - 14, answer.unit, anchor="end"),
    ]
    return picture(FRAME, title, said, parts)


def _said(answer: Atp) -> str:
    return "; ".join(
        f"from {bucket.day} on {plain(_units(bucket.atp))} {answer.unit} can be promised"
        f" (comes {plain(_units(bucket.supply))}, due {plain(_units(bucket.demand))},"
        f" balance {plain(_units(bucket.pab))})"
        for bucket in answer.buckets
    )


def _days(buckets: Sequence[Bucket], leaving: Leaving) -> list[date]:
    first = buckets[0].day
    last = max([buckets[-1].day, *(day for day, _ in leaving)])
    count = max(DAYS_LEAST, (last - first).days + 3)
    return [first + timedelta(days=number) for number in range(count)]


def _units(micros: int) -> Decimal:
    return Decimal(micros) / MICROS


def _x(day: date, days: Sequence[date]) -> Decimal:
    """Place the beginning of a day."""
    part = Decimal((day - days[0]).days) / len(days)
    return tenth(FRAME.left + part * (FRAME.end - FRAME.left))


def _wide(days: Sequence[date]) -> Decimal:
    return Decimal(FRAME.end - FRAME.left) / len(days)


def _dates(days: Sequence[date]) -> Iterator[str]:
    every = -(-len(days) // LABELS_MOST)
    year = days[0].year
    for day in days[::every]:
        middle = tenth(_x(day, days) + _wide(days) / 2)
        yield f'<path class="axis" d="M{middle} {FRAME.floor} v5"/>'
        named = "%b" if day.year == year else "%b %y"
        yield text(middle, FRAME.floor + 20, f"{day.day} {day:{named}}", anchor="middle")
        year = day.year
    centre = (FRAME.left + FRAME.end) // 2
    said = f"day on which it leaves, {days[0].year}"
    yield text(centre, FRAME.height - 10, said, anchor="middle")


def _standing(
    buckets: Sequence[Bucket], leaving: Leaving
) -> Sequence[tuple[date, Sequence[tuple[str, int]]]]:
    """Say of each day which bars stand on it: what comes, what is due, and what is promised."""
    found = [
        (bucket.day, [(SUPPLY, bucket.supply), (DEMAND, bucket.demand)]) for bucket in buckets
    ]
    if leaving:
        sums: dict[date, int] = {}
        for day, micros in leaving:
            sums[day] = sums.get(day, 0) + micros
        known = dict(found)
        none = [(SUPPLY, 0), (DEMAND, 0)]
        every = sorted({*known, *sums})
        found = [(day, [*known.get(day, none), (PROMISED, sums.get(day, 0))]) for day in every]
    return found


def _bars(
    standing: Sequence[tuple[date, Sequence[tuple[str, int]]]],
    days: Sequence[date],
    scale: Scale,
) -> Iterator[str]:
    """Stand the bars of a day side by side in its middle."""
    zero = scale.y(0)
    for day, bars in standing:
        wide = tenth(min(Decimal(BAR_MOST), _wide(days) * 4 / 5 / len(bars)))
        middle = _x(day, days) + _wide(days) / 2
        for number, (kind, micros) in enumerate(bars):
            left = middle + (number - Decimal(len(bars)) / 2) * (wide + 2) + 1
            if micros > 0:
                top = scale.y(_units(micros))
                yield (
                    f'<rect class="{kind}" x="{tenth(left)}" y="{top}" width="{wide}"'
                    f' height="{zero - top}"/>'
                )


def _steps(
    levels: Sequence[tuple[date, int]], days: Sequence[date], scale: Scale, kind: str
) -> str:
    """Draw a level that holds until it changes, to the end of the days."""
    points = [f"M{FRAME.left} {scale.y(_units(levels[0][1]))}"]
    for day, micros in levels[1:]:
        points.append(f"H{_x(day, days)} V{scale.y(_units(micros))}")
    return f'<path class="{kind}" d="{" ".join(points)} H{FRAME.end}"/>'
