"""Which events move the catalogue: what sources say about items and locations."""

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.capabilities.catalog.service import Catalog
from crossdock.foundation.readers import Reader


def reader(catalog: Catalog) -> Reader:
    return Reader(
        name="catalog",
        apply=catalog.apply,
        types=frozenset({ItemChanged.TYPE, LocationChanged.TYPE}),
    )
