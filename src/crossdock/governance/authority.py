"""Which system keeps the stock of a location: its system of record, one at a time, as data."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from crossdock.canonical.catalog import LocationKind
from crossdock.canonical.errors import Invalid, NotFound, Rejected
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

KEPT_CODE = "INV-KEEPER"
HUB = "crossdock"
"""The source of what is said at the hub itself; it may keep the stock of a location too."""

# One look-up for all the locations of a batch.
KEEPERS = """
select location, source from system_of_record
where tenant = $1 and attribute = 'stock' and location = any($2)
"""
SET = """
insert into system_of_record (tenant, attribute, location, source, set_by, set_at)
values ($1, 'stock', $2, $3, $4, $5)
on conflict (tenant, attribute, location) do update
    set source = excluded.source, set_by = excluded.set_by, set_at = excluded.set_at
"""
CLEAR = """
delete from system_of_record where tenant = $1 and attribute = 'stock' and location = $2
returning location
"""
LIST = """
select location, source, set_by, set_at from system_of_record
where tenant = $1 and attribute = 'stock' and ($2::text[] is null or location = any($2))
    and location > $3
order by location limit $4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """`source` keeps the stock of the location; `set_by` said so."""

    location: str
    source: str
    set_by: str
    set_at: datetime


class Place(Protocol):
    @property
    def location(self) -> str: ...

    @property
    def kind(self) -> str: ...


class KnowsPlaces(Protocol):
    async def location(self, scope: Scope, location: str) -> Place:
        """Find a location by its code, however it is spelled; raise `NotFound`."""
        ...


class KnowsSources(Protocol):
    async def knows(self, scope: Scope, source: str) -> bool: ...


async def stock_keepers(
    tx: Transaction, tenant: str, locations: Collection[str]
) -> dict[str, str]:
    """Name the keeper of each of these locations that has one, as of this transaction."""
    rows = await tx.fetch(KEEPERS, tenant, list(locations))
    return {row["location"]: row["source"] for row in rows}


class Authority:
    """Says who keeps the stock of a location. Where nobody does, any source may tell it."""

    def __init__(
        self, database: Database, clock: Clock, places: KnowsPlaces, sources: KnowsSources
    ) -> None:
        self._database = database
        self._clock = clock
        self._places = places
        self._sources = sources

    async def check_source(self, scope: Scope, source: str) -> None:
        """Refuse a name that is no connection's, and that nothing was ever heard from."""
        if source != HUB and not await self._sources.knows(scope, source):
            raise NotFound(
                f"no connection is called {source!r}, and no source of that name ever spoke",
                hint="`crossdock connection list` shows what is connected; to link keys of one"
                " that is yet to speak, say that it is new: --new-system, `is_new_system`",
            )

    async def set_keeper(self, scope: Scope, location: str, source: str, *, by: str) -> Keeper:
        """Let `source` alone tell the stock of the location; what was told before stays."""
        place = await self._places.location(scope, location)
        if place.kind == LocationKind.GROUP:
            raise Invalid(
                f"{place.location} is a group: stock lies at its members",
                where="/location",
                hint="say it of each member",
            )
        await self.check_source(scope, source)
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            await tx.execute(SET, scope.tenant, place.location, source, by, now)
        return Keeper(location=place.location, source=source, set_by=by, set_at=now)

    async def clear_keeper(self, scope: Scope, location: str) -> None:
        """Let any source tell the stock of the location again."""
        place = await self._places.location(scope, location)
        async with self._database.transaction(scope) as tx:
            if not await tx.fetchval(CLEAR, scope.tenant, place.location):
                raise NotFound(f"nobody keeps the stock of {place.location}: nothing to clear")

    async def keepers(
        self,
        scope: Scope,
        locations: Collection[str] | None = None,
        *,
        after: str = "",
        limit: int = 1000,
    ) -> list[Keeper]:
        """List who keeps what, of all locations or of these, in their order behind `after`."""
        wanted = None if locations is None else list(locations)
        async with self._database.transaction(scope) as tx:
            rows: list[Any] = await tx.fetch(LIST, scope.tenant, wanted, after, limit)
        return [Keeper(**dict(row.items())) for row in rows]

    async def check_stock(self, scope: Scope, location: str, source: str) -> None:
        """Refuse, naming the keeper, when another than `source` keeps the location's stock."""
        for keeper in await self.keepers(scope, [location]):
            if keeper.source != source:
                raise Rejected(
                    f"{keeper.source} keeps the stock of {location}: it is counted there alone",
                    code=KEPT_CODE,
                    hint=f"count it in {keeper.source}, or hand the stock over first: "
                    f"`crossdock catalog set-keeper {location} {source}`",
                )
