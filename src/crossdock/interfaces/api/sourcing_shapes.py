"""How sourcing is written in JSON: questions, rules and nodes as they are said and shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.sourcing import (
    LINES_MAX,
    Alternatives,
    Decided,
    Filter,
    Lane,
    NodeFacts,
    NodeRecord,
    Occasion,
    Policy,
    Preference,
    Rules,
    ShipTo,
    Substitute,
    VersionShown,
    When,
    money,
)
from crossdock.interfaces.api.reservation_shapes import ReservationShown
from crossdock.interfaces.api.shapes import AmountText, Code, Text
from crossdock.orchestration.source_orders import SourceLine, SourceOrder

Said = TypeVar("Said", bound=BaseModel)
Flag = Annotated[bool, Field(strict=True)]
Name = Annotated[Text, Field(max_length=200)]
Shipments = Annotated[int | None, Field(strict=True, ge=1, le=12)]
Weekday = Annotated[int, Field(strict=True, ge=1, le=7)]
Weekdays = Annotated[list[Weekday], Field(min_length=1, max_length=7)]
Names = Annotated[list[Code], Field(max_length=10_000)]


class QuantitySaid(BaseModel):
    """`value` is a decimal string; `unit` is left out for the item's base unit."""

    model_config = ConfigDict(extra="forbid")

    value: AmountText
    unit: Annotated[Text, Field(max_length=40)] = ""


