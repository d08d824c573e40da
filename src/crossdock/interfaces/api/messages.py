"""`/v1/quarantine`: what came in and could not be recorded, and trying it again."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from crossdock.connectivity.quarantine import Quarantined
from crossdock.connectivity.replaying import ReplayedEntry
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import PAGE, AfterNumber, Limit, Number, Reason, Text

State = Annotated[
    Literal["OPEN", "REPLAYED", "DISCARDED", ""], Query(description="Empty for all.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryShown:
    """`where` is the place in the message; `message` the number of the kept original."""

    id: int
    source: str
    code: str
    where: str
    reason: str
    identity: str
    message: int | None
    times: int
    state: str
    quarantined_at: datetime
    last_at: datetime
    closed_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWhole:
    """`record` is the refused part as it came, in base64; `fact` what could be read of it."""

    entry: EntryShown
    record: str
    fact: dict[str, Any] | None


class Entries(BaseModel):
    entries: list[EntryShown]


class Chosen(BaseModel):
    """`ids`, or of a source and a code the next 1,000 open ones behind `after`.

    A dry run tells what would happen.
    """

    model_config = ConfigDict(extra="forbid")

    ids: list[Number] | None = Field(default=None, max_length=1000)
    source: Text = ""
    code: Text = ""
    after: Number = 0
    dry_run: Annotated[bool, Field(strict=True)] = False


class GivenUp(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: list[Number] = Field(min_length=1, max_length=1000)
    reason: Reason


class Results(BaseModel):
    """`more`: there are others; ask again with the last id of `results` as `after`."""

    more: bool
    results: list[ReplayedEntry]


class Count(BaseModel):
    count: int


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/quarantine", tags=["messages"])

    @routes.get("", **needs("messages:read"))
    async def list_quarantine(
        caller: Caller,
        *,
        state: State = "OPEN",
        source: Text = "",
        code: Text = "",
        after: AfterNumber = 0,
        limit: Limit = 100,
    ) -> Entries:
        found = await hub.quarantine.find(
            caller.scope, state=state, source=source, code=code, after=after, limit=limit
        )
        return Entries(entries=[_shown(entry) for entry in found])

    @routes.get("/{entry_id}", **needs("messages:read"))
    async def show_quarantined(entry_id: Number, caller: Caller) -> EntryWhole:
        entry = await hub.quarantine.show(caller.scope, entry_id)
        return EntryWhole(
            entry=_shown(entry),
            record=base64.b64encode(entry.record).decode(),
            fact=msgspec.json.decode(entry.fact) if entry.fact else None,
        )

    @routes.post("/replay", **needs("messages:write"))
    async def replay_quarantined(chosen: Chosen, caller: Caller) -> Results:
        """Try again with today's mapping and today's catalogue."""
        found = await hub.quarantine.find(
            caller.scope, source=chosen.source, code=chosen.code, ids=chosen.ids,
            after=chosen.after, limit=PAGE + 1,
        )  # fmt: skip
        entries = found[:PAGE]
        results = await hub.quarantine.replay(caller.scope, entries, dry_run=chosen.dry_run)
        return Results(more=len(found) > PAGE, results=results)

    @routes.post("/discard", **needs("messages:write"))
    async def discard_quarantined(given_up: GivenUp, caller: Caller) -> Count:
        """Give up on entries; they stay on record, with the reason."""
        reason = f"{given_up.reason} (key {caller.key_id})"
        count = await hub.quarantine.discard(caller.scope, given_up.ids, reason=reason)
        return Count(count=count)

    return routes


def _shown(entry: Quarantined) -> EntryShown:
    return EntryShown(
        id=entry.id,
        source=entry.source,
        code=entry.code,
        where=entry.place,
        reason=entry.reason,
        identity=entry.identity,
        message=entry.raw_ref,
        times=entry.times,
        state=entry.state,
        quarantined_at=entry.quarantined_at,
        last_at=entry.last_at,
        closed_reason=entry.closed_reason,
    )
