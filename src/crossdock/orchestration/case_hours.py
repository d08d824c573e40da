"""How long there is for a case: by the clock, or while the place that it is about works (§7.1)."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from crossdock.canonical.calendars import Calendar, WorkingTime
from crossdock.canonical.cases import AROUND_THE_CLOCK, OpenCase
from crossdock.capabilities import catalog, supply
from crossdock.foundation.database import Transaction
from crossdock.foundation.zones import zone_of

Places = Mapping[tuple[str, str], WorkingTime]
"""When locations work, by tenant and location."""


def place_of(tenant: str, case: OpenCase) -> tuple[str, str] | None:
    """Name the place in whose hours its time runs; None is around the clock."""
    is_in_hours = case.location and case.severity != AROUND_THE_CLOCK
    return (tenant, case.location) if is_in_hours else None


def due_at(tenant: str, case: OpenCase, places: Places, now: datetime) -> datetime:
    """Say by when a case that is told of now is to be settled."""
    place = place_of(tenant, case)
    return places[place].later(now, case.within) if place else now + case.within


async def working_times(
    tx: Transaction, places: Collection[tuple[str, str]]
) -> dict[tuple[str, str], WorkingTime]:
    """Give when each of these (tenant, location) works; one that nobody knows is always open."""
    if not places:
        return {}
    zones = await catalog.zones_in(tx, sorted(places))
    found = dict.fromkeys(places, WorkingTime(Calendar(), UTC))
    for tenant in sorted({tenant for tenant, _ in zones}):
        own = sorted(location for of, location in zones if of == tenant)
        for at, calendar in (await supply.calendars_in(tx.of(tenant), own)).items():
            found[tenant, at] = WorkingTime(calendar, zone_of(zones[tenant, at]))
    return found
