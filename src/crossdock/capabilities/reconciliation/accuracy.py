"""How right stock records are, by what was counted: three figures that no other replaces. Pure.

Keys within tolerance of keys counted; the net variance, in which a gain hides a loss; and how
many units were where the book said (§6.3). Amounts of two units are never added.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS, plain, round_half_up
from crossdock.capabilities.reconciliation.model import ItemClass

HUNDREDTH = Decimal("0.01")


class CountSums(NamedTuple):
    """What was counted of a class at a location in a base unit; amounts in its micros."""

    location: str
    of: str
    unit: str
    counted: int
    within: int
    booked: int
    found: int
    absolute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """`within` of the `counted` keys were within tolerance of the book.

    `net_variance` is what was found less what was booked, `absolute_variance` the sum of what
    each key was off by, in `unit`. Percents are of what was booked, `units_percent` is the share
    of units that were right; null where nothing was counted, or nothing booked. Where what was
    counted is of more units than one, `unit` is "" and all amounts and their percents are null.
    """

    counted: int
    within: int
    within_percent: Decimal | None
    unit: str
    booked: Decimal | None
    net_variance: Decimal | None
    net_percent: Decimal | None
    absolute_variance: Decimal | None
    units_percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyReport:
    """Counts of `since` up to `until`: all together, by class, by location and by base unit."""

    since: datetime
    until: datetime
    total: Accuracy
    classes: Mapping[str, Accuracy]
    locations: Mapping[str, Accuracy]
    units: Mapping[str, Accuracy]


def accuracy_of(sums: Iterable[CountSums]) -> Accuracy:
    """Add up what was counted; differences of two keys never offset each other in the last."""
    found = list(sums)
    units = {one.unit for one in found}
    is_mixed = len(units) > 1
    counted = sum(one.counted for one in found)
    within = sum(one.within for one in found)
    booked = sum(one.booked for one in found)
    net = sum(one.found - one.booked for one in found)
    absolute = sum(one.absolute for one in found)
    return Accuracy(
        counted=counted,
        within=within,
        within_percent=_percent(within, counted),
        unit="" if is_mixed else next(iter(units), ""),
        booked=None if is_mixed else _units(booked),
        net_variance=None if is_mixed else _units(net),
        net_percent=None if is_mixed else _percent(net, booked),
        absolute_variance=None if is_mixed else _units(absolute),
        units_percent=None if is_mixed else _percent(max(0, booked - absolute), booked),
    )


def report(sums: Sequence[CountSums], since: datetime, until: datetime) -> AccuracyReport:
    locations = sorted({one.location for one in sums})
    units = sorted({one.unit for one in sums})
    return AccuracyReport(
        since=since,
        until=until,
        total=accuracy_of(sums),
        classes={of: accuracy_of(one for one in sums if one.of == of) for of in ItemClass},
        locations={at: accuracy_of(one for one in sums if one.location == at) for at in locations},
        units={unit: accuracy_of(one for one in sums if one.unit == unit) for unit in units},
    )


def _percent(part: int, whole: int) -> Decimal | None:
    """Give it to a hundredth, half up; of what is booked below zero there is no share."""
    return round_half_up(Fraction(100 * part, whole), HUNDREDTH) if whole > 0 else None


def _units(micros: int) -> Decimal:
    return Decimal(plain(Decimal(micros) / MICROS))
