"""Which events move the catalogue: what sources say about items, locations and parties."""

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.capabilities.catalog.service import Catalog
from crossdock.foundation.readers import Reader


def reader(catalog: Catalog) -> Reader:
    return Reader(
        name="catalog",
        apply=catalog.apply,
        types=frozenset({ItemChanged.TYPE, LocationChanged.TYPE, PartyChanged.TYPE}),
    )
