"""When goods leave a node and when they arrive: its calendar and its lanes (§1.3, §3.5). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from crossdock.canonical.calendars import DAY, Calendar
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.sourcing.kits import Arrival, KitAt
from crossdock.capabilities.sourcing.model import (
    DROPSHIP,
    MICROS_MAX,
    Candidate,
    Keeps,
    Lane,
    Line,
    NodeFacts,
    ShipTo,
    comparable,
)
from crossdock.capabilities.sourcing.nodes import postal

Name = TypeVar("Name", int, str)


@dataclass(frozen=True, slots=True)
class Place:
    """What others know of a node: whether it is at work, its time zone, calendar, whose it is."""

    is_active: bool
    timezone: str
    calendar: Calendar
    is_supplier: bool = False


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order goes, and to whom ("": nobody is named), by all names that he is known by."""

    ship_to: ShipTo
    customer: str = ""
    known_as: tuple[str, ...] = ()


def zone_of(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name; one that nobody knows is `Invalid`."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise Invalid(
            f"{name!r} is no time zone",
            where="/timezone",
            hint="say an IANA name with the location: Europe/Berlin",
        ) from None


def ships_on(now: datetime, calendar: Calendar, zone: ZoneInfo) -> date | None:
    """Tell the day on which goods ordered `now` leave; None if there is none within a year."""
    day = calendar.first_open_day(now.astimezone(zone))
    return None if calendar.is_starved(day) else calendar.next_working_day(day)


def arrives_on(left: date, lane: Lane) -> date:
    """Count the transit in the days that the lane runs; no days is the first on which it does."""
    day, days = left, lane.transit_days
    while not days and day.isoweekday() not in lane.runs_on:
        day += DAY
    while days:
        day += DAY
        days -= day.isoweekday() in lane.runs_on
    return day


def lane_to(facts: NodeFacts, to: ShipTo) -> Lane | None:
    """Find the lane that names the ship-to most closely: by postal prefix, region, country."""
    country, region, code = comparable(to.country), comparable(to.region), postal(to.postal_code)
    fitting = [
        lane
        for lane in facts.lanes
        if lane.country in {"", country}
        and lane.region in {"", region}
        and code.startswith(lane.postal_prefix)
    ]
    return max(fitting, key=_closeness, default=None)


def _closeness(lane: Lane) -> tuple[int, bool, bool, tuple[str, str, str]]:
    return (len(lane.postal_prefix), bool(lane.region), bool(lane.country), lane.name)


@dataclass(frozen=True, slots=True)
class Stock:
    """What a node can fulfil now by item (None: nobody ever said), and whether that is stale.

    `own` is by line number what it has for a line whose own order counts there already; `limited`
    by item what keeps the order's channel from more. `supply` is by line number what it has in
    all by which day, `keeps` what lies there that keeps long enough. `advised` is by number of a
    drop-shipped line what the supplier says that he has in all by which day. `kits` is by line
    number what there is of a kit and goes into it, `coming` of each of these items by which day.
    """

    available: Mapping[str, int | None]
    own: Mapping[int, int] = field(default_factory=dict[int, int])
    limited: Mapping[str, str] = field(default_factory=dict[str, str])
    is_stale: bool = False
    supply: Mapping[int, Sequence[tuple[date, int]]] = field(
        default_factory=dict[int, Sequence[tuple[date, int]]]
    )
    keeps: Mapping[int, Keeps] = field(default_factory=dict[int, Keeps])
    advised: Mapping[int, Sequence[tuple[date, int]]] = field(
        default_factory=dict[int, Sequence[tuple[date, int]]]
    )
    kits: Mapping[int, KitAt] = field(default_factory=dict[int, KitAt])
    coming: Mapping[int, Mapping[str, Sequence[tuple[date, int]]]] = field(
        default_factory=dict[int, Mapping[str, Sequence[tuple[date, int]]]]
    )
    unlimited: frozenset[str] = frozenset()
    by_lead_time: frozenset[str] = frozenset()

    def has(self, line: Line) -> int:
        """Say what lies there for a line: of a kit, what can be put together with it."""
        if kit := self.kits.get(line.line_no):
            return kit.room(MICROS_MAX)
        return self.own.get(line.line_no, self.available.get(line.item)) or 0


