"""How much a channel must not show, so that it seldom sells what is gone: pure rules (§3.7).

A channel that cannot reserve in the hub sells blindly for as long as news takes: its orders to us,
our figures to it. What sells blindly meanwhile is a Poisson number of lumps, a lump being what one
order line takes. Means are whole millionths of a lump, rounded up; amounts are in millionths.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal
from functools import lru_cache
from math import ceil, isqrt, sqrt
from statistics import NormalDist

from crossdock.canonical.quantities import MICROS

HOUR_MS = 3_600_000
BATCH_MS = 2 * HOUR_MS
"""The path that a budget is compared with: a file every two hours."""

CURVE_MS = (1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 2_700_000, HOUR_MS, BATCH_MS)  # fmt: skip

EXACT_LUMPS = 100
"""Up to so many lumps the Poisson distribution itself is asked, then its normal shape."""

ASSUMED_MS = 60_000
SAMPLES_LEAST = 30
"""With fewer samples than this a delay is not taken for shorter than `ASSUMED_MS`."""

HEARING_MS = 1000
"""What the hub needs to hear, count and decide, which no delay of a path has in it (§3.10)."""

DELAYS_BEYOND = 10
"""Of the target, one part in so many is what a delay may be beyond the one that is counted on."""

_SHORTEST_MS, _LONGEST_MS = 100, 86_400_000
_EXACT = Context(prec=34)
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who takes from the pool: in the busiest hour, in all, and how late his orders are heard.

    `peak` and `taken` are in millionths of the base unit, `squares` the sum of the squares of the
    amounts of his order lines.
    """

    name: str
    peak: int
    taken: int
    squares: int
    order_ms: int

    def blind(self, publish_ms: int) -> int:
        """Count what he sells before a channel so far away knows of it, rounded up."""
        return -(-self.peak * (publish_ms + self.order_ms) // HOUR_MS)

    @property
    def line(self) -> int:
        """Say how much one of his order lines takes, weighted by what it takes, rounded up."""
        return max(1, -(-self.squares // self.taken)) if self.taken > 0 else MICROS


def lump(sellers: Iterable[Seller], publish_ms: int) -> int:
    """Say how much of what sells unseen goes at once: Σ blind·(Σq² / Σq) / Σ blind, rounded up.

    Each seller's order lines count for what he sells unseen: a slow seller of cases is not
    diluted by a fast one of pieces.
    """
    blind, weighed = 0, 0
    for seller in sellers:
        amount = seller.blind(publish_ms)
        blind += amount
        weighed += amount * seller.line
    return -(-weighed // blind) if blind > 0 else MICROS


def mean_lumps(sellers: Iterable[Seller], publish_ms: int) -> int:
    """Add up what all sellers take unseen by a channel, in millionths of a lump, rounded up."""
    all_of_them = list(sellers)
    blind = sum(seller.blind(publish_ms) for seller in all_of_them)
    return -(-blind * MICROS // lump(all_of_them, publish_ms))


def held_back(sellers: Iterable[Seller], publish_ms: int, percent: Decimal) -> int:
    """Give the budget's buffer, in millionths of the base unit; nothing where nothing sells."""
    all_of_them = list(sellers)
    mean, size = mean_lumps(all_of_them, publish_ms), lump(all_of_them, publish_ms)
    return max(lumps_to_hold(mean, percent) * size, by_formula(mean, size, percent))


def curve(sellers: Iterable[Seller], percent: Decimal) -> list[tuple[int, int]]:
    """Give the buffer for paths of a second to two hours, if all news took so long."""
    at_once = [replace(seller, order_ms=0) for seller in sellers]
    return [(ms, held_back(at_once, ms, percent)) for ms in CURVE_MS]


def lumps_to_hold(mean: int, percent: Decimal) -> int:
    """Hold the fewest that the distribution allows: P(more) ≤ `percent` %.

    Beyond `EXACT_LUMPS` it is the formula with the skew of the distribution, (z² - 1) / 6, added.
    """
    covered = _covered_by(percent)
    lumps = bisect_left(covered, mean)
    if lumps < len(covered):
        return lumps
    z = z_of(percent)
    skew = max(Decimal(0), (z * z - 1) / 6)
    root = Decimal(isqrt(mean * MICROS) + 1) / MICROS
    return ceil(Decimal(mean) / MICROS + z * root + skew)


def by_formula(mean: int, size: int, percent: Decimal) -> int:
    """Give m + z·√m of lumps of this size in whole base units: B = ceil(m + z·√m) of units.

    So a unit is kept of whatever sells, and not a whole lump that hardly ever goes unseen.
    """
    if not mean:
        return 0
    root = Decimal(isqrt(mean * MICROS) + 1) / MICROS
    lumps = Decimal(mean) / MICROS + z_of(percent) * root
    return ceil(lumps * size / MICROS) * MICROS


def z_of(percent: Decimal) -> Decimal:
    """Give the normal quantile of a target in percent, rounded up: 1 % is 2.3264."""
    quantile = Decimal(repr(_NORMAL.inv_cdf(1 - float(percent) / 100)))
    return quantile.quantize(Decimal("0.0001"), ROUND_CEILING)


def chance_of_more(mean: int, held: int) -> Decimal:
    """Tell P(N > held) of a Poisson number N; beyond `EXACT_LUMPS` by its normal shape.

    That shape is corrected by its skew, and good to a thousandth.
    """
    if not _is_exact(mean, held):
        lumps = mean / MICROS
        away = (held + 0.5 - lumps) / sqrt(lumps)
        skewed = (away * away - 1) * _NORMAL.pdf(away) / (6 * sqrt(lumps))
        return _between(1 - _NORMAL.cdf(away) + skewed, 1)
    return max(Decimal(0), 1 - _at_most(_lumps(mean), held))


def expected_beyond(mean: int, held: int) -> Decimal:
    """Tell how many lumps sell beyond `held` on average, when the stock runs out."""
    if not _is_exact(mean, held):
        lumps = mean / MICROS
        away = (held - lumps) / sqrt(lumps)
        beyond = sqrt(lumps) * (_NORMAL.pdf(away) - away * (1 - _NORMAL.cdf(away)))
        return _between(beyond, lumps)
    middle = _lumps(mean)
    reached = 1 - _at_most(middle, held - 1) if held else Decimal(1)
    return max(Decimal(0), middle * reached - held * (1 - _at_most(middle, held)))


def _is_exact(mean: int, held: int) -> bool:
    """Say whether the distribution itself is asked: its cost grows with what is held."""
    return mean == 0 or max(mean, held * MICROS) <= 2 * EXACT_LUMPS * MICROS


def _between(value: float, most: float) -> Decimal:
    return Decimal(repr(min(most, max(0.0, value))))


@lru_cache(maxsize=1024)
def _covered_by(percent: Decimal) -> tuple[int, ...]:
    """Give, for 0, 1, 2 … lumps held, the largest mean that so many cover."""
    means = list[int]()
    for held in range(EXACT_LUMPS + 1):
        means.append(_by_poisson(held, percent / 100, means[-1] if means else 0))
    return tuple(means)


def _by_poisson(held: int, allowed: Decimal, known: int) -> int:
    """Find the largest mean whose chance of more than `held` is allowed.

    `known` is that of one lump less; a lump more never covers as much as 1.2 more.
    """

    def is_too_much(mean: int) -> bool:
        return 1 - _at_most(_lumps(mean), held) > allowed

    means = range(known, known + MICROS * 6 // 5)
    return means[bisect_left(means, 1, key=is_too_much) - 1]


def _at_most(mean: Decimal, held: int) -> Decimal:
    """Give P(N ≤ held)."""
    if not mean:
        return Decimal(1)
    term = total = _EXACT.exp(-mean)
    for number in range(1, held + 1):
        term = _EXACT.divide(_EXACT.multiply(term, mean), Decimal(number))
        total = _EXACT.add(total, term)
    return total


def _lumps(mean: int) -> Decimal:
    return Decimal(mean) / MICROS


def _bounds() -> tuple[int, ...]:
    bounds = [_SHORTEST_MS]
    while bounds[-1] < _LONGEST_MS:
        bounds.append(-(-bounds[-1] * 5 // 4))
    return tuple(bounds)


BOUNDS_MS = _bounds()
"""Delays are counted by size: up to 100 ms, up to a quarter more, and so on up to a day."""


def delay_bucket(ms: int) -> int | None:
    """Say where a delay is counted; none for what is no delay: of the future, or over a day old.

    An order that is heard a day after it was placed is history that was read in later.
    """
    return bisect_left(BOUNDS_MS, ms) if 0 <= ms <= _LONGEST_MS else None


def slow_ms(samples: Mapping[int, int], percent: Decimal) -> int:
    """Give the delay that all but a tenth of `percent` % stay below, rounded up.

    At 1 % that is 999 of 1000: of fewer samples, the worst.
    """
    count = sum(samples.values())
    least = ASSUMED_MS if count < SAMPLES_LEAST else 0
    reached = 0
    for bucket in sorted(samples):
        reached += samples[bucket]
        if (count - reached) * 100 * DELAYS_BEYOND <= count * percent and count:
            return max(least, BOUNDS_MS[min(bucket, len(BOUNDS_MS) - 1)])
    return least
