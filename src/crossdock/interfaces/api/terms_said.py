"""Channels as a caller says them: of items and locations that there are, there and here."""

from collections.abc import Sequence
from dataclasses import replace

from crossdock.canonical.errors import Invalid
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.capabilities.catalog import normalised
from crossdock.connectivity.sdk import PublishesAvailability
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.hub import Hub
from crossdock.orchestration.processes.channel_terms import Channel


async def terms_said(hub: Hub, scope: Scope, channel: Channel) -> Channel:
    """Give the terms with the hub's names; one that nobody knows is told with its place."""
    await hub.directory.get(scope, channel.connection)
    catalog = hub.catalog
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
    if said.is_active:
        place = Reference(ReferenceKind.LOCATION, said.location)
        await _must_have_keys(hub, scope, said.connection, [place])
    return said


async def items_said(
    hub: Hub, scope: Scope, connection: str, items: Sequence[str]
) -> Sequence[str]:
    """Give the hub's names of items that a channel can be told of."""
    said = list(dict.fromkeys(map(normalised, items)))
    known, _ = await hub.catalog.names(scope, said, [])
    for name in said:
        if name not in known:
            raise _unknown("item", name, "items", "MD-ITEM-XREF")
    if said:
        references = [Reference(ReferenceKind.ITEM, name) for name in said]
        await _must_have_keys(hub, scope, connection, references)
    return said


async def _must_have_keys(
    hub: Hub, scope: Scope, connection: str, references: Sequence[Reference]
) -> None:
    """Refuse what a channel could not be told of: each of its levels would be a dead letter."""
    entry = await hub.directory.get(scope, connection)
    roles = hub.directory.application_of(entry).roles
    if PublishesAvailability not in roles or not entry.plays(PublishesAvailability.__name__):
        return
    keys = await hub.catalog.native_keys_in(scope, connection, references)
    for reference in references:
        if reference not in keys:
            is_item = reference.kind is ReferenceKind.ITEM
            raise Invalid(
                f"{connection} has no key for {reference.kind} {reference.native_id!r}",
                where="items" if is_item else "location",
                code="MD-ITEM-XREF" if is_item else "MD-LOC",
                hint=f"name one of its own, or say what it calls it: `crossdock catalog link"
                f" {connection} KEY {reference.native_id}{'' if is_item else ' --location'}`",
            )


def _unknown(kind: str, name: str, where: str, code: str) -> Invalid:
    return Invalid(
        f"no {kind} is called {name!r}",
        where=where,
        code=code,
        hint="GET /v1/items and /v1/locations, or `crossdock catalog`, list what is known",
    )
