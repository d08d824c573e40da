"""What else happens where a rule is put or taken back: who shows stock by it looks again."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from crossdock.capabilities.supply import rule_store
from crossdock.capabilities.supply.kit_store import HearsRecipes
from crossdock.capabilities.supply.kits import Kits
from crossdock.capabilities.supply.rules import AtpRule, PlacedRule
from crossdock.foundation.database import Transaction


class HearsShown(HearsRecipes, Protocol):
    """Whoever shows how much there is: of kits, and of goods that keep long enough."""

    async def lives_changed(self, tx: Transaction, items: Sequence[tuple[str, str]]) -> None:
        """Hear of (tenant, item) that have to keep, or do keep, otherwise than before.

        "*" is whatever item.
        """
        ...


class Ruling:
    def __init__(self, kits: Kits, shows: Callable[[], HearsShown] | None) -> None:
        self._kits = kits
        self._shows = shows

    @asynccontextmanager
    async def __call__(self, tx: Transaction, placed: PlacedRule) -> AsyncIterator[None]:
        """Be alone with the rules; have looked at what is shown, if it is shown otherwise after.

        What kits claimed before is named before, and what they claim now by who looks.
        """
        await rule_store.alone(tx)
        said, now = await rule_store.said(tx, placed.key) or AtpRule(), placed.rule
        if self._shows is None:
            yield
            return
        is_of_parts = said.takes_parts != now.takes_parts
        concerned = await self._kits.ruled(tx, tx.tenant, placed.item) if is_of_parts else ()
        yield
        if concerned:
            named = [(tx.tenant, item) for item in sorted(concerned)]
            await self._shows().recipes_changed(tx, named)
        if said.lives != now.lives:
            await self._shows().lives_changed(tx, [(tx.tenant, placed.item)])
