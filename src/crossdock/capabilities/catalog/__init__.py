"""Items, units, numbers and locations: what there is, and what every system calls it."""

from crossdock.capabilities.catalog.known import Found, KnownGoods, Named
from crossdock.capabilities.catalog.model import OWN_SOURCE, Confidence, normalised, own_fact
from crossdock.capabilities.catalog.naming import Naming
from crossdock.capabilities.catalog.reactions import reader
from crossdock.capabilities.catalog.service import (
    TOPIC,
    Catalog,
    ItemRecord,
    LocationRecord,
)

__all__ = [
    "OWN_SOURCE",
    "TOPIC",
    "Catalog",
    "Confidence",
    "Found",
    "ItemRecord",
    "KnownGoods",
    "LocationRecord",
    "Named",
    "Naming",
    "normalised",
    "own_fact",
    "reader",
]
