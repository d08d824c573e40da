"""What goods that do not keep for ever can be promised: who gets which, by its last day. Pure.

Each amount of goods can leave from the day it has come until the last one that leaves it life
enough. What is due on a day takes goods that have come by then and keep so long as it needs, the
first to expire first (FEFO). Taken in the order of time, that serves as much as any way of sharing
them out; and where somebody needs a life, who needs none leaves the goods that have one, as far as
others serve as well. So what a bucket can promise on its last day is what can be served with it,
less what is served without. It falls as goods age, and what no longer reaches its customer in time
is never in it (A13, I8). Claims and goods keep their own days within a week. Amounts are micros.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.answer import Lot, Pick
from crossdock.capabilities.supply.model import Limits, ScheduleLine

FOREVER = date.max.toordinal() + 1
"""The last day of goods whose last day nobody told: behind every day that can be told."""


class Life(NamedTuple):
    """Days that have to be left at delivery, and days until then; `days` None asks for none."""

    days: int | None = None
    transit: int = 0

    @property
    def offset(self) -> int:
        """Count the days that goods have to keep once they have left."""
        return (self.days or 0) + self.transit


class Goods(NamedTuple):
    """So much that can leave from a day on; `last` is its last day of use. Both are ordinals."""

    begin: int
    last: int
    micros: int
    lot: Lot | None = None
    rank: int = 1

    @property
    def is_dated(self) -> bool:
        return self.last != FOREVER


class Need(NamedTuple):
    """So much that is due on a day and has to keep until `least`. Both are ordinals.

    `is_careful`: goods of which nobody knows how long they keep are no good.
    """

    day: int
    least: int
    is_careful: bool
    micros: int


class Kept(NamedTuple):
    """So much that is due on a day with a life of its own; it may leave as late as on `leaves`."""

    day: date
    micros: int
    life: Life
    leaves: date | None = None

    def need(self, day: int, micros: int, leaves: Callable[[date], date]) -> Need:
        """Need so much on a day: it leaves then, or later, and keeps from there on."""
        last = leaves(date.fromordinal(day))
        last = last if self.leaves is None else max(last, self.leaves)
        least = last.toordinal() + self.life.offset
        return Need(day, least, self.life.days is not None, micros)


class When(NamedTuple):
    """The last day of each bucket, the day that goods can leave in it, and on or behind any."""

    ends: Sequence[date]
    days: Sequence[date]
    leaves: Callable[[date], date]


class Shelf(NamedTuple):
    """The goods of an item-location in the order they go, what is served of it, and its days.

    `ends` are the last days of its buckets, as ordinals, and `days` those on which goods leave.
    `least` is how long goods that leave in each bucket have to keep for who asks.
    """

    goods: Sequence[Goods]
    needs: Sequence[Need]
    owed: Sequence[int]
    safety: int
    ends: Sequence[int]
    days: Sequence[date]
    least: Sequence[int]
    life: Life


def shelf(
    goods: Iterable[Goods],
    due: Iterable[tuple[date, int]],
    safety: int,
    when: When,
    lives: tuple[Life, Life],
    *,
    kept: Sequence[Kept] = (),
) -> Shelf:
    """Serve what is due on each day; `lives` are what that needs, and what who asks needs.

    Beside it what is `kept` for those who need a life of their own.
    """
    ordered = sorted(goods, key=lambda one: (one.last, one.rank, one.begin))
    usual, asked = lives
    by_day: dict[int, int] = {}
    for day, micros in due:
        first = max(day, when.ends[0]).toordinal()
        by_day[first] = by_day.get(first, 0) + micros
    if kept:
        rest = [Kept(date.fromordinal(day), micros, usual) for day, micros in by_day.items()]
        needs, owed = _served_apart(ordered, [*kept, *rest], when)
    else:
        needs, owed = _served(ordered, by_day, when, usual)
    ends = [end.toordinal() for end in when.ends]
    least = [day.toordinal() + asked.offset for day in when.days]
    return Shelf(ordered, needs, owed, safety, ends, when.days, least, asked)


def promisable(one: Shelf) -> list[int]:
    """Give what can leave in each bucket."""
    marks = _marks(one)
    found: list[int] = []
    for bucket in range(len(one.days)):
        found.append(room(one, bucket) if bucket in marks else found[-1])
    return found


def _marks(one: Shelf) -> set[int]:
    """Name the buckets in which something changes: what comes, what leaves, what has aged."""
    marks = {0}
    for need in one.needs:
        bucket = bisect_left(one.ends, need.day)
        marks |= {bucket, bucket + 1}
    marks |= {bisect_left(one.ends, goods.begin) for goods in one.goods}
    lasts = {goods.last for goods in one.goods}
    for bucket, (before, least) in enumerate(pairwise(one.least), 1):
        if any(before <= last < least for last in lasts):
            marks.add(bucket)
    return {bucket for bucket in marks if bucket < len(one.days)}


def room(one: Shelf, bucket: int, lines: Sequence[ScheduleLine] = ()) -> int:
    """Say how much more can leave in a bucket, beside what is owed and these parts."""
    taken = [needed(one, line.bucket, line.micros) for line in lines]
    return _room(one, needed(one, bucket, 0), taken)


def room_on(one: Shelf, day: date, leaving: date) -> int:
    """Say how much more can be had by a day, and leave on one on or behind it."""
    least = leaving.toordinal() + one.life.offset
    return _room(one, Need(day.toordinal(), least, one.life.days is not None, 0), ())


def _room(one: Shelf, wanted: Need, taken: Sequence[Need]) -> int:
    wanted = wanted._replace(micros=sum(goods.micros for goods in one.goods))
    needs = [*one.needs, *taken]
    served = sum(need.micros for need in needs)
    shares = shared(one.goods, sorted([*needs, wanted], key=lambda need: need.day))
    found = sum(micros for parts in shares for _, micros in parts)
    return max(0, found - served - one.safety)


def split(
    one: Shelf, micros: int, limits: Limits, pack: int, within: range
) -> tuple[list[ScheduleLine], int]:
    """Promise as early as can be, in parts; give the lines and what is left over (A9).

    `within` are the buckets that it may leave in.
    """
    marks = sorted({max(each, within.start) for each in _marks(one)})
    buckets = [bucket for bucket in marks if bucket in within]
    return model.taken_in(buckets, partial(room, one), micros, limits, pack)


def until(one: Shelf, within: range, pack: int) -> int:
    """Say how much can leave in all on the days of some buckets."""
    [everything] = model.of_packs([sum(goods.micros for goods in one.goods)], pack)
    return everything - split(one, everything, Limits(), pack, within)[1]


def picks(one: Shelf, lines: Sequence[ScheduleLine]) -> list[Pick]:
    """Say which lots the parts of a promise are best taken from: what expires first, first."""
    needs: list[tuple[Need, date | None]] = [(need, None) for need in one.needs]
    needs += [(needed(one, line.bucket, line.micros), one.days[line.bucket]) for line in lines]
    needs.sort(key=lambda each: each[0].day)
    found: list[Pick] = []
    shares = shared(one.goods, [need for need, _ in needs])
    for (_, day), parts in zip(needs, shares, strict=True):
        if day is not None:
            found += [_pick(day, goods, micros) for goods, micros in parts]
    return found


def _pick(day: date, goods: Goods, micros: int) -> Pick:
    lot = goods.lot
    return Pick(day, None, "", micros) if lot is None else Pick(day, lot.lot, lot.owner, micros)


def shared(goods: Sequence[Goods], needs: Sequence[Need]) -> list[list[tuple[Goods, int]]]:
    """Give each need, the first first, of what has come and keeps: the first to expire first.

    Who needs a life and lacks goods has those of one who needs none, if others serve that as well.
    """
    left = [one.micros for one in goods]
    held: list[dict[int, int]] = []
    lacking: list[int] = []
    for number, need in enumerate(needs):
        parts: dict[int, int] = {}
        rest = need.micros
        for at, one in enumerate(goods):
            if not rest:
                break
            if left[at] and fits(one, need):
                parts[at] = min(rest, left[at])
                left[at] -= parts[at]
                rest -= parts[at]
        held.append(parts)
        if rest and need.is_careful:
            lacking.append(number)
    if lacking and not all(need.is_careful for need in needs):
        for number in lacking:
            _freed(goods, needs, held, left, number)
    return [[(goods[at], parts[at]) for at in sorted(parts) if parts[at]] for parts in held]


def _freed(
    goods: Sequence[Goods],
    needs: Sequence[Need],
    held: Sequence[dict[int, int]],
    left: list[int],
    number: int,
) -> None:
    """Move others over to goods that serve them as well, until a need has enough.

    Each way goes from the need to goods that it may have, from who holds them to others that serve
    as well, and ends at goods that nobody holds. The shortest is taken first.
    """
    rest = needs[number].micros - sum(held[number].values())
    while rest and (way := _way(goods, needs, held, left, number)):
        end = way[-1][1]
        moved = min([rest, left[end], *(held[who][at] for who, at in _given_up(way))])
        left[end] -= moved
        for who, at in _given_up(way):
            held[who][at] -= moved
        for who, at in way:
            held[who][at] = held[who].get(at, 0) + moved
        rest -= moved


def _given_up(way: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Name what each on a way but the first gives up: what the one before it is to have."""
    return [(who, at) for (_, at), (who, _) in pairwise(way)]


