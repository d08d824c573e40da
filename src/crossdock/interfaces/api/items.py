"""`/v1/items`, `/v1/locations`, `/v1/parties`: what there is, and what systems call it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from crossdock.canonical.catalog import (
    ItemChanged,
    ItemStatus,
    ItemUnit,
    LocationChanged,
    LocationKind,
    Tracking,
)
from crossdock.canonical.parties import PartyChanged, PartyKind, PartyRole, PartyStatus
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.capabilities.catalog import (
    OWN_SOURCE,
    CatalogFact,
    Confidence,
    ItemRecord,
    LocationRecord,
    PartyRecord,
    own_fact,
)
from crossdock.connectivity.recording import FactVerdict
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.groups_said import check_group
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Code, ItemClass, Limit, LongText, Text

Factor = Annotated[int, Field(gt=0, le=10**12, strict=True)]


class UnitSaid(BaseModel):
    """`numerator / denominator` base units make one `unit`: a case of 12 is 12/1."""

    model_config = ConfigDict(extra="forbid")

    unit: Code
    numerator: Factor
    denominator: Factor = 1
    gtin: Text = ""


class ItemSaid(BaseModel):
    """`is_regulated` and `item_class` left out or null leave what was said before; "" is none."""

    model_config = ConfigDict(extra="forbid")

    description: LongText = ""
    base_unit: Code = "EA"
    units: list[UnitSaid] = Field(default_factory=list, max_length=100)
    status: ItemStatus = ItemStatus.ACTIVE
    tracking: Tracking = Tracking.NONE
    gtin: Text = ""
    is_regulated: bool | None = Field(default=None, strict=True)
    item_class: ItemClass | None = None


class LocationSaid(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Text = ""
    kind: LocationKind = LocationKind.DC
    timezone: Text = "UTC"
    members: list[Code] = Field(default_factory=list, max_length=1000)
    is_active: bool = True


class PartySaid(BaseModel):
    """`parent` is the party that it belongs to; it need not be known yet."""

    model_config = ConfigDict(extra="forbid")

    legal_name: Text = ""
    kind: PartyKind = PartyKind.ORG
    roles: list[PartyRole] = Field(default_factory=list[PartyRole], max_length=20)
    status: PartyStatus = PartyStatus.ACTIVE
    parent: Text = ""
    gln: Text = ""
    duns: Text = ""
    tax_ids: list[Code] = Field(default_factory=list, max_length=100)


class LinkSaid(BaseModel):
    """`native_id` is what `system` calls the thing. A PROVISIONAL link is never written by.

    A system that is no connection and never spoke is refused, unless it `is_new_system`.
    """

    model_config = ConfigDict(extra="forbid")

    system: Code
    native_id: Code
    confidence: Confidence = Confidence.ASSERTED
    is_new_system: Annotated[bool, Field(strict=True)] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationShown(LocationRecord):
    """`stock_kept_by`: the one source that tells the stock there; "" where any may."""

    stock_kept_by: str = ""


class Items(BaseModel):
    items: list[ItemRecord]


class Locations(BaseModel):
    locations: list[LocationShown]


class Parties(BaseModel):
    parties: list[PartyRecord]


def item_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["catalogue"])

    @routes.get("/items", **needs("catalog:read"))
    async def list_items(caller: Caller, after: After = "", limit: Limit = 100) -> Items:
        return Items(items=await hub.catalog.items(caller.scope, after=after, limit=limit))

    @routes.get("/items/{item}", **needs("catalog:read"))
    async def show_item(item: Code, caller: Caller) -> ItemRecord:
        return await hub.catalog.item(caller.scope, item)

    @routes.put("/items/{item}", status_code=202, **needs("catalog:write"))
    async def say_item(
        item: Code, said: ItemSaid, request: Request, caller: Caller
    ) -> FactVerdict:
        """Add an item or change it; it can be asked for a moment later."""
        units = tuple(ItemUnit(**unit.model_dump()) for unit in said.units)
        fields: dict[str, Any] = said.model_dump() | {"units": units}
        payload = ItemChanged(sku=item, **fields)
        return await _say(hub, request, caller, payload)

    @routes.post("/items/{item}/links", status_code=204, **needs("catalog:write"))
    async def link_item(item: Code, said: LinkSaid, caller: Caller) -> None:
        """Say by hand what a system's key means."""
        await _link(hub, caller, ReferenceKind.ITEM, item, said)

    return routes


