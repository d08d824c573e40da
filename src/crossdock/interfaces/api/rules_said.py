"""What a rule is for, as a caller says it: an item and a location that there are, or all."""

from dataclasses import replace

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.catalog import Catalog, normalised
from crossdock.capabilities.supply import ALL, PlacedRule
from crossdock.foundation.scope import Scope


async def place_said(catalog: Catalog, scope: Scope, placed: PlacedRule) -> PlacedRule:
    """Give the rule with the hub's names; one that nobody knows is told with its place."""
    item, location = normalised(placed.item), normalised(placed.location)
    items, locations = await catalog.names(scope, [item], [location])
    hint = "GET /v1/items and /v1/locations, or `crossdock catalog`, list what is known"
    if item != ALL and item not in items:
        reason = f"no item is called {placed.item!r}"
        raise Invalid(reason, where="/item", code="MD-ITEM-XREF", hint=hint)
    if location != ALL and location not in locations:
        reason = f"no location is called {placed.location!r}"
        raise Invalid(reason, where="/location", code="MD-LOC", hint=hint)
    item_class = normalised(placed.item_class)
    return replace(placed, item=item, item_class=item_class, location=location)
