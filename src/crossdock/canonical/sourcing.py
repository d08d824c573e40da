"""Which warehouses an order leaves from, as it was decided."""

from dataclasses import dataclass
from typing import ClassVar

from crossdock.canonical.quantities import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedLine:
    """So much of an order line, in the item's base unit."""

    line_no: int
    item: str
    quantity: Quantity
    demand_ref: str = ""


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
