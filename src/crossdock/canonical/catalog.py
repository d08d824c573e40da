"""Items, their units and numbers, and the locations they lie at."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import ClassVar, Self

from crossdock.canonical.errors import Invalid, Missing
from crossdock.canonical.open_enums import OpenEnum
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.references import Reference, Resolution

CIRCLE = "MD-KIT-CIRCLE"
ITEM_CLASS_MAX = 40
"""A class is a short code."""


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
    """An item as its source knows it; the source's key is the fact's `native_ref`.

    `is_regulated`: by law each piece of it is accounted for, so no difference is let pass.
    `item_class`: a short code of its source's own, A, B, C, SERVICE; rules of promises may be for
    a class, and "" is none. None is from a source that knows nothing of it, and leaves what was
    said before.
    """

    TYPE: ClassVar[str] = "catalog.item_changed.v1"

    sku: str
    description: str = ""
    base_unit: str = "EA"
    units: tuple[ItemUnit, ...] = ()
    status: ItemStatus = ItemStatus.ACTIVE
    tracking: Tracking = Tracking.NONE
    gtin: str = ""
    is_regulated: bool | None = None
    item_class: str | None = None

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

    `components` together make `quantity` of the item. The kit may lie there assembled, too. A
    component may be a kit itself, and none may be put together from the kit that it goes into.
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
            *(Reference.recipe(one.item) for one in self.components),
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
        parts = tuple(found.parts())
        if way := resolution.circle(found.item, parts):
            circle = f"{found.item} would be put together from itself: {' > '.join(way)}"
            if resolution.is_behind:
                raise Missing(f"{circle}, unless a recipe on its way ends that", code=CIRCLE)
            raise Invalid(
                circle,
                where="/payload/components",
                code=CIRCLE,
                hint="take one of these kits apart first: tell it without that component",
            )
        resolution.recipes[found.item] = parts
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LotChanged:
    """What is known of a lot of an item, wherever it lies: the newest version wins.

    `expires_on` is the last day its goods may be used; none is a day that nobody told.
    """

    TYPE: ClassVar[str] = "catalog.lot_changed.v1"

    item: str
    lot: str
    expires_on: date | None = None

    @property
    def key(self) -> str:
        return self.item

    def references(self) -> tuple[Reference, ...]:
        return (Reference.item_alone(self.item),)

    def resolved(self, resolution: Resolution) -> Self:
        if not self.lot.strip():
            raise Invalid(
                "a lot has a name",
                where="/payload/lot",
                code="EVT-SCHEMA",
                hint="the number that its goods carry, as movements and counts tell it",
            )
        return replace(self, item=resolution.item(self.item))


PERCENT_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchWeightChanged:
    """What one base unit of an item weighs that is sold by piece and invoiced by weight.

    `nominal` is what one weighs as a rule, and none says that it is no such item any more. A real
    one may weigh so many percent less or more (`low_percent`, `high_percent`).
    """

    TYPE: ClassVar[str] = "catalog.catch_weight_changed.v1"

    item: str
    nominal: Quantity | None = None
    low_percent: int = 0
    high_percent: int = 0

    @property
    def key(self) -> str:
        return self.item

    def references(self) -> tuple[Reference, ...]:
        return (Reference.item_alone(self.item),)

    def resolved(self, resolution: Resolution) -> Self:
        is_some = self.nominal is None or self.nominal.value > 0
        percents = (self.low_percent, self.high_percent)
        if not is_some or not all(0 <= one <= PERCENT_MAX for one in percents):
            raise Invalid(
                f"{self.item} cannot weigh so much",
                where="/payload/nominal",
                code="EVT-SCHEMA",
                hint="more than zero, and a tolerance of 0 to 100 percent either way",
            )
        return replace(self, item=resolution.item(self.item))
