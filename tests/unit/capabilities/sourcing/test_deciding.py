"""Which warehouses serve an order (§3.5): every rule, every policy."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import combinations, product
from math import inf
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.sourcing import choosing, filling
from crossdock.capabilities.sourcing.deciding import plan
from crossdock.capabilities.sourcing.kits import Arrival
from crossdock.capabilities.sourcing.model import (
    LINES_MAX,
    Alternatives,
    Candidate,
    Filter,
    Method,
    Occasion,
    Order,
    Policy,
    Preference,
    Rules,
    Substitute,
    When,
)
from crossdock.capabilities.sourcing.terms import Terms
from tests.unit.capabilities.sourcing.orders import (
    FRIDAY,
    MONDAY,
    decide,
    first,
    line,
    node,
    order,
    reasons,
    shipped,
    waiting,
    why,
    without,
)

LATE = date(2026, 5, 12)
X8_Y6 = order(line(1, "X", 8), line(2, "Y", 6))


@pytest.mark.parametrize("nearer", ["DC1", "DC2", "DC3", "none"])
def test_why_one_node_that_fills_everything_goes_before_a_nearer_one(nearer: str) -> None:
    stock = {"DC1": (4, 9), "DC2": (10, 10), "DC3": (6, 0)}
    nodes = [
        node(name, {"X": x, "Y": y}, distance_km=1 if name == nearer else 500, cost=9 * MICROS)
        for name, (x, y) in stock.items()
    ]

    made = plan(X8_Y6, nodes, Rules())

    assert shipped(made) == {"DC2": {1: 8, 2: 6}}
    assert (made.waiting, made.method, made.decided_by) == ((), Method.EXACT, "SINGLE_NODE")
    assert reasons(made) == {
        "DC1": ("PASSED_OVER", "SINGLE_NODE"),
        "DC2": ("TAKEN", "SINGLE_NODE"),
        "DC3": ("PASSED_OVER", "SINGLE_NODE"),
    }
    assert why(made, "DC2") == "it fills everything alone: 8 of X (line 1), 6 of Y (line 2)"
    assert why(made, "DC1") == (
        "another node fills everything alone; it could give 4 of 8 X, 6 of 6 Y"
    )


# Each rule by itself: what the nodes are like, who is barred, by which filter and why.
@pytest.mark.parametrize(
    ("rule", "asked", "unfit", "sentence"),
    [
        (Filter.ACTIVE, {}, {"is_active": False}, "not at work"),
        (Filter.CAPABILITY, {"needs": ("PICKUP", "SHIP")}, {}, "it lacks PICKUP"),
        (Filter.CUSTOMER, {"customer": "C1"}, {"serves_customer": False}, "serve customer C1"),
        (Filter.CUSTOMER, {}, {"serves_customer": False}, "serve customer (none named)"),
        (Filter.LANE, {}, {"has_lane": False}, "no lane of it leads there"),
    ],
)
def test_a_node_that_a_filter_rules_out_is_barred_with_its_reason(
    rule: Filter, asked: dict[str, Any], unfit: dict[str, Any], sentence: str
) -> None:
    fit = node("DC1", {"X": 2}, capabilities=("PICKUP", "SHIP"))
    other = replace(node("DC0", {"X": 9}), **unfit)
    one = order(line(1, "X", 8), **asked)

    made = decide(one, other, fit)

    assert shipped(made) == {"DC1": {1: 2}}
    assert reasons(made)["DC0"] == ("BARRED", rule)
    assert sentence in why(made, "DC0")
    open_ = decide(one, other, fit, rules=without(Rules(), rule))
    assert shipped(open_) == {"DC0": {1: 8}}


def test_what_lies_at_a_supplier_is_not_ours_whatever_the_filters() -> None:
    supplier = node("S", {"X": 9}, capabilities=("DROPSHIP",))
    lenient = without(Rules(), Filter.CAPABILITY)

    made = decide(order(line(1, "X", 8)), supplier, node("DC1", {"X": 2}), rules=lenient)

    assert shipped(made) == {"DC1": {1: 2}}
    assert reasons(made)["S"] == ("BARRED", "CAPABILITY")


def test_goods_that_are_dangerous_leave_only_where_they_may_be_handled() -> None:
    one = order(line(1, "X", 8, hazmat="3"), line(2, "Y", 6))
    nodes = [node("DC1", {"X": 9, "Y": 9}), node("DC2", {"X": 9}, hazmat=("3", "8"))]

    assert shipped(decide(one, *nodes)) == {"DC1": {2: 6}, "DC2": {1: 8}}
    made = decide(order(line(1, "X", 8, hazmat="3")), *nodes)
    assert reasons(made)["DC1"] == ("BARRED", "HAZMAT")
    assert shipped(decide(one, *nodes, rules=without(Rules(), Filter.HAZMAT))) == {
        "DC1": {1: 8, 2: 6}
    }


@pytest.mark.parametrize("arrives", [LATE, None])
def test_what_would_be_late_is_ruled_out_line_by_line(arrives: date | None) -> None:
    one = order(line(1, "X", 8, needed_by=FRIDAY), line(2, "Y", 6))
    nodes = [node("DC1", {"X": 9, "Y": 9}, arrives_on=arrives), node("DC2", {"X": 9})]

    made = decide(one, *nodes)

    assert shipped(made) == {"DC1": {2: 6}, "DC2": {1: 8}}
    soft = decide(one, *nodes, rules=without(first(Preference.ON_TIME), Filter.CUTOFF))
    assert shipped(soft) == {"DC1": {2: 6}, "DC2": {1: 8}}
    made = decide(order(line(1, "X", 8, needed_by=FRIDAY)), *nodes)
    assert reasons(made)["DC1"] == ("BARRED", "CUTOFF")
    assert ("2026-05-12" if arrives else "a day nobody knows") in why(made, "DC1")
    rules = without(Rules(), Filter.CUTOFF)
    assert shipped(decide(one, *nodes, rules=rules)) == {"DC1": {1: 8, 2: 6}}


def test_an_order_that_is_delivered_on_one_day_makes_the_first_of_its_dates() -> None:
    one = order(line(1, "X", 8, needed_by=FRIDAY), line(2, "Y", 6), policy=Policy.COMPLETE_ORDER)
    nodes = [node("DC1", {"X": 9}), node("DC2", {"Y": 9}, arrives_on=LATE)]

    assert shipped(decide(one, *nodes)) == {}
    assert shipped(decide(replace(one, policy=Policy.PARTIAL), *nodes)) == {
        "DC1": {1: 8},
        "DC2": {2: 6},
    }


# Preferences in the law's order: what they are asked to choose between, and who wins by which.
@pytest.mark.parametrize(
    ("rule", "worse", "better"),
    [
        (Preference.ON_TIME, {"arrives_on": LATE}, {}),
        (Preference.COST, {"cost": 5 * MICROS}, {"cost": 4 * MICROS}),
        (Preference.COST, {"cost": None}, {"cost": 4 * MICROS}),
        (Preference.DISTANCE, {"distance_km": 50}, {"distance_km": 40}),
        (Preference.LOAD, {"load_percent": 90}, {"load_percent": 10}),
        (Preference.DEPTH, {"available": {"X": 8 * MICROS}}, {}),
    ],
)
def test_what_is_equal_so_far_is_decided_by_the_next_preference(
    rule: Preference, worse: dict[str, Any], better: dict[str, Any]
) -> None:
    one = order(line(1, "X", 8, needed_by=FRIDAY))
    rules = without(Rules(), Filter.CUTOFF)
    nodes = [replace(node("A", {"X": 9}), **worse), replace(node("B", {"X": 9}), **better)]

    made = decide(one, *nodes, rules=rules)

    assert (shipped(made), made.decided_by) == ({"B": {1: 8}}, rule)
    assert reasons(made)["A"] == ("PASSED_OVER", rule)
    rest = tuple(one for one in Preference if one is not rule)
    made = decide(one, *nodes, rules=replace(rules, preferences=rest))
    assert (shipped(made), made.decided_by) == ({"A": {1: 8}}, "TIE")


def test_fewer_shipments_go_before_a_cheaper_way_unless_the_rules_say_otherwise() -> None:
    one = order(line(1, "X", 8), line(2, "Y", 6), line(3, "Z", 1))
    nodes = [
        node("A", {"X": 8}, cost=0),
        node("B", {"Y": 6}, cost=0),
        node("C", {"X": 8, "Y": 6}, cost=9 * MICROS),
        node("D", {"Z": 1}, cost=0),
    ]

    made = decide(one, *nodes)
    assert (shipped(made), made.decided_by) == (
        {"C": {1: 8, 2: 6}, "D": {3: 1}},
        "FEWEST_SHIPMENTS",
    )
    cheap = decide(one, *nodes, rules=first(Preference.COST))
    assert shipped(cheap) == {"A": {1: 8}, "B": {2: 6}, "D": {3: 1}}
    assert cheap.decided_by == "COST"
    single = decide(one, *nodes, rules=first(Preference.SINGLE_NODE, Preference.COST))
    assert shipped(single) == shipped(cheap)


def test_more_is_filled_before_anything_else() -> None:
    made = decide(order(line(1, "X", 8)), node("A", {"X": 7}, cost=0), node("B", {"X": 8}))

    assert (shipped(made), made.decided_by) == ({"B": {1: 8}}, "SINGLE_NODE")
    made = decide(
        order(line(1, "X", 9), max_shipments=1), node("A", {"X": 7}), node("B", {"X": 8})
    )
    assert (shipped(made), made.decided_by) == ({"B": {1: 8}}, "FILL")
    assert why(made, "A") == "with it less would be filled; it could give 7 of 9 X"


# Policies: what there is of X 8 and Y 6 at A and B, and what leaves.
@pytest.mark.parametrize(
    ("policy", "a", "b", "leaves"),
    [
        (Policy.COMPLETE_ORDER, {"X": 5}, {"X": 3, "Y": 6}, {"A": {1: 5}, "B": {1: 3, 2: 6}}),
        (Policy.COMPLETE_ORDER, {"X": 5}, {"X": 2, "Y": 6}, {}),
        (Policy.COMPLETE_LINE, {"X": 5}, {"X": 2, "Y": 6}, {"B": {2: 6}}),
        (Policy.COMPLETE_LINE, {"X": 5}, {"X": 3, "Y": 5}, {"A": {1: 5}, "B": {1: 3}}),
        (Policy.PARTIAL, {"X": 5}, {"X": 2, "Y": 5}, {"A": {1: 5}, "B": {1: 2, 2: 5}}),
    ],
)
def test_a_policy_says_what_may_leave(
    policy: Policy, a: dict[str, int], b: dict[str, int], leaves: dict[str, dict[int, int]]
) -> None:
    one = replace(X8_Y6, policy=policy)

    made = decide(one, node("A", a), node("B", b))

    assert shipped(made) == leaves
    rules = Rules(policy=policy)
    assert shipped(decide(X8_Y6, node("A", a), node("B", b), rules=rules)) == leaves


def test_the_policy_says_when_parts_are_delivered() -> None:
    one = order(line(1, "X", 8), line(2, "Y", 6))
    nodes = [node("A", {"X": 5, "Y": 6}), node("B", {"X": 3}, arrives_on=FRIDAY)]

    def due(policy: Policy, *given: Candidate) -> dict[tuple[str, int], date | None]:
        made = decide(replace(one, policy=policy), *given)
        return {
            (shipment.node, part.line_no): part.due_on
            for shipment in made.shipments
            for part in shipment.parts
        }

    soon = date(2026, 5, 5)
    assert due(Policy.PARTIAL, *nodes) == {("A", 1): soon, ("A", 2): soon, ("B", 1): FRIDAY}
    assert due(Policy.COMPLETE_LINE, *nodes) == {
        ("A", 1): FRIDAY, ("A", 2): soon, ("B", 1): FRIDAY,
    }  # fmt: skip
    assert set(due(Policy.COMPLETE_ORDER, *nodes).values()) == {FRIDAY}
    unknown = [nodes[0], replace(nodes[1], arrives_on=None)]
    assert set(due(Policy.COMPLETE_ORDER, *unknown).values()) == {None}


# min_line_split_qty: what A and B have of 7, the least part, and what each gives.
@pytest.mark.parametrize(
    ("a", "b", "least", "gives"),
    [
        (6, 4, 0, {"A": 6, "B": 1}),
        (6, 4, 2, {"A": 5, "B": 2}),
        (6, 4, 3, {"A": 4, "B": 3}),
        (6, 4, 4, {"A": 6}),
        (3, 2, 3, {"A": 3}),
        (2, 2, 3, {}),
        (7, 2, 9, {"A": 7}),
        (6, 6, 9, {}),
    ],
)
def test_no_smaller_part_of_a_line_leaves_by_itself(
    a: int, b: int, least: int, gives: dict[str, int]
) -> None:
    one = order(line(1, "X", 7), min_line_split=least * MICROS)

    made = decide(one, node("A", {"X": a}), node("B", {"X": b}))

    assert shipped(made) == {name: {1: quantity} for name, quantity in gives.items()}
    if not gives:
        assert reasons(made)["A"] == ("PASSED_OVER", "NO_STOCK")
        assert "too little to leave by itself" in why(made, "A")


def test_a_case_of_twelve_is_not_broken_by_a_split() -> None:
    cases = order(line(1, "X", 96, step=12 * MICROS))

    made = decide(cases, node("A", {"X": 50}), node("B", {"X": 70}))

    assert shipped(made) == {"A": {1: 48}, "B": {1: 48}}
    assert waiting(decide(cases, node("A", {"X": 50}))) == {1: (48, "A")}


def test_an_order_bounds_its_shipments() -> None:
    nodes = [node(name, {"X": 3}) for name in ("A", "B", "C")]

    made = decide(order(line(1, "X", 9), max_shipments=2), *nodes)

    assert shipped(made) == {"A": {1: 3}, "B": {1: 3}}
    assert waiting(made) == {1: (3, "A")}
    assert reasons(made)["C"] == ("PASSED_OVER", "TIE")
    assert len(shipped(decide(order(line(1, "X", 9)), *nodes, rules=Rules(max_shipments=1)))) == 1


def test_lines_of_one_item_share_what_a_node_has() -> None:
    one = order(line(1, "X", 4), line(2, "X", 6))

    made = decide(one, node("A", {"X": 7}), node("B", {"X": 3}))

    assert shipped(made) == {"A": {1: 4, 2: 3}, "B": {2: 3}}
    assert waiting(decide(one, node("A", {"X": 7}))) == {2: (3, "A")}


# Lines of one item, with what A and B have of it: each of these can be filled so far, by hand.
@pytest.mark.parametrize(
    ("lines", "more", "stock", "rest"),
    [
        ([(6, 1), (5, 1), (5, 1)], {"policy": Policy.COMPLETE_LINE}, (10, 0), {1: 6}),
        ([(30, 10), (24, 12)], {"policy": Policy.COMPLETE_ORDER}, (34, 22), {}),
        ([(30, 10), (24, 12)], {"policy": Policy.COMPLETE_ORDER}, (22, 34), {}),
        ([(8, 1), (3, 1)], {"policy": Policy.COMPLETE_ORDER, "min_line_split": 3}, (6, 5), {}),
        ([(8, 1), (3, 1)], {"policy": Policy.COMPLETE_ORDER, "min_line_split": 3}, (5, 6), {}),
        ([(4, 1), (6, 1)], {}, (7, 0), {2: 3}),
    ],
)
def test_lines_of_one_item_leave_as_much_as_the_policy_lets(
    lines: list[tuple[int, int]],
    more: dict[str, Any],
    stock: tuple[int, int],
    rest: dict[int, int],
) -> None:
    split = {name: one * MICROS if name == "min_line_split" else one for name, one in more.items()}
    asked = order(
        *(line(no, "X", many, step=step * MICROS) for no, (many, step) in enumerate(lines, 1)),
        **split,
    )

    made = decide(asked, node("A", {"X": stock[0]}), node("B", {"X": stock[1]}))

    assert {number: many for number, (many, _) in waiting(made).items()} == rest


# The four knobs of confirmation by an alternative: another location, how it is picked, where the
# rest waits, and whether back-order runs may do it too.
def test_knob_one_no_other_node_stands_in_for_the_orders_own() -> None:
    one = order(line(1, "X", 8), original="A")
    nodes = [node("A", {"X": 2}), node("B", {"X": 9})]
    closed = Rules(alternatives=Alternatives(substitute=Substitute.NONE))

    assert shipped(decide(one, *nodes)) == {"B": {1: 8}}
    made = decide(one, *nodes, rules=closed)
    assert (shipped(made), waiting(made)) == ({"A": {1: 2}}, {1: (6, "A")})
    assert reasons(made)["B"] == ("BARRED", "ALTERNATIVES")
    assert "only A, the order's own node" in why(made, "B")
    assert made.decided_by == "ONLY"
    nobodys = decide(order(line(1, "X", 8)), *nodes, rules=closed)
    assert shipped(nobodys) == {"B": {1: 8}}


def test_knob_two_the_alternative_is_picked_by_most_on_time() -> None:
    one = order(line(1, "X", 8, needed_by=FRIDAY), original="A")
    nodes = [
        node("A", {"X": 0}),
        node("B", {"X": 8}, arrives_on=LATE),
        node("C", {"X": 4}),
        node("D", {"X": 4}),
    ]
    rules = without(Rules(), Filter.CUTOFF)
    picked = replace(rules, alternatives=Alternatives(chooses=Chooses.MAX_ON_TIME))

    assert shipped(decide(one, *nodes, rules=rules)) == {"B": {1: 8}}
    assert shipped(decide(one, *nodes, rules=picked)) == {"C": {1: 4}, "D": {1: 4}}


def test_knob_three_the_rest_waits_at_the_own_or_the_leading_node() -> None:
    one = order(line(1, "X", 9), original="A")
    nodes = [node("A", {"X": 1}), node("B", {"X": 3}), node("C", {"X": 3}, arrives_on=FRIDAY)]
    leading = Rules(alternatives=Alternatives(keeps_rest=KeepsRest.LEADING))

    assert waiting(decide(one, *nodes)) == {1: (2, "A")}
    assert waiting(decide(one, *nodes, rules=leading)) == {1: (2, "B")}
    nothing = [node("A", {"X": 0}), node("B", {"X": 0})]
    assert waiting(decide(one, *nothing, rules=leading)) == {1: (9, "A")}
    assert waiting(decide(order(line(1, "X", 9)), *nothing)) == {1: (9, "A")}
    late = order(line(1, "X", 9, needed_by=MONDAY), original="A")
    assert waiting(decide(late, *nodes, rules=without(leading, Filter.CUTOFF))) == {1: (2, "B")}
    assert waiting(decide(one)) == {1: (9, "")}


def test_the_rest_of_a_line_waits_where_the_line_may_be_served() -> None:
    one = order(line(1, "X", 9, hazmat="3"), line(2, "Y", 9), original="A")
    nodes = [
        node("A", {"X": 9, "Y": 4}),
        node("B", {"X": 4}, hazmat=("3",)),
        node("C", {"Y": 3}, cost=0),
    ]

    made = decide(one, *nodes)

    assert shipped(made) == {"A": {2: 4}, "B": {1: 4}, "C": {2: 3}}
    assert waiting(made) == {1: (5, "B"), 2: (2, "A")}
    leading = Rules(alternatives=Alternatives(keeps_rest=KeepsRest.LEADING))
    assert waiting(decide(one, *nodes, rules=leading)) == {1: (5, "B"), 2: (2, "A")}
    nobody = order(line(1, "X", 9, hazmat="8"), line(2, "Y", 1))
    assert waiting(decide(nobody, *nodes)) == {1: (9, "")}


def test_knob_four_back_order_runs_may_be_kept_at_the_own_node() -> None:
    made_now = order(line(1, "X", 8), original="A")
    in_a_run = replace(made_now, occasion=Occasion.BACKORDER_RUN)
    nodes = [node("A", {"X": 2}), node("B", {"X": 9})]
    at_creation = Rules(alternatives=Alternatives(when=When.CREATION))

    assert shipped(decide(made_now, *nodes, rules=at_creation)) == {"B": {1: 8}}
    assert shipped(decide(in_a_run, *nodes, rules=at_creation)) == {"A": {1: 2}}
    assert shipped(decide(in_a_run, *nodes)) == {"B": {1: 8}}


def test_of_equals_the_orders_own_node_goes_first_then_names() -> None:
    nodes = [node("B", {"X": 9}), node("A", {"X": 9}), node("C", {"X": 9})]

    assert shipped(decide(order(line(1, "X", 8)), *nodes)) == {"A": {1: 8}}
    own = decide(order(line(1, "X", 8), original="C"), *nodes)
    assert (shipped(own), own.decided_by) == ({"C": {1: 8}}, "TIE")
    assert reasons(own)["A"] == ("PASSED_OVER", "TIE")


def test_a_drop_shipped_line_takes_nothing_of_ours() -> None:
    one = order(
        line(1, "X", 8),
        line(2, "Z", 5, is_dropship=True, needed_by=FRIDAY),
        line(3, "X", 1, is_dropship=True),
    )
    supplier = ("DROPSHIP",)
    nodes = [
        node("DC", {"X": 8, "Z": 99}),
        node("S1", capabilities=supplier, arrives_on=LATE),
        node("S2", capabilities=supplier, cost=3 * MICROS),
        node("S3", capabilities=supplier, is_active=False),
    ]

    made = decide(one, *nodes)

    assert shipped(made) == {"DC": {1: 8}}
    sent = {one.node: [part.line_no for part in one.parts] for one in made.drop_shipments}
    assert (sent, made.waiting) == ({"S2": [2, 3]}, ())
    assert reasons(made) == {
        "DC": ("TAKEN", "ONLY"),
        "S1": ("BARRED", "CAPABILITY"),
        "S2": ("TAKEN", "DROPSHIP"),
        "S3": ("BARRED", "ACTIVE"),
    }
    alone = decide(order(line(1, "Z", 5, is_dropship=True)), nodes[0])
    assert (alone.shipments, waiting(alone)) == ((), {1: (5, "")})
    assert reasons(alone) == {"DC": ("PASSED_OVER", "DROPSHIP")}


def vendor(name: str, *steps: tuple[date | None, int], **more: Any) -> Candidate:
    """Make a supplier who says what he has of line 1, and by when it is there."""
    said = tuple(
        Arrival(ships_on=MONDAY, arrives_on=day, micros=pieces * MICROS) for day, pieces in steps
    )
    return node(name, capabilities=("DROPSHIP",), advised={1: said}, **more)


# Suppliers cheapest first: what each says that he has of five, the line's date, and who is chosen.
@pytest.mark.parametrize(
    ("says", "needed_by", "chosen"),
    [
        ((((FRIDAY, 0),), ((FRIDAY, 5),)), None, "S2"),
        ((((FRIDAY, 4),), ((FRIDAY, 5),)), None, "S2"),
        ((((FRIDAY, 5),), ((FRIDAY, 9),)), None, "S1"),
        ((((FRIDAY, 4),), None), None, "S2"),
        ((None, ((FRIDAY, 5),)), None, "S2"),
        ((None, ((FRIDAY, 4),)), None, "S1"),
        ((((FRIDAY, 1), (LATE, 5)), ((FRIDAY, 5),)), FRIDAY, "S2"),
        ((((FRIDAY, 1), (LATE, 5)), ((FRIDAY, 5),)), None, "S1"),
        ((((FRIDAY, 0),), ((FRIDAY, 1),)), None, "S1"),
        ((None, None), None, "S1"),
    ],
)
def test_a_supplier_who_says_that_he_has_it_comes_first_and_one_who_has_not_last(
    says: Sequence[Sequence[tuple[date, int]] | None], needed_by: date | None, chosen: str
) -> None:
    suppliers = [
        node(name, capabilities=("DROPSHIP",), cost=cost * MICROS)
        if said is None
        else vendor(name, *said, cost=cost * MICROS)
        for cost, (name, said) in enumerate(zip(("S1", "S2"), says, strict=True))
    ]

    made = decide(order(line(1, "Z", 5, is_dropship=True, needed_by=needed_by)), *suppliers)

    assert [one.node for one in made.drop_shipments] == [chosen]
    assert ("it says that it has" in why(made, "S1")) == (says[0] is not None)


def test_what_a_supplier_has_of_an_item_is_for_all_its_lines_together() -> None:
    says = {
        number: (Arrival(ships_on=MONDAY, arrives_on=FRIDAY, micros=5 * MICROS),)
        for number in (1, 2, 3, 4)
    }
    nodes = [
        node("S1", capabilities=("DROPSHIP",), advised=says, cost=0),
        node("S2", capabilities=("DROPSHIP",), cost=MICROS),
    ]
    lines = [line(n, item, 4, is_dropship=True) for n, item in enumerate("ZZY", start=1)]

    made = decide(order(*lines, line(4, "Z", 1, is_dropship=True)), *nodes)

    sent = {one.node: [part.line_no for part in one.parts] for one in made.drop_shipments}
    assert sent == {"S1": [1, 3, 4], "S2": [2]}


@given(said=st.integers(0, 20), wanted=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_who_says_too_little_is_given_no_more_than_that_where_another_may_have_it(
    said: int, wanted: list[int]
) -> None:
    step = (Arrival(ships_on=MONDAY, arrives_on=FRIDAY, micros=said * MICROS),)
    numbers = range(1, len(wanted) + 1)
    nodes = [
        node("S1", capabilities=("DROPSHIP",), advised=dict.fromkeys(numbers, step), cost=0),
        node("S2", capabilities=("DROPSHIP",), cost=MICROS),
    ]
    lines = [line(n, "Z", of, is_dropship=True) for n, of in zip(numbers, wanted, strict=True)]

    made = decide(order(*lines), *nodes)

    sent = {one.node: [part.line_no for part in one.parts] for one in made.drop_shipments}
    assert sum(wanted[number - 1] for number in sent.get("S1", ())) <= said
    assert sorted(number for some in sent.values() for number in some) == list(numbers)


SUPPLIED = order(line(1, "X", 8), line(2, "Z", 5, is_dropship=True), policy=Policy.COMPLETE_ORDER)


# An order of own goods and drop-shipped ones, all or nothing: what there is, and what is short.
@pytest.mark.parametrize(
    ("stock", "supplier", "own_needed", "is_kept"),
    [
        (8, {}, None, True),
        (7, {}, None, False),
        (8, {"is_active": False}, None, False),
        (8, {"arrives_on": FRIDAY}, FRIDAY, True),
        (8, {"arrives_on": LATE}, FRIDAY, False),
    ],
)
def test_a_complete_order_is_whole_with_what_is_drop_shipped_or_nothing(
    stock: int, supplier: dict[str, Any], own_needed: date | None, *, is_kept: bool
) -> None:
    own, dropped = SUPPLIED.lines
    asked = replace(SUPPLIED, lines=(replace(own, needed_by=own_needed), dropped))
    nodes = [node("DC", {"X": stock}), node("S", capabilities=("DROPSHIP",), **supplier)]

    made = decide(asked, *nodes)

    assert bool(made.shipments) == bool(made.drop_shipments) == is_kept
    assert set(waiting(made)) == (set() if is_kept else {1, 2})
    sent = (*made.shipments, *made.drop_shipments)
    days = {part.due_on for shipment in sent for part in shipment.parts}
    assert days == ({max(one.arrives_on or LATE for one in sent)} if is_kept else set())
    if not is_kept:
        assert reasons(made)["DC"] == ("PASSED_OVER", "FILL")
        assert "nothing can be filled as COMPLETE_ORDER asks" in why(made, "DC")
    if stock == 7:
        assert reasons(made)["S"] == ("PASSED_OVER", "FILL")


def test_a_complete_order_of_unknown_arrival_is_due_on_a_day_that_nobody_knows() -> None:
    supplier = node("S", capabilities=("DROPSHIP",), arrives_on=None)

    made = decide(SUPPLIED, node("DC", {"X": 8}), supplier)

    sent = (*made.shipments, *made.drop_shipments)
    assert {part.due_on for shipment in sent for part in shipment.parts} == {None}


# A costs 1 and is late, B costs 9 and is in time: worth its price only if the rest comes then.
@pytest.mark.parametrize(
    ("policy", "supplied_on", "sender"),
    [
        (Policy.COMPLETE_ORDER, FRIDAY, "B"),
        (Policy.COMPLETE_ORDER, LATE, "A"),
        (Policy.COMPLETE_ORDER, None, "A"),
        (Policy.PARTIAL, LATE, "B"),
    ],
)
def test_being_in_time_is_worth_nothing_where_a_supplier_makes_the_whole_order_late(
    policy: Policy, supplied_on: date | None, sender: str
) -> None:
    asked = order(
        line(1, "X", 8, needed_by=FRIDAY), line(2, "Z", 5, is_dropship=True), policy=policy
    )
    nodes = [
        node("A", {"X": 8}, cost=1 * MICROS, arrives_on=LATE),
        node("B", {"X": 8}, cost=9 * MICROS, arrives_on=FRIDAY),
        node("S", capabilities=("DROPSHIP",), arrives_on=supplied_on),
    ]

    made = plan(asked, nodes, without(Rules(), Filter.CUTOFF))

    assert set(shipped(made)) == {sender}


# What leaves A (late) and B (in time) for a line of 8 and one that only both together fill.
@pytest.mark.parametrize(
    ("policy", "a", "b", "gives"),
    [
        (Policy.PARTIAL, 8, 5, {"A": {1: 3, 2: 1}, "B": {1: 5, 3: 1}}),
        (Policy.PARTIAL, 8, 8, {"A": {2: 1}, "B": {1: 8, 3: 1}}),
        (Policy.COMPLETE_LINE, 8, 5, {"A": {1: 8, 2: 1}, "B": {3: 1}}),
        (Policy.COMPLETE_LINE, 8, 8, {"A": {2: 1}, "B": {1: 8, 3: 1}}),
    ],
)
def test_within_a_set_what_is_in_time_goes_before_what_is_late(
    policy: Policy, a: int, b: int, gives: dict[str, dict[int, int]]
) -> None:
    asked = order(
        line(1, "X", 8, needed_by=FRIDAY), line(2, "Y", 1), line(3, "Z", 1), policy=policy
    )
    nodes = [node("A", {"X": a, "Y": 1}, arrives_on=LATE), node("B", {"X": b, "Z": 1})]

    made = decide(asked, *nodes, rules=without(first(Preference.ON_TIME), Filter.CUTOFF))

    assert shipped(made) == gives
    rest = tuple(one for one in Preference if one is not Preference.ON_TIME)
    blind = decide(asked, *nodes, rules=without(Rules(preferences=rest), Filter.CUTOFF))
    assert shipped(blind)["A" if b < 8 else "B"][1] == 8


def test_dates_go_first_only_if_no_less_is_filled_by_it() -> None:
    """Parts of three at least: in time there are 3 and 3, late 5, and 3 + 5 fill eight."""
    asked = order(line(1, "X", 8, needed_by=FRIDAY), min_line_split=3 * MICROS)
    nodes = [
        node("A", {"X": 5}, arrives_on=LATE),
        node("B", {"X": 3}),
        node("C", {"X": 3}),
    ]

    made = decide(asked, *nodes, rules=without(first(Preference.ON_TIME), Filter.CUTOFF))

    assert shipped(made) == {"A": {1: 5}, "B": {1: 3}}


def test_the_rule_that_decided_is_the_one_by_which_the_nearest_rival_lost() -> None:
    """B fills less; C fills as much and costs more, and so was nearest."""
    last = tuple(one for one in Preference if one is not Preference.SINGLE_NODE)
    rules = Rules(preferences=(Preference.COST, *last[3:], Preference.SINGLE_NODE))
    nodes = [
        node("A", {"X": 8}, cost=1), node("B", {"X": 7}, cost=0), node("C", {"X": 8}, cost=2)
    ]  # fmt: skip

    made = decide(order(line(1, "X", 8), max_shipments=1), *nodes, rules=rules)

    assert (shipped(made), made.decided_by) == ({"A": {1: 8}}, "COST")
    assert reasons(made)["B"] == ("PASSED_OVER", "FILL")


def test_of_two_filters_that_fail_for_lines_the_first_of_the_rules_is_told() -> None:
    asked = order(line(1, "X", 8, hazmat="3"), line(2, "Y", 6, needed_by=FRIDAY))
    late = node("A", {"X": 8, "Y": 6}, arrives_on=LATE)

    made = decide(asked, late)
    turned = decide(asked, late, rules=Rules(filters=(Filter.CUTOFF, Filter.HAZMAT)))

    assert (reasons(made)["A"][1], reasons(turned)["A"][1]) == ("HAZMAT", "CUTOFF")


def test_what_an_order_holds_at_a_node_is_its_own_lines_alone() -> None:
    """Of X nothing is free at A, where line 1 holds 5 of its own; of B anybody may have 4."""
    asked = order(line(1, "X", 5), line(2, "X", 5), max_shipments=2)
    nodes = [node("A", {"X": 0}, own={1: 5 * MICROS}), node("B", {"X": 4})]

    made = decide(asked, *nodes)

    assert shipped(made) == {"A": {1: 5}, "B": {2: 4}}
    assert waiting(made) == {2: (1, "B")}
    nothing = decide(asked, node("A", {"X": None}, own={1: 0}))
    assert "nothing available" in why(nothing, "A")


def test_a_supplier_that_ships_for_us_too_is_told_as_what_it_is() -> None:
    one = order(line(1, "X", 8), line(2, "Z", 5, is_dropship=True))

    made = decide(one, node("S", {"X": 9}, capabilities=("DROPSHIP", "SHIP")))

    assert shipped(made) == {"S": {1: 8}}
    assert [shipment.node for shipment in made.drop_shipments] == ["S"]
    assert reasons(made) == {"S": ("TAKEN", "ONLY")}


@pytest.mark.parametrize(
    ("stock", "sentence"),
    [({"X": None}, "nobody has said what lies there"), ({"X": 0}, "nothing available")],
)
def test_unknown_is_told_apart_from_nothing(stock: dict[str, int | None], sentence: str) -> None:
    made = decide(order(line(1, "X", 8)), node("A", stock), node("B", {"X": 8}))

    assert reasons(made)["A"] == ("PASSED_OVER", "NO_STOCK")
    assert sentence in why(made, "A")


def test_an_order_that_cannot_be_kept_whole_says_so_of_every_node() -> None:
    one = replace(X8_Y6, policy=Policy.COMPLETE_ORDER)

    made = decide(one, node("A", {"X": 8}), node("B", {"X": 2}))

    assert (made.shipments, made.decided_by) == ((), "FILL")
    assert waiting(made) == {1: (8, "A"), 2: (6, "A")}
    assert "nothing can be filled as COMPLETE_ORDER asks" in why(made, "A")
    assert decide(one).decided_by == "FILL"


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (order(), "/lines"),
        (order(*(line(n, "X", 1) for n in range(LINES_MAX + 1))), "/lines"),
        (order(line(1, "X", 0)), "/lines/0/quantity"),
        (order(line(1, "X", 1), line(2, "X", -1)), "/lines/1/quantity"),
        (order(line(1, "X", 3, step=2 * MICROS)), "/lines/0/quantity"),
        (order(line(1, "X", 3, step=0)), "/lines/0/quantity"),
        (order(line(1, "X", 1), max_shipments=0), "/max_shipments"),
        (order(line(1, "X", 1), max_shipments=13), "/max_shipments"),
        (order(line(1, "X", 1), min_line_split=-1), "/min_line_split_qty"),
    ],
)
def test_a_question_without_an_answer_is_refused_with_its_place(asked: Order, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        decide(asked, node("A", {"X": 1}))

    assert refused.value.where == where


# ---- properties ----------------------------------------------------------------------------

ITEMS = ("X", "Y", "Z")
NAMES = ("A", "B", "C", "D", "E")
stocks = st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 12), max_size=3)
nodes_made = st.lists(
    st.builds(
        lambda stock, cost, load, arrives, is_active: (stock, cost, load, arrives, is_active),
        stocks,
        st.integers(0, 3) | st.none(),
        st.integers(0, 2),
        st.sampled_from([date(2026, 5, 5), FRIDAY, LATE, None]),
        st.sampled_from([True, True, True, False]),
    ),
    min_size=1,
    max_size=5,
)
lines_made = st.lists(
    st.tuples(
        st.sampled_from(ITEMS),
        st.integers(1, 4),
        st.sampled_from([None, None, FRIDAY]),
        st.sampled_from([1, 1, 2, 3]),
        st.sampled_from([{}, {}, {}, {"hazmat": "3"}, {"is_dropship": True}]),
    ),
    min_size=1,
    max_size=4,
)


def nodes_of(made: list[Any]) -> list[Candidate]:
    return [
        node(
            name,
            stock,
            cost=cost,
            load_percent=load,
            arrives_on=arrives,
            is_active=is_active,
            hazmat=("3",) if load else (),
            capabilities=("DROPSHIP", "SHIP") if cost == 0 else ("SHIP",),
        )
        for name, (stock, cost, load, arrives, is_active) in zip(NAMES, made, strict=False)
    ]


def order_of(made: list[Any], **more: Any) -> Order:
    return order(
        *(
            line(no, item, many * step, needed_by=day, step=step * MICROS, **more_of_it)
            for no, (item, many, day, step, more_of_it) in enumerate(made, 1)
        ),
        **more,
    )


orders = st.builds(
    order_of,
    lines_made,
    policy=st.sampled_from(Policy),
    max_shipments=st.sampled_from([None, 1, 2, 3]),
    min_line_split=st.sampled_from([None, 2 * MICROS, 5 * MICROS]),
    original=st.sampled_from(["", "A", "C"]),
)
rules_made = st.builds(
    Rules,
    preferences=st.permutations(list(Preference)).map(tuple),
    filters=st.sampled_from([tuple(Filter), (Filter.ACTIVE,)]),
    alternatives=st.builds(Alternatives, chooses=st.sampled_from(Chooses)),
)


@given(asked=orders, made=nodes_made, rules=rules_made)
def test_no_plan_gives_more_than_there_is_or_was_asked_and_each_node_has_its_reason(
    asked: Order, made: list[Any], rules: Rules
) -> None:
    nodes = nodes_of(made)
    answer = plan(asked, nodes, rules)

    given_of: dict[tuple[str, str], int] = {}
    by_line: dict[int, int] = {}
    parts = [(shipment.node, part) for shipment in answer.shipments for part in shipment.parts]
    for name, part in parts:
        given_of[name, part.item] = given_of.get((name, part.item), 0) + part.micros
        by_line[part.line_no] = by_line.get(part.line_no, 0) + part.micros
    for shipment in answer.drop_shipments:
        for part in shipment.parts:
            assert part.line_no not in by_line
            by_line[part.line_no] = part.micros
    has = {one.node: one for one in nodes}
    for (name, item), micros in given_of.items():
        assert 0 < micros <= (has[name].available.get(item) or 0)
        assert has[name].is_active
    missing = {one.line_no: one.micros for one in answer.waiting}
    for each in asked.lines:
        assert by_line.get(each.line_no, 0) + missing.get(each.line_no, 0) == each.micros
    least = asked.min_line_split or 0
    wanted = {each.line_no: each.micros for each in asked.lines}
    assert all(part.micros >= min(least, wanted[part.line_no]) for _, part in parts)
    assert len(answer.shipments) <= (asked.max_shipments or len(nodes))
    assert [one.node for one in answer.reasons] == sorted(has)
    taken = {one.node for one in answer.reasons if one.verdict == "TAKEN"}
    sent = (*answer.shipments, *answer.drop_shipments)
    assert taken == {shipment.node for shipment in sent}
    assert all(one.rule and one.why for one in answer.reasons)


@given(asked=orders, made=nodes_made, rules=rules_made)
def test_a_complete_order_is_all_or_nothing_and_a_complete_line_too(
    asked: Order, made: list[Any], rules: Rules
) -> None:
    answer = plan(asked, nodes_of(made), rules)

    wanted = {each.line_no: each.micros for each in asked.lines}
    rest = {one.line_no: one.micros for one in answer.waiting}
    if answer.policy is Policy.COMPLETE_ORDER:
        assert rest in ({}, wanted)
    if answer.policy is not Policy.PARTIAL:
        assert all(micros == wanted[number] for number, micros in rest.items())


@given(asked=orders, made=nodes_made, rules=rules_made, data=st.data())
def test_the_plan_depends_on_what_is_asked_and_not_on_its_order(
    asked: Order, made: list[Any], rules: Rules, data: st.DataObject
) -> None:
    nodes = nodes_of(made)
    shuffled = data.draw(st.permutations(nodes))
    turned = replace(asked, lines=tuple(data.draw(st.permutations(asked.lines))))

    assert plan(turned, shuffled, rules) == plan(asked, nodes, rules)


def fewest_by_hand(asked: Order, nodes: list[Candidate]) -> float:
    """Count shipments the naive way: the smallest set whose stock covers every item."""
    wanted: dict[str, int] = {}
    for each in asked.lines:
        wanted[each.item] = wanted.get(each.item, 0) + each.micros
    for size in range(1, len(nodes) + 1):
        for chosen in combinations(nodes, size):
            has = {item: sum(one.available.get(item) or 0 for one in chosen) for item in wanted}
            if all(has[item] >= micros for item, micros in wanted.items()):
                return size
    return inf


@given(made=nodes_made, lines=lines_made)
def test_an_order_that_can_be_filled_takes_as_few_shipments_as_any_set_of_nodes(
    made: list[Any], lines: list[Any]
) -> None:
    asked = order_of([(item, many, None, 1, {}) for item, many, *_ in lines])
    nodes = [replace(one, is_active=True) for one in nodes_of(made)]

    answer = plan(asked, nodes, Rules())

    fewest = fewest_by_hand(asked, nodes)
    assert (len(answer.shipments) if not answer.waiting else inf) == fewest
    assert answer.method is Method.EXACT


Rooms = list[tuple[int, ...]]
"""By line: how many pieces each node has of its item."""


def naive_fill(lines: list[tuple[int, int]], rooms: Rooms, least: int, most: int) -> Any:
    """Try every way to hand out pieces: the most that is filled, and by how few nodes at that.

    A part is whole steps and the least part or more, or all of the line. Lines weigh the same.
    """
    best: tuple[Fraction, int] = (Fraction(0), 0)
    count = len(rooms[0])
    for size in range(1, min(count, most) + 1):
        for chosen in combinations(range(count), size):
            filled = Fraction(0)
            for (asked, step), has in zip(lines, rooms, strict=True):
                ways = [
                    [
                        part
                        for part in range(min(has[one], asked) + 1)
                        if not part or part == asked or (part % step == 0 and part >= least)
                    ]
                    for one in chosen
                ]
                given = max(sum(way) for way in product(*ways) if sum(way) <= asked)
                filled += Fraction(given, asked)
            best = max(best, (filled, -size))
    return best


@given(data=st.data(), count=st.integers(1, 3), least=st.integers(0, 4), most=st.integers(1, 3))
def test_no_way_to_hand_out_pieces_fills_more_or_with_fewer_nodes(
    data: st.DataObject, count: int, least: int, most: int
) -> None:
    """Beside every way there is, counted without the code that decides: steps and least parts."""
    drawn = st.tuples(st.integers(1, 3), st.sampled_from([1, 1, 2, 3]))
    lines = [(many * step, step) for many, step in data.draw(st.lists(drawn, max_size=3))] or [
        (1, 1)
    ]
    has = st.tuples(*[st.integers(0, 9)] * count)
    rooms = [data.draw(has) for _ in lines]
    asked = order(
        *(
            line(number, f"I{number}", many, step=step * MICROS)
            for number, (many, step) in enumerate(lines, 1)
        ),
        min_line_split=least * MICROS,
        max_shipments=most,
    )
    nodes = [
        node(NAMES[one], {f"I{number}": row[one] for number, row in enumerate(rooms, 1)})
        for one in range(count)
    ]

    made = decide(asked, *nodes)

    rest = {number: many for number, (many, _) in waiting(made).items()}
    filled = sum(
        (Fraction(many - rest.get(number, 0), many) for number, (many, _) in enumerate(lines, 1)),
        Fraction(0),
    )
    assert (filled, -len(made.shipments)) == naive_fill(lines, rooms, least, most)


# ---- too many nodes to look at every set ---------------------------------------------------


def crowd(count: int, each: int = 1) -> list[Candidate]:
    return [node(f"N{number:03}", {"X": each}) for number in range(count)]


def test_twelve_nodes_are_searched_through_and_no_search_goes_on_for_ever() -> None:
    asked = order(line(1, "X", 13))

    twelve = decide(asked, *crowd(12))
    assert (len(twelve.shipments), twelve.method) == (12, Method.EXACT)
    assert twelve.sets_tried == 2**12 - 1

    many = decide(asked, *crowd(200))
    assert (len(many.shipments), many.method) == (12, Method.GREEDY)
    assert waiting(many) == {1: (1, "N000")}
    assert many.sets_tried < choosing.LOOKS_MAX
    assert {one.verdict for one in many.reasons} == {"TAKEN", "PASSED_OVER"}


def test_among_very_many_every_node_is_compared_with_the_plan_that_would_have_it() -> None:
    asked = order(*(line(number, "X", 1) for number in range(1, 41)))

    made = decide(asked, *crowd(199), node("P", {"X": 2}))

    assert (len(made.shipments), made.method) == (12, Method.GREEDY)
    assert reasons(made)["P"][0] == "TAKEN"
    passed = {one.rule for one in made.reasons if one.verdict == "PASSED_OVER"}
    assert passed == {"TIE"}


@pytest.mark.parametrize(("many", "method"), [(120, Method.EXACT), (198, Method.GREEDY)])
def test_what_two_nodes_fill_is_found_among_many(many: int, method: Method) -> None:
    nodes = [*crowd(many), node("P", {"X": 7}), node("Q", {"X": 6})]

    made = decide(order(line(1, "X", 13)), *nodes)

    assert (shipped(made), made.method) == ({"P": {1: 7}, "Q": {1: 6}}, method)


@pytest.mark.parametrize("field", ["cost", "distance_km"])
@pytest.mark.parametrize("before", [(), (Preference.SINGLE_NODE,)])
def test_no_larger_set_is_looked_at_once_it_must_cost_more(
    field: str, before: tuple[Preference, ...]
) -> None:
    """A hundred nodes, one line: no two of them are as cheap as the cheapest alone."""
    nodes = [node(f"N{number:03}", {"X": 10}, **{field: 9 + number % 7}) for number in range(100)]
    by = Preference.COST if field == "cost" else Preference.DISTANCE

    made = decide(order(line(1, "X", 8)), *nodes, rules=first(*before, by))

    assert (shipped(made), made.method, made.sets_tried) == ({"N000": {1: 8}}, Method.EXACT, 100)


def test_two_nodes_that_cost_nothing_are_looked_for_behind_one_that_costs() -> None:
    nodes = [node("A", {"X": 8}, cost=1), *(node(name, {"X": 4}, cost=0) for name in "BCD")]

    made = decide(order(line(1, "X", 8)), *nodes, rules=first(Preference.COST))

    assert (shipped(made), made.method) == ({"B": {1: 4}, "C": {1: 4}}, Method.EXACT)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("preference", [Preference.COST, Preference.LOAD, Preference.DEPTH])
@pytest.mark.parametrize("policy", [Policy.PARTIAL, Policy.COMPLETE_LINE])
def test_a_plan_found_step_by_step_is_beaten_by_no_set_beside_it(
    seed: int, preference: Preference, policy: Policy
) -> None:
    """Ten lines among sixty nodes: a reason is true only if the node's best set is worse."""
    chance = Random(seed)
    nodes = [
        node(
            f"N{number:02}",
            {f"I{item}": chance.randint(0, 9) for item in range(10)},
            cost=chance.choice([None, *(price * MICROS for price in range(5))]),
            load_percent=chance.randint(0, 3),
        )
        for number in range(60)
    ]
    asked = order(*(line(item + 1, f"I{item}", 8) for item in range(10)), policy=policy)
    terms = Terms.of(asked, first(preference))
    ground = filling.laid_out(asked.lines, nodes, {}, terms)

    found = choosing.search(ground, terms, "")

    assert found.method is Method.GREEDY
    best = set(found.best.nodes)
    for rival in set(range(60)) - best:
        swapped = [best - {gone} | {rival} for gone in best]
        for chosen in [{rival}, *swapped, best | {rival}]:
            tried = filling.served(ground, sorted(chosen))
            if tried.gives and len(chosen) <= terms.max_shipments:
                assert found.key_of(tried) >= found.key
    for gone in best:
        fewer = filling.served(ground, sorted(best - {gone}))
        assert not fewer.gives or found.key_of(fewer) > found.key


