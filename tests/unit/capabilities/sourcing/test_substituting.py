"""Other items in the place of what no node has in time: the four knobs of §3.5, and bounds."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.sourcing import SubstituteLine, SubstituteVerdict, planned
from crossdock.capabilities.sourcing.choosing import barred_lines
from crossdock.capabilities.sourcing.kits import Arrival
from crossdock.capabilities.sourcing.model import (
    Alternatives,
    Candidate,
    Filter,
    Keeps,
    Occasion,
    Order,
    Plan,
    Policy,
    Rules,
    Substitute,
    When,
)
from tests.unit.capabilities.sourcing.orders import (
    FRIDAY,
    MONDAY,
    Parts,
    decide,
    instead,
    knobs,
    line,
    node,
    order,
    reasons,
    shipped,
    waiting,
)

TAKEN, NOT_NEEDED = SubstituteVerdict.TAKEN, SubstituteVerdict.NOT_NEEDED
NOT_THERE, REQUIRES = SubstituteVerdict.NOT_THERE, SubstituteVerdict.REQUIRES_APPROVAL
TEN_X = order(line(1, "X", 10))
Y = instead(2, 1, "Y")


def became(made: Plan) -> dict[int, tuple[str, int, int]]:
    """Give by new line its verdict, how many pieces leave, and how many of its line they cover."""
    return {
        one.line.line_no: (one.verdict, one.micros // MICROS, one.covers // MICROS)
        for one in made.substitutes
    }


@pytest.mark.parametrize(
    ("substitute", "occasion", "when", "ships"),
    [
        (Substitute.NONE, Occasion.CREATION, When.ALWAYS, {"DC1": {1: 6}}),
        (Substitute.LOCATION, Occasion.CREATION, When.ALWAYS, {"DC1": {1: 6}, "DC2": {1: 1}}),
        (Substitute.ITEM, Occasion.CREATION, When.ALWAYS, {"DC1": {1: 6, 2: 2}}),
        (
            Substitute.LOCATION_AND_ITEM,
            Occasion.CREATION,
            When.ALWAYS,
            {"DC1": {1: 6}, "DC2": {1: 1, 2: 3}},
        ),
        (Substitute.ITEM, Occasion.BACKORDER_RUN, When.ALWAYS, {"DC1": {1: 6, 2: 2}}),
        (Substitute.ITEM, Occasion.BACKORDER_RUN, When.CREATION, {"DC1": {1: 6}}),
    ],
)
def test_the_rules_say_whether_plant_or_product_is_substituted_and_when(
    substitute: Substitute, occasion: Occasion, when: When, ships: Parts
) -> None:
    rules = knobs(substitute=substitute, when=when)
    nodes = [node("DC1", {"X": 6, "Y": 2}), node("DC2", {"X": 1, "Y": 9})]
    asked = replace(TEN_X, original="DC1", occasion=occasion)

    made = planned(asked, nodes, rules, [Y])

    assert shipped(made) == ships


@pytest.mark.parametrize(
    ("chooses", "takes"),
    [
        (Chooses.RANK, {2: (TAKEN, 1, 1), 3: (TAKEN, 3, 3)}),
        (Chooses.MAX_ON_TIME, {2: (NOT_NEEDED, 0, 0), 3: (TAKEN, 4, 4)}),
    ],
)
def test_substitutes_are_taken_by_rank_or_by_the_most_on_time(
    chooses: Chooses, takes: dict[int, tuple[str, int, int]]
) -> None:
    offered = [Y, instead(3, 1, "Z", 2)]
    nodes = [node("DC1", {"X": 6, "Y": 1, "Z": 5})]

    made = planned(TEN_X, nodes, knobs(chooses=chooses), offered)

    assert became(made) == takes
    assert made.waiting == ()


def test_what_would_come_too_late_is_no_reason_to_choose_a_substitute() -> None:
    asked = order(line(1, "X", 10, needed_by=FRIDAY))
    late = node("DC2", {"Y": 10}, arrives_on=FRIDAY + timedelta(days=3))
    nodes = [node("DC1", {"X": 6, "Z": 2}), late]
    filters = tuple(one for one in Filter if one is not Filter.CUTOFF)
    rules = replace(knobs(chooses=Chooses.MAX_ON_TIME), filters=filters)

    made = planned(asked, nodes, rules, [Y, instead(3, 1, "Z", 2)])

    assert became(made) == {2: (TAKEN, 2, 2), 3: (TAKEN, 2, 2)}


@pytest.mark.parametrize(
    ("keeps", "rests"),
    [(KeepsRest.ORIGINAL, {1: (3, "DC1")}), (KeepsRest.LEADING, {2: (6, "DC1")})],
)
def test_the_rest_stays_on_the_original_or_on_the_leading_substitute(
    keeps: KeepsRest, rests: dict[int, tuple[int, str]]
) -> None:
    two_for_one = instead(2, 1, "Y", numerator=2)
    nodes = [node("DC1", {"X": 4, "Y": 7})]

    made = planned(TEN_X, nodes, knobs(keeps_rest=keeps), [two_for_one])

    assert shipped(made) == {"DC1": {1: 4, 2: 6}}
    assert waiting(made) == rests


def test_what_is_there_of_the_item_itself_goes_first() -> None:
    made = planned(TEN_X, [node("DC1", {"X": 10, "Y": 10})], knobs(), [Y])

    assert shipped(made) == {"DC1": {1: 10}}
    assert became(made) == {2: (NOT_NEEDED, 0, 0)}


def test_a_node_that_has_both_goes_before_a_cheaper_one_that_has_the_item_alone() -> None:
    nodes = [node("DC1", {"X": 8}, cost=1), node("DC2", {"X": 8, "Y": 2}, cost=9)]

    plain = replace(TEN_X, max_shipments=1)

    made = planned(plain, nodes, knobs(), [Y])

    assert shipped(decide(plain, *nodes)) == {"DC1": {1: 8}}
    assert shipped(made) == {"DC2": {1: 8, 2: 2}}
    assert reasons(made)["DC2"] == ("TAKEN", "SINGLE_NODE")


def test_what_requires_approval_is_shown_and_never_taken() -> None:
    nodes = [node("DC1", {"X": 8, "Y": 99})]

    made = planned(TEN_X, nodes, knobs(), [replace(Y, requires_approval=True)])

    assert became(made) == {2: (REQUIRES, 0, 0)}
    assert waiting(made) == {1: (2, "DC1")}


def test_a_substitute_takes_nothing_that_another_line_of_the_order_is_given() -> None:
    asked = order(line(1, "X", 10), line(2, "Y", 6))
    nodes = [node("DC1", {"X": 8, "Y": 7})]

    made = planned(asked, nodes, knobs(), [instead(3, 1, "Y")])

    assert shipped(made) == {"DC1": {1: 8, 2: 6, 3: 1}}
    assert waiting(made) == {1: (1, "DC1")}


def test_of_what_several_nodes_send_for_another_line_the_rest_stands_in() -> None:
    asked = order(line(1, "X", 10), line(2, "Y", 12))
    nodes = [node("DC1", {"X": 8, "Y": 7}), node("DC2", {"Y": 6})]

    made = planned(asked, nodes, knobs(), [instead(3, 1, "Y")])

    assert became(made) == {3: (TAKEN, 1, 1)}
    assert waiting(made) == {1: (1, "DC1")}


def test_where_a_shipment_is_all_that_is_allowed_no_line_gives_way_to_a_substitute() -> None:
    nodes = [node("DC1", {"X": 8}), node("DC2", {"X": 5, "Y": 10})]
    asked = replace(TEN_X, max_shipments=1)

    made = planned(asked, nodes, knobs(), [Y])

    assert shipped(made) == {"DC1": {1: 8}}
    assert became(made) == {2: (NOT_THERE, 0, 0)}


@pytest.mark.parametrize(
    ("policy", "stock", "ships"),
    [
        (Policy.COMPLETE_LINE, {"X": 8, "Y": 9}, {}),
        (Policy.COMPLETE_LINE, {"X": 8, "Y": 10}, {"DC1": {2: 10}}),
        (Policy.COMPLETE_ORDER, {"X": 8, "Y": 1}, {}),
        (Policy.COMPLETE_ORDER, {"X": 8, "Y": 2}, {"DC1": {1: 8, 2: 2}}),
        (Policy.COMPLETE_ORDER, {"X": 10, "Y": 2}, {"DC1": {1: 10}}),
    ],
)
def test_a_line_leaves_whole_as_one_item_and_an_order_whole_with_what_stands_in(
    policy: Policy, stock: dict[str, int], ships: Parts
) -> None:
    made = planned(replace(TEN_X, policy=policy), [node("DC1", stock)], knobs(), [Y])

    assert shipped(made) == ships
    assert made.policy is policy
    assert bool(made.waiting) is not bool(ships)


def test_an_order_that_a_supplier_cannot_complete_takes_no_substitute() -> None:
    asked = order(
        line(1, "X", 10), line(2, "Z", 1, is_dropship=True), policy=Policy.COMPLETE_ORDER
    )

    made = planned(asked, [node("DC1", {"X": 8, "Y": 2})], knobs(), [instead(3, 1, "Y")])

    assert (shipped(made), became(made)) == ({}, {3: (NOT_THERE, 0, 0)})


def test_what_is_drop_shipped_waits_beside_what_stands_in() -> None:
    asked = order(line(1, "X", 10), line(2, "Z", 1, is_dropship=True))

    made = planned(asked, [node("DC1", {"X": 8, "Y": 2})], knobs(), [instead(3, 1, "Y")])

    assert shipped(made) == {"DC1": {1: 8, 3: 2}}
    assert waiting(made) == {2: (1, "")}


@pytest.mark.parametrize(
    ("window", "leaves"),
    [
        ({"not_before": MONDAY, "before": FRIDAY}, True),
        ({"not_before": FRIDAY}, False),
        ({"before": MONDAY}, False),
    ],
)
def test_it_leaves_on_days_on_which_it_may_alone(window: dict[str, date], *, leaves: bool) -> None:
    nodes = [node("DC1", {"X": 8, "Y": 2})]

    made = planned(TEN_X, nodes, knobs(), [replace(Y, **window)])  # type: ignore[arg-type]  # fields by name, as the case has them

    assert bool(made.waiting) is not leaves


@pytest.mark.parametrize(("before", "leaves"), [(None, True), (FRIDAY, False)])
def test_supply_of_it_counts_while_it_may_leave(before: date | None, *, leaves: bool) -> None:
    comes = Arrival(ships_on=FRIDAY, arrives_on=FRIDAY, micros=10 * MICROS)
    asked = order(line(1, "X", 10, needed_by=FRIDAY))
    nodes = [node("DC1", {"X": 0}, supply={2: (comes,)})]

    made = planned(asked, nodes, knobs(), [replace(Y, before=before)])

    assert bool(made.waiting) is not leaves


def test_a_node_that_never_leaves_sends_what_has_no_days_alone() -> None:
    assert Y.may_leave(None)
    assert not replace(Y, before=FRIDAY).may_leave(None)


@pytest.mark.parametrize(
    ("factor", "step", "stock", "sends", "covers"),
    [
        ((3, 2), 1, 99, 6, 4),
        ((3, 2), 1, 5, 5, 3),  # five make three and a third: three, for five of them
        ((1, 2), 1, 99, 2, 4),
        ((1, 1), 12, 30, 24, 24),  # two cases of twelve of it, and never two and a half
        ((7, 1), 1, 6, 0, 0),
    ],
)
def test_amounts_are_exact_and_whole(
    factor: tuple[int, int], step: int, stock: int, sends: int, covers: int
) -> None:
    asked = order(line(1, "X", 4 if step == 1 else 36, step=step * MICROS))
    one = replace(Y, numerator=factor[0], denominator=factor[1])

    made = planned(asked, [node("DC1", {"Y": stock})], knobs(), [one])

    assert [(each[1], each[2]) for each in became(made).values()] == [(sends, covers)]


def test_of_more_than_anybody_could_count_as_much_as_there_is_is_taken() -> None:
    many = replace(Y, numerator=10**6)
    asked = order(line(1, "X", 10**7))

    made = planned(asked, [node("DC1", {"Y": 5 * 10**6})], knobs(), [many])

    assert became(made) == {2: (TAKEN, 5 * 10**6, 5)}


def test_supply_and_stock_that_a_plan_takes_are_not_taken_again() -> None:
    comes = Arrival(ships_on=MONDAY, arrives_on=FRIDAY, micros=6 * MICROS)
    asked = order(line(1, "X", 10, needed_by=FRIDAY), line(2, "Y", 6, needed_by=FRIDAY))
    nodes = [node("DC1", {"X": 8, "Y": 0}, supply={2: (comes,), 3: (comes,)})]

    made = planned(asked, nodes, knobs(), [instead(3, 1, "Y")])

    assert shipped(made) == {"DC1": {1: 8, 2: 6}}
    assert became(made) == {3: (NOT_THERE, 0, 0)}


WEDNESDAY = MONDAY + timedelta(days=2)


@pytest.mark.parametrize(
    ("lines", "offered", "ships"),
    [
        (((1, "X", 10), (2, "X", 10)), ((3, 1), (4, 2)), {3: 10, 4: 3}),
        (((1, "X", 13), (2, "Y", 3)), ((3, 1),), {2: 3, 3: 10}),
    ],
)
def test_what_leaves_later_is_of_the_same_goods_that_other_lines_take(
    lines: tuple[tuple[int, str, int], ...],
    offered: tuple[tuple[int, int], ...],
    ships: dict[int, int],
) -> None:
    asked = order(*(line(*one, needed_by=FRIDAY) for one in lines))
    follows = [instead(number, of, "Y", not_before=WEDNESDAY) for number, of in offered]
    all_of_it = Arrival(ships_on=WEDNESDAY, arrives_on=FRIDAY, micros=13 * MICROS)
    supply = {number: (all_of_it,) for number, _ in offered}
    nodes = [node("DC1", {"X": 0, "Y": 3}, supply=supply)]

    made = planned(asked, nodes, knobs(), follows)

    assert shipped(made) == {"DC1": ships}
    assert sum(micros for micros, _ in waiting(made).values()) == sum(
        one[2] for one in lines
    ) - sum(ships.values())


@pytest.mark.parametrize(("not_now", "barred"), [((), [(1, "DC1")]), ((1,), [])])
def test_goods_that_may_not_leave_today_are_not_too_old_for_their_line(
    not_now: tuple[int, ...], barred: list[tuple[int, str]]
) -> None:
    keeps = {1: Keeps(days=30, micros=0)}
    there = node("DC1", {"Y": 10}, keeps=keeps, not_now=frozenset(not_now))

    found = barred_lines([line(1, "Y", 10, life_days=30)], there, tuple(Filter))

    assert [of for of, _ in found] == barred


AMOUNTS = st.integers(0, 12)
ITEMS = "XYZ"


@st.composite
def questions(
    draw: st.DrawFn,
) -> tuple[Order, list[Candidate], Rules, list[SubstituteLine]]:
    lines = [
        line(number, draw(st.sampled_from(ITEMS)), draw(st.integers(1, 12)))
        for number in range(1, draw(st.integers(1, 3)) + 1)
    ]
    more: dict[str, Any] = {"policy": draw(st.sampled_from(Policy))}
    if draw(st.booleans()):
        more["max_shipments"] = draw(st.integers(1, 2))
    nodes = [
        node(f"DC{number}", {item: draw(AMOUNTS) for item in ITEMS}, cost=draw(AMOUNTS))
        for number in range(draw(st.integers(1, 3)))
    ]
    offered = [
        instead(
            10 + number,
            draw(st.sampled_from([one.line_no for one in lines])),
            item,
            rank=draw(st.integers(1, 3)),
            numerator=draw(st.integers(1, 3)),
            denominator=draw(st.integers(1, 3)),
            requires_approval=draw(st.integers(0, 4)) == 0,
        )
        for number, item in enumerate(draw(st.lists(st.sampled_from(ITEMS), max_size=4)))
    ]
    items = {one.line_no: one.item for one in lines}
    offered = [one for one in offered if one.item != items[one.of_line]]
    rules = knobs(
        chooses=draw(st.sampled_from(Chooses)), keeps_rest=draw(st.sampled_from(KeepsRest))
    )
    return order(*lines, **more), nodes, rules, offered


def given_of(made: Plan) -> dict[int, int]:
    found: dict[int, int] = {}
    for shipment in made.shipments:
        for part in shipment.parts:
            found[part.line_no] = found.get(part.line_no, 0) + part.micros
    return found


@given(questions())
def test_nobody_is_given_less_and_nothing_twice_because_something_stands_in(
    asked: tuple[Order, list[Candidate], Rules, list[SubstituteLine]],
) -> None:
    question, nodes, rules, offered = asked
    plain, made = decide(question, *nodes, rules=rules), planned(question, nodes, rules, offered)
    before, after = given_of(plain), given_of(made)

    if question.policy is not Policy.COMPLETE_ORDER:
        assert all(after.get(no, 0) >= micros for no, micros in before.items())
    for place in nodes:
        taken: dict[str, int] = {}
        for shipment in made.shipments:
            if shipment.node == place.node:
                for part in shipment.parts:
                    taken[part.item] = taken.get(part.item, 0) + part.micros
        assert all(micros <= (place.available[item] or 0) for item, micros in taken.items())


@given(questions(), st.data())
def test_nothing_is_given_twice_of_what_is_to_come_or_may_not_leave_yet(
    asked: tuple[Order, list[Candidate], Rules, list[SubstituteLine]], data: st.DataObject
) -> None:
    question, nodes, rules, offered = asked
    lines = tuple(replace(one, needed_by=FRIDAY) for one in question.lines)
    offered = [
        replace(one, not_before=data.draw(st.sampled_from([None, WEDNESDAY]))) for one in offered
    ]
    items = {one.line_no: one.item for one in lines}
    items |= {one.line_no: one.item for one in offered}
    in_all = {
        (place.node, item): (place.available[item] or 0) + data.draw(AMOUNTS) * MICROS
        for place in nodes
        for item in ITEMS
    }
    nodes = [
        replace(
            place,
            supply={
                number: (
                    Arrival(
                        ships_on=WEDNESDAY, arrives_on=FRIDAY, micros=in_all[place.node, item]
                    ),
                )
                for number, item in items.items()
            },
        )
        for place in nodes
    ]

    made = planned(replace(question, lines=lines), nodes, rules, offered)

    taken: dict[tuple[str, str], int] = {}
    for shipment in made.shipments:
        for part in shipment.parts:
            key = (shipment.node, part.item)
            taken[key] = taken.get(key, 0) + part.micros
    assert all(micros <= in_all[key] for key, micros in taken.items())


@given(questions())
def test_every_piece_is_given_covered_or_waits_and_by_exact_factors(
    asked: tuple[Order, list[Candidate], Rules, list[SubstituteLine]],
) -> None:
    question, nodes, rules, offered = asked
    made = planned(question, nodes, rules, offered)
    gives, waits = given_of(made), {one.line_no: one.micros for one in made.waiting}

    for one in question.lines:
        mine = [each for each in made.substitutes if each.line.of_line == one.line_no]
        covered = sum(each.covers for each in mine)
        lacks = one.micros - gives.get(one.line_no, 0) - covered
        kept = [waits[each.line.line_no] for each in mine if each.line.line_no in waits]
        assert lacks >= 0
        assert bool(lacks) is (one.line_no in waits or bool(kept))
        assert waits.get(one.line_no, lacks) == lacks
        for each in mine:
            least = each.covers * Fraction(each.line.numerator, each.line.denominator)
            assert gives.get(each.line.line_no, 0) == each.micros
            assert least <= each.micros < least + each.line.step
            assert not each.micros or not each.line.requires_approval


@given(questions(), st.randoms())
def test_the_answer_does_not_depend_on_the_order_in_which_it_is_asked(
    asked: tuple[Order, list[Candidate], Rules, list[SubstituteLine]], chance: Any
) -> None:
    question, nodes, rules, offered = asked
    lines = list(question.lines)
    made = planned(question, nodes, rules, offered)
    for listed in (lines, nodes, offered):
        chance.shuffle(listed)

    again = planned(replace(question, lines=tuple(lines)), nodes, rules, offered)

    assert again == made


def test_rules_that_do_not_say_so_substitute_no_item() -> None:
    nodes = [node("DC1", {"X": 8, "Y": 2})]

    made = planned(TEN_X, nodes, Rules(), [Y])

    assert Alternatives().substitute is Substitute.LOCATION
    assert made == decide(TEN_X, *nodes)
    assert planned(TEN_X, nodes, knobs()) == decide(TEN_X, *nodes)
