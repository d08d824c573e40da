"""`/v1/positions`, `/v1/safety-stock`, `/v1/reservations`: what lies where, and who holds it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import KnownGoods, Named, normalised
from crossdock.capabilities.inventory import Hold
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import AmountText, Code, Limit, Text
from crossdock.interfaces.api.stock import AmountSaid
from crossdock.interfaces.api.stock_shapes import (
    AmountShown,
    PositionShown,
    amount,
    position_shown,
)

Item = Annotated[Code, Query(description="The hub's item id.")]
Location = Annotated[Code, Query(description="The hub's location, or group of locations.")]


class Positions(BaseModel):
    """Buckets that somebody has told of; availability says whether none is zero or unknown.

    A group has no buckets of its own: ask for its members.
    """

    positions: list[PositionShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldShown:
    """A line of a reservation, and how much it still holds.

    `expires_at` is null for one without an end.
    """

    hold_id: str
    reservation_id: str
    line_no: int
    item: str
    location: str
    client: str
    request_id: str
    kind: ReservationKind
    held: AmountShown
    demand_ref: str
    created_at: datetime
    expires_at: datetime | None


class HoldsShown(BaseModel):
    """The oldest first. What open order lines claim is not among them, reserved before or not."""

    holds: list[HoldShown]


class KeptSaid(AmountSaid):
    value: AmountText


class SafetySaid(BaseModel):
    """`unit` is left out for the item's base unit."""

    model_config = ConfigDict(extra="forbid")

    quantity: KeptSaid


class SafetyShown(BaseModel):
    """`safety` is kept from being promised, in the item's base unit."""

    item: str
    location: str
    safety: AmountShown


def position_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["stock"])

    @routes.get("/positions", **needs("stock:read"))
    async def list_positions(item: Item, location: Location, caller: Caller) -> Positions:
        """List the buckets that goods lie in, by status, owner, lot and serial."""
        goods = await known.find_one(caller.scope, Named(item, location), where="")
        found = await hub.inventory.on_hand(caller.scope, [(goods.item, goods.location)])
        return Positions(positions=[position_shown(position) for position in found])

    @routes.get("/reservations", **needs("allocation:read"))
    async def list_holds(
        item: Item,
        caller: Caller,
        location: Annotated[Text, Query(description="Left out for everywhere.")] = "",
        after_hold: Annotated[Text, Query(description="The last of the page before.")] = "",
        limit: Limit = 100,
    ) -> HoldsShown:
        """List the reservations that hold an item now, those at a group with its members'."""
        shown = await holds_of(hub, caller.scope, (item, location), (after_hold, limit))
        return HoldsShown(holds=shown)

    @routes.get("/safety-stock", **needs("stock:read"))
    async def show_safety(item: Item, location: Location, caller: Caller) -> SafetyShown:
        """Tell how much of an item at a location is kept from being promised."""
        goods = await known.find_one(caller.scope, Named(item, location), where="")
        [answer] = await hub.inventory.availability(caller.scope, [(goods.item, goods.location)])
        safety = amount(answer.figures.safety, goods.base_unit)
        return SafetyShown(item=goods.item, location=goods.location, safety=safety)

    # A rule of the house, as keepers are: a shop that may reserve may not change it.
    @routes.put("/safety-stock", **needs("catalog:write"))
    async def set_safety(
        item: Item, location: Location, said: SafetySaid, caller: Caller
    ) -> SafetyShown:
        """Keep so much of an item at a location from being promised; promises made stay."""
        quantity = Quantity.of(said.quantity.value, said.quantity.unit)
        goods = await known.find_one(caller.scope, Named(item, location, quantity), where="")
        await hub.inventory.upkeep.set_safety(
            caller.scope,
            goods.item,
            goods.location,
            goods.micros,
            unit=goods.base_unit,
            by=caller.client,
        )
        safety = amount(goods.micros, goods.base_unit)
        return SafetyShown(item=goods.item, location=goods.location, safety=safety)

    return routes


async def holds_of(
    hub: Hub, scope: Scope, place: tuple[str, str], page: tuple[str, int]
) -> list[HoldShown]:
    """Show what holds an item at a location ("" is everywhere); `page` is after, and how many."""
    (item, location), (after, limit) = place, page
    record = await hub.catalog.item(scope, normalised(item))
    if location:
        location = (await hub.catalog.location(scope, normalised(location))).location
    found = await hub.inventory.holds.of(scope, record.item, location, after=after, limit=limit)
    return [_hold(one, record.base_unit) for one in found]


def _hold(one: Hold, unit: str) -> HoldShown:
    said = {name: value for name, value in one._asdict().items() if name not in {"micros", "unit"}}
    return HoldShown(held=amount(one.micros, unit), **said)
