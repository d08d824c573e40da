"""What kits are put together from, for whoever promises what lies there now.

Asked with every promise, so which items are kits is remembered for a moment.
"""

from collections.abc import Iterable, Mapping, Sequence

from crossdock.capabilities.supply import explosion, kept_store, kit_store
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

REMEMBERED_SECONDS, READINGS = 1.0, 100
"""So long a tenant's kits are remembered, or so many times as long as it took to read them."""

Key = tuple[str, str]
"""Item, location."""


class KitRecipes:
    """Answers in the caller's transaction, and from memory where there is no kit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kits: dict[str, tuple[float, frozenset[str]]] = {}

    def has_none_of(self, tenant: str, items: Iterable[str]) -> bool:
        """Say whether none of these was a kit a moment ago, without asking."""
        until, kits = self._kits.get(tenant, (0.0, frozenset[str]()))
        return until > self._clock.ticks() and kits.isdisjoint(items)

    async def exploded(
        self, tx: Transaction, tenant: str, items: Sequence[str]
    ) -> dict[str, list[tuple[str, Sequence[tuple[str, int]]]]]:
        """Name all that goes into those of these that are kits, each item behind what takes it."""
        kits = (await self._every(tx, tenant)).intersection(items)
        return await self.told(tx, tenant, sorted(kits)) if kits else {}

    async def told(
        self, tx: Transaction, tenant: str, items: Sequence[str]
    ) -> dict[str, list[tuple[str, Sequence[tuple[str, int]]]]]:
        """Name the same, as it is told by now and not a moment ago."""
        found = await kit_store.needed(tx, tenant, items)
        recipes = {item: parts for item, parts in found.items() if parts}
        levels = {item: explosion.exploded(item, recipes) for item in recipes.keys() & {*items}}
        return {item: [(one.item, one.into) for one in each] for item, each in levels.items()}

    async def among(self, tx: Transaction, tenant: str, items: Sequence[str]) -> frozenset[str]:
        """Name those of these items that are kits."""
        return await kit_store.among(tx, tenant, items)

    async def above(self, tx: Transaction, tenant: str, items: Sequence[str]) -> frozenset[str]:
        """Name those of these items that are kits, and all kits that any of them goes into."""
        into = await kit_store.above(tx, tenant, items)
        every = {*items, *(kit for kits in into.values() for kit in kits)}
        return await kit_store.among(tx, tenant, sorted(every))

    async def takes_parts(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> frozenset[Key]:
        """Name those of these (kit, location) whose orders claim their parts."""
        return await kit_store.takes_parts(tx, tenant, keys)

    async def alone(self, tx: Transaction, tenant: str, keys: Sequence[Key]) -> frozenset[Key]:
        """Name those of these (kit, location) whose orders name the kit alone."""
        return await kit_store.alone(tx, tenant, keys)

    async def dated(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[tuple[str, str, str], int]:
        """Say of how many kits promises by date take parts at most: item, location, order line."""
        return await kept_store.made(tx, tenant, keys, is_at_most=True)

    async def _every(self, tx: Transaction, tenant: str) -> frozenset[str]:
        until, kits = self._kits.get(tenant, (0.0, frozenset[str]()))
        began = self._clock.ticks()
        if until <= began:
            kits = await kit_store.every(tx, tenant)
            took = self._clock.ticks() - began
            self._kits[tenant] = (began + max(REMEMBERED_SECONDS, READINGS * took), kits)
        return kits
