"""How stock and requests for it are written in JSON: decimal strings, each with its unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from crossdock.canonical.inventory import ReservationKind, StockStatus
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import Availability, Position
from crossdock.capabilities.reconciliation import Doubt
from crossdock.capabilities.supply import KitStock

AMOUNTS_KEPT = 4096
"""Most amounts are a few pieces: each is read and written once, not for every line."""

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Reference = Annotated[str, Meta(max_length=200)]


class Amount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exact amount: `value` a decimal string, `unit` left out for the item's base unit."""

    value: Annotated[str, Meta(max_length=40)]
    unit: Annotated[str, Meta(max_length=40)] = ""

    def quantity(self) -> Quantity:
        return _quantity(self.value, self.unit)


class AskedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    item: Name
    location: Name
    quantity: Amount
    demand_ref: Reference = ""


class AskedReservation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`request_id` is the caller's own: the same one asked again gets the same answer.

    `channel` is whose maximum, and others' minima, hold where such are set; "" is the caller. Of a
    `customer` who is in an allocation group it is that group's.
    """

    request_id: Name
    lines: Annotated[list[AskedLine], Meta(min_length=1, max_length=1000)]
    kind: ReservationKind = ReservationKind.SOFT
    ttl_seconds: Annotated[int, Meta(ge=1, le=14_400)] | None = None
    allow_partial: bool = False
    channel: Reference = ""
    customer: Reference = ""


@dataclass(frozen=True, slots=True)
class AmountShown:
    value: str
    unit: str


@dataclass(slots=True)
class SourceShown:
    source: str
    heard_at: datetime | None
    freshness_seconds: int
    is_stale: bool


@dataclass(slots=True)
class ProofShown:
    """Every figure the answer was made from, by the rule named last.

    `expired` lies in AVAILABLE in lots whose last day is over there: it is not in `nettable`.
    `unknown_members` are locations of a group of which nobody ever said what lies there: its
    figures leave them out.
    """

    nettable: AmountShown
    expired: AmountShown
    hard: AmountShown
    soft: AmountShown
    safety: AmountShown
    kept_for_group: AmountShown
    members_withheld: AmountShown
    members_shortage: AmountShown
    of_others: AmountShown
    by_status: dict[str, AmountShown]
    sources: list[SourceShown]
    version: int
    rule: str
    unknown_members: list[str]


@dataclass(slots=True)
class DoubtShown:
    """What the number may be wrong by: a difference from another system that is open.

    `difference` is how much more (below zero: less) `against` says can be sold, but for what is on
    its way; zero where what differs cannot be sold. `state` is SUSPECTED or CONFIRMED;
    `GET /v1/differences/{finding_id}` says why.
    """

    finding_id: str
    against: str
    state: str
    difference: AmountShown
    is_in_flight: bool


@dataclass(slots=True)
class KitComponentShown:
    """So much goes `into_one` kit, of which `there_is` so much left to take.

    `level` 1 goes straight into the kit, 2 into a component that is a kit itself. Not `is_known`:
    nobody ever said what lies there.
    """

    item: str
    into_one: AmountShown
    there_is: AmountShown
    level: int
    is_known: bool


@dataclass(slots=True)
class KitBuildingShown:
    """How many lie `assembled` in a building, and can be `put_together` there beside.

    Of the components in `limited_by` there is not enough for one more.
    """

    location: str
    assembled: AmountShown
    put_together: AmountShown
    limited_by: list[str]
    components: list[KitComponentShown]


@dataclass(slots=True)
class KitStockShown:
    """How many of a kit there are with those that can be put together: null is what nobody knows.

    That is where nobody told of the kit, nor in one building of all that goes into it. Kits that
    share a component are each told what they could have alone.
    """

    available: AmountShown | None
    buildings: list[KitBuildingShown]


@dataclass(slots=True)
class AvailabilityShown:
    """`available` is null where nobody ever said what lies there: that is not zero.

    It is what the ledger says; where `is_suspect`, `doubts` say who says otherwise. Of a kit it is
    what lies there assembled; `kit` says how many there are beside that. What `is_unlimited` is so
    by a rule: 999999999999 stands for no end of it.
    """

    item: str
    location: str
    available: AmountShown | None
    on_hand: AmountShown | None
    withheld: AmountShown
    shortage: AmountShown
    is_known: bool
    is_stale: bool
    as_of: datetime
    proof: ProofShown
    is_suspect: bool
    doubts: list[DoubtShown]
    kit: KitStockShown | None = None
    is_unlimited: bool = False


@dataclass(slots=True)
class PositionShown:
    """What lies in one bucket; `owner` "" is us, and without a lot or a serial they are "" too."""

    item: str
    location: str
    status: StockStatus
    owner: str
    lot: str
    serial: str
    quantity: AmountShown
    last_movement_at: datetime | None
    last_snapshot_at: datetime | None


@lru_cache(AMOUNTS_KEPT)
def _quantity(value: str, unit: str) -> Quantity:
    return Quantity.of(value, unit)


@lru_cache(AMOUNTS_KEPT)
def amount(micros: int, unit: str) -> AmountShown:
    """Write micros as a decimal, without passing through one: this is on the hot path."""
    whole, rest = divmod(abs(micros), MICROS)
    sign = "-" if micros < 0 else ""
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return AmountShown(f"{sign}{whole}{fraction}", unit)


def position_shown(position: Position) -> PositionShown:
    return PositionShown(
        item=position.item,
        location=position.location,
        status=position.status,
        owner=position.owner,
        lot=position.lot,
        serial=position.serial,
        quantity=amount(position.quantity.micros, position.quantity.unit),
        last_movement_at=position.last_movement_at,
        last_snapshot_at=position.last_snapshot_at,
    )


def doubts_shown(doubts: Sequence[Doubt]) -> list[DoubtShown]:
    return [
        DoubtShown(
            finding_id=one.finding_id,
            against=one.against,
            state=one.state,
            difference=amount(one.difference.micros, one.difference.unit),
            is_in_flight=one.is_in_flight,
        )
        for one in doubts
    ]


def kit_stock_shown(stock: KitStock, unit: str) -> KitStockShown:
    return KitStockShown(
        available=amount(stock.free(), unit) if stock.is_known else None,
        buildings=[
            KitBuildingShown(
                location=one.location,
                assembled=amount(one.assembled, unit),
                put_together=amount(one.made, unit),
                limited_by=list(one.limits),
                components=[
                    KitComponentShown(
                        item=part.item,
                        into_one=amount(part.micros, part.unit),
                        there_is=amount(part.there_is, part.unit),
                        level=part.level,
                        is_known=part.is_known,
                    )
                    for part in one.components
                ],
            )
            for one in stock.counts()
        ],
    )


def availabilities_shown(
    answers: Sequence[Availability],
    doubts: Mapping[tuple[str, str], Sequence[Doubt]],
    kits: Mapping[tuple[str, str], KitStock],
) -> list[AvailabilityShown]:
    keys = [(one.item, one.location) for one in answers]
    each = zip(answers, keys, strict=True)
    return [availability_shown(one, doubts.get(key, ()), kits.get(key)) for one, key in each]


def availability_shown(
    answer: Availability, doubts: Sequence[Doubt], kit: KitStock | None = None
) -> AvailabilityShown:
    def shown(micros: int) -> AmountShown:
        return amount(micros, answer.unit)

    figures = answer.figures
    return AvailabilityShown(
        item=answer.item,
        location=answer.location,
        available=shown(answer.available.micros) if answer.is_known else None,
        on_hand=shown(answer.on_hand.micros) if answer.is_known else None,
        withheld=shown(answer.withheld.micros),
        shortage=shown(answer.shortage.micros),
        is_known=answer.is_known,
        is_stale=answer.is_stale,
        as_of=answer.as_of,
        proof=ProofShown(
            nettable=shown(figures.nettable),
            expired=shown(answer.expired),
            hard=shown(figures.hard),
            soft=shown(figures.soft),
            safety=shown(figures.safety),
            kept_for_group=shown(answer.kept_for_group),
            members_withheld=shown(answer.members_withheld),
            members_shortage=shown(answer.members_shortage),
            of_others=shown(answer.of_others),
            by_status={str(status): shown(held) for status, held in answer.by_status.items()},
            sources=[
                SourceShown(
                    source.source,
                    source.heard_at,
                    source.freshness_seconds,
                    source.is_stale(answer.as_of),
                )
                for source in answer.sources
            ],
            version=answer.version,
            rule=answer.rule,
            unknown_members=list(answer.unknown_members),
        ),
        is_suspect=bool(doubts),
        doubts=doubts_shown(doubts),
        kit=None if kit is None else kit_stock_shown(kit, answer.unit),
        is_unlimited=answer.is_unlimited,
    )
