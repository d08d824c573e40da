"""Kits whose components are kits: what goes into them, and how many can be put together. Pure.

A kit is exploded level by level (§1.2). Of a component that is a kit itself what lies there is
taken first, and only the rest is put together from its own components; all that is needed of an
item, on whatever level and by whichever way, competes for the same goods (A30). Kits of every
level are put together whole. Balances are micros of base units, one of each bucket.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import accumulate
from operator import sub
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.model import Limits, ScheduleLine

LEVELS_MAX = 20
"""Deeper ones count with what lies there."""

Recipes = Mapping[str, Sequence[tuple[str, int, str]]]
"""What goes into one base unit of each kit: item, micros and unit."""


class Level(NamedTuple):
    """An item that goes into a kit: in all so many micros into one, if nothing lies assembled.

    `level` 1 goes straight into the kit; an item that goes in on several has the deepest. `into`
    are the kits that take it, and how much of it one of them takes.
    """

    item: str
    unit: str
    micros: int
    level: int
    into: tuple[tuple[str, int], ...]


def exploded(kit: str, recipes: Recipes) -> list[Level]:
    """Name what a kit is put together from, each item behind all the kits that take it.

    What would have to be put together from itself is not, and counts with what lies there.
    """
    if not recipes.get(kit):
        return []
    knots = knotted(_below(kit, recipes))
    opened = {item: of for item, of in recipes.items() if item == kit or item not in knots}
    below = _below(kit, opened)
    into: dict[str, list[tuple[str, int]]] = {}
    for of, parts in below.items():
        for item, micros, _ in parts:
            into.setdefault(item, []).append((of, micros))
    waits = {item: len(of) for item, of in into.items()}
    depth, total = {kit: 0}, {kit: Fraction(MICROS)}
    found: list[Level] = []
    ready = [kit]
    for of in ready:
        for item, _, unit in below.get(of, ()):
            waits[item] -= 1
            if not waits[item]:
                ready.append(item)
                depth[item] = 1 + max(depth[one] for one, _ in into[item])
                total[item] = sum(
                    (total[one] * micros / MICROS for one, micros in into[item]), Fraction(0)
                )
                whole = -(-total[item].numerator // total[item].denominator)
                found.append(Level(item, unit, whole, depth[item], tuple(into[item])))
    return found


def _below(kit: str, recipes: Recipes) -> dict[str, Sequence[tuple[str, int, str]]]:
    """Find the recipes of a kit and of all that goes into it."""
    found: dict[str, Sequence[tuple[str, int, str]]] = {}
    ready = [kit]
    for item in ready:
        if item not in found and (parts := recipes.get(item)):
            found[item] = parts
            ready += [part[0] for part in parts]
    return found


def knotted(recipes: Recipes) -> frozenset[str]:
    """Name the kits that would be put together from themselves, and those between two such."""
    left = {kit: {part[0] for part in parts} for kit, parts in recipes.items()}
    while True:
        taken = {part for parts in left.values() for part in parts}
        within = {kit: parts & left.keys() for kit, parts in left.items() if kit in taken}
        within = {kit: parts for kit, parts in within.items() if parts}
        if within == left:
            return frozenset(left)
        left = within


class Stage(NamedTuple):
    """What there is of an item by each bucket; with `is_made` more of it can be put together."""

    item: str
    into: tuple[tuple[str, int], ...]
    has: Sequence[int]
    is_made: bool


class Tree(NamedTuple):
    """A kit and what goes into it; `own` is its own balance, which orders for it are off.

    Nothing changes between the buckets that `begins` names, so each stands for those behind it.
    """

    kit: str
    own: Sequence[int]
    stages: Sequence[Stage]
    begins: Sequence[int]
    buckets: int

    def span(self, bucket: int) -> int:
        return bisect_right(self.begins, bucket) - 1


def tree(kit: str, own: Sequence[int], stages: Sequence[Stage]) -> Tree:
    """Put together what a kit is made of; each stage comes behind all kits that take it."""
    columns = list(zip(own, *(stage.has for stage in stages), strict=True))
    begins = [n for n, column in enumerate(columns) if not n or column != columns[n - 1]]
    cut = [stage._replace(has=[stage.has[n] for n in begins]) for stage in stages]
    return Tree(kit, [own[n] for n in begins], cut, begins, len(columns))


def promisable(one: Tree) -> list[int]:
    """Give how many kits can be promised by each bucket, what lies there assembled among them."""
    return _by_bucket(one, [room(one, bucket) for bucket in one.begins])


def room(one: Tree, bucket: int, lines: Sequence[ScheduleLine] = ()) -> int:
    """Say how many more kits can leave in a bucket, beside what is owed and these parts.

    As many as leave every item's need covered in that bucket and in all behind it.
    """
    at, taken = one.span(bucket), _taken(one, lines)
    begin = min([at, *(one.span(line.bucket) for line in lines)])
    there: int = min(map(sub, one.own[at:], taken[at:]))
    fits = partial(_leaves, one, (at, begin), taken, there)
    return max(0, there + _most(fits) * MICROS)


def _leaves(
    one: Tree, where: tuple[int, int], taken: Sequence[int], there: int, kits: int
) -> bool:
    """Say whether so many kits beyond those that are there can leave as well."""
    at, begin = where
    more = there + kits * MICROS
    wanted = [micros + (more if n >= at else 0) for n, micros in enumerate(taken)]
    return _is_covered(one, _put(one, wanted, begin), begin, range(at, len(one.begins)))


def made(one: Tree, *, is_by_day: bool) -> list[int]:
    """Count the kits that can be put together by each bucket, beside its own balance.

    As many as there can be even if all that could be had before was taken then; so any parts
    whose sums keep to it can be had together. `is_by_day`: what there is of items is told of each
    bucket alone, and has been looked ahead for.
    """
    found: list[int] = []
    for at in range(len(one.begins)):
        judged = range(at, at + 1 if is_by_day else len(one.begins))
        fits = partial(_is_left, one, judged, tuple(found))
        found.append(_most(fits) * MICROS)
    return _by_bucket(one, found)


def _is_left(one: Tree, judged: range, before: Sequence[int], kits: int) -> bool:
    """Say whether so many kits can be put together behind all that could be before."""
    most = kits * MICROS
    taken = [*(min(has, most) for has in before), *[most] * (len(one.begins) - len(before))]
    begin = next(n for n, micros in enumerate(taken) if micros)
    return _is_covered(one, taken, begin, judged)


def split(
    one: Tree, micros: int, limits: Limits, pack: int, within: Sequence[int]
) -> tuple[list[ScheduleLine], int]:
    """Promise as early as can be, in parts; give the lines and what is left over (A9).

    `within` are the buckets that it may leave in, in their order.
    """
    changed = {bisect_left(within, begin) for begin in one.begins}
    buckets = [within[n] for n in sorted(changed) if n < len(within)]
    return model.taken_in(buckets, partial(room, one), micros, limits, pack)


def plan(one: Tree, lines: Sequence[ScheduleLine]) -> dict[str, tuple[int, int]]:
    """Say of each item how much these parts need, and how much of that is put together."""
    return {item: (own.need[-1], own.put[-1]) for item, own in _shares(one, lines)}


def drawn(one: Tree, lines: Sequence[ScheduleLine]) -> list[tuple[str, int, int]]:
    """Say what these parts take of what lies there or comes: item, bucket, micros.

    What lies there of a kit, and of its components that are kits, is taken as such. What others
    owe, and lack once this is taken, is theirs: a unit is drawn by one alone (I9).
    """
    found: list[tuple[str, int, int]] = []
    for item, own in _shares(one, lines):
        so_far = 0
        for bucket, micros in zip(one.begins, own.drawn, strict=True):
            if micros > so_far:
                found.append((item, bucket, micros - so_far))
                so_far = micros
    return found


class _Share(NamedTuple):
    """What parts of a promise need of an item, up to each span: put together, or drawn.

    `others` is what is put together beside for those who are owed it, or would lack it then.
    """

    need: list[int]
    put: list[int]
    drawn: list[int]
    others: list[int]


def _shares(one: Tree, lines: Sequence[ScheduleLine]) -> Iterator[tuple[str, _Share]]:
    """Net each level down, as `_netted` does, and tell what is the promise's own (I9)."""
    begin = min((one.span(line.bucket) for line in lines), default=0)
    every = {one.kit: _share(_taken(one, lines), one.own, begin)}
    yield one.kit, every[one.kit]
    for stage in one.stages:
        need = _of_all(stage, {kit: own.put for kit, own in every.items()})
        owed = _of_all(stage, {kit: own.others for kit, own in every.items()})
        has = [max(0, micros) - of for micros, of in zip(stage.has, owed, strict=True)]
        own = (
            _share(need, has, begin)
            if stage.is_made
            else _Share(need, [0] * len(need), need, owed)
        )
        every[stage.item] = own
        yield stage.item, own


