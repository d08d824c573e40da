"""Availability by date a second time, by the definitions alone and as slow as they are.

Nothing here is shared with the code under test. Amounts are any whole number.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple


class Case(NamedTuple):
    start: int
    supply: list[int]
    demand: list[int]


def random_case(random: Random) -> Case:
    size = random.randint(1, 14)
    supply = [random.choice((0, 0, 0, random.randint(1, 60))) for _ in range(size)]
    demand = [random.choice((0, random.randint(0, 40))) for _ in range(size)]
    return Case(random.randint(-40, 90), supply, demand)


def balance(case: Case, bucket: int) -> int:
    """Sum everything up to and with a bucket."""
    return case.start + sum(case.supply[: bucket + 1]) - sum(case.demand[: bucket + 1])


def cumulative(case: Case) -> list[int]:
    """Give the most that can be taken in a bucket and leaves nobody behind it short."""
    size = len(case.supply)
    found: list[int] = []
    for bucket in range(size):
        most = max(0, balance(case, bucket))
        for later in range(bucket, size):
            most = min(most, max(0, balance(case, later)))
        found.append(most)
    return found


def discrete(case: Case) -> list[int]:
    """Let each supply cover what is due until the next; shortages take from earlier, then later.

    What was short from the start is owed by whatever comes first.
    """
    size = len(case.supply)
    supplied = [0, *(bucket for bucket in range(1, size) if case.supply[bucket])]
    left: dict[int, int] = {}
    for number, begin in enumerate(supplied):
        end = supplied[number + 1] if number + 1 < len(supplied) else size
        own = case.supply[begin] + (case.start if begin == 0 else 0)
        left[begin] = own - sum(case.demand[begin:end])
    for number in range(len(supplied) - 1, -1, -1):
        for earlier in range(number - 1, -1, -1):
            short = max(0, -left[supplied[number]])
            taken = min(short, max(0, left[supplied[earlier]]))
            left[supplied[earlier]] -= taken
            left[supplied[number]] += taken
    for number in range(len(supplied)):
        for later in range(number + 1, len(supplied)):
            short = max(0, -left[supplied[number]])
            taken = min(short, max(0, left[supplied[later]]))
            left[supplied[later]] -= taken
            left[supplied[number]] += taken
    return [max(0, left.get(bucket, 0)) for bucket in range(size)]


def until_next_supply(case: Case) -> list[int]:
    """Take off each bucket the net requirements behind it, up to the first net surplus."""
    size = len(case.supply)
    found: list[int] = []
    for bucket in range(size):
        has = balance(case, bucket)
        later = bucket + 1
        while later < size and case.supply[later] <= case.demand[later]:
            has -= case.demand[later] - case.supply[later]
            later += 1
        found.append(max(0, has))
    return found


def earliest(atp: Sequence[int], wanted: int) -> int | None:
    for bucket, has in enumerate(atp):
        if has >= wanted:
            return bucket
    return None


def greedy(case: Case, wanted: int) -> list[tuple[int, int]]:
    """Grant unit by unit, each in the first bucket that can still give one."""
    taken: dict[int, int] = {}
    for _ in range(wanted):
        for bucket in range(len(case.supply)):
            demand = [own + taken.get(n, 0) for n, own in enumerate(case.demand)]
            if cumulative(Case(case.start, case.supply, demand))[bucket] >= 1:
                taken[bucket] = taken.get(bucket, 0) + 1
                break
        else:
            break
    return sorted(taken.items())


class Shelf(NamedTuple):
    """Goods as (the day they come, their last day or None, pieces), and claims by day."""

    goods: list[tuple[int, int | None, int]]
    claims: dict[int, int]


def can_leave(shelf: Shelf, day: int, keeps: int, *, is_careful: bool) -> int:
    """Give the most that can leave on a day and leaves nobody unserved who is served without.

    It has to keep for so many days; if careful, goods without a last day are no good.
    """
    pieces = [(begin, last) for begin, last, has in shelf.goods for _ in range(has)]
    needs = [_good(pieces, on, on, is_careful=False) for on in _served_on(shelf, pieces)]
    wanted = _good(pieces, day, day + keeps, is_careful=is_careful)
    found = 0
    while _match([*needs, *[wanted] * (found + 1)]):
        found += 1
    return found


def out_of_one(shelf: Shelf, day: int, keeps: int, *, is_careful: bool) -> int:
    """Give the most that can leave on a day out of one lot or supply, and leaves all served."""
    pieces = [(begin, last) for begin, last, has in shelf.goods for _ in range(has)]
    needs = [_good(pieces, on, on, is_careful=False) for on in _served_on(shelf, pieces)]
    wanted = _good(pieces, day, day + keeps, is_careful=is_careful)
    most, first = 0, 0
    for _, _, has in shelf.goods:
        own = wanted & set(range(first, first + has))
        first += has
        while _match([*needs, *[own] * (most + 1)]):
            most += 1
    return most


def until_net_surplus(shelf: Shelf, ends: list[int], keeps: int, *, is_careful: bool) -> list[int]:
    """Give what can leave at each end beside what is due before the next net surplus alone."""
    found: list[int] = []
    for end in ends:
        last = end
        while last < ends[-1] and not _is_surplus(shelf, last + 1, keeps, is_careful=is_careful):
            last += 1
        claims = {on: pieces for on, pieces in shelf.claims.items() if on <= last}
        found.append(can_leave(Shelf(shelf.goods, claims), end, keeps, is_careful=is_careful))
    return found


def _is_surplus(shelf: Shelf, day: int, keeps: int, *, is_careful: bool) -> bool:
    """Say whether what comes on a day serves all that is due on it, and one who asks."""
    goods = [one for one in shelf.goods if one[0] == day]
    due = shelf.claims.get(day, 0)
    alone = Shelf(goods, {day: due})
    pieces = [(begin, last) for begin, last, has in goods for _ in range(has)]
    is_served = _served_on(alone, pieces).count(day) == due
    return is_served and can_leave(alone, day, keeps, is_careful=is_careful) > 0


def _good(
    pieces: list[tuple[int, int | None]], day: int, until: int, *, is_careful: bool
) -> set[int]:
    return {
        number
        for number, (begin, last) in enumerate(pieces)
        if begin <= day and (not is_careful if last is None else last >= until)
    }


def _served_on(shelf: Shelf, pieces: list[tuple[int, int | None]]) -> list[int]:
    """Go day by day; what is due takes what expires first. Give the day each piece is served."""
    left = set(range(len(pieces)))
    waiting = 0
    found: list[int] = []
    for day in range(17):
        waiting += shelf.claims.get(day, 0)
        good = left & _good(pieces, day, day, is_careful=False)
        first = sorted(good, key=lambda one: (pieces[one][1] is None, pieces[one][1]))
        for taken in first[:waiting]:
            left.remove(taken)
            found.append(day)
        waiting -= min(waiting, len(first))
    return found


def _match(needs: list[set[int]]) -> bool:
    """Say whether each need can have a piece of its own, by trying to move the others over."""
    holder: dict[int, int] = {}

    def placed(need: int, seen: set[int]) -> bool:
        for piece in needs[need] - seen:
            seen.add(piece)
            if piece not in holder or placed(holder[piece], seen):
                holder[piece] = need
                return True
        return False

    return all(placed(need, set()) for need in range(len(needs)))


class Walk(NamedTuple):
    """What no stock limits: when it works, how long it takes, and the days asked for."""

    today: date
    weekdays: set[int]
    holidays: list[date]
    lead_days: int
    not_before: date | None
    before: date | None
    by: date | None


def random_walk(random: Random, today: date) -> Walk:
    def some_day() -> date | None:
        return random.choice((None, today + timedelta(days=random.randint(0, 40))))

    return Walk(
        today,
        set(random.sample(range(1, 8), random.randint(1, 7))),
        [today + timedelta(days=random.randint(0, 40)) for _ in range(random.randint(0, 5))],
        random.choice((0, random.randint(1, 30))),
        some_day(),
        some_day(),
        some_day(),
    )


def first_day(walk: Walk) -> date | None:
    """Walk on from today until a working day has all that is asked for; None is too late."""
    day = walk.today
    while (
        day < walk.today + timedelta(days=walk.lead_days)
        or day.isoweekday() not in walk.weekdays
        or day in walk.holidays
        or (walk.not_before is not None and day < walk.not_before)
    ):
        day += timedelta(days=1)
    return None if walk.before is not None and day >= walk.before else day
