"""What kits are put together from, for whoever promises what lies there now.

Asked with every promise, so which items are kits is remembered for a moment.
"""

from collections.abc import Iterable, Sequence

from crossdock.capabilities.supply import explosion, kit_store
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
        if not kits:
            return {}
        told = await kit_store.needed(tx, tenant, sorted(kits))
        recipes = {item: parts for item, parts in told.items() if parts}
        levels = {item: explosion.exploded(item, recipes) for item in kits & recipes.keys()}
        return {item: [(one.item, one.into) for one in each] for item, each in levels.items()}

    async def takes_parts(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> frozenset[Key]:
        """Name those of these (kit, location) whose orders name the kit alone."""
        return await kit_store.takes_parts(tx, tenant, keys)

    async def _every(self, tx: Transaction, tenant: str) -> frozenset[str]:
        until, kits = self._kits.get(tenant, (0.0, frozenset[str]()))
        began = self._clock.ticks()
        if until <= began:
            kits = await kit_store.every(tx, tenant)
            took = self._clock.ticks() - began
            self._kits[tenant] = (began + max(REMEMBERED_SECONDS, READINGS * took), kits)
        return kits
