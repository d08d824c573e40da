"""What is compared: stock, lines of documents, or what is published.

`system` of a run or a finding is whose number comes first. For stock that is the hub's ledger or
another system; the other kinds are books of the hub, each by its own name, or as orders:wms the
open lines of another system.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.reconciliation.model import HUB


class Kind(StrEnum):
    """STOCK: an item at a location. The others but PUBLISHED: a line of a document (§4.1.7).

    ORDERS and PURCHASES are what is open. INVOICES and DELIVERIES are what was invoiced, and
    delivered, of what was shipped; SUPPLIER_INVOICES what was invoiced of what was received.
    INVOICE_PRICES and SUPPLIER_PRICES are what was invoiced in money, and agreed.
    """

    STOCK = "stock"
    ORDERS = "orders"
    PURCHASES = "purchases"
    INVOICES = "invoices"
    SUPPLIER_INVOICES = "supplier_invoices"
    DELIVERIES = "deliveries"
    INVOICE_PRICES = "invoice_prices"
    SUPPLIER_PRICES = "supplier_prices"
    PUBLISHED = "published"


OPEN_LINES = (Kind.ORDERS, Kind.PURCHASES)
"""Kinds whose amounts are what is open of a line."""
FOLLOWING = (Kind.INVOICES, Kind.SUPPLIER_INVOICES, Kind.DELIVERIES)
"""Kinds whose amounts are what in all has followed upon goods that moved."""
PRICES = (Kind.INVOICE_PRICES, Kind.SUPPLIER_PRICES)
"""Kinds whose amounts are money: what was agreed of what is invoiced, and what is invoiced."""
DOCUMENTS = (*OPEN_LINES, *FOLLOWING, *PRICES)
"""Kinds whose key is a line of a document."""
_OF = ":"
LABELS: Mapping[str, str] = MappingProxyType(
    {
        Kind.ORDERS: "open orders",
        Kind.PURCHASES: "open purchases",
        Kind.INVOICES: "invoices",
        Kind.SUPPLIER_INVOICES: "supplier invoices",
        Kind.DELIVERIES: "deliveries",
        Kind.INVOICE_PRICES: "invoiced prices",
        Kind.SUPPLIER_PRICES: "supplier prices",
    }
)


def book_of(kind: Kind, first: str = "") -> str:
    """Name whose lines come first: the hub's own of a kind, or as orders:wms another system's."""
    return f"{kind}{_OF}{first}" if first else kind.value


def kind_of(system: str) -> Kind:
    """Tell what a run or a finding is of, by whose number comes first."""
    book, _, _ = system.partition(_OF)
    return Kind(book) if book in {*DOCUMENTS, Kind.PUBLISHED} else Kind.STOCK


def first_of(system: str) -> str:
    """Name whose number comes first where that is not the hub's: another system, or published."""
    if kind_of(system) in DOCUMENTS:
        return system.partition(_OF)[2]
    return "" if system == HUB else system


def ours_of(system: str) -> str:
    """Say whose number comes first, in words: the hub, another system, or what was agreed."""
    own = "what was agreed" if kind_of(system) in PRICES else "the hub"
    return first_of(system) or own


def check_healed(kind: Kind) -> None:
    """Refuse the kinds of which no document is sent or read again."""
    if kind is Kind.PUBLISHED:
        raise Invalid(
            "what channels show is not mended by documents",
            where="/kind",
            hint="stock, orders or purchases; what a channel shows wrongly is written to it anew",
        )
    if kind in {*FOLLOWING, *PRICES}:
        raise Invalid(
            f"{LABELS[kind]} are not sent or read again",
            where="/kind",
            hint="stock, orders or purchases; whose case it is puts the others right",
        )


Listed = tuple[str, str, Quantity]
"""What a source lists of a line: its item, its location, how much is open of it."""