def test_three_nodes_that_fill_an_order_whole_are_found_behind_one_that_holds_more() -> None:
    """P, Q and R hold four items each; T holds five of them all, and is in the way."""
    items = [f"I{number:02}" for number in range(12)]
    nodes = [
        *(node(name, dict.fromkeys(items[n * 4 : n * 4 + 4], 1)) for n, name in enumerate("PQR")),
        node("T", dict.fromkeys([items[0], items[1], items[4], items[5], items[8]], 1)),
        *(node(f"F{number:02}", {items[number % 12]: 1}) for number in range(56)),
    ]
    asked = order(
        *(line(number, item, 1) for number, item in enumerate(items, 1)),
        max_shipments=3,
        policy=Policy.COMPLETE_ORDER,
    )

    made = decide(asked, *nodes)

    assert (set(shipped(made)), made.method) == ({"P", "Q", "R"}, Method.GREEDY)
    short = decide(asked, *(one for one in nodes if one.node != "R"))
    assert (shipped(short), short.method) == ({}, Method.GREEDY)
    assert "nothing was found to be filled as COMPLETE_ORDER asks" in why(short, "P")


def test_step_by_step_leaves_out_what_turns_out_not_to_be_needed() -> None:
    nodes = [
        *crowd(190),
        node("A", {"X": 5, "Y": 5}),
        node("B", {"X": 6, "Z": 3}),
        node("C", {"Y": 6, "Z": 3}),
        node("D", {"U": 6}),
    ]
    asked = order(
        *(line(no, item, 6) for no, item in enumerate("XYZU", 1)), policy=Policy.COMPLETE_ORDER
    )

    made = decide(asked, *nodes)

    assert made.method is Method.GREEDY
    assert set(shipped(made)) == {"B", "C", "D"}
    assert made.waiting == ()


