"""What is compared: stock, open order lines, open purchase order lines, or what is published.

`system` of a run or a finding is whose number comes first. For stock that is the hub's ledger or
another system; the other kinds are books of the hub, each by its own name.
"""

from enum import StrEnum


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
