"""Kits of kits: exploded to every level, netted level by level, beside every plan there is."""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import explosion
from crossdock.capabilities.supply.answer import Claim, Component, Kin, Lot, Node, Through
from crossdock.capabilities.supply.explosion import Level, Stage, Tree, exploded, knotted
from crossdock.capabilities.supply.model import Limits, ScheduleLine
from tests.unit.capabilities.supply.test_promise import TERMS, ask, day, shipped, standing, wanted

Recipe = Mapping[str, Mapping[str, int]]


def recipes(recipe: Recipe) -> dict[str, list[tuple[str, int, str]]]:
    return {
        kit: [(item, per * MICROS, "EA") for item, per in parts.items()]
        for kit, parts in recipe.items()
    }


def tree(recipe: Recipe, has: Mapping[str, Sequence[int]], own: Sequence[int] = ()) -> Tree:
    """Build a K out of pieces that each item has by each bucket; what is not named has none."""
    size = max(len(each) for each in has.values())
    none = [0] * size
    stages = [
        Stage(
            one.item,
            one.into,
            [micros * MICROS for micros in has.get(one.item, none)],
            one.item in recipe,
        )
        for one in exploded("K", recipes(recipe))
    ]
    return explosion.tree("K", [micros * MICROS for micros in own or none], stages)