@given(made=nodes_made, lines=lines_made, policy=st.sampled_from(Policy))
def test_step_by_step_never_gives_more_than_there_is_either(
    made: list[Any], lines: list[Any], policy: Policy
) -> None:
    asked = order_of(lines, policy=policy)
    nodes = nodes_of(made)
    terms = Terms.of(asked, Rules())
    ground = filling.laid_out(asked.lines, nodes, {}, terms)
    steps = choosing.Search(ground, terms, "")
    goal = ground.bound(range(len(nodes)))
    choosing._grow(steps, range(len(nodes)), goal)

    for give in steps.best.gives:
        has = nodes[give.node].available.get(ground.lines[give.line].item) or 0
        assert 0 < give.micros <= has
    assert steps.best.filled <= goal <= ground.whole


@given(asked=orders, made=nodes_made, rules=rules_made, data=st.data())
def test_no_set_of_nodes_gives_more_than_its_bound(
    asked: Order, made: list[Any], rules: Rules, data: st.DataObject
) -> None:
    """The search leaves out what is bounded below the best, so a bound must never be too low."""
    nodes = nodes_of(made)
    terms = Terms.of(asked, rules)
    ground = filling.laid_out(asked.lines, nodes, {}, terms)
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(nodes))))))

    given_ = filling.served(ground, chosen).filled

    assert given_ <= ground.bound(chosen) <= ground.bound(range(len(nodes)))
    assert given_ <= ground.reach(chosen)


@given(asked=orders, made=nodes_made, rules=rules_made)
def test_the_plan_is_the_best_of_all_sets_that_may_be_looked_at(
    asked: Order, made: list[Any], rules: Rules
) -> None:
    """Beside a search that leaves out nothing and bounds nothing."""
    nodes = [replace(one, is_active=True) for one in nodes_of(made)]
    open_ = replace(rules, filters=())
    terms = Terms.of(asked, open_)
    ranks = choosing.ranked(nodes, asked.lines, terms, asked.original)
    ground = filling.laid_out(asked.lines, ranks, {}, terms)
    every = choosing.Search(ground, terms, asked.original)
    for size in range(1, min(len(nodes), terms.max_shipments) + 1):
        for chosen in combinations(range(len(nodes)), size):
            every.look(chosen)

    found = choosing.search(ground, terms, asked.original)

    assert found.best.filled == every.best.filled
    assert found.key == every.key
