"""The rules of time-phased availability: what can be promised by when, and in which parts (§3.3).

Pure functions on lists with one number a bucket. Amounts are whole micros, millionths of the
item's base unit. Bucket 0 is now and what is past due. Examples (A4 ...) are those of §3.9.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from operator import add, sub
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS


class AtpMode(StrEnum):
    """How far an answer looks ahead.

    CUMULATIVE: nothing is promised that a later demand needs. DISCRETE: a promise comes out of
    one supply, which covers what is due until the next. UNTIL_NEXT_SUPPLY: as the first, but only
    up to the next net surplus; it promises what a demand behind that may miss (A27). INFINITE: no
    stock limits it, as services. LEAD_TIME: by the lead time alone, whatever lies there.
    """

    CUMULATIVE = "CUMULATIVE"
    DISCRETE = "DISCRETE"
    UNTIL_NEXT_SUPPLY = "UNTIL_NEXT_SUPPLY"
    INFINITE = "INFINITE"
    LEAD_TIME = "LEAD_TIME"


BESIDE_STOCK = frozenset({AtpMode.INFINITE, AtpMode.LEAD_TIME})
"""What only a rule says, and no stock limits."""

UNLIMITED = (10**12 - 1) * MICROS
"""What stands for no end of it: the most whole base units that an amount can be."""


class ScheduleLine(NamedTuple):
    """So many micros, promised in a bucket."""

    bucket: int
    micros: int


class Limits(NamedTuple):
    """What a split promise keeps to: the least of a line, and the most lines; 0 is no limit."""

    micros_min: int = 0
    lines_max: int = 0

    def within(self, other: "Limits") -> "Limits":
        """Give the stricter of both."""
        most = [one for one in (self.lines_max, other.lines_max) if one]
        return Limits(max(self.micros_min, other.micros_min), min(most, default=0))


class Weighing(NamedTuple):
    """What pieces are estimated to weigh, in micros of a unit of weight."""

    nominal: int
    least: int
    most: int


def projected(start: int, supply: Sequence[int], demand: Sequence[int]) -> list[int]:
    """Give the projected available balance of each bucket: PAB[b] = PAB[b-1] + S[b] - Dm[b]."""
    changes = list(map(sub, supply, demand))
    changes[0] += start
    return list(accumulate(changes))


def cumulative(pab: Sequence[int]) -> list[int]:
    """Give CATP: of each bucket the least balance from there to the horizon, never below zero."""
    least = list(accumulate(reversed(pab), min))
    least.reverse()
    below = bisect_left(least, 0)  # they only rise
    return [0] * below + least[below:]


def discrete(pab: Sequence[int]) -> list[int]:
    """Give DATP: what each supply leaves of itself, once all demand has taken its part.

    A shortage takes from the nearest earlier surplus, and what is owed since earlier is taken
    first, so a supply leaves what CATP grows by (the sums of both are equal).
    """
    catp = cumulative(pab)
    return list(map(sub, catp, [0, *catp]))


def until_next_supply(pab: Sequence[int]) -> list[int]:
    """Give the least balance from each bucket to before the next one with a net surplus (A27)."""
    found = [0] * len(pab)
    least = pab[-1]
    for bucket in range(len(pab) - 1, -1, -1):
        least = min(least, pab[bucket])
        found[bucket] = max(0, least)
        if bucket and pab[bucket] > pab[bucket - 1]:
            least = pab[bucket - 1]
    return found


def promisable(mode: AtpMode, pab: Sequence[int]) -> list[int]:
    """Give what each bucket has to promise: in all by then, or of its own supply if DISCRETE."""
    if mode is AtpMode.UNTIL_NEXT_SUPPLY:
        return until_next_supply(pab)
    return discrete(pab) if mode is AtpMode.DISCRETE else cumulative(pab)


def beside_group(mine: Sequence[int], others: Sequence[int], group: Sequence[int]) -> list[int]:
    """Give what a member has of its own CATP once the claims of its group are covered.

    `others` is what the other members can promise, `group` the balance of the group's own claims.
    What the group needs of this member by some day is kept from then on; and no day gives away
    what a later one needs of all of them.
    """
    covered = cumulative([sum(each) for each in zip(mine, others, group, strict=True)])
    needed = accumulate((-has - other for has, other in zip(group, others, strict=True)), max)
    kept = (own - max(0, need) for own, need in zip(mine, needed, strict=True))
    return list(map(min, covered, kept))


def earliest(atp: Sequence[int], micros: int) -> int | None:
    """Find the first bucket that has so much; None is no date."""
    return next((bucket for bucket, has in enumerate(atp) if has >= micros), None)


def split(
    mode: AtpMode, atp: Sequence[int], micros: int, limits: Limits | None = None
) -> tuple[list[ScheduleLine], int]:
    """Promise as early as can be, in parts; give the schedule lines and what is left over (A9).

    No line is smaller than the least, unless all that was asked is; the last line that is allowed
    takes all the rest, and waits until it can.
    """
    least, most = limits or Limits()
    least = min(least, micros)
    lines: list[ScheduleLine] = []
    rest = micros
    for bucket, has in enumerate(atp):
        free = has if mode is AtpMode.DISCRETE else has - (micros - rest)
        taken = part(free, rest, least, is_last=len(lines) + 1 == most)
        if taken:
            lines.append(ScheduleLine(bucket, taken))
            rest -= taken
        if not rest:
            break
    return lines, rest


def taken_in(
    buckets: Iterable[int],
    room: Callable[[int, Sequence[ScheduleLine]], int],
    micros: int,
    limits: Limits,
    pack: int,
) -> tuple[list[ScheduleLine], int]:
    """Promise as early as can be where each part decides anew what `room` the others have.

    Give the schedule lines and what is left over (A9).
    """
    lines: list[ScheduleLine] = []
    rest, least = micros, min(limits.micros_min, micros)
    for bucket in buckets:
        [free] = of_packs([room(bucket, lines)], pack)
        is_last = len(lines) + 1 == limits.lines_max
        if taken := part(free, rest, least, is_last=is_last):
            lines.append(ScheduleLine(bucket, taken))
            rest -= taken
        if not rest:
            break
    return lines, rest


def part(free: int, rest: int, least: int, *, is_last: bool) -> int:
    """Say how much of the rest a bucket takes, leaving none too small to be a line."""
    if free >= rest:
        return rest
    if is_last:
        return 0
    taken = min(free, rest - least)
    return taken if taken >= max(1, least) else 0


def granted(atp: Sequence[int], micros: int) -> int:
    """Say how much of what is asked can be had at once in one of these buckets.

    The last has most by the cumulative mode alone: what is there until the next supply may fall.
    """
    return min(micros, max(atp))


# Kits own no stock: they have what their scarcest component allows.


def kits_by_bucket(
    parts: Mapping[str, int], atp: Mapping[str, Sequence[int]], assembled: Sequence[int]
) -> list[int]:
    """Count whole kits in each bucket, out of what each component has by then (A11).

    `parts` is micros in one kit, `assembled` the kits that lie there. Kits that share a component
    are not additive: each is told what it could have alone (A30).
    """
    whole = [
        [max(0, has) // micros * MICROS for has in atp[item]] for item, micros in parts.items()
    ]
    return list(map(add, map(min, *whole, whole[0]), assembled))


# What is sold in packs is promised in packs.


def whole_packs(micros: int, pack: int) -> tuple[int, int]:
    """Give the packs that an amount holds, and what is left and not sold as one (A12)."""
    return divmod(max(0, micros), pack)


def of_packs(atp: Sequence[int], pack: int) -> Sequence[int]:
    """Give what there is of whole packs in each bucket; 0 is no pack."""
    return [whole_packs(has, pack)[0] * pack for has in atp] if pack else atp


def in_packs(micros: int, pack: int, *, up: bool) -> int:
    """Move what is asked to a multiple of the pack, fewer or more by policy (A31); 0 is none."""
    if not pack:
        return micros
    packs, rest = divmod(micros, pack)
    return (packs + (1 if up and rest else 0)) * pack


def weight_of(micros: int, nominal: int, low_percent: int, high_percent: int) -> Weighing:
    """Estimate what pieces weigh: as a rule, at least and at most (§1.2, catch weight).

    The least is rounded down and the most up, to a millionth of the unit of weight.
    """
    whole = micros * nominal
    least, most = whole * (100 - low_percent), whole * (100 + high_percent)
    return Weighing(
        (2 * whole + MICROS) // (2 * MICROS), least // (100 * MICROS), -(-most // (100 * MICROS))
    )


def dated(buckets: int, entries: Iterable[tuple[int, int]]) -> list[int]:
    """Add up (bucket, micros) in a list with a number for each bucket."""
    found = [0] * buckets
    for bucket, micros in entries:
        found[bucket] += micros
    return found
