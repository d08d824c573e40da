"""What goods that are told apart by lot can be promised, in each of the three modes. Pure.

CUMULATIVE: what leaves nobody short who is served without (shelf.py). DISCRETE: out of one lot
that lies there, or of one supply to come, and of no two together; no more than leaves the others
served. UNTIL_NEXT_SUPPLY: beside what is due before the next day with a net surplus alone, one
on which goods come that serve all that is due on it, and leave some that keep long enough for who
asks. What is due from there on is taken to be served by what comes (A27). Amounts are micros.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from crossdock.capabilities.supply import model, shelf
from crossdock.capabilities.supply.answer import Pick
from crossdock.capabilities.supply.model import AtpMode, Limits, ScheduleLine
from crossdock.capabilities.supply.sharing import Shares
from crossdock.capabilities.supply.shelf import Shelf, When

_OTHER = frozenset({AtpMode.DISCRETE, AtpMode.UNTIL_NEXT_SUPPLY})


def promisable(mode: AtpMode, one: Shelf) -> list[int]:
    """Give what can leave in each bucket; out of one lot or supply if DISCRETE."""
    if mode not in _OTHER:
        return shelf.promisable(one)
    marked, found = shelf.marks(one), list[int]()
    for span in _spans(one) if mode is AtpMode.UNTIL_NEXT_SUPPLY else [_all(one)]:
        for bucket in range(span.begin, span.end):
            if bucket != span.begin and bucket not in marked:
                found.append(found[-1])
            elif mode is AtpMode.DISCRETE:
                found.append(_most(one, bucket, one.shares))
            else:
                found.append(shelf.room(span.shelf, bucket))
    return found


def split(
    mode: AtpMode, one: Shelf, micros: int, limits: Limits, pack: int, *, within: range
) -> tuple[list[ScheduleLine], int]:
    """Promise as early as can be, in parts; give the lines and what is left over (A9).

    `within` are the buckets that it may leave in. If DISCRETE each part comes out of one lot or
    supply, and a bucket has one part.
    """
    if mode is AtpMode.DISCRETE:
        return _split_discrete(one, micros, limits, pack, within)
    if mode is AtpMode.UNTIL_NEXT_SUPPLY:
        spans = _spans(one)

        def room(bucket: int, lines: Sequence[ScheduleLine]) -> int:
            return shelf.room(_span(spans, bucket).shelf, bucket, lines)

        marked = shelf.marks(one) | {span.begin for span in spans}
        buckets = sorted({max(each, within.start) for each in marked})
        buckets = [bucket for bucket in buckets if bucket in within]
        return model.taken_in(buckets, room, micros, limits, pack)
    return shelf.split(one, micros, limits, pack, within)


def until(mode: AtpMode, one: Shelf, within: range, pack: int) -> int:
    """Say how much can leave in all on the days of some buckets; no parts if DISCRETE."""
    if mode is AtpMode.DISCRETE:
        has = promisable(mode, one)[within.start : within.stop]
        return max(model.of_packs(has, pack), default=0)
    [everything] = model.of_packs([sum(goods.micros for goods in one.goods)], pack)
    return everything - split(mode, one, everything, Limits(), pack, within=within)[1]


def picks(mode: AtpMode, one: Shelf, lines: Sequence[ScheduleLine]) -> list[Pick]:
    """Say which lots the parts of a promise are best taken from: what expires first, first."""
    if mode is AtpMode.DISCRETE:
        return [
            shelf.pick(one.days[line.bucket], one.goods[at], line.micros)
            for line, at in _pinned(one, lines)
        ]
    if mode is AtpMode.UNTIL_NEXT_SUPPLY:
        return _picks_until(one, lines)
    return shelf.picks(one, lines)


# Out of one lot, or one supply.


class _Pinned(NamedTuple):
    """A part of a promise, and which goods it comes out of."""

    line: ScheduleLine
    at: int


def _take(one: Shelf, shares: Shares, part: _Pinned) -> None:
    """Serve a part out of its goods."""
    (bucket, micros), of = part
    shares.serve(shares.add(shelf.needed(one, bucket, micros), of), micros)


def _room_of(one: Shelf, bucket: int, at: int, beside: Shares) -> int:
    """Say how much of some goods can leave in a bucket, beside what is served."""
    shares = beside.copy()
    wanted = shares.add(shelf.needed(one, bucket, 0), at)
    return shares.serve(wanted, one.goods[at].micros)


def _kept_back(one: Shelf, bucket: int, beside: Shares) -> int:
    """Say how much can leave in a bucket of all goods: safety stock is kept of the others."""
    shares = beside.copy()
    everything = sum(goods.micros for goods in one.goods)
    found = shares.serve(shares.add(shelf.needed(one, bucket, 0)), everything)
    return max(0, found - one.safety)


def _most(one: Shelf, bucket: int, beside: Shares) -> int:
    """Say how much can leave in a bucket out of whichever goods give most."""
    limit, found = _kept_back(one, bucket, beside), 0
    for at in sorted(range(len(one.goods)), key=lambda each: -one.goods[each].micros):
        if min(limit, one.goods[at].micros) <= found:
            break
        found = max(found, min(limit, _room_of(one, bucket, at, beside)))
    return found


def _source(one: Shelf, line: ScheduleLine, beside: Shares) -> int:
    """Name the goods that a part comes out of: what expires first of those that have so much."""
    each = range(len(one.goods))
    return next(at for at in each if _room_of(one, line.bucket, at, beside) >= line.micros)


def _pinned(one: Shelf, lines: Sequence[ScheduleLine]) -> list[_Pinned]:
    found: list[_Pinned] = []
    shares = one.shares.copy()
    for line in lines:
        found.append(_Pinned(line, _source(one, line, shares)))
        _take(one, shares, found[-1])
    return found


def _split_discrete(
    one: Shelf, micros: int, limits: Limits, pack: int, within: range
) -> tuple[list[ScheduleLine], int]:
    marked = {max(each, within.start) for each in shelf.marks(one)}
    taken: list[_Pinned] = []
    shares = one.shares.copy()
    rest, least = micros, min(limits.micros_min, micros)
    for bucket in within:
        # Where nothing changes there is something anew only behind a part of another lot.
        if not rest or not (bucket in marked or (taken and taken[-1].line.bucket == bucket - 1)):
            continue
        [free] = model.of_packs([_most(one, bucket, shares)], pack)
        is_last = len(taken) + 1 == limits.lines_max
        if part := model.part(free, rest, least, is_last=is_last):
            line = ScheduleLine(bucket, part)
            taken.append(_Pinned(line, _source(one, line, shares)))
            _take(one, shares, taken[-1])
            rest -= part
    return [each.line for each in taken], rest


# Up to the next net surplus.


class _Span(NamedTuple):
    """Buckets that look ahead to one net surplus; the shelf serves what is due before it alone.

    `until` is the day of the surplus.
    """

    begin: int
    end: int
    until: int
    shelf: Shelf


def _all(one: Shelf) -> _Span:
    return _Span(0, len(one.ends), one.ends[-1] + 1, one)


def _spans(one: Shelf) -> list[_Span]:
    begins = sorted({goods.begin for goods in one.goods if goods.begin > one.ends[0]})
    days = [day for day in begins if _has_surplus(one, day)]
    bounds = [(bisect_left(one.ends, day), day) for day in days]
    # Of several in one bucket the first ends what is looked at before it.
    ends = dict(reversed([*bounds, (len(one.ends), one.ends[-1] + 1)]))
    found: list[_Span] = []
    for end, day in sorted(ends.items()):
        begin = found[-1].end if found else 0
        found.append(_Span(begin, end, day, _before(one, day)))
    return found


def _span(spans: Sequence[_Span], bucket: int) -> _Span:
    return spans[bisect_right([span.begin for span in spans], bucket) - 1]


def _before(one: Shelf, day: int) -> Shelf:
    """Serve what was served before a day alone."""
    if day > one.ends[-1]:
        return one
    shares = Shares(one.goods)
    needs = [need for need in one.needs if need.day < day]
    for need in needs:
        shares.serve(shares.add(need), need.micros)
    return one._replace(needs=needs, shares=shares)


def _has_surplus(one: Shelf, day: int) -> bool:
    """Say whether what comes on a day serves all that is due on it, and some who asks."""
    on = date.fromordinal(day)
    goods = [goods for goods in one.goods if goods.begin == day]
    due = {claim: micros for claim, micros in one.claimed.items() if claim.day == on}
    needs, shares, owed = shelf.served(goods, due, When([on], [one.leaves(on)], one.leaves))
    least = one.leaves(on).toordinal() + one.life.offset
    alone = one._replace(goods=goods, needs=needs, shares=shares, safety=0)
    alone = alone._replace(ends=[day], least=[least])
    return not owed[0] and shelf.room(alone, 0) > 0


def _picks_until(one: Shelf, lines: Sequence[ScheduleLine]) -> list[Pick]:
    """Serve who is looked at by each part before it; whoever comes behind may be short of it."""
    shares, found, served = Shares(one.goods), list[Pick](), 0
    spans, needs = _spans(one), sorted(one.needs, key=lambda need: need.day)
    numbers: list[int] = []
    for line in lines:
        until = _span(spans, line.bucket).until
        while served < len(needs) and needs[served].day < until:
            shares.serve(shares.add(needs[served]), needs[served].micros)
            served += 1
        numbers.append(shares.add(shelf.needed(one, line.bucket, line.micros)))
        shares.serve(numbers[-1], line.micros)
    for number, line in zip(numbers, lines, strict=True):
        day = one.days[line.bucket]
        found += [shelf.pick(day, goods, micros) for goods, micros in shares.of(number)]
    return found
