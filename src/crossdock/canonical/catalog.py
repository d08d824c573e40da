"""Items, their units and numbers, and the locations they lie at."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Self

from crossdock.canonical.errors import Invalid
from crossdock.canonical.open_enums import OpenEnum
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.references import Reference, Resolution


class Tracking(StrEnum):
    NONE = "NONE"
    LOT = "LOT"
    SERIAL = "SERIAL"
    LOT_SERIAL = "LOT_SERIAL"


class ItemStatus(OpenEnum):
    INTRODUCED = "INTRODUCED"
    ACTIVE = "ACTIVE"
    PHASE_OUT = "PHASE_OUT"
    DISCONTINUED = "DISCONTINUED"
    BLOCKED = "BLOCKED"
    OTHER = "OTHER"


class LocationKind(OpenEnum):
    """GROUP is a set of nodes that promises are made from before a node is chosen."""

    DC = "DC"
    BRANCH = "BRANCH"
    STORE = "STORE"
    THIRD_PARTY = "3PL"
    SUPPLIER = "SUPPLIER"
    CUSTOMER = "CUSTOMER"
    VIRTUAL_IN_TRANSIT = "VIRTUAL_IN_TRANSIT"
    BIN = "BIN"
    GROUP = "GROUP"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemUnit:
    """`numerator / denominator` base units make one `unit`: a case of 12 is 12/1."""

    unit: str
    numerator: int
    denominator: int = 1
    gtin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChanged:
    """An item as its source knows it; the source's key is the fact's `native_ref`."""

    TYPE: ClassVar[str] = "catalog.item_changed.v1"

    sku: str
    description: str = ""
    base_unit: str = "EA"
    units: tuple[ItemUnit, ...] = ()
    status: ItemStatus = ItemStatus.ACTIVE
    tracking: Tracking = Tracking.NONE
    gtin: str = ""

    @property
    def key(self) -> str:
        return self.sku


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationChanged:
    """A place that holds stock, or a group of such places (`members`, by their codes)."""

    TYPE: ClassVar[str] = "catalog.location_changed.v1"

    code: str
    name: str = ""
    kind: LocationKind = LocationKind.DC
    timezone: str = "UTC"
    members: tuple[str, ...] = ()
    is_active: bool = True

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class KitComponent:
    """So much of an item goes into what the kit says it makes; `base` is set by the hub."""

    item: str
    quantity: Quantity
    base: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KitChanged:
    """What a kit is put together from; without components it is a kit no longer.

    `components` together make `quantity` of the item. The kit may lie there assembled, too.
    """

    TYPE: ClassVar[str] = "catalog.kit_changed.v1"

    item: str
    quantity: Quantity
    components: tuple[KitComponent, ...]
    base: Quantity | None = None

    @property
    def key(self) -> str:
        return self.item

    def references(self) -> tuple[Reference, ...]:
        return (
            Reference.item(self.item, self.quantity),
            *(Reference.item(one.item, one.quantity) for one in self.components),
        )

    def resolved(self, resolution: Resolution) -> Self:
        found = replace(
            self,
            item=resolution.item(self.item),
            base=resolution.base(self.item, self.quantity),
            components=tuple(
                replace(
                    one,
                    item=resolution.item(one.item),
                    base=resolution.base(one.item, one.quantity),
                )
                for one in self.components
            ),
        )
        found.parts()
        return found

    def parts(self) -> dict[str, tuple[int, str]]:
        """Give of each component how many micros one base unit of the kit takes, and its unit."""
        makes = (self.base or self.quantity).micros
        parts: dict[str, tuple[int, str]] = {}
        for number, one in enumerate(self.components):
            takes = one.base or one.quantity
            micros, rest = divmod(takes.micros * MICROS, makes) if makes > 0 else (0, 0)
            if micros <= 0 or rest or one.item in {self.item, *parts}:
                raise Invalid(
                    f"{one.item} cannot be so much of one {self.item}",
                    where=f"/payload/components/{number}",
                    code="EVT-SCHEMA",
                    hint="each component once, more than zero, in whole millionths of one kit",
                )
            parts[one.item] = (micros, takes.unit)
        return parts
