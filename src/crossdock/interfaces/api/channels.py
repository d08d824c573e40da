"""`/v1/channels`: what is agreed with each sales channel."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.inventory.protection import Period
from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.interfaces.api import channel_chart
from crossdock.interfaces.api.budget_chart import drawn
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.chart import SVG
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, AmountText, Code, Limit, Text
from crossdock.interfaces.api.terms_said import items_said, terms_said
from crossdock.orchestration.processes.availability_exposure import ChannelExposure
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from crossdock.orchestration.processes.oversell_shown import ChannelBudget

Whole = Annotated[int, Field(strict=True, ge=0, le=10**12)]
Flag = Annotated[bool, Field(strict=True)]
Items = Annotated[Sequence[Code], Query(max_length=1000, description="These items alone.")]


class ItemTermsSaid(BaseModel):
    """What is different for one item; what is left out or null is as the channel says.

    `low_threshold` and `levels` say when it is told at once; `[]` is no levels at all.
    `numerator / denominator` base units make one unit that the channel sells (a case: 12/1).
    `pack` is the least that it sells of that unit. `unit_margin` is in the channel's currency.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code
    is_excluded: Flag = False
    buffer: AmountText | None = None
    cap: AmountText | None = None
    low_threshold: AmountText | None = None
    levels: list[AmountText] | None = Field(default=None, max_length=100)
    share_fixed: AmountText | None = None
    share_min: AmountText | None = None
    share_max: AmountText | None = None
    oversell_percent: AmountText | None = None
    unit_margin: AmountText | None = None
    pack: AmountText | None = None
    numerator: Whole = 1
    denominator: Whole = 1


class TermsSaid(BaseModel):
    """Amounts are decimal strings, in the unit that the channel sells.

    `source_locations` are what it sells from, locations or groups of them; `wakes_on` are others
    whose changes concern it, besides groups and members of these. With an `oversell_percent` the
    buffer is computed so that sales which nobody knows of yet exceed it so seldom, and `buffer` is
    its least. `share_min` is kept for a PROTECTED channel, `share_max` limits it, each per
    `period`. `unit_margin` is what one unit earns, in `currency`. `channel` is whose maxima and
    minima of allocation hold for it, as its orders name it; "" is as the connection is called.
    While a source of its stock is silent for too long, `when_stale` says what it shows: no more
    than it does (KEEP), that behind a wider buffer (LOWER: `stale_buffer` besides, or the buffer
    once more), or nothing (ZERO).
    """

    model_config = ConfigDict(extra="forbid")

    source_locations: list[Code] = Field(min_length=1, max_length=1000)
    wakes_on: list[Code] = Field(default_factory=list, max_length=1000)
    share_mode: ShareMode = ShareMode.POOL
    share_percent: AmountText = "100"
    share_fixed: AmountText = "0"
    share_min: AmountText = "0"
    share_max: AmountText | None = None
    period: Period = Period.DAY
    buffer: AmountText = "0"
    oversell_percent: AmountText | None = None
    unit_margin: AmountText | None = None
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""
    cap: AmountText | None = None
    low_threshold: AmountText = "0"
    levels: list[AmountText] = Field(default_factory=list, max_length=100)
    coalesce_seconds: Whole = 60
    jump_percent: Whole = 10
    unexplained_seconds: Whole = 30
    corrections_max: Whole = 8
    retry_seconds: Whole = 60
    when_stale: WhenStale = WhenStale.LOWER
    stale_buffer: AmountText | None = None
    is_active: Flag = True
    channel: Annotated[Text, Field(max_length=200)] = ""
    items: list[ItemTermsSaid] = Field(default_factory=list, max_length=10_000)

    def agreed(self, connection: str, location: str) -> Channel:
        named = {"connection": connection, "location": location}
        return msgspec.convert(self.model_dump(mode="json") | named, Channel)


