"""Terms of a channel as a caller says them: of items and locations that there are."""

from dataclasses import replace

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.catalog import Catalog, normalised
from crossdock.foundation.scope import Scope
from crossdock.orchestration.processes.channel_terms import Channel


async def terms_said(catalog: Catalog, scope: Scope, channel: Channel) -> Channel:
    """Give the terms with the hub's names; one that nobody knows is told with its place."""
    said = replace(
        channel,
        location=(await catalog.location(scope, normalised(channel.location))).location,
        source_locations=tuple(map(normalised, channel.source_locations)),
        wakes_on=tuple(map(normalised, channel.wakes_on)),
        items=tuple(replace(terms, item=normalised(terms.item)) for terms in channel.items),
    )
    named = [terms.item for terms in said.items]
    items, locations = await catalog.names(scope, named, said.source_locations + said.wakes_on)
    for field in ("source_locations", "wakes_on"):
        for number, name in enumerate(getattr(said, field)):
            if name not in locations:
                raise _unknown("location", name, f"/{field}/{number}", "MD-LOC")
    for number, name in enumerate(named):
        if name not in items:
            raise _unknown("item", name, f"/items/{number}/item", "MD-ITEM-XREF")
    return said


def _unknown(kind: str, name: str, where: str, code: str) -> Invalid:
    return Invalid(
        f"no {kind} is called {name!r}",
        where=where,
        code=code,
        hint="GET /v1/items and /v1/locations, or `crossdock catalog`, list what is known",
    )
