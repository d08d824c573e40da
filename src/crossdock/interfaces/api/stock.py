"""`/v1/reservations/{id}` and bulk availability: what becomes of a promise, and many answers."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import KnownGoods, Named, normalised
from crossdock.capabilities.inventory import Reservation
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.reservation_shapes import ReservationShown, reservation_shown
from crossdock.interfaces.api.shapes import Code, Text
from crossdock.interfaces.api.stock_shapes import (
    AvailabilityShown,
    availabilities_shown,
)

TTL_SECONDS_MAX = 14_400
LineNo = Annotated[int, Field(ge=0, le=32_767, strict=True)]


class AmountSaid(BaseModel):
    """`value` is a decimal string; `unit` is left out for the item's base unit."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[str, Field(max_length=40, strict=True)]
    unit: Annotated[Text, Field(max_length=40)] = ""


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid")

    item: Code
    location: Code


class Places(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[Place] = Field(min_length=1, max_length=1000)


class ManyAvailable(BaseModel):
    """In the order asked."""

    availability: list[AvailabilityShown]


class Extension(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ttl_seconds: Annotated[int, Field(ge=1, le=TTL_SECONDS_MAX, strict=True)]


class ConsumedLine(BaseModel):
    """`consumed` is how much of the line has gone out in all so far, never how much more."""

    model_config = ConfigDict(extra="forbid")

    line_no: LineNo
    consumed: AmountSaid


class Consumption(BaseModel):
    """Without `lines`, everything that was granted."""

    model_config = ConfigDict(extra="forbid")

    lines: list[ConsumedLine] | None = Field(default=None, min_length=1, max_length=1000)


class Transfer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    location: Code


def availability_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["stock"])

    @routes.post("/availability", **needs("stock:read"))
    async def show_many(asked: Places, caller: Caller) -> ManyAvailable:
        """Tell what can be promised now of many items at many places, all of one moment."""
        named = [Named(place.item, place.location) for place in asked.keys]
        found = await known.find(caller.scope, named, where="/keys")
        keys = [(goods.item, goods.location) for goods in found]
        answers = await hub.inventory.availability(caller.scope, keys)
        doubts = await hub.doubts.of(caller.scope, keys)
        kits = await hub.kit_stocks.of(caller.scope, keys)
        return ManyAvailable(availability=availabilities_shown(answers, doubts, kits))

    return routes


def reservation_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/reservations/{reservation_id}", tags=["stock"])
    shown = partial(_shown, known)

    @routes.get("", **needs("stock:read"))
    async def show(reservation_id: Text, caller: Caller) -> ReservationShown:
        """Show how a promise stands."""
        return await shown(caller.scope, await hub.inventory.get(caller.scope, reservation_id))

    @routes.post("/confirm", **needs("stock:write"))
    async def confirm(reservation_id: Text, caller: Caller) -> ReservationShown:
        """Make a soft hold hard: the order is accepted."""
        return await shown(caller.scope, await hub.inventory.confirm(caller.scope, reservation_id))

    @routes.post("/extend", **needs("stock:write"))
    async def extend(reservation_id: Text, said: Extension, caller: Caller) -> ReservationShown:
        """Keep a soft hold for longer."""
        changed = await hub.inventory.extend(caller.scope, reservation_id, said.ttl_seconds)
        return await shown(caller.scope, changed)

    @routes.post("/release", **needs("stock:write"))
    async def release(reservation_id: Text, caller: Caller) -> ReservationShown:
        """Give back what has not been consumed."""
        return await shown(caller.scope, await hub.inventory.release(caller.scope, reservation_id))

    return routes


def outcome_routes(hub: Hub, known: KnownGoods) -> APIRouter:
    routes = APIRouter(prefix="/v1/reservations/{reservation_id}", tags=["stock"])
    shown = partial(_shown, known)

    @routes.post("/consume", **needs("stock:write"))
    async def consume(
        reservation_id: Text, caller: Caller, said: Consumption | None = None
    ) -> ReservationShown:
        """Note how much has gone out in all so far; the same again, or less, changes nothing."""
        amounts = None
        if said and said.lines:
            before = await hub.inventory.get(caller.scope, reservation_id)
            amounts = await _amounts(known, caller.scope, before, said.lines)
        changed = await hub.inventory.consume(caller.scope, reservation_id, amounts)
        return await shown(caller.scope, changed)

    @routes.post("/transfer", **needs("stock:write"))
    async def transfer(reservation_id: Text, said: Transfer, caller: Caller) -> ReservationShown:
        """Move what is left to another location, without a moment in between."""
        place = await hub.catalog.location(caller.scope, normalised(said.location))
        changed = await hub.inventory.transfer(caller.scope, reservation_id, place.location)
        return await shown(caller.scope, changed)

    return routes


async def _shown(known: KnownGoods, scope: Scope, reservation: Reservation) -> ReservationShown:
    items = {line.item for line in reservation.lines}
    return reservation_shown(reservation, await known.base_units(scope, items))


async def _amounts(
    known: KnownGoods, scope: Scope, before: Reservation, lines: list[ConsumedLine]
) -> dict[int, int]:
    by_number = {line.line_no: line for line in before.lines}
    named: list[Named] = []
    for number, line in enumerate(lines):
        if line.line_no not in by_number or line.line_no in {
            one.line_no for one in lines[:number]
        }:
            raise Invalid(f"no line {line.line_no}, or twice", where=f"/lines/{number}/line_no")
        promised = by_number[line.line_no]
        amount = Quantity.of(line.consumed.value, line.consumed.unit)
        named.append(Named(promised.item, promised.location, amount))
    found = await known.find(scope, named, where="/lines")
    return {line.line_no: goods.micros for line, goods in zip(lines, found, strict=True)}