def _way(
    goods: Sequence[Goods],
    needs: Sequence[Need],
    held: Sequence[dict[int, int]],
    left: Sequence[int],
    number: int,
) -> list[tuple[int, int]]:
    """Find who is to have which goods so that a need has more: (need, goods), the need first."""
    ways: deque[list[tuple[int, int]]] = deque([[]])
    seen: set[int] = set()
    while ways:
        way = ways.popleft()
        whoever = (
            [number]
            if not way
            else [who for who, parts in enumerate(held) if parts.get(way[-1][1]) and who != number]
        )
        for who in whoever:
            for at, one in enumerate(goods):
                if at not in seen and fits(one, needs[who]):
                    seen.add(at)
                    further = [*way, (who, at)]
                    if left[at]:
                        return further
                    ways.append(further)
    return []


def last_of(lot: Lot) -> int:
    """Give a lot's last day as an ordinal."""
    return FOREVER if lot.expires_on is None else lot.expires_on.toordinal()


def of_lots(lots: Iterable[Lot], owners: dict[str, int], today: date, lying: int) -> list[Goods]:
    """Make goods of lots that anybody may still have; ours come to no more than lies there."""
    found: list[Goods] = []
    left = lying
    for lot in sorted(lots, key=last_of):
        micros = max(0, lot.micros)
        if not lot.owner:
            micros = min(micros, left)
            left -= micros
        elif lot.owner not in owners:
            continue
        if micros and last_of(lot) >= today.toordinal():
            found.append(Goods(0, last_of(lot), micros, lot, owners.get(lot.owner, 1)))
    return [*found, Goods(0, FOREVER, left, Lot("", "", left))] if left else found


