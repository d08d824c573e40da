"""How many of a kit there are now (§1.2): the law's vectors, and a second way to count them."""

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.kitting import Book, Figures, Key, KitStock, together

Recipe = Mapping[str, Mapping[str, int]]
FLAT = {"P": {"X": 1}, "Q": {"X": 2}}
DEEP = {"K": {"S": 1, "A": 1}, "S": {"A": 1}}


def book(
    recipe: Recipe,
    has: Mapping[str, int],
    *,
    claimed: Mapping[str, int] | None = None,
    takes: frozenset[str] = frozenset(),
) -> Book:
    """Put these pieces at DC1."""
    of, at = claimed or {}, {"DC1": {item: (micros, 0) for item, micros in has.items()}}
    for item, pieces in of.items():
        at["DC1"][item] = (at["DC1"].get(item, (0, 0))[0], pieces)
    return placed(recipe, at, takes=takes)


def placed(
    recipe: Recipe,
    at: Mapping[str, Mapping[str, tuple[int, int]]],
    *,
    group: tuple[str, ...] = (),
    takes: frozenset[str] = frozenset(),
) -> Book:
    """Put pieces that lie there, and are claimed, at locations; `group` are members of ALL."""
    figures: dict[Key, Figures] = {
        (item, place): Figures(lies * MICROS, claimed * MICROS, 0, is_known=True)
        for place, items in at.items()
        for item, (lies, claimed) in items.items()
    }
    every = set(at) | {"ALL", "DC1"}
    return Book(
        {
            kit: [(item, per * MICROS, "EA") for item, per in parts.items()]
            for kit, parts in recipe.items()
        },
        figures,
        dict.fromkeys(group, "ALL"),
        frozenset((kit, place) for kit in takes for place in every),
    )


def stock(one: Book, kit: str, location: str = "DC1") -> KitStock:
    found = one.stock(kit, location)
    assert found is not None
    return found


def free(one: Book, kit: str, location: str = "DC1") -> int:
    return stock(one, kit, location).free() // MICROS


