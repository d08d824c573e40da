"""Nodes weighed by what they will have, and by what keeps long enough (§3.5, rules 1 and 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.calendars import Calendar
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.sourcing.calendars import (
    Destination,
    Place,
    Stock,
    candidate_of,
    days_on_the_way,
)
from crossdock.capabilities.sourcing.document import Asked, decided
from crossdock.capabilities.sourcing.kits import Arrival
from crossdock.capabilities.sourcing.model import (
    Candidate,
    Filter,
    Keeps,
    Lane,
    NodeFacts,
    Plan,
    Policy,
    Preference,
    Rules,
    ShipTo,
)
from crossdock.capabilities.sourcing.service import BUILT_IN
from tests.conftest import NOON
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

Steps = Sequence[tuple[int, int]]
WHOLE = Rules(policy=Policy.COMPLETE_ORDER)


def may(day: int) -> date:
    return date(2026, 5, day)


def due(*steps: tuple[int, int]) -> tuple[Arrival, ...]:
    """Say (day in May, pieces in all): it leaves that day, and is there the day after."""
    return tuple(
        Arrival(ships_on=may(day), arrives_on=may(day + 1), micros=pieces * MICROS)
        for day, pieces in steps
    )


def supplied(
    name: str, stock: Mapping[str, int | None], steps: Mapping[int, Steps], **more: Any
) -> Candidate:
    return node(name, stock, supply={no: due(*some) for no, some in steps.items()}, **more)


def dates(made: Plan) -> dict[tuple[str, int], tuple[date | None, date | None]]:
    return {
        (one.node, part.line_no): (part.supply_on, part.due_on)
        for one in made.shipments
        for part in one.parts
    }


def test_a21_stays_as_it_is_when_supply_could_make_a_nearer_node_alone_enough() -> None:
    asked = order(line(1, "X", 8), line(2, "Y", 6))
    made = decide(
        asked,
        supplied("DC1", {"X": 4, "Y": 9}, {1: [(6, 20)]}, distance_km=1),
        node("DC2", {"X": 10, "Y": 10}, distance_km=900),
        node("DC3", {"X": 6, "Y": 0}),
    )

    assert shipped(made) == {"DC2": {1: 8, 2: 6}}
    assert dates(made)["DC2", 1][0] is None


def test_supply_that_makes_the_wanted_date_qualifies_a_node_with_its_on_time_quantity() -> None:
    asked = order(line(1, "X", 10, needed_by=FRIDAY))
    made = decide(asked, supplied("DC1", {"X": 3}, {1: [(6, 8), (9, 50)]}))

    assert shipped(made) == {"DC1": {1: 8}}
    assert waiting(made) == {1: (2, "DC1")}
    assert dates(made) == {("DC1", 1): (may(6), may(7))}
    assert why(made, "DC1") == "it gives: 8 of X (line 1, from supply due on 2026-05-06)"


def test_one_node_with_supply_in_time_goes_before_two_shipments_of_what_lies_there() -> None:
    asked = order(line(1, "X", 8, needed_by=FRIDAY), line(2, "Y", 6, needed_by=FRIDAY))
    nodes = [supplied("DC1", {"X": 4, "Y": 9}, {1: [(6, 20)]}), node("DC3", {"X": 6})]

    made = decide(asked, *nodes)

    assert shipped(made) == {"DC1": {1: 8, 2: 6}}
    assert reasons(made)["DC3"] == ("PASSED_OVER", "SINGLE_NODE")
    assert made.shipments[0].ships_on == MONDAY


def test_of_nodes_that_are_as_good_the_one_that_has_it_goes_before_the_one_that_will() -> None:
    asked = order(line(1, "X", 8, needed_by=FRIDAY))
    made = decide(asked, supplied("A", {"X": 0}, {1: [(5, 8)]}), node("B", {"X": 8}))

    assert shipped(made) == {"B": {1: 8}}
    assert reasons(made)["A"] == ("PASSED_OVER", "STOCK")
    assert made.decided_by == "STOCK"


@pytest.mark.parametrize("policy", [Policy.PARTIAL, Policy.COMPLETE_LINE])
def test_supply_behind_the_date_or_without_a_date_is_not_waited_for(policy: Policy) -> None:
    late = supplied("DC1", {"X": 0}, {1: [(20, 8)]})
    for needed in (FRIDAY, None):
        made = decide(order(line(1, "X", 8, needed_by=needed)), late, rules=Rules(policy=policy))
        assert shipped(made) == {}
        assert "its supply makes no date that is needed" in why(made, "DC1")


def test_an_order_that_leaves_whole_waits_for_the_first_day_on_which_all_of_it_can_be_there() -> (
    None
):
    asked = order(line(1, "X", 8), line(2, "Y", 6))
    nodes = [
        supplied("DC1", {"X": 4, "Y": 9}, {1: [(12, 8)]}, cost=1),
        supplied("DC2", {"X": 0, "Y": 10}, {1: [(6, 5), (11, 8)]}, cost=900),
    ]

    made = decide(asked, *nodes, rules=WHOLE)

    assert shipped(made) == {"DC1": {1: 4, 2: 6}, "DC2": {1: 4}}
    assert dates(made) == {
        ("DC1", 1): (None, may(7)),
        ("DC1", 2): (None, may(7)),
        ("DC2", 1): (may(6), may(7)),
    }
    assert made.shipments[1].ships_on == may(6)


def test_a_whole_order_does_not_wait_past_the_date_it_needs_unless_rules_let_it_be_late() -> None:
    asked = order(line(1, "X", 8, needed_by=FRIDAY))
    late = supplied("DC1", {"X": 0}, {1: [(20, 8)]})

    assert shipped(decide(asked, late, rules=WHOLE)) == {}
    lenient = without(WHOLE, Filter.CUTOFF)
    assert dates(decide(asked, late, rules=lenient)) == {("DC1", 1): (may(20), may(21))}


def test_supply_of_a_node_whose_way_nobody_knows_makes_no_date_and_may_be_waited_for() -> None:
    unknown = Arrival(ships_on=may(6), arrives_on=None, micros=8 * MICROS)
    far = node("DC1", {"X": 0}, supply={1: (unknown,)}, arrives_on=None)
    rules = without(Rules(), Filter.CUTOFF)

    assert shipped(decide(order(line(1, "X", 8, needed_by=FRIDAY)), far, rules=rules)) == {}
    made = decide(order(line(1, "X", 8)), far, rules=WHOLE)
    assert dates(made) == {("DC1", 1): (may(6), None)}


def test_lines_of_one_item_share_what_is_to_come_and_the_earlier_date_has_it_first() -> None:
    asked = order(line(1, "X", 5, needed_by=may(12)), line(2, "X", 4, needed_by=FRIDAY))
    steps = [(6, 4), (10, 9)]
    made = decide(asked, supplied("DC1", {"X": 0}, {1: steps, 2: steps}))

    assert shipped(made) == {"DC1": {1: 5, 2: 4}}
    assert dates(made) == {
        ("DC1", 1): (may(10), may(11)),
        ("DC1", 2): (may(6), may(7)),
    }


def test_what_an_order_counts_itself_is_its_own_of_supply_too() -> None:
    asked = order(line(1, "X", 8, needed_by=FRIDAY), line(2, "X", 3, needed_by=FRIDAY))
    made = decide(
        asked, supplied("DC1", {"X": 0}, {1: [(6, 8)], 2: [(7, 3)]}, own={1: 2 * MICROS})
    )

    assert shipped(made) == {"DC1": {1: 8, 2: 3}}
    assert dates(made) == {
        ("DC1", 1): (may(6), may(7)),
        ("DC1", 2): (may(7), may(8)),
    }


def test_goods_that_would_not_keep_rule_a_node_out_with_the_days_that_are_asked() -> None:
    asked = order(line(1, "X", 8, life_days=30))
    old = node("OLD", {"X": 9}, keeps={1: Keeps(days=30, micros=0)})
    some = node("SOME", {"X": 9}, keeps={1: Keeps(days=30, micros=5 * MICROS)})

    made = decide(asked, old, some)

    assert shipped(made) == {"SOME": {1: 5}}
    assert reasons(made)["OLD"] == ("BARRED", "SHELF_LIFE")
    assert why(made, "OLD") == "what lies there would not keep 30 days at delivery"
    assert shipped(decide(asked, old, rules=without(Rules(), Filter.SHELF_LIFE))) == {
        "OLD": {1: 8}
    }


def test_fresh_supply_in_time_serves_where_what_lies_there_is_too_old() -> None:
    asked = order(line(1, "X", 8, life_days=30, needed_by=FRIDAY))
    made = decide(
        asked, supplied("DC1", {"X": 9}, {1: [(6, 8)]}, keeps={1: Keeps(days=30, micros=0)})
    )

    assert dates(made) == {("DC1", 1): (may(6), may(7))}


def test_lines_of_one_item_that_ask_for_unlike_lives_share_what_lies_there() -> None:
    asked = order(line(1, "X", 4), line(2, "X", 5, life_days=30))
    keeps = {2: Keeps(days=30, micros=5 * MICROS)}
    made = decide(asked, supplied("DC1", {"X": 9}, {1: [(6, 10)]}, keeps=keeps))

    assert shipped(made) == {"DC1": {1: 4, 2: 5}}
    assert {on for on, _ in dates(made).values()} == {None}


def test_a_whole_order_does_not_wait_longer_for_a_node_that_is_far() -> None:
    far = node("FAR", {"X": 3}, arrives_on=may(30))
    near = supplied("NEAR", {"X": 0}, {1: [(12, 8)]})

    made = decide(order(line(1, "X", 8)), far, near, rules=WHOLE)

    assert dates(made) == {("NEAR", 1): (may(12), may(13))}


def test_a_whole_order_waits_longer_if_only_then_it_leaves_in_as_few_shipments_as_it_may() -> None:
    nodes = [
        supplied("DC1", {"X": 4}, {1: [(12, 8)]}),
        supplied("DC2", {"X": 0}, {1: [(6, 4)]}),
    ]
    asked = order(line(1, "X", 8), max_shipments=1)

    assert dates(decide(asked, *nodes, rules=WHOLE)) == {("DC1", 1): (may(12), may(13))}


def test_a_decision_shows_what_was_to_come_and_what_kept_long_enough() -> None:
    asked = Asked(order=order(line(1, "X", 8, needed_by=FRIDAY)), units={"X": "EA"})
    keeps = {1: Keeps(days=30, micros=MICROS)}
    nodes = [supplied("DC1", {"X": 3}, {1: [(6, 8)]}, keeps=keeps)]
    made = decided(asked, ("", NOON), BUILT_IN, nodes, decide(asked.order, *nodes))

    [shown] = made.candidates
    assert str(shown.supply["1"][0].quantity) == "8 EA"
    assert (shown.supply["1"][0].ships_on, shown.supply["1"][0].arrives_on) == (may(6), may(7))
    assert (shown.keeps["1"].days, str(shown.keeps["1"].quantity)) == (30, "1 EA")
    assert made.shipments[0].parts[0].supply_on == may(6)


@pytest.mark.parametrize("days", [-1, 3_661])
def test_a_life_is_a_number_of_days(days: int) -> None:
    with pytest.raises(Invalid, match="0 to 3660 days"):
        decide(order(line(1, "X", 8, life_days=days)), node("DC1", {"X": 9}))


def test_supply_leaves_when_the_node_works_and_arrives_when_the_lane_runs() -> None:
    facts = NodeFacts(node="DC1", lanes=(Lane(country="DE", transit_days=1),))
    place = Place(is_active=True, timezone="UTC", calendar=Calendar(frozenset(range(1, 6))))
    stock = Stock({"X": 0}, supply={1: [(NOON.date() - timedelta(days=9), 1), (may(9), 2)]})
    to = Destination(ShipTo(country="DE"))

    made = candidate_of(facts, place, stock, to, NOON)
    left = made.ships_on
    assert left is not None
    assert made.supply[1][0].ships_on == left
    if left < may(9):  # a Saturday
        assert made.supply[1][1].ships_on == may(11)
        assert made.supply[1][1].arrives_on == may(12)
    assert days_on_the_way(made) is not None
    nowhere = candidate_of(replace(facts, lanes=()), place, stock, to, NOON)
    assert nowhere.supply[1][0].arrives_on is None
    assert days_on_the_way(nowhere) is None
    shut = Calendar(holidays={may(9) + timedelta(days=n) for n in range(400)})
    [only] = candidate_of(facts, replace(place, calendar=shut), stock, to, NOON).supply[1]
    assert only.ships_on < may(9)
    never = candidate_of(facts, replace(place, timezone="nowhere"), stock, to, NOON)
    assert never.supply == {1: ()}


Tables = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(0, 6),
        st.lists(st.tuples(st.integers(5, 20), st.integers(1, 8)), max_size=3),
    ),
    min_size=1,
    max_size=3,
)


def rising(steps: Sequence[tuple[int, int]], above: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for day, more in sorted(dict(steps).items()):
        above += more
        found.append((day, above))
    return found


@given(Tables, st.integers(1, 12), st.integers(1, 12))
def test_the_common_day_of_a_whole_order_is_the_first_that_any_set_of_nodes_could_keep(
    table: list[tuple[int, int, list[tuple[int, int]]]], x: int, y: int
) -> None:
    nodes = [
        supplied(f"N{n}", {"X": has_x, "Y": has_y}, {1: rising(steps, has_x)} if steps else {})
        for n, (has_x, has_y, steps) in enumerate(table)
    ]
    made = decide(order(line(1, "X", x), line(2, "Y", y)), *nodes, rules=WHOLE)

    def there(day: int) -> bool:
        """Say whether all of both can be there on a day in May; naive."""
        has_x = sum(max([h, *(m for d, m in rising(s, h) if d + 1 <= day)]) for h, _, s in table)
        return day >= 5 and has_x >= x and sum(h for _, h, _ in table) >= y

    day = next((one for one in range(5, 23) if there(one)), None)
    expected = set() if day is None else {may(day)}
    assert {part.due_on for one in made.shipments for part in one.parts} == expected


@given(Tables, st.lists(st.tuples(st.integers(1, 9), st.integers(5, 21)), min_size=1, max_size=3))
def test_no_plan_takes_more_than_has_come_by_the_day_that_it_says(
    table: list[tuple[int, int, list[tuple[int, int]]]], asked: list[tuple[int, int]]
) -> None:
    lines = [line(n, "X", q, needed_by=may(day)) for n, (q, day) in enumerate(asked, 1)]
    nodes = [
        supplied(f"N{n}", {"X": has}, {no.line_no: rising(steps, has) for no in lines})
        for n, (has, _, steps) in enumerate(table)
    ]
    made = decide(order(*lines), *nodes, rules=first(Preference.ON_TIME))

    needed = {one.line_no: one.needed_by for one in lines}
    for shipment in made.shipments:
        has, _, steps = table[int(shipment.node[1:])]
        parts = list(shipment.parts)
        for part in parts:
            assert part.due_on is not None
            assert part.due_on <= needed[part.line_no]  # type: ignore[operator]  # both are dated here
        for days in {part.supply_on for part in parts}:
            by_then = sum(
                one.micros
                for one in parts
                if one.supply_on is None or (days is not None and one.supply_on <= days)
            )
            come = [m for d, m in rising(steps, has) if days is not None and may(d) <= days]
            assert by_then <= max([has, *come]) * MICROS
