"""Kits, for whoever shows stock: what they are put together from, and who must look again.

Each method answers in the caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from crossdock.capabilities.supply import kept_store, kit_store, rules
from crossdock.capabilities.supply.explosion import Recipes
from crossdock.capabilities.supply.kept import Held, told_of
from crossdock.capabilities.supply.kitting import Book, Figures, Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

HAS_NONE_SECONDS = 1.0
"""That a tenant has no kits is remembered so long, for answers that hold nothing."""


@dataclass(frozen=True, slots=True)
class Recipebook:
    """Recipes of items, of all that goes into them, and of the kits that take any of that.

    `items` are all of these; `kits` those asked about that are kits, `former` those that are kits
    no longer; `above` are kits whose orders may claim some of what was asked about.
    """

    recipes: Recipes = field(default_factory=dict[str, Sequence[tuple[str, int, str]]])
    items: AbstractSet[str] = frozenset()
    kits: AbstractSet[str] = frozenset()
    former: AbstractSet[str] = frozenset()
    above: AbstractSet[str] = frozenset()


class KnowsHeld(Protocol):
    """Whoever keeps what order lines claim; inventory, usually."""

    async def held(
        self, tx: Transaction, tenant: str, demand_refs: Sequence[str]
    ) -> Sequence[Held]:
        """Give what order lines hold, picks taken off, and what has left of them."""
        ...

    async def in_parts(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[tuple[str, str, str], int]:
        """Say of how many kits reservations hold the parts: item, location, order line."""
        ...


class Kits:
    def __init__(self, clock: Clock, stock: KnowsHeld) -> None:
        self._clock = clock
        self._stock = stock
        self._none_until: dict[str, float] = {}

    def has_none(self, tenant: str) -> bool:
        """Say whether a tenant had no kits a moment ago, without asking."""
        return self._none_until.get(tenant, 0.0) > self._clock.ticks()

    async def among(self, tx: Transaction, tenant: str, items: Iterable[str]) -> frozenset[str]:
        """Name those of these items that are kits; that there are none at all is remembered."""
        asked = sorted(set(items))
        found = await kit_store.among(tx, tenant, asked)
        if not found and not await kit_store.has_kits(tx, tenant):
            self._none_until[tenant] = self._clock.ticks() + HAS_NONE_SECONDS
        return found

    async def recipes(self, tx: Transaction, tenant: str, items: Iterable[str]) -> Recipebook:
        """Read what these items are put together from, and which kits take any of that."""
        asked = sorted(set(items))
        told = await kit_store.needed(tx, tenant, asked)
        found = {item: parts for item, parts in told.items() if parts}
        above = {
            kit
            for kits in (await kit_store.above(tx, tenant, sorted(told))).values()
            for kit in kits
        }
        if above:
            more = await kit_store.needed(tx, tenant, sorted(above - told.keys()))
            found |= {item: parts for item, parts in more.items() if parts and item in above}
        return Recipebook(
            recipes=found,
            items=told.keys() | found.keys(),
            kits={item for item in asked if item in found},
            former={item for item in asked if told[item] is not None and item not in found},
            above=above,
        )

    async def book(
        self,
        tx: Transaction,
        tenant: str,
        read: Recipebook,
        figures: Mapping[Key, Figures],
        groups: Mapping[str, str],
    ) -> Book:
        """Put recipes and figures together; `groups` names the group of each location in one."""
        keys = sorted(key for key in figures if key[0] in read.above)
        takes = await kit_store.takes_parts(tx, tenant, keys) if keys else frozenset[Key]()
        kits = sorted(key for key in figures if key[0] in read.recipes)
        held = await self._held_as_parts(tx, tenant, kits) if kits else {}
        found = dict(figures)
        for key, micros in held.items():
            found[key] = found[key]._replace(claimed=found[key].claimed - micros)
        return Book(read.recipes, found, groups, takes)

    async def _held_as_parts(
        self, tx: Transaction, tenant: str, kits: Sequence[Key]
    ) -> dict[Key, int]:
        """Say how much orders for kits claim of which components are held for them (A19, I9)."""
        made = await kept_store.made(tx, tenant, kits)
        for key, micros in (await self._stock.in_parts(tx, tenant, kits)).items():
            made[key] = made.get(key, 0) + micros
        if not made:
            return {}
        held = await self._stock.held(tx, tenant, sorted({ref for *_, ref in made}))
        told, hard = told_of(held), dict[tuple[str, str, str], int]()
        for ref, item, location, micros, *_ in held:
            hard[item, location, ref] = hard.get((item, location, ref), 0) + micros
        found: dict[Key, int] = {}
        for (item, location, ref), micros in made.items():
            if ref in told and told[ref].is_ordered:
                both = min(micros, hard.get((item, location, ref), 0))
                found[item, location] = found.get((item, location), 0) + both
        return found

    async def ruled(self, tx: Transaction, tenant: str, item: str) -> set[str]:
        """Name the kits that a rule of an item is for, and all that they concern as it stands."""
        every = item == rules.ALL
        named = await (
            kit_store.every(tx, tenant) if every else kit_store.among(tx, tenant, [item])
        )
        return set(named).union(*(await self.concerned(tx, tenant, named)).values())

    async def concerned(
        self, tx: Transaction, tenant: str, items: Iterable[str]
    ) -> dict[str, set[str]]:
        """Name what else there is more or less of when there is of these items.

        The kits that take an item, on any level; and where orders claim components in place of a
        kit, what goes into it, and the kits that take that.
        """
        asked = sorted(set(items))
        found = await kit_store.above(tx, tenant, asked)
        family = {item: {item, *found.get(item, ())} for item in asked}
        wide = sorted({kit for kits in family.values() for kit in kits})
        kits = await kit_store.among(tx, tenant, wide)
        if drawn := [item for item in asked if family[item] & kits]:
            told = await kit_store.needed(tx, tenant, drawn)
            beside = await kit_store.above(tx, tenant, sorted(told))
            for item in drawn:
                parts = _below(item, told)
                family[item] |= parts
                for part in parts:
                    family[item] |= beside.get(part, set())
        return {item: others - {item} for item, others in family.items() if len(others) > 1}


def _below(kit: str, told: Mapping[str, Sequence[tuple[str, int, str]] | None]) -> set[str]:
    found: set[str] = set()
    ready = [kit]
    for item in ready:
        for part, *_ in told.get(item) or ():
            if part not in found:
                found.add(part)
                ready.append(part)
    return found