def _share(need: list[int], has: Sequence[int], begin: int) -> _Share:
    """Draw what there is when it is needed, and put together the rest; `has` is off all others.

    What is put together for the two in all is what `_netted` says.
    """
    found = _Share(need, [], [], [])
    put = drawn = others = 0
    for n, (needed, there) in enumerate(zip(need, has, strict=True)):
        if n >= begin:
            put = max(put, _whole(max(0, needed - max(drawn, there + others))))
            drawn = max(drawn, needed - put)
            others = max(others, _whole(max(0, drawn - there)))
        found.put.append(put)
        found.drawn.append(drawn)
        found.others.append(others)
    return found


def lacking(one: Tree, kits: int) -> list[str]:
    """Name the items of which there is too little, now, to put so many kits together."""
    put = [kits * MICROS] * len(one.begins)
    return [
        stage.item
        for stage, need, _ in _netted(one, put, 0)
        if not stage.is_made and need[0] > max(0, stage.has[0])
    ]


def _by_bucket(one: Tree, by_span: Sequence[int]) -> list[int]:
    return [by_span[one.span(bucket)] for bucket in range(one.buckets)]


def _taken(one: Tree, lines: Sequence[ScheduleLine]) -> list[int]:
    """Sum parts of a promise, up to each span."""
    found = [0] * len(one.begins)
    for line in lines:
        found[one.span(line.bucket)] += line.micros
    return list(accumulate(found))


