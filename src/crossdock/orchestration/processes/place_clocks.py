"""By which clock it is which hour at a place: what counting and periods go by."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Protocol

from crossdock.foundation.database import Transaction
from crossdock.foundation.zones import zone_of


class KnowsZones(Protocol):
    """The catalogue, as counting by the clock of a place needs it."""

    async def time_zones(
        self, tx: Transaction, places: Sequence[tuple[str, str]], /
    ) -> Mapping[tuple[str, str], str]:
        """Answer the zone of each (tenant, location); one that nobody knows is left out."""
        ...


async def zones_of(
    tx: Transaction, zones: KnowsZones, places: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tzinfo]:
    """Give the zone of each (tenant, location); of one that nobody knows, UTC."""
    named = await zones.time_zones(tx, places) if places else {}
    return {place: zone_of(named.get(place, "UTC")) for place in places}
