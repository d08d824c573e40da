"""How a fact's native keys become the hub's: what it refers to, and what that resolves to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self, runtime_checkable

from crossdock.canonical.errors import Invalid, Missing
from crossdock.canonical.identifiers import KeyRule
from crossdock.canonical.quantities import AMOUNT_MAX, MICROS, Quantity

_CODES = KeyRule()
ANY_UNIT = "*"
"""Names the item alone, whatever it is counted in."""


class ReferenceKind(StrEnum):
    ITEM = "item"
    LOCATION = "location"
    PARTY = "party"
    RECIPE = "recipe"


@dataclass(frozen=True, slots=True)
class Reference:
    """A native key as the source wrote it; for an item also the unit it was counted in.

    A fact waits for what it refers to, unless that `may_be_unknown`.
    """

    kind: ReferenceKind
    native_id: str
    unit: str = ""
    may_be_unknown: bool = False

    @classmethod
    def item(cls, native_id: str, quantity: Quantity) -> Self:
        return cls(ReferenceKind.ITEM, native_id, quantity.unit)

    @classmethod
    def item_alone(cls, native_id: str) -> Self:
        return cls(ReferenceKind.ITEM, native_id, ANY_UNIT)

    @classmethod
    def recipe(cls, native_id: str) -> Self:
        """Name what an item is put together from; it need not be a kit."""
        return cls(ReferenceKind.RECIPE, native_id)

    @classmethod
    def location(cls, native_id: str) -> Self:
        return cls(ReferenceKind.LOCATION, native_id)

    @classmethod
    def party(cls, native_id: str, *, may_be_unknown: bool = False) -> Self:
        return cls(ReferenceKind.PARTY, native_id, may_be_unknown=may_be_unknown)


@dataclass(frozen=True, slots=True)
class ItemInUnit:
    """A resolved item: its hub id, its base unit, and how many base units one `unit` holds."""

    item: str
    base_unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answers for the references of one source; every reference of a fact must be in it.

    `recipes` are what the hub's kits are put together from, of those that a fact's kits lead to;
    `is_behind`: others were told since, and are not among them yet.
    """

    items: Mapping[tuple[str, str], ItemInUnit] = field(
        default_factory=dict[tuple[str, str], ItemInUnit]
    )
    locations: Mapping[str, str] = field(default_factory=dict[str, str])
    recipes: dict[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    is_behind: bool = False
    parties: Mapping[str, str] = field(default_factory=dict[str, str])
    _hub_items: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A batch asks for the same few items thousands of times, so their ids are laid out once.
        hub_items = {native: found.item for (native, _), found in self.items.items()}
        object.__setattr__(self, "_hub_items", hub_items)

    def item(self, native_id: str) -> str:
        try:
            return self._hub_items[native_id]
        except KeyError:
            raise Missing(f"Item {native_id!r} is not known", code="MD-ITEM-XREF") from None

    def location(self, native_id: str) -> str:
        try:
            return self.locations[native_id]
        except KeyError:
            raise Missing(f"Location {native_id!r} is not known", code="MD-LOC") from None

    def party(self, native_id: str) -> str:
        """Give the hub's id of a party; of one that nobody knows its code, made comparable.

        That is the id it gets when it comes to be known by this code.
        """
        return self.parties.get(native_id) or _CODES.comparable(native_id)

    def circle(self, kit: str, parts: Sequence[str]) -> list[str]:
        """Find the way from a kit back to itself: its names in order, [] where there is none."""
        came: dict[str, str] = {}
        ready = [kit]
        for item in ready:
            for part in parts if item == kit else self.recipes.get(item, ()):
                if part == kit:
                    way = [kit, item]
                    while way[-1] != kit:
                        way.append(came[way[-1]])
                    return way[::-1]
                if part not in came:
                    came[part] = item
                    ready.append(part)
        return []

    def base(self, native_id: str, quantity: Quantity) -> Quantity:
        """Convert by the exact rational, rounded once, half up, to a millionth of the base unit.

        A pound is 0.45359237 kg, more places than are kept; the fact still holds the quantity as
        transacted, so the residual can always be told (domain.md §1.0).
        """
        found = self.items.get((native_id, quantity.unit))
        if found is None:
            raise Missing(f"Item {native_id!r} has no unit {quantity.unit!r}", code="MD-UOM")
        if found.numerator == found.denominator:
            return Quantity(quantity.value, found.base_unit)
        micros = quantity.micros * found.numerator
        rounded = (2 * abs(micros) + found.denominator) // (2 * found.denominator)
        if rounded >= AMOUNT_MAX * MICROS:
            raise Invalid(
                f"{quantity} of {native_id!r} are 10^12 {found.base_unit} or more",
                code="EVT-SCHEMA",
                hint=f"one {quantity.unit} of it is {found.numerator}/{found.denominator}"
                f" {found.base_unit}: mend the unit or the amount",
            )
        return Quantity.from_micros(rounded if micros >= 0 else -rounded, found.base_unit)


@runtime_checkable
class Refers(Protocol):
    """A payload that names items, locations or parties in the source's own keys."""

    def references(self) -> tuple[Reference, ...]: ...

    def resolved(self, resolution: Resolution) -> Self: ...