class PublishSaid(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[Code] = Field(default_factory=list, max_length=10_000)


class PublishAsked(BaseModel):
    """How many listings will be looked at."""

    listings: int


class ChannelsShown(BaseModel):
    channels: list[Channel]


def terms_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/channels", tags=["channels"])

    @routes.get("", **needs("connections:read"))
    async def list_channels(caller: Caller) -> ChannelsShown:
        """List channels and their terms."""
        return ChannelsShown(channels=await hub.channels.listed(caller.scope))

    # The location of a shop is often named by an address of its own.
    @routes.put("/{connection}/{location:path}", **needs("connections:write"))
    async def put_channel(
        connection: Code, location: Code, said: TermsSaid, caller: Caller
    ) -> Channel:
        """Agree on terms; they replace the old ones, and every listed item is looked at again."""
        channel = await terms_said(hub, caller.scope, said.agreed(connection, location))
        return await hub.channels.put(caller.scope, channel, by=caller.client)

    @routes.delete("/{connection}/{location:path}", **needs("connections:write"))
    async def end_channel(connection: Code, location: Code, caller: Caller) -> Channel:
        """Sell through a channel no more; it keeps what it shows, and the terms stay on record."""
        place = normalised(location)
        return await hub.channels.end(caller.scope, connection, place, by=caller.client)

    @routes.post(
        "/{connection}/{location:path}/publish", status_code=202, **needs("connections:write")
    )
    async def publish(
        connection: Code, location: Code, said: PublishSaid, caller: Caller
    ) -> PublishAsked:
        """Have levels written at once, even such as the channel is believed to hold already.

        Without `items`, those of everything that the channel was told about.
        """
        place = normalised(location)
        items = await items_said(hub, caller.scope, connection, said.items)
        asked = hub.publishing.requests.publish(caller.scope, connection, place, items)
        return PublishAsked(listings=await asked)

    return routes


def showing_routes(hub: Hub) -> APIRouter:
    """Put the longer addresses first: a location's own name may hold anything."""
    routes = APIRouter(prefix="/v1/channels", tags=["channels"])

    _draw(routes, hub)

    @routes.get("/{connection}/{location:path}/budget", **needs("connections:read"))
    async def show_budget(
        connection: Code,
        location: Code,
        caller: Caller,
        *,
        item: Items = (),
        after: After = "",
        limit: Limit = 100,
    ) -> ChannelBudget:
        """Show what a channel holds back so that it seldom oversells, and what that costs.

        Per item: who takes how much in his busiest hour, what sells unseen meanwhile, the buffer,
        and what it would be behind a file every two hours. Without `item`, a page of those that
        sell.
        """
        which = _wanted(item, after, limit)
        return await hub.publishing.budgets.show(
            caller.scope, connection, normalised(location), which
        )

    @routes.get("/{connection}/{location:path}", **needs("connections:read"))
    async def show_channel(
        connection: Code,
        location: Code,
        caller: Caller,
        *,
        item: Items = (),
        after: After = "",
        limit: Limit = 100,
    ) -> ChannelExposure:
        """Show what a channel shows of each item beside what there is, and what all show together.

        `feeds` says which sources tell of its stock, and for the silence of which of them it is in
        safe mode. Without `item`, a page of those it was told about.
        """
        which = _wanted(item, after, limit)
        return await hub.publishing.exposures.show(
            caller.scope, connection, normalised(location), which
        )

    return routes


def _draw(routes: APIRouter, hub: Hub) -> None:
    @routes.get("/{connection}/{location:path}/budget/chart", **needs("connections:read"))
    async def draw_budget(
        connection: Code, location: Code, item: Code, caller: Caller
    ) -> Response:
        """Draw one item's buffer against the delay of the path, as SVG."""
        place, named = normalised(location), normalised(item)
        curve = await hub.publishing.budgets.curve(caller.scope, connection, place, named)
        return Response(drawn(curve), media_type=SVG)

    @routes.get("/{connection}/{location:path}/chart", **needs("connections:read"))
    async def draw_channel(
        connection: Code, location: Code, item: Code, caller: Caller
    ) -> Response:
        """Draw why a channel is shown so much of an item, step by step, as SVG."""
        which = ItemsWanted(items=[normalised(item)])
        exposures = hub.publishing.exposures
        shown = await exposures.show(caller.scope, connection, normalised(location), which)
        return Response(channel_chart.drawn(shown, shown.items[0]), media_type=SVG)


def _wanted(items: Sequence[str], after: str, limit: int) -> ItemsWanted:
    named = [normalised(one) for one in items]
    return ItemsWanted(items=named, after=normalised(after), limit=limit)
