"""Other items in the place of an order's: a whole hub, with its rules of substitution."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from crossdock.capabilities.sourcing import (
    LINES_MAX,
    Alternatives,
    Decided,
    Lane,
    NodeFacts,
    Occasion,
    Rules,
    ShipTo,
    Substitute,
    SubstituteVerdict,
    When,
    planned,
)
from crossdock.capabilities.supply import (
    ALL,
    Alternative,
    AtpRule,
    PlacedRule,
    Question,
    SubstitutionKind,
    SubstitutionRule,
)
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.settings import Settings
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.conftest import NOON
from tests.processes.calendars import EVERY_DAY, open_every_day

TODAY = NOON.date()
BOTH = Alternatives(substitute=Substitute.LOCATION_AND_ITEM)


@pytest.fixture
async def hub(database: Database, dsn: str, clock: VirtualClock, tmp_path: Path) -> Hub:
    settings = Settings(tenant="main", data_dir=tmp_path)
    made = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
    await made._register()
    await made.sourcing.put_rules(made.scope, Rules(alternatives=BOTH), by="test")
    return made


async def put(hub: Hub, node: str, stock: Mapping[str, int]) -> None:
    for item, quantity in stock.items():
        await hub.put_stock(item, node, quantity)
    lane = Lane(country="DE", transit_days=1, runs_on=EVERY_DAY)
    await open_every_day(hub, node)
    facts = NodeFacts(node=node, lanes=(lane,))
    await hub.order_sourcing.put_node(hub.scope, facts, by="test")


async def rule(hub: Hub, item: str, *others: Alternative) -> None:
    said = SubstitutionRule(
        item=item, unit="EA", alternatives=tuple(replace(one, unit="EA") for one in others)
    )
    await hub.supply.put_substitution(hub.scope, said, by="test")


def asked(*lines: tuple[str, int], needed_by: date | None = None, **more: str) -> SourceOrder:
    said = [
        SourceLine(item=item, quantity=Quantity.of(quantity, ""), needed_by=needed_by)
        for item, quantity in lines
    ]
    return SourceOrder(lines=said, ship_to=ShipTo(country="DE"), **more)  # type: ignore[arg-type]  # fields by name, as the case has them


def coming(quantity: int, eta: date) -> Fact:
    """Tell of Y that is shipped to DC1."""
    comes = SupplyCommitmentChanged(
        supply_id="po-1",
        kind=SupplyKind.ASN_LINE,
        item="Y",
        location="DC1",
        open_quantity=Quantity.of(quantity),
        evidence=SupplyEvidence.SHIPPED,
        eta=eta,
    )
    return Fact(identity="po-1", payload=comes, occurred_at=NOON)


async def decided(hub: Hub, order: SourceOrder) -> Decided:
    return (await hub.order_sourcing.plan(hub.scope, "shop", order)).answer.decided


def sent(made: Decided) -> dict[str, dict[str, str]]:
    return {
        one.node: {part.item: str(part.quantity) for part in one.parts} for one in made.shipments
    }


async def test_a_substitute_is_a_line_of_its_own_that_names_its_line_and_its_rule(
    hub: Hub,
) -> None:
    await put(hub, "DC1", {"X": 6, "Y": 50})
    await rule(hub, "X", Alternative(item="Y", numerator=3, denominator=2))

    made = await decided(hub, asked(("X", 10)))

    [shipment] = made.shipments
    assert [(one.line_no, one.item, str(one.quantity)) for one in shipment.parts] == [
        (1, "X", "6 EA"),
        (2, "Y", "6 EA"),
    ]
    assert [one.substitute_of_line for one in shipment.parts] == [None, 1]
    [one] = made.substitutes
    assert (one.rule_item, one.rule_version, one.numerator, one.denominator) == ("X", 1, 3, 2)
    assert (one.verdict, str(one.covers)) == (SubstituteVerdict.TAKEN, "4 EA")
    assert [(line.line_no, line.item, str(line.quantity)) for line in made.lines] == [
        (1, "X", "10 EA")
    ]
    assert made.is_complete
    [told] = made.event.shipments
    assert [line.substitute_of_line for line in told.lines] == [None, 1]


async def test_a_decision_is_derived_again_after_the_rules_of_substitution_have_changed(
    hub: Hub,
) -> None:
    await put(hub, "DC1", {"X": 6, "Y": 50})
    await rule(hub, "X", Alternative(item="Y"))
    order = asked(("X", 10), request_id="r1")
    first = await hub.order_sourcing.plan(hub.scope, "shop", order)
    await rule(hub, "X")

    again = await hub.order_sourcing.plan(hub.scope, "shop", order)
    inputs = await hub.sourcing.inputs(hub.scope, first.answer.decided.decision_id)
    derived = planned(inputs.order, inputs.candidates, inputs.rules, inputs.substitutes)

    assert again.answer.content == first.answer.content
    assert [part.micros for part in derived.shipments[0].parts] == [6_000_000, 4_000_000]
    assert sent(await decided(hub, asked(("X", 10)))) == {"DC1": {"X": "6 EA"}}


async def test_what_stands_in_is_reserved_without_an_order_line(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 6, "Y": 50})
    await rule(hub, "X", Alternative(item="Y"))
    line = SourceLine(item="X", quantity=Quantity.of(10, ""), demand_ref="order-7/1")
    order = replace(asked(request_id="r1"), lines=[line])

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    assert made.reservation
    assert made.reservation.is_granted
    assert [(one.item, one.demand_ref) for one in made.reservation.lines] == [
        ("X", "order-7/1"),
        ("Y", ""),
    ]
    assert str((await hub.availability("Y", "DC1")).available) == "46 EA"


@pytest.mark.parametrize(
    ("customer", "channel", "stands_in"),
    [("Metro", "", False), ("other", "", True), ("other", " WEB", False), ("", "", True)],
)
async def test_nobody_is_sent_what_its_rule_does_not_let_him_have(
    hub: Hub, customer: str, channel: str, *, stands_in: bool
) -> None:
    await put(hub, "DC1", {"Y": 50})
    await hub.put_stock("X", "DC1", 0)
    await rule(hub, "X", Alternative(item="Y", not_for=("customer:METRO", "channel:web")))

    made = await decided(hub, asked(("X", 10), customer=customer, channel=channel))

    assert sent(made) == ({"DC1": {"Y": "10 EA"}} if stands_in else {})


async def test_what_somebody_has_to_approve_is_named_and_stays_where_it_is(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 6, "Y": 50})
    await rule(hub, "X", Alternative(item="Y", requires_approval=True))

    made = await decided(hub, asked(("X", 10)))

    assert [one.verdict for one in made.substitutes] == [SubstituteVerdict.REQUIRES_APPROVAL]
    assert sent(made) == {"DC1": {"X": "6 EA"}}
    [answer] = await hub.promise_dates([Question("X", "DC1", "EA", 10_000_000)])
    assert [one.option.requires_approval for one in answer.offers] == [True]
    assert answer.proposal == ()


async def test_supply_of_what_stands_in_counts_from_the_day_it_may_leave(hub: Hub) -> None:
    every_day = PlacedRule(item=ALL, location=ALL, rule=AtpRule(weekdays="1234567"))
    await hub.supply.put_rule(hub.scope, every_day, by="test")
    await put(hub, "DC1", {"X": 6, "Y": 3})
    await hub.record([coming(20, TODAY + timedelta(days=2))])
    follows = Alternative(
        item="Y", kind=SubstitutionKind.SUPERSESSION, valid_from=TODAY + timedelta(days=4)
    )
    await rule(hub, "X", follows)

    soon = await decided(hub, asked(("X", 10), needed_by=TODAY + timedelta(days=4)))
    later = await decided(hub, asked(("X", 10), needed_by=TODAY + timedelta(days=6)))

    assert sent(soon) == {"DC1": {"X": "6 EA"}}
    assert sent(later) == {"DC1": {"X": "6 EA", "Y": "4 EA"}}
    [part] = [one for one in later.shipments[0].parts if one.item == "Y"]
    assert part.supply_on == TODAY + timedelta(days=4)


@pytest.mark.parametrize(
    ("comes", "lines", "takes", "leaves"),
    [
        (0, (("X", 10),), "10 EA", 4),
        (15, (("X", 10),), "10 EA", 4),
        (15, (("X", 12),), "12 EA", 6),
        (0, (("X", 10), ("Y", 3)), "7 EA", 4),  # the other three are the line's own
    ],
)
async def test_what_follows_and_lies_there_leaves_from_its_day_on(
    hub: Hub, comes: int, lines: tuple[tuple[str, int], ...], takes: str, leaves: int
) -> None:
    every_day = PlacedRule(item=ALL, location=ALL, rule=AtpRule(weekdays="1234567"))
    await hub.supply.put_rule(hub.scope, every_day, by="test")
    await put(hub, "DC1", {"X": 0, "Y": 10})
    if comes:
        await hub.record([coming(comes, TODAY + timedelta(days=5))])
    first = TODAY + timedelta(days=4)
    follows = Alternative(item="Y", kind=SubstitutionKind.SUPERSESSION, valid_from=first)
    await rule(hub, "X", follows)

    made = await decided(hub, asked(*lines, needed_by=TODAY + timedelta(days=7)))

    parts = [one for one in made.shipments[0].parts if one.substitute_of_line]
    day = TODAY + timedelta(days=leaves)
    assert [(one.item, str(one.quantity), one.supply_on) for one in parts] == [("Y", takes, day)]


async def test_rules_that_take_no_other_item_in_a_backorder_run_weigh_none(hub: Hub) -> None:
    knobs = replace(BOTH, when=When.CREATION)
    await hub.sourcing.put_rules(hub.scope, Rules(alternatives=knobs), by="test")
    await put(hub, "DC1", {"X": 6, "Y": 50})
    await rule(hub, "X", Alternative(item="Y"))
    run = replace(asked(("X", 10)), occasion=Occasion.BACKORDER_RUN)

    made = await decided(hub, run)

    assert (sent(made), made.substitutes) == ({"DC1": {"X": "6 EA"}}, ())


async def test_an_order_has_no_more_lines_than_one_question_holds(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 0, "Y": 500, "Z": 500})
    await rule(hub, "X", Alternative(item="Y"), Alternative(item="Z", rank=2))
    order = asked(*[("X", 1)] * (LINES_MAX - 1))

    made = await decided(hub, order)

    assert [(one.line_no, one.substitute_of_line) for one in made.substitutes] == [(LINES_MAX, 1)]
    assert sent(made) == {"DC1": {"Y": "1 EA"}}


async def test_an_order_that_is_drop_shipped_asks_for_no_substitute(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 6, "Y": 50})
    await rule(hub, "X", Alternative(item="Y"))
    line = SourceLine(item="X", quantity=Quantity.of(10, ""), is_dropship=True)

    made = await decided(hub, replace(asked(), lines=[line]))

    assert (sent(made), made.substitutes) == ({}, ())