def _served(
    goods: Sequence[Goods], due: Mapping[int, int], when: When, life: Life
) -> tuple[list[Need], list[int]]:
    """Serve what is due as it comes due, or as soon behind as goods come; give what stays owed."""
    left = list(goods)
    needs: list[Need] = []
    open_still: list[int] = []
    owed = 0
    days = sorted({*due, *(one.begin for one in goods if one.begin)})
    for day in days:
        owed += max(0, due.get(day, 0))
        if owed:
            least = when.leaves(date.fromordinal(day)).toordinal() + life.offset
            need = Need(day, least, life.days is not None, owed)
            [parts] = shared(left, [need])
            taken = {id(one): micros for one, micros in parts}
            left = [one._replace(micros=one.micros - taken.get(id(one), 0)) for one in left]
            if got := sum(taken.values()):
                needs.append(need._replace(micros=got))
                owed -= got
        open_still.append(owed)
    return needs, _by_bucket(days, open_still, when)


def _served_apart(
    goods: Sequence[Goods], due: Sequence[Kept], when: When
) -> tuple[list[Need], list[int]]:
    """Serve each as it comes due with goods that keep as long as it needs; on a day those first.

    Together they have as much as can be: who can do with other goods leaves his (`shared`).
    """
    first = when.ends[0]
    left = [one._replace(day=max(one.day, first)) for one in due if one.micros > 0]
    left.sort(key=lambda one: (one.day, one.life.days is None, -one.life.offset))
    owed = [one.micros for one in left]
    needs: list[Need] = []
    open_still: list[int] = []
    starts = {one.begin for one in goods if one.begin}
    days = sorted({*(one.day.toordinal() for one in left), *starts})
    for day in days:
        for number, one in enumerate(left):
            if owed[number] and one.day.toordinal() <= day:
                need = one.need(day, owed[number], when.leaves)
                had = sum(other.micros for other in needs)
                shares = shared(goods, [*needs, need])
                got = sum(micros for parts in shares for _, micros in parts) - had
                if got > 0:
                    needs.append(need._replace(micros=got))
                    owed[number] -= got
        so_far = zip(left, owed, strict=True)
        open_still.append(sum(rest for one, rest in so_far if one.day.toordinal() <= day))
    return needs, _by_bucket(days, open_still, when)


def _by_bucket(days: Sequence[int], found: Sequence[int], when: When) -> list[int]:
    """Give for each bucket what was found on the last day in or before it."""
    so_far = [bisect_right(days, end.toordinal()) for end in when.ends]
    return [found[number - 1] if number else 0 for number in so_far]


def needed(one: Shelf, bucket: int, micros: int) -> Need:
    """Need so much in a bucket, for who asks."""
    return Need(one.ends[bucket], one.least[bucket], one.life.days is not None, micros)


def fits(goods: Goods, need: Need) -> bool:
    """Say whether goods have come by then, and keep long enough."""
    return (
        goods.begin <= need.day
        and goods.last >= need.least
        and (goods.is_dated or not need.is_careful)
    )
