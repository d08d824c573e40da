"""What is said of a node: its checks, and one spelling for what is compared. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS, plain
from crossdock.canonical.sourcing import SourcingLane, SourcingNodeChanged
from crossdock.capabilities.sourcing.model import (
    MICROS_MAX,
    TRANSIT_DAYS_MAX,
    ZERO_OR_MORE,
    Lane,
    NodeFacts,
    comparable,
)


class NodeRecord(Protocol):
    """A version of a node's facts."""

    @property
    def facts(self) -> NodeFacts: ...

    @property
    def version(self) -> int: ...

    @property
    def put_by(self) -> str: ...


def check_node(facts: NodeFacts) -> None:
    """Refuse facts that could not be meant: days of a lane that are none, the same lane twice."""
    if not facts.node:
        raise Invalid("a node has a name", where="/node")
    if not 0 <= facts.load_percent <= 1000:  # noqa: PLR2004 - said in the refusal
        raise Invalid("a load is 0 to 1000 percent", where="/load_percent")
    names: set[tuple[str, str, str]] = set()
    for number, lane in enumerate(facts.lanes):
        _check_lane(lane, f"/lanes/{number}")
        if lane.name in names:
            raise Invalid("this lane is there twice", where=f"/lanes/{number}", hint="keep one")
        names.add(lane.name)


def tidy(facts: NodeFacts) -> NodeFacts:
    """Write what is compared in one spelling, sorted, so that equal facts are equal."""
    lanes = tuple(
        replace(
            lane,
            country=comparable(lane.country),
            region=comparable(lane.region),
            postal_prefix=postal(lane.postal_prefix),
            runs_on=tuple(sorted(set(lane.runs_on))),
        )
        for lane in facts.lanes
    )
    return replace(
        facts,
        node=comparable(facts.node),
        capabilities=_codes(facts.capabilities),
        hazmat=_codes(facts.hazmat),
        customers=_codes(facts.customers),
        barred_customers=_codes(facts.barred_customers),
        lanes=lanes,
    )


def node_changed(made: NodeRecord) -> SourcingNodeChanged:
    """Word a node's version for the log; money of a lane in units, not in micros."""
    facts = made.facts
    return SourcingNodeChanged(
        node=facts.node,
        version=made.version,
        changed_by=made.put_by,
        is_withdrawn=False,
        capabilities=facts.capabilities,
        hazmat=facts.hazmat,
        customers=facts.customers,
        barred_customers=facts.barred_customers,
        lanes=tuple(
            SourcingLane(
                country=lane.country,
                region=lane.region,
                postal_prefix=lane.postal_prefix,
                transit_days=lane.transit_days,
                runs_on=lane.runs_on,
                cost=_units(lane.cost),
                distance_km=lane.distance_km,
            )
            for lane in facts.lanes
        ),
        load_percent=facts.load_percent,
    )


def _units(micros: int | None) -> Decimal | None:
    return None if micros is None else Decimal(plain(Decimal(micros) / MICROS))


def postal(code: str) -> str:
    """Write a postal code without blanks: `SW1A 1AA` and `sw1a1aa` are one."""
    return "".join(comparable(code).split())


def _check_lane(lane: Lane, where: str) -> None:
    if not 0 <= lane.transit_days <= TRANSIT_DAYS_MAX:
        reason = f"transit takes 0 to {TRANSIT_DAYS_MAX} days"
        raise Invalid(reason, where=f"{where}/transit_days")
    if not lane.runs_on:
        raise Invalid("a lane runs on one day a week at least", where=f"{where}/runs_on")
    _check_days(lane.runs_on, f"{where}/runs_on")
    for name, value in (("cost", lane.cost), ("distance_km", lane.distance_km)):
        if value is not None and not 0 <= value < MICROS_MAX:
            raise Invalid(f"this is {ZERO_OR_MORE}", where=f"{where}/{name}")


def _codes(said: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({comparable(code) for code in said} - {""}))


def _check_days(days: tuple[int, ...], where: str) -> None:
    for number, day in enumerate(days):
        if not 1 <= day <= 7:  # noqa: PLR2004 - a week
            raise Invalid("a weekday is 1 (Monday) to 7 (Sunday)", where=f"{where}/{number}")
