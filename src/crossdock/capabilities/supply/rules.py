"""Rules of availability by date, as data: what each says, which of them hold, and for what. Pure.

A rule is for an item at a location, an item, a location, or all ("*"). Each says as much as it
likes; what it does not say is said by the next wider one, and in the end by the defaults.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType

from crossdock.canonical.calendars import Calendar, Hours
from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import KeyRule
from crossdock.canonical.quantities import Quantity, decimal_of
from crossdock.canonical.supply import ConfidenceClass
from crossdock.capabilities.supply.calendar_rules import CalendarSaid, check_calendar
from crossdock.capabilities.supply.model import AtpMode, Limits

ALL = "*"
CALENDAR = ("weekdays", "holidays", "cutoff", "hours")
"""What a rule says of a place, whatever lies there."""

DAYS_MAX = 3650
"""Ten years: as a limit of what is past due it is none."""
_NAMES = KeyRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTerms:
    """How much of a class counts, in percent, and how many working days after its date.

    `by_supplier`: of class C so much as its supplier's fill says (P10), and `percent` where too
    few of his lines are known.
    """

    confidence: ConfidenceClass
    percent: int
    buffer_days: int
    by_supplier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeTerms:
    """How long goods have to keep for a customer or a channel; "" is whoever is not named.

    `days` are left at delivery, at least, and `transit_days` lie between shipping and delivery.
    """

    customer: str = ""
    channel: str = ""
    days: int = 0
    transit_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerTerms:
    """Somebody else's goods that may be promised: before our own, or behind them.

    What expires first goes first all the same; so this says it of what keeps equally long.
    """

    owner: str
    is_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AtpRule:
    """What one rule says; None is nothing, and asks the next wider rule.

    `fence_days`: from so many days on supply counts as infinite, so what is due behind it holds
    nothing back and nothing is computed there; 0 is no fence. `lead_time_days`: where nothing
    else comes in time, a replenishable item is promised in so many days; 0 is no such promise.
    `weekdays`: working days as ISO numbers ("12345" is Monday to Friday). `cutoff`: "15:30"
    local time, from which on today is over; "" is none. `hours`: "08:00-17:00" local time, when
    a working day is worked; "" is around the clock. These and `holidays` are the calendar of a
    location: only rules for every item say them. `pack`: sold in multiples of so much of
    the base unit, asked amounts moved up or (`pack_up` false) down to one; 0 is none. `lives`:
    how long goods have to keep, by customer and channel. `receipt_life_days`: goods keep so many
    days from the day they come; 0 is unknown. `owners`: whose goods are promised beside our own.
    `takes_parts`: orders for this kit name it alone, so what they claim of it, and does not lie
    there assembled, is claimed of its components. `counts_dock`: what was booked in and is not put
    away counts as arrived; false is for a source that leaves a supply open until it is put away.
    """

    mode: AtpMode | None = None
    daily_buckets: int | None = None
    weekly_buckets: int | None = None
    fence_days: int | None = None
    past_due_demand_days: int | None = None
    past_due_supply_days: int | None = None
    is_replenishable: bool | None = None
    lead_time_days: int | None = None
    dock_to_stock_days: int | None = None
    classes: tuple[ClassTerms, ...] = ()
    weekdays: str | None = None
    holidays: tuple[date, ...] | None = None
    cutoff: str | None = None
    hours: str | None = None
    pack: Decimal | None = None
    pack_up: bool | None = None
    split_min: Decimal | None = None
    split_lines_max: int | None = None
    lives: tuple[LifeTerms, ...] = ()
    receipt_life_days: int | None = None
    owners: tuple[OwnerTerms, ...] | None = None
    takes_parts: bool | None = None
    counts_dock: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRule:
    """A rule, and what it is for; "*" is all."""

    item: str = ALL
    location: str = ALL
    rule: AtpRule = field(default_factory=AtpRule)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtpTerms:
    """What holds for one item at one location, everything said; `pack` and `limits` in micros."""

    mode: AtpMode = AtpMode.CUMULATIVE
    daily_buckets: int = 90
    weekly_buckets: int = 13
    fence_days: int = 0
    past_due_demand_days: int = DAYS_MAX
    past_due_supply_days: int = 7
    is_replenishable: bool = False
    lead_time_days: int = 0
    dock_to_stock_days: int = 0
    classes: Mapping[ConfidenceClass, ClassTerms] = field(
        default_factory=dict[ConfidenceClass, ClassTerms]
    )
    calendar: Calendar = field(default_factory=Calendar)
    pack: int = 0
    pack_up: bool = True
    limits: Limits = field(default_factory=Limits)
    lives: Mapping[tuple[str, str], LifeTerms] = field(
        default_factory=dict[tuple[str, str], LifeTerms]
    )
    receipt_life_days: int = 0
    owners: Mapping[str, bool] = field(default_factory=dict[str, bool])
    takes_parts: bool = False
    counts_dock: bool = True

    def life(self, customer: str = "", channel: str = "") -> LifeTerms | None:
        """Give what holds for who asks: a customer in a channel > a customer > a channel > all.

        Names are compared in any case, as everywhere: `metro` is `METRO`.
        """
        if not self.lives:
            return None
        who, where = _named(customer, channel)
        for key in ((who, where), (who, ""), ("", where), ("", "")):
            if key in self.lives:
                return self.lives[key]
        return None


def _named(customer: str, channel: str) -> tuple[str, str]:
    return _NAMES.comparable(customer), _NAMES.comparable(channel)


DEFAULTS = AtpRule(
    mode=AtpMode.CUMULATIVE,
    daily_buckets=90,
    weekly_buckets=13,
    fence_days=0,
    past_due_demand_days=DAYS_MAX,
    past_due_supply_days=7,
    is_replenishable=False,
    lead_time_days=0,
    dock_to_stock_days=0,
    classes=(
        ClassTerms(confidence=ConfidenceClass.A, percent=100, buffer_days=0),
        ClassTerms(confidence=ConfidenceClass.B, percent=100, buffer_days=1),
        ClassTerms(confidence=ConfidenceClass.C, percent=90, buffer_days=2),
    ),
    weekdays="12345",
    holidays=(),
    cutoff="",
    hours="",
    pack=Decimal(0),
    pack_up=True,
    split_min=Decimal(0),
    split_lines_max=0,
    receipt_life_days=0,
    owners=(),
    takes_parts=False,
    counts_dock=True,
)
"""The law's own figures (§3.3): what holds where no rule says anything."""

