"""What a sales channel may be told, and how soon: pure rules on whole millionths (§3.7).

Every amount is in millionths of the unit that the channel sells (a case of 12, a metre), so that
what is written, what is compared and what the channel says back are one number.
"""

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.protection import part, within

SHOWN_MOST = 9_999 * MICROS
"""So much a channel is shown of what no stock limits, in base units at each place."""


class ShareMode(StrEnum):
    """What part of the stock a channel is shown.

    POOL: all of it, as others are; each order reserves. PERCENT: so much of it. FIXED: up to so
    much. PARTITION: so much that is nobody else's; if the parts are more than there is, all
    shrink alike. PROTECTED: what is not kept for others, up to its own maximum.
    """

    POOL = "POOL"
    PERCENT = "PERCENT"
    FIXED = "FIXED"
    PARTITION = "PARTITION"
    PROTECTED = "PROTECTED"


class WhenStale(StrEnum):
    """What a channel shows once the source of its figures has fallen silent (§7.2).

    KEEP: nothing more than now. LOWER: nothing more than now, and behind a wider buffer: the
    buffer and `stale_buffer`, or the buffer twice. ZERO: nothing.
    """

    KEEP = "KEEP"
    LOWER = "LOWER"
    ZERO = "ZERO"


class Pace(StrEnum):
    """NONE: it is shown already. IMMEDIATE: cannot wait. COALESCED: the latest value, soon."""

    NONE = "NONE"
    IMMEDIATE = "IMMEDIATE"
    COALESCED = "COALESCED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed with a channel about one item, and what that means just now.

    `shares` is the sum of all parts of a PARTITION, `percents` of all percentages of one place
    that it sells from: if these are more than there is, they shrink alike. `kept_for_others` is
    what is protected for other channels of the pool or a part of theirs, `allowance` what a
    maximum leaves (None: no maximum).
    `stale_buffer` is held back besides while the source is silent (None: the buffer once more).
    """

    share_mode: ShareMode = ShareMode.POOL
    share_percent: Decimal = Decimal(100)
    share_fixed: int = 0
    shares: int = 0
    percents: Decimal = Decimal(0)
    kept_for_others: int = 0
    allowance: int | None = None
    buffer: int = 0
    cap: int | None = None
    pack: int = MICROS
    is_excluded: bool = False
    low_threshold: int = 0
    levels: tuple[int, ...] = ()
    jump_percent: int = 10
    when_stale: WhenStale = WhenStale.LOWER
    stale_buffer: int | None = None


def share(pool: int, terms: Terms) -> int:
    """Cut the channel's part out of the pool; never more than there is, nor what is others'."""
    there_is = within(pool, terms.kept_for_others, terms.allowance)
    if terms.share_mode is ShareMode.FIXED:
        return min(there_is, terms.share_fixed)
    if terms.share_mode is ShareMode.PARTITION:
        return part(there_is, terms.share_fixed, max(terms.share_fixed, terms.shares))
    if terms.share_mode is ShareMode.PERCENT:
        whole = max(Decimal(100), terms.percents)
        return int(there_is * Fraction(terms.share_percent) / Fraction(whole))
    return there_is


def available_to_sell(pool: int, terms: Terms) -> int:
    """ATS = clamp(floor_to_pack(share) - buffer, 0, cap), and in whole packs at the end too."""
    if terms.is_excluded:
        return 0
    exposed = _floor(share(pool, terms), terms.pack) - terms.buffer
    if terms.cap is not None:
        exposed = min(exposed, terms.cap)
    return _floor(max(0, exposed), terms.pack)


def exposed_when_stale(pool: int, shown: int | None, terms: Terms, *, unexplained: int = 0) -> int:
    """Lower but never raise what is shown, while nobody knows whether the figures still hold.

    What the channel has sold `unexplained` is off what it shows already, and not yet off the pool.
    """
    if terms.when_stale is WhenStale.ZERO:
        return 0
    wider = terms.buffer if terms.stale_buffer is None else terms.stale_buffer
    margin = wider if terms.when_stale is WhenStale.LOWER else 0
    careful = _floor(max(0, available_to_sell(pool, terms) - margin - unexplained), terms.pack)
    return careful if shown is None else min(shown, careful)


def pace(shown: int | None, target: int, terms: Terms) -> Pace:
    """Choose the lane: at once whatever could cost a sale or promise goods that are gone."""
    if shown == target:
        return Pace.NONE
    if shown is None or target < shown:
        return Pace.IMMEDIATE
    is_flip = shown <= 0 < target
    is_scarce = target <= terms.low_threshold
    is_jump = (target - shown) * 100 >= terms.jump_percent * shown
    if is_flip or is_scarce or is_jump or level(shown, terms) != level(target, terms):
        return Pace.IMMEDIATE
    return Pace.COALESCED


def level(amount: int, terms: Terms) -> int:
    """Count the thresholds that an amount has reached: 0 is below LOW."""
    return bisect_right(sorted(terms.levels), amount)


def in_channel_units(base: int, numerator: int, denominator: int) -> int:
    """Convert millionths of the base unit, rounding down: what fills no unit is not sold."""
    return base * denominator // numerator


def in_channel_units_up(base: int, numerator: int, denominator: int) -> int:
    """Convert millionths of the base unit, rounding up: what is held back is never less."""
    return -(-base * denominator // numerator)


def _floor(amount: int, step: int) -> int:
    return amount // step * step