def candidate_of(
    facts: NodeFacts, place: Place, stock: Stock, to: Destination, now: datetime
) -> Candidate:
    """Work out what a node is worth to a question asked `now`.

    Nobody knows when its goods arrive if it has no lanes, never works, or stands in no zone.
    """
    lane = lane_to(facts, to.ship_to)
    left = leaves_on(place, now)
    can = facts.capabilities

    def arrivals(
        said: Mapping[Name, Sequence[tuple[date, int]]],
    ) -> dict[Name, tuple[Arrival, ...]]:
        return {
            name: tuple(_arrivals(place.calendar, steps, left, lane))
            for name, steps in sorted(said.items())
        }

    return Candidate(
        node=facts.node,
        available=dict(sorted(stock.available.items())),
        own=dict(sorted(stock.own.items())),
        limited=dict(sorted(stock.limited.items())),
        supply=arrivals(stock.supply),
        advised=arrivals(stock.advised),
        keeps=dict(sorted(stock.keeps.items())),
        kits={
            line: replace(kit, coming=arrivals(stock.coming.get(line, {})))
            for line, kit in sorted(stock.kits.items())
        },
        unlimited=stock.unlimited,
        by_lead_time=stock.by_lead_time,
        is_stale=stock.is_stale,
        is_active=place.is_active,
        capabilities=tuple(one for one in can if one == DROPSHIP or not place.is_supplier),
        hazmat=facts.hazmat,
        serves_customer=_serves(facts, {to.customer, *to.known_as} - {""}),
        has_lane=lane is not None or not facts.lanes,
        ships_on=left,
        arrives_on=arrives_on(left, lane) if left and lane else None,
        days_at_most=_days_at_most(place.calendar, left, lane) if left and lane else 0,
        cost=lane.cost if lane else None,
        distance_km=lane.distance_km if lane else None,
        load_percent=facts.load_percent,
    )


def _arrivals(
    calendar: Calendar, steps: Sequence[tuple[date, int]], left: date | None, lane: Lane | None
) -> Iterator[Arrival]:
    """Have supply leave on the first day that the node works from the day on that it is due."""
    for day, micros in steps:
        due = max(day, left) if left else day
        if left is None or calendar.is_starved(due):
            continue
        leaves = calendar.next_working_day(due)
        there = arrives_on(leaves, lane) if lane else None
        yield Arrival(ships_on=leaves, arrives_on=there, micros=micros)


def _days_at_most(calendar: Calendar, left: date, lane: Lane) -> int:
    """Count the days that goods are on the way at most, of those that leave in the next week."""
    days = (left + DAY * more for more in range(7))
    leaving = {calendar.next_working_day(day) for day in days if not calendar.is_starved(day)}
    return max(((arrives_on(day, lane) - day).days for day in leaving), default=0)


def days_on_the_way(node: Candidate) -> int | None:
    """Count the days from leaving to arriving; None if nobody knows."""
    if node.ships_on is None or node.arrives_on is None:
        return None
    return (node.arrives_on - node.ships_on).days


def _serves(facts: NodeFacts, names: set[str]) -> bool:
    is_stranger = bool(facts.customers) and names.isdisjoint(facts.customers)
    return not is_stranger and names.isdisjoint(facts.barred_customers)


def leaves_on(place: Place, now: datetime) -> date | None:
    """Tell the day on which goods ordered `now` leave a place; None if nobody knows."""
    try:
        return ships_on(now, place.calendar, zone_of(place.timezone))
    except Invalid:
        return None