BOUNDS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "daily_buckets": (1, 366),
        "weekly_buckets": (0, 104),
        "fence_days": (0, DAYS_MAX),
        "past_due_demand_days": (0, DAYS_MAX),
        "past_due_supply_days": (0, DAYS_MAX),
        "lead_time_days": (0, DAYS_MAX),
        "dock_to_stock_days": (0, 60),
        "split_lines_max": (0, 1000),
        "receipt_life_days": (0, DAYS_MAX),
    }
)
PERCENT_MAX, BUFFER_DAYS_MAX = 100, 60
TRANSIT_DAYS_MAX, LIVES_MAX, OWNERS_MAX = 365, 1000, 100


def places(item: str, location: str) -> tuple[tuple[str, str], ...]:
    """Name whose rules hold for an item at a location, the narrowest first."""
    return ((item, location), (item, ALL), (ALL, location), (ALL, ALL))


def terms_of(rules: Iterable[AtpRule]) -> AtpTerms:
    """Let each rule say what the narrower ones before it did not, and the defaults the rest."""
    said: dict[str, object] = {}
    classes: dict[ConfidenceClass, ClassTerms] = {}
    lives: dict[tuple[str, str], LifeTerms] = {}
    for rule in (*rules, DEFAULTS):
        for one in fields(rule):
            value = getattr(rule, one.name)
            if value is not None:
                said.setdefault(one.name, value)
        for terms in rule.classes:
            classes.setdefault(terms.confidence, terms)
        for name, life in _lives(rule).items():
            lives.setdefault(name, life)
    return _terms(AtpRule(**said), classes, lives)  # type: ignore[arg-type]  # fields by name, each checked above


