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
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.answer import Lot, Pick
from crossdock.capabilities.supply.model import Limits, ScheduleLine
from crossdock.capabilities.supply.sharing import FOREVER, Goods, Need, Shares, shared


class Life(NamedTuple):
    """Days that have to be left at delivery, and days until then; `days` None asks for none."""

    days: int | None = None
    transit: int = 0

    @property
    def offset(self) -> int:
        """Count the days that goods have to keep once they have left."""
        return (self.days or 0) + self.transit


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

    `shares` say who has which of the goods; it is added to in copies alone.
    `ends` are the last days of its buckets, as ordinals, and `days` those on which goods leave.
    `least` is how long goods that leave in each bucket have to keep for who asks. `claimed` is
    what is served of it as it came due, and `leaves` the first day on or behind another on which
    goods can leave.
    """

    goods: Sequence[Goods]
    needs: Sequence[Need]
    shares: Shares
    owed: Sequence[int]
    safety: int
    ends: Sequence[int]
    days: Sequence[date]
    least: Sequence[int]
    life: Life
    claimed: Mapping[Kept, int]
    leaves: Callable[[date], date]


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
    claimed: dict[Kept, int] = {}
    for one in (*kept, *(Kept(day, micros, usual) for day, micros in due)):
        bare = one._replace(day=max(one.day, when.ends[0]), micros=0)
        claimed[bare] = claimed.get(bare, 0) + one.micros
    needs, shares, owed = served(ordered, claimed, when)
    ends = [end.toordinal() for end in when.ends]
    least = [day.toordinal() + asked.offset for day in when.days]
    days, leaves = when.days, when.leaves
    return Shelf(ordered, needs, shares, owed, safety, ends, days, least, asked, claimed, leaves)


def promisable(one: Shelf) -> list[int]:
    """Give what can leave in each bucket."""
    marked = marks(one)
    found: list[int] = []
    for bucket in range(len(one.days)):
        found.append(room(one, bucket) if bucket in marked else found[-1])
    return found


def marks(one: Shelf) -> set[int]:
    """Name the buckets in which something changes: what comes, what leaves, what has aged."""
    found = {0}
    for need in one.needs:
        bucket = bisect_left(one.ends, need.day)
        found |= {bucket, bucket + 1}
    found |= {bisect_left(one.ends, goods.begin) for goods in one.goods}
    lasts = {goods.last for goods in one.goods}
    for bucket, (before, least) in enumerate(pairwise(one.least), 1):
        if any(before <= last < least for last in lasts):
            found.add(bucket)
    return {bucket for bucket in found if bucket < len(one.days)}


def room(one: Shelf, bucket: int, lines: Sequence[ScheduleLine] = ()) -> int:
    """Say how much more can leave in a bucket, beside what is owed and these parts."""
    taken = [needed(one, line.bucket, line.micros) for line in lines]
    return _room(one, needed(one, bucket, 0), taken)


def room_on(one: Shelf, day: date, leaving: date) -> int:
    """Say how much more can be had by a day, and leave on one on or behind it."""
    least = leaving.toordinal() + one.life.offset
    return _room(one, Need(day.toordinal(), least, one.life.days is not None, 0), ())


def _room(one: Shelf, wanted: Need, taken: Sequence[Need]) -> int:
    shares = one.shares.copy()
    short = sum(need.micros - shares.serve(shares.add(need), need.micros) for need in taken)
    found = shares.serve(shares.add(wanted), sum(goods.micros for goods in one.goods))
    return max(0, found - short - one.safety)


def split(
    one: Shelf, micros: int, limits: Limits, pack: int, within: range
) -> tuple[list[ScheduleLine], int]:
    """Promise as early as can be, in parts; give the lines and what is left over (A9).

    `within` are the buckets that it may leave in.
    """
    marked = sorted({max(each, within.start) for each in marks(one)})
    buckets = [bucket for bucket in marked if bucket in within]
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
            found += [pick(day, goods, micros) for goods, micros in parts]
    return found


def pick(day: date, goods: Goods, micros: int) -> Pick:
    """Say that so much of these goods goes out on a day."""
    lot = goods.lot
    return Pick(day, None, "", micros) if lot is None else Pick(day, lot.lot, lot.owner, micros)


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


def served(
    goods: Sequence[Goods], claimed: Mapping[Kept, int], when: When
) -> tuple[list[Need], Shares, list[int]]:
    """Serve each as it comes due with goods that keep as long as it needs; on a day those first.

    Whoever has to wait is served as soon as goods come. Give what is served, and what stays owed.
    """
    waiting = {one: micros for one, micros in claimed.items() if micros > 0}
    waiting = dict(sorted(waiting.items(), key=lambda each: _turn(each[0])))
    numbers: dict[Need, int] = {}
    had: dict[Need, int] = {}
    shares = Shares(goods)
    open_still: list[int] = []
    starts = {one.begin for one in goods if one.begin}
    days = sorted({*(one.day.toordinal() for one in waiting), *starts})
    for day in days:
        for one, micros in waiting.items():
            on = one.day.toordinal()
            if micros and (on == day or (on < day and day in starts)):
                need = one.need(day, 0, when.leaves)
                if need not in numbers:
                    numbers[need] = shares.add(need)
                got = shares.serve(numbers[need], micros)
                had[need] = had.get(need, 0) + got
                waiting[one] -= got
        open_still.append(sum(rest for one, rest in waiting.items() if one.day.toordinal() <= day))
    needs = [need._replace(micros=micros) for need, micros in had.items() if micros]
    return needs, shares, _by_bucket(days, open_still, when)


def _turn(one: Kept) -> tuple[date, bool, int]:
    """Order who is served: by day, and on a day who needs goods to keep longest first."""
    return one.day, one.life.days is None, -one.life.offset


def _by_bucket(days: Sequence[int], found: Sequence[int], when: When) -> list[int]:
    """Give for each bucket what was found on the last day in or before it."""
    so_far = [bisect_right(days, end.toordinal()) for end in when.ends]
    return [found[number - 1] if number else 0 for number in so_far]


def needed(one: Shelf, bucket: int, micros: int) -> Need:
    """Need so much in a bucket, for who asks."""
    return Need(one.ends[bucket], one.least[bucket], one.life.days is not None, micros)
