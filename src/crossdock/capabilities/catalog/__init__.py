"""Items, units, numbers, locations and parties: what there is, and what every system calls it."""

from crossdock.capabilities.catalog.known import Found, KnownGoods, Named
from crossdock.capabilities.catalog.model import (
    OWN_SOURCE,
    CatalogFact,
    Confidence,
    normalised,
    own_fact,
)
from crossdock.capabilities.catalog.naming import Naming
from crossdock.capabilities.catalog.parties import PartyNames, PartyRecord
from crossdock.capabilities.catalog.place_zones import zones_in
from crossdock.capabilities.catalog.reactions import reader
from crossdock.capabilities.catalog.records import ItemRecord, LocationRecord
from crossdock.capabilities.catalog.service import (
    TOPIC,
    Catalog,
)

__all__ = [
    "OWN_SOURCE",
    "TOPIC",
    "Catalog",
    "CatalogFact",
    "Confidence",
    "Found",
    "ItemRecord",
    "KnownGoods",
    "LocationRecord",
    "Named",
    "Naming",
    "PartyNames",
    "PartyRecord",
    "normalised",
    "own_fact",
    "reader",
    "zones_in",
]
