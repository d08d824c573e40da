"""Rules of availability by date, as data: what each says, which of them hold, and for what. Pure.

A rule is for an item at a location, an item, a class of items at a location, a class, a
location, or all ("*"). Each says as much as it likes; what it does not say is said by the next
wider one, and in the end by the defaults.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, time
from decimal import Decimal

from crossdock.canonical.calendars import Calendar, Hours
from crossdock.canonical.identifiers import KeyRule
from crossdock.canonical.quantities import Quantity, decimal_of
from crossdock.canonical.supply import ConfidenceClass
from crossdock.capabilities.supply.model import AtpMode, Limits

ALL = "*"
DAYS_MAX = 3650
"""Ten years: as a limit of what is past due it is none."""
_NAMES = KeyRule()

RuleKey = tuple[str, str, str]
"""What a rule is for: item, class of items ("" is no class), location."""


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
    `takes_parts`: what orders claim of this kit, and does not lie there assembled, is claimed of
    its components; None is but for those that the same order names itself, true is of these, too
    (orders name the kit alone), false is of none (they are told in other orders).
    `counts_dock`: what was booked in and is not put away counts as arrived; false is for a source
    that leaves a supply open until it is put away. `acknowledge_days`: a supplier answers a
    purchase in so many working days; 0 is nobody waits. `receipt_percent`: so much less or more
    than a ship notice announced is as good as announced.
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
    acknowledge_days: int | None = None
    receipt_percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRule:
    """A rule, and what it is for; "*" is all. An `item_class` is of items that are not named."""

    item: str = ALL
    item_class: str = ""
    location: str = ALL
    rule: AtpRule = field(default_factory=AtpRule)

    @property
    def key(self) -> "RuleKey":
        return (self.item, self.item_class, self.location)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtpTerms:
    """What holds for one item at one location, everything said; `pack` and `limits` in micros.

    `lives` stand by the comparable names of whom they are for.
    """

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
    lives: tuple[LifeTerms, ...] = ()
    receipt_life_days: int = 0
    owners: Mapping[str, bool] = field(default_factory=dict[str, bool])
    takes_parts: bool = True
    counts_dock: bool = True
    acknowledge_days: int = 2
    receipt_percent: int = 0

    def life(self, customer: str = "", channel: str = "") -> LifeTerms | None:
        """Give what holds for who asks: a customer in a channel > a customer > a channel > all.

        Names are compared in any case, as everywhere: `metro` is `METRO`.
        """
        if not self.lives:
            return None
        who, where = named(customer, channel)
        for key in ((who, where), (who, ""), ("", where), ("", "")):
            at = bisect_left(self.lives, key, key=_whose)
            if at < len(self.lives) and _whose(self.lives[at]) == key:
                return self.lives[at]
        return None


def _whose(life: LifeTerms) -> tuple[str, str]:
    return life.customer, life.channel


def named(customer: str, channel: str) -> tuple[str, str]:
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
    takes_parts=True,
    counts_dock=True,
    acknowledge_days=2,
    receipt_percent=0,
)
"""The law's own figures (§3.3): what holds where no rule says anything."""


def places(item: str, location: str, item_class: str = "") -> tuple[RuleKey, ...]:
    """Name whose rules hold for an item, of a class or none, at a location; the narrowest first.

    What is said of an item comes before what is said of its class, wherever.
    """
    own = ((item, "", location), (item, "", ALL))
    every = ((ALL, "", location), (ALL, "", ALL))
    of_class = ((ALL, item_class, location), (ALL, item_class, ALL)) if item_class else ()
    return (*own, *of_class, *every)


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
        name = named(one.customer, one.channel)
        had = found.get(name, one)
        days, transit = max(had.days, one.days), max(had.transit_days, one.transit_days)
        found[name] = LifeTerms(customer=name[0], channel=name[1], days=days, transit_days=transit)
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
        pack=micros_said(rule.pack),
        pack_up=bool(rule.pack_up),
        limits=Limits(micros_said(rule.split_min), rule.split_lines_max or 0),
        lives=tuple(lives[name] for name in sorted(lives)),
        receipt_life_days=rule.receipt_life_days or 0,
        owners={one.owner: one.is_first for one in rule.owners or ()},
        takes_parts=rule.takes_parts is not False,
        counts_dock=bool(rule.counts_dock),
        acknowledge_days=rule.acknowledge_days or 0,
        receipt_percent=rule.receipt_percent or 0,
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


def micros_said(value: Decimal | None, where: str = "") -> int:
    return 0 if value is None else Quantity(decimal_of(value, where=where)).micros
