"""Choosing warehouses across catalogue, stock and rules: a whole hub, on a clock of the test."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import (
    ItemChanged,
    ItemUnit,
    LocationChanged,
    LocationKind,
    LotChanged,
)
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.references import Reference
from crossdock.canonical.supply import (
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
)
from crossdock.capabilities.allocation import AllocationGroup, AllocationProtection
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.sourcing import (
    NODES_MAX,
    Asked,
    Candidate,
    Decided,
    Lane,
    Line,
    NodeFacts,
    Occasion,
    Order,
    Policy,
    Rules,
    ShipTo,
)
from crossdock.capabilities.supply import (
    ALL,
    Atp,
    AtpMode,
    AtpRule,
    CalendarSaid,
    LifeTerms,
    PlacedRule,
    Question,
)
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.settings import Settings
from crossdock.orchestration.order_outlook import advised
from crossdock.orchestration.order_sourcing import OrderSourcing
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.conftest import NOON
from tests.processes.calendars import EVERY_DAY, open_every_day

GERMANY = ShipTo(country="DE", postal_code="80331")


@pytest.fixture
async def hub(database: Database, dsn: str, clock: VirtualClock, tmp_path: Path) -> Hub:
    settings = Settings(tenant="main", data_dir=tmp_path)
    made = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
    await made._register()
    return made


async def put(
    hub: Hub, node: str, stock: Mapping[str, int], *, cutoff: str = "", **facts: object
) -> None:
    for item, quantity in stock.items():
        await hub.put_stock(item, node, quantity)
    await open_every_day(hub, node, cutoff=cutoff)
    made = NodeFacts(node=node, **facts)  # type: ignore[arg-type]  # fields by name, as the case has them
    await hub.order_sourcing.put_node(hub.scope, made, by="test")


async def place(hub: Hub, said: LocationChanged) -> None:
    await hub.record([own_fact(said, hub.clock.now())], source=OWN_SOURCE)


def asked(
    *lines: tuple[str, int], request_id: str = "", needed_by: date | None = None
) -> SourceOrder:
    return SourceOrder(
        lines=[
            SourceLine(item=item, quantity=Quantity.of(quantity, ""), needed_by=needed_by)
            for item, quantity in lines
        ],
        ship_to=GERMANY,
        request_id=request_id,
    )


async def order_heard(hub: Hub, ref: str, pieces: int) -> None:
    line = DemandLine(
        demand_ref=ref,
        item="X",
        location="DC1",
        ordered=Quantity.of(pieces),
        cancelled=Quantity.of(0),
    )
    said = OrderChanged(order_id="O1", lines=(line,))
    fact = Fact(identity="order:O1:1", payload=said, occurred_at=hub.clock.now(), version=1)
    await hub.record([fact])


async def decided(hub: Hub, order: SourceOrder) -> Decided:
    return (await hub.order_sourcing.plan(hub.scope, "shop", order)).answer.decided


async def test_orders_that_race_for_the_same_goods_are_never_promised_more_than_there_is(
    hub: Hub,
) -> None:
    await put(hub, "DC1", {"X": 7, "Y": 9})
    await put(hub, "DC2", {"X": 5, "Y": 2})
    orders = [asked(("X", 1 + n % 3), ("Y", 1), request_id=f"o{n}") for n in range(24)]

    async def placed(order: SourceOrder) -> bool:
        made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
        return made.reservation is not None and made.reservation.is_granted

    granted = await asyncio.gather(*map(placed, orders))
    again = await asyncio.gather(*map(placed, orders))

    assert again == granted
    assert any(granted)
    stock = [await hub.availability(item, node) for item in ("X", "Y") for node in ("DC1", "DC2")]
    for one in stock:
        assert one.figures.net >= 0, one
    held = sum(one.figures.hard for one in stock)
    there = sum(one.figures.nettable for one in stock)
    assert held + sum(one.available.micros for one in stock) == there


@pytest.mark.parametrize(
    ("zone", "leaves"),
    [("Europe/Berlin", "2026-05-05"), ("UTC", "2026-05-04"), ("America/New_York", "2026-05-04")],
)
async def test_the_cutoff_is_told_by_the_clock_of_the_locations_own_zone(
    hub: Hub, zone: str, leaves: str
) -> None:
    await place(hub, LocationChanged(code="DC1", timezone=zone))
    lane = Lane(country="DE", transit_days=1, runs_on=EVERY_DAY)
    await put(hub, "DC1", {"X": 5}, cutoff="14:00", lanes=(lane,))
    monday = date(2026, 5, 4)  # noon UTC, 14:00 in Berlin, 8:00 in New York

    made = await decided(hub, asked(("X", 1)))
    in_time = await decided(hub, asked(("X", 1), needed_by=monday + timedelta(days=1)))

    [shipment] = made.shipments
    assert shipment.ships_on == date.fromisoformat(leaves)
    assert in_time.is_complete == (shipment.ships_on == monday)
    assert in_time.reasons[0].rule == ("ONLY" if in_time.is_complete else "CUTOFF")


async def test_a_holiday_is_one_for_answers_by_date_and_for_sourcing(hub: Hub) -> None:
    lane = Lane(country="DE", transit_days=1, runs_on=EVERY_DAY)
    await put(hub, "DC1", {"X": 5}, lanes=(lane,))
    today = date(2026, 5, 4)
    closed = AtpRule(weekdays="1234567", holidays=(today, today + timedelta(days=1)))
    await hub.supply.put_rule(hub.scope, PlacedRule(location="DC1", rule=closed), by="test")

    made = await decided(hub, asked(("X", 1)))
    [answer] = await hub.supply.promise_dates(hub.scope, [Question("X", "DC1", "EA", MICROS)])

    [shipment] = made.shipments
    assert shipment.ships_on == today + timedelta(days=2)
    assert answer.promised_on == shipment.ships_on


async def test_an_item_has_no_calendar_of_its_own(hub: Hub) -> None:
    await hub.put_stock("X", "DC1", 5)
    for said in (AtpRule(weekdays="1"), AtpRule(cutoff="14:00"), AtpRule(holidays=())):
        for location in ("DC1", ALL):
            rule = PlacedRule(item="X", location=location, rule=said)
            with pytest.raises(Invalid, match="the same days for every item"):
                await hub.supply.put_rule(hub.scope, rule, by="test")


async def test_what_a_calendar_says_leaves_the_rest_of_the_places_rule_as_it_is(
    hub: Hub,
) -> None:
    await hub.put_stock("X", "DC1", 5)
    first = AtpRule(counts_dock=False, holidays=(date(2026, 12, 25),))
    await hub.supply.put_rule(hub.scope, PlacedRule(location="DC1", rule=first), by="test")

    for said in (CalendarSaid(cutoff="14:00"), CalendarSaid(weekdays="123456")):
        await asyncio.gather(
            hub.supply.calendars.put(hub.scope, "DC1", said, by="ann"),
            hub.supply.calendars.put(hub.scope, "DC2", said, by="ann"),
        )

    rules = {one.location: one.rule for one in await hub.supply.rules(hub.scope)}
    both = AtpRule(cutoff="14:00", weekdays="123456")
    assert rules == {
        "DC1": replace(first, cutoff="14:00", weekdays="123456"),
        "DC2": both,
    }
    with pytest.raises(Invalid) as refused:
        await hub.supply.calendars.put(hub.scope, "DC1", CalendarSaid(weekdays="8"), by="ann")
    assert refused.value.where == "/weekdays"


async def test_a_rule_said_while_a_calendar_is_said_is_not_lost_nor_comes_one_back(
    hub: Hub,
) -> None:
    cutoff, place = CalendarSaid(cutoff="14:00"), "DC1"
    calendars, supply = hub.supply.calendars, hub.supply
    for days in range(1, 16):
        old = PlacedRule(location=place, rule=AtpRule(fence_days=0))
        await supply.put_rule(hub.scope, old, by="test")
        said = PlacedRule(location=place, rule=AtpRule(fence_days=days))
        await asyncio.gather(
            *(calendars.put(hub.scope, place, cutoff, by="ann") for _ in range(3)),
            supply.put_rule(hub.scope, said, by="bob"),
        )
        [kept] = await supply.rules(hub.scope)
        assert kept.rule.fence_days == days

        await asyncio.gather(
            *(calendars.put(hub.scope, place, cutoff, by="ann") for _ in range(3)),
            supply.drop_rule(hub.scope, "*", place, by="bob"),
        )
        assert [one.rule.fence_days for one in await supply.rules(hub.scope)] in ([], [None])


async def test_where_nothing_is_said_of_a_place_the_calendar_of_all_holds(hub: Hub) -> None:
    await hub.put_stock("X", "DC9", 5)
    await hub.order_sourcing.put_node(hub.scope, NodeFacts(node="DC9"), by="test")
    today = date(2026, 5, 4)

    by_default = await decided(hub, asked(("X", 1)))
    rule = PlacedRule(rule=AtpRule(weekdays="3"))
    await hub.supply.put_rule(hub.scope, rule, by="test")
    on_wednesdays = await decided(hub, asked(("X", 1)))

    assert [one.shipments[0].ships_on for one in (by_default, on_wednesdays)] == [
        today,
        today + timedelta(days=2),
    ]


async def test_figures_of_a_silent_source_are_shown_as_stale(
    hub: Hub, clock: VirtualClock
) -> None:
    await put(hub, "DC1", {"X": 5})

    fresh = await decided(hub, asked(("X", 1)))
    await clock.advance(timedelta(days=30))
    stale = await decided(hub, asked(("X", 1)))

    assert [one.candidates[0].is_stale for one in (fresh, stale)] == [False, True]
    assert stale.is_complete


async def test_what_is_drop_shipped_is_promised_by_nobody_here(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 5, "Z": 5})
    await place(hub, LocationChanged(code="ACME", kind=LocationKind.SUPPLIER))
    await put(hub, "ACME", {}, capabilities=("DROPSHIP",))
    order = SourceOrder(
        lines=[
            SourceLine(item="X", quantity=Quantity.of(2, "")),
            SourceLine(item="Z", quantity=Quantity.of(99, ""), is_dropship=True),
        ],
        request_id="o1",
    )

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    assert made.answer.decided.is_complete
    assert [one.node for one in made.answer.decided.drop_shipments] == ["ACME"]
    assert made.answer.decided.candidates[1].available == {"X": Quantity.from_micros(5_000_000)}
    assert made.reservation
    assert [(line.item, line.location) for line in made.reservation.lines] == [("X", "DC1")]
    assert str((await hub.availability("Z", "DC1")).available) == "5 EA"


async def test_what_is_drop_shipped_goes_to_the_supplier_who_says_that_he_has_it(
    hub: Hub, clock: VirtualClock
) -> None:
    await put(hub, "DC1", {"Z": 5})
    for number, (name, pieces) in enumerate((("ACME", 0), ("BOLTCO", 50))):
        await place(hub, LocationChanged(code=name, kind=LocationKind.SUPPLIER))
        await put(hub, name, {}, capabilities=("DROPSHIP",))
        said = SupplyCommitmentChanged(
            supply_id=f"846/{name}",
            kind=SupplyKind.VENDOR_STOCK,
            item="Z",
            location=name,
            open_quantity=Quantity.of(pieces),
            evidence=SupplyEvidence.SENT,
        )
        fact = Fact(
            identity=f"846:{name}", payload=said, occurred_at=clock.now(), version=number + 1
        )
        await hub.record([fact])
    await hub.settle()
    line = SourceLine(item="Z", quantity=Quantity.of(9, ""), is_dropship=True)

    made = await decided(hub, SourceOrder(lines=[line], request_id="o1"))

    assert [one.node for one in made.drop_shipments] == ["BOLTCO"]
    whys = {one.node: one.why for one in made.reasons}
    assert whys["BOLTCO"].endswith("it says that it has 45 of 9 Z (line 1) in time")
    assert whys["ACME"].endswith("it says that it has 0 of 9 Z (line 1) in time")
    shown = {one.node: one.advised for one in made.candidates}
    assert [str(one.quantity) for one in shown["BOLTCO"]["1"]] == ["45 EA"]
    assert shown["DC1"] == {}


async def asked_for_advice(
    hub: Hub, nodes: Sequence[Candidate], items: Sequence[str]
) -> list[tuple[str, str]]:
    """Give which suppliers are asked for which of these items."""
    found: list[tuple[str, str]] = []

    async def answers(questions: Sequence[Question]) -> Sequence[Atp]:
        found.extend((one.item, one.location) for one in questions)
        return await hub.supply.promise_dates(hub.scope, questions)

    lines = [
        Line(line_no=number, item=item, micros=1, is_dropship=True)
        for number, item in enumerate(items, start=1)
    ]
    order = Asked(order=Order(lines=tuple(lines)), units=dict.fromkeys(items, "EA"))
    await advised(answers, order, nodes, {})
    return found


async def test_suppliers_who_may_send_it_are_asked_for_advice_and_once_for_an_item(
    hub: Hub,
) -> None:
    await put(hub, "DC1", {"Z": 5})
    await place(hub, LocationChanged(code="ACME", kind=LocationKind.SUPPLIER))
    acme = Candidate(node="ACME", capabilities=("DROPSHIP",))
    others = (
        replace(acme, node="OLD", is_active=False),
        replace(acme, node="FAR", has_lane=False),
        replace(acme, node="NOT-HIS", serves_customer=False),
        Candidate(node="DC1"),
    )

    assert await asked_for_advice(hub, [acme, *others], ["Z", "Z"]) == [("Z", "ACME")]


async def test_an_order_is_not_refused_for_more_advice_than_can_be_asked(hub: Hub) -> None:
    node = Candidate(node="ACME", capabilities=("DROPSHIP",))
    nodes = [replace(node, node=f"S{number}") for number in range(101)]

    assert await asked_for_advice(hub, nodes, [f"X{number}" for number in range(100)]) == []


async def test_what_others_were_promised_is_not_given_again(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 5})
    await put(hub, "DC2", {"X": 3})
    await hub.reserve("X", "DC1", 4, request_id="r1")

    made = await decided(hub, asked(("X", 3)))

    assert [one.node for one in made.shipments] == ["DC2"]


async def test_one_node_more_than_are_weighed_is_refused_until_another_is_withdrawn(
    hub: Hub,
) -> None:
    await hub.put_stock("X", "DC1", 5)
    for number in range(NODES_MAX):
        await hub.sourcing.put_node(hub.scope, NodeFacts(node=f"N{number}"), by="test")

    with pytest.raises(Invalid, match="no more can be weighed") as refused:
        await put(hub, "DC1", {})
    assert refused.value.where == "/node"
    assert not (await decided(hub, asked(("X", 1)))).is_complete
    await hub.sourcing.put_node(hub.scope, NodeFacts(node="N7", load_percent=5), by="test")
    with pytest.raises(NotFound):
        await hub.sourcing.withdraw_node(hub.scope, "DC1", by="test")
    await hub.sourcing.withdraw_node(hub.scope, " n7 ", by="test")
    await put(hub, "DC1", {})

    assert (await decided(hub, asked(("X", 1)))).is_complete


async def test_nodes_that_are_put_together_are_no_more_than_can_be_weighed(hub: Hub) -> None:
    for number in range(NODES_MAX - 1):
        await hub.sourcing.put_node(hub.scope, NodeFacts(node=f"N{number}"), by="test")

    made = await asyncio.gather(
        *(hub.sourcing.put_node(hub.scope, NodeFacts(node=f"M{n}"), by="test") for n in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, Invalid) for one in made) == 4
    assert len(await hub.sourcing.stored_nodes(hub.scope)) == NODES_MAX


# A25: an order's own demand is no reason to find it short. What its order lines hold at DC1, what
# there is at DC1 and at DC2, and what each gives when the order line of 5 is planned again.
@pytest.mark.parametrize(
    ("ordered", "there", "others", "leaves"),
    [
        (5, 5, 0, {"DC1": 5}),
        (5, 20, 9, {"DC1": 5}),
        (3, 20, 0, {"DC1": 3}),  # of DC1 it may have what it ordered there
        (3, 20, 9, {"DC2": 5}),
        (5, 3, 9, {"DC2": 5}),
        (9, 9, 9, {"DC1": 5}),
    ],
)
async def test_a25_an_orders_own_demand_is_not_counted_against_it(
    hub: Hub, ordered: int, there: int, others: int, leaves: dict[str, int]
) -> None:
    await put(hub, "DC1", {"X": there})
    await put(hub, "DC2", {"X": others})
    await order_heard(hub, "O1/1", ordered)
    line = SourceLine(item="X", quantity=Quantity.of(5, ""), demand_ref="O1/1")
    order = SourceOrder(
        lines=[line], request_id="run", occasion=Occasion.BACKORDER_RUN, ship_to=GERMANY
    )

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    shipments = made.answer.decided.shipments
    assert {one.node: int(one.parts[0].quantity.value) for one in shipments} == leaves
    assert made.reservation
    assert made.reservation.is_granted
    other = await decided(hub, asked(("X", 60)))
    given = sum(int(one.parts[0].quantity.value) for one in other.shipments)
    assert given == max(0, there - ordered) + others - leaves.get("DC2", 0)


async def test_a_plan_is_promised_of_what_is_kept_for_its_orders_channel(hub: Hub) -> None:
    await put(hub, "DC1", {"SKU-1": 10})
    now = hub.clock.now()
    kept = AllocationProtection(
        item="SKU-1",
        location="DC1",
        channel="Key",
        minimum=8 * MICROS,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
    )
    await hub.allocation.rulebook.protect(hub.scope, kept, by="planner")
    order = replace(asked(("SKU-1", 8), request_id="K-1"), channel="Key")

    sourced = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    assert sourced.reservation is not None
    assert sourced.reservation.is_granted
    again = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    assert again.reservation is not None
    assert again.reservation.is_repeat


async def protect(
    hub: Hub, channel: str, *, least: int = 0, most: int | None = None, group: str = ""
) -> None:
    now = hub.clock.now()
    kept = AllocationProtection(
        item="X", location="DC1", channel=channel, group=group, minimum=least * MICROS,
        maximum=None if most is None else most * MICROS, starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
    )  # fmt: skip
    await hub.allocation.rulebook.protect(hub.scope, kept, by="planner")


@pytest.mark.parametrize(
    ("channel", "kept", "leaves", "says"),
    [
        ("web", (8, None), {"DC1": 2, "DC2": 6}, "what is kept for others leaves no more X"),
        ("web", (0, 3), {"DC1": 3, "DC2": 6}, "the channel's maximum allows no more X"),
        ("web", (10, None), {"DC2": 6}, "what is kept for others leaves no more X"),
        ("key", (8, 1), {"DC1": 9}, ""),
    ],
)
async def test_a_plan_is_made_of_what_maxima_and_minima_leave_its_channel(
    hub: Hub, channel: str, kept: tuple[int, int | None], leaves: dict[str, int], says: str
) -> None:
    least, most = kept
    await put(hub, "DC1", {"X": 10})
    await put(hub, "DC2", {"X": 6})
    if least:
        await protect(hub, "key", least=least)
    if most is not None:
        await protect(hub, "web", most=most)
    order = replace(asked(("X", 9), request_id="o1"), channel=channel, original="DC1")
    sourced = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    shipments = sourced.answer.decided.shipments
    assert {one.node: int(one.parts[0].quantity.value) for one in shipments} == leaves
    assert sourced.reservation
    assert sourced.reservation.is_granted
    [why] = [one.why for one in sourced.answer.decided.reasons if one.node == "DC1"]
    assert (says in why) if says else ("no more" not in why)


async def test_a_plan_gives_an_order_what_its_channel_may_have_of_its_own_claim(
    hub: Hub,
) -> None:
    await put(hub, "DC1", {"X": 10})
    await put(hub, "DC2", {"X": 10})
    await protect(hub, "key", least=7)
    await order_heard(hub, "O1/1", 5)
    line = SourceLine(item="X", quantity=Quantity.of(5, ""), demand_ref="O1/1")
    order = SourceOrder(lines=[line], request_id="run", channel="web", ship_to=GERMANY)
    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    shipments = made.answer.decided.shipments
    assert {one.node: int(one.parts[0].quantity.value) for one in shipments} == {"DC2": 5}


@pytest.mark.parametrize(
    ("customer", "is_bound", "leaves"),
    [
        ("metro", False, {"DC1": 9}),
        ("EDEKA", False, {"DC1": 2, "DC2": 6}),
        ("metro", True, {"DC1": 2, "DC2": 6}),
    ],
)
async def test_a_plan_is_made_and_held_of_what_is_kept_for_its_customers_group(
    hub: Hub, customer: str, is_bound: object, leaves: dict[str, int]
) -> None:
    await put(hub, "DC1", {"X": 10})
    await put(hub, "DC2", {"X": 6})
    group = AllocationGroup(name="key", customers=("METRO",))
    await hub.allocation.groups.put(hub.scope, group, by="planner")
    await protect(hub, "", least=8, group="key")
    order = replace(
        asked(("X", 9), request_id="o1"), channel="web", customer=customer, original="DC1",
        speaks_for_channel=bool(is_bound),
    )  # fmt: skip
    sourced = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    shipments = sourced.answer.decided.shipments
    assert {one.node: int(one.parts[0].quantity.value) for one in shipments} == leaves
    assert sourced.reservation
    assert sourced.reservation.is_granted


async def test_an_order_line_that_is_quoted_twice_is_refused(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 9})
    line = SourceLine(item="X", quantity=Quantity.of(1, ""), demand_ref="O1/1")

    with pytest.raises(Invalid) as refused:
        await decided(hub, SourceOrder(lines=[line, line]))

    assert refused.value.where == "/lines/1/demand_ref"


async def case_of(hub: Hub, item: str, pieces: int) -> None:
    case = ItemUnit(unit="CS", numerator=pieces)
    said = ItemChanged(sku=item, base_unit="EA", units=(case,))
    await hub.record([own_fact(said, hub.clock.now())], source=OWN_SOURCE)


async def test_a_retry_gets_the_first_promise_even_if_a_case_holds_less_by_now(
    hub: Hub, clock: VirtualClock
) -> None:
    await case_of(hub, "X", 12)
    await put(hub, "DC1", {"X": 30})
    cases = SourceLine(item="X", quantity=Quantity.of(2, "CS"))
    order = SourceOrder(lines=[cases], request_id="o1")
    first = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    await clock.advance(timedelta(days=3))
    await case_of(hub, "X", 10)

    again = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    assert again.answer.content == first.answer.content
    assert first.reservation
    assert again.reservation == first.reservation._replace(is_repeat=True)
    assert str((await hub.availability("X", "DC1")).available) == "6 EA"
    with pytest.raises(Conflict, match="other content"):
        other = replace(order, channel="WEB")
        await hub.order_sourcing.plan(hub.scope, "shop", other, reserve=True)


async def test_a_hub_that_died_between_plan_and_promise_promises_that_plan_when_asked_again(
    hub: Hub,
) -> None:
    await put(hub, "DC1", {"X": 9})
    await put(hub, "DC2", {"X": 9})
    order = asked(("X", 4), request_id="o1")
    dead = OrderSourcing(
        hub.clock,
        hub.catalog,
        Dead(),  # type: ignore[arg-type]  # a stand-in that has what is asked of it
        hub.sourcing,
        hub.supply,
        kits=hub.kit_stocks,
    )
    dead._inventory.availability = hub.inventory.availability  # type: ignore[method-assign]  # a stand-in for this one method
    dead._inventory.channel_shares = hub.inventory.channel_shares  # type: ignore[method-assign]  # a stand-in for this one method
    dead._inventory.packs = hub.inventory.packs  # type: ignore[method-assign]  # a stand-in for this one method
    with pytest.raises(ConnectionError):
        await dead.plan(hub.scope, "shop", order, reserve=True)

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    assert made.answer.is_repeat
    assert made.reservation
    assert [(line.location, line.granted) for line in made.reservation.lines] == [
        ("DC1", 4_000_000)
    ]
    again = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    assert again.reservation == made.reservation._replace(is_repeat=True)
    assert str((await hub.availability("X", "DC1")).available) == "5 EA"


class Dead:
    """Stands in for an inventory whose database is gone by the time of the promise."""

    async def reserve(self, *_: object) -> None:
        raise ConnectionError


@pytest.mark.parametrize("change", ["days", "cutoff", "withdrawn", "closed"])
async def test_a_plan_whose_goods_would_leave_on_another_day_is_not_promised(
    hub: Hub, clock: VirtualClock, change: str
) -> None:
    await put(hub, "DC1", {"X": 9}, cutoff="14:00")
    order = asked(("X", 4), request_id="o1")
    planned = await decided(hub, order)
    if change == "withdrawn":
        await hub.sourcing.withdraw_node(hub.scope, "DC1", by="test")
    elif change == "closed":
        await place(hub, LocationChanged(code="DC1", kind=LocationKind.SUPPLIER))
    else:
        await clock.advance(timedelta(days=3) if change == "days" else timedelta(hours=2))

    with pytest.raises(Conflict) as refused:
        await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    assert refused.value.code == "plan_out_of_date"
    assert str((await hub.availability("X", "DC1")).available) == "9 EA"
    assert await decided(hub, order) == planned


@pytest.mark.parametrize(
    ("kind", "can", "where"),
    [
        (LocationKind.SUPPLIER, ("SHIP",), "/capabilities"),
        (LocationKind.SUPPLIER, ("DROPSHIP", "SHIP"), "/capabilities"),
        (LocationKind.VIRTUAL_IN_TRANSIT, ("SHIP",), "/node"),
        (LocationKind.CUSTOMER, ("SHIP",), "/node"),
        (LocationKind.GROUP, ("SHIP",), "/node"),
    ],
)
async def test_what_lies_at_no_place_of_our_own_is_not_ours_to_send(
    hub: Hub, kind: LocationKind, can: tuple[str, ...], where: str
) -> None:
    await place(hub, LocationChanged(code="THERE", kind=kind))

    with pytest.raises(Invalid) as refused:
        await put(hub, "THERE", {}, capabilities=can)

    assert refused.value.where == where


async def test_stock_at_a_supplier_is_never_sent_whatever_the_filters(hub: Hub) -> None:
    await place(hub, LocationChanged(code="ACME", kind=LocationKind.SUPPLIER))
    await put(hub, "ACME", {"X": 5}, capabilities=("DROPSHIP",))
    await put(hub, "DC1", {"X": 5})
    await place(hub, LocationChanged(code="DC1", kind=LocationKind.SUPPLIER))
    await hub.sourcing.put_rules(hub.scope, Rules(filters=()), by="test")

    made = await decided(hub, asked(("X", 1)))

    assert made.shipments == ()
    assert {one.node: one.rule for one in made.reasons} == {
        "ACME": "CAPABILITY", "DC1": "CAPABILITY",
    }  # fmt: skip


async def test_a_node_that_the_catalogue_no_longer_knows_is_not_at_work(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 5})
    await hub.sourcing.put_node(hub.scope, NodeFacts(node="GONE"), by="test")

    made = await decided(hub, asked(("X", 9)))

    assert {one.node: one.rule for one in made.reasons} == {"DC1": "ONLY", "GONE": "ACTIVE"}


async def test_the_order_hears_its_decision_in_the_log(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 5})
    await hub.sourcing.put_rules(hub.scope, Rules(max_shipments=1), by="test")
    made = await decided(hub, asked(("X", 1), request_id="order-7"))

    async with hub.database.transaction(hub.scope) as tx:
        rows = await tx.fetch(
            "select type, correlation_id, occurred_at from event_log"
            " where tenant = 'main' and key = $1",
            made.decision_id,
        )

    assert [tuple(row) for row in rows] == [("sourcing.decided.v1", "order-7", NOON)]


async def coming(hub: Hub, location: str, pieces: int, eta: date) -> None:
    said = SupplyCommitmentChanged(
        supply_id=f"po:{location}",
        kind=SupplyKind.TRANSFER,
        item="X",
        location=location,
        open_quantity=Quantity.of(pieces),
        evidence=SupplyEvidence.SHIPPED,
        eta=eta,
    )
    fact = Fact(identity=f"po:{location}:1", payload=said, occurred_at=hub.clock.now(), version=1)
    await hub.record([fact])


async def test_supply_that_makes_the_date_serves_an_order_and_is_not_reserved(hub: Hub) -> None:
    today = NOON.date()
    lanes = (Lane(country="DE", transit_days=1, runs_on=EVERY_DAY),)
    every_day = PlacedRule(item=ALL, location=ALL, rule=AtpRule(weekdays="1234567"))
    await hub.supply.put_rule(hub.scope, every_day, by="test")
    await put(hub, "DC1", {"X": 3}, lanes=lanes)
    await put(hub, "DC2", {"X": 3}, lanes=lanes)
    await coming(hub, "DC1", 20, today + timedelta(days=2))
    await coming(hub, "DC2", 20, today + timedelta(days=9))

    needed = today + timedelta(days=4)
    order = asked(("X", 10), needed_by=needed, request_id="o1")
    made = await decided(hub, order)

    [shipment] = made.shipments
    [part] = shipment.parts
    assert (shipment.node, str(part.quantity)) == ("DC1", "10 EA")
    assert part.supply_on == today + timedelta(days=2)
    assert part.due_on == today + timedelta(days=3)
    assert f"from supply due on {part.supply_on}" in made.reasons[0].why
    with pytest.raises(Conflict, match="still to come") as caught:
        await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    assert caught.value.code == "plan_needs_supply"
    assert "new request id" in caught.value.hint
    undated = await decided(hub, asked(("X", 10)))
    assert [str(one.quantity) for one in undated.waiting] == ["4 EA"]
    whole = await decided(hub, replace(asked(("X", 24)), policy=Policy.COMPLETE_ORDER))
    assert {p.due_on for one in whole.shipments for p in one.parts} == {today + timedelta(days=3)}


async def supplied_nodes(hub: Hub) -> SourceOrder:
    """Put 5 at DC1 and 5 more in time, 6 at DC2 and 4 at DC3; ask for 10."""
    today = NOON.date()
    lanes = (Lane(country="DE", transit_days=1, runs_on=EVERY_DAY),)
    for node, pieces in (("DC1", 5), ("DC2", 6), ("DC3", 4)):
        await put(hub, node, {"X": pieces}, lanes=lanes)
    await coming(hub, "DC1", 5, today + timedelta(days=2))
    return asked(("X", 10), needed_by=today + timedelta(days=9), request_id="o1")


async def test_a_plan_to_be_reserved_is_made_of_stock_alone(hub: Hub) -> None:
    order = await supplied_nodes(hub)
    one = await decided(hub, replace(order, request_id=""))
    assert [shipment.node for shipment in one.shipments] == ["DC1"]

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    again = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    shipments = made.answer.decided.shipments
    parts = [part for shipment in shipments for part in shipment.parts]
    assert len(shipments) == 2
    assert sum(part.quantity.micros for part in parts) == 10 * MICROS
    assert not any(part.supply_on for part in parts)
    assert made.reservation is not None
    assert made.reservation.is_granted
    assert again.answer.content == made.answer.content
    assert again.reservation is not None
    assert again.reservation.reservation_id == made.reservation.reservation_id


async def test_a_plan_to_be_reserved_does_not_wait_for_what_is_to_come(hub: Hub) -> None:
    order = await supplied_nodes(hub)
    line = replace(order.lines[0], quantity=Quantity.of(16, ""))
    whole = replace(order, lines=[line], policy=Policy.COMPLETE_ORDER)
    later = await decided(hub, replace(whole, request_id=""))
    assert any(part.supply_on for one in later.shipments for part in one.parts)

    made = await hub.order_sourcing.plan(hub.scope, "shop", whole, reserve=True)
    assert (made.answer.decided.shipments, made.reservation) == ((), None)


async def test_an_order_line_that_stock_does_not_cover_gets_of_supply_what_it_has_open(
    hub: Hub,
) -> None:
    await put(hub, "DC1", {"X": 3}, lanes=(Lane(country="DE", runs_on=EVERY_DAY),))
    await order_heard(hub, "O1/1", 5)
    await coming(hub, "DC1", 20, NOON.date() + timedelta(days=2))
    needed = NOON.date() + timedelta(days=9)
    line = SourceLine(item="X", quantity=Quantity.of(8, ""), needed_by=needed, demand_ref="O1/1")

    made = await decided(hub, SourceOrder(lines=[line], ship_to=GERMANY))

    assert [str(p.quantity) for one in made.shipments for p in one.parts] == ["5 EA"]


async def shelved_nodes(hub: Hub) -> None:
    """Put 5 of X at DC1, good for 11 days, and 5 at DC2, good for 40; both are 2 days away."""
    lanes = (Lane(country="DE", transit_days=2, runs_on=EVERY_DAY),)
    await put(hub, "DC1", {"X": 5}, lanes=lanes)
    await put(hub, "DC2", {"X": 5}, lanes=lanes)
    counts = [CountedStock(item="X", quantity=Quantity.of(5), lot=f"L{n}") for n in (1, 2)]
    for number, count in enumerate(counts, 1):
        taken = StockSnapshotTaken(
            snapshot_id=f"c{number}", location=f"DC{number}", lines=(count,)
        )
        lot = LotChanged(
            item="X",
            lot=f"L{number}",
            expires_on=NOON.date() + timedelta(days=11 if number == 1 else 40),
        )
        for name, said in ((f"count:{number}", taken), (f"lot:{number}", lot)):
            await hub.record(
                [Fact(identity=name, payload=said, occurred_at=hub.clock.now(), version=1)]
            )


async def test_goods_that_would_not_keep_as_long_as_a_ship_to_asks_do_not_serve_it(
    hub: Hub,
) -> None:
    await shelved_nodes(hub)
    line = SourceLine(item="X", quantity=Quantity.of(8, ""), life_days=10)

    made = await decided(hub, SourceOrder(lines=[line], ship_to=GERMANY))

    assert [(one.node, str(one.parts[0].quantity)) for one in made.shipments] == [("DC2", "5 EA")]
    [old] = [one for one in made.reasons if one.node == "DC1"]
    assert (old.rule, old.verdict) == ("SHELF_LIFE", "BARRED")
    assert "10 days at delivery" in old.why


@pytest.mark.parametrize("who", [{"channel": "web"}, {"customer": "Metro"}])
async def test_goods_too_old_for_a_rule_of_lives_do_not_serve_whom_it_names_in_any_case(
    hub: Hub, who: dict[str, str]
) -> None:
    await shelved_nodes(hub)
    rule = AtpRule(lives=(LifeTerms(days=10, **who),))  # type: ignore[arg-type]  # fields by name
    await hub.supply.put_rule(hub.scope, PlacedRule(rule=rule), by="test")
    line = SourceLine(item="X", quantity=Quantity.of(8, ""))
    order = SourceOrder(lines=[line], ship_to=GERMANY, **who)  # type: ignore[arg-type]  # fields by name

    made = await decided(hub, order)

    assert [(one.node, str(one.parts[0].quantity)) for one in made.shipments] == [("DC2", "5 EA")]


async def test_a_decision_is_found_by_its_order_and_by_its_lines(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 9})
    lines = [
        SourceLine(item="X", quantity=Quantity.of(1, ""), demand_ref=ref)
        for ref in ("web:1/1", "sale.line,4")
    ]
    made = await decided(hub, SourceOrder(lines=lines, ship_to=GERMANY, request_id="once"))

    for name in ("web:1", "web:1/1", "sale.line,4"):
        [(found, at)] = await hub.sourcing.decisions_of(hub.scope, [name])
        assert (found, at) == (made.decision_id, made.decided_at)
    assert await hub.sourcing.decisions_of(hub.scope, ["web:10", "web"]) == []


@pytest.mark.parametrize("named", ["METRO", "gid/9"])
@pytest.mark.parametrize("customer", [" metro", "Gid/9"])
async def test_a_customer_is_served_as_he_is_whatever_rules_and_orders_call_him(
    hub: Hub, named: str, customer: str
) -> None:
    metro = own_fact(PartyChanged(code="METRO"), hub.clock.now())
    await hub.record([metro], source=OWN_SOURCE)
    await hub.settle()
    await hub.catalog.link(hub.scope, "shop", Reference.party("gid/9"), "METRO", by="jo")
    await put(hub, "DC1", {"X": 10}, barred_customers=(named,))
    await put(hub, "DC2", {"X": 2}, customers=(named,))
    await put(hub, "DC3", {"X": 10}, customers=("EDEKA",))
    rules = Rules(max_shipments=1)
    await hub.sourcing.put_rules(hub.scope, rules, by="jo", holds_for=f"customer:{named}")

    made = await decided(hub, replace(asked(("X", 4)), customer=customer))

    assert (made.customer, made.rules.scope) == ("METRO", f"customer:{named.upper()}")
    assert [(one.node, str(one.parts[0].quantity)) for one in made.shipments] == [("DC2", "2 EA")]


async def test_a_service_beside_goods_limits_no_node_and_is_not_reserved(hub: Hub) -> None:
    service = Fact(identity="S", payload=ItemChanged(sku="S"), occurred_at=NOON)
    await hub.record([service], source="erp")
    lane = Lane(country="DE", transit_days=1, runs_on=EVERY_DAY)
    await put(hub, "DC1", {"X": 5}, lanes=(lane,))
    said = PlacedRule(item="S", rule=AtpRule(mode=AtpMode.INFINITE))
    await hub.supply.put_rule(hub.scope, said, by="test")
    order = asked(("X", 2), ("S", 700), request_id="o1")

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    short = await decided(hub, asked(("X", 9), ("S", 700)))

    decision = made.answer.decided
    parts = [(part.item, str(part.quantity)) for one in decision.shipments for part in one.parts]
    assert sorted(parts) == [("S", "700 EA"), ("X", "2 EA")]
    assert decision.is_complete
    assert made.reservation is not None
    assert made.reservation.is_granted
    assert [line.item for line in made.reservation.lines] == ["X"]
    assert [(one.item, str(one.quantity)) for one in short.waiting] == [("X", "6 EA")]


@pytest.mark.parametrize(("life_days", "shipped"), [(29, 1), (30, 0)])
async def test_goods_that_leave_later_keep_for_as_long_as_they_are_then_on_the_way(
    hub: Hub, life_days: int, shipped: int
) -> None:
    """From today they are a day on the way; from Friday, when they can leave, three."""
    monday = NOON.date()
    await put(hub, "DC1", {"X": 0}, lanes=(Lane(country="DE", transit_days=1),))
    rule = AtpRule(receipt_life_days=33, dock_to_stock_days=1)
    await hub.supply.put_rule(hub.scope, PlacedRule(item="X", rule=rule), by="test")
    await coming(hub, "DC1", 10, monday + timedelta(days=3))
    needed = monday + timedelta(days=8)
    line = SourceLine(item="X", quantity=Quantity.of(5, ""), life_days=life_days, needed_by=needed)

    made = await decided(hub, SourceOrder(lines=[line], ship_to=GERMANY))

    assert len(made.shipments) == shipped
