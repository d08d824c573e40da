"""Item ids and base units, remembered: what the busiest callers ask of the catalogue.

Nothing here can go stale. An item or location that exists never ceases to, and a base unit never
changes; conversions do, so they are asked for each time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.canonical.units import canonical_unit
from crossdock.capabilities.catalog.model import OWN_SOURCE, normalised
from crossdock.capabilities.catalog.service import Catalog
from crossdock.foundation.scope import Scope

REMEMBERED_MAX = 400_000
AS_WRITTEN_MAX = 50_000
"""Fewer, for these are named by callers: one place can be written in any number of ways."""


class Named(NamedTuple):
    """An item at a location as a caller writes it; `quantity.unit` "" is the base unit."""

    item: str
    location: str
    quantity: Quantity | None = None


class Found(NamedTuple):
    """The same in the hub's keys, and the amount in micros of the base unit."""

    item: str
    location: str
    base_unit: str
    micros: int = 0


class KnownGoods:
    """Names are compared as the catalogue compares SKUs and location codes, not as a source's."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._base_units: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._locations: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._as_written: OrderedDict[tuple[str, str, str], Found] = OrderedDict()
        self._wanted: dict[str, set[tuple[str, str]]] = {}
        self._looking: dict[str, asyncio.Lock] = {}

    async def find(self, scope: Scope, named: Sequence[Named], *, where: str) -> list[Found]:
        """Answer in order; a name nobody knows is `Invalid`, and `where` leads to it."""
        found = self.remembered(scope, named)
        if found is not None:
            return found
        return await self._find(
            scope, named, [f"{where}/{number}" for number in range(len(named))]
        )

    def remembered(self, scope: Scope, named: Sequence[Named]) -> list[Found] | None:
        """Answer in order if all of it was asked before, in these words; None: `find` knows."""
        found = [self._remembered(scope.tenant, name) for name in named]
        return None if None in found else cast("list[Found]", found)

    async def find_one(self, scope: Scope, named: Named, *, where: str) -> Found:
        found = self._remembered(scope.tenant, named)
        return found or (await self._find(scope, [named], [where]))[0]

    async def _find(
        self, scope: Scope, named: Sequence[Named], places: Sequence[str]
    ) -> list[Found]:
        keys = [(normalised(name.item), normalised(name.location)) for name in named]
        await self._learn(scope, keys)
        factors = await self._factors(scope, keys, named)
        return [
            self._found(scope.tenant, key, name, factors, where)
            for key, name, where in zip(keys, named, places, strict=True)
        ]

    async def base_units(self, scope: Scope, items: Iterable[str]) -> dict[str, str]:
        """Give the base units of hub items."""
        wanted = set(items)
        await self._learn(scope, [(item, "") for item in wanted])
        return {item: self._base_units.get((scope.tenant, item), "EA") for item in wanted}

    async def _learn(self, scope: Scope, keys: Sequence[tuple[str, str]]) -> None:
        """Look up what is not known yet; who asks meanwhile is answered by the next look-up."""
        tenant = scope.tenant
        if not self._unknown(tenant, keys):
            return
        wanted = self._wanted.setdefault(scope.tenant, set())
        wanted.update(keys)
        async with self._looking.setdefault(scope.tenant, asyncio.Lock()):
            missing = self._unknown(scope.tenant, wanted)
            wanted.clear()
            if missing:
                await self._look_up(scope, *missing)

    def _unknown(
        self, tenant: str, keys: Iterable[tuple[str, str]]
    ) -> tuple[set[str], set[str]] | None:
        items = {item for item, _ in keys if (tenant, item) not in self._base_units}
        places = {place for _, place in keys if (tenant, place) not in self._locations} - {""}
        return (items, places) if items or places else None

    async def _look_up(self, scope: Scope, items: set[str], places: set[str]) -> None:
        tenant = scope.tenant
        base_units, locations = await self._catalog.names(scope, items, places)
        for item, base_unit in base_units.items():
            self._base_units[tenant, item] = base_unit
        for place in locations:
            self._locations[tenant, place] = None
        for memory in (self._base_units, self._locations):
            _forget_oldest(memory, REMEMBERED_MAX)

    async def _factors(
        self, scope: Scope, keys: Sequence[tuple[str, str]], named: Sequence[Named]
    ) -> dict[tuple[str, str], tuple[int, int]]:
        """Ask for the conversions of those few that are not in the base unit."""
        odd = {
            (item, name.quantity.unit)
            for (item, _), name in zip(keys, named, strict=True)
            if name.quantity
            and name.quantity.unit
            and name.quantity.unit != (base := self._base_units.get((scope.tenant, item)))
            and canonical_unit(name.quantity.unit) != base
        }
        if not odd:
            return {}
        references = [Reference(ReferenceKind.ITEM, item, unit) for item, unit in sorted(odd)]
        resolution, _ = await self._catalog.resolve_in(scope, OWN_SOURCE, references)
        return {
            (item, unit): (found.numerator, found.denominator)
            for (item, unit), found in resolution.items.items()
        }

    def _remembered(self, tenant: str, name: Named) -> Found | None:
        """Answer what was asked before, in these very words and in the base unit: nearly all."""
        goods = self._as_written.get((tenant, name.item, name.location))
        return None if goods is None else _in_base_unit(goods, name.quantity)

    def _found(
        self,
        tenant: str,
        key: tuple[str, str],
        name: Named,
        factors: dict[tuple[str, str], tuple[int, int]],
        where: str,
    ) -> Found:
        item, location = key
        base_unit = self._base_units.get((tenant, item))
        if base_unit is None:
            raise _unknown(f"no item is called {name.item!r}", f"{where}/item", "MD-ITEM-XREF")
        if (tenant, location) not in self._locations:
            reason = f"no location is called {name.location!r}"
            raise _unknown(reason, f"{where}/location", "MD-LOC")
        goods = Found(item, location, base_unit)
        self._as_written[tenant, name.item, name.location] = goods
        _forget_oldest(self._as_written, AS_WRITTEN_MAX)
        if (plain := _in_base_unit(goods, name.quantity)) or name.quantity is None:
            return plain or goods
        micros, unit = name.quantity.micros, name.quantity.unit
        if (item, unit) not in factors:
            reason = f"item {item} has no conversion from {unit!r} to {base_unit}"
            raise _unknown(reason, f"{where}/quantity/unit", "MD-UOM")
        numerator, denominator = factors[item, unit]
        whole, rest = divmod(micros * numerator, denominator)
        if rest:
            reason = f"{name.quantity} is no whole number of millionths of {base_unit}"
            raise _unknown(reason, f"{where}/quantity", "MD-UOM")
        return Found(item, location, base_unit, whole)


def _in_base_unit(goods: Found, quantity: Quantity | None) -> Found | None:
    if quantity is None:
        return goods
    item, location, base_unit, _ = goods
    unit = quantity.unit
    if not unit or unit == base_unit or canonical_unit(unit) == base_unit:
        return Found(item, location, base_unit, quantity.micros)
    return None


def _forget_oldest(memory: OrderedDict[Any, Any], most: int) -> None:
    while len(memory) > most:
        memory.popitem(last=False)


def _unknown(reason: str, where: str, code: str) -> Invalid:
    return Invalid(
        reason,
        where=where,
        code=code,
        hint="GET /v1/items and /v1/locations, or `crossdock catalog`, list what is known",
    )