def kits(recipe: Recipe, has: Mapping[str, Sequence[int]], own: Sequence[int] = ()) -> list[int]:
    return [micros // MICROS for micros in explosion.promisable(tree(recipe, has, own))]


# The explosion.


def test_a_kit_is_exploded_to_every_level_and_quantities_multiply() -> None:
    bike = {"K": {"frame": 1, "wheel": 2}, "wheel": {"spoke": 36, "bolt": 1}, "frame": {"bolt": 8}}
    found = exploded("K", recipes(bike))
    assert [(one.item, one.level, one.micros // MICROS) for one in found] == [
        ("frame", 1, 1),
        ("wheel", 1, 2),
        ("spoke", 2, 72),
        ("bolt", 2, 10),
    ]
    assert exploded("bolt", recipes(bike)) == []


def test_quantities_multiply_as_exact_rationals_and_are_rounded_up_once() -> None:
    third = 333_333
    found = exploded("K", {"K": [("S", third, "KGM")], "S": [("A", third, "LTR")]})
    assert [(one.item, one.micros) for one in found] == [("S", third), ("A", 111_111)]


def test_an_item_of_several_levels_comes_behind_all_that_take_it_and_has_the_deepest() -> None:
    recipe = {"K": {"A": 3, "S": 1}, "S": {"T": 2, "A": 1}, "T": {"A": 5}}
    bolts = exploded("K", recipes(recipe))[-1]
    into = (("K", 3 * MICROS), ("S", MICROS), ("T", 5 * MICROS))
    assert bolts == Level("A", "EA", 14 * MICROS, 3, into)


@pytest.mark.parametrize(
    ("recipe", "knots", "levels"),
    [
        ({"K": {"S": 1}, "S": {"A": 1}}, set[str](), {"S": 1, "A": 2}),
        # What would be put together from itself counts with what lies there alone.
        ({"K": {"S": 1}, "S": {"K": 1}}, {"K", "S"}, {"S": 1}),
        ({"K": {"S": 1}, "S": {"T": 1}, "T": {"S": 1, "A": 1}}, {"S", "T"}, {"S": 1}),
        ({"K": {"S": 1, "A": 1}, "S": {"S": 1}}, {"S"}, {"S": 1, "A": 1}),
        (
            {"K": {"S": 1, "T": 1}, "T": {"A": 1}, "S": {"P": 1, "B": 1}, "P": {"S": 1}},
            {"S", "P"},
            {"S": 1, "T": 1, "A": 2},
        ),
        ({"K": {}}, set[str](), {}),
    ],
)
def test_circles_are_cut_and_never_followed(
    recipe: Recipe, knots: set[str], levels: dict[str, int]
) -> None:
    assert knotted(recipes(recipe)) == knots
    assert {one.item: one.level for one in exploded("K", recipes(recipe))} == levels


def test_a_ladder_of_twenty_levels_is_exploded_item_by_item() -> None:
    ladder = {"K": {"L0": 1, "R0": 1}}
    for rung in range(20):
        below = {f"L{rung + 1}": 1, f"R{rung + 1}": 1}
        ladder |= {f"L{rung}": below, f"R{rung}": below}
    found = exploded("K", recipes(ladder))
    assert len(found) == 42
    assert found[-1].micros == 2**20 * MICROS


# The netting.


def test_a_shared_component_counts_once_whatever_way_it_goes_in() -> None:
    recipe = {"K": {"S": 1, "A": 1}, "S": {"A": 1}}
    # Four by the scarcest of four S, which four A could make, and four A; two by what is true.
    assert kits(recipe, {"A": [4]}) == [2]
    assert kits(recipe, {"A": [4], "S": [1]}) == [2]
    assert kits(recipe, {"A": [5], "S": [1]}) == [3]


def test_what_lies_assembled_goes_first_and_only_the_rest_is_exploded() -> None:
    recipe = {"K": {"S": 2}, "S": {"A": 3, "B": 1}}
    assert kits(recipe, {"A": [6], "B": [9], "S": [3]}) == [2]
    assert kits(recipe, {"A": [2], "B": [9], "S": [5]}) == [2]


def test_what_is_needed_is_covered_on_each_day() -> None:
    recipe = {"K": {"S": 1, "A": 1}, "S": {"A": 1}}
    # Five S are in tomorrow: then nobody has to make them from the A that the kits need.
    assert kits(recipe, {"A": [5, 5], "S": [0, 5]}) == [2, 5]
    # A later claim takes three A: they are kept for it.
    assert kits(recipe, {"A": [7, 4]}) == [2, 2]
    # Assembled ones that a later order takes are made up in time for it.
    assert kits({"K": {"S": 1}, "S": {"A": 1}}, {"A": [0, 9], "S": [5, 2]}) == [5, 11]


def test_what_the_kit_itself_owes_is_put_together_first() -> None:
    recipe = {"K": {"S": 1}, "S": {"A": 1}}
    assert kits(recipe, {"A": [5, 5]}, own=[2, -1]) == [4, 4]
    assert kits(recipe, {"A": [1, 5]}, own=[0, -3]) == [1, 2]
    assert kits(recipe, {"A": [1]}, own=[-3]) == [0]


def test_parts_of_a_promise_are_had_together() -> None:
    recipe = {"K": {"S": 1, "A": 1}, "S": {"A": 1}}
    one = tree(recipe, {"A": [5, 5], "S": [0, 5]})
    whole = range(2)
    lines, rest = explosion.split(one, 5 * MICROS, Limits(), 0, whole)
    # Two leave at once; of what they took one A is left, and an S that nobody made.
    assert lines == [ScheduleLine(0, 2 * MICROS), ScheduleLine(1, 1 * MICROS)]
    assert rest == 2 * MICROS
    assert explosion.split(one, 5 * MICROS, Limits(), 0, range(1, 2)) == (
        [ScheduleLine(1, 5 * MICROS)],
        0,
    )


def test_a_plan_names_what_is_needed_and_put_together_on_every_level() -> None:
    recipe = {"K": {"S": 2}, "S": {"A": 3}}
    one = tree(recipe, {"A": [30], "S": [3]}, own=[1])
    plan = explosion.plan(one, [ScheduleLine(0, 4 * MICROS)])
    pieces = {item: (need // MICROS, put // MICROS) for item, (need, put) in plan.items()}
    assert pieces == {"K": (4, 3), "S": (6, 3), "A": (9, 0)}
    assert explosion.plan(one, [])["A"] == (0, 0)


def test_a_kit_of_a_part_of_a_kit_takes_a_whole_one() -> None:
    third = {"K": [("S", MICROS // 3, "EA")], "S": [("A", MICROS, "EA")]}
    stages = [
        Stage(one.item, one.into, [2 * MICROS if one.item == "A" else 0], one.item == "S")
        for one in exploded("K", third)
    ]
    found = explosion.promisable(explosion.tree("K", [0], stages))
    assert found == [6 * MICROS]


# Beside every plan there is.

BUCKETS = 2
ITEMS = ("S", "T", "A", "B")
amount = st.integers(1, 2)
RECIPES = st.builds(
    lambda of_k, of_s, of_t: {"K": of_k, "S": of_s, "T": of_t},
    st.dictionaries(st.sampled_from(ITEMS), amount, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(("T", "A", "B")), amount, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(("A", "B")), amount, min_size=1, max_size=2),
)
BALANCES = st.fixed_dictionaries(
    {item: st.lists(st.integers(-1, 4), min_size=BUCKETS, max_size=BUCKETS) for item in ITEMS}
)
OWN = st.lists(st.integers(-1, 2), min_size=BUCKETS, max_size=BUCKETS)
PLANS = {
    kit: list(combinations_with_replacement(range(most + 1), BUCKETS))
    for kit, most in (("K", 5), ("S", 6), ("T", 4))
}
"""How many are put together by each bucket: as many as ever can be, or three K and those owed."""


def can_be(
    recipe: Recipe,
    has: Mapping[str, Sequence[int]],
    own: Sequence[int],
    leaving: Sequence[int],
    begin: int = 0,
) -> bool:
    """Try every plan: how many of each kit are put together by each bucket."""
    own_only = [
        of_k
        for of_k in PLANS["K"]
        if all(own[n] + of_k[n] >= leaving[n] for n in range(begin, BUCKETS))
    ]
    for of_k, of_s, of_t in product(own_only, PLANS["S"], PLANS["T"]):
        made = {"K": of_k, "S": of_s, "T": of_t}
        if all(
            max(0, has[item][n]) + (made[item][n] if item in made else 0)
            >= sum(made[kit][n] * parts.get(item, 0) for kit, parts in recipe.items())
            for item in ITEMS
            for n in range(begin, BUCKETS)
        ):
            return True
    return False


@settings(max_examples=25, deadline=None)
@given(RECIPES, BALANCES, OWN)
def test_no_plan_has_more_and_some_plan_has_as_many(
    recipe: Recipe, has: dict[str, list[int]], own: list[int]
) -> None:
    found = kits(recipe, has, own)
    for bucket, most in enumerate(found):
        if most > 3:
            continue  # more than the plans that are tried could put together
        behind = BUCKETS - bucket
        assert not can_be(recipe, has, own, [0] * bucket + [most + 1] * behind, bucket)
        if most:
            assert can_be(recipe, has, own, [0] * bucket + [most] * behind, bucket)
    assert found == sorted(found)


@settings(max_examples=25, deadline=None)
@given(RECIPES, BALANCES, st.integers(1, 3))
def test_the_parts_of_a_split_promise_are_had_together(
    recipe: Recipe, has: dict[str, list[int]], asked: int
) -> None:
    one = tree(recipe, has)
    lines, rest = explosion.split(one, asked * MICROS, Limits(), 0, range(BUCKETS))
    assert sum(line.micros for line in lines) + rest == asked * MICROS
    if lines:
        leaving = [
            sum(line.micros for line in lines if line.bucket <= n) // MICROS
            for n in range(BUCKETS)
        ]
        begin = lines[0].bucket
        assert can_be(recipe, has, [0] * BUCKETS, leaving, begin)


@settings(max_examples=25, deadline=None)
@given(RECIPES, BALANCES)
def test_what_can_be_put_together_can_be_taken_in_any_parts(
    recipe: Recipe, has: dict[str, list[int]]
) -> None:
    one = tree(recipe, has)
    made = [micros // MICROS for micros in explosion.made(one, is_by_day=False)]
    alone = [micros // MICROS for micros in explosion.promisable(one)]
    assert made == sorted(made)
    assert all(mine <= most for mine, most in zip(made, alone, strict=True))
    for taken in combinations_with_replacement(range(min(3, made[-1]) + 1), BUCKETS):
        if taken[-1] and all(part <= most for part, most in zip(taken, made, strict=True)):
            begin = next(n for n, pieces in enumerate(taken) if pieces)
            assert can_be(recipe, has, [0] * BUCKETS, taken, begin)


@given(RECIPES, BALANCES)
def test_by_the_day_each_bucket_stands_for_itself(
    recipe: Recipe, has: dict[str, list[int]]
) -> None:
    found = explosion.made(tree(recipe, has), is_by_day=True)
    for bucket, micros in enumerate(found):
        on_its_day = {item: [of[bucket]] for item, of in has.items()}
        assert micros // MICROS <= kits(recipe, on_its_day)[0]
    assert found[0] // MICROS == kits(recipe, {item: of[:1] for item, of in has.items()})[0]


# Whole answers.


def part(item: str, level: int, node: Node, **into: int) -> Component:
    of = tuple((kit, per * MICROS) for kit, per in into.items())
    return Component(item, "EA", MICROS, Kin(node), level, of)


def test_the_answer_of_a_kit_of_kits_names_its_levels_and_what_each_gives() -> None:
    none = Node(TERMS, standing(0))
    parts = [
        part("S", 1, Node(TERMS, standing(1)), X=1),
        part("A", 2, Node(TERMS, standing(3), (), [shipped(4, 2)]), X=1, S=1),
    ]
    answer = ask(Kin(none, components=parts), wanted(4))
    assert [(one.day, one.atp // MICROS) for one in answer.buckets] == [(day(0), 2), (day(2), 4)]
    assert [(one.day, one.micros // MICROS) for one in answer.schedule] == [
        (day(0), 2),
        (day(2), 2),
    ]
    named = [(one.item, one.level, [kit for kit, _ in one.into]) for one in answer.parts]
    assert named == [("S", 1, ["X"]), ("A", 2, ["X", "S"])]
    taken = [(one.needed, one.made) for one in answer.parts]
    assert taken == [(4 * MICROS, 3 * MICROS), (7 * MICROS, 0)]


def test_a_kit_of_kits_at_a_group_is_put_together_in_one_building() -> None:
    none = Node(TERMS, standing(0))

    def at_group(*bolts: int) -> int:
        members = [Node(TERMS, standing(pieces)) for pieces in bolts]
        empty = [none] * len(bolts)
        parts = [
            part("S", 1, none, X=1)._replace(kin=Kin(none, members=empty, is_group=True)),
            part("A", 2, none, X=1, S=1)._replace(kin=Kin(none, members=members, is_group=True)),
        ]
        return ask(Kin(none, members=empty, is_group=True, components=parts)).now // MICROS

    assert at_group(4, 4) == 4
    assert at_group(1, 1) == 0
    assert at_group(3, 3) == 2


def test_a_member_keeps_of_a_kit_of_kits_what_its_group_owes() -> None:
    none = Node(TERMS, standing(0))
    owing = Node(TERMS, standing(0, 3))
    parts = [part("S", 1, none, X=1), part("A", 2, Node(TERMS, standing(10)), X=1, S=1)]
    assert ask(Kin(none, owing, [none], components=parts)).now == 2 * MICROS


def test_a_kit_of_kits_of_lots_is_told_day_by_day() -> None:
    ageing = Node(TERMS, standing(6), lots=[Lot("L1", "", 6 * MICROS, day(2))])
    parts = [part("S", 1, Node(TERMS, standing(1)), X=1), part("A", 2, ageing, X=1, S=1)]
    answer = ask(Kin(Node(TERMS, standing(0)), components=parts))
    found = {one.day: one.atp // MICROS for one in answer.buckets}
    assert found == {day(0): 3, day(3): 0}
    assert answer.draws == ()


def test_what_a_promise_of_a_kit_draws_on_is_told_where_it_is_one_place() -> None:
    screws = part("A", 1, Node(TERMS, standing(9)), X=4)
    kit = Kin(Node(TERMS, standing(1)), components=[screws])
    draws = ask(kit, wanted(3, draws=True)).draws
    assert [(one.item, one.day, one.micros // MICROS) for one in draws] == [
        ("X", day(0), 1),
        ("A", day(0), 8),
    ]
    assert ask(kit, wanted(3)).draws == ()
    assert ask(Kin(Node(TERMS, standing(1))), wanted(1, draws=True)).draws == ()


def test_orders_for_a_kit_of_kits_take_what_goes_into_its_components() -> None:
    of_kit = Through(2 * MICROS, standing(1, 4), [Claim("o/1", 3 * MICROS, on=day(2))])
    of_part = Through(3 * MICROS, standing(2, 1), through=(of_kit,), takes_parts=False)
    bolts = Node(TERMS, standing(40), through=[of_part, of_kit])
    # One claimed now takes the kit that lies there. Three are put together on day 2, of six parts:
    # of two that lie there one is ordered, and five are put together, of fifteen bolts. The kit
    # takes two bolts itself, too.
    found = {one.day: one.demand // MICROS for one in ask(Kin(bolts)).buckets if one.demand}
    assert found == {day(2): 15 + 6}
    named = bolts._replace(through=[of_part._replace(standing=standing(0, 9), through=())])
    assert ask(Kin(named)).now == 40 * MICROS