def location_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["catalogue"])

    @routes.get("/locations", **needs("catalog:read"))
    async def list_locations(caller: Caller, after: After = "", limit: Limit = 100) -> Locations:
        found = await hub.catalog.locations(caller.scope, after=after, limit=limit)
        return Locations(locations=await _with_keepers(hub, caller, found))

    @routes.get("/locations/{location}", **needs("catalog:read"))
    async def show_location(location: Code, caller: Caller) -> LocationShown:
        found = await hub.catalog.location(caller.scope, location)
        return (await _with_keepers(hub, caller, [found]))[0]

    @routes.put("/locations/{location}", status_code=202, **needs("catalog:write"))
    async def say_location(
        location: Code, said: LocationSaid, request: Request, caller: Caller
    ) -> FactVerdict:
        """Add a location or a group of them, or change it."""
        fields: dict[str, Any] = said.model_dump() | {"members": tuple(said.members)}
        payload = LocationChanged(code=location, **fields)
        await check_group(hub, caller.scope, payload)
        return await _say(hub, request, caller, payload)

    @routes.post("/locations/{location}/links", status_code=204, **needs("catalog:write"))
    async def link_location(location: Code, said: LinkSaid, caller: Caller) -> None:
        await _link(hub, caller, ReferenceKind.LOCATION, location, said)

    return routes


def party_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["catalogue"])

    @routes.get("/parties", **needs("catalog:read"))
    async def list_parties(caller: Caller, after: After = "", limit: Limit = 100) -> Parties:
        """List customers, suppliers, carriers and who else trades."""
        return Parties(parties=await hub.catalog.parties(caller.scope, after=after, limit=limit))

    @routes.get("/parties/{party:path}", **needs("catalog:read"))
    async def show_party(party: Code, caller: Caller) -> PartyRecord:
        return await hub.catalog.party(caller.scope, party)

    @routes.put("/parties/{party:path}", status_code=202, **needs("catalog:write"))
    async def say_party(
        party: Code, said: PartySaid, request: Request, caller: Caller
    ) -> FactVerdict:
        """Add a customer, a supplier or who else trades, or change it."""
        lists = {"roles": tuple(said.roles), "tax_ids": tuple(said.tax_ids)}
        fields: dict[str, Any] = said.model_dump() | lists
        return await _say(hub, request, caller, PartyChanged(code=party, **fields))

    @routes.post("/parties/{party:path}/links", status_code=204, **needs("catalog:write"))
    async def link_party(party: Code, said: LinkSaid, caller: Caller) -> None:
        """Say by hand what a system's key means."""
        await _link(hub, caller, ReferenceKind.PARTY, party, said)

    return routes


async def _with_keepers(
    hub: Hub, caller: Caller, places: Sequence[LocationRecord]
) -> list[LocationShown]:
    keepers = await hub.authority.keepers(caller.scope, [place.location for place in places])
    kept_by = {keeper.location: keeper.source for keeper in keepers}
    return [
        LocationShown(**asdict(place), stock_kept_by=kept_by.get(place.location, ""))
        for place in places
    ]


async def _say(hub: Hub, request: Request, caller: Caller, payload: CatalogFact) -> FactVerdict:
    fact = own_fact(payload, hub.clock.now())
    verdicts = await hub.inbox.record(caller.scope, OWN_SOURCE, [fact], await request.body())
    return verdicts[0]


async def _link(
    hub: Hub, caller: Caller, kind: ReferenceKind, hub_id: str, said: LinkSaid
) -> None:
    if not said.is_new_system:
        await hub.authority.check_source(caller.scope, said.system)
    await hub.catalog.link(
        caller.scope,
        said.system,
        Reference(kind, said.native_id),
        hub_id,
        confidence=said.confidence,
        by=f"key {caller.key_id}",
    )