def _put(one: Tree, wanted: Sequence[int], begin: int) -> list[int]:
    """Say how many of the kit are put together by each span: what its own balance lacks."""
    lacking = (
        _whole(max(0, micros - has)) if n >= begin else 0
        for n, (micros, has) in enumerate(zip(wanted, one.own, strict=True))
    )
    return list(accumulate(lacking, max))


def _netted(
    one: Tree, put: Sequence[int], begin: int
) -> Iterator[tuple[Stage, list[int], list[int]]]:
    """Net each level down: give of each item what is needed, and put together, by each span."""
    every: dict[str, Sequence[int]] = {one.kit: put}
    for stage in one.stages:
        need = _of_all(stage, every)
        lacking = [
            _whole(max(0, micros - max(0, has))) if stage.is_made and n >= begin else 0
            for n, (micros, has) in enumerate(zip(need, stage.has, strict=True))
        ]
        every[stage.item] = of = list(accumulate(lacking, max))
        yield stage, need, of


def _of_all(stage: Stage, made_of: Mapping[str, Sequence[int]]) -> list[int]:
    """Sum what goes into the kits that take an item, by how many of each there are."""
    needs = zip(*([each * per for each in made_of[kit]] for kit, per in stage.into), strict=True)
    return [sum(each) // MICROS for each in needs]


def _is_covered(one: Tree, put: Sequence[int], begin: int, judged: range) -> bool:
    """Say whether there is enough of all that is put together from nothing else."""
    return all(
        stage.is_made or all(need[n] <= max(0, stage.has[n]) for n in judged)
        for stage, need, _ in _netted(one, put, begin)
    )


def _whole(micros: int) -> int:
    return -(-micros // MICROS) * MICROS


def _most(fits: Callable[[int], bool]) -> int:
    """Find the largest number that fits, where 0 does and none behind one that does not."""
    if not fits(1):
        return 0
    low = 1
    while fits(2 * low):
        low *= 2
    high = 2 * low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
