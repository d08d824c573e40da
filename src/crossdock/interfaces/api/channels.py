"""`/v1/channels`: what is agreed with each sales channel."""

from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import AmountText, Code
from crossdock.interfaces.api.terms_said import terms_said
from crossdock.orchestration.processes.availability_channels import Channel

Whole = Annotated[int, Field(strict=True, ge=0, le=10**12)]
Flag = Annotated[bool, Field(strict=True)]


class ItemTermsSaid(BaseModel):
    """What is different for one item; what is left out or null is as the channel says.

    `numerator / denominator` base units make one unit that the channel sells (a case: 12/1).
    `pack` is the least that it sells of that unit.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code
    is_excluded: Flag = False
    buffer: AmountText | None = None
    cap: AmountText | None = None
    share_fixed: AmountText | None = None
    pack: AmountText | None = None
    numerator: Whole = 1
    denominator: Whole = 1


class TermsSaid(BaseModel):
    """Amounts are decimal strings, in the unit that the channel sells.

    `source_locations` are what it sells from, locations or groups of them; `wakes_on` are others
    whose changes concern it.
    """

    model_config = ConfigDict(extra="forbid")

    source_locations: list[Code] = Field(min_length=1, max_length=1000)
    wakes_on: list[Code] = Field(default_factory=list, max_length=1000)
    share_mode: ShareMode = ShareMode.POOL
    share_percent: AmountText = "100"
    share_fixed: AmountText = "0"
    buffer: AmountText = "0"
    cap: AmountText | None = None
    low_threshold: AmountText = "0"
    levels: list[AmountText] = Field(default_factory=list, max_length=100)
    coalesce_seconds: Whole = 60
    jump_percent: Whole = 10
    unexplained_seconds: Whole = 30
    corrections_max: Whole = 8
    retry_seconds: Whole = 60
    when_stale: WhenStale = WhenStale.KEEP
    stale_buffer: AmountText = "0"
    is_active: Flag = True
    items: list[ItemTermsSaid] = Field(default_factory=list, max_length=10_000)

    def channel(self, connection: str, location: str) -> Channel:
        named = {"connection": connection, "location": location}
        return msgspec.convert(self.model_dump(mode="json") | named, Channel)


class ChannelsShown(BaseModel):
    channels: list[Channel]


def router(hub: Hub) -> APIRouter:
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
        await hub.directory.get(caller.scope, connection)
        channel = said.channel(connection, location)
        channel = await terms_said(hub.catalog, caller.scope, channel)
        return await hub.channels.put(caller.scope, channel)

    return routes
