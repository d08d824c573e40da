"""Choosing warehouses across catalogue, stock and rules: a whole hub, on a clock of the test."""

import asyncio
from collections.abc import Mapping
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.sourcing import NODES_MAX, Decided, Lane, NodeFacts, Rules, ShipTo
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.settings import Settings
from crossdock.orchestration.order_sourcing import SourceLine, SourceOrder
from tests.conftest import NOON

GERMANY = ShipTo(country="DE", postal_code="80331")
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@pytest.fixture
async def hub(database: Database, dsn: str, clock: VirtualClock, tmp_path: Path) -> Hub:
    settings = Settings(tenant="main", data_dir=tmp_path)
    made = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
    await made._register()
    return made


async def put(hub: Hub, node: str, stock: Mapping[str, int], **facts: object) -> None:
    for item, quantity in stock.items():
        await hub.put_stock(item, node, quantity)
    fields: dict[str, object] = {"node": node, "working_days": EVERY_DAY} | facts
    made = NodeFacts(**fields)  # type: ignore[arg-type]
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
    await put(hub, "DC1", {"X": 5}, cutoff=time(14), lanes=(lane,))
    monday = date(2026, 5, 4)  # noon UTC, 14:00 in Berlin, 8:00 in New York

    made = await decided(hub, asked(("X", 1)))
    in_time = await decided(hub, asked(("X", 1), needed_by=monday + timedelta(days=1)))

    [shipment] = made.shipments
    assert shipment.ships_on == date.fromisoformat(leaves)
    assert in_time.is_complete == (shipment.ships_on == monday)
    assert in_time.reasons[0].rule == ("ONLY" if in_time.is_complete else "CUTOFF")


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


async def test_what_others_were_promised_is_not_given_again(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 5})
    await put(hub, "DC2", {"X": 3})
    await hub.reserve("X", "DC1", 4, request_id="r1")

    made = await decided(hub, asked(("X", 3)))

    assert [one.node for one in made.shipments] == ["DC2"]


async def test_more_nodes_than_are_weighed_is_an_error_and_no_guess(hub: Hub) -> None:
    await hub.put_stock("X", "DC1", 5)
    for number in range(NODES_MAX + 1):
        await hub.sourcing.put_node(hub.scope, NodeFacts(node=f"N{number}"), by="test")

    with pytest.raises(Invalid, match=f"more than {NODES_MAX} nodes"):
        await decided(hub, asked(("X", 1)))


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
