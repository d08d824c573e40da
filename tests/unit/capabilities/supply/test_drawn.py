"""What a promise of a kit draws on is its own: never what others are owed (§3.3, I9)."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import explosion
from crossdock.capabilities.supply.explosion import Tree
from crossdock.capabilities.supply.model import Limits, ScheduleLine
from tests.unit.capabilities.supply.test_explosion import (
    BALANCES,
    BUCKETS,
    ITEMS,
    OWN,
    RECIPES,
    Recipe,
    tree,
)

FLAT = {"K": {"A": 1}}
DEEP = {"K": {"S": 1}, "S": {"A": 1}}


def drawn(one: Tree, *parts: tuple[int, int]) -> list[tuple[str, int, int]]:
    lines = [ScheduleLine(bucket, pieces * MICROS) for bucket, pieces in parts]
    return [(item, on, micros // MICROS) for item, on, micros in explosion.drawn(one, lines)]


@pytest.mark.parametrize(
    ("recipe", "has", "own", "parts", "expected"),
    [
        # Others are owed five kits, of the same ten parts.
        (FLAT, {"A": [10]}, [-5], [(0, 5)], [("A", 0, 5)]),
        # What lies there goes out today; who is owed it on day 2 takes the parts.
        (FLAT, {"A": [5, 5, 5]}, [5, 5, 0], [(0, 5)], [("K", 0, 5)]),
        # Others take what lies there before it leaves, and it the kits that come behind.
        (FLAT, {"A": [9, 9, 9]}, [5, 0, 5], [(0, 5), (2, 4)], [("K", 0, 5), ("K", 2, 4)]),
        # The same a level deeper: an order takes the five S that lie there on day 2.
        (DEEP, {"A": [5, 5], "S": [5, 0]}, [0, 0], [(0, 5)], [("S", 0, 5)]),
        # The S that others' kits take are not there for it.
        (DEEP, {"A": [9], "S": [5]}, [-5], [(0, 2)], [("A", 0, 2)]),
        # With nobody else's orders: what lies there and comes first, and the rest in parts.
        (
            FLAT,
            {"A": [9, 9]},
            [2, 4],
            [(0, 3), (1, 3)],
            [("K", 0, 2), ("K", 1, 2), ("A", 0, 1), ("A", 1, 1)],
        ),
    ],
)
def test_i9_it_draws_on_what_is_its_own(
    recipe: Recipe,
    has: Mapping[str, Sequence[int]],
    own: Sequence[int],
    parts: list[tuple[int, int]],
    expected: list[tuple[str, int, int]],
) -> None:
    assert drawn(tree(recipe, has, own), *parts) == expected


def test_what_others_are_owed_is_not_shown_as_needed() -> None:
    plan = explosion.plan(tree(FLAT, {"A": [10]}, [-5]), [ScheduleLine(0, 5 * MICROS)])
    assert plan == {"K": (5 * MICROS, 5 * MICROS), "A": (5 * MICROS, 0)}


def granted(one: Tree, asked: int) -> list[ScheduleLine]:
    lines, rest = explosion.split(one, asked * MICROS, Limits(), 0, range(BUCKETS))
    return [] if rest else lines


@settings(max_examples=200, deadline=None)
@given(RECIPES, BALANCES, OWN, st.integers(1, 4))
def test_i9_no_more_is_held_than_the_promise_draws_itself(
    recipe: Recipe, has: dict[str, list[int]], own: list[int], asked: int
) -> None:
    one = tree(recipe, has, own)
    if not (lines := granted(one, asked)):
        return
    held: dict[str, int] = {}
    for item, _, micros in explosion.drawn(one, lines):
        held[item] = held.get(item, 0) + micros
    # Kit by kit: what is not drawn as such is put together, and nothing beside it.
    put = {"K": asked * MICROS - held.get("K", 0)}
    plan = explosion.plan(one, lines)
    assert plan["K"] == (asked * MICROS, put["K"])
    for stage in one.stages:
        needed = sum(put[kit] * per // MICROS for kit, per in stage.into)
        put[stage.item] = needed - held.get(stage.item, 0)
        assert put[stage.item] >= 0
        assert plan[stage.item] == (needed, put[stage.item])
        if not stage.is_made:
            assert put[stage.item] == 0


@settings(max_examples=200, deadline=None)
@given(RECIPES, BALANCES, OWN, st.integers(1, 4))
def test_i9_others_are_served_out_of_what_it_leaves(
    recipe: Recipe, has: dict[str, list[int]], own: list[int], asked: int
) -> None:
    one = tree(recipe, has, own)
    if not (lines := granted(one, asked)):
        return
    begin = lines[0].bucket
    gone = {item: [0] * BUCKETS for item in ("K", *ITEMS)}
    for item, bucket, micros in explosion.drawn(one, lines):
        for n in range(bucket, BUCKETS):
            gone[item][n] += micros // MICROS
    # What others lack of each kit then is put together for them, of what is left of its parts.
    left = {
        item: [max(0, of[n]) - gone[item][n] for n in range(BUCKETS)] for item, of in has.items()
    }
    left["K"] = [own[n] - gone["K"][n] for n in range(BUCKETS)]
    for kit in ("K", "S", "T"):
        lacking = [max(0, -of) if n >= begin else 0 for n, of in enumerate(left[kit])]
        made = list(accumulate(lacking, max))
        for item, per in recipe[kit].items():
            left[item] = [of - made[n] * per for n, of in enumerate(left[item])]
    bought = {stage.item for stage in one.stages if not stage.is_made}
    assert all(left[item][n] >= 0 for item in bought for n in range(begin, BUCKETS))


@settings(max_examples=200, deadline=None)
@given(RECIPES, BALANCES, OWN, st.integers(1, 4))
def test_with_nobody_elses_orders_it_draws_as_ever(
    recipe: Recipe, has: dict[str, list[int]], own: list[int], asked: int
) -> None:
    rising = {
        item: list(accumulate((max(0, each) for each in of), max)) for item, of in has.items()
    }
    one = tree(recipe, rising, list(accumulate((max(0, each) for each in own), max)))
    if lines := granted(one, asked):
        assert sorted(explosion.drawn(one, lines)) == sorted(_as_ever(one, lines))


def _as_ever(one: Tree, lines: Sequence[ScheduleLine]) -> list[tuple[str, int, int]]:
    """Take what each item has whenever it is needed; put together what it lacks of all."""
    size = len(one.begins)
    need = {
        one.kit: [
            sum(line.micros for line in lines if one.span(line.bucket) <= n) for n in range(size)
        ]
    }
    put: dict[str, list[int]] = {}
    rows = [explosion.Stage(one.kit, (), one.own, is_made=True), *one.stages]
    found: list[tuple[str, int, int]] = []
    for item, into, has, is_made in rows:
        if into:
            need[item] = [
                sum(put[kit][n] * per // MICROS for kit, per in into) for n in range(size)
            ]
        lacks = (max(0, wants - there) for wants, there in zip(need[item], has, strict=True))
        put[item] = list(accumulate(lacks, max)) if is_made else [0] * size
        takes = list(accumulate(map(int.__sub__, need[item], put[item]), max))
        before = [0, *takes[:-1]]
        found += [
            (item, bucket, now - then)
            for bucket, now, then in zip(one.begins, takes, before, strict=True)
            if now > then
        ]
    return found
