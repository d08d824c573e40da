"""The parts of a decision as they are recorded and shown. Pure values."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.sourcing.model import Alternatives, Filter, Policy, Preference
from crossdock.capabilities.sourcing.substitutes import SubstituteVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedLineShown:
    """A line as it was planned: of what is sold in packs `quantity` is whole ones of `pack`.

    `asked` is what it was before; both are null for what is sold by the piece.
    """

    line_no: int
    item: str
    quantity: Quantity
    demand_ref: str = ""
    step: Quantity | None = None
    needed_by: date | None = None
    hazmat: str = ""
    is_dropship: bool = False
    life_days: int | None = None
    pack: Quantity | None = None
    asked: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesShown:
    """`min_line_split_qty` is in the base unit of each item."""

    filters: tuple[Filter, ...]
    preferences: tuple[Preference, ...]
    policy: Policy
    max_shipments: int | None
    min_line_split_qty: Decimal
    alternatives: Alternatives


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionShown:
    """Version 0 is built in: nobody put it."""

    scope: str
    version: int
    valid_from: datetime | None
    put_at: datetime | None
    put_by: str
    rules: RulesShown


@dataclass(frozen=True, slots=True)
class ArrivalShown:
    """So much in all can leave once supply has come, and is there on a day (null: unknown)."""

    ships_on: date
    arrives_on: date | None
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class KeepsShown:
    """So much of what lay there had so many days left at delivery."""

    days: int
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class KitAtNode:
    """What a node had of a kit for a line: `assembled` ones, and `made` more of their parts.

    `there_is` is by item what was free for the line of what goes into it. `lacking` are those of
    which there was too little for one kit more, where the line asks for more.
    """

    assembled: Quantity
    made: Quantity
    there_is: dict[str, Quantity]
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateShown:
    """A node as it was judged; `available` is null where nobody ever said what lies there.

    `own` is by line number what it had for a line whose own order counted there already, which
    is off `available`. `limited`: by item the MAXIMUM, or others' MINIMUM, that kept the channel
    from more. `supply` is by line number what it could have by date where that is more, `keeps`
    what kept long enough where a life is asked for. `advised` is by number of a drop-shipped line
    what a supplier said that he had. `kits` is by number of a line of a kit what there was of it,
    and to put it together from; `available` is what lay there assembled. No stock limits the items
    that are `unlimited`; those `by_lead_time` can be had in any amount from a day on. `is_stale`:
    a source was silent too long.
    """

    node: str
    available: dict[str, Quantity | None]
    own: dict[str, Quantity]
    limited: dict[str, str]
    supply: dict[str, tuple[ArrivalShown, ...]]
    keeps: dict[str, KeepsShown]
    is_stale: bool
    is_active: bool
    capabilities: tuple[str, ...]
    hazmat: tuple[str, ...]
    serves_customer: bool
    has_lane: bool
    ships_on: date | None
    arrives_on: date | None
    cost: Decimal | None
    distance_km: int | None
    load_percent: int
    advised: dict[str, tuple[ArrivalShown, ...]] = field(
        default_factory=dict[str, tuple[ArrivalShown, ...]]
    )
    kits: dict[str, KitAtNode] = field(default_factory=dict[str, KitAtNode])
    unlimited: tuple[str, ...] = ()
    by_lead_time: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartShown:
    """`due_on` is the day of delivery that the policy makes of it.

    `supply_on` is the day on which supply lets all of it leave; null: it lay there. A part of a
    line that stands in for another says which, as `substitute_of_line`. Of a kit `takes` is how
    much of each item it takes: of the kit what lies assembled, and parts for the rest.
    """

    line_no: int
    item: str
    quantity: Quantity
    due_on: date | None
    supply_on: date | None = None
    demand_ref: str = ""
    substitute_of_line: int | None = None
    takes: dict[str, Quantity] = field(default_factory=dict[str, Quantity])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentShown:
    node: str
    ships_on: date | None
    arrives_on: date | None
    cost: Decimal | None
    parts: tuple[PartShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingShown:
    """What no shipment holds of a line, and the node where it waits."""

    line_no: int
    item: str
    quantity: Quantity
    node: str
    demand_ref: str = ""
    substitute_of_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubstituteShown:
    """A line of another item that might stand in for `substitute_of_line`, and what became of it.

    `numerator / denominator` of the item replace one of the line's, both in their base units, by
    `rule_version` of the rule of `rule_item`. Where it was taken `quantity` leaves as line
    `line_no`, and replaces `covers`. `verdict` says why not, where it was not.
    """

    line_no: int
    substitute_of_line: int
    item: str
    kind: str
    rank: int
    numerator: int
    denominator: int
    rule_item: str
    rule_version: int
    not_before: date | None
    before: date | None
    verdict: SubstituteVerdict
    quantity: Quantity
    covers: Quantity
