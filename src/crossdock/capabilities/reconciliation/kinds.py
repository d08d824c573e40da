"""What is compared: stock, open order lines, open purchase order lines, or what is published.

`system` of a run or a finding is whose number comes first. For stock that is the hub's ledger or
another system; the other kinds are books of the hub, each by its own name.
"""

from enum import StrEnum

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity


class Kind(StrEnum):
    """STOCK: an item at a location. ORDERS and PURCHASES: a line of a document (§4.1.7)."""

    STOCK = "stock"
    ORDERS = "orders"
    PURCHASES = "purchases"
    PUBLISHED = "published"


DOCUMENTS = (Kind.ORDERS, Kind.PURCHASES)
"""Kinds whose key is a line of a document."""


def kind_of(system: str) -> Kind:
    """Tell what a run or a finding is of, by whose number comes first."""
    return Kind(system) if system in {*DOCUMENTS, Kind.PUBLISHED} else Kind.STOCK


def check_healed(kind: Kind) -> None:
    """Refuse the kind of which no document is sent or read again."""
    if kind is Kind.PUBLISHED:
        raise Invalid(
            "what channels show is not mended by documents",
            where="/kind",
            hint="stock, orders or purchases; what a channel shows wrongly is written to it anew",
        )


Listed = tuple[str, str, Quantity]
"""What a source lists of a line: its item, its location, how much is open of it."""
