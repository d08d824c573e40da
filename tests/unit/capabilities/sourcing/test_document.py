"""A decision as it is written down: amounts with units, and what is said of it to the log."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec

from crossdock.canonical.alternatives import KeepsRest
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.sourcing import SourcingAlternatives
from crossdock.capabilities.sourcing.document import (
    Asked,
    Decided,
    RuleVersion,
    decided,
    money,
)
from crossdock.capabilities.sourcing.kits import KitAt
from crossdock.capabilities.sourcing.model import Lane, NodeFacts, Rules, ShipTo
from crossdock.capabilities.sourcing.nodes import node_changed
from crossdock.capabilities.sourcing.rules_told import rules_changed
from crossdock.capabilities.sourcing.shown import KitAtNode
from crossdock.capabilities.sourcing.store import NodeRecord
from crossdock.capabilities.sourcing.substituting import planned
from tests.conftest import NOON
from tests.unit.capabilities.sourcing.orders import decide, instead, knobs, line, node, order

ASKED = Asked(
    order=order(
        line(1, "X", 80),
        line(2, "Y", 6, step=MICROS // 2),
        line(3, "Z", 1, is_dropship=True),
        min_line_split=500_000,
    ),
    ship_to=ShipTo(country="DE"),
    channel="WEB",
    request_id="order-7",
    units={"X": "EA", "Y": "KGM", "Z": "EA"},
    demand_refs={1: "order-7/1"},
)
NODES = [
    node("DC2", {"X": 30, "Y": None}, cost=5_900_000, ships_on=None, arrives_on=None),
    node("DC1", {"X": 40, "Y": 2}),
    node("S1", capabilities=("DROPSHIP",)),
]
VERSION = RuleVersion(
    scope="all",
    version=4,
    valid_from=NOON - timedelta(days=1),
    put_at=NOON - timedelta(days=2),
    put_by="ada",
    rules=Rules(min_line_split=MICROS),
)
MADE = decided(ASKED, ("src_1", NOON), VERSION, NODES, decide(ASKED.order, *NODES))


def test_a_decision_shows_amounts_with_their_units() -> None:
    assert [str(one.quantity) for one in MADE.lines] == ["80 EA", "6 KGM", "1 EA"]
    assert [str(one.step) for one in MADE.lines] == ["1 EA", "0.5 KGM", "1 EA"]
    assert [one.node for one in MADE.candidates] == ["DC1", "DC2", "S1"]
    assert MADE.candidates[1].available == {"X": Quantity.of(30), "Y": None}
    assert (MADE.candidates[0].cost, MADE.candidates[1].cost) == (None, Decimal("5.9"))
    first, second = MADE.shipments
    assert [(one.node, one.cost) for one in (first, second)] == [
        ("DC1", None), ("DC2", Decimal("5.9")),
    ]  # fmt: skip
    assert [(str(part.quantity), part.demand_ref) for part in first.parts] == [
        ("40 EA", "order-7/1"), ("2 KGM", ""),
    ]  # fmt: skip
    assert [(str(one.quantity), one.node) for one in MADE.waiting] == [
        ("10 EA", "DC1"), ("4 KGM", "DC1"),
    ]  # fmt: skip
    assert MADE.min_line_split_qty == Decimal("0.5")
    assert MADE.rules.rules.min_line_split_qty == Decimal(1)
    assert not MADE.is_complete


def test_a_line_in_packs_shows_what_was_asked() -> None:
    packed = replace(ASKED, packs={1: (20 * MICROS, 75 * MICROS)})
    made = decided(packed, ("src_1", NOON), VERSION, NODES, decide(ASKED.order, *NODES))

    assert [(str(one.asked), str(one.pack)) for one in made.lines if one.pack] == [
        ("75 EA", "20 EA")
    ]
    assert [one.line_no for one in made.lines if one.asked is None] == [2, 3]


def test_a_decision_is_read_back_as_it_was_written() -> None:
    written = msgspec.json.encode(MADE)

    assert msgspec.json.decode(written, type=Decided) == MADE
    assert msgspec.json.encode(msgspec.json.decode(written, type=Decided)) == written


def test_the_log_is_told_who_sends_what() -> None:
    event = MADE.event

    assert event.key == "src_1"
    assert (event.rule_scope, event.rule_version, event.request_id) == ("all", 4, "order-7")
    assert [(one.node, one.ships_on, one.arrives_on) for one in event.shipments] == [
        ("DC1", "2026-05-04", "2026-05-05"), ("DC2", "", ""),
    ]  # fmt: skip
    assert [one.node for one in event.drop_shipments] == ["S1"]
    assert [(one.line_no, str(one.quantity), one.demand_ref) for one in event.waiting] == [
        (1, "10 EA", "order-7/1"), (2, "4 KGM", ""),
    ]  # fmt: skip


def test_what_nobody_knows_costs_nothing_known() -> None:
    assert (money(None), money(1_500_000), money(90_000_000)) == (
        None, Decimal("1.5"), Decimal(90),
    )  # fmt: skip


def test_a_version_of_a_nodes_facts_is_worded_for_the_log_with_money_in_units() -> None:
    lanes = (
        Lane(country="DE", transit_days=2, cost=4_500_000, distance_km=80),
        Lane(country="FR"),
    )
    facts = NodeFacts(node="DC1", lanes=lanes, load_percent=30)
    record = NodeRecord(facts=facts, version=3, put_at=NOON, put_by="ann")
    plain = replace(record, facts=replace(facts, lanes=()))

    changed = node_changed(record)

    assert (changed.node, changed.version, changed.changed_by) == ("DC1", 3, "ann")
    assert (changed.is_withdrawn, changed.load_percent) == (False, 30)
    assert [(one.country, str(one.cost), one.distance_km) for one in changed.lanes] == [
        ("DE", "4.5", 80),
        ("FR", "None", None),
    ]
    assert node_changed(plain).lanes == ()


def test_what_stands_in_is_shown_with_its_rule_and_in_the_units_of_both() -> None:
    asked = Asked(
        order=order(line(1, "X", 80), line(2, "Y", 6)),
        units={"X": "EA", "Y": "EA", "Z": "KGM"},
        demand_refs={1: "order-7/1"},
        substitutes=(instead(3, 1, "Z", numerator=1, denominator=2),),
    )
    nodes = [node("DC1", {"X": 70, "Y": 6, "Z": 9})]
    plan = planned(asked.order, nodes, knobs(keeps_rest=KeepsRest.LEADING), asked.substitutes)
    made = decided(asked, ("src_1", NOON), VERSION, nodes, plan)

    [one] = made.substitutes
    assert (one.line_no, one.substitute_of_line, str(one.quantity)) == (3, 1, "5 KGM")
    assert (str(one.covers), one.rule_item, one.rule_version) == ("10 EA", "X", 1)
    [shipment] = made.shipments
    assert [(part.line_no, part.substitute_of_line) for part in shipment.parts] == [
        (1, None), (2, None), (3, 1),
    ]  # fmt: skip
    assert [part.demand_ref for part in shipment.parts] == ["order-7/1", "", ""]
    assert [one.substitute_of_line for one in made.event.shipments[0].lines] == [None, None, 1]
    assert msgspec.json.decode(msgspec.json.encode(made), type=Decided) == made


def test_a_decision_is_named_by_its_order_lines_and_what_these_are_named_after() -> None:
    assert ASKED.names == ["order-7", "order-7/1"]
    assert replace(ASKED, demand_refs={2: "sale.line,4"}).names == ["sale.line,4"]
    assert replace(ASKED, demand_refs={}).names == []


def test_a_version_of_rules_is_worded_for_the_log_in_full() -> None:
    rules = replace(knobs(keeps_rest=KeepsRest.LEADING), min_line_split=1_500_000, max_shipments=2)

    told = rules_changed(replace(VERSION, valid_from=None, rules=rules), NOON)

    assert (told.scope, told.version, told.changed_by, told.valid_from) == ("all", 4, "ada", NOON)
    assert (told.policy, told.max_shipments) == ("PARTIAL", 2)
    assert (told.filters, told.preferences) == (rules.filters, rules.preferences)
    assert told.min_line_split_qty == Decimal("1.5")
    assert told.alternatives == SourcingAlternatives(
        substitute="LOCATION_AND_ITEM", chooses="RANK", keeps_rest="LEADING", when="ALWAYS"
    )


def test_a_kit_is_shown_with_what_it_takes_and_what_a_node_had_for_it() -> None:
    asked = Asked(order=order(line(1, "P", 5)), units={"P": "EA", "X": "MTR"})
    there = KitAt(
        item="P", parts=(("X", (("P", 2 * MICROS),)),), has={"P": MICROS, "X": 5 * MICROS}
    )
    nodes = [
        node(
            "DC1", {"P": 1}, kits={1: there}, unlimited=frozenset("S"), by_lead_time=frozenset("L")
        )
    ]

    made = decided(asked, ("", NOON), VERSION, nodes, decide(asked.order, *nodes))

    [part] = made.shipments[0].parts
    assert part.takes == {"P": Quantity.of(1), "X": Quantity.of(4, "MTR")}
    [candidate] = made.candidates
    assert candidate.kits == {
        "1": KitAtNode(Quantity.of(1), Quantity.of(2), {"X": Quantity.of(5, "MTR")}, ("X",))
    }
    assert (candidate.unlimited, candidate.by_lead_time) == (("S",), ("L",))
    assert msgspec.json.decode(msgspec.json.encode(made), type=Decided) == made
