"""What a simulated shop is made of: things for sale, where they lie, and who ordered them."""

from dataclasses import dataclass
from datetime import datetime

from crossdock.applications.shopify.mapping import gid


@dataclass(slots=True)
class Variant:
    """A thing for sale. `number` is its inventory item's; the variant and product have others."""

    number: int
    sku: str
    product_title: str
    title: str
    barcode: str
    sells_without_stock: bool
    updated_at: datetime

    @property
    def item(self) -> str:
        return gid("InventoryItem", str(self.number))

    @property
    def display_name(self) -> str:
        plain = self.title == "Default Title"
        return self.product_title if plain else f"{self.product_title} - {self.title}"


@dataclass(slots=True)
class Place:
    number: int
    name: str
    is_active: bool
    updated_at: datetime

    @property
    def id(self) -> str:
        return gid("Location", str(self.number))


@dataclass(slots=True)
class Level:
    variant: Variant
    place: Place
    available: int
    committed: int
    updated_at: datetime


@dataclass(slots=True)
class OrderLine:
    number: int
    level: Level
    ordered: int
    kept: int
    fulfilled: int = 0


@dataclass(slots=True)
class ShopOrder:
    number: int
    name: str
    lines: list[OrderLine]
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None = None
    customer_po: str = ""
    customer: int = 0
    company: int = 0

    @property
    def id(self) -> str:
        return gid("Order", str(self.number))
