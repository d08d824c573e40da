"""How a fact's native keys become the hub's: what it refers to, and what that resolves to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self, runtime_checkable

from crossdock.canonical.quantities import Quantity


class ReferenceKind(StrEnum):
    ITEM = "item"
    LOCATION = "location"
    PARTY = "party"


@dataclass(frozen=True, slots=True)
class Reference:
    """A native key as the source wrote it; for an item also the unit it was counted in."""

    kind: ReferenceKind
    native_id: str
    unit: str = ""

    @classmethod
    def item(cls, native_id: str, quantity: Quantity) -> Self:
        return cls(ReferenceKind.ITEM, native_id, quantity.unit)

    @classmethod
    def location(cls, native_id: str) -> Self:
        return cls(ReferenceKind.LOCATION, native_id)


@dataclass(frozen=True, slots=True)
class ItemInUnit:
    """A resolved item: its hub id, its base unit, and how many base units one `unit` holds."""

    item: str
    base_unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answers for the references of one source; every reference of a fact must be in it."""

    items: Mapping[tuple[str, str], ItemInUnit] = field(
        default_factory=dict[tuple[str, str], ItemInUnit]
    )
    locations: Mapping[str, str] = field(default_factory=dict[str, str])

    def item(self, native_id: str) -> str:
        return next(found.item for (native, _), found in self.items.items() if native == native_id)

    def location(self, native_id: str) -> str:
        return self.locations[native_id]

    def base(self, native_id: str, quantity: Quantity) -> Quantity:
        """Convert by the exact rational; an amount that is not whole millionths is an error."""
        found = self.items[native_id, quantity.unit]
        return Quantity(quantity.value * found.numerator / found.denominator, found.base_unit)


@runtime_checkable
class Refers(Protocol):
    """A payload that names items, locations or parties in the source's own keys."""

    def references(self) -> tuple[Reference, ...]: ...

    def resolved(self, resolution: Resolution) -> Self: ...
