"""Items and locations as the catalogue lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRecord:
    unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierRecord:
    type: str
    value: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecord:
    item: str
    sku: str
    description: str
    base_unit: str
    status: str
    tracking: str
    is_regulated: bool
    item_class: str
    source: str
    changed_at: datetime
    units: tuple[UnitRecord, ...] = ()
    identifiers: tuple[IdentifierRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationRecord:
    location: str
    code: str
    name: str
    kind: str
    timezone: str
    is_active: bool
    source: str
    changed_at: datetime
    members: tuple[str, ...] = ()


def item_record(row: Any, units: Sequence[Any], numbers: Sequence[Any]) -> ItemRecord:
    return ItemRecord(
        **dict(row),
        units=tuple(
            UnitRecord(
                unit=unit["unit"], numerator=unit["numerator"], denominator=unit["denominator"]
            )
            for unit in units
            if unit["item"] == row["item"]
        ),
        identifiers=tuple(
            IdentifierRecord(type=number["type"], value=number["value"], unit=number["unit"])
            for number in numbers
            if number["item"] == row["item"]
        ),
    )
