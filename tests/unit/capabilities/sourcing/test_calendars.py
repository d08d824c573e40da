"""Cut-offs, working days and lanes: when goods leave a node, and when they are there."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from crossdock.canonical.calendars import Calendar
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.sourcing.calendars import (
    Destination,
    Place,
    Stock,
    arrives_on,
    candidate_of,
    lane_to,
    ships_on,
    zone_of,
)
from crossdock.capabilities.sourcing.kits import KitAt
from crossdock.capabilities.sourcing.model import Lane, Line, NodeFacts, ShipTo

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = Calendar(frozenset(range(1, 6)))
TWO = Calendar(frozenset(range(1, 6)), cutoff=time(14))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("left", "days", "runs_on", "arrives"),
    [
        ("2026-05-04", 0, (1, 2, 3, 4, 5), "2026-05-04"),
        ("2026-05-09", 0, (1, 2, 3, 4, 5), "2026-05-11"),  # leaves on a Saturday
        ("2026-05-04", 2, (1, 2, 3, 4, 5), "2026-05-06"),
        ("2026-05-07", 2, (1, 2, 3, 4, 5), "2026-05-11"),
        ("2026-05-07", 2, (1, 2, 3, 4, 5, 6), "2026-05-09"),
        ("2026-05-04", 2, (3,), "2026-05-13"),
    ],
)
def test_transit_is_counted_in_the_days_that_a_lane_runs(
    left: str, days: int, runs_on: tuple[int, ...], arrives: str
) -> None:
    lane = Lane(transit_days=days, runs_on=runs_on)

    assert arrives_on(date.fromisoformat(left), lane) == date.fromisoformat(arrives)


def test_a_node_that_never_works_never_ships() -> None:
    start = date(2026, 1, 1)
    never = Calendar(holidays={start + timedelta(days=n) for n in range(600)})

    assert ships_on(local("2026-05-04T08:00:00"), TWO, BERLIN) == date(2026, 5, 4)
    assert ships_on(local("2026-05-04T08:00:00"), never, BERLIN) is None


def test_a_node_whose_last_day_for_a_year_is_over_does_not_ship() -> None:
    wednesday = date(2026, 5, 6)
    closed = {wednesday + timedelta(weeks=n) for n in range(1, 60)}
    calendar = Calendar(frozenset({3}), closed, time(14))

    assert ships_on(local("2026-05-06T13:59:59"), calendar, BERLIN) == wednesday
    assert ships_on(local("2026-05-06T14:00:00"), calendar, BERLIN) is None


LANES = (
    Lane(transit_days=5),
    Lane(country="DE", transit_days=3),
    Lane(country="DE", region="BY", transit_days=2),
    Lane(country="DE", postal_prefix="8", transit_days=1),
    Lane(country="DE", postal_prefix="80", transit_days=0),
    Lane(country="GB", postal_prefix="SW1A", transit_days=4),
)


@pytest.mark.parametrize(
    ("to", "days"),
    [
        (ShipTo(country="de", region="by", postal_code="80331"), 0),
        (ShipTo(country="DE", region="BY", postal_code="89073"), 1),
        (ShipTo(country="DE", region="BY", postal_code="97070"), 2),
        (ShipTo(country="DE"), 3),
        (ShipTo(country="AT", postal_code="8010"), 5),
        (ShipTo(country="GB", postal_code="sw1a 1aa"), 4),
        (ShipTo(), 5),
    ],
)
def test_the_lane_that_names_the_place_most_closely_is_taken(to: ShipTo, days: int) -> None:
    facts = NodeFacts(node="DC1", lanes=LANES)
    turned = NodeFacts(node="DC1", lanes=LANES[::-1])

    for one in (facts, turned):
        lane = lane_to(one, to)
        assert lane
        assert lane.transit_days == days


def test_a_node_is_worked_out_for_the_moment_of_the_question() -> None:
    lane = Lane(country="DE", transit_days=2, cost=5, distance_km=70)
    facts = NodeFacts(node="DC1", lanes=(lane,), load_percent=40)
    place = Place(is_active=True, timezone="Europe/Berlin", calendar=TWO)
    now = local("2026-05-04T15:00:00")

    near = candidate_of(
        facts,
        place,
        Stock({"Y": None, "X": 3}, is_stale=True),
        Destination(ShipTo(country="DE")),
        now,
    )
    far = candidate_of(facts, place, Stock({}), Destination(ShipTo(country="AT")), now)

    assert (near.ships_on, near.arrives_on) == (date(2026, 5, 5), date(2026, 5, 7))
    assert (near.has_lane, near.cost, near.distance_km, near.load_percent) == (True, 5, 70, 40)
    assert list(near.available.items()) == [("X", 3), ("Y", None)]
    assert (near.is_stale, far.is_stale) == (True, False)
    assert (far.has_lane, far.arrives_on, far.cost, far.distance_km) == (False, None, None, None)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "", "Nowhere/Land", "../etc", "a\0b"])
def test_without_lanes_or_a_zone_nobody_knows_when_goods_arrive(zone: str) -> None:
    facts = NodeFacts(node="DC1")
    made = candidate_of(
        facts,
        Place(is_active=True, timezone=zone, calendar=WEEK),
        Stock({}),
        Destination(ShipTo()),
        local("2026-05-04T15:00:00"),
    )

    assert (made.has_lane, made.arrives_on) == (True, None)
    assert (made.ships_on is not None) == (zone == "Europe/Berlin")


def test_a_time_zone_that_is_none_is_refused() -> None:
    assert zone_of("UTC").key == "UTC"
    with pytest.raises(Invalid, match="no time zone"):
        zone_of("Nowhere/Land")


@pytest.mark.parametrize(
    ("facts", "customer", "serves"),
    [
        ({}, "", True),
        ({}, "C1", True),
        ({"customers": ("C1",)}, "C1", True),
        ({"customers": ("C2",)}, "C1", False),
        ({"customers": ("C2",)}, "", False),
        ({"barred_customers": ("C1",)}, "C1", False),
        ({"barred_customers": ("C1",)}, "C2", True),
        ({"customers": ("C1",), "barred_customers": ("C1",)}, "C1", False),
    ],
)
def test_whom_a_node_serves_is_told_without_its_list_of_customers(
    facts: dict[str, tuple[str, ...]], customer: str, *, serves: bool
) -> None:
    said = NodeFacts(node="DC1", **facts)  # type: ignore[arg-type]  # fields by name, as the case has them
    place = Place(is_active=True, timezone="UTC", calendar=WEEK)

    made = candidate_of(
        said, place, Stock({}), Destination(ShipTo(), customer), local("2026-05-04T15:00:00")
    )

    assert made.serves_customer is serves


def test_a_supplier_is_asked_for_nothing_but_what_it_drop_ships() -> None:
    facts = NodeFacts(node="ACME", capabilities=("DROPSHIP", "SHIP"))
    place = Place(is_active=True, timezone="UTC", calendar=WEEK, is_supplier=True)

    made = candidate_of(
        facts, place, Stock({}), Destination(ShipTo()), local("2026-05-04T15:00:00")
    )

    assert made.capabilities == ("DROPSHIP",)


def test_a_stock_has_of_a_kit_what_can_be_put_together_with_it() -> None:
    there = KitAt(item="P", parts=(("X", (("P", 2),)),), has={"P": 1_000_000, "X": 10})
    line = Line(line_no=1, item="P", micros=9)

    assert Stock({"P": 1}).has(line) == 1
    assert Stock({"P": 1}, own={1: 4}).has(line) == 4
    assert Stock({"P": None}).has(line) == 0
    assert Stock({"P": 1}, kits={1: there}).has(line) == 6_000_000