def test_a11_a_kit_of_2a_1b_4c_with_50_33_100_and_three_assembled_is_28() -> None:
    one = book({"K": {"A": 2, "B": 1, "C": 4}}, {"A": 50, "B": 33, "C": 100, "K": 3})

    assert free(one, "K") == 28
    [count] = stock(one, "K").counts()
    assert (count.assembled, count.made) == (3 * MICROS, 25 * MICROS)
    assert count.limits == ("A", "C")
    assert [(part.item, part.there_is // MICROS) for part in count.components] == [
        ("A", 50), ("B", 33), ("C", 100),
    ]  # fmt: skip


def test_a30_five_x_are_five_p_and_two_q_and_two_ordered_p_leave_x_3_and_q_1() -> None:
    before = book(FLAT, {"X": 5})
    assert (free(before, "P"), free(before, "Q")) == (5, 2)

    after = book(FLAT, {"X": 5}, claimed={"P": 2}, takes=frozenset("P"))
    assert (free(after, "P"), free(after, "Q"), after.free("X", "DC1")) == (3, 1, 3 * MICROS)
    assert after.drawn("X", "DC1")

    named = book(FLAT, {"X": 5}, claimed={"X": 2})
    assert (free(named, "P"), free(named, "Q"), named.drawn("X", "DC1")) == (3, 1, False)


@pytest.mark.parametrize(
    ("has", "claimed", "kits", "limits"),
    [
        ({"A": 4}, {}, 2, ("A",)),  # what is shared counts once, not once for each level
        ({"A": 5, "S": 1}, {}, 3, ("A",)),
        ({"S": 9}, {}, 0, ("A",)),
        ({"A": 4}, {"K": 1}, 1, ("A",)),
        ({"A": 4, "K": 1}, {"K": 3}, 0, ("A",)),
        ({"A": -2}, {}, 0, ("A",)),
    ],
)
def test_a_kit_of_kits_is_put_together_level_by_level(
    has: Mapping[str, int], claimed: Mapping[str, int], kits: int, limits: tuple[str, ...]
) -> None:
    one = book(DEEP, has, claimed=claimed)
    assert free(one, "K") == kits
    assert stock(one, "K").counts()[0].limits == limits


def test_what_is_no_kit_has_no_kit_stock_and_what_nobody_told_of_is_named() -> None:
    one = book(FLAT, {"X": 5})
    assert one.stock("X", "DC1") is None
    assert stock(one, "P").is_known
    [count] = stock(one, "P", "DC9").counts()
    assert not stock(one, "P", "DC9").is_known
    assert [part.is_known for part in count.components] == [False]


@pytest.mark.parametrize(
    ("told", "is_known"),
    [
        ("", False),
        ("A", False),
        ("S", False),
        ("B", False),
        ("AS", True),
        ("AB", True),  # S is known by what goes into it
        ("K", True),
    ],
)
def test_a_kit_is_known_where_it_was_told_of_or_all_that_goes_into_it(
    told: str, *, is_known: bool
) -> None:
    recipe = {"K": {"S": 1, "A": 1}, "S": {"A": 1, "B": 1}}
    assert stock(book(recipe, dict.fromkeys(told, 0)), "K").is_known is is_known
    members = ("DC1", "DC2")
    apart = {"DC1": dict.fromkeys(told, (0, 0)), "DC2": {"A": (0, 0)}}
    assert stock(placed(recipe, apart, group=members), "K", "ALL").is_known is is_known


def test_what_is_told_of_in_two_buildings_does_not_make_a_kit_known() -> None:
    apart = {"DC1": {"A": (5, 0)}, "DC2": {"B": (5, 0)}}
    one = placed({"K": {"A": 1, "B": 1}}, apart, group=("DC1", "DC2"))
    assert not stock(one, "K", "ALL").is_known


def test_orders_for_kits_of_kits_claim_what_does_not_lie_there_assembled() -> None:
    claimed = {"K": 3}
    takes = frozenset("K")
    # Three K: one lies there, two take an S and an A each; one S lies there, the other takes an A.
    one = book(DEEP, {"A": 9, "S": 1, "K": 1}, claimed=claimed, takes=takes)
    assert one.free("A", "DC1") == 6 * MICROS
    assert free(one, "S") == 6
    # Whose orders name the components claims nothing by the kit.
    assert book(DEEP, {"A": 9}, claimed=claimed).free("A", "DC1") == 9 * MICROS


def test_kits_that_would_be_put_together_from_themselves_claim_once() -> None:
    circle = {"K": {"S": 1}, "S": {"K": 1, "A": 1}}
    one = book(circle, {"A": 5, "K": 2}, claimed={"S": 3}, takes=frozenset({"S", "K"}))
    assert one.free("A", "DC1") == 2 * MICROS


def test_parts_at_a_group_lie_in_one_building() -> None:
    recipe = {"K": {"A": 1, "B": 1}}
    members = ("DC1", "DC2")
    apart = placed(recipe, {"DC1": {"A": (5, 0)}, "DC2": {"B": (5, 0)}}, group=members)
    assert free(apart, "K", "ALL") == 0

    at = {"DC1": {"A": (5, 0), "B": (3, 0)}, "DC2": {"A": (1, 0), "B": (5, 0), "K": (2, 0)}}
    assert free(placed(recipe, at, group=members), "K", "ALL") == 3 + 1 + 2
    # What the group owes of a component is taken where it hurts least, and never twice.
    owed = {**at, "ALL": {"A": (0, 4)}}
    assert free(placed(recipe, owed, group=members), "K", "ALL") == 2 + 2
    # What it owes of the kit is taken of what lies there and of what can be put together.
    sold = {**at, "ALL": {"K": (0, 4)}}
    assert free(placed(recipe, sold, group=members), "K", "ALL") == 2


def test_a_member_keeps_what_its_group_needs_and_the_others_do_not_have() -> None:
    recipe = {"K": {"A": 1}}
    at = {"DC1": {"A": (5, 0)}, "DC2": {"A": (2, 0)}, "ALL": {"A": (0, 4)}}
    one = placed(recipe, at, group=("DC1", "DC2"))
    assert (free(one, "K", "DC1"), free(one, "K", "DC2"), free(one, "K", "ALL")) == (3, 2, 3)
    assert one.free("A", "ALL") == 3 * MICROS
    assert one.free("A", "DC1") == 3 * MICROS


def test_what_a_building_owes_of_the_kit_is_not_made_twice() -> None:
    recipe = {"K": {"A": 1}}
    at = {"DC1": {"A": (5, 0), "K": (0, 3)}, "DC2": {"A": (1, 0)}}
    assert free(placed(recipe, at, group=("DC1", "DC2")), "K", "ALL") == 2 + 1
    claimed = {**at, "ALL": {"A": (0, 2)}}
    assert free(placed(recipe, claimed, group=("DC1", "DC2")), "K", "ALL") == 1


def test_what_others_keep_of_a_component_is_not_put_together() -> None:
    one = stock(book(FLAT, {"X": 5}), "Q")
    assert one.free(lambda *key: 2 * MICROS if key == ("X", "DC1") else 0) == MICROS
    at = {"DC1": {"X": (3, 0)}, "DC2": {"X": (3, 0)}}
    whole = stock(placed(FLAT, at, group=("DC1", "DC2")), "Q", "ALL")
    assert whole.free() == 2 * MICROS
    assert whole.free(lambda *key: 3 * MICROS if key == ("X", "ALL") else 0) == MICROS


def test_what_others_have_wherever_it_lies_leaves_as_many_as_fit_beside_it() -> None:
    at = {"DC1": {"X": (3, 0)}, "DC2": {"X": (4, 0), "Q": (1, 0)}}
    one = placed(FLAT, at)
    both = [stock(one, "Q", "DC1"), stock(one, "Q", "DC2")]
    nothing = [together(both, lambda *_: 0, {"X": micros * MICROS}) for micros in range(9)]
    # Seven X are three Q by building; what is over at DC1 serves others first.
    assert [kits // MICROS for kits in nothing] == [4, 4, 3, 3, 2, 2, 1, 1, 1]


PIECES = st.integers(0, 7)


@given(
    st.dictionaries(st.sampled_from("KSAB"), PIECES, max_size=4),
    st.dictionaries(st.sampled_from("KSAB"), st.integers(0, 3), max_size=4),
    st.fixed_dictionaries({"A": st.integers(1, 3), "S": st.integers(1, 2)}),
    st.fixed_dictionaries({"A": st.integers(1, 2), "B": st.integers(1, 3)}),
)
def test_as_many_kits_as_every_way_of_putting_them_together_finds(
    has: Mapping[str, int],
    claimed: Mapping[str, int],
    kit: Mapping[str, int],
    below: Mapping[str, int],
) -> None:
    """Beside: try every number of K and S to put together, and keep what leaves nothing short."""
    found = free(book({"K": kit, "S": below}, has, claimed=claimed), "K")

    net = {item: has.get(item, 0) - claimed.get(item, 0) for item in "KSAB"}
    most = 0
    for made, made_s in product(range(9), range(17)):
        used = {
            "S": made * kit["S"] - made_s,
            "A": made * kit["A"] + made_s * below["A"],
            "B": made_s * below["B"],
        }
        if all(micros <= max(0, net[item]) for item, micros in used.items()):
            most = max(most, made)
    assert found == max(0, net["K"] + most)


@given(st.lists(st.tuples(PIECES, PIECES, st.integers(0, 3)), min_size=1, max_size=3), PIECES)
def test_a_group_never_has_more_than_its_buildings_and_never_less_than_the_best_of_them(
    buildings: list[tuple[int, int, int]], owed: int
) -> None:
    recipe = {"K": {"A": 2, "B": 1}}
    at = {
        f"DC{n}": {"A": (a, 0), "B": (b, 0), "K": (k, 0)} for n, (a, b, k) in enumerate(buildings)
    }
    members = tuple(at)
    alone = [free(placed(recipe, at), "K", place) for place in members]
    whole = free(placed(recipe, at, group=members), "K", "ALL")
    assert whole == sum(alone)
    left = free(placed(recipe, {**at, "ALL": {"K": (0, owed)}}, group=members), "K", "ALL")
    assert left == max(0, whole - owed)


def shared(one: Book, kit: str, location: str) -> int:
    found = one.stock(kit, location, for_shares=True)
    assert found is not None
    return found.free()


@given(
    st.lists(st.tuples(PIECES, PIECES, st.integers(0, 3)), min_size=1, max_size=3),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_shares_of_members_are_no_more_kits_than_their_group_leaves_i3(
    buildings: list[tuple[int, int, int]], kits: int, parts: int
) -> None:
    recipe = {"K": {"A": 2, "B": 1}}
    at = {
        f"DC{n}": {"A": (a, 0), "B": (b, 0), "K": (k, 0)} for n, (a, b, k) in enumerate(buildings)
    }
    owed = {**at, "ALL": {"K": (0, kits), "A": (0, parts)}}
    one = placed(recipe, owed, group=tuple(at))

    assert sum(shared(one, "K", place) for place in at) <= stock(one, "K", "ALL").free()
    left = [one.free("A", place, for_shares=True) for place in at]
    assert sum(left) == one.free("A", "ALL")
    assert all(shared(one, "K", place) <= free(one, "K", place) * MICROS for place in at)


def test_nobody_bears_of_what_his_own_orders_for_kits_need_i3() -> None:
    recipe = {"K": {"A": 2}}
    at = {"DC1": {"A": (3, 0), "K": (0, 1)}, "DC2": {"A": (2, 0)}, "ALL": {"A": (0, 2)}}
    one = placed(recipe, at, group=("DC1", "DC2"), takes=frozenset("K"))

    # DC1 keeps two for its order and has one over; of the group's two DC2 bears the other.
    assert (shared(one, "K", "DC1"), shared(one, "K", "DC2")) == (0, 0)


NODE = st.tuples(PIECES, PIECES, st.integers(0, 3), st.integers(0, 4))


@given(st.lists(NODE, min_size=1, max_size=3), st.integers(0, 9), st.integers(0, 9))
def test_shares_of_members_leave_what_orders_for_kits_need_i3(
    buildings: list[tuple[int, int, int, int]], kits: int, parts: int
) -> None:
    recipe = {"K": {"A": 2, "B": 1}}
    at = {
        f"DC{n}": {"A": (a, 0), "B": (b, 0), "K": (k, ordered)}
        for n, (a, b, k, ordered) in enumerate(buildings)
    }
    owed = {**at, "ALL": {"K": (0, kits), "A": (0, parts)}}
    one = placed(recipe, owed, group=tuple(at), takes=frozenset("K"))

    assert sum(shared(one, "K", place) for place in at) <= stock(one, "K", "ALL").free()
    left = [one.free("A", place, for_shares=True) for place in at]
    assert sum(left) == one.free("A", "ALL")


def test_who_is_in_no_group_bears_nothing() -> None:
    one = book(FLAT, {"X": 5})
    assert one.stock("Q", "DC1", for_shares=True) == stock(one, "Q")


@given(PIECES, st.integers(0, 4), st.integers(0, 4), st.integers(1, 3))
def test_orders_for_one_kit_leave_the_other_what_is_left_i2(
    x: int, assembled: int, ordered: int, per: int
) -> None:
    recipe = {"P": {"X": per}, "Q": {"X": 2}}
    has = {"X": x, "P": assembled}
    one = book(recipe, has, claimed={"P": ordered}, takes=frozenset("P"))
    left = x - max(0, ordered - assembled) * per
    assert one.free("X", "DC1") == max(0, left) * MICROS
    assert free(one, "Q") == max(0, left) // 2


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_no_more_kits_are_left_than_what_may_be_had_of_each_item_allows(
    x: int, a: int, most: int
) -> None:
    recipe = {"K": {"X": 2, "A": 1}}
    stock = book(recipe, {"X": x, "A": a}).stock("K", "DC1")
    assert stock is not None

    kept = stock.at_most({("X", "DC1"): most * MICROS, ("X", "DC2"): 0})

    assert kept.free() == min(x // 2, a, most // 2) * MICROS
    assert stock.at_most({}) == stock
