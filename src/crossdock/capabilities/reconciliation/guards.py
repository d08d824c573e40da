"""What stops a run before it does harm: a snapshot that cannot be, a fix that runs away. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crossdock.capabilities.reconciliation.model import DAY, HOUR, MINUTE
from crossdock.capabilities.reconciliation.money import AtRisk

MILLE = 1000
CLOCK_AHEAD_MAX = 5 * MINUTE
PARTIAL_ROWS_MIN = 100
"""Of fewer rows, unless they are all there are, the share of zeros tells nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a snapshot looks like from afar; `taken_at` is its newest instant, `oldest` its first.

    `span` is the longest time from the first to the last row of one location, in microseconds.

    One that is not full says only of some keys how they stand: how many is up to who asks.
    """

    rows: int
    zeros: int
    taken_at: int
    is_full: bool = True
    oldest: int | None = None
    span: int = 0

    @property
    def zeros_mille(self) -> int:
        """Answer how many of a thousand rows are zero, rounded down."""
        return self.zeros * MILLE // self.rows if self.rows else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausible:
    """How far a snapshot may be from the last good one, in thousandths (§4.3).

    `age_max` and `span_max` (microseconds): a single row of long ago would roll its location back
    to then. Zeros are too many at three times their share, or at so much more, however many are
    usual.
    """

    age_max: int = 31 * DAY
    span_max: int = 24 * HOUR
    rows_change_mille: int = 200
    zeros_more_mille: int = 100
    zeros_times: int = 3
    zeros_most_more_mille: int = 300


def refusal(shape: Shape, usual: Shape | None, now: int, limits: Plausible) -> str:
    """Say why a snapshot is not believed, or "" (R7). `usual` is the last good one, if any.

    What is refused without it cannot be: nobody can believe it, not by hand either.
    """
    if shape.taken_at > now + CLOCK_AHEAD_MAX:
        return "it is dated in the future"
    if not shape.rows:
        return "it has no rows"
    if shape.oldest is not None and shape.oldest < now - limits.age_max:
        return f"its oldest row is of more than {limits.age_max // DAY} days ago"
    if shape.span > limits.span_max:
        return f"the rows of a location are more than {limits.span_max // HOUR} hours apart"
    return _unlike(shape, usual, limits) if usual is not None else ""


def unusual(places: Mapping[str, Shape], usual: Mapping[str, Shape], limits: Plausible) -> str:
    """Say why a snapshot is not believed, or "" (R7). `usual` is the last good one by location.

    Sites that dump by turns are not compared with each other; a site that was never heard is
    believed. Of few rows at a location the numbers tell nothing by themselves.
    """
    known = sorted(places.keys() & usual.keys())
    if not known:
        return ""
    if reason := _unlike(
        _sum([places[x] for x in known]), _sum([usual[x] for x in known]), limits
    ):
        return reason
    for place in known:
        is_telling = min(places[place].rows, usual[place].rows) >= PARTIAL_ROWS_MIN
        if is_telling and (reason := _unlike(places[place], usual[place], limits)):
            return f"at {place} {reason}"
    return ""


def unusual_lines(shape: Shape, usual: Shape | None, limits: Plausible) -> str:
    """Say why a dump of open lines is not believed, or "" (R7). `usual` is the last good one.

    How many there are tells nothing where they were few: documents come and go. But none at all,
    where some are usual, is believed by nobody but a person.
    """
    if usual is None or not usual.rows:
        return ""
    if shape.is_full and not shape.rows:
        return f"it has 0 rows, usually {usual.rows}"
    if usual.rows < PARTIAL_ROWS_MIN:
        zeros = usual.zeros * shape.rows // usual.rows
        usual = replace(usual, rows=shape.rows, zeros=zeros)
    return _unlike(shape, usual, limits)


def _sum(shapes: Sequence[Shape]) -> Shape:
    return Shape(
        rows=sum(one.rows for one in shapes),
        zeros=sum(one.zeros for one in shapes),
        taken_at=max(one.taken_at for one in shapes),
        is_full=all(one.is_full for one in shapes),
    )


def _unlike(shape: Shape, usual: Shape, limits: Plausible) -> str:
    change = abs(shape.rows - usual.rows) * MILLE
    if shape.is_full and change > limits.rows_change_mille * usual.rows:
        return f"it has {shape.rows} rows, usually {usual.rows}"
    more = shape.zeros_mille - usual.zeros_mille
    is_many = shape.zeros_mille > limits.zeros_times * usual.zeros_mille
    is_telling = shape.is_full or min(shape.rows, usual.rows) >= PARTIAL_ROWS_MIN
    is_leap = more > limits.zeros_most_more_mille
    if is_telling and ((is_many and more > limits.zeros_more_mille) or is_leap):
        share, before = _percent(shape.zeros_mille), _percent(usual.zeros_mille)
        return f"{share} of its rows are zero, usually {before}"
    return ""


def _percent(mille: int) -> str:
    return f"{mille // 10}.{mille % 10}%".replace(".0%", "%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """How much a run may mend by itself: thousandths of its keys, and money in micros.

    The money is in `currency`, which is the functional one of the house; "" names none. `unpriced`
    is how many keys without a price it may mend: no cap by value can hold them.
    """

    keys_mille: int = 20
    value: int = 10_000 * 1_000_000
    currency: str = ""
    unpriced: int = 100


def keys_compared(dumped: int, sampled: int, known: int) -> int:
    """Say how many keys the brake goes by: those of the last dump, or those that were sampled.

    Samples ask for the same key again and again, and have not seen more keys than are `known`.
    """
    return max(dumped, min(sampled, known))


def stopped(changes: int, keys: int, worth: AtRisk, brake: Brake, *, is_in_incident: bool) -> str:
    """Say why nothing is mended automatically, or "" (§4.3, circuit breakers).

    Amounts in another currency than the cap's cannot be held against it, so they stop, too; where
    the house has named none, the only one that is named is its own.
    """
    if is_in_incident:
        return "the source is in an incident"
    if changes * MILLE > brake.keys_mille * keys:
        return f"{changes} of {keys} keys would change"
    return _too_dear(worth, brake)


def _too_dear(worth: AtRisk, brake: Brake) -> str:
    others = {currency: value for currency, value in worth.others.items() if value}
    is_only = not brake.currency and len(others) == 1
    if worth.value + (sum(others.values()) if is_only else 0) > brake.value:
        return "more money would move than the cap allows"
    if others and not is_only:
        cap = brake.currency or "the functional currency, which no rules name"
        return f"money in {', '.join(others)} would move, and the cap is in {cap}"
    if worth.unpriced > brake.unpriced:
        return f"{worth.unpriced} keys without a price would change, {brake.unpriced} may"
    return ""
