"""Which warehouses an order leaves from, as it was decided."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from crossdock.canonical.quantities import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedLine:
    """So much of an order line, in the item's base unit.

    One that stands in for another with another item says which; it is a new line of the order.
    """

    line_no: int
    item: str
    quantity: Quantity
    demand_ref: str = ""
    substitute_of_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedShipment:
    """What leaves one node. Dates are local (`2026-05-08`), "" where nobody knows."""

    node: str
    lines: tuple[SourcedLine, ...]
    ships_on: str = ""
    arrives_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingDecided:
    """It was decided which nodes serve an order; nothing is reserved by that alone.

    `rule_scope` and `rule_version` name the rules that decided; version 0 is built in.
    `decided_by` is the rule that made the difference. `waiting` is what no shipment holds.
    """

    TYPE: ClassVar[str] = "sourcing.decided.v1"

    decision_id: str
    rule_scope: str
    rule_version: int
    policy: str
    decided_by: str
    method: str
    shipments: tuple[SourcedShipment, ...] = ()
    drop_shipments: tuple[SourcedShipment, ...] = ()
    waiting: tuple[SourcedLine, ...] = ()
    request_id: str = ""
    customer: str = ""
    channel: str = ""

    @property
    def key(self) -> str:
        return self.decision_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingAlternatives:
    """What another location or item may do for an order, how it is chosen, and when (§3.5)."""

    substitute: str
    chooses: str
    keeps_rest: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingRulesChanged:
    """The next version of sourcing rules was put, for all, a channel or a customer (§3.5).

    It says all that it says, and holds from `valid_from` on. `min_line_split_qty` is the least
    part of a line that leaves by itself, in the base unit of each item.
    """

    TYPE: ClassVar[str] = "sourcing.rules_changed.v1"

    scope: str
    version: int
    valid_from: datetime
    changed_by: str
    policy: str
    filters: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    max_shipments: int | None = None
    min_line_split_qty: Decimal = Decimal(0)
    alternatives: SourcingAlternatives | None = None

    @property
    def key(self) -> str:
        return self.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingLane:
    """A way from a node to the ship-tos that it names; what it leaves empty, it takes all of.

    `cost` is money for a shipment; null is not known, and so is a distance.
    """

    country: str = ""
    region: str = ""
    postal_prefix: str = ""
    transit_days: int = 1
    runs_on: tuple[int, ...] = ()
    cost: Decimal | None = None
    distance_km: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcingNodeChanged:
    """What sourcing knows of a location is other than before, or it takes no part any more (§3.5).

    It holds at once. `version` counts from 1, through withdrawals. When it works is said by the
    rules of answers by date for the location.
    """

    TYPE: ClassVar[str] = "sourcing.node_changed.v1"

    node: str
    version: int
    changed_by: str
    is_withdrawn: bool
    capabilities: tuple[str, ...] = ()
    hazmat: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    barred_customers: tuple[str, ...] = ()
    lanes: tuple[SourcingLane, ...] = ()
    load_percent: int = 0

    @property
    def key(self) -> str:
        return self.node