def _lives(rule: AtpRule) -> dict[tuple[str, str], LifeTerms]:
    """Name what a rule says of lives; of one who is named twice, in another case, the stricter."""
    found: dict[tuple[str, str], LifeTerms] = {}
    for one in rule.lives:
        name = _named(one.customer, one.channel)
        had = found.get(name, one)
        days, transit = max(had.days, one.days), max(had.transit_days, one.transit_days)
        found[name] = replace(one, days=days, transit_days=transit)
    return found


def _terms(
    rule: AtpRule,
    classes: Mapping[ConfidenceClass, ClassTerms],
    lives: Mapping[tuple[str, str], LifeTerms],
) -> AtpTerms:
    return AtpTerms(
        mode=rule.mode or AtpMode.CUMULATIVE,
        daily_buckets=rule.daily_buckets or 1,
        weekly_buckets=rule.weekly_buckets or 0,
        fence_days=rule.fence_days or 0,
        past_due_demand_days=rule.past_due_demand_days or 0,
        past_due_supply_days=rule.past_due_supply_days or 0,
        is_replenishable=bool(rule.is_replenishable),
        lead_time_days=rule.lead_time_days or 0,
        dock_to_stock_days=rule.dock_to_stock_days or 0,
        classes=classes,
        calendar=calendar_of([rule]),
        pack=_micros(rule.pack),
        pack_up=bool(rule.pack_up),
        limits=Limits(_micros(rule.split_min), rule.split_lines_max or 0),
        lives=lives,
        receipt_life_days=rule.receipt_life_days or 0,
        owners={one.owner: one.is_first for one in rule.owners or ()},
        takes_parts=bool(rule.takes_parts),
        counts_dock=bool(rule.counts_dock),
    )


def calendar_of(rules: Iterable[AtpRule]) -> Calendar:
    """Say when a place works, by its own rule and the wider ones, the narrowest first."""
    said = [*rules, DEFAULTS]
    weekdays = next(one.weekdays for one in said if one.weekdays is not None)
    holidays = next(one.holidays for one in said if one.holidays is not None)
    cutoff = next(one.cutoff for one in said if one.cutoff is not None)
    hours = next(one.hours for one in said if one.hours is not None)
    return Calendar(
        frozenset(map(int, weekdays)),
        frozenset(holidays),
        time.fromisoformat(cutoff) if cutoff else None,
        Hours.read(hours) if hours else None,
    )


def check_placed(placed: PlacedRule) -> None:
    """Refuse what nobody could keep, and a calendar that is an item's: a place has one (§1.3)."""
    check_rule(placed.rule)
    for name in CALENDAR if placed.item != ALL else ():
        if getattr(placed.rule, name) is not None:
            raise Invalid(
                "a location works on the same days for every item",
                where=f"/{name}",
                hint='say it for all items: crossdock stock calendar LOCATION, or "*" as the item',
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
        _micros(value, f"/{name}")
    for number, terms in enumerate(rule.classes):
        _check_class(terms, f"/classes/{number}")
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


def _check_class(terms: ClassTerms, where: str) -> None:
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
        named = _named(life.customer, life.channel)
        if named in seen:
            raise Invalid(
                "one customer and channel are there twice",
                where=f"/lives/{number}",
                hint="say it once; leave both out for whoever is not named",
            )
        seen.add(named)


def _check_owners(owners: Sequence[OwnerTerms]) -> None:
    if len(owners) > OWNERS_MAX:
        raise Invalid(f"a rule has at most {OWNERS_MAX} owners", where="/owners")
    for number, one in enumerate(owners):
        if not one.owner.strip():
            raise Invalid("our own goods need no rule", where=f"/owners/{number}/owner")
        if any(one.owner == other.owner for other in owners[:number]):
            raise Invalid(f"{one.owner} is there twice", where=f"/owners/{number}/owner")


def _micros(value: Decimal | None, where: str = "") -> int:
    return 0 if value is None else Quantity(decimal_of(value, where=where)).micros
