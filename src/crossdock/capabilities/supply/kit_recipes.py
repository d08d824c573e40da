"""What kits are put together from, for whoever promises what lies there now.

Asked with every promise, so items that are no kits are remembered for a moment.
"""

from collections.abc import Collection, Sequence

from crossdock.capabilities.supply import explosion, kit_store
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

REMEMBERED_SECONDS = 1.0
PLAIN_MAX = 200_000
"""So many items that are no kits are remembered at once."""

Key = tuple[str, str]
"""Item, location."""


class KitRecipes:
    """Answers in the caller's transaction, and from memory where there is no kit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._none_until: dict[str, float] = {}
        self._plain_until: dict[tuple[str, str], float] = {}

    def has_none_of(self, tenant: str, items: Sequence[str]) -> bool:
        """Say whether none of these was a kit a moment ago, without asking."""
        now = self._clock.ticks()
        if self._none_until.get(tenant, 0.0) > now:
            return True
        known = self._plain_until
        return all(known.get((tenant, item), 0.0) > now for item in items)

    async def exploded(
        self, tx: Transaction, tenant: str, items: Sequence[str]
    ) -> dict[str, list[tuple[str, Sequence[tuple[str, int]]]]]:
        """Name all that goes into those of these that are kits, each item behind what takes it."""
        told = await kit_store.needed(tx, tenant, sorted(set(items)))
        recipes = {item: parts for item, parts in told.items() if parts}
        levels = {item: explosion.exploded(item, recipes) for item in items if item in recipes}
        await self._remember(tx, tenant, items, recipes)
        return {item: [(one.item, one.into) for one in each] for item, each in levels.items()}

    async def takes_parts(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> frozenset[Key]:
        """Name those of these (kit, location) whose orders name the kit alone."""
        return await kit_store.takes_parts(tx, tenant, keys)

    async def _remember(
        self, tx: Transaction, tenant: str, items: Sequence[str], kits: Collection[str]
    ) -> None:
        until = self._clock.ticks() + REMEMBERED_SECONDS
        if not kits and not await kit_store.has_kits(tx, tenant):
            self._none_until[tenant] = until
            return
        if len(self._plain_until) > PLAIN_MAX:
            self._plain_until.clear()
        self._plain_until |= {(tenant, one): until for one in items if one not in kits}
