"""A group of locations as a caller says it: of locations that there are, and none a group."""

from crossdock.canonical.catalog import LocationChanged
from crossdock.capabilities.catalog import reader
from crossdock.foundation import readers
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.hub import Hub


async def check_group(hub: Hub, scope: Scope, place: LocationChanged) -> None:
    """Refuse members that nobody knows, groups among them, and the group itself.

    Stock lies at the members: whatever else is named has none, and the group's would be unknown.
    """
    if place.members:
        # What was said a moment before counts.
        await readers.catch_up(hub.database, reader(hub.catalog), hub.clock)
        await hub.catalog.check_group(scope, place.code, place.members)
