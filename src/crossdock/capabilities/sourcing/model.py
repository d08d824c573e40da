"""Which warehouse an order leaves from: what is asked, what is weighed, what is answered (§3.5).

Frozen values and their checks. Amounts are whole micros, millionths of an item's base unit; costs
are micros of the house's own currency; dates are local to the node or the ship-to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import KeyRule
from crossdock.capabilities.sourcing.kits import Arrival, KitAt
from crossdock.capabilities.sourcing.substitutes import Substituted, SubstituteLine

LINES_MAX, NODES_MAX = 200, 200
PARTS_MAX = 1_000  # so many lines has a reservation at the most
SHIPMENTS_MAX = 12  # more are never planned for one order, whatever a rule allows
TRANSIT_DAYS_MAX = 120
LIFE_DAYS_MAX = 3_660
MICROS_MAX = 10**18
SHIP, DROPSHIP = "SHIP", "DROPSHIP"
WEEKDAYS = (1, 2, 3, 4, 5)
MORE_THAN_ZERO = "more than zero, and less than a million millions"
ZERO_OR_MORE = "zero or more, and less than a million millions"
_CODES = KeyRule()


class Policy(StrEnum):
    """COMPLETE_ORDER: all of it, on one day, or nothing. COMPLETE_LINE: each line whole, or not.

    PARTIAL: whatever there is.
    """

    COMPLETE_ORDER = "COMPLETE_ORDER"
    COMPLETE_LINE = "COMPLETE_LINE"
    PARTIAL = "PARTIAL"


class Filter(StrEnum):
    """What rules a node out. HAZMAT, SHELF_LIFE and CUTOFF are judged line by line.

    ACTIVE: it is at work. CAPABILITY: it can do what the order needs. HAZMAT: it may handle the
    goods. CUSTOMER: it may serve this customer. LANE: one leads to the ship-to. SHELF_LIFE: it has
    goods that keep so long after delivery as is asked. CUTOFF: what leaves after its next cut-off
    arrives by the date that the line needs.
    """

    ACTIVE = "ACTIVE"
    CAPABILITY = "CAPABILITY"
    HAZMAT = "HAZMAT"
    CUSTOMER = "CUSTOMER"
    LANE = "LANE"
    SHELF_LIFE = "SHELF_LIFE"
    CUTOFF = "CUTOFF"


class Preference(StrEnum):
    """What makes one set of nodes better than another that fills as much.

    SINGLE_NODE: one node fills everything. FEWEST_SHIPMENTS. ON_TIME: more arrives by the dates
    that the lines need. COST and DISTANCE: less of it. LOAD: the busiest of its nodes is less
    busy. DEPTH: fewer stocks are taken to the last unit.
    """

    SINGLE_NODE = "SINGLE_NODE"
    FEWEST_SHIPMENTS = "FEWEST_SHIPMENTS"
    ON_TIME = "ON_TIME"
    COST = "COST"
    DISTANCE = "DISTANCE"
    LOAD = "LOAD"
    DEPTH = "DEPTH"


class Substitute(StrEnum):
    """What another may stand in for: nothing, the order's own node, the items of its lines, both.

    Without LOCATION the order's own node alone serves it, where it names one.
    """

    NONE = "NONE"
    LOCATION = "LOCATION"
    ITEM = "ITEM"
    LOCATION_AND_ITEM = "LOCATION_AND_ITEM"


class When(StrEnum):
    """CREATION: alternatives only while the order is made. ALWAYS: in back-order runs too."""

    CREATION = "CREATION"
    ALWAYS = "ALWAYS"


class Occasion(StrEnum):
    CREATION = "CREATION"
    BACKORDER_RUN = "BACKORDER_RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """The four knobs of confirmation by an alternative, another location or item (§3.5).

    `chooses` RANK: as the preferences and the ranks of substitutes stand; MAX_ON_TIME: what has
    most on time first. `keeps_rest` ORIGINAL: at the order's own node, of what was asked for.
    """

    substitute: Substitute = Substitute.LOCATION
    chooses: Chooses = Chooses.RANK
    keeps_rest: KeepsRest = KeepsRest.ORIGINAL
    when: When = When.ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Filters in the order in which the first that fails is told, preferences in their rank.

    `policy`, `max_shipments` (None: as many as it takes) and `min_line_split` (micros of the base
    unit: no smaller part of a line leaves by itself) stand where an order does not say otherwise.
    """

    filters: tuple[Filter, ...] = tuple(Filter)
    preferences: tuple[Preference, ...] = tuple(Preference)
    policy: Policy = Policy.PARTIAL
    max_shipments: int | None = None
    min_line_split: int = 0
    alternatives: Alternatives = Alternatives()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipTo:
    """Where it goes. `country` is ISO 3166-1 alpha-2; what is not known is ""."""

    country: str = ""
    region: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A way from a node to the ship-tos that it names; what it leaves empty, it takes all of.

    `transit_days` are counted in the days it runs (ISO weekdays); `cost` is micros for a
    shipment, `distance_km` how far it is; None is not known.
    """

    country: str = ""
    region: str = ""
    postal_prefix: str = ""
    transit_days: int = 1
    runs_on: tuple[int, ...] = WEEKDAYS
    cost: int | None = None
    distance_km: int | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        return (self.country, self.region, self.postal_prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What sourcing has to know of a location beside its calendar and what the catalogue says.

    `customers` are the only ones it serves (none named: all); `barred_customers` it never
    does. `load_percent` says how busy it is. A node without lanes ships anywhere, and nobody knows
    how long that takes.
    """

    node: str
    capabilities: tuple[str, ...] = (SHIP,)
    hazmat: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    barred_customers: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()
    load_percent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So much of an item, there by a date. `step` is the least that is handed over: a case of 12.

    `life_days` have to be left of its shelf life at delivery; None is as the rules of supply say.
    A drop-shipped line leaves from a supplier: it is planned beside the others and never takes
    anything of ours.
    """

    line_no: int
    item: str
    micros: int
    step: int = 1
    needed_by: date | None = None
    hazmat: str = ""
    is_dropship: bool = False
    life_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The question. None leaves it to the rules; `original` is the order's own node, if any."""

    lines: tuple[Line, ...]
    customer: str = ""
    needs: tuple[str, ...] = (SHIP,)
    policy: Policy | None = None
    max_shipments: int | None = None
    min_line_split: int | None = None
    original: str = ""
    occasion: Occasion = Occasion.CREATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeps:
    """So much of what lies there has `days` left at delivery, which is what is asked."""

    days: int
    micros: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A node at the moment of the question, its calendar and lane to the ship-to worked out.

    `available` is what it can fulfil now (ATF) by item; None where nobody ever said. `own` is by
    line number what it has for a line whose own order counts there already: that much is off
    `available`, and no other line's (A25). `limited` says by item what keeps the order's channel
    from more of it (§3.6): its own MAXIMUM, or the MINIMUM of others. `supply` is by line number
    what it can have by date, from what is still to come, where what lies there is less; both only
    rise. `keeps` is by line number what lies there that keeps long enough, where a life is asked
    for. `not_now` are lines that what lies there may not leave for today: they have its supply
    alone, and share it with the other lines of their item. `advised` is by number of a
    drop-shipped line what the supplier says that he could send by when; a line of which he never
    said anything is not there. `kits` is by line number what there is of a kit and of what goes
    into it. No stock limits the items that are `unlimited`; lines of those `by_lead_time` have
    their supply with a date and without. `days_at_most` are on the way on whatever day goods
    leave. Whether a source was silent for too long, `is_stale`, is shown and decides nothing.
    """

    node: str
    available: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    own: Mapping[int, int] = field(default_factory=dict[int, int])
    limited: Mapping[str, str] = field(default_factory=dict[str, str])
    supply: Mapping[int, tuple[Arrival, ...]] = field(
        default_factory=dict[int, tuple[Arrival, ...]]
    )
    keeps: Mapping[int, Keeps] = field(default_factory=dict[int, Keeps])
    advised: Mapping[int, tuple[Arrival, ...]] = field(
        default_factory=dict[int, tuple[Arrival, ...]]
    )
    not_now: frozenset[int] = frozenset()
    kits: Mapping[int, KitAt] = field(default_factory=dict[int, KitAt])
    unlimited: frozenset[str] = frozenset()
    by_lead_time: frozenset[str] = frozenset()
    is_stale: bool = False
    is_active: bool = True
    capabilities: tuple[str, ...] = (SHIP,)
    hazmat: tuple[str, ...] = ()
    serves_customer: bool = True
    has_lane: bool = True
    ships_on: date | None = None
    arrives_on: date | None = None
    days_at_most: int = 0
    cost: int | None = None
    distance_km: int | None = None
    load_percent: int = 0

    @property
    def day(self) -> date:
        """Tell when what lies there is with the customer, as far as anybody knows."""
        return self.arrives_on or self.ships_on or date.max


class NodeVerdict(StrEnum):
    TAKEN = "TAKEN"
    PASSED_OVER = "PASSED_OVER"
    BARRED = "BARRED"


class Method(StrEnum):
    """EXACT: every set that could be better was looked at. GREEDY: too many, so step by step."""

    EXACT = "EXACT"
    GREEDY = "GREEDY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why this warehouse, or why not: the rule that decided, and the sentence."""

    node: str
    verdict: NodeVerdict
    rule: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a shipment holds of a line; `due_on` is when the policy lets it be delivered.

    `supply_on` is the day on which supply lets all of it leave; None: it lies there. `takes` is of
    a kit how much of each item it takes: of itself what lies assembled, of its parts for the rest.
    """

    line_no: int
    item: str
    micros: int
    due_on: date | None = None
    supply_on: date | None = None
    takes: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    node: str
    ships_on: date | None
    arrives_on: date | None
    cost: int | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What no shipment holds of a line, and the node where it waits ("": nobody has it)."""

    line_no: int
    item: str
    micros: int
    node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The answer with its derivation: every node that was a candidate has its reason.

    `substitutes` are the lines that might have stood in, each with what became of it.
    """

    shipments: tuple[Shipment, ...]
    drop_shipments: tuple[Shipment, ...]
    waiting: tuple[Waiting, ...]
    reasons: tuple[Reason, ...]
    policy: Policy
    decided_by: str
    method: Method
    sets_tried: int
    substitutes: tuple[Substituted, ...] = ()


def standing_in(one: SubstituteLine, line: Line, micros: int) -> Line:
    """Give so much of what stands in for a line as a line, on the terms of that one."""
    step = one.step_for(line.step)
    return replace(line, line_no=one.line_no, item=one.item, micros=micros, step=step)


def comparable(code: str) -> str:
    """Make two spellings of one code equal: spaces around it and case do not count."""
    return _CODES.comparable(code)


def check_order(order: Order) -> None:
    """Refuse a question without an answer, naming the place."""
    if not 1 <= len(order.lines) <= LINES_MAX:
        raise Invalid(f"an order has 1 to {LINES_MAX} lines here", where="/lines")
    for number, line in enumerate(order.lines):
        if not 0 < line.micros < MICROS_MAX:
            raise Invalid(f"a line asks for {MORE_THAN_ZERO}", where=f"/lines/{number}/quantity")
        if line.step < 1 or line.micros % line.step:
            raise Invalid("a line is a whole number of steps", where=f"/lines/{number}/quantity")
        if line.life_days is not None and not 0 <= line.life_days <= LIFE_DAYS_MAX:
            raise Invalid(
                f"goods keep 0 to {LIFE_DAYS_MAX} days", where=f"/lines/{number}/life_days"
            )
    _check_bounds(order.max_shipments, order.min_line_split)


def check_rules(rules: Rules) -> None:
    """Refuse rules that name something twice, or leave nothing to rank by."""
    for name, listed in (("filters", rules.filters), ("preferences", rules.preferences)):
        for number, one in enumerate(listed):
            if one in listed[:number]:
                raise Invalid(f"{one} is there twice", where=f"/{name}/{number}")
    if not rules.preferences:
        raise Invalid("nothing to choose by", where="/preferences", hint="name at least one")
    _check_bounds(rules.max_shipments, rules.min_line_split)


def _check_bounds(max_shipments: int | None, min_line_split: int | None) -> None:
    if max_shipments is not None and not 1 <= max_shipments <= SHIPMENTS_MAX:
        raise Invalid(f"1 to {SHIPMENTS_MAX} shipments", where="/max_shipments")
    if min_line_split is not None and not 0 <= min_line_split < MICROS_MAX:
        raise Invalid(f"a part is {ZERO_OR_MORE}", where="/min_line_split_qty")
