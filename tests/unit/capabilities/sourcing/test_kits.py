"""Kits in a plan: assembled, put together, and never of one unit twice (§1.2, §3.5, A11, A30)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.sourcing.kits import Arrival, KitAt
from crossdock.capabilities.sourcing.model import (
    Candidate,
    Filter,
    Keeps,
    Line,
    Policy,
    Preference,
    Rules,
)
from crossdock.capabilities.sourcing.substituting import planned
from crossdock.capabilities.supply import explosion
from tests.unit.capabilities.sourcing.orders import (
    FRIDAY,
    MONDAY,
    decide,
    first,
    instead,
    knobs,
    line,
    node,
    order,
    reasons,
    shipped,
    waiting,
    why,
    without,
)

Recipes = Mapping[str, Mapping[str, int]]
"""What goes into one of each kit: pieces by item; a part's letter is behind its kit's."""


def kit(item: str, recipes: Recipes, stock: Mapping[str, int], **more: object) -> KitAt:
    """Give what there is of a kit at a node, and of all that goes into it."""
    told = {
        one: [(part, per * MICROS, "EA") for part, per in parts.items()]
        for one, parts in recipes.items()
    }
    parts = tuple((one.item, tuple(one.into)) for one in explosion.exploded(item, told))
    names = [item, *(name for name, _ in parts)]
    has = {name: stock.get(name, 0) * MICROS for name in names}
    return KitAt(item=item, parts=parts, has=has, **more)  # type: ignore[arg-type]  # fields by name


def at(
    name: str, stock: Mapping[str, int], lines: tuple[Line, ...], recipes: Recipes, **more: object
) -> Candidate:
    """Give a node with all that its stock can be put together to for these lines."""
    kits = {one.line_no: kit(one.item, recipes, stock) for one in lines if one.item in recipes}
    return node(name, {**stock}, kits=kits, **more)


def pieces(parts: Mapping[str, int]) -> dict[str, int]:
    return {item: micros // MICROS for item, micros in parts.items()}


K = {"K": {"A": 2, "B": 1, "C": 4}}
PQ = {"P": {"X": 1}, "Q": {"X": 2}}


def test_a11_28_kits_of_50_a_33_b_100_c_and_three_assembled() -> None:
    stock = {"A": 50, "B": 33, "C": 100, "K": 3}
    asked = order(line(1, "K", 40))

    made = decide(asked, at("DC1", stock, asked.lines, K))

    assert shipped(made) == {"DC1": {1: 28}}
    [part] = made.shipments[0].parts
    assert pieces(part.takes) == {"K": 3, "A": 50, "B": 25, "C": 100}
    assert why(made, "DC1") == (
        "it gives: 28 of K (line 1, 3 assembled, 25 put together); too little A and C for more K"
    )


def test_a30_of_five_x_two_p_and_one_q_are_planned() -> None:
    asked = order(line(1, "P", 2), line(2, "Q", 2))

    made = decide(asked, at("DC1", {"X": 5}, asked.lines, PQ))

    assert shipped(made) == {"DC1": {1: 2, 2: 1}}
    assert waiting(made) == {2: (1, "DC1")}
    assert why(made, "DC1").endswith("; too little X for more Q")


def test_what_one_building_lacks_of_a_kit_another_does_not_bring() -> None:
    asked = order(line(1, "K", 2))
    one = at("DC1", {"A": 9, "B": 9}, asked.lines, K)
    other = at("DC2", {"C": 99}, asked.lines, K)

    made = decide(asked, one, other)

    assert shipped(made) == {}
    assert why(made, "DC1") == "it has nothing available of any line; too little C for more K"
    assert (
        why(made, "DC2") == "it has nothing available of any line; too little A and B for more K"
    )


def test_what_is_owed_of_a_kit_is_put_together_before_anything_is_planned() -> None:
    asked = order(line(1, "P", 9))

    made = decide(asked, at("DC1", {"P": -3, "X": 5}, asked.lines, PQ))

    assert shipped(made) == {"DC1": {1: 2}}


def test_a_channel_has_no_more_of_a_kit_than_it_may_over_all_lines() -> None:
    asked = order(line(1, "P", 2), line(2, "P", 3))
    kits = {no: kit("P", PQ, {"P": 1, "X": 9}, most=4 * MICROS) for no in (1, 2)}

    made = decide(asked, node("DC1", {"P": 1}, kits=kits))

    assert shipped(made) == {"DC1": {1: 2, 2: 2}}


def test_an_order_has_what_it_claims_of_a_kit_beside_what_others_may_have() -> None:
    asked = order(line(1, "P", 2), line(2, "P", 3))
    mine = kit("P", PQ, {"P": 2, "X": 3}, most=2 * MICROS)
    free = kit("P", PQ, {"P": 0, "X": 3})

    made = decide(asked, node("DC1", {"P": 0}, own={1: 0}, kits={1: mine, 2: free}))

    assert shipped(made) == {"DC1": {1: 2, 2: 3}}


def test_a_line_leaves_the_node_that_has_all_of_it_whether_assembled_or_in_parts() -> None:
    asked = order(line(1, "P", 5), policy=Policy.COMPLETE_LINE)
    one = at("DC1", {"P": 4}, asked.lines, PQ)
    other = at("DC2", {"P": 1, "X": 4}, asked.lines, PQ)

    made = decide(asked, one, other)

    assert shipped(made) == {"DC2": {1: 5}}
    assert reasons(made)["DC1"] == ("PASSED_OVER", "SINGLE_NODE")


def test_stocks_that_a_kit_empties_are_its_parts() -> None:
    asked = order(line(1, "P", 2))
    one = at("DC1", {"X": 2}, asked.lines, PQ)
    other = at("DC2", {"X": 3}, asked.lines, PQ)

    made = decide(asked, one, other, rules=first(Preference.DEPTH))

    assert shipped(made) == {"DC2": {1: 2}}


def test_goods_too_old_for_a_kits_line_bar_it() -> None:
    asked = order(line(1, "P", 2))
    there = at("DC1", {"X": 2}, asked.lines, PQ)

    made = decide(asked, replace(there, keeps={1: Keeps(days=9, micros=0)}))

    assert reasons(made)["DC1"] == ("BARRED", "SHELF_LIFE")


# Against a way that takes unit by unit.

RECIPES: Recipes = {
    "K": {"S": 2, "X": 1},
    "P": {"X": 1},
    "Q": {"X": 2, "Y": 1},
    "S": {"X": 3, "Y": 1},
}
ITEMS = ("K", "P", "Q", "S", "X", "Y")
DAYS = (None, date(2026, 5, 6), FRIDAY)
stocks = st.fixed_dictionaries({item: st.integers(0, 9) for item in ITEMS})
lines = st.lists(
    st.tuples(st.sampled_from(ITEMS), st.integers(1, 6), st.sampled_from(DAYS)),
    min_size=1, max_size=4,
)  # fmt: skip


def unit_by_unit(item: str, stock: dict[str, int]) -> bool:
    """Take one: as it lies there, else put together of one after the other of its parts."""
    if stock[item]:
        stock[item] -= 1
        return True
    parts = RECIPES.get(item)
    return parts is not None and all(
        unit_by_unit(part, stock) for part, per in parts.items() for _ in range(per)
    )


def most(item: str, stock: Mapping[str, int]) -> int:
    left, found = dict(stock), 0
    while unit_by_unit(item, left):
        found += 1
    return found


@given(
    wanted=lines, there=st.lists(stocks, min_size=1, max_size=3), policy=st.sampled_from(Policy)
)
def test_no_plan_takes_more_of_anything_at_a_node_than_lies_there_over_all_lines(
    wanted: list[tuple[str, int, date | None]], there: list[dict[str, int]], policy: Policy
) -> None:
    asked = order(
        *(line(no, item, count) for no, (item, count, _) in enumerate(wanted, 1)), policy=policy
    )
    nodes = [at(f"N{no}", stock, asked.lines, RECIPES) for no, stock in enumerate(there)]

    made = decide(asked, *nodes)

    by_node = dict(zip((one.node for one in nodes), there, strict=True))
    for shipment in made.shipments:
        stock, left = by_node[shipment.node], dict(by_node[shipment.node])
        total: Counter[str] = Counter()
        for part in shipment.parts:
            total.update(pieces(part.takes or {part.item: part.micros}))
            for _ in range(part.micros // MICROS):
                assert unit_by_unit(part.item, left)
        assert all(total[item] <= stock[item] for item in total)


@given(item=st.sampled_from(ITEMS), stock=stocks, count=st.integers(1, 30))
def test_of_one_line_a_node_gives_as_many_as_can_be_taken_unit_by_unit(
    item: str, stock: dict[str, int], count: int
) -> None:
    asked = order(line(1, item, count))

    made = decide(asked, at("DC1", stock, asked.lines, RECIPES))

    found = min(count, most(item, stock))
    assert shipped(made) == ({"DC1": {1: found}} if found else {})


@given(wanted=lines, stock=stocks, later=st.lists(stocks, min_size=2, max_size=2))
def test_what_is_still_to_come_of_a_part_is_planned_once_as_well(
    wanted: list[tuple[str, int, date | None]], stock: dict[str, int], later: list[dict[str, int]]
) -> None:
    """By each day no more is taken of anything than will have come by then."""
    reached = [stock]
    for more in later:
        reached.append(reached[-1] | {item: reached[-1][item] + more[item] for item in "XY"})
    by_day = dict(zip(DAYS, reached, strict=True))
    asked = order(
        *(line(no, item, n, needed_by=day) for no, (item, n, day) in enumerate(wanted, 1))
    )

    def steps(item: str) -> tuple[Arrival, ...]:
        said = [(day, most(item, by_day[day])) for day in DAYS[1:]]
        return tuple(Arrival(ships_on=day, arrives_on=day, micros=n * MICROS) for day, n in said)

    coming = {item: steps(item) for item in "XY"}
    kits = {
        one.line_no: kit(one.item, RECIPES, stock, coming=coming)
        for one in asked.lines
        if one.item in RECIPES
    }
    supply = {one.line_no: steps(one.item) for one in asked.lines}

    made = decide(asked, node("DC1", {**stock}, kits=kits, supply=supply, arrives_on=MONDAY))

    parts = [part for shipment in made.shipments for part in shipment.parts]
    days = {one.line_no: one.needed_by for one in asked.lines}
    for number, day in enumerate(DAYS):
        taken: Counter[str] = Counter()
        for part in parts:
            if days[part.line_no] in DAYS[: number + 1]:
                taken.update(pieces(part.takes or {part.item: part.micros}))
        assert all(taken[item] <= by_day[day][item] for item in taken)


# Another item in the place of a kit, what waits, and what no stock limits.


@pytest.mark.parametrize(("there", "found"), [(6, {2: 6}), (8, {2: 6, 3: 2})])
def test_a_kit_that_stands_in_takes_no_part_that_a_kit_of_the_order_is_given(
    there: int, found: dict[int, int]
) -> None:
    recipes = {**PQ, "B": {"X": 1}}
    asked = order(line(1, "Z", 6), line(2, "P", 6))
    kits = {2: kit("P", recipes, {"X": there}), 3: kit("B", recipes, {"X": there})}

    nodes = [
        node("DC1", {"Z": 0}, kits=kits),
        node("DC2", kits={3: kit("B", recipes, {"X": 0})}),
    ]

    made = planned(asked, nodes, knobs(), [instead(3, 1, "B")])

    assert shipped(made) == {"DC1": found}


def test_a_kit_of_which_there_is_enough_lacks_nothing() -> None:
    there = kit("Q", PQ, {"X": 5})

    assert there.lacking(2 * MICROS) == ()
    assert there.lacking(3 * MICROS) == ("X",)


def steps(said: Mapping[int, int]) -> tuple[Arrival, ...]:
    """Say how many there are in all by some days of May."""
    return tuple(
        Arrival(ships_on=date(2026, 5, day), arrives_on=date(2026, 5, day), micros=n * MICROS)
        for day, n in said.items()
    )


@pytest.mark.parametrize(
    ("beside", "supply", "found", "day"),
    [
        (0, {6: 6, 7: 9}, 4, None),
        (2, {6: 4, 7: 9}, 4, 7),  # of the parts that lie there another line takes some
        (2, {6: 4}, 3, None),
    ],
)
def test_a_kit_waits_for_its_parts_beside_those_that_are_taken(
    beside: int, supply: dict[int, int], found: int, day: int | None
) -> None:
    lines = [line(1, "X", beside)] if beside else []
    asked = order(*lines, line(2, "P", 4, needed_by=FRIDAY))
    coming = {"X": steps({7: 9})} if day else {}
    there = kit("P", PQ, {"X": 5}, coming=coming)

    made = decide(asked, node("DC1", {"X": 5}, kits={2: there}, supply={2: steps(supply)}))

    parts = {part.line_no: part for one in made.shipments for part in one.parts}
    assert parts[2].micros == found * MICROS
    assert parts[2].supply_on == (None if day is None else date(2026, 5, day))


def test_kits_that_come_assembled_leave_on_their_day() -> None:
    there = node("DC1", kits={1: kit("P", PQ, {"P": 1})}, supply={1: steps({6: 4, 8: 9})})

    made = decide(order(line(1, "P", 4, needed_by=FRIDAY)), there)

    [part] = made.shipments[0].parts
    assert (pieces(part.takes), part.supply_on) == ({"P": 1}, date(2026, 5, 6))


@pytest.mark.parametrize("needed_by", [None, FRIDAY])
def test_what_no_stock_limits_is_had_alike_with_a_date_and_without(needed_by: date | None) -> None:
    asked = order(line(1, "S", 9, needed_by=needed_by), line(2, "X", 2, needed_by=needed_by))
    endless = 10**12 - 1
    here = node("DC1", {"S": 9, "X": 2}, unlimited=frozenset({"S"}))
    there = node("DC2", {"S": endless, "X": 2}, unlimited=frozenset({"S"}), cost=1)

    made = decide(asked, here, there, rules=first(Preference.DEPTH, Preference.COST))

    assert shipped(made) == {"DC2": {1: 9, 2: 2}}
    assert reasons(made)["DC1"] == ("PASSED_OVER", "COST")
    assert "9 of S (line 1, which no stock limits)" in why(made, "DC2")


@pytest.mark.parametrize(("needed_by", "found"), [(None, 9), (FRIDAY, 9), (date(2026, 5, 6), 2)])
def test_what_is_had_by_its_lead_time_is_had_on_its_day_with_a_date_and_without(
    needed_by: date | None, found: int
) -> None:
    comes = Arrival(ships_on=date(2026, 5, 7), arrives_on=FRIDAY, micros=10**18)
    there = node("DC1", {"X": 2}, supply={1: (comes,)}, by_lead_time=frozenset({"X"}))

    made = decide(order(line(1, "X", 9, needed_by=needed_by)), there)

    assert shipped(made) == {"DC1": {1: found}}
    assert ("by its lead time on 2026-05-07" in why(made, "DC1")) is (found == 9)


def test_a_node_whose_parts_come_in_time_is_not_said_to_lack_them() -> None:
    asked = order(line(1, "P", 4, needed_by=FRIDAY))
    here = node("DC1", kits={1: kit("P", PQ, {"P": 5})})
    there = node("DC2", kits={1: kit("P", PQ, {})}, supply={1: steps({6: 4})})

    made = decide(asked, here, there)

    assert why(made, "DC2").endswith("it could give 4 of 4 P")


def test_parts_that_do_not_keep_make_no_kit_where_the_rules_ask_for_it() -> None:
    asked = order(line(1, "P", 4), line(2, "X", 4))
    there = kit("P", PQ, {"X": 9}, keeps={"X": 5 * MICROS})
    fresh = {no: Keeps(days=9, micros=5 * MICROS) for no in (1, 2)}
    here = node("DC1", {"X": 9}, kits={1: there}, keeps=fresh)

    made = decide(asked, here)
    whatever = decide(asked, here, rules=without(Rules(), Filter.SHELF_LIFE))

    assert sum(sum(parts.values()) for parts in shipped(made).values()) == 5
    assert shipped(whatever) == {"DC1": {1: 4, 2: 4}}