class SourceLineSaid(BaseModel):
    """`needed_by` is the day on which it has to be there; a drop-shipped line takes no stock.

    `life_days` of shelf life have to be left then; null is as the rules of availability say.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code
    quantity: QuantitySaid
    needed_by: date | None = None
    hazmat: Name = ""
    is_dropship: Flag = False
    demand_ref: Name = ""
    life_days: Annotated[int | None, Field(strict=True, ge=0, le=3_660)] = None

    def wanted(self) -> SourceLine:
        return SourceLine(
            item=self.item,
            quantity=Quantity.of(self.quantity.value, self.quantity.unit),
            needed_by=self.needed_by,
            hazmat=self.hazmat,
            is_dropship=self.is_dropship,
            demand_ref=self.demand_ref,
            life_days=self.life_days,
        )


class ShipToSaid(BaseModel):
    """`country` is ISO 3166-1 alpha-2; what is left out is not known."""

    model_config = ConfigDict(extra="forbid")

    country: Name = ""
    region: Name = ""
    postal_code: Name = ""


class SourcePlanSaid(BaseModel):
    """A question. What is left out or null stands as the rules in force say.

    `original` is the order's own node, which others may stand in for as the rules allow.
    `reserve` plans of what lies there alone and promises it under `request_id`; the same id asked
    twice is promised once.
    """

    model_config = ConfigDict(extra="forbid")

    lines: list[SourceLineSaid] = Field(min_length=1, max_length=LINES_MAX)
    ship_to: ShipToSaid = Field(default_factory=ShipToSaid)
    customer: Name = ""
    channel: Name = ""
    needs: Annotated[list[Code], Field(max_length=100)] = Field(default_factory=lambda: ["SHIP"])
    policy: Policy | None = None
    max_shipments: Shipments = None
    min_line_split_qty: AmountText | None = None
    original: Name = ""
    occasion: Occasion = Occasion.CREATION
    request_id: Name = ""
    reserve: Flag = False

    def wanted(self) -> SourceOrder:
        to = self.ship_to
        return SourceOrder(
            lines=[line.wanted() for line in self.lines],
            ship_to=ShipTo(country=to.country, region=to.region, postal_code=to.postal_code),
            customer=self.customer,
            channel=self.channel,
            needs=self.needs,
            policy=self.policy,
            max_shipments=self.max_shipments,
            min_line_split=_optional(self.min_line_split_qty),
            original=self.original,
            occasion=self.occasion,
            request_id=self.request_id,
        )


class AlternativesSaid(BaseModel):
    """The four knobs: may another node or item stand in, how, where the rest waits, and when."""

    model_config = ConfigDict(extra="forbid")

    substitute: Substitute = Substitute.LOCATION
    chooses: Chooses = Chooses.RANK
    keeps_rest: KeepsRest = KeepsRest.ORIGINAL
    when: When = When.ALWAYS


class SourcingRulesSaid(BaseModel):
    """Filters that rule nodes out, and preferences in their rank; left out, all of them.

    `min_line_split_qty` is in the base unit of each item. Without `valid_from` they hold at once.
    """

    model_config = ConfigDict(extra="forbid")

    filters: list[Filter] = Field(default_factory=lambda: list(Filter), max_length=20)
    preferences: list[Preference] = Field(default_factory=lambda: list(Preference), max_length=20)
    policy: Policy = Policy.PARTIAL
    max_shipments: Shipments = None
    min_line_split_qty: AmountText = "0"
    alternatives: AlternativesSaid = Field(default_factory=AlternativesSaid)
    valid_from: datetime | None = None

    def rules(self) -> Rules:
        if self.valid_from is not None and self.valid_from.tzinfo is None:
            raise Invalid(
                "a moment without its offset from UTC could be any of a day's",
                where="/valid_from",
                hint="2026-06-01T00:00:00+02:00",
            )
        return Rules(
            filters=tuple(self.filters),
            preferences=tuple(self.preferences),
            policy=self.policy,
            max_shipments=self.max_shipments,
            min_line_split=_micros(self.min_line_split_qty),
            alternatives=Alternatives(**self.alternatives.model_dump()),
        )


class LaneSaid(BaseModel):
    """A way to the ship-tos that it names; what is left out, it takes all of.

    `transit_days` are days on which it runs; `cost` is for a shipment, in the house's currency.
    """

    model_config = ConfigDict(extra="forbid")

    country: Name = ""
    region: Name = ""
    postal_prefix: Name = ""
    transit_days: Annotated[int, Field(strict=True, ge=0, le=120)] = 1
    runs_on: Weekdays = Field(default_factory=lambda: [1, 2, 3, 4, 5])
    cost: AmountText | None = None
    distance_km: Annotated[int | None, Field(strict=True, ge=0, le=100_000)] = None


class NodeSaid(BaseModel):
    """What sourcing has to know of a location; its time zone and activity are the catalogue's.

    When it works, and until when goods leave today, is its calendar, the same as for answers by
    date (`PUT /v1/atp/calendars/{location}`). Without lanes it ships anywhere, and nobody knows
    how long that takes.
    """

    model_config = ConfigDict(extra="forbid")

    capabilities: Annotated[list[Code], Field(max_length=100)] = Field(
        default_factory=lambda: ["SHIP"]
    )
    hazmat: Annotated[list[Code], Field(max_length=100)] = Field(default_factory=list[str])
    customers: Names = Field(default_factory=list[str])
    barred_customers: Names = Field(default_factory=list[str])
    lanes: Annotated[list[LaneSaid], Field(max_length=2000)] = Field(
        default_factory=list[LaneSaid]
    )
    load_percent: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0

    def facts(self, node: str) -> NodeFacts:
        return NodeFacts(
            node=node,
            capabilities=tuple(self.capabilities),
            hazmat=tuple(self.hazmat),
            customers=tuple(self.customers),
            barred_customers=tuple(self.barred_customers),
            lanes=tuple(
                Lane(
                    country=lane.country,
                    region=lane.region,
                    postal_prefix=lane.postal_prefix,
                    transit_days=lane.transit_days,
                    runs_on=tuple(lane.runs_on),
                    cost=_optional(lane.cost),
                    distance_km=lane.distance_km,
                )
                for lane in self.lanes
            ),
            load_percent=self.load_percent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneShown:
    country: str
    region: str
    postal_prefix: str
    transit_days: int
    runs_on: Sequence[int]
    cost: Decimal | None
    distance_km: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShown:
    node: str
    capabilities: Sequence[str]
    hazmat: Sequence[str]
    customers: Sequence[str]
    barred_customers: Sequence[str]
    lanes: Sequence[LaneShown]
    load_percent: int
    version: int
    put_at: datetime
    put_by: str


class SourcingNodes(BaseModel):
    nodes: list[NodeShown]


class SourcingRules(BaseModel):
    rules: list[VersionShown]


class SourcePlanShown(BaseModel):
    """`reservation` is null where none was asked for, or nothing could be shipped.

    A reservation that is DENIED says that stock went meanwhile: ask with another request id.
    """

    decision: Decided
    reservation: ReservationShown | None


def node_shown(record: NodeRecord) -> NodeShown:
    facts = record.facts
    return NodeShown(
        node=facts.node,
        capabilities=facts.capabilities,
        hazmat=facts.hazmat,
        customers=facts.customers,
        barred_customers=facts.barred_customers,
        lanes=[
            LaneShown(
                country=lane.country,
                region=lane.region,
                postal_prefix=lane.postal_prefix,
                transit_days=lane.transit_days,
                runs_on=lane.runs_on,
                cost=money(lane.cost),
                distance_km=lane.distance_km,
            )
            for lane in facts.lanes
        ],
        load_percent=facts.load_percent,
        version=record.version,
        put_at=record.put_at,
        put_by=record.put_by,
    )


def said_as(kind: type[Said], fields: Mapping[str, Any]) -> Said:
    """Read what a file or a command line says; the first thing wrong is told with its place."""
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, first["loc"]))
        raise Invalid(first["msg"], where=f"/{place}") from None


def _micros(amount: str) -> int:
    return Quantity.of(amount).micros


def _optional(amount: str | None) -> int | None:
    return None if amount is None else _micros(amount)
