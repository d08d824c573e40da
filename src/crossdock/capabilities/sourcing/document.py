"""A decision as it is recorded and shown: inputs, rules, every node's reason. Pure.

It is written once, to bytes that are kept; whoever asks again is given the same bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from crossdock.canonical.quantities import MICROS, Quantity, plain
from crossdock.canonical.sourcing import SourcedLine, SourcedShipment, SourcingDecided
from crossdock.capabilities.sourcing.kits import Arrival, KitAt
from crossdock.capabilities.sourcing.model import (
    MICROS_MAX,
    Candidate,
    Line,
    Method,
    Occasion,
    Order,
    Part,
    Plan,
    Policy,
    Reason,
    Rules,
    Shipment,
    ShipTo,
    standing_in,
)
from crossdock.capabilities.sourcing.shown import (
    ArrivalShown,
    CandidateShown,
    KeepsShown,
    KitAtNode,
    PartShown,
    RulesShown,
    ShipmentShown,
    SourcedLineShown,
    SubstituteShown,
    VersionShown,
    WaitingShown,
)
from crossdock.capabilities.sourcing.substitutes import Substituted, SubstituteLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with what names it: `units` are the items' base units, `demand_refs` by line.

    `said` is the hash of what the caller wrote: the same request id means the same. `substitutes`
    are the lines that may stand in for the order's. `known_as`: other names of its customer.
    `packs` are by line what it is sold in multiples of, and what was asked before it was moved.
    """

    order: Order
    ship_to: ShipTo = field(default_factory=ShipTo)
    channel: str = ""
    known_as: tuple[str, ...] = ()
    request_id: str = ""
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    demand_refs: Mapping[int, str] = field(default_factory=dict[int, str])
    said: bytes = b""
    substitutes: tuple[SubstituteLine, ...] = ()
    packs: Mapping[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    @property
    def names(self) -> list[str]:
        """Name the order lines it is for, and the orders that they are named after."""
        refs = set(self.demand_refs.values())
        return sorted(refs | {ref.rpartition("/")[0] for ref in refs if "/" in ref})

    @property
    def all_lines(self) -> tuple[Line, ...]:
        """Give the order's lines, and those that may stand in as lines of the same terms."""
        by_number = {line.line_no: line for line in self.order.lines}
        whole = ((one, by_number[one.of_line]) for one in self.substitutes)
        new = (standing_in(one, line, one.replacing(line.micros)) for one, line in whole)
        return (*self.order.lines, *new)

    @property
    def items(self) -> dict[int, str]:
        """Give the items of the order's lines and of those that may stand in, by line number."""
        return {line.line_no: line.item for line in self.all_lines}

    @property
    def substitute_of(self) -> dict[int, int]:
        return {one.line_no: one.of_line for one in self.substitutes}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """Rules as they were put: for whom, since when, by whom. Version 0 is built in."""

    scope: str
    version: int
    valid_from: datetime | None
    put_at: datetime | None
    put_by: str
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision with its derivation. `method` GREEDY says that not every set was looked at.

    `decision_id` is "" if there was no request id: then it is not kept.

    `decided_by` is the rule that made the difference between the plan and the next best one.
    """

    decision_id: str
    decided_at: datetime
    request_id: str
    channel: str
    customer: str
    ship_to: ShipTo
    original: str
    occasion: Occasion
    needs: tuple[str, ...]
    policy: Policy
    max_shipments: int | None
    min_line_split_qty: Decimal | None
    lines: tuple[SourcedLineShown, ...]
    rules: VersionShown
    candidates: tuple[CandidateShown, ...]
    shipments: tuple[ShipmentShown, ...]
    drop_shipments: tuple[ShipmentShown, ...]
    waiting: tuple[WaitingShown, ...]
    reasons: tuple[Reason, ...]
    is_complete: bool
    decided_by: str
    method: Method
    sets_tried: int
    substitutes: tuple[SubstituteShown, ...] = ()

    @property
    def event(self) -> SourcingDecided:
        """Say it to the log in short."""
        return SourcingDecided(
            decision_id=self.decision_id,
            rule_scope=self.rules.scope,
            rule_version=self.rules.version,
            policy=self.policy,
            decided_by=self.decided_by,
            method=self.method,
            shipments=_sourced(self.shipments),
            drop_shipments=_sourced(self.drop_shipments),
            waiting=tuple(_sourced_line(one) for one in self.waiting),
            request_id=self.request_id,
            customer=self.customer,
            channel=self.channel,
        )


def decided(
    asked: Asked,
    named: tuple[str, datetime],
    version: RuleVersion,
    candidates: Iterable[Candidate],
    plan: Plan,
) -> Decided:
    """Write a decision down; `named` is its id and when it was made."""
    order = asked.order
    return Decided(
        decision_id=named[0],
        decided_at=named[1],
        request_id=asked.request_id,
        channel=asked.channel,
        customer=order.customer,
        ship_to=asked.ship_to,
        original=order.original,
        occasion=order.occasion,
        needs=order.needs,
        policy=plan.policy,
        max_shipments=order.max_shipments,
        min_line_split_qty=money(order.min_line_split),
        lines=_lines(asked),
        rules=version_shown(version),
        candidates=tuple(
            _candidate(one, asked) for one in sorted(candidates, key=lambda one: one.node)
        ),
        shipments=tuple(_shipment(one, asked) for one in plan.shipments),
        drop_shipments=tuple(_shipment(one, asked) for one in plan.drop_shipments),
        waiting=tuple(
            WaitingShown(
                line_no=one.line_no,
                item=one.item,
                quantity=_quantity(one.micros, asked.units[one.item]),
                node=one.node,
                demand_ref=asked.demand_refs.get(one.line_no, ""),
                substitute_of_line=asked.substitute_of.get(one.line_no),
            )
            for one in plan.waiting
        ),
        reasons=plan.reasons,
        is_complete=not plan.waiting,
        decided_by=plan.decided_by,
        method=plan.method,
        sets_tried=plan.sets_tried,
        substitutes=tuple(_substitute(one, asked) for one in plan.substitutes),
    )


def version_shown(version: RuleVersion) -> VersionShown:
    rules = version.rules
    return VersionShown(
        scope=version.scope,
        version=version.version,
        valid_from=version.valid_from,
        put_at=version.put_at,
        put_by=version.put_by,
        rules=RulesShown(
            filters=rules.filters,
            preferences=rules.preferences,
            policy=rules.policy,
            max_shipments=rules.max_shipments,
            min_line_split_qty=_decimal(rules.min_line_split),
            alternatives=rules.alternatives,
        ),
    )


def money(micros: int | None) -> Decimal | None:
    """Write micros as a decimal, exactly; None stays unknown."""
    return None if micros is None else _decimal(micros)


def _lines(asked: Asked) -> tuple[SourcedLineShown, ...]:
    return tuple(
        SourcedLineShown(
            line_no=line.line_no,
            item=line.item,
            quantity=_quantity(line.micros, asked.units[line.item]),
            demand_ref=asked.demand_refs.get(line.line_no, ""),
            step=_quantity(line.step, asked.units[line.item]),
            needed_by=line.needed_by,
            hazmat=line.hazmat,
            is_dropship=line.is_dropship,
            life_days=line.life_days,
            pack=_quantity(asked.packs[line.line_no][0], asked.units[line.item])
            if line.line_no in asked.packs
            else None,
            asked=_quantity(asked.packs[line.line_no][1], asked.units[line.item])
            if line.line_no in asked.packs
            else None,
        )
        for line in asked.order.lines
    )


def _candidate(node: Candidate, asked: Asked) -> CandidateShown:
    units, items = asked.units, asked.items

    def arrivals(
        said: Mapping[int, Sequence[Arrival]],
    ) -> dict[str, tuple[ArrivalShown, ...]]:
        return {
            str(number): tuple(_arrival(one, units[items[number]]) for one in steps)
            for number, steps in sorted(said.items())
        }

    return CandidateShown(
        node=node.node,
        available={
            item: None if micros is None else _quantity(micros, units[item])
            for item, micros in sorted(node.available.items())
        },
        own={str(no): _quantity(one, units[items[no]]) for no, one in sorted(node.own.items())},
        limited=dict(node.limited),
        supply=arrivals(node.supply),
        advised=arrivals(node.advised),
        keeps={
            str(number): KeepsShown(one.days, _quantity(one.micros, units[items[number]]))
            for number, one in sorted(node.keeps.items())
        },
        kits={
            str(line.line_no): _kit(node.kits[line.line_no], line, units)
            for line in asked.all_lines
            if line.line_no in node.kits
        },
        unlimited=tuple(sorted(node.unlimited)),
        by_lead_time=tuple(sorted(node.by_lead_time)),
        is_stale=node.is_stale,
        is_active=node.is_active,
        capabilities=node.capabilities,
        hazmat=node.hazmat,
        serves_customer=node.serves_customer,
        has_lane=node.has_lane,
        ships_on=node.ships_on,
        arrives_on=node.arrives_on,
        cost=money(node.cost),
        distance_km=node.distance_km,
        load_percent=node.load_percent,
    )


def _kit(kit: KitAt, line: Line, units: Mapping[str, str]) -> KitAtNode:
    assembled = max(0, min(kit.has[kit.item], kit.room(MICROS_MAX)))
    return KitAtNode(
        _quantity(assembled, units[kit.item]),
        _quantity(kit.room(MICROS_MAX) - assembled, units[kit.item]),
        {item: _quantity(max(0, kit.has[item]), units[item]) for item, _ in kit.parts},
        kit.lacking(line.micros),
    )


def _arrival(one: Arrival, unit: str) -> ArrivalShown:
    return ArrivalShown(one.ships_on, one.arrives_on, _quantity(one.micros, unit))


def _shipment(shipment: Shipment, asked: Asked) -> ShipmentShown:
    return ShipmentShown(
        node=shipment.node,
        ships_on=shipment.ships_on,
        arrives_on=shipment.arrives_on,
        cost=money(shipment.cost),
        parts=tuple(_part(part, asked) for part in shipment.parts),
    )


def _part(part: Part, asked: Asked) -> PartShown:
    return PartShown(
        line_no=part.line_no,
        item=part.item,
        quantity=_quantity(part.micros, asked.units[part.item]),
        due_on=part.due_on,
        supply_on=part.supply_on,
        demand_ref=asked.demand_refs.get(part.line_no, ""),
        substitute_of_line=asked.substitute_of.get(part.line_no),
        takes={
            item: _quantity(micros, asked.units[item])
            for item, micros in sorted(part.takes.items())
        },
    )


def _substitute(one: Substituted, asked: Asked) -> SubstituteShown:
    line = one.line
    return SubstituteShown(
        line_no=line.line_no,
        substitute_of_line=line.of_line,
        item=line.item,
        kind=line.kind,
        rank=line.rank,
        numerator=line.numerator,
        denominator=line.denominator,
        rule_item=line.ruled,
        rule_version=line.version,
        not_before=line.not_before,
        before=line.before,
        verdict=one.verdict,
        quantity=_quantity(one.micros, asked.units[line.item]),
        covers=_quantity(one.covers, asked.units[asked.items[line.of_line]]),
    )


def _sourced(shipments: Iterable[ShipmentShown]) -> tuple[SourcedShipment, ...]:
    return tuple(
        SourcedShipment(
            node=one.node,
            lines=tuple(_sourced_line(part) for part in one.parts),
            ships_on="" if one.ships_on is None else one.ships_on.isoformat(),
            arrives_on="" if one.arrives_on is None else one.arrives_on.isoformat(),
        )
        for one in shipments
    )


def _sourced_line(one: PartShown | WaitingShown) -> SourcedLine:
    return SourcedLine(
        line_no=one.line_no,
        item=one.item,
        quantity=one.quantity,
        demand_ref=one.demand_ref,
        substitute_of_line=one.substitute_of_line,
    )


def _quantity(micros: int, unit: str) -> Quantity:
    return Quantity(_decimal(micros), unit)


def _decimal(micros: int) -> Decimal:
    return Decimal(plain(Decimal(micros) / MICROS))
