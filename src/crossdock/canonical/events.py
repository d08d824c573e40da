"""Every event there is, by name: what the log may hold and what may be heard."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Payload
from crossdock.canonical.errors import NotFound
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    ReservationChanged,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockWentNegative,
)
from crossdock.canonical.orders import OrderChanged

EVENTS: Mapping[str, type[Payload]] = MappingProxyType(
    {
        payload.TYPE: payload
        for payload in (
            AvailabilityChanged,
            ItemChanged,
            LocationChanged,
            OrderChanged,
            ReservationChanged,
            SourceHeard,
            StockMoved,
            StockSnapshotTaken,
            StockWentNegative,
        )
    }
)


def payload_type(name: str) -> type[Payload]:
    """Find the class of an event type; a name nobody knows raises `NotFound`."""
    if name not in EVENTS:
        raise NotFound(f"no event is called {name!r}", hint="docs/reference/events lists them all")
    return EVENTS[name]
