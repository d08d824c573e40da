"""Draws what can be promised by when, beside what comes and what is due, as a picture (SVG)."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.supply import Atp, AtpMode, Bucket
from crossdock.interfaces.api.chart import Frame, Scale, legend, picture, tenth, text

FRAME = Frame()
DAYS_LEAST = 7
LABELS_MOST = 7
BAR_MOST = 18
SUPPLY, DEMAND, PROMISABLE, BALANCE = "c0", "c1", "line", "thin"


def drawn(answer: Atp) -> str:
    """Draw an answer: bars for what comes and what is due, a line for what can be promised.

    The days shown end two days behind the last change, a week on at the least. In DISCRETE mode
    the line is what each supply leaves of itself.
    """
    days = _days(answer.buckets)
    amounts = [_units(each) for bucket in answer.buckets for each in bucket[1:]]
    scale = Scale.of(FRAME, amounts)
    promised = "left of each supply" if answer.mode is AtpMode.DISCRETE else "can be promised"
    named = ((SUPPLY, "comes"), (DEMAND, "due"), (BALANCE, "balance"), (PROMISABLE, promised))
    parts = [
        *legend(FRAME, named),
        *scale.drawn(),
        *_dates(days),
        *_bars(answer.buckets, days, scale),
        _steps([(bucket.day, bucket.pab) for bucket in answer.buckets], days, scale, BALANCE),
        _steps([(bucket.day, bucket.atp) for bucket in answer.buckets], days, scale, PROMISABLE),
        text(FRAME.left - 8, FRAME.top - 14, answer.unit, anchor="end"),
    ]
    title = f"{answer.item} at {answer.location}: what can be promised by when"
    return picture(FRAME, title, _said(answer), parts)


def _said(answer: Atp) -> str:
    return "; ".join(
        f"from {bucket.day} on {plain(_units(bucket.atp))} {answer.unit} can be promised"
        f" (comes {plain(_units(bucket.supply))}, due {plain(_units(bucket.demand))},"
        f" balance {plain(_units(bucket.pab))})"
        for bucket in answer.buckets
    )


def _days(buckets: Sequence[Bucket]) -> list[date]:
    first, last = buckets[0].day, buckets[-1].day
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


def _bars(buckets: Sequence[Bucket], days: Sequence[date], scale: Scale) -> Iterator[str]:
    """Stand what comes and what is due side by side in the middle of their day."""
    wide = tenth(min(Decimal(BAR_MOST), _wide(days) * 2 / 5))
    zero = scale.y(0)
    for bucket in buckets:
        middle = _x(bucket.day, days) + _wide(days) / 2
        for kind, micros, left in (
            (SUPPLY, bucket.supply, middle - wide - 1),
            (DEMAND, bucket.demand, middle + 1),
        ):
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
