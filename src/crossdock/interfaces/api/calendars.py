"""When locations work, over HTTP: one calendar for answers by date and for sourcing (§1.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.supply import CalendarSaid, PlacedRule
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.atp import Day
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.rules_said import place_said
from crossdock.interfaces.api.shapes import Code, Text


class CalendarPut(BaseModel):
    """Days that a location works, as ISO numbers ("12345" is Monday to Friday), and its holidays.

    From `cutoff` on ("15:30", its own time), today is over; "" is none. `hours` ("08:00-17:00",
    its own time) are those of a working day, in which deadlines of cases about it run; "" is
    around the clock, on all days. What is left out stays.
    """

    model_config = ConfigDict(extra="forbid")

    weekdays: Annotated[Text, Field(max_length=7)] | None = None
    holidays: Annotated[list[Day], Field(max_length=1000)] | None = None
    cutoff: Annotated[Text, Field(max_length=15)] | None = None
    hours: Annotated[Text, Field(max_length=11)] | None = None

    def said(self) -> CalendarSaid:
        holidays = None if self.holidays is None else tuple(sorted(set(self.holidays)))
        return CalendarSaid(
            weekdays=self.weekdays, holidays=holidays, cutoff=self.cutoff, hours=self.hours
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarShown:
    """What holds, wherever it is said: of the location, of all, or by default."""

    location: str
    weekdays: str
    holidays: Sequence[date]
    cutoff: str
    hours: str


def calendar_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/atp/calendars", tags=["stock"])

    @routes.get("/{location}", **needs("stock:read"))
    async def show_calendar(location: Code, caller: Caller) -> CalendarShown:
        """Tell when a location works; of "*", when all do of which nothing else is said."""
        return await calendar_shown(hub, caller.scope, location)

    # A rule of the house, as those of answers by date are.
    @routes.put("/{location}", **needs("catalog:write"))
    async def put_calendar(location: Code, said: CalendarPut, caller: Caller) -> CalendarShown:
        """Say when a location works; what is left out stays, as does the rest of its rule."""
        placed = await place_said(hub.catalog, caller.scope, PlacedRule(location=location))
        by = caller.client
        await hub.supply.calendars.put(caller.scope, placed.location, said.said(), by=by)
        return await calendar_shown(hub, caller.scope, location)

    return routes


async def calendar_shown(hub: Hub, scope: Scope, location: str) -> CalendarShown:
    """Show what holds at a location that there is, or at all of them ("*")."""
    placed = await place_said(hub.catalog, scope, PlacedRule(location=location))
    found = (await hub.supply.calendars.calendars(scope, [placed.location]))[placed.location]
    return CalendarShown(
        location=placed.location,
        weekdays="".join(map(str, sorted(found.weekdays))),
        holidays=sorted(found.holidays),
        cutoff=f"{found.cutoff:%H:%M}" if found.cutoff else "",
        hours=str(found.hours) if found.hours else "",
    )
