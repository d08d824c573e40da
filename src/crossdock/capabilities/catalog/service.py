"""What others may ask of the catalogue: what a native key means, what a system calls a thing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Event
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.references import (
    ItemInUnit,
    Reference,
    ReferenceKind,
    Resolution,
)
from crossdock.canonical.units import canonical_unit
from crossdock.capabilities.catalog import parties, store
from crossdock.capabilities.catalog.model import (
    Confidence,
    Conversion,
    Finding,
    Heard,
    LastWord,
    Qualifier,
    accepted,
    check_members,
    conversions,
    gtins,
    heard,
    last_words,
    newest,
    normalised,
)
from crossdock.capabilities.catalog.naming import CLASSES
from crossdock.capabilities.catalog.parties import KnowsCustomers, PartyNames, PartyRecord
from crossdock.capabilities.catalog.place_zones import zones_in
from crossdock.capabilities.catalog.records import ItemRecord, LocationRecord, item_record
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import ALL_TENANTS, Scope

TOPIC = "catalog"
"""Woken when the catalogue changed: what waits for an unknown item may try again."""


Record = TypeVar("Record")


class Catalog:
    def __init__(
        self, database: Database, clock: Clock, customers: KnowsCustomers | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._customers = customers

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Take in a page of catalogue facts; what an older version says changes nothing."""
        facts = await parties.as_linked(tx, [heard(event) for event in events])
        known = await store.known_versions(tx, facts)
        fresh = newest(facts, known)
        if not fresh:
            return
        items = [
            (fact, fact.event.payload)
            for fact in fresh
            if isinstance(fact.event.payload, ItemChanged)
        ]
        places = [fact for fact in fresh if isinstance(fact.event.payload, LocationChanged)]
        traders = [fact for fact in fresh if isinstance(fact.event.payload, PartyChanged)]
        if items:
            await self._take_items(tx, items, last_words(accepted(facts, known)))
        if places:
            await store.put_locations(tx, places)
        if traders:
            await parties.put(tx, traders)
        await store.put_xrefs(tx, store.xrefs_of(fresh), Confidence.ASSERTED, store.BY_SOURCE)
        await store.put_versions(tx, fresh)
        tx.wake(TOPIC)

    async def resolve(
        self, tx: Transaction, source: str, references: Sequence[Reference]
    ) -> tuple[Resolution, Mapping[Reference, str]]:
        """Answer for every reference what it means at the hub, or why nobody knows.

        The reasons are codes of the exception taxonomy: MD-ITEM-XREF, MD-UOM, MD-LOC, MD-PARTY.
        """
        asked = set(references)
        items = sorted(
            (ref for ref in asked if ref.kind is ReferenceKind.ITEM),
            key=lambda ref: (ref.native_id, ref.unit),
        )
        places = sorted(
            (ref for ref in asked if ref.kind is ReferenceKind.LOCATION),
            key=lambda ref: ref.native_id,
        )
        traders = [ref for ref in asked if ref.kind is ReferenceKind.PARTY]
        unresolved: dict[Reference, str] = {}
        found_items = await self._resolved_items(tx, source, items, unresolved)
        found_places = await _resolved(tx, store.RESOLVE_LOCATIONS, source, places)
        found = await _resolved(tx, store.RESOLVE_PARTIES, source, traders)
        unresolved |= {ref: "MD-LOC" for ref in places if ref.native_id not in found_places}
        unresolved |= {
            ref: "MD-PARTY"
            for ref in traders
            if ref.native_id not in found and not ref.may_be_unknown
        }
        return Resolution(found_items, found_places, parties=found), unresolved

    async def resolve_in(
        self, scope: Scope, source: str, references: Sequence[Reference]
    ) -> tuple[Resolution, Mapping[Reference, str]]:
        """Resolve in a transaction of its own."""
        async with self._database.transaction(scope) as tx:
            return await self.resolve(tx, source, references)

    async def native_keys(
        self, tx: Transaction, system: str, references: Sequence[Reference]
    ) -> dict[Reference, str]:
        """Answer what `system` calls each hub id (`native_id` here is ours); unknown is absent."""
        rows = await tx.fetch(
            store.NATIVE_KEYS,
            _one_tenant(tx),
            system,
            [ref.kind for ref in references],
            [ref.native_id for ref in references],
        )
        names = {(row["entity_type"], row["hub_id"]): row["native_id"] for row in rows}
        return {
            ref: names[ref.kind, ref.native_id]
            for ref in references
            if (ref.kind, ref.native_id) in names
        }

    async def native_keys_in(
        self, scope: Scope, system: str, references: Sequence[Reference]
    ) -> dict[Reference, str]:
        """Answer them in a transaction of its own."""
        async with self._database.transaction(scope) as tx:
            return await self.native_keys(tx, system, references)

    async def link(
        self,
        scope: Scope,
        system: str,
        native: Reference,
        hub_id: str,
        *,
        confidence: Confidence = Confidence.ASSERTED,
        by: str = "",
    ) -> None:
        """Say by hand what a system's key means: two ERPs after a merger, an old number."""
        xref = store.XRef(
            scope.tenant,
            system,
            native.kind,
            native.native_id,
            Qualifier.ID,
            normalised(hub_id),
            self._clock.now(),
        )
        async with self._database.transaction(scope) as tx:
            await self._must_exist(tx, native.kind, xref.hub_id)
            if native.kind is ReferenceKind.PARTY:
                await parties.link(tx, xref, confidence, by, self._customers)
            else:
                await store.put_xrefs(tx, [xref], confidence, by)
            tx.wake(TOPIC)

    async def names(
        self, scope: Scope, items: Iterable[str], locations: Iterable[str]
    ) -> tuple[dict[str, str], set[str]]:
        """Tell which of these hub ids there are: items with their base units, and locations."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.NAMES, scope.tenant, list(items), list(locations))
        base_units = {row["name"]: row["base_unit"] for row in rows if row["base_unit"]}
        return base_units, {row["name"] for row in rows if not row["base_unit"]}

    async def time_zones(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Answer the zone of each (tenant, location); one that nobody knows is left out."""
        return await zones_in(tx, places)

    async def item_classes(self, tx: Transaction, items: Sequence[str]) -> dict[str, str]:
        """Name the class of each of these items that has one."""
        return dict(await tx.fetch(CLASSES, tx.tenant, items))

    async def items(
        self, scope: Scope, *, after: str = "", limit: int = 100, only: Sequence[str] | None = None
    ) -> list[ItemRecord]:
        """List items in order of their ids, from the one behind `after` on."""
        wanted = None if only is None else [normalised(item) for item in only]
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.ITEMS, scope.tenant, after, wanted, limit)
            ids = [row["item"] for row in rows]
            units = await tx.fetch(store.UNITS_NOW, scope.tenant, ids, self._clock.now())
            numbers = await tx.fetch(store.IDENTIFIERS, scope.tenant, ids)
        return [item_record(row, units, numbers) for row in rows]

    async def item(self, scope: Scope, item: str) -> ItemRecord:
        found = await self.items(scope, only=[item], limit=1)
        return _only(found, f"no item is called {item!r}", "MD-ITEM-XREF")

    async def locations(
        self, scope: Scope, *, after: str = "", limit: int = 100, only: Sequence[str] | None = None
    ) -> list[LocationRecord]:
        wanted = None if only is None else [normalised(place) for place in only]
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.LOCATIONS, scope.tenant, after, wanted, limit)
        fields: list[dict[str, Any]] = [
            {**dict(row), "members": tuple(row["members"])} for row in rows
        ]
        return [LocationRecord(**each) for each in fields]

    async def location(self, scope: Scope, location: str) -> LocationRecord:
        found = await self.locations(scope, only=[location], limit=1)
        return _only(found, f"no location is called {location!r}", "MD-LOC")

    async def check_group(self, scope: Scope, code: str, members: Sequence[str]) -> None:
        """Refuse to group what is no location, a group, or this group itself."""
        group, named = normalised(code), [normalised(member) for member in members]
        found = await self.locations(scope, only=named, limit=len(named))
        async with self._database.transaction(scope) as tx:
            above = await tx.fetchval(store.GROUP_OF, scope.tenant, group)
        check_members(group, named, {place.location: place.kind for place in found}, above)

    async def parties(
        self, scope: Scope, *, after: str = "", limit: int = 100, only: Sequence[str] | None = None
    ) -> list[PartyRecord]:
        """List parties in order of their ids, from the one behind `after` on."""
        wanted = None if only is None else [normalised(party) for party in only]
        async with self._database.transaction(scope) as tx:
            return await parties.listed(tx, after, wanted, limit)

    async def party(self, scope: Scope, party: str) -> PartyRecord:
        found = await self.parties(scope, only=[party], limit=1)
        return _only(found, f"no party is called {party!r}", "MD-PARTY")

    async def known_as(self, scope: Scope, party: str) -> list[str]:
        """Give all names of a party that is known by one of them, its id first."""
        name = normalised(party)
        if not name:
            return [""]
        async with self._database.transaction(scope) as tx:
            return (await PartyNames().known_as(tx, scope.tenant, [name]))[name]

    async def findings(self, scope: Scope, *, limit: int = 100) -> list[dict[str, Any]]:
        """List what was refused of facts whose rest was taken, newest first."""
        async with self._database.transaction(scope) as tx:
            return [dict(row) for row in await tx.fetch(store.FINDINGS, scope.tenant, limit)]

    async def _take_items(
        self,
        tx: Transaction,
        items: Sequence[tuple[Heard, ItemChanged]],
        said: Mapping[tuple[str, str], LastWord],
    ) -> None:
        """Take in items; `said` is the last word on what not every source knows."""
        facts = [fact for fact, _ in items]
        bases = await store.base_units(tx, facts)
        units: list[tuple[Heard, Conversion]] = []
        numbers: list[tuple[Heard, str, str]] = []
        findings: list[tuple[Heard, Finding]] = []
        for fact, item in items:
            base = bases.setdefault(fact.hub_key, canonical_unit(item.base_unit))
            taken, refused = conversions(item, base)
            named, misnamed = gtins(item)
            units += [(fact, unit) for unit in taken]
            numbers += [(fact, gtin, unit) for gtin, unit in named]
            findings += [(fact, finding) for finding in (*refused, *misnamed)]
        await store.put_items(tx, facts, said)
        await store.put_units(tx, units)
        stored = await store.put_gtins(tx, numbers)
        findings += [
            (fact, Finding("MD-GTIN", gtin, "it is another item's number already"))
            for fact, gtin, _ in numbers
            if (*fact.hub_key, gtin) not in stored
        ]
        await store.put_findings(tx, findings)

    async def _resolved_items(
        self,
        tx: Transaction,
        source: str,
        asked: Sequence[Reference],
        unresolved: dict[Reference, str],
    ) -> dict[tuple[str, str], ItemInUnit]:
        if not asked:
            return {}
        rows = await tx.fetch(
            store.RESOLVE_ITEMS,
            _one_tenant(tx),
            source,
            [ref.native_id for ref in asked],
            [normalised(ref.native_id) for ref in asked],
            [ref.unit for ref in asked],
            [canonical_unit(ref.unit) for ref in asked],
            self._clock.now(),
        )
        found: dict[tuple[str, str], ItemInUnit] = {}
        for row in rows:
            reference = Reference(ReferenceKind.ITEM, row["native_id"], row["unit"])
            if row["item"] is None:
                unresolved[reference] = "MD-ITEM-XREF"
            elif row["numerator"] is None:
                unresolved[reference] = "MD-UOM"
            else:
                found[row["native_id"], row["unit"]] = ItemInUnit(
                    row["item"], row["base_unit"], row["numerator"], row["denominator"]
                )
        return found

    async def _must_exist(self, tx: Transaction, kind: ReferenceKind, hub_id: str) -> None:
        statement = {
            ReferenceKind.ITEM: store.ITEMS,
            ReferenceKind.LOCATION: store.LOCATIONS,
            ReferenceKind.PARTY: parties.PARTIES,
        }
        if kind not in statement:
            raise Invalid(f"the catalogue knows items, locations and parties, no {kind}")
        if not await tx.fetch(statement[kind], tx.tenant, "", [hub_id], 1):
            raise NotFound(f"no {kind} is called {hub_id!r}")


async def _resolved(
    tx: Transaction, statement: str, source: str, asked: Sequence[Reference]
) -> dict[str, str]:
    names = [ref.native_id for ref in asked]
    return await store.resolved(tx, statement, _one_tenant(tx), source, names) if names else {}


def _only(found: Sequence[Record], reason: str, code: str) -> Record:
    if not found:
        raise NotFound(reason, code=code)
    return found[0]


def _one_tenant(tx: Transaction) -> str:
    """Refuse a worker's scope: a native key means something only within a tenant."""
    if tx.tenant == ALL_TENANTS:
        raise Invalid("a native key is looked up for one tenant", hint="open Scope(tenant)")
    return tx.tenant
