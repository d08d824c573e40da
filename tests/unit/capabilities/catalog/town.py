"""A catalogue with a log before it."""

from collections.abc import Sequence
from datetime import datetime

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.references import ItemInUnit, Reference, ReferenceKind
from crossdock.capabilities.catalog import Catalog, reader
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry
from crossdock.foundation.scope import Scope
from tests.conftest import NOON

MAIN = Scope("main")


class Town:
    """A catalogue with a log before it: `say` records facts and lets the catalogue hear them."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database = database
        self.clock = clock
        self.catalog = Catalog(database, clock)
        self._said = 0

    async def say(
        self,
        *payloads: Payload,
        source: str = "erp",
        version: int | None = 1,
        native_ref: str = "",
        at: datetime = NOON,
        tenant: str = "main",
    ) -> None:
        entries: list[Entry] = []
        for payload in payloads:
            self._said += 1
            fact = Fact(
                identity=f"said:{self._said}",
                payload=payload,
                occurred_at=at,
                version=version,
                native_ref=native_ref,
            )
            entries.append(
                Entry(tenant=tenant, source=source, received_at=self.clock.now(), fact=fact)
            )
        async with self.database.transaction(Scope(tenant)) as tx:
            await event_log.append_once(tx, entries)
        await readers.catch_up(self.database, reader(self.catalog), self.clock)

    async def item(
        self, native_id: str, unit: str = "EA", source: str = "erp"
    ) -> ItemInUnit | str:
        reference = Reference(ReferenceKind.ITEM, native_id, unit)
        async with self.database.transaction(MAIN) as tx:
            found, unresolved = await self.catalog.resolve(tx, source, [reference])
        return unresolved.get(reference) or found.items[native_id, unit]

    async def place(self, native_id: str, source: str = "erp") -> str:
        reference = Reference.location(native_id)
        async with self.database.transaction(MAIN) as tx:
            found, unresolved = await self.catalog.resolve(tx, source, [reference])
        return unresolved.get(reference) or found.locations[native_id]

    async def party(self, native_id: str, source: str = "erp") -> str:
        reference = Reference.party(native_id)
        async with self.database.transaction(MAIN) as tx:
            found, unresolved = await self.catalog.resolve(tx, source, [reference])
        return unresolved.get(reference) or found.parties[native_id]

    async def native(self, system: str, *items: str) -> list[str | None]:
        asked = [Reference(ReferenceKind.ITEM, item) for item in items]
        async with self.database.transaction(MAIN) as tx:
            keys = await self.catalog.native_keys(tx, system, asked)
        return [keys.get(reference) for reference in asked]

    async def findings(self) -> Sequence[tuple[str, str]]:
        found = await self.catalog.findings(MAIN)
        return sorted((row["code"], row["value"]) for row in found)


async def opened(database: Database, clock: VirtualClock) -> Town:
    made = Town(database, clock)
    await readers.register(database, reader(made.catalog))
    return made
