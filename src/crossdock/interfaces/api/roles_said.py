"""Roles as a caller says them: at locations that there are, by the hub's own names."""

from collections.abc import Mapping, Sequence

from crossdock.canonical.catalog import LocationKind
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.capabilities.catalog import Catalog, normalised
from crossdock.foundation.scope import Scope


async def roles_said(
    catalog: Catalog, scope: Scope, roles: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Give the roles with the hub's names; goods move at locations, so a group is refused."""
    said = {
        role: list(dict.fromkeys(normalised(location) for location in locations))
        for role, locations in roles.items()
    }
    wanted = sorted({location for locations in said.values() for location in locations})
    found = await catalog.locations(scope, only=wanted, limit=len(wanted))
    kinds = {place.location: place.kind for place in found}
    for location in wanted:
        if location not in kinds:
            raise NotFound(f"no location is called {location!r}", code="MD-LOC")
        if kinds[location] == LocationKind.GROUP:
            raise Invalid(
                f"{location!r} is a group", where="roles", hint="name the locations in it"
            )
    return said
