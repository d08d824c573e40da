"""Availability by date a second time, by the definitions alone and as slow as they are.

Nothing here is shared with the code under test. Amounts are any whole number.
"""

from collections.abc import Sequence
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
