"""What a rule of availability by date may say: whatever nobody could keep is refused. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from crossdock.canonical.errors import Invalid
from crossdock.canonical.supply import ConfidenceClass
from crossdock.capabilities.supply.calendar_rules import CalendarSaid, check_calendar
from crossdock.capabilities.supply.rules import (
    ALL,
    DAYS_MAX,
    AtpRule,
    ClassTerms,
    OwnerTerms,
    PlacedRule,
    micros_said,
    named,
)

CALENDAR = ("weekdays", "holidays", "cutoff", "hours")
"""What a rule says of a place, whatever lies there."""
BOUNDS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "daily_buckets": (1, 366),
        "weekly_buckets": (0, 104),
        "fence_days": (0, DAYS_MAX),
        "past_due_demand_days": (0, DAYS_MAX),
        "past_due_supply_days": (0, DAYS_MAX),
        "lead_time_days": (0, DAYS_MAX),
        "dock_to_stock_days": (0, 60),
        "acknowledge_days": (0, 60),
        "receipt_percent": (0, 100),
        "split_lines_max": (0, 1000),
        "receipt_life_days": (0, DAYS_MAX),
    }
)
PERCENT_MAX, BUFFER_DAYS_MAX = 100, 60
TRANSIT_DAYS_MAX, LIVES_MAX, OWNERS_MAX = 365, 1000, 100


def check_placed(placed: PlacedRule) -> None:
    """Refuse what nobody could keep, and a calendar that is an item's: a place has one (§1.3)."""
    check_rule(placed.rule)
    if placed.item_class:
        _check_class_rule(placed)
    for name in CALENDAR if placed.item != ALL or placed.item_class else ():
        if getattr(placed.rule, name) is not None:
            raise Invalid(
                "a location works on the same days for every item",
                where=f"/{name}",
                hint='say it for all items: crossdock stock calendar LOCATION, or "*" as the item',
            )


def _check_class_rule(placed: PlacedRule) -> None:
    if placed.item != ALL:
        raise Invalid(
            "a rule is for an item or for a class of items, not for both",
            where="/item_class",
            hint='leave the class out, or say "*" as the item',
        )
    if placed.rule.takes_parts is not None:
        raise Invalid(
            "whether orders for a kit claim its components is said of the kit",
            where="/takes_parts",
            hint="say it for the item, or for all items",
        )


def check_rule(rule: AtpRule) -> None:
    """Refuse what nobody could keep, naming the place."""
    for name, (least, most) in BOUNDS.items():
        value = getattr(rule, name)
        if value is not None and not least <= value <= most:
            raise Invalid(f"{value} is not between {least} and {most}", where=f"/{name}")
    for name in ("pack", "split_min"):
        value = getattr(rule, name)
        if value is not None and (not value.is_finite() or value < 0):
            raise Invalid("an amount is zero or more", where=f"/{name}")
        micros_said(value, f"/{name}")
    for number, terms in enumerate(rule.classes):
        _check_confidence(terms, f"/classes/{number}")
    if len({terms.confidence for terms in rule.classes}) < len(rule.classes):
        raise Invalid("one class is there twice", where="/classes")
    _check_lives(rule)
    _check_owners(rule.owners or ())
    check_calendar(
        CalendarSaid(
            weekdays=rule.weekdays,
            holidays=rule.holidays,
            cutoff=rule.cutoff,
            hours=rule.hours,
        )
    )


def _check_confidence(terms: ClassTerms, where: str) -> None:
    if terms.confidence not in (ConfidenceClass.A, ConfidenceClass.B, ConfidenceClass.C):
        raise Invalid(
            f"nothing is ever promised from class {terms.confidence}",
            where=f"{where}/confidence",
            hint="a rule speaks of the classes A, B and C",
        )
    if terms.by_supplier and terms.confidence is not ConfidenceClass.C:
        raise Invalid(
            f"a supplier's fill is of what he acknowledged, not of class {terms.confidence}",
            where=f"{where}/by_supplier",
            hint="say it of class C",
        )
    if not 0 <= terms.percent <= PERCENT_MAX:
        raise Invalid(f"{terms.percent} is no percentage", where=f"{where}/percent")
    if not 0 <= terms.buffer_days <= BUFFER_DAYS_MAX:
        raise Invalid(
            f"a buffer has 0 to {BUFFER_DAYS_MAX} working days", where=f"{where}/buffer_days"
        )


def _check_lives(rule: AtpRule) -> None:
    if len(rule.lives) > LIVES_MAX:
        raise Invalid(f"a rule has at most {LIVES_MAX} of these", where="/lives")
    seen: set[tuple[str, str]] = set()
    for number, life in enumerate(rule.lives):
        for name, most in (("days", DAYS_MAX), ("transit_days", TRANSIT_DAYS_MAX)):
            if not 0 <= getattr(life, name) <= most:
                raise Invalid(
                    f"{getattr(life, name)} is not between 0 and {most}",
                    where=f"/lives/{number}/{name}",
                )
        who = named(life.customer, life.channel)
        if who in seen:
            raise Invalid(
                "one customer and channel are there twice",
                where=f"/lives/{number}",
                hint="say it once; leave both out for whoever is not named",
            )
        seen.add(who)


def _check_owners(owners: Sequence[OwnerTerms]) -> None:
    if len(owners) > OWNERS_MAX:
        raise Invalid(f"a rule has at most {OWNERS_MAX} owners", where="/owners")
    for number, one in enumerate(owners):
        if not one.owner.strip():
            raise Invalid("our own goods need no rule", where=f"/owners/{number}/owner")
        if any(one.owner == other.owner for other in owners[:number]):
            raise Invalid(f"{one.owner} is there twice", where=f"/owners/{number}/owner")
