"""Items, their units and numbers, and the locations they lie at."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from crossdock.canonical.open_enums import OpenEnum


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
